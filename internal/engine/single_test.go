package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestSingleSizes sends content of up to the limit, and refuses what has one byte more.
func TestSingleSizes(t *testing.T) {
	const limit = 3*mib + 5
	for _, size := range []int64{0, 1, smallPiece, mib, mib + 1, limit - 1, limit, limit + 1, 2 * limit, 5 * limit} {
		for _, at := range []bool{true, false} {
			s, b, data := &sink{}, NewBudget(0), noise(size)
			var n int64
			var err error
			if at {
				n = size
				err = SingleAt(t.Context(), s.target().Put, bytes.NewReader(append([]byte("abc"), data...)), 3, size, limit, Config{Budget: b})
			} else {
				n, err = Single(t.Context(), s.target().Put, iotest.DataErrReader(bytes.NewReader(data)), limit, Config{Budget: b})
			}
			checkBudget(t, b)
			if size <= limit {
				if err != nil || n != size {
					t.Fatalf("%d bytes, ReaderAt %v: %d, %v", size, at, n, err)
				}
				s.check(t, data)
				continue
			}
			s.checkNone(t)
			if s.puts != 0 || !errors.Is(err, ErrTooLong) || !strings.Contains(err.Error(), "3145733 bytes") {
				t.Errorf("%d bytes, ReaderAt %v: %d puts, %v", size, at, s.puts, err)
			}
		}
	}
}

// TestSingleStaysInBudget refuses a stream that memory cannot hold, and sends a ReaderAt of that size.
func TestSingleStaysInBudget(t *testing.T) {
	b := NewBudget(9 * mib)
	data := noise(9*mib + 1)
	s := &sink{}
	_, err := Single(t.Context(), s.target().Put, bytes.NewReader(data), 100*mib, Config{Budget: b})
	if !errors.Is(err, ErrTooLong) || !strings.Contains(err.Error(), "9437184 bytes of the memory budget") {
		t.Error(err)
	}
	s.checkNone(t)
	checkBudget(t, b)
	if err := SingleAt(t.Context(), s.target().Put, bytes.NewReader(data), 0, int64(len(data)), 100*mib, Config{Budget: b}); err != nil {
		t.Fatal(err)
	}
	s.check(t, data)
	// A very small budget is no reason to refuse what every transfer may have.
	s = &sink{}
	if _, err := Single(t.Context(), s.target().Put, bytes.NewReader(data[:8*mib]), 100*mib, Config{Budget: NewBudget(1)}); err != nil {
		t.Fatal(err)
	}
	s.check(t, data[:8*mib])
}

// TestSingleBodyOutlivesItsRequest keeps a body open beyond the call, as net/http does after an early
// answer, and finds the memory untouched until it is closed.
func TestSingleBodyOutlivesItsRequest(t *testing.T) {
	b, data := NewBudget(0), noise(300*kib)
	var late io.ReadCloser
	_, err := Single(t.Context(), func(_ context.Context, body Body) error {
		late = body.Open()
		return errBoom
	}, bytes.NewReader(data), mib, Config{Budget: b})
	if !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
	if b.InUse() == 0 {
		t.Error("the memory went back while a body was open")
	}
	if got, err := io.ReadAll(late); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes, %v", len(got), len(data), err)
	}
	late.Close()
	checkBudget(t, b)
}

// TestSingleOfBadSource sends nothing of a source that fails.
func TestSingleOfBadSource(t *testing.T) {
	s, b := &sink{}, NewBudget(0)
	_, err := Single(t.Context(), s.target().Put, breakAfter(bytes.NewReader(noise(mib)), 1000, errBoom), 2*mib, Config{Budget: b})
	if !errors.Is(err, errBoom) {
		t.Error(err)
	}
	err = SingleAt(t.Context(), s.target().Put, bytes.NewReader(noise(10)), 0, 11, mib, Config{Budget: b})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	s.checkNone(t)
	checkBudget(t, b)
}
