package pageblob

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// IncrementalCopyOptions are the options of [Client.StartIncrementalCopy].
type IncrementalCopyOptions struct {
	azureblob.CallOptions

	// Conditions on the destination.
	IfMatch           azcore.ETag         `header:"If-Match"`
	IfNoneMatch       azcore.ETag         `header:"If-None-Match"`
	IfModifiedSince   time.Time           `header:"If-Modified-Since"`
	IfUnmodifiedSince time.Time           `header:"If-Unmodified-Since"`
	IfTags            azureblob.TagFilter `header:"x-ms-if-tags"`
}

// IncrementalCopyResult is the result of [Client.StartIncrementalCopy].
type IncrementalCopyResult struct {
	azureblob.ResponseInfo
	ETag         azcore.ETag          `response:"ETag"`
	LastModified time.Time            `response:"Last-Modified"`
	CopyID       string               `response:"x-ms-copy-id"`
	CopyStatus   azureblob.CopyStatus `response:"x-ms-copy-status"` // pending as a rule
}

// StartIncrementalCopy has the service copy what changed between the snapshot
// that was copied last and a later one of the same blob. The blob that is copied
// to is made by the first copy, cannot be read or written to, and gets a snapshot
// when a copy is complete: the CopyDestinationSnapshot of its properties. The URL
// is that of a snapshot of a page blob, and signed, or public.
//
// Wait for the copy by its id:
//
//	_, err = blob.PendingCopy(r.CopyID).Wait(ctx, nil)
//
// Errors: [azureblob.CannotVerifyCopySource];
// [azureblob.IncrementalCopyOfEarlierSnapshotNotAllowed];
// [azureblob.IncrementalCopyBlobMismatch] for a snapshot of another blob.
//
// REST: Incremental Copy Blob.
func (c *Client) StartIncrementalCopy(ctx context.Context, snapshotURL string, o *IncrementalCopyOptions) (IncrementalCopyResult, error) {
	if err := link.Check(ctx, c, rest.IncrementalCopyBlob, o); err != nil {
		return IncrementalCopyResult{}, err
	}
	headers, err := link.Source(ctx, c, rest.IncrementalCopyBlob, snapshotURL, azureblob.SourceAccess{}, azureblob.CustomerKey{})
	if err != nil {
		return IncrementalCopyResult{}, err
	}
	if u, err := url.Parse(snapshotURL); err != nil || u.Query().Get("snapshot") == "" {
		return IncrementalCopyResult{}, link.RefuseAs(c, rest.IncrementalCopyBlob, string(azureblob.IncrementalCopySourceMustBeSnapshot), errors.New("the URL of the source names no snapshot"))
	}
	same := func(f *link.Found) (link.Outcome, error) {
		return link.If(link.SameSource(f.Header.Get("x-ms-copy-source"), snapshotURL)), nil
	}
	return link.Resolved[IncrementalCopyResult](ctx, c, rest.IncrementalCopyBlob, nil, same, headers, o)
}
