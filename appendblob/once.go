package appendblob

import (
	"errors"
	"fmt"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// appendAt and appendFromURLAt are the operations with the position of the block: of
// several tries at most one is carried out, so they may be repeated, and whoever does
// that has to look why they fail.
var (
	appendAt        = rest.AppendBlock.As(wire.Guarded)
	appendFromURLAt = rest.AppendBlockFromURL.As(wire.Guarded)
)

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
	r, err := link.Call[AppendResult](w.ctx, w.c, appendAt, w.next, w.options(), link.OwnSum{})
	if err == nil {
		w.appended(WriterResult{Position: w.at.Position + w.next.Len(), BlockCount: max(r.BlockCount, w.at.BlockCount+1), ETag: r.ETag, LastModified: r.LastModified})
		return nil
	}
	w.sent = w.sent || isOpen(err)
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

// isOpen reports whether what failed may have been carried out all the same.
func isOpen(err error) bool {
	e, ok := errors.AsType[*azureblob.Error](err)
	return ok && e.MaybeApplied
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
		same, err := link.Holds(w.ctx, w.c.BlobClient, w.at.Position, w.next, w.o.CallOptions, w.conditions())
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
