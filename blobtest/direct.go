package blobtest

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// direct is a request that is carried out in the goroutine of its client, which
// costs a fraction of a conversation. It is for requests that wait for nothing:
// no fault strikes them, and their body is in memory. It is the ResponseWriter
// of the handler.
type direct struct {
	request http.Request
	in      requestBody
	broken  error // the body of the client could not be read

	header   http.Header
	status   int
	content  content
	response http.Response
	out      wholeBody
}

// direct carries out a request.
func (f *front) direct(req *http.Request) (*http.Response, error) {
	d := newDirect(req)
	defer d.in.Close()
	f.receive(d)
	if d.broken != nil {
		return nil, d.broken
	}
	if req.Context().Err() != nil {
		return nil, context.Cause(req.Context())
	}
	return d.answer(req), nil
}

func newDirect(req *http.Request) *direct {
	d := &direct{}
	r := &d.request
	serverRequest(r, req)
	d.in = requestBody{ctx: req.Context(), body: r.Body, left: r.ContentLength, size: r.ContentLength, owner: d}
	r.Body = &d.in
	d.header = make(http.Header, answerHeaders(r.Method))
	return d
}

func (f *front) receive(d *direct) {
	t := locate(&d.request)
	entry := f.log.add(&d.request, t)
	f.serve(d, &d.request, t)
	entry.settle(d.in.size-d.in.left, d.status, text(d.header, "x-ms-error-code"), d.content.size())
}

func (d *direct) answer(req *http.Request) *http.Response {
	resp := &d.response
	fillResponse(resp, req, d.status, d.header, d.content.size())
	d.out.ctx, d.out.content.content, d.out.left = req.Context(), d.content, bodyLength(req.Method, d.status, resp.ContentLength)
	resp.Body = &d.out
	return resp
}

// answerHeaders is how many headers an answer has, more or less.
func answerHeaders(method string) int {
	if method == http.MethodGet || method == http.MethodHead {
		return 24
	}
	return 14
}

func (d *direct) sendFailed(err error) {
	if d.broken == nil {
		d.broken = err
	}
}

// Header returns the headers of the answer.
func (d *direct) Header() http.Header { return d.header }

// WriteHeader sets the status.
func (d *direct) WriteHeader(status int) {
	if d.status == 0 {
		d.status = status
	}
}

// Write writes a part of the body.
func (d *direct) Write(p []byte) (int, error) {
	d.WriteHeader(http.StatusOK)
	d.content = join(d.content, contentOf(append([]byte(nil), p...)))
	return len(p), nil
}

// send takes all of the body at once, without a copy.
func (d *direct) send(body content) bool {
	d.content = body
	return true
}

// wholeBody is the body of an answer that is there as a whole.
type wholeBody struct {
	ctx     context.Context // of the request
	mu      sync.Mutex      // a body may be closed while it is read
	content contentReader
	left    int64
	closed  bool
}

func (b *wholeBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.left == 0:
		return 0, io.EOF
	case b.ctx.Err() != nil:
		return 0, context.Cause(b.ctx)
	}
	n, err := b.content.Read(p[:min(int64(len(p)), b.left)])
	if b.left -= int64(n); b.left == 0 {
		err = io.EOF
	}
	return n, err
}

// Close ends the reading.
func (b *wholeBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}
