package blobtest

import (
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

const (
	// maxRequests bounds the list; the oldest go when it is full, as many as are
	// kept together.
	maxRequests  = 10_000
	keptTogether = 250
)

// requestLog is the list of requests.
type requestLog struct {
	mu   sync.Mutex
	runs []*logRun
}

// logRun is some requests in a row. Most are never looked at, so what they say is
// packed into one piece of memory, which costs the garbage collector nothing.
type logRun struct {
	entries []logEntry // stay where they are: it never outgrows its capacity
	packed  []byte
}

// logEntry is a request in the list, and how it fared.
type logEntry struct {
	op        *wire.Operation
	off, end  int // in what is packed
	secondary bool

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
	l.mu.Lock()
	defer l.mu.Unlock()
	run := l.last()
	off := len(run.packed)
	for _, text := range [...]string{r.Method, t.account, t.container, t.blob, r.URL.RawQuery} {
		run.packed = packText(run.packed, text)
	}
	for name, values := range r.Header {
		for _, v := range values {
			run.packed = packText(packText(run.packed, name), v)
		}
	}
	run.entries = append(run.entries, logEntry{op: t.op, off: off, end: len(run.packed), secondary: t.secondary})
	return &run.entries[len(run.entries)-1]
}

// last is the run that the next request belongs to.
func (l *requestLog) last() *logRun {
	expected := 0
	if n := len(l.runs); n > 0 {
		last := l.runs[n-1]
		if len(last.entries) < keptTogether {
			return last
		}
		expected = len(last.packed)
	}
	if len(l.runs) == maxRequests/keptTogether {
		l.runs = slices.Delete(l.runs, 0, 1)
	}
	run := &logRun{entries: make([]logEntry, 0, keptTogether), packed: make([]byte, 0, expected)}
	l.runs = append(l.runs, run)
	return run
}

func (l *requestLog) list() []Request {
	l.mu.Lock()
	runs := make([]logRun, len(l.runs))
	for i, run := range l.runs {
		runs[i] = *run // what is in it already does not change
	}
	l.mu.Unlock()
	all := []Request{}
	for _, run := range runs {
		for i := range run.entries {
			e := &run.entries[i]
			all = append(all, e.request(run.packed[e.off:e.end]))
		}
	}
	return all
}

// request is the entry as it is told, without secrets.
func (e *logEntry) request(packed []byte) Request {
	text := func() (text string) {
		text, packed = cutText(packed)
		return text
	}
	r := Request{Method: text(), Account: text(), Container: text(), Blob: text(), Secondary: e.secondary, Header: http.Header{}}
	if e.op != nil {
		r.Operation = e.op.Name
	}
	r.Query, _ = url.ParseQuery(text()) // what can be read of a malformed one
	for len(packed) > 0 {
		name := text()
		r.Header[name] = append(r.Header[name], text())
	}
	e.mu.Lock()
	r.BodyBytes, r.Status, r.Code, r.AnswerBytes = e.bodyBytes, e.status, e.code, e.answerBytes
	e.mu.Unlock()
	r.redact()
	return r
}

// packText appends a text to b, after its length.
func packText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// cutText cuts off what packText appended.
func cutText(b []byte) (s string, rest []byte) {
	n, size := binary.Uvarint(b)
	b = b[size:]
	return string(b[:n]), b[n:]
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

func (l *requestLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs = nil
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
