package rest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/goblob/azureblob/internal/wire"
)

// Operations of the REST reference that the published protocol file leaves
// out, since no client needs them. They are not in [Operations].
var (
	GetContainerMetadata = &wire.Operation{ID: "Container_GetMetadata", Name: "Get Container Metadata", Method: "GET", On: wire.Container, Query: "restype=container&comp=metadata",
		OK: []int{200}}

	GetBlobMetadata = &wire.Operation{ID: "Blob_GetMetadata", Name: "Get Blob Metadata", Method: "GET", On: wire.Blob, Query: "comp=metadata",
		OK: []int{200}, Scope: wire.Snapshot | wire.Version}

	// Preflight is asked by browsers of any resource.
	Preflight = &wire.Operation{ID: "Preflight", Name: "Preflight Blob Request", Method: "OPTIONS", OK: []int{200}}
)

// present names the header or query parameter that tells an operation from
// another one with the same method and fixed query.
var present = map[*wire.Operation]string{
	ListBlobsByHierarchy:      "delimiter",
	ListBlobsByHierarchyArrow: "delimiter",
	PutBlockFromURL:           "x-ms-copy-source",
	AppendBlockFromURL:        "x-ms-copy-source",
	PutPageFromURL:            "x-ms-copy-source",
	PutBlobFromURL:            "x-ms-copy-source",
	CopyBlob:                  "x-ms-copy-source",
	CopyBlobFromURL:           "x-ms-copy-source",
	ResizePageBlob:            "x-ms-blob-content-length",
	SetSequenceNumber:         "x-ms-sequence-number-action",
	GetPageRangesDiff:         "prevsnapshot",
}

// alsoHead are the operations that HEAD asks for as well as GET.
var alsoHead = map[*wire.Operation]bool{
	GetAccountInfo: true, GetContainerAccountInfo: true, GetBlobAccountInfo: true, GetContainerProperties: true,
	GetContainerMetadata: true, GetBlobMetadata: true,
}

// row is an operation as requests are compared with it.
type row struct {
	op            *wire.Operation
	comp, restype string
	headers       [][2]string // canonical name and value of headers that tell it from others
	present       string      // name of a parameter or a header
	presentHeader string      // the same, in canonical form
	arrow         bool
}

// rows are the operations on a level that requests of a method may be.
var rows = func() (byLevel [3]map[string][]row) {
	for level := range byLevel {
		byLevel[level] = map[string][]row{}
	}
	for _, op := range append(Operations(), GetContainerMetadata, GetBlobMetadata) {
		query, _ := url.ParseQuery(op.Query)
		r := row{op: op, comp: query.Get("comp"), restype: query.Get("restype"), present: present[op], presentHeader: http.CanonicalHeaderKey(present[op])}
		for i := 0; i+1 < len(op.Header); i += 2 {
			switch name, value := op.Header[i], op.Header[i+1]; {
			case strings.HasPrefix(name, "x-ms-"):
				r.headers = append(r.headers, [2]string{http.CanonicalHeaderKey(name), value})
			case name == "Accept" && strings.Contains(value, "arrow"):
				r.arrow = true
			}
		}
		byMethod := byLevel[op.On]
		byMethod[op.Method] = append(byMethod[op.Method], r)
		if alsoHead[op] {
			byMethod[http.MethodHead] = append(byMethod[http.MethodHead], r)
		}
	}
	return byLevel
}()

// Match returns the operation of a request on a resource of that level, or nil
// if there is none. A request that fits several is the one that asks for most:
// with a source to copy from, Put Block is Put Block From URL. The names in the
// header have to be in canonical form.
func Match(method string, level wire.Resource, query url.Values, header http.Header) *wire.Operation {
	if method == http.MethodOptions {
		return Preflight
	}
	comp, restype := query.Get("comp"), query.Get("restype")
	var best *wire.Operation
	most := -1
	candidates := rows[level][method]
	for i := range candidates {
		r := &candidates[i]
		if !strings.EqualFold(r.comp, comp) || !strings.EqualFold(r.restype, restype) {
			continue
		}
		if weight, fits := r.weigh(query, header); fits && weight > most {
			best, most = r.op, weight
		}
	}
	return best
}

// weigh tells whether the request fits beyond its method and fixed query, and
// how much of it that takes.
func (r *row) weigh(query url.Values, header http.Header) (weight int, fits bool) {
	for _, h := range r.headers {
		if values := header[h[0]]; len(values) == 0 || !strings.EqualFold(values[0], h[1]) {
			return 0, false
		}
		weight++
	}
	if r.present != "" {
		if !query.Has(r.present) && !has(header, r.presentHeader) &&
			(r.op != GetPageRangesDiff || header.Get("x-ms-previous-snapshot-url") == "") {
			return 0, false
		}
		weight++
	}
	if r.arrow {
		if !strings.Contains(header.Get("Accept"), "apache.arrow") {
			return 0, false
		}
		weight++
	}
	return weight, true
}

func has(h http.Header, key string) bool {
	values := h[key]
	return len(values) > 0 && values[0] != ""
}

// Mismatch is why [Match] found no operation.
type Mismatch struct {
	Comp   bool   // no operation on that level has these comp and restype
	Method bool   // there are some, with another method
	Header string // or one that needs this header, which is missing or has no such value
}

// Explain tells why a request matches no operation. It is only of use for one
// that does not.
func Explain(method string, level wire.Resource, query url.Values) Mismatch {
	comp, restype := query.Get("comp"), query.Get("restype")
	m := Mismatch{Comp: true}
	for candidate, list := range rows[level] {
		for i := range list {
			r := &list[i]
			if !strings.EqualFold(r.comp, comp) || !strings.EqualFold(r.restype, restype) {
				continue
			}
			m.Comp = false
			if candidate == method && len(r.headers) > 0 && r.present == "" {
				return Mismatch{Header: strings.ToLower(r.headers[0][0])}
			}
		}
	}
	m.Method = !m.Comp
	return m
}
