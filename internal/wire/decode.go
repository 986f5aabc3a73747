package wire

import (
	"encoding/base64"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// DecodeHeader fills the tagged fields of result, a pointer to a struct, from
// the headers of an answer. A value that cannot be read leaves its field zero:
// the operation did succeed, and the raw header is still there to be looked at.
func DecodeHeader(h http.Header, result any) {
	v := reflect.ValueOf(result).Elem()
	p := planOf(v.Type())
	for i := range p.response {
		f := &p.response[i]
		if f.kind == kindPrefix {
			p.decodeMetadata(h, f, v.FieldByIndex(f.index))
			continue
		}
		text := first(h, f)
		if text == "" {
			continue
		}
		fv := v.FieldByIndex(f.index)
		if fv.Kind() == reflect.Pointer {
			fv.Set(reflect.New(fv.Type().Elem()))
			fv = fv.Elem()
		}
		f.parse(text, fv)
	}
}

func first(h http.Header, f *field) string {
	if vs := h[f.key]; len(vs) > 0 {
		return vs[0]
	}
	for _, key := range f.others {
		if vs := h[key]; len(vs) > 0 {
			return vs[0]
		}
	}
	return ""
}

func (f *field) parse(text string, v reflect.Value) {
	switch f.kind {
	case kindString:
		v.SetString(text)
	case kindBool:
		if b, err := strconv.ParseBool(text); err == nil {
			v.SetBool(b)
		}
	case kindInt:
		if n, err := strconv.ParseInt(text, 10, v.Type().Bits()); err == nil {
			v.SetInt(n)
		}
	case kindSeconds:
		if n, err := strconv.ParseInt(text, 10, 32); err == nil {
			v.SetInt(n * int64(time.Second))
		}
	case kindTime:
		if t, err := ParseTime(text); err == nil {
			v.Set(reflect.ValueOf(t))
		}
	case kindBytes:
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			v.SetBytes(b)
		}
	}
}

// decodeMetadata collects the headers under a prefix. Keys come out in lower
// case: net/http has rewritten their case already, and one rule for all answers
// beats a case that depends on the call.
func (p *plan) decodeMetadata(h http.Header, f *field, v reflect.Value) {
	for key, values := range h {
		if len(values) == 0 || len(key) <= len(f.key) || !strings.EqualFold(key[:len(f.key)], f.key) || p.exact[key] {
			continue
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		name := strings.ToLower(key[len(f.key):])
		v.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(strings.Join(values, ",")))
	}
}

// ParseTime reads the date of a header. The service writes RFC 1123 dates in
// headers, with the one exception of times that it stores as given.
func ParseTime(text string) (time.Time, error) {
	t, err := time.Parse(http.TimeFormat, text)
	if err != nil {
		t, err = time.Parse(time.RFC3339, text)
	}
	return t.UTC(), err
}

// Plan names the headers and query parameters of a struct type: what it can
// send, and what it can take from an answer. The test that compares the table
// with the published protocol reads it. It panics like any use of the type.
func Plan(t reflect.Type) (request, query, response []string) {
	p := planOf(t)
	for _, f := range p.request {
		if f.query {
			query = append(query, f.name)
		} else {
			request = append(request, f.name)
		}
	}
	for _, f := range p.response {
		response = append(response, f.name)
		response = append(response, f.others...)
	}
	return request, query, response
}
