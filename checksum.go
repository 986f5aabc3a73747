package azureblob

import (
	"crypto/md5"
	"errors"
	"fmt"

	"github.com/goblob/azureblob/internal/checksum"
)

// Checksum is what the content of one request must have as its checksum. Give
// one of the two. It is checked by the service before anything is stored:
// content with another one is error 400, [MD5Mismatch] or [CRC64Mismatch].
type Checksum struct {
	MD5   []byte `header:"Content-MD5"`        // 16 bytes
	CRC64 []byte `header:"x-ms-content-crc64"` // CRC-64/NVME, 8 bytes, little endian
}

func (c Checksum) check() error { return checkSums("Checksum", c.MD5, c.CRC64) }

func (c SourceChecksum) check() error { return checkSums("SourceChecksum", c.MD5, c.CRC64) }

func checkSums(name string, sum, crc []byte) error {
	switch {
	case sum != nil && len(sum) != md5.Size:
		return fmt.Errorf("%s.MD5 has %d bytes and not %d", name, len(sum), md5.Size)
	case crc != nil && len(crc) != checksum.Size:
		return fmt.Errorf("%s.CRC64 has %d bytes and not %d", name, len(crc), checksum.Size)
	case sum != nil && crc != nil:
		return errors.New(name + " has an MD5 and a CRC64, and the service takes only one")
	}
	return nil
}
