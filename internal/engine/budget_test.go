package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
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

// line is a budget of 10 bytes and claims that wait for it.
type line struct {
	*Budget
	t       *testing.T
	granted chan string
}

// holder is a transfer that holds n bytes.
func (l line) holder(n int64) *account {
	a := l.open()
	a.acquire(l.t.Context(), n)
	return a
}

func (l line) claim(ctx context.Context, name string, a *account, n int64) {
	go func() {
		if a.acquire(ctx, n) == nil {
			l.granted <- name
		}
	}()
	synctest.Wait()
}

func (l line) expect(what string, want ...string) {
	l.t.Helper()
	synctest.Wait()
	var got []string
	for len(l.granted) > 0 {
		got = append(got, <-l.granted)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		l.t.Errorf("%s: granted %q, want %q", what, got, want)
	}
}

func TestBudgetIsFair(t *testing.T) {
	each := func(name string, test func(t *testing.T, l line)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, line{NewBudget(10), t, make(chan string, 10)}) })
		})
	}
	each("in the order of asking", func(t *testing.T, l line) {
		a, b := l.holder(8), l.holder(2)
		l.claim(t.Context(), "large", b, 7)
		l.claim(t.Context(), "small", b, 1)
		a.release(4)
		l.expect("room for the small one")
		l.claim(t.Context(), "late", b, 2)
		l.expect("asked with room left")
		a.release(1)
		l.expect("not yet")
		a.release(2)
		l.expect("room for the large one", "large")
		b.release(2)
		l.expect("room for all but one", "small")
		b.release(7)
		l.expect("room for all", "late")
	})
	each("who leaves lets others go on", func(t *testing.T, l line) {
		a, b := l.holder(5), l.holder(2)
		ctx, cancel := context.WithCancel(t.Context())
		l.claim(ctx, "large", b, 7)
		l.claim(t.Context(), "small", b, 3)
		l.expect("the large one is first")
		cancel()
		l.expect("the large one has left", "small")
		if n := l.InUse(); n != 10 {
			t.Errorf("%d in use", n)
		}
		a.release(5)
	})
	each("beyond the limit", func(t *testing.T, l line) {
		a, b := l.holder(8), l.holder(1)
		l.claim(t.Context(), "huge", a, 11)
		l.claim(t.Context(), "small", b, 1)
		a.release(1)
		l.expect("the huge one holds up nobody", "small")
		a.release(7)
		l.expect("its transfer holds nothing", "huge")
		if n := l.InUse(); n != 13 {
			t.Errorf("%d in use", n)
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
