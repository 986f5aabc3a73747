package engine

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
)

// window is the read-ahead of a Reader: blocks that are got in parallel and given out in order. It
// has at most as many blocks as the Reader may have requests in flight, and no more than the budget
// grants. Blocks are asked for in order, so the one that the budget always grants is the next one
// to be given out. After a block has failed no more are asked for than the slots left, since the
// consumer does not get past it.
//
// Its methods are for one goroutine, the consumer.
type window struct {
	supply
	acct   *account
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	slots  chan struct{} // one for each block, and for a first answer that is still under way
	queue  chan *fetch   // in order; never more than slots
	issued atomic.Int64  // end of the last block in the queue

	head *fetch // being given out
	at   int64  // the next byte to give out
}

// openWindow starts to get [at, size). If busy, one slot counts as taken until release is called.
func openWindow(ctx context.Context, src supply, acct *account, at, size, block int64, slots int, busy bool) *window {
	w := &window{supply: src, acct: acct, at: at}
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.slots = make(chan struct{}, slots)
	w.queue = make(chan *fetch, slots)
	w.issued.Store(at)
	if busy {
		w.slots <- struct{}{}
	}
	w.wg.Go(func() { w.ask(at, size, block) })
	return w
}

func (w *window) release() { <-w.slots }

// ask starts the fetches, as room comes free.
func (w *window) ask(from, size, block int64) {
	defer close(w.queue)
	for from < size {
		select {
		case w.slots <- struct{}{}:
		case <-w.ctx.Done():
			return
		}
		n := min(block, size-from)
		if w.acct.acquire(w.ctx, cost(n)) != nil {
			return
		}
		f := newFetch(w, from, n)
		w.wg.Go(f.run)
		w.queue <- f
		from += n
		w.issued.Store(from)
	}
}

// next gives the bytes at w.at that lie together, waiting until there is one.
func (w *window) next() ([]byte, error) {
	for {
		f, err := w.current()
		if err != nil {
			return nil, err
		}
		if span := f.blk.span(&f.out, f.have.Load()); len(span) > 0 {
			return span, nil
		}
		select {
		case <-f.more:
		case <-f.ended:
			if f.err != nil && f.out.pos == f.have.Load() {
				return nil, f.err
			}
		case <-w.ctx.Done():
			return nil, w.ctx.Err()
		}
	}
}

// current is the fetch that w.at lies in.
func (w *window) current() (*fetch, error) {
	if w.head != nil {
		return w.head, nil
	}
	select {
	case f, ok := <-w.queue:
		if ok {
			w.head = f
			return f, nil
		}
	case <-w.ctx.Done():
	}
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}

// consume says that n bytes of next were used. Memory goes back a block at a time.
func (w *window) consume(n int) {
	f := w.head
	f.out.advance(n)
	w.at += int64(n)
	if f.out.pos == f.n {
		w.pop()
	}
}

func (w *window) pop() {
	w.head.drop()
	w.head = nil
	w.release()
}

// skip goes forward to a byte that has been asked for. What lies before it is cancelled.
func (w *window) skip(to int64) error {
	for w.at < to {
		f, err := w.current()
		if err != nil {
			return err
		}
		if end := f.off + f.n; end <= to {
			f.cancel()
			w.at = end
			w.pop()
			continue
		}
		span, err := w.next()
		if err != nil {
			return err
		}
		w.consume(int(min(int64(len(span)), to-w.at)))
	}
	return nil
}

// close cancels all, waits for it and gives the memory back.
func (w *window) close() {
	w.cancel()
	w.wg.Wait()
	for f := range w.queue {
		f.drop()
	}
	if w.head != nil {
		w.head.drop()
		w.head = nil
	}
}

// fetch is a block of the window on its way in. Its memory is held by the consumer and by run.
type fetch struct {
	w      *window
	off, n int64
	blk    *block
	ctx    context.Context
	cancel context.CancelFunc

	have  atomic.Int64  // bytes that have arrived, and may be given out
	more  chan struct{} // has one when have has grown
	ended chan struct{} // closed when nothing more arrives
	err   error         // why, if not all has arrived; set before ended is closed

	out cursor // of the consumer
}

func newFetch(w *window, off, n int64) *fetch {
	f := &fetch{w: w, off: off, n: n, blk: newBlock(w.acct, nil, n)}
	f.ctx, f.cancel = context.WithCancel(w.ctx)
	f.more = make(chan struct{}, 1)
	f.ended = make(chan struct{})
	f.blk.hold()
	return f
}

// drop gives up what the consumer holds.
func (f *fetch) drop() { f.blk.drop() }

func (f *fetch) run() {
	defer f.blk.drop()
	defer f.cancel()
	s := &stream{ctx: f.ctx, supply: f.w.supply, off: f.off, end: f.off + f.n}
	defer s.close()
	defer close(f.ended)
	for !s.done() {
		p := f.blk.tail()
		n, err := s.Read(p[:min(int64(len(p)), mediumPiece)])
		if err != nil {
			f.err = err
			return
		}
		f.blk.advance(n)
		f.have.Store(f.blk.n)
		select {
		case f.more <- struct{}{}:
		default:
		}
	}
}
