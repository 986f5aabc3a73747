package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// Call is one REST call, ready to be sent.
type Call struct {
	Op         *Operation
	URL        string        // the escaped URL of the resource, without a query
	Parts      []any         // structs with header and query tags, or pointers to them; nil pointers have no fields
	Body       pipeline.Body // nil for none
	Header     http.Header   // the caller's extra headers; they win over the parts
	OnRequest  func(*http.Request)
	OnResponse func(*http.Response)
	Result     any // pointer to a tagged struct, or nil

	Retry    *pipeline.Retry        // how this call is repeated; nil is as the client does it
	Location *pipeline.LocationMode // where this read goes; nil is as the client does it

	Summed bool // the body has a checksum that the client has computed itself

	Elsewhere bool // if it may go to both regions, it begins in the one that is not asked first

	// Repeater has a list asked for again when its body broke off: the retry
	// policy has let go of the request by the time it is read. Nil does not.
	Repeater *pipeline.Repeater

	// Tally has the repetitions so far of a call that is made more than once; nil for
	// one that is not.
	Tally *pipeline.Tally

	sent http.Header    // what was sent, without what the pipeline adds
	fate *pipeline.Fate // of a call that can change something

	looked bool
}

// Open reports whether a try of the call, which has failed, ended without telling
// whether the service had acted.
func (c *Call) Open() bool { return c.fate != nil && c.fate.Open }

// Looked reports whether the call is to be made again only if a look tells that it was
// not carried out.
func (c *Call) Looked() bool { return c.looked }

// Sent are the headers of the request as the parts had them.
func (c *Call) Sent() http.Header { return c.sent }

// Do sends the call through a pipeline and decodes the answer into the result.
//
// The error is a [*Fault] if the service answered with an error, one that wraps
// [ErrRequest] if nothing was sent because the call itself is at fault, and
// otherwise what the pipeline returned: a [*pipeline.Interrupted] holds a Fault if
// it holds an answer. The response is there in the first case as well. Only a [Stream] answer has a body left, which the caller closes.
func (c *Call) Do(ctx context.Context, pl runtime.Pipeline) (*http.Response, error) {
	tally := c.Tally
	if tally == nil && c.Op.Answer == XML && c.Repeater != nil {
		tally = &pipeline.Tally{}
	}
	for {
		req, err := c.request(ctx, tally)
		if err != nil {
			return nil, err
		}
		resp, err := pl.Do(req)
		if err != nil {
			if cut, ok := errors.AsType[*pipeline.Interrupted](err); ok && cut.Response != nil {
				err = &pipeline.Interrupted{End: cut.End, Last: newFault(cut.Response)}
			}
			return nil, err
		}
		if !c.Op.Succeeded(resp.StatusCode) {
			return resp, newFault(resp)
		}
		if err := unframe(c, req.Raw().Header, resp); err != nil {
			drain(resp.Body)
			return nil, err
		}
		broken, err := c.decode(resp)
		if !broken || tally == nil {
			if tally != nil && err == nil {
				c.Repeater.Succeeded(tally)
			}
			return resp, err
		}
		if err := c.Repeater.Again(ctx, c.Retry, tally, pipeline.ReasonRead, err); err != nil {
			return resp, err
		}
		c.Elsewhere = !c.Elsewhere
		reflect.ValueOf(c.Result).Elem().SetZero()
	}
}

// ErrRequest is wrapped by the errors of calls that could not be put on the wire.
var ErrRequest = errors.New("bad request")

type requestError struct{ error }

func (e requestError) Is(target error) bool { return target == ErrRequest }
func (e requestError) Unwrap() error        { return e.error }

// Part makes a request of the call that is a part of a batch. It is sent inside of
// another request, with the version of that one. OnRequest sees it once.
func (c *Call) Part() (*http.Request, error) {
	header, target, err := c.compose()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(c.Op.Method, target, nil)
	if err != nil {
		return nil, requestError{withoutURL(err)}
	}
	req.Header = header
	if c.OnRequest != nil {
		c.OnRequest(req)
	}
	return req, nil
}

// Take reads an answer that is a part of one to a batch, and otherwise as in Do.
func (c *Call) Take(resp *http.Response) error {
	if c.OnResponse != nil {
		c.OnResponse(resp)
	}
	if !c.Op.Succeeded(resp.StatusCode) {
		return newFault(resp)
	}
	_, err := c.decode(resp)
	return err
}

// compose puts the headers and the URL together.
func (c *Call) compose() (header http.Header, target string, err error) {
	header = make(http.Header, 16)
	for i := 0; i+1 < len(c.Op.Header); i += 2 {
		header[http.CanonicalHeaderKey(c.Op.Header[i])] = c.Op.Header[i+1 : i+2 : i+2]
	}
	query := append(make([]byte, 0, 256), c.Op.Query...)
	for _, part := range c.Parts {
		if query, err = encode(part, header, query); err != nil {
			return nil, "", requestError{err}
		}
	}
	if err := CheckHeader(c.Header); err != nil {
		return nil, "", requestError{err}
	}
	for name, values := range c.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	target = c.URL
	if len(query) > 0 {
		target += "?" + string(query)
	}
	return header, target, nil
}

func (c *Call) request(ctx context.Context, tally *pipeline.Tally) (*policy.Request, error) {
	header, target, err := c.compose()
	if err != nil {
		return nil, err
	}
	c.sent = header
	class := c.Op.Retry
	if c.Op.changes() {
		c.fate = &pipeline.Fate{}
		if (class == Idempotent || class == Looked) && Conditional(header) {
			class = Guarded
		}
		c.looked = class == Looked
	}
	req, err := runtime.NewRequest(pipeline.Alone(ctx), c.Op.Method, target)
	if err != nil {
		return nil, requestError{withoutURL(err)}
	}
	raw := req.Raw()
	raw.Header = header
	body := frame(c.Body, header)
	if body != nil {
		raw.ContentLength = body.Len()
	}
	req.SetOperationValue(&pipeline.Call{
		Body: body, OnRequest: c.OnRequest, OnResponse: c.OnResponse, Idempotent: class != Once && class != Looked, Guarded: class == Guarded,
		Retry: c.Retry, Tally: tally, Location: c.Location, Elsewhere: c.Elsewhere, Transfer: c.Op.Transfer, Fate: c.fate,
		Summed: c.Summed || body != nil && len(header[headerMessage]) > 0,
	})
	if c.Op.Answer != Empty {
		// Lists are decoded while they arrive, and blobs belong to the caller.
		runtime.SkipBodyDownload(req)
	}
	return req, nil
}

// Conditional reports whether a write can be refused because of what it did
// itself: with If-None-Match: * a blob that was made by a try whose answer got
// lost looks like somebody else's, and a write of tags can make its own condition
// on tags untrue.
func Conditional(header http.Header) bool {
	for _, name := range []string{"If-Match", "If-None-Match", "If-Unmodified-Since", "X-Ms-If-Tags"} {
		if len(header[name]) > 0 {
			return true
		}
	}
	return false
}

// decode reads the answer. Broken tells that the body broke off on its way.
func (c *Call) decode(resp *http.Response) (broken bool, err error) {
	if c.Op.Answer != Stream {
		defer drain(resp.Body)
	}
	if c.Result == nil {
		return false, nil
	}
	DecodeHeader(resp.Header, c.Result)
	if c.Op.Answer != XML {
		return false, nil
	}
	body := &watched{r: resp.Body}
	if err := xmlplan.DecodeRoot(body, c.Op.Root, c.Result); err != nil {
		return body.err != nil, fmt.Errorf("the answer cannot be read: %w", err)
	}
	return false, nil
}

// watched remembers how reading a body failed, to tell a broken connection
// from a malformed document.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// drain makes the connection fit for reuse, if what is left is not too much.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 256<<10)
	_ = body.Close()
}

// withoutURL takes the URL out of an error of net/url, as it may hold secrets.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("malformed URL: %w", e.Err)
	}
	return err
}

// Bytes is a request body that is held in memory.
type Bytes []byte

// Len returns the number of bytes.
func (b Bytes) Len() int64 { return int64(len(b)) }

// Open returns a new reader of the bytes.
func (b Bytes) Open() io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }
