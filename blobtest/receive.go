package blobtest

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"hash"
	"io"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/checksum"
)

// digest says which checksums of a body to compute.
type digest uint8

const (
	digestMD5 digest = 1 << iota
	digestCRC64
)

// sums are checksums of a body; nil those that were not computed.
type sums struct {
	md5   []byte
	crc64 []byte // as headers have it: little endian
}

// summer computes checksums of what is written to it.
type summer struct {
	md5   hash.Hash
	crc   uint64
	which digest
}

func newSummer(which digest) *summer {
	s := &summer{which: which}
	if which&digestMD5 != 0 {
		s.md5 = md5.New()
	}
	return s
}

func (s *summer) Write(p []byte) (int, error) {
	if s.md5 != nil {
		_, _ = s.md5.Write(p)
	}
	if s.which&digestCRC64 != 0 {
		s.crc = checksum.Update(s.crc, p)
	}
	return len(p), nil
}

func (s *summer) sums() sums {
	var r sums
	if s.md5 != nil {
		r.md5 = s.md5.Sum(nil)
	}
	if s.which&digestCRC64 != 0 {
		r.crc64 = checksum.AppendCRC64(nil, s.crc)
	}
	return r
}

// sumsOf computes checksums of content that is stored.
func sumsOf(c content, which digest) sums {
	s := newSummer(which)
	_, _ = c.WriteTo(s)
	return s.sums()
}

// receive reads the body of the request and holds its checksums against it.
func (x *exchange) receive() error {
	method := x.request.Method
	if x.request.ContentLength < 0 && (method == "PUT" || method == "POST") {
		return fail(azureblob.MissingContentLengthHeader)
	}
	switch x.endpoint.body {
	case xmlBody:
		if err := x.receiveContent(maxDocument, x.endpoint.digest); err != nil {
			return err
		}
		x.document, x.content = x.content.bytes(), content{}
	case contentBody:
		limit := int64(maxDocument)
		if x.endpoint.limit != nil {
			limit = x.endpoint.limit(x)
		}
		return x.receiveContent(limit, x.endpoint.digest)
	case noBody:
		if x.request.ContentLength > 0 && x.request.Body != nil {
			_, _ = io.CopyN(io.Discard, x.request.Body, maxDocument)
		}
	}
	return nil
}

func (x *exchange) receiveContent(limit int64, which digest) error {
	wantMD5 := x.params.base64("Content-MD5", md5.Size)
	wantCRC := x.params.base64("x-ms-content-crc64", checksum.Size)
	size, structured := x.params.structured()
	if !structured {
		size = x.request.ContentLength
	}
	if err := x.invalid(); err != nil {
		return err
	}
	switch {
	case wantMD5 != nil && wantCRC != nil:
		return fail(azureblob.BothCRC64AndMD5HeaderPresent)
	case structured && x.endpoint.body != contentBody:
		return fail(azureblob.UnsupportedHeader).with("HeaderName", structuredHeader)
	case size > limit:
		return fail(azureblob.RequestBodyTooLarge).with("MaxLimit", base10(limit))
	}
	if wantMD5 != nil {
		which = digestMD5 // the answer will tell this one, and needs no other
	}
	if wantCRC != nil {
		which |= digestCRC64
	}
	s := newSummer(which)
	var err error
	var sent sums // of the body as it was sent
	if structured {
		wire := newSummer(which)
		x.content, err = readMessage(io.TeeReader(x.request.Body, wire), x.request.ContentLength, size, s)
		sent = wire.sums()
		x.set(structuredHeader, structuredForm)
	} else {
		x.content, err = readContent(x.request.Body, size, s)
	}
	if err != nil {
		return messageFailure(err)
	}
	x.sums = s.sums()
	if !structured {
		sent = x.sums
	}
	if wantMD5 != nil && !bytes.Equal(wantMD5, sent.md5) {
		return mismatch(azureblob.MD5Mismatch, "Md5", wantMD5, sent.md5)
	}
	if wantCRC != nil && !bytes.Equal(wantCRC, sent.crc64) {
		return mismatch(azureblob.CRC64Mismatch, "Crc64", wantCRC, sent.crc64)
	}
	return nil
}

func mismatch(code azureblob.ErrorCode, name string, want, have []byte) error {
	return fail(code).with("UserSpecified"+name, base64.StdEncoding.EncodeToString(want)).
		with("ServerCalculated"+name, base64.StdEncoding.EncodeToString(have))
}

const (
	// maxPiece bounds the memory that a Content-Length alone can claim.
	maxPiece = 4 << 20
	// sumStep is how much is summed at a time, while it is in the cache.
	sumStep = 256 << 10
)

// readContent reads n bytes into memory that will not be copied again.
func readContent(r io.Reader, n int64, s io.Writer) (content, error) {
	var c content
	for left := n; left > 0; {
		data := make([]byte, min(left, maxPiece))
		for off := 0; off < len(data); {
			step := data[off:min(off+sumStep, len(data))]
			if _, err := io.ReadFull(r, step); err != nil {
				return content{}, err
			}
			_, _ = s.Write(step)
			off += len(step)
		}
		left -= int64(len(data))
		c.pieces = append(c.pieces, piece{data, n - left})
	}
	return c, nil
}
