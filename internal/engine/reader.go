package engine

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"sync"
)

// Reader reads a blob in order while it gets what follows in parallel, and at random through ReadAt.
//
// The first answer is read as it streams. Read-ahead begins with the first Read or WriteTo. A Reader
// holds memory and requests until Close, or until its context ends.
//
// Read, WriteTo and Seek move one position and wait for each other; ReadAt and Close may come at any
// time. After Close everything but Size fails with fs.ErrClosed.
type Reader struct {
	parent context.Context
	ctx    context.Context // ends with parent and with Close
	cancel context.CancelFunc
	quit   func() bool // stops the watch over parent
	supply
	size   int64
	block  int64
	slots  int
	budget *Budget
	acct   *account
	prog   *progress
	bad    error // an invalid First or Config

	gate   sync.Mutex
	closed bool           // guarded by gate
	random sync.WaitGroup // the calls of ReadAt

	mu    lock // held by everything below
	pos   int64
	err   error   // of the last Read, until a Seek
	first *stream // the first answer, until it is read or dropped
	ahead *window // nil until the first Read, and after a drop
}

var _ interface {
	io.ReadSeekCloser
	io.ReaderAt
	io.WriterTo
} = (*Reader)(nil)

// NewReader makes a Reader of f.Size bytes. An invalid argument is told by the first call.
func NewReader(ctx context.Context, f First, get Get, c Config) *Reader {
	r := &Reader{parent: ctx, supply: supply{get, c.Resume}, size: f.Size, prog: newProgress(c.Progress), mu: newLock()}
	r.ctx, r.cancel = context.WithCancel(ctx)
	if f.Body != nil {
		r.first = follow(r.ctx, r.supply, f.Body, f.Len)
	}
	if r.bad = f.check(); r.bad == nil {
		c, r.bad = c.normal()
	}
	if r.bad != nil {
		r.drop()
	} else {
		r.block, r.slots = c.BlockSize, c.Concurrency
		if r.block == 0 {
			r.block = defaultReadBlock
		}
		r.budget = c.Budget
		r.acct = c.Budget.open()
	}
	r.quit = context.AfterFunc(ctx, func() {
		// Ending the context is a way to stop, after which Close may never come.
		r.mu.Lock()
		defer r.mu.Unlock()
		r.drop()
	})
	return r
}

// Size is the length of the blob in bytes.
func (r *Reader) Size() int64 { return r.size }

// Read reads at the position. An error stays until a Seek.
func (r *Reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(); err != nil || len(p) == 0 {
		return 0, err
	}
	if err := r.align(); err != nil {
		return 0, err
	}
	if r.first != nil {
		n, err := r.first.Read(p)
		return n, r.moved(n, err)
	}
	span, err := r.ahead.next()
	n := copy(p, span)
	if n > 0 {
		r.ahead.consume(n)
	}
	return n, r.moved(n, err)
}

// WriteTo writes everything from the position on to w, in the pieces in which it arrived.
func (r *Reader) WriteTo(w io.Writer) (n int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var buf buffer
	defer func() { buf.release() }()
	for {
		if err := r.usable(); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		if err := r.align(); err != nil {
			return n, err
		}
		var span []byte
		if r.first != nil {
			if buf.piece == nil {
				buf = r.scratch()
			}
			var c int
			c, err = r.first.Read(buf.buf)
			span = buf.buf[:c]
		} else {
			buf.release()
			buf = buffer{}
			span, err = r.ahead.next()
		}
		if err != nil {
			return n, r.moved(0, err)
		}
		c, err := w.Write(span)
		if c < 0 || c > len(span) {
			c, err = 0, impossible(c, len(span))
		}
		if r.first == nil {
			r.ahead.consume(c)
		}
		n += int64(c)
		if err == nil && c < len(span) {
			err = io.ErrShortWrite
		}
		if stop := r.moved(c, nil); err == nil {
			err = stop
		}
		if err != nil {
			return n, err
		}
	}
}

// scratch is a piece to read the first answer through. It is granted at once: what is asked ahead must
// not keep the head waiting.
func (r *Reader) scratch() buffer {
	r.acct.grow(mediumPiece)
	p := takePiece(mediumPieces)
	return buffer{p.buf, p, r.acct}
}

// usable tells why nothing can be read at the position: io.EOF or an error.
func (r *Reader) usable() error {
	switch {
	case r.isClosed():
		return fs.ErrClosed
	case r.bad != nil:
		return r.bad
	case r.parent.Err() != nil:
		return ended(r.parent)
	case r.err != nil:
		return r.err
	case r.pos >= r.size:
		return io.EOF
	}
	return nil
}

// moved takes note of n bytes given out and of what came with them.
func (r *Reader) moved(n int, err error) error {
	r.pos += int64(n)
	r.prog.add(int64(n))
	if r.first != nil && r.first.done() {
		r.endFirst()
	}
	if err == nil {
		return nil
	}
	r.drop()
	r.err = r.told(err)
	return r.err
}

// told is the error as the caller shall see it: the end of the Reader or of its context, if that is
// the cause.
func (r *Reader) told(err error) error {
	if r.isClosed() {
		return fs.ErrClosed
	}
	return because(r.parent, err)
}

// maxDiscard is how many bytes of the first answer are rather read in vain than asked for again.
const maxDiscard = mediumPiece

// align makes first and ahead stand at the position, keeping what can be kept.
func (r *Reader) align() error {
	if r.first != nil {
		if err := r.first.empty(); err != nil {
			return r.moved(0, err)
		}
		if r.first.done() {
			r.endFirst()
		}
	}
	if at := r.at(); r.pos != at {
		if !r.reaches(r.pos) {
			r.drop()
		} else if err := r.skip(r.pos); err != nil {
			return r.moved(0, err)
		}
	}
	from := r.pos
	if r.first != nil {
		from = r.first.end
	}
	if r.ahead == nil && from < r.size {
		r.ahead = openWindow(r.ctx, r.supply, r.acct, from, r.size, r.block, r.slots, r.first != nil)
	}
	return nil
}

// at is where first and ahead stand.
func (r *Reader) at() int64 {
	switch {
	case r.first != nil:
		return r.first.off
	case r.ahead != nil:
		return r.ahead.at
	}
	return r.pos
}

// reaches tells whether a position can be reached by going forward in what is there.
func (r *Reader) reaches(to int64) bool {
	if to < r.at() {
		return false
	}
	if r.first != nil && to < r.first.end {
		return to-r.first.off <= maxDiscard
	}
	return r.ahead != nil && to < r.ahead.issued.Load() || to == r.at()
}

func (r *Reader) skip(to int64) error {
	if r.first != nil && to < r.first.end {
		buf := r.scratch()
		defer buf.release()
		_, err := io.ReadFull(r.first, buf.buf[:to-r.first.off])
		return err
	}
	if r.first != nil {
		r.endFirst()
	}
	return r.ahead.skip(to)
}

func (r *Reader) endFirst() {
	r.first.close()
	r.first = nil
	if r.ahead != nil {
		r.ahead.release()
	}
}

// drop cancels everything that is under way for the position, and gives its memory back.
func (r *Reader) drop() {
	if r.first != nil {
		r.first.close()
		r.first = nil
	}
	if r.ahead != nil {
		r.ahead.close()
		r.ahead = nil
	}
}

// Seek sets the position; it may be beyond the end, where Read gives io.EOF. Nothing is got until the
// next Read. A Seek forward keeps the read-ahead if it stays within; any other drops it. An error of
// an earlier Read is forgotten.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isClosed() {
		return 0, fs.ErrClosed
	}
	base := int64(0)
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		base = r.pos
	case io.SeekEnd:
		base = r.size
	default:
		return 0, fmt.Errorf("seek with invalid whence %d", whence)
	}
	if offset > math.MaxInt64-base || base+offset < 0 {
		return 0, fmt.Errorf("seek to an impossible position: %d from %d", offset, base)
	}
	r.pos, r.err = base+offset, nil
	// Before the first Read nothing is dropped: a seek to the end and back, to learn the size, is common.
	if r.ahead != nil && !r.reaches(r.pos) {
		r.drop()
	}
	return r.pos, nil
}

// ReadAt reads at off, independent of the position and of the read-ahead. What is larger than a block
// is got in parallel.
func (r *Reader) ReadAt(p []byte, off int64) (n int, err error) {
	if !r.enter() {
		return 0, fs.ErrClosed
	}
	defer r.random.Done()
	switch {
	case r.bad != nil:
		return 0, r.bad
	case r.parent.Err() != nil:
		return 0, ended(r.parent)
	case off < 0:
		return 0, fmt.Errorf("negative offset %d", off)
	case len(p) == 0:
		return 0, nil
	case off >= r.size:
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), r.size-off)]
	if int64(len(want)) <= r.block {
		s := &stream{ctx: apart(r.ctx, r.budget), supply: r.supply, off: off, end: off + int64(len(want))}
		n, err = io.ReadFull(s, want)
		s.close()
	} else if err = r.readParallel(want, off); err == nil {
		n = len(want)
	}
	if err != nil {
		return n, r.told(err)
	}
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

// enter lets a ReadAt in, unless the Reader is closed.
func (r *Reader) enter() bool {
	r.gate.Lock()
	defer r.gate.Unlock()
	if r.closed {
		return false
	}
	r.random.Add(1)
	return true
}

func (r *Reader) isClosed() bool {
	r.gate.Lock()
	defer r.gate.Unlock()
	return r.closed
}

// readParallel reads p in blocks. If it fails nobody knows which parts of p are filled.
func (r *Reader) readParallel(p []byte, off int64) error {
	get := func(ctx context.Context, at, n int64) (io.ReadCloser, error) { return r.get(ctx, off+at, n) }
	c := Config{Concurrency: r.slots, BlockSize: r.block, Budget: r.budget, Resume: r.resume}
	_, err := Download(apart(r.ctx, r.budget), First{Size: int64(len(p))}, get, Memory(p), c)
	return err
}

// Close cancels everything under way, ends a Read or ReadAt with fs.ErrClosed and waits for it.
// Closing again does nothing.
func (r *Reader) Close() error {
	r.gate.Lock()
	r.closed = true
	r.gate.Unlock()
	r.cancel()
	r.quit()
	r.random.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
	r.prog.finish()
	return nil
}
