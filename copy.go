package azureblob

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// Copy is a copy that the service makes in its own time: [BlobClient.StartCopy]
// starts one, as StartIncrementalCopy of package pageblob does, and [BlobClient.PendingCopy] takes one up by its id, on another
// day or in another process. It sends nothing by itself, and is safe for
// concurrent use.
type Copy struct {
	b      *BlobClient
	id     string
	result CopyResult // of the start; zero if somebody else started it
}

// CopyResult is how a copy stands.
type CopyResult struct {
	ResponseInfo
	CopyID       string      `response:"x-ms-copy-id"`     // the service's name for the copy
	Status       CopyStatus  `response:"x-ms-copy-status"` // how it stands
	ETag         azcore.ETag `response:"ETag"`             // of the destination; that of a pending copy changes when it ends
	LastModified time.Time   `response:"Last-Modified"`
	VersionID    string      `response:"x-ms-version-id"` // if the account keeps versions
}

// StartCopyOptions are the options of [BlobClient.StartCopy].
type StartCopyOptions struct {
	CallOptions
	Metadata Metadata   `header:"x-ms-meta-*"`      // default that of the source
	Tags     Tags       `header:"x-ms-tags,form"`   // those of the source are not copied
	Tier     AccessTier `header:"x-ms-access-tier"` // default that of the account

	// Rehydrate is how soon a source in the archive tier comes out of it, if Tier
	// is one that is online.
	Rehydrate RehydratePriority `header:"x-ms-rehydrate-priority"`

	Conditions       Conditions       // on the destination, with the lease that the caller holds on it
	SourceConditions SourceConditions // checked when the copy is started
	SourceIfTags     TagFilter        `header:"x-ms-source-if-tags"` // expression over the tags of the source that must be true

	Immutability Immutability
	LegalHold    bool `header:"x-ms-legal-hold"` // nobody can change or delete the blob until it is lifted
	Seal         bool `header:"x-ms-seal-blob"`  // append blobs: nothing can be appended to the copy
}

// StartCopy has the service copy a blob of any type and size, or a file of
// Azure Files, to this blob, which is replaced. Small sources in the same
// account are often copied when the call returns; for others [Copy.Wait] waits.
// Until then the destination is there, is empty, and cannot be written.
//
// The source is a URL. One in the same account can be read with the caller's own
// rights, if that is a key or a token, so the URL of a handle will do; any other has
// to be public or hold a shared access signature. The URL of a handle that was made
// of a signature does not hold it: [BlobClient.CopyFrom] hands it on. The URL of a
// snapshot or version copies that one.
//
// The copy has the properties of the source. It cannot be encrypted with a
// customer key or an encryption scope: [BlobClient.CopyFrom] can do that.
//
// Errors: [CannotVerifyCopySource] if the service cannot read the source;
// [PendingCopyOperation] if another copy is under way;
// [SourceConditionNotMet]; [BlobAlreadyExists] and [ConditionNotMet];
// [InvalidBlobType] if the destination is a blob of another type.
//
// REST: Copy Blob.
func (b *BlobClient) StartCopy(ctx context.Context, sourceURL string, o *StartCopyOptions) (*Copy, error) {
	if err := b.plain(ctx, rest.CopyBlob, o); err != nil {
		return nil, err
	}
	source, err := b.source(ctx, rest.CopyBlob, sourceURL, SourceAccess{}, CustomerKey{})
	if err != nil {
		return nil, err
	}
	r, err := resolved[CopyResult](ctx, &b.handle, rest.CopyBlob, written(copied(sourceURL)), source, o)
	if err != nil {
		return nil, err
	}
	return startedCopy(b, r), nil
}

func startedCopy(b *BlobClient, r CopyResult) *Copy { return &Copy{b: b, id: r.CopyID, result: r} }

// copied is whether the last copy to the blob is one of that source, and has the
// metadata that were asked for.
func copied(sourceURL string) link.Same {
	return func(f *link.Found) (link.Outcome, error) {
		status := CopyStatus(f.Header.Get("x-ms-copy-status"))
		same := (status == CopySuccess || status == CopyPending) && link.SameSource(f.Header.Get("x-ms-copy-source"), sourceURL)
		return link.If(same && f.HoldsOwn()), nil
	}
}

// plain refuses a copy that would not be encrypted as its handle says, and what
// checkAll does.
func (h *handle) plain(ctx context.Context, op *wire.Operation, parts ...any) error {
	if err := h.checkAll(ctx, op, parts...); err != nil {
		return err
	}
	if h.key.key != nil && op.Scope&wire.CustomerKey == 0 {
		return h.refuse(op, errors.New("the service cannot encrypt the copy with a customer key; use CopyFrom"))
	}
	if h.encryptionScope != "" && op.Scope&wire.EncryptionScope == 0 {
		return h.refuse(op, errors.New("the service cannot encrypt the copy with an encryption scope; use CopyFrom"))
	}
	return nil
}

// PendingCopy returns the handle of the copy to this blob that id names. It
// sends nothing: [Copy.Wait] tells how the copy stands.
func (b *BlobClient) PendingCopy(id string) *Copy { return &Copy{b: b, id: id} }

// ID returns the service's name for the copy.
func (c *Copy) ID() string { return c.id }

// Result returns what the service answered when the copy was started: it may
// have succeeded already. It is the zero value for a handle from
// [BlobClient.PendingCopy].
func (c *Copy) Result() CopyResult { return c.result }

// CopyError is how a copy ended that did not succeed. The errors of [Copy.Wait]
// wrap it.
type CopyError struct {
	CopyID string

	// Status is CopyFailed or CopyAborted. It is empty if the blob knows nothing
	// of the copy any more, since it was written or copied to again: how the copy
	// itself ended is then not to be known.
	Status CopyStatus

	Description string // why the service gave the copy up, with the status and the code that it met
	ReplacedBy  string // id of the copy that the blob has had since; empty if there is none
}

// Error says in one line how the copy ended.
func (e *CopyError) Error() string {
	text := fmt.Sprintf("copy %s", e.CopyID)
	switch {
	case e.Status != "":
		text += " has ended: " + string(e.Status)
	case e.ReplacedBy != "":
		text += " was replaced by copy " + e.ReplacedBy
	default:
		text += " is not known to the blob; it was written to since"
	}
	if e.Description != "" {
		text += ": " + e.Description
	}
	return pipeline.Redact(printable(text))
}

// WaitCopyOptions are the options of [Copy.Wait].
type WaitCopyOptions struct {
	CallOptions

	// Interval is the longest pause between two looks at the blob. Default 5 s.
	// The first pauses are shorter: they begin with 100 ms, and double.
	Interval time.Duration

	// Progress is told how many bytes of how many are copied, after each look at
	// the blob, by the goroutine that waits. It is not called if the copy had
	// succeeded when it was started.
	Progress func(done, total int64)
}

const (
	firstLook       = 100 * time.Millisecond
	defaultInterval = 5 * time.Second
)

// Wait waits until the copy has succeeded. The end of the context, like any
// error of a request, ends the waiting and not the copy: Wait can be called
// again, and [Copy.Abort] ends a copy.
//
// Errors: a [CopyError], for a copy that failed, was aborted, or was replaced by
// another write or copy; [BlobNotFound] if the destination was deleted.
//
// REST: Get Blob Properties.
func (c *Copy) Wait(ctx context.Context, o *WaitCopyOptions) (CopyResult, error) {
	if o == nil {
		o = &WaitCopyOptions{}
	}
	if err := c.check(ctx, rest.GetBlobProperties); err != nil {
		return CopyResult{}, err
	}
	if o.Interval < 0 {
		return CopyResult{}, c.b.refuse(rest.GetBlobProperties, fmt.Errorf("WaitCopyOptions.Interval is negative: %v", o.Interval))
	}
	if c.result.Status == CopySuccess {
		// Asking again could only tell of what happened after it.
		return c.result, nil
	}
	longest := o.Interval
	if longest == 0 {
		longest = defaultInterval
	}
	for pause := min(firstLook, longest); ; pause = min(2*pause, longest) {
		r, err := c.look(ctx, o)
		if err != nil || r.Status == CopySuccess {
			return r, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return CopyResult{}, c.b.errorOf(rest.GetBlobProperties, endOf(ctx))
		}
	}
}

// endOf is the error of a context that has ended, with its cause.
func endOf(ctx context.Context) error { return pipeline.EndOf(ctx) }

// copyState is what the properties of a blob tell of its last copy.
type copyState struct {
	CopyResult
	Progress    string `response:"x-ms-copy-progress"` // done/total
	Description string `response:"x-ms-copy-status-description"`
}

// look asks once how the copy stands.
func (c *Copy) look(ctx context.Context, o *WaitCopyOptions) (CopyResult, error) {
	s, err := call[copyState](ctx, &c.b.handle, rest.GetBlobProperties, nil, new(o.CallOptions.atPrimary()))
	if err != nil {
		return CopyResult{}, err
	}
	failed := &CopyError{CopyID: c.id}
	switch {
	case s.CopyID != c.id:
		failed.ReplacedBy = s.CopyID
	case s.Status != CopySuccess && s.Status != CopyPending:
		failed.Status, failed.Description = s.Status, pipeline.Redact(s.Description)
	default:
		if done, total, ok := parseCopyProgress(s.Progress); ok && o.Progress != nil {
			o.Progress(done, total)
		}
		return s.CopyResult, nil
	}
	e := c.b.errorOf(rest.CopyBlob, failed)
	e.RequestID, e.ClientRequestID = s.RequestID, s.ClientRequestID
	return CopyResult{}, e
}

// parseCopyProgress reads "done/total".
func parseCopyProgress(text string) (done, total int64, ok bool) {
	before, after, _ := strings.Cut(text, "/")
	done, err1 := strconv.ParseInt(before, 10, 64)
	total, err2 := strconv.ParseInt(after, 10, 64)
	return done, total, err1 == nil && err2 == nil
}

// AbortCopyOptions are the options of [Copy.Abort].
type AbortCopyOptions struct {
	CallOptions
	LeaseID string `header:"x-ms-lease-id"` // the lease that the caller holds on the destination
}

// AbortCopyResult is the result of [Copy.Abort].
type AbortCopyResult struct {
	ResponseInfo
}

// Abort ends the copy before its time. The destination stays, and is
// empty but for its metadata.
//
// Errors: [NoPendingCopyOperation] if the copy has ended already;
// [CopyIDMismatch] if another copy is under way.
//
// REST: Abort Copy Blob.
func (c *Copy) Abort(ctx context.Context, o *AbortCopyOptions) (AbortCopyResult, error) {
	if err := c.check(ctx, rest.AbortCopyBlob); err != nil {
		return AbortCopyResult{}, err
	}
	required := struct {
		ID string `query:"copyid"`
	}{c.id}
	return resolved[AbortCopyResult](ctx, &c.b.handle, rest.AbortCopyBlob, c.aborted, required, o)
}

// aborted is the look of Abort: a copy that ended otherwise was not aborted.
func (c *Copy) aborted(ctx context.Context, d *doubt) (ResponseInfo, link.Outcome, error) {
	s, err := call[copyState](ctx, &c.b.handle, rest.GetBlobProperties, nil, &d.call)
	switch {
	case err != nil || s.CopyID != c.id || s.Status == CopyPending:
		return ResponseInfo{}, link.Unclear, err
	case s.Status != CopyAborted:
		return ResponseInfo{}, link.NotApplied, nil
	}
	return s.ResponseInfo, link.Applied, nil
}

// check refuses what cannot be a copy. A snapshot is no destination, although
// its properties could be asked for.
func (c *Copy) check(ctx context.Context, op *wire.Operation) error {
	if c.b == nil {
		return (&handle{}).check(ctx, op)
	}
	if err := c.b.plain(ctx, rest.CopyBlob); err != nil {
		return err
	}
	if c.id == "" {
		return c.b.refuse(op, errors.New("the id of the copy is empty"))
	}
	return nil
}

// CopyFromURLOptions are the options of [BlobClient.CopyFromURL].
type CopyFromURLOptions struct {
	CallOptions
	Metadata Metadata   `header:"x-ms-meta-*"`      // default that of the source
	Tags     Tags       `header:"x-ms-tags,form"`   // with CopySourceTagsCopy there can be none
	Tier     AccessTier `header:"x-ms-access-tier"` // default that of the account

	// CopyTags says whose tags the copy gets. Those of the source need the right
	// to read them.
	CopyTags CopySourceTags `header:"x-ms-copy-source-tag-option"`

	Conditions       Conditions       // on the destination, with the lease that the caller holds on it
	SourceConditions SourceConditions // on the source
	SourceAccess     SourceAccess     // how the service reads the source; the zero value for one that its URL gives access to
	SourceMD5        []byte           // 16 bytes; content with another MD5 is not taken

	Immutability Immutability
	LegalHold    bool `header:"x-ms-legal-hold"` // nobody can change or delete the blob until it is lifted
}

// CopyFromURLResult is the result of [BlobClient.CopyFromURL].
type CopyFromURLResult struct {
	CopyResult
	ContentMD5      []byte `response:"Content-MD5"`           // of the content, if the service computed it
	ContentCRC64    []byte `response:"x-ms-content-crc64"`    // of the content, if the service computed it
	EncryptionScope string `response:"x-ms-encryption-scope"` // which scope encrypts the copy
}

// CopyFromURL has the service copy a block blob of up to 256 MiB to this blob,
// which is replaced, before it answers. Nothing of the content passes through
// the caller. [BlobClient.CopyFrom] copies blobs of any size, and has no need of
// a URL; [BlobClient.StartCopy] copies blobs of all types.
//
// The source is a URL that is public, or holds a shared access signature, or is
// one that SourceAccess lets the service read.
//
// The copy has the properties of the source. It cannot be encrypted with a
// customer key.
//
// Errors: [CannotVerifyCopySource] if the service cannot read the source;
// [SourceConditionNotMet]; [MD5Mismatch]; [BlobAlreadyExists] and
// [ConditionNotMet].
//
// REST: Copy Blob From URL.
func (b *BlobClient) CopyFromURL(ctx context.Context, sourceURL string, o *CopyFromURLOptions) (CopyFromURLResult, error) {
	if o == nil {
		o = &CopyFromURLOptions{}
	}
	op := rest.CopyBlobFromURL
	sum := SourceChecksum{MD5: o.SourceMD5}
	if err := b.plain(ctx, op, sum, o); err != nil {
		return CopyFromURLResult{}, err
	}
	if o.CopyTags == CopySourceTagsCopy && len(o.Tags) > 0 {
		return CopyFromURLResult{}, b.refuseAs(op, BothUserTagsAndSourceTagsCopyPresentException, errors.New("the tags of the source cannot be copied when there are others"))
	}
	source, err := b.source(ctx, op, sourceURL, o.SourceAccess, CustomerKey{})
	if err != nil {
		return CopyFromURLResult{}, err
	}
	return resolved[CopyFromURLResult](ctx, &b.handle, op, written(copied(sourceURL)), source, sum, o)
}
