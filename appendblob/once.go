package appendblob

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// appendAt is Append Block with the position of the block: of several tries at most
// one is carried out, so it may be repeated, and whoever does that has to look why
// it fails.
var appendAt = func() *wire.Operation {
	op := *rest.AppendBlock
	op.Retry = wire.Idempotent
	return &op
}()

// Flush appends what was gathered, as one block. It returns nil when that is in the
// blob. After an error of the connection or the service it can be called again.
func (w *Writer) Flush() error {
	if err := w.usable(); err != nil {
		return err
	}
	w.freeEmpty()
	if w.next == nil {
		return nil
	}
	body := &counted{Buffer: w.next}
	r, err := link.Call[AppendResult](w.ctx, w.c, appendAt, body, w.options())
	if err == nil {
		w.appended(WriterResult{Position: w.at.Position + w.next.Len(), BlockCount: max(r.BlockCount, w.at.BlockCount+1), ETag: r.ETag, LastModified: r.LastModified})
		return nil
	}
	// An answer that came to the only try says what became of it. Anything else
	// leaves that open.
	w.sent = w.sent || body.opened.Load() > 1 || body.opened.Load() == 1 && !refused(err)
	if w.sent {
		err = w.resolve(err)
	} else if errors.Is(err, azureblob.AppendPositionConditionNotMet) {
		size := int64(-1)
		if p, failure := w.look(w.ctx); failure == nil {
			size = p.ContentLength
		}
		err = &ConflictError{Position: w.at.Position, Size: size, err: err}
	}
	if _, ok := errors.AsType[*ConflictError](err); ok {
		w.conflict = err
	}
	return err
}

// counted counts the tries that were given the body.
type counted struct {
	*engine.Buffer
	opened atomic.Int64
}

func (c *counted) Open() io.ReadCloser {
	c.opened.Add(1)
	return c.Buffer.Open()
}

// refused reports whether an error is an answer which says that nothing was done.
func refused(err error) bool {
	e, ok := errors.AsType[*azureblob.Error](err)
	return ok && e.StatusCode >= 400 && e.StatusCode < 500 && e.StatusCode != http.StatusRequestTimeout ||
		ok && e.StatusCode == http.StatusServiceUnavailable
}

func (w *Writer) appended(at WriterResult) {
	w.at, w.sent = at, false
	w.free()
}

// resolve finds out what became of a block that was sent without a clear answer. It
// returns nil if the block is in the blob, failure if it is not, and a
// [*ConflictError] if something else is in its place.
func (w *Writer) resolve(failure error) error {
	unsure := func(err error) error {
		return link.Local(w.c, rest.AppendBlock, fmt.Errorf("%w; whether the block of %d bytes at %d is in the blob could not be found out: %w", failure, w.next.Len(), w.at.Position, err))
	}
	p, err := w.look(w.ctx)
	if err != nil {
		return unsure(err)
	}
	end := w.at.Position + w.next.Len()
	if p.ContentLength == w.at.Position {
		return failure
	}
	if p.BlobType == azureblob.AppendBlob && p.ContentLength >= end {
		same, err := w.compare()
		if err != nil {
			return unsure(err)
		}
		if same {
			at := standing(p)
			at.Position = end
			w.appended(at)
			return nil
		}
	}
	return &ConflictError{Position: w.at.Position, Size: p.ContentLength, err: failure}
}

// compare reads the place of the block in the blob and holds it against the block.
func (w *Writer) compare() (same bool, err error) {
	r, err := w.c.NewReader(w.ctx, &azureblob.DownloadOptions{
		CallOptions: w.o.CallOptions, Conditions: w.conditions(), Concurrency: 1,
		Range: azureblob.Range{Offset: w.at.Position, Count: w.next.Len()},
	})
	if err != nil {
		return false, err
	}
	defer r.Close()
	ours := w.next.Open()
	defer ours.Close()
	have, want := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(ours, want)
		if err == io.EOF {
			return true, nil
		}
		if err != nil && err != io.ErrUnexpectedEOF {
			return false, err
		}
		m, err := io.ReadFull(r, have[:n])
		if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
			return false, err
		}
		if !bytes.Equal(have[:m], want[:n]) {
			return false, nil
		}
	}
}
