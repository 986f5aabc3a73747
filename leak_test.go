package azureblob_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// gate is a transport that lets requests through to another one up to the nth, with
// which something happens that lasts until its context ends. It counts the bodies
// that nobody has closed.
type gate struct {
	next   policy.Transporter
	nth    int // from 1; 0 lets all through
	happen func(g *gate, req *http.Request) (*http.Response, error)
	hit    func() // called when that happens

	mu   sync.Mutex
	seen int
	open map[string]int // bodies by the request they are of
}

func (g *gate) Do(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		closeRequest(req)
		return nil, err
	}
	g.mu.Lock()
	g.seen++
	mine := g.nth > 0 && g.seen == g.nth
	g.mu.Unlock()
	if req.Body != nil && req.Body != http.NoBody {
		own := *req
		own.Body = g.track("request of "+req.Method+" "+req.URL.RequestURI(), req.Body)
		req = &own
	}
	if mine {
		return g.happen(g, req)
	}
	return g.pass(req)
}

func (g *gate) pass(req *http.Request) (*http.Response, error) {
	resp, err := g.next.Do(req)
	if err == nil {
		resp.Body = g.track("answer to "+req.Method+" "+req.URL.RequestURI(), resp.Body)
	}
	return resp, err
}

// tracked is a body that is counted until it is closed.
type tracked struct {
	io.ReadCloser
	once  sync.Once
	close func()
}

func (g *gate) track(what string, body io.ReadCloser) io.ReadCloser {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open[what]++
	return &tracked{ReadCloser: body, close: func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.open[what]--; g.open[what] == 0 {
			delete(g.open, what)
		}
	}}
}

func (t *tracked) Close() error {
	t.once.Do(t.close)
	return t.ReadCloser.Close()
}

func closeRequest(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// What can be under way when a context ends.
var underWay = map[string]func(g *gate, req *http.Request) (*http.Response, error){
	"the request": func(g *gate, req *http.Request) (*http.Response, error) {
		defer closeRequest(req)
		g.hit()
		<-req.Context().Done()
		return nil, req.Context().Err()
	},
	"its body": func(g *gate, req *http.Request) (*http.Response, error) {
		defer closeRequest(req)
		if req.Body != nil {
			_, _ = req.Body.Read(make([]byte, 1))
		}
		g.hit()
		<-req.Context().Done()
		return nil, req.Context().Err()
	},
	"the answer": func(g *gate, req *http.Request) (*http.Response, error) {
		resp, err := g.pass(req)
		if err == nil {
			resp.Body = &stuck{ReadCloser: resp.Body, ctx: req.Context(), hit: sync.OnceFunc(g.hit), closed: make(chan struct{})}
		}
		return resp, err
	},
	"the wait for a repetition": func(g *gate, req *http.Request) (*http.Response, error) {
		defer closeRequest(req)
		defer g.hit()
		h := http.Header{"Retry-After": {"1"}, "X-Ms-Error-Code": {"ServerBusy"}}
		body := g.track("refusal", io.NopCloser(strings.NewReader("<Error><Code>ServerBusy</Code></Error>")))
		return &http.Response{StatusCode: 503, Header: h, Body: body, Request: req}, nil
	},
}

// stuck is a body of which a byte comes, and no more, until its context ends or it
// is closed.
type stuck struct {
	io.ReadCloser
	ctx    context.Context
	hit    func()
	read   bool
	once   sync.Once
	closed chan struct{}
}

func (s *stuck) Read(p []byte) (int, error) {
	if !s.read {
		s.read = true
		return s.ReadCloser.Read(p[:min(1, len(p))])
	}
	s.hit()
	select {
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	case <-s.closed:
		return 0, http.ErrBodyReadAfterClose
	}
}

func (s *stuck) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.ReadCloser.Close()
}

// leakService is a service that exercises run on, through a gate.
type leakService struct {
	name string
	on   func(t *testing.T, g *gate, o *azureblob.ClientOptions, method string) subject
}

// leakServices are the mock, which lets every step of a method succeed, and
// blobtest, on which the methods run without options.
var leakServices = []leakService{
	{"the mock", func(t *testing.T, g *gate, o *azureblob.ClientOptions, method string) subject {
		alone, filler = false, fill
		g.next = &protocolTransport{t: t, protocol: loadedProtocol(t)}
		key := must[azureblob.CustomerKey](t)(azureblob.NewCustomerKey(make([]byte, 32)))
		return subject{service: gated(t, g, o), key: key, snapshot: "some", version: "some"}
	}},
	{"blobtest", func(t *testing.T, g *gate, o *azureblob.ClientOptions, method string) subject {
		alone, filler = true, func(reflect.Value) {}
		server := blobtest.New(t, &blobtest.Options{Account: "account", Key: testKey, Versioning: true, SoftDelete: 1, HierarchicalNamespace: true})
		g.next = server.Transport()
		s := subject{service: gated(t, g, o)}
		nth := g.nth
		g.nth = 0
		s.prepare(t, method)
		g.nth, g.seen = nth, 0
		return s
	}},
}

// testKey is the key of the account of tests.
var testKey = base64.StdEncoding.EncodeToString([]byte("a key for tests"))

var loadedProtocol = func() func(t *testing.T) *protocol {
	var once sync.Once
	var p *protocol
	return func(t *testing.T) *protocol {
		once.Do(func() { p = loadProtocol(t) })
		return p
	}
}()

func gated(t *testing.T, g *gate, o *azureblob.ClientOptions) *azureblob.ServiceClient {
	t.Helper()
	o.Transport = g
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("account", testKey))
	return must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", key, o))
}

// nothingLeft demands that a call that is over holds nothing: no bodies, no memory,
// no files. Goroutines that are left behind end the bubble with a panic.
func nothingLeft(t *testing.T, what string, g *gate, s subject) {
	t.Helper()
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.open) > 0 {
		t.Errorf("%s: bodies are open: %v", what, g.open)
	}
	if n := s.service.Usage().MemoryInUse; n != 0 {
		t.Errorf("%s: %d bytes of the budget are held", what, n)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("%s: files are left: %v, %v", what, left, err)
	}
}

// bubble runs an exercise in a test of its own, on virtual time.
func bubble(t *testing.T, e exercised, test func(t *testing.T)) {
	t.Run(e.method, func(t *testing.T) { synctest.Test(t, test) })
}

// prompt is how soon a call has to return after its context ended.
const prompt = 100 * time.Millisecond

// TestNothingIsLeft ends the context of every method, in each of the moments in
// which it can wait, at each of its requests.
func TestNothingIsLeft(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	defer func() { alone, filler = false, fill }()
	for _, service := range leakServices {
		for moment, happen := range underWay {
			hits := 0
			for _, e := range exercises {
				t.Run(e.method, func(t *testing.T) {
					for nth := 1; endDuring(t, service, moment, happen, e, nth); nth++ {
						hits++
					}
				})
			}
			t.Logf("%s, while %s is under way: %d moments of %d exercises", service.name, moment, hits, len(exercises))
			if hits < len(exercises)/4 {
				t.Errorf("%s, %s: only %d moments", service.name, moment, hits)
			}
		}
	}
}

// endDuring ends the context of an exercise half a second after something happened to
// its nth request. It reports false if that did not happen.
func endDuring(t *testing.T, service leakService, moment string, happen func(*gate, *http.Request) (*http.Response, error), e exercised, nth int) (hit bool) {
	synctest.Test(t, func(t *testing.T) {
		what := fmt.Sprintf("%s on %s, while %s is under way (request %d)", e.method, service.name, moment, nth)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var mu sync.Mutex
		var ended time.Time
		g := &gate{nth: nth, happen: happen, open: map[string]int{}}
		g.hit = func() {
			hit = true
			time.AfterFunc(time.Second/2, func() {
				mu.Lock()
				defer mu.Unlock()
				ended = time.Now()
				cancel()
			})
		}
		s := service.on(t, g, &azureblob.ClientOptions{}, e.method)
		_, err := e.run(ctx, s)
		mu.Lock()
		over := ended
		mu.Unlock()
		switch {
		case !hit:
		case over.IsZero():
			t.Errorf("%s: returned before its context ended: %v", what, err)
		case time.Since(over) > prompt:
			t.Errorf("%s: returned %v after its context ended", what, time.Since(over))
		case !errors.Is(err, context.Canceled):
			t.Errorf("%s: %v, want context.Canceled", what, err)
		}
		nothingLeft(t, what, g, s)
	})
	return hit
}

// TestNothingIsLeftBeforeAndAfter gives every method a context that has ended, and
// one that ends when it is done.
func TestNothingIsLeftBeforeAndAfter(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	defer func() { alone, filler = false, fill }()
	for _, service := range leakServices {
		for _, e := range exercises {
			bubble(t, e, func(t *testing.T) {
				g := &gate{open: map[string]int{}}
				s := service.on(t, g, &azureblob.ClientOptions{}, e.method)
				ctx, cancel := context.WithCancel(t.Context())
				_, _ = e.run(ctx, s)
				nothingLeft(t, e.method+" on "+service.name+", done", g, s)
				cancel()
				nothingLeft(t, e.method+" on "+service.name+", after", g, s)
				seen, began := g.seen, time.Now()
				if _, err := e.run(ctx, s); !errors.Is(err, context.Canceled) || time.Since(began) > prompt || g.seen > seen {
					t.Errorf("%s on %s: %v after %v and %d requests", e.method, service.name, err, time.Since(began), g.seen-seen)
				}
				nothingLeft(t, e.method+" on "+service.name+", before", g, s)
			})
		}
	}
}

// TestNothingIsLeftOfHedges ends the context before the second request of a read,
// and while both are under way.
func TestNothingIsLeftOfHedges(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	defer func() { alone, filler = false, fill }()
	for _, wait := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond} {
		hits := 0
		for _, e := range exercises {
			bubble(t, e, func(t *testing.T) {
				what := fmt.Sprintf("%s, with a hedge after %v", e.method, wait)
				ctx, cancel := context.WithTimeout(t.Context(), wait)
				defer cancel()
				everything := func(_ *gate, req *http.Request) (*http.Response, error) {
					defer closeRequest(req)
					<-req.Context().Done()
					return nil, req.Context().Err()
				}
				g := &gate{open: map[string]int{}}
				s := leakServices[0].on(t, g, &azureblob.ClientOptions{Hedge: &azureblob.HedgeOptions{Delay: time.Second, MaxShare: 1}}, e.method)
				g.next = sendingFunc(func(req *http.Request) (*http.Response, error) { return everything(g, req) })
				began := time.Now()
				_, err := e.run(ctx, s)
				if late := time.Since(began) - wait; !errors.Is(err, context.DeadlineExceeded) || late > prompt {
					t.Errorf("%s: %v, %v after the context ended", what, err, late)
				}
				synctest.Wait()
				if g.seen > 1 {
					hits++
				}
				nothingLeft(t, what, g, s)
			})
		}
		if wait > time.Second && hits < 10 {
			t.Errorf("only %d exercises were hedged", hits)
		}
	}
}

// TestNothingIsLeftOfThrottling ends the context while a transfer waits for its
// turn, since the service has said that it is too much.
func TestNothingIsLeftOfThrottling(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	defer func() { alone, filler = false, fill }()
	waited := 0
	for _, e := range exercises {
		bubble(t, e, func(t *testing.T) {
			g := &gate{open: map[string]int{}}
			s := leakServices[0].on(t, g, &azureblob.ClientOptions{}, e.method)
			inner := g.next
			g.next = sendingFunc(func(req *http.Request) (*http.Response, error) {
				switch {
				case strings.HasSuffix(req.URL.Path, "/trouble"):
					return underWay["the wait for a repetition"](&gate{hit: func() {}, open: map[string]int{}}, req)
				case strings.HasSuffix(req.URL.Path, "/blocker"):
					return underWay["the request"](&gate{hit: func() {}}, req)
				}
				return inner.Do(req)
			})
			once := &azureblob.UploadOptions{CallOptions: azureblob.CallOptions{Retry: &azureblob.RetryOptions{Total: -1}}}
			if _, err := s.container().Blob("trouble").Upload(t.Context(), strings.NewReader("x"), once); err == nil || s.service.Usage().Concurrency != 1 {
				t.Fatalf("%v, and %d requests may be under way", err, s.service.Usage().Concurrency)
			}
			blocked, release := context.WithCancel(t.Context())
			var both sync.WaitGroup
			both.Go(func() { _, _ = s.container().Blob("blocker").Upload(blocked, strings.NewReader("x"), nil) })
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() { _, err := e.run(ctx, s); done <- err }()
			time.Sleep(time.Millisecond)
			synctest.Wait()
			select {
			case <-done:
			default:
				waited++
				began := time.Now()
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) || time.Since(began) > prompt {
					t.Errorf("%s: %v, %v after the context ended", e.method, err, time.Since(began))
				}
			}
			release()
			both.Wait()
			nothingLeft(t, e.method+", waiting for its turn", g, s)
		})
	}
	t.Logf("%d of %d exercises waited", waited, len(exercises))
	if waited < 10 {
		t.Errorf("only %d exercises waited for their turn", waited)
	}
}
