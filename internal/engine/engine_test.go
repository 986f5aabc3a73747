package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

// Memory that is free for reuse is spoiled, so that a body that still shows it gives wrong bytes, and
// the race detector sees who reads it.
func TestMain(m *testing.M) {
	onFree = func(p []byte) {
		for i := range p {
			p[i] = 0xDB
		}
	}
	goleak.VerifyTestMain(m)
}

var errBoom = errors.New("boom")

// noise is n bytes that repeat nowhere at a block's distance.
func noise(n int64) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(p)
	return p
}

// sink is a Target that keeps what it gets.
type sink struct {
	fault func(ctx context.Context, index int) error // index -1 is Put, -2 Commit

	mu      sync.Mutex
	blocks  map[int][]byte
	offsets map[int]int64
	blob    []byte
	puts    int
	stages  int
	made    int // blobs
}

func (s *sink) target() Target {
	return Target{
		Put: func(ctx context.Context, body Body) error {
			p, err := s.take(ctx, -1, body)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.puts++
			if err == nil {
				s.blob, s.made = p, s.made+1
			}
			return err
		},
		Stage: func(ctx context.Context, index int, body Body) error {
			s.mu.Lock()
			s.stages++
			s.mu.Unlock()
			p, err := s.take(ctx, index, body)
			s.mu.Lock()
			defer s.mu.Unlock()
			if err != nil {
				return err
			}
			if s.blocks == nil {
				s.blocks = map[int][]byte{}
			}
			s.blocks[index] = p
			if s.offsets == nil {
				s.offsets = map[int]int64{}
			}
			s.offsets[index] = body.Offset()
			return nil
		},
		Commit: func(ctx context.Context, blocks int) error {
			if s.fault != nil {
				if err := s.fault(ctx, -2); err != nil {
					return err
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.blob, s.made = []byte{}, s.made+1
			for i := range blocks {
				b, ok := s.blocks[i]
				if !ok || len(b) == 0 {
					return fmt.Errorf("block %d is missing or empty", i)
				}
				if s.offsets[i] != int64(len(s.blob)) {
					return fmt.Errorf("block %d says that it is at %d, and it is at %d", i, s.offsets[i], len(s.blob))
				}
				s.blob = append(s.blob, b...)
			}
			if len(s.blocks) != blocks {
				return fmt.Errorf("%d blocks committed of %d", blocks, len(s.blocks))
			}
			return nil
		},
	}
}

// take reads a body, in one of the ways a transport may.
func (s *sink) take(ctx context.Context, index int, body Body) ([]byte, error) {
	if s.fault != nil {
		if err := s.fault(ctx, index); err != nil {
			return nil, err
		}
	}
	r := body.Open()
	defer r.Close()
	var got bytes.Buffer
	var err error
	switch w, ok := r.(io.WriterTo); {
	case ok && index%2 == 0:
		_, err = w.WriteTo(&got)
	default:
		_, err = io.Copy(struct{ io.Writer }{&got}, struct{ io.Reader }{r})
	}
	if err == nil && int64(got.Len()) != body.Len() {
		err = fmt.Errorf("body of %d bytes gave %d", body.Len(), got.Len())
	}
	if err == nil {
		err = ctx.Err()
	}
	return got.Bytes(), err
}

func (s *sink) check(t *testing.T, want []byte) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made != 1 {
		t.Fatalf("%d blobs made, want 1", s.made)
	}
	if !bytes.Equal(s.blob, want) {
		t.Fatalf("blob of %d bytes differs from the source of %d", len(s.blob), len(want))
	}
}

func (s *sink) checkNone(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made != 0 {
		t.Fatal("a blob was made after a failure")
	}
}

// origin is a blob to download. It counts bodies, to see that all get closed.
type origin struct {
	data []byte
	cut  func(off, n int64) io.Reader               // what a body gives; nil is what was asked
	deny func(ctx context.Context, off int64) error // the error of Get
	gets atomic.Int64
	open atomic.Int64
}

func (o *origin) get(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	o.gets.Add(1)
	if o.deny != nil {
		if err := o.deny(ctx, off); err != nil {
			return nil, err
		}
	}
	return o.body(off, n), nil
}

func (o *origin) body(off, n int64) io.ReadCloser {
	o.open.Add(1)
	var r io.Reader = bytes.NewReader(o.data[off : off+n])
	if o.cut != nil {
		r = o.cut(off, n)
	}
	return &originBody{Reader: r, o: o}
}

// first is the first answer, of n bytes.
func (o *origin) first(n int64) First {
	return First{Body: o.body(0, n), Len: n, Size: int64(len(o.data))}
}

func (o *origin) checkClosed(t *testing.T) {
	t.Helper()
	if n := o.open.Load(); n != 0 {
		t.Errorf("%d bodies left open", n)
	}
}

type originBody struct {
	io.Reader
	o      *origin
	closed atomic.Bool
}

func (b *originBody) Close() error {
	if b.closed.Swap(true) {
		panic("body closed twice")
	}
	b.o.open.Add(-1)
	if c, ok := b.Reader.(io.Closer); ok {
		c.Close()
	}
	return nil
}

// plain hides every method but Read.
type plain struct{ io.Reader }

// readFunc is a function that reads.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

type readAtFunc func(p []byte, off int64) (int, error)

func (f readAtFunc) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }

// breakAfter gives n bytes of r and then err.
func breakAfter(r io.Reader, n int64, err error) io.Reader {
	return io.MultiReader(io.LimitReader(r, n), readFunc(func([]byte) (int, error) { return 0, err }))
}

// store is a WriterAt.
type store []byte

func (s store) WriteAt(p []byte, off int64) (int, error) { return copy(s[off:], p), nil }

func checkBudget(t *testing.T, b *Budget) {
	t.Helper()
	if n := b.InUse(); n != 0 {
		t.Errorf("%d bytes of the budget still in use", n)
	}
}
