package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrTooLong is wrapped by the error of content that one request cannot carry.
var ErrTooLong = errors.New("too much content for one request")

// Single gives put all that src has until io.EOF, as one body of at most limit bytes, and returns how
// many that was. Src is read to its end first, into a block of pooled memory, so it may not be longer
// than the memory budget either, or 8 MiB if that is more. A longer one is refused, never cut.
//
// What Upload says of a source that blocks holds here as well.
func Single(ctx context.Context, put func(ctx context.Context, body Body) error, src io.Reader, limit int64, c Config) (n int64, err error) {
	w := NewWriter(ctx, Target{Put: put}, c)
	defer w.Abort()
	w.max, w.first, w.overlong = 1, limit, tooLong("the content", limit)
	if w.acct != nil {
		if most := max(w.acct.b.Limit(), defaultBlock); most < limit {
			w.first = most
			w.overlong = fmt.Errorf("%w: the content is longer than the %d bytes of the memory budget, which holds what comes from a reader that is no io.ReaderAt and io.Seeker", ErrTooLong, most)
		}
	}
	n, _ = w.ReadFrom(src)
	return n, w.Close()
}

// SingleAt gives put bytes [off, off+size) of src, of which there may be at most limit, as one body. It
// takes no buffer, like UploadAt.
func SingleAt(ctx context.Context, put func(ctx context.Context, body Body) error, src io.ReaderAt, off, size, limit int64, c Config) error {
	if size > limit {
		return tooLong(fmt.Sprintf("the content of %d bytes", size), limit)
	}
	c.SinglePut = max(limit, 1)
	return UploadAt(ctx, Target{Put: put}, src, off, size, c)
}

func tooLong(what string, limit int64) error {
	return fmt.Errorf("%w: %s is longer than the %d bytes that a request can have", ErrTooLong, what, limit)
}
