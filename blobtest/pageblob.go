package blobtest

import (
	"math"
	"net/http"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.CreatePageBlob, endpoint{run: createPageBlob, needs: createBlob})
	handle(rest.PutPage, endpoint{run: putPage, body: contentBody, limit: maxPutPage, digest: digestCRC64, needs: writeBlob})
	handle(rest.ClearPages, endpoint{run: clearPages, needs: writeBlob})
	handle(rest.ResizePageBlob, endpoint{run: setPageProperties, needs: writeBlob})
	handle(rest.SetSequenceNumber, endpoint{run: setPageProperties, needs: writeBlob})
}

const (
	pageSize    = 512
	maxPageBlob = 8 << 40
	maxPages    = 4 * mib // of one Put Page
)

func maxPutPage(*exchange) int64 { return maxPages }

// pageBlobSize reads the size that a page blob is to have.
func (x *exchange) pageBlobSize() int64 {
	const name = "x-ms-blob-content-length"
	size := x.params.number(name, 0, 0)
	if size%pageSize != 0 || size > maxPageBlob {
		x.wrong(invalidHeader(name, base10(size)))
	}
	return size
}

func createPageBlob(x *exchange) error {
	if err := x.noContent(); err != nil {
		return err
	}
	x.params.need("x-ms-blob-content-length")
	size, sequence := x.pageBlobSize(), x.params.number("x-ms-blob-sequence-number", 0, 0)
	b, err := x.findName()
	if err != nil {
		return err
	}
	next, err := x.newRevision(b, azureblob.PageBlob)
	if err != nil {
		return err
	}
	next.content, next.sequence, next.origin = zeros(size), sequence, x.id
	if err := x.overwritable(b); err != nil {
		return err
	}
	b.staged = staged{}
	x.commit(b, next)
	x.setSum("Content-MD5", next.headers.ContentMD5)
	return x.answer(http.StatusCreated, x.writeInfo(b))
}

// pages reads the range that a write of pages is about. Both ends are needed.
func (x *exchange) pages() (span, error) {
	name, text := x.rangeHeader()
	if text == "" {
		return span{}, missingHeader("x-ms-range")
	}
	first, last, ok := parseRange(text)
	if !ok || last < 0 || first%pageSize != 0 || (last+1)%pageSize != 0 {
		return span{}, invalidHeader(name, text)
	}
	return span{first, last - first + 1}, nil
}

// findPageBlob finds the page blob that the request changes.
func (x *exchange) findPageBlob() (*blob, *revision, error) {
	b, r, err := x.findBlob()
	if err != nil {
		return nil, nil, err
	}
	if r.kind != azureblob.PageBlob {
		return nil, nil, fail(azureblob.InvalidBlobType)
	}
	return b, r, x.writable(b, r)
}

func putPage(x *exchange) error {
	s, err := x.pages()
	if err != nil {
		return err
	}
	if x.content.size() != s.n {
		return invalidHeader("Content-Length", base10(x.content.size()))
	}
	return x.writePages(s, x.content)
}

func clearPages(x *exchange) error {
	if err := x.noContent(); err != nil {
		return err
	}
	s, err := x.pages()
	if err != nil {
		return err
	}
	return x.writePages(s, zeros(s.n))
}

// writePages puts content in the place of a part of the page blob.
func (x *exchange) writePages(s span, c content) error {
	lessOrEqual := x.params.number("x-ms-if-sequence-number-le", 0, math.MaxInt64)
	less := x.params.number("x-ms-if-sequence-number-lt", 0, -1)
	equal := x.params.number("x-ms-if-sequence-number-eq", 0, -1)
	if err := x.invalid(); err != nil {
		return err
	}
	b, r, err := x.findPageBlob()
	if err != nil {
		return err
	}
	switch {
	case r.sequence > lessOrEqual, less >= 0 && r.sequence >= less, equal >= 0 && r.sequence != equal:
		return fail(azureblob.SequenceNumberConditionNotMet)
	case s.off+s.n > r.content.size():
		return fail(azureblob.InvalidPageRange)
	}
	r.content = r.content.replaced(s.off, c)
	x.touch(b)
	x.answerSums()
	x.set("x-ms-blob-sequence-number", base10(r.sequence))
	info := x.writeInfo(b)
	info.VersionID = "" // a write of pages makes no version
	return x.answer(http.StatusCreated, info)
}

// replaced is the content with other bytes from off on. They have to be there.
func (c content) replaced(off int64, with content) content {
	end := off + with.size()
	return join(c.slice(0, off), with, c.slice(end, c.size()-end)).joined()
}

// joined is the content with neighbouring zero pieces in one.
func (c content) joined() content {
	var tidy content
	for i, p := range c.pieces {
		if last := len(tidy.pieces) - 1; p.data == nil && last >= 0 && tidy.pieces[last].data == nil {
			tidy.pieces[last].end = p.end
			continue
		}
		if tidy.pieces == nil {
			tidy.pieces = make([]piece, 0, len(c.pieces)-i)
		}
		tidy.pieces = append(tidy.pieces, p)
	}
	return tidy
}

// setPageProperties is Set Blob Properties as far as only page blobs have it:
// size and sequence number, one or both. The headers of the content are left as
// they are unless one of them is sent as well.
func setPageProperties(x *exchange) error {
	resize := x.params.text("x-ms-blob-content-length") != ""
	size := x.pageBlobSize()
	next := x.sequenceAction()
	h := x.httpHeaders()
	if err := x.invalid(); err != nil {
		return err
	}
	b, r, err := x.findPageBlob()
	if err != nil {
		return err
	}
	sequence, err := next(r.sequence)
	if err != nil {
		return err
	}
	if resize {
		r.content = r.content.resized(size)
	}
	if h.ContentType+h.ContentEncoding+h.ContentLanguage+h.ContentDisposition+h.CacheControl != "" || h.ContentMD5 != nil {
		r.headers = h
	}
	r.sequence = sequence
	x.touch(b)
	x.set("x-ms-blob-sequence-number", base10(r.sequence))
	return x.answer(http.StatusOK, written{r.etag, r.modified})
}

// sequenceAction is what the request does to a sequence number.
func (x *exchange) sequenceAction() func(int64) (int64, error) {
	const header = "x-ms-blob-sequence-number"
	action := x.params.enum("x-ms-sequence-number-action", "max", "update", "increment")
	given := x.params.number(header, 0, -1)
	switch {
	case action == "increment" && given >= 0:
		x.wrong(invalidHeader(header, base10(given)))
	case action != "" && action != "increment":
		x.params.need(header)
	}
	return func(now int64) (int64, error) {
		switch action {
		case "max":
			return max(now, given), nil
		case "update":
			return given, nil
		case "increment":
			if now == math.MaxInt64 {
				return 0, fail(azureblob.SequenceNumberIncrementTooLarge)
			}
			return now + 1, nil
		}
		return now, nil
	}
}

// resized is the content cut off at a size, or filled up to it with zeros.
func (c content) resized(size int64) content {
	if size <= c.size() {
		return c.slice(0, size)
	}
	return join(c, zeros(size-c.size())).joined()
}
