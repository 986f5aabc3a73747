package blobtest

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// failure is an error as the service answers it.
type failure struct {
	status  int
	code    azureblob.ErrorCode
	message string
	header  http.Header // further headers of the answer
	detail  []detail
}

// detail is an element of the body beside code and message.
type detail struct{ name, value string }

// Error gives the code and the message.
func (f *failure) Error() string { return string(f.code) + ": " + f.message }

// fail is the error with that code, its usual status and its usual message.
func fail(code azureblob.ErrorCode) *failure {
	k := codes[code]
	f := &failure{status: k.status, code: code, message: k.message}
	if f.status == 0 {
		f.status = http.StatusBadRequest
	}
	if f.message == "" {
		f.message = "The request failed with " + string(code) + "."
	}
	return f
}

// withStatus sets another status than the usual one.
func (f *failure) withStatus(status int) *failure {
	f.status = status
	return f
}

// because sets another message than the usual one. What it quotes of the
// request may hold secrets, which it leaves out.
func (f *failure) because(format string, args ...any) *failure {
	f.message = pipeline.Redact(fmt.Sprintf(format, args...))
	return f
}

// with adds an element to the body, such as HeaderName.
func (f *failure) with(name, value string) *failure {
	f.detail = append(f.detail, detail{name, value})
	return f
}

// withHeader adds a header to the answer.
func (f *failure) withHeader(name, value string) *failure {
	if f.header == nil {
		f.header = http.Header{}
	}
	f.header.Set(name, value)
	return f
}

func invalidHeader(name, value string) *failure {
	if value = pipeline.Redact(value); isSecret(name) {
		value = redacted
	}
	return fail(azureblob.InvalidHeaderValue).with("HeaderName", name).with("HeaderValue", value)
}

func missingHeader(name string) *failure {
	return fail(azureblob.MissingRequiredHeader).with("HeaderName", name)
}

func invalidQuery(name, value string) *failure {
	return fail(azureblob.InvalidQueryParameterValue).with("QueryParameterName", name).with("QueryParameterValue", value)
}

func missingQuery(name string) *failure {
	return fail(azureblob.MissingRequiredQueryParameter).with("QueryParameterName", name)
}

// failed makes the answer of an error.
func (x *exchange) failed(err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = fail(azureblob.InternalError).because("%v", err)
	}
	h := x.reply.header
	clear(h)
	for name, values := range f.header {
		h[name] = values
	}
	h.Set("x-ms-error-code", string(f.code))
	x.reply.status, x.reply.failure, x.reply.body = f.status, f, content{}
	if f.status == http.StatusNotModified || x.request.Method == http.MethodHead {
		return // the headers are all there is
	}
	h.Set("Content-Type", "application/xml")
	x.reply.body = contentOf(f.document(x.id, x.now))
}

// document is the body of an error answer.
func (f *failure) document(id string, now time.Time) []byte {
	detail := make(map[string]string, len(f.detail))
	for _, d := range f.detail {
		detail[d.name] = d.value
	}
	text := fmt.Sprintf("%s\nRequestId:%s\nTime:%s", f.message, id, now.UTC().Format("2006-01-02T15:04:05.0000000Z"))
	b, err := xmlplan.Encode("Error", struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}{string(f.code), text})
	if err != nil || len(f.detail) == 0 {
		return b
	}
	const end = "</Error>"
	b = b[:len(b)-len(end)]
	for _, d := range f.detail {
		b = append(b, '<')
		b = append(b, d.name...)
		b = append(b, '>')
		b = appendText(b, d.value)
		b = append(b, '<', '/')
		b = append(b, d.name...)
		b = append(b, '>')
	}
	return append(b, end...)
}

// appendText writes a value that a client sent as XML, which may not carry all of it.
func appendText(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '&':
			b = append(b, "&amp;"...)
		case r < ' ' && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff:
			b = append(b, '?')
		default:
			b = append(b, string(r)...)
		}
	}
	return b
}
