package pageblob

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// MaxWrite is the most bytes that one request can write: 4 MiB. Clearing has no
// such bound.
const MaxWrite = 4 << 20

// SequenceConditions make a write depend on the sequence number of the blob. One
// that is not met is error 412 [azureblob.SequenceNumberConditionNotMet].
type SequenceConditions struct {
	IfLessThanOrEqual *int64 `header:"x-ms-if-sequence-number-le"`
	IfLessThan        *int64 `header:"x-ms-if-sequence-number-lt"`
	IfEqual           *int64 `header:"x-ms-if-sequence-number-eq"`
}

// checkSequence refuses conditions that no blob can meet or miss.
func (c *Client) checkSequence(op *wire.Operation, s SequenceConditions) error {
	for _, n := range []*int64{s.IfLessThanOrEqual, s.IfLessThan, s.IfEqual} {
		if n != nil && *n < 0 {
			return link.RefuseAs(c, op, string(azureblob.InvalidHeaderValue), fmt.Errorf("a sequence number of the conditions is negative: %d", *n))
		}
	}
	return nil
}

// WriteOptions are the options of [Client.Write].
type WriteOptions struct {
	azureblob.CallOptions
	Conditions azureblob.Conditions
	Sequence   SequenceConditions
	Checksum   azureblob.Checksum
}

// WriteResult is the result of [Client.Write] and [Client.WriteFromURL].
type WriteResult struct {
	azureblob.ResponseInfo
	ETag                      azcore.ETag `response:"ETag"`
	LastModified              time.Time   `response:"Last-Modified"`
	SequenceNumber            int64       `response:"x-ms-blob-sequence-number"`
	ContentMD5                []byte      `response:"Content-MD5"`                   // of what was written
	ContentCRC64              []byte      `response:"x-ms-content-crc64"`            // of what was written
	ServerEncrypted           bool        `response:"x-ms-request-server-encrypted"` // always true nowadays
	CustomerProvidedKeySHA256 string      `response:"x-ms-encryption-key-sha256"`    // base64; which customer key encrypted the write
	EncryptionScope           string      `response:"x-ms-encryption-scope"`         // which scope did
}

// rangeHeader is the part of the blob that is written.
type rangeHeader struct {
	Range azureblob.Range `header:"x-ms-range,range"`
}

// Write writes all that content has over the pages at offset. That is a multiple
// of [PageSize], as is the length of the content, which is up to [MaxWrite]. A
// source that is an io.ReaderAt and an io.Seeker is not copied; any other one is
// read into memory of the budget of the client first. See [Client.Upload] for
// more content than that.
//
// Errors: [azureblob.InvalidPageRange] for pages beyond the end of the blob;
// [azureblob.InvalidHeaderValue] for parts of pages, before anything is sent;
// [azureblob.BlobNotFound], which is fs.ErrNotExist; [azureblob.RequestBodyTooLarge].
//
// REST: Put Page.
func (c *Client) Write(ctx context.Context, offset int64, content io.Reader, o *WriteOptions) (WriteResult, error) {
	if err := link.Check(ctx, c, rest.PutPage, o); err != nil {
		return WriteResult{}, err
	}
	if err := c.checkPages(rest.PutPage, azureblob.Range{Offset: offset, Count: PageSize}); err != nil {
		return WriteResult{}, err
	}
	if o != nil {
		if err := c.checkSequence(rest.PutPage, o.Sequence); err != nil {
			return WriteResult{}, err
		}
	}
	var r WriteResult
	err := link.Content(ctx, c, rest.PutPage, content, MaxWrite, func(ctx context.Context, body engine.Body) (err error) {
		span := azureblob.Range{Offset: offset, Count: body.Len()}
		if err := c.checkPages(rest.PutPage, span); err != nil {
			return err
		}
		same := func(f *link.Found) (link.Outcome, error) { return c.written(ctx, f, span, body, o) }
		r, err = link.Resolved[WriteResult](ctx, c, rest.PutPage, body, same, rangeHeader{span}, o)
		return err
	})
	if err != nil {
		return WriteResult{}, err
	}
	return r, nil
}

// written tells whether the pages have the bytes that were to be written.
func (c *Client) written(ctx context.Context, f *link.Found, span azureblob.Range, body engine.Body, o *WriteOptions) (link.Outcome, error) {
	var call azureblob.CallOptions
	if o != nil {
		call = o.CallOptions
	}
	same, err := link.Holds(ctx, c.BlobClient, span.Offset, body, call, azureblob.Conditions{IfMatch: azcore.ETag(f.Header.Get("ETag"))})
	return link.If(same), err
}

// checkPages refuses what are no whole pages of a page blob.
func (c *Client) checkPages(op *wire.Operation, r azureblob.Range) error {
	switch {
	case r.Offset < 0 || r.Count <= 0 || r.Offset%PageSize != 0 || r.Count%PageSize != 0:
		return link.RefuseAs(c, op, string(azureblob.InvalidHeaderValue),
			fmt.Errorf("%d bytes from offset %d are no whole pages: both have to be multiples of %d", r.Count, r.Offset, PageSize))
	case r.Offset > MaxSize || r.Count > MaxSize-r.Offset:
		return link.RefuseAs(c, op, string(azureblob.InvalidPageRange),
			fmt.Errorf("%d bytes from offset %d lie beyond the end of any page blob", r.Count, r.Offset))
	}
	return nil
}

// WriteFromURLOptions are the options of [Client.WriteFromURL].
type WriteFromURLOptions struct {
	azureblob.CallOptions
	Conditions       azureblob.Conditions
	Sequence         SequenceConditions
	SourceConditions azureblob.SourceConditions
	SourceChecksum   azureblob.SourceChecksum
	SourceAccess     azureblob.SourceAccess
	SourceKey        azureblob.CustomerKey // the customer key that the source is encrypted with
}

// WriteFromURL has the service copy a range of a source, which is a blob or a
// file with a URL that it can read, over the pages at offset. The URL is signed,
// or public, or [azureblob.SourceAccess] says how to read it. The offsets and the
// count are multiples of [PageSize], and the count is up to [MaxWrite].
//
// Errors: [azureblob.CannotVerifyCopySource]; [azureblob.SourceConditionNotMet];
// [azureblob.InvalidPageRange] for pages beyond the end of the blob;
// [azureblob.InvalidHeaderValue] for parts of pages, before anything is sent.
//
// REST: Put Page From URL.
func (c *Client) WriteFromURL(ctx context.Context, offset int64, sourceURL string, source azureblob.Range, o *WriteFromURLOptions) (WriteResult, error) {
	var from WriteFromURLOptions
	if o != nil {
		from = *o
	}
	op := rest.PutPageFromURL
	span := azureblob.Range{Offset: offset, Count: source.Count}
	for _, r := range []azureblob.Range{span, source} {
		if err := c.checkPages(op, r); err != nil {
			return WriteResult{}, err
		}
	}
	if source.Count > MaxWrite {
		return WriteResult{}, link.RefuseAs(c, op, string(azureblob.RequestBodyTooLarge),
			fmt.Errorf("%d bytes are more than the %d that one request can write", source.Count, int64(MaxWrite)))
	}
	if err := link.Check(ctx, c, op, o); err != nil {
		return WriteResult{}, err
	}
	if err := c.checkSequence(op, from.Sequence); err != nil {
		return WriteResult{}, err
	}
	headers, err := link.Source(ctx, c, op, sourceURL, from.SourceAccess, from.SourceKey)
	if err != nil {
		return WriteResult{}, err
	}
	sourceRange := struct {
		Range azureblob.Range `header:"x-ms-source-range,range"`
	}{source}
	return link.Resolved[WriteResult](ctx, c, op, nil, link.Nothing, rangeHeader{span}, headers, sourceRange, o)
}

// ClearOptions are the options of [Client.Clear].
type ClearOptions struct {
	azureblob.CallOptions
	Conditions azureblob.Conditions
	Sequence   SequenceConditions
}

// ClearResult is the result of [Client.Clear].
type ClearResult struct {
	azureblob.ResponseInfo
	ETag           azcore.ETag `response:"ETag"`
	LastModified   time.Time   `response:"Last-Modified"`
	SequenceNumber int64       `response:"x-ms-blob-sequence-number"`
	ContentMD5     []byte      `response:"Content-MD5"`        // of the request, which has no content
	ContentCRC64   []byte      `response:"x-ms-content-crc64"` // of the request, which has no content
}

// Clear makes pages zero and gives their storage back. The offset and the count
// are multiples of [PageSize], and there may be any number of them.
//
// Errors: [azureblob.InvalidPageRange] for pages beyond the end of the blob;
// [azureblob.InvalidHeaderValue] for parts of pages, before anything is sent.
//
// REST: Put Page.
func (c *Client) Clear(ctx context.Context, pages azureblob.Range, o *ClearOptions) (ClearResult, error) {
	if err := c.checkPages(rest.ClearPages, pages); err != nil {
		return ClearResult{}, err
	}
	if o != nil {
		if err := c.checkSequence(rest.ClearPages, o.Sequence); err != nil {
			return ClearResult{}, err
		}
	}
	same := func(f *link.Found) (link.Outcome, error) { return c.cleared(ctx, f, pages, o) }
	return link.Resolved[ClearResult](ctx, c, rest.ClearPages, nil, same, rangeHeader{pages}, o)
}

// cleared tells whether there is nothing in the pages.
func (c *Client) cleared(ctx context.Context, f *link.Found, pages azureblob.Range, o *ClearOptions) (link.Outcome, error) {
	look := &RangesOptions{Range: pages, ListSize: 1, Conditions: azureblob.Conditions{IfMatch: azcore.ETag(f.Header.Get("ETag"))}}
	if o != nil {
		look.CallOptions = o.CallOptions
	}
	look.LocationMode = new(azureblob.PrimaryOnly)
	for range c.Ranges(ctx, look) {
		return link.Unclear, nil // content, or an error
	}
	return link.Applied, nil
}
