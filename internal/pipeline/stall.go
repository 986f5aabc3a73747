package pipeline

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// ErrStalled is wrapped by the error of a try in which no byte moved for too
// long. Another try may do better.
var ErrStalled = errors.New("the connection stalled")

// stalled is ErrStalled with what did not move.
type stalled struct {
	what string
	d    time.Duration
}

func (e *stalled) Error() string {
	return fmt.Sprintf("the connection stalled: no byte of the %s moved for %v", e.what, e.d)
}
func (e *stalled) Is(target error) bool { return target == ErrStalled }
func (e *stalled) Timeout() bool        { return true }

// watchRequest ends a try whose body is not taken for d, or never if d is 0, and
// counts what is taken. It is no time limit on the body: each read of it by the
// transport starts the time anew. Answered is called when the answer is there,
// and cancel when that has been read.
func watchRequest(r *http.Request, d time.Duration, t *Traffic) (_ *http.Request, answered, cancel func()) {
	none := func() {}
	if r.Body == nil || r.Body == http.NoBody {
		return r, none, none
	}
	w := &watchedRequest{ReadCloser: r.Body, d: d, traffic: t}
	if d <= 0 || r.ContentLength > 0 && r.ContentLength <= smallBody {
		r.Body = w
		return r, none, none
	}
	ctx, end := context.WithCancelCause(r.Context())
	w.timer = time.AfterFunc(d, func() { end(&stalled{"request", d}) })
	w.timer.Stop() // until the first read, when there is a connection
	r = r.WithContext(ctx)
	r.Body = w
	return r, w.stop, func() { end(nil) }
}

// smallBody is what the kernel takes at once: it cannot stall before the time for
// the answer begins.
const smallBody = 16 << 10

// watchedRequest is a request body. The time runs while the transport is busy
// with what it read last.
type watchedRequest struct {
	io.ReadCloser
	d       time.Duration
	traffic *Traffic
	timer   *time.Timer // nil if there is no limit
	over    atomic.Bool
}

func (w *watchedRequest) Read(p []byte) (int, error) {
	w.pause() // a slow source is no stall
	n, err := w.ReadCloser.Read(p)
	w.traffic.sent(n)
	if err != nil {
		w.stop()
	} else {
		w.resume()
	}
	return n, err
}

// InMemory reports whether no read blocks, as the body says itself.
func (w *watchedRequest) InMemory() bool {
	b, ok := w.ReadCloser.(interface{ InMemory() bool })
	return ok && b.InMemory()
}

// WriteTo lets bodies that are in memory hand their bytes over without a copy.
func (w *watchedRequest) WriteTo(to io.Writer) (int64, error) {
	defer w.stop()
	if from, ok := w.ReadCloser.(io.WriterTo); ok {
		return from.WriteTo(watchedWriter{to, w})
	}
	return io.Copy(to, struct{ io.Reader }{w})
}

// watchedWriter is where a body is written to.
type watchedWriter struct {
	to io.Writer
	w  *watchedRequest
}

func (w watchedWriter) Write(p []byte) (int, error) {
	w.w.resume()
	n, err := w.to.Write(p)
	w.w.pause()
	w.w.traffic.sent(n)
	return n, err
}

func (w *watchedRequest) pause() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *watchedRequest) resume() {
	if w.timer != nil && !w.over.Load() {
		w.timer.Reset(w.d)
	}
}

func (w *watchedRequest) Close() error {
	w.stop()
	return w.ReadCloser.Close()
}

func (w *watchedRequest) stop() {
	w.over.Store(true)
	w.pause()
}

// stallOf is the cause of an error, if that is a stall: the transport tells only
// that the context was cancelled.
func stallOf(ctx context.Context, err error) error {
	if cause, ok := context.Cause(ctx).(*stalled); ok && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

// watchAnswer ends a read of the body that gives nothing for d, or never if d is
// 0, and counts what is read. The time runs only while somebody reads. Cancel is
// called when the body is closed.
func watchAnswer(resp *http.Response, d time.Duration, t *Traffic, cancel func()) {
	if resp.Body == nil || resp.Body == http.NoBody {
		cancel()
		return
	}
	resp.Body = &watchedAnswer{ReadCloser: resp.Body, d: d, traffic: t, cancel: cancel}
}

type watchedAnswer struct {
	io.ReadCloser
	d       time.Duration
	traffic *Traffic
	timer   *time.Timer
	stalled atomic.Bool
	cancel  func()
}

func (w *watchedAnswer) Close() error {
	defer w.cancel()
	return w.ReadCloser.Close()
}

func (w *watchedAnswer) Read(p []byte) (int, error) {
	switch {
	case w.d <= 0:
	case w.timer == nil:
		w.timer = time.AfterFunc(w.d, w.stall)
	default:
		w.timer.Reset(w.d)
	}
	n, err := w.ReadCloser.Read(p)
	if w.timer != nil {
		w.timer.Stop()
	}
	w.traffic.received(n)
	if err != nil && err != io.EOF && w.stalled.Load() {
		err = &stalled{"answer", w.d}
	}
	return n, err
}

// stall closes the body, which ends the read.
func (w *watchedAnswer) stall() {
	w.stalled.Store(true)
	_ = w.ReadCloser.Close()
}

// untrusted reports whether an error says that the server is not who it should
// be, or does not speak the protocol at all.
func untrusted(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

// handshake reports whether the TLS handshake took too long: no byte of the
// request was sent then.
func handshake(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && e.Timeout() && e.Error() == "net/http: TLS handshake timeout"
}
