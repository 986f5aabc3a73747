package blobtest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

// TestFailingCopy takes the source away while its copy is pending.
func TestFailingCopy(t *testing.T) {
	const notFound, changed = `404 BlobNotFound "Copy failed when reading the source."`, `412 ConditionNotMet "Copy failed when reading the source."`
	for _, c := range []struct {
		name           string
		lose           func(t *testing.T, srv *blobtest.Server)
		source         string
		status, reason string
	}{
		{"nothing", func(*testing.T, *blobtest.Server) {}, "photos/a", "success", ""},
		{"delete", func(t *testing.T, srv *blobtest.Server) {
			raw(t, srv, "DELETE", "photos/a", "").expect(t, "delete", 202, "")
		}, "photos/a", "failed", notFound},
		{"overwrite", func(t *testing.T, srv *blobtest.Server) {
			raw(t, srv, "PUT", "photos/a", "x", "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
		}, "photos/a", "failed", changed},
		{"headers", func(t *testing.T, srv *blobtest.Server) {
			raw(t, srv, "PUT", "photos/a?comp=properties", "").expect(t, "set", 200, "")
		}, "photos/a", "failed", changed},
		{"tags", func(t *testing.T, srv *blobtest.Server) {
			raw(t, srv, "PUT", "photos/a?comp=tags", "<Tags><TagSet></TagSet></Tags>").expect(t, "set", 204, "")
		}, "photos/a", "success", ""},
		{"recreate", func(t *testing.T, srv *blobtest.Server) {
			raw(t, srv, "DELETE", "photos/a", "").expect(t, "delete", 202, "")
			raw(t, srv, "PUT", "photos/a", "0123456789", "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
		}, "photos/a", "failed", notFound},
		{"container", func(t *testing.T, srv *blobtest.Server) {
			raw(t, srv, "DELETE", "public?restype=container", "").expect(t, "delete", 202, "")
		}, "public/a", "failed", `404 ContainerNotFound "Copy failed when reading the source."`},
		{"itself", func(*testing.T, *blobtest.Server) {}, "photos/b", "success", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := copying(t, &blobtest.Options{CopyDuration: 10 * time.Second})
				raw(t, srv, "PUT", "photos/b", "0123456789", "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
				begun := raw(t, srv, "PUT", "photos/b", "", "x-ms-copy-source", srv.Endpoint()+"/"+c.source, "x-ms-meta-own", "1")
				begun.expect(t, "copy", 202, "")
				time.Sleep(4 * time.Second)
				c.lose(t, srv)
				time.Sleep(20 * time.Second)
				a := raw(t, srv, "GET", "photos/b", "")
				if a.header.Get("x-ms-copy-status") != c.status || a.header.Get("x-ms-copy-status-description") != c.reason || a.header.Get("x-ms-copy-completion-time") == "" || a.header.Get("x-ms-meta-own") != "1" {
					t.Errorf("%v", a.header)
				}
				if want := map[string]string{"failed": "", "success": "0123456789"}[c.status]; a.body != want {
					t.Errorf("%q, want %q", a.body, want)
				}
				if a.header.Get("ETag") == begun.header.Get("ETag") {
					t.Error("the end of the copy leaves the ETag")
				}
				raw(t, srv, "PUT", "photos/b?comp=copy&copyid="+begun.header.Get("x-ms-copy-id"), "", "x-ms-copy-action", "abort").expect(t, "abort", 409, "NoPendingCopyOperation")
				if list := raw(t, srv, "GET", "photos?restype=container&comp=list&include=copy", ""); !strings.Contains(list.body, "<CopyStatus>"+c.status+"</CopyStatus>") || c.reason != "" && !strings.Contains(list.body, "<CopyStatusDescription>") {
					t.Errorf("%s", list.body)
				}
				raw(t, srv, "PUT", "photos/b?comp=metadata", "").expect(t, "write", 200, "")
			})
		})
	}
}

// TestCopyOfSnapshotOutlivesItsBlob copies a snapshot, which its blob's changes leave alone.
func TestCopyOfSnapshotOutlivesItsBlob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := copying(t, &blobtest.Options{CopyDuration: 10 * time.Second})
		at := "?snapshot=" + url.QueryEscape(raw(t, srv, "PUT", "photos/a?comp=snapshot", "").header.Get("x-ms-snapshot"))
		for _, name := range []string{"photos/b", "photos/c"} {
			raw(t, srv, "PUT", name, "", "x-ms-copy-source", srv.Endpoint()+"/photos/a"+at).expect(t, "copy", 202, "")
		}
		raw(t, srv, "PUT", "photos/a", "x", "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
		time.Sleep(10 * time.Second)
		if a := raw(t, srv, "GET", "photos/b", ""); a.header.Get("x-ms-copy-status") != "success" || a.body != "0123456789" {
			t.Errorf("%q %v", a.body, a.header)
		}
		raw(t, srv, "PUT", "photos/d", "", "x-ms-copy-source", srv.Endpoint()+"/photos/a"+at).expect(t, "copy", 202, "")
		raw(t, srv, "DELETE", "photos/a"+at, "").expect(t, "delete", 202, "")
		if a := raw(t, srv, "HEAD", "photos/d", ""); a.header.Get("x-ms-copy-status") != "failed" {
			t.Errorf("%v", a.header)
		}
	})
}

// TestBrokenSource copies from a server whose answer ends too early.
func TestBrokenSource(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "the beginning")
	}))
	defer other.Close()
	srv := copying(t, nil)
	begun := raw(t, srv, "PUT", "photos/b", "", "x-ms-copy-source", other.URL+"/file")
	begun.expect(t, "copy", 202, "")
	if begun.header.Get("x-ms-copy-status") != "pending" {
		t.Errorf("%v", begun.header)
	}
	a := raw(t, srv, "HEAD", "photos/b", "")
	if a.header.Get("x-ms-copy-status") != "failed" || a.header.Get("x-ms-copy-status-description") != `500 OperationCancelled "The copy failed when reading the source."` ||
		a.header.Get("Content-Length") != "0" || a.header.Get("x-ms-copy-progress") != "0/100" {
		t.Errorf("%v", a.header)
	}
	raw(t, srv, "PUT", "photos/c", "", "x-ms-copy-source", other.URL+"/file", "x-ms-requires-sync", "true").expect(t, "at once", 500, "CannotVerifyCopySource")
	raw(t, srv, "PUT", "photos/c?comp=block&blockid=AAAA", "", "x-ms-copy-source", other.URL+"/file").expect(t, "block", 500, "CannotVerifyCopySource")
}

// TestPendingCopyKeepsOthersOut holds what may not be done to the destination.
func TestPendingCopyKeepsOthersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := copying(t, &blobtest.Options{CopyDuration: 10 * time.Second})
		source := []string{"x-ms-copy-source", srv.Endpoint() + "/photos/a"}
		raw(t, srv, "PUT", "photos/b", "", source...).expect(t, "copy", 202, "")
		raw(t, srv, "PUT", "photos/b", "", source...).expect(t, "second copy", 409, "PendingCopyOperation")
		raw(t, srv, "PUT", "photos/b?comp=snapshot", "").expect(t, "snapshot", 409, "PendingCopyOperation")
		raw(t, srv, "PUT", "photos/b?comp=lease", "", "x-ms-lease-action", "acquire", "x-ms-lease-duration", "-1").expect(t, "lease", 409, "PendingCopyOperation")
		time.Sleep(10 * time.Second)
		const id = "5b2c3c4d-0000-4000-8000-00000000000a"
		raw(t, srv, "PUT", "photos/b?comp=lease", "", "x-ms-lease-action", "acquire", "x-ms-lease-duration", "15", "x-ms-proposed-lease-id", id).expect(t, "lease", 201, "")
		raw(t, srv, "PUT", "photos/b", "", source...).expect(t, "no lease", 412, "LeaseIdMissing")
		raw(t, srv, "PUT", "photos/b", "", append(source, "x-ms-lease-id", id)...).expect(t, "finite lease", 412, "InfiniteLeaseDurationRequired")
		raw(t, srv, "PUT", "photos/b?comp=lease", "", "x-ms-lease-action", "acquire", "x-ms-lease-duration", "-1", "x-ms-proposed-lease-id", id).expect(t, "lease", 201, "")
		raw(t, srv, "PUT", "photos/b", "", append(source, "x-ms-lease-id", id)...).expect(t, "infinite lease", 202, "")
	})
}

// TestCopyOutOfTheArchive waits for the content of an archived source.
func TestCopyOutOfTheArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := copying(t, nil)
		raw(t, srv, "PUT", "photos/a?comp=tier", "", "x-ms-access-tier", "Archive").expect(t, "archive", 200, "")
		copyTo := func(name string, header ...string) answer {
			t.Helper()
			return raw(t, srv, "PUT", name, "", append([]string{"x-ms-copy-source", srv.Endpoint() + "/photos/a"}, header...)...)
		}
		copyTo("photos/b").expect(t, "no tier", 409, "BlobArchived")
		copyTo("photos/b", "x-ms-access-tier", "Archive").expect(t, "archive", 409, "BlobArchived")
		copyTo("photos/a", "x-ms-access-tier", "Hot").expect(t, "itself", 409, "BlobArchived")
		copyTo("photos/b", "x-ms-access-tier", "Hot", "x-ms-requires-sync", "true", "x-ms-copy-source-authorization", "Bearer any").expect(t, "at once", 409, "CannotVerifyCopySource")
		if a := copyTo("photos/b", "x-ms-access-tier", "Cool", "x-ms-rehydrate-priority", "High"); a.status != 202 || a.header.Get("x-ms-copy-status") != "pending" {
			t.Fatalf("%d %s %v", a.status, a.code, a.header)
		}
		copyTo("photos/c", "x-ms-access-tier", "Hot").expect(t, "standard", 202, "")
		aborted := copyTo("photos/d", "x-ms-access-tier", "Hot").header.Get("x-ms-copy-id")
		check := func(name, tier, archive, priority, status, progress string) {
			t.Helper()
			a := raw(t, srv, "HEAD", name, "")
			for header, want := range map[string]string{"x-ms-access-tier": tier, "x-ms-archive-status": archive, "x-ms-rehydrate-priority": priority, "x-ms-copy-status": status, "x-ms-copy-progress": progress} {
				if got := a.header.Get(header); got != want {
					t.Errorf("%s: %s is %q, want %q", name, header, got, want)
				}
			}
		}
		time.Sleep(30 * time.Minute)
		check("photos/b", "Archive", "rehydrate-pending-to-cool", "High", "pending", "5/10")
		check("photos/c", "Archive", "rehydrate-pending-to-hot", "Standard", "pending", "0/10")
		check("photos/a", "Archive", "", "", "", "")
		raw(t, srv, "GET", "photos/b", "").expect(t, "read too early", 409, "BlobArchived")
		raw(t, srv, "PUT", "photos/d?comp=copy&copyid="+aborted, "", "x-ms-copy-action", "abort").expect(t, "abort", 204, "")
		check("photos/d", "Hot", "", "", "aborted", "0/10")
		time.Sleep(30 * time.Minute)
		check("photos/b", "Cool", "", "", "success", "10/10")
		if a := raw(t, srv, "GET", "photos/b", ""); a.body != "0123456789" {
			t.Errorf("%d %s %q", a.status, a.code, a.body)
		}
		time.Sleep(13 * time.Hour)
		raw(t, srv, "DELETE", "photos/a", "").expect(t, "delete", 202, "")
		check("photos/c", "Hot", "", "", "failed", "9/10")
		if a := raw(t, srv, "GET", "photos/c", ""); a.body != "" {
			t.Errorf("%q", a.body)
		}
	})
}

// TestTierOfCopy keeps the tier of what a copy overwrites.
func TestTierOfCopy(t *testing.T) {
	srv := copying(t, nil)
	copyTo := func(header ...string) answer {
		t.Helper()
		return raw(t, srv, "PUT", "photos/b", "", append([]string{"x-ms-copy-source", srv.Endpoint() + "/photos/a"}, header...)...)
	}
	tier := func(want string) {
		t.Helper()
		if got := raw(t, srv, "HEAD", "photos/b", "").header.Get("x-ms-access-tier"); got != want {
			t.Errorf("tier %s, want %s", got, want)
		}
	}
	raw(t, srv, "PUT", "photos/a?comp=tier", "", "x-ms-access-tier", "Cold").expect(t, "tier", 200, "")
	copyTo().expect(t, "new", 202, "")
	tier("Hot")
	copyTo("x-ms-access-tier", "Cool").expect(t, "given", 202, "")
	tier("Cool")
	copyTo().expect(t, "kept", 202, "")
	tier("Cool")
	copyTo("x-ms-access-tier", "Archive").expect(t, "archive", 202, "")
	copyTo("x-ms-access-tier", "Hot").expect(t, "over an archived blob", 409, "BlobArchived")
}

// TestCopyIsForgotten shows which writes make a blob no copy any more.
func TestCopyIsForgotten(t *testing.T) {
	srv := copying(t, nil)
	for query, forgotten := range map[string]bool{"comp=metadata": false, "comp=tier": false, "comp=properties": true} {
		raw(t, srv, "PUT", "photos/b", "", "x-ms-copy-source", srv.Endpoint()+"/photos/a").expect(t, "copy", 202, "")
		raw(t, srv, "PUT", "photos/b?"+query, "", "x-ms-access-tier", "Hot").expect(t, query, 200, "")
		if a := raw(t, srv, "HEAD", "photos/b", ""); (a.header.Get("x-ms-copy-id") == "") != forgotten {
			t.Errorf("%s: %v", query, a.header)
		}
	}
}
