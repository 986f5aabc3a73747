package xmlplan

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// context tells which characters have a meaning.
type context uint8

const (
	inText context = iota
	inAttribute
	inCDATA
)

var (
	errUTF8      = errors.New("invalid UTF-8")
	errBracket   = errors.New("]]> in text")
	errLess      = errors.New("< in an attribute value")
	errEntity    = errors.New("unknown or incomplete entity")
	errCodePoint = errors.New("a numeric entity is no character")
)

// Classes of bytes. A byte may be in several.
const (
	plainByte byte = 1 << iota // stands for itself in text, attributes and CDATA
	spaceByte
	nameByte  // may stand in a name; bytes of longer characters are checked later
	firstByte // may begin a name
)

var class = func() (table [256]byte) {
	for c := range table {
		switch {
		case c == '\t' || c == '\n' || c == ' ':
			table[c] = plainByte | spaceByte
		case c == '\r':
			table[c] = spaceByte
		case c == '&' || c == '<' || c == ']':
		case c >= 0x20 && c < utf8.RuneSelf:
			table[c] = plainByte
		}
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == ':', c >= utf8.RuneSelf:
			table[c] |= nameByte | firstByte
		case '0' <= c && c <= '9', c == '-', c == '.':
			table[c] |= nameByte
		}
	}
	return table
}()

// plainPrefix counts the bytes at the start of b that need no work.
func plainPrefix(b []byte) int {
	for i, c := range b {
		if class[c]&plainByte == 0 {
			return i
		}
	}
	return len(b)
}

// appendChars appends character data with entities resolved and line ends
// normalised, and refuses what XML does not allow.
func appendChars(dst, src []byte, where context) ([]byte, error) {
	for len(src) > 0 {
		n := plainPrefix(src)
		dst = append(dst, src[:n]...)
		src = src[n:]
		if len(src) == 0 {
			break
		}
		n = 1
		switch c := src[0]; {
		case c == '\r':
			dst = append(dst, '\n')
			if len(src) > 1 && src[1] == '\n' {
				n = 2
			}
		case c == '&' && where != inCDATA:
			r, size, err := entity(src)
			if err != nil {
				return dst, err
			}
			dst = utf8.AppendRune(dst, r)
			n = size
		case c == '<' && where == inAttribute:
			return dst, errLess
		case c == ']' && where == inText && bytes.HasPrefix(src, []byte("]]>")):
			return dst, errBracket
		default:
			r, size := utf8.DecodeRune(src)
			if r == utf8.RuneError && size == 1 {
				return dst, errUTF8
			}
			if !validChar(r) {
				return dst, forbidden(r)
			}
			dst = append(dst, src[:size]...)
			n = size
		}
		src = src[n:]
	}
	return dst, nil
}

// entity resolves the entity that b begins with, and tells its length.
func entity(b []byte) (rune, int, error) {
	end := bytes.IndexByte(b, ';')
	if end < 0 {
		return 0, 0, errEntity
	}
	name, size := b[1:end], end+1
	switch string(name) {
	case "amp":
		return '&', size, nil
	case "lt":
		return '<', size, nil
	case "gt":
		return '>', size, nil
	case "quot":
		return '"', size, nil
	case "apos":
		return '\'', size, nil
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, 0, errEntity
	}
	base, number := rune(10), name[1:]
	if number[0] == 'x' {
		base, number = 16, number[1:]
	}
	if len(number) == 0 {
		return 0, 0, errEntity
	}
	r := rune(0)
	for _, c := range number {
		digit := rune(unhex(c))
		if digit >= base {
			return 0, 0, errEntity
		}
		if r = r*base + digit; r > utf8.MaxRune {
			return 0, 0, errCodePoint
		}
	}
	if !validChar(r) {
		return 0, 0, errCodePoint
	}
	return r, size, nil
}

func forbidden(r rune) error {
	return fmt.Errorf("XML does not allow the character %U", r)
}

// validChar is the production Char of XML 1.0.
func validChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF ||
		r >= 0xE000 && r <= 0xFFFD ||
		r >= 0x10000 && r <= utf8.MaxRune
}

// validName is the production Name of XML 1.0, with at most one colon.
func validName(b []byte) bool {
	colons := 0
	for i, r := range string(b) {
		if r == utf8.RuneError && !bytes.HasPrefix(b[i:], []byte("\uFFFD")) {
			return false
		}
		if r == ':' {
			colons++
		}
		if !nameStart(r) && (i == 0 || !namePart(r)) {
			return false
		}
	}
	return len(b) > 0 && colons <= 1
}

func nameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return class[byte(r)]&firstByte != 0
	}
	return r >= 0xC0 && r <= 0x2FF && r != 0xD7 && r != 0xF7 ||
		r >= 0x370 && r <= 0x1FFF && r != 0x37E ||
		r == 0x200C || r == 0x200D ||
		r >= 0x2070 && r <= 0x218F ||
		r >= 0x2C00 && r <= 0x2FEF ||
		r >= 0x3001 && r <= 0xD7FF ||
		r >= 0xF900 && r <= 0xFDCF ||
		r >= 0xFDF0 && r <= 0xFFFD ||
		r >= 0x10000 && r <= 0xEFFFF
}

// namePart tells the characters that may stand in a name but not begin it.
func namePart(r rune) bool {
	if r < utf8.RuneSelf {
		return class[byte(r)]&nameByte != 0
	}
	return r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}

func space(c byte) bool { return class[c]&spaceByte != 0 }

// trim cuts off white space as XML means it.
func trim(b []byte) []byte {
	for len(b) > 0 && space(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && space(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}
