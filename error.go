package azureblob

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/wire"
)

// Error is the error of an operation: what the service answered, or why there
// is no answer. Nothing in it shows a key, a token or a signature.
//
//	if errors.Is(err, azureblob.ContainerNotFound) { ... }   // a code of the service
//	if errors.Is(err, fs.ErrNotExist) { ... }                // or what it amounts to
//	if e, ok := errors.AsType[*azureblob.Error](err); ok {
//		log.Print(e.RequestID)
//	}
//
// It is [fs.ErrNotExist] for status 404, [fs.ErrExist] for something that is
// there already, [fs.ErrPermission] for 401 and 403, and [fs.ErrInvalid] for
// bad input that was not sent. Errors of a local file answer to these as well,
// so where one is involved ask for the code. It wraps an *azcore.ResponseError if the service
// answered, and otherwise the error of the connection or of the context. If the
// context ended while the call was being repeated, it wraps both: the end of the
// context and the last failure, whose status and code it has.
type Error struct {
	Operation string // name of the operation in the REST reference, such as Put Blob
	Container string // its name; a signature in it, if somebody took a URL for a name, is REDACTED
	Blob      string // as Container

	StatusCode      int               // HTTP status; 0 if there was no answer
	Code            ErrorCode         // the service's code; empty if it gave none
	Message         string            // the service's message, one line
	RequestID       string            // the service's name for the request
	ClientRequestID string            // the caller's name for the request
	Detail          map[string]string // what else the service says, such as HeaderName or Reason

	// MaybeApplied is true if the operation failed and may have been carried out
	// all the same, for the answer to one of its tries got lost, or did not tell. A
	// condition that the last try did not meet may then be due to an earlier one:
	// whoever counts or takes turns has to look before the next attempt.
	MaybeApplied bool

	// Secondary is true if the answer came from the secondary region, which may lag
	// behind.
	Secondary bool

	note string // why MaybeApplied is not settled
	end  error  // of the context, if that came while the call waited to be repeated after the answer
	err  error
}

// ErrBlobModified is wrapped by the errors of downloads, readers and copies that
// found the blob that they read changed or replaced since they began. What has
// been delivered until then is all of the old content; nothing of the new was
// mixed in.
var ErrBlobModified = errors.New("the blob was modified while it was being read")

// ErrStalled is wrapped by the errors of calls that gave up because nothing moved:
// see [ClientOptions.StallTimeout] and [ClientOptions.ResponseTimeout].
var ErrStalled = pipeline.ErrStalled

// ErrDamaged is wrapped by the errors of downloads that Validate whose content did not
// have the checksum that came with it, as often as it was asked for.
var ErrDamaged = checksum.ErrMismatch

// Error returns one line: operation, resource, status, code, message, request id.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("azureblob: " + e.Operation)
	if e.Container != "" {
		b.WriteString(" " + e.Container)
	}
	if e.Blob != "" {
		b.WriteString("/" + e.Blob)
	}
	b.WriteString(": ")
	if e.StatusCode == 0 && e.err != nil {
		b.WriteString(strings.TrimPrefix(e.err.Error(), "azureblob: "))
	} else {
		e.describe(&b)
	}
	if e.MaybeApplied {
		b.WriteString("; the operation may have been carried out all the same")
	}
	if e.note != "" {
		b.WriteString("; " + e.note)
	}
	// A name can hold a signature, if somebody took a URL for it.
	return pipeline.Redact(printable(b.String()))
}

// describe writes what the service answered.
func (e *Error) describe(b *strings.Builder) {
	if e.end != nil {
		b.WriteString(e.end.Error() + "; the last answer before that: ")
	}
	fmt.Fprintf(b, "%d", e.StatusCode)
	if e.Code != "" {
		b.WriteString(" " + string(e.Code))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Secondary {
		b.WriteString(" (from the secondary region)")
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
}

// GoString is Error, quoted, so that %#v shows no more than that.
func (e *Error) GoString() string { return fmt.Sprintf("&azureblob.Error(%q)", e.Error()) }

// printable keeps a text to one line, however odd the name it quotes.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// Unwrap returns the *azcore.ResponseError or what kept the call from an answer.
func (e *Error) Unwrap() error { return e.err }

// Is reports whether the error has target as its code or amounts to it.
func (e *Error) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.StatusCode == http.StatusNotFound
	case fs.ErrPermission:
		return e.StatusCode == http.StatusForbidden || e.StatusCode == http.StatusUnauthorized
	case fs.ErrExist:
		return e.Code == BlobAlreadyExists || e.Code == ContainerAlreadyExists || e.Code == ResourceAlreadyExists
	}
	code, ok := target.(ErrorCode)
	return ok && code != "" && code == e.Code
}

// errorOf makes the error of an operation on the resource of the handle.
func (h *handle) errorOf(op *wire.Operation, err error) *Error {
	e := &Error{Operation: op.Name, Container: pipeline.Redact(h.container), Blob: pipeline.Redact(h.blob), err: err}
	link.ErrorMade(e)
	return e
}

// failed turns the error of a call into an [*Error].
func (h *handle) failed(op *wire.Operation, err error) *Error {
	if errors.Is(err, wire.ErrRequest) {
		return h.refuse(op, err)
	}
	e := h.errorOf(op, nil)
	if fault, ok := err.(*wire.Fault); ok {
		e.answered(h, fault)
		return e
	}
	if cut, ok := errors.AsType[*pipeline.Interrupted](err); ok {
		switch last := cut.Last.(type) {
		case *wire.Fault:
			e.answered(h, last)
		case *Error:
			*e = *last
			link.ErrorMade(e)
		default:
			e.err = pipeline.RedactError(err)
			return e
		}
		e.end, e.err = cut.End, &pipeline.Interrupted{End: cut.End, Last: e.err}
		return e
	}
	e.err = pipeline.RedactError(err)
	return e
}

// answered takes over what the service answered.
func (e *Error) answered(h *handle, fault *wire.Fault) {
	resp := fault.Response
	e.Secondary = h.session != nil && resp.Request != nil && h.locations.IsSecondary(resp.Request.URL)
	e.StatusCode = resp.StatusCode
	e.Code = ErrorCode(fault.Code)
	e.Message = pipeline.Redact(fault.Message)
	if e.Message == "" {
		e.Message = http.StatusText(resp.StatusCode)
	}
	e.RequestID = resp.Header.Get("x-ms-request-id")
	e.ClientRequestID = resp.Header.Get("x-ms-client-request-id")
	if e.ClientRequestID == "" && resp.Request != nil {
		// Some errors do not echo it.
		e.ClientRequestID = resp.Request.Header.Get("x-ms-client-request-id")
	}
	for name, value := range fault.Detail {
		fault.Detail[name] = pipeline.Redact(value)
	}
	e.Detail = fault.Detail
	resp.Request = withoutSecrets(resp.Request)
	e.err = runtime.NewResponseErrorWithErrorCode(resp, fault.Code)
}

// withoutSecrets is the request of an answer as an error may keep it.
func withoutSecrets(req *http.Request) *http.Request {
	if req == nil {
		return nil
	}
	clean := &http.Request{Method: req.Method, Host: req.Host, Header: req.Header.Clone(), ContentLength: req.ContentLength}
	if u, err := url.Parse(pipeline.RedactURL(req.URL)); err == nil {
		clean.URL = u
	} else {
		clean.URL = &url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path}
	}
	for _, name := range secretHeaders {
		if clean.Header.Get(name) != "" {
			clean.Header.Set(name, redacted)
		}
	}
	return clean
}

// secretHeaders are the request headers whose values are never shown.
var secretHeaders = []string{
	"Authorization", "x-ms-copy-source", "x-ms-copy-source-authorization", "x-ms-previous-snapshot-url",
	"x-ms-encryption-key", "x-ms-source-encryption-key", "Proxy-Authorization", "Cookie",
}

// infoOf is what the answer behind an error tells about itself.
func infoOf(err error) ResponseInfo {
	var info ResponseInfo
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok && e.RawResponse != nil {
		wire.DecodeHeader(e.RawResponse.Header, &info)
		outer, ok := errors.AsType[*Error](err)
		info.setResponse(e.RawResponse, ok && outer.Secondary)
	}
	return info
}
