package blockblob

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// BlockListType says which blocks [Client.Blocks] returns.
type BlockListType string

// The kinds of block lists.
const (
	CommittedBlocks   BlockListType = "committed"   // those that the blob is made of
	UncommittedBlocks BlockListType = "uncommitted" // those that were staged and not committed
	AllBlocks         BlockListType = "all"
)

// BlocksOptions are the options of [Client.Blocks].
type BlocksOptions struct {
	azureblob.CallOptions
	IfTags  azureblob.TagFilter `header:"x-ms-if-tags"`  // expression over the tags that must be true
	LeaseID string              `header:"x-ms-lease-id"` // fails unless the caller's lease is still held
}

// Block is a block of a blob.
type Block struct {
	ID   string `xml:"Name"` // as it was staged; ids of other clients can be any bytes
	Size int64  `xml:"Size"` // bytes
}

// BlocksResult is the result of [Client.Blocks].
type BlocksResult struct {
	azureblob.ResponseInfo
	Committed    []Block     `xml:"CommittedBlocks>Block"`         // in the order of the content
	Uncommitted  []Block     `xml:"UncommittedBlocks>Block"`       // in no particular order
	ETag         azcore.ETag `response:"ETag"`                     // of the blob; empty if nothing was committed yet
	LastModified time.Time   `response:"Last-Modified"`            // of the blob
	Size         int64       `response:"x-ms-blob-content-length"` // bytes of the blob; 0 if nothing was committed yet
}

// Blocks returns the blocks that the blob is made of, those that wait to be
// committed, or both. A blob that was uploaded in one request has no blocks. A
// snapshot has no uncommitted ones.
//
// Errors: [azureblob.BlobNotFound] if there is no blob, and nothing was staged
// for one.
//
// REST: Get Block List.
func (c *Client) Blocks(ctx context.Context, which BlockListType, o *BlocksOptions) (BlocksResult, error) {
	op := rest.GetBlockList
	switch which {
	case CommittedBlocks, UncommittedBlocks, AllBlocks:
	default:
		return BlocksResult{}, link.RefuseAs(c, op, string(azureblob.InvalidQueryParameterValue), fmt.Errorf("%q is no kind of block list", which))
	}
	required := struct {
		Type BlockListType `query:"blocklisttype"`
	}{which}
	r, err := link.Call[BlocksResult](ctx, c, op, nil, required, o)
	if err != nil {
		return r, err
	}
	for _, list := range [][]Block{r.Committed, r.Uncommitted} {
		for i := range list {
			id, err := base64.StdEncoding.DecodeString(list[i].ID)
			if err != nil {
				return BlocksResult{}, link.Local(c, op, fmt.Errorf("the answer cannot be read: %q is no block id: %w", list[i].ID, err))
			}
			list[i].ID = string(id)
		}
	}
	return r, nil
}
