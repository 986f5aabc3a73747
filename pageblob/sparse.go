package pageblob

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/goblob/azureblob/internal/engine"
)

// smallGap is how many bytes of zeros are rather sent, or asked for, than be
// worth another request.
const smallGap = 32 << 10

// scanSize is how much is looked at in one go, a multiple of [PageSize].
const scanSize = 64 << 10

var zeros [PageSize]byte

var scanBuffers = sync.Pool{New: func() any { return new([scanSize]byte) }}

// contentOf calls each with the parts of a body that are not zero, in pieces of
// up to [MaxWrite] bytes. Its length is a multiple of [PageSize].
func contentOf(body engine.Body, each func(off, n int64) error) error {
	r := body.Open()
	defer r.Close()
	buf := scanBuffers.Get().(*[scanSize]byte)
	defer scanBuffers.Put(buf)
	start, end := int64(0), int64(0) // what is not zero and not given out yet
	give := func() error {
		if end == start {
			return nil
		}
		off, n := start, end-start
		start, end = 0, 0
		return each(off, n)
	}
	for at := int64(0); at < body.Len(); {
		piece := buf[:min(scanSize, body.Len()-at)]
		if _, err := io.ReadFull(r, piece); err != nil {
			return unexpected(err)
		}
		for off := 0; off < len(piece); off += PageSize {
			page := at + int64(off)
			if bytes.Equal(piece[off:off+PageSize], zeros[:]) {
				continue
			}
			if end > start && (page-end > smallGap || page+PageSize-start > MaxWrite) {
				if err := give(); err != nil {
					return err
				}
			}
			if end == start {
				start = page
			}
			end = page + PageSize
		}
		at += int64(len(piece))
	}
	return give()
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
