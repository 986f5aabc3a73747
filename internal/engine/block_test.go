package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
)

func filled(b *Budget, first bool, limit int64, data []byte) *block {
	acct := b.open()
	var blk *block
	if first {
		blk = newFirstBlock(acct, nil, limit)
	} else {
		acct.acquire(context.Background(), cost(limit))
		blk = newBlock(acct, nil, limit)
	}
	for len(data) > 0 {
		n := copy(blk.tail(), data)
		blk.advance(n)
		data = data[n:]
	}
	return blk
}

func TestBlockPieces(t *testing.T) {
	for _, limit := range []int64{1, 1000, smallPiece, smallPiece + 1, largePiece - 1, largePiece, largePiece + 1, 3*largePiece + 5*smallPiece + 7} {
		for _, first := range []bool{true, false} {
			for _, n := range []int64{1, limit / 2, limit} {
				budget := NewBudget(0)
				data := noise(n)
				b := filled(budget, first, limit, data)
				if b.full() != (n == limit) || b.full() != (b.tail() == nil) {
					t.Fatalf("block of %d with %d bytes: full is %v", limit, n, b.full())
				}
				b.settle()
				if b.charged != b.room || budget.InUse() != b.room || b.room > cost(limit) {
					t.Fatalf("block of %d with %d bytes: %d charged, %d in use, %d taken", limit, n, b.charged, budget.InUse(), b.room)
				}
				one, two := b.Open(), b.Open()
				b.drop()
				var got bytes.Buffer
				if m, err := one.(io.WriterTo).WriteTo(&got); m != n || err != nil || !bytes.Equal(got.Bytes(), data) {
					t.Fatalf("WriteTo gave %d of %d bytes, %v", m, n, err)
				}
				one.Close()
				one.Close()
				if n, err := one.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
					t.Fatalf("Read after Close, of memory in use: %d, %v", n, err)
				}
				p, err := io.ReadAll(two)
				if err != nil || !bytes.Equal(p, data) {
					t.Fatalf("Read gave %d of %d bytes, %v", len(p), n, err)
				}
				if budget.InUse() == 0 {
					t.Fatal("memory went back while a reader was open")
				}
				two.Close()
				checkBudget(t, budget)
				for _, r := range []io.ReadCloser{one, two, b.Open()} {
					if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
						t.Fatalf("Read after Close: %d, %v", n, err)
					}
					if n, err := r.(io.WriterTo).WriteTo(io.Discard); n != 0 || err == nil {
						t.Fatalf("WriteTo after Close: %d, %v", n, err)
					}
					r.Close()
				}
			}
		}
	}
}

func TestShortStreamTakesLittleMemory(t *testing.T) {
	b := NewBudget(0)
	dst := Target{Put: func(_ context.Context, body Body) error {
		if n := b.InUse(); n != smallPiece {
			t.Errorf("%d bytes in use for 1 KiB", n)
		}
		return nil
	}}
	if _, err := Upload(t.Context(), dst, bytes.NewReader(noise(kib)), Config{Budget: b}); err != nil {
		t.Fatal(err)
	}
	checkBudget(t, b)
}

// TestCloseWhileWriting closes a body while WriteTo holds its memory, as net/http may.
func TestCloseWhileWriting(t *testing.T) {
	budget := NewBudget(0)
	data := noise(200 * kib)
	b := filled(budget, false, 200*kib, data)
	r := b.Open()
	b.drop()
	var got bytes.Buffer
	_, err := r.(io.WriterTo).WriteTo(writeFunc(func(p []byte) (int, error) {
		r.Close()
		if budget.InUse() == 0 {
			t.Error("memory went back while it was being written")
		}
		return got.Write(p)
	}))
	if err == nil || !bytes.Equal(got.Bytes(), data[:smallPiece]) {
		t.Fatalf("%d bytes written, %v", got.Len(), err)
	}
	checkBudget(t, budget)
}

type writeFunc func(p []byte) (int, error)

func (f writeFunc) Write(p []byte) (int, error) { return f(p) }

// TestBodyOutlivesItsRequest reads bodies long after their requests were answered, while other
// transfers use the pools.
func TestBodyOutlivesItsRequest(t *testing.T) {
	for _, answer := range []error{nil, errBoom} {
		budget := NewBudget(0)
		data := noise(300 * kib)
		gate := make(chan struct{})
		var late sync.WaitGroup
		read := func(at int64, body Body) error {
			for i := range 2 {
				r := body.Open()
				late.Go(func() {
					defer r.Close()
					var head [100]byte
					io.ReadFull(r, head[:])
					<-gate
					var rest bytes.Buffer
					if i == 0 {
						io.Copy(&rest, r)
					} else {
						io.Copy(&rest, plain{r})
					}
					if got := append(head[:], rest.Bytes()...); !bytes.Equal(got, data[at:at+body.Len()]) {
						t.Error("a late reader got wrong bytes")
					}
				})
			}
			return answer
		}
		dst := Target{
			Put:    func(_ context.Context, body Body) error { return read(0, body) },
			Stage:  func(_ context.Context, i int, body Body) error { return read(int64(i)*70*kib, body) },
			Commit: func(context.Context, int) error { return nil },
		}
		// Blocks are not rounded in the first places: 1/36 of 70 KiB is less than a step.
		for _, size := range []int64{50 * kib, 140 * kib} {
			_, err := Upload(t.Context(), dst, bytes.NewReader(data[:size]), Config{Concurrency: 2, BlockSize: 70 * kib, Budget: budget})
			if !errors.Is(err, answer) {
				t.Fatal(err)
			}
		}
		if budget.InUse() == 0 {
			t.Error("memory of open bodies is not counted")
		}
		for range 3 {
			s := &sink{}
			if _, err := Upload(t.Context(), s.target(), bytes.NewReader(noise(mib)), Config{Concurrency: 2, BlockSize: 70 * kib}); err != nil {
				t.Fatal(err)
			}
		}
		close(gate)
		late.Wait()
		checkBudget(t, budget)
	}
}
