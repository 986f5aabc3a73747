package azureblob

// Checksum is what the content of one request must have as its checksum. Give
// one of the two. It is checked by the service before anything is stored:
// content with another one is error 400, [MD5Mismatch] or [CRC64Mismatch].
type Checksum struct {
	MD5   []byte `header:"Content-MD5"`        // 16 bytes
	CRC64 []byte `header:"x-ms-content-crc64"` // CRC-64/NVME, 8 bytes, little endian
}
