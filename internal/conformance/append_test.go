package conformance

import "testing"

func TestAppendBlobs(t *testing.T) {
	each(t, func(s *service) {
		s.blob("PUT", "a", "", header{"x-ms-blob-type": "AppendBlob", "x-ms-meta-k": "v"}, "").want(201, "").has(header{"ETag": "", "Last-Modified": "", "x-ms-request-server-encrypted": "true"})
		s.blob("PUT", "a", "comp=appendblock", nil, "one").want(201, "").has(header{"x-ms-blob-append-offset": "0", "x-ms-blob-committed-block-count": "1", "ETag": "", "Last-Modified": ""})
		s.blob("PUT", "a", "comp=appendblock", header{"x-ms-blob-condition-appendpos": "3"}, "two").want(201, "").has(header{"x-ms-blob-append-offset": "3", "x-ms-blob-committed-block-count": "2"})
		s.blob("PUT", "a", "comp=appendblock", header{"x-ms-blob-condition-appendpos": "3"}, "x").want(412, "AppendPositionConditionNotMet")
		s.blob("PUT", "a", "comp=appendblock", header{"x-ms-blob-condition-maxsize": "6"}, "x").want(412, "MaxBlobSizeConditionNotMet")
		s.blob("PUT", "a", "comp=appendblock", nil, "").want(400, "InvalidHeaderValue")
		s.blob("GET", "a", "", nil, "").want(200, "").is("onetwo").has(header{"x-ms-blob-type": "AppendBlob", "x-ms-blob-committed-block-count": "2", "x-ms-meta-k": "v"})
		s.blob("PUT", "a", "comp=block&blockid=QQ%3D%3D", nil, "x").want(409, "InvalidBlobType")
		s.blob("PUT", "a", "comp=seal", nil, "").want(200, "").has(header{"x-ms-blob-sealed": "true"})
		s.blob("PUT", "a", "comp=appendblock", nil, "x").want(409, "BlobIsSealed")
		for _, method := range []string{"GET", "HEAD"} {
			s.blob(method, "a", "", nil, "").want(200, "").has(header{"x-ms-blob-sealed": "true", "x-ms-blob-committed-block-count": "2"})
		}
		s.put("b", "x", nil)
		s.blob("PUT", "b", "comp=appendblock", nil, "x").want(409, "InvalidBlobType")
		s.blob("PUT", "none", "comp=appendblock", nil, "x").want(404, "BlobNotFound")
	})
}
