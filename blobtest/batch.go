package blobtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

func init() {
	// Each part brings the authorization for what it does; see [exchange.part].
	batch := endpoint{prepare: submitBatch, body: contentBody, limit: func(*exchange) int64 { return maxBatchBody }, needs: anyPermission}
	handle(rest.SubmitBatch, batch)
	handle(rest.SubmitContainerBatch, batch)
}

const (
	maxBatchBody  = 4 << 20
	maxBatchParts = 256
)

// batchPart is a request of a batch.
type batchPart struct {
	id      string // Content-ID
	request *http.Request
	target  target
}

// submitBatch carries out the parts of a batch, one after the other.
func submitBatch(x *exchange) error {
	boundary, err := x.boundary()
	if err != nil {
		return err
	}
	parts, err := x.readParts(boundary)
	if err == nil {
		err = checkKinds(parts)
	}
	var out bytes.Buffer
	answers := multipart.NewWriter(&out)
	if e := answers.SetBoundary("batchresponse_" + x.id); e != nil {
		return fmt.Errorf("boundary of a batch: %w", e)
	}
	if err == nil {
		err = x.answerParts(answers, parts)
	} else {
		// What is wrong with the batch as a whole is told by a part without an id.
		whole := *x
		whole.reply = reply{header: http.Header{}}
		whole.failed(err)
		whole.stamp()
		err = writePart(answers, "", &whole.reply)
	}
	if err != nil {
		return err
	}
	if err := answers.Close(); err != nil {
		return err
	}
	x.set("Content-Type", "multipart/mixed; boundary="+answers.Boundary())
	x.reply.body = contentOf(out.Bytes())
	return x.answer(http.StatusAccepted, nil)
}

// boundary is what separates the parts, as the type of the body says.
func (x *exchange) boundary() (string, error) {
	text := x.params.need("Content-Type")
	if err := x.invalid(); err != nil {
		return "", err
	}
	kind, fields, err := mime.ParseMediaType(text)
	if err != nil || kind != "multipart/mixed" || fields["boundary"] == "" {
		return "", invalidHeader("Content-Type", text)
	}
	return fields["boundary"], nil
}

// readParts takes the body apart.
func (x *exchange) readParts(boundary string) ([]batchPart, error) {
	reader := multipart.NewReader(&contentReader{content: x.content}, boundary)
	var parts []batchPart
	for {
		raw, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, malformedBatch("%v", err)
		}
		if kind, _, err := mime.ParseMediaType(raw.Header.Get("Content-Type")); err != nil || kind != "application/http" {
			return nil, malformedBatch("the type of a part is %q", raw.Header.Get("Content-Type"))
		}
		text, err := io.ReadAll(raw)
		if err != nil {
			return nil, malformedBatch("%v", err)
		}
		// A part may lack its final line breaks.
		request, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(text), strings.NewReader("\r\n\r\n"))))
		if err != nil {
			return nil, malformedBatch("%v", err)
		}
		p := batchPart{id: raw.Header.Get("Content-Id"), request: x.within(request)}
		p.target = locate(p.request)
		if parts = append(parts, p); len(parts) > maxBatchParts {
			return nil, fail(azureblob.ExceedsMaxBatchRequestCount)
		}
	}
	return parts, nil
}

func malformedBatch(format string, args ...any) error {
	return fail(azureblob.InvalidInput).because("The batch cannot be read: "+format+".", args...)
}

// within is the request of a part as one that came the way the batch did.
func (x *exchange) within(part *http.Request) *http.Request {
	r := part.WithContext(x.request.Context())
	r.Host, r.TLS, r.RemoteAddr = x.request.Host, x.request.TLS, x.request.RemoteAddr
	r.URL.Scheme, r.URL.Host = "", ""
	r.Body, r.ContentLength = http.NoBody, 0
	return r
}

// checkKinds makes sure that a batch does one kind of thing that batches may do.
func checkKinds(parts []batchPart) error {
	if len(parts) == 0 {
		return malformedBatch("it has no parts")
	}
	for _, p := range parts {
		switch op := p.target.op; {
		case op != rest.DeleteBlob && op != rest.SetBlobTier:
			return malformedBatch("a part is neither Delete Blob nor Set Blob Tier")
		case op != parts[0].target.op:
			return fail(azureblob.AllBatchSubRequestsShouldBeSameApi)
		}
	}
	return nil
}

// answerParts carries out the parts and writes their answers.
func (x *exchange) answerParts(w *multipart.Writer, parts []batchPart) error {
	for _, p := range parts {
		sub := x.part(p)
		if p.target.account != x.target.account || p.target.secondary || x.level == wire.Container && p.target.container != x.container {
			sub.failed(malformedBatch("a part is about another account or container"))
			sub.stamp()
		} else {
			x.strikePart(sub, p)
		}
		if err := writePart(w, p.id, &sub.reply); err != nil {
			return err
		}
	}
	return nil
}

// strikePart carries a part out, with the fault that happens to it if there is one.
func (x *exchange) strikePart(sub *exchange, p batchPart) {
	f := x.server.faults.firePart(p.request, p.target)
	if f == nil || f.At == AfterOperation {
		sub.process()
	}
	if f != nil {
		sub.failed(fail(azureblob.ErrorCode(f.Code)).withStatus(f.Status))
		sub.stamp()
	}
}

// part is a part as an exchange of its own, authorized by its own header or
// shared access signature. The version is that of the batch: a part names none,
// so it must not be among the headers that are signed.
func (x *exchange) part(p batchPart) *exchange {
	sub := x.server.newExchange(p.request, p.target)
	sub.params.header = maps.Clone(p.request.Header)
	sub.params.header["X-Ms-Version"] = []string{x.version()}
	return sub
}

// writePart writes an answer as a part of the answer to a batch.
func writePart(w *multipart.Writer, id string, r *reply) error {
	head := map[string][]string{"Content-Type": {"application/http"}}
	if id != "" {
		head["Content-ID"] = []string{id}
	}
	part, err := w.CreatePart(head)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "HTTP/1.1 %d %s\r\n", r.status, http.StatusText(r.status))
	r.header.Set("Content-Length", base10(r.body.size()))
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		for _, value := range r.header[name] {
			fmt.Fprintf(&text, "%s: %s\r\n", strings.ToLower(name), value)
		}
	}
	text.WriteString("\r\n")
	text.Write(r.body.bytes())
	_, err = part.Write(text.Bytes())
	return err
}
