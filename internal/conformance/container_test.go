package conformance

import "testing"

func TestContainer(t *testing.T) {
	each(t, func(s *service) {
		name := s.container + "x"
		s.do("GET", name, "restype=container", nil, "").want(404, "ContainerNotFound")
		s.do("HEAD", name, "restype=container", nil, "").want(404, "ContainerNotFound").is("")
		s.do("DELETE", name, "restype=container", nil, "").want(404, "ContainerNotFound")
		made := s.do("PUT", name, "restype=container", header{"x-ms-meta-project": "x", "x-ms-blob-public-access": "blob"}, "").want(201, "").
			has(header{"ETag": "", "Last-Modified": ""})
		s.do("PUT", name, "restype=container", nil, "").want(409, "ContainerAlreadyExists").holds("<Code>ContainerAlreadyExists</Code>", "<Message>", "RequestId:", "Time:")
		for _, method := range []string{"GET", "HEAD"} {
			s.do(method, name, "restype=container", nil, "").want(200, "").is("").has(header{
				"ETag": made.header.Get("ETag"), "Last-Modified": made.header.Get("Last-Modified"), "x-ms-meta-project": "x", "x-ms-blob-public-access": "blob",
				"x-ms-lease-status": "unlocked", "x-ms-lease-state": "available", "x-ms-has-immutability-policy": "false", "x-ms-has-legal-hold": "false",
			}).without("x-ms-lease-duration", "x-ms-error-code")
		}
		s.do("PUT", name, "restype=container&comp=metadata", header{"x-ms-meta-a_1": "1", "x-ms-meta-a1": "2"}, "").want(200, "").has(header{"ETag": "", "Last-Modified": ""})
		s.do("HEAD", name, "restype=container", nil, "").want(200, "").has(header{"x-ms-meta-a_1": "1", "x-ms-meta-a1": "2"}).without("x-ms-meta-project")
		s.do("GET", name, "restype=container&comp=metadata", nil, "").want(200, "").has(header{"x-ms-meta-a_1": "1"})
		s.do("PUT", name, "restype=container&comp=metadata", nil, "").want(200, "")
		s.do("HEAD", name, "restype=container", nil, "").want(200, "").without("x-ms-meta-a_1", "x-ms-meta-a1")
		s.do("PUT", name, "restype=container&comp=metadata", header{"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, "").want(412, "ConditionNotMet")
		s.do("DELETE", name, "restype=container", header{"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, "").want(412, "ConditionNotMet")
		s.do("DELETE", name, "restype=container", nil, "").want(202, "")
		s.do("HEAD", name, "restype=container", nil, "").want(404, "ContainerNotFound")
	})
}

func TestContainerNames(t *testing.T) {
	each(t, func(s *service) {
		for _, name := range []string{"Photos", "a_b-c", "-abc", "abc-", "a--b"} {
			s.do("PUT", name, "restype=container", nil, "").want(400, "InvalidResourceName")
		}
		s.do("PUT", "ab", "restype=container", nil, "").want(400, "OutOfRangeInput")
	})
}

func TestListContainers(t *testing.T) {
	each(t, func(s *service) {
		for _, end := range []string{"1", "2", "3"} {
			s.do("PUT", s.container+end, "restype=container", header{"x-ms-meta-end": end}, "").want(201, "")
		}
		all := s.do("GET", "", "comp=list&prefix="+s.container, nil, "").want(200, "").has(header{"Content-Type": "application/xml"})
		all.holds("<EnumerationResults", "ServiceEndpoint=", "<Name>"+s.container+"1</Name>", "<Name>"+s.container+"3</Name>", "<Last-Modified>", "<LeaseState>available</LeaseState>").holdsNot("<Metadata>")
		s.do("GET", "", "comp=list&include=metadata&prefix="+s.container+"2", nil, "").want(200, "").holds("<Metadata><end>2</end></Metadata>").holdsNot(s.container + "1<")
		s.do("GET", "", "comp=list&maxresults=2&prefix="+s.container, nil, "").want(200, "").holds("<NextMarker>", "<MaxResults>2</MaxResults>").holdsNot(s.container + "3<")
	})
}

func TestAccountInfo(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "x", nil)
		for _, path := range []string{"", s.container, s.container + "/b"} {
			for _, method := range []string{"GET", "HEAD"} {
				s.do(method, path, "restype=account&comp=properties", nil, "").want(200, "").
					has(header{"x-ms-sku-name": "", "x-ms-account-kind": "StorageV2"}).is("")
				if path == "" || s.has("hns flag") {
					s.do(method, path, "restype=account&comp=properties", nil, "").has(header{"x-ms-is-hns-enabled": "false"})
				}
			}
		}
	})
}
