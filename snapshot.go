package azureblob

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/rest"
)

// WithSnapshot returns a handle of the snapshot that id names, as
// [BlobClient.Snapshot] and listings return it, or of the blob itself if id is
// empty. Snapshots can be read, deleted, and moved between tiers.
func (b *BlobClient) WithSnapshot(id string) *BlobClient {
	c := *b
	c.scope.Snapshot, c.scope.Version = id, ""
	return &c
}

// WithVersion returns a handle of the version that id names, or of the current
// one if id is empty. Versions can be read, deleted, and moved between tiers.
func (b *BlobClient) WithVersion(id string) *BlobClient {
	c := *b
	c.scope.Snapshot, c.scope.Version = "", id
	return &c
}

// SnapshotOptions are the options of [BlobClient.Snapshot].
type SnapshotOptions struct {
	CallOptions
	Conditions Conditions
	Metadata   Metadata `header:"x-ms-meta-*"` // of the snapshot; default that of the blob
}

// SnapshotResult is the result of [BlobClient.Snapshot].
type SnapshotResult struct {
	ResponseInfo
	Snapshot        string      `response:"x-ms-snapshot"` // for WithSnapshot
	ETag            azcore.ETag `response:"ETag"`          // of the snapshot: that of the blob, unless metadata was given
	LastModified    time.Time   `response:"Last-Modified"`
	VersionID       string      `response:"x-ms-version-id"`               // if the account keeps versions
	ServerEncrypted bool        `response:"x-ms-request-server-encrypted"` // the metadata was encrypted
}

// Snapshot makes a read-only copy of the blob as it is now. It costs nothing
// until the blob changes. A call whose answer got lost is not repeated, for there
// could be two snapshots then: [Error.MaybeApplied] of its error tells of it.
//
// Errors: [BlobNotFound]; [SnapshotCountExceeded]; [SnapshotOperationRateExceeded].
//
// REST: Snapshot Blob.
func (b *BlobClient) Snapshot(ctx context.Context, o *SnapshotOptions) (SnapshotResult, error) {
	return call[SnapshotResult](ctx, &b.handle, rest.SnapshotBlob, nil, o)
}
