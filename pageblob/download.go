package pageblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// DownloadSparseOptions are the options of [Client.DownloadSparse].
type DownloadSparseOptions struct {
	azureblob.CallOptions

	// Conditions are checked with every request.
	Conditions azureblob.Conditions

	// Concurrency is how many requests are under way at a time. Default
	// [azureblob.ClientOptions.Concurrency]; at most 1,000.
	Concurrency int

	// Progress is told how many bytes have been downloaded: never less than
	// before, and never from two goroutines at a time.
	Progress func(done int64)
}

// DownloadSparseResult is the result of [Client.DownloadSparse].
type DownloadSparseResult struct {
	azureblob.ResponseInfo
	azureblob.BlobInfo
	Received int64 // bytes that were downloaded; all others are zero
}

// DownloadSparse writes the pages of the blob that have content to target, each
// at its offset, in parallel. What lies between is not asked for and not written,
// so target has to be zero there. An *os.File is cut to nothing and then made as
// long as the blob, which leaves holes in it where the file system has such.
//
// All of it comes from one state of the blob, as with
// [azureblob.BlobClient.Download], or is an error. After an error, parts of the
// target may have been written.
//
// Errors: [azureblob.BlobNotFound], which is fs.ErrNotExist;
// [azureblob.ErrBlobModified]; [azureblob.InvalidBlobType] for a blob of another
// type; those of target.
//
// REST: Get Blob Properties, Get Page Ranges and Get Blob.
func (c *Client) DownloadSparse(ctx context.Context, target io.WriterAt, o *DownloadSparseOptions) (DownloadSparseResult, error) {
	ctx, end := link.Begin(ctx, c, "Download")
	r, err := c.downloadSparse(ctx, target, o)
	end(err)
	return r, err
}

func (c *Client) downloadSparse(ctx context.Context, target io.WriterAt, o *DownloadSparseOptions) (DownloadSparseResult, error) {
	d := &sparseDownload{c: c, target: target, turn: make(chan struct{}, 1)}
	if o != nil {
		d.o = *o
	}
	if target == nil || reflect.ValueOf(target).Kind() == reflect.Pointer && reflect.ValueOf(target).IsNil() {
		return DownloadSparseResult{}, link.Refuse(c, rest.GetBlob, errors.New("the target is nil"))
	}
	if err := link.CheckTransfer(c, rest.GetBlob, d.o.Concurrency); err != nil {
		return DownloadSparseResult{}, err
	}
	p, err := c.Properties(ctx, &azureblob.BlobPropertiesOptions{CallOptions: d.o.CallOptions, Conditions: d.o.Conditions})
	if err != nil {
		return DownloadSparseResult{}, err
	}
	if p.BlobType == azureblob.BlockBlob || p.BlobType == azureblob.AppendBlob {
		return DownloadSparseResult{}, link.RefuseAs(c, rest.GetPageRanges, string(azureblob.InvalidBlobType), fmt.Errorf("the blob is a %s and no page blob", p.BlobType))
	}
	d.o.Conditions.IfMatch = p.ETag
	link.Follow(c, &d.o.CallOptions, p.Secondary)
	var ranges []azureblob.Range
	if p.ContentLength > 0 {
		if ranges, err = d.ranges(ctx); err != nil {
			return DownloadSparseResult{}, modified(err)
		}
	}
	if f, ok := target.(*os.File); ok {
		if err := makeHole(f, p.ContentLength); err != nil {
			return DownloadSparseResult{}, link.Local(c, rest.GetBlob, err)
		}
	}
	if err := d.run(ctx, ranges); err != nil {
		return DownloadSparseResult{}, modified(err)
	}
	return DownloadSparseResult{ResponseInfo: p.ResponseInfo, BlobInfo: p.BlobInfo, Received: d.done}, nil
}

// makeHole makes a file of zeros.
func makeHole(f *os.File, size int64) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	return f.Truncate(size)
}

// modified marks the error of a request that found another ETag than the first.
func modified(err error) error {
	if errors.Is(err, azureblob.ConditionNotMet) && !errors.Is(err, azureblob.ErrBlobModified) {
		return fmt.Errorf("%w: %w", err, azureblob.ErrBlobModified)
	}
	return err
}

// sparseDownload is one download on its way.
type sparseDownload struct {
	c      *Client
	o      DownloadSparseOptions
	target io.WriterAt

	turn chan struct{} // to tell of progress; a callback may take its time, which no mutex is for
	done int64
}

// ranges are what is to be downloaded: the ranges of the blob, joined where there
// is little between them.
func (d *sparseDownload) ranges(ctx context.Context) ([]azureblob.Range, error) {
	var all []azureblob.Range
	conditions := d.o.Conditions
	for r, err := range d.c.Ranges(ctx, &RangesOptions{CallOptions: d.o.CallOptions, Conditions: conditions}) {
		if err != nil {
			return nil, err
		}
		next := r.Range()
		if n := len(all) - 1; n >= 0 && next.Offset-(all[n].Offset+all[n].Count) <= smallGap {
			all[n].Count = next.Offset + next.Count - all[n].Offset
			continue
		}
		all = append(all, next)
	}
	return all, nil
}

// run downloads ranges side by side. Few ranges are themselves downloaded in
// several requests at a time.
func (d *sparseDownload) run(ctx context.Context, ranges []azureblob.Range) error {
	if len(ranges) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	at := link.Transfer(d.c, 0, d.o.Concurrency, nil).Concurrency
	workers := min(len(ranges), at)
	each := max(at/workers, 1)
	var (
		wg     sync.WaitGroup
		next   atomic.Int64
		failed atomic.Bool
		first  error
	)
	for range workers {
		wg.Go(func() {
			for !failed.Load() {
				i := next.Add(1) - 1
				if i >= int64(len(ranges)) {
					return
				}
				if err := d.fetch(ctx, ranges[i], each); err != nil {
					if !failed.Swap(true) {
						first = err
						cancel()
					}
					return
				}
			}
		})
	}
	wg.Wait()
	return first
}

func (d *sparseDownload) fetch(ctx context.Context, r azureblob.Range, concurrency int) error {
	before := int64(0)
	_, err := d.c.Download(ctx, io.NewOffsetWriter(d.target, r.Offset), &azureblob.DownloadOptions{
		CallOptions: d.o.CallOptions, Conditions: d.o.Conditions, Range: r, Concurrency: concurrency,
		Progress: func(done int64) {
			d.turn <- struct{}{}
			defer func() { <-d.turn }()
			d.done += done - before
			before = done
			if d.o.Progress != nil {
				d.o.Progress(d.done)
			}
		},
	})
	return err
}
