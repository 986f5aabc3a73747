package blobtest_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"

	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/checksum"
)

const structuredForm = "XSM/1.0; properties=crc64"

// structuredHello is "hello" in segments of three bytes.
const structuredHello = "013e00000000000000010002000100030000000000000068656c6785e49bfe2b11a802000200000000000000" +
	"6c6f4ea703fb95d990e05742520670857733"

// changed is the message with a byte replaced.
func changed(at int, by byte) string {
	b := must(hex.DecodeString(structuredHello))
	b[at] = by
	return string(b)
}

func TestStructuredUpload(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "photos?restype=container", "").expect(t, "create", 201, "")
	whole := string(must(hex.DecodeString(structuredHello)))
	// All sums are right here, and a byte follows the last one.
	leftover := append([]byte("\x01\x2d\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00"), "\x01\x00\x05\x00\x00\x00\x00\x00\x00\x00hello"...)
	leftover = checksum.AppendCRC64(leftover, checksum.CRC64([]byte("hello")))
	leftover = append(checksum.AppendCRC64(leftover, checksum.CRC64([]byte("hello"))), 'x')
	for _, resource := range []string{"photos/x", "photos/x?comp=block&blockid=AAAA"} {
		for _, c := range []struct {
			name, body, inner string
			header            []string
			status            int
			code              string
		}{
			{"whole", whole, "5", nil, 201, ""},
			{"MD5 of something else", whole, "5", []string{"Content-MD5", "EaNYY5umL1mpgFh0qFVYcA=="}, 400, "Md5Mismatch"},
			{"CRC64 of the content alone", whole, "5", []string{"x-ms-content-crc64", "V0JSBnCFdzM="}, 400, "Crc64Mismatch"},
			{"CRC64 of what was sent", whole, "5", []string{"x-ms-content-crc64", sumHeader(whole)}, 201, ""},
			{"no length", whole, "", nil, 400, "MissingRequiredHeader"},
			{"length that is none", whole, "-1", nil, 400, "InvalidHeaderValue"},
			{"other length", whole, "6", nil, 400, "InvalidInput"},
			{"version", changed(0, 2), "5", nil, 400, "InvalidInput"},
			{"total", changed(1, 63), "5", nil, 400, "InvalidInput"},
			{"flags", changed(9, 0), "5", nil, 400, "InvalidInput"},
			{"segments", changed(11, 1), "5", nil, 400, "InvalidInput"},
			{"number", changed(13, 2), "5", nil, 400, "InvalidInput"},
			{"second number", changed(34, 1), "5", nil, 400, "InvalidInput"},
			{"segment too long", changed(15, 9), "5", nil, 400, "InvalidInput"},
			{"data", changed(23, 'H'), "5", nil, 400, "Crc64Mismatch"},
			{"sum", changed(26, 0), "5", nil, 400, "Crc64Mismatch"},
			{"last sum", changed(61, 0), "5", nil, 400, "Crc64Mismatch"},
			{"left over", whole + "x", "5", nil, 400, "InvalidInput"},
			{"left over within", string(leftover), "6", nil, 400, "InvalidInput"},
			{"no segments", "\x01\x15\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00" + strings.Repeat("\x00", 8), "0", nil, 400, "InvalidInput"},
			{"short", whole[:10], "5", nil, 400, "InvalidInput"},
			{"form", whole, "5", []string{"x-ms-structured-body", "XSM/2.0"}, 400, "InvalidHeaderValue"},
		} {
			header := append([]string{"x-ms-blob-type", "BlockBlob", "x-ms-structured-body", structuredForm, "x-ms-structured-content-length", c.inner}, c.header...)
			a := raw(t, srv, "PUT", resource, c.body, header...)
			a.expect(t, c.name+" "+resource, c.status, c.code)
			if echoed := a.header.Get("x-ms-structured-body") == structuredForm; echoed != (c.status == 201) {
				t.Errorf("%s: told %v", c.name, a.header)
			}
		}
	}
	if a := raw(t, srv, "GET", "photos/x", ""); a.body != "hello" || a.header.Get("Content-MD5") != "XUFAKrxLKna5cZ2REBfFkg==" || a.header.Get("x-ms-structured-body") != "" {
		t.Errorf("stored %q, %v", a.body, a.header)
	}
	raw(t, srv, "PUT", "photos/x?comp=blocklist", whole, "x-ms-structured-body", structuredForm, "x-ms-structured-content-length", "5").
		expect(t, "list of blocks", 400, "UnsupportedHeader")
	// The limit is one of content, not of the message around it.
	raw(t, srv, "PUT", "photos/x", whole, "x-ms-blob-type", "BlockBlob", "x-ms-structured-body", structuredForm,
		"x-ms-structured-content-length", "5242880001").expect(t, "much", 413, "RequestBodyTooLarge")
}

func sumHeader(text string) string {
	return base64.StdEncoding.EncodeToString(checksum.AppendCRC64(nil, checksum.CRC64([]byte(text))))
}

func TestStructuredDownload(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "photos?restype=container", "").expect(t, "create", 201, "")
	text := strings.Repeat("many words ", 10<<20/11)
	for name, content := range map[string]string{"empty": "", "hello": "hello", "long": text} {
		raw(t, srv, "PUT", "photos/"+name, content, "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
		a := raw(t, srv, "GET", "photos/"+name, "", "x-ms-structured-body", structuredForm)
		a.expect(t, name, 200, "")
		if a.header.Get("x-ms-structured-body") != structuredForm || a.header.Get("x-ms-structured-content-length") != strconv.Itoa(len(content)) || a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
			t.Errorf("%s: %v", name, a.header)
		}
		if got := unframe(t, a.body); got != content {
			t.Errorf("%s: %d bytes came back of %d", name, len(got), len(content))
		}
	}
	a := raw(t, srv, "GET", "photos/hello", "", "x-ms-structured-body", structuredForm, "x-ms-range", "bytes=1-3")
	a.expect(t, "range", 206, "")
	if unframe(t, a.body) != "ell" || a.header.Get("Content-Range") != "bytes 1-3/5" {
		t.Errorf("range: %v", a)
	}
	raw(t, srv, "GET", "photos/hello", "", "x-ms-structured-body", "XSM/9").expect(t, "form", 400, "InvalidHeaderValue")
	a = raw(t, srv, "GET", "photos/none", "", "x-ms-structured-body", structuredForm)
	if a.expect(t, "none", 404, "BlobNotFound"); a.header.Get("x-ms-structured-body") != "" {
		t.Errorf("an error is framed: %v", a.header)
	}
}

// unframe is the content of a structured message, taken apart by a reader of
// its own.
func unframe(t *testing.T, m string) string {
	t.Helper()
	b := []byte(m)
	if len(b) < 21 || b[0] != 1 || binary.LittleEndian.Uint64(b[1:]) != uint64(len(b)) || b[9] != 1 || b[10] != 0 {
		t.Fatalf("head % x", b[:min(len(b), 21)])
	}
	var content []byte
	count, rest := binary.LittleEndian.Uint16(b[11:]), b[13:]
	for number := uint16(1); number <= count; number++ {
		n := binary.LittleEndian.Uint64(rest[2:])
		data := rest[10 : 10+n]
		if binary.LittleEndian.Uint16(rest) != number || binary.LittleEndian.Uint64(rest[10+n:]) != checksum.CRC64(data) {
			t.Fatalf("segment %d is wrong", number)
		}
		content, rest = append(content, data...), rest[18+n:]
	}
	if len(rest) != 8 || binary.LittleEndian.Uint64(rest) != checksum.CRC64(content) {
		t.Fatalf("the end is wrong: % x", rest)
	}
	return string(content)
}
