package blobtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
)

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

// converse carries out a request in a goroutine of its own: the handler may wait
// for the client, or the client be done with it before it returns.
func (f *front) converse(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	c := &conversation{begun: make(chan struct{}), ended: make(chan struct{}), cancel: cancel, header: make(http.Header, 24), head: req.Method == http.MethodHead}
	c.body, c.sink = io.Pipe()
	r := req.WithContext(ctx)
	serverRequest(r, r)
	r.Header = cloneCanonical(req.Header) // the client gets its own back before the handler is done with it
	r.RequestURI = req.URL.RequestURI()
	body := &requestBody{ctx: req.Context(), body: r.Body, left: r.ContentLength, size: r.ContentLength, owner: c}
	r.Body = body
	c.stop = context.AfterFunc(req.Context(), func() {
		// The handler ends by itself: its context is done, and so are both bodies.
		cause := context.Cause(req.Context())
		body.abort(cause)
		_ = c.sink.CloseWithError(cause)
	})
	go c.run(f, r, body)
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
	size := int64(-1)
	if c.whole {
		size = c.start.size()
	}
	resp := &http.Response{}
	fillResponse(resp, req, c.status, c.sent, size)
	resp.Body = &responseBody{conversation: c, ctx: req.Context(), start: contentReader{content: c.start}, left: bodyLength(req.Method, c.status, resp.ContentLength)}
	return resp
}

// responseBody is the body of the answer as the client reads it.
type responseBody struct {
	*conversation
	ctx   context.Context // of the request
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
	if b.ctx.Err() != nil {
		return 0, b.end(context.Cause(b.ctx))
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
