package blockblob

import (
	"context"
	"errors"
	"io"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// maxPut is how many bytes a blob that is sent in one request has at the most.
const maxPut = 5000 << 20

// PutOptions are the options of [Client.Put].
type PutOptions struct {
	azureblob.CallOptions
	HTTPHeaders  azureblob.HTTPHeaders
	Metadata     azureblob.Metadata   `header:"x-ms-meta-*"`
	Tags         azureblob.Tags       `header:"x-ms-tags,form"`
	Tier         azureblob.AccessTier `header:"x-ms-access-tier"` // default that of the account
	Conditions   azureblob.Conditions
	Immutability azureblob.Immutability
	LegalHold    bool `header:"x-ms-legal-hold"` // nobody can change or delete the blob until it is lifted
	Checksum     azureblob.Checksum
}

// PutResult is the result of [Client.Put] and [Client.PutFromURL].
type PutResult struct {
	azureblob.ResponseInfo
	azureblob.WriteInfo
	ContentMD5   []byte `response:"Content-MD5"`        // of the content
	ContentCRC64 []byte `response:"x-ms-content-crc64"` // of the content; little endian
}

// Put makes the blob, or replaces it, in one request, whatever the size of the
// content: up to 5,000 MiB. For content of more than a few MiB
// [azureblob.BlobClient.Upload] is faster, and sends less again when a connection
// breaks. Blocks that were staged are forgotten.
//
// Content is read as [Client.Stage] does it.
//
// Errors: those of content; [azureblob.RequestBodyTooLarge] if it is too long;
// [azureblob.BlobAlreadyExists] and [azureblob.ConditionNotMet] for conditions
// that are not met; [azureblob.MD5Mismatch], [azureblob.CRC64Mismatch];
// [azureblob.LeaseIDMissing].
//
// REST: Put Blob.
func (c *Client) Put(ctx context.Context, content io.Reader, o *PutOptions) (PutResult, error) {
	var r PutResult
	if err := link.Check(ctx, c, rest.PutBlob, o); err != nil {
		return r, err
	}
	err := link.Content(ctx, c, rest.PutBlob, content, maxPut, func(ctx context.Context, body engine.Body) (err error) {
		same := func(f *link.Found) (link.Outcome, error) { return f.Written(body) }
		r, err = link.Resolved[PutResult](ctx, c, rest.PutBlob, body, same, o)
		return err
	})
	return r, err
}

// PutFromURLOptions are the options of [Client.PutFromURL].
type PutFromURLOptions struct {
	azureblob.CallOptions
	HTTPHeaders azureblob.HTTPHeaders // those left empty come from the source
	Metadata    azureblob.Metadata    `header:"x-ms-meta-*"`      // default that of the source
	Tags        azureblob.Tags        `header:"x-ms-tags,form"`   // of the blob, unless those of the source are copied
	Tier        azureblob.AccessTier  `header:"x-ms-access-tier"` // default that of the account
	Conditions  azureblob.Conditions

	SourceConditions azureblob.SourceConditions
	SourceIfTags     azureblob.TagFilter `header:"x-ms-source-if-tags"` // expression over the tags of the source that must be true
	SourceAccess     azureblob.SourceAccess
	SourceKey        azureblob.CustomerKey // the key that the source is encrypted with
	SourceMD5        []byte                // 16 bytes; content with another one is not taken

	// CopyProperties says whether HTTPHeaders that are left empty come from the
	// source, or are cleared. Default true.
	CopyProperties *bool `header:"x-ms-copy-source-blob-properties"`

	// CopyTags says whose tags the blob gets.
	CopyTags azureblob.CopySourceTags `header:"x-ms-copy-source-tag-option"`
}

// PutFromURL makes the blob, or replaces it, of content that the service itself
// reads from a URL: a blob of any type, a file in Azure Files or anything that it
// can reach, up to 5,000 MiB. It is done when the call returns. The source has
// to be public or signed, or needs a token in the options.
//
// Errors: [azureblob.CannotVerifyCopySource] if the source cannot be read;
// [azureblob.SourceConditionNotMet]; [azureblob.MD5Mismatch];
// [azureblob.BlobAlreadyExists] and [azureblob.ConditionNotMet] for conditions
// that are not met; [azureblob.LeaseIDMissing].
//
// REST: Put Blob From URL.
func (c *Client) PutFromURL(ctx context.Context, source string, o *PutFromURLOptions) (PutResult, error) {
	if o == nil {
		o = &PutFromURLOptions{}
	}
	if o.CopyTags == azureblob.CopySourceTagsCopy && len(o.Tags) > 0 {
		return PutResult{}, link.RefuseAs(c, rest.PutBlobFromURL, string(azureblob.BothUserTagsAndSourceTagsCopyPresentException), errors.New("the tags of the source cannot be copied when there are others"))
	}
	sum := azureblob.SourceChecksum{MD5: o.SourceMD5}
	same := func(f *link.Found) (link.Outcome, error) {
		if !f.HoldsOwn() {
			return link.Unclear, nil
		}
		return f.WrittenMD5(-1, o.SourceMD5), nil
	}
	return link.ResolvedFromURL[PutResult](ctx, c, rest.PutBlobFromURL, source, o.SourceAccess, o.SourceKey, same, sum, o)
}
