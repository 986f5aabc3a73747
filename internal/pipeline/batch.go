package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// maxBatchBody is how long the service lets the body of a batch be.
const maxBatchBody = 4 << 20

// ErrBatchTooLarge is wrapped by the error of a request whose [Batch] is longer
// than the service takes. Nothing was sent.
var ErrBatchTooLarge = errors.New("azureblob: the batch is longer than 4 MiB")

// PartError is the error of a request that was not sent because one part of its
// [Batch] cannot be authorized, or holds what no request can.
type PartError struct {
	Index int // of the part
	Err   error
}

// Error tells what is wrong with the part.
func (e *PartError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PartError) Unwrap() error { return e.Err }

// Batch is a body that is made of requests without bodies. The service authorizes
// each of them for itself, so the sender dates and authorizes them at every try,
// as it does with the request around them: with its key, its shared access
// signature, or the token that the request around them has.
type Batch struct {
	parts    []*http.Request
	boundary string
	length   int64 // before the parts are authorized
}

// NewBatch makes a batch of requests, which are not changed. What names them in
// the answer is their index.
func NewBatch(parts []*http.Request) *Batch {
	b := &Batch{parts: parts, boundary: "batch_" + newUUID()}
	b.length = int64(len(b.text(parts)))
	return b
}

// ContentType returns the media type of the body, with its boundary.
func (b *Batch) ContentType() string { return "multipart/mixed; boundary=" + b.boundary }

// Len returns the length of the body before its parts are authorized.
func (b *Batch) Len() int64 { return b.length }

// Open returns a reader of the body as it is before its parts are authorized.
func (b *Batch) Open() io.ReadCloser { return io.NopCloser(bytes.NewReader(b.text(b.parts))) }

// authorized is the body as it is sent.
func (b *Batch) authorized(authorize func(*http.Request) error) (sealed, error) {
	parts := make([]*http.Request, len(b.parts))
	for i, part := range b.parts {
		parts[i] = part.WithContext(part.Context()) // a copy, but for the headers
		parts[i].Header = part.Header.Clone()
		if err := authorize(parts[i]); err != nil {
			return nil, &PartError{i, err}
		}
	}
	text := b.text(parts)
	if len(text) > maxBatchBody {
		return nil, fmt.Errorf("%w: it has %d bytes in %d parts", ErrBatchTooLarge, len(text), len(parts))
	}
	return text, nil
}

// notInParts are headers that say how a request travels, which a part does not.
var notInParts = map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true, "Connection": true}

// text writes requests as a body. The version of the protocol is that of the
// request around them, so it must not be among their headers.
func (b *Batch) text(parts []*http.Request) []byte {
	var w bytes.Buffer
	for i, part := range parts {
		w.WriteString("--" + b.boundary + "\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: " + strconv.Itoa(i) + "\r\n\r\n")
		w.WriteString(part.Method + " " + part.URL.RequestURI() + " HTTP/1.1\r\n")
		_ = part.Header.WriteSubset(&w, notInParts) // a buffer takes everything
		w.WriteString("Content-Length: 0\r\n\r\n\r\n")
	}
	w.WriteString("--" + b.boundary + "--\r\n")
	return w.Bytes()
}

// sealed is the body of a batch whose parts are authorized.
type sealed []byte

func (s sealed) Len() int64          { return int64(len(s)) }
func (s sealed) Open() io.ReadCloser { return io.NopCloser(bytes.NewReader(s)) }

// seal gives a request whose body is a batch the body that is sent. It comes
// before the request itself is authorized, which covers the length of its body.
func (s *sender) seal(r *http.Request, b *Batch) error {
	body, err := b.authorized(func(part *http.Request) error { return s.authorizePart(part, r) })
	if err != nil {
		return err
	}
	_ = r.Body.Close()
	return attach(r, body)
}

// authorizePart dates and authorizes a part of a batch.
func (s *sender) authorizePart(part, around *http.Request) error {
	if err := CheckHeaders(part.Header); err != nil {
		return err
	}
	setDate(part.Header)
	if s.auth != nil {
		return s.auth.authorize(part)
	}
	if token := around.Header[headerAuthorization]; len(token) > 0 {
		part.Header[headerAuthorization] = token
	}
	return nil
}
