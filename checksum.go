package azureblob

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"

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

// finalSums makes what is wrong with the checksums of a body a failure that
// asking again does not heal: what was given out may be wrong.
type finalSums struct{ io.ReadCloser }

func (b finalSums) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, checksum.ErrMismatch) || errors.Is(err, checksum.ErrMessage) {
		err = engine.Final(err)
	}
	return n, err
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
