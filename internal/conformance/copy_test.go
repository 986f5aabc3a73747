package conformance

import "testing"

func TestCopyBlob(t *testing.T) {
	each(t, func(s *service) {
		s.put("from", "hello", header{"x-ms-meta-k": "v", "x-ms-blob-content-type": "text/plain"})
		// Any caller may read the source; otherwise it would need a signature.
		s.do("PUT", s.container, "restype=container&comp=acl", header{"x-ms-blob-public-access": "blob"}, "").want(200, "")
		source := s.url(s.container + "/from")
		first := s.blob("PUT", "to", "", header{"x-ms-copy-source": source}, "").want(202, "").has(header{"x-ms-copy-id": "", "x-ms-copy-status": "success", "ETag": "", "Last-Modified": ""})
		s.blob("GET", "to", "", nil, "").want(200, "").is("hello").has(header{
			"x-ms-meta-k": "v", "Content-Type": "text/plain", "x-ms-copy-id": first.header.Get("x-ms-copy-id"), "x-ms-copy-status": "success",
			"x-ms-copy-source": "", "x-ms-copy-progress": "5/5", "x-ms-copy-completion-time": "",
		})
		s.blob("PUT", "to", "", header{"x-ms-copy-source": source, "x-ms-meta-other": "w"}, "").want(202, "")
		s.blob("HEAD", "to", "", nil, "").want(200, "").has(header{"x-ms-meta-other": "w"}).without("x-ms-meta-k")
		s.blob("PUT", "to", "", header{"x-ms-copy-source": source, "If-None-Match": "*"}, "").want(409, "BlobAlreadyExists")
		if s.has("code of missing sources") {
			s.blob("PUT", "to", "", header{"x-ms-copy-source": source + "none"}, "").want(404, "CannotVerifyCopySource")
		}
		last := s.blob("HEAD", "to", "", nil, "").header.Get("x-ms-copy-id")
		s.blob("PUT", "to", "comp=copy&copyid="+last, header{"x-ms-copy-action": "abort"}, "").want(409, "NoPendingCopyOperation")
		s.blob("PUT", "to2", "", header{"x-ms-copy-source": source, "x-ms-requires-sync": "true"}, "").want(202, "").has(header{"x-ms-copy-id": "", "x-ms-copy-status": "success"})
		s.blob("GET", "to2", "", nil, "").want(200, "").is("hello")
	})
}
