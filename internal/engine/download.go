package engine

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// Memory is a destination that is read into directly, without a copy. It is a type
// of this package and not an interface, so that no type of a user's is taken for one.
type Memory []byte

// WriteAt copies p to its place.
func (m Memory) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(m)) {
		return 0, io.ErrShortWrite
	}
	n := copy(m[off:], p)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// slice is the n bytes at off, or what there is of them.
func (m Memory) slice(off, n int64) []byte {
	size := int64(len(m))
	return m[min(off, size):min(off+n, size)]
}

// Download stores the blob in w: the first body while it streams, and the rest in blocks at the same
// time. It returns how many bytes were stored; together with an error they need not be contiguous.
//
// Bytes for a Memory are read straight into it; otherwise they go through WriteAt in pieces of up to
// 256 KiB, concurrently.
func Download(ctx context.Context, f First, get Get, w io.WriterAt, c Config) (n int64, err error) {
	d := &download{group: newGroup(ctx), supply: supply{get, c.Resume}, w: w, size: f.Size}
	defer d.cancel()
	d.memory, d.direct = w.(Memory)
	var first *stream
	if f.Body != nil {
		first = follow(d.ctx, d.supply, f.Body, f.Len)
		defer first.close()
		d.next.Store(f.Len)
	}
	if err := f.check(); err != nil {
		return 0, err
	}
	c, err = c.normal()
	if err != nil {
		return 0, err
	}
	if err := ended(ctx); err != nil {
		return 0, err
	}
	d.block = c.BlockSize
	if d.block == 0 {
		d.block = defaultBlock
	}
	d.acct = c.Budget.open()
	d.prog = newProgress(c.Progress)
	defer d.prog.finish()
	err = d.start(first, c.Concurrency)
	return d.stored.Load(), err
}

// download is one download to a WriterAt.
type download struct {
	*group
	supply
	w      io.WriterAt
	memory Memory // w, if direct
	direct bool
	size   int64
	block  int64
	acct   *account
	prog   *progress
	next   atomic.Int64 // where the block to get next begins
	stored atomic.Int64
}

// start runs the workers. The first one takes the body that is under way, and has its memory before
// the others ask for theirs.
func (d *download) start(first *stream, concurrency int) error {
	rest := ceil(d.size-d.next.Load(), d.block)
	buf, err := d.buffer()
	if err != nil {
		d.fail(err)
		return d.first()
	}
	helpers := min(int64(concurrency)-1, rest)
	if first == nil {
		helpers = min(int64(concurrency), rest) - 1
	}
	for range helpers {
		d.run(d.work)
	}
	if first != nil {
		d.fail(d.store(first, buf.buf))
	}
	d.fail(d.blocks(buf.buf))
	buf.release()
	return d.wait()
}

// work gets blocks with a buffer of its own.
func (d *download) work() error {
	buf, err := d.buffer()
	if err != nil {
		return err
	}
	defer buf.release()
	return d.blocks(buf.buf)
}

// blocks gets blocks until there are no more.
func (d *download) blocks(buf []byte) error {
	for {
		if err := d.stopped(); err != nil {
			return err
		}
		off := d.next.Add(d.block) - d.block
		if off < 0 || off >= d.size { // the sum may overflow for sizes near the end of int64
			return nil
		}
		s := &stream{ctx: d.ctx, supply: d.supply, off: off, end: off + min(d.block, d.size-off)}
		err := d.store(s, buf)
		s.close()
		if err != nil {
			return err
		}
	}
}

// store reads s to its end and stores it.
func (d *download) store(s *stream, buf []byte) error {
	if err := s.empty(); err != nil {
		return err
	}
	for !s.done() {
		off := s.off
		want := min(s.end-off, mediumPiece)
		if d.direct {
			p := d.memory.slice(off, want)
			if int64(len(p)) != want {
				return fmt.Errorf("destination gives %d bytes of memory at %d: %d are needed", len(p), off, want)
			}
			n, err := s.Read(p)
			d.count(n)
			if err != nil {
				return err
			}
			continue
		}
		n, err := io.ReadFull(s, buf[:min(want, int64(len(buf)))])
		if err != nil {
			return err
		}
		if err := d.write(buf[:n], off); err != nil {
			return err
		}
	}
	return nil
}

func (d *download) write(p []byte, off int64) error {
	n, err := d.w.WriteAt(p, off)
	if n < 0 || n > len(p) {
		return impossible(n, len(p))
	}
	d.count(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("writing %d bytes at %d: %w", len(p), off, err)
	}
	return nil
}

func (d *download) count(n int) {
	d.stored.Add(int64(n))
	d.prog.add(int64(n))
}

// buffer takes a piece from the pools and its bytes from the budget. A destination that gives its
// memory needs none.
func (d *download) buffer() (buffer, error) {
	if d.direct || d.size == 0 {
		return buffer{}, nil
	}
	pool, size := mediumPieces, mediumPiece
	if d.size <= smallPiece {
		pool, size = smallPieces, smallPiece
	}
	return takeBuffer(d.ctx, d.acct, pool, size)
}

// buffer is a piece that a transfer has borrowed.
type buffer struct {
	buf   []byte
	piece *piece
	acct  *account
}

func takeBuffer(ctx context.Context, acct *account, pool *sync.Pool, size int64) (buffer, error) {
	if err := acct.acquire(ctx, size); err != nil {
		return buffer{}, err
	}
	p := takePiece(pool)
	return buffer{p.buf, p, acct}, nil
}

func (b buffer) release() {
	if b.piece == nil {
		return
	}
	n := int64(len(b.buf))
	b.piece.free()
	b.acct.release(n)
}
