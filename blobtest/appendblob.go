package blobtest

import (
	"net/http"
	"strconv"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.CreateAppendBlob, endpoint{run: createAppendBlob, needs: createBlob})
	handle(rest.AppendBlock, endpoint{run: appendBlock, body: contentBody, limit: maxAppend, digest: digestCRC64, needs: appendBlobs})
	handle(rest.SealAppendBlob, endpoint{run: sealAppendBlob, needs: writeBlob})
}

// appendBlobs is what appending needs: its own permission, or that to write.
var appendBlobs = access{permissions: "aw", resource: 'o'}

// maxAppended is how many blocks an append blob has at the most.
const maxAppended = 50_000

// maxAppend is the most that Append Block takes.
func maxAppend(x *exchange) int64 {
	if x.since("2022-11-02") {
		return 100 * mib
	}
	return 4 * mib
}

// noContent refuses a body where the protocol has none.
func (x *exchange) noContent() error {
	if n := x.request.ContentLength; n != 0 {
		return invalidHeader("Content-Length", base10(n))
	}
	return nil
}

func createAppendBlob(x *exchange) error {
	if err := x.noContent(); err != nil {
		return err
	}
	b, err := x.findName()
	if err != nil {
		return err
	}
	next, err := x.newRevision(b, azureblob.AppendBlob)
	if err != nil {
		return err
	}
	if err := x.overwritable(b); err != nil {
		return err
	}
	b.staged = staged{}
	x.commit(b, next)
	x.setSum("Content-MD5", next.headers.ContentMD5)
	return x.answer(http.StatusCreated, x.writeInfo(b))
}

func appendBlock(x *exchange) error {
	if x.content.size() == 0 {
		return invalidHeader("Content-Length", "0")
	}
	return x.append(x.content)
}

// append adds a block to the append blob of the request.
func (x *exchange) append(c content) error {
	maxSize := x.params.number("x-ms-blob-condition-maxsize", 0, -1)
	b, r, err := x.appendable()
	if err != nil {
		return err
	}
	switch {
	case maxSize >= 0 && r.content.size()+c.size() > maxSize:
		return fail(azureblob.MaxBlobSizeConditionNotMet)
	case r.sealed:
		return fail(azureblob.BlobIsSealed)
	case r.appended >= maxAppended:
		return fail(azureblob.BlockCountExceedsLimit)
	}
	x.set("x-ms-blob-append-offset", base10(r.content.size()))
	r.content = r.content.extended(c)
	r.appended++
	x.touch(b)
	x.set("x-ms-blob-committed-block-count", strconv.Itoa(r.appended))
	x.answerSums()
	info := x.writeInfo(b)
	info.VersionID = "" // an append makes no version
	return x.answer(http.StatusCreated, info)
}

// appendable finds the append blob of the request, and checks what appending
// and sealing have in common.
func (x *exchange) appendable() (*blob, *revision, error) {
	position := x.params.number("x-ms-blob-condition-appendpos", 0, -1)
	if err := x.invalid(); err != nil {
		return nil, nil, err
	}
	b, r, err := x.findBlob()
	if err != nil {
		return nil, nil, err
	}
	if r.kind != azureblob.AppendBlob {
		return nil, nil, fail(azureblob.InvalidBlobType)
	}
	if err := x.writable(b, r); err != nil {
		return nil, nil, err
	}
	if position >= 0 && position != r.content.size() {
		return nil, nil, fail(azureblob.AppendPositionConditionNotMet)
	}
	return b, r, nil
}

func sealAppendBlob(x *exchange) error {
	b, r, err := x.appendable()
	if err != nil {
		return err
	}
	if !r.sealed {
		r.sealed = true
		x.touch(b)
	}
	x.set("x-ms-blob-sealed", "true")
	return x.answer(http.StatusOK, written{r.etag, r.modified})
}

// extended is the content with more after it. Other contents may share the
// array of its pieces, and have appended to it themselves: a place in it that
// was never used is still zero, and whoever finds it so takes it. So 50,000
// appends don't copy the list of pieces 50,000 times. The store must be locked.
func (c content) extended(more content) content {
	pieces, end := c.pieces, c.size()
	for _, p := range more.pieces {
		p.end += end
		if n := len(pieces); n == cap(pieces) || pieces[:n+1][n].end != 0 {
			grown := make([]piece, n, 2*n+4)
			copy(grown, pieces)
			pieces = grown
		}
		pieces = append(pieces, p)
	}
	return content{pieces}
}
