package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// staleConn is a kept-alive connection that was closed at the other end, which
// the client has not noticed: writes fail before the first byte.
type staleConn struct {
	net.Conn
	stale *atomic.Bool
}

func (c staleConn) Write(p []byte) (int, error) {
	if c.stale.Load() {
		return 0, errors.New("broken pipe")
	}
	return c.Conn.Write(p)
}

func TestStaleConnectionBeforeWriting(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 200<<10)
	srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(got, data) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		w.WriteHeader(201)
	})
	var first atomic.Bool
	dials := 0
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if dials++; dials == 1 && err == nil {
			return staleConn{conn, &first}, nil
		}
		return conn, err
	}
	p := New(Config{Transport: client, Retry: noWait(0)})
	body := &trackedBody{data: data}
	for i := range 2 {
		first.Store(i == 1)
		resp, err := do(t, p, "PUT", srv.URL+"/c/b", &Call{Body: body})
		if err != nil || resp.StatusCode != 201 {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	if dials != 2 {
		t.Errorf("%d connections, want 2", dials)
	}
	body.open.Wait()
}

// A server that hangs up on a kept-alive connection after it got the request
// may have carried it out, so only an idempotent call goes out again.
func TestStaleConnectionAfterWriting(t *testing.T) {
	for _, idempotent := range []bool{true, false} {
		var requests atomic.Int64
		srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got, err := io.ReadAll(r.Body); err != nil || string(got) != "abc" {
				t.Errorf("got %q, %v", got, err)
			}
			if len(r.Header["X-Idempotency-Key"]) != 0 {
				t.Error("the idempotency key was sent")
			}
			if requests.Add(1) == 2 {
				if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
					_ = conn.Close()
				}
			}
		})
		p := New(Config{Transport: client, Retry: noWait(0)})
		body := &trackedBody{data: []byte("abc")}
		for i := range 2 {
			_, err := do(t, p, "PUT", srv.URL+"/c/b", &Call{Body: body, Idempotent: idempotent})
			if wantErr := i == 1 && !idempotent; (err != nil) != wantErr {
				t.Errorf("idempotent %v, request %d: %v", idempotent, i, err)
			}
		}
		body.open.Wait()
		if want := map[bool]int64{true: 3, false: 2}[idempotent]; requests.Load() != want {
			t.Errorf("idempotent %v: %d requests, want %d", idempotent, requests.Load(), want)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other, _ := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(status)
		})
		p := New(Config{Transport: client, Auth: SAS("sig=secret"), Retry: noWait(0)})
		for _, method := range []string{"GET", "PUT"} {
			body := &trackedBody{data: []byte("abc")}
			call := &Call{Body: body}
			if method == "GET" {
				call = nil
			}
			resp, err := do(t, p, method, srv.URL+"/c/b", call)
			if err != nil || resp.StatusCode != status {
				t.Errorf("%s %d: %v, %v", method, status, resp, err)
			}
			body.open.Wait() // also the one that net/http asks for and forgets
		}
	}
}

func TestTransportIsPlainHTTP1(t *testing.T) {
	var proto, encoding string
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto, encoding = r.Proto, r.Header.Get("Accept-Encoding")
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	client := NewTransport(3, 0, nil)
	transport := client.Transport.(*http.Transport)
	config := srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = nil
	transport.TLSClientConfig = config
	t.Cleanup(func() { client.CloseIdleConnections(); srv.Close() })

	resp, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if proto != "HTTP/1.1" || encoding != "" {
		t.Errorf("%s, Accept-Encoding %q", proto, encoding)
	}
	if transport.MaxIdleConnsPerHost != 3 || transport.MaxIdleConns != 0 {
		t.Errorf("idle connections: %d a host, %d in all", transport.MaxIdleConnsPerHost, transport.MaxIdleConns)
	}
	if n := NewTransport(0, 0, nil).Transport.(*http.Transport).MaxIdleConnsPerHost; n < 32 {
		t.Errorf("%d idle connections by default", n)
	}
}

// TestConnectionsAreCountedOnce: a connection that is closed twice was open once, and
// one that was not opened was none.
func TestConnectionsAreCountedOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open atomic.Int64
	dial := counted(new(net.Dialer).DialContext, &open)
	c, err := dial(t.Context(), "tcp", l.Addr().String())
	if err != nil || open.Load() != 1 {
		t.Fatalf("%v, %d open", err, open.Load())
	}
	_, _ = c.Close(), c.Close()
	_ = l.Close()
	if _, err := dial(t.Context(), "tcp", l.Addr().String()); err == nil || open.Load() != 0 {
		t.Errorf("%v, %d open", err, open.Load())
	}
}
