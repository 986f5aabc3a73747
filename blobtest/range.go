package blobtest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goblob/azureblob"
)

// span is a part of a content: n bytes from off on.
type span struct{ off, n int64 }

// parseRange reads a header of the form bytes=a-b or bytes=a-; an open end is -1.
// The service knows no suffixes and no lists.
func parseRange(text string) (first, last int64, ok bool) {
	from, to, ok := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	if !ok || !strings.HasPrefix(text, "bytes=") {
		return 0, 0, false
	}
	first, err := strconv.ParseInt(from, 10, 64)
	if err != nil || first < 0 {
		return 0, 0, false
	}
	if to == "" {
		return first, -1, true
	}
	last, err = strconv.ParseInt(to, 10, 64)
	return first, last, err == nil && last >= first
}

// rangeHeader is the header that names a range, and its text if there is one.
// x-ms-range beats Range.
func (x *exchange) rangeHeader() (name, text string) {
	if text = x.params.text("x-ms-range"); text != "" {
		return "x-ms-range", text
	}
	return "Range", x.params.text("Range")
}

// requestedRange is the part of a content of that size that the request asks
// for, and whether it asks for a part at all. An end past the content is cut
// off.
func (x *exchange) requestedRange(size int64) (s span, partial bool, err error) {
	name, text := x.rangeHeader()
	if text == "" {
		return span{0, size}, false, nil
	}
	first, last, ok := parseRange(text)
	if !ok {
		return span{}, false, invalidHeader(name, text)
	}
	if first >= size {
		return span{}, false, fail(azureblob.InvalidRange).withHeader("Content-Range", fmt.Sprintf("bytes */%d", size))
	}
	if last < 0 || last >= size {
		last = size - 1
	}
	return span{first, last - first + 1}, true, nil
}

// contentRange is the header that tells which part of a content an answer has.
func contentRange(off, n, total int64) string {
	b := append(make([]byte, 0, 48), "bytes "...)
	b = append(strconv.AppendInt(b, off, 10), '-')
	b = append(strconv.AppendInt(b, off+n-1, 10), '/')
	return string(strconv.AppendInt(b, total, 10))
}

// parseContentRange reads what contentRange writes.
func parseContentRange(text string) (first, last, total int64, ok bool) {
	n, err := fmt.Sscanf(text, "bytes %d-%d/%d", &first, &last, &total)
	return first, last, total, err == nil && n == 3
}
