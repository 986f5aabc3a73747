package pipeline

import (
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Body is the body of a request. Each attempt reads a reader of its own, since
// net/http may still read the body of an attempt that has been answered.
type Body interface {
	// Len returns the length in bytes. It does not change.
	Len() int64
	// Open returns a new reader over the whole body. It may be called while
	// readers of earlier attempts are still in use. Close of a reader tells
	// that its attempt has let go of the bytes; it may come more than once,
	// and from another goroutine than Read.
	Open() io.ReadCloser
}

// Call is what one call of the client brings to the pipeline. The wire layer
// attaches it with req.SetOperationValue(&Call{...}).
type Call struct {
	Body Body // nil for a request without a body

	// OnRequest sees every try before it is dated and signed, and may add
	// headers. Headers of policy.WithHTTPHeader come after it.
	OnRequest func(*http.Request)
	// OnResponse sees the response of every try that got one. It must leave
	// the body alone.
	OnResponse func(*http.Response)

	// Retry are the settings of this call; nil is those of the client.
	Retry *Retry
	// Tally has the repetitions so far of a call that goes through the pipeline
	// more than once; nil for one that does not.
	Tally *Tally
	// Location is where this read goes; nil is as the client does it.
	Location *LocationMode
	// Elsewhere has a read that may go to both regions begin in the one that is not
	// asked first, since that one has just failed.
	Elsewhere bool
	// Transfer marks the requests that move content, which are held back when the
	// service is overloaded.
	Transfer bool

	// Idempotent says that sending the request twice does no harm, so that
	// net/http may send it again at once when a kept-alive connection turns
	// out to be closed. Without it, that happens only to GET and HEAD and to
	// requests of which nothing was written yet.
	Idempotent bool

	// Guarded says that of a request whose second sending can be refused because of
	// the first. It is repeated, but not by net/http, whose repetitions nobody sees.
	Guarded bool

	// Summed says that the body has a CRC64 which was computed here, so that one that
	// does not fit it was damaged on the way.
	Summed bool

	// Fate learns what is known of the tries of a request that changes something.
	Fate *Fate
}

// Fate is what the tries of a request tell of whether it was carried out.
type Fate struct {
	sent bool // the try under way came as far as being sent

	// Open is true if a try ended without an answer that tells whether the service
	// had acted: whatever comes later may be due to that.
	Open bool
}

// learn is told how a try ended.
func (f *Fate) learn(resp *http.Response, err error) {
	if f == nil {
		return
	}
	f.Open = f.Open || f.sent && open(resp, err)
	f.sent = false
}

// noCall is that of requests of the user's own.
var noCall = &Call{}

// callOf is what the client says of a request. It is not to be changed.
func callOf(req *policy.Request) *Call {
	var call *Call
	if !req.OperationValue(&call) {
		return noCall
	}
	return call
}

// tryPolicy gives each try its body and runs the hooks of the client and of the
// call. azcore's retry clones the request for each try, so what is set here stays
// in the try.
type tryPolicy struct {
	onRequest  func(*http.Request)
	onResponse func(*http.Response)
}

func (p tryPolicy) Do(req *policy.Request) (*http.Response, error) {
	call := callOf(req)
	raw := req.Raw()
	if call.Body != nil {
		if err := attach(raw, call.Body); err != nil {
			return nil, err
		}
	}
	if raw.Context().Err() != nil {
		return nil, EndOf(raw.Context())
	}
	if call.Fate != nil {
		call.Fate.sent = true
	}
	if call.Idempotent && !call.Guarded {
		// net/http documents that a key without values marks the request and
		// is not sent.
		raw.Header[headerIdempotencyKey] = nil
	}
	for _, hook := range [...]func(*http.Request){p.onRequest, call.OnRequest} {
		if hook != nil {
			hook(raw)
		}
	}
	resp, err := req.Next()
	if err != nil {
		return resp, err
	}
	for _, hook := range [...]func(*http.Response){p.onResponse, call.OnResponse} {
		if hook != nil {
			hook(resp)
		}
	}
	return resp, nil
}

// attach makes body the body of raw without opening it yet.
func attach(raw *http.Request, body Body) error {
	n := body.Len()
	if n < 0 {
		return permanent(fmt.Errorf("azureblob: request body has the negative length %d", n))
	}
	raw.ContentLength = n
	raw.Body, raw.GetBody = http.NoBody, nil
	if n > 0 {
		raw.Body = &pending{body: body}
	}
	return nil
}

// pending is a body that is opened by its first Read. The sender replaces it
// by an opened reader just before it sends, so that nothing is left open when
// a request is refused before that, and so that net/http sees the bare reader.
//
// net/http itself reads a pending body when it sends a request again. It gets
// one from GetBody also before it decides not to follow a redirect, and then
// drops it without Close; a body not yet opened may be dropped.
type pending struct {
	body   Body
	mu     sync.Mutex
	opened io.ReadCloser
	closed bool
}

// Read opens the body if needed. Only one goroutine reads, but another one may
// close meanwhile, as with any body of net/http.
func (p *pending) Read(b []byte) (int, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	}
	if p.opened == nil {
		p.opened = p.body.Open()
	}
	r := p.opened
	p.mu.Unlock()
	return r.Read(b)
}

// Close closes the reader, if there is one.
func (p *pending) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	if p.opened == nil {
		return nil
	}
	return p.opened.Close()
}
