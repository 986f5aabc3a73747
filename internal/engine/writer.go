package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
)

// ErrAborted is the error of a Writer after Abort.
var ErrAborted = errors.New("upload aborted")

// Upload uploads what src gives until io.EOF and returns how many bytes that was. A stream that ends
// within its first block is one Put. After an error no blob is made, and src was read no further
// than Concurrency+1 blocks beyond what is staged.
//
// When ctx ends, or a block fails, while src.Read blocks, Upload returns without waiting for it. That
// Read is left to end by itself; what it gives is not used.
func Upload(ctx context.Context, dst Target, src io.Reader, c Config) (n int64, err error) {
	w := NewWriter(ctx, dst, c)
	defer w.Abort() // for a source that panics; it does nothing after Close
	// A failure of ReadFrom is remembered by the Writer, and Close returns it.
	n, _ = w.ReadFrom(src)
	return n, w.Close()
}

// Writer uploads what is written to it. Close makes the blob; Abort, or the end of the context, makes
// none. One of the three must come, since until then the Writer keeps its memory.
//
// Write and ReadFrom must not be called concurrently with each other. Abort may come at any time.
type Writer struct {
	g     *group
	dst   Target
	base  int64 // block size to start from
	soft  int64 // block size held for long
	max   int   // blocks of a blob
	acct  *account
	prog  *progress
	slots chan struct{} // one for each request in flight
	quit  func() bool   // stops the watch over the context

	overlong error // of a stream of more than max blocks; nil for one that names them

	written atomic.Int64

	mu     lock   // held by every call
	cur    *block // being filled
	first  int64  // size of the first block
	index  int    // of cur
	closed bool
	result error // of Close
}

var _ interface {
	io.WriteCloser
	io.ReaderFrom
} = (*Writer)(nil)

// NewWriter starts an upload of unknown length. An invalid Config is told by the first call.
func NewWriter(ctx context.Context, dst Target, c Config) *Writer {
	c, err := c.normal()
	w := &Writer{g: newGroup(ctx), dst: dst, max: MaxBlocks, prog: newProgress(c.Progress), mu: newLock()}
	if err == nil && c.BlockSize > MaxBlockSize {
		_, err = knownBlock(0, c.BlockSize)
	}
	if err != nil {
		w.g.fail(err)
		w.quit = func() bool { return true }
		return w
	}
	w.acct = c.Budget.open()
	w.slots = make(chan struct{}, c.Concurrency)
	w.base = c.BlockSize
	if w.base == 0 {
		w.base = defaultBlock
	}
	w.soft = softBlock(w.base, c.Budget.Limit())
	// The first block is what may become a single Put: as large as asked for, within its share.
	w.first = max(w.base, min(c.SinglePut, w.soft))
	if c.BlockSize > 0 {
		w.soft = w.base // who names a size gets it, as long as there are blocks enough
	}
	w.quit = context.AfterFunc(ctx, w.forget)
	return w
}

// forget gives the memory back when the context ends, because ending it is a way to abort and Close
// may never come.
func (w *Writer) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dropCurrent()
}

func (w *Writer) dropCurrent() {
	if w.cur != nil {
		w.cur.drop()
		w.cur = nil
	}
}

// Written is how many bytes were taken in so far. It may be called at any time.
func (w *Writer) Written() int64 { return w.written.Load() }

// Write takes p in, waiting for memory and for requests to end if it must. After a block has failed
// it returns that error.
func (w *Writer) Write(p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return 0, err
	}
	for n < len(p) {
		room, err := w.room()
		if err != nil {
			return n, err
		}
		c := copy(room, p[n:])
		w.took(c)
		n += c
		if err := w.flush(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// ReadFrom takes in what src gives until io.EOF. An error of src is a failure of the upload: Close
// returns it and makes no blob, since half a source is no blob.
//
// If src.Read blocks when the upload stops, ReadFrom returns and leaves that Read to end by itself.
func (w *Writer) ReadFrom(src io.Reader) (n int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return 0, err
	}
	from := &source{r: src}
	for {
		got, err := w.readBlock(from)
		n += got
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// readBlock fills the current block from src and hands it on. It returns io.EOF when src has ended,
// and otherwise the error that stopped the upload.
func (w *Writer) readBlock(src *source) (n int64, err error) {
	probe := make([]byte, 0, 1)
	if w.mustProbe() {
		p := probe[:1]
		if _, err := w.await(nil, func() (int64, error) { _, err := src.Read(p); return 0, err }); err != nil {
			return 0, err
		}
		probe = p
	}
	room, err := w.room()
	if err != nil {
		return 0, err
	}
	w.took(copy(room, probe))
	b := w.cur
	n, err = w.await(b, func() (int64, error) { return w.fill(b, src) })
	w.written.Add(n)
	n += int64(len(probe))
	if err != nil {
		return n, err
	}
	return n, w.flush()
}

// mustProbe tells whether another byte decides what happens with what is there already: whether a full
// first block is all, and thus one Put, or whether the stream is too long. The byte is read aside,
// because waiting for the memory of a block would be waiting for what this upload itself holds.
func (w *Writer) mustProbe() bool {
	return w.cur != nil && w.cur.full() || w.index >= w.max
}

// source reads the caller's reader, and gives an error that comes with bytes only after them.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := readSome(s.r, p)
	s.err = err
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// fill reads src into b until it is full.
func (w *Writer) fill(b *block, src *source) (n int64, err error) {
	for !b.full() {
		if err := w.g.ctx.Err(); err != nil {
			return n, err
		}
		c, err := src.Read(b.tail())
		if err != nil {
			return n, err
		}
		b.advance(c)
		n += int64(c)
	}
	return n, nil
}

// await runs read, which reads the caller's source, in a goroutine of its own, so that a source that
// blocks cannot keep the upload from stopping. If it does block, b is its own until it ends. An error
// of read other than io.EOF is a failure of the upload.
func (w *Writer) await(b *block, read func() (int64, error)) (int64, error) {
	var result struct {
		n       int64
		err     error
		panicky any
	}
	done := make(chan struct{})
	if b != nil {
		b.hold()
	}
	go func() {
		defer close(done)
		if b != nil {
			defer b.drop()
		}
		defer func() { result.panicky = recover() }()
		result.n, result.err = read()
	}()
	select {
	case <-done:
		if result.panicky != nil {
			panic(result.panicky) // where the caller can recover it, as from io.Copy
		}
	case <-w.g.ctx.Done():
		linger(done)
		w.dropCurrent()
		return 0, w.g.stopped()
	}
	if result.err == nil || result.err == io.EOF {
		return result.n, result.err
	}
	if w.g.stopped() == nil {
		w.g.fail(fmt.Errorf("reading the source: %w", result.err))
	}
	return result.n, w.g.stopped()
}

// usable tells why nothing can be written any more.
func (w *Writer) usable() error {
	switch {
	case !w.closed:
		return w.g.stopped()
	case w.result != nil:
		return w.result
	}
	return fmt.Errorf("write to a closed upload: %w", fs.ErrClosed)
}

func (w *Writer) took(n int) {
	w.cur.advance(n)
	w.written.Add(int64(n))
}

// room is free memory for the next byte, which is known to come. It hands on a full block.
func (w *Writer) room() ([]byte, error) {
	if w.cur != nil {
		if tail := w.cur.tail(); tail != nil {
			return tail, nil
		}
		if w.index+1 < w.max {
			if err := w.hand(); err != nil {
				return nil, err
			}
		}
	}
	if err := w.g.stopped(); err != nil {
		return nil, err
	}
	if w.cur != nil || w.index >= w.max {
		w.g.fail(w.tooLong())
		return nil, w.g.first()
	}
	if w.index == 0 {
		w.cur = newFirstBlock(w.acct, w.prog, w.first)
		return w.cur.tail(), nil
	}
	size := nextBlock(w.index, w.base, w.soft)
	if err := w.acct.acquire(w.g.ctx, cost(size)); err != nil {
		return nil, w.g.stopped()
	}
	w.cur = newBlock(w.acct, w.prog, size)
	w.cur.off = w.Written()
	return w.cur.tail(), nil
}

func (w *Writer) tooLong() error {
	if w.overlong != nil {
		return w.overlong
	}
	return fmt.Errorf("the stream is longer than %d blocks, %d bytes so far", w.max, w.Written())
}

// flush hands on a full block at once, except the first, which may be all.
func (w *Writer) flush() error {
	if w.index == 0 || !w.cur.full() {
		return nil
	}
	return w.hand()
}

// hand gives the current block to a worker, as soon as one may start.
func (w *Writer) hand() error {
	select {
	case w.slots <- struct{}{}:
	case <-w.g.ctx.Done():
	}
	if err := w.g.stopped(); err != nil {
		return err
	}
	b, i := w.cur, w.index
	w.cur = nil
	w.index++
	b.settle()
	w.g.run(func() error {
		// The failure is recorded before the slot is free, so that it starts nothing more.
		w.g.fail(w.dst.Stage(w.g.ctx, i, b))
		b.drop()
		<-w.slots
		return nil
	})
	return nil
}

// Close sends what is left, waits for all blocks and makes the blob. After a failure it makes none
// and returns the first error. Closing again returns the same.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		w.result = w.complete()
		w.end()
	}
	return w.result
}

// complete makes the blob of what was written.
func (w *Writer) complete() error {
	if err := w.g.stopped(); err != nil {
		w.g.fail(err)
		return w.g.wait()
	}
	if w.index == 0 {
		b := w.cur
		if b == nil {
			b = newFirstBlock(w.acct, w.prog, 0)
		}
		w.cur = nil
		b.settle()
		defer b.drop()
		return w.last(w.dst.Put(w.g.ctx, b))
	}
	if w.cur != nil && w.cur.n > 0 {
		w.g.fail(w.hand())
	}
	w.g.wg.Wait()
	if err := w.g.stopped(); err != nil {
		w.g.fail(err)
		return w.g.first()
	}
	return w.last(w.dst.Commit(w.g.ctx, w.index))
}

// last judges the request that makes the blob: if it went well there is a blob, whatever came meanwhile.
func (w *Writer) last(err error) error {
	if err == nil {
		return nil
	}
	w.g.fail(err)
	return w.g.first()
}

// end gives back what the upload holds, after its workers have ended.
func (w *Writer) end() {
	w.quit()
	w.g.cancel()
	w.dropCurrent()
	w.prog.finish()
}

// Abort stops the upload and waits for its workers. No blob is made, and Close returns ErrAborted.
// Abort after Close does nothing.
func (w *Writer) Abort() {
	w.g.fail(ErrAborted) // ends a Write or Close under way
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	w.result = w.g.wait()
	w.end()
}
