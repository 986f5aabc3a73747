package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// canonicalizer writes the text that Shared Key signs. It is a set of buffers
// that serve one request after the other.
type canonicalizer struct {
	text    []byte
	fields  [fieldCount][]string // values of the headers with a line of their own
	headers []header             // the x-ms- headers
	decoded []byte               // names and values of the query, decoded
	params  []param
}

// header is a header as the request holds it.
type header struct {
	name   string
	values []string
}

// param is a query parameter: decoded[start:mid] is its name in lower case,
// decoded[mid:end] its value.
type param struct{ start, mid, end int }

// The headers with a line of their own, in the order of these lines. The line
// of the length, which is no header of a net/http request, stands between
// fieldLanguage and fieldMD5.
const (
	fieldEncoding = iota
	fieldLanguage
	fieldMD5
	fieldType
	fieldDate
	fieldIfModifiedSince
	fieldIfMatch
	fieldIfNoneMatch
	fieldIfUnmodifiedSince
	fieldRange
	fieldCount
)

var canonicalizers = sync.Pool{New: func() any { return new(canonicalizer) }}

// maxKept is the capacity in bytes above which buffers are not kept.
const maxKept = 64 << 10

// release gives c back. It lets go of the request's strings.
func (c *canonicalizer) release() {
	if cap(c.text) > maxKept || cap(c.decoded) > maxKept {
		return
	}
	clear(c.fields[:])
	clear(c.headers)
	c.headers = c.headers[:0]
	canonicalizers.Put(c)
}

// write fills c.text for a request whose headers were checked.
func (c *canonicalizer) write(req *http.Request, account string) error {
	if req.ContentLength < 0 {
		return errors.New("azureblob: cannot sign a request whose body has no known length")
	}
	if req.URL.Opaque != "" {
		return errors.New("azureblob: cannot sign a request with an opaque URL")
	}
	if err := c.gather(req.Header); err != nil {
		return err
	}
	c.text = c.text[:0]
	if req.Method == "" {
		c.text = append(c.text, http.MethodGet...)
	} else {
		c.text = append(c.text, req.Method...)
	}
	c.text = append(c.text, '\n')
	for i, values := range c.fields {
		if i == fieldMD5 {
			if req.ContentLength > 0 {
				c.text = strconv.AppendInt(c.text, req.ContentLength, 10)
			}
			c.text = append(c.text, '\n')
		}
		c.text = append(appendValues(c.text, values), '\n')
	}
	for _, h := range c.headers {
		c.text = append(appendLower(c.text, h.name), ':')
		c.text = append(appendValues(c.text, h.values), '\n')
	}
	c.text = append(c.text, '/')
	c.text = append(c.text, account...)
	if path := req.URL.EscapedPath(); path != "" {
		c.text = append(c.text, path...)
	} else {
		c.text = append(c.text, '/')
	}
	return c.writeQuery(req.URL.RawQuery)
}

// gather sorts the headers of h into fields and headers. A key without values
// is not sent, and so not signed.
func (c *canonicalizer) gather(h http.Header) error {
	c.headers = c.headers[:0]
	clear(c.fields[:])
	dated := false
	for name, values := range h {
		if len(values) == 0 {
			continue
		}
		if isServiceHeader(name) {
			c.headers = append(c.headers, header{name, values})
			dated = dated || strings.EqualFold(name, headerDate)
			continue
		}
		i := fieldOf(name)
		if i < 0 {
			continue
		}
		if c.fields[i] != nil {
			return fmt.Errorf("azureblob: header %s is set twice, in different case", textproto.CanonicalMIMEHeaderKey(name))
		}
		c.fields[i] = values
	}
	if dated {
		c.fields[fieldDate] = nil
	}
	slices.SortFunc(c.headers, func(a, b header) int { return compareNames(a.name, b.name) })
	for i := 1; i < len(c.headers); i++ {
		if strings.EqualFold(c.headers[i].name, c.headers[i-1].name) {
			return fmt.Errorf("azureblob: header %s is set twice, in different case", strings.ToLower(c.headers[i].name))
		}
	}
	return nil
}

// isServiceHeader reports whether a name begins with x-ms-, in any case.
func isServiceHeader(name string) bool {
	return len(name) >= 5 && name[0]|0x20 == 'x' && name[1] == '-' &&
		name[2]|0x20 == 'm' && name[3]|0x20 == 's' && name[4] == '-'
}

// fieldOf returns the field of a header name, or -1.
func fieldOf(name string) int {
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Content-Encoding":
		return fieldEncoding
	case "Content-Language":
		return fieldLanguage
	case "Content-Md5":
		return fieldMD5
	case "Content-Type":
		return fieldType
	case "Date":
		return fieldDate
	case "If-Modified-Since":
		return fieldIfModifiedSince
	case "If-Match":
		return fieldIfMatch
	case "If-None-Match":
		return fieldIfNoneMatch
	case "If-Unmodified-Since":
		return fieldIfUnmodifiedSince
	case "Range":
		return fieldRange
	}
	return -1
}

// appendValues appends the values of a header, joined by commas, without the
// space around them, which net/http does not send either. Folded values were
// refused before, so there is nothing to unfold.
func appendValues(dst []byte, values []string) []byte {
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, textproto.TrimString(v)...)
	}
	return dst
}

// appendLower appends s with its ASCII letters in lower case.
func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, lower(s[i]))
	}
	return dst
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// nameWeight orders the characters of header names. The service sorts them as
// words, not as bytes: the underscore comes before digits, digits before
// letters, and the hyphen, of weight 0, does not count at first. (The emulator
// counts it, after the underscore; no two headers of one operation depend on
// it.) The other signs are legal in header names, but no service header has them.
var nameWeight = func() (w [256]byte) {
	for i, c := range []byte("!#$%&'*.^_`|~+0123456789abcdefghijklmnopqrstuvwxyz") {
		w[c] = byte(i + 1)
		if 'a' <= c && c <= 'z' {
			w[c-'a'+'A'] = byte(i + 1)
		}
	}
	return w
}()

// compareNames compares two header names without regard to case. Of two names
// that differ in hyphens only, the one with the earlier hyphen comes last.
func compareNames(a, b string) int {
	i, j := 0, 0
	for {
		for i < len(a) && nameWeight[a[i]] == 0 {
			i++
		}
		for j < len(b) && nameWeight[b[j]] == 0 {
			j++
		}
		if i == len(a) || j == len(b) {
			break
		}
		if d := int(nameWeight[a[i]]) - int(nameWeight[b[j]]); d != 0 {
			return d
		}
		i++
		j++
	}
	if i < len(a) {
		return 1
	}
	if j < len(b) {
		return -1
	}
	for k := range min(len(a), len(b)) {
		if ha, hb := a[k] == '-', b[k] == '-'; ha != hb {
			if hb {
				return -1
			}
			return 1
		}
	}
	return len(a) - len(b)
}

// writeQuery appends the lines of the query parameters.
func (c *canonicalizer) writeQuery(query string) error {
	if err := c.parseQuery(query); err != nil {
		return err
	}
	buf := c.decoded
	slices.SortFunc(c.params, func(a, b param) int {
		if d := bytes.Compare(buf[a.start:a.mid], buf[b.start:b.mid]); d != 0 {
			return d
		}
		return bytes.Compare(buf[a.mid:a.end], buf[b.mid:b.end])
	})
	for i, p := range c.params {
		name := buf[p.start:p.mid]
		if i > 0 && bytes.Equal(name, buf[c.params[i-1].start:c.params[i-1].mid]) {
			c.text = append(c.text, ',')
		} else {
			c.text = append(c.text, '\n')
			c.text = append(c.text, name...)
			c.text = append(c.text, ':')
		}
		c.text = append(c.text, buf[p.mid:p.end]...)
	}
	return nil
}

// parseQuery fills params and decoded.
func (c *canonicalizer) parseQuery(query string) error {
	c.decoded, c.params = c.decoded[:0], c.params[:0]
	for query != "" {
		var part string
		part, query, _ = strings.Cut(query, "&")
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		p := param{start: len(c.decoded)}
		var ok bool
		if c.decoded, ok = appendUnescaped(c.decoded, name); !ok {
			return errors.New("azureblob: query with a malformed percent escape")
		}
		p.mid = len(c.decoded)
		for i := p.start; i < p.mid; i++ {
			c.decoded[i] = lower(c.decoded[i])
		}
		if c.decoded, ok = appendUnescaped(c.decoded, value); !ok {
			return errors.New("azureblob: query with a malformed percent escape")
		}
		p.end = len(c.decoded)
		c.params = append(c.params, p)
	}
	return nil
}

// appendUnescaped appends the decoded form of a piece of a query, where a plus
// sign is a space.
func appendUnescaped(dst []byte, s string) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			dst = append(dst, ' ')
		case '%':
			if i+2 >= len(s) {
				return dst, false
			}
			hi, ok1 := unhex(s[i+1])
			lo, ok2 := unhex(s[i+2])
			if !ok1 || !ok2 {
				return dst, false
			}
			dst = append(dst, hi<<4|lo)
			i += 2
		default:
			dst = append(dst, s[i])
		}
	}
	return dst, true
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
