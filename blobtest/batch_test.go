package blobtest_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

// batchOf is a batch of parts, each "METHOD path", signed with the account key.
func batchOf(t *testing.T, srv *blobtest.Server, base string, parts ...string) string {
	t.Helper()
	var b strings.Builder
	for i, p := range parts {
		method, path, _ := strings.Cut(p, " ")
		req := newRaw(t, base+path, method, "", "x-ms-version", "")
		if strings.Contains(path, "comp=tier") {
			req.Header.Set("x-ms-access-tier", "Cool")
		}
		sign(t, req, srv)
		fmt.Fprintf(&b, "--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %d\r\n\r\n", i)
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, req.URL.RequestURI())
		for name, values := range req.Header {
			fmt.Fprintf(&b, "%s: %s\r\n", name, values[0])
		}
		b.WriteString("Content-Length: 0\r\n\r\n")
	}
	return b.String() + "--batch_1--\r\n"
}

// submit sends a batch, and returns its answers by the id of their part.
func submit(t *testing.T, srv *blobtest.Server, resource, body string) map[string]answer {
	t.Helper()
	a := raw(t, srv, "POST", resource, body, "Content-Type", "multipart/mixed; boundary=batch_1")
	a.expect(t, "batch", 202, "")
	_, fields, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]answer{}
	r := multipart.NewReader(strings.NewReader(a.body), fields["boundary"])
	for {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return answers
		}
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(part), nil)
		if err != nil {
			t.Fatal(err)
		}
		content := must(io.ReadAll(resp.Body))
		answers[part.Header.Get("Content-Id")] = answer{resp.StatusCode, resp.Header.Get("x-ms-error-code"), resp.Header, string(content)}
	}
}

func putMany(t *testing.T, srv *blobtest.Server, names ...string) {
	t.Helper()
	raw(t, srv, "PUT", "photos?restype=container", "")
	for _, name := range names {
		raw(t, srv, "PUT", "photos/"+name, "some", "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
	}
}

func TestBatch(t *testing.T) {
	srv := blobtest.New(t)
	putMany(t, srv, "a", "b%20c", "d", "e")
	answers := submit(t, srv, "?comp=batch", batchOf(t, srv, srv.Endpoint(), "DELETE /photos/a", "DELETE /photos/none", "DELETE /photos/b%20c"))
	answers["0"].expect(t, "first", 202, "")
	answers["1"].expect(t, "missing", 404, "BlobNotFound")
	answers["2"].expect(t, "third", 202, "")
	if h := answers["0"].header; len(answers) != 3 || h.Get("x-ms-delete-type-permanent") != "true" || h.Get("x-ms-request-id") == "" || h.Get("x-ms-version") != "2026-06-06" {
		t.Errorf("%v", answers)
	}
	if !strings.Contains(answers["1"].body, "<Code>BlobNotFound</Code>") {
		t.Errorf("error %q", answers["1"].body)
	}
	raw(t, srv, "HEAD", "photos/a", "").expect(t, "deleted", 404, "BlobNotFound")

	answers = submit(t, srv, "photos?restype=container&comp=batch", batchOf(t, srv, srv.Endpoint(), "PUT /photos/d?comp=tier", "PUT /other/d?comp=tier"))
	answers["0"].expect(t, "tier", 200, "")
	answers["1"].expect(t, "other container", 400, "InvalidInput")
	if a := raw(t, srv, "HEAD", "photos/d", ""); a.header.Get("x-ms-access-tier") != "Cool" {
		t.Errorf("tier %v", a.header)
	}
	answers = submit(t, srv, "?comp=batch", strings.Replace(batchOf(t, srv, srv.Endpoint(), "DELETE /photos/e", "DELETE /photos/d"), "DELETE /photos/e ", "DELETE /photos/f ", 1))
	answers["0"].expect(t, "signed for another blob", 403, "AuthenticationFailed")
	answers["1"].expect(t, "signed", 202, "")
	unsigned := "--batch_1\r\nContent-Type: application/http\r\nContent-ID: 7\r\n\r\nDELETE /photos/e HTTP/1.1\r\nx-ms-date: " + time.Now().UTC().Format(http.TimeFormat) + "\r\n--batch_1--"
	submit(t, srv, "?comp=batch", unsigned)["7"].expect(t, "unsigned", 401, "NoAuthenticationInformation")
	raw(t, srv, "HEAD", "photos/e", "").expect(t, "kept", 200, "")
}

func TestBatchPathStyle(t *testing.T) {
	srv := blobtest.New(t)
	putMany(t, srv, "a")
	base := "http://127.0.0.1:1/" + srv.Account()
	req := newRaw(t, base+"?comp=batch", "POST", batchOf(t, srv, base, "DELETE /photos/a"), "Content-Type", "multipart/mixed; boundary=batch_1")
	sign(t, req, srv)
	a := do(t, srv, req)
	if a.expect(t, "path style", 202, ""); !strings.Contains(a.body, "HTTP/1.1 202 Accepted\r\n") {
		t.Error(a.body)
	}
}

func TestBatchRefused(t *testing.T) {
	srv := blobtest.New(t)
	putMany(t, srv, "a")
	many := make([]string, 257)
	for i := range many {
		many[i] = "DELETE /photos/none"
	}
	if n := len(submit(t, srv, "?comp=batch", batchOf(t, srv, srv.Endpoint(), many[:256]...))); n != 256 {
		t.Errorf("%d answers for 256 parts", n)
	}
	for _, c := range []struct{ name, body, code string }{
		{"many", batchOf(t, srv, srv.Endpoint(), many...), "ExceedsMaxBatchRequestCount"},
		{"mixed", batchOf(t, srv, srv.Endpoint(), "DELETE /photos/a", "PUT /photos/a?comp=tier"), "AllBatchSubRequestsShouldBeSameApi"},
		{"none", batchOf(t, srv, srv.Endpoint()), "InvalidInput"},
		{"other verb", batchOf(t, srv, srv.Endpoint(), "GET /photos/a"), "InvalidInput"},
		{"container", batchOf(t, srv, srv.Endpoint(), "DELETE /photos?restype=container"), "InvalidInput"},
		{"nonsense", "nonsense", "InvalidInput"},
		{"part that is none", "--batch_1\r\nContent-Type: application/http\r\n\r\nnonsense\r\n--batch_1--", "InvalidInput"},
		{"part of another type", "--batch_1\r\nContent-Type: text/plain\r\n\r\nDELETE /photos/a HTTP/1.1\r\n\r\n--batch_1--", "InvalidInput"},
	} {
		answers := submit(t, srv, "?comp=batch", c.body)
		a, ok := answers[""]
		if !ok || len(answers) != 1 {
			t.Errorf("%s: %v", c.name, answers)
		}
		a.expect(t, c.name, 400, c.code)
	}
	raw(t, srv, "POST", "?comp=batch", "", "Content-Type", "text/plain").expect(t, "type", 400, "InvalidHeaderValue")
	raw(t, srv, "POST", "?comp=batch", "").expect(t, "no type", 400, "MissingRequiredHeader")
	raw(t, srv, "POST", "?comp=batch", string(bytes.Repeat([]byte("x"), 4<<20+1)), "Content-Type", "multipart/mixed; boundary=b").
		expect(t, "large", 413, "RequestBodyTooLarge")
	raw(t, srv, "HEAD", "photos/a", "").expect(t, "kept", 200, "")
}

// TestBatchFaults has faults happen to parts: those that name their operation,
// and have a status.
func TestBatchFaults(t *testing.T) {
	srv := blobtest.New(t)
	putMany(t, srv, "a", "b", "c")
	before := srv.Inject(blobtest.Fault{Operation: "Delete Blob", Blob: "a", Status: 503, Code: "ServerBusy"})
	after := srv.Inject(blobtest.Fault{Operation: "Blob_Delete", Blob: "b", Status: 500, Code: "InternalError", At: blobtest.AfterOperation})
	other := srv.Inject(blobtest.Fault{Blob: "c", Status: 500})
	answers := submit(t, srv, "?comp=batch", batchOf(t, srv, srv.Endpoint(), "DELETE /photos/a", "DELETE /photos/b", "DELETE /photos/c"))
	answers["0"].expect(t, "before", 503, "ServerBusy")
	answers["1"].expect(t, "after", 500, "InternalError")
	answers["2"].expect(t, "not of the operation", 202, "")
	if before.Fired() != 1 || after.Fired() != 1 || other.Fired() != 0 || answers["0"].header.Get("x-ms-request-id") == "" || !strings.Contains(answers["0"].body, "<Code>ServerBusy</Code>") {
		t.Errorf("%d, %d, %d: %v", before.Fired(), after.Fired(), other.Fired(), answers)
	}
	other.Remove()
	raw(t, srv, "HEAD", "photos/a", "").expect(t, "not carried out", 200, "")
	raw(t, srv, "HEAD", "photos/b", "").expect(t, "carried out", 404, "BlobNotFound")
}
