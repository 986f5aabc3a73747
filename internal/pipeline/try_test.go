package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Early answers leave net/http reading the body of an attempt that is over.
func TestEarlyAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		tls    bool
		status int
		tries  int64
	}{
		{"403", false, 403, 1}, {"403 over TLS", true, 403, 1},
		{"503", false, 503, 3}, {"503 over TLS", true, 503, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(c.status) }
			start := serve
			if c.tls {
				start = serveTLS
			}
			srv, client := start(t, handler)
			p := New(Config{Transport: client, Retry: noWait(2), Auth: SharedKey("a", []byte("k"))})
			data := make([]byte, 512<<10)
			bodies := make([]*trackedBody, 200)
			var workers sync.WaitGroup
			for w := range 8 {
				workers.Go(func() {
					for i := w; i < len(bodies); i += 8 {
						bodies[i] = &trackedBody{data: data}
						resp, err := do(t, p, "PUT", srv.URL+"/c/b", &Call{Body: bodies[i], Idempotent: true})
						if err == nil && resp.StatusCode != c.status {
							t.Errorf("status %d", resp.StatusCode)
						}
					}
				})
			}
			workers.Wait()
			for i, b := range bodies {
				b.open.Wait() // every reader is closed, or this never ends
				if n := b.opened.Load(); n < c.tries {
					t.Errorf("upload %d: %d readers for %d tries", i, n, c.tries)
				}
				if n := b.readAfter.Load(); n != 0 {
					t.Errorf("upload %d: %d reads of a closed reader", i, n)
				}
			}
		})
	}
}

func TestRetryAfterReset(t *testing.T) {
	var requests atomic.Int64
	data := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			// Half of the body, then a reset.
			_, _ = io.CopyN(io.Discard, r.Body, int64(len(data)/2))
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
			return
		}
		got, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(got, data) || r.ContentLength != int64(len(data)) {
			t.Errorf("got %d bytes of %d, %v", len(got), r.ContentLength, err)
		}
		w.WriteHeader(201)
	})
	body := &trackedBody{data: data}
	p := New(Config{Transport: client, Retry: noWait(1)})
	resp, err := do(t, p, "PUT", srv.URL+"/c/b", &Call{Body: body, Idempotent: true})
	if err != nil || resp.StatusCode != 201 {
		t.Fatalf("%v, %v", resp, err)
	}
	body.open.Wait()
	if n := body.opened.Load(); n != 2 {
		t.Errorf("%d readers for 2 tries", n)
	}
}

func TestLengths(t *testing.T) {
	lines := make(chan string, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines <- fmt.Sprint(r.Header["Content-Length"], r.ContentLength, r.TransferEncoding)
	}))
	srv.Start()
	client := NewTransport(0, 0, nil)
	t.Cleanup(func() { client.CloseIdleConnections(); srv.Close() })
	p := New(Config{Transport: client, Retry: noWait(0)})
	for _, c := range []struct {
		method string
		body   Body
		want   string
	}{
		{"PUT", nil, "[0] 0 []"},
		{"POST", nil, "[0] 0 []"},
		{"PUT", &trackedBody{}, "[0] 0 []"},
		{"PUT", &trackedBody{data: []byte("abc")}, "[3] 3 []"},
		{"GET", nil, "[] 0 []"},
		{"DELETE", nil, "[] 0 []"},
	} {
		if _, err := do(t, p, c.method, srv.URL, &Call{Body: c.body}); err != nil {
			t.Fatal(err)
		}
		if got := <-lines; got != c.want {
			t.Errorf("%s: Content-Length %s, want %s", c.method, got, c.want)
		}
		if b, ok := c.body.(*trackedBody); ok {
			b.open.Wait()
		}
	}
}

type badLength struct{ trackedBody }

func (*badLength) Len() int64 { return -1 }

func TestRefusedBeforeSending(t *testing.T) {
	srv, client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request went out") })
	p := New(Config{Transport: client, Auth: SharedKey("a", []byte("k"))})
	body := &trackedBody{data: []byte("abc")}
	for name, call := range map[string]Call{
		"length": {Body: &badLength{}},
		"header": {Body: body, OnRequest: func(r *http.Request) { r.Header["X-Ms-Meta-A"] = []string{"a\nb"} }},
		"query":  {Body: body, OnRequest: func(r *http.Request) { r.URL.RawQuery = "a=%" }},
	} {
		// The default retry would take seconds; the test is fast since these
		// errors are not tried again.
		if resp, err := do(t, p, "PUT", srv.URL, &call); err == nil {
			t.Errorf("%s: %v", name, resp.Status)
		} else if !strings.HasPrefix(err.Error(), "azureblob: ") {
			t.Errorf("%s: %v", name, err)
		} else if e := (interface{ NonRetriable() })(nil); !errors.As(err, &e) {
			t.Errorf("%s would be tried again", name)
		}
	}
	if n := body.opened.Load(); n != 0 {
		t.Errorf("%d readers for no request", n)
	}
}

func TestHooks(t *testing.T) {
	var tries atomic.Int64
	srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if string(got) != "abc" || r.Header.Get("X-Ms-Meta-Hook") != "yes" || len(r.Header.Values("X-Ms-Meta-Hook")) != 1 {
			t.Errorf("body %q, headers %v", got, r.Header)
		}
		w.Header().Set("x-ms-error-code", "ServerBusy")
		w.WriteHeader([]int{503, 201}[tries.Add(1)-1])
	})
	p := New(Config{Transport: client, Retry: noWait(1), Auth: SharedKey("a", []byte("k"))})
	body := &trackedBody{data: []byte("abc")}
	var seen []int
	_, err := do(t, p, "PUT", srv.URL+"/c/b", &Call{
		Body: body,
		OnRequest: func(r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				t.Error("the hook sees a signature")
			}
			r.Header.Add("x-ms-meta-hook", "yes")
			// A hook that reads the body must not take it from the request.
			if b, err := io.ReadAll(r.Body); string(b) != "abc" || err != nil {
				t.Errorf("the hook reads %q, %v", b, err)
			}
		},
		OnResponse: func(r *http.Response) { seen = append(seen, r.StatusCode) },
	})
	if err != nil || fmt.Sprint(seen) != "[503 201]" {
		t.Errorf("hook saw %v, %v", seen, err)
	}
	body.open.Wait()
}

// A canceled upload lets go of its body, too.
func TestCancel(t *testing.T) {
	release := make(chan struct{})
	srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	body := &trackedBody{data: make([]byte, 8<<20)}
	p := New(Config{Transport: client, PerRetry: nil})
	_, err := doCtx(ctx, t, p, "PUT", srv.URL+"/c/b", &Call{
		Body: &cancelingBody{trackedBody: body, cancel: cancel},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	body.open.Wait()
}

// cancelingBody cancels when it is opened.
type cancelingBody struct {
	*trackedBody
	cancel func()
}

func (b *cancelingBody) Open() io.ReadCloser {
	r := b.trackedBody.Open()
	b.cancel()
	return r
}
