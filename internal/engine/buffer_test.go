package engine

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// TestBuffer fills buffers in all ways, and finds in their bodies what they took.
func TestBuffer(t *testing.T) {
	for _, limit := range []int64{1, smallPiece, largePiece + 1, 3*largePiece + 5} {
		data := noise(2*limit + 3)
		for name, fill := range map[string]func(b *Buffer) (int64, error){
			"Write": func(b *Buffer) (int64, error) {
				n, err := b.Write(data)
				if err != io.ErrShortWrite {
					t.Errorf("Write of too much: %v", err)
				}
				return int64(n), nil
			},
			"ReadFrom": func(b *Buffer) (int64, error) { return b.ReadFrom(iotest.HalfReader(bytes.NewReader(data))) },
			"both": func(b *Buffer) (int64, error) {
				n, err := b.Write(data[:limit/2])
				if err != nil {
					return 0, err
				}
				m, err := b.ReadFrom(bytes.NewReader(data[n:]))
				return int64(n) + m, err
			},
		} {
			budget := NewBudget(1) // it never waits
			b := NewBuffer(budget, limit)
			if b.Room() != limit || b.Len() != 0 || budget.InUse() != 0 {
				t.Fatal("a new buffer is not empty")
			}
			if n, err := fill(b); n != limit || err != nil || b.Room() != 0 || b.Len() != limit || budget.InUse() < limit {
				t.Fatalf("%s, %d: took %d, %v; %d in use", name, limit, n, err, budget.InUse())
			}
			if n, err := b.ReadFrom(bytes.NewReader(data)); n != 0 || err != nil {
				t.Fatalf("%s, %d: a full buffer took %d, %v", name, limit, n, err)
			}
			r := b.Open()
			b.Free()
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data[:limit]) {
				t.Fatalf("%s, %d: %d bytes came back, %v", name, limit, len(got), err)
			}
			r.Close()
			checkBudget(t, budget)
		}
	}
}

// TestBufferOfBadReader keeps what came before an error.
func TestBufferOfBadReader(t *testing.T) {
	b := NewBuffer(NewBudget(0), 100)
	defer b.Free()
	if n, err := b.ReadFrom(breakAfter(bytes.NewReader(noise(50)), 30, errBoom)); n != 30 || !errors.Is(err, errBoom) || b.Len() != 30 {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := b.ReadFrom(readFunc(func(p []byte) (int, error) { return len(p) + 1, nil })); n != 0 || err == nil {
		t.Errorf("impossible count: %d, %v", n, err)
	}
	if n, err := b.ReadFrom(readFunc(func([]byte) (int, error) { return 0, nil })); n != 0 || !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("no progress: %d, %v", n, err)
	}
	if n, err := b.ReadFrom(bytes.NewReader(noise(20))); n != 20 || err != nil || b.Room() != 50 {
		t.Errorf("after the end of a source: %d, %v", n, err)
	}
}
