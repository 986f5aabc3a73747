package blobtest

import (
	"net/http"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.GetBlob, endpoint{run: getBlob, needs: readBlob})
}

// maxSummedRange is how much of a blob can be asked for with its checksum.
const maxSummedRange = 4 << 20

func getBlob(x *exchange) error {
	wantMD5, wantCRC := x.params.flag("x-ms-range-get-content-md5"), x.params.flag("x-ms-range-get-content-crc64")
	if err := x.invalid(); err != nil {
		return err
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.readable(b, r); err != nil {
		return err
	}
	if r.tier.at(x.now).tier == azureblob.TierArchive {
		return fail(azureblob.BlobArchived)
	}
	total := r.content.size()
	part, partial, err := x.requestedRange(total)
	if err != nil {
		return err
	}
	which := digest(0)
	if wantMD5 {
		which |= digestMD5
	}
	if wantCRC {
		which |= digestCRC64
	}
	if err := checkSummedRange(which, partial, part.n); err != nil {
		return err
	}
	info := x.describe(b, r)
	info.ContentMD5, info.ContentLength = nil, 0
	if !partial {
		x.answerRead(http.StatusOK, r, info)
		x.setMD5("Content-MD5", r.headers.ContentMD5)
		x.reply.body = r.content
		return nil
	}
	x.answerRead(http.StatusPartialContent, r, info)
	x.set("Content-Range", contentRange(part.off, part.n, total))
	x.setMD5("x-ms-blob-content-md5", r.headers.ContentMD5)
	x.reply.body = r.content.slice(part.off, part.n)
	s := sums{}
	if which != 0 {
		s = sumsOf(x.reply.body, which)
	}
	x.setMD5("Content-MD5", s.md5)
	x.setMD5("x-ms-content-crc64", s.crc64)
	return nil
}

// checkSummedRange refuses checksums of what is no range, or too much of one.
func checkSummedRange(which digest, partial bool, n int64) error {
	name := "x-ms-range-get-content-md5"
	if which == digestCRC64 {
		name = "x-ms-range-get-content-crc64"
	}
	switch {
	case which == 0:
		return nil
	case which == digestMD5|digestCRC64 || !partial:
		return invalidHeader(name, "true")
	case n > maxSummedRange:
		return fail(azureblob.OutOfRangeInput).with("HeaderName", name)
	}
	return nil
}
