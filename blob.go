package azureblob

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// BlobClient is a blob of any type, or a snapshot or version of one. Make it
// with [ContainerClient.Blob], or from a URL. It uploads and downloads content,
// and does what all types of blobs can do.
type BlobClient struct{ handle }

// NewBlobClient makes a client from the URL of a blob, with the name
// percent-encoded, such as
// https://account.blob.core.windows.net/photos/2026/cat%20one.jpg. The URL can
// name a snapshot or a version, and hold a shared access signature, if the
// credential is nil. Nothing is sent yet.
func NewBlobClient(blobURL string, credential Credential, o *ClientOptions) (*BlobClient, error) {
	h, err := newHandle(blobURL, 2, credential, o)
	if err != nil {
		return nil, err
	}
	return &BlobClient{h}, nil
}

// NewBlobClientFromConnectionString makes a client of a blob from a connection
// string; see [NewServiceClientFromConnectionString].
func NewBlobClientFromConnectionString(connectionString, container, blob string, o *ClientOptions) (*BlobClient, error) {
	c, err := NewContainerClientFromConnectionString(connectionString, container, o)
	if err != nil {
		return nil, err
	}
	b := c.Blob(blob)
	if b.invalid != nil {
		return nil, invalidf("%w", b.invalid)
	}
	return b, nil
}

// Lease returns the handle of a lease on the blob; see [BlobLeaseClient].
func (b *BlobClient) Lease(id string) *BlobLeaseClient { return newLease(b.handle, id) }

// Name returns the name of the blob.
func (b *BlobClient) Name() string { return b.blob }

// ContainerName returns the name of the container that the blob is in.
func (b *BlobClient) ContainerName() string { return b.container }

// BlobPropertiesOptions are the options of [BlobClient.Properties] and
// [BlobClient.Exists].
type BlobPropertiesOptions struct {
	CallOptions
	Conditions Conditions
}

// BlobPropertiesResult is the result of [BlobClient.Properties].
type BlobPropertiesResult struct {
	ResponseInfo
	BlobInfo
}

// Properties returns the properties and the metadata of the blob.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist.
//
// REST: Get Blob Properties.
func (b *BlobClient) Properties(ctx context.Context, o *BlobPropertiesOptions) (BlobPropertiesResult, error) {
	return call[BlobPropertiesResult](ctx, &b.handle, rest.GetBlobProperties, nil, o)
}

// Exists reports whether there is such a blob. Only the service's word that
// there is no such blob or container is a no: every other failure is an error.
//
// REST: Get Blob Properties.
func (b *BlobClient) Exists(ctx context.Context, o *BlobPropertiesOptions) (bool, error) {
	_, err := b.Properties(ctx, o)
	return existence(err, BlobNotFound, ContainerNotFound)
}

// existence reads an error as the answer to whether something exists. A blob
// that cannot be read without a customer key does exist.
func existence(err error, missing ...ErrorCode) (bool, error) {
	if err == nil || errors.Is(err, BlobUsesCustomerSpecifiedEncryption) {
		return true, nil
	}
	for _, code := range missing {
		if errors.Is(err, code) {
			return false, nil
		}
	}
	return false, err
}

// SetBlobMetadataOptions are the options of [BlobClient.SetMetadata].
type SetBlobMetadataOptions struct {
	CallOptions
	Conditions Conditions
}

// SetBlobMetadataResult is the result of [BlobClient.SetMetadata].
type SetBlobMetadataResult struct {
	ResponseInfo
	WriteInfo
}

// SetMetadata replaces all metadata of the blob; none clears it. It changes the
// ETag.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist; [ConditionNotMet];
// [LeaseIDMissing]; fs.ErrInvalid for what breaks the rules of [Metadata].
//
// REST: Set Blob Metadata.
func (b *BlobClient) SetMetadata(ctx context.Context, m Metadata, o *SetBlobMetadataOptions) (SetBlobMetadataResult, error) {
	return resolved[SetBlobMetadataResult](ctx, &b.handle, rest.SetBlobMetadata, written(holds(link.Metadata)), metadataHeaders{m}, o)
}

// SetHTTPHeadersOptions are the options of [BlobClient.SetHTTPHeaders].
type SetHTTPHeadersOptions struct {
	CallOptions
	Conditions Conditions
}

// SetHTTPHeadersResult is the result of [BlobClient.SetHTTPHeaders].
type SetHTTPHeadersResult struct {
	ResponseInfo
	ETag           azcore.ETag `response:"ETag"`
	LastModified   time.Time   `response:"Last-Modified"`
	SequenceNumber int64       `response:"x-ms-blob-sequence-number"` // page blobs
}

// SetHTTPHeaders replaces all HTTP headers of the blob; those left empty are
// cleared, ContentMD5 included.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist; [ConditionNotMet];
// [LeaseIDMissing].
//
// REST: Set Blob Properties.
func (b *BlobClient) SetHTTPHeaders(ctx context.Context, headers HTTPHeaders, o *SetHTTPHeadersOptions) (SetHTTPHeadersResult, error) {
	return resolved[SetHTTPHeadersResult](ctx, &b.handle, rest.SetBlobHTTPHeaders, written(holds(link.HTTPHeaders)), headers, o)
}

// DeleteSnapshots says what becomes of the snapshots of a blob when the blob is
// deleted.
type DeleteSnapshots string

// What becomes of the snapshots.
const (
	DeleteSnapshotsInclude DeleteSnapshots = "include" // the blob and its snapshots are deleted
	DeleteSnapshotsOnly    DeleteSnapshots = "only"    // the snapshots are deleted, the blob stays
)

// DeleteBlobOptions are the options of [BlobClient.Delete].
type DeleteBlobOptions struct {
	CallOptions
	Conditions Conditions

	// Snapshots has to be set if the blob has snapshots, else the call fails
	// with [SnapshotsPresent].
	Snapshots DeleteSnapshots `header:"x-ms-delete-snapshots"`

	// Permanent deletes a snapshot or version that is soft-deleted already for
	// good, where the account allows that.
	Permanent bool

	// TierUnchangedSince and TierChangedSince make the call depend on when the
	// tier was last set. They need service version 2026-04-06.
	TierUnchangedSince time.Time `header:"x-ms-access-tier-if-unmodified-since"`
	TierChangedSince   time.Time `header:"x-ms-access-tier-if-modified-since"`
}

// DeleteBlobResult is the result of [BlobClient.Delete].
type DeleteBlobResult struct {
	ResponseInfo
	Permanent bool `response:"x-ms-delete-type-permanent"` // the blob is gone for good and not only soft-deleted
}

// Delete deletes the blob, snapshot or version. Where the account has soft
// delete, it can be undone for a time: see [BlobClient.Undelete]. If an answer got
// lost and the blob is not there any more, it was deleted. Without an IfMatch, a
// blob that somebody else makes while the call is repeated is deleted as well.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist; [SnapshotsPresent];
// [LeaseIDMissing]; [BlobImmutableDueToPolicy].
//
// REST: Delete Blob.
func (b *BlobClient) Delete(ctx context.Context, o *DeleteBlobOptions) (DeleteBlobResult, error) {
	return resolved[DeleteBlobResult](ctx, &b.handle, rest.DeleteBlob, gone(BlobNotFound), o.parts()...)
}

// parts are the parts of a call with these options.
func (o *DeleteBlobOptions) parts() []any {
	var kind struct {
		Type string `query:"deletetype"`
	}
	if o != nil && o.Permanent {
		kind.Type = "Permanent"
	}
	return []any{kind, o}
}

// UndeleteOptions are the options of [BlobClient.Undelete].
type UndeleteOptions struct {
	CallOptions
}

// UndeleteResult is the result of [BlobClient.Undelete].
type UndeleteResult struct {
	ResponseInfo
}

// Undelete restores the blob and its snapshots after a soft delete. It succeeds
// without effect on a blob that is not deleted.
//
// Errors: [BlobNotFound] if there is nothing left to restore.
//
// REST: Undelete Blob.
func (b *BlobClient) Undelete(ctx context.Context, o *UndeleteOptions) (UndeleteResult, error) {
	return call[UndeleteResult](ctx, &b.handle, rest.UndeleteBlob, nil, o)
}

// AccountInfo is [ServiceClient.AccountInfo] for who has access to the blob.
//
// REST: Get Account Information.
func (b *BlobClient) AccountInfo(ctx context.Context, o *AccountInfoOptions) (AccountInfo, error) {
	return call[AccountInfo](ctx, &b.handle, rest.GetBlobAccountInfo, nil, o)
}
