package engine

import "testing"

func capacity(base, soft int64, blocks int) (sum int64) {
	for i := range blocks {
		sum += nextBlock(i, base, soft)
	}
	return sum
}

func TestNextBlock(t *testing.T) {
	const gib, tib = 1 << 30, 1 << 40
	base := defaultBlock
	for _, soft := range []int64{base, softBlock(base, DefaultBudget), 100 * mib, MaxBlockSize} {
		last := int64(0)
		for i := range MaxBlocks {
			n := nextBlock(i, base, soft)
			switch {
			case n < last || n < base || n > MaxBlockSize:
				t.Fatalf("soft %d: block %d has %d bytes after %d", soft, i, n, last)
			case i < hold && n > soft:
				t.Fatalf("soft %d: block %d has %d bytes", soft, i, n)
			case n%sizeStep != 0:
				t.Fatalf("block %d has %d bytes, not whole 64 KiB", i, n)
			}
			last = n
		}
		if last != MaxBlockSize {
			t.Errorf("soft %d: the last block has %d bytes", soft, last)
		}
	}
	if n := nextBlock(0, base, 16*mib); n != base {
		t.Errorf("first block has %d bytes", n)
	}

	soft := softBlock(base, DefaultBudget)
	if soft != 16*mib {
		t.Fatalf("share of the default budget is %d", soft)
	}
	if n := capacity(base, soft, hold); n < 779*gib/10 || n > 782*gib/10 {
		t.Errorf("first %d blocks hold %.2f GiB", hold, float64(n)/gib)
	}
	if n := capacity(base, soft, MaxBlocks); n < 154*tib {
		t.Errorf("default budget holds %.2f TiB", float64(n)/tib)
	}
	if n := capacity(base, softBlock(base, 16*MaxBlockSize), MaxBlocks); n < 190*tib {
		t.Errorf("large budget holds %.3f TiB", float64(n)/tib)
	}
	for _, base := range []int64{1, 1000, 64*kib + 1, MaxBlockSize} {
		if n := nextBlock(0, base, softBlock(base, DefaultBudget)); n != base {
			t.Errorf("base %d starts with %d", base, n)
		}
	}
	if softBlock(base, 1) != base || softBlock(base, 1<<60) != MaxBlockSize {
		t.Error("share of the budget is out of bounds")
	}
}

func TestKnownBlock(t *testing.T) {
	whole := MaxBlocks * MaxBlockSize
	for _, c := range []struct{ size, asked, want int64 }{
		{0, 0, 8 * mib},
		{8 * mib * MaxBlocks, 0, 8 * mib},
		{8*mib*MaxBlocks + 1, 0, 9 * mib},
		{whole, 0, MaxBlockSize},
		{whole, MaxBlockSize, MaxBlockSize},
		{100, 1, 1},
		{MaxBlocks, 1, 1},
	} {
		got, err := knownBlock(c.size, c.asked)
		if err != nil || got != c.want {
			t.Errorf("knownBlock(%d, %d) = %d, %v; want %d", c.size, c.asked, got, err, c.want)
		}
		if blocks := ceil(c.size, got); blocks > MaxBlocks {
			t.Errorf("%d blocks for %d bytes", blocks, c.size)
		}
	}
	for _, c := range []struct{ size, asked int64 }{
		{whole + 1, 0},
		{MaxBlocks + 1, 1},
		{1, MaxBlockSize + 1},
	} {
		if got, err := knownBlock(c.size, c.asked); err == nil {
			t.Errorf("knownBlock(%d, %d) = %d without an error", c.size, c.asked, got)
		}
	}
}
