package blobtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// memoryBody is a body in memory, as those of the client are. It tells where it
// was read.
type memoryBody struct {
	io.Reader
	onRead func()
	closed int
	inside bool // read below RoundTrip, in the goroutine of the caller
}

func (b *memoryBody) InMemory() bool { return true }

func (b *memoryBody) Read(p []byte) (int, error) {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		b.inside = b.inside || strings.HasSuffix(f.Function, ".RoundTrip")
	}
	if b.onRead != nil {
		b.onRead()
	}
	return b.Reader.Read(p)
}

func (b *memoryBody) Close() error {
	b.closed++
	return nil
}

// opaqueBody hides that a body is in memory.
type opaqueBody struct{ io.ReadCloser }

func newPut(t *testing.T, srv *blobtest.Server, body io.ReadCloser, length int64) *http.Request {
	req := newRaw(t, srv.Endpoint()+"/photos/x", "PUT", "", "x-ms-blob-type", "BlockBlob", "Authorization", "Bearer some")
	req.Body, req.ContentLength = body, length
	return req
}

// TestWhoReadsBodies has a body read by the caller's goroutine only if nothing
// can keep it waiting.
func TestWhoReadsBodies(t *testing.T) {
	srv := blobtest.New(t)
	newContainer(t, srv.ServiceClient())
	put := func(hide bool) *memoryBody {
		t.Helper()
		body := &memoryBody{Reader: strings.NewReader("some")}
		var sent io.ReadCloser = body
		if hide {
			sent = opaqueBody{body}
		}
		resp, err := srv.Transport().RoundTrip(newPut(t, srv, sent, 4))
		if err != nil || resp.StatusCode != 201 {
			t.Fatalf("%v, %v", resp, err)
		}
		if err := resp.Body.Close(); err != nil || body.closed != 1 {
			t.Errorf("%v, the body was closed %d times", err, body.closed)
		}
		return body
	}
	if !put(false).inside {
		t.Error("a body in memory is read by another goroutine")
	}
	if put(true).inside {
		t.Error("a body that may block is read by the caller's goroutine")
	}
	fault := srv.Inject(blobtest.Fault{Delay: time.Microsecond, Times: -1})
	if put(false).inside {
		t.Error("a request with a fault is carried out by the caller's goroutine")
	}
	fault.Remove()
	if !put(false).inside {
		t.Error("a body in memory is read by another goroutine after a fault was removed")
	}
}

func TestBodiesInMemory(t *testing.T) {
	srv := blobtest.New(t)
	newContainer(t, srv.ServiceClient())
	errSource := errors.New("the source is gone")
	for _, c := range []struct {
		name   string
		body   io.Reader
		length int64
		status int
		failed string
	}{
		{"complete", strings.NewReader("some"), 4, 201, ""},
		{"more than announced", strings.NewReader("somewhat"), 4, 201, ""},
		{"of unknown length", strings.NewReader("some"), -1, 411, ""},
		{"short", strings.NewReader("so"), 4, 0, "http: ContentLength=4 with Body length 2"},
		{"broken", failingReader{errSource}, 4, 0, errSource.Error()},
	} {
		body := &memoryBody{Reader: c.body}
		resp, err := srv.Transport().RoundTrip(newPut(t, srv, body, c.length))
		switch {
		case c.status == 0 && (err == nil || err.Error() != c.failed):
			t.Errorf("%s: %v", c.name, err)
		case c.status != 0 && (err != nil || resp.StatusCode != c.status):
			t.Errorf("%s: %v, %v", c.name, resp, err)
		}
		if body.closed != 1 {
			t.Errorf("%s: the body was closed %d times", c.name, body.closed)
		}
	}
	if n := srv.Requests()[1].BodyBytes; n != 4 {
		t.Errorf("%d bytes were read", n)
	}
	if got, err := srv.ServiceClient().Container("photos").Blob("x").ReadAll(t.Context(), nil); err != nil || string(got) != "some" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestCancelWhileReading ends the context from within the body.
func TestCancelWhileReading(t *testing.T) {
	srv := blobtest.New(t)
	newContainer(t, srv.ServiceClient())
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	body := &memoryBody{Reader: bytes.NewReader(random(1 << 20)), onRead: func() { cancel(cause) }}
	resp, err := srv.Transport().RoundTrip(newPut(t, srv, body, 1<<20).WithContext(ctx))
	if !errors.Is(err, cause) || resp != nil || body.closed != 1 {
		t.Errorf("%v, %v, the body was closed %d times", resp, err, body.closed)
	}
	if _, err := srv.ServiceClient().Container("photos").Blob("x").Properties(t.Context(), nil); !errors.Is(err, azureblob.BlobNotFound) {
		t.Errorf("the blob was made: %v", err)
	}
}

// TestAnswersAtOnce looks at what is answered by the caller's goroutine.
func TestAnswersAtOnce(t *testing.T) {
	srv := blobtest.New(t)
	c := newContainer(t, srv.ServiceClient())
	content := random(3000)
	if _, err := c.Blob("x").Upload(t.Context(), bytes.NewReader(content), nil); err != nil {
		t.Fatal(err)
	}
	send := func(method string, header ...string) *http.Response {
		t.Helper()
		resp, err := srv.Transport().RoundTrip(newRaw(t, srv.Endpoint()+"/photos/x", method, "", append(header, "Authorization", "Bearer some")...))
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	resp := send("GET")
	if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, content) || resp.Status != "200 OK" || resp.ContentLength != 3000 {
		t.Errorf("%d bytes, %v, %v", len(got), err, resp)
	}
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
	_ = resp.Body.Close()
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("after Close: %d, %v", n, err)
	}
	head := send("HEAD")
	if got, err := io.ReadAll(head.Body); err != nil || len(got) != 0 || head.ContentLength != 3000 || head.StatusCode != 200 {
		t.Errorf("HEAD: %q, %v, %v", got, err, head)
	}
	fresh := send("GET", "If-None-Match", resp.Header.Get("ETag"))
	if got, err := io.ReadAll(fresh.Body); err != nil || len(got) != 0 || fresh.Status != "304 Not Modified" {
		t.Errorf("not modified: %q, %v, %v", got, err, fresh)
	}
	// What is closed while it is read ends, one way or the other.
	for range 20 {
		resp := send("GET")
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = io.Copy(io.Discard, resp.Body) })
		_ = resp.Body.Close()
		reading.Wait()
	}
}

// TestHeadersStayApart changes headers after the request, and sends names as
// net/http would not write them.
func TestHeadersStayApart(t *testing.T) {
	srv := blobtest.New(t)
	newContainer(t, srv.ServiceClient())
	srv.ResetRequests()
	req := newPut(t, srv, &memoryBody{Reader: strings.NewReader("some")}, 4)
	const odd = "x-ms-meta-camelCase"
	req.Header[odd] = []string{"a"}
	resp, err := srv.Transport().RoundTrip(req)
	if err != nil || resp.StatusCode != 201 {
		t.Fatalf("%v, %v", resp, err)
	}
	//lint:ignore SA1008 and they are not to be changed
	if _, ok := req.Header[odd]; !ok {
		t.Errorf("the headers of the client were changed: %v", req.Header)
	}
	req.Header["X-Ms-Blob-Type"][0] = "other"
	req.Header.Set("x-ms-more", "more")
	got := srv.Requests()[0].Header
	if got.Get("x-ms-blob-type") != "BlockBlob" || got.Get("x-ms-more") != "" || got.Get("x-ms-meta-camelcase") != "a" {
		t.Errorf("%v", got)
	}
	got.Set("x-ms-blob-type", "other")
	if again := srv.Requests()[0].Header.Get("x-ms-blob-type"); again != "BlockBlob" {
		t.Errorf("the list is the caller's to change: %q", again)
	}
	for name := range resp.Header {
		if http.CanonicalHeaderKey(name) != name {
			t.Errorf("the answer has a header %q", name)
		}
	}
}

// TestManyRequests looks at more requests than are packed into one piece.
func TestManyRequests(t *testing.T) {
	srv := blobtest.New(t)
	do := func(url string, header ...string) {
		resp, err := srv.Transport().RoundTrip(newRaw(t, url, "GET", "", header...))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	const many = 600
	for i := range many {
		do(srv.Endpoint()+"/photos/"+strconv.Itoa(i), "x-number", strconv.Itoa(i))
	}
	do("https://" + srv.Account() + "-secondary.blob.test/photos/last?timeout=1&timeout=2&%zz")
	got := srv.Requests()
	if len(got) != many+1 {
		t.Fatalf("%d requests", len(got))
	}
	for i, r := range got[:many] {
		if r.Blob != strconv.Itoa(i) || r.Header.Get("x-number") != r.Blob || r.Account != srv.Account() || r.Secondary || r.Status != 401 || r.Query == nil {
			t.Fatalf("%d: %+v", i, r)
		}
	}
	if r := got[many]; r.Blob != "last" || !r.Secondary || r.Status != 400 || len(r.Query["timeout"]) != 2 || len(r.Header["X-Number"]) != 0 {
		t.Errorf("%+v", r)
	}
	srv.ResetRequests()
	if got := srv.Requests(); got == nil || len(got) != 0 {
		t.Errorf("%d after a reset", len(got))
	}
}
