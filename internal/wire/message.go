package wire

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/pipeline"
)

// The headers of structured messages, in canonical form.
const (
	headerMessage       = "X-Ms-Structured-Body"
	headerMessageLength = "X-Ms-Structured-Content-Length"
)

// ErrNoMessage is the error of a call that had to go or come as a structured
// message, of a service that does not know them.
var ErrNoMessage = errors.New("the service does not know structured messages: content that was sent has their frame in it, and content that came has no checksums")

// frame makes a structured message of a body, if the call asks for one.
func frame(body pipeline.Body, header http.Header) pipeline.Body {
	if body == nil || len(header[headerMessage]) == 0 {
		return body
	}
	header[headerMessageLength] = []string{strconv.FormatInt(body.Len(), 10)}
	return checksum.Message(body)
}

// unframe takes the content of an answer out of its structured message. Sent is
// the header of the request.
func unframe(c *Call, sent http.Header, resp *http.Response) error {
	if len(sent[headerMessage]) == 0 {
		return nil
	}
	if len(resp.Header[headerMessage]) == 0 {
		return ErrNoMessage
	}
	if c.Op.Answer != Stream {
		return nil
	}
	size := resp.ContentLength
	inner, err := strconv.ParseInt(resp.Header.Get(headerMessageLength), 10, 64)
	if err != nil || inner < 0 {
		return errors.New("the answer does not say how much content is in its structured message")
	}
	resp.Body = checksum.NewMessageReader(resp.Body, size)
	resp.ContentLength = inner
	return nil
}
