package conformance

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/goblob/azureblob/internal/checksum"
)

// framed is "hello" as a structured message of two segments with checksums.
const framed = "013e00000000000000010002000100030000000000000068656c6785e49bfe2b11a802000200000000000000" +
	"6c6f4ea703fb95d990e05742520670857733"

// message frames content as a structured message of one segment.
func message(content string) string {
	sum := binary.LittleEndian.AppendUint64(nil, checksum.CRC64([]byte(content)))
	b := []byte{1}
	b = binary.LittleEndian.AppendUint64(b, uint64(13+10+len(content)+8+8))
	b = append(b, 1, 0, 1, 0, 1, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(content)))
	b = append(append(b, content...), sum...)
	return string(append(b, sum...))
}

func TestStructuredMessages(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("structured messages")
		text, err := hex.DecodeString(framed)
		if err != nil {
			s.Fatal(err)
		}
		marks := header{"x-ms-structured-body": "XSM/1.0; properties=crc64", "x-ms-structured-content-length": "5"}
		echo := header{"x-ms-structured-body": marks["x-ms-structured-body"]}
		s.put("b", string(text), marks).has(echo)
		s.blob("GET", "b", "", nil, "").want(200, "").is("hello").without("x-ms-structured-body")
		got := s.blob("GET", "b", "", echo, "").want(200, "").has(echo).has(header{"x-ms-structured-content-length": "5"})
		if !strings.HasPrefix(got.body, "\x01") || !strings.Contains(got.body, "hello") {
			s.Errorf("no message: %q", got.body)
		}
		s.blob("GET", "b", "", with(echo, "x-ms-range", "bytes=1-3"), "").want(206, "").has(header{"x-ms-structured-content-length": "3", "Content-Range": "bytes 1-3/5"})
		s.blob("PUT", "c", "comp=block&blockid=QQ%3D%3D", marks, string(text)).want(201, "").has(echo)
		s.blob("PUT", "log", "", header{"x-ms-blob-type": "AppendBlob"}, "").want(201, "")
		s.blob("PUT", "log", "comp=appendblock", marks, string(text)).want(201, "").has(echo)
		s.blob("PUT", "disk", "", header{"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "512"}, "").want(201, "")
		pages := header{"x-ms-page-write": "update", "x-ms-range": "bytes=0-511", "x-ms-structured-body": marks["x-ms-structured-body"], "x-ms-structured-content-length": "512"}
		s.blob("PUT", "disk", "comp=page", pages, message(strings.Repeat("p", 512))).want(201, "").has(echo)
		s.blob("GET", "disk", "", nil, "").want(200, "").is(strings.Repeat("p", 512))
		text[len(text)-1] ^= 1
		if a := s.blob("PUT", "b", "", with(marks, "x-ms-blob-type", "BlockBlob"), string(text)); a.status != 400 {
			s.Errorf("a wrong checksum: %d %s", a.status, a.code)
		}
		text[len(text)-1] ^= 1
		if a := s.blob("PUT", "b", "", with(with(marks, "x-ms-blob-type", "BlockBlob"), "x-ms-structured-content-length", "4"), string(text)); a.status != 400 {
			s.Errorf("a wrong length: %d %s", a.status, a.code)
		}
	})
}
