package pageblob

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// PageSize is the unit of page blobs in bytes: sizes, offsets and counts are
// multiples of it.
const PageSize = 512

// MaxSize is the most bytes that a page blob can have: 8 TiB.
const MaxSize = 8 << 40

// CreateOptions are the options of [Client.Create].
type CreateOptions struct {
	azureblob.CallOptions
	HTTPHeaders  azureblob.HTTPHeaders
	Metadata     azureblob.Metadata   `header:"x-ms-meta-*"`
	Tags         azureblob.Tags       `header:"x-ms-tags,form"`
	Tier         azureblob.AccessTier `header:"x-ms-access-tier"` // premium accounts: [azureblob.TierP4] to [azureblob.TierP80]
	Conditions   azureblob.Conditions
	Immutability azureblob.Immutability
	LegalHold    bool `header:"x-ms-legal-hold"` // nobody can change or delete the blob until it is lifted

	// SequenceNumber is a number of the caller's own, from 0 on, that writes can
	// depend on: see [SequenceConditions].
	SequenceNumber int64 `header:"x-ms-blob-sequence-number"`
}

// CreateResult is the result of [Client.Create].
type CreateResult struct {
	azureblob.ResponseInfo
	azureblob.WriteInfo
	ContentMD5 []byte `response:"Content-MD5"` // of the request, which has no content
}

// Create makes a page blob of size bytes, all of them zero, and replaces what
// has the name, unless the conditions forbid that. Pages that are zero cost
// nothing. The size is a multiple of [PageSize] up to [MaxSize]. If its answer gets
// lost, it is repeated only over what was there before: what others have written by
// then stays, and the error is MaybeApplied.
//
// Errors: [azureblob.BlobAlreadyExists] and [azureblob.ConditionNotMet] for
// conditions that are not met; [azureblob.LeaseIDMissing].
//
// REST: Put Blob.
func (c *Client) Create(ctx context.Context, size int64, o *CreateOptions) (CreateResult, error) {
	if err := checkSize(size); err != nil {
		return CreateResult{}, link.RefuseAs(c, rest.CreatePageBlob, string(azureblob.InvalidHeaderValue), err)
	}
	if o != nil && o.SequenceNumber < 0 {
		return CreateResult{}, link.RefuseAs(c, rest.CreatePageBlob, string(azureblob.InvalidHeaderValue), fmt.Errorf("the sequence number %d is negative", o.SequenceNumber))
	}
	var call azureblob.CallOptions
	if o != nil {
		call = o.CallOptions
	}
	same := func(f *link.Found) (link.Outcome, error) { return c.created(ctx, f, call) }
	return link.Resolved[CreateResult](ctx, c, rest.CreatePageBlob, nil, same, contentLength{&size}, o)
}

// created tells whether the blob was made by a Create. What others have written to it
// by now would be lost if it were made again.
func (c *Client) created(ctx context.Context, f *link.Found, call azureblob.CallOptions) (link.Outcome, error) {
	if f.Guarded() {
		return f.Written(nil)
	}
	return f.Blank(func() (bool, error) {
		call.LocationMode = new(azureblob.PrimaryOnly)
		o := &RangesOptions{CallOptions: call, Conditions: azureblob.Conditions{IfMatch: azcore.ETag(f.Header.Get("ETag"))}}
		for _, err := range c.Ranges(ctx, o) {
			return false, err
		}
		return true, nil
	})
}

// contentLength is the size of the blob, which is sent when it is zero as well.
type contentLength struct {
	Size *int64 `header:"x-ms-blob-content-length"`
}

func checkSize(size int64) error {
	switch {
	case size < 0 || size > MaxSize:
		return fmt.Errorf("the size of the page blob is %d and not 0 to %d", size, int64(MaxSize))
	case size%PageSize != 0:
		return fmt.Errorf("the size of the page blob is %d, which is no multiple of %d", size, PageSize)
	}
	return nil
}

// ResizeOptions are the options of [Client.Resize].
type ResizeOptions struct {
	azureblob.CallOptions
	Conditions azureblob.Conditions
}

// ResizeResult is the result of [Client.Resize].
type ResizeResult struct {
	azureblob.ResponseInfo
	ETag           azcore.ETag `response:"ETag"`
	LastModified   time.Time   `response:"Last-Modified"`
	SequenceNumber int64       `response:"x-ms-blob-sequence-number"`
}

// Resize makes the blob size bytes long: pages are added, which are zero, or cut
// off at the end. The size is a multiple of [PageSize] up to [MaxSize].
//
// Errors: [azureblob.BlobNotFound], which is fs.ErrNotExist;
// [azureblob.InvalidBlobType] for a blob of another type.
//
// REST: Set Blob Properties.
func (c *Client) Resize(ctx context.Context, size int64, o *ResizeOptions) (ResizeResult, error) {
	if err := checkSize(size); err != nil {
		return ResizeResult{}, link.RefuseAs(c, rest.ResizePageBlob, string(azureblob.InvalidHeaderValue), err)
	}
	return link.Resolved[ResizeResult](ctx, c, rest.ResizePageBlob, nil, holds, contentLength{&size}, o)
}

// SequenceNumberAction says how the sequence number of a blob is changed.
type SequenceNumberAction string

// The ways to change a sequence number.
const (
	SequenceNumberUpdate    SequenceNumberAction = "update"    // to the given number
	SequenceNumberMax       SequenceNumberAction = "max"       // to the given number, if that is higher
	SequenceNumberIncrement SequenceNumberAction = "increment" // by one; the given number has to be 0
)

// SetSequenceNumberOptions are the options of [Client.SetSequenceNumber].
type SetSequenceNumberOptions struct {
	azureblob.CallOptions
	Conditions azureblob.Conditions
}

// SetSequenceNumberResult is the result of [Client.SetSequenceNumber].
type SetSequenceNumberResult struct {
	azureblob.ResponseInfo
	ETag           azcore.ETag `response:"ETag"`
	LastModified   time.Time   `response:"Last-Modified"`
	SequenceNumber int64       `response:"x-ms-blob-sequence-number"` // as it is now
}

// SetSequenceNumber changes the sequence number of the blob. An increment whose
// answer was lost is not repeated, since it would count twice.
//
// Errors: [azureblob.BlobNotFound], which is fs.ErrNotExist.
//
// REST: Set Blob Properties.
func (c *Client) SetSequenceNumber(ctx context.Context, action SequenceNumberAction, number int64, o *SetSequenceNumberOptions) (SetSequenceNumberResult, error) {
	change := struct {
		Action SequenceNumberAction `header:"x-ms-sequence-number-action"`
		Number *int64               `header:"x-ms-blob-sequence-number"`
	}{Action: action}
	var err error
	switch {
	case action != SequenceNumberUpdate && action != SequenceNumberMax && action != SequenceNumberIncrement:
		err = fmt.Errorf("%q is no way to change a sequence number", action)
	case number < 0:
		err = fmt.Errorf("the sequence number %d is negative", number)
	case action == SequenceNumberIncrement && number != 0:
		err = fmt.Errorf("an increment is by one, and the number %d was given", number)
	case action != SequenceNumberIncrement:
		change.Number = &number
	}
	if err != nil {
		return SetSequenceNumberResult{}, link.RefuseAs(c, rest.SetSequenceNumber, string(azureblob.InvalidHeaderValue), err)
	}
	if action == SequenceNumberIncrement {
		return link.Call[SetSequenceNumberResult](ctx, c, rest.SetSequenceNumber, nil, change, o)
	}
	return link.Resolved[SetSequenceNumberResult](ctx, c, setTo, nil, holds, change, o)
}

// setTo is Set Blob Properties with a sequence number that does not depend on the one
// before.
var setTo = rest.SetSequenceNumber.As(wire.Idempotent)

// holds is whether the blob has what the headers of a write say.
func holds(f *link.Found) (link.Outcome, error) { return link.If(f.Holds(0)), nil }
