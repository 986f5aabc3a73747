package blobtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
)

// Transport calls a server in this process: no sockets, no ports, and no
// goroutine that outlives its request. It is an http.RoundTripper and a
// policy.Transporter, and keeps the contract of net/http: request bodies are
// closed, answers begin before their body is complete, and the end of a context
// ends the request. All that blocks in it are channels of the caller's, so it
// works in a bubble of testing/synctest.
type Transport struct{ front *front }

// Transport returns the way to the server without sockets. Any URL will do: the
// account is the first label of the host if the host is account.blob.something,
// as that of [Server.Endpoint] is, and else the first segment of the path.
func (f *front) Transport() *Transport { return &Transport{f} }

// Do is RoundTrip.
func (t *Transport) Do(req *http.Request) (*http.Response, error) { return t.RoundTrip(req) }

var errClosed = errors.New("blobtest: the server is closed")

// RoundTrip carries out a request.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.front.door.Lock()
	closed := t.front.closed
	t.front.door.Unlock()
	err := req.Context().Err()
	if closed {
		err = errClosed
	}
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	ctx, cancel := context.WithCancel(req.Context())
	c := &conversation{begun: make(chan struct{}), ended: make(chan struct{}), cancel: cancel, header: make(http.Header, 24), head: req.Method == http.MethodHead}
	c.body, c.sink = io.Pipe()
	r := serverRequest(req, ctx, c)
	body := r.Body.(*requestBody) // the handler may put another one around it
	c.stop = context.AfterFunc(req.Context(), func() {
		// The handler ends by itself: its context is done, and so are both bodies.
		cause := context.Cause(req.Context())
		body.abort(cause)
		_ = c.sink.CloseWithError(cause)
	})
	if t.front.immediate && req.Body == nil && t.front.faults.none() {
		// Nothing in this waits for the client, so it needs no goroutine.
		c.run(t.front, r, body)
	} else {
		go c.run(t.front, r, body)
	}
	select {
	case <-c.begun:
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
	if c.err != nil {
		<-c.ended
		return nil, c.err
	}
	return c.response(req), nil
}

// serverRequest is the request as a server gets it.
func serverRequest(req *http.Request, ctx context.Context, c *conversation) *http.Request {
	r := req.WithContext(ctx)
	r.Header = make(http.Header, len(req.Header))
	for name, values := range req.Header {
		key := http.CanonicalHeaderKey(name)
		r.Header[key] = append(r.Header[key][:len(r.Header[key]):len(r.Header[key])], values...)
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.RequestURI = req.URL.RequestURI()
	r.RemoteAddr = "127.0.0.1:1"
	if req.URL.Scheme == "https" {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if r.Body == nil {
		r.Body = http.NoBody
		r.ContentLength = 0
	}
	if r.ContentLength == 0 && r.Body != http.NoBody {
		r.ContentLength = -1
	}
	r.Body = &requestBody{body: r.Body, left: r.ContentLength, size: r.ContentLength, conversation: c}
	return r
}

// requestBody is the body of the client as the server reads it.
type requestBody struct {
	body         io.ReadCloser
	size, left   int64 // announced, and still to come; negative if not known
	conversation *conversation
	mu           sync.Mutex
	err          error
	once         sync.Once
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	err := b.err
	b.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if b.size >= 0 {
		if b.left == 0 {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.body.Read(p)
	b.left -= int64(n)
	if err == io.EOF && b.size >= 0 && b.left > 0 {
		err = fmt.Errorf("http: ContentLength=%d with Body length %d", b.size, b.size-b.left)
	}
	if err != nil && err != io.EOF {
		b.conversation.sendFailed(err)
	}
	return n, err
}

// abort makes reads fail, and closes the client's body as net/http does.
func (b *requestBody) abort(err error) {
	b.mu.Lock()
	if b.err == nil {
		b.err = err
	}
	b.mu.Unlock()
	b.once.Do(func() { _ = b.body.Close() })
}

// Close closes the body of the client.
func (b *requestBody) Close() error {
	b.abort(http.ErrBodyReadAfterClose)
	return nil
}

// conversation is a request and its answer under way. It is the
// ResponseWriter of the handler.
type conversation struct {
	begun  chan struct{} // closed when the answer begins, or will not
	ended  chan struct{} // closed when the handler has returned
	cancel context.CancelFunc
	stop   func() bool // undoes what was to happen at the end of the context
	head   bool        // nobody reads a body
	clean  bool        // the connection is closed and not reset

	header http.Header
	status int
	start  content // the body so far, until the answer begins
	sent   http.Header
	whole  bool // the start is all of the body
	err    error

	body *io.PipeReader
	sink *io.PipeWriter

	mu      sync.Mutex
	sending error // the client's body could not be read
}

// holdBack is how much of an answer is collected before it begins. Most are
// shorter, and need no pipe.
const holdBack = 32 << 10

// errReset is what a client sees of a connection that is reset.
func errReset(op string) error {
	return &net.OpError{Op: op, Net: "blobtest", Err: syscall.ECONNRESET}
}

func (c *conversation) run(f *front, r *http.Request, body *requestBody) {
	defer close(c.ended)
	defer func() {
		failure := recover()
		_ = body.Close()
		c.finish(failure)
	}()
	f.handle(c, r)
}

// finish ends the answer when the handler has returned, or panicked to reset
// the connection.
func (c *conversation) finish(failure any) {
	if failure != nil && failure != http.ErrAbortHandler {
		panic(failure)
	}
	err := c.sendError()
	switch {
	case err == nil && failure != nil && c.clean:
		err = io.ErrUnexpectedEOF
	case err == nil && failure != nil:
		err = errReset("read")
	}
	c.stop()
	c.cancel()
	if c.sent == nil {
		if err != nil {
			c.err = err
			close(c.begun)
			return
		}
		c.whole = true
		c.begin()
	}
	if err == nil {
		err = io.EOF
	}
	_ = c.sink.CloseWithError(err)
}

// closeCleanly says that a panic to come closes the connection without a reset.
func (c *conversation) closeCleanly() { c.clean = true }

func (c *conversation) sendFailed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sending == nil {
		c.sending = err
	}
}

func (c *conversation) sendError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sending
}

// Header returns the headers of the answer.
func (c *conversation) Header() http.Header { return c.header }

// WriteHeader sets the status; the answer begins with the first flush, or when
// enough of it is there.
func (c *conversation) WriteHeader(status int) {
	if c.status == 0 && status >= 200 {
		c.status = status
	}
}

// Write writes a part of the body.
func (c *conversation) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.head {
		return len(p), nil
	}
	if c.sent == nil {
		if c.start.size()+int64(len(p)) <= holdBack {
			c.start = join(c.start, contentOf(bytes.Clone(p)))
			return len(p), nil
		}
		c.begin()
	}
	return c.sink.Write(p)
}

// send takes all of the body at once. It is not copied, nor is anybody kept
// waiting until it is read.
func (c *conversation) send(body content) bool {
	if c.sent != nil || c.start.size() > 0 {
		return false
	}
	c.start = body
	return true
}

// Flush begins the answer.
func (c *conversation) Flush() {
	c.WriteHeader(http.StatusOK)
	if c.sent == nil {
		c.begin()
	}
}

func (c *conversation) begin() {
	c.WriteHeader(http.StatusOK)
	if c.whole {
		c.sent = c.header // the handler is done with it
	} else {
		c.sent = make(http.Header, len(c.header))
	}
	for name, values := range c.header {
		key := http.CanonicalHeaderKey(name)
		if !c.whole || key != name {
			c.sent[key] = values
		}
		if c.whole && key != name {
			delete(c.sent, name)
		}
	}
	close(c.begun)
}

// response is the answer as the client gets it.
func (c *conversation) response(req *http.Request) *http.Response {
	resp := &http.Response{
		Status: strconv.Itoa(c.status) + " " + http.StatusText(c.status), StatusCode: c.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: c.sent, Request: req, ContentLength: -1,
	}
	if n, err := strconv.ParseInt(c.sent.Get("Content-Length"), 10, 64); err == nil {
		resp.ContentLength = n
	} else if c.whole {
		resp.ContentLength = c.start.size()
	}
	left := resp.ContentLength
	if c.head || c.status == http.StatusNoContent || c.status == http.StatusNotModified {
		left = 0
	}
	resp.Body = &responseBody{conversation: c, start: contentReader{content: c.start}, left: left}
	return resp
}

// responseBody is the body of the answer as the client reads it.
type responseBody struct {
	*conversation
	start contentReader
	left  int64 // of what Content-Length announced; negative if it did not

	closing sync.Mutex // a body may be closed while it is read
	done    error
}

func (b *responseBody) Read(p []byte) (int, error) {
	if err := b.end(nil); err != nil {
		return 0, err
	}
	if b.left == 0 {
		return 0, b.end(io.EOF)
	}
	if b.left > 0 {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.start.Read(p)
	if n == 0 && err == io.EOF {
		if n, err = b.body.Read(p); err != nil {
			if err == io.EOF && b.left > 0 {
				err = io.ErrUnexpectedEOF
			}
			err = b.end(err)
		}
	}
	if b.left > 0 {
		b.left -= int64(n)
		if b.left == 0 && err == nil {
			err = b.end(io.EOF)
			_ = b.body.Close() // a handler that writes more is not to wait
		}
	}
	return n, err
}

// end keeps the first error that ends the body, and returns it.
func (b *responseBody) end(err error) error {
	b.closing.Lock()
	defer b.closing.Unlock()
	if b.done == nil {
		b.done = err
	}
	return b.done
}

// Close ends the request, if it has not ended.
func (b *responseBody) Close() error {
	_ = b.end(http.ErrBodyReadAfterClose)
	_ = b.body.CloseWithError(errReset("write"))
	b.cancel()
	<-b.ended
	return nil
}
