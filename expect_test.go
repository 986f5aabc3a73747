package azureblob_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/pipeline"
)

// counting is a listener that counts what its server reads.
type counting struct {
	net.Listener
	read atomic.Int64
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countedConn{c, &l.read}, nil
}

type countedConn struct {
	net.Conn
	read *atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// pipes is a network of pipes: a listener, and the way to it.
type pipes struct {
	ctx   context.Context
	close context.CancelFunc
	conns chan net.Conn
}

func newPipes() *pipes {
	ctx, cancel := context.WithCancel(context.Background())
	return &pipes{ctx, cancel, make(chan net.Conn)}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-ctx.Done():
	case <-p.ctx.Done():
	}
	return nil, errors.New("nobody listens")
}

// wired serves a handler with what net/http has, over a listener that counts, and
// returns a client with the transport that clients have by default.
func wired(t *testing.T, handler http.Handler, endpoint string, key azureblob.Credential, o *azureblob.ClientOptions) (*counting, *azureblob.ServiceClient) {
	t.Helper()
	network := newPipes()
	l := &counting{Listener: network}
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	client := pipeline.NewTransport(0, 0, nil)
	client.Transport.(*http.Transport).DialContext = network.dial
	client.Transport.(*http.Transport).Proxy = nil
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = server.Close()
		serving.Wait()
	})
	o.Transport = client
	return l, must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(endpoint, key, o))
}

const (
	large = 8 << 20
	small = 64 << 10 // more than all that is sent beside bodies
)

// refusedBodies uploads a blob that is refused twice, and tells how much the service
// got: all of the first, nothing of the second, and all of the third.
func refusedBodies(t *testing.T, inject func(blobtest.Fault) *blobtest.Injected, read func() int64, c *azureblob.ContainerClient) {
	t.Helper()
	content, before := randomBytes(large), read()
	upload := func() {
		t.Helper()
		if err := second(c.Blob("new").Upload(t.Context(), bytes.NewReader(content), nil)); err != nil {
			t.Fatal(err)
		}
		got, err := c.Blob("new").ReadAll(t.Context(), nil)
		if err = (&quiet{content: content}).same(got, err); err != nil {
			t.Error(err)
		}
	}
	upload()
	if n := read() - before; n < large || n > large+small {
		t.Errorf("%d bytes arrived of a body that was not refused", n)
	}
	// It is known to be overloaded after this one, which was read as a whole.
	inject(blobtest.Fault{Operation: "Put Blob", Status: 503, Code: "ServerBusy"})
	before = read()
	upload()
	if n := read() - before; n < 2*large || n > 2*large+small {
		t.Errorf("%d bytes arrived of a body that was refused when it was there", n)
	}
	hit := inject(blobtest.Fault{Operation: "Put Blob", Status: 503, Code: "ServerBusy", At: blobtest.BeforeRequest, Times: 3})
	before = read()
	upload()
	if n := read() - before; n < large || n > large+small || hit.Fired() != 3 {
		t.Errorf("%d bytes arrived of a body that was refused %d times before it was sent", n, hit.Fired())
	}
}

// TestRefusedBodiesAreNotSent counts on virtual time, with the transport of the
// client and the server of net/http.
func TestRefusedBodiesAreNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(srv.Account(), srv.Key()))
		l, s := wired(t, srv.Handler(), strings.Replace(srv.Endpoint(), "https:", "http:", 1), key, azureblob.CapturingOptions())
		refusedBodies(t, srv.Inject, l.read.Load, newContainer(t, s))
	})
}

// TestRefusedBodiesOverSockets is the same over the loopback interface, on our service
// and, through a proxy, on the emulator.
func TestRefusedBodiesOverSockets(t *testing.T) {
	serve := func(t *testing.T, handler http.Handler) *counting {
		socket, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l := &counting{Listener: socket}
		server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(l) })
		t.Cleanup(func() { _ = server.Close(); serving.Wait() })
		return l
	}
	options := func() *azureblob.ClientOptions {
		o := azureblob.CapturingOptions()
		o.Retry.Delay = time.Millisecond
		return o
	}
	t.Run("blobtest", func(t *testing.T) {
		srv := blobtest.New(t)
		l := serve(t, srv.Handler())
		key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(srv.Account(), srv.Key()))
		s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("http://"+l.Addr().String()+"/"+srv.Account(), key, options()))
		t.Cleanup(s.CloseIdleConnections)
		refusedBodies(t, srv.Inject, l.read.Load, newContainer(t, s))
	})
	t.Run("azurite", func(t *testing.T) {
		emulator := azurite.Shared(t)
		proxy := blobtest.NewProxy(t, emulator.URL())
		l := serve(t, proxy.Handler())
		key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(emulator.Account(), emulator.Key()))
		s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("http://"+l.Addr().String()+"/"+emulator.Account(), key, options()))
		t.Cleanup(s.CloseIdleConnections)
		refusedBodies(t, proxy.Inject, l.read.Load, newContainer(t, s))
	})
}

// TestServiceThatDoesNotSayContinue gets the body all the same, a second later; and
// one that is silent altogether is given up in time.
func TestServiceThatDoesNotSayContinue(t *testing.T) {
	content := randomBytes(300_000)
	for name, answers := range map[string]bool{"answers": true, "is silent": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked, plain atomic.Int64
				network := newPipes()
				var all sync.WaitGroup
				all.Go(func() {
					for n := 1; ; n++ {
						c, err := network.Accept()
						if err != nil {
							return
						}
						all.Go(func() {
							defer c.Close()
							r := bufio.NewReader(c)
							for {
								req, err := http.ReadRequest(r)
								if err != nil {
									return
								}
								if req.Header.Get("Expect") == "" {
									plain.Add(1)
									_, _ = io.Copy(io.Discard, req.Body)
									fmt.Fprint(c, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
									continue
								}
								asked.Add(1)
								got, err := io.ReadAll(req.Body)
								if err != nil {
									return
								}
								if !bytes.Equal(got, content) {
									t.Errorf("%d bytes came", len(got))
								}
								if answers {
									fmt.Fprint(c, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nETag: \"1\"\r\nx-ms-version: 2026-06-06\r\nx-ms-request-id: 1\r\n\r\n")
								}
							}
						})
					}
				})
				client := pipeline.NewTransport(0, 0, nil)
				client.Transport.(*http.Transport).DialContext = network.dial
				client.Transport.(*http.Transport).Proxy = nil
				o := azureblob.CapturingOptions()
				o.Transport, o.Retry = client, azureblob.RetryOptions{Total: 1, Delay: -1}
				s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("http://account.blob.test", nil, o))
				began := time.Now()
				err := second(s.Container("photos").Blob("cat").Upload(t.Context(), bytes.NewReader(content), nil))
				took := time.Since(began)
				if answers && (err != nil || took != time.Second) {
					t.Errorf("after %v: %v", took, err)
				}
				if !answers && (!errors.Is(err, azureblob.ErrStalled) || !strings.Contains(err.Error(), noAnswer) || took != answerTime+time.Second) {
					t.Errorf("after %v: %v", took, err)
				}
				if plain.Load() != 1 || asked.Load() != 1 {
					t.Errorf("%d requests asked, %d did not", asked.Load(), plain.Load())
				}
				client.CloseIdleConnections()
				_ = network.Close()
				all.Wait()
			})
		})
	}
}
