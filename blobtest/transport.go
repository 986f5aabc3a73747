package blobtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Transport calls a server in this process: no sockets, no ports, and no
// goroutine that outlives its request. It is an http.RoundTripper and a
// policy.Transporter, and keeps the contract of net/http: request bodies are
// closed, answers begin before their body is complete, and the end of a context
// ends the request. All that blocks in it are channels of the caller's, so it
// works in a bubble of testing/synctest. What waits for nothing, since no fault
// strikes it and its body is in memory, is carried out by the goroutine of the
// caller.
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
	if err := t.front.refusal(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	if t.front.immediate && isReady(req.Body) && t.front.faults.none() {
		return t.front.direct(req)
	}
	return t.front.converse(req)
}

// refusal is the error of a request that is over before it begins.
func (f *front) refusal(req *http.Request) error {
	f.door.Lock()
	closed := f.closed
	f.door.Unlock()
	if closed {
		return errClosed
	}
	for name, values := range req.Header {
		for _, v := range values {
			if !sendable(v) {
				return fmt.Errorf("blobtest: the value of header %q cannot be sent", name)
			}
		}
	}
	return req.Context().Err()
}

// sendable reports whether net/http would send the value of a header.
func sendable(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isReady reports whether no read of a body blocks, since all of it is in memory.
func isReady(body io.ReadCloser) bool {
	if body == nil || body == http.NoBody {
		return true
	}
	b, ok := body.(interface{ InMemory() bool })
	return ok && b.InMemory()
}

// overTLS is the state of all connections of this transport.
var overTLS = &tls.ConnectionState{HandshakeComplete: true}

// serverRequest makes r the request as a server gets it, but for its body. The
// header is that of the client unless it has names that net/http would rewrite.
func serverRequest(r, req *http.Request) {
	*r = *req
	r.Header = canonicalHeader(req.Header)
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.RemoteAddr = "127.0.0.1:1"
	if req.URL.Scheme == "https" {
		r.TLS = overTLS
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if r.Body == nil || r.Body == http.NoBody {
		r.Body = http.NoBody
		r.ContentLength = 0
	} else if r.ContentLength == 0 {
		r.ContentLength = -1
	}
}

// canonicalHeader is h with the names and values that net/http gives a server.
// It is h itself if there is nothing to rewrite.
func canonicalHeader(h http.Header) http.Header {
	for name, values := range h {
		if http.CanonicalHeaderKey(name) != name || slices.ContainsFunc(values, isPadded) {
			return cloneCanonical(h)
		}
	}
	return h
}

// isPadded reports whether a value has white space around it, which does not
// arrive.
func isPadded(v string) bool {
	const space = " \t"
	return v != "" && (strings.IndexByte(space, v[0]) >= 0 || strings.IndexByte(space, v[len(v)-1]) >= 0)
}

func cloneCanonical(h http.Header) http.Header {
	clone := make(http.Header, len(h))
	for name, values := range h {
		key := http.CanonicalHeaderKey(name)
		for _, v := range values {
			clone[key] = append(clone[key], strings.Trim(v, " \t"))
		}
	}
	return clone
}

// requestBody is the body of the client as the server reads it.
type requestBody struct {
	ctx        context.Context // of the client
	body       io.ReadCloser
	size, left int64                              // announced, and still to come; negative if not known
	owner      interface{ sendFailed(err error) } // told that the client's body cannot be read

	probe [1]byte

	mu     sync.Mutex
	err    error
	closed bool
}

func (b *requestBody) Read(p []byte) (int, error) {
	if err := b.ended(); err != nil {
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
	if b.size >= 0 && b.left == 0 && n > 0 && err == nil {
		err = b.end()
	}
	if err == io.EOF && b.size >= 0 && b.left > 0 {
		err = fmt.Errorf("http: ContentLength=%d with Body length %d", b.size, b.size-b.left)
	}
	if err != nil && err != io.EOF {
		b.owner.sendFailed(err)
	}
	return n, err
}

// end reads on after the last byte, as net/http does: only then does the client
// know that all of its body is gone. What comes after it is left out.
func (b *requestBody) end() error {
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = b.body.Read(b.probe[:])
	}
	if n > 0 {
		return nil
	}
	return err
}

func (b *requestBody) ended() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil && b.ctx.Err() != nil {
		b.err = context.Cause(b.ctx)
	}
	return b.err
}

// abort makes reads fail, and closes the client's body as net/http does.
func (b *requestBody) abort(err error) {
	b.mu.Lock()
	if b.err == nil {
		b.err = err
	}
	first := !b.closed
	b.closed = true
	b.mu.Unlock()
	if first {
		_ = b.body.Close()
	}
}

// Close closes the body of the client.
func (b *requestBody) Close() error {
	b.abort(http.ErrBodyReadAfterClose)
	return nil
}

// fillResponse makes resp an answer as the client gets it, but for its body. A
// body that is there as a whole has size bytes, and else size is -1.
func fillResponse(resp *http.Response, req *http.Request, status int, header http.Header, size int64) {
	resp.Status, resp.StatusCode = statusLine(status), status
	resp.Proto, resp.ProtoMajor, resp.ProtoMinor = "HTTP/1.1", 1, 1
	resp.Header, resp.Request, resp.ContentLength = header, req, size
	if n, err := strconv.ParseInt(text(header, "Content-Length"), 10, 64); err == nil {
		resp.ContentLength = n
	}
}

// statusLines are the status lines of answers that have a text.
var statusLines = func() map[int]string {
	lines := map[int]string{}
	for status := 100; status < 600; status++ {
		if text := http.StatusText(status); text != "" {
			lines[status] = strconv.Itoa(status) + " " + text
		}
	}
	return lines
}()

func statusLine(status int) string {
	if line, ok := statusLines[status]; ok {
		return line
	}
	return strconv.Itoa(status) + " "
}

// bodyLength is how long the body of an answer is that announces length bytes.
func bodyLength(method string, status int, length int64) int64 {
	if method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified {
		return 0
	}
	return length
}
