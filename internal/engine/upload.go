package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// UploadAt uploads bytes [off, off+size) of src. It takes no buffers: every attempt reads src itself,
// through a section of its own, so src must allow concurrent ReadAt.
//
// If src ends before size bytes the error wraps io.ErrUnexpectedEOF, and no blob is made. An error
// of src is final. When UploadAt returns src is no longer read, with the exception that the package
// documentation names.
func UploadAt(ctx context.Context, dst Target, src io.ReaderAt, off, size int64, c Config) error {
	c, err := c.normal()
	if err != nil {
		return err
	}
	if err := checkSpan(off, size); err != nil {
		return err
	}
	single := c.SinglePut
	if single == 0 {
		single = defaultSinglePut
	}
	block := size
	if size > single {
		if block, err = knownBlock(size, c.BlockSize); err != nil {
			return err
		}
	}
	if err := ended(ctx); err != nil {
		return err
	}
	u := &uploadAt{group: newGroup(ctx), dst: dst, src: src, off: off, size: size, block: block, prog: newProgress(c.Progress)}
	switch src.(type) {
	case *bytes.Reader, *strings.Reader:
		u.inMemory = true
	}
	u.idle = make(chan struct{})
	defer u.prog.finish()
	defer u.seal()
	defer u.cancel()
	if size <= single {
		return u.put()
	}
	return u.stageAll(c.Concurrency)
}

// uploadAt is one upload from a ReaderAt.
type uploadAt struct {
	*group
	dst       Target
	src       io.ReaderAt
	off, size int64
	block     int64
	prog      *progress
	inMemory  bool // no read of src blocks

	reads   sync.Mutex
	reading int           // calls of src.ReadAt under way
	sealed  bool          // no call of src.ReadAt may start
	idle    chan struct{} // closed when sealed and none is under way
}

func (u *uploadAt) put() error {
	u.fail(u.send(func() error { return u.dst.Put(u.ctx, &section{u: u, n: u.size}) }))
	return u.first()
}

// send makes a request, but does not wait for one that cannot end. net/http waits for a body that is
// being read, even when the context has ended, and a source may block for ever.
func (u *uploadAt) send(request func() error) error {
	if u.inMemory {
		return request()
	}
	done := make(chan error, 1)
	go func() { done <- request() }()
	select {
	case err := <-done:
		return err
	case <-u.ctx.Done():
	}
	pause := time.NewTicker(grace)
	defer pause.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-pause.C:
			if u.blocked() {
				return u.stopped()
			}
		}
	}
}

// blocked tells whether a read of the source is under way.
func (u *uploadAt) blocked() bool {
	u.reads.Lock()
	defer u.reads.Unlock()
	return u.reading > 0
}

func (u *uploadAt) stageAll(concurrency int) error {
	err := u.each(u.size, u.block, concurrency, func(i int, at, n int64) error {
		body := &section{u: u, at: at, n: n}
		return u.send(func() error { return u.dst.Stage(u.ctx, i, body) })
	})
	if err != nil {
		return err
	}
	u.fail(u.dst.Commit(u.ctx, int(ceil(u.size, u.block))))
	return u.first()
}

// enter asks whether src may be read now; leave says that it was.
func (u *uploadAt) enter() bool {
	u.reads.Lock()
	defer u.reads.Unlock()
	if u.sealed {
		return false
	}
	u.reading++
	return true
}

func (u *uploadAt) leave() {
	u.reads.Lock()
	defer u.reads.Unlock()
	u.reading--
	if u.sealed && u.reading == 0 {
		close(u.idle)
	}
}

// seal ends the reading of src: an attempt that was answered early may still be sending, but src is
// the caller's again.
func (u *uploadAt) seal() {
	u.reads.Lock()
	u.sealed = true
	idle := u.reading == 0
	u.reads.Unlock()
	if !idle {
		linger(u.idle)
	}
}

// section is a block of a ReaderAt, n bytes from at (counted from the start of the upload).
type section struct {
	u     *uploadAt
	at, n int64
	mark  mark
}

func (s *section) Len() int64          { return s.n }
func (s *section) Offset() int64       { return s.at }
func (s *section) Open() io.ReadCloser { return &sectionReader{s: s} }

// sectionReader reads a section for one attempt.
type sectionReader struct {
	s      *section
	pos    int64
	empty  int // reads in a row that gave nothing
	closed atomic.Bool
}

func (r *sectionReader) Read(p []byte) (int, error) {
	s := r.s
	switch {
	case r.closed.Load():
		return 0, errBodyClosed
	case r.pos == s.n:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	p = p[:min(int64(len(p)), s.n-r.pos)]
	if !s.u.enter() {
		return 0, errBodyClosed
	}
	n, err := s.u.src.ReadAt(p, s.u.off+s.at+r.pos)
	s.u.leave()
	if n < 0 || n > len(p) {
		n, err = 0, impossible(n, len(p))
	}
	r.pos += int64(n)
	s.mark.reach(s.u.prog, r.pos)
	if err = r.judge(n, len(p), err); err != nil {
		// Recorded here, since what a transport makes of it may no longer tell the cause.
		s.u.fail(err)
	}
	return n, err
}

func (r *sectionReader) skip(n int64) { r.pos = min(r.pos+n, r.s.n) }

// judge tells what the result of ReadAt means for the upload.
func (r *sectionReader) judge(n, want int, err error) error {
	switch {
	case err == nil && n > 0:
		r.empty = 0
		return nil
	case err == nil:
		if r.empty++; r.empty < emptyReads {
			return nil
		}
		err = io.ErrNoProgress
	case errors.Is(err, io.EOF) && n == want:
		return nil
	case errors.Is(err, io.EOF):
		return fmt.Errorf("source ended after %d bytes but was said to have %d: %w", r.s.at+r.pos, r.s.u.size, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("reading the source at %d: %w", r.s.u.off+r.s.at+r.pos, err)
}

// InMemory reports whether no read blocks, which lets a transport in the process read in place.
func (r *sectionReader) InMemory() bool { return r.s.u.inMemory }

func (r *sectionReader) Close() error {
	r.closed.Store(true)
	return nil
}
