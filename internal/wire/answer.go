package wire

import (
	"net/http"
	"reflect"
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
	for i := range p.response {
		f := &p.response[i]
		fv := v.FieldByIndex(f.index)
		if fv.IsZero() {
			continue
		}
		if fv.Kind() == reflect.Pointer {
			fv = fv.Elem()
		}
		if f.kind == kindPrefix {
			for it := fv.MapRange(); it.Next(); {
				setHeader(h, http.CanonicalHeaderKey(f.name+it.Key().String()), it.Value().String())
			}
			continue
		}
		setHeader(h, f.key, f.format(fv))
	}
}

func setHeader(h http.Header, key, value string) {
	if err := checkHeaderValue(key, value); err != nil {
		panic("wire: " + err.Error())
	}
	h[key] = []string{value}
}
