package wire

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"
)

// A plan is what the tags of a struct type say, read once.
//
// The tags are header:"name" for a header, query:"name" for a query parameter,
// and response:"name" where the answer has another name for a field than the
// request; with response:"a|b" the first header that is there counts, and
// response:"-" keeps a field out of answers. A struct field without a tag,
// embedded or named, is taken as if its fields stood in the parent.
//
// A zero field is not sent; a pointer is sent unless it is nil. A header name
// that ends in * is a prefix for the keys of a map. Options follow the name:
//
//	csv      a struct of bools, joined by commas, whose fields are tagged csv:"word"
//	form     a map of index tags, joined as a query string
//	seconds  a time.Duration in whole seconds, rounded up
//	message  a bool, as the form of structured messages
//	range    a struct of an offset and a count of bytes, as bytes=512-1023; a
//	         count of 0 is all that follows
type plan struct {
	request  []field
	response []field
	exact    map[string]bool // canonical names of response headers that are no prefix
}

type field struct {
	index  []int
	kind   kind
	query  bool
	name   string   // as written in the tag; without the * of a prefix
	key    string   // the canonical header key
	others []string // further response header keys, in order of preference
	words  []string // csv: the words, by field
}

type kind uint8

const (
	kindString kind = iota
	kindBool
	kindInt
	kindTime
	kindSeconds
	kindBytes
	kindPrefix
	kindForm
	kindCSV
	kindRange
	kindMessage
)

var (
	plans        sync.Map // reflect.Type to *plan
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()

	stringMapType = reflect.TypeFor[map[string]string]()
)

// planOf returns the plan of a struct type. It panics on a field that cannot be
// planned, which is a mistake in this module; a test builds every plan.
func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{exact: map[string]bool{}}
	p.add(t, nil)
	for _, f := range p.response {
		if f.kind != kindPrefix {
			p.exact[f.key] = true
		}
	}
	actual, _ := plans.LoadOrStore(t, p)
	return actual.(*plan)
}

func (p *plan) add(t reflect.Type, index []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(append([]int(nil), index...), i)
		header, hasHeader := sf.Tag.Lookup("header")
		query, hasQuery := sf.Tag.Lookup("query")
		response, hasResponse := sf.Tag.Lookup("response")
		if !hasHeader && !hasQuery && !hasResponse {
			if _, xml := sf.Tag.Lookup("xml"); !xml && sf.Type.Kind() == reflect.Struct && sf.Type != timeType {
				p.add(sf.Type, at)
			}
			continue
		}
		if !sf.IsExported() {
			panic(fmt.Sprintf("wire: %s.%s has a tag but is not exported", t, sf.Name))
		}
		if hasQuery {
			p.request = append(p.request, newField(t, sf, at, query, true))
		}
		if hasHeader {
			p.request = append(p.request, newField(t, sf, at, header, false))
		}
		if !hasResponse {
			response = header
		}
		if response != "" && response != "-" {
			p.response = append(p.response, newField(t, sf, at, response, false))
		}
	}
}

func newField(t reflect.Type, sf reflect.StructField, index []int, tag string, query bool) field {
	name, option, _ := strings.Cut(tag, ",")
	names := strings.Split(name, "|")
	f := field{index: index, query: query, name: names[0]}
	bad := func(why string) {
		panic(fmt.Sprintf("wire: %s.%s, tag %q: %s", t, sf.Name, tag, why))
	}
	ft := sf.Type
	if ft.Kind() == reflect.Pointer {
		ft = ft.Elem()
	}
	switch {
	case ft == timeType:
		f.kind = kindTime
	case ft == durationType:
		if option != "seconds" {
			bad("a duration needs its unit")
		}
		f.kind = kindSeconds
	case ft.Kind() == reflect.String:
		f.kind = kindString
	case ft.Kind() == reflect.Bool && option == "message":
		f.kind = kindMessage
	case ft.Kind() == reflect.Bool:
		f.kind = kindBool
	case ft.Kind() == reflect.Int, ft.Kind() == reflect.Int32, ft.Kind() == reflect.Int64:
		f.kind = kindInt
	case ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Uint8:
		f.kind = kindBytes
	case ft.Kind() == reflect.Map && ft.Key().Kind() == reflect.String && ft.Elem().Kind() == reflect.String:
		f.kind = kindForm
		if strings.HasSuffix(f.name, "*") {
			f.kind = kindPrefix
			f.name = strings.TrimSuffix(f.name, "*")
		} else if option != "form" {
			bad("a map needs a prefix or the form option")
		}
	case ft.Kind() == reflect.Struct && option == "csv":
		f.kind = kindCSV
		for i := range ft.NumField() {
			word := ft.Field(i).Tag.Get("csv")
			if word == "" || ft.Field(i).Type.Kind() != reflect.Bool {
				bad("every field of a csv struct is a bool with a csv tag")
			}
			f.words = append(f.words, word)
		}
	case ft.Kind() == reflect.Struct && option == "range":
		f.kind = kindRange
		if ft.NumField() != 2 || ft.Field(0).Type.Kind() != reflect.Int64 || ft.Field(1).Type.Kind() != reflect.Int64 {
			bad("a range is an offset and a count")
		}
	default:
		bad("no way to write a " + sf.Type.String())
	}
	f.key = http.CanonicalHeaderKey(f.name)
	for _, other := range names[1:] {
		f.others = append(f.others, http.CanonicalHeaderKey(other))
	}
	return f
}
