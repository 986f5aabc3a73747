package blobtest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/goblob/azureblob"
)

type serveFunc = func(http.ResponseWriter, *http.Request, target)

// around is a handler with the fault in it.
func (f *Fault) around(next serveFunc) serveFunc {
	return func(w http.ResponseWriter, r *http.Request, t target) {
		final := f.Status != 0 || f.Reset
		switch f.At {
		case BeforeRequest:
			pause(r, f.Delay)
			if final {
				f.strike(w, r)
				return
			}
		case DuringRequest, AfterRequest:
			if final {
				f.readUpTo(r)
				pause(r, f.Delay)
				f.strike(w, r)
				return
			}
		case AfterOperation:
			if final {
				next(&unheard{header: http.Header{}}, r, t)
				pause(r, f.Delay)
				f.strike(w, r)
				return
			}
		}
		f.pass(w, r, t, next)
	}
}

// pass lets the request through, with bodies that do not arrive as they were sent.
func (f *Fault) pass(w http.ResponseWriter, r *http.Request, t target, next serveFunc) {
	onRequest := f.At == DuringRequest || f.At == AfterRequest
	if onRequest && f.Delay != 0 && r.ContentLength == 0 {
		pause(r, f.Delay)
	}
	out := &faultyWriter{ResponseWriter: w, fault: f, request: r, at: -1}
	if r.Body != nil && (onRequest && (f.Delay != 0 || f.FlipBit) || f.Bandwidth > 0) {
		out.body = &faultyBody{ReadCloser: r.Body, fault: f, request: r, at: f.requestOffset(r)}
		out.body.stalls.Store(onRequest && f.Delay != 0 && r.ContentLength != 0)
		r.Body = out.body
	}
	defer func() {
		// A reverse proxy panics when its client is gone, which it is not.
		failure := recover()
		if failure != nil && (failure != http.ErrAbortHandler || !out.broken) {
			panic(failure)
		}
		if out.broken {
			breakOff(w, f.Reset)
		}
	}()
	next(out, r, t)
}

// requestOffset is the byte of the body of the request that the fault means.
func (f *Fault) requestOffset(r *http.Request) int64 {
	switch {
	case f.At == AfterRequest:
		return max(r.ContentLength, 0)
	case f.Offset > 0:
		return f.Offset
	}
	return max(r.ContentLength, 0) / 2
}

func (f *Fault) readUpTo(r *http.Request) {
	if r.Body == nil {
		return
	}
	if f.At == AfterRequest {
		_, _ = io.Copy(io.Discard, r.Body)
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, f.requestOffset(r))
}

// strike answers with the error, or breaks the connection.
func (f *Fault) strike(w http.ResponseWriter, r *http.Request) {
	if f.Reset {
		breakOff(w, true)
	}
	h := w.Header()
	clear(h)
	id := newRequestID()
	now := time.Now()
	h.Set("Server", serverName[0])
	h.Set("Date", now.UTC().Format(http.TimeFormat))
	h.Set("x-ms-request-id", id)
	if version := r.Header.Get("x-ms-version"); version != "" {
		h.Set("x-ms-version", version)
	}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((f.RetryAfter+time.Second-1)/time.Second), 10))
	}
	var body []byte
	if f.Code != "" {
		h.Set("x-ms-error-code", f.Code)
		h.Set("Content-Type", "application/xml")
		body = fail(azureblob.ErrorCode(f.Code)).document(id, now)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	f.setHeaders(h)
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// setHeaders replaces headers of the answer, or takes them away.
func (f *Fault) setHeaders(h http.Header) {
	for name, value := range f.Header {
		if value == "" {
			h.Del(name)
		} else {
			h.Set(name, value)
		}
	}
}

// breakOff ends the connection, by a reset or by closing it. It does not return.
func breakOff(w http.ResponseWriter, reset bool) {
	control := http.NewResponseController(w)
	if !reset {
		if c, ok := innermost(w).(interface{ closeCleanly() }); ok {
			c.closeCleanly()
		}
	} else if conn, _, err := control.Hijack(); err == nil {
		raw := conn
		if t, ok := conn.(*tls.Conn); ok {
			raw = t.NetConn()
		}
		if t, ok := raw.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = raw.Close()
	}
	panic(http.ErrAbortHandler)
}

func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// pause waits. It ends early if the client gives up, and then breaks off.
func pause(r *http.Request, d time.Duration) {
	if !wait(r, d) {
		panic(http.ErrAbortHandler)
	}
}

// wait reports false if the client gave up.
func wait(r *http.Request, d time.Duration) bool {
	switch {
	case d == 0:
		return true
	case d < 0:
		<-r.Context().Done()
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// unheard is the writer of an answer that nobody gets.
type unheard struct{ header http.Header }

func (u *unheard) Header() http.Header         { return u.header }
func (u *unheard) WriteHeader(int)             {}
func (u *unheard) Write(p []byte) (int, error) { return len(p), nil }

// errBroken ends the writing of an answer.
var errBroken = errors.New("blobtest: a fault broke the answer off")

// pace is how many bytes pass at a time under a bandwidth, and how long they take.
func pace(bandwidth int64, n int) (int, time.Duration) {
	n = min(n, int(max(bandwidth/50, 1)))
	return n, time.Duration(int64(n) * int64(time.Second) / bandwidth)
}
