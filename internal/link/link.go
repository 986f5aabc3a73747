// Package link lets the packages of the blob types send requests through a
// client of the root package. They import the root, which must not import them,
// and what they need of it would say nothing to users in its documentation: so
// the root puts its side of it here, in an init function.
//
// A client is whatever embeds a handle of the root, such as an
// *azureblob.BlobClient.
package link

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/wire"
)

// ErrorMade sees each error of the clients. Tests set it, to look for secrets.
var ErrorMade = func(error) {}

// Filled in by the root package.
var (
	// Typed is a copy of an *azureblob.BlobClient, or of the zero one if it is nil, that
	// refuses what is for blobs of another type than the one given.
	Typed func(blob any, blobType string) any

	// Send makes a REST call on the resource of a client, with all that its
	// handle adds, and fills result, a pointer to a tagged struct or nil. The
	// error is complete. Only a Stream answer has a body left.
	Send func(ctx context.Context, client any, op *wire.Operation, result any, body pipeline.Body, parts ...any) (*http.Response, error)

	// Resolve is Send for writes that can be refused because of what they did
	// themselves: same tells what a refusal means that may be due to an earlier try
	// whose answer got lost. If that was carried out, the result is filled from the
	// properties of the blob.
	Resolve func(ctx context.Context, client any, op *wire.Operation, result any, body pipeline.Body, same Same, parts ...any) error

	// Check refuses what cannot succeed, as Send would, before anything else is
	// done for it. The parts are encoded and thrown away.
	Check func(ctx context.Context, client any, op *wire.Operation, parts ...any) error

	// Refuse makes the error of bad input: it is fs.ErrInvalid.
	Refuse func(client any, op *wire.Operation, err error) error

	// RefuseAs is Refuse with the code that the service would answer with.
	RefuseAs func(client any, op *wire.Operation, code string, err error) error

	// Local makes the error of a transfer out of one that may come from the
	// caller's side. Errors of requests are complete already and stay as they are.
	Local func(client any, op *wire.Operation, err error) error

	// Begin starts the span of a transfer, whose end is told how it went.
	Begin func(ctx context.Context, client any, name string) (context.Context, func(error))

	// Info is the azureblob.ResponseInfo of the answer behind an error.
	Info func(err error) any

	// Follow makes the requests of a transfer, by their *azureblob.CallOptions,
	// begin in the region that its first answer came from.
	Follow func(client, options any, secondary bool)

	// Transfer is the configuration of a transfer that shares the memory budget
	// of the client. Zero values are the defaults of the client.
	Transfer func(client any, blockSize int64, concurrency int, progress func(int64)) engine.Config

	// CheckTransfer refuses a transfer with a concurrency that makes no sense.
	CheckTransfer func(client any, op *wire.Operation, concurrency int) error

	// Content has send make one request whose body is all that content has from
	// where it stands: of a length that does not change, opened anew for each
	// try. Nothing is copied of a source that is an io.ReaderAt and an io.Seeker;
	// any other one is read to its end first, into memory of the client's budget.
	// More than limit bytes are refused, with code RequestBodyTooLarge.
	Content func(ctx context.Context, client any, op *wire.Operation, content io.Reader, limit int64, send func(ctx context.Context, body engine.Body) error) error

	// Holds reports whether the bytes of an *azureblob.BlobClient from an offset on are
	// those of a body, as the primary region has them. It takes the
	// azureblob.CallOptions and the azureblob.Conditions of the read.
	Holds func(ctx context.Context, blob any, offset int64, body Body, call, conditions any) (bool, error)

	// StartedCopy makes the *azureblob.Copy of a copy to an *azureblob.BlobClient out of
	// the azureblob.CopyResult of its start.
	StartedCopy func(blob, result any) any

	// SizeOf returns how many bytes a source has from where it stands, if it can
	// be read at any place and so knows that.
	SizeOf func(source io.Reader) (size int64, known bool, err error)

	// Upload uploads all of a source, without a copy and in parallel if it can be
	// read at any place. It returns how many bytes that was.
	Upload func(ctx context.Context, source io.Reader, target engine.Target, c engine.Config) (int64, error)

	// Source are the headers that let the service read a copy source: its URL,
	// what an azureblob.SourceAccess says, and an azureblob.CustomerKey.
	Source func(ctx context.Context, client any, op *wire.Operation, url string, access, key any) (any, error)
)

// OwnSum is a part of a call whose body has a CRC64 that the client has computed
// itself: content that does not have it when it comes was damaged on the way, and is
// sent again. A checksum of the caller's may be wrong itself.
type OwnSum struct{}

// Call is Send for operations whose result is a value.
func Call[R any](ctx context.Context, client any, op *wire.Operation, body pipeline.Body, parts ...any) (R, error) {
	var r R
	if _, err := Send(ctx, client, op, &r, body, parts...); err != nil {
		var zero R
		return zero, err
	}
	return r, nil
}

// Resolved is Resolve for operations whose result is a value.
func Resolved[R any](ctx context.Context, client any, op *wire.Operation, body pipeline.Body, same Same, parts ...any) (R, error) {
	var r R
	if err := Resolve(ctx, client, op, &r, body, same, parts...); err != nil {
		var zero R
		return zero, err
	}
	return r, nil
}

// CallContent is Call with a body of all that content has, from 1 to limit bytes.
func CallContent[R any](ctx context.Context, client any, op *wire.Operation, content io.Reader, limit int64, parts ...any) (R, error) {
	return ResolvedContent[R](ctx, client, op, content, limit, nil, parts...)
}

// ResolvedContent is Resolved with a body as CallContent has it, of which same tells.
func ResolvedContent[R any](ctx context.Context, client any, op *wire.Operation, content io.Reader, limit int64, same func(body engine.Body) Same, parts ...any) (R, error) {
	var r R
	if err := Check(ctx, client, op, parts...); err != nil {
		return r, err
	}
	err := Content(ctx, client, op, content, limit, func(ctx context.Context, body engine.Body) error {
		if body.Len() == 0 {
			return Refuse(client, op, errors.New("the content is empty"))
		}
		if same != nil {
			return Resolve(ctx, client, op, &r, body, same(body), parts...)
		}
		_, err := Send(ctx, client, op, &r, body, parts...)
		return err
	})
	if err != nil {
		var zero R
		return zero, err
	}
	return r, nil
}

// CallFromURL is Call for operations whose content the service reads from a URL.
// Access and key are those of Source.
func CallFromURL[R any](ctx context.Context, client any, op *wire.Operation, url string, access, key any, parts ...any) (R, error) {
	return ResolvedFromURL[R](ctx, client, op, url, access, key, nil, parts...)
}

// ResolvedFromURL is Resolved for operations whose content the service reads from a
// URL.
func ResolvedFromURL[R any](ctx context.Context, client any, op *wire.Operation, url string, access, key any, same Same, parts ...any) (R, error) {
	var zero R
	if err := Check(ctx, client, op, parts...); err != nil {
		return zero, err
	}
	source, err := Source(ctx, client, op, url, access, key)
	if err != nil {
		return zero, err
	}
	if same == nil {
		return Call[R](ctx, client, op, nil, append(parts, source)...)
	}
	return Resolved[R](ctx, client, op, nil, same, append(parts, source)...)
}
