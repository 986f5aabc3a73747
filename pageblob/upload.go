package pageblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// UploadOptions are the options of [Client.Upload].
type UploadOptions struct {
	CreateOptions

	// Size is the length in bytes of a source that does not know its own, a
	// multiple of [PageSize]. It is not needed for files and the like.
	Size int64

	// Concurrency is how many requests are under way at a time. Default
	// [azureblob.ClientOptions.Concurrency]; at most 1,000.
	Concurrency int

	// Progress is told how many bytes of the source have been dealt with, zeros
	// that were not sent included: at most every 100 ms and once at the end, never
	// less than before, and never from two goroutines at a time.
	Progress func(done int64)
}

// UploadResult is the result of [Client.Upload].
type UploadResult struct {
	CreateResult
	Size int64 // bytes of content
	Sent int64 // bytes of it that were not zero, and were sent
}

// Upload makes a page blob of all that source has from where it stands to its
// end, in parallel. Pages that are zero are not sent: a disk image of a terabyte
// with a gigabyte of content is an upload of a gigabyte. The length of the source
// has to be a multiple of [PageSize].
//
// A source that is a file, or is an io.ReaderAt and an io.Seeker, is read without
// a buffer. Of any other one the size has to be given in the options; its blocks
// count against [azureblob.ClientOptions.MemoryBudget].
//
// Unlike a block blob, a page blob does not change in one moment: the blob is
// created first, with the conditions of the options, and then written to. A
// failed upload leaves a blob of which some pages are missing; a lease keeps
// others away from it meanwhile. ETag and LastModified of the result are those of
// the creation.
//
// Errors: those of the source; [azureblob.BlobAlreadyExists] and
// [azureblob.ConditionNotMet] for conditions that are not met;
// [azureblob.LeaseIDMissing].
//
// REST: Put Blob and Put Page.
func (c *Client) Upload(ctx context.Context, source io.Reader, o *UploadOptions) (UploadResult, error) {
	ctx, end := link.Begin(ctx, c, "Upload")
	r, err := c.upload(ctx, source, o)
	end(err)
	return r, err
}

func (c *Client) upload(ctx context.Context, source io.Reader, o *UploadOptions) (UploadResult, error) {
	up := &upload{c: c}
	if o != nil {
		up.o = *o
	}
	if err := link.Check(ctx, c, rest.CreatePageBlob, &up.o.CreateOptions); err != nil {
		return UploadResult{}, err
	}
	if err := link.CheckTransfer(c, rest.CreatePageBlob, up.o.Concurrency); err != nil {
		return UploadResult{}, err
	}
	size, err := up.measure(source)
	if err != nil {
		return UploadResult{}, link.Refuse(c, rest.CreatePageBlob, err)
	}
	if err := checkSize(size); err != nil {
		return UploadResult{}, link.RefuseAs(c, rest.CreatePageBlob, string(azureblob.InvalidHeaderValue), err)
	}
	up.size = size
	if up.result.CreateResult, err = c.Create(ctx, size, &up.o.CreateOptions); err != nil {
		return UploadResult{}, err
	}
	if err := up.run(ctx, source); err != nil {
		return UploadResult{}, link.Local(c, rest.PutPage, err)
	}
	up.result.Size, up.result.Sent = size, up.sent.Load()
	return up.result, nil
}

// upload is one upload on its way.
type upload struct {
	c      *Client
	o      UploadOptions
	size   int64
	sent   atomic.Int64
	result UploadResult
}

// measure finds out how long the source is.
func (up *upload) measure(source io.Reader) (int64, error) {
	size, known, err := link.SizeOf(source)
	switch {
	case err != nil:
		return 0, err
	case !known && up.o.Size == 0:
		return 0, errors.New("the source does not know its size, so UploadOptions.Size has to say it")
	case !known:
		size = up.o.Size
	case up.o.Size != 0 && up.o.Size != size:
		return 0, fmt.Errorf("the source has %d bytes, and UploadOptions.Size says %d", size, up.o.Size)
	}
	return size, nil
}

// run sends the content. Blocks are as large as they need be for there to be no
// more of them than the engine can count.
func (up *upload) run(ctx context.Context, source io.Reader) error {
	block := max(MaxWrite, (up.size/engine.MaxBlocks/MaxWrite+1)*MaxWrite)
	target := engine.Target{
		Put:   up.write,
		Stage: func(ctx context.Context, _ int, body engine.Body) error { return up.write(ctx, body) },
		Commit: func(context.Context, int) error {
			return nil // the pages are in the blob already
		},
	}
	n, err := link.Upload(ctx, source, target, link.Transfer(up.c, block, up.o.Concurrency, up.o.Progress))
	if err != nil {
		return err
	}
	return up.complete(n)
}

func (up *upload) complete(n int64) error {
	if n != up.size {
		return fmt.Errorf("the source ended after %d bytes, and UploadOptions.Size says %d: %w", n, up.size, io.ErrUnexpectedEOF)
	}
	return nil
}

// write sends a block, in requests of what is not zero in it.
func (up *upload) write(ctx context.Context, body engine.Body) error {
	if end := body.Offset() + body.Len(); end > up.size {
		return fmt.Errorf("the source has more than the %d bytes that UploadOptions.Size says", up.size)
	} else if end%PageSize != 0 {
		return up.complete(end) // only the last block can be no whole pages
	}
	return contentOf(body, func(off, n int64) error {
		piece := engine.Part(body, off, n)
		at := rangeHeader{azureblob.Range{Offset: body.Offset() + off, Count: n}}
		lease := azureblob.Conditions{LeaseID: up.o.Conditions.LeaseID}
		if _, err := link.Send(ctx, up.c, rest.PutPage, nil, piece, at, &up.o.CallOptions, lease); err != nil {
			return err
		}
		up.sent.Add(n)
		return nil
	})
}
