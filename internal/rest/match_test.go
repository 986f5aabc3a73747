package rest

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/goblob/azureblob/internal/wire"
)

// TestMatchFindsEveryRow makes the request of each row of the table, and finds
// the row again.
func TestMatchFindsEveryRow(t *testing.T) {
	for _, op := range append(Operations(), GetContainerMetadata, GetBlobMetadata) {
		query, err := url.ParseQuery(op.Query)
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		for i := 0; i+1 < len(op.Header); i += 2 {
			header.Set(op.Header[i], op.Header[i+1])
		}
		switch name := present[op]; {
		case name == "delimiter" || name == "prevsnapshot":
			query.Set(name, "some")
		case name != "":
			header.Set(name, "some")
		}
		if got := Match(op.Method, op.On, query, header); got != op {
			t.Errorf("%s is taken for %v", op.ID, got)
		}
		if alsoHead[op] {
			if got := Match("HEAD", op.On, query, header); got != op {
				t.Errorf("HEAD of %s is taken for %v", op.ID, got)
			}
		}
	}
}

func TestMatchDetails(t *testing.T) {
	for _, c := range []struct {
		method string
		level  wire.Resource
		query  string
		header http.Header
		want   *wire.Operation
	}{
		{"GET", wire.Container, "restype=container&comp=list", nil, ListBlobs},
		{"GET", wire.Container, "restype=container&comp=list&delimiter=", nil, ListBlobsByHierarchy},
		{"GET", wire.Container, "restype=container&comp=list", http.Header{"Accept": {"text/html, application/xml"}}, ListBlobs},
		{"GET", wire.Blob, "snapshot=x&timeout=3", nil, GetBlob},
		{"PUT", wire.Blob, "", http.Header{"X-Ms-Blob-Type": {"blockblob"}}, PutBlob},
		{"PUT", wire.Blob, "", http.Header{"X-Ms-Copy-Source": {"u"}}, CopyBlob},
		{"PUT", wire.Blob, "", http.Header{"X-Ms-Copy-Source": {"u"}, "X-Ms-Requires-Sync": {"true"}}, CopyBlobFromURL},
		{"GET", wire.Blob, "comp=pagelist", http.Header{"X-Ms-Previous-Snapshot-Url": {"u"}}, GetPageRangesDiff},
		{"OPTIONS", wire.Blob, "", nil, Preflight},
		{"PUT", wire.Blob, "", nil, nil},
		{"GET", wire.Blob, "comp=nothing", nil, nil},
		{"PUT", wire.Container, "restype=container&comp=nothing", nil, nil},
		{"HEAD", wire.Blob, "comp=tags", nil, nil},
	} {
		query, _ := url.ParseQuery(c.query)
		if got := Match(c.method, c.level, query, c.header); got != c.want {
			t.Errorf("%s ?%s %v: got %v, want %v", c.method, c.query, c.header, got, c.want)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		method string
		level  wire.Resource
		query  string
		want   Mismatch
	}{
		{"GET", wire.Blob, "comp=nothing", Mismatch{Comp: true}},
		{"POST", wire.Blob, "", Mismatch{Method: true}},
		{"PUT", wire.Blob, "", Mismatch{Header: "x-ms-blob-type"}},
		{"PUT", wire.Blob, "comp=lease", Mismatch{Header: "x-ms-lease-action"}},
		{"HEAD", wire.Blob, "comp=tags", Mismatch{Method: true}},
	} {
		query, _ := url.ParseQuery(c.query)
		if got := Explain(c.method, c.level, query); got != c.want {
			t.Errorf("%s ?%s: got %+v, want %+v", c.method, c.query, got, c.want)
		}
	}
}
