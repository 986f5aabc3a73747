// Package blockblob does what only block blobs can do. All else, such as
// properties, leases and downloads, is in [azureblob.BlobClient], which a
// [Client] embeds.
//
//	blob := blockblob.New(service.Container("photos").Blob("cat.jpg"))
//
// Whoever wants nothing but a blob of some content uses
// [azureblob.BlobClient.Upload] and not the blocks here.
package blockblob

import (
	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
)

// Client is a block blob. It is cheap, sends nothing by itself, and is safe for
// concurrent use.
type Client struct{ *azureblob.BlobClient }

// New makes a client of a blob from any handle of it. It shares the connections,
// the credential and the memory budget of the handle, and its customer key,
// encryption scope, snapshot and version.
func New(blob *azureblob.BlobClient) *Client {
	return &Client{link.Typed(blob, string(azureblob.BlockBlob)).(*azureblob.BlobClient)}
}
