package azureblob

import (
	"go/ast"
	"reflect"
	"strings"
	"testing"

	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// parts are the parts of calls that no method takes or returns. Types of the root
// that only other packages use are among them.
var parts = []any{
	metadataHeaders{}, blockOptions{}, overFound{}, rangeHeader{}, customerKeyHeaders{}, encryptionScopeHeader{},
	sourceHeaders{}, copyState{}, SourceConditions{}, SourceChecksum{}, Checksum{},
	tagSet{}, tagSearch{}, propertiesDocument{}, metricsDocument{}, delegationKeyTimes{}, delegationKeyAnswer{},
	deletedContainer{}, expiryHeaders{},
	leaseHeaders{}, committedList{},
}

// TestEveryPlanBuilds builds the plan of every struct that goes over the wire: a
// tag that cannot be read panics here and not in a caller's program. Types are
// found in the results and options of the methods; a type with tags that none of
// them reaches is found in the source and is an error.
func TestEveryPlanBuilds(t *testing.T) {
	reached := map[string]bool{}
	var reach func(rt reflect.Type)
	reach = func(rt reflect.Type) {
		switch rt.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Func:
			if rt.Kind() != reflect.Func {
				reach(rt.Elem())
				return
			}
			for i := range rt.NumIn() {
				reach(rt.In(i))
			}
			for i := range rt.NumOut() {
				reach(rt.Out(i))
			}
		case reflect.Struct:
			if reached[rt.Name()] || !strings.HasSuffix(rt.PkgPath(), "/azureblob") {
				return
			}
			reached[rt.Name()] = true
			for i := range rt.NumField() {
				if rt.Field(i).Type.Kind() != reflect.Func {
					reach(rt.Field(i).Type)
				}
			}
			if rt.Name() == "handle" || strings.HasSuffix(rt.Name(), "Client") {
				return // not of the wire, but what is embedded in clients
			}
			wire.Plan(rt)
			if err := xmlplan.Check(rt); err != nil {
				t.Errorf("%s: %v", rt, err)
			}
		}
	}
	clients := []any{&ServiceClient{}, &ContainerClient{}, &BlobClient{}, &BlobLeaseClient{}, &Copy{}, &Reader{}, &Writer{}}
	for _, c := range append(clients, parts...) {
		ct := reflect.TypeOf(c)
		reach(ct)
		for i := range ct.NumMethod() {
			reach(ct.Method(i).Type)
		}
	}
	_, all := sources(t)
	for _, s := range all {
		if s.test || strings.Contains(s.path, "/") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			st, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range st.Fields.List {
				if f.Tag != nil && !reached[spec.Name.Name] {
					t.Errorf("%s: no method takes or returns %s, so nothing builds its plan", s.path, spec.Name.Name)
					return false
				}
			}
			return true
		})
	}
}
