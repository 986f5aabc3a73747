package engine

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

// countedAt counts the bytes that are read.
type countedAt struct {
	io.ReaderAt
	n atomic.Int64
}

func (c *countedAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

// TestPart takes parts of the bodies of both kinds of upload, and reads no more of
// the source than they have.
func TestPart(t *testing.T) {
	const size = 5*mib/2 + 100
	all := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(all)
	parts := [][2]int64{{0, size}, {0, 1}, {size - 1, 1}, {mib, mib}, {mib - 1, 2}, {64*kib + 5, 3 * kib}, {size, 0}, {7, 0}}
	check := func(_ context.Context, body Body) error {
		for _, p := range parts {
			part := Part(body, p[0], p[1])
			if part.Len() != p[1] || part.Offset() != p[0] {
				t.Errorf("%v: %d bytes at %d", p, part.Len(), part.Offset())
			}
			for range 2 {
				r := part.Open()
				if err := iotest.TestReader(r, all[p[0]:p[0]+p[1]]); err != nil {
					t.Errorf("%v: %v", p, err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		return nil
	}
	budget := NewBudget(64 * mib)
	c := Config{SinglePut: size, BlockSize: size, Budget: budget}
	if err := UploadAt(t.Context(), Target{Put: check}, bytes.NewReader(all), 0, size, c); err != nil {
		t.Error(err)
	}
	if _, err := Upload(t.Context(), Target{Put: check, Stage: func(ctx context.Context, _ int, body Body) error { return check(ctx, body) }, Commit: func(context.Context, int) error { return nil }}, bytes.NewBuffer(all), c); err != nil {
		t.Error(err)
	}
	if n := budget.InUse(); n != 0 {
		t.Errorf("%d bytes of the budget are in use", n)
	}

	counted := &countedAt{ReaderAt: bytes.NewReader(all)}
	last := func(_ context.Context, body Body) error {
		r := Part(body, size-10, 10).Open()
		defer r.Close()
		_, err := io.Copy(io.Discard, r)
		return err
	}
	if err := UploadAt(t.Context(), Target{Put: last}, counted, 0, size, c); err != nil || counted.n.Load() != 10 {
		t.Errorf("%d bytes of the source were read for the last 10: %v", counted.n.Load(), err)
	}
}

// TestPartOfShortSource has a source end before it should.
func TestPartOfShortSource(t *testing.T) {
	read := func(_ context.Context, body Body) error {
		r := Part(body, 2, 8).Open()
		defer r.Close()
		_, err := io.Copy(io.Discard, r)
		return err
	}
	err := UploadAt(t.Context(), Target{Put: read}, strings.NewReader("12345"), 0, 10, Config{})
	if err == nil || !strings.Contains(err.Error(), "source ended after 5 bytes") {
		t.Error(err)
	}
}
