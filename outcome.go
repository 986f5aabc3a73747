package azureblob

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// doubt is a write that was refused after a try of it had ended without a clear
// answer: that try may be why. Or it has only had such a try, and must not be sent
// again if that was carried out.
type doubt struct {
	*handle
	op      *wire.Operation
	refusal *Error
	found   link.Found // without what is found
	call    CallOptions
}

// look finds out what became of a write, and returns the answer that told it.
type look func(ctx context.Context, d *doubt) (ResponseInfo, link.Outcome, error)

// resolve is send for writes that can be refused because of what they did
// themselves. The pipeline repeats them, since a second try cannot act again; look
// is asked what the refusal of a later try means. Those that are Looked at are repeated
// here, if look tells that they were not carried out. If the write was carried out, the
// result is what the blob tells of itself.
func (h *handle) resolve(ctx context.Context, op *wire.Operation, result any, body pipeline.Body, look look, parts ...any) error {
	c, err := h.compose(ctx, op, result, parts...)
	if err != nil {
		return err
	}
	c.Body = body
	if op.Retry == wire.Looked {
		c.Tally = &pipeline.Tally{}
	}
	began, before := time.Now(), false // whether an earlier round left it open
	for {
		_, err = h.do(ctx, &c)
		if err == nil {
			return nil
		}
		e, ok := err.(*Error)
		if !ok {
			return err
		}
		e.MaybeApplied = e.MaybeApplied || before
		if !e.MaybeApplied || !pipeline.Refusal(e.StatusCode) && (!c.Looked() || ctx.Err() != nil) {
			return e
		}
		d := &doubt{handle: h, op: op, refusal: e, found: link.Found{Sent: c.Sent(), Began: began}, call: callOptionsOf(parts).atPrimary()}
		answer, outcome, err := look(ctx, d)
		switch {
		case err != nil:
			e.note = "what became of it could not be found out: " + strings.TrimPrefix(err.Error(), "azureblob: ")
			return e
		case outcome == link.Applied:
			fill(result, answer)
			h.repeater.Succeeded(c.Tally)
			return nil
		case outcome == link.Unclear || !c.Looked():
			e.MaybeApplied = before || outcome == link.Unclear
			return e
		}
		// It is sent over what was found and nothing else.
		before = true
		c.Parts = append(c.Parts, over(answer))
		if err := h.repeatAfter(ctx, &c, e); err != nil {
			return err
		}
	}
}

// overFound lets a write replace what a look has found, and nothing that came later.
type overFound struct {
	IfMatch     azcore.ETag `header:"If-Match"`
	IfNoneMatch azcore.ETag `header:"If-None-Match"`
}

func over(found ResponseInfo) overFound {
	if etag := found.Header.Get("ETag"); etag != "" {
		return overFound{IfMatch: azcore.ETag(etag)}
	}
	return overFound{IfNoneMatch: azcore.ETagAny}
}

// repeatAfter waits for the next round of a call. It returns the error to end with if
// there is none.
func (h *handle) repeatAfter(ctx context.Context, c *wire.Call, e *Error) error {
	var resp *http.Response
	if answered, ok := errors.AsType[*azcore.ResponseError](e); ok {
		resp = answered.RawResponse
	}
	err := h.repeater.For(h.URL()).AgainAfter(ctx, c.Retry, c.Tally, e.reason(), e, resp)
	if cut, ok := err.(*pipeline.Interrupted); ok {
		return h.failed(c.Op, &pipeline.Interrupted{End: cut.End, Last: e})
	}
	return err
}

// reason is why a call is made again that has ended with the error.
func (e *Error) reason() pipeline.Reason {
	if e.StatusCode == 0 {
		return pipeline.ReasonRead
	}
	return pipeline.ReasonStatus
}

// fill fills the result of a write from the properties of what it has written.
func fill(result any, answer ResponseInfo) {
	if result == nil {
		return
	}
	header := answer.Header.Clone()
	if encrypted := header.Get("x-ms-server-encrypted"); encrypted != "" {
		header.Set("x-ms-request-server-encrypted", encrypted) // as answers to writes call it
	}
	wire.DecodeHeader(header, result)
	setResponse(result, &http.Response{StatusCode: answer.StatusCode, Header: header}, false)
}

// callOptionsOf are the options of a call that has them, among its parts.
func callOptionsOf(parts []any) CallOptions {
	for _, part := range parts {
		if o, ok := part.(interface{ callOptions() *CallOptions }); ok && !isNil(part) {
			return *o.callOptions()
		}
	}
	return CallOptions{}
}

// resolved is resolve for operations whose result is a value.
func resolved[R any](ctx context.Context, h *handle, op *wire.Operation, look look, parts ...any) (R, error) {
	var r R
	if err := h.resolve(ctx, op, &r, nil, look, parts...); err != nil {
		var zero R
		return zero, err
	}
	return r, nil
}

// gone is the look of deletions: what is not there any more was deleted.
func gone(codes ...ErrorCode) look {
	return func(_ context.Context, d *doubt) (ResponseInfo, link.Outcome, error) {
		return infoOf(d.refusal), link.If(slices.Contains(codes, d.refusal.Code)), nil
	}
}

// written is the look of writes that change what a blob is and when it was last
// changed.
func written(same link.Same) look {
	return func(ctx context.Context, d *doubt) (ResponseInfo, link.Outcome, error) {
		info, found, err := d.properties(ctx, rest.GetBlobProperties)
		switch {
		case errors.Is(err, BlobNotFound) && pipeline.Refusal(d.refusal.StatusCode):
			return ResponseInfo{}, link.Unclear, nil // what it was refused for is gone
		case errors.Is(err, BlobNotFound):
			return ResponseInfo{}, link.NotApplied, nil
		case err != nil:
			return ResponseInfo{}, link.Unclear, err
		}
		info.Header = found.Header
		if found.Older() {
			return info, link.NotApplied, nil
		}
		outcome, err := same(found)
		return info, outcome, err
	}
}

// holds is whether the blob has what the headers of a write say.
func holds(whole link.Whole) link.Same {
	return func(f *link.Found) (link.Outcome, error) { return link.If(f.Holds(whole)), nil }
}

// properties are the blob or container as it is now.
func (d *doubt) properties(ctx context.Context, op *wire.Operation) (ResponseInfo, *link.Found, error) {
	found := d.found
	info, err := call[ResponseInfo](ctx, d.handle, op, nil, &d.call)
	found.Header = info.Header
	return info, &found, err
}

// holds reports whether the bytes of the blob from an offset on are those of a body.
func (b *BlobClient) holds(ctx context.Context, offset int64, body link.Body, call CallOptions, conditions Conditions) (bool, error) {
	r, err := b.NewReader(ctx, &DownloadOptions{
		CallOptions: call.atPrimary(), Conditions: conditions, Concurrency: 1, Range: Range{Offset: offset, Count: body.Len()},
	})
	if err != nil {
		return false, err
	}
	defer r.Close()
	return link.SameBytes(r, body)
}
