package azureblob

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/rest"
)

// Reader reads the content of a blob in order, and asks for what comes next
// while what came is being read. It can be read at any place as well.
//
// All it returns comes from one state of the blob: if the blob is changed in
// between, reads fail with [ErrBlobModified]. Connections that break off are
// taken up where they stopped; nothing is to be seen of it.
//
// ReadAt can be used from several goroutines, also beside the others, and each
// call is at least one request. Read, Seek and WriteTo are for one goroutine at
// a time.
type Reader struct {
	d      *download
	reader *engine.Reader

	end     func(error) // of its span
	trouble atomic.Pointer[error]
}

var (
	_ io.ReadSeekCloser = (*Reader)(nil)
	_ io.ReaderAt       = (*Reader)(nil)
	_ io.WriterTo       = (*Reader)(nil)
)

// NewReader opens the blob, or the range of it in the options, for reading. The
// first request is sent now, so a blob that is not there is an error now. The
// context is that of all reads. The reader has to be closed: until then it holds
// connections, goroutines, and blocks of the memory budget.
//
//	r, err := blob.NewReader(ctx, nil)
//	if err != nil {
//		return err
//	}
//	defer r.Close()
//	_, err = io.Copy(os.Stdout, r)
//
// Errors: [BlobNotFound], which is fs.ErrNotExist; [InvalidRange] if the range
// begins past the end; [BlobArchived].
//
// REST: Get Blob.
func (b *BlobClient) NewReader(ctx context.Context, o *DownloadOptions) (*Reader, error) {
	ctx, end := b.begin(ctx, "Reader")
	r, err := b.newReader(ctx, o)
	if err != nil {
		end(err)
		return nil, err
	}
	r.end = end
	return r, nil
}

func (b *BlobClient) newReader(ctx context.Context, o *DownloadOptions) (*Reader, error) {
	d, err := b.newDownload(ctx, o, defaultWindowSize)
	if err != nil {
		return nil, err
	}
	first, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	d.result.Size = first.Size
	return &Reader{d: d, reader: engine.NewReader(ctx, first, d.get, d.config())}, nil
}

// Read reads the next bytes. At the end it returns io.EOF.
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.reader.Read(p)
	return n, r.failed(err)
}

// ReadAt reads len(p) bytes at an offset from the start of what was opened, in
// several requests at a time if there are many. It returns io.EOF if there are
// fewer. Each call is at least one request and nothing is kept, so for code that
// reads many small pieces, as archive/zip does, ReadAll and a bytes.Reader are
// faster by far, or a cache between the two.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.reader.ReadAt(p, off)
	return n, r.failed(err)
}

// Seek sets the place of the next Read. It sends nothing by itself.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	n, err := r.reader.Seek(offset, whence)
	return n, r.failed(err)
}

// WriteTo writes what is left to w, without a buffer between. io.Copy calls it.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	n, err := r.reader.WriteTo(w)
	return n, r.failed(err)
}

// Close gives up the requests under way. Reads after it fail with fs.ErrClosed.
func (r *Reader) Close() error {
	err := r.failed(r.reader.Close())
	if first := r.trouble.Load(); first != nil {
		r.end(*first)
	} else {
		r.end(nil)
	}
	return err
}

// Size returns the number of bytes that can be read in all.
func (r *Reader) Size() int64 { return r.reader.Size() }

// Result returns the properties and metadata of the blob that is being read.
func (r *Reader) Result() DownloadResult { return r.d.result }

func (r *Reader) failed(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	err = r.d.b.local(rest.GetBlob, err)
	r.trouble.CompareAndSwap(nil, &err)
	return err
}
