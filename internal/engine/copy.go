package engine

import "context"

// CopyTarget is where a copy goes whose bytes do not pass through here: whoever keeps the blob reads
// the source. A copy calls Stage for every block, in any order and up to Config.Concurrency at a time,
// and then Commit. An error of either is final.
type CopyTarget struct {
	Stage  func(ctx context.Context, index int, off, n int64) error // one block, of the n bytes at off; indexes are 0, 1, 2 and so on
	Commit func(ctx context.Context, blocks int) error              // after every block is staged
}

// Copy makes a blob of size bytes of another one. A blob of no bytes has no blocks. Blocks are of
// Config.BlockSize, 32 MiB by default, and progress is told by whole blocks.
func Copy(ctx context.Context, dst CopyTarget, size int64, c Config) error {
	c, err := c.normal()
	if err != nil {
		return err
	}
	if err := checkSpan(0, size); err != nil {
		return err
	}
	block, err := knownBlock(size, c.BlockSize)
	if err != nil {
		return err
	}
	if c.BlockSize == 0 {
		block = max(block, DefaultCopyBlock)
	}
	if err := ended(ctx); err != nil {
		return err
	}
	g, prog := newGroup(ctx), newProgress(c.Progress)
	defer prog.finish()
	defer g.cancel()
	err = g.each(size, block, c.Concurrency, func(i int, at, n int64) error {
		err := dst.Stage(g.ctx, i, at, n)
		if err == nil {
			prog.add(n)
		}
		return err
	})
	if err != nil {
		return err
	}
	g.fail(dst.Commit(g.ctx, int(ceil(size, block))))
	return g.first()
}
