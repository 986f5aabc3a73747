// Package appendblob does what only append blobs can do. All else, such as
// properties, leases and downloads, is in [azureblob.BlobClient], which a
// [Client] embeds.
//
//	blob := appendblob.New(service.Container("logs").Blob("2026.txt"))
//
// [Client.NewWriter] is for one writer that wants each byte in the blob exactly
// once, [Client.Append] for many that share a blob.
package appendblob

import (
	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
)

// Client is an append blob. It is cheap, sends nothing by itself, and is safe for
// concurrent use.
type Client struct{ *azureblob.BlobClient }

// New makes a client of a blob from any handle of it. It shares the connections,
// the credential and the memory budget of the handle, and its customer key,
// encryption scope, snapshot and version.
//
// What would put a block blob into its place, such as Upload and CopyFrom of the
// embedded client, is refused with [azureblob.InvalidBlobType].
func New(blob *azureblob.BlobClient) *Client {
	return &Client{link.Typed(blob, string(azureblob.AppendBlob)).(*azureblob.BlobClient)}
}
