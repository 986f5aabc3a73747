package blobtest

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/wire"
)

// Request is a request as the service saw it.
type Request struct {
	Operation string      // name in the REST reference, such as Put Block; empty if it is none
	Method    string      // such as PUT
	Account   string      // without -secondary
	Secondary bool        // it was sent to the secondary endpoint
	Container string      // empty for operations on the account
	Blob      string      // empty for operations on the account or a container
	Query     url.Values  // signatures redacted
	Header    http.Header // secrets redacted

	BodyBytes   int64 // bytes of the body that were read
	Status      int   // of the answer; 0 while there is none, or if there never was one
	Code        string
	AnswerBytes int64 // bytes of the body of the answer that were written
}

// maxRequests bounds the list; the older half goes when it is full.
const maxRequests = 10_000

// requestLog is the list of requests.
type requestLog struct {
	mu      sync.Mutex
	entries []*logEntry
	scratch []byte // for headers
}

// logEntry is a request in the list, in a form that costs little to keep: most
// are never looked at.
type logEntry struct {
	op                               *wire.Operation
	method, account, container, blob string
	query                            string
	header                           []byte
	secondary                        bool

	mu                     sync.Mutex // guards what follows
	bodyBytes, answerBytes int64
	status                 int
	code                   string
}

const redacted = "REDACTED"

// secretHeaders are not written down.
var secretHeaders = []string{
	"Authorization", "X-Ms-Copy-Source-Authorization", "X-Ms-Encryption-Key", "X-Ms-Source-Encryption-Key",
}

// isSecret reports whether a header is one of those, in any case.
func isSecret(name string) bool {
	return slices.Contains(secretHeaders, http.CanonicalHeaderKey(name))
}

// public is a text that was signed, without the secrets in its lines: a client
// whose signature is wrong gets to see it.
func public(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if name, _, ok := strings.Cut(line, ":"); ok && isSecret(name) {
			lines[i] = name + ":" + redacted
		}
	}
	return strings.Join(lines, "\n")
}

func (l *requestLog) add(r *http.Request, t target) *logEntry {
	e := &logEntry{
		op: t.op, method: r.Method, account: t.account, container: t.container, blob: t.blob,
		query: r.URL.RawQuery, secondary: t.secondary,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scratch = appendHeader(l.scratch[:0], r.Header)
	e.header = bytes.Clone(l.scratch)
	if len(l.entries) >= maxRequests {
		l.entries = append(make([]*logEntry, 0, maxRequests), l.entries[maxRequests/2:]...)
	}
	l.entries = append(l.entries, e)
	return e
}

func (l *requestLog) list() []Request {
	l.mu.Lock()
	entries := slices.Clone(l.entries)
	l.mu.Unlock()
	all := make([]Request, len(entries))
	for i, e := range entries {
		all[i] = e.request()
	}
	return all
}

// request is the entry as it is told, without secrets.
func (e *logEntry) request() Request {
	r := Request{Method: e.method, Account: e.account, Secondary: e.secondary, Container: e.container, Blob: e.blob, Header: unpackHeader(e.header)}
	if e.op != nil {
		r.Operation = e.op.Name
	}
	r.Query, _ = url.ParseQuery(e.query) // what can be read of a malformed one
	e.mu.Lock()
	r.BodyBytes, r.Status, r.Code, r.AnswerBytes = e.bodyBytes, e.status, e.code, e.answerBytes
	e.mu.Unlock()
	r.redact()
	return r
}

// redact takes the secrets out of headers and query.
func (r *Request) redact() {
	for _, name := range secretHeaders {
		if r.Header[name] != nil {
			r.Header[name] = []string{redacted}
		}
	}
	for _, name := range []string{"X-Ms-Copy-Source", "X-Ms-Previous-Snapshot-Url"} {
		if v := r.Header.Get(name); v != "" {
			r.Header[name] = []string{pipeline.Redact(v)}
		}
	}
	for name := range r.Query {
		if strings.EqualFold(name, "sig") {
			r.Query.Set(name, redacted)
		}
	}
}

// appendHeader appends headers to b: name and value, each after its length.
func appendHeader(b []byte, h http.Header) []byte {
	for name, values := range h {
		for _, v := range values {
			b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
			b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
		}
	}
	return b
}

// unpackHeader reads what appendHeader wrote.
func unpackHeader(b []byte) http.Header {
	next := func() string {
		n, size := binary.Uvarint(b)
		text := string(b[size : size+int(n)])
		b = b[size+int(n):]
		return text
	}
	h := http.Header{}
	for len(b) > 0 {
		name := next()
		h[name] = append(h[name], next())
	}
	return h
}

func (l *requestLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

// settle notes all of an answer at once.
func (e *logEntry) settle(read int64, status int, code string, written int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bodyBytes, e.status, e.code, e.answerBytes = read, status, code, written
}

// countedBody is the body of a request, whose bytes are counted.
type countedBody struct {
	io.ReadCloser
	entry *logEntry
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.entry.mu.Lock()
	b.entry.bodyBytes += int64(n)
	b.entry.mu.Unlock()
	return n, err
}

// tap writes down what is answered.
type tap struct {
	http.ResponseWriter
	entry *logEntry
}

// Unwrap lets http.ResponseController find what it looks for.
func (t *tap) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *tap) WriteHeader(status int) {
	t.entry.mu.Lock()
	if t.entry.status == 0 && status >= 200 {
		t.entry.status, t.entry.code = status, t.Header().Get("x-ms-error-code")
	}
	t.entry.mu.Unlock()
	t.ResponseWriter.WriteHeader(status)
}

func (t *tap) Write(p []byte) (int, error) {
	// Whoever has the bytes has to find them counted.
	t.count(int64(len(p)))
	n, err := t.ResponseWriter.Write(p)
	if n < len(p) {
		t.count(int64(n - len(p)))
	}
	return n, err
}

func (t *tap) count(n int64) {
	t.entry.mu.Lock()
	defer t.entry.mu.Unlock()
	t.entry.answerBytes += n
}

func (t *tap) send(c content) bool {
	s, ok := t.ResponseWriter.(contentSender)
	if !ok || !s.send(c) {
		return false
	}
	t.count(c.size())
	return true
}
