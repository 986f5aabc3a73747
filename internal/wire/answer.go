package wire

import (
	"net/http"
	"reflect"
	"slices"
)

// EncodeHeader writes the fields of result, a struct or a pointer to one, as
// the headers of an answer: what [DecodeHeader] reads. Zero fields are left
// out, and nil pointers; of several names for a field the first is written. The
// services of tests answer with it. It panics if a map has a key that no header
// can have, or a value has characters that no header can carry.
func EncodeHeader(result any, h http.Header) {
	v := reflect.ValueOf(result)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	p := planOf(v.Type())
	parent, path := v, []int(nil) // the struct that a field is in, which is mostly that of the last one
	var spare []string            // values share pieces of memory
	for i := range p.response {
		f := &p.response[i]
		last := len(f.index) - 1
		if up := f.index[:last]; !slices.Equal(up, path) {
			parent, path = v.FieldByIndex(up), up
		}
		fv := parent.Field(f.index[last])
		if fv.IsZero() {
			continue
		}
		if fv.Kind() == reflect.Pointer {
			fv = fv.Elem()
		}
		if f.kind == kindPrefix {
			for it := fv.MapRange(); it.Next(); {
				key := http.CanonicalHeaderKey(f.name + it.Key().String())
				h[key] = []string{checked(key, it.Value().String())}
			}
			continue
		}
		if len(spare) == 0 {
			spare = make([]string, 8)
		}
		spare[0] = checked(f.key, f.format(fv))
		h[f.key], spare = spare[:1:1], spare[1:]
	}
}

// checked is the value of a header, which can be one.
func checked(key, value string) string {
	if err := checkHeaderValue(key, value); err != nil {
		panic("wire: " + err.Error())
	}
	return value
}
