package wire

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/pipeline"
)

// encode writes the fields of part, a struct or a pointer to one, into the
// headers and the query string of a request. A nil pointer has no fields.
func encode(part any, header http.Header, query []byte) ([]byte, error) {
	v := reflect.ValueOf(part)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return query, nil
		}
		v = v.Elem()
	}
	for _, f := range planOf(v.Type()).request {
		fv := v.FieldByIndex(f.index)
		if isEmpty(fv) {
			continue
		}
		if fv.Kind() == reflect.Pointer {
			fv = fv.Elem()
		}
		if f.kind == kindPrefix {
			if err := encodeMetadata(f.name, fv, header); err != nil {
				return nil, err
			}
			continue
		}
		if f.kind == kindForm {
			if err := CheckTags(fv.Convert(stringMapType).Interface().(map[string]string)); err != nil {
				return nil, err
			}
		}
		text := f.format(fv)
		if f.query {
			query = appendQuery(query, f.name, text)
			continue
		}
		if err := checkHeaderValue(f.name, text); err != nil {
			return nil, err
		}
		header[f.key] = []string{text}
	}
	return query, nil
}

// isEmpty reports whether a field is not sent: it is zero, or a map or slice
// without elements, for which a header would be empty.
func isEmpty(v reflect.Value) bool {
	if v.Kind() == reflect.Map || v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}

func (f *field) format(v reflect.Value) string {
	switch f.kind {
	case kindBool:
		return strconv.FormatBool(v.Bool())
	case kindMessage:
		return checksum.MessageForm
	case kindInt:
		return strconv.FormatInt(v.Int(), 10)
	case kindTime:
		if v.CanAddr() {
			return pipeline.HTTPDate(*v.Addr().Interface().(*time.Time))
		}
		return pipeline.HTTPDate(v.Interface().(time.Time))
	case kindSeconds:
		n, rest := v.Int()/int64(time.Second), v.Int()%int64(time.Second)
		if rest > 0 {
			n++
		}
		return strconv.FormatInt(n, 10)
	case kindBytes:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case kindForm:
		return string(appendForm(nil, v))
	case kindCSV:
		var words []string
		for i, word := range f.words {
			if v.Field(i).Bool() {
				words = append(words, word)
			}
		}
		return strings.Join(words, ",")
	case kindRange:
		off, n := v.Field(0).Int(), v.Field(1).Int()
		if n == 0 {
			return fmt.Sprintf("bytes=%d-", off)
		}
		return fmt.Sprintf("bytes=%d-%d", off, off+n-1)
	default:
		return v.String()
	}
}

// appendForm writes a map as a query string in the order of its keys.
func appendForm(b []byte, m reflect.Value) []byte {
	keys := make([]string, 0, m.Len())
	for it := m.MapRange(); it.Next(); {
		keys = append(keys, it.Key().String())
	}
	slices.Sort(keys)
	for _, k := range keys {
		b = appendQuery(b, k, m.MapIndex(reflect.ValueOf(k).Convert(m.Type().Key())).String())
	}
	return b
}

// maxMetadata bounds the bytes of all names and values of metadata.
const maxMetadata = 8 << 10

// encodeMetadata writes a header for each key. The keys go out as they are
// written, for the service keeps their case, so they bypass the canonical form
// that http.Header.Set would give them.
func encodeMetadata(prefix string, m reflect.Value, header http.Header) error {
	seen := make(map[string]bool, m.Len())
	size := 0
	for it := m.MapRange(); it.Next(); {
		key, value := it.Key().String(), it.Value().String()
		if key == "" {
			return refusal("EmptyMetadataKey", "a metadata name is empty")
		}
		if !IsMetadataName(key) {
			return refusal("InvalidMetadata", "metadata name %q is not made of ASCII letters, digits and _, or starts with a digit", key)
		}
		lower := strings.ToLower(key)
		if seen[lower] {
			return refusal("InvalidMetadata", "metadata name %q is there twice, in different case", lower)
		}
		seen[lower] = true
		if err := checkHeaderValue("metadata "+key, value); err != nil {
			return refusal("InvalidMetadata", "%w", err)
		}
		if strings.TrimSpace(value) != value {
			return refusal("InvalidMetadata", "the value of metadata %s starts or ends with white space, which would be lost; encode it, in base64 for example", key)
		}
		header[prefix+key] = []string{value}
		size += len(key) + len(value)
	}
	if size > maxMetadata {
		return refusal("MetadataTooLarge", "the metadata has %d bytes, names and values together, and %d is the most", size, maxMetadata)
	}
	return nil
}

// IsMetadataName reports whether s can name metadata: ASCII letters, digits and
// _, not starting with a digit.
func IsMetadataName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// checkHeaderValue refuses what a header cannot carry. The value itself stays
// out of the error, since it may be a secret.
func checkHeaderValue(name, value string) error {
	for i := range len(value) {
		switch c := value[i]; {
		case c >= 0x7f:
			return fmt.Errorf("the value of %s has a character outside ASCII at byte %d; headers carry ASCII only, so encode it, in base64 or percent-encoding for example", name, i)
		case c < ' ':
			return fmt.Errorf("the value of %s has a control character at byte %d", name, i)
		}
	}
	return nil
}

// CheckHeader tells what is wrong with headers of the caller's own.
func CheckHeader(h http.Header) error {
	for name, values := range h {
		if !pipeline.IsHeaderName(name) {
			return fmt.Errorf("%q is no name of a header", name)
		}
		for _, value := range values {
			if err := checkHeaderValue(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendQuery adds name=value to a query string. Everything but the unreserved
// characters is escaped: a raw = in a value would break Shared Key, and a plus
// would be read as a space.
func appendQuery(b []byte, name, value string) []byte {
	if len(b) > 0 {
		b = append(b, '&')
	}
	b = appendEscaped(b, name)
	b = append(b, '=')
	return appendEscaped(b, value)
}

func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// Check tells what is wrong with the fields of a part, without sending it: a
// header value or a metadata name that no header can carry.
func Check(part any) error {
	_, err := encode(part, http.Header{}, nil)
	return err
}
