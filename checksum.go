package azureblob

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/engine"
)

// Checksum is what the content of one request must have as its checksum. Give
// one of the three. It is checked by the service before anything is stored:
// content with another one is error 400, [MD5Mismatch] or [CRC64Mismatch].
type Checksum struct {
	MD5   []byte `header:"Content-MD5"`        // 16 bytes
	CRC64 []byte `header:"x-ms-content-crc64"` // CRC-64/NVME, 8 bytes, little endian

	// Message has the CRC64 computed while the content is sent, as a structured
	// message: nothing has to be read twice. Emulators do not know such messages:
	// see [UploadOptions.Validate].
	Message bool `header:"x-ms-structured-body,message"`
}

// crc64Of reads a body and returns its checksum as a part of the request.
func crc64Of(body engine.Body) (Checksum, error) {
	r := body.Open()
	defer r.Close()
	crc := uint64(0)
	_, err := io.Copy(writerFunc(func(p []byte) { crc = checksum.Update(crc, p) }), r)
	return Checksum{CRC64: checksum.AppendCRC64(nil, crc)}, err
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

// segmented is content that comes in segments, each with its checksum.
type segmented interface {
	io.ReadCloser
	Segment(room func(n int64) (io.ReaderFrom, error)) error
}

// trusted gives out content whose checksums have been looked at, a segment at a
// time. So what is damaged or breaks off has not been given out, and can be asked for
// again from where it begins.
type trusted struct {
	ctx     context.Context
	body    segmented
	buffers *engine.Buffers
	left    int64 // bytes of content that are still to come

	mu           sync.Mutex
	busy, closed bool
	held         *engine.Buffer // the segment; of the one that reads, or else of Close
	out          io.ReadCloser  // what is left of it
}

func (t *trusted) Read(p []byte) (int, error) {
	if !t.enter() {
		return 0, http.ErrBodyReadAfterClose
	}
	defer t.leave()
	for {
		if t.out != nil {
			if n, err := t.out.Read(p); n > 0 || err == nil {
				return n, nil
			}
			t.free()
		}
		if err := t.body.Segment(t.room); err != nil {
			t.free()
			return 0, err
		}
		t.out = t.held.Open()
	}
}

// room is memory for a segment.
func (t *trusted) room(n int64) (io.ReaderFrom, error) {
	if n > t.left {
		return nil, nil
	}
	held, err := t.buffers.Buffer(t.ctx, n)
	if err != nil {
		return nil, err
	}
	t.left -= n
	t.held = held
	return held, nil
}

func (t *trusted) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = !t.closed
	return t.busy
}

func (t *trusted) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy = false; t.closed {
		t.free()
	}
}

// Close may come while Read is under way, which then gives the memory back.
func (t *trusted) Close() error {
	err := t.body.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed = true; !t.busy {
		t.free()
	}
	return err
}

func (t *trusted) free() {
	if t.out != nil {
		_ = t.out.Close()
	}
	if t.held != nil {
		t.held.Free()
	}
	t.out, t.held = nil, nil
}

func (c Checksum) check() error {
	if c.Message && (c.MD5 != nil || c.CRC64 != nil) {
		return errors.New("Checksum has a sum and a structured message, and one is enough")
	}
	return checkSums("Checksum", c.MD5, c.CRC64)
}

func (c SourceChecksum) check() error { return checkSums("SourceChecksum", c.MD5, c.CRC64) }

func checkSums(name string, sum, crc []byte) error {
	switch {
	case sum != nil && len(sum) != md5.Size:
		return coded(InvalidMD5, fmt.Errorf("%s.MD5 has %d bytes and not %d", name, len(sum), md5.Size))
	case crc != nil && len(crc) != checksum.Size:
		return coded(InvalidHeaderValue, fmt.Errorf("%s.CRC64 has %d bytes and not %d", name, len(crc), checksum.Size))
	case sum != nil && crc != nil:
		return coded(BothCRC64AndMD5HeaderPresent, errors.New(name+" has an MD5 and a CRC64, and the service takes only one"))
	}
	return nil
}
