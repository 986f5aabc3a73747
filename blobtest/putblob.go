package blobtest

import (
	"bytes"
	"net/http"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.PutBlob, endpoint{run: putBlob, body: contentBody, limit: maxPutBlob, digest: digestMD5, needs: createBlob})
}

const mib = 1 << 20

// maxPutBlob is the most that Put Blob takes.
func maxPutBlob(x *exchange) int64 {
	switch {
	case x.since("2019-12-12"):
		return 5000 * mib
	case x.since("2016-05-31"):
		return 256 * mib
	}
	return 64 * mib
}

// newRevision is a revision with all that the headers of an operation that
// creates a blob say, whatever its type.
func (x *exchange) newRevision(b *blob, kind azureblob.BlobType) (*revision, error) {
	r := &revision{
		kind:       kind,
		headers:    x.httpHeaders(),
		metadata:   x.params.metadata(),
		tags:       x.tagsHeader(),
		tier:       x.tierHeader(kind),
		protection: x.protection(),
	}
	if r.headers.ContentType == "" {
		r.headers.ContentType = "application/octet-stream"
	}
	e, err := x.encryption(b.container)
	if err != nil {
		return nil, err
	}
	r.encryption = e
	return r, x.invalid()
}

// standardHeaders fills what the x-ms-blob-content- headers do not say from the
// headers of HTTP, where the body of the request is the content.
func (x *exchange) standardHeaders(h *azureblob.HTTPHeaders) {
	for _, f := range []struct {
		value          *string
		given, instead string
	}{
		{&h.ContentType, "x-ms-blob-content-type", "Content-Type"},
		{&h.ContentEncoding, "x-ms-blob-content-encoding", "Content-Encoding"},
		{&h.ContentLanguage, "x-ms-blob-content-language", "Content-Language"},
		{&h.CacheControl, "x-ms-blob-cache-control", "Cache-Control"},
	} {
		if text := x.params.text(f.instead); x.params.text(f.given) == "" && text != "" {
			*f.value = text
		}
	}
}

func putBlob(x *exchange) error {
	b, err := x.findName()
	if err != nil {
		return err
	}
	next, err := x.newRevision(b, azureblob.BlockBlob)
	if err != nil {
		return err
	}
	x.standardHeaders(&next.headers)
	if given := next.headers.ContentMD5; given != nil && !bytes.Equal(given, x.sums.md5) {
		return mismatch(azureblob.MD5Mismatch, "Md5", given, x.sums.md5)
	}
	next.headers.ContentMD5 = x.sums.md5
	next.content = x.content
	if err := x.overwritable(b); err != nil {
		return err
	}
	b.staged = staged{} // blocks that nobody committed are gone
	x.commit(b, next)
	x.setSum("Content-MD5", x.sums.md5)
	x.setSum("x-ms-content-crc64", x.sums.crc64)
	return x.answer(http.StatusCreated, x.writeInfo(b))
}
