package blockblob

import (
	"context"
	"fmt"
	"slices"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// maxCommitted is how many blocks a blob has at the most.
const maxCommitted = 50_000

// Lookup says where [Client.Commit] looks for a block.
type Lookup string

// The places of blocks.
const (
	Latest      Lookup = "Latest"      // among those that were staged, and then among those of the blob; the default
	Committed   Lookup = "Committed"   // among those that the blob is made of
	Uncommitted Lookup = "Uncommitted" // among those that were staged
)

// BlockRef names a block that is to become part of the blob.
type BlockRef struct {
	ID     string // as it was staged, or as [Client.Blocks] returns it
	Lookup Lookup // default Latest
}

// BlockRefs names blocks by their ids alone, to be looked up as [Latest].
func BlockRefs(ids ...string) []BlockRef {
	refs := make([]BlockRef, len(ids))
	for i, id := range ids {
		refs[i].ID = id
	}
	return refs
}

// CommitOptions are the options of [Client.Commit]. What they leave out is not
// kept from the old blob: headers, metadata and tags are set anew by each commit.
type CommitOptions struct {
	azureblob.CallOptions
	HTTPHeaders  azureblob.HTTPHeaders // ContentMD5 is stored as it is and not checked
	Metadata     azureblob.Metadata    `header:"x-ms-meta-*"`
	Tags         azureblob.Tags        `header:"x-ms-tags,form"`
	Tier         azureblob.AccessTier  `header:"x-ms-access-tier"` // default that of the account
	Conditions   azureblob.Conditions
	Immutability azureblob.Immutability
	LegalHold    bool `header:"x-ms-legal-hold"` // nobody can change or delete the blob until it is lifted
}

// CommitResult is the result of [Client.Commit].
type CommitResult struct {
	azureblob.ResponseInfo
	azureblob.WriteInfo
}

// Commit makes the blob of the named blocks, in their order; without any, an
// empty one. Blocks of the old blob that are not named are gone, and so are staged
// ones, so that a blob is changed by staging what is new and committing it
// together with what stays. A block may be named twice.
//
// Errors: [azureblob.InvalidBlockList] if a block is not there;
// [azureblob.BlobAlreadyExists] and [azureblob.ConditionNotMet] for conditions
// that are not met; [azureblob.LeaseIDMissing];
// [azureblob.BlockListTooLong] for more than 50,000 blocks.
//
// REST: Put Block List.
func (c *Client) Commit(ctx context.Context, blocks []BlockRef, o *CommitOptions) (CommitResult, error) {
	op := rest.PutBlockList
	list, err := c.blockList(op, blocks)
	if err != nil {
		return CommitResult{}, err
	}
	sum := azureblob.Checksum{CRC64: checksum.Sum(list)}
	same := func(f *link.Found) (link.Outcome, error) { return c.committed(ctx, f, blocks, o) }
	return link.Resolved[CommitResult](ctx, c, op, wire.Bytes(list), same, sum, o)
}

// committed tells whether the blob is made of these blocks, and has what the options
// say.
func (c *Client) committed(ctx context.Context, f *link.Found, blocks []BlockRef, o *CommitOptions) (link.Outcome, error) {
	if !f.Holds(link.Metadata|link.HTTPHeaders) || len(blocks) == 0 {
		return link.Unclear, nil
	}
	look := &BlocksOptions{}
	if o != nil {
		look.CallOptions = o.CallOptions
	}
	look.LocationMode = new(azureblob.PrimaryOnly)
	list, err := c.Blocks(ctx, CommittedBlocks, look)
	if err != nil || string(list.ETag) != f.Header.Get("ETag") {
		return link.Unclear, err
	}
	same := slices.EqualFunc(list.Committed, blocks, func(there Block, ours BlockRef) bool { return there.ID == ours.ID })
	return link.If(same), nil
}

// blockLookup is the body of Put Block List: entries of three kinds in any order.
type blockLookup struct {
	Entries []lookupEntry `xml:"Latest|Committed|Uncommitted"`
}

type lookupEntry struct {
	Lookup string `xml:",name"`
	ID     string `xml:",chardata"` // base64
}

// blockList writes the list.
func (c *Client) blockList(op *wire.Operation, blocks []BlockRef) ([]byte, error) {
	if len(blocks) > maxCommitted {
		return nil, link.RefuseAs(c, op, string(azureblob.BlockListTooLong), fmt.Errorf("%d blocks are named, and a blob has at most %d", len(blocks), maxCommitted))
	}
	lookup := blockLookup{Entries: make([]lookupEntry, len(blocks))}
	for i, b := range blocks {
		switch b.Lookup {
		case "":
			b.Lookup = Latest
		case Latest, Committed, Uncommitted:
		default:
			return nil, link.Refuse(c, op, fmt.Errorf("block %d: %q is no place to look for a block", i, b.Lookup))
		}
		id, err := encodeID(b.ID)
		if err == nil && len(b.ID) != len(blocks[0].ID) {
			err = fmt.Errorf("the id %q has %d bytes and the first one %d, and all have to be of one length", b.ID, len(b.ID), len(blocks[0].ID))
		}
		if err != nil {
			return nil, link.RefuseAs(c, op, string(azureblob.InvalidBlockList), fmt.Errorf("block %d: %w", i, err))
		}
		lookup.Entries[i] = lookupEntry{string(b.Lookup), id}
	}
	list, err := xmlplan.Encode("BlockList", lookup)
	if err != nil {
		return nil, link.Refuse(c, op, err)
	}
	return list, nil
}
