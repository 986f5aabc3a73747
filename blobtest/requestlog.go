package blobtest

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/goblob/azureblob/internal/pipeline"
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
}

type logEntry struct {
	mu sync.Mutex
	Request
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
	e := &logEntry{Request: Request{
		Operation: t.operation(), Method: r.Method, Account: t.account, Secondary: t.secondary, Container: t.container, Blob: t.blob,
		Query: t.query, Header: r.Header,
	}}
	l.mu.Lock()
	defer l.mu.Unlock()
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
		e.mu.Lock()
		all[i] = e.Request
		e.mu.Unlock()
		all[i].redact()
	}
	return all
}

// redact replaces headers and query by copies without secrets.
func (r *Request) redact() {
	r.Header, r.Query = r.Header.Clone(), maps.Clone(r.Query)
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

func (l *requestLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

// countedBody is the body of a request, whose bytes are counted.
type countedBody struct {
	io.ReadCloser
	entry *logEntry
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.entry.mu.Lock()
	b.entry.BodyBytes += int64(n)
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
	if t.entry.Status == 0 && status >= 200 {
		t.entry.Status, t.entry.Code = status, t.Header().Get("x-ms-error-code")
	}
	t.entry.mu.Unlock()
	t.ResponseWriter.WriteHeader(status)
}

func (t *tap) Write(p []byte) (int, error) {
	n, err := t.ResponseWriter.Write(p)
	t.entry.mu.Lock()
	t.entry.AnswerBytes += int64(n)
	t.entry.mu.Unlock()
	return n, err
}

func (t *tap) send(c content) bool {
	s, ok := t.ResponseWriter.(contentSender)
	if !ok || !s.send(c) {
		return false
	}
	t.entry.mu.Lock()
	t.entry.AnswerBytes += c.size()
	t.entry.mu.Unlock()
	return true
}
