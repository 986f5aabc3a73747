// Package pageblob does what only page blobs can do. All else, such as
// properties, leases and downloads, is in [azureblob.BlobClient], which a
// [Client] embeds.
//
//	blob := pageblob.New(service.Container("photos").Blob("cat.jpg"))
package pageblob

import (
	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
)

// Client is a page blob. It is cheap, sends nothing by itself, and is safe for
// concurrent use.
type Client struct{ *azureblob.BlobClient }

// New makes a client of a blob from any handle of it. It shares the connections,
// the credential and the memory budget of the handle, and its customer key,
// encryption scope, snapshot and version. That of a snapshot is made anew:
// New(blob.WithSnapshot(id)).
//
// What would put a block blob into its place, such as UploadFile and CopyFrom of the
// embedded client, is refused with [azureblob.InvalidBlobType].
func New(blob *azureblob.BlobClient) *Client {
	return &Client{link.Typed(blob, string(azureblob.PageBlob)).(*azureblob.BlobClient)}
}
