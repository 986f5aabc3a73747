package blobtest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"testing"

	"github.com/goblob/azureblob/internal/checksum"
)

// FuzzMessage gives anything as a structured message to the service and to the
// reader of the client, which have nothing in common: both take it or none does,
// and find the same in it. What the service writes the client reads.
func FuzzMessage(f *testing.F) {
	hello, err := hex.DecodeString("013e00000000000000010002000100030000000000000068656c6785e49bfe2b11a802000200000000000000" +
		"6c6f4ea703fb95d990e05742520670857733")
	if err != nil {
		f.Fatal(err)
	}
	framed := func(data []byte) []byte {
		var b bytes.Buffer
		_, _ = messageOf(contentOf(data)).WriteTo(&b)
		return b.Bytes()
	}
	f.Add(hello, 100, byte(0))
	f.Add(hello, 11, byte(3))
	f.Add(framed(nil), 11, byte(1))
	f.Add(framed([]byte("hello")), 15, byte(255))
	f.Fuzz(func(t *testing.T, data []byte, at int, change byte) {
		ours := func(data []byte) ([]byte, error) {
			return io.ReadAll(checksum.NewMessageReader(io.NopCloser(bytes.NewReader(data)), int64(len(data))))
		}
		if got, err := ours(framed(data)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes came as %d, %v", len(data), len(got), err)
		}
		data = bytes.Clone(data)
		if at >= 0 && at < len(data) {
			data[at] ^= change
		}
		if len(data) < messageHead {
			return
		}
		inner := int64(len(data)) - messageHead - int64(binary.LittleEndian.Uint16(data[11:]))*(segmentHead+checksum.Size) - checksum.Size
		if inner < 0 {
			return // nothing that the length in the header could be
		}
		theirs, errTheirs := readMessage(bytes.NewReader(data), int64(len(data)), inner, &summer{})
		got, errOurs := ours(data)
		if (errTheirs == nil) != (errOurs == nil) {
			t.Fatalf("the service: %v; the client: %v", errTheirs, errOurs)
		}
		var b bytes.Buffer
		if _, err := theirs.WriteTo(&b); errTheirs == nil && (err != nil || !bytes.Equal(b.Bytes(), got)) {
			t.Errorf("the service found %q, the client %q", b.Bytes(), got)
		}
	})
}
