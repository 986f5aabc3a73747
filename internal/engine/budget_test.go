package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudgetFirstIsGranted(t *testing.T) {
	b := NewBudget(10)
	ctx := t.Context()
	one, two := b.open(), b.open()
	for _, a := range []*account{one, two} {
		if err := a.acquire(ctx, 25); err != nil {
			t.Fatal(err)
		}
	}
	if b.InUse() != 50 {
		t.Fatalf("%d in use", b.InUse())
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := one.acquire(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("second grant of a full budget: %v", err)
		}
	})
	one.release(25)
	two.release(25)
	if b.InUse() != 0 || len(b.queue) != 0 {
		t.Fatalf("%d in use, %d waiting", b.InUse(), len(b.queue))
	}
	if NewBudget(0).Limit() != DefaultBudget {
		t.Error("no default")
	}
}

func TestBudgetIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(10)
		holder := b.open()
		holder.acquire(t.Context(), 10)
		order := make(chan int64, 10)
		var others []*account
		claim := func(ctx context.Context, a *account, n int64) {
			go func() {
				if a.acquire(ctx, n) == nil {
					order <- n
				}
			}()
			synctest.Wait()
		}
		for range 4 {
			a := b.open()
			a.acquire(t.Context(), 1) // so that it does not hold nothing
			others = append(others, a)
		}
		quit, cancel := context.WithCancel(t.Context())
		claim(quit, others[0], 9)
		claim(t.Context(), others[1], 6)
		claim(t.Context(), others[2], 2)
		claim(t.Context(), holder, 11) // more than the limit: holds up nobody
		claim(t.Context(), others[3], 1)
		holder.release(6) // 8 in use: the 2 would fit but must wait for the 9
		synctest.Wait()
		if len(order) != 0 {
			t.Fatal("a later claim overtook the first")
		}
		cancel() // the 6 is next
		synctest.Wait()
		if len(order) != 0 {
			t.Fatal("a later claim overtook the second")
		}
		holder.release(4) // the 6 fits now; the holder holds nothing, so its 11 is granted at once
		synctest.Wait()
		if len(order) != 2 || <-order+<-order != 17 || b.InUse() != 21 {
			t.Fatalf("%d in use, want 21", b.InUse())
		}
		holder.release(11)
		synctest.Wait()
		if len(order) != 0 {
			t.Fatal("more than the budget granted")
		}
		others[1].release(7)
		synctest.Wait()
		if len(order) != 2 || b.InUse() != 6 {
			t.Fatalf("%d granted, %d in use", len(order), b.InUse())
		}
	})
}

// TestCopyWithinOneBudget copies a blob through a budget that is smaller than a block of either side.
func TestCopyWithinOneBudget(t *testing.T) {
	data := noise(3*mib + 12345)
	for name, dress := range map[string]func(*Writer, *Reader) (io.Writer, io.Reader){
		"WriteTo":  func(w *Writer, r *Reader) (io.Writer, io.Reader) { return struct{ io.Writer }{w}, r },
		"ReadFrom": func(w *Writer, r *Reader) (io.Writer, io.Reader) { return w, plain{r} },
		"neither":  func(w *Writer, r *Reader) (io.Writer, io.Reader) { return struct{ io.Writer }{w}, plain{r} },
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBudget(64 * kib)
			c := Config{Concurrency: 4, BlockSize: 200 * kib, Budget: b}
			o, s := &origin{data: data}, &sink{}
			r := NewReader(t.Context(), o.first(70_000), o.get, c)
			w := NewWriter(t.Context(), s.target(), c)
			dst, src := dress(w, r)
			if n, err := io.Copy(dst, src); n != int64(len(data)) || err != nil {
				t.Fatal(n, err)
			}
			if err := errors.Join(w.Close(), r.Close()); err != nil {
				t.Fatal(err)
			}
			s.check(t, data)
			o.checkClosed(t)
			checkBudget(t, b)
		})
	}
}

// TestBudgetBoundsAStream watches what an upload with more concurrency than budget holds.
func TestBudgetBoundsAStream(t *testing.T) {
	b := NewBudget(mib)
	s := &sink{fault: func(context.Context, int) error {
		if n := b.InUse(); n > b.Limit() {
			return errors.New("more in use than the limit")
		}
		return nil
	}}
	data := noise(4 * mib)
	n, err := Upload(t.Context(), s.target(), plain{bytes.NewReader(data)}, Config{Concurrency: 32, BlockSize: 64 * kib, Budget: b})
	if n != int64(len(data)) || err != nil {
		t.Fatal(n, err)
	}
	s.check(t, data)
	checkBudget(t, b)
}
