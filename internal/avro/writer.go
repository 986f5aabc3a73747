package avro

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Writer makes a file in memory, piece by piece.
type Writer struct {
	sync   [16]byte
	schema []Schema
	out    []byte
}

// NewWriter begins a file of a union of records. Sync is the mark between
// blocks, random as a rule. It panics if a field has no primitive type.
func NewWriter(schema []Schema, sync [16]byte) *Writer {
	w := &Writer{sync: sync}
	var union []map[string]any
	for _, s := range schema {
		fields := []map[string]string{}
		own := Schema{Name: s.Name}
		for _, f := range s.Fields {
			k, ok := kinds[f.Type]
			if !ok {
				panic("avro: no primitive type is " + f.Type)
			}
			own.Fields = append(own.Fields, Field{f.Name, f.Type, k})
			fields = append(fields, map[string]string{"name": f.Name, "type": f.Type})
		}
		w.schema = append(w.schema, own)
		dot := strings.LastIndexByte(s.Name, '.')
		union = append(union, map[string]any{"type": "record", "name": s.Name[dot+1:], "namespace": s.Name[:max(dot, 0)], "fields": fields})
	}
	text, err := json.Marshal(union)
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	w.out = append(w.out, magic[:]...)
	w.out = appendLong(w.out, 2)
	for _, pair := range [][2]string{{"avro.schema", string(text)}, {"avro.codec", "null"}} {
		w.out = appendText(appendText(w.out, pair[0]), pair[1])
	}
	w.out = append(appendLong(w.out, 0), w.sync[:]...)
	return w
}

// Record writes a block of one record: its fields in the order of its schema,
// as bool, int64, string or []byte. It panics if they do not fit.
func (w *Writer) Record(name string, values ...any) {
	for branch, s := range w.schema {
		if s.Name != name {
			continue
		}
		if len(values) != len(s.Fields) {
			panic(fmt.Sprintf("avro: %s has %d fields", name, len(s.Fields)))
		}
		data := appendLong(nil, int64(branch))
		for i, v := range values {
			data = appendValue(data, s.Fields[i], v)
		}
		w.out = appendLong(appendLong(w.out, 1), int64(len(data)))
		w.out = append(append(w.out, data...), w.sync[:]...)
		return
	}
	panic("avro: no record is called " + name)
}

// Take returns what was written since the last call.
func (w *Writer) Take() []byte {
	out := w.out
	w.out = nil
	return out
}

func appendValue(b []byte, f Field, v any) []byte {
	switch v := v.(type) {
	case bool:
		if f.kind == kindBoolean {
			if v {
				return append(b, 1)
			}
			return append(b, 0)
		}
	case int64:
		if f.kind == kindLong {
			return appendLong(b, v)
		}
	case string:
		if f.kind == kindString {
			return appendText(b, v)
		}
	case []byte:
		if f.kind == kindBytes {
			return append(appendLong(b, int64(len(v))), v...)
		}
	}
	panic(fmt.Sprintf("avro: %T is no value of field %s", v, f.Name))
}

func appendLong(b []byte, n int64) []byte {
	u := uint64(n)<<1 ^ uint64(n>>63)
	for u >= 0x80 {
		b = append(b, byte(u)|0x80)
		u >>= 7
	}
	return append(b, byte(u))
}

func appendText(b []byte, s string) []byte { return append(appendLong(b, int64(len(s))), s...) }
