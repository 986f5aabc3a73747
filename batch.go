package azureblob

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"

	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// BatchItem is what became of one blob of a batch.
type BatchItem struct {
	ResponseInfo // of the answer for this blob; empty if there was none

	// Blob is the handle, as it was given; nil if an option was refused, or the
	// handle was nil.
	Blob *BlobClient

	Permanent bool `response:"x-ms-delete-type-permanent"` // DeleteBlobs: the blob is gone for good and not only soft-deleted
	Pending   bool // SetBlobTiers: the change was only started, as in [SetTierResult]
}

// DeleteBlobsOptions are the options of the DeleteBlobs methods.
type DeleteBlobsOptions struct {
	CallOptions // of the requests that carry the batches

	// Each are the options that each blob is deleted with. For, if it is set,
	// returns those of a blob in their place; it is called once for each blob, by
	// the goroutine of the loop. OnRequest and OnResponse in them see the part of
	// the batch that is about the blob.
	Each DeleteBlobOptions
	For  func(*BlobClient) DeleteBlobOptions

	// Concurrency is how many batches are under way at a time. Default
	// [ClientOptions.Concurrency]; at most 1,000.
	Concurrency int
}

// DeleteBlobs deletes all blobs, snapshots and versions whose handles an iterator
// yields, and yields what became of each: one item for each handle, with the
// error of that blob beside it, so the loop goes on after an error.
//
//	for item, err := range photos.DeleteBlobs(ctx, slices.Values(old), nil) {
//		if err != nil {
//			log.Print(err) // it names item.Blob
//		}
//	}
//
// Nothing happens before the loop begins. They are sent in batches of up to 256
// blobs and 4 MiB, several at a time, and come back in any order; an error of a
// whole batch is that of each blob in it. Where the loop ends early, batches that
// were sent are cancelled, which does not undo what the service has begun, and
// nothing is left behind. When the context ends, no more handles are taken: the
// one that was taken last has its error.
//
// Handles can come from another client for the same account, but are deleted by
// the credential of this one, and must be in this container. A blob is sent
// again after any error that may pass, as often as [RetryOptions] say; one that an
// earlier try has deleted is no error.
//
// Errors: those of [BlobClient.Delete], for each blob.
//
// REST: Blob Batch.
func (c *ContainerClient) DeleteBlobs(ctx context.Context, blobs iter.Seq[*BlobClient], o *DeleteBlobsOptions) iter.Seq2[*BatchItem, error] {
	return deleteBlobs(&c.handle, rest.SubmitContainerBatch, o).run(ctx, blobs)
}

// DeleteBlobs is [ContainerClient.DeleteBlobs] for blobs of any container of the
// account.
//
// REST: Blob Batch.
func (s *ServiceClient) DeleteBlobs(ctx context.Context, blobs iter.Seq[*BlobClient], o *DeleteBlobsOptions) iter.Seq2[*BatchItem, error] {
	return deleteBlobs(&s.handle, rest.SubmitBatch, o).run(ctx, blobs)
}

func deleteBlobs(h *handle, carrier *wire.Operation, o *DeleteBlobsOptions) *batch {
	if o == nil {
		o = &DeleteBlobsOptions{}
	}
	options := func(b *BlobClient) []any {
		own := o.Each
		if o.For != nil {
			own = o.For(b)
		}
		return own.parts()
	}
	return newBatch(h, carrier, rest.DeleteBlob, o.CallOptions, o.Concurrency, options)
}

// SetBlobTiersOptions are the options of the SetBlobTiers methods.
type SetBlobTiersOptions struct {
	CallOptions // of the requests that carry the batches

	// Each are the options that each blob is moved with. For, if it is set,
	// returns those of a blob in their place; it is called once for each blob, by
	// the goroutine of the loop. OnRequest and OnResponse in them see the part of
	// the batch that is about the blob.
	Each SetTierOptions
	For  func(*BlobClient) SetTierOptions

	// Concurrency is how many batches are under way at a time. Default
	// [ClientOptions.Concurrency]; at most 1,000.
	Concurrency int
}

// SetBlobTiers moves all blobs, snapshots and versions whose handles an iterator
// yields to a tier, in batches, and yields what became of each, as
// [ContainerClient.DeleteBlobs] does. A blob is sent again after any error that
// may pass, as often as [RetryOptions] say, since it can be moved twice.
//
// Errors: those of [BlobClient.SetTier], for each blob.
//
// REST: Blob Batch.
func (c *ContainerClient) SetBlobTiers(ctx context.Context, blobs iter.Seq[*BlobClient], tier AccessTier, o *SetBlobTiersOptions) iter.Seq2[*BatchItem, error] {
	return setBlobTiers(&c.handle, rest.SubmitContainerBatch, tier, o).run(ctx, blobs)
}

// SetBlobTiers is [ContainerClient.SetBlobTiers] for blobs of any container of
// the account.
//
// REST: Blob Batch.
func (s *ServiceClient) SetBlobTiers(ctx context.Context, blobs iter.Seq[*BlobClient], tier AccessTier, o *SetBlobTiersOptions) iter.Seq2[*BatchItem, error] {
	return setBlobTiers(&s.handle, rest.SubmitBatch, tier, o).run(ctx, blobs)
}

func setBlobTiers(h *handle, carrier *wire.Operation, tier AccessTier, o *SetBlobTiersOptions) *batch {
	if o == nil {
		o = &SetBlobTiersOptions{}
	}
	options := func(b *BlobClient) []any {
		own := o.Each
		if o.For != nil {
			own = o.For(b)
		}
		return own.parts(tier)
	}
	b := newBatch(h, carrier, rest.SetBlobTier, o.CallOptions, o.Concurrency, options)
	if tier == "" {
		b.invalid = errNoTier
	}
	return b
}

// batch is something that is done to many blobs.
type batch struct {
	*handle                               // the account or container
	carrier     *wire.Operation           // what carries the parts
	op          *wire.Operation           // what is done to each blob
	call        CallOptions               // of the carrier
	options     func(b *BlobClient) []any // those of a blob, as parts of a call
	concurrency int
	invalid     error // what is wrong with the options
}

// batchPart is what is done to one blob.
type batchPart struct {
	item    *BatchItem
	call    wire.Call
	request *http.Request
	err     error
	again   bool // another try may help, and does no harm
	open    bool // a try may have been carried out
}

// maxBatchParts is how many parts the service takes in a batch.
const maxBatchParts = 256

func newBatch(h *handle, carrier, op *wire.Operation, call CallOptions, concurrency int, options func(*BlobClient) []any) *batch {
	own := *carrier
	own.Retry = op.Retry // a batch may be repeated if what it does may be
	b := &batch{handle: h, carrier: &own, op: op, call: call, options: options, concurrency: concurrency}
	b.invalid = checkTransfer(0, concurrency)
	if concurrency == 0 && h.session != nil {
		b.concurrency = h.session.concurrency
	}
	return b
}

// check refuses what cannot succeed for any blob.
func (b *batch) check(ctx context.Context, blobs iter.Seq[*BlobClient]) error {
	if err := b.checkAll(ctx, b.carrier, &b.call); err != nil {
		return err
	}
	if b.invalid != nil {
		return b.refuse(b.carrier, b.invalid)
	}
	if blobs == nil {
		return b.refuse(b.carrier, errors.New("the iterator of blobs is nil"))
	}
	return nil
}

// run is the loop: it takes blobs, has batches sent by goroutines, and yields
// what they bring back, all in the goroutine of the caller.
func (b *batch) run(ctx context.Context, blobs iter.Seq[*BlobClient]) iter.Seq2[*BatchItem, error] {
	return func(yield func(*BatchItem, error) bool) {
		if err := b.check(ctx, blobs); err != nil {
			yield(&BatchItem{}, err)
			return
		}
		ctx, end := b.begin(ctx, "Batch")
		defer end(nil)
		ctx, cancel := context.WithCancel(ctx)
		next, stop := iter.Pull(blobs)
		defer stop()
		l := &batchLoop{batch: b, ctx: ctx, yield: yield, done: make(chan []*batchPart, b.concurrency)}
		defer func() {
			for cancel(); l.running > 0; l.running-- {
				<-l.done
			}
		}()
		l.drain(l.fill(next))
	}
}

// batchLoop is a loop under way. Nothing of it is used by the goroutines that send
// the batches, but for the channel that they come back through.
type batchLoop struct {
	*batch
	ctx     context.Context
	yield   func(*BatchItem, error) bool
	done    chan []*batchPart
	running int // batches that have not come back
}

// fill takes all blobs, and submits them. It reports false if the caller has left
// the loop.
func (l *batchLoop) fill(next func() (*BlobClient, bool)) bool {
	var parts []*batchPart
	for more := true; more; {
		select {
		case finished := <-l.done:
			if !l.collect(finished) {
				return false
			}
		default:
		}
		var blob *BlobClient
		if blob, more = next(); more {
			p := l.part(l.ctx, blob)
			if p.err == nil {
				parts = append(parts, p)
			} else if !l.yield(p.item, p.err) {
				return false
			}
			more = l.ctx.Err() == nil
		}
		if len(parts) == maxBatchParts || !more && len(parts) > 0 {
			if l.running == l.concurrency && !l.collect(<-l.done) {
				return false
			}
			l.submit(parts)
			parts = nil
		}
	}
	return true
}

func (l *batchLoop) submit(parts []*batchPart) {
	l.running++
	go func() {
		l.deliver(l.ctx, parts)
		l.done <- parts
	}()
}

// collect yields what became of a batch.
func (l *batchLoop) collect(parts []*batchPart) bool {
	l.running--
	for _, p := range parts {
		if !l.yield(p.item, p.err) {
			return false
		}
	}
	return true
}

// drain yields what is still under way.
func (l *batchLoop) drain(more bool) {
	for more && l.running > 0 {
		more = l.collect(<-l.done)
	}
}

// part makes a part of a batch, or finds out why there can be none.
func (b *batch) part(ctx context.Context, blob *BlobClient) *batchPart {
	p := &batchPart{item: &BatchItem{Blob: blob}}
	switch {
	case blob == nil:
		p.err = b.refuse(b.op, errors.New("the handle of a blob is nil"))
	case ctx.Err() != nil:
		p.err = blob.errorOf(b.op, endOf(ctx))
	case blob.session != nil && blob.service != b.service:
		p.err = blob.refuse(b.op, errors.New("the blob is not in the account of the batch"))
	case blob.session != nil && b.container != "" && blob.container != b.container:
		p.err = blob.refuse(b.op, errors.New("the blob is not in the container of the batch"))
	default:
		if p.call, p.err = blob.compose(ctx, b.op, p.item, b.options(blob)...); p.err != nil {
			return p
		}
		if p.request, p.err = p.call.Part(); p.err != nil {
			p.err = blob.failed(b.op, p.err)
		}
	}
	return p
}

// deliver sends parts, and those that failed again if that may help.
func (b *batch) deliver(ctx context.Context, parts []*batchPart) {
	var tally pipeline.Tally
	for {
		b.send(ctx, parts)
		var again []*batchPart
		for _, p := range parts {
			if p.again {
				again = append(again, p)
			}
		}
		if len(again) == 0 {
			b.repeater.Succeeded(&tally)
			return
		}
		err := b.repeater.Again(ctx, b.call.repetitions(), &tally, reasonOf(again), again[0].err)
		if err == nil {
			parts = again
			continue
		}
		if cut, ok := err.(*pipeline.Interrupted); ok {
			for _, p := range again {
				p.err = p.item.Blob.failed(b.op, &pipeline.Interrupted{End: cut.End, Last: p.err})
			}
		}
		return
	}
}

// reasonOf tells why parts are sent again: an answer that broke off leaves some
// without a status.
func reasonOf(parts []*batchPart) pipeline.Reason {
	for _, p := range parts {
		if e, ok := errors.AsType[*Error](p.err); ok && e.StatusCode == 0 {
			return e.reason()
		}
	}
	return pipeline.ReasonStatus
}

// send sends one batch, or two if it is too long for one, and gives each part its
// answer or its error.
func (b *batch) send(ctx context.Context, parts []*batchPart) {
	if len(parts) == 0 {
		return
	}
	requests := make([]*http.Request, len(parts))
	for i, p := range parts {
		*p.item = BatchItem{Blob: p.item.Blob}
		p.err, p.again = nil, false
		requests[i] = p.request
	}
	body := pipeline.NewBatch(requests)
	kind := struct {
		ContentType string `header:"Content-Type"`
	}{body.ContentType()}
	c, err := b.compose(ctx, b.carrier, nil, kind, &b.call)
	var resp *http.Response
	if err == nil {
		c.Body = body
		resp, err = b.do(ctx, &c)
	}
	for _, p := range parts {
		p.open = p.open || c.Open()
	}
	if err == nil {
		b.take(resp, parts)
		return
	}
	if bad, ok := errors.AsType[*pipeline.PartError](err); ok {
		p := parts[bad.Index]
		p.err = p.item.Blob.refuse(b.op, bad.Err)
		b.send(ctx, append(parts[:bad.Index:bad.Index], parts[bad.Index+1:]...))
		return
	}
	if half := len(parts) / 2; errors.Is(err, pipeline.ErrBatchTooLarge) && half > 0 {
		b.send(ctx, parts[:half])
		b.send(ctx, parts[half:])
		return
	}
	for _, p := range parts {
		p.err = b.of(p, err)
		if errors.Is(err, pipeline.ErrBatchTooLarge) {
			p.err = p.item.Blob.refuse(b.op, pipeline.ErrBatchTooLarge)
		}
	}
}

// of is the error of a whole batch as that of a part.
func (b *batch) of(p *batchPart, err error) *Error {
	whole, ok := errors.AsType[*Error](err)
	if !ok {
		return p.item.Blob.errorOf(b.op, err)
	}
	e := *whole
	e.Container, e.Blob = pipeline.Redact(p.item.Blob.container), pipeline.Redact(p.item.Blob.blob)
	link.ErrorMade(&e)
	return &e
}

// take gives each part its answer.
func (b *batch) take(resp *http.Response, parts []*batchPart) {
	defer resp.Body.Close()
	defer io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	answer, err := readBatchAnswer(resp.Header.Get("Content-Type"), resp.Body, len(parts))
	if err == nil {
		err = errors.New("the answer to the batch has no part for this blob")
	}
	err = b.failed(b.carrier, err)
	if w := answer.whole; w != nil {
		w.Request = resp.Request
		if fault := (&wire.Call{Op: b.carrier}).Take(w); fault != nil {
			err = b.failed(b.carrier, fault)
		}
	}
	for i, p := range parts {
		if answer.parts == nil || answer.parts[i] == nil {
			p.err = b.settle(p, b.of(p, err))
			continue
		}
		own := answer.parts[i]
		own.Request = p.request
		if p.err = p.call.Take(own); p.err != nil {
			p.err = b.settle(p, p.item.Blob.failed(b.op, p.err))
		}
		wire.DecodeHeader(own.Header, &p.item.ResponseInfo)
		p.item.setResponse(own, false)
		p.item.Pending = b.op == rest.SetBlobTier && own.StatusCode == http.StatusAccepted
	}
}

// settle finds out what the error of a part means: whether it is sent again, and, by
// the rules of [handle.resolve], whether an earlier try of it has succeeded.
func (b *batch) settle(p *batchPart, e *Error) error {
	switch {
	case pipeline.Overload(e.StatusCode):
		p.again = true
	case e.StatusCode == 0 || pipeline.Passing(e.StatusCode):
		p.open, p.again = true, b.op.Retry != wire.Once
	}
	if p.open && b.op == rest.DeleteBlob && e.Code == BlobNotFound {
		return nil
	}
	e.MaybeApplied = p.open
	return e
}
