package blobtest

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// faultyBody is the body of a request with a fault on its way.
type faultyBody struct {
	io.ReadCloser
	fault   *Fault
	request *http.Request
	at      int64 // where it strikes
	off     int64
	stalls  atomic.Bool // the pause is still to come
}

func (b *faultyBody) Read(p []byte) (int, error) {
	stalls := b.stalls.Load()
	if stalls && b.off < b.at && len(p) > 0 {
		p = p[:min(int64(len(p)), b.at-b.off)]
	}
	var takes time.Duration
	if b.fault.Bandwidth > 0 {
		var n int
		n, takes = pace(b.fault.Bandwidth, len(p))
		p = p[:n]
	}
	n, err := b.ReadCloser.Read(p)
	if b.fault.FlipBit && b.fault.At == DuringRequest && b.off <= b.at && b.at < b.off+int64(n) {
		p[b.at-b.off] ^= 1
	}
	b.off += int64(n)
	// The last bytes are held back: nobody has to read on to get to the pause.
	if stalls && b.off >= b.at && b.stalls.CompareAndSwap(true, false) {
		takes += b.fault.Delay
		if b.fault.Delay < 0 {
			takes = b.fault.Delay
		}
	}
	if !wait(b.request, takes) {
		return 0, context.Cause(b.request.Context())
	}
	return n, err
}

// faultyWriter is an answer with a fault on its way.
type faultyWriter struct {
	http.ResponseWriter
	fault   *Fault
	request *http.Request
	body    *faultyBody // of the request, if the fault is on its way
	begun   bool
	at      int64 // the byte of the body that the fault means; -1 if there is none
	length  int64 // of the body as it was announced; -1 if it was not
	off     int64
	broken  bool // the connection is to be ended
	done    bool // what is still written is dropped

	shortened bool
}

// Unwrap is for http.ResponseController.
func (w *faultyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush is for reverse proxies.
func (w *faultyWriter) Flush() {
	if !w.broken {
		_ = http.NewResponseController(w.ResponseWriter).Flush()
	}
}

func (w *faultyWriter) WriteHeader(status int) {
	if w.begun || status < 200 {
		return
	}
	w.begun = true
	h := w.Header()
	w.length = -1
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
		w.length = n
	}
	w.at = w.fault.Offset
	if w.at == 0 {
		w.at = max(w.length, 0) / 2
	}
	// A request that is refused before its body was read has its pause now.
	late := w.body != nil && w.body.stalls.CompareAndSwap(true, false)
	if (late || w.fault.At == AfterOperation) && !wait(w.request, w.fault.Delay) {
		w.broken = true
		return
	}
	if w.shortened = w.fault.Shorten && w.canBeShort(); w.shortened {
		h.Set("Content-Length", strconv.FormatInt(w.at, 10))
		if start, _, total, ok := parseContentRange(h.Get("Content-Range")); ok {
			h.Set("Content-Range", contentRange(start, w.at, total))
		} else if status == http.StatusOK {
			status = http.StatusPartialContent
			h.Set("Content-Range", contentRange(0, w.at, w.length))
		}
	}
	w.fault.setHeaders(h)
	if w.length >= 0 {
		w.at = min(w.at, w.length)
	}
	w.ResponseWriter.WriteHeader(status)
	if w.length == 0 || w.request.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified {
		w.strike() // there is no body to wait for
	}
}

// canBeShort reports whether the answer is valid without its end as well: it is the
// content of a blob, and not in the frame of a structured message.
func (w *faultyWriter) canBeShort() bool {
	h := w.Header()
	return w.request.Method == http.MethodGet && w.at < w.length && h.Get("x-ms-blob-type") != "" && h.Get("x-ms-structured-body") == ""
}

func (w *faultyWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	total := len(p)
	for len(p) > 0 {
		if w.broken {
			return total - len(p), errBroken
		}
		if w.done {
			return total, nil
		}
		part := p
		if w.off < w.at {
			part = p[:min(int64(len(p)), w.at-w.off)]
		} else if w.off == w.at {
			if w.strike(); w.broken || w.done {
				continue
			}
			if w.fault.FlipBit && w.fault.At != DuringRequest {
				part = []byte{p[0] ^ 1}
			}
		}
		n, err := w.slowly(part)
		w.off += int64(n)
		p = p[n:]
		if err != nil {
			return total - len(p), err
		}
	}
	if total > 0 && w.off == w.length && w.at == w.length {
		w.strike()
	}
	return total, nil
}

// strike is called when the body has come to the byte that the fault means.
func (w *faultyWriter) strike() {
	f := w.fault
	if f.At == DuringAnswer && (f.Delay != 0 || f.Reset) || f.Truncate {
		w.Flush()
	}
	if f.At == DuringAnswer {
		w.broken = !wait(w.request, f.Delay) || f.Reset
	}
	w.broken = w.broken || f.Truncate
	w.done = w.shortened
}

// slowly writes at the pace of the bandwidth.
func (w *faultyWriter) slowly(p []byte) (int, error) {
	if w.fault.Bandwidth <= 0 {
		return w.ResponseWriter.Write(p)
	}
	n, takes := pace(w.fault.Bandwidth, len(p))
	if !wait(w.request, takes) {
		w.broken = true
		return 0, errBroken
	}
	n, err := w.ResponseWriter.Write(p[:n])
	w.Flush()
	return n, err
}
