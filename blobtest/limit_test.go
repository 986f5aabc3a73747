package blobtest_test

import (
	"fmt"
	"io"
	"testing"
)

// endless is a body of any length.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestBodyLimits sends one byte more than the service takes, by version.
func TestBodyLimits(t *testing.T) {
	srv := photos(t)
	const mib = 1 << 20
	block, appendBlock := "photos/x?comp=block&blockid=AAAA", "photos/log?comp=appendblock"
	raw(t, srv, "PUT", "photos/log", "", "x-ms-blob-type", "AppendBlob").expect(t, "log", 201, "")
	raw(t, srv, "PUT", "photos/pages", "", "x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "8388608").expect(t, "pages", 201, "")
	for _, c := range []struct {
		resource, version string
		limit             int64
		header            []string
	}{
		{"photos/x", "2015-12-11", 64 * mib, []string{"x-ms-blob-type", "BlockBlob"}},
		{"photos/x", "2016-05-31", 256 * mib, []string{"x-ms-blob-type", "BlockBlob"}},
		{"photos/x", "2019-07-07", 256 * mib, []string{"x-ms-blob-type", "BlockBlob"}},
		{"photos/x", "2019-12-12", 5000 * mib, []string{"x-ms-blob-type", "BlockBlob"}},
		{block, "2015-12-11", 4 * mib, nil},
		{block, "2016-05-31", 100 * mib, nil},
		{block, "2019-07-07", 100 * mib, nil},
		{block, "2019-12-12", 4000 * mib, nil},
		{appendBlock, "2021-12-02", 4 * mib, nil},
		{appendBlock, "2022-11-02", 100 * mib, nil},
		{"photos/pages?comp=page", "2026-06-06", 4 * mib, []string{"x-ms-page-write", "update", "x-ms-range", "bytes=0-4194815"}},
	} {
		send := func(size int64) answer {
			req := newRaw(t, srv.Endpoint()+"/"+c.resource, "PUT", "", append(c.header, "x-ms-version", c.version)...)
			req.ContentLength = size
			sign(t, req, srv)
			req.Body, req.ContentLength = io.NopCloser(endless{}), size
			return do(t, srv, req)
		}
		send(c.limit+1).expect(t, fmt.Sprint(c), 413, "RequestBodyTooLarge")
		if c.limit <= 4*mib && c.header == nil {
			send(c.limit).expect(t, fmt.Sprint(c), 201, "")
		}
	}
}
