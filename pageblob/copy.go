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

// StartIncrementalCopyOptions are the options of [Client.StartIncrementalCopy].
type StartIncrementalCopyOptions struct {
	azureblob.CallOptions

	// Conditions on the destination.
	IfMatch           azcore.ETag         `header:"If-Match"`
	IfNoneMatch       azcore.ETag         `header:"If-None-Match"`
	IfModifiedSince   time.Time           `header:"If-Modified-Since"`
	IfUnmodifiedSince time.Time           `header:"If-Unmodified-Since"`
	IfTags            azureblob.TagFilter `header:"x-ms-if-tags"`
}

// StartIncrementalCopy has the service copy what changed between the snapshot
// that was copied last and a later one of the same blob. The blob that is copied
// to is made by the first copy, cannot be read or written to, and gets a snapshot
// when a copy is complete: the CopyDestinationSnapshot of its properties. The URL
// is that of a snapshot of a page blob, and signed, or public. Such a copy is
// pending as a rule when the call returns: wait for it with [azureblob.Copy.Wait].
//
// Errors: [azureblob.CannotVerifyCopySource];
// [azureblob.IncrementalCopyOfEarlierSnapshotNotAllowed];
// [azureblob.IncrementalCopyBlobMismatch] for a snapshot of another blob.
//
// REST: Incremental Copy Blob.
func (c *Client) StartIncrementalCopy(ctx context.Context, snapshotURL string, o *StartIncrementalCopyOptions) (*azureblob.Copy, error) {
	if err := link.Check(ctx, c, rest.IncrementalCopyBlob, o); err != nil {
		return nil, err
	}
	headers, err := link.Source(ctx, c, rest.IncrementalCopyBlob, snapshotURL, azureblob.SourceAccess{}, azureblob.CustomerKey{})
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(snapshotURL); err != nil || u.Query().Get("snapshot") == "" {
		return nil, link.RefuseAs(c, rest.IncrementalCopyBlob, string(azureblob.IncrementalCopySourceMustBeSnapshot), errors.New("the URL of the source names no snapshot"))
	}
	same := func(f *link.Found) (link.Outcome, error) {
		return link.If(link.SameSource(f.Header.Get("x-ms-copy-source"), snapshotURL)), nil
	}
	r, err := link.Resolved[azureblob.CopyResult](ctx, c, rest.IncrementalCopyBlob, nil, same, headers, o)
	if err != nil {
		return nil, err
	}
	return link.StartedCopy(c.BlobClient, r).(*azureblob.Copy), nil
}
