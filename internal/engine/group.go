package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// group is the workers of one transfer. The first error is the one that is told; it stops the rest.
type group struct {
	parent context.Context // the caller's
	ctx    context.Context // ends with parent, and with the first error
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu  sync.Mutex
	err error
}

func newGroup(ctx context.Context) *group {
	g := &group{parent: ctx}
	g.ctx, g.cancel = context.WithCancel(ctx)
	return g
}

// run starts a worker.
func (g *group) run(f func() error) {
	g.wg.Go(func() { g.fail(f()) })
}

// fail records err, if it is the first, and stops the group. The error is recorded before anything
// is cancelled, so that a sibling's "context canceled" never comes first.
func (g *group) fail(err error) {
	if err == nil {
		return
	}
	g.mu.Lock()
	if g.err == nil {
		g.err = because(g.parent, err)
	}
	g.mu.Unlock()
	g.cancel()
}

// first is the recorded error. It is nil when everything that was started went well, even if the
// caller's context has ended since.
func (g *group) first() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// stopped tells why nothing more may start: a recorded error or the end of the caller's context.
func (g *group) stopped() error {
	if g.ctx.Err() == nil {
		return nil
	}
	if err := g.first(); err != nil {
		return err
	}
	return ended(g.parent)
}

// wait waits for the workers and returns the first error.
func (g *group) wait() error {
	g.wg.Wait()
	return g.first()
}

// each cuts [0, size) into blocks and calls do for every one of them, concurrency at a time, until one
// fails. It returns when all calls have.
func (g *group) each(size, block int64, concurrency int, do func(index int, at, n int64) error) error {
	var next atomic.Int64
	blocks := ceil(size, block)
	work := func() error {
		for {
			if err := g.stopped(); err != nil {
				return err
			}
			i := next.Add(1) - 1
			if i >= blocks {
				return nil
			}
			at := i * block
			if err := do(int(i), at, min(block, size-at)); err != nil {
				return err
			}
		}
	}
	for range min(int64(concurrency), blocks) - 1 {
		g.run(work)
	}
	g.fail(work())
	g.wg.Wait()
	return g.stopped()
}

// because adds the end of ctx to err, if ctx has ended: whatever a request makes of being cancelled,
// errors.Is finds context.Canceled (or DeadlineExceeded) and the cause, if there is one.
func because(ctx context.Context, err error) error {
	end := ctx.Err()
	if end == nil {
		return err
	}
	if !errors.Is(err, end) {
		err = fmt.Errorf("%w: %w", end, err)
	}
	if cause := context.Cause(ctx); !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// ended is the error of a context that has ended, and nil of one that has not.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	return because(ctx, err)
}

// lock is a mutex that may be held for long: over a request, over a callback. Who waits for it waits on
// a channel, which testing/synctest takes for waiting; on a sync.Mutex it would not let time go on.
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

func (l lock) TryLock() bool {
	select {
	case l <- struct{}{}:
		return true
	default:
		return false
	}
}
