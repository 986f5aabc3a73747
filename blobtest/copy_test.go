package blobtest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

func copying(t *testing.T, o *blobtest.Options) *blobtest.Server {
	t.Helper()
	srv := blobtest.New(t, o)
	raw(t, srv, "PUT", "photos?restype=container", "").expect(t, "container", 201, "")
	raw(t, srv, "PUT", "public?restype=container", "", "x-ms-blob-public-access", "blob").expect(t, "container", 201, "")
	for _, name := range []string{"photos/a", "public/a"} {
		raw(t, srv, "PUT", name, "0123456789", "x-ms-blob-type", "BlockBlob", "x-ms-meta-k", "v", "x-ms-blob-content-type", "text/plain", "x-ms-tags", "t=1").expect(t, "put", 201, "")
	}
	return srv
}

func TestCopyBlob(t *testing.T) {
	srv := copying(t, nil)
	source := srv.Endpoint() + "/photos/a"
	a := raw(t, srv, "PUT", "photos/b", "", "x-ms-copy-source", source+"?x=secret")
	a.expect(t, "copy", 202, "")
	id := a.header.Get("x-ms-copy-id")
	if id == "" || a.header.Get("x-ms-copy-status") != "success" || a.header.Get("ETag") == "" {
		t.Errorf("copy: %v", a.header)
	}
	a = raw(t, srv, "GET", "photos/b", "")
	for name, want := range map[string]string{
		"x-ms-copy-id": id, "x-ms-copy-status": "success", "x-ms-copy-progress": "10/10", "x-ms-copy-source": source,
		"x-ms-meta-k": "v", "Content-Type": "text/plain", "x-ms-tag-count": "",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q and not %q", name, got, want)
		}
	}
	if a.body != "0123456789" || a.header.Get("x-ms-copy-completion-time") == "" {
		t.Errorf("copy: %+v", a)
	}
	for _, c := range []struct {
		name   string
		header []string
		status int
		code   string
	}{
		{"no source", []string{"x-ms-copy-source", srv.Endpoint() + "/photos/none"}, 404, "CannotVerifyCopySource"},
		{"no URL", []string{"x-ms-copy-source", "photos/a"}, 400, "InvalidHeaderValue"},
		{"long URL", []string{"x-ms-copy-source", source + "?" + strings.Repeat("x", 2048)}, 400, "InvalidHeaderValue"},
		{"source condition", []string{"x-ms-source-if-match", `"0x1"`}, 412, "SourceConditionNotMet"},
		{"source condition of a read", []string{"x-ms-source-if-none-match", a.header.Get("ETag")}, 202, ""},
		{"condition", []string{"If-None-Match", "*"}, 409, "BlobAlreadyExists"},
		{"metadata instead", []string{"x-ms-meta-other", "w"}, 202, ""},
		{"tier", []string{"x-ms-access-tier", "Cool"}, 202, ""},
		{"seal", []string{"x-ms-seal-blob", "true"}, 400, "InvalidHeaderValue"},
		{"tags", []string{"x-ms-copy-source-tag-option", "COPY"}, 202, ""},
		{"tags twice", []string{"x-ms-copy-source-tag-option", "COPY", "x-ms-tags", "a=b"}, 409, "BothUserTagsAndSourceTagsCopyPresentException"},
		{"private, by URL", []string{"x-ms-requires-sync", "true"}, 401, "CannotVerifyCopySource"},
		{"public, by URL", []string{"x-ms-requires-sync", "true", "x-ms-copy-source", srv.Endpoint() + "/public/a"}, 202, ""},
		{"with a token", []string{"x-ms-requires-sync", "true", "x-ms-copy-source-authorization", "Bearer some"}, 202, ""},
		{"other MD5", []string{"x-ms-requires-sync", "true", "x-ms-copy-source", srv.Endpoint() + "/public/a", "x-ms-source-content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="}, 400, "Md5Mismatch"},
	} {
		a := raw(t, srv, "PUT", "photos/b", "", append([]string{"x-ms-copy-source", source}, c.header...)...)
		a.expect(t, c.name, c.status, c.code)
		got := raw(t, srv, "HEAD", "photos/b", "")
		switch c.name {
		case "no source":
			if a.header.Get("x-ms-copy-source-status-code") != "404" || a.header.Get("x-ms-copy-source-error-code") != "BlobNotFound" {
				t.Errorf("no source: %v", a.header)
			}
		case "metadata instead":
			if got.header.Get("x-ms-meta-k") != "" || got.header.Get("x-ms-meta-other") != "w" {
				t.Errorf("metadata: %v", got.header)
			}
		case "tier":
			if got.header.Get("x-ms-access-tier") != "Cool" {
				t.Errorf("tier: %v", got.header)
			}
		case "tags":
			if got.header.Get("x-ms-tag-count") != "1" {
				t.Errorf("tags: %v", got.header)
			}
		case "public, by URL":
			if a.header.Get("x-ms-copy-status") != "success" || a.header.Get("x-ms-content-crc64") == "" {
				t.Errorf("by URL: %v", a.header)
			}
		}
	}
	raw(t, srv, "PUT", "photos/p", "", "x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "512")
	raw(t, srv, "PUT", "photos/p", "", "x-ms-copy-source", source).expect(t, "other type", 409, "InvalidBlobType")
}

func TestPendingCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := copying(t, &blobtest.Options{CopyDuration: 10 * time.Second})
		begin := func() answer {
			a := raw(t, srv, "PUT", "photos/b", "", "x-ms-copy-source", srv.Endpoint()+"/photos/a")
			a.expect(t, "copy", 202, "")
			if a.header.Get("x-ms-copy-status") != "pending" {
				t.Errorf("copy: %v", a.header)
			}
			return a
		}
		check := func(status, progress, body string) answer {
			t.Helper()
			a := raw(t, srv, "GET", "photos/b", "")
			if a.header.Get("x-ms-copy-status") != status || a.header.Get("x-ms-copy-progress") != progress || a.body != body ||
				(a.header.Get("Content-MD5") != "") != (status == "success") { // what is empty has not the MD5 of the source
				t.Errorf("%q %v", a.body, a.header)
			}
			return a
		}
		started := begin()
		abort := "photos/b?comp=copy&copyid=" + started.header.Get("x-ms-copy-id")
		time.Sleep(3 * time.Second)
		check("pending", "3/10", "")
		raw(t, srv, "PUT", "photos/b", "x", "x-ms-blob-type", "BlockBlob").expect(t, "write", 409, "PendingCopyOperation")
		raw(t, srv, "PUT", "photos/b?comp=metadata", "").expect(t, "metadata", 409, "PendingCopyOperation")
		raw(t, srv, "DELETE", "photos/b", "").expect(t, "delete", 409, "PendingCopyOperation")
		raw(t, srv, "PUT", "photos/b?comp=copy&copyid=other", "", "x-ms-copy-action", "abort").expect(t, "other copy", 409, "CopyIdMismatch")
		raw(t, srv, "PUT", "photos/b?comp=copy", "", "x-ms-copy-action", "abort").expect(t, "no id", 400, "MissingRequiredQueryParameter")
		time.Sleep(7 * time.Second)
		if done := check("success", "10/10", "0123456789"); done.header.Get("ETag") == started.header.Get("ETag") {
			t.Error("the end of a copy leaves the ETag")
		}
		raw(t, srv, "PUT", abort, "", "x-ms-copy-action", "abort").expect(t, "too late", 409, "NoPendingCopyOperation")
		raw(t, srv, "PUT", "photos/a?comp=copy&copyid=x", "", "x-ms-copy-action", "abort").expect(t, "no copy", 409, "NoPendingCopyOperation")

		abort = "photos/b?comp=copy&copyid=" + begin().header.Get("x-ms-copy-id")
		time.Sleep(5 * time.Second)
		raw(t, srv, "PUT", abort, "", "x-ms-copy-action", "abort").expect(t, "abort", 204, "")
		check("aborted", "5/10", "")
		time.Sleep(time.Minute)
		check("aborted", "5/10", "")
		raw(t, srv, "DELETE", "photos/b", "").expect(t, "delete", 202, "")
	})
}

func TestIncrementalCopy(t *testing.T) {
	srv := pageBlob(t)
	source := srv.Endpoint() + "/disks/a?snapshot="
	snapshot := func() string { return raw(t, srv, "PUT", "disks/a?comp=snapshot", "").header.Get("x-ms-snapshot") }
	first := snapshot()
	putPages(t, srv, "0", "1023").expect(t, "write", 201, "")
	second := snapshot()
	const copied = "disks/b?comp=incrementalcopy"
	raw(t, srv, "PUT", copied, "", "x-ms-copy-source", srv.Endpoint()+"/disks/a").expect(t, "no snapshot", 409, "IncrementalCopySourceMustBeSnapshot")
	raw(t, srv, "PUT", copied, "", "x-ms-copy-source", source+first).expect(t, "first", 202, "")
	raw(t, srv, "PUT", copied, "", "x-ms-copy-source", source+second).expect(t, "second", 202, "")
	raw(t, srv, "PUT", copied, "", "x-ms-copy-source", source+first).expect(t, "earlier", 409, "IncrementalCopyOfEarlierSnapshotNotAllowed")
	raw(t, srv, "PUT", "disks/a?comp=incrementalcopy", "", "x-ms-copy-source", source+first).expect(t, "other blob", 409, "IncrementalCopyBlobMismatch")
	a := raw(t, srv, "HEAD", "disks/b", "")
	made := a.header.Get("x-ms-copy-destination-snapshot")
	if a.header.Get("x-ms-incremental-copy") != "true" || made == "" {
		t.Errorf("%v", a.header)
	}
	if got := raw(t, srv, "GET", "disks/b?snapshot="+made, ""); !strings.HasPrefix(got.body, strings.Repeat("p", 1024)) {
		t.Errorf("snapshot: %d %s", got.status, got.code)
	}
	raw(t, srv, "GET", "disks/b", "").expect(t, "read", 409, "OperationNotAllowedOnIncrementalCopyBlob")
	raw(t, srv, "PUT", "disks/b?comp=metadata", "").expect(t, "write", 409, "OperationNotAllowedOnIncrementalCopyBlob")
}

func TestFromURL(t *testing.T) {
	srv := copying(t, nil)
	source, part := srv.Endpoint()+"/public/a", []string{"x-ms-source-range", "bytes=2-4"}
	const md5Of234 = "KJ3/B2adeiPeDviNL3Ep5w=="
	raw(t, srv, "PUT", "photos/log", "", "x-ms-blob-type", "AppendBlob").expect(t, "append blob", 201, "")
	raw(t, srv, "PUT", "photos/disk", "", "x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "1024").expect(t, "page blob", 201, "")
	raw(t, srv, "PUT", "public/page", strings.Repeat("z", 1024), "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
	for _, c := range []struct {
		name, resource, source string
		header                 []string
		status                 int
		code                   string
	}{
		{"blob", "photos/b", source, []string{"x-ms-blob-type", "BlockBlob", "x-ms-blob-content-language", "de"}, 201, ""},
		{"private", "photos/b", srv.Endpoint() + "/photos/a", []string{"x-ms-blob-type", "BlockBlob"}, 401, "CannotVerifyCopySource"},
		{"block", "photos/c?comp=block&blockid=AAAA", source, part, 201, ""},
		{"block past the end", "photos/c?comp=block&blockid=AAAA", source, []string{"x-ms-source-range", "bytes=10-"}, 416, "CannotVerifyCopySource"},
		{"malformed range", "photos/c?comp=block&blockid=AAAA", source, []string{"x-ms-source-range", "2-4"}, 400, "InvalidHeaderValue"},
		{"other CRC64", "photos/c?comp=block&blockid=AAAA", source, []string{"x-ms-source-content-crc64", "AAAAAAAAAAA="}, 400, "Crc64Mismatch"},
		{"both sums", "photos/c?comp=block&blockid=AAAA", source, []string{"x-ms-source-content-crc64", "AAAAAAAAAAA=", "x-ms-source-content-md5", md5Of234}, 400, "BothCrc64AndMd5HeaderPresent"},
		{"append", "photos/log?comp=appendblock", source, part, 201, ""},
		{"append elsewhere", "photos/log?comp=appendblock", source, append(part, "x-ms-blob-condition-appendpos", "0"), 412, "AppendPositionConditionNotMet"},
		{"pages", "photos/disk?comp=page", srv.Endpoint() + "/public/page", []string{"x-ms-page-write", "update", "x-ms-range", "bytes=512-1023", "x-ms-source-range", "bytes=0-511"}, 201, ""},
		{"other length", "photos/disk?comp=page", srv.Endpoint() + "/public/page", []string{"x-ms-page-write", "update", "x-ms-range", "bytes=512-1023", "x-ms-source-range", "bytes=0-1023"}, 400, "InvalidHeaderValue"},
		{"source condition", "photos/disk?comp=page", srv.Endpoint() + "/public/page", []string{"x-ms-page-write", "update", "x-ms-range", "bytes=512-1023", "x-ms-source-range", "bytes=0-511", "x-ms-source-if-match", `"0x1"`}, 412, "SourceConditionNotMet"},
	} {
		a := raw(t, srv, "PUT", c.resource, "", append([]string{"x-ms-copy-source", c.source}, c.header...)...)
		a.expect(t, c.name, c.status, c.code)
		if a.status == 201 && a.header.Get("x-ms-content-crc64") == "" {
			t.Errorf("%s: %v", c.name, a.header)
		}
	}
	raw(t, srv, "PUT", "photos/c?comp=blocklist", "<BlockList><Latest>AAAA</Latest></BlockList>").expect(t, "commit", 201, "")
	for name, want := range map[string]string{"b": "0123456789", "c": "234", "log": "234", "disk": strings.Repeat("\x00", 512) + strings.Repeat("z", 512)} {
		if a := raw(t, srv, "GET", "photos/"+name, ""); a.body != want {
			t.Errorf("%s is %q", name, a.body)
		}
	}
	a := raw(t, srv, "HEAD", "photos/b", "")
	if a.header.Get("Content-Type") != "text/plain" || a.header.Get("Content-Language") != "de" || a.header.Get("x-ms-meta-k") != "v" {
		t.Errorf("properties of the source: %v", a.header)
	}
}

func TestForeignSource(t *testing.T) {
	srv := copying(t, nil)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/file":
			w.Header().Set("x-ms-error-code", "ResourceNotFound")
			w.WriteHeader(http.StatusNotFound)
		case r.Header.Get("If-Match") != "":
			w.WriteHeader(http.StatusPreconditionFailed)
		default:
			_, _ = io.WriteString(w, "from afar")
		}
	}))
	defer other.Close()
	raw(t, srv, "PUT", "photos/b", "", "x-ms-copy-source", other.URL+"/file").expect(t, "copy", 202, "")
	if a := raw(t, srv, "GET", "photos/b", ""); a.body != "from afar" {
		t.Errorf("copied %q", a.body)
	}
	raw(t, srv, "PUT", "photos/c?comp=block&blockid=AAAA", "", "x-ms-copy-source", other.URL+"/file", "x-ms-source-range", "bytes=5-6").expect(t, "block", 201, "")
	raw(t, srv, "PUT", "photos/c?comp=blocklist", "<BlockList><Latest>AAAA</Latest></BlockList>").expect(t, "commit", 201, "")
	if a := raw(t, srv, "GET", "photos/c", ""); a.body != "af" {
		t.Errorf("copied %q", a.body)
	}
	a := raw(t, srv, "PUT", "photos/b", "", "x-ms-copy-source", other.URL+"/none")
	a.expect(t, "no source", 404, "CannotVerifyCopySource")
	if a.header.Get("x-ms-copy-source-error-code") != "ResourceNotFound" {
		t.Errorf("%v", a.header)
	}
	raw(t, srv, "PUT", "photos/b", "", "x-ms-copy-source", other.URL+"/file", "x-ms-source-if-match", `"0x1"`).expect(t, "condition", 412, "SourceConditionNotMet")

	// The service may be closed by the time it reads a source.
	handler := srv.Handler()
	srv.Close()
	req := newRaw(t, srv.Endpoint()+"/photos/b", "PUT", "", "x-ms-copy-source", other.URL+"/file")
	sign(t, req, srv)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	if w.Code != http.StatusAccepted {
		t.Errorf("after the end of the server: %d", w.Code)
	}
}
