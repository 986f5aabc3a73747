package pipeline

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"go.uber.org/goleak"

	"github.com/goblob/azureblob/internal/secretless"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(secretless.Main(m)) }

// serve starts a server that ends with the test, and returns a client whose
// idle connections are closed before it.
func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, *http.Client) {
	t.Helper()
	srv := httptest.NewServer(h)
	client := NewTransport(64, 0, nil)
	t.Cleanup(func() { client.CloseIdleConnections(); srv.Close() })
	return srv, client
}

// serveTLS is serve over TLS.
func serveTLS(t *testing.T, h http.HandlerFunc) (*httptest.Server, *http.Client) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.StartTLS()
	client := NewTransport(64, 0, nil)
	client.Transport.(*http.Transport).TLSClientConfig =
		srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.Transport.(*http.Transport).TLSClientConfig.NextProtos = nil
	t.Cleanup(func() { client.CloseIdleConnections(); srv.Close() })
	return srv, client
}

// noWait retries at once, n times; 0 is a single try.
func noWait(n int) Retry { return Retry{Total: n, Connect: n, Read: n, Status: n, MaxDelay: time.Hour} }

// do sends one request and returns its status.
func do(t *testing.T, p runtime.Pipeline, method, url string, call *Call) (*http.Response, error) {
	t.Helper()
	return doCtx(t.Context(), t, p, method, url, call)
}

func doCtx(ctx context.Context, t *testing.T, p runtime.Pipeline, method, url string, call *Call) (*http.Response, error) {
	t.Helper()
	req, err := runtime.NewRequest(ctx, method, url)
	if err != nil {
		t.Error(err)
		return nil, err
	}
	if call != nil {
		req.SetOperationValue(call)
	}
	return p.Do(req)
}

// trackedBody counts its readers, and sees reads of closed ones.
type trackedBody struct {
	data      []byte
	opened    atomic.Int64
	open      sync.WaitGroup // readers not yet closed
	readAfter atomic.Int64
}

func (b *trackedBody) Len() int64 { return int64(len(b.data)) }

func (b *trackedBody) Open() io.ReadCloser {
	b.opened.Add(1)
	b.open.Add(1)
	return &trackedReader{body: b, r: bytes.NewReader(b.data)}
}

type trackedReader struct {
	body   *trackedBody
	r      *bytes.Reader
	closed atomic.Bool
}

func (r *trackedReader) Read(p []byte) (int, error) {
	if r.closed.Load() {
		r.body.readAfter.Add(1)
	}
	return r.r.Read(p)
}

func (r *trackedReader) Close() error {
	if r.closed.CompareAndSwap(false, true) {
		r.body.open.Done()
	}
	return nil
}

// emulatorAccount and emulatorKey are the public ones of the storage emulator.
const (
	emulatorAccount = "devstoreaccount1"
	emulatorKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// newRequest makes a request whose answer is left open.
func newRequest(t *testing.T, method, url string, call *Call) *policy.Request {
	t.Helper()
	req, err := runtime.NewRequest(t.Context(), method, url)
	if err != nil {
		t.Fatal(err)
	}
	if call != nil {
		req.SetOperationValue(call)
	}
	runtime.SkipBodyDownload(req)
	return req
}

// newStream is a GET whose answer is left open.
func newStream(t *testing.T, url string) *policy.Request {
	t.Helper()
	return newRequest(t, "GET", url, &Call{Idempotent: true})
}
