package conformance

import (
	"net/url"
	"testing"
)

func TestSnapshots(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "old", header{"x-ms-meta-k": "v"})
		snap := s.blob("PUT", "b", "comp=snapshot", nil, "").want(201, "").has(header{"x-ms-snapshot": "", "ETag": "", "Last-Modified": ""}).header.Get("x-ms-snapshot")
		at := "snapshot=" + url.QueryEscape(snap)
		s.put("b", "newer", nil)
		s.blob("GET", "b", at, nil, "").want(200, "").is("old").has(header{"x-ms-meta-k": "v"})
		s.blob("HEAD", "b", at, nil, "").want(200, "").has(header{"Content-Length": "3"})
		s.blob("GET", "b", at, header{"x-ms-range": "bytes=1-1"}, "").want(206, "").is("l")
		s.blob("GET", "b", "", nil, "").want(200, "").is("newer")
		s.blob("PUT", "b", "comp=snapshot", header{"x-ms-meta-own": "1"}, "").want(201, "")
		s.do("GET", s.container, "restype=container&comp=list&include=snapshots", nil, "").want(200, "").holds("<Snapshot>" + snap + "</Snapshot>")
		s.do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holdsNot("<Snapshot>")
		s.blob("DELETE", "b", "", nil, "").want(409, "SnapshotsPresent")
		s.blob("DELETE", "b", at, nil, "").want(202, "")
		s.blob("GET", "b", at, nil, "").want(404, "BlobNotFound")
		s.blob("DELETE", "b", "", header{"x-ms-delete-snapshots": "only"}, "").want(202, "")
		s.blob("DELETE", "b", "", nil, "").want(202, "")
		s.blob("PUT", "b", "comp=snapshot", nil, "").want(404, "BlobNotFound")
		s.put("c", "x", nil)
		s.blob("PUT", "c", "comp=snapshot", nil, "").want(201, "")
		s.blob("DELETE", "c", "", header{"x-ms-delete-snapshots": "include"}, "").want(202, "")
	})
}
