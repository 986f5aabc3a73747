package wire

import (
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

type group struct {
	IfMatch string    `header:"If-Match"`
	Since   time.Time `header:"If-Modified-Since"`
}

type include struct {
	Metadata  bool `csv:"metadata"`
	Snapshots bool `csv:"snapshots"`
}

type span struct{ Offset, Count int64 }

type sample struct {
	Group     group
	Text      string            `header:"x-ms-text"`
	Flag      bool              `header:"x-ms-flag"`
	Number    int64             `header:"x-ms-number"`
	Pointer   *int64            `header:"x-ms-pointer"`
	Sum       []byte            `header:"Content-MD5" response:"x-ms-blob-content-md5|Content-MD5"`
	Meta      map[string]string `header:"x-ms-meta-*"`
	Tags      map[string]string `header:"x-ms-tags,form"`
	Include   include           `query:"include,csv"`
	Prefix    string            `query:"prefix"`
	Wait      time.Duration     `query:"timeout,seconds"`
	Part      span              `header:"x-ms-part,range"`
	Rest      span              `header:"x-ms-rest,range"`
	OnlySend  string            `header:"x-ms-send" response:"-"`
	OnlyTake  string            `response:"x-ms-take"`
	Untouched string
}

func TestEncode(t *testing.T) {
	zero := int64(0)
	h := http.Header{}
	query, err := encode(&sample{
		Group:   group{IfMatch: `"e"`, Since: time.Date(2026, 2, 3, 4, 5, 6, 7, time.FixedZone("", 3600))},
		Text:    "t",
		Flag:    true,
		Number:  -5,
		Pointer: &zero,
		Sum:     []byte("abc"),
		Meta:    map[string]string{"camelCase": "v"},
		Tags:    map[string]string{"b c": "x=y", "a": ""},
		Include: include{true, true},
		Prefix:  "a b+c/ü",
		Wait:    1500 * time.Millisecond,
		Part:    span{0, 512},
		Rest:    span{Offset: 5},
	}, h, []byte("comp=list"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "comp=list&include=metadata%2Csnapshots&prefix=a%20b%2Bc%2F%C3%BC&timeout=2"; string(query) != want {
		t.Errorf("query %s\nwant  %s", query, want)
	}
	want := http.Header{
		"If-Match": {`"e"`}, "If-Modified-Since": {"Tue, 03 Feb 2026 03:05:06 GMT"}, "X-Ms-Text": {"t"}, "X-Ms-Flag": {"true"},
		"X-Ms-Number": {"-5"}, "X-Ms-Pointer": {"0"}, "Content-Md5": {"YWJj"}, "x-ms-meta-camelCase": {"v"}, "X-Ms-Tags": {"a=&b%20c=x%3Dy"},
		"X-Ms-Part": {"bytes=0-511"}, "X-Ms-Rest": {"bytes=5-"},
	}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("header %v\nwant   %v", h, want)
	}
}

// TestEncodeSeconds rounds up, at the end of what a duration can be as well.
func TestEncodeSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{1: "1", time.Second: "1", time.Second + 1: "2", math.MaxInt64: "9223372037"} {
		query, err := encode(sample{Wait: d}, http.Header{}, nil)
		if err != nil || string(query) != "timeout="+want {
			t.Errorf("%v: %s, %v", d, query, err)
		}
	}
}

func TestEncodeNothing(t *testing.T) {
	for _, part := range []any{sample{}, &sample{}, (*sample)(nil)} {
		h := http.Header{}
		query, err := encode(part, h, nil)
		if err != nil || len(query) > 0 || len(h) > 0 {
			t.Errorf("%T: %q, %v, %v; zero fields are not sent", part, query, h, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		part any
		want string
	}{
		"newline":           {sample{Text: "se\ncret"}, "control character"},
		"nul":               {sample{Text: "secret\x00"}, "control character"},
		"not ASCII":         {sample{Text: "secrét"}, "outside ASCII"},
		"metadata value":    {sample{Meta: map[string]string{"k": "secrét"}}, "metadata k has a character outside ASCII"},
		"metadata space":    {sample{Meta: map[string]string{"k": " secret"}}, "white space"},
		"metadata name":     {sample{Meta: map[string]string{"a-b": "x"}}, "metadata name"},
		"metadata digit":    {sample{Meta: map[string]string{"1a": "x"}}, "metadata name"},
		"metadata empty":    {sample{Meta: map[string]string{"": "x"}}, "metadata name"},
		"metadata unicode":  {sample{Meta: map[string]string{"ä": "x"}}, "metadata name"},
		"metadata twice":    {sample{Meta: map[string]string{"ab": "x", "AB": "y"}}, "twice"},
		"pointer to struct": {&sample{Text: "secret\r"}, "control character"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := encode(tc.part, http.Header{}, nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want one about %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "secr") {
				t.Errorf("the error shows the value: %v", err)
			}
		})
	}
}

func TestDecodeHeader(t *testing.T) {
	var s sample
	DecodeHeader(http.Header{
		"If-Match": {`"e"`}, "If-Modified-Since": {"Tue, 03 Feb 2026 03:05:06 GMT"}, "X-Ms-Text": {"t"}, "X-Ms-Flag": {"true"}, "X-Ms-Number": {"7"},
		"X-Ms-Pointer": {"0"}, "Content-Md5": {"YWJj"}, "X-Ms-Meta-Camelcase": {"v"}, "x-ms-meta-raw": {"w"}, "X-Ms-Send": {"no"}, "X-Ms-Take": {"yes"},
	}, &s)
	zero := int64(0)
	want := sample{
		Group: group{IfMatch: `"e"`, Since: time.Date(2026, 2, 3, 3, 5, 6, 0, time.UTC)}, Text: "t", Flag: true, Number: 7, Pointer: &zero,
		Sum: []byte("abc"), Meta: map[string]string{"camelcase": "v", "raw": "w"}, OnlyTake: "yes",
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

func TestDecodePrefersTheFirstName(t *testing.T) {
	var s sample
	DecodeHeader(http.Header{"Content-Md5": {"YWJj"}, "X-Ms-Blob-Content-Md5": {"ZGVm"}}, &s)
	if string(s.Sum) != "def" {
		t.Errorf("got %q", s.Sum)
	}
}

func TestDecodeSkipsWhatItCannotRead(t *testing.T) {
	var s sample
	DecodeHeader(http.Header{"X-Ms-Number": {"many"}, "If-Modified-Since": {"yesterday"}, "Content-Md5": {"%"}, "X-Ms-Flag": {"perhaps"}, "X-Ms-Text": {"t"}}, &s)
	if !reflect.DeepEqual(s, sample{Text: "t"}) {
		t.Errorf("got %+v", s)
	}
}

func TestPrefixLeavesExactNamesAlone(t *testing.T) {
	var s struct {
		ID    string            `response:"x-ms-or-policy-id"`
		Rules map[string]string `response:"x-ms-or-*"`
	}
	DecodeHeader(http.Header{"X-Ms-Or-Policy-Id": {"p"}, "X-Ms-Or-1_2": {"complete"}}, &s)
	if s.ID != "p" || len(s.Rules) != 1 || s.Rules["1_2"] != "complete" {
		t.Errorf("got %+v", s)
	}
}

func TestPlanPanics(t *testing.T) {
	for name, v := range map[string]any{
		"kind": struct {
			C chan int `header:"x"`
		}{},
		"duration": struct {
			D time.Duration `header:"x"`
		}{},
		"map": struct {
			M map[string]string `header:"x"`
		}{},
		"unexported": struct {
			s string `header:"x"`
		}{},
		"range": struct {
			R struct{ A string } `header:"x,range"`
		}{},
		"csv": struct {
			I struct{ A string } `query:"x,csv"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			Plan(reflect.TypeOf(v))
		})
	}
}
