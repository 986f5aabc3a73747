package blockblob

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

const (
	maxBlock   = 4000 << 20 // bytes of one block
	maxBlockID = 64         // bytes of its id
)

var errNoID = errors.New("the id of the block is empty")

// blockID is a block's id as it goes over the wire.
type blockID struct {
	ID string `query:"blockid"` // base64
}

// encodeID checks an id and writes it as the service wants it.
func encodeID(id string) (string, error) {
	switch {
	case id == "":
		return "", errNoID
	case len(id) > maxBlockID:
		return "", fmt.Errorf("the id %q of the block has %d bytes, and %d is the most", id, len(id), maxBlockID)
	}
	return base64.StdEncoding.EncodeToString([]byte(id)), nil
}

// StageOptions are the options of [Client.Stage].
type StageOptions struct {
	azureblob.CallOptions
	Checksum azureblob.Checksum
	LeaseID  string `header:"x-ms-lease-id"` // the lease that the caller holds on the blob
}

// StageResult is the result of [Client.Stage] and [Client.StageFromURL].
type StageResult struct {
	azureblob.ResponseInfo
	ContentMD5   []byte `response:"Content-MD5"`        // of the block, if the caller gave one
	ContentCRC64 []byte `response:"x-ms-content-crc64"` // of the block, if the caller gave no MD5; little endian

	ServerEncrypted           bool   `response:"x-ms-request-server-encrypted"` // always true nowadays
	CustomerProvidedKeySHA256 string `response:"x-ms-encryption-key-sha256"`    // base64; which customer key encrypted the block
	EncryptionScope           string `response:"x-ms-encryption-scope"`         // which scope did
}

// Stage sends one block of the blob, 1 byte to 4,000 MiB. Nothing is to be seen
// of it until [Client.Commit] puts it into the blob; after a week without one
// the service forgets it. Staging an id again replaces the block. All blocks
// that wait for the same blob have ids of the same length, and there are at most
// 100,000 of them.
//
// An id is any 1 to 64 bytes, as they are: what encodes them in base64, as the
// protocol demands, is this package. Ids that another client staged in base64 are
// those that [Client.Blocks] returns.
//
// Content that is an io.ReaderAt and an io.Seeker, such as a bytes.Reader or a
// file, is sent from where it stands without a copy, and left at its end. Any
// other reader is read to its end first, into memory, and may not be longer than
// [azureblob.ClientOptions.MemoryBudget].
//
// Errors: those of content; [azureblob.RequestBodyTooLarge] if it is too long;
// [azureblob.InvalidBlobOrBlock] if other blocks have ids of another length;
// [azureblob.MD5Mismatch], [azureblob.CRC64Mismatch];
// [azureblob.ContainerNotFound]; [azureblob.LeaseIDMissing].
//
// REST: Put Block.
func (c *Client) Stage(ctx context.Context, id string, content io.Reader, o *StageOptions) (StageResult, error) {
	encoded, err := c.blockID(rest.PutBlock, id)
	if err != nil {
		return StageResult{}, err
	}
	return link.CallContent[StageResult](ctx, c, rest.PutBlock, content, maxBlock, encoded, o)
}

// StageFromURLOptions are the options of [Client.StageFromURL].
type StageFromURLOptions struct {
	azureblob.CallOptions
	Range            azureblob.Range `header:"x-ms-source-range,range"` // the part of the source that becomes the block
	SourceConditions azureblob.SourceConditions
	SourceAccess     azureblob.SourceAccess
	SourceKey        azureblob.CustomerKey // the key that the source is encrypted with
	SourceChecksum   azureblob.SourceChecksum
	LeaseID          string `header:"x-ms-lease-id"` // the lease that the caller holds on the blob
}

// StageFromURL is [Client.Stage] of content that the service itself reads from a
// URL: a blob, a file in Azure Files or anything that it can reach. It is done
// when the call returns. The source has to be public or signed, or needs a token
// in the options. Where it can change, pin it with a SourceConditions.IfMatch.
//
// Errors: those of Stage; [azureblob.CannotVerifyCopySource] if the source
// cannot be read; [azureblob.SourceConditionNotMet].
//
// REST: Put Block From URL.
func (c *Client) StageFromURL(ctx context.Context, id, source string, o *StageFromURLOptions) (StageResult, error) {
	encoded, err := c.blockID(rest.PutBlockFromURL, id)
	if err != nil {
		return StageResult{}, err
	}
	if o == nil {
		o = &StageFromURLOptions{}
	}
	if o.Range.Count > maxBlock {
		return StageResult{}, link.RefuseAs(c, rest.PutBlockFromURL, string(azureblob.RequestBodyTooLarge),
			fmt.Errorf("the range of the source has %d bytes, and a block has at most %d", o.Range.Count, maxBlock))
	}
	return link.CallFromURL[StageResult](ctx, c, rest.PutBlockFromURL, source, o.SourceAccess, o.SourceKey, encoded, o)
}

func (c *Client) blockID(op *wire.Operation, id string) (blockID, error) {
	encoded, err := encodeID(id)
	switch {
	case err == errNoID:
		return blockID{}, link.RefuseAs(c, op, string(azureblob.MissingRequiredQueryParameter), err)
	case err != nil:
		return blockID{}, link.RefuseAs(c, op, string(azureblob.OutOfRangeInput), err)
	}
	return blockID{encoded}, nil
}
