package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"
)

func TestWriterMixesWriteAndReadFrom(t *testing.T) {
	data := noise(700 * kib)
	s, b := &sink{}, NewBudget(256*kib)
	w := NewWriter(t.Context(), s.target(), Config{Concurrency: 3, BlockSize: 64 * kib, Budget: b})
	for at := 0; at < len(data); {
		n := min(64<<10, len(data)-at)
		if at/n%2 == 0 {
			if m, err := w.Write(data[at : at+n]); m != n || err != nil {
				t.Fatal(m, err)
			}
		} else if m, err := w.ReadFrom(plain{bytes.NewReader(data[at : at+n])}); m != int64(n) || err != nil {
			t.Fatal(m, err)
		}
		at += n
		if w.Written() != int64(at) {
			t.Fatalf("Written is %d of %d", w.Written(), at)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.check(t, data)
	checkBudget(t, b)
	w.Abort()
	if err := w.Close(); err != nil {
		t.Error("second Close:", err)
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Error("Write after Close:", err)
	}
	if _, err := w.ReadFrom(bytes.NewReader(data)); !errors.Is(err, fs.ErrClosed) {
		t.Error("ReadFrom after Close:", err)
	}
	s.check(t, data)
}

func TestWriterAbort(t *testing.T) {
	for _, size := range []int64{0, 10, 64 * kib, 300 * kib} {
		s, b := &sink{}, NewBudget(0)
		w := NewWriter(t.Context(), s.target(), Config{Concurrency: 2, BlockSize: 64 * kib, Budget: b})
		if _, err := w.Write(noise(size)); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		w.Abort()
		if _, err := w.Write([]byte("x")); !errors.Is(err, ErrAborted) {
			t.Error("Write after Abort:", err)
		}
		if err := w.Close(); !errors.Is(err, ErrAborted) {
			t.Error("Close after Abort:", err)
		}
		s.checkNone(t)
		if s.puts > 0 {
			t.Error("Abort sent something")
		}
		checkBudget(t, b)
	}
}

// TestWriterAbortFromElsewhere ends a Write, ReadFrom and Close that are under way.
func TestWriterAbortFromElsewhere(t *testing.T) {
	for name, use := range map[string]func(w *Writer) error{
		"Write": func(w *Writer) error {
			_, err := w.Write(noise(mib))
			return err
		},
		"ReadFrom": func(w *Writer) error {
			_, err := w.ReadFrom(plain{bytes.NewReader(noise(mib))})
			return err
		},
		"Close": func(w *Writer) error {
			w.Write(noise(10))
			return w.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := &sink{}, NewBudget(0)
				s.fault = func(ctx context.Context, _ int) error {
					<-ctx.Done()
					return ctx.Err()
				}
				w := NewWriter(t.Context(), s.target(), Config{Concurrency: 2, BlockSize: 64 * kib, Budget: b})
				done := make(chan error)
				go func() { done <- use(w) }()
				synctest.Wait()
				go w.Abort()
				if err := <-done; !errors.Is(err, ErrAborted) {
					t.Error(err)
				}
				synctest.Wait()
				s.checkNone(t)
				checkBudget(t, b)
			})
		})
	}
}

// TestWriterContextIsAbort ends the context of a Writer that nobody closes, as in a deferred cancel.
func TestWriterContextIsAbort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := &sink{}, NewBudget(0)
		ctx, cancel := context.WithCancel(t.Context())
		w := NewWriter(ctx, s.target(), Config{Concurrency: 2, BlockSize: 64 * kib, Budget: b})
		if _, err := w.Write(noise(200 * kib)); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		checkBudget(t, b)
		s.checkNone(t)
		if _, err := w.Write([]byte("x")); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := w.Close(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s.checkNone(t)
	})
}

// TestWriterWaitsForMemory cancels a Write that waits for a budget that others hold.
func TestWriterWaitsForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(128 * kib)
		other := b.open()
		other.acquire(t.Context(), 128*kib)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		s := &sink{fault: func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		w := NewWriter(ctx, s.target(), Config{Concurrency: 8, BlockSize: 64 * kib, Budget: b})
		if n, err := w.Write(noise(mib)); n != 64<<10 || !errors.Is(err, context.Canceled) {
			t.Error(n, err)
		}
		w.Close()
		other.release(128 * kib)
		checkBudget(t, b)
	})
}

// TestFailedSourceMakesNoBlob closes a Writer as a deferred Close does after a copy that failed.
func TestFailedSourceMakesNoBlob(t *testing.T) {
	s := &sink{}
	w := NewWriter(t.Context(), s.target(), Config{})
	if n, err := io.Copy(w, breakAfter(bytes.NewReader(noise(100)), 50, errBoom)); n != 50 || !errors.Is(err, errBoom) {
		t.Fatal(n, err)
	}
	if err := w.Close(); !errors.Is(err, errBoom) {
		t.Error("Close:", err)
	}
	s.checkNone(t)
}

func TestStreamTooLong(t *testing.T) {
	const block, limit = 64 * kib, 5
	for _, extra := range []int64{0, 1} {
		for name, use := range map[string]func(w *Writer, data []byte) error{
			"Write": func(w *Writer, data []byte) error { _, err := w.Write(data); return err },
			"ReadFrom": func(w *Writer, data []byte) error {
				_, err := w.ReadFrom(plain{bytes.NewReader(data)})
				return err
			},
		} {
			data := noise(limit*block + extra)
			s, b := &sink{}, NewBudget(0)
			w := NewWriter(t.Context(), s.target(), Config{Concurrency: 2, BlockSize: block, Budget: b})
			w.max, w.soft = limit, block
			err, closed := use(w, data), w.Close()
			if extra == 0 {
				if err != nil || closed != nil {
					t.Fatal(name, err, closed)
				}
				s.check(t, data)
				continue
			}
			if err == nil || closed != err {
				t.Errorf("%s: %v, then %v", name, err, closed)
			}
			s.checkNone(t)
			checkBudget(t, b)
		}
	}
}

func TestStreamBlocksGrow(t *testing.T) {
	sizes := func(block, length int64) []int64 {
		all := make([]int64, 64)
		dst := Target{
			Stage:  func(_ context.Context, i int, body Body) error { all[i] = body.Len(); return nil },
			Commit: func(_ context.Context, blocks int) error { all = all[:blocks]; return nil },
		}
		src := io.LimitReader(readFunc(func(p []byte) (int, error) { return len(p), nil }), length)
		n, err := Upload(t.Context(), dst, src, Config{Concurrency: 1, BlockSize: block, Budget: NewBudget(256 * mib)})
		if err != nil || n != length {
			t.Fatal(n, err)
		}
		return all[:len(all)-1] // the last one holds what is left
	}
	for i, n := range sizes(0, 100*mib) {
		if want := nextBlock(i, defaultBlock, 16*mib); n != want {
			t.Errorf("block %d has %d bytes, want %d", i, n, want)
		}
	}
	for i, n := range sizes(mib, 50*mib+1) {
		if n != mib {
			t.Errorf("block %d has %d bytes, and 1 MiB was asked for", i, n)
		}
	}
}

// TestStreamHoldsASinglePut keeps a stream together up to SinglePut, within its share of the budget.
func TestStreamHoldsASinglePut(t *testing.T) {
	for _, c := range []struct {
		size, single, budget int64
		puts                 int
	}{
		{200 * kib, 200 * kib, 100 * mib, 1},
		{200*kib + 1, 200 * kib, 100 * mib, 0},
		{200 * kib, 200 * kib, mib, 0},
		{64 * kib, 1, mib, 1},
	} {
		s, data := &sink{}, noise(c.size)
		_, err := Upload(t.Context(), s.target(), bytes.NewReader(data), Config{Concurrency: 2, BlockSize: 64 * kib, SinglePut: c.single, Budget: NewBudget(c.budget)})
		if err != nil {
			t.Fatal(err)
		}
		s.check(t, data)
		if s.puts != c.puts {
			t.Errorf("%+v: %d puts", c, s.puts)
		}
	}
}
