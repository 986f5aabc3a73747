package engine

import (
	"io"
	"sync"
	"sync/atomic"
)

// Sizes of pooled pieces. Blocks are made of large ones, with small ones where a large one would
// mostly stay empty; downloads to a WriterAt use one of medium size for each worker.
const (
	smallPiece  = 64 * kib
	mediumPiece = 256 * kib
	largePiece  = mib
)

// piece is a pooled buffer. All transfers of the process share the pools.
type piece struct {
	buf  []byte
	pool *sync.Pool
}

var (
	smallPieces  = piecePool(smallPiece)
	mediumPieces = piecePool(mediumPiece)
	largePieces  = piecePool(largePiece)
)

func piecePool(size int64) *sync.Pool {
	pool := new(sync.Pool)
	pool.New = func() any { return &piece{make([]byte, size), pool} }
	return pool
}

func takePiece(pool *sync.Pool) *piece { return pool.Get().(*piece) }

// onFree lets tests see, and spoil, memory that is free for reuse.
var onFree func([]byte)

func (p *piece) free() {
	if onFree != nil {
		onFree(p.buf)
	}
	p.pool.Put(p)
}

// block is up to limit bytes in pooled pieces. It is filled by one goroutine through tail and
// advance, and is a Body. It counts references, one of the engine and one of each open reader; with
// the last one the pieces go back to their pools and the bytes to the budget.
type block struct {
	acct  *account
	prog  *progress
	limit int64
	grows bool // starts small and takes its memory from the budget as it needs it

	pieces  []*piece // places for all, unless it grows: the start may be read while the rest is filled
	taken   int      // of the places
	off     int64    // of the first byte from the start of the upload
	room    int64    // bytes in the pieces taken
	n       int64    // bytes filled
	charged int64    // bytes taken from the budget

	refs atomic.Int64
	mark mark
}

// newBlock makes a block for whose cost the caller has acquired.
func newBlock(acct *account, prog *progress, limit int64) *block {
	b := &block{acct: acct, prog: prog, limit: limit, charged: cost(limit)}
	b.pieces = make([]*piece, largeAndSmall(limit))
	b.refs.Store(1)
	return b
}

// newFirstBlock makes the first block of a transfer. Many streams are short, so it is made of small
// pieces up to 1 MiB, and what it takes from the budget grows with it.
func newFirstBlock(acct *account, prog *progress, limit int64) *block {
	b := &block{acct: acct, prog: prog, limit: limit, grows: true}
	b.refs.Store(1)
	return b
}

// cost is the memory of a block of n bytes.
func cost(n int64) int64 { return roundUp(n, smallPiece) }

func largeAndSmall(n int64) int64 { return n/largePiece + ceil(n%largePiece, smallPiece) }

// tail is free memory to fill next, and nil when the block is full.
func (b *block) tail() []byte {
	if b.n == b.limit {
		return nil
	}
	if b.n == b.room {
		b.extend()
	}
	last := b.pieces[b.taken-1].buf
	free := last[int64(len(last))-(b.room-b.n):]
	return free[:min(int64(len(free)), b.limit-b.n)]
}

func (b *block) extend() {
	pool, size := smallPieces, smallPiece
	if b.limit-b.room >= largePiece && !(b.grows && b.room < largePiece) {
		pool, size = largePieces, largePiece
	}
	if b.grows {
		b.acct.grow(size)
		b.charged += size
	}
	if b.taken == len(b.pieces) {
		b.pieces = append(b.pieces, nil)
	}
	b.pieces[b.taken] = takePiece(pool)
	b.taken++
	b.room += size
}

// advance says that n bytes of tail are filled.
func (b *block) advance(n int) { b.n += int64(n) }

func (b *block) full() bool { return b.n == b.limit }

// settle gives back to the budget what a block that will not be filled further does not use.
func (b *block) settle() {
	if spare := b.charged - b.room; spare > 0 {
		b.charged = b.room
		b.acct.release(spare)
	}
}

// hold takes a reference, unless the memory is gone already.
func (b *block) hold() bool {
	for {
		refs := b.refs.Load()
		if refs == 0 {
			return false
		}
		if b.refs.CompareAndSwap(refs, refs+1) {
			return true
		}
	}
}

// drop gives up a reference.
func (b *block) drop() {
	refs := b.refs.Add(-1)
	if refs < 0 {
		panic("block dropped more often than held")
	}
	if refs > 0 {
		return
	}
	for _, p := range b.pieces[:b.taken] {
		p.free()
	}
	b.pieces = nil
	b.acct.release(b.charged)
}

// cursor is a place in a block.
type cursor struct {
	piece, off int
	pos        int64
}

// span is what lies between c and end (an offset in the block) in one piece.
func (b *block) span(c *cursor, end int64) []byte {
	if c.pos >= end {
		return nil
	}
	buf := b.pieces[c.piece].buf
	if c.off == len(buf) {
		c.piece, c.off = c.piece+1, 0
		buf = b.pieces[c.piece].buf
	}
	buf = buf[c.off:]
	return buf[:min(int64(len(buf)), end-c.pos)]
}

func (c *cursor) advance(n int) {
	c.off += n
	c.pos += int64(n)
}

func (b *block) Len() int64 { return b.n }

// Offset returns where in the upload the block begins.
func (b *block) Offset() int64 { return b.off }

func (b *block) Open() io.ReadCloser {
	r := &blockReader{b: b}
	if !b.hold() {
		r.closed.Store(true)
	}
	return r
}

// blockReader reads a block for one attempt. Close may come while Read or WriteTo is under way, as
// net/http does it: each of them therefore holds a reference of its own.
type blockReader struct {
	b      *block
	at     cursor
	closed atomic.Bool
}

func (r *blockReader) skip(n int64) {
	if !r.enter() {
		return
	}
	defer r.b.drop()
	for n > 0 {
		span := r.b.span(&r.at, r.b.n)
		if len(span) == 0 {
			return
		}
		c := int(min(n, int64(len(span))))
		r.at.advance(c)
		n -= int64(c)
	}
}

func (r *blockReader) enter() bool { return !r.closed.Load() && r.b.hold() }

func (r *blockReader) Read(p []byte) (n int, err error) {
	if !r.enter() {
		return 0, errBodyClosed
	}
	defer r.b.drop()
	if r.at.pos == r.b.n {
		return 0, io.EOF
	}
	for n < len(p) {
		span := r.b.span(&r.at, r.b.n)
		if len(span) == 0 {
			break
		}
		c := copy(p[n:], span)
		r.at.advance(c)
		n += c
	}
	r.b.mark.reach(r.b.prog, r.at.pos)
	return n, nil
}

// WriteTo writes whole pieces, without another copy.
func (r *blockReader) WriteTo(w io.Writer) (n int64, err error) {
	if !r.enter() {
		return 0, errBodyClosed
	}
	defer r.b.drop()
	for {
		if r.closed.Load() {
			return n, errBodyClosed
		}
		span := r.b.span(&r.at, r.b.n)
		if len(span) == 0 {
			return n, nil
		}
		c, err := w.Write(span)
		if c < 0 || c > len(span) {
			return n, impossible(c, len(span))
		}
		r.at.advance(c)
		n += int64(c)
		r.b.mark.reach(r.b.prog, r.at.pos)
		if err == nil && c < len(span) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
	}
}

// InMemory reports that no read blocks, which lets a transport in the process read in place.
func (r *blockReader) InMemory() bool { return true }

func (r *blockReader) Close() error {
	if !r.closed.Swap(true) {
		r.b.drop()
	}
	return nil
}
