package pipeline

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// bodyLog writes the beginnings of bodies, as they go over the wire. A nil one
// writes nothing.
type bodyLog struct {
	logger *slog.Logger
	limit  int // bytes of each body
}

// of is the log for one request, or nil if nobody wants to know.
func (l *bodyLog) of(req *http.Request) *bodyLog {
	if l == nil || !l.logger.Enabled(req.Context(), slog.LevelDebug) {
		return nil
	}
	return l
}

// request has the body of r noted while it is sent. The line is written when that
// is over, one way or the other.
func (l *bodyLog) request(r, named *http.Request) (over func()) {
	if l == nil || r.Body == nil || r.Body == http.NoBody {
		return func() {}
	}
	t := &tap{ReadCloser: r.Body, limit: l.limit}
	r.Body = t
	return func() { l.write("azureblob: request body", named, nil, t) }
}

// answer has the body of an answer noted while it is read. The line is written
// when it is closed.
func (l *bodyLog) answer(resp *http.Response, named *http.Request) {
	if l == nil || resp.Body == nil || resp.Body == http.NoBody {
		return
	}
	t := &tap{ReadCloser: resp.Body, limit: l.limit}
	t.closed = sync.OnceFunc(func() { l.write("azureblob: response body", named, resp, t) })
	resp.Body = t
}

func (l *bodyLog) write(message string, req *http.Request, resp *http.Response, t *tap) {
	head, total := t.noted()
	if total == 0 {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", req.Method), slog.String("url", RedactURL(req.URL)),
		slog.String("client_request_id", req.Header.Get(headerClientRequestID)), slog.Int64("bytes", total),
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode), slog.String("request_id", resp.Header.Get(headerRequestID)))
	}
	l.logger.LogAttrs(req.Context(), slog.LevelDebug, message, append(attrs, bodyAttr(head, total, req))...)
}

// quotedValues is how an error of the service repeats headers and parameters.
var quotedValues = regexp.MustCompile(`(?i)(<(?:HeaderValue|QueryParameterValue)>)[^<]*`)

// bodyAttr is the beginning of a body without secrets: as it is if it is text, and
// otherwise in base64. A key that is the answer is not shown at all.
func bodyAttr(head []byte, total int64, req *http.Request) slog.Attr {
	if strings.Contains(strings.ToLower(req.URL.RawQuery), "userdelegationkey") {
		return slog.String("body", redacted)
	}
	text := string(head)
	if int64(len(head)) < total {
		for i := 1; i < utf8.UTFMax && i <= len(head); i++ { // it may end within a character
			if tail := head[len(head)-i:]; utf8.RuneStart(tail[0]) {
				if !utf8.FullRune(tail) {
					text = text[:len(text)-i]
				}
				break
			}
		}
	}
	plain := utf8.ValidString(text)
	text = quotedValues.ReplaceAllString(Redact(text), "${1}"+redacted)
	if !plain {
		return slog.String("body_base64", base64.StdEncoding.EncodeToString([]byte(text)))
	}
	return slog.String("body", text)
}

// tap is a body whose beginning is noted. Net/http may go on reading one while the
// answer to it is there already.
type tap struct {
	io.ReadCloser
	limit  int
	closed func() // nil for nobody

	mu    sync.Mutex
	head  []byte
	total int64
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += int64(n)
	if room := t.limit - len(t.head); room > 0 {
		t.head = append(t.head, p[:min(n, room)]...)
	}
	return n, err
}

func (t *tap) noted() (head []byte, total int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head, t.total
}

// Close closes the body.
func (t *tap) Close() error {
	if t.closed != nil {
		defer t.closed()
	}
	return t.ReadCloser.Close()
}
