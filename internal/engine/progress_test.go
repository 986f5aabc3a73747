package engine

import (
	"bytes"
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// witness checks what is promised about calls of Progress.
type witness struct {
	t     *testing.T
	busy  atomic.Bool
	ended atomic.Bool
	calls []int64
	times []time.Time
}

func (w *witness) tell(done int64) {
	if w.busy.Swap(true) {
		w.t.Error("progress called by two goroutines at once")
	}
	defer w.busy.Store(false)
	if w.ended.Load() {
		w.t.Error("progress called after the end")
	}
	if n := len(w.calls); n > 0 && done < w.calls[n-1] {
		w.t.Errorf("progress fell from %d to %d", w.calls[n-1], done)
	}
	w.calls = append(w.calls, done)
	w.times = append(w.times, time.Now())
	time.Sleep(time.Millisecond) // a slow callback invites a second one
}

func (w *witness) check(want int64) {
	w.t.Helper()
	w.ended.Store(true)
	n := len(w.calls)
	if n == 0 || w.calls[n-1] != want {
		w.t.Fatalf("progress ended with %v, want %d", w.calls, want)
	}
	for i := 1; i < n-1; i++ {
		if d := w.times[i].Sub(w.times[i-1]); d < progressEvery {
			w.t.Errorf("progress called again after %v", d)
		}
	}
}

// slowly reads r in small steps of time.
type slowly struct{ r io.Reader }

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(7 * time.Millisecond)
	return s.r.Read(p[:min(len(p), 4096)])
}

func TestProgressOfUploadWithRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{t: t}
		var late sync.WaitGroup
		send := func(_ context.Context, _ int, body Body) error {
			for attempt := range 3 {
				r := body.Open()
				n := body.Len()
				if attempt < 2 {
					n = n * int64(attempt+1) / 3
				}
				io.Copy(io.Discard, io.LimitReader(slowly{r}, n))
				if attempt < 2 {
					r.Close()
					continue
				}
				late.Go(func() { // an attempt's body is still read after the answer
					time.Sleep(time.Hour)
					io.Copy(io.Discard, r)
					r.Close()
				})
			}
			return nil
		}
		dst := Target{Stage: send, Commit: func(context.Context, int) error { return nil }}
		data := noise(512 * kib)
		err := UploadAt(t.Context(), dst, bytes.NewReader(data), 0, int64(len(data)), Config{Concurrency: 4, BlockSize: 64 * kib, SinglePut: 1, Progress: w.tell})
		if err != nil {
			t.Fatal(err)
		}
		w.check(int64(len(data)))
		if len(w.calls) < 3 {
			t.Errorf("only %d calls", len(w.calls))
		}

		w = &witness{t: t}
		if _, err := Upload(t.Context(), dst, bytes.NewReader(data), Config{Concurrency: 4, BlockSize: 64 * kib, Progress: w.tell}); err != nil {
			t.Fatal(err)
		}
		w.check(int64(len(data)))
		late.Wait()
	})
}

func TestProgressAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{t: t}
		var read atomic.Int64
		dst := Target{Put: func(_ context.Context, body Body) error {
			r := body.Open()
			defer r.Close()
			n, _ := r.Read(make([]byte, 1000))
			read.Add(int64(n))
			return errBoom
		}}
		if _, err := Upload(t.Context(), dst, bytes.NewReader(noise(5000)), Config{Progress: w.tell}); err != errBoom {
			t.Fatal(err)
		}
		w.check(1000)
	})
}

func TestProgressOfDownloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{data: noise(400 * kib)}
		o.cut = func(off, n int64) io.Reader { return slowly{bytes.NewReader(o.data[off : off+n])} }
		size := int64(len(o.data))
		c := Config{Concurrency: 3, BlockSize: 50 * kib}

		w := &witness{t: t}
		c.Progress = w.tell
		if n, err := Download(t.Context(), o.first(10*kib), o.get, make(store, size), c); n != size || err != nil {
			t.Fatal(n, err)
		}
		w.check(size)

		w = &witness{t: t}
		c.Progress = w.tell
		r := NewReader(t.Context(), o.first(10*kib), o.get, c)
		io.Copy(io.Discard, plain{r})
		r.Seek(-100, io.SeekEnd)
		io.Copy(io.Discard, r)
		r.Close()
		w.check(size + 100)
		r.Close()

		w = &witness{t: t}
		c.Progress = w.tell
		o.deny = func(_ context.Context, off int64) error {
			if off >= 200*kib {
				return errBoom
			}
			return nil
		}
		n, err := Download(t.Context(), First{Size: size}, o.get, make(store, size), c)
		if err != errBoom {
			t.Fatal(err)
		}
		w.check(n)
	})
}
