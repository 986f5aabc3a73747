package xmlplan

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// The same document for both decoders; the tags mean the same to both.
type sample struct {
	Attr  string       `xml:"a,attr"`
	Name  string       `xml:"n"`
	Ptr   *string      `xml:"p"`
	Deep  string       `xml:"d>e"`
	Words []string     `xml:"w"`
	Items []sampleItem `xml:"l>i"`
	Text  string       `xml:",chardata"`
}

type sampleItem struct {
	Key  string  `xml:"k,attr"`
	Name string  `xml:"n"`
	Sub  *sample `xml:"s"`
}

var errNotInSubset = errors.New("not in the subset")

// oracle decodes with encoding/xml. That decodes the first element it finds,
// so the rest of the document is looked at here.
func oracle(data []byte) (sample, error) {
	var s sample
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\uFEFF"))))
	for found := false; ; {
		t, err := d.Token()
		if err == io.EOF && found {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if found {
				return s, errNotInSubset
			}
			found = true
			if err := d.DecodeElement(&s, &t); err != nil {
				return s, err
			}
		case xml.CharData:
			if len(trim(t)) > 0 {
				return s, errNotInSubset
			}
		case xml.Directive:
			return s, errNotInSubset
		}
	}
}

// What encoding/xml accepts and we refuse on purpose: document types, white
// space in CDATA beside the root, references to surrogates (which it turns into
// U+FFFD), other encodings as we and it find them declared, and our limits.
var stricter = []error{errDoctype, errOutside, errCodePoint, errEncoding, errVersion, errTooDeep, errTooLarge}

func compare(t *testing.T, data []byte) {
	var got, bytewise sample
	err := Decode(bytes.NewReader(data), &got)
	slow := Decode(iotest.OneByteReader(bytes.NewReader(data)), &bytewise)
	if (err == nil) != (slow == nil) || err != nil && err.Error() != slow.Error() || !reflect.DeepEqual(got, bytewise) {
		t.Fatalf("%q: %v, byte by byte %v\n%+v\n%+v", data, err, slow, got, bytewise)
	}
	want, wantErr := oracle(data)
	if err != nil {
		for _, known := range stricter {
			if errors.Is(err, known) {
				return
			}
		}
		if wantErr == nil {
			t.Fatalf("%q: %v, encoding/xml accepts it: %+v", data, err, want)
		}
		return
	}
	if wantErr != nil {
		// Editions of XML differ in the characters of names, and encoding/xml has an old one.
		if bytes.ContainsFunc(data, func(r rune) bool { return r >= 0x80 }) || bytes.Contains(data, []byte("<?xml")) {
			return
		}
		t.Fatalf("%q: accepted, encoding/xml: %v", data, wantErr)
	}
	// To encoding/xml the declaration of a name space a is an attribute a.
	if !reflect.DeepEqual(got, want) && !bytes.Contains(data, []byte("xmlns")) {
		t.Fatalf("%q:\ngot  %+v\nwant %+v", data, got, want)
	}
}

var samples = []string{
	`<r a="1"><n>x</n><p/><d><e>y</e></d><w>1</w><w></w><l><i k="2"><n>z</n><s><n>t</n></s></i></l>u</r>`,
	"\uFEFF<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<!-- c --><q:r q:a='&lt;&#65;&#x42;\r\n'>\r\n<q:n>a&amp;b\r</q:n></q:r>\n<?pi x?>",
	"<r><n><![CDATA[<]]>]]&gt;<b>c</b>d<!-- e -->f</n></r>",
	"<r><n>\xFF</n></r>", "<r><n>]]></n></r>", "<r><n>&#xD800;</n></r>", "<r><n>ä\uFFFE</n></r>",
	"<r><a:b:c/></r>", "<r><n", "<r></s>", "<r/><r/>", "<!DOCTYPE r><r/>", "<r b=c/>", "<r :a='1' a:='2'/>",
	`<r a="1"a="2"/>`, "<r><!-- -- --></r>", "<r><![CDATA[]]</r>", "<r><?xml encoding='latin1'?></r>", "<·/>", "<r><n>&", "<r><n>&#x",
	"<r><n>x</n >y</r>",
	realistic,
}

func TestAgainstEncodingXML(t *testing.T) {
	for _, text := range samples {
		compare(t, []byte(text))
		for end := range min(len(text), 200) {
			compare(t, []byte(text[:end]))
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range samples {
		f.Add([]byte(text))
	}
	f.Fuzz(compare)
}

// FuzzValues feeds what fields of every kind are decoded from. Whatever is
// accepted survives being encoded and decoded again.
func FuzzValues(f *testing.F) {
	f.Add([]byte(realistic))
	f.Add([]byte("<EnumerationResults><Blobs><Blob><Name Encoded='1'>%00%ff</Name></Blob></Blobs></EnumerationResults>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var page blobPage
		if Decode(bytes.NewReader(data), &page) != nil {
			return
		}
		text, err := Encode("EnumerationResults", &page)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if _, err := oracle(text); err != nil {
			t.Fatalf("%q became %q: %v", data, text, err)
		}
		var again blobPage
		if err := Decode(bytes.NewReader(text), &again); err != nil {
			t.Fatalf("%q became %q: %v", data, text, err)
		}
		if again, err := Encode("EnumerationResults", &again); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%q became %q, and then %q: %v", data, text, again, err)
		}
	})
}

// FuzzStrings sends any string through a document, by our own decoder and by encoding/xml.
func FuzzStrings(f *testing.F) {
	f.Add("a <b> &amp; \"c\" 'd' ]]> \r\n\t\r é \U0001F600")
	f.Add("\x00\uFFFE\xFF")
	f.Fuzz(func(t *testing.T, s string) {
		type name struct {
			Name string `xml:"Name,encoded"`
		}
		text, err := Encode("R", name{s})
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		var back name
		if err := Decode(bytes.NewReader(text), &back); err != nil || back.Name != s {
			t.Fatalf("%q came back as %q, %v", s, back.Name, err)
		}
		want := sample{Attr: s, Name: s, Words: []string{s}, Text: s}
		text, err = Encode("R", want)
		if carried(s) != (err == nil) {
			t.Fatalf("%q: %v", s, err)
		}
		if err != nil {
			return
		}
		var got sample
		if err := Decode(bytes.NewReader(text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q came back as %+v, %v", s, got, err)
		}
		if got, err := oracle(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("to encoding/xml %q is %+v, %v", text, got, err)
		}
	})
}

func TestEncodeRefuses(t *testing.T) {
	type page struct {
		Name string   `xml:"Name"`
		Attr string   `xml:"Attr,attr"`
		Meta metadata `xml:"Metadata"`
	}
	for _, test := range []struct {
		v    any
		want string
	}{
		{page{Name: "\x00"}, "encode XML: R: Name: XML does not allow the character U+0000"},
		{page{Name: "\xFF"}, "encode XML: R: Name: invalid UTF-8"},
		{page{Attr: "\uFFFE"}, "encode XML: R: attribute Attr: XML does not allow the character U+FFFE"},
		{page{Meta: metadata{"a b": "c"}}, "encode XML: R: Metadata: a key of a map is no element name"},
		{(*page)(nil), "encode XML: R: nil pointer"},
		{struct {
			L []mixedItem `xml:"A|B"`
		}{[]mixedItem{{Kind: "C"}}}, "encode XML: R: A: the name field of an item is none of its element names"},
		{struct {
			T time.Time `xml:"T"`
		}{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "encode XML: R: T: the year has no four digits"},
		{loop(), errTooDeep.Error()},
	} {
		if _, err := Encode("R", test.v); err == nil || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
	if _, err := Encode("a b", page{}); !errors.Is(err, errName) {
		t.Errorf("a bad root name: %v", err)
	}
}

func loop() *tree {
	t := &tree{Name: "x"}
	t.Next = t
	return t
}
