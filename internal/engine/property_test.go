package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestUploadsUnderFire uploads at random sizes with random faults at random times. Whatever happens:
// either there is an error and no blob, or none and the right blob; the memory comes back; nothing
// is left running (which synctest sees).
func TestUploadsUnderFire(t *testing.T) {
	for name, upload := range uploads {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(80) {
				synctest.Test(t, func(t *testing.T) { uploadUnderFire(t, seed, upload) })
				if t.Failed() {
					t.Fatal("seed", seed)
				}
			}
		})
	}
}

func uploadUnderFire(t *testing.T, seed uint64, upload func(context.Context, Target, []byte, Config) error) {
	dice := newDice(seed, 3)
	data := noise(int64(dice(400 << 10)))
	b := NewBudget(int64(1 + dice(300<<10)))
	c := Config{Concurrency: 1 + dice(5), BlockSize: int64(1000 + dice(64<<10)), SinglePut: int64(1 + dice(64<<10)), Budget: b}
	w := &witness{t: t}
	if seed%2 == 0 {
		c.Progress = w.tell
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	faulty, cancelled := dice(2) == 0, dice(4) == 0
	if cancelled {
		time.AfterFunc(time.Duration(dice(200))*time.Millisecond, cancel)
	}
	s := &sink{fault: func(ctx context.Context, i int) error {
		select {
		case <-time.After(time.Duration(dice(50)) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if faulty && dice(8) == 0 {
			return errBoom
		}
		return nil
	}}
	dst, inner := s.target(), s.target()
	dst.Stage = func(ctx context.Context, i int, body Body) error {
		if dice(4) == 0 {
			go readLate(t, body.Open(), data, dice)
		}
		return inner.Stage(ctx, i, body)
	}
	err := upload(ctx, dst, data, c)
	if c.Progress != nil {
		w.ended.Store(true)
	}
	switch {
	case err == nil:
		s.check(t, data)
		if c.Progress != nil {
			w.check(int64(len(data)))
		}
	case faulty && errors.Is(err, errBoom), cancelled && errors.Is(err, context.Canceled):
		s.checkNone(t)
	default:
		t.Errorf("unexpected error: %v", err)
	}
	time.Sleep(time.Hour) // late readers end
	checkBudget(t, b)
}

// readLate reads a body of an attempt that was answered before it was read.
func readLate(t *testing.T, r io.ReadCloser, data []byte, dice func(int) int) {
	defer r.Close()
	for dice(5) > 0 {
		time.Sleep(time.Duration(dice(300)) * time.Millisecond)
		p := make([]byte, 1+dice(10_000))
		n, err := r.Read(p)
		if err == nil && !bytes.Contains(data, p[:n]) {
			t.Error("a late reader got wrong bytes")
		}
	}
}

// newDice throws a die of n sides, from any goroutine.
func newDice(seed, game uint64) func(n int) int {
	var guard sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, game))
	return func(n int) int {
		guard.Lock()
		defer guard.Unlock()
		return rnd.IntN(n)
	}
}

// TestDownloadsUnderFire is the same for downloads.
func TestDownloadsUnderFire(t *testing.T) {
	for name, download := range downloads {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(80) {
				synctest.Test(t, func(t *testing.T) { downloadUnderFire(t, seed, download) })
				if t.Failed() {
					t.Fatal("seed", seed)
				}
			}
		})
	}
}

func downloadUnderFire(t *testing.T, seed uint64, download func(context.Context, First, Get, Config) ([]byte, error)) {
	dice := newDice(seed, 4)
	size := 1 + dice(400<<10)
	b := NewBudget(int64(1 + dice(1<<20)))
	c := Config{Concurrency: 1 + dice(5), BlockSize: int64(1000 + dice(64<<10)), Budget: b}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cancelled, denied := dice(4) == 0, dice(4) == 0
	if cancelled {
		time.AfterFunc(time.Duration(dice(300))*time.Millisecond, cancel)
	}
	o := &origin{data: noise(int64(size))}
	o.deny = func(ctx context.Context, _ int64) error {
		select {
		case <-time.After(time.Duration(dice(20)) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if denied && dice(10) == 0 {
			return errBoom
		}
		return nil
	}
	o.cut = func(off, n int64) io.Reader {
		src := bytes.NewReader(o.data[off : off+n])
		left := n
		if dice(3) == 0 {
			left = int64(dice(int(n) + 1))
		}
		return readFunc(func(p []byte) (int, error) {
			time.Sleep(time.Duration(dice(3)) * time.Millisecond)
			if left == 0 && src.Len() > 0 {
				return 0, []error{io.EOF, io.ErrUnexpectedEOF, errors.New("reset")}[dice(3)]
			}
			m, err := src.Read(p[:min(int64(len(p)), left, int64(1+dice(30_000)))])
			left -= int64(m)
			if left == 0 && src.Len() == 0 {
				err = io.EOF
			}
			return m, err
		})
	}
	f := First{Size: int64(size)}
	if dice(4) > 0 {
		f = o.first(int64(dice(size + 1)))
	}
	p, err := download(ctx, f, o.get, c)
	switch {
	case err == nil:
		if !bytes.Equal(p, o.data) {
			t.Errorf("%d bytes differ from the blob of %d", len(p), size)
		}
	case denied && errors.Is(err, errBoom), cancelled && errors.Is(err, context.Canceled):
	default:
		t.Errorf("unexpected error: %v", err)
	}
	synctest.Wait()
	o.checkClosed(t)
	checkBudget(t, b)
}
