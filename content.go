package azureblob

import (
	"context"
	"errors"
	"io"

	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/wire"
)

// sendContent has send make one request whose body is all that content has from
// where it stands. A source that can be read at any place is not copied; any
// other one is read to its end first, into memory of the budget. More than limit
// bytes are refused and not cut.
func (h *handle) sendContent(ctx context.Context, op *wire.Operation, content io.Reader, limit int64, send func(ctx context.Context, body engine.Body) error) error {
	if err := h.check(ctx, op); err != nil {
		return err
	}
	if isNil(content) {
		return h.refuse(op, errors.New("the content is nil; an empty one is bytes.NewReader(nil)"))
	}
	c := h.transfer(0, 1, nil)
	s, ok, err := seekable(content)
	switch {
	case err != nil:
	case ok:
		err = engine.SingleAt(ctx, send, s.at, s.offset, s.size, limit, c)
		if err == nil {
			err = s.consume()
		}
	default:
		_, err = engine.Single(ctx, send, content, limit, c)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrTooLong):
		return h.refuseAs(op, RequestBodyTooLarge, err)
	}
	return h.local(op, err)
}
