package azureblob

import (
	"context"
	"errors"
	"io"

	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/rest"
)

// Writer uploads what is written to it, in blocks, while it is written. Close
// makes the blob; until then nothing is to be seen of it. A Writer is for one
// goroutine at a time.
type Writer struct {
	up     *upload
	writer *engine.Writer
	end    func(error) // of its span
}

// ErrAborted is wrapped by the errors of a [Writer] after [Writer.Abort].
var ErrAborted = engine.ErrAborted

var (
	_ io.WriteCloser = (*Writer)(nil)
	_ io.ReaderFrom  = (*Writer)(nil)
)

// NewWriter returns a writer that makes a block blob of what is written to it.
// Nothing is sent yet, so it is a Write, or Close, that fails if there is no such
// container. It has to be closed, and the error of Close looked at: only then is
// the blob there. To give up instead, call [Writer.Abort] or cancel the context.
//
//	w, err := blob.NewWriter(ctx, nil)
//	if err != nil {
//		return err
//	}
//	defer w.Abort() // does nothing after Close
//	if err := json.NewEncoder(w).Encode(v); err != nil {
//		return err
//	}
//	return w.Close()
//
// REST: Put Blob, or Put Block and Put Block List.
func (b *BlobClient) NewWriter(ctx context.Context, o *UploadOptions) (*Writer, error) {
	ctx, end := b.begin(ctx, "Writer")
	up, err := b.newUpload(ctx, rest.PutBlob, o)
	if err != nil {
		end(err)
		return nil, err
	}
	return &Writer{up: up, writer: engine.NewWriter(ctx, up.target(), up.config()), end: end}, nil
}

// Write takes p up, and waits if the blocks before it are still being sent. An
// error is that of the first request that failed, and is final.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.writer.Write(p)
	return n, w.failed(err)
}

// ReadFrom reads source to its end, straight into blocks. io.Copy calls it. An
// error of source is a failure of the upload: half a source is no blob.
func (w *Writer) ReadFrom(source io.Reader) (int64, error) {
	if isNil(source) {
		return 0, w.up.b.refuse(rest.PutBlob, errors.New("the source is nil"))
	}
	n, err := w.writer.ReadFrom(source)
	return n, w.failed(err)
}

// Close sends what is left and makes the blob. After an error, its own or an
// earlier one, the blob is as it was before, unless [Error.MaybeApplied] says that
// this is not sure.
func (w *Writer) Close() error {
	err := w.writer.Close()
	w.up.result.Size = w.writer.Written()
	err = w.failed(err)
	w.end(err)
	return err
}

// Abort gives the upload up and waits for the requests under way. The blob stays
// as it was; the service forgets the blocks that were sent after a week. Close
// then returns [ErrAborted]. After Close it does nothing.
func (w *Writer) Abort() {
	w.writer.Abort()
	w.end(ErrAborted)
}

// Result returns what the service answered, after a Close without an error.
func (w *Writer) Result() UploadResult { return w.up.result }

func (w *Writer) failed(err error) error {
	if err == nil {
		return nil
	}
	return w.up.b.local(rest.PutBlob, err)
}
