package engine

import (
	"sync/atomic"
	"time"
)

const progressEvery = 100 * time.Millisecond

// progress counts the bytes of a transfer and tells the caller. A nil *progress counts nothing.
type progress struct {
	tell  func(int64)
	start time.Time
	done  atomic.Int64
	next  atomic.Int64 // when to tell again, as time since start

	mu    lock // held while tell runs
	ended bool
}

func newProgress(tell func(int64)) *progress {
	if tell == nil {
		return nil
	}
	p := &progress{tell: tell, start: time.Now(), mu: newLock()}
	p.next.Store(int64(progressEvery))
	return p
}

// add counts n bytes and tells if it is time. Who finds another telling goes on without waiting.
func (p *progress) add(n int64) {
	if p == nil {
		return
	}
	p.done.Add(n)
	if int64(time.Since(p.start)) < p.next.Load() || !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	if now := int64(time.Since(p.start)); !p.ended && now >= p.next.Load() {
		p.tell(p.done.Load())
		p.next.Store(int64(time.Since(p.start) + progressEvery))
	}
}

// finish tells the final figure. Nothing is told after it returns, even if a body is still read.
func (p *progress) finish() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.ended = true
		p.tell(p.done.Load())
	}
}

// mark is the furthest byte of a block that any attempt has read: a retry reads the block again, but
// only what goes beyond the mark is progress.
type mark struct{ high atomic.Int64 }

func (m *mark) reach(p *progress, pos int64) {
	if p == nil {
		return
	}
	for {
		high := m.high.Load()
		if pos <= high {
			return
		}
		if m.high.CompareAndSwap(high, pos) {
			p.add(pos - high)
			return
		}
	}
}
