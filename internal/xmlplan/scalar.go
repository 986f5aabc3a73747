package xmlplan

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
)

type scalarKind uint8

const (
	noScalar scalarKind = iota
	stringKind
	boolKind
	intKind
	uintKind
	timeKind
	bytesKind
)

// scalar is how a Go value stands in text.
type scalar struct {
	kind    scalarKind
	pointer bool
	encoded bool
	etag    bool
	iso8601 bool
	seconds bool
}

var (
	errBase64 = errors.New("invalid base64")
	errEscape = errors.New("invalid percent escape")
	errYear   = errors.New("the year has no four digits")
)

// scalarOf reports false for types that are no text and for options that do not fit.
func scalarOf(t tag, typ reflect.Type) (scalar, bool) {
	s := scalar{encoded: t.encoded, etag: t.etag, iso8601: t.iso8601, seconds: t.seconds}
	if typ.Kind() == reflect.Pointer {
		s.pointer = true
		typ = typ.Elem()
	}
	switch typ.Kind() {
	case reflect.String:
		s.kind = stringKind
	case reflect.Bool:
		s.kind = boolKind
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.kind = intKind
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.kind = uintKind
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Uint8 {
			s.kind = bytesKind
		}
	case reflect.Struct:
		if typ == timeType {
			s.kind = timeKind
		}
	}
	fits := s.kind != noScalar &&
		(s.kind == stringKind || !s.encoded && !s.etag) &&
		(s.kind == timeKind || !s.iso8601) &&
		s.seconds == (typ == durationType)
	return s, fits
}

// set puts text into v, allocating where v is a pointer. A pointer is set even
// by empty text: it tells that the element was there.
func (s *scalar) set(v reflect.Value, text []byte, seen *interned) error {
	if s.pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	if s.kind == stringKind {
		if s.etag && unquoted(text) {
			var room [64]byte
			text = append(append(append(room[:0], '"'), text...), '"')
		}
		v.SetString(seen.text(text))
		return nil
	}
	text = trim(text)
	if len(text) == 0 {
		v.SetZero()
		return nil
	}
	switch s.kind {
	case boolKind:
		b, ok := parseBool(text)
		if !ok {
			return fmt.Errorf("%s is no boolean", excerpt(text))
		}
		v.SetBool(b)
	case intKind:
		n, err := strconv.ParseInt(string(text), 10, v.Type().Bits())
		if err != nil || s.seconds && (n > math.MaxInt64/int64(time.Second) || n < math.MinInt64/int64(time.Second)) {
			return fmt.Errorf("%s is no %v", excerpt(text), v.Type().Kind())
		}
		if s.seconds {
			n *= int64(time.Second)
		}
		v.SetInt(n)
	case uintKind:
		n, err := strconv.ParseUint(string(text), 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%s is no %v", excerpt(text), v.Type().Kind())
		}
		v.SetUint(n)
	case timeKind:
		t, ok := parseTime(text)
		if !ok {
			return fmt.Errorf("%s is no time", excerpt(text))
		}
		*v.Addr().Interface().(*time.Time) = t
	case bytesKind:
		// The text stays out of the error, for it may be a key.
		b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		n, err := base64.StdEncoding.Decode(b, text)
		if err != nil {
			return errBase64
		}
		v.SetBytes(b[:n])
	}
	return nil
}

// append writes v as text that is not escaped yet. Pointers are followed.
func (s *scalar) append(dst []byte, v reflect.Value) ([]byte, error) {
	if s.pointer {
		v = v.Elem()
	}
	switch s.kind {
	case stringKind:
		return append(dst, v.String()...), nil
	case boolKind:
		return strconv.AppendBool(dst, v.Bool()), nil
	case intKind:
		n := v.Int()
		if s.seconds {
			rest := n % int64(time.Second)
			if n /= int64(time.Second); rest > 0 {
				n++
			}
		}
		return strconv.AppendInt(dst, n, 10), nil
	case uintKind:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case bytesKind:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes()), nil
	}
	t := v.Interface().(time.Time).UTC()
	switch {
	case t.IsZero():
		return dst, nil
	case t.Year() < 0 || t.Year() > 9999:
		return dst, errYear
	case s.iso8601:
		return t.AppendFormat(dst, iso8601), nil
	}
	return t.AppendFormat(dst, rfc1123), nil
}

// zero tells whether the field is left out of an encoded body.
func (s *scalar) zero(v reflect.Value) bool {
	switch {
	case s.pointer:
		return v.IsNil()
	case s.kind == bytesKind:
		return v.Len() == 0
	case s.kind == timeKind:
		return v.Interface().(time.Time).IsZero()
	}
	return v.IsZero()
}

func parseBool(text []byte) (value, ok bool) {
	switch {
	case string(text) == "1", bytes.EqualFold(text, []byte("true")):
		return true, true
	case string(text) == "0", bytes.EqualFold(text, []byte("false")):
		return false, true
	}
	return false, false
}

// unquoted tells an entity tag as listings have it, without the quotes that headers have.
func unquoted(tag []byte) bool {
	return len(tag) > 0 && tag[0] != '"' && !bytes.HasPrefix(tag, []byte("W/"))
}

// unescape percent-decodes a blob name in place. A plus sign is a plus sign.
func unescape(text []byte) ([]byte, error) {
	n := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			if i+2 >= len(text) {
				return nil, errEscape
			}
			high, low := unhex(text[i+1]), unhex(text[i+2])
			if high > 15 || low > 15 {
				return nil, errEscape
			}
			c = high<<4 | low
			i += 2
		}
		text[n] = c
		n++
	}
	return text[:n], nil
}

const hexDigits = "0123456789ABCDEF"

// appendEscaped percent-encodes whatever is not plain in a path.
func appendEscaped(dst []byte, s string) []byte {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// unhex gives a value above 15 for a byte that is no hexadecimal digit.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return math.MaxUint8
}

// excerpt quotes a bad value for a message. Only values that cannot be secret get here.
func excerpt(text []byte) string {
	const most = 64
	if len(text) > most {
		return strconv.Quote(string(text[:most])) + "..."
	}
	return strconv.Quote(string(text))
}
