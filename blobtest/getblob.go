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
	x.params.checkStructured()
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
	if r == b.current && r.copied.incremental {
		return fail(azureblob.OperationNotAllowedOnIncrementalCopyBlob)
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
	info.ContentMD5, info.ContentLength = nil, 0 // each has a rule of its own here
	if !partial {
		x.setSum("Content-MD5", r.headers.ContentMD5)
		return x.answerContent(http.StatusOK, r, &info, r.content)
	}
	cut := r.content.slice(part.off, part.n)
	if which != 0 {
		s := sumsOf(cut, which)
		x.setSum("Content-MD5", s.md5)
		x.setSum("x-ms-content-crc64", s.crc64)
	}
	x.set("Content-Range", contentRange(part.off, part.n, total))
	x.setSum("x-ms-blob-content-md5", r.headers.ContentMD5)
	return x.answerContent(http.StatusPartialContent, r, &info, cut)
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
