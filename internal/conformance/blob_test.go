package conformance

import (
	"testing"
)

func TestPutBlob(t *testing.T) {
	each(t, func(s *service) {
		s.blob("GET", "b", "", nil, "").want(404, "BlobNotFound")
		s.blob("HEAD", "b", "", nil, "").want(404, "BlobNotFound").is("")
		s.do("PUT", s.container+"x/b", "", header{"x-ms-blob-type": "BlockBlob"}, "x").want(404, "ContainerNotFound")
		made := s.put("b", "hello", header{
			"x-ms-blob-content-type": "text/plain", "x-ms-blob-content-encoding": "identity", "x-ms-blob-content-language": "en",
			"x-ms-blob-content-disposition": "inline", "x-ms-blob-cache-control": "max-age=1", "x-ms-meta-k": "v", "x-ms-access-tier": "Cool",
		}).has(header{"ETag": "", "Last-Modified": "", "Content-MD5": "XUFAKrxLKna5cZ2REBfFkg==", "x-ms-request-server-encrypted": "true"})
		same := header{
			"ETag": made.header.Get("ETag"), "Last-Modified": made.header.Get("Last-Modified"), "Content-Type": "text/plain", "Content-Encoding": "identity",
			"Content-Language": "en", "Content-Disposition": "inline", "Cache-Control": "max-age=1", "x-ms-meta-k": "v", "Content-MD5": "XUFAKrxLKna5cZ2REBfFkg==",
			"Content-Length": "5", "Accept-Ranges": "bytes", "x-ms-blob-type": "BlockBlob", "x-ms-lease-status": "unlocked", "x-ms-lease-state": "available",
			"x-ms-server-encrypted": "true", "x-ms-creation-time": "",
		}
		s.blob("GET", "b", "", nil, "").want(200, "").has(same).is("hello")
		s.blob("HEAD", "b", "", nil, "").want(200, "").has(same).has(header{"x-ms-access-tier": "Cool"}).is("")
		s.blob("GET", "b", "comp=metadata", nil, "").want(200, "").has(header{"x-ms-meta-k": "v", "ETag": made.header.Get("ETag")})
		s.put("b", "", nil).has(header{"ETag": ""})
		s.blob("GET", "b", "", nil, "").want(200, "").has(header{"Content-Length": "0", "Content-Type": "application/octet-stream"}).without("x-ms-meta-k", "Cache-Control").is("")
		s.blob("DELETE", "b", "", nil, "").want(202, "")
		s.blob("DELETE", "b", "", nil, "").want(404, "BlobNotFound")
	})
}

func TestRanges(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "0123456789", nil)
		for asked, want := range map[string]struct{ contentRange, body string }{
			"bytes=0-0": {"bytes 0-0/10", "0"}, "bytes=2-4": {"bytes 2-4/10", "234"}, "bytes=7-": {"bytes 7-9/10", "789"},
			"bytes=0-99": {"bytes 0-9/10", "0123456789"}, "bytes=9-9": {"bytes 9-9/10", "9"},
		} {
			for _, name := range []string{"Range", "x-ms-range"} {
				s.blob("GET", "b", "", header{name: asked}, "").want(206, "").has(header{"Content-Range": want.contentRange, "x-ms-blob-content-md5": "eB5eJF1ptWaXm4bijSPyxw=="}).is(want.body)
			}
		}
		s.blob("GET", "b", "", header{"Range": "bytes=0-1", "x-ms-range": "bytes=5-6"}, "").want(206, "").is("56")
		s.blob("GET", "b", "", header{"x-ms-range": "bytes=0-1", "x-ms-range-get-content-md5": "true"}, "").want(206, "").has(header{"Content-MD5": "loyT0bHwaXLopWFeWRMYKA=="[:0]})
		s.blob("GET", "b", "", header{"x-ms-range": "bytes=11-20"}, "").want(416, "InvalidRange").has(header{"Content-Range": "bytes */10"})
		s.lacking("416 at the end")
		s.blob("GET", "b", "", header{"x-ms-range": "bytes=10-20"}, "").want(416, "InvalidRange")
		s.put("empty", "", nil)
		s.blob("GET", "empty", "", header{"x-ms-range": "bytes=0-"}, "").want(416, "InvalidRange")
	})
}

func TestConditionsOfReads(t *testing.T) {
	const past, future = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
	each(t, func(s *service) {
		etag := s.put("b", "x", nil).header.Get("ETag")
		for _, method := range []string{"GET", "HEAD"} {
			s.blob(method, "b", "", header{"If-Match": etag}, "").want(200, "")
			s.blob(method, "b", "", header{"If-Match": "*"}, "").want(200, "")
			s.blob(method, "b", "", header{"If-Match": `"0x0"`}, "").want(412, "ConditionNotMet")
			s.blob(method, "b", "", header{"If-None-Match": `"0x0"`}, "").want(200, "")
			s.blob(method, "b", "", header{"If-None-Match": etag}, "").want(304, "ConditionNotMet").is("")
			s.blob(method, "b", "", header{"If-Modified-Since": past}, "").want(200, "")
			s.blob(method, "b", "", header{"If-Modified-Since": future}, "").want(304, "ConditionNotMet").is("")
			s.blob(method, "b", "", header{"If-Unmodified-Since": future}, "").want(200, "")
			s.blob(method, "b", "", header{"If-Unmodified-Since": past}, "").want(412, "ConditionNotMet")
			s.blob(method, "b", "", header{"If-None-Match": etag, "If-Modified-Since": past}, "").want(200, "")
			s.blob(method, "b", "", header{"If-Match": etag, "If-Unmodified-Since": past}, "").want(412, "ConditionNotMet")
		}
	})
}

func TestConditionsOfWrites(t *testing.T) {
	const past, future = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
	each(t, func(s *service) {
		put := func(name string, h header) *answer {
			h["x-ms-blob-type"] = "BlockBlob"
			return s.blob("PUT", name, "", h, "y")
		}
		put("b", header{"If-Match": "*"}).want(412, "ConditionNotMet")
		put("b", header{"If-None-Match": "*"}).want(201, "")
		put("b", header{"If-None-Match": "*"}).want(409, "BlobAlreadyExists")
		etag := put("b", header{"If-Match": "*"}).want(201, "").header.Get("ETag")
		put("b", header{"If-Match": `"0x0"`}).want(412, "ConditionNotMet")
		put("b", header{"If-Modified-Since": future}).want(412, "ConditionNotMet")
		put("b", header{"If-Unmodified-Since": past}).want(412, "ConditionNotMet")
		put("b", header{"If-Match": etag}).want(201, "")
		s.blob("PUT", "b", "comp=metadata", header{"If-Match": etag}, "").want(412, "ConditionNotMet")
		s.blob("PUT", "b", "comp=properties", header{"If-Match": etag}, "").want(412, "ConditionNotMet")
		s.blob("DELETE", "b", "", header{"If-Match": etag}, "").want(412, "ConditionNotMet")
		s.blob("PUT", "b", "comp=metadata", header{"x-ms-meta-a": "b", "If-None-Match": etag}, "").want(200, "").has(header{"ETag": "", "Last-Modified": "", "x-ms-request-server-encrypted": "true"})
		s.blob("PUT", "b", "comp=properties", header{"x-ms-blob-content-type": "text/x"}, "").want(200, "").has(header{"ETag": "", "Last-Modified": ""})
		s.blob("HEAD", "b", "", nil, "").want(200, "").has(header{"x-ms-meta-a": "b", "Content-Type": "text/x"})
	})
}

func TestChecksums(t *testing.T) {
	each(t, func(s *service) {
		put := func(h header) *answer {
			h["x-ms-blob-type"] = "BlockBlob"
			return s.blob("PUT", "b", "", h, "hello")
		}
		put(header{"Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="}).want(201, "")
		put(header{"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}).want(400, "Md5Mismatch")
		put(header{"Content-MD5": "short"}).want(400, "InvalidMd5")
		put(header{"x-ms-content-crc64": "V0JSBnCFdzM="}).want(201, "")
		put(header{"x-ms-content-crc64": "AAAAAAAAAAA="}).want(400, "Crc64Mismatch")
		put(header{"x-ms-content-crc64": "V0JSBnCFdzM=", "Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="}).want(400, "BothCrc64AndMd5HeaderPresent")
		put(header{"x-ms-blob-content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}).want(400, "Md5Mismatch")
		s.blob("PUT", "c", "comp=block&blockid=QQ%3D%3D", header{"x-ms-content-crc64": "AAAAAAAAAAA="}, "hello").want(400, "Crc64Mismatch")
	})
}

func TestTier(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "x", nil)
		for _, tier := range []string{"Cool", "Cold", "Hot", "Archive"} {
			s.blob("PUT", "b", "comp=tier", header{"x-ms-access-tier": tier}, "").want(200, "")
			s.blob("HEAD", "b", "", nil, "").want(200, "").has(header{"x-ms-access-tier": tier, "x-ms-access-tier-change-time": ""})
		}
		s.blob("GET", "b", "", nil, "").want(409, "BlobArchived")
		s.blob("PUT", "none", "comp=tier", header{"x-ms-access-tier": "Hot"}, "").want(404, "BlobNotFound")
	})
}
