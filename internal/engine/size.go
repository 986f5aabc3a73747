package engine

import (
	"errors"
	"fmt"
	"math"
)

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
)

// What the service accepts.
const (
	MaxBlocks    = 50_000     // blocks of one blob
	MaxBlockSize = 4000 * mib // bytes of one block
)

const (
	defaultBlock     = 8 * mib // of uploads and of downloads to a WriterAt
	defaultReadBlock = 4 * mib // of a Reader's read-ahead, which holds its window in memory
	defaultSinglePut = 8 * mib
)

// ErrTooManyBlocks is wrapped by the error of content of known size that no blob can hold, or not in
// blocks of the size that was asked for.
var ErrTooManyBlocks = errors.New("too many blocks")

// DefaultCopyBlock is the block size of copies, of which nothing passes through here.
const DefaultCopyBlock = 32 * mib

// knownBlock is the block size for size bytes: asked, or 8 MiB raised to what 50,000 blocks need.
// It fails if no block size can do, or if asked is too small.
func knownBlock(size, asked int64) (int64, error) {
	if asked > MaxBlockSize {
		return 0, fmt.Errorf("block size %d is more than the %d bytes that a block can have", asked, MaxBlockSize)
	}
	if size > MaxBlocks*MaxBlockSize {
		return 0, fmt.Errorf("%w: %d bytes do not fit into a blob, which has at most %d blocks of %d bytes", ErrTooManyBlocks, size, MaxBlocks, MaxBlockSize)
	}
	need := ceil(size, MaxBlocks)
	if asked == 0 {
		return max(defaultBlock, roundUp(need, mib)), nil
	}
	if asked < need {
		return 0, fmt.Errorf("%w: %d bytes in blocks of %d are more than %d blocks, so the block size must be at least %d", ErrTooManyBlocks, size, asked, MaxBlocks, need)
	}
	return asked, nil
}

// Constants of nextBlock.
const (
	hold      = 5000    // blocks that stay within their share of the budget
	budgetFor = 16      // blocks that the budget shall have room for
	earlyRate = 1. / 36 // growth per block until the share is reached
	lateRate  = 1. / 1000
	sizeStep  = 64 * kib
)

// nextBlock is the size of block i of a stream whose length nobody knows. It grows from base by 1/36
// a block until soft, the share of the budget, and holds it up to block 5,000. From there on it grows
// by 1/1,000 a block up to 4,000 MiB, because past that point a block beyond its share is better than
// a failed upload. Sizes are whole multiples of 64 KiB, but never below base.
//
// With the default budget of 256 MiB (base 8 MiB, soft 16 MiB) the first 5,000 blocks hold 78.0 GiB,
// 16 of them fit into the budget at any time, and all 50,000 blocks hold 154 TiB. A budget that
// makes soft 4,000 MiB (62.5 GiB and more) gives 190.0 of the 190.7 TiB that a blob can hold.
func nextBlock(i int, base, soft int64) int64 {
	early := math.Pow(1+earlyRate, float64(min(i, hold-1)))
	size := min(float64(base)*early, float64(soft))
	if i >= hold {
		size *= math.Pow(1+lateRate, float64(i-hold+1))
	}
	size = min(size, float64(MaxBlockSize))
	return max(base, int64(size)/sizeStep*sizeStep)
}

// softBlock is the size that a block of a stream holds for long: its share of the budget.
func softBlock(base, budget int64) int64 {
	return min(max(budget/budgetFor, base), MaxBlockSize)
}

func ceil(n, d int64) int64 { return n/d + min(n%d, 1) }

func roundUp(n, step int64) int64 { return ceil(n, step) * step }
