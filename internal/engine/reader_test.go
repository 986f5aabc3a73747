package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func TestReaderIsAReader(t *testing.T) {
	for _, size := range []int64{0, 1, 1000, 10_000} {
		o := &origin{data: noise(size)}
		for _, first := range []int64{0, min(size, 700), size} {
			b := NewBudget(0)
			r := NewReader(t.Context(), o.first(first), o.get, Config{Concurrency: 3, BlockSize: 2000, Budget: b})
			if err := iotest.TestReader(r, o.data); err != nil {
				t.Errorf("%d bytes, first %d: %v", size, first, err)
			}
			if r.Size() != size {
				t.Error("Size is", r.Size())
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			o.checkClosed(t)
			checkBudget(t, b)
		}
	}
}

// TestReaderOfLargeBlocks reads blocks of many pieces while they arrive.
func TestReaderOfLargeBlocks(t *testing.T) {
	o, b := &origin{data: noise(20 * mib)}, NewBudget(0)
	r := NewReader(t.Context(), o.first(1000), o.get, Config{Concurrency: 3, BlockSize: 8*mib - 100, Budget: b})
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, o.data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	r.Close()
	o.checkClosed(t)
	checkBudget(t, b)
}

// TestReaderSeeksAtRandom compares reads and seeks with those of bytes.Reader.
func TestReaderSeeksAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		o, b := &origin{data: noise(1 + rnd.Int64N(200*kib))}, NewBudget(100*kib)
		size := int64(len(o.data))
		r := NewReader(t.Context(), o.first(rnd.Int64N(size)), o.get, Config{Concurrency: 1 + rnd.IntN(4), BlockSize: 1 + rnd.Int64N(30*kib), Budget: b})
		want := bytes.NewReader(o.data)
		p, q := make([]byte, 40*kib), make([]byte, 40*kib)
		for range 60 {
			switch rnd.IntN(3) {
			case 0:
				whence := rnd.IntN(3)
				off := rnd.Int64N(2*size) - size/2
				if rnd.IntN(2) == 0 {
					whence, off = io.SeekCurrent, rnd.Int64N(40*kib)
				}
				n, err := r.Seek(off, whence)
				m, errWant := want.Seek(off, whence)
				if n != m && err == nil || (err == nil) != (errWant == nil) {
					t.Fatalf("seed %d: seek to %d, %d gave %d, %v; want %d, %v", seed, off, whence, n, err, m, errWant)
				}
			default:
				n := rnd.IntN(len(p))
				c, err := io.ReadFull(r, p[:n])
				d, errWant := io.ReadFull(want, q[:n])
				if c != d || err != errWant || !bytes.Equal(p[:c], q[:d]) {
					t.Fatalf("seed %d: read %d gave %d, %v; want %d, %v", seed, n, c, err, d, errWant)
				}
			}
		}
		r.Close()
		o.checkClosed(t)
		checkBudget(t, b)
	}
}

func TestReaderReadAtIsConcurrent(t *testing.T) {
	o := &origin{data: noise(300 * kib)}
	r := NewReader(t.Context(), o.first(1000), o.get, Config{Concurrency: 3, BlockSize: 20 * kib})
	var wg sync.WaitGroup
	for seed := range uint64(6) {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 2))
			for range 20 {
				off, p := rnd.Int64N(320*kib), make([]byte, rnd.Int64N(100*kib))
				n, err := r.ReadAt(p, off)
				m, errWant := bytes.NewReader(o.data).ReadAt(p[:len(p):len(p)], off)
				if len(p) == 0 {
					continue
				}
				if n != m || err != errWant || n > 0 && !bytes.Equal(p[:n], o.data[off:off+int64(n)]) {
					t.Errorf("ReadAt(%d bytes, %d) = %d, %v; want %d, %v", len(p), off, n, err, m, errWant)
				}
			}
		})
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, o.data) {
		t.Error(len(got), err)
	}
	wg.Wait()
	if _, err := r.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("negative offset without an error")
	}
	r.Close()
	o.checkClosed(t)
}

// TestReaderKeepsItsWindow counts requests, to see what seeks cost.
func TestReaderKeepsItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const block = 100 * kib
		o, b := &origin{data: noise(2000 * kib)}, NewBudget(0)
		r := NewReader(t.Context(), o.first(block), o.get, Config{Concurrency: 4, BlockSize: block, Budget: b})
		at := func(off int64, whence int, gets int64) {
			t.Helper()
			pos, err := r.Seek(off, whence)
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 10)
			if _, err := io.ReadFull(r, p); err != nil || !bytes.Equal(p, o.data[pos:pos+10]) {
				t.Fatal(err)
			}
			synctest.Wait()
			if n := o.gets.Swap(0); n != gets {
				t.Errorf("%d requests at %d, want %d", n, pos, gets)
			}
		}
		r.Seek(0, io.SeekEnd)
		if o.gets.Load() != 0 {
			t.Error("Seek asked for something")
		}
		at(0, io.SeekStart, 3)         // the first answer and three more
		at(50*kib, io.SeekStart, 0)    // still in the first answer
		at(2*block+5, io.SeekStart, 2) // the first answer and one block are left behind
		at(1000, io.SeekCurrent, 0)
		at(3*block, io.SeekStart, 1)
		if n := b.InUse(); n != 4*cost(block) {
			t.Errorf("%d bytes in use", n)
		}
		r.Seek(0, io.SeekStart)
		synctest.Wait()
		if n := b.InUse(); n != 0 {
			t.Errorf("%d bytes in use after a seek back", n)
		}
		at(0, io.SeekStart, 4)
		at(15*block, io.SeekStart, 4)
		at(-10, io.SeekEnd, 1)
		r.Close()
		o.checkClosed(t)
		checkBudget(t, b)
	})
}

// TestReaderSkipsWhatStalls seeks past a block that does not arrive.
func TestReaderSkipsWhatStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const block = 10 * kib
		o, b := &origin{data: noise(4 * block)}, NewBudget(0)
		o.cut = func(off, n int64) io.Reader {
			if off == block || off == 2*block {
				r, _ := io.Pipe()
				return r
			}
			return bytes.NewReader(o.data[off : off+n])
		}
		r := NewReader(t.Context(), o.first(block), o.get, Config{Concurrency: 4, BlockSize: block, Budget: b})
		p := make([]byte, 10)
		io.ReadFull(r, p)
		synctest.Wait()
		if o.open.Load() != 3 {
			t.Errorf("%d bodies open", o.open.Load())
		}
		r.Seek(3*block+5, io.SeekStart)
		if _, err := io.ReadFull(r, p); err != nil || !bytes.Equal(p, o.data[3*block+5:][:10]) {
			t.Error(err)
		}
		synctest.Wait()
		o.checkClosed(t)
		if n := b.InUse(); n != cost(block) || o.gets.Load() != 3 {
			t.Errorf("%d bytes in use after %d requests", n, o.gets.Load())
		}
		r.Close()
	})
}

// TestReaderDoesNotDiscardMuch seeks within a long first answer.
func TestReaderDoesNotDiscardMuch(t *testing.T) {
	o := &origin{data: noise(mib)}
	r := NewReader(t.Context(), o.first(mib), o.get, Config{Concurrency: 2})
	defer r.Close()
	p := make([]byte, 10)
	for _, c := range []struct{ to, gets int64 }{{0, 0}, {maxDiscard, 0}, {2*maxDiscard + 11, 1}} {
		r.Seek(c.to, io.SeekStart)
		if _, err := io.ReadFull(r, p); err != nil || !bytes.Equal(p, o.data[c.to:][:10]) {
			t.Fatal(err)
		}
		if n := o.gets.Load(); n != c.gets {
			t.Errorf("%d requests at %d", n, c.to)
		}
	}
}

// TestReaderGivesTheHead reads the beginning of a block whose end does not come.
func TestReaderGivesTheHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{data: noise(100 * kib)}
		o.cut = func(off, n int64) io.Reader {
			r, w := io.Pipe()
			go w.Write(o.data[off : off+5])
			return r
		}
		r := NewReader(t.Context(), First{Size: 100 * kib}, o.get, Config{Concurrency: 2})
		p := make([]byte, 10)
		if n, err := r.Read(p); n != 5 || err != nil || !bytes.Equal(p[:5], o.data[:5]) {
			t.Fatal(n, err)
		}
		r.Close()
		synctest.Wait()
		o.checkClosed(t)
	})
}

func TestReaderErrorIsSticky(t *testing.T) {
	bad := true
	o := &origin{data: noise(300 * kib)}
	o.deny = func(_ context.Context, off int64) error {
		if bad && off == 100*kib {
			return errBoom
		}
		return nil
	}
	b := NewBudget(0)
	r := NewReader(t.Context(), o.first(50*kib), o.get, Config{Concurrency: 3, BlockSize: 50 * kib, Budget: b})
	p, err := io.ReadAll(r)
	if err != errBoom || !bytes.Equal(p, o.data[:100*kib]) {
		t.Fatal(len(p), err)
	}
	checkBudget(t, b)
	bad = false
	if n, err := r.Read(p); n != 0 || err != errBoom {
		t.Error("second Read:", n, err)
	}
	if n, err := r.WriteTo(io.Discard); n != 0 || err != errBoom {
		t.Error("WriteTo:", n, err)
	}
	if pos, err := r.Seek(0, io.SeekCurrent); pos != 100*kib || err != nil {
		t.Fatal(pos, err)
	}
	if p, err = io.ReadAll(r); err != nil || !bytes.Equal(p, o.data[100*kib:]) {
		t.Fatal(len(p), err)
	}
	r.Close()
}

// TestReaderClose closes a Reader while it is read in every way.
func TestReaderClose(t *testing.T) {
	for name, use := range map[string]func(r *Reader) error{
		"Read":            func(r *Reader) error { _, err := r.Read(make([]byte, 10)); return err },
		"WriteTo":         func(r *Reader) error { _, err := r.WriteTo(io.Discard); return err },
		"ReadAt":          func(r *Reader) error { _, err := r.ReadAt(make([]byte, 10), 5); return err },
		"parallel ReadAt": func(r *Reader) error { _, err := r.ReadAt(make([]byte, 50*kib), 5); return err },
	} {
		for _, first := range []int64{0, 10} {
			synctest.Test(t, func(t *testing.T) {
				o, b := &origin{data: noise(100 * kib)}, NewBudget(0)
				o.cut = func(int64, int64) io.Reader { r, _ := io.Pipe(); return r }
				f := First{Size: 100 * kib}
				if first > 0 {
					f = o.first(first)
				}
				r := NewReader(t.Context(), f, o.get, Config{Concurrency: 3, BlockSize: 10 * kib, Budget: b})
				done := make(chan error, 1)
				go func() { done <- use(r) }()
				time.Sleep(time.Hour)
				go r.Close()
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				o.checkClosed(t)
				checkBudget(t, b)
				if err := <-done; !errors.Is(err, fs.ErrClosed) {
					t.Errorf("%s: %v", name, err)
				}
				if err := use(r); !errors.Is(err, fs.ErrClosed) {
					t.Errorf("%s after Close: %v", name, err)
				}
				if _, err := r.Seek(0, io.SeekStart); !errors.Is(err, fs.ErrClosed) {
					t.Error("Seek after Close:", err)
				}
				synctest.Wait()
				o.checkClosed(t)
				checkBudget(t, b)
			})
		}
	}
}

// TestReaderContextIsClose ends the context of a Reader that nobody closes.
func TestReaderContextIsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, b := &origin{data: noise(500 * kib)}, NewBudget(0)
		ctx, cancel := context.WithCancel(t.Context())
		r := NewReader(ctx, o.first(10), o.get, Config{Concurrency: 3, BlockSize: 50 * kib, Budget: b})
		io.ReadFull(r, make([]byte, 1000))
		synctest.Wait()
		if b.InUse() == 0 {
			t.Error("nothing read ahead")
		}
		cancel()
		synctest.Wait()
		o.checkClosed(t)
		checkBudget(t, b)
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := r.Seek(1<<62, io.SeekEnd); err != nil {
			t.Error(err)
		}
		for _, whence := range []int{io.SeekCurrent, 3} {
			if _, err := r.Seek(1<<62, whence); err == nil {
				t.Errorf("seek beyond what there is from %d without an error", whence)
			}
		}
	})
}

func TestReaderWriteToBadWriter(t *testing.T) {
	for _, first := range []int64{0, 100 * kib} {
		for _, c := range []struct {
			n    int
			err  error
			want error
		}{{3, errBoom, errBoom}, {3, nil, io.ErrShortWrite}, {-1, nil, nil}, {1 << 30, nil, nil}} {
			o := &origin{data: noise(300 * kib)}
			r := NewReader(t.Context(), o.first(first), o.get, Config{Concurrency: 2, BlockSize: 50 * kib})
			n, err := r.WriteTo(writeFunc(func([]byte) (int, error) { return c.n, c.err }))
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c, err)
			}
			// What was not written is still to be read.
			p, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(p, o.data[n:]) {
				t.Errorf("%+v: %d bytes after %d, %v", c, len(p), n, err)
			}
			r.Close()
			o.checkClosed(t)
		}
	}
}

// TestReaderReusesBuffers reads far more than its window and sees how much memory that takes.
func TestReaderReusesBuffers(t *testing.T) {
	const block, blocks = mib, 100
	src := make([]byte, block)
	get := func(_ context.Context, off, n int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(src[:n])), nil
	}
	b := NewBudget(4 * block)
	r := NewReader(t.Context(), First{Size: blocks * block}, get, Config{Concurrency: 8, BlockSize: block, Budget: b})
	defer r.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := r.WriteTo(writeFunc(func(p []byte) (int, error) {
		if n := b.InUse(); n > b.Limit() {
			t.Fatalf("%d bytes in use", n)
		}
		return len(p), nil
	}))
	runtime.ReadMemStats(&after)
	if n != blocks*block || err != nil {
		t.Fatal(n, err)
	}
	// The race detector makes pools lose some of what they are given.
	if got := int64(after.TotalAlloc - before.TotalAlloc); got > blocks*block/2 {
		t.Errorf("%d MiB allocated for %d MiB", got/mib, blocks)
	}
}
