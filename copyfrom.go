package azureblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/sas"
)

// CopyFromOptions are the options of [BlobClient.CopyFrom]. CallOptions go with
// the requests to this blob, and all but Header with those to the source.
type CopyFromOptions struct {
	CallOptions
	HTTPHeaders HTTPHeaders // default those of the source, if all are empty
	Metadata    Metadata    // default that of the source, if it is nil; Metadata{} is none
	Tags        Tags        // default those of the source, if it is nil and the caller may see them; Tags{} is none
	Tier        AccessTier  // default that of the account

	// Conditions are those of [UploadOptions] on this blob.
	Conditions Conditions

	// SourceConditions are checked when the source is looked at. What is copied
	// is the state that it has then.
	SourceConditions SourceConditions

	Immutability Immutability
	LegalHold    bool // nobody can change or delete the blob until it is lifted

	// NoStreaming fails where the service cannot read the source, instead of
	// bringing the content through this process.
	NoStreaming bool

	// BlockSize is the size in bytes of the blocks that are copied, at most 4,000
	// MiB. A source of up to one block is copied by one request. Default 32 MiB,
	// and more for sources that would not fit into 50,000 blocks. For content that
	// passes through this process it is that of [UploadOptions].
	BlockSize int64

	// Concurrency is how many blocks are under way at a time. Default
	// [ClientOptions.Concurrency]; at most 1,000.
	Concurrency int

	// Progress is told how many bytes have been copied, as that of
	// [UploadOptions] is.
	Progress func(done int64)
}

// CopyFromResult is the result of [BlobClient.CopyFrom].
type CopyFromResult struct {
	UploadResult
	SourceETag azcore.ETag // of the state of the source that was copied
	Streamed   bool        // the service could not read the source, so the content came through this process
}

// CopyFrom makes a block blob of all that source has: a blob, snapshot or
// version of any size and type, in any account. [NewBlobClient] makes a handle
// of a URL. The copy is there in one moment, when everything is: one that fails
// leaves the old blob, or none.
//
// The service reads the source, several blocks at a time, and nothing of the
// content passes through this process. All of it comes from one state of the
// source, which is looked at first, with the rights of its handle; one that is
// changed in the meantime is [ErrBlobModified].
//
// The service of this blob gets the right to read the source from the handle of
// the source: its shared access signature, a token of its token credential, or a
// signature for reading this one source for an hour, made with its account key. A
// customer key of the source goes along as well. So the service of this blob has
// to be one to be trusted with that. If it cannot read the source all the same,
// as one behind a firewall, the content is streamed through this process; see
// [CopyFromOptions.NoStreaming].
//
// The copy has the properties, the metadata and the tags of the source unless the
// options have others. Its tier and its encryption are its own. Names of metadata
// may be in lower case.
//
// Errors: [BlobNotFound] for the source, which is fs.ErrNotExist;
// [ErrBlobModified]; [SourceConditionNotMet]; [BlobAlreadyExists] and
// [ConditionNotMet] for conditions on this blob; [CannotVerifyCopySource] with
// NoStreaming; those of [BlobClient.Upload].
//
// REST: Put Blob From URL, or Put Block From URL and Put Block List.
func (b *BlobClient) CopyFrom(ctx context.Context, source *BlobClient, o *CopyFromOptions) (CopyFromResult, error) {
	ctx, end := b.begin(ctx, "Copy")
	r, err := b.copyFrom(ctx, source, o)
	end(err)
	return r, err
}

func (b *BlobClient) copyFrom(ctx context.Context, source *BlobClient, o *CopyFromOptions) (CopyFromResult, error) {
	c, err := b.newCopyFrom(ctx, source, o)
	if err != nil {
		return CopyFromResult{}, err
	}
	if err := c.look(ctx); err != nil {
		return CopyFromResult{}, err
	}
	r := CopyFromResult{SourceETag: c.pin.IfMatch}
	err = c.byService(ctx)
	if err != nil && !c.o.NoStreaming && c.unreadable(err) {
		r.Streamed = true
		err = c.byClient(ctx)
	}
	c.result.Size = c.size
	if r.UploadResult, err = c.finish(err); err != nil {
		return CopyFromResult{}, err
	}
	return r, nil
}

// copyFrom is one copy on its way: an upload whose blocks come from elsewhere.
type copyFrom struct {
	*upload
	o      CopyFromOptions
	source *BlobClient
	pin    SourceConditions // the state of the source that is copied
	size   int64
	sum    []byte      // MD5 of the source, if it has one
	read   atomic.Bool // the service has read some of the source
}

func (b *BlobClient) newCopyFrom(ctx context.Context, source *BlobClient, o *CopyFromOptions) (*copyFrom, error) {
	c := &copyFrom{source: source}
	if o != nil {
		c.o = *o
	}
	var err error
	c.upload, err = b.newUpload(ctx, rest.PutBlobFromURL, &UploadOptions{
		CallOptions: c.o.CallOptions, HTTPHeaders: c.o.HTTPHeaders, Metadata: c.o.Metadata, Tags: c.o.Tags, Tier: c.o.Tier,
		Conditions: c.o.Conditions, Immutability: c.o.Immutability, LegalHold: c.o.LegalHold,
		BlockSize: c.o.BlockSize, Concurrency: c.o.Concurrency, Progress: c.o.Progress,
	})
	if err != nil {
		return nil, err
	}
	if source == nil || source.session == nil {
		return nil, b.refuse(c.op, errors.New("the source is nil, or a client that no constructor made"))
	}
	return c, b.checkAll(ctx, c.op, &c.o.SourceConditions)
}

// callOptions are those of requests to the source. Extra headers stay away from
// it, since they can be meant for another account.
func (c *copyFrom) callOptions() CallOptions {
	o := c.o.CallOptions
	o.Header = nil
	return o
}

// look asks the source what there is to copy, and takes over what the options
// do not have. It asks the region that the service will read.
func (c *copyFrom) look(ctx context.Context) error {
	s, call := c.o.SourceConditions, c.callOptions().atPrimary()
	p, err := c.source.Properties(ctx, &BlobPropertiesOptions{CallOptions: call, Conditions: Conditions{
		IfMatch: s.IfMatch, IfNoneMatch: s.IfNoneMatch, IfModifiedSince: s.IfModifiedSince, IfUnmodifiedSince: s.IfUnmodifiedSince,
	}})
	if status := infoOf(err).StatusCode; status == http.StatusPreconditionFailed || status == http.StatusNotModified {
		e := c.b.errorOf(c.op, err)
		e.StatusCode, e.Code, e.Message = http.StatusPreconditionFailed, SourceConditionNotMet, "The source is not in the state that the conditions ask for."
		return e
	}
	if err != nil {
		return err
	}
	if p.ETag == "" {
		// Blocks could come from different states of it.
		return c.b.local(c.op, errors.New("the source has no ETag, so it is no blob"))
	}
	c.pin.IfMatch, c.size, c.sum = p.ETag, p.ContentLength, p.ContentMD5
	up := &c.upload.o
	if up.HTTPHeaders.empty() {
		up.HTTPHeaders = p.HTTPHeaders
	}
	if up.Metadata == nil {
		up.Metadata = p.Metadata
	}
	if up.Tags == nil && p.TagCount > 0 {
		t, err := c.source.Tags(ctx, &TagsOptions{CallOptions: call, Conditions: TagConditions{IfMatch: p.ETag}})
		if err != nil {
			return replaced(err)
		}
		up.Tags = t.Tags
	}
	return nil
}

// byService has the service read the source.
func (c *copyFrom) byService(ctx context.Context) error {
	if c.single() {
		err := c.putFromURL(ctx)
		if infoOf(err).StatusCode != http.StatusNotImplemented {
			return err
		}
	}
	return engine.Copy(ctx, engine.CopyTarget{Stage: c.stageFromURL, Commit: c.commit}, c.size, c.config())
}

// single reports whether one request can make the copy. It cannot take all
// options, and copies metadata if it is given none.
func (c *copyFrom) single() bool {
	limit := c.o.BlockSize
	if limit == 0 {
		limit = engine.DefaultCopyBlock
	}
	given := c.o.Metadata == nil || len(c.o.Metadata) > 0
	return c.size > 0 && c.size <= limit && given && c.o.Immutability == (Immutability{}) && !c.o.LegalHold
}

func (c *copyFrom) putFromURL(ctx context.Context) error {
	source, err := c.readable(ctx, rest.PutBlobFromURL)
	if err != nil {
		return err
	}
	// What comes from the source is left to the service, which keeps the case of
	// names, and computes the MD5.
	o := c.upload.o
	var properties struct {
		Copy string `header:"x-ms-copy-source-blob-properties"`
	}
	if c.o.HTTPHeaders.empty() {
		o.HTTPHeaders = HTTPHeaders{}
	} else {
		properties.Copy = "false"
	}
	o.Metadata = c.o.Metadata
	same := func(f *link.Found) (link.Outcome, error) {
		if !f.HoldsOwn() {
			return link.Unclear, nil
		}
		return f.WrittenMD5(c.size, c.sum), nil
	}
	if err = c.b.resolve(ctx, rest.PutBlobFromURL, &c.result, nil, written(same), source, c.pin, properties, &o); err != nil {
		return changed(err)
	}
	if c.o.Progress != nil {
		c.o.Progress(c.size)
	}
	return nil
}

func (c *copyFrom) stageFromURL(ctx context.Context, index int, off, n int64) error {
	if err := c.hopes(); err != nil {
		return err
	}
	source, err := c.readable(ctx, rest.PutBlockFromURL)
	if err != nil {
		return err
	}
	part := struct {
		Range Range `header:"x-ms-source-range,range"`
	}{Range{off, n}}
	if _, err := c.b.send(ctx, rest.PutBlockFromURL, nil, nil, source, c.pin, part, c.blockOptions(index)); err != nil {
		return changed(unseen(err))
	}
	c.read.Store(true)
	return nil
}

// byClient brings the content through this process.
func (c *copyFrom) byClient(ctx context.Context) error {
	r, err := c.source.NewReader(ctx, &DownloadOptions{
		CallOptions: c.callOptions(), Conditions: Conditions{IfMatch: c.pin.IfMatch}, Concurrency: c.o.Concurrency,
	})
	if err != nil {
		return replaced(err)
	}
	defer r.Close()
	_, err = engine.Upload(ctx, c.target(), r, c.config())
	return err
}

// readRight is how long a signature is valid that lets the service read the
// source for one request, with its repetitions.
const readRight = time.Hour

// readable are the headers that let the service read the source. The error is
// fs.ErrInvalid if no headers can.
func (c *copyFrom) readable(ctx context.Context, op *wire.Operation) (*sourceHeaders, error) {
	raw := c.source.URL()
	var access SourceAccess
	switch cred := c.source.credential().(type) {
	case tokenCredential:
		access.Token = cred.source()
	case sasCredential:
		mark := "?"
		if strings.Contains(raw, "?") {
			mark = "&"
		}
		raw += mark + strings.TrimPrefix(cred.token(), "?")
	case *SharedKeyCredential:
		signature := sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: time.Now().Add(readRight)}
		if strings.HasPrefix(raw, "https:") {
			signature.Protocol = sas.HTTPS
		}
		var err error
		if raw, err = c.source.SASURL(signature); err != nil {
			return nil, c.b.refuse(op, fmt.Errorf("signing the source: %w", err))
		}
	}
	return c.b.source(ctx, op, raw, access, c.source.key)
}

// unreadable reports whether an error says that the service cannot read the
// source, or cannot copy from URLs at all. A source that it has read is readable.
func (c *copyFrom) unreadable(err error) bool {
	if c.read.Load() || errors.Is(err, ErrBlobModified) {
		return false
	}
	info := infoOf(err)
	return errors.Is(err, CannotVerifyCopySource) || info.Header.Get(copySourceStatus) != "" ||
		info.StatusCode == http.StatusNotImplemented || errors.Is(err, fs.ErrInvalid)
}

// copySourceStatus is how the source answered the service, since version
// 2024-02-04.
const copySourceStatus = "x-ms-copy-source-status-code"

// changed marks errors of a source that is not in the state any more that is
// being copied, as the service of this blob found it.
func changed(err error) error {
	info := infoOf(err)
	status := info.Header.Get(copySourceStatus)
	if status == "" && errors.Is(err, CannotVerifyCopySource) {
		status = strconv.Itoa(info.StatusCode)
	}
	if errors.Is(err, SourceConditionNotMet) || status == "412" || status == "304" {
		return modified(err)
	}
	return err
}

// replaced is changed for what the source itself says.
func replaced(err error) error {
	if errors.Is(err, ConditionNotMet) {
		return modified(err)
	}
	return err
}
