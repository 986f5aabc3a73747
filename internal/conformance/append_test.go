package conformance

import (
	"strings"
	"testing"
)

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

func TestPageBlobs(t *testing.T) {
	page := strings.Repeat("p", 512)
	each(t, func(s *service) {
		s.blob("PUT", "p", "", header{"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "2048", "x-ms-blob-sequence-number": "7"}, "").want(201, "").has(header{"ETag": "", "Last-Modified": ""})
		s.blob("HEAD", "p", "", nil, "").want(200, "").has(header{"x-ms-blob-type": "PageBlob", "Content-Length": "2048", "x-ms-blob-sequence-number": "7"})
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": "bytes=512-1023"}, page).want(201, "").has(header{"x-ms-blob-sequence-number": "7", "ETag": "", "Last-Modified": ""})
		s.blob("GET", "p", "", header{"x-ms-range": "bytes=511-513"}, "").want(206, "").is("\x00pp")
		s.blob("GET", "p", "comp=pagelist", nil, "").want(200, "").has(header{"x-ms-blob-content-length": "2048", "ETag": "", "Last-Modified": ""}).holds("<PageRange><Start>512</Start><End>1023</End></PageRange>")
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": "bytes=0-511", "x-ms-if-sequence-number-lt": "7"}, page).want(412, "SequenceNumberConditionNotMet")
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": "bytes=0-511", "x-ms-if-sequence-number-eq": "7"}, page).want(201, "")
		s.blob("GET", "p", "comp=pagelist", nil, "").want(200, "").holds("<Start>0</Start>", "<End>1023</End>")
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "clear", "x-ms-range": "bytes=512-1023"}, "").want(201, "").has(header{"x-ms-blob-sequence-number": "7"})
		s.blob("GET", "p", "comp=pagelist", nil, "").want(200, "").holds("<Start>0</Start><End>511</End>")
		s.blob("PUT", "p", "comp=properties", header{"x-ms-blob-content-length": "1024"}, "").want(200, "").has(header{"x-ms-blob-sequence-number": "7"})
		s.blob("PUT", "p", "comp=properties", header{"x-ms-sequence-number-action": "max", "x-ms-blob-sequence-number": "9"}, "").want(200, "").has(header{"x-ms-blob-sequence-number": "9"})
		s.blob("PUT", "p", "comp=properties", header{"x-ms-sequence-number-action": "increment"}, "").want(200, "").has(header{"x-ms-blob-sequence-number": "10"})
		s.blob("HEAD", "p", "", nil, "").want(200, "").has(header{"Content-Length": "1024"})
		s.blob("PUT", "p", "comp=properties", header{"x-ms-blob-content-type": "text/x"}, "").want(200, "").has(header{"x-ms-blob-sequence-number": "10"})
		s.put("b", "x", nil)
		s.blob("GET", "b", "comp=pagelist", nil, "").want(409, "InvalidBlobType")
	})
}
