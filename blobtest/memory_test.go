package blobtest_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// inUse is how many MiB the heap holds of what is still needed.
func inUse() int {
	runtime.GC()
	runtime.GC() // what pools keep goes at the second time
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc >> 20)
}

// TestMemory stores a large blob in all ways that must not copy it, and frees it.
func TestMemory(t *testing.T) {
	const size = 64 // MiB
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient()), t.Context()
	b := c.Blob("large")
	before := inUse()
	holds := func(what string, want int) {
		t.Helper()
		if got := inUse() - before; got < want-1 || got > want+8 {
			t.Errorf("%s: %d MiB and not %d", what, got, want)
		}
	}
	block := strings.Repeat("x", 8<<20)
	var list strings.Builder
	for i := range size / 8 {
		id := fmt.Sprintf("AAA%d", i)
		raw(t, srv, "PUT", "photos/large?comp=block&blockid="+id, block).expect(t, "block", 201, "")
		list.WriteString("<Latest>" + id + "</Latest>")
	}
	holds("blocks", size)
	for range 3 {
		raw(t, srv, "PUT", "photos/large?comp=blocklist", "<BlockList>"+list.String()+"</BlockList>").expect(t, "commit", 201, "")
	}
	holds("committed", size)
	snapshot(t, b, nil)
	for i := range 5 {
		raw(t, srv, "PUT", fmt.Sprintf("photos/copy%d", i), "", "x-ms-copy-source", srv.Endpoint()+"/photos/large").expect(t, "copy", 202, "")
	}
	holds("copies", size)
	r, err := b.NewReader(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); err != nil || n != size<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
	_ = r.Close()
	holds("read", size)
	raw(t, srv, "DELETE", "photos/large", "", "x-ms-delete-snapshots", "include").expect(t, "delete", 202, "")
	holds("copies alone", size)
	for i := range 5 {
		raw(t, srv, "DELETE", fmt.Sprintf("photos/copy%d", i), "").expect(t, "delete", 202, "")
	}
	holds("nothing", 0)

	for i := range 200 {
		if _, err := c.Blob("again").Upload(ctx, bytes.NewReader(make([]byte, 1<<20)), &azureblob.UploadOptions{Metadata: azureblob.Metadata{"i": fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	holds("overwritten", 1)
	if _, err := c.Delete(ctx, nil); err != nil {
		t.Error(err)
	}
	holds("no container", 0)
}

// TestListOfRequestsIsBounded sends more requests than the list keeps.
func TestListOfRequestsIsBounded(t *testing.T) {
	srv := blobtest.New(t)
	for i := range 10_001 {
		resp, err := srv.Transport().RoundTrip(newRaw(t, fmt.Sprintf("%s/photos/%d", srv.Endpoint(), i), "GET", ""))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	all := srv.Requests()
	if len(all) > 10_000 || len(all) < 5_000 || all[len(all)-1].Blob != "10000" {
		t.Errorf("%d requests", len(all))
	}
	if srv.ResetRequests(); len(srv.Requests()) != 0 {
		t.Error("they are still there")
	}
}
