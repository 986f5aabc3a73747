package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrStalled is wrapped by the error of a try in which nothing moved for too long.
var ErrStalled = errors.New("the connection stalled")

// stalled is ErrStalled with what did not move.
type stalled struct {
	what string
	d    time.Duration
}

func (e *stalled) Error() string {
	return fmt.Sprintf("%v: %s for %v", ErrStalled, e.what, e.d)
}

func (e *stalled) Is(target error) bool {
	return target == ErrStalled || target == os.ErrDeadlineExceeded
}

// Timeout marks the error as one of time.
func (e *stalled) Timeout() bool { return true }

// What does not move.
const (
	noRequest = "no byte of the request moved"
	noAnswer  = "the answer did not begin"
	noBody    = "no byte of the answer came"
)

// Patience is how long a try may be without any sign of life. Zero is for ever.
type Patience struct {
	Body   time.Duration // while a body is under way
	Answer time.Duration // from when the transport has all of the request until the answer begins
}

// copyPatience is by how much more time there is for requests that have the
// service read from elsewhere, before it answers.
const copyPatience = 5

// of is the patience with one request: the service may work for as long as the
// request allows it to.
func (p Patience) of(r *http.Request) Patience {
	if p.Answer <= 0 {
		return p
	}
	if len(r.Header[headerCopySource]) > 0 {
		p.Answer *= copyPatience
	}
	if _, value, ok := strings.Cut("&"+r.URL.RawQuery, "&timeout="); ok {
		value, _, _ = strings.Cut(value, "&")
		if s, err := strconv.ParseUint(value, 10, 31); err == nil {
			p.Answer = max(p.Answer, time.Duration(s)*time.Second+5*time.Second)
		}
	}
	return p
}

// watch ends a try in which nothing moves. One clock runs from the moment when
// the transport gets the request until the answer begins, and starts anew with
// each read of the body of the request by the transport; then it runs while
// somebody waits for the body of the answer. It bounds nothing that moves.
type watch struct {
	Patience
	traffic  *Traffic
	throttle *Throttle
	cancel   context.CancelCauseFunc
	timer    *time.Timer // nil before the clock was first started
	request  watchedRequest

	mu       sync.Mutex
	what     string // is waited for; "" while the clock stands
	until    time.Time
	answered bool
	fired    *stalled
	body     io.ReadCloser // of the answer
	reading  bool          // the body is counted among the answers that are being read
}

// start begins to watch a try, and returns the request that is to be sent.
func (w *watch) start(r *http.Request) *http.Request {
	ctx, cancel := context.WithCancelCause(r.Context())
	w.cancel = cancel
	r = r.WithContext(ctx)
	if p, ok := r.Body.(*pending); ok {
		// A hook may have read from it; what is sent is a fresh reader.
		_ = p.Close()
		w.request = watchedRequest{p.body.Open(), w}
		r.Body = &w.request
		// The transport sends a request again by itself if a connection that it had
		// kept turns out to be closed.
		r.GetBody = func() (io.ReadCloser, error) { return &watchedRequest{&pending{body: p.body}, w}, nil }
	} else if r.Body != nil && r.Body != http.NoBody {
		w.request = watchedRequest{r.Body, w}
		r.Body, r.GetBody = &w.request, nil
	}
	w.await(noAnswer, w.Answer)
	return r
}

// await starts the clock.
func (w *watch) await(what string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answered && what != noBody || w.fired != nil {
		return
	}
	w.what, w.until = what, time.Now().Add(d)
	switch {
	case d <= 0:
		w.what = ""
	case w.timer == nil:
		w.timer = time.AfterFunc(d, w.fire)
	default:
		w.timer.Reset(d)
	}
}

// pause stops the clock, unless what runs is that of an answer and it is the
// request that pauses: it may still be read when it was answered early.
func (w *watch) pause(answer bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.what != "" && w.answered == answer {
		w.what = ""
		w.timer.Stop()
	}
}

// fire ends the try, unless something moved at the last moment.
func (w *watch) fire() {
	w.mu.Lock()
	if w.what == "" || w.fired != nil || time.Now().Before(w.until) {
		w.mu.Unlock()
		return
	}
	d := w.Body
	if w.what == noAnswer {
		d = w.Answer
	}
	w.fired = &stalled{w.what, d}
	body := w.body
	w.mu.Unlock()
	w.cancel(w.fired)
	if body != nil {
		_ = body.Close() // which ends a read, whatever the transport makes of the context
	}
}

// answer takes what came of the try. The watch goes on until the body is closed.
func (w *watch) answer(resp *http.Response, err error) error {
	w.mu.Lock()
	w.answered, w.what = true, ""
	if w.timer != nil {
		w.timer.Stop()
	}
	if w.fired != nil {
		// The transport tells only that the context ended.
		err = w.fired
	}
	if err == nil && resp.Body != nil && resp.Body != http.NoBody {
		w.body = resp.Body
		resp.Body = (*watchedAnswer)(w)
	}
	w.mu.Unlock()
	switch {
	case err != nil:
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		w.cancel(nil)
	case w.body == nil:
		w.cancel(nil)
	default:
		w.read(true)
	}
	return err
}

// read counts the answers that are being read.
func (w *watch) read(now bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reading == now || w.throttle == nil {
		return
	}
	w.reading = now
	if now {
		w.throttle.answers.Add(1)
	} else {
		w.throttle.answers.Add(-1)
	}
}

// watchedRequest is the body of a request. A slow source is no stall, so the
// clock runs only while the transport is busy with what it has read.
type watchedRequest struct {
	io.ReadCloser
	w *watch
}

func (r *watchedRequest) Read(p []byte) (int, error) {
	r.w.pause(false)
	n, err := r.ReadCloser.Read(p[:min(len(p), piece)])
	r.w.traffic.sent(n)
	r.next(err != nil)
	return n, err
}

// next starts the clock for what comes after a read: the next one, or the answer.
func (r *watchedRequest) next(end bool) {
	if end {
		r.w.await(noAnswer, r.w.Answer)
	} else {
		r.w.await(noRequest, r.w.Body)
	}
}

// piece is the most that the transport gets at a time: on the thinnest of lines,
// shared by many requests, it has to be gone within the time.
const piece = 64 << 10

// InMemory reports whether no read blocks, as the body says itself.
func (r *watchedRequest) InMemory() bool {
	b, ok := r.ReadCloser.(interface{ InMemory() bool })
	return ok && b.InMemory()
}

// WriteTo lets bodies that are in memory hand their bytes over without a copy.
func (r *watchedRequest) WriteTo(to io.Writer) (int64, error) {
	defer r.next(true)
	if from, ok := r.ReadCloser.(io.WriterTo); ok {
		return from.WriteTo(watchedWriter{to, r})
	}
	return io.Copy(to, struct{ io.Reader }{r})
}

// watchedWriter is where a body is written to.
type watchedWriter struct {
	to io.Writer
	r  *watchedRequest
}

func (w watchedWriter) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		part := p[n:min(n+piece, len(p))]
		w.r.next(false)
		var c int
		c, err = w.to.Write(part)
		w.r.w.pause(false)
		w.r.w.traffic.sent(c)
		if n += c; err == nil && c != len(part) {
			err = io.ErrShortWrite
		}
	}
	return n, err
}

// watchedAnswer is the body of an answer. The clock runs only while somebody
// reads.
type watchedAnswer watch

func (a *watchedAnswer) Read(p []byte) (int, error) {
	w := (*watch)(a)
	w.await(noBody, w.Body)
	n, err := w.body.Read(p)
	w.pause(true)
	w.traffic.received(n)
	if err != nil {
		w.read(false)
		if err != io.EOF {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.fired != nil {
				err = w.fired
			}
		}
	}
	return n, err
}

// Close ends the try.
func (a *watchedAnswer) Close() error {
	w := (*watch)(a)
	w.read(false)
	err := w.body.Close()
	w.cancel(nil)
	return err
}
