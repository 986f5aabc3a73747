package azureblob_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/pageblob"
)

// option is a field of an options struct that goes over the wire.
type option struct {
	of    reflect.Type // the options
	index []int
	field string // such as Conditions.IfMatch
	wire  string // the header or query parameter
	query bool
}

// optionsOf finds the fields of a struct that have a tag.
func optionsOf(of, t reflect.Type, index []int, path string) (all []option) {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		at, name := append(slices.Clone(index), i), strings.TrimPrefix(path+"."+f.Name, ".")
		header, isHeader := f.Tag.Lookup("header")
		query, isQuery := f.Tag.Lookup("query")
		switch {
		case isHeader || isQuery:
			tag, _, _ := strings.Cut(header+query, ",")
			all = append(all, option{of, at, name, tag, isQuery})
		case f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[time.Time]():
			all = append(all, optionsOf(of, f.Type, at, name)...)
		}
	}
	return all
}

// set gives a field a value that the service takes.
func (o option) set(v reflect.Value, s subject) {
	f := v.FieldByIndex(o.index)
	text := map[string]string{
		"x-ms-access-tier": "Hot", "x-ms-rehydrate-priority": "High", "x-ms-if-tags": `"a" = 'b'`, "x-ms-source-if-tags": `"a" = 'b'`,
		"x-ms-immutability-policy-mode": "unlocked", "x-ms-blob-public-access": "blob", "x-ms-delete-snapshots": "include",
		"x-ms-lease-id": "11111111-2222-3333-4444-555555555555", "x-ms-copy-source-tag-option": "COPY", "snapshot": s.snapshot,
		"x-ms-previous-snapshot-url": s.blob().WithSnapshot(s.snapshot).URL(),
		"If-Match":                   `"0x1"`, "If-None-Match": `"0x1"`, "x-ms-source-if-match": `"0x1"`, "x-ms-source-if-none-match": `"0x1"`,
	}[o.wire]
	// Some mean nothing without another one.
	group := v.FieldByIndex(o.index[:len(o.index)-1])
	switch o.wire {
	case "x-ms-immutability-policy-mode":
		if until := group.FieldByName("Until"); until.IsValid() {
			until.Set(reflect.ValueOf(time.Now().Add(time.Hour)))
		}
	case "x-ms-deny-encryption-scope-override":
		group.FieldByName("DefaultEncryptionScope").SetString("some")
	}
	switch {
	case text != "" && f.Kind() == reflect.String:
		if o.wire == "x-ms-access-tier" && strings.HasPrefix(v.Type().String(), "pageblob.") {
			text = "P10"
		}
		f.SetString(text)
	case f.Type() == reflect.TypeFor[azureblob.Range]():
		f.Set(reflect.ValueOf(azureblob.Range{Count: 512}))
	case f.Type() == reflect.TypeFor[time.Time]():
		f.Set(reflect.ValueOf(time.Now().Add(24 * time.Hour)))
	case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Uint8:
		n := 16
		if strings.Contains(o.wire, "crc64") {
			n = 8
		}
		f.SetBytes(make([]byte, n))
	case f.Kind() == reflect.Struct: // of flags
		flag := f.FieldByName("Metadata")
		if !flag.IsValid() {
			flag = f.Field(0)
		}
		flag.SetBool(true)
	default:
		fill(f)
	}
}

// malformed are the codes of requests that no client should make.
var malformed = []string{
	"InvalidHeaderValue", "InvalidQueryParameterValue", "UnsupportedHeader", "UnsupportedQueryParameter", "InvalidInput", "InvalidMetadata",
	"MissingRequiredHeader", "MissingRequiredQueryParameter", "OutOfRangeInput", "OutOfRangeQueryParameterValue", "InvalidXmlDocument", "InvalidXmlNodeValue",
}

// TestEveryOption sets each field of the options of every method alone, by
// reflection, calls the method on blobtest, finds the header or query parameter
// in the request, and demands that the service does not take it for malformed.
func TestEveryOption(t *testing.T) {
	defer func() { filler, alone = fill, false }()
	p := loadProtocol(t)
	tested := 0
	for _, e := range exercises {
		var options []option
		var seen []reflect.Type
		filler = func(v reflect.Value) {
			if !slices.Contains(seen, v.Type()) {
				seen = append(seen, v.Type())
				options = append(options, optionsOf(v.Type(), v.Type(), nil, "")...)
			}
			fill(v)
		}
		mock := &protocolTransport{t: t, protocol: p}
		alone = false
		if _, err := e.run(t.Context(), mock.subjects()[0]); err != nil {
			t.Fatalf("%s: %v", e.method, err)
		}
		_, baseline := e.onService(t, nil)
		for _, o := range options {
			if notOnService[o.wire] != "" || notOnService[e.method+" "+o.wire] != "" || notOnService[e.method] != "" || !p.takes(e.operation, o.wire) || strings.HasPrefix(o.field, "Each.") {
				continue
			}
			requests, code := e.onService(t, &o)
			tested++
			switch {
			case !o.sent(requests):
				t.Errorf("%s: %s is set, and %s was not sent (%s)", e.method, o.field, o.wire, code)
			case slices.Contains(malformed, code) && code != baseline:
				t.Errorf("%s: %s is set to what should be right, and the service says %s", e.method, o.field, code)
			}
		}
	}
	t.Logf("%d options of %d exercises were set", tested, len(exercises))
}

// notOnService are options that a test cannot set alone, with the reason.
var notOnService = map[string]string{
	"BlobLeaseClient.KeepAlive": "sends nothing for a third of the lease",

	"BlobClient.CopyFrom x-ms-source-if-match":            "is asked of the source before anything is copied",
	"BlobClient.CopyFrom x-ms-source-if-none-match":       "is asked of the source before anything is copied",
	"BlobClient.CopyFrom x-ms-source-if-modified-since":   "is asked of the source before anything is copied",
	"BlobClient.CopyFrom x-ms-source-if-unmodified-since": "is asked of the source before anything is copied",

	"marker":                    "is of an earlier answer",
	"Content-MD5":               "the exercises set all checksums by turns",
	"x-ms-content-crc64":        "the exercises set all checksums by turns",
	"x-ms-structured-body":      "the exercises set all checksums by turns",
	"x-ms-source-content-md5":   "the exercises set all checksums by turns",
	"x-ms-source-content-crc64": "the exercises set all checksums by turns",
}

// alone says that the exercises run with one option set, or none.
var alone bool

// takes reports whether an operation has a header or query parameter. Some lease
// operations have fewer conditions for containers.
func (p *protocol) takes(operation, name string) bool {
	for _, o := range p.Operations {
		if o.ID != operation {
			continue
		}
		for _, i := range append(o.Query, o.RequestHeaders...) {
			if i.Name == name || name == "x-ms-range" && i.Name == "Range" {
				return true
			}
		}
	}
	return false
}

// sent reports whether one of the requests has the option.
func (o option) sent(requests []blobtest.Request) bool {
	for _, r := range requests {
		if o.query && r.Query.Has(o.wire) {
			return true
		}
		prefix := http.CanonicalHeaderKey(strings.TrimSuffix(o.wire, "*"))
		for name := range r.Header {
			if !o.query && (name == prefix || strings.HasSuffix(o.wire, "*") && strings.HasPrefix(name, prefix)) {
				return true
			}
		}
	}
	return false
}

// onService runs an exercise on a service of its own, with one option or none,
// and returns the requests of its operation and the first code of an error.
func (e exercised) onService(t *testing.T, o *option) (requests []blobtest.Request, code string) {
	t.Helper()
	srv := blobtest.New(t, &blobtest.Options{Versioning: true, SoftDelete: 1, HierarchicalNamespace: true})
	s := subject{service: srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})}
	s.prepare(t, e.method)
	before := len(srv.Requests())
	alone = true
	filler = func(v reflect.Value) {
		if o != nil && v.Type() == o.of {
			o.set(v, s)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	func() {
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("%s: %v", e.method, r)
			}
		}()
		_, _ = e.run(ctx, s)
	}()
	for _, r := range srv.Requests()[before:] {
		if r.Code != "" && code == "" {
			code = fmt.Sprint(r.Code)
		}
		requests = append(requests, r)
	}
	return requests, code
}

// prepare makes the container and the blob that exercises act on.
func (s *subject) prepare(t *testing.T, method string) {
	t.Helper()
	ctx := t.Context()
	_, err := s.container().Create(ctx, nil)
	switch {
	case err != nil:
	case strings.HasPrefix(method, "pageblob."):
		_, err = pageblob.New(s.blob()).Create(ctx, 8<<10, nil)
	default:
		_, err = s.blob().Upload(ctx, bytes.NewReader([]byte("hello")), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := s.blob().Snapshot(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.blob().Properties(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.snapshot, s.version = snapshot.Snapshot, p.VersionID
}
