package blobtest

import (
	"context"
	"net/http"
	"sync"
)

// front is what a server and a proxy have in common: it takes requests in over
// sockets or in the process, writes them down, applies faults, and hands them
// on.
type front struct {
	serve     func(http.ResponseWriter, *http.Request, target)
	immediate bool // serve waits for nothing but the body of the request
	https     bool
	faults    faults
	log       requestLog

	door     sync.Mutex // guards what follows
	listener *listening
	closed   bool
	held     map[context.Context]context.CancelFunc // requests with faults
}

// Handler returns the service as a handler, for a server of your own. The path
// has to begin with the account, unless the host is account.blob.something.
func (f *front) Handler() http.Handler { return http.HandlerFunc(f.handle) }

func (f *front) handle(w http.ResponseWriter, r *http.Request) {
	t := locate(r)
	entry := f.log.add(r, t)
	if r.Body != nil {
		// The server of net/http looks at its own request after that, to see whether
		// the client still waits for the word to send the body.
		own := *r
		own.Body = &countedBody{ReadCloser: r.Body, entry: entry}
		r = &own
	}
	tapped := &tap{ResponseWriter: w, entry: entry}
	next := f.serve
	if fired := f.faults.fire(r, t); len(fired) > 0 {
		ctx, done := f.untilClosed(r.Context())
		defer done()
		r = r.WithContext(ctx)
		for _, fault := range fired {
			next = fault.around(next)
		}
	}
	next(tapped, r, t)
}

// untilClosed is a context that ends with the server too, for requests that a
// fault may hold up for ever.
func (f *front) untilClosed(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	f.door.Lock()
	defer f.door.Unlock()
	if f.closed {
		cancel()
		return ctx, cancel
	}
	if f.held == nil {
		f.held = map[context.Context]context.CancelFunc{}
	}
	f.held[ctx] = cancel
	return ctx, func() {
		cancel()
		f.door.Lock()
		defer f.door.Unlock()
		delete(f.held, ctx)
	}
}

// Inject makes requests fail from now on; see [Fault]. The result takes the
// fault back and tells how often it came to pass. A fault that could never
// happen, such as one of an operation that there is not, is a panic.
func (f *front) Inject(fault Fault) *Injected { return f.faults.inject(fault) }

// ClearFaults takes back all faults.
func (f *front) ClearFaults() { f.faults.clear() }

// Requests returns the requests so far, in the order in which they came in. Of
// more than 10,000 the oldest are forgotten.
func (f *front) Requests() []Request { return f.log.list() }

// ResetRequests forgets the requests so far.
func (f *front) ResetRequests() { f.log.reset() }
