// Package engine moves the bytes of blobs: in parallel, in bounded memory, and failing fast.
//
// It deals in offsets and functions and knows nothing of the wire. An upload is told how to put,
// stage and commit (Target), a download how to get a range (Get); everything else happens here:
// where blocks are cut, how many are under way, whose memory they use, what is asked for again,
// and which error is told.
//
// # Memory
//
// The bytes of one client's transfer buffers are bounded by one Budget. A source with ReadAt needs
// no buffers at all. A stream is read into blocks made of pooled pieces; a block counts its readers,
// and its memory goes back only after the last of them was closed, however long after the request
// returned: net/http may still read the body of an attempt that was answered early.
//
// # Goroutines
//
// Every goroutine of a transfer has ended when its function (or Close, or Abort) returns, with one
// exception that Go leaves no choice about: a Read of the caller's source that does not return. It
// is left to end by itself, and what it reads is not used.
//
// The functions of Target, Get, and the bodies they return must end soon after their context does.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Body is what one request sends. Every attempt opens its own reader, positioned at the start, and
// must close it. The memory behind a body is not reused before every opened reader has been closed.
//
// An opened reader may be closed while it is being read. Reading it after Close is an error and
// touches no memory.
type Body interface {
	Len() int64
	Offset() int64 // of its first byte from the start of the upload
	Open() io.ReadCloser
}

// Target is where an upload goes. An upload calls either Put once, or Stage for every block, in any
// order and up to Config.Concurrency at a time, and then Commit. An error of any of them is final:
// retries are made below.
type Target struct {
	Put    func(ctx context.Context, body Body) error            // the whole blob in one request
	Stage  func(ctx context.Context, index int, body Body) error // one block; indexes are 0, 1, 2 and so on
	Commit func(ctx context.Context, blocks int) error           // after every block is staged
}

// Get opens bytes [off, off+n) of the blob. The reader may end early (a short answer or a broken
// connection): the engine asks again for the rest. An error of Get itself is final, and so is an
// error that a reader marks with Final, and any error other than io.EOF that comes with or after
// the last byte.
//
// When ctx ends the engine closes the reader, even while a Read is under way.
type Get func(ctx context.Context, off, n int64) (io.ReadCloser, error)

// First is the first answer of a download, already under way: Body streams bytes [0, Len), and the
// total is Size. With a nil Body everything is got through Get. The engine closes Body in all cases.
type First struct {
	Body io.ReadCloser
	Len  int64
	Size int64
}

// Config says how a transfer goes. The zero value of each field but Concurrency is good.
type Config struct {
	Concurrency int     // requests in flight; less than 1 is 1
	BlockSize   int64   // bytes, for the first 5,000 blocks of a stream at least; 0 lets the engine choose
	SinglePut   int64   // bytes; up to this size an upload of known size is one Put; 0 is 8 MiB
	Budget      *Budget // nil gives the transfer its own, of DefaultBudget bytes
	Resume      Resume  // takes up bodies of a download that broke; nil does it a few times, soon

	// Progress is told how many bytes are done: read from the bodies of an upload, stored by a
	// download, or given to the caller of a Reader. It is called at most every 100 ms and once at
	// the end, also after a failure, never from two goroutines at once, and the figure never
	// falls. It must not call into the transfer.
	Progress func(done int64)
}

// normal fills in the defaults and refuses what makes no sense.
func (c Config) normal() (Config, error) {
	if c.BlockSize < 0 {
		return c, fmt.Errorf("negative block size %d", c.BlockSize)
	}
	if c.SinglePut < 0 {
		return c, fmt.Errorf("negative single put size %d", c.SinglePut)
	}
	c.Concurrency = max(c.Concurrency, 1)
	if c.Budget == nil {
		c.Budget = NewBudget(DefaultBudget)
	}
	return c, nil
}

// check refuses a First that contradicts itself.
func (f First) check() error {
	switch {
	case f.Size < 0 || f.Len < 0:
		return fmt.Errorf("negative size: first answer of %d bytes, blob of %d", f.Len, f.Size)
	case f.Len > f.Size:
		return fmt.Errorf("first answer of %d bytes is longer than the blob of %d", f.Len, f.Size)
	}
	return nil
}

// finalError marks a read error that another request must not heal.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// Final marks an error of a body's Read as one that asking again must not heal, such as a checksum
// that does not match: the bytes already given out would stay wrong.
func Final(err error) error {
	if err == nil {
		return nil
	}
	return &finalError{err}
}

// emptyReads is how often in a row a reader may give nothing, not even an error.
const emptyReads = 100

// readSome reads until there is a byte or an error, and does not trust r to keep the contract of
// io.Reader: an impossible count is a final error, and endless empty reads are io.ErrNoProgress.
func readSome(r io.Reader, p []byte) (int, error) {
	for range emptyReads {
		n, err := r.Read(p)
		if n < 0 || n > len(p) {
			return 0, impossible(n, len(p))
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

func impossible(n, limit int) error {
	return Final(fmt.Errorf("reader returned the impossible count %d for a buffer of %d bytes", n, limit))
}

// grace is how long a transfer that has failed waits for a read of the caller's source that is under
// way. A source that is memory or a file is done long before, so that the caller may reuse it as soon
// as the transfer returns; a source that blocks is left behind.
const grace = 20 * time.Millisecond

// linger waits for done, but not longer than grace.
func linger(done <-chan struct{}) {
	select {
	case <-done:
		return
	default:
	}
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

var errBodyClosed = errors.New("read of a closed body")

// checkSpan refuses an offset and a size that are no part of any file.
func checkSpan(off, size int64) error {
	switch {
	case off < 0:
		return fmt.Errorf("negative offset %d", off)
	case size < 0:
		return fmt.Errorf("negative size %d", size)
	case off > math.MaxInt64-size:
		return fmt.Errorf("%d bytes from offset %d go beyond what a file can hold", size, off)
	}
	return nil
}
