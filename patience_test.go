package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/internal/engine"
)

// TestTimeoutsOfClients: each client has its own patience, and may have none.
func TestTimeoutsOfClients(t *testing.T) {
	put := func(o azureblob.CallOptions) func(context.Context, *quiet) error {
		return func(ctx context.Context, s *quiet) error {
			_, err := s.container.Blob("new").Upload(ctx, bytes.NewReader(s.content), &azureblob.UploadOptions{CallOptions: o})
			return err
		}
	}
	get := func(ctx context.Context, s *quiet) error { return second(s.blob().ReadAll(ctx, nil)) }
	for name, c := range map[string]struct {
		stall, response time.Duration
		at              blobtest.Point
		run             func(context.Context, *quiet) error
		want            silence
	}{
		"request":           {5 * time.Second, time.Hour, blobtest.DuringRequest, put(azureblob.CallOptions{}), silence{5 * time.Second, noRequest}},
		"answer":            {time.Hour, 7 * time.Second, blobtest.AfterOperation, put(azureblob.CallOptions{}), silence{7 * time.Second, noAnswer}},
		"body":              {9 * time.Second, time.Hour, blobtest.DuringAnswer, get, silence{9 * time.Second, noBody}},
		"default of body":   {0, time.Second, blobtest.DuringAnswer, get, silence{bodyTime, noBody}},
		"default of answer": {time.Second, 0, blobtest.AfterOperation, get, silence{answerTime, noAnswer}},
		"time of the service": {time.Second, time.Second, blobtest.AfterOperation, put(azureblob.CallOptions{Timeout: 10 * time.Minute}),
			silence{10*time.Minute + 5*time.Second, noAnswer}},
		"no time of the service for a body": {time.Second, time.Second, blobtest.DuringRequest, put(azureblob.CallOptions{Timeout: 10 * time.Minute}),
			silence{time.Second, noRequest}},
		"stall alone":             {3 * time.Second, -1, blobtest.DuringAnswer, get, silence{3 * time.Second, noBody}},
		"response alone":          {-1, 3 * time.Second, blobtest.AfterOperation, get, silence{3 * time.Second, noAnswer}},
		"none for the request":    {-1, time.Second, blobtest.DuringRequest, put(azureblob.CallOptions{}), silence{}},
		"none for the answer":     {time.Second, -1, blobtest.AfterOperation, put(azureblob.CallOptions{Timeout: time.Second}), silence{}},
		"none for the body":       {-1, time.Second, blobtest.DuringAnswer, get, silence{}},
		"none at all, of a write": {-1, -1, blobtest.BeforeRequest, put(azureblob.CallOptions{}), silence{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := azureblob.CapturingOptions()
				o.StallTimeout, o.ResponseTimeout, o.Retry.Total = c.stall, c.response, -1
				s := newQuiet(t, "", o)
				s.server.Inject(blobtest.Fault{Match: func(r *http.Request) bool { return r.URL.Query().Get("restype") == "" }, Delay: -1, At: c.at})
				const forever = 1000 * time.Hour
				ctx, cancel := context.WithTimeout(t.Context(), forever)
				defer cancel()
				began := time.Now()
				err := c.run(ctx, s)
				if c.want.after > 0 {
					stalledFor(t, err, time.Since(began), c.want)
				} else if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, azureblob.ErrStalled) || time.Since(began) != forever {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
				// Another client of the same service has its own.
				if err := put(azureblob.CallOptions{})(t.Context(), &quiet{container: s.server.ServiceClient(azureblob.CapturingOptions()).Container(s.container.Name())}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSilentConnections: what a transport of the caller's does to connect counts as
// the time until the answer, whether or not it bounds that itself.
func TestSilentConnections(t *testing.T) {
	for name, c := range map[string]struct {
		dial      func(ctx context.Context, network, address string) (net.Conn, error)
		handshake time.Duration
		connect   int64 // repetitions of that kind
		words     string
	}{
		"dialing": {func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, 0, 0, noAnswer},
		"handshake":         {deafConn, 0, 0, noAnswer},
		"bounded handshake": {deafConn, 5 * time.Second, 2, "TLS handshake timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &http.Transport{DialContext: c.dial, TLSHandshakeTimeout: c.handshake, DisableKeepAlives: true}
				o := azureblob.CapturingOptions()
				o.Transport = &http.Client{Transport: transport}
				o.Retry = azureblob.RetryOptions{Total: 2, Delay: -1}
				s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", nil, o))
				began := time.Now()
				_, err := s.Container("photos").Blob("cat").Upload(t.Context(), strings.NewReader("content"), nil)
				took, u := time.Since(began), s.Usage()
				if c.connect > 0 {
					if errors.Is(err, azureblob.ErrStalled) || took != 3*c.handshake {
						t.Errorf("after %v: %v", took, err)
					}
				} else if !errors.Is(err, azureblob.ErrStalled) || took != 3*answerTime {
					t.Errorf("after %v: %v", took, err)
				}
				if e, ok := errors.AsType[*azureblob.Error](err); !ok || !strings.Contains(err.Error(), c.words) {
					t.Errorf("%v does not say %q", err, c.words)
				} else if c.connect > 0 && e.MaybeApplied {
					t.Error("nothing was sent, and it is said to have been applied, maybe")
				}
				if u.RetriesConnect != c.connect || u.RetriesConnect+u.RetriesRead != 2 {
					t.Errorf("%+v", u)
				}
				transport.CloseIdleConnections()
			})
		})
	}
}

// deafConn connects with somebody who takes all and says nothing.
func deafConn(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		_, _ = io.Copy(io.Discard, there)
		_ = there.Close()
	}()
	return here, nil
}

// TestConnectTimeout: the transport of the client itself, at a server that speaks no
// TLS, and at a proxy that does not connect.
func TestConnectTimeout(t *testing.T) {
	deaf := listenDeaf(t)
	o := azureblob.CapturingOptions()
	o.ConnectTimeout, o.Retry = 20*time.Millisecond, azureblob.RetryOptions{Connect: 2, Delay: -1}
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://"+deaf+"/account", nil, o))
	defer s.CloseIdleConnections()
	err := second(s.Container("photos").Blob("cat").Properties(t.Context(), nil))
	if u := s.Usage(); err == nil || !strings.Contains(err.Error(), "TLS handshake timeout") || u.RetriesConnect != 2 || u.RetriesRead != 0 {
		t.Errorf("%v, %+v", err, u)
	}
	o = azureblob.CapturingOptions()
	o.ResponseTimeout, o.Retry.Total = 20*time.Millisecond, -1
	o.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: deaf})
	s = must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", nil, o))
	defer s.CloseIdleConnections()
	if err := second(s.Container("photos").Blob("cat").Properties(t.Context(), nil)); !errors.Is(err, azureblob.ErrStalled) || !strings.Contains(err.Error(), noAnswer) {
		t.Error(err)
	}
}

// listenDeaf is the address of a server that accepts and says nothing.
func listenDeaf(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

// TestSlowButAlive: transfers that take half a day, a few bytes at a time, are
// left alone, with the options that clients have by default.
func TestSlowButAlive(t *testing.T) {
	dir := t.TempDir()
	for name, c := range silents {
		if c.nth == 0 || strings.HasPrefix(name, "CopyFrom") || c.points[blobtest.DuringRequest].after+c.points[blobtest.DuringAnswer].after == 0 {
			continue // nothing that could be slow
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newQuiet(t, dir, nil)
				s.server.Inject(blobtest.Fault{Operation: c.operation, Bandwidth: 1, Times: -1})
				began := time.Now()
				err := c.run(t.Context(), s)
				if took := time.Since(began); err != nil || took < 90*time.Second {
					t.Errorf("after %v: %v", took, err)
				}
				synctest.Wait()
				if u := s.service.Usage(); u.RetriesRead+u.RetriesStatus != 0 || u.MemoryInUse != 0 {
					t.Errorf("%+v", u)
				}
			})
		})
	}
}

// crawling is a transport on which something moves once in 59 s.
type crawling struct{ next policy.Transporter }

type crawl struct {
	io.ReadCloser
	piece int
}

func (c crawl) Read(p []byte) (int, error) {
	time.Sleep(59 * time.Second)
	return c.ReadCloser.Read(p[:min(len(p), c.piece)])
}

func (c crawling) Do(req *http.Request) (*http.Response, error) {
	if req.ContentLength > 1000 {
		own := *req
		own.Body = crawl{req.Body, 1 + int(req.ContentLength)/700}
		req = &own
	}
	resp, err := c.next.Do(req)
	if err == nil && resp.ContentLength > 1000 {
		resp.Body = crawl{resp.Body, 1 + int(resp.ContentLength)/700}
	}
	return resp, err
}

// TestHalfADay: a transfer that moves, if only now and then, has no end of its time,
// and neither has a service that works for as long as it may.
func TestHalfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newQuiet(t, "", nil)
		o := azureblob.CapturingOptions()
		o.Transport = crawling{s.server.Transport()}
		key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(s.server.Account(), s.server.Key()))
		service := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(s.server.Endpoint(), key, o))
		b := service.Container(s.container.Name()).Blob("new")
		s.server.Inject(blobtest.Fault{Delay: answerTime - time.Second, At: blobtest.AfterOperation, Times: -1})
		content := randomBytes(5 << 20)
		for what, run := range map[string]func() error{
			"upload at once": func() error { return second(b.Upload(t.Context(), bytes.NewReader(content), nil)) },
			"upload in blocks": func() error {
				return second(b.Upload(t.Context(), onlyReader{bytes.NewReader(content)}, &azureblob.UploadOptions{BlockSize: 2 << 20}))
			},
			"download": func() error {
				got, err := b.ReadAll(t.Context(), nil)
				return (&quiet{content: content}).same(got, err)
			},
			"Reader": func() error {
				r, err := b.NewReader(t.Context(), &azureblob.DownloadOptions{BlockSize: 2 << 20})
				if err != nil {
					return err
				}
				defer r.Close()
				got, err := io.ReadAll(r)
				return (&quiet{content: content}).same(got, err)
			},
		} {
			must[azureblob.UploadResult](t)(s.container.Blob("new").Upload(t.Context(), bytes.NewReader(content), nil))
			began := time.Now()
			if err := run(); err != nil || time.Since(began) < 10*time.Hour {
				t.Errorf("%s, after %v: %v", what, time.Since(began), err)
			}
		}
		if u := service.Usage(); u.RetriesRead != 0 || u.BytesSent < 10<<20 || u.BytesSent > 10<<20+1000 || u.BytesReceived != 10<<20 {
			t.Errorf("%+v", u)
		}
	})
}

// lazyReader takes an hour now and then.
type lazyReader struct {
	r io.Reader
	n int
}

func (l *lazyReader) Read(p []byte) (int, error) {
	if l.n++; l.n%3 == 0 {
		time.Sleep(time.Hour)
	}
	return l.r.Read(p[:min(len(p), 300)])
}

// lazySource is a source that takes its time, and can be read anywhere.
type lazySource struct{ *bytes.Reader }

func (s lazySource) ReadAt(p []byte, off int64) (int, error) {
	time.Sleep(time.Hour)
	return s.Reader.ReadAt(p[:min(len(p), 900)], off)
}

// lazyTarget takes an hour for each piece.
type lazyTarget struct{ engine.Memory }

func (t lazyTarget) WriteAt(p []byte, off int64) (int, error) {
	time.Sleep(time.Hour)
	return t.Memory.WriteAt(p, off)
}

// TestSlowCallers: that the caller gives nothing, or takes nothing, for an hour, is
// no stall of the connection.
func TestSlowCallers(t *testing.T) {
	dir := t.TempDir()
	for name, run := range map[string]func(ctx context.Context, s *quiet) error{
		"source that can be read anywhere, at once": func(ctx context.Context, s *quiet) error {
			return s.upload(ctx, lazySource{bytes.NewReader(s.content)}, 8000)
		},
		"source that can be read anywhere, in blocks": func(ctx context.Context, s *quiet) error {
			return s.upload(ctx, lazySource{bytes.NewReader(s.content)}, 1000)
		},
		"stream, at once": func(ctx context.Context, s *quiet) error {
			return s.upload(ctx, &lazyReader{r: bytes.NewReader(s.content)}, 8000)
		},
		"stream, in blocks": func(ctx context.Context, s *quiet) error {
			return s.upload(ctx, &lazyReader{r: bytes.NewReader(s.content)}, 1000)
		},
		"Stage": func(ctx context.Context, s *quiet) error {
			b := blockblob.New(s.container.Blob("new"))
			if _, err := b.Stage(ctx, "1", lazySource{bytes.NewReader(s.content)}, nil); err != nil {
				return err
			}
			_, err := b.Commit(ctx, blockblob.BlockRefs("1"), nil)
			return err
		},
		"Writer": func(ctx context.Context, s *quiet) error {
			w, err := s.container.Blob("new").NewWriter(ctx, &azureblob.UploadOptions{BlockSize: 700})
			return copySlowly(w, err, s.content)
		},
		"append Writer": func(ctx context.Context, s *quiet) error {
			w, err := appendblob.New(s.container.Blob("new")).NewWriter(ctx, &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}, BlockSize: 700})
			return copySlowly(w, err, s.content)
		},
		"target": func(ctx context.Context, s *quiet) error {
			target := lazyTarget{make(engine.Memory, 4000)}
			_, err := s.blob().Download(ctx, target, &azureblob.DownloadOptions{BlockSize: 1000, Concurrency: 2})
			return s.same(target.Memory, err)
		},
		"Reader": func(ctx context.Context, s *quiet) error {
			r, err := s.blob().NewReader(ctx, &azureblob.DownloadOptions{BlockSize: 1000, Concurrency: 2})
			return s.slowly(r, err)
		},
		"Reader of one block": func(ctx context.Context, s *quiet) error {
			r, err := s.blob().NewReader(ctx, nil)
			return s.slowly(r, err)
		},
		"Query": func(ctx context.Context, s *quiet) error {
			r, err := blockblob.New(s.container.Blob("prices.csv")).Query(ctx, "SELECT * FROM BlobStorage", nil)
			return (&quiet{content: []byte(strings.Repeat("1,2,3\n", 2000))}).slowly(r, err)
		},
		"list": func(ctx context.Context, s *quiet) error {
			n := 0
			for _, err := range s.container.Blobs(ctx, pageSize3) {
				if err != nil {
					return err
				}
				n++
				time.Sleep(time.Hour)
			}
			if n != 6 {
				return errors.New("not all blobs are listed")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := azureblob.CapturingOptions()
				o.Retry.Total = -1
				s := newQuiet(t, dir, o)
				// Answers come in pieces, so that they can be left lying half read.
				s.server.Inject(blobtest.Fault{Bandwidth: 1 << 20, Times: -1})
				began := time.Now()
				if err := run(t.Context(), s); err != nil || time.Since(began) < time.Hour {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
				s.server.ClearFaults()
				if ok, err := s.container.Blob("new").Exists(t.Context(), nil); err != nil || ok {
					if err = s.same(s.container.Blob("new").ReadAll(t.Context(), nil)); err != nil {
						t.Error(err)
					}
				}
				synctest.Wait()
				if n := s.service.Usage().MemoryInUse; n != 0 {
					t.Errorf("%d bytes are held", n)
				}
			})
		})
	}
}

// copySlowly writes with pauses of an hour.
func copySlowly(w io.WriteCloser, err error, content []byte) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(struct{ io.Writer }{w}, &lazyReader{r: bytes.NewReader(content)})
	return errors.Join(err, w.Close())
}

// slowly reads with pauses of an hour.
func (s *quiet) slowly(r io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer r.Close()
	return s.same(io.ReadAll(&lazyReader{r: r}))
}
