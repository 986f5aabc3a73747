package azureblob_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// refusedAs demands that err is that of bad input, with the code that the service
// would answer with if one is known, and without what must not be shown.
func refusedAs(t *testing.T, what string, err error, code azureblob.ErrorCode) {
	t.Helper()
	switch e, ok := errors.AsType[*azureblob.Error](err); {
	case !errors.Is(err, fs.ErrInvalid) || !ok:
		t.Errorf("%s: %v, want an Error that is fs.ErrInvalid", what, err)
	case e.StatusCode != 0 || code != "" && !errors.Is(err, code):
		t.Errorf("%s: status %d and code %q, want %q: %v", what, e.StatusCode, e.Code, code, err)
	case strings.Contains(err.Error(), "q7SECRETq7"):
		t.Errorf("%s: the error shows the value: %v", what, err)
	}
}

// badValue is a way to make a field of options bad.
type badValue struct {
	name string
	bad  any // of the type of the field, or one that can be converted to it
	code azureblob.ErrorCode
}

var (
	metadataType = reflect.TypeFor[azureblob.Metadata]()
	tagsType     = reflect.TypeFor[azureblob.Tags]()
)

var badValues = map[reflect.Type][]badValue{
	metadataType: {
		{"name with a hyphen", azureblob.Metadata{"a-b": "q7SECRETq7"}, azureblob.InvalidMetadata},
		{"name that begins with a digit", azureblob.Metadata{"1a": "q7SECRETq7"}, azureblob.InvalidMetadata},
		{"name outside ASCII", azureblob.Metadata{"ä": "q7SECRETq7"}, azureblob.InvalidMetadata},
		{"name twice", azureblob.Metadata{"a": "q7SECRETq7", "A": ""}, azureblob.InvalidMetadata},
		{"no name", azureblob.Metadata{"": "q7SECRETq7"}, azureblob.EmptyMetadataKey},
		{"line break", azureblob.Metadata{"a": "q7SECRETq7\r\nx-ms-b: c"}, azureblob.InvalidMetadata},
		{"not ASCII", azureblob.Metadata{"a": "q7SECRETq7é"}, azureblob.InvalidMetadata},
		{"space", azureblob.Metadata{"a": " q7SECRETq7"}, azureblob.InvalidMetadata},
		{"too much", azureblob.Metadata{"a": strings.Repeat("x", 4<<10), "bc": strings.Repeat("y", 4<<10-2)}, azureblob.MetadataTooLarge},
	},
	tagsType: {
		{"11 of them", manyTags(11), azureblob.TagsTooLarge},
		{"no key", azureblob.Tags{"": "b"}, azureblob.EmptyTagName},
		{"long key", azureblob.Tags{strings.Repeat("k", 129): "b"}, azureblob.TagsTooLarge},
		{"long value", azureblob.Tags{"a": strings.Repeat("v", 257)}, azureblob.TagsTooLarge},
		{"character in a key", azureblob.Tags{"a&b": "c"}, azureblob.InvalidInput},
		{"character in a value", azureblob.Tags{"a": "q7SECRETq7\n"}, azureblob.InvalidInput},
	},
	reflect.TypeFor[azureblob.Range](): {
		{"negative offset", azureblob.Range{Offset: -512, Count: 512}, azureblob.InvalidHeaderValue},
		{"negative count", azureblob.Range{Count: -1}, azureblob.InvalidHeaderValue},
		{"past the end of numbers", azureblob.Range{Offset: math.MaxInt64, Count: 1}, azureblob.InvalidHeaderValue},
	},
	reflect.TypeFor[azureblob.Immutability](): {
		{"no end", azureblob.Immutability{Mode: azureblob.ImmutabilityLocked}, azureblob.MissingRequiredHeader},
		{"mutable", azureblob.Immutability{Until: time.Now().Add(time.Hour), Mode: azureblob.ImmutabilityMutable}, azureblob.InvalidHeaderValue},
	},
	reflect.TypeFor[azureblob.ImmutabilityPolicyMode](): {{"mutable", azureblob.ImmutabilityMutable, azureblob.InvalidHeaderValue}},
	reflect.TypeFor[time.Duration]():                    {{"negative", -time.Second, ""}},
	reflect.TypeFor[http.Header](): {
		{"name", http.Header{"a b": {"c"}}, ""},
		{"no name", http.Header{"": {"c"}}, ""},
		{"value", http.Header{"A": {"q7SECRETq7\n"}}, ""},
	},
}

func manyTags(n int) azureblob.Tags {
	all := azureblob.Tags{}
	for i := range n {
		all[fmt.Sprint(i)] = ""
	}
	return all
}

// badValuesOf are the ways to make a field bad: by its type, its name and its tag.
func badValuesOf(f reflect.StructField) []badValue {
	_, header := f.Tag.Lookup("header")
	wide := []badValue{{"negative", -1, ""}, {"too many", 5_000_000_000, ""}}
	switch {
	case f.Name == "Delay":
		return nil // of repetitions, where a negative one means something
	case badValues[f.Type] != nil:
		return badValues[f.Type]
	case f.Name == "DeletedName":
		return []badValue{{"bad name", "Photos", azureblob.InvalidResourceName}}
	case f.Name == "ClientRequestID":
		return []badValue{{"long", strings.Repeat("x", 1025), ""}, {"line break", "q7SECRETq7\r\n", ""}}
	case f.Type.Kind() == reflect.String && header, f.Type == reflect.TypeFor[azureblob.AccessTier](), f.Type == reflect.TypeFor[azureblob.TagFilter]():
		return []badValue{{"line break", "q7SECRETq7\n", ""}, {"null", "q7SECRETq7\x00", ""}, {"not ASCII", "q7SECRETq7é", ""}}
	case f.Name == "PageSize" || f.Name == "ListSize":
		return []badValue{{"negative", -1, azureblob.OutOfRangeQueryParameterValue}, {"too many", 10_001, azureblob.OutOfRangeQueryParameterValue}}
	case f.Name == "BlockSize" || f.Name == "Concurrency":
		return wide
	case f.Name == "SequenceNumber":
		return []badValue{{"negative", -1, azureblob.InvalidHeaderValue}}
	case f.Type == reflect.TypeFor[*int64]():
		return []badValue{{"negative", new(int64(-1)), azureblob.InvalidHeaderValue}}
	case f.Type == reflect.TypeFor[*time.Duration]():
		return []badValue{{"negative", new(-time.Second), azureblob.InvalidHeaderValue}, {"long", new(61 * time.Second), azureblob.InvalidHeaderValue}}
	case f.Type == reflect.TypeFor[[]byte]() && strings.Contains(f.Name, "MD5"):
		return []badValue{{"short", []byte("short"), azureblob.InvalidMD5}}
	case f.Type == reflect.TypeFor[[]byte]():
		return []badValue{{"short", []byte("short"), azureblob.InvalidHeaderValue}}
	}
	return nil
}

// badOption is a field of options that is made bad, in those of a method or in options within them.
type badOption struct {
	of    reflect.Type
	index []int
	name  string
	badValue
}

func (p badOption) in(v reflect.Value) reflect.Value {
	for _, i := range p.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

// badOptionsOf are all fields of a struct that can be made bad, by all ways.
func badOptionsOf(of, t reflect.Type, index []int, path string) (all []badOption) {
	for i := range t.NumField() {
		f := t.Field(i)
		at, name := append(slices.Clone(index), i), strings.TrimPrefix(path+"."+f.Name, ".")
		if !f.IsExported() || f.Type == reflect.TypeFor[time.Time]() || name == "Each.CallOptions" { // of no request
			continue
		}
		for _, s := range badValuesOf(f) {
			all = append(all, badOption{of, at, name, s})
		}
		within := f.Type
		if within.Kind() == reflect.Pointer {
			within = within.Elem()
		}
		if within.Kind() == reflect.Struct && f.Type != reflect.TypeFor[azureblob.Range]() {
			all = append(all, badOptionsOf(of, within, at, name)...)
		}
	}
	return all
}

// TestBadInputInOptions makes each field of the options of every method bad, by
// reflection, in all ways that its type can be. Each is refused, with the code of
// the service where that is known, before anything is sent.
func TestBadInputInOptions(t *testing.T) {
	defer func() { filler = fill }()
	p := loadProtocol(t)
	tested := 0
	for _, e := range exercises {
		var bads []badOption
		filler = func(v reflect.Value) {
			fill(v)
			if !slices.ContainsFunc(bads, func(p badOption) bool { return p.of == v.Type() }) {
				bads = append(bads, badOptionsOf(v.Type(), v.Type(), nil, "")...)
			}
		}
		mock := &protocolTransport{t: t, protocol: p}
		if _, err := e.run(t.Context(), mock.subjects()[0]); err != nil {
			t.Fatalf("%s: %v", e.method, err)
		}
		for _, bad := range bads {
			var sent atomic.Int64
			var options []reflect.Value
			filler = func(v reflect.Value) {
				fill(v)
				setCallOptions(v, azureblob.CallOptions{OnRequest: func(*http.Request) { sent.Add(1) }})
				if v.Type() == bad.of {
					f := bad.in(v)
					f.Set(reflect.ValueOf(bad.bad).Convert(f.Type()))
					options = append(options, f)
				}
			}
			_, err := e.run(t.Context(), mock.subjects()[0])
			stayed := slices.ContainsFunc(options, func(f reflect.Value) bool {
				return reflect.DeepEqual(f.Interface(), reflect.ValueOf(bad.bad).Convert(f.Type()).Interface())
			})
			if !stayed {
				continue // the exercise has set it to something else
			}
			tested++
			what := fmt.Sprintf("%s: %s %s: %s", e.method, bad.of, bad.name, bad.badValue.name)
			refusedAs(t, what, err, bad.code)
			if sent.Load() > 0 {
				t.Errorf("%s: %d requests were sent", what, sent.Load())
			}
		}
	}
	t.Logf("%d options of %d exercises were bad", tested, len(exercises))
}

// TestBadInputInNames calls every method on handles with names that the service would
// refuse.
func TestBadInputInNames(t *testing.T) {
	p := loadProtocol(t)
	on := map[string]wire.Resource{}
	for _, op := range rest.Operations() {
		on[op.ID] = op.On
	}
	long, deep := strings.Repeat("n", 1025), strings.Repeat("a/", 254)+"a"
	for _, tc := range []struct {
		container, blob string
		code            azureblob.ErrorCode
	}{
		{"ab", "", azureblob.OutOfRangeInput}, {strings.Repeat("a", 64), "", azureblob.OutOfRangeInput},
		{"Photos", "", azureblob.InvalidResourceName}, {"a_b", "", azureblob.InvalidResourceName}, {"a--b", "", azureblob.InvalidResourceName},
		{"-ab", "", azureblob.InvalidResourceName}, {"ab-", "", azureblob.InvalidResourceName}, {"photos/cat", "", azureblob.InvalidResourceName},
		{"", long, azureblob.OutOfRangeInput}, {"", strings.Repeat("\U0001F600", 513), azureblob.OutOfRangeInput}, {"", deep, azureblob.InvalidURI},
		{"", "a\nb", azureblob.InvalidURI}, {"", "a\x00", azureblob.InvalidURI}, {"", "a\u0085", azureblob.InvalidURI}, {"", "\ue000", azureblob.InvalidURI}, {"", "a\xff", azureblob.InvalidURI},
	} {
		for _, e := range exercises {
			if on[e.operation] == wire.Account || tc.blob != "" && on[e.operation] == wire.Container && !strings.Contains(e.operation, "Batch") {
				continue // the method has no such name
			}
			mock := &protocolTransport{t: t, protocol: p}
			s := mock.subjects()[0]
			s.containerName, s.blobName = tc.container, tc.blob
			what := fmt.Sprintf("%s of %.20q, %.20q", e.method, tc.container, tc.blob)
			_, err := e.run(t.Context(), s)
			refusedAs(t, what, err, tc.code)
			if len(mock.requests) > 0 {
				t.Errorf("%s: sent %v", what, mock.requests)
			}
		}
	}
}
