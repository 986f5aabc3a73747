package conformance

import "testing"

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

func TestServiceProperties(t *testing.T) {
	each(t, func(s *service) {
		const cors = `<?xml version="1.0" encoding="utf-8"?><StorageServiceProperties><Cors><CorsRule><AllowedOrigins>https://example.com</AllowedOrigins><AllowedMethods>GET,PUT</AllowedMethods><AllowedHeaders>*</AllowedHeaders><ExposedHeaders>x-ms-meta-*</ExposedHeaders><MaxAgeInSeconds>60</MaxAgeInSeconds></CorsRule></Cors></StorageServiceProperties>`
		s.do("PUT", "", "restype=service&comp=properties", nil, cors).want(202, "")
		s.do("GET", "", "restype=service&comp=properties", nil, "").want(200, "").holds("<StorageServiceProperties", "<AllowedOrigins>https://example.com</AllowedOrigins>", "<MaxAgeInSeconds>60</MaxAgeInSeconds>", "<HourMetrics>", "<Logging>")
	})
}
