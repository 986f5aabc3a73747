package blobtest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

// rawSecondary is raw at the secondary endpoint.
func rawSecondary(t *testing.T, srv *blobtest.Server, method, resource string) answer {
	t.Helper()
	req := newRaw(t, srv.SecondaryEndpoint()+"/"+resource, method, "")
	sign(t, req, srv)
	return do(t, srv, req)
}

func TestServiceStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{SecondaryLag: 5 * time.Minute})
		raw(t, srv, "GET", "?restype=service&comp=stats", "").expect(t, "primary", 400, "InvalidQueryParameterValue")
		a := rawSecondary(t, srv, "GET", "?restype=service&comp=stats")
		a.expect(t, "secondary", 200, "")
		want := "<GeoReplication><Status>live</Status><LastSyncTime>" + time.Now().Add(-5*time.Minute).UTC().Format(http.TimeFormat) + "</LastSyncTime></GeoReplication>"
		if !strings.Contains(a.body, want) {
			t.Errorf("%s has no %s", a.body, want)
		}
	})
}

func TestSecondaryLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{SecondaryLag: time.Minute})
		put := func(name, body string) {
			t.Helper()
			raw(t, srv, "PUT", "photos/"+name, body, "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
		}
		read := func(when, want string) {
			t.Helper()
			if a := rawSecondary(t, srv, "GET", "photos/x"); a.body != want {
				t.Errorf("%s: %q and not %q", when, a.body, want)
			}
		}
		raw(t, srv, "PUT", "photos?restype=container", "")
		put("x", "one")
		rawSecondary(t, srv, "GET", "photos/x").expect(t, "at once", 404, "ContainerNotFound")
		time.Sleep(59 * time.Second)
		rawSecondary(t, srv, "GET", "photos/x").expect(t, "early", 404, "ContainerNotFound")
		time.Sleep(time.Second) // 60 s: the first state has come
		read("after a minute", "one")
		put("x", "two")
		raw(t, srv, "PUT", "photos/x?comp=metadata", "", "x-ms-meta-a", "b").expect(t, "metadata", 200, "")
		read("after an overwrite", "one")
		time.Sleep(30 * time.Second)
		raw(t, srv, "DELETE", "photos/x", "").expect(t, "delete", 202, "")
		put("y", "other")
		raw(t, srv, "PUT", "photos/y?comp=properties", "", "x-ms-blob-content-type", "text/plain").expect(t, "headers", 200, "")
		read("after a deletion", "one")
		time.Sleep(30 * time.Second) // the overwrite has come
		read("a minute after the overwrite", "two")
		if a := rawSecondary(t, srv, "HEAD", "photos/x"); a.header.Get("x-ms-meta-a") != "b" {
			t.Errorf("metadata: %v", a.header)
		}
		if a := rawSecondary(t, srv, "GET", "photos?restype=container&comp=list"); !strings.Contains(a.body, "<Name>x</Name>") || strings.Contains(a.body, "<Name>y</Name>") {
			t.Errorf("list: %s", a.body)
		}
		time.Sleep(30 * time.Second)
		rawSecondary(t, srv, "GET", "photos/x").expect(t, "a minute after the deletion", 404, "BlobNotFound")
		time.Sleep(time.Minute)
		raw(t, srv, "PUT", "photos/y?comp=properties", "", "x-ms-blob-content-type", "text/html").expect(t, "headers", 200, "")
		if a := rawSecondary(t, srv, "GET", "photos/y"); a.body != "other" || a.header.Get("Content-Type") != "text/plain" {
			t.Errorf("the other: %v", a)
		}
		rawSecondary(t, srv, "DELETE", "photos/y").expect(t, "write", 403, "InsufficientAccountPermissions")
		for range 1000 {
			put("z", "many")
			time.Sleep(time.Second)
		}
	})
}

// TestSecondaryWithoutLag reads on the secondary what was written just now.
func TestSecondaryWithoutLag(t *testing.T) {
	srv := blobtest.New(t)
	putMany(t, srv, "x")
	if a := rawSecondary(t, srv, "GET", "photos/x"); a.body != "some" {
		t.Errorf("%v", a)
	}
}
