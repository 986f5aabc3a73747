package checksum

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

type memory []byte

func (m memory) Len() int64          { return int64(len(m)) }
func (m memory) Open() io.ReadCloser { return io.NopCloser(bytes.NewReader(m)) }

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13 + i>>16*29)
	}
	return b
}

func read(r io.Reader) ([]byte, error) { return io.ReadAll(r) }

// vector is the message that the protocol gives as an example: "hello" in segments
// of three bytes.
var vector, _ = hex.DecodeString("013e00000000000000010002000100030000000000000068656c6785e49bfe2b11a802000200000000000000" +
	"6c6f4ea703fb95d990e05742520670857733")

func TestMessageVector(t *testing.T) {
	for _, size := range []int64{int64(len(vector)), -1} {
		if got, err := read(NewMessageReader(io.NopCloser(bytes.NewReader(vector)), size)); string(got) != "hello" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestMessageRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 5, 511, segmentSize - 1, segmentSize, segmentSize + 1, 3*segmentSize + 7} {
		content := noise(n)
		m := Message(memory(content))
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "with the error": iotest.DataErrReader, "half": iotest.HalfReader,
		} {
			r := m.Open()
			framed, err := read(wrap(r))
			if err != nil || int64(len(framed)) != m.Len() {
				t.Fatalf("%d bytes, %s: %d framed of %d, %v", n, name, len(framed), m.Len(), err)
			}
			got, err := read(NewMessageReader(io.NopCloser(wrap(bytes.NewReader(framed))), m.Len()))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes, %s: %d, %v", n, name, len(got), err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	framed, err := read(iotest.OneByteReader(Message(memory("hello")).Open()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(iotest.OneByteReader(NewMessageReader(io.NopCloser(bytes.NewReader(framed)), -1))); string(got) != "hello" || err != nil {
		t.Errorf("byte by byte: %q, %v", got, err)
	}
}

// TestMessageSegments cuts content that would be too many segments of 4 MiB.
func TestMessageSegments(t *testing.T) {
	for _, n := range []int64{0, segmentSize, 65535 * segmentSize, 65535*segmentSize + 1, 190 << 40} {
		count, size := segments(n)
		if count < 1 || count > maxSegments || count*size < n || (count-1)*size >= max(n, 1) {
			t.Errorf("%d bytes: %d segments of %d", n, count, size)
		}
	}
}

// TestMessageDamage changes each byte of a message, and cuts it at each place.
// All of it is found.
func TestMessageDamage(t *testing.T) {
	framed, err := read(Message(memory("some content")).Open())
	if err != nil {
		t.Fatal(err)
	}
	tell := func(b []byte, size int64) error {
		_, err := read(NewMessageReader(io.NopCloser(bytes.NewReader(b)), size))
		return err
	}
	for i := range framed {
		b := bytes.Clone(framed)
		b[i] ^= 4
		if err := tell(b, int64(len(b))); !errors.Is(err, ErrMessage) && !errors.Is(err, ErrMismatch) && !errors.Is(err, io.ErrUnexpectedEOF) {
			if i == 9 || i == 10 {
				continue // flags that are not known
			}
			t.Errorf("byte %d: %v", i, err)
		}
		if err := tell(framed[:i], -1); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if err := tell(append(bytes.Clone(framed), 1), int64(len(framed))); !errors.Is(err, ErrMessage) {
		t.Errorf("a byte more: %v", err)
	}
	broken := errors.New("broken")
	r := NewMessageReader(io.NopCloser(io.MultiReader(bytes.NewReader(framed[:30]), iotest.ErrReader(broken))), -1)
	if _, err := read(r); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := read(Message(short{}).Open()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a body that is shorter than it says: %v", err)
	}
}

// short says that it has more than it has.
type short struct{}

func (short) Len() int64          { return 10 }
func (short) Open() io.ReadCloser { return io.NopCloser(bytes.NewReader([]byte("abc"))) }

// FuzzMessageReader reads anything as a message, at once and in pieces, and puts any
// content into a message. One that has a byte changed is none any more, or has
// other content nowhere.
func FuzzMessageReader(f *testing.F) {
	framed, _ := read(Message(memory("hello")).Open())
	f.Add(framed, 0, byte(1))
	f.Add(vector, 20, byte(255))
	f.Add([]byte{1}, 3, byte(0))
	f.Add([]byte{}, -1, byte(7))
	f.Fuzz(func(t *testing.T, data []byte, at int, change byte) {
		tell := func(r io.Reader) ([]byte, error) {
			return read(NewMessageReader(io.NopCloser(r), int64(len(data))))
		}
		one, errOne := tell(bytes.NewReader(data))
		two, errTwo := tell(iotest.OneByteReader(bytes.NewReader(data)))
		if (errOne == nil) != (errTwo == nil) || errOne == nil && !bytes.Equal(one, two) || len(one) > len(data) {
			t.Errorf("at once %d bytes, %v; in pieces %d, %v", len(one), errOne, len(two), errTwo)
		}
		framed, err := read(Message(memory(data)).Open())
		if err != nil {
			t.Fatal(err)
		}
		whole := func() ([]byte, error) {
			return read(NewMessageReader(io.NopCloser(bytes.NewReader(framed)), int64(len(framed))))
		}
		if got, err := whole(); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes came back as %d, %v", len(data), len(got), err)
		}
		if at >= 0 && change != 0 {
			framed[at%len(framed)] ^= change
			if got, err := whole(); err == nil {
				t.Errorf("byte %d changed, and %d bytes came back without an error", at%len(framed), len(got))
			}
		}
	})
}
