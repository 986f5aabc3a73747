package blobtest

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/wire"
)

// params are the headers and query parameters of a request. The methods return
// the zero value for what is missing or malformed, and remember the first
// mistake as the error that the service answers; an operation reads all it
// needs and then asks once, with invalid.
type params struct {
	header http.Header
	values url.Values
	err    error
}

// invalid is the first mistake, or nil.
func (p *params) invalid() error { return p.err }

func (p *params) wrong(err error) {
	if p.err == nil {
		p.err = err
	}
}

// text is a header, or "".
func (p *params) text(name string) string { return text(p.header, name) }

// text is a header of h, or "". It is Get with a name that this package gives.
func text(h http.Header, name string) string {
	if values := h[canonical(name)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// canonicals are names of headers as net/http keeps them, by the names that the
// code of this package gives, of which there are few; making one anew costs more
// than looking it up. The map is replaced when it is to have another one.
var canonicals atomic.Pointer[map[string]string]

func canonical(name string) string {
	if known := canonicals.Load(); known != nil {
		if key, ok := (*known)[name]; ok {
			return key
		}
	}
	return learnCanonical(name)
}

func learnCanonical(name string) string {
	key := http.CanonicalHeaderKey(name)
	for {
		known, more := canonicals.Load(), map[string]string{name: key}
		if known != nil {
			maps.Copy(more, *known)
		}
		if canonicals.CompareAndSwap(known, &more) {
			return key
		}
	}
}

// need is a header that has to be there.
func (p *params) need(name string) string {
	v := p.text(name)
	if v == "" {
		p.wrong(missingHeader(name))
	}
	return v
}

// enum is a header that has one of a few values, compared without case and
// returned as they are spelled here.
func (p *params) enum(name string, allowed ...string) string {
	v := p.text(name)
	if v == "" {
		return ""
	}
	i := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, v) })
	if i < 0 {
		p.wrong(invalidHeader(name, v))
		return ""
	}
	return allowed[i]
}

// number is a header that is a number of at least least. Without the header it is missing.
func (p *params) number(name string, least, missing int64) int64 {
	v := p.text(name)
	if v == "" {
		return missing
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < least {
		p.wrong(invalidHeader(name, v))
		return missing
	}
	return n
}

// flag is a header that is true or false.
func (p *params) flag(name string) bool {
	return p.enum(name, "true", "false") == "true"
}

// time is a header that is a date. A date that is not is no mistake for the
// standard conditions of HTTP, but it is for this service.
func (p *params) time(name string) time.Time {
	v := p.text(name)
	if v == "" {
		return time.Time{}
	}
	t, err := http.ParseTime(v)
	if err != nil {
		p.wrong(invalidHeader(name, v))
	}
	return t
}

// base64 is a header that is size bytes in base64, or any number if size is 0.
func (p *params) base64(name string, size int) []byte {
	v := p.text(name)
	if v == "" {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(v)
	if err != nil || size > 0 && len(b) != size {
		if strings.Contains(strings.ToLower(name), "md5") {
			p.wrong(fail(azureblob.InvalidMD5).with("HeaderName", name))
		} else {
			p.wrong(invalidHeader(name, v))
		}
		return nil
	}
	return b
}

// queryNumber is a query parameter that is a number from least to most.
// Without the parameter it is missing.
func (p *params) queryNumber(name string, least, most, missing int64) int64 {
	v := p.values.Get(name)
	if v == "" {
		return missing
	}
	n, err := strconv.ParseInt(v, 10, 64)
	switch {
	case err != nil:
		p.wrong(invalidQuery(name, v))
	case n < least || n > most:
		p.wrong(fail(azureblob.OutOfRangeQueryParameterValue).with("QueryParameterName", name).with("QueryParameterValue", v))
	default:
		return n
	}
	return missing
}

// words is a query parameter that lists words out of a few.
func (p *params) words(name string, allowed ...string) map[string]bool {
	set := map[string]bool{}
	for _, v := range p.values[name] {
		for word := range strings.SplitSeq(v, ",") {
			word = strings.ToLower(strings.TrimSpace(word))
			if word == "" {
				continue
			}
			if !slices.Contains(allowed, word) {
				p.wrong(invalidQuery(name, v))
			}
			set[word] = true
		}
	}
	return set
}

const (
	metadataPrefix = "X-Ms-Meta-"
	maxMetadata    = 8 << 10
)

// metadata are the metadata headers, with names in lower case: net/http has
// rewritten their case before anybody sees them.
func (p *params) metadata() azureblob.Metadata {
	var m azureblob.Metadata
	size := 0
	for name, values := range p.header {
		key, ok := strings.CutPrefix(name, metadataPrefix)
		if !ok {
			continue
		}
		switch {
		case key == "":
			p.wrong(fail(azureblob.EmptyMetadataKey))
			continue
		case len(values) != 1 || !wire.IsMetadataName(key):
			p.wrong(fail(azureblob.InvalidMetadata))
			continue
		}
		if m == nil {
			m = azureblob.Metadata{}
		}
		m[strings.ToLower(key)] = values[0]
		size += len(key) + len(values[0])
	}
	if size > maxMetadata {
		p.wrong(fail(azureblob.MetadataTooLarge))
	}
	return m
}

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func base10(n int64) string { return strconv.FormatInt(n, 10) }
