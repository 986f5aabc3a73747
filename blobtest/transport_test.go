package blobtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// watchedBody tells whether a body was closed.
type watchedBody struct {
	io.Reader
	closed atomic.Bool
}

func (b *watchedBody) Close() error {
	b.closed.Store(true)
	return nil
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestTransportClosesBodies(t *testing.T) {
	srv := blobtest.New(t)
	errSource := errors.New("the source is gone")
	for _, c := range []struct {
		name   string
		body   io.Reader
		length int64
		status int
		failed string
	}{
		{"refused early", strings.NewReader("some"), 4, 401, ""},
		{"short", io.MultiReader(strings.NewReader("so")), 4, 0, "http: ContentLength=4 with Body length 2"},
		{"broken", failingReader{errSource}, 4, 0, errSource.Error()},
	} {
		body := &watchedBody{Reader: c.body}
		req := newRaw(t, srv.Endpoint()+"/photos/x", "PUT", "", "x-ms-blob-type", "BlockBlob")
		req.Body, req.ContentLength = body, c.length
		if c.status == 0 {
			req.Header.Set("Authorization", "Bearer some")
		}
		resp, err := srv.Transport().Do(req)
		switch {
		case c.status == 0 && (err == nil || err.Error() != c.failed):
			t.Errorf("%s: %v", c.name, err)
		case c.status != 0 && (err != nil || resp.StatusCode != c.status):
			t.Errorf("%s: %v, %v", c.name, resp, err)
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		if !body.closed.Load() {
			t.Errorf("%s: the body is not closed", c.name)
		}
	}
}

// TestTransportReadsToTheEnd: a client learns that its body is gone when that is
// read to its end and not just to its last byte, before the service does anything.
func TestTransportReadsToTheEnd(t *testing.T) {
	for name, fault := range map[string]*blobtest.Fault{
		"at once": nil, "with a fault": {Bandwidth: 1 << 30},
	} {
		srv := blobtest.New(t)
		newContainer(t, srv.ServiceClient())
		if fault != nil {
			srv.Inject(*fault)
		}
		body := &toTheEnd{Reader: strings.NewReader("some")}
		resp, err := srv.Transport().RoundTrip(newPut(t, srv, body, 4))
		if err != nil || resp.StatusCode != 201 || !body.ended {
			t.Errorf("%s: %v, %v, read to the end: %v", name, resp, err, body.ended)
		}
		_ = resp.Body.Close()
	}
}

type toTheEnd struct {
	io.Reader
	ended bool
}

func (b *toTheEnd) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.ended = b.ended || err == io.EOF
	return n, err
}

func (b *toTheEnd) InMemory() bool { return true }
func (b *toTheEnd) Close() error   { return nil }

func TestTransportContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		body := &watchedBody{Reader: strings.NewReader("some")}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		req := newRaw(t, srv.Endpoint()+"/photos/x", "PUT", "").WithContext(ctx)
		req.Body, req.ContentLength = body, 4
		if _, err := srv.Transport().RoundTrip(req); !errors.Is(err, context.Canceled) || !body.closed.Load() {
			t.Errorf("done before: %v, closed %v", err, body.closed.Load())
		}

		// A body that never comes does not outlive its context.
		pr, pw := io.Pipe()
		defer pw.Close()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req = newRaw(t, srv.Endpoint()+"/photos/x", "PUT", "", "x-ms-blob-type", "BlockBlob", "Authorization", "Bearer some").WithContext(ctx)
		req.Body, req.ContentLength = pr, 4
		start := time.Now()
		if _, err := srv.Transport().RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("body that never comes: %v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if _, err := pw.Write([]byte("x")); err == nil {
			t.Error("the body is still open")
		}
	})
}

// TestContextEndsAnswers ends the context of an answer that is there and not read.
func TestContextEndsAnswers(t *testing.T) {
	srv := blobtest.New(t)
	c := newContainer(t, srv.ServiceClient())
	if _, err := c.Blob("x").Upload(t.Context(), strings.NewReader("some"), nil); err != nil {
		t.Fatal(err)
	}
	get := func() {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := srv.Transport().RoundTrip(newRaw(t, srv.Endpoint()+"/photos/x", "GET", "", "Authorization", "Bearer some").WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	get()
	srv.Inject(blobtest.Fault{Header: map[string]string{"x-ms-any": "thing"}})
	get()
}

// TestHeadersAsSent sends headers that net/http does not send, or not as they are.
func TestHeadersAsSent(t *testing.T) {
	onEachTransport(t, func(t *testing.T, d *direct) {
		d.srv.Inject(blobtest.Fault{Match: func(r *http.Request) bool { return r.Header.Get("x-ms-meta-slow") != "" }, Times: -1})
		for _, c := range []struct {
			value, want string
			sent        bool
		}{
			{" a b\t", "a b", true}, {"ü", "ü", true}, {"", "", true}, {" ", "", true},
			{"a\nb", "", false}, {"a\x00", "", false}, {"\x7f", "", false},
		} {
			for _, slow := range []string{"", "yes"} {
				_, _, err := d.get(t, "x-ms-meta-any", c.value, "x-ms-meta-slow", slow)
				if (err == nil) != c.sent {
					t.Errorf("%q: %v", c.value, err)
				}
				if seen := d.srv.Requests(); c.sent && seen[len(seen)-1].Header.Get("x-ms-meta-any") != c.want {
					t.Errorf("%q arrived as %q", c.value, seen[len(seen)-1].Header)
				}
			}
		}
	})
}

// TestAnswerBeforeItsBody reads the headers of a large answer while its body is
// still to come, and leaves most of it unread.
func TestAnswerBeforeItsBody(t *testing.T) {
	srv := blobtest.New(t)
	c := newContainer(t, srv.ServiceClient())
	content := random(1 << 20)
	if _, err := c.Blob("x").Upload(t.Context(), bytes.NewReader(content), nil); err != nil {
		t.Fatal(err)
	}
	req := newRaw(t, srv.Endpoint()+"/photos/x", "GET", "", "Authorization", "Bearer some")
	resp, err := srv.Transport().RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK || resp.ContentLength != 1<<20 {
		t.Fatalf("%v, %v", resp, err)
	}
	part := make([]byte, 1000)
	if _, err := io.ReadFull(resp.Body, part); err != nil || !bytes.Equal(part, content[:1000]) {
		t.Error(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if _, err := resp.Body.Read(part); err == nil {
		t.Error("a closed body can be read")
	}
}

// TestReadersKeepTheirState replaces and deletes a blob while it is read.
func TestReadersKeepTheirState(t *testing.T) {
	srv := blobtest.New(t)
	c := newContainer(t, srv.ServiceClient())
	content := random(1 << 20)
	if _, err := c.Blob("x").Upload(t.Context(), bytes.NewReader(content), nil); err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Transport().RoundTrip(newRaw(t, srv.Endpoint()+"/photos/x", "GET", "", "Authorization", "Bearer some"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := c.Blob("x").Upload(t.Context(), strings.NewReader("other"), nil); err != nil {
		t.Error(err)
	}
	if _, err := c.Blob("x").Delete(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestClosedServer(t *testing.T) {
	srv := blobtest.NewServer(nil)
	_ = srv.URL()
	if _, err := srv.ServiceClient().AccountInfo(t.Context(), nil); err != nil {
		t.Error(err)
	}
	srv.Close()
	s := srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})
	if _, err := s.AccountInfo(t.Context(), nil); err == nil {
		t.Error("a closed server answers")
	}
	srv.Close()
}

func TestRequests(t *testing.T) {
	srv := blobtest.New(t)
	b := newContainer(t, srv.ServiceClient()).Blob("a b")
	srv.ResetRequests()
	if _, err := b.Upload(t.Context(), strings.NewReader("some"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadAll(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	_, _ = b.WithSnapshot("none").Properties(t.Context(), nil)
	got := srv.Requests()
	if len(got) != 3 {
		t.Fatalf("%d requests", len(got))
	}
	put, get, head := got[0], got[1], got[2]
	if put.Operation != "Put Blob" || put.Method != "PUT" || put.Container != "photos" || put.Blob != "a b" || put.Account != srv.Account() ||
		put.BodyBytes != 4 || put.Status != 201 || put.Header.Get("Authorization") != "REDACTED" || put.Header.Get("x-ms-blob-type") != "BlockBlob" {
		t.Errorf("%+v", put)
	}
	if get.Operation != "Get Blob" || get.Status != 206 || get.AnswerBytes != 4 {
		t.Errorf("%+v", get)
	}
	if head.Operation != "Get Blob Properties" || head.Status != 404 || head.Code != "BlobNotFound" || head.Query.Get("snapshot") != "none" {
		t.Errorf("%+v", head)
	}
	_, err := srv.Transport().RoundTrip(newRaw(t, srv.Endpoint()+"/photos/x?sv=2026-06-06&sig=verysecret", "GET", "", "x-ms-copy-source", "https://h/c/b?sig=alsosecret"))
	if err != nil {
		t.Fatal(err)
	}
	if last := srv.Requests()[3]; last.Query.Get("sig") != "REDACTED" || strings.Contains(last.Header.Get("x-ms-copy-source"), "alsosecret") {
		t.Errorf("%+v", last)
	}
}

func TestProxy(t *testing.T) {
	srv := blobtest.New(t)
	proxy := blobtest.NewProxy(t, srv.URL())
	credential, err := azureblob.NewSharedKeyCredential(srv.Account(), srv.Key())
	if err != nil {
		t.Fatal(err)
	}
	s, err := azureblob.NewServiceClient(proxy.URL(), credential, &azureblob.ClientOptions{Transport: proxy.Client(), Retry: azureblob.RetryOptions{Total: -1}})
	if err != nil {
		t.Fatal(err)
	}
	c := newContainer(t, s)
	want := random(3 << 20)
	for _, name := range []string{"x", "a//b/./ü+%"} {
		if _, err := c.Blob(name).Upload(t.Context(), bytes.NewReader(want), &azureblob.UploadOptions{BlockSize: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Blob(name).ReadAll(t.Context(), nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	proxy.Inject(blobtest.Fault{Operation: "Get Blob Properties", Status: 503, Code: "ServerBusy"})
	if _, err := c.Blob("x").Properties(t.Context(), nil); !errors.Is(err, azureblob.ServerBusy) {
		t.Errorf("status: %v", err)
	}
	proxy.Inject(blobtest.Fault{Operation: "Put Blob", Status: 500, At: blobtest.AfterOperation})
	if _, err := c.Blob("y").Upload(t.Context(), strings.NewReader("some"), nil); err == nil {
		t.Error("it is not reported as failed")
	}
	if got, err := c.Blob("y").ReadAll(t.Context(), nil); err != nil || string(got) != "some" {
		t.Errorf("it was not applied: %q, %v", got, err)
	}
	for _, at := range []blobtest.Fault{{Operation: "Get Blob", Truncate: true}, {Operation: "Get Blob", Reset: true, At: blobtest.DuringAnswer}} {
		injected := proxy.Inject(at)
		again := azureblob.CallOptions{Retry: &azureblob.RetryOptions{Delay: time.Millisecond}}
		if got, err := c.Blob("x").ReadAll(t.Context(), &azureblob.DownloadOptions{CallOptions: again}); err != nil || !bytes.Equal(got, want) || injected.Fired() != 1 {
			t.Errorf("%+v: %d bytes, %v, fired %d times", at, len(got), err, injected.Fired())
		}
	}
	seen, behind := proxy.Requests(), srv.Requests()
	if len(seen) == 0 || len(behind) == 0 || len(seen) <= len(behind) {
		t.Errorf("%d requests to the proxy, %d passed on", len(seen), len(behind))
	}
}

// TestProxyOfHTTPS sends a token by way of a proxy, which needs https before and
// behind it.
func TestProxyOfHTTPS(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{HTTPS: true})
	proxy := blobtest.NewProxy(t, srv.URL(), &blobtest.ProxyOptions{HTTPS: true, Transport: srv.Client().Transport})
	proxy.Inject(blobtest.Fault{Operation: "List Containers", Code: "ServerBusy"})
	for _, want := range []int{503, 200} {
		resp, err := proxy.Client().Do(newRaw(t, proxy.URL()+"?comp=list", "GET", "", "Authorization", "Bearer some"))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%d and not %d", resp.StatusCode, want)
		}
	}
	if !strings.HasPrefix(proxy.URL(), "https://") || len(srv.Requests()) != 1 {
		t.Errorf("%s, %d requests passed on", proxy.URL(), len(srv.Requests()))
	}
}
