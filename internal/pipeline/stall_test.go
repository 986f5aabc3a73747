package pipeline

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// piped is the transport that clients have by default, with pipes in place of
// sockets, so that it can be used on virtual time. Each connection is served by a
// function, which closes it when it returns.
func piped(t *testing.T, serve func(n int, c net.Conn)) *http.Client {
	client := NewTransport(0, 0, nil)
	var dialed atomic.Int64
	var open sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		n := int(dialed.Add(1))
		mu.Lock()
		conns = append(conns, there)
		mu.Unlock()
		open.Go(func() {
			defer there.Close()
			serve(n, there)
		})
		return here, nil
	}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			_ = c.Close()
		}
		open.Wait()
	})
	return client
}

// silence reads and says nothing until the other side gives up.
func silence(c net.Conn) {
	// A pipe tells the end only to who reads or writes.
	for {
		_ = c.SetReadDeadline(time.Now().Add(time.Hour))
		one := make([]byte, 1)
		if _, err := c.Write(one[:0]); err != nil {
			return
		}
		time.Sleep(time.Hour)
		if _, err := c.Read(one); !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}

// wellServed answers all requests of a connection: to a GET with content.
func wellServed(t *testing.T, c net.Conn, content []byte) {
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		got, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		if req.Method == http.MethodPut && !bytes.Equal(got, content) {
			t.Errorf("%d bytes came, want %d", len(got), len(content))
		}
		var body []byte
		if req.Method == http.MethodGet {
			body = content
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
		if _, err := c.Write(body); err != nil {
			return
		}
	}
}

const (
	bodyPatience   = time.Minute
	answerPatience = 2 * time.Minute
)

var patient = Patience{Body: bodyPatience, Answer: answerPatience}

// stallPoints are where a server falls silent, and how long it is until the client
// has had enough.
var stallPoints = map[string]struct {
	method string
	serve  func(c net.Conn, r *bufio.Reader)
	after  time.Duration
	what   string
}{
	"GET, nothing is read":      {"GET", func(net.Conn, *bufio.Reader) {}, answerPatience, noAnswer},
	"GET, before the header":    {"GET", func(_ net.Conn, r *bufio.Reader) { _, _ = http.ReadRequest(r) }, answerPatience, noAnswer},
	"GET, in the header":        {"GET", answering("HTTP/1.1 200 OK\r\nContent-Le"), answerPatience, noAnswer},
	"GET, before the body":      {"GET", answering("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"), bodyPatience, noBody},
	"GET, in the body":          {"GET", answering("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("x", 100000)), bodyPatience, noBody},
	"PUT, nothing is read":      {"PUT", func(net.Conn, *bufio.Reader) {}, answerPatience, noAnswer}, // the body comes after the header
	"PUT, in the body":          {"PUT", func(_ net.Conn, r *bufio.Reader) { _, _ = io.CopyN(io.Discard, r, 100000) }, bodyPatience, noRequest},
	"PUT, all but a few bytes":  {"PUT", func(_ net.Conn, r *bufio.Reader) { _, _ = io.CopyN(io.Discard, r, 200050) }, bodyPatience, noRequest},
	"PUT, before the header":    {"PUT", answering(""), answerPatience, noAnswer},
	"PUT, in an error's body":   {"PUT", answering("HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\n<Er"), bodyPatience, noBody},
	"PUT, after 100 Continue":   {"PUT", answering("HTTP/1.1 100 Continue\r\n\r\n"), answerPatience, noAnswer},
	"HEAD, before the header":   {"HEAD", answering(""), answerPatience, noAnswer},
	"DELETE, before the header": {"DELETE", answering(""), answerPatience, noAnswer},
}

// answering reads a request and writes something.
func answering(text string) func(c net.Conn, r *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if req, err := http.ReadRequest(r); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(c, text)
		}
	}
}

func TestStalls(t *testing.T) {
	content := bytes.Repeat([]byte("y"), 200000)
	for name, c := range stallPoints {
		for _, repeated := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				client := piped(t, func(n int, conn net.Conn) {
					if n > 1 {
						wellServed(t, conn, content)
						return
					}
					c.serve(conn, bufio.NewReaderSize(conn, 16))
					silence(conn)
				})
				retry := noWait(0)
				if repeated {
					retry = noWait(1)
				}
				p := New(Config{Transport: client, Patience: patient, Retry: retry})
				call := &Call{Idempotent: true}
				if c.method == "PUT" {
					call.Body = &trackedBody{data: content}
				}
				began := time.Now()
				resp, err := do(t, p, c.method, "http://a/c/b", call)
				if d := time.Since(began); d != c.after {
					t.Errorf("%s: it took %v, want %v", name, d, c.after)
				}
				if repeated {
					if err != nil || resp.StatusCode != 200 {
						t.Errorf("%s: %v, %v", name, resp, err)
					}
				} else if !errors.Is(err, ErrStalled) || !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), c.what+" for "+c.after.String()) {
					t.Errorf("%s: %v", name, err)
				}
				if call.Body != nil {
					call.Body.(*trackedBody).open.Wait()
				}
			})
		}
	}
}

// TestNoStall: what moves, however slowly, is left alone for hours, and so are a
// slow source, a slow reader and a service that works for as long as it may.
func TestNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := bytes.Repeat([]byte("z"), 500)
		large := make([]byte, 20<<20)
		client := piped(t, func(_ int, c net.Conn) {
			r := bufio.NewReader(c)
			for {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				for { // at the pace of the thinnest of lines
					n, err := io.CopyN(io.Discard, req.Body, 64<<10)
					if err != nil {
						break
					}
					if n > 0 {
						time.Sleep(55 * time.Second)
					}
				}
				if req.ContentLength > 0 {
					time.Sleep(time.Second) // the last bytes were still under way
				} else {
					time.Sleep(answerPatience - time.Second)
				}
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(content))
				for i := range content {
					time.Sleep(59 * time.Second)
					_, _ = c.Write(content[i : i+1])
				}
			}
		})
		p := New(Config{Transport: client, Patience: patient, Retry: noWait(0)})
		for name, call := range map[string]*Call{
			"download": {}, "upload": {Body: &trackedBody{data: large}}, "slow source": {Body: &slowSource{bytes.NewReader(large[:100<<10])}},
		} {
			began := time.Now()
			req := newRequest(t, "PUT", "http://a/c/b", call)
			resp, err := p.Do(req)
			if err != nil {
				t.Fatal(name, err)
			}
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			if d := time.Since(began); d < 5*time.Hour {
				t.Errorf("%s: it took no more than %v", name, d)
			}
			_ = resp.Body.Close()
		}
	})
}

// slowSource takes half an hour for each read.
type slowSource struct{ *bytes.Reader }

func (s *slowSource) Len() int64 { return s.Size() }
func (s *slowSource) Open() io.ReadCloser {
	return io.NopCloser(readerFunc(func(p []byte) (int, error) {
		time.Sleep(30 * time.Minute)
		return s.Read(p)
	}))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestSlowReaderIsNoStall reads the body of an answer once an hour.
func TestSlowReaderIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := bytes.Repeat([]byte("z"), 200000)
		client := piped(t, func(_ int, c net.Conn) { wellServed(t, c, content) })
		p := New(Config{Transport: client, Patience: patient, Retry: noWait(0)})
		resp, err := p.Do(newStream(t, "http://a/c/b"))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for buf := make([]byte, 10000); err == nil; time.Sleep(time.Hour) {
			var c int
			c, err = resp.Body.Read(buf)
			n += c
		}
		if n != len(content) || err != io.EOF {
			t.Errorf("%d bytes, %v", n, err)
		}
		_ = resp.Body.Close()
	})
}

// TestStallInAStream: a body that falls silent ends its read in time, whatever else
// the transport does meanwhile.
func TestStallInAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &trackedBody{data: make([]byte, 1<<20)}
		done := make(chan struct{})
		transport := transportFunc(func(r *http.Request) (*http.Response, error) {
			go func() { // net/http goes on reading the body of a request that is answered early
				defer close(done)
				defer r.Body.Close()
				for r.Context().Err() == nil {
					_, _ = r.Body.Read(make([]byte, 10))
					time.Sleep(20 * time.Second)
				}
			}()
			pr, _ := io.Pipe()
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: pr, ContentLength: -1}, nil
		})
		p := New(Config{Transport: transport, Patience: patient, Retry: noWait(0)})
		req := newRequest(t, "PUT", "http://a/c/b", &Call{Body: body})
		resp, err := p.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, ErrStalled) || time.Since(began) != bodyPatience {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		_ = resp.Body.Close()
		<-done
	})
}

// TestStallOfWhatTheTransportSendsAgain: net/http sends a request again by itself if
// the connection that it had kept is closed. That body is watched as well.
func TestStallOfWhatTheTransportSendsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := make([]byte, 500000)
		var conns []int
		client := piped(t, func(n int, c net.Conn) {
			conns = append(conns, n)
			switch r := bufio.NewReader(c); n {
			case 1: // one request, and the connection ends before a byte of the next one is read
				req, _ := http.ReadRequest(r)
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				time.Sleep(time.Second)
			case 2:
				_, _ = io.CopyN(io.Discard, r, 100000)
				silence(c)
			default:
				wellServed(t, c, content)
			}
		})
		p := New(Config{Transport: client, Patience: patient, Retry: noWait(1)})
		began := time.Now()
		for range 2 {
			resp, err := do(t, p, "PUT", "http://a/c/b", &Call{Idempotent: true, Body: &trackedBody{data: content}})
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("%v, %v", resp, err)
			}
		}
		if d := time.Since(began); d != time.Second+bodyPatience || len(conns) != 3 {
			t.Errorf("it took %v, over connections %v", d, conns)
		}
	})
}

// TestPatience: the service may work longer on requests that say so.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		query, header string
		want          time.Duration
	}{
		{"", "", 2 * time.Minute}, {"timeout=30", "", 2 * time.Minute}, {"comp=block&timeout=600", "", 605 * time.Second},
		{"timeout=600&comp=block", "", 605 * time.Second}, {"comp=timeout=600", "", 2 * time.Minute}, {"timeout=x", "", 2 * time.Minute},
		{"", "https://h/c/b", 10 * time.Minute}, {"timeout=900", "https://h/c/b", 905 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			transport := transportFunc(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
			p := New(Config{Transport: transport, Patience: patient, Retry: noWait(0)})
			began := time.Now()
			_, err := do(t, p, "PUT", target+"?"+c.query, &Call{OnRequest: func(r *http.Request) {
				if c.header != "" {
					r.Header.Set("x-ms-copy-source", c.header)
				}
			}})
			if d := time.Since(began); !errors.Is(err, ErrStalled) || d != c.want {
				t.Errorf("%q, %q: %v after %v, want %v", c.query, c.header, err, d, c.want)
			}
		})
	}
	// Without an end there is none but that of the context.
	synctest.Test(t, func(t *testing.T) {
		transport := transportFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Hour)
		defer cancel()
		_, err := doCtx(ctx, t, New(Config{Transport: transport, Patience: Patience{Body: -1, Answer: -1}, Retry: noWait(0)}), "GET", target, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// TestLateClock: a clock that runs out just as it is started anew ends nothing.
func TestLateClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		w := &watch{Patience: patient, cancel: cancel}
		w.await(noBody, time.Minute)
		time.Sleep(time.Minute - 1)
		w.await(noBody, time.Minute)
		w.fire() // of the first time, which was on its way already
		if ctx.Err() != nil {
			t.Errorf("%v", context.Cause(ctx))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), ErrStalled) {
			t.Errorf("%v", context.Cause(ctx))
		}
	})
}
