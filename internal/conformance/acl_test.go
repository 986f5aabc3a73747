package conformance

import (
	"strings"
	"testing"
)

func TestACL(t *testing.T) {
	const policy = `<?xml version="1.0" encoding="utf-8"?><SignedIdentifiers><SignedIdentifier><Id>readers</Id><AccessPolicy><Start>2026-01-01T00:00:00.0000000Z</Start><Expiry>2030-01-01T00:00:00.0000000Z</Expiry><Permission>r</Permission></AccessPolicy></SignedIdentifier></SignedIdentifiers>`
	each(t, func(s *service) {
		s.do("GET", s.container, "restype=container&comp=acl", nil, "").want(200, "").has(header{"ETag": "", "Last-Modified": ""}).without("x-ms-blob-public-access").holds("<SignedIdentifiers")
		s.do("PUT", s.container, "restype=container&comp=acl", header{"x-ms-blob-public-access": "blob"}, policy).want(200, "").has(header{"ETag": "", "Last-Modified": ""})
		s.do("GET", s.container, "restype=container&comp=acl", nil, "").want(200, "").has(header{"x-ms-blob-public-access": "blob"}).holds("<Id>readers</Id>", "<Permission>r</Permission>", "<Expiry>2030-01-01T00:00:00")
		s.do("PUT", s.container, "restype=container&comp=acl", nil, "").want(200, "")
		s.do("GET", s.container, "restype=container&comp=acl", nil, "").want(200, "").without("x-ms-blob-public-access").holdsNot("readers")
		s.do("PUT", s.container, "restype=container&comp=acl", header{"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, policy).want(412, "ConditionNotMet")
	})
}

func TestPublicAccess(t *testing.T) {
	each(t, func(s *service) {
		const acl = "restype=container&comp=acl"
		s.put("b", "hello", nil)
		anybody := s.anonymous()
		refused := func(a *answer) {
			t.Helper()
			if s.has("challenges") {
				a.want(401, "NoAuthenticationInformation").has(header{"WWW-Authenticate": ""})
			} else {
				a.want(403, "AuthorizationFailure")
			}
		}
		list := "restype=container&comp=list"
		refused(anybody.blob("GET", "b", "", nil, ""))
		s.do("PUT", s.container, acl, header{"x-ms-blob-public-access": "blob"}, "").want(200, "")
		anybody.blob("GET", "b", "", nil, "").want(200, "").is("hello")
		anybody.blob("HEAD", "b", "", nil, "").want(200, "")
		refused(anybody.do("GET", s.container, list, nil, ""))
		refused(anybody.blob("DELETE", "b", "", nil, ""))
		s.do("PUT", s.container, acl, header{"x-ms-blob-public-access": "container"}, "").want(200, "")
		anybody.do("GET", s.container, list, nil, "").want(200, "").holds("<Name>b</Name>")
		anybody.do("GET", s.container, "restype=container", nil, "").want(200, "").has(header{"x-ms-blob-public-access": "container"})
		refused(anybody.do("GET", "", "comp=list", nil, ""))
		s.lacking("checks of public access")
		refused(anybody.do("GET", s.container, acl, nil, ""))
		s.do("PUT", s.container, acl, header{"x-ms-blob-public-access": "everybody"}, "").want(400, "InvalidHeaderValue")
	})
}

func TestBadPolicies(t *testing.T) {
	each(t, func(s *service) {
		set := func(items ...string) *answer {
			return s.do("PUT", s.container, "restype=container&comp=acl", nil, "<SignedIdentifiers>"+strings.Join(items, "")+"</SignedIdentifiers>")
		}
		item := func(id, policy string) string {
			return "<SignedIdentifier><Id>" + id + "</Id><AccessPolicy>" + policy + "</AccessPolicy></SignedIdentifier>"
		}
		const fine = "<Expiry>2030-01-01</Expiry><Permission>r</Permission>"
		set(item("a", fine), item("b", fine), item("c", fine), item("d", fine), item("e", fine)).want(200, "")
		s.do("GET", s.container, "restype=container&comp=acl", nil, "").want(200, "").holds("<Id>e</Id>")
		s.lacking("checks of policies")
		set(item("a", fine), item("b", fine), item("c", fine), item("d", fine), item("e", fine), item("f", fine)).want(400, "InvalidXmlDocument")
		set(item("a", fine), item("a", fine)).want(400, "InvalidXmlNodeValue")
		set(item(strings.Repeat("x", 65), fine)).want(400, "InvalidXmlNodeValue")
		set(item("a", "<Expiry>soon</Expiry><Permission>r</Permission>")).want(400, "InvalidXmlNodeValue")
		set("<SignedIdentifier><Id>bare</Id></SignedIdentifier>").want(200, "")
	})
}

// TestLeasedContainer shows what a lease keeps a container from: from being deleted,
// and no more.
func TestLeasedContainer(t *testing.T) {
	each(t, func(s *service) {
		s.do("PUT", s.container, "restype=container&comp=lease", header{"x-ms-lease-action": "acquire", "x-ms-lease-duration": "-1", "x-ms-proposed-lease-id": leaseA}, "").want(201, "")
		s.put("b", "x", nil)
		s.do("PUT", s.container, "restype=container&comp=metadata", header{"x-ms-meta-k": "v"}, "").want(200, "")
		s.do("PUT", s.container, "restype=container&comp=acl", nil, "").want(200, "")
		s.do("PUT", s.container, "restype=container&comp=metadata", header{"x-ms-lease-id": leaseA}, "").want(200, "")
		s.do("PUT", s.container, "restype=container&comp=metadata", header{"x-ms-lease-id": leaseB}, "").want(412, "LeaseIdMismatchWithContainerOperation")
		s.do("PUT", s.container, "restype=container&comp=acl", header{"x-ms-lease-id": leaseB}, "").want(412, "LeaseIdMismatchWithContainerOperation")
		s.do("HEAD", s.container, "restype=container", header{"x-ms-lease-id": leaseB}, "").want(412, "LeaseIdMismatchWithContainerOperation")
		s.do("GET", s.container, "restype=container&comp=metadata", header{"x-ms-lease-id": leaseA}, "").want(200, "")
		s.do("DELETE", s.container, "restype=container", header{"x-ms-lease-id": leaseA}, "").want(202, "")
	})
}
