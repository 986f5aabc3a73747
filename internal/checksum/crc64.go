// Package checksum computes the checksum that the Blob service has for content
// beside MD5: CRC-64/NVME, a reflected CRC with the polynomial
// 0x9A6C9329AC4BC9B5 that begins and ends with all bits inverted.
package checksum

import (
	"encoding/binary"

	"github.com/minio/crc64nvme"
)

// Size is the length of a CRC64 in bytes.
const Size = 8

// CRC64 returns the checksum of p.
func CRC64(p []byte) uint64 { return crc64nvme.Update(0, p) }

// Update returns the checksum of all that crc is the checksum of, followed by
// p. The checksum of nothing is 0.
func Update(crc uint64, p []byte) uint64 { return crc64nvme.Update(crc, p) }

// Sum returns the checksum of p as headers have it.
func Sum(p []byte) []byte { return AppendCRC64(nil, CRC64(p)) }

// AppendCRC64 appends a checksum to b as headers and structured messages have
// it: little endian.
func AppendCRC64(b []byte, crc uint64) []byte { return binary.LittleEndian.AppendUint64(b, crc) }
