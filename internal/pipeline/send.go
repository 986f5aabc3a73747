package pipeline

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// authorizer is an Auth policy that needs nothing but the finished request.
// The sender applies it to its own copy.
type authorizer interface {
	// authorize may set headers of r, and replace its URL but not change it.
	authorize(r *http.Request) error
}

// sender is the transport step of the pipeline.
type sender struct {
	next     policy.Transporter
	auth     authorizer // nil: nothing to add
	patience Patience
	traffic  *Traffic
	throttle *Throttle
	bodies   *bodyLog
}

// Do dates, authorizes and sends a copy of req. It is a copy because a token
// credential sends the same request twice after a challenge, while net/http
// may still hold the first one.
func (s *sender) Do(req *http.Request) (*http.Response, error) {
	r := req.WithContext(req.Context())
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	if err := CheckHeaders(r.Header); err != nil {
		return nil, permanent(fmt.Errorf("azureblob: %w", err))
	}
	setDate(r.Header)
	if p, ok := r.Body.(*pending); ok {
		if b, ok := p.body.(*Batch); ok {
			if err := s.seal(r, b); err != nil {
				return nil, permanent(err)
			}
		}
	}
	if s.auth != nil {
		if err := s.auth.authorize(r); err != nil {
			return nil, permanent(err)
		}
	}
	s.traffic.request()
	w := &watch{Patience: s.patience.of(r), traffic: s.traffic, throttle: s.throttle}
	r = w.start(r)
	bodies := s.bodies.of(req)
	sent := bodies.request(r, req)
	resp, err := s.next.Do(r)
	sent()
	if err := w.answer(resp, err); err != nil {
		return nil, RedactError(err)
	}
	bodies.answer(resp, req)
	// The request that errors and hooks see is the one without what the
	// credential added to its URL.
	resp.Request = req
	return resp, nil
}

// setDate sets x-ms-date, which is fresh at each try: the service refuses
// requests that are more than 15 minutes old.
func setDate(h http.Header) {
	delete(h, "x-ms-date")
	h[headerDate] = []string{HTTPDate(time.Now())}
}

// dated is the text of one second.
type dated struct {
	unix int64
	text string
}

// lastDate is the text that was made last, since a busy client makes many
// requests in one second.
var lastDate atomic.Pointer[dated]

// HTTPDate returns t as headers carry it.
func HTTPDate(t time.Time) string {
	unix, last := t.Unix(), lastDate.Load()
	if last != nil && last.unix == unix {
		return last.text
	}
	text := t.UTC().Format(http.TimeFormat)
	if last == nil || unix > last.unix {
		// Only the present is asked for again and again.
		lastDate.Store(&dated{unix, text})
	}
	return text
}

// CheckHeaders refuses what cannot be a header: a line break in a value would
// start a new header or, in a batch, a new request. net/http refuses the same,
// but by an error that azcore would try again, and not in the parts of a batch.
func CheckHeaders(h http.Header) error {
	for name, values := range h {
		if name == "" {
			return errors.New("header with an empty name")
		}
		if !IsHeaderName(name) {
			return fmt.Errorf("header name %q holds a character that is not allowed", name)
		}
		for _, v := range values {
			for i := range len(v) {
				// The value may be secret, so it is not shown.
				if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
					return fmt.Errorf("value of header %s holds the control character %#02x", name, c)
				}
			}
		}
	}
	return nil
}

// IsHeaderName reports whether a header can have that name.
func IsHeaderName(s string) bool {
	for i := range len(s) {
		if !tokenByte[s[i]] {
			return false
		}
	}
	return s != ""
}

// tokenByte tells the bytes that header names may have.
var tokenByte = func() (ok [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		ok[c] = c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a'
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		ok[c] = true
	}
	return ok
}()

// permanentError is an error that another try would not cure. azcore's retry
// looks for the method NonRetriable.
type permanentError struct{ error }

// permanent marks err as not worth another try.
func permanent(err error) error { return permanentError{err} }

// NonRetriable marks the error.
func (permanentError) NonRetriable() {}

// Unwrap returns the cause.
func (e permanentError) Unwrap() error { return e.error }
