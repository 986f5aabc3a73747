package appendblob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// WriterOptions are the options of [Client.NewWriter].
type WriterOptions struct {
	azureblob.CallOptions

	// Create makes the blob if there is none, with these options. Without it the
	// blob has to be there.
	Create *CreateOptions

	// BlockSize is how many bytes are gathered before they are sent, at most
	// 100 MiB. Default 4 MiB. A blob has at most 50,000 blocks, and each Flush
	// makes one of what there is.
	BlockSize int64

	// MaxSize is the number of bytes that the blob may have: an append that would
	// give it more fails with [azureblob.MaxBlobSizeConditionNotMet].
	MaxSize *int64

	IfTags  azureblob.TagFilter // expression over the tags of the blob that must be true
	LeaseID string              // the lease that the caller holds; it keeps others from writing
}

// WriterResult is how the blob of a [Writer] stands after what it has appended.
type WriterResult struct {
	Position     int64       // bytes in the blob
	BlockCount   int         // blocks in the blob, of at most 50,000
	ETag         azcore.ETag // of the blob
	LastModified time.Time   // of the blob
}

// Writer appends what is written to it, each byte exactly once: it knows where in
// the blob its next block belongs, and after a failure that leaves it open whether
// a block was appended it looks whether it is there. A Writer is for one goroutine
// at a time, and there has to be one Writer of a blob at a time; what another
// client appends is found out and is a [*ConflictError]. Only if an answer got lost
// and the other one appended the very same bytes in that place, they are taken for the
// Writer's own.
type Writer struct {
	c   *Client
	ctx context.Context
	o   WriterOptions

	at       WriterResult
	next     *engine.Buffer // of the next block; nil while there is nothing
	sum      uint64         // CRC64 of what is in it
	sent     bool           // it was sent and its fate is not known, so it must stay as it is
	conflict error
	closed   bool
	end      func(error) // of its span
}

var (
	_ io.WriteCloser = (*Writer)(nil)
	_ io.ReaderFrom  = (*Writer)(nil)
)

// ConflictError is the error of a [Writer] that found the blob changed by somebody
// else. It is final. All that the Writer appended before is at its place, and
// nothing of what it still holds is in the blob.
type ConflictError struct {
	Position int64 // where the next block of the Writer belonged
	Size     int64 // bytes that the blob has; -1 if that could not be found out

	err error
}

// Error tells what the writer and the blob have.
func (e *ConflictError) Error() string {
	has := fmt.Sprintf("it has %d bytes", e.Size)
	if e.Size < 0 {
		has = "its size is not known"
	}
	return fmt.Sprintf("%v: somebody else wrote to the blob: %s, and the writer had come to %d", e.err, has, e.Position)
}

// Unwrap returns the error of the request that found it out.
func (e *ConflictError) Unwrap() error { return e.err }

// Is reports whether target is [azureblob.AppendPositionConditionNotMet].
func (e *ConflictError) Is(target error) bool {
	return target == azureblob.AppendPositionConditionNotMet
}

const defaultBlock = 4 << 20

// NewWriter returns a writer that appends to the blob, from its end on. It asks for
// the size of the blob, so the caller needs the right to read it. The context is that
// of all that the writer sends: when it has ended, Close sends nothing any more.
//
// What is written is gathered into blocks of [WriterOptions.BlockSize]. A Write that
// fits into a block is never cut: readers of the blob see all of it or nothing.
// Flush sends what there is. The writer has to be closed, and the error of Close
// looked at: only then is everything in the blob.
//
//	w, err := blob.NewWriter(ctx, &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}})
//	if err != nil {
//		return err
//	}
//	if err := json.NewEncoder(w).Encode(v); err != nil {
//		w.Close()
//		return err
//	}
//	return w.Close()
//
// Errors: [azureblob.BlobNotFound] if there is no blob and it is not to be created;
// [azureblob.InvalidBlobType] if it is no append blob; [azureblob.BlobIsSealed].
//
// REST: Get Blob Properties, Append Block, and Put Blob to create the blob.
func (c *Client) NewWriter(ctx context.Context, o *WriterOptions) (*Writer, error) {
	ctx, end := link.Begin(ctx, c, "Writer")
	w, err := c.newWriter(ctx, o)
	if err != nil {
		end(err)
		return nil, err
	}
	w.end = end
	return w, nil
}

func (c *Client) newWriter(ctx context.Context, o *WriterOptions) (*Writer, error) {
	w := &Writer{c: c, ctx: ctx}
	if o != nil {
		w.o = *o
	}
	op := rest.AppendBlock
	if err := link.Check(ctx, c, op, w.options()); err != nil {
		return nil, err
	}
	if w.o.BlockSize == 0 {
		w.o.BlockSize = defaultBlock
	}
	if w.o.BlockSize < 0 || w.o.BlockSize > maxAppend {
		return nil, link.Refuse(c, op, fmt.Errorf("WriterOptions.BlockSize is %d and not 1 to %d", w.o.BlockSize, int64(maxAppend)))
	}
	if err := c.checkLimits(op, nil, w.o.MaxSize); err != nil {
		return nil, err
	}
	var unclear error // an answer that got lost: the blob may have been created all the same
	if w.o.Create != nil {
		r, err := c.CreateIfNotExists(ctx, w.o.Create)
		switch {
		case err == nil && !r.Existed:
			w.at = WriterResult{ETag: r.ETag, LastModified: r.LastModified}
			return w, nil
		case err != nil && !isOpen(err):
			return nil, err
		}
		unclear = err
	}
	p, err := w.look(ctx)
	if err != nil {
		return nil, cmp.Or(unclear, err)
	}
	switch {
	case p.BlobType != azureblob.AppendBlob:
		return nil, link.RefuseAs(c, op, string(azureblob.InvalidBlobType), fmt.Errorf("the blob is a %s and no append blob", p.BlobType))
	case p.Sealed:
		return nil, link.RefuseAs(c, op, string(azureblob.BlobIsSealed), errors.New("the blob is sealed"))
	}
	w.at = standing(p)
	return w, nil
}

// look asks how the blob stands.
func (w *Writer) look(ctx context.Context) (azureblob.BlobPropertiesResult, error) {
	o := &azureblob.BlobPropertiesOptions{CallOptions: w.o.CallOptions, Conditions: w.conditions()}
	o.LocationMode = new(azureblob.PrimaryOnly) // the other region lags behind
	return w.c.Properties(ctx, o)
}

func standing(p azureblob.BlobPropertiesResult) WriterResult {
	return WriterResult{Position: p.ContentLength, BlockCount: p.CommittedBlockCount, ETag: p.ETag, LastModified: p.LastModified}
}

func (w *Writer) conditions() azureblob.Conditions {
	return azureblob.Conditions{IfTags: w.o.IfTags, LeaseID: w.o.LeaseID}
}

// options are those of the next append.
func (w *Writer) options() *AppendOptions {
	return &AppendOptions{
		CallOptions: w.o.CallOptions, Conditions: w.conditions(), IfPosition: &w.at.Position, MaxSize: w.o.MaxSize,
		Checksum: azureblob.Checksum{CRC64: checksum.AppendCRC64(nil, w.sum)},
	}
}

// Result returns how the blob stands. What was written and not sent yet is not in
// it.
func (w *Writer) Result() WriterResult { return w.at }

// Buffered returns how many bytes were written and are not known to be in the blob
// yet.
func (w *Writer) Buffered() int64 {
	if w.next == nil {
		return 0
	}
	return w.next.Len()
}

// Write takes p up. If it does not fit into the block that is being gathered, that
// is sent first. After an error, n bytes of p were taken up and the rest was not:
// nothing is lost, and unless the error is a [*ConflictError] the Write can go on
// with the rest when its cause is gone.
func (w *Writer) Write(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, w.usable()
	}
	if w.next != nil && int64(len(p)) > w.next.Room() && int64(len(p)) <= w.o.BlockSize {
		if err := w.Flush(); err != nil {
			return 0, err
		}
	}
	for n < len(p) {
		if err := w.ready(); err != nil {
			return n, err
		}
		c, _ := w.next.Write(p[n:]) // a full buffer is no failure
		w.sum = checksum.Update(w.sum, p[n:n+c])
		n += c
	}
	return n, nil
}

// ReadFrom appends all of source. An error of source leaves what came before it
// with the writer, and so does an error of the blob. To find out that a source does
// not end where the blob has all the blocks that it can have, its next byte is read,
// and is lost.
func (w *Writer) ReadFrom(source io.Reader) (n int64, err error) {
	if source == nil {
		return 0, link.Refuse(w.c, rest.AppendBlock, errors.New("the source is nil"))
	}
	summed := &summer{r: source}
	for {
		if err := w.ready(); err != nil {
			if w.usable() == nil && w.isFull() && ended(source) {
				return n, nil
			}
			return n, err
		}
		summed.sum = w.sum
		c, err := w.next.ReadFrom(summed)
		w.sum = summed.sum
		n += c
		if err != nil {
			return n, link.Local(w.c, rest.AppendBlock, fmt.Errorf("reading the source: %w", err))
		}
		if w.next.Room() > 0 {
			w.freeEmpty()
			return n, nil
		}
	}
}

// summer has the checksum of what was read through it.
type summer struct {
	r   io.Reader
	sum uint64
}

func (s *summer) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if n > 0 && n <= len(p) {
		s.sum = checksum.Update(s.sum, p[:n])
	}
	return n, err
}

// ready sees to it that there is a block with room for the next byte.
func (w *Writer) ready() error {
	if err := w.usable(); err != nil {
		return err
	}
	if w.next != nil && (w.sent || w.next.Room() == 0) {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if w.next != nil {
		return nil
	}
	if w.isFull() {
		return link.RefuseAs(w.c, rest.AppendBlock, string(azureblob.BlockCountExceedsLimit),
			fmt.Errorf("the blob has %d blocks, and cannot have more; larger blocks hold more", w.at.BlockCount))
	}
	w.next, w.sum = engine.NewBuffer(link.Transfer(w.c, 0, 0, nil).Budget, w.o.BlockSize), 0
	return nil
}

// isFull reports whether the blob cannot have another block.
func (w *Writer) isFull() bool { return w.next == nil && w.at.BlockCount >= maxBlocks }

// ended reads a byte to find out whether there is another one.
func ended(r io.Reader) bool {
	_, err := io.ReadFull(r, make([]byte, 1))
	return err == io.EOF
}

// usable tells why nothing can be written any more.
func (w *Writer) usable() error {
	switch {
	case w.conflict != nil:
		return w.conflict
	case w.closed:
		return link.Local(w.c, rest.AppendBlock, fmt.Errorf("write to a closed writer: %w", fs.ErrClosed))
	}
	return nil
}

// Close sends what is left and ends the writer. After an error what was left may be
// missing in the blob, and is gone: call Flush before, if that is to be tried
// again. A second Close does nothing.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	err := w.Flush()
	w.closed = true
	w.free()
	w.end(err)
	return err
}

func (w *Writer) free() {
	if w.next != nil {
		w.next.Free()
		w.next = nil
	}
}

// freeEmpty gives a block back that nothing was put into.
func (w *Writer) freeEmpty() {
	if w.next != nil && w.next.Len() == 0 {
		w.free()
	}
}
