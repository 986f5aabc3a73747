package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// ranges are the blocks that a copy has staged.
type ranges struct {
	mu        sync.Mutex
	staged    map[int][2]int64
	committed []int
}

func (r *ranges) target() CopyTarget {
	return CopyTarget{
		Stage: func(_ context.Context, i int, off, n int64) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.staged == nil {
				r.staged = map[int][2]int64{}
			}
			if _, again := r.staged[i]; again {
				return errors.New("a block was staged twice")
			}
			r.staged[i] = [2]int64{off, n}
			return nil
		},
		Commit: func(_ context.Context, blocks int) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.committed = append(r.committed, blocks)
			return nil
		},
	}
}

func TestCopySizes(t *testing.T) {
	for _, c := range []struct{ size, asked, block int64 }{
		{0, 0, DefaultCopyBlock}, {0, 10, 10}, {1, 10, 10}, {10, 10, 10}, {11, 10, 10}, {1000, 10, 10}, {1003, 10, 10},
		{100 * mib, 0, 32 * mib}, {100*mib + 1, 40 * mib, 40 * mib},
		{MaxBlocks * 64 * mib, 0, 64 * mib}, {MaxBlocks * MaxBlockSize, 0, MaxBlockSize},
	} {
		var r ranges
		var told []int64
		if err := Copy(t.Context(), r.target(), c.size, Config{Concurrency: 3, BlockSize: c.asked, Progress: func(n int64) { told = append(told, n) }}); err != nil {
			t.Errorf("%d bytes: %v", c.size, err)
			continue
		}
		blocks := int(ceil(c.size, c.block))
		if !slices.Equal(r.committed, []int{blocks}) || len(r.staged) != blocks {
			t.Errorf("%d bytes in blocks of %d: %d blocks, committed %v", c.size, c.block, len(r.staged), r.committed)
		}
		for i, got := range r.staged {
			if at := int64(i) * c.block; got != [2]int64{at, min(c.block, c.size-at)} {
				t.Errorf("%d bytes in blocks of %d: block %d is %v", c.size, c.block, i, got)
			}
		}
		if len(told) == 0 || told[len(told)-1] != c.size || !slices.IsSorted(told) {
			t.Errorf("%d bytes: progress %v", c.size, told)
		}
	}
}

func TestCopyRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		size int64
		Config
	}{
		"negative size": {-1, Config{}}, "negative block": {1, Config{BlockSize: -1}}, "huge block": {1, Config{BlockSize: MaxBlockSize + 1}},
		"too many blocks": {MaxBlocks*10 + 1, Config{BlockSize: 10}}, "too large": {MaxBlocks*MaxBlockSize + 1, Config{}},
	} {
		var r ranges
		if err := Copy(t.Context(), r.target(), c.size, c.Config); err == nil || len(r.staged) > 0 || len(r.committed) > 0 {
			t.Errorf("%s: %v, %d blocks staged", name, err, len(r.staged))
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errBoom)
	var r ranges
	if err := Copy(ctx, r.target(), 10, Config{}); !errors.Is(err, context.Canceled) || !errors.Is(err, errBoom) || len(r.staged) > 0 {
		t.Errorf("context that has ended: %v", err)
	}
}

func TestCopyFailsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for bad := range 8 {
			var r ranges
			var started, running, most atomic.Int64
			dst := r.target()
			dst.Stage = func(ctx context.Context, i int, _, _ int64) error {
				started.Add(1)
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				defer running.Add(-1)
				time.Sleep(time.Millisecond)
				if i == bad {
					return errBoom
				}
				if i > bad {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
			if err := Copy(t.Context(), dst, 400, Config{Concurrency: 4, BlockSize: 10}); err != errBoom {
				t.Errorf("block %d failed: %v", bad, err)
			}
			if n := started.Load(); n > int64(bad)+4 || len(r.committed) > 0 || running.Load() > 0 || most.Load() > 4 {
				t.Errorf("block %d failed: %d started, %d at a time, %d still run, committed %v", bad, n, most.Load(), running.Load(), r.committed)
			}
		}
	})
}

func TestCopyCommitFails(t *testing.T) {
	var r ranges
	dst := r.target()
	dst.Commit = func(context.Context, int) error { return errBoom }
	if err := Copy(t.Context(), dst, 25, Config{BlockSize: 10}); err != errBoom || len(r.staged) != 3 {
		t.Errorf("%v, %d blocks", err, len(r.staged))
	}
}
