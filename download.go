package azureblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/rest"
)

// Range is a part of the content of a blob. The zero Range is all of it.
type Range struct {
	Offset int64 // first byte, from 0
	Count  int64 // number of bytes; 0 for all up to the end. What lies past the end is left out
}

func (r Range) check() error {
	if r.Offset < 0 || r.Count < 0 || r.Offset > math.MaxInt64-r.Count {
		return coded(InvalidHeaderValue, fmt.Errorf("a Range is no range: offset %d, count %d", r.Offset, r.Count))
	}
	return nil
}

// DownloadOptions are the options of [BlobClient.Download],
// [BlobClient.DownloadFile], [BlobClient.ReadAll] and [BlobClient.NewReader].
type DownloadOptions struct {
	CallOptions

	// Conditions are checked with every request.
	Conditions Conditions

	// Range is what to download; the zero Range is all of the blob.
	Range Range

	// Validate has the service send a CRC64 with all content, in segments of 4 MiB,
	// each of which is checked before anything of it is given out: content that was
	// damaged on the way is asked for again, as if the connection had broken. It is
	// an error if the service does not know structured messages, as emulators do not.
	Validate bool

	// BlockSize is the size in bytes of the ranges that the content is asked for
	// in, at most 4,000 MiB. Default 8 MiB, and 4 MiB for a [Reader], which
	// holds several blocks in memory.
	BlockSize int64

	// Concurrency is how many ranges are under way at a time. Default
	// [ClientOptions.Concurrency]; at most 1,000.
	Concurrency int

	// Progress is told how many bytes have been delivered: at most every 100 ms
	// and once at the end, never less than before, and never from two goroutines
	// at a time. It should return soon, and must not call the transfer that it
	// is of; to give that up, cancel its context.
	Progress func(done int64)
}

func (o *DownloadOptions) check() error { return checkTransfer(o.BlockSize, o.Concurrency) }

// DownloadResult is the result of a download. ContentLength is the size of the
// whole blob, whatever range was asked for.
type DownloadResult struct {
	ResponseInfo
	BlobInfo
	Size int64 // bytes delivered
}

// Download writes the content of the blob to target, several ranges at a time
// and in any order, each at its offset from the start of what is downloaded.
//
// All of it comes from one state of the blob: the ETag of the first answer is
// demanded of all others and compared with theirs. Ranges that break off are
// continued where they stopped. After an error, parts of the target may have
// been written.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist; [ErrBlobModified]; [ErrDamaged];
// those of target; [InvalidRange] if the range begins past the end; [BlobArchived].
//
// REST: Get Blob.
func (b *BlobClient) Download(ctx context.Context, target io.WriterAt, o *DownloadOptions) (DownloadResult, error) {
	ctx, end := b.begin(ctx, "Download")
	r, err := b.download(ctx, target, o)
	end(err)
	return r, err
}

func (b *BlobClient) download(ctx context.Context, target io.WriterAt, o *DownloadOptions) (DownloadResult, error) {
	if isNil(target) {
		return DownloadResult{}, b.refuse(rest.GetBlob, errors.New("the target is nil"))
	}
	d, err := b.newDownload(ctx, o, defaultRangeSize)
	if err != nil {
		return DownloadResult{}, err
	}
	first, err := d.open(ctx)
	if err != nil {
		return DownloadResult{}, err
	}
	return d.run(ctx, first, target)
}

// ReadAll returns the content of the blob, or of the range in the options. It is
// Download into memory, with the same errors.
//
// REST: Get Blob.
func (b *BlobClient) ReadAll(ctx context.Context, o *DownloadOptions) ([]byte, error) {
	ctx, end := b.begin(ctx, "Download")
	r, err := b.readAll(ctx, o)
	end(err)
	return r, err
}

func (b *BlobClient) readAll(ctx context.Context, o *DownloadOptions) ([]byte, error) {
	d, err := b.newDownload(ctx, o, defaultRangeSize)
	if err != nil {
		return nil, err
	}
	first, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	if first.Size > math.MaxInt {
		closeBody(first.Body)
		return nil, b.local(rest.GetBlob, fmt.Errorf("%d bytes do not fit into memory", first.Size))
	}
	content := make(engine.Memory, first.Size)
	if _, err := d.run(ctx, first, content); err != nil {
		return nil, err
	}
	return content, nil
}

const (
	defaultRangeSize  = 8 << 20
	defaultWindowSize = 4 << 20
)

// download is one download on its way.
type download struct {
	b       *BlobClient
	o       DownloadOptions
	block   int64
	total   int64 // size of the blob
	result  DownloadResult
	started bool // the ETag is pinned

	segments *engine.Buffers // that wait for their checksums
}

func (b *BlobClient) newDownload(ctx context.Context, o *DownloadOptions, block int64) (*download, error) {
	d := &download{b: b, block: block}
	if o != nil {
		d.o = *o
	}
	if d.o.BlockSize != 0 {
		d.block = d.o.BlockSize
	}
	return d, b.checkAll(ctx, rest.GetBlob, &d.o)
}

func (d *download) config() engine.Config {
	c := d.b.transfer(d.block, d.o.Concurrency, d.o.Progress)
	own, repeater := d.o.repetitions(), d.b.repeater.For(d.b.URL())
	c.Resume = func(ctx context.Context, n int, err error) error { return repeater.Resume(ctx, own, n, err) }
	return c
}

// run moves all that is left after the first answer.
func (d *download) run(ctx context.Context, first engine.First, target io.WriterAt) (DownloadResult, error) {
	n, err := engine.Download(ctx, first, d.get, target, d.config())
	if err != nil {
		return DownloadResult{}, d.b.local(rest.GetBlob, err)
	}
	d.result.Size = n
	return d.result, nil
}

// open sends the first request: it brings the first block as well as all that
// is to be known of the blob. An empty blob has no range to ask for, which the
// service says with 416; it is then asked for as a whole.
func (d *download) open(ctx context.Context) (engine.First, error) {
	d.segments = engine.NewBuffers(d.b.budget)
	want := d.block
	if d.o.Range.Count > 0 {
		want = min(want, d.o.Range.Count)
	}
	body, answer, err := d.request(ctx, d.o.Range.Offset, want)
	if d.o.Range.Offset == 0 && errors.Is(err, InvalidRange) {
		body, answer, err = d.request(ctx, 0, 0)
	}
	if err != nil {
		return engine.First{}, err
	}
	d.total, d.started = answer.total, true
	size := max(d.total-d.o.Range.Offset, 0)
	if d.o.Range.Count > 0 {
		size = min(size, d.o.Range.Count)
	}
	first := engine.First{Body: body, Len: min(answer.length, size), Size: size}
	if first.Len == 0 {
		closeBody(body)
		first.Body = nil
	} else if answer.length > first.Len {
		first.Body = limited(body, first.Len)
	}
	return first, nil
}

// get is the engine's way to the ranges after the first.
func (d *download) get(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	body, answer, err := d.request(ctx, d.o.Range.Offset+off, n)
	if err != nil {
		return nil, err
	}
	if answer.length > n {
		body = limited(body, n)
	}
	return body, nil
}

// rangeHeader asks for a range. The service takes either name of the header; a
// proxy on the way knows only the other one, and would answer for it.
type rangeHeader struct {
	Range string `header:"x-ms-range"`
}

// request asks for the range of n bytes at off of the blob, or for all of it if
// n is 0, and checks that the answer is to that question and of that blob.
func (d *download) request(ctx context.Context, off, n int64) (io.ReadCloser, answer, error) {
	o := d.o
	if d.started {
		o.Conditions.IfMatch = d.result.ETag
		d.b.follow(&o.CallOptions, d.result.Secondary)
		o.elsewhere = engine.TakenUp(ctx)%2 == 1
	}
	var asked rangeHeader
	if n > 0 {
		asked.Range = fmt.Sprintf("bytes=%d-%d", off, off+n-1)
	}
	var r DownloadResult
	resp, err := d.b.send(ctx, rest.GetBlob, &r, nil, asked, Checksum{Message: d.o.Validate}, &o)
	if err != nil {
		if d.started && errors.Is(err, ConditionNotMet) {
			err = modified(err)
		}
		return nil, answer{}, err
	}
	a, err := d.verify(resp.StatusCode, resp.Header.Get("Content-Range"), resp.ContentLength, off, n)
	if err == nil && r.ETag == "" {
		// Nothing could be pinned. The service always has one; a proxy that shows
		// its own page has none.
		err = d.b.local(rest.GetBlob, errors.New("the answer has no ETag, so it is not that of the service"))
	}
	if err == nil && d.started && (r.ETag != d.result.ETag || a.total != d.total) {
		err = modified(d.b.errorOf(rest.GetBlob, fmt.Errorf("the answer has ETag %s and size %d, after %s and %d",
			r.ETag, a.total, d.result.ETag, d.total)))
	}
	if err != nil {
		closeBody(resp.Body)
		return nil, answer{}, err
	}
	if !d.started {
		d.result = r
		d.result.ContentLength = a.total
		if resp.StatusCode == 206 && resp.Header.Get("X-Ms-Blob-Content-Md5") == "" {
			d.result.HTTPHeaders.ContentMD5 = nil // it is that of the range
		}
	}
	if body, ok := resp.Body.(segmented); ok && d.o.Validate {
		resp.Body = &trusted{ctx: ctx, body: body, buffers: engine.Apart(ctx, d.segments), left: a.length}
	}
	return resp.Body, a, nil
}

// modified marks an error as ErrBlobModified and keeps what it is.
func modified(err error) error { return fmt.Errorf("%w: %w", err, ErrBlobModified) }

// answer is what a checked answer holds: how many bytes of a blob of which size.
type answer struct{ length, total int64 }

// verify compares an answer with the question. A range may be cut off at its
// end; the engine asks for the rest. A wrong start would be wrong content.
func (d *download) verify(status int, contentRange string, length, off, n int64) (answer, error) {
	wrong := func(format string, args ...any) (answer, error) {
		return answer{}, d.b.local(rest.GetBlob, fmt.Errorf("the answer does not fit the request: "+format, args...))
	}
	if status == 200 {
		if length < 0 || length > engine.MaxBlocks*engine.MaxBlockSize {
			return wrong("it has no Content-Length, or one that no blob can have: %d", length)
		}
		if off > 0 {
			return wrong("the range %d- was asked for, and all of the blob came", off)
		}
		return answer{length: length, total: length}, nil
	}
	start, end, total, ok := parseContentRange(contentRange)
	switch {
	case !ok || total > engine.MaxBlocks*engine.MaxBlockSize:
		return wrong("its Content-Range is %q", contentRange)
	case start != off || n > 0 && end >= off+n || end >= total || end < start-1:
		return wrong("bytes %d-%d were asked for, and %q came", off, off+n-1, contentRange)
	case length >= 0 && length != end-start+1:
		return wrong("its Content-Range is %q, its Content-Length %d", contentRange, length)
	}
	return answer{length: end - start + 1, total: total}, nil
}

// parseContentRange reads "bytes first-last/total".
func parseContentRange(s string) (start, end, total int64, ok bool) {
	if _, err := fmt.Sscanf(s, "bytes %d-%d/%d", &start, &end, &total); err != nil {
		return 0, 0, 0, false
	}
	return start, end, total, fmt.Sprintf("bytes %d-%d/%d", start, end, total) == s && start >= 0 && total >= 0
}

// limited is the first n bytes of a body.
func limited(body io.ReadCloser, n int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, n), body}
}

func closeBody(body io.ReadCloser) {
	if body != nil {
		_ = body.Close()
	}
}
