package appendblob

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// SealOptions are the options of [Client.Seal].
type SealOptions struct {
	azureblob.CallOptions
	IfMatch           azcore.ETag `header:"If-Match"`                      // the ETag that the blob must have
	IfNoneMatch       azcore.ETag `header:"If-None-Match"`                 // the ETag that it must not have
	IfModifiedSince   time.Time   `header:"If-Modified-Since"`             // it was written after that, in whole seconds
	IfUnmodifiedSince time.Time   `header:"If-Unmodified-Since"`           // it was not written after that
	IfPosition        *int64      `header:"x-ms-blob-condition-appendpos"` // the number of bytes that it must have
	LeaseID           string      `header:"x-ms-lease-id"`                 // the lease that the caller holds
}

// SealResult is the result of [Client.Seal].
type SealResult struct {
	azureblob.ResponseInfo
	ETag         azcore.ETag `response:"ETag"`
	LastModified time.Time   `response:"Last-Modified"`
	Sealed       bool        `response:"x-ms-blob-sealed"`
}

// Seal makes the blob read-only: nothing can be appended to it any more. Its
// metadata, headers and tags can still be changed, and it can be deleted. Sealing
// a sealed blob does nothing.
//
// Errors: [azureblob.BlobNotFound]; [azureblob.InvalidBlobType];
// [azureblob.AppendPositionConditionNotMet]; [azureblob.ConditionNotMet];
// [azureblob.LeaseIDMissing].
//
// REST: Append Blob Seal.
func (c *Client) Seal(ctx context.Context, o *SealOptions) (SealResult, error) {
	if o != nil {
		if err := c.checkLimits(rest.SealAppendBlob, o.IfPosition, nil); err != nil {
			return SealResult{}, err
		}
	}
	sealed := func(f *link.Found) (link.Outcome, error) {
		return link.If(f.Header.Get("x-ms-blob-sealed") == "true"), nil
	}
	return link.Resolved[SealResult](ctx, c, rest.SealAppendBlob, nil, sealed, o)
}
