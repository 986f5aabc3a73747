package avro

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

var testSchema = []Schema{
	{Name: "a.b.data", Fields: []Field{{Name: "data", Type: "bytes"}}},
	{Name: "a.b.error", Fields: []Field{{Name: "fatal", Type: "boolean"}, {Name: "name", Type: "string"}, {Name: "position", Type: "long"}}},
	{Name: "a.b.nothing"},
}

func testFile() []byte {
	w := NewWriter(testSchema, [16]byte{1, 2, 3})
	w.Record("a.b.data", []byte("hello"))
	w.Record("a.b.error", true, "Odd", int64(math.MinInt64))
	w.Record("a.b.nothing")
	w.Record("a.b.data", bytes.Repeat([]byte{7}, 3<<20))
	w.Record("a.b.error", false, "", int64(300))
	return w.Take()
}

// tell writes down all records of a file.
func tell(r io.Reader) (string, error) {
	a, err := NewReader(r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for {
		record, err := a.Next()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		data := record.Bytes("data")
		fmt.Fprintf(&b, "%s %d %.5s %v %s %d\n", record.Name, len(data), data, record.Bool("fatal"), record.Text("name"), record.Long("position"))
	}
}

const told = `a.b.data 5 hello false  0
a.b.error 0  true Odd -9223372036854775808
a.b.nothing 0  false  0
a.b.data 3145728 ` + "\a\a\a\a\a" + ` false  0
a.b.error 0  false  300
`

func TestRoundTrip(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"at once":            bytes.NewReader(testFile()),
		"one byte at a time": iotest.OneByteReader(bytes.NewReader(testFile())),
	} {
		if got, err := tell(r); got != told || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestBreaksOff cuts a file at every place of its beginning. Only between two
// blocks may it end.
func TestBreaksOff(t *testing.T) {
	w := NewWriter(testSchema, [16]byte{1})
	ends := map[int]bool{len(w.out): true}
	for range 3 {
		w.Record("a.b.error", true, "name", int64(-70))
		ends[len(w.out)] = true
	}
	file := w.Take()
	for n := range file {
		_, err := tell(bytes.NewReader(file[:n]))
		if ends[n] && err != nil || !ends[n] && !errors.Is(err, ErrShort) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	broken := errors.New("broken")
	for n := range file {
		_, err := tell(io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("broken at %d: %v", n, err)
		}
	}
}

func TestDamaged(t *testing.T) {
	file := testFile()
	end := bytes.Index(file, []byte("hello")) + 5
	with := func(at int, b ...byte) []byte {
		c := bytes.Clone(file)
		copy(c[at:], b)
		return c
	}
	for name, data := range map[string][]byte{
		"magic":                    with(3, 2),
		"mark":                     with(end+3, 9),
		"too few bytes in a block": with(end-7, 5<<1),
		"too many":                 with(end-8, 40<<1),
		"no such branch":           with(end-7, 3<<1),
		"negative branch":          with(end-7, 1),
		"long value":               with(end-6, 60<<1),
		"negative length":          with(end-6, 1),
	} {
		if got, err := tell(bytes.NewReader(data)); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrShort) {
			t.Errorf("%s: %.60q, %v", name, got, err)
		}
	}
	codec := bytes.Replace(file, []byte("null"), []byte("lzma"), 1)
	if _, err := tell(bytes.NewReader(codec)); err == nil || !strings.Contains(err.Error(), "lzma") {
		t.Errorf("codec: %v", err)
	}
	varint := append(bytes.Clone(magic[:]), bytes.Repeat([]byte{0xff}, 12)...)
	if _, err := tell(bytes.NewReader(varint)); !errors.Is(err, ErrFormat) {
		t.Errorf("endless varint: %v", err)
	}
}

func TestSchemas(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
	}{
		{`{"type":"record","name":"r","fields":[{"name":"n","type":{"type":"long"}},{"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"z","type":"null"},{"name":"i","type":"int"}]}`, ""},
		{`[{"type":"record","name":"r","namespace":"x.y","fields":[]}]`, ""},
		{`[]`, "empty"},
		{`"long"`, "no record"},
		{`{"type":"enum","name":"e"}`, "no record"},
		{`{"type":"record","name":"r","fields":[{"name":"n","type":["null","long"]}]}`, "not supported"},
		{`{"type":"record","name":"r","fields":[{"name":"n","type":"other"}]}`, "not supported"},
		{``, "no record"},
	} {
		_, _, err := parseSchema([]byte(c.text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(testFile()[:200])
	f.Add([]byte("Obj\x01"))
	w := NewWriter(testSchema, [16]byte{})
	w.Record("a.b.data", []byte("x"))
	f.Add(w.Take())
	f.Fuzz(func(t *testing.T, data []byte) {
		one, errOne := tell(bytes.NewReader(data))
		two, errTwo := tell(iotest.HalfReader(bytes.NewReader(data)))
		if one != two || (errOne == nil) != (errTwo == nil) {
			t.Errorf("at once %q, %v; in pieces %q, %v", one, errOne, two, errTwo)
		}
	})
}
