package conformance

import "testing"

const leaseA, leaseB = "5b2c3c4d-0000-4000-8000-00000000000a", "5b2c3c4d-0000-4000-8000-00000000000b"

func TestLeases(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "x", nil)
		for _, path := range []string{s.container, s.container + "/b"} {
			query, blob := "comp=lease", path != s.container
			if !blob {
				query = "restype=container&comp=lease"
			}
			lease := func(action string, h header) *answer {
				all := header{"x-ms-lease-action": action}
				for n, v := range h {
					all[n] = v
				}
				return s.do("PUT", path, query, all, "")
			}
			lease("acquire", header{"x-ms-lease-duration": "14"}).want(400, "InvalidHeaderValue")
			lease("acquire", header{"x-ms-lease-duration": "15", "x-ms-proposed-lease-id": leaseA}).want(201, "").has(header{"x-ms-lease-id": leaseA, "ETag": "", "Last-Modified": ""})
			s.properties(path).has(header{"x-ms-lease-status": "locked", "x-ms-lease-state": "leased", "x-ms-lease-duration": "fixed"})
			lease("acquire", header{"x-ms-lease-duration": "15", "x-ms-proposed-lease-id": leaseB}).want(409, "LeaseAlreadyPresent")
			lease("acquire", header{"x-ms-lease-duration": "-1", "x-ms-proposed-lease-id": leaseA}).want(201, "")
			s.properties(path).has(header{"x-ms-lease-duration": "infinite"})
			lease("renew", header{"x-ms-lease-id": leaseB}).want(409, "LeaseIdMismatchWithLeaseOperation")
			lease("renew", header{"x-ms-lease-id": leaseA}).want(200, "").has(header{"x-ms-lease-id": leaseA})
			lease("change", header{"x-ms-lease-id": leaseA, "x-ms-proposed-lease-id": leaseB}).want(200, "").has(header{"x-ms-lease-id": leaseB})
			if blob {
				s.blob("PUT", "b", "comp=metadata", nil, "").want(412, "LeaseIdMissing")
				s.blob("PUT", "b", "comp=metadata", header{"x-ms-lease-id": leaseA}, "").want(412, "LeaseIdMismatchWithBlobOperation")
				s.blob("PUT", "b", "comp=metadata", header{"x-ms-lease-id": leaseB}, "").want(200, "")
				s.blob("GET", "b", "", header{"x-ms-lease-id": leaseA}, "").want(412, "LeaseIdMismatchWithBlobOperation")
				s.blob("GET", "b", "", nil, "").want(200, "")
				s.blob("DELETE", "b", "", nil, "").want(412, "LeaseIdMissing")
			} else {
				s.do("DELETE", path, "restype=container", nil, "").want(412, "LeaseIdMissing")
				s.do("DELETE", path, "restype=container", header{"x-ms-lease-id": leaseA}, "").want(412, "LeaseIdMismatchWithContainerOperation")
			}
			lease("release", header{"x-ms-lease-id": leaseA}).want(409, "LeaseIdMismatchWithLeaseOperation")
			lease("release", header{"x-ms-lease-id": leaseB}).want(200, "")
			s.properties(path).has(header{"x-ms-lease-status": "unlocked", "x-ms-lease-state": "available"})
			lease("acquire", header{"x-ms-lease-duration": "60", "x-ms-proposed-lease-id": leaseA}).want(201, "")
			lease("break", header{"x-ms-lease-break-period": "30"}).want(202, "").has(header{"x-ms-lease-time": ""})
			s.properties(path).has(header{"x-ms-lease-status": "locked", "x-ms-lease-state": "breaking"})
			lease("acquire", header{"x-ms-lease-duration": "15", "x-ms-proposed-lease-id": leaseB}).want(409, "LeaseAlreadyPresent")
			lease("renew", header{"x-ms-lease-id": leaseA}).want(409, "LeaseIsBrokenAndCannotBeRenewed")
			lease("break", header{"x-ms-lease-break-period": "0"}).want(202, "").has(header{"x-ms-lease-time": "0"})
			s.properties(path).has(header{"x-ms-lease-status": "unlocked", "x-ms-lease-state": "broken"})
		}
		s.put("c", "x", nil)
		s.blob("PUT", "c", "comp=metadata", header{"x-ms-lease-id": leaseA}, "").want(412, "LeaseNotPresentWithBlobOperation")
	})
}

// properties asks for the headers of a container or blob.
func (s *service) properties(path string) *answer {
	s.Helper()
	query := ""
	if path == s.container {
		query = "restype=container"
	}
	return s.do("HEAD", path, query, nil, "").want(200, "")
}
