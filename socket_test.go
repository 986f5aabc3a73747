package azureblob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// early is a service that answers some writes before it has read their bodies,
// as the real one does when it refuses or is busy.
type early struct {
	stub    *stub
	status  int
	code    string
	mu      sync.Mutex
	answers int
	often   int // one of so many writes is answered early; 0 for none
}

func (e *early) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodPut && e.often > 0 && rand.IntN(e.often) == 0 {
		e.mu.Lock()
		e.answers++
		e.mu.Unlock()
		if rand.IntN(2) == 0 {
			_, _ = io.CopyN(io.Discard, req.Body, 1000)
		}
		w.Header().Set("x-ms-error-code", e.code)
		w.WriteHeader(e.status)
		return
	}
	resp, err := e.stub.Do(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// TestEarlyAnswers uploads 204 times to a service that answers before it has
// read the body, so that net/http goes on reading a block while its request is
// over. Blocks come from a pool: one that was given back too early would be
// filled by the next upload while it is read, which the race detector sees, and
// the content of uploads that succeed would be wrong. Blocks are larger than what
// sockets hold, so that they cannot vanish into them at once.
func TestEarlyAnswers(t *testing.T) {
	for _, tls := range []bool{false, true} {
		for status, code := range map[int]string{403: "AuthorizationFailure", 412: "ConditionNotMet", 503: "ServerBusy"} {
			t.Run(fmt.Sprint(status, " TLS ", tls), func(t *testing.T) {
				t.Parallel()
				uploadToEarlyService(t, status, code, tls)
			})
		}
	}
}

func uploadToEarlyService(t *testing.T, status int, code string, tls bool) {
	const uploadsEach, block, size = 34, 1 << 20, 2<<20 + 77
	e := &early{stub: newStub(nil), status: status, code: code, often: 6}
	server := httptest.NewUnstartedServer(e)
	// Clients that give up in the middle are what is tested.
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()
	client := server.Client()
	transport := client.Transport.(*http.Transport)
	transport.MaxIdleConnsPerHost = 8
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if c, ok := c.(*net.TCPConn); ok {
			_ = c.SetWriteBuffer(32 << 10)
		}
		return c, err
	}
	o := CapturingOptions()
	o.Transport, o.Retry, o.MemoryBudget = client, RetryOptions{Total: 4, Delay: time.Millisecond}, 8<<20
	service, err := NewServiceClient(server.URL, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for i := range uploadsEach {
		content := bytes.Repeat([]byte{byte(i + 1)}, size)
		b := service.Container("photos").Blob("cat.jpg")
		// The next upload takes what this one leaves in the pool, at once.
		_, err := b.Upload(t.Context(), onlyReader{bytes.NewReader(content)}, &UploadOptions{BlockSize: block, Concurrency: 4})
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("the error is no *Error: %v", err)
			}
			continue
		}
		done++
		if !bytes.Equal(e.stub.content, content) {
			t.Fatalf("upload %d stored other content", i)
		}
	}
	if e.answers == 0 || status == 503 && done == 0 {
		t.Errorf("%d uploads succeeded, %d answers were early", done, e.answers)
	}
}

// TestOwnTransport sends everything through the transport that clients have by
// default: over sockets, many at a time, with connections used again.
func TestOwnTransport(t *testing.T) {
	e := &early{stub: newStub(nil)}
	var mu sync.Mutex
	connections := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		connections[req.RemoteAddr] = true
		mu.Unlock()
		e.ServeHTTP(w, req)
	}))
	defer server.Close()
	service, err := NewServiceClient(server.URL, nil, CapturingOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer service.CloseIdleConnections()
	b := service.Container("photos").Blob("cat.jpg")
	content := pattern(1 << 20)
	for range 5 {
		if _, err := b.Upload(t.Context(), bytes.NewReader(content), &UploadOptions{BlockSize: 10 << 10, Concurrency: 32}); err != nil {
			t.Fatal(err)
		}
		got, err := b.ReadAll(t.Context(), &DownloadOptions{BlockSize: 10 << 10, Concurrency: 32})
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if len(connections) > 3*32 {
		t.Errorf("%d connections for 1,000 requests, 32 at a time", len(connections))
	}
}

// TestCallOptions checks what every call can be given.
func TestCallOptions(t *testing.T) {
	s := newStub([]byte("content"))
	var requests, responses int
	o := CallOptions{
		ClientRequestID: "mine", Timeout: 1500 * time.Millisecond, Header: http.Header{"X-Extra": {"a", "b"}},
		OnRequest:  func(req *http.Request) { requests++; req.Header.Set("x-ms-hook", "seen") },
		OnResponse: func(resp *http.Response) { responses++ },
	}
	s.after = func(n int, kind string, resp *http.Response) {
		resp.Header.Set("x-ms-client-request-id", resp.Request.Header.Get("x-ms-client-request-id"))
	}
	r, err := s.blob(t).Properties(t.Context(), &BlobPropertiesOptions{CallOptions: o})
	if err != nil {
		t.Fatal(err)
	}
	req := s.requests[0]
	if req.Header.Get("x-ms-client-request-id") != "mine" || r.ClientRequestID != "mine" || req.URL.Query().Get("timeout") != "2" ||
		len(req.Header["X-Extra"]) != 2 || req.Header.Get("x-ms-hook") != "seen" || requests != 1 || responses != 1 {
		t.Errorf("request %v %v, %d and %d hooks, result %+v", req.URL, req.Header, requests, responses, r.ResponseInfo)
	}
	for name, bad := range map[string]CallOptions{
		"timeout": {Timeout: -1}, "id": {ClientRequestID: string(make([]byte, 1025))}, "id with a line break": {ClientRequestID: "a\r\nb: c"},
		"header": {Header: http.Header{"X-Extra": {"a\r\nb: c"}}},
	} {
		if _, err := s.blob(t).Properties(t.Context(), &BlobPropertiesOptions{CallOptions: bad}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if len(s.requests) != 1 {
		t.Error("bad options were sent")
	}
}

// TestContextHeaders: headers that azcore adds from the context are signed and sent.
func TestContextHeaders(t *testing.T) {
	s := newStub([]byte("content"))
	ctx := policy.WithHTTPHeader(t.Context(), http.Header{"X-Ms-Extra": {"yes"}})
	if _, err := s.blob(t).Properties(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if s.requests[0].Header.Get("X-Ms-Extra") != "yes" {
		t.Error("the header of the context was not sent")
	}
}
