package azureblob

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// UploadOptions are the options of [BlobClient.Upload], [BlobClient.UploadFile]
// and [BlobClient.NewWriter].
type UploadOptions struct {
	CallOptions
	HTTPHeaders HTTPHeaders
	Metadata    Metadata   `header:"x-ms-meta-*"`
	Tags        Tags       `header:"x-ms-tags,form"`
	Tier        AccessTier `header:"x-ms-access-tier"` // default that of the account

	// Conditions are checked when the blob is made visible, and the lease with
	// every block as well. Conditions{IfNoneMatch: azcore.ETagAny} never
	// overwrites a blob. If an answer gets lost, a blob of one request that is just
	// as it was to be is taken for the upload's own: see [RetryOptions]. Before more than one block is sent they are looked at
	// once, so that an upload that cannot succeed does not send everything.
	Conditions Conditions

	Immutability Immutability
	LegalHold    bool `header:"x-ms-legal-hold"` // nobody can change or delete the blob until it is lifted

	// Validate has the service check a CRC64 of all that is sent. It is computed
	// by vector instructions, so it costs little. Blocks go as structured messages,
	// which emulators do not know: there, content of more than one block is an error
	// before anything is to be seen of it.
	Validate bool

	// BlockSize is the size in bytes of the blocks that the content is sent in,
	// at most 4,000 MiB. Content of up to one block is sent in one request.
	// Default 8 MiB, and more for content of known size that would not fit into
	// the 50,000 blocks that a blob can have. Where the size is not known, blocks
	// grow with the position: by default from the first one on, up to a sixteenth
	// of the memory budget; blocks of a given size, or of that sixteenth, grow
	// after the first 5,000 of them, so that a stream of any length fits.
	BlockSize int64

	// Concurrency is how many blocks are under way at a time. Default
	// [ClientOptions.Concurrency]; at most 1,000.
	Concurrency int

	// Progress is told how many bytes have been sent: at most every 100 ms and
	// once at the end, never less than before, and never from two goroutines at
	// a time. It should return soon, and must not call the transfer that it is
	// of; to give that up, cancel its context.
	Progress func(done int64)
}

func (o *UploadOptions) check() error { return checkTransfer(o.BlockSize, o.Concurrency) }

// UploadResult is the result of an upload.
type UploadResult struct {
	ResponseInfo
	WriteInfo
	ContentMD5   []byte `response:"Content-MD5"`        // of the content, if it was sent in one request
	ContentCRC64 []byte `response:"x-ms-content-crc64"` // of the content, if it was sent in one request
	Size         int64  // bytes of content
}

// Upload makes a block blob of all that source has from where it stands to its
// end, and replaces what has the name, unless the conditions forbid that. The
// blob changes in one moment, when everything is there: a failed upload leaves
// the old blob, or none.
//
// A source that is a file, or is an io.ReaderAt and an io.Seeker like a
// bytes.Reader, is read by several requests at a time, without a buffer, and is
// left at its end if the upload succeeds. Any other source is read in order,
// into blocks that count against [ClientOptions.MemoryBudget]; its length need
// not be known. A source that blocks in Read when the context is cancelled is
// left alone: Upload returns, and that Read ends when it ends.
//
// After an error no more than the requests under way are finished, and no more
// is read from the source.
//
// Errors: those of the source; [BlobAlreadyExists] and [ConditionNotMet] for
// conditions that are not met; [LeaseIDMissing]; [InvalidBlobOrBlock] if another
// client left uncommitted blocks of the same blob with ids of another form.
//
// REST: Put Blob, or Put Block and Put Block List.
func (b *BlobClient) Upload(ctx context.Context, source io.Reader, o *UploadOptions) (UploadResult, error) {
	ctx, end := b.begin(ctx, "Upload")
	r, err := b.upload(ctx, source, o)
	end(err)
	return r, err
}

func (b *BlobClient) upload(ctx context.Context, source io.Reader, o *UploadOptions) (UploadResult, error) {
	if isNil(source) {
		return UploadResult{}, b.refuse(rest.PutBlob, errors.New("the source is nil"))
	}
	up, err := b.newUpload(ctx, rest.PutBlob, o)
	if err != nil {
		return UploadResult{}, err
	}
	up.result.Size, err = uploadAll(ctx, source, up.target(), up.config())
	return up.finish(err)
}

// uploadAll uploads all of a source, without a copy if it can be read at any
// place, and tells how many bytes that was.
func uploadAll(ctx context.Context, source io.Reader, target engine.Target, c engine.Config) (int64, error) {
	s, ok, err := seekable(source)
	if err != nil {
		return 0, err
	}
	if !ok {
		return engine.Upload(ctx, target, source, c)
	}
	if err := engine.UploadAt(ctx, target, s.at, s.offset, s.size, c); err != nil {
		return 0, err
	}
	return s.size, s.consume()
}

// UploadFile is [BlobClient.Upload] of the file with that name. Errors of the
// file are those of package os, and fs.ErrNotExist is one of them: to know that
// the container is missing, ask for [ContainerNotFound].
//
// REST: Put Blob, or Put Block and Put Block List.
func (b *BlobClient) UploadFile(ctx context.Context, path string, o *UploadOptions) (UploadResult, error) {
	// Opening a pipe would wait for its other end, whatever the context says.
	if info, err := os.Stat(path); err != nil {
		return UploadResult{}, b.local(rest.PutBlob, err)
	} else if !info.Mode().IsRegular() {
		return UploadResult{}, b.refuse(rest.PutBlob, fmt.Errorf("%s is no regular file; use Upload for what is read from it", path))
	}
	f, err := os.Open(path)
	if err != nil {
		return UploadResult{}, b.local(rest.PutBlob, err)
	}
	defer f.Close()
	return b.Upload(ctx, f, o)
}

// upload is one upload on its way: what the engine's functions share.
type upload struct {
	b      *BlobClient
	op     *wire.Operation // what errors name that are not of a request
	o      UploadOptions
	id     [14]byte // makes the block ids of this upload its own
	result UploadResult
	hopes  func() error // see hopeless; asked once
}

func (b *BlobClient) newUpload(ctx context.Context, op *wire.Operation, o *UploadOptions) (*upload, error) {
	up := &upload{b: b, op: op}
	if o != nil {
		up.o = *o
	}
	// What no request could carry is found now and not after the last block.
	if err := b.checkAll(ctx, op, &up.o); err != nil {
		return nil, err
	}
	_, _ = rand.Read(up.id[:]) // it never fails
	up.hopes = askedOnce(func() error { return up.hopeless(ctx) })
	return up, nil
}

// askedOnce has f called once, whoever asks. Those who wait for its answer wait at
// a channel: at a sync.Once, a bubble of testing/synctest would not let time go on.
func askedOnce(f func() error) func() error {
	lock := make(chan struct{}, 1)
	asked := false
	var answer error
	return func() error {
		lock <- struct{}{}
		defer func() { <-lock }()
		if !asked {
			answer, asked = f(), true
		}
		return answer
	}
}

// hopeless asks, before the first of many blocks is sent, whether the conditions
// do not hold already, so that gigabytes are not sent in vain. The commit decides
// all the same; an answer that does not settle it, as for a caller who may only
// write, is no reason to stop.
func (up *upload) hopeless(ctx context.Context) error {
	c := up.o.Conditions
	fresh := c.IfNoneMatch == azcore.ETagAny
	c.IfNoneMatch, c.IfModifiedSince = "", time.Time{} // on reads they mean something else
	if c == (Conditions{}) && !fresh {
		return nil
	}
	p, err := up.b.Properties(ctx, &BlobPropertiesOptions{CallOptions: up.o.CallOptions.atPrimary(), Conditions: c})
	switch {
	case err == nil && fresh:
		e := up.b.errorOf(up.op, nil)
		e.StatusCode, e.Code, e.Message = http.StatusConflict, BlobAlreadyExists, "The blob exists already; nothing was sent."
		e.RequestID, e.ClientRequestID = p.RequestID, p.ClientRequestID
		return e
	case err != nil && infoOf(err).StatusCode == http.StatusPreconditionFailed:
		return err
	}
	return nil
}

func (up *upload) config() engine.Config {
	return up.b.transfer(up.o.BlockSize, up.o.Concurrency, up.o.Progress)
}

// checkTransfer refuses what the engine could not be configured with.
func checkTransfer(blockSize int64, concurrency int) error {
	switch {
	case blockSize < 0 || blockSize > engine.MaxBlockSize:
		return fmt.Errorf("the BlockSize is %d and not 1 to %d", blockSize, int64(engine.MaxBlockSize))
	case concurrency < 0 || concurrency > maxConcurrency:
		return fmt.Errorf("the Concurrency is %d and not 1 to %d", concurrency, maxConcurrency)
	}
	return nil
}

// transfer is the engine's configuration of one transfer.
func (h *handle) transfer(blockSize int64, concurrency int, progress func(int64)) engine.Config {
	if concurrency == 0 {
		concurrency = h.concurrency
	}
	// Who names a block size means it: no more than that goes in one request.
	return engine.Config{Concurrency: concurrency, BlockSize: blockSize, SinglePut: blockSize, Budget: h.budget, Progress: progress}
}

func (up *upload) target() engine.Target {
	return engine.Target{Put: up.put, Stage: up.stage, Commit: up.commit}
}

func (up *upload) put(ctx context.Context, body engine.Body) error {
	// One that does not know structured messages would replace the blob by one.
	var sum Checksum
	if up.o.Validate {
		var err error
		if sum, err = crc64Of(body); err != nil {
			return err
		}
	}
	same := func(f *link.Found) (link.Outcome, error) { return f.Written(body) }
	return up.b.resolve(ctx, rest.PutBlob, &up.result, body, written(same), link.OwnSum{}, sum, &up.o)
}

// blockOptions are the parts of the options that a block takes.
type blockOptions struct {
	CallOptions
	BlockID string `query:"blockid"`
	LeaseID string `header:"x-ms-lease-id"`
}

func (up *upload) stage(ctx context.Context, index int, body engine.Body) error {
	if err := up.hopes(); err != nil {
		return err
	}
	_, err := up.b.send(ctx, rest.PutBlock, nil, body, Checksum{Message: up.o.Validate}, up.blockOptions(index))
	return unseen(err)
}

// unseen is the error of a block that is not to be committed any more: whether the
// service has it makes no difference to the blob.
func unseen(err error) error {
	if e, ok := err.(*Error); ok {
		e.MaybeApplied = false
	}
	return err
}

func (up *upload) blockOptions(index int) *blockOptions {
	return &blockOptions{CallOptions: up.o.CallOptions, BlockID: up.blockID(index), LeaseID: up.o.Conditions.LeaseID}
}

// blockID is the id of a block: the same length for all blocks of a blob, as
// the service demands, and without padding, to be short in the block list.
func (up *upload) blockID(index int) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(up.id[:], uint32(index)))
}

// commit makes the blob. The blocks are looked up among the committed ones as
// well, so that a repetition finds them if the first try did its work.
func (up *upload) commit(ctx context.Context, blocks int) error {
	list := make([]byte, 0, 80+blocks*41)
	list = append(list, `<?xml version="1.0" encoding="utf-8"?><BlockList>`...)
	for i := range blocks {
		list = append(list, "<Latest>"...)
		list = append(list, up.blockID(i)...)
		list = append(list, "</Latest>"...)
	}
	list = append(list, "</BlockList>"...)
	sum := Checksum{CRC64: checksum.Sum(list)}
	same := func(f *link.Found) (link.Outcome, error) { return up.committed(ctx, f, blocks) }
	err := up.b.resolve(ctx, rest.PutBlockList, &up.result, wire.Bytes(list), written(same), link.OwnSum{}, sum, &up.o)
	// These belong to the list and not to the content.
	up.result.ContentMD5, up.result.ContentCRC64 = nil, nil
	return err
}

// committedList is what the blob is made of.
type committedList struct {
	ResponseInfo
	ETag azcore.ETag   `response:"ETag"`
	IDs  []committedID `xml:"CommittedBlocks>Block"`
}

type committedID struct {
	ID string `xml:"Name"`
}

// committed tells whether the blob is made of the blocks of this upload. Their ids
// are nobody else's.
func (up *upload) committed(ctx context.Context, f *link.Found, blocks int) (link.Outcome, error) {
	which := struct {
		Type string `query:"blocklisttype"`
	}{"committed"}
	o := up.o.CallOptions.atPrimary()
	list, err := call[committedList](ctx, &up.b.handle, rest.GetBlockList, nil, which, &o)
	if err != nil || len(list.IDs) != blocks {
		return link.Unclear, err
	}
	for i, id := range list.IDs {
		if id.ID != up.blockID(i) {
			return link.Unclear, nil
		}
	}
	if string(list.ETag) != f.Header.Get("ETag") {
		f.Header = list.Header // it was changed in between
	}
	return link.Applied, nil
}

func (up *upload) finish(err error) (UploadResult, error) {
	switch {
	case err == nil:
		return up.result, nil
	case errors.Is(err, engine.ErrTooManyBlocks):
		return UploadResult{}, up.b.refuseAs(up.op, BlockListTooLong, err)
	}
	return UploadResult{}, up.b.local(up.op, err)
}

// local is the error of a transfer. Those of requests are complete already; the
// others come from the caller's side: a file, a source, a context.
func (h *handle) local(op *wire.Operation, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return h.errorOf(op, err)
}

// seekableSource is a source that can be read at any place.
type seekableSource struct {
	at           io.ReaderAt
	seeker       io.Seeker
	offset, size int64
}

// consume leaves the source at its end, as any reader would be.
func (s seekableSource) consume() error {
	_, err := s.seeker.Seek(s.offset+s.size, io.SeekStart)
	return err
}

// seekable finds out whether a source can be read in parallel, and how much of
// it there is. A [Reader] could be, but each read would be a request, while in
// order it reads ahead. Files that claim to be empty are read in order, for some
// of those, as in /proc, are not. The error is that of a source which cannot be
// brought back to where it stood.
func seekable(source io.Reader) (s seekableSource, ok bool, err error) {
	if s.at, ok = source.(io.ReaderAt); !ok {
		return s, false, nil
	}
	if s.seeker, ok = source.(io.Seeker); !ok {
		return s, false, nil
	}
	switch v := source.(type) {
	case *Reader:
		return s, false, nil
	case *os.File:
		if info, err := v.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
			return s, false, nil
		}
	}
	if s.offset, err = s.seeker.Seek(0, io.SeekCurrent); err != nil {
		return s, false, nil
	}
	end, err := s.seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return s, false, nil
	}
	if _, err = s.seeker.Seek(s.offset, io.SeekStart); err != nil {
		return s, false, fmt.Errorf("rewinding the source: %w", err)
	}
	s.size = max(end-s.offset, 0)
	return s, true, nil
}
