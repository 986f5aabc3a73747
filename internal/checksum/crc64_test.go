package checksum

import (
	"bytes"
	"encoding/base64"
	"hash/crc64"
	"testing"
)

func TestKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		text string
		want uint64
	}{
		{"", 0},
		{"a", 0x8c2f8445b4cbfc3c},
		{"hello", 0x3377857006524257},
		{"123456789", 0xae8b14860a799888},
	} {
		if got := CRC64([]byte(c.text)); got != c.want {
			t.Errorf("%q: %x and not %x", c.text, got, c.want)
		}
	}
	for text, want := range map[string]string{"hello": "V0JSBnCFdzM=", "123456789": "iJh5CoYUi64="} {
		if got := base64.StdEncoding.EncodeToString(AppendCRC64(nil, CRC64([]byte(text)))); got != want {
			t.Errorf("%q: header %s and not %s", text, got, want)
		}
	}
}

// TestAgainstTable compares with the standard library at lengths and places
// where vector code goes other ways.
func TestAgainstTable(t *testing.T) {
	table := crc64.MakeTable(0x9A6C9329AC4BC9B5)
	data := make([]byte, 5000)
	for i := range data {
		data[i] = byte(i*i>>3 ^ i)
	}
	for n := range 700 {
		for _, off := range []int{0, 1, 7} {
			part := data[off : off+n*7]
			want := crc64.Checksum(part, table)
			if got := CRC64(part); got != want {
				t.Fatalf("%d bytes at %d: %x and not %x", len(part), off, got, want)
			}
			cut := len(part) / 3
			if got := Update(CRC64(part[:cut]), part[cut:]); got != want {
				t.Fatalf("%d bytes at %d in two parts: %x and not %x", len(part), off, got, want)
			}
		}
	}
	if got := AppendCRC64([]byte{9}, 0x0807060504030201); !bytes.Equal(got, []byte{9, 1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("not appended in little endian: %x", got)
	}
}

func BenchmarkCRC64(b *testing.B) {
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		CRC64(data)
	}
}
