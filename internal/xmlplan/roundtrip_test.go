package xmlplan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// kinds are the field types that random structs are made of, with the options that fit.
var kinds = []struct {
	typ     reflect.Type
	options []string
}{
	{reflect.TypeFor[string](), []string{"", ",always", ",encoded", ",attr", ",attr,always"}},
	{reflect.TypeFor[named](), []string{"", ",encoded,always", ",attr"}},
	{reflect.TypeFor[bool](), []string{"", ",always", ",attr"}},
	{reflect.TypeFor[int8](), []string{"", ",always", ",attr"}},
	{reflect.TypeFor[int64](), []string{"", ",always", ",attr"}},
	{reflect.TypeFor[uint32](), []string{"", ",always", ",attr"}},
	{reflect.TypeFor[time.Time](), []string{"", ",always", ",iso8601", ",attr,iso8601"}},
	{reflect.TypeFor[time.Duration](), []string{",seconds", ",seconds,always", ",attr,seconds"}},
	{reflect.TypeFor[[]byte](), []string{"", ",always", ",attr"}},
	{reflect.TypeFor[*string](), []string{"", ",attr", ",encoded"}},
	{reflect.TypeFor[*int32](), []string{"", ",attr"}},
	{reflect.TypeFor[*time.Time](), []string{"", ",iso8601"}},
	{reflect.TypeFor[*bool](), []string{""}},
	{reflect.TypeFor[metadata](), []string{"", ",always", ",pairs"}},
	{reflect.TypeFor[map[string]string](), []string{"", ",pairs,always"}},
	{reflect.TypeFor[inner](), []string{"", ",always"}},
	{reflect.TypeFor[*inner](), []string{""}},
	{reflect.TypeFor[[]inner](), []string{"", ",always"}},
	{reflect.TypeFor[[]*inner](), []string{"", ",always"}},
	{reflect.TypeFor[[]mixedItem](), []string{""}},
	{reflect.TypeFor[[]string](), []string{"", ",always", ",encoded"}},
	{reflect.TypeFor[blobProperties](), []string{""}},
}

// randomStruct makes a type with fields of random kinds, options and paths.
func randomStruct(random *rand.Rand, depth int) reflect.Type {
	var fields []reflect.StructField
	for i := range 1 + random.IntN(10) {
		kind := kinds[random.IntN(len(kinds))]
		f := reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: kind.typ}
		option := kind.options[random.IntN(len(kind.options))]
		name := fmt.Sprintf("E%d", i)
		if f.Type == reflect.TypeFor[[]mixedItem]() {
			name = fmt.Sprintf("A%d|B%d", i, i)
		}
		switch {
		case depth > 0 && random.IntN(4) == 0:
			f.Type, option = randomStruct(random, depth-1), ""
			if random.IntN(3) == 0 {
				f.Type = reflect.SliceOf(f.Type)
			}
		case random.IntN(3) == 0:
			name = []string{"P>", "P>Q>", "R>"}[random.IntN(3)] + name
		}
		f.Tag = reflect.StructTag(fmt.Sprintf(`xml:"%s%s"`, name, option))
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

// fill sets v to something random that XML can bring back: no empty lists, since those come back nil.
func fill(random *rand.Rand, v reflect.Value) {
	if random.IntN(4) == 0 {
		return
	}
	switch {
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(time.Unix(random.Int64N(253402300800), 0).UTC()))
	case v.Type() == durationType:
		v.SetInt(int64(time.Duration(random.Uint32()) * time.Second))
	case v.Type() == reflect.TypeFor[mixedItem]():
		// Which names an item may have depends on the field that the list is in, so fillStruct sets it.
		v.Field(1).SetString(randomText(random))
	case v.Kind() == reflect.String:
		v.SetString(randomText(random))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(int64(random.Uint64()) >> (64 - v.Type().Bits()))
	case v.CanUint():
		v.SetUint(random.Uint64() >> (64 - v.Type().Bits()))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(random, v.Elem())
	case v.Kind() == reflect.Map:
		m := metadata{}
		for range 1 + random.IntN(12) {
			m[fmt.Sprintf("k%d.%c", random.IntN(50), 'A'+random.IntN(60)%26)] = randomText(random)
		}
		v.Set(reflect.ValueOf(m).Convert(v.Type()))
	case v.Kind() == reflect.Slice:
		n := 1 + random.IntN(9)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(random, v.Index(i))
			if item := v.Index(i); item.Kind() == reflect.Pointer && item.IsNil() {
				item.Set(reflect.New(item.Type().Elem())) // nil items are left out
			}
		}
	case v.Kind() == reflect.Struct:
		fillStruct(random, v)
	}
}

func fillStruct(random *rand.Rand, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		fill(random, f)
		switch f := f.Addr().Interface().(type) {
		case *[]mixedItem:
			for j := range *f {
				(*f)[j].Kind = fmt.Sprintf("%c%d", "AB"[random.IntN(2)], i)
			}
		case *entityTag:
			if *f != "" {
				*f = `"` + *f + `"`
			}
		}
	}
}

func randomText(random *rand.Rand) string {
	const alphabet = "aZ09 <>&\"'\r\n\t]%+;#äß€😀\uFFFD\u0085\u2028"
	runes := []rune(alphabet)
	var b strings.Builder
	for range random.IntN(70) {
		b.WriteRune(runes[random.IntN(len(runes))])
	}
	return b.String()
}

func TestRandomStructsThereAndBack(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	for range 150 {
		typ := randomStruct(random, 2)
		if err := Check(typ); err != nil {
			t.Fatalf("%v: %v", typ, err)
		}
		for range 5 {
			want := reflect.New(typ)
			fillStruct(random, want.Elem())
			text, err := Encode("Root", want.Interface())
			if err != nil {
				t.Fatalf("%v: %v", typ, err)
			}
			got := reflect.New(typ)
			if err := Decode(bytes.NewReader(text), got.Interface()); err != nil {
				t.Fatalf("%v: %v\n%s", typ, err, text)
			}
			if !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Fatalf("%v:\ngot  %+v\nwant %+v\n%s", typ, got.Elem(), want.Elem(), text)
			}
			if _, err := oracle(text); err != nil {
				t.Fatalf("encoding/xml: %v\n%s", err, text)
			}
		}
	}
}
