package blobtest

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// target is what a request is about, as its URL says.
type target struct {
	op        *wire.Operation // nil if there is none
	level     wire.Resource
	account   string
	secondary bool // it was sent to the secondary endpoint
	pathStyle bool // the account is the first segment of the path
	container string
	blob      string
	query     url.Values
	malformed bool // the URL cannot be read
}

// rootContainer holds the blobs whose URL names no container.
const rootContainer = "$root"

const secondarySuffix = "-secondary"

// locate takes the URL of a request apart. The path is used as it came over
// the wire and never cleaned, since a//b and x/ are names of their own.
func locate(r *http.Request) target {
	var t target
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	host := hostname(r)
	if account, _, ok := strings.Cut(host, ".blob."); ok {
		t.account = account
	} else {
		t.pathStyle = true
		t.account, path, _ = strings.Cut(path, "/")
	}
	t.account, t.secondary = strings.CutSuffix(t.account, secondarySuffix)
	var err error
	if r.URL.RawQuery != "" {
		if t.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			t.malformed = true
		}
	}
	container, blob, deep := strings.Cut(path, "/")
	if t.container, err = url.PathUnescape(container); err != nil {
		t.malformed = true
	}
	if t.blob, err = url.PathUnescape(blob); err != nil {
		t.malformed = true
	}
	switch {
	case deep && blob != "":
		t.level = wire.Blob
	case container != "" && t.query.Get("restype") == "" && r.Method != http.MethodOptions:
		// Operations on containers name their type, so this is a blob.
		t.level, t.container, t.blob = wire.Blob, rootContainer, t.container
	case container != "":
		t.level = wire.Container
	}
	t.blob = strings.ReplaceAll(t.blob, `\`, "/")
	t.op = rest.Match(r.Method, t.level, t.query, r.Header)
	return t
}

// hostname is the host that a request was sent to, without its port.
func hostname(r *http.Request) string {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	if strings.IndexByte(host, ':') < 0 {
		return host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// operation is the name of the operation in the REST reference, or "".
func (t *target) operation() string {
	if t.op == nil {
		return ""
	}
	return t.op.Name
}
