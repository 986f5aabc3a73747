package appendblob

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

const (
	maxAppend = 100 << 20 // bytes of one block
	maxBlocks = 50_000    // of one blob
)

// AppendOptions are the options of [Client.Append].
type AppendOptions struct {
	azureblob.CallOptions
	Conditions azureblob.Conditions

	// IfPosition is the number of bytes that the blob must have, and so the place
	// of the block in it: with another number the call fails with 412
	// [azureblob.AppendPositionConditionNotMet].
	IfPosition *int64 `header:"x-ms-blob-condition-appendpos"`

	// MaxSize is the number of bytes that the blob may have afterwards: with more
	// the call fails with 412 [azureblob.MaxBlobSizeConditionNotMet].
	MaxSize *int64 `header:"x-ms-blob-condition-maxsize"`

	Checksum azureblob.Checksum
}

// AppendResult is the result of [Client.Append] and [Client.AppendFromURL].
type AppendResult struct {
	azureblob.ResponseInfo
	azureblob.WriteInfo
	Offset       int64  `response:"x-ms-blob-append-offset"`         // where in the blob the block begins
	BlockCount   int    `response:"x-ms-blob-committed-block-count"` // blocks of the blob, of at most 50,000
	ContentMD5   []byte `response:"Content-MD5"`                     // of the block, if the caller gave one
	ContentCRC64 []byte `response:"x-ms-content-crc64"`              // of the block, if the caller gave no MD5; little endian
}

// Append puts content, 1 byte to 100 MiB, at the end of the blob, in one piece: no
// reader sees a part of it, and no other append comes between. The service puts
// appends of several clients into an order; for one that has to know its place
// there is IfPosition.
//
// A call whose answer gets lost is not repeated, since the content may be in the
// blob already, and would be there twice: see [azureblob.RetryOptions]. One with an
// IfPosition can be, and looks into the blob if it meets other bytes than its own
// there. Whoever wants each piece exactly once uses a [Writer].
//
// Content that is an io.ReaderAt and an io.Seeker, such as a bytes.Reader or a
// file, is sent from where it stands without a copy, and left at its end. Any
// other reader is read to its end first, into memory, and may not be longer than
// [azureblob.ClientOptions.MemoryBudget].
//
// Errors: those of content; [azureblob.RequestBodyTooLarge] if it is too long;
// [azureblob.BlobNotFound], which is fs.ErrNotExist; [azureblob.InvalidBlobType] if
// it is no append blob; [azureblob.AppendPositionConditionNotMet] and
// [azureblob.MaxBlobSizeConditionNotMet]; [azureblob.BlobIsSealed];
// [azureblob.BlockCountExceedsLimit] if the blob has 50,000 blocks;
// [azureblob.MD5Mismatch], [azureblob.CRC64Mismatch]; [azureblob.LeaseIDMissing].
//
// REST: Append Block.
func (c *Client) Append(ctx context.Context, content io.Reader, o *AppendOptions) (AppendResult, error) {
	if o == nil || o.IfPosition == nil {
		if o != nil {
			if err := c.checkLimits(rest.AppendBlock, nil, o.MaxSize); err != nil {
				return AppendResult{}, err
			}
		}
		return link.CallContent[AppendResult](ctx, c, rest.AppendBlock, content, maxAppend, o)
	}
	if err := c.checkLimits(rest.AppendBlock, o.IfPosition, o.MaxSize); err != nil {
		return AppendResult{}, err
	}
	same := func(body engine.Body) link.Same {
		return func(f *link.Found) (link.Outcome, error) { return c.appended(ctx, f, body, o) }
	}
	r, err := link.ResolvedContent[AppendResult](ctx, c, appendAt, content, maxAppend, same, o)
	if err == nil && r.Offset == 0 {
		r.Offset = *o.IfPosition // the answer that told of it does not say that
	}
	return r, err
}

// appended tells whether the bytes at the place of a block are those of the block.
func (c *Client) appended(ctx context.Context, f *link.Found, body engine.Body, o *AppendOptions) (link.Outcome, error) {
	if size, err := strconv.ParseInt(f.Header.Get("Content-Length"), 10, 64); err != nil || size < *o.IfPosition+body.Len() {
		return link.Unclear, nil
	}
	same, err := link.Holds(ctx, c.BlobClient, *o.IfPosition, body, o.CallOptions, azureblob.Conditions{IfMatch: azcore.ETag(f.Header.Get("ETag"))})
	return link.If(same), err
}

// AppendFromURLOptions are the options of [Client.AppendFromURL].
type AppendFromURLOptions struct {
	azureblob.CallOptions
	Conditions azureblob.Conditions
	IfPosition *int64 `header:"x-ms-blob-condition-appendpos"` // the number of bytes that the blob must have
	MaxSize    *int64 `header:"x-ms-blob-condition-maxsize"`   // the number of bytes that it may have afterwards

	Range            azureblob.Range `header:"x-ms-source-range,range"` // the part of the source that is appended
	SourceConditions azureblob.SourceConditions
	SourceAccess     azureblob.SourceAccess
	SourceKey        azureblob.CustomerKey // the key that the source is encrypted with
	SourceChecksum   azureblob.SourceChecksum
}

// AppendFromURL is [Client.Append] of content that the service itself reads from a
// URL: a blob, a file in Azure Files or anything that it can reach. It is done
// when the call returns. The source has to be public or signed, or needs a token
// in the options. Where it can change, pin it with a SourceConditions.IfMatch.
//
// Errors: those of Append; [azureblob.CannotVerifyCopySource] if the source
// cannot be read; [azureblob.SourceConditionNotMet].
//
// REST: Append Block From URL.
func (c *Client) AppendFromURL(ctx context.Context, source string, o *AppendFromURLOptions) (AppendResult, error) {
	if o == nil {
		o = &AppendFromURLOptions{}
	}
	if err := c.checkLimits(rest.AppendBlockFromURL, o.IfPosition, o.MaxSize); err != nil {
		return AppendResult{}, err
	}
	if o.Range.Count > maxAppend {
		return AppendResult{}, link.RefuseAs(c, rest.AppendBlockFromURL, string(azureblob.RequestBodyTooLarge),
			fmt.Errorf("the range of the source has %d bytes, and a block has at most %d", o.Range.Count, int64(maxAppend)))
	}
	if o.IfPosition == nil {
		return link.CallFromURL[AppendResult](ctx, c, rest.AppendBlockFromURL, source, o.SourceAccess, o.SourceKey, o)
	}
	return link.ResolvedFromURL[AppendResult](ctx, c, appendFromURLAt, source, o.SourceAccess, o.SourceKey, link.Nothing, o)
}

// checkLimits refuses conditions that no blob can meet.
func (c *Client) checkLimits(op *wire.Operation, position, size *int64) error {
	if position != nil && *position < 0 {
		return link.RefuseAs(c, op, string(azureblob.InvalidHeaderValue), fmt.Errorf("IfPosition is negative: %d", *position))
	}
	if size != nil && *size < 0 {
		return link.RefuseAs(c, op, string(azureblob.InvalidHeaderValue), fmt.Errorf("MaxSize is negative: %d", *size))
	}
	return nil
}
