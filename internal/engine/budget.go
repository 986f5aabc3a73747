package engine

import (
	"context"
	"slices"
	"sync"
)

// DefaultBudget is the memory for transfer buffers, in bytes, when nobody says otherwise.
const DefaultBudget = 256 * mib

// Budget bounds the bytes of transfer buffers of one client, shared by all its transfers. A transfer
// waits while the budget is full, in the order of asking, except for its first block: who holds
// nothing gets it at once, even beyond the limit. So every transfer always moves, and an upload
// that reads from a download of the same client cannot starve on what that download holds.
type Budget struct {
	limit int64

	mu    sync.Mutex
	inUse int64
	queue []*claim
}

// NewBudget makes a budget of limit bytes. A limit below 1 is DefaultBudget.
func NewBudget(limit int64) *Budget {
	if limit < 1 {
		limit = DefaultBudget
	}
	return &Budget{limit: limit}
}

// Limit is the bound in bytes.
func (b *Budget) Limit() int64 { return b.limit }

// InUse is how many bytes are held. It counts a block until the last reader of it was closed.
func (b *Budget) InUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inUse
}

// account is what one transfer holds of a budget.
type account struct {
	b    *Budget
	held int64 // guarded by b.mu
}

// claim is a wait for n bytes.
type claim struct {
	acct  *account
	n     int64
	ready chan struct{} // closed when granted
}

func (b *Budget) open() *account { return &account{b: b} }

// acquire takes n bytes, waiting for them if it must.
func (a *account) acquire(ctx context.Context, n int64) error {
	b := a.b
	b.mu.Lock()
	if a.held == 0 || len(b.queue) == 0 && b.inUse+n <= b.limit {
		a.take(n)
		b.mu.Unlock()
		return nil
	}
	c := &claim{a, n, make(chan struct{})}
	b.queue = append(b.queue, c)
	b.mu.Unlock()
	select {
	case <-c.ready:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-c.ready: // granted at the same moment
		a.take(-n)
	default:
		b.queue = slices.DeleteFunc(b.queue, func(o *claim) bool { return o == c })
	}
	b.wake()
	return ctx.Err()
}

// grow takes n bytes without waiting. It is for the first block of a transfer, which is granted in
// any case and therefore need not be claimed before it is known how long it gets.
func (a *account) grow(n int64) {
	a.b.mu.Lock()
	a.take(n)
	a.b.mu.Unlock()
}

func (a *account) release(n int64) {
	if n == 0 {
		return
	}
	a.b.mu.Lock()
	a.take(-n)
	a.b.wake()
	a.b.mu.Unlock()
}

func (a *account) take(n int64) {
	a.held += n
	a.b.inUse += n
}

// wake grants what can be granted. The oldest claim that has to wait holds up all behind it, so that
// small claims cannot starve a large one; but a transfer that holds nothing never waits, and a claim
// beyond the limit, which only that can grant, holds up nobody.
func (b *Budget) wake() {
	blocked := false
	b.queue = slices.DeleteFunc(b.queue, func(c *claim) bool {
		fits := b.inUse+c.n <= b.limit
		if c.acct.held == 0 || fits && !blocked {
			c.acct.take(c.n)
			close(c.ready)
			return true
		}
		blocked = blocked || c.n <= b.limit
		return false
	})
}
