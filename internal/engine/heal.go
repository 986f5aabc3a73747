package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// Resume is asked before a body that broke is taken up again, n being how many were since the last byte
// came. It waits for as long as it likes, and returns an error to give up with.
type Resume func(ctx context.Context, n int, err error) error

// maxBarren is how many bodies in a row may end without a single byte, and firstPause the pause after
// one that broke, which doubles with every barren one. They are those of a transfer whose Config has no
// Resume.
const (
	maxBarren  = 5
	firstPause = 10 * time.Millisecond
)

// takenUpKey is that of how often a body was taken up, in the context of Get.
type takenUpKey struct{}

// TakenUp is for Get: how many bodies were taken up since the last byte came, the one that is asked for
// included. It is 0 if none broke.
func TakenUp(ctx context.Context) int {
	n, _ := ctx.Value(takenUpKey{}).(int)
	return n
}

func resumeSoon(ctx context.Context, n int, err error) error {
	if n == maxBarren-1 {
		return fmt.Errorf("%d answers in a row gave no byte: %w", maxBarren, err)
	}
	d := firstPause << n
	t := time.NewTimer(d/2 + rand.N(d/2))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w; before that: %w", ctx.Err(), err)
	}
}

// supply is where the bytes come from.
type supply struct {
	get    Get
	resume Resume // nil is resumeSoon
}

// stream reads bytes [off, end) of the blob as one stream, over as many bodies as it takes: one that
// ends early or breaks is resumed at its byte. Its Read never ends short with io.EOF.
type stream struct {
	supply
	ctx      context.Context
	body     *guarded // nil when the next one has to be got
	off, end int64

	moved  bool  // the body gave bytes
	barren int   // bodies that were resumed since the last byte
	broken error // why the last body ended, unless it was just short
	probe  [1]byte
}

// follow streams body, which is under way and gives bytes [0, n), as long as ctx lives.
func follow(ctx context.Context, src supply, body io.ReadCloser, n int64) *stream {
	return &stream{ctx: ctx, supply: src, body: guard(ctx, body), end: n}
}

// Read gives the last bytes only when the body has then ended as it should.
func (s *stream) Read(p []byte) (int, error) {
	if s.off == s.end {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), s.end-s.off)]
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if err := s.open(); err != nil {
			return 0, err
		}
		n, err := readSome(s.body, p)
		if n > 0 {
			s.off += int64(n)
			s.moved, s.barren = true, 0
		}
		if s.off == s.end {
			if err := s.finish(err); err != nil {
				return 0, err
			}
			return n, nil
		}
		if err != nil {
			if err := s.drop(err); err != nil {
				return 0, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
}

// open makes sure that there is a body.
func (s *stream) open() error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.body != nil {
		return nil
	}
	ctx := s.ctx
	if s.broken != nil {
		resume := s.resume
		if resume == nil {
			resume = resumeSoon
		}
		if err := resume(s.ctx, s.barren, s.broken); err != nil {
			return fmt.Errorf("the content broke off at %d: %w", s.off, err)
		}
		s.barren++
		ctx = context.WithValue(ctx, takenUpKey{}, s.barren)
	}
	body, err := s.get(ctx, s.off, s.end-s.off)
	if err != nil {
		return err
	}
	if body == nil {
		return fmt.Errorf("no body for %d bytes at %d", s.end-s.off, s.off)
	}
	s.body, s.moved = guard(s.ctx, body), false
	return nil
}

// drop puts away a body that ended too soon, and tells if it should not be resumed. One that gave bytes
// and then just ended is a short answer, no sign of trouble.
func (s *stream) drop(err error) error {
	s.close()
	if end := s.ctx.Err(); end != nil {
		return end
	}
	if _, final := errors.AsType[*finalError](err); final {
		return err
	}
	switch {
	case err != io.EOF:
		s.broken = err
	case s.moved:
		s.broken = nil
	default:
		s.broken = io.ErrUnexpectedEOF
	}
	return nil
}

// finish looks whether the body ends where it should, err being what came with its last byte.
func (s *stream) finish(err error) error {
	if err == nil {
		var n int
		if n, err = readSome(s.body, s.probe[:]); n > 0 {
			err = fmt.Errorf("body gives more than asked for: it goes on at %d", s.end)
		}
	}
	s.close()
	if err == io.EOF {
		return nil
	}
	return err
}

// empty looks whether a body of which no byte is wanted is as empty as it should be.
func (s *stream) empty() error {
	if !s.done() || s.body == nil {
		return nil
	}
	return s.finish(nil)
}

func (s *stream) done() bool { return s.off == s.end }

// close closes the body, if there is one. The stream may still be read on, over the next.
func (s *stream) close() {
	if s.body != nil {
		s.body.Close()
		s.body = nil
	}
}

// guarded is a body that is closed once: by its reader, or by the end of the context, since nothing
// else is sure to end a Read that is under way.
type guarded struct {
	io.Reader
	closer io.Closer
	once   sync.Once
	stop   func() bool
}

func guard(ctx context.Context, body io.ReadCloser) *guarded {
	g := &guarded{Reader: body, closer: body}
	g.stop = context.AfterFunc(ctx, g.shut)
	return g
}

func (g *guarded) shut() { g.once.Do(func() { g.closer.Close() }) }

func (g *guarded) Close() error {
	g.stop()
	g.shut()
	return nil
}
