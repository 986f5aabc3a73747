package xmlplan

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
)

// strangeStruct makes structs of strings that go vet would find fault with.
func strangeStruct(namesAndTags ...string) any {
	var fields []reflect.StructField
	for pair := range slices.Chunk(namesAndTags, 2) {
		f := reflect.StructField{Name: pair[0], Type: textType, Tag: reflect.StructTag(pair[1])}
		if unicode.IsLower(rune(f.Name[0])) {
			f.PkgPath = "example"
		}
		fields = append(fields, f)
	}
	return reflect.Zero(reflect.StructOf(fields)).Interface()
}

var unplannable = []struct {
	v     any
	cause error // nil if only the text counts
	text  string
}{
	{struct {
		A float64 `xml:"A"`
	}{}, errKind, ".A:"},
	{struct {
		A any `xml:"A"`
	}{}, errKind, ".A:"},
	{struct {
		A []int `xml:"A"`
	}{}, errKind, ".A:"},
	{struct {
		A []*string `xml:"A"`
	}{}, errKind, ".A:"},
	{struct {
		A []time.Time `xml:"A"`
	}{}, errKind, ".A:"},
	{struct {
		A **inner `xml:"A"`
	}{}, errKind, ".A:"},
	{struct {
		A map[string]int `xml:"A"`
	}{}, errKind, ".A:"},
	{struct {
		A map[named]string `xml:"A"`
	}{}, errKind, ".A:"},
	{struct {
		A inner `xml:"A,attr"`
	}{}, errKind, ".A:"},
	{struct {
		A int `xml:",name"`
	}{}, errKind, ".A:"},
	{struct {
		A string `xml:"A,lower"`
	}{}, errOption, ".A:"},
	{struct {
		A string `xml:"A,attr,encoded"`
	}{}, errOption, ".A:"},
	{struct {
		A *string `xml:"A,always"`
	}{}, errOption, ".A:"},
	{struct {
		A *inner `xml:"A,always"`
	}{}, errOption, ".A:"},
	{struct {
		A metadata `xml:"A,etag"`
	}{}, errOption, ".A:"},
	{struct {
		A inner `xml:"A,etag"`
	}{}, errOption, ".A:"},
	{struct {
		A int `xml:"A,etag"`
	}{}, errKind, ".A:"},
	{struct {
		A string `xml:"A,iso8601"`
	}{}, errKind, ".A:"},
	{struct {
		A int `xml:"A,seconds"`
	}{}, errKind, ".A:"},
	{struct {
		A time.Duration `xml:"A"`
	}{}, errKind, ".A:"},
	{struct {
		A metadata `xml:"A,seconds"`
	}{}, errOption, ".A:"},
	{struct {
		A []inner `xml:"A"`
		B string  `xml:"A>B,attr"`
	}{}, errOption, ".B:"},
	{struct {
		A string  `xml:"A>B,attr"`
		B []inner `xml:"A"`
	}{}, errTwice, ".B:"},
	{strangeStruct("A", `xml:"X"`, "B", `xml:"X"`), errTwice, ".B:"},
	{struct {
		A string `xml:"X|Y"`
		B string `xml:"Y"`
	}{}, errTwice, ".B:"},
	{struct {
		A string `xml:"X>Y"`
		B inner  `xml:"X"`
	}{}, errTwice, ".B:"},
	{struct {
		A inner  `xml:"X"`
		B string `xml:"X>Y"`
	}{}, errTwice, ".B:"},
	{strangeStruct("A", `xml:"X,attr"`, "B", `xml:"X,attr"`), errTwice, ".B:"},
	{struct {
		A string `xml:",chardata"`
		B string `xml:",chardata"`
	}{}, errTwice, ".B:"},
	{struct {
		embedded
		E string `xml:"E"`
	}{}, errTwice, ".E:"},
	{struct {
		*inner
	}{}, errEmbedded, ".inner:"},
	{strangeStruct("a", `xml:"A"`), errUnexported, ".a:"},
	{struct {
		A string `xml:"A|B>C"`
	}{}, errAlternative, ".A:"},
	{struct {
		A string `xml:"A|B,attr"`
	}{}, errAlternative, ".A:"},
	{struct {
		A string `xml:",attr"`
	}{}, errNoName, ".A:"},
	{struct {
		A string `xml:""`
	}{}, errNoName, ".A:"},
	{struct {
		A string `xml:"A,chardata"`
	}{}, errSelfPath, ".A:"},
	{struct {
		A string `xml:"A,omitempty"`
	}{}, nil, `unknown option "omitempty"`},
	{struct {
		A string `xml:"A>>B"`
	}{}, nil, `"" is no element name`},
	{struct {
		A string `xml:"p:A"`
	}{}, nil, `"p:A" is no element name`},
	{struct {
		A struct {
			B chan int `xml:"B"`
		} `xml:"A"`
	}{}, errKind, ".B:"},
	{time.Time{}, nil, "time.Time is not a struct"},
	{5, nil, "int is not a struct"},
	{nil, nil, "<nil> is not a struct"},
	{new(*inner), nil, "*xmlplan.inner is not a struct"},
}

func TestCheckRefuses(t *testing.T) {
	for _, test := range unplannable {
		err := Check(reflect.TypeOf(test.v))
		if err == nil || test.cause != nil && !errors.Is(err, test.cause) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%T: %v; want %q and %v", test.v, err, test.text, test.cause)
		}
	}
}

func TestCheckAccepts(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[blobPage](), reflect.TypeFor[*blobPage](), reflect.TypeFor[tree](), reflect.TypeFor[struct{}](),
	} {
		if err := Check(typ); err != nil {
			t.Errorf("%v: %v", typ, err)
		}
	}
	type half struct {
		Good tree `xml:"Good"`
		Bad  chan int
	}
	if err := Check(reflect.TypeFor[half]()); err != nil {
		t.Errorf("a field without a tag counts: %v", err)
	}
}

// A failed build must leave nothing in the cache that looks like a plan.
func TestFailedPlanIsNotKept(t *testing.T) {
	type part struct {
		A string `xml:"A"`
		B int    `xml:"B"`
	}
	type whole struct {
		Part part    `xml:"Part"`
		Bad  float32 `xml:"Bad"`
	}
	for range 2 {
		if Check(reflect.TypeFor[whole]()) == nil {
			t.Fatal("a bad type has a plan")
		}
	}
	if _, ok := plans.Load(reflect.TypeFor[part]()); ok {
		t.Error("a part of a failed build is in the cache")
	}
}

func TestPanics(t *testing.T) {
	type bad struct {
		A float64 `xml:"A"`
	}
	for name, call := range map[string]func(){
		"decode bad":     func() { _ = Decode(strings.NewReader("<a/>"), &bad{}) },
		"decode value":   func() { _ = Decode(strings.NewReader("<a/>"), inner{}) },
		"decode nil":     func() { _ = Decode(strings.NewReader("<a/>"), (*inner)(nil)) },
		"decode nothing": func() { _ = Decode(strings.NewReader("<a/>"), nil) },
		"encode bad":     func() { _, _ = Encode("a", bad{}) },
		"encode nothing": func() { _, _ = Encode("a", nil) },
		"elements bad":   func() { Elements(reflect.TypeFor[bad]()) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

func TestElements(t *testing.T) {
	type document struct {
		Endpoint string `xml:"ServiceEndpoint,attr"`
		Kind     string `xml:"Wrap>Kind,attr"`
		Blobs    []struct {
			Name string   `xml:"Name,encoded"`
			Meta metadata `xml:"Metadata"`
			Tags metadata `xml:"Tags>TagSet>Tag,pairs"`
			Copy string   `xml:"Dst|CopyDst"`
		} `xml:"Blobs>Blob"`
		Tree tree   `xml:"Tree"`
		Text string `xml:",chardata"`
	}
	want := []string{
		"@ServiceEndpoint", "Wrap", "Wrap>@Kind",
		"Blobs", "Blobs>Blob", "Blobs>Blob>Name", "Blobs>Blob>Name>@Encoded", "Blobs>Blob>Metadata",
		"Blobs>Blob>Tags", "Blobs>Blob>Tags>TagSet", "Blobs>Blob>Tags>TagSet>Tag",
		"Blobs>Blob>Tags>TagSet>Tag>Key", "Blobs>Blob>Tags>TagSet>Tag>Value",
		"Blobs>Blob>Dst", "Blobs>Blob>CopyDst",
		"Tree", "Tree>Name", "Tree>Sub", "Tree>Next",
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[document](), reflect.TypeFor[*document]()} {
		if got := Elements(typ); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// The first decoders of a type build its plan together, and all plans work.
func TestPlanIsBuiltConcurrently(t *testing.T) {
	type fresh struct {
		Tree tree     `xml:"Tree"`
		Page blobPage `xml:"EnumerationResults"`
	}
	text := "<R>" + strings.TrimPrefix(generated(20, true), "\uFEFF<?xml version=\"1.0\" encoding=\"utf-8\"?>") + "</R>"
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			var v fresh
			if err := Decode(strings.NewReader(text), &v); err != nil || len(v.Page.Blobs) != 20 {
				t.Errorf("%d blobs, %v", len(v.Page.Blobs), err)
			}
		})
	}
	group.Wait()
}
