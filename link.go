package azureblob

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/wire"
)

// rooted is what all clients are: those of the blob types embed one of the root.
type rooted interface{ root() *handle }

func (h *handle) root() *handle { return h }

func rootOf(client any) *handle { return client.(rooted).root() }

func init() {
	link.Send = func(ctx context.Context, client any, op *wire.Operation, result any, body pipeline.Body, parts ...any) (*http.Response, error) {
		return rootOf(client).send(ctx, op, result, body, parts...)
	}
	link.Resolve = func(ctx context.Context, client any, op *wire.Operation, result any, body pipeline.Body, same link.Same, parts ...any) error {
		return rootOf(client).resolve(ctx, op, result, body, written(same), parts...)
	}
	link.Check = func(ctx context.Context, client any, op *wire.Operation, parts ...any) error {
		return rootOf(client).checkAll(ctx, op, parts...)
	}
	link.Refuse = func(client any, op *wire.Operation, err error) error {
		return rootOf(client).refuse(op, err)
	}
	link.RefuseAs = func(client any, op *wire.Operation, code string, err error) error {
		return rootOf(client).refuseAs(op, ErrorCode(code), err)
	}
	link.Local = func(client any, op *wire.Operation, err error) error {
		return rootOf(client).local(op, err)
	}
	link.Begin = func(ctx context.Context, client any, name string) (context.Context, func(error)) {
		return rootOf(client).begin(ctx, name)
	}
	link.Info = func(err error) any { return infoOf(err) }
	link.Follow = func(client, options any, secondary bool) {
		rootOf(client).follow(options.(*CallOptions), secondary)
	}
	link.Transfer = func(client any, blockSize int64, concurrency int, progress func(int64)) engine.Config {
		return rootOf(client).transfer(blockSize, concurrency, progress)
	}
	link.CheckTransfer = func(client any, op *wire.Operation, concurrency int) error {
		if err := checkTransfer(0, concurrency); err != nil {
			return rootOf(client).refuse(op, err)
		}
		return nil
	}
	link.Content = func(ctx context.Context, client any, op *wire.Operation, content io.Reader, limit int64, send func(ctx context.Context, body engine.Body) error) error {
		return rootOf(client).sendContent(ctx, op, content, limit, send)
	}
	link.SizeOf = func(source io.Reader) (int64, bool, error) {
		if isNil(source) {
			return 0, false, errors.New("the source is nil")
		}
		s, ok, err := seekable(source)
		return s.size, ok, err
	}
	link.Holds = func(ctx context.Context, blob any, offset int64, body link.Body, call, conditions any) (bool, error) {
		return blob.(*BlobClient).holds(ctx, offset, body, call.(CallOptions), conditions.(Conditions))
	}
	link.StartedCopy = func(blob, result any) any { return startedCopy(blob.(*BlobClient), result.(CopyResult)) }
	link.Upload = uploadAll
	link.Typed = typedCopy
	link.Source = func(ctx context.Context, client any, op *wire.Operation, url string, access, key any) (any, error) {
		return rootOf(client).source(ctx, op, url, access.(SourceAccess), key.(CustomerKey))
	}
}

// typedCopy is a copy of an *azureblob.BlobClient that refuses what is for blobs of
// another type.
func typedCopy(blob any, blobType string) any {
	typed := BlobClient{}
	if b := blob.(*BlobClient); b != nil {
		typed = *b
	}
	typed.only = BlobType(blobType)
	return &typed
}
