package azureblob

import (
	"context"
	"errors"
	"io/fs"
	"strconv"

	"github.com/goblob/azureblob/internal/pipeline"
)

// begin starts the span of an operation or a transfer. Its end is told how that
// went; only the first time counts.
func (h *handle) begin(ctx context.Context, name string) (context.Context, func(error)) {
	if h.session == nil || h.tracing == nil {
		return ctx, untraced
	}
	ctx, end := h.tracing.Start(ctx, name)
	return ctx, func(err error) { end(err, errorKind(err)) }
}

func untraced(error) {}

// errorKind is the error.type of a span: the code of the service, the status, or a
// word for what kept the answer away.
func errorKind(err error) string {
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return ""
	case ok && e.Code != "":
		return string(e.Code)
	case ok && e.StatusCode != 0:
		return strconv.Itoa(e.StatusCode)
	case errors.Is(err, fs.ErrInvalid):
		return "invalid"
	}
	return pipeline.ErrorKind(err)
}
