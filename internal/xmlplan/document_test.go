package xmlplan

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

type note struct {
	Text  string   `xml:"Text"`
	Lines []string `xml:"Lines>Line"`
	Count int      `xml:"Count"`
	Own   string   `xml:",chardata"`
	Attr  string   `xml:"Attr,attr"`
}

func decodeNote(text string) (note, error) {
	var n note
	err := Decode(strings.NewReader(text), &n)
	return n, err
}

func TestText(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"plain", "plain"},
		{"&amp;&lt;&gt;&quot;&apos;", `&<>"'`},
		{"&#65;&#x42;&#x0063;&#128512;&#x1F600;", "ABc😀😀"},
		{"&#13;&#10;&#9;", "\r\n\t"},
		{"a\r\nb\rc\n\r\rd\r\n", "a\nb\nc\n\n\nd\n"},
		{"\r&#10;", "\n\n"},
		{"ä€😀\uFFFD", "ä€😀\uFFFD"},
		{"]] > ]>", "]] > ]>"},
		{"\x7F", "\x7F"},
		{"<![CDATA[<a>&amp;]]>]]&gt;", "<a>&amp;]]>"},
		{"<![CDATA[]]]]><![CDATA[>]]>", "]]>"},
		{"<![CDATA[a\r\nb]]>", "a\nb"},
		{"a<!-- b - c -->d<?e f?>g", "adg"},
		{"a<!---->b", "ab"},
		{"a<B>b</B>c<B/>d", "acd"},
		{"a<Text>b</Text>c", "ac"},
		{" ", " "},
		{"", ""},
	} {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader,
		} {
			var n note
			err := Decode(reader(strings.NewReader("<R><Text>"+test.text+"</Text><Count>1</Count></R>")), &n)
			if err != nil || n.Text != test.want || n.Count != 1 {
				t.Errorf("%s, %q: got %q, %v", name, test.text, n.Text, err)
			}
		}
	}
}

func TestWellFormed(t *testing.T) {
	for _, text := range []string{
		"<R><Text>x</Text></R>",
		"\uFEFF<R><Text>x</Text></R>",
		" \r\n\t<R><Text>x</Text></R>\n ",
		"<?xml version='1.0' encoding='UTF-8' standalone=\"yes\"?>\n<!-- - --><?pi?><R><Text>x</Text></R><!-- after --><?pi x?>\n",
		"<R ><Text\n>x</Text\t></R >",
		"<p:R><q:Text>x</q:Text></p:R>",
		`<R a="1" b='"' c:d="&gt;>]]>"><Text e="">x</Text></R>`,
		"<R><Text>x</Text><Unknown><Text>y</Text><Deep a='/>'/></Unknown></R>",
		"<R><Text>x</Text>" + strings.Repeat("<a>", maxDepth-1) + strings.Repeat("</a>", maxDepth-1) + "</R>",
		"<R><Text>x</Text><!--" + strings.Repeat("-x", maxTag) + "--></R>",
		"<R><Text>x</Text" + strings.Repeat(" ", 2*bufferSize) + "></R>",
		"<R><Text a='" + strings.Repeat("x", 2*bufferSize) + "'>x</Text></R>",
		"<R><ä-1.·>y</ä-1.·><_/><Text>x</Text></R>",
	} {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "half": iotest.HalfReader,
		} {
			var n note
			if err := Decode(reader(strings.NewReader(text)), &n); err != nil || n.Text != "x" {
				t.Errorf("%s, %.80q: got %q, %v", name, text, n.Text, err)
			}
		}
	}
}

var malformed = []struct {
	text string
	want error // nil if only the message counts
	path string
}{
	{"", io.ErrUnexpectedEOF, "decode XML: "},
	{" <!-- only -->", io.ErrUnexpectedEOF, "decode XML: "},
	{"text", errOutside, "decode XML: "},
	{"<R/>text", errOutside, "decode XML: "},
	{"<R/><S/>", errOutside, "decode XML: "},
	{"<R></R></R>", errOutside, "decode XML: "},
	{"</R>", errOutside, "decode XML: "},
	{"<![CDATA[]]><R/>", errOutside, "decode XML: "},
	{"<!DOCTYPE R><R/>", errDoctype, "decode XML: "},
	{"<R><!ENTITY a 'b'></R>", errDoctype, "at R: "},
	{"<?xml version='1.1'?><R/>", errVersion, "decode XML: "},
	{"<?xml version='1.0' encoding = 'utf-16'?><R/>", errEncoding, "decode XML: "},
	{"<R><Text>x</R></Text>", nil, `at R>Text: the end tag is "R"`},
	{"<R><p:Text>x</Text></R>", nil, `at R>Text: the end tag is "Text"`},
	{"<R><Text>x</Text", io.ErrUnexpectedEOF, "at R>Text: "},
	{"<R><Text>x<", io.ErrUnexpectedEOF, "at R>Text: "},
	{"<R><Text/></Text></R>", nil, `at R: the end tag is "Text"`},
	{"<R><Text>a]]>b</Text></R>", errBracket, "at R>Text: "},
	{"<R><Text>a&b</Text></R>", errEntity, "at R>Text: "},
	{"<R><Text>&unknown;</Text></R>", errEntity, "at R>Text: "},
	{"<R><Text>&;</Text></R>", errEntity, "at R>Text: "},
	{"<R><Text>&#;</Text></R>", errEntity, "at R>Text: "},
	{"<R><Text>&#x;</Text></R>", errEntity, "at R>Text: "},
	{"<R><Text>&#12a;</Text></R>", errEntity, "at R>Text: "},
	{"<R><Text>&#X41;</Text></R>", errEntity, "at R>Text: "},
	{"<R><Text>&#0;</Text></R>", errCodePoint, "at R>Text: "},
	{"<R><Text>&#xD800;</Text></R>", errCodePoint, "at R>Text: "},
	{"<R><Text>&#xFFFE;</Text></R>", errCodePoint, "at R>Text: "},
	{"<R><Text>&#x110000;</Text></R>", errCodePoint, "at R>Text: "},
	{"<R><Text>&#99999999999999999999;</Text></R>", errCodePoint, "at R>Text: "},
	{"<R><Text>\xFF</Text></R>", errUTF8, "at R>Text: "},
	{"<R><Text>\xED\xA0\x80</Text></R>", errUTF8, "at R>Text: "},
	{"<R><Text>\x00</Text></R>", nil, "at R>Text: XML does not allow the character U+0000"},
	{"<R><Text>\uFFFE</Text></R>", nil, "at R>Text: XML does not allow the character U+FFFE"},
	{"<R><Skip>\x01</Skip></R>", nil, "at R>Skip: XML does not allow the character U+0001"},
	{"<R>\xFF</R>", errUTF8, "at R: "},
	{"<R><![CDATA[\xFF]]></R>", errUTF8, "at R: "},
	{"<R><![CDATX[]]></R>", errTag, "at R: "},
	{"<R><!- x --></R>", errTag, "at R: "},
	{"<R><!-- a -- b --></R>", errComment, "at R: "},
	{"<R><!-- a ---></R>", errComment, "at R: "},
	{"<R><1/></R>", errName, "at R: "},
	{"<R>< Text/></R>", errName, "at R: "},
	{"<R><a:b:c/></R>", errName, "at R: "},
	{"<R><a\xFF/></R>", errName, "at R: "},
	{"<R><×/></R>", errName, "at R: "},
	{"<R/ >", errTag, "at R: "},
	{"<R a></R>", errTag, "at R: "},
	{"<R a=b></R>", errTag, "at R: "},
	{"<R a='<'></R>", errLess, "at R: "},
	{"<R a='&x;'></R>", errEntity, "at R: "},
	{"<R a='\x02'></R>", nil, "at R: XML does not allow the character U+0002"},
	{"<R></R x>", errTag, "at R: "},
	{"<R><? ?></R>", errName, "at R: "},
	{"<R><Count>1x</Count></R>", nil, `at R>Count: "1x" is no int`},
	{"<R><Count>9223372036854775808</Count></R>", nil, `at R>Count: "9223372036854775808" is no int`},
}

func TestMalformed(t *testing.T) {
	for _, test := range malformed {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader,
		} {
			err := Decode(reader(strings.NewReader(test.text)), new(note))
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("%s, %q: %v; want %q and %v", name, test.text, err, test.path, test.want)
			}
		}
	}
}

func TestBadValuesNameTheElement(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"<Properties><Last-Modified>yesterday</Last-Modified></Properties>", `Blob>Properties>Last-Modified: "yesterday" is no time`},
		{"<Properties><AccessTierInferred>maybe</AccessTierInferred></Properties>", `Blob>Properties>AccessTierInferred: "maybe" is no boolean`},
		{"<Properties><TagCount>65536</TagCount></Properties>", `Blob>Properties>TagCount: "65536" is no uint16`},
		{"<Properties><Content-MD5>secret!</Content-MD5></Properties>", `Blob>Properties>Content-MD5: invalid base64`},
		{`<Name Encoded="true">a%</Name>`, `Blob>Name: invalid percent escape`},
		{`<Name Encoded="true">a%2</Name>`, `Blob>Name: invalid percent escape`},
		{`<Name Encoded="1">a%2g</Name>`, `Blob>Name: invalid percent escape`},
	} {
		err := Decode(strings.NewReader(listingHead+"<Blob>"+test.text+"</Blob>"+listingTail), new(blobPage))
		if want := "decode XML at EnumerationResults>Blobs>" + test.want; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A body that ends early is never taken for a whole one.
func TestTruncated(t *testing.T) {
	for end := range realistic {
		err := Decode(strings.NewReader(realistic[:end]), new(blobPage))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("after %d bytes: %v", end, err)
		}
	}
}

func TestErrorsOfTheReader(t *testing.T) {
	failed := errors.New("connection reset")
	for end := range len(realistic) + 1 {
		err := Decode(io.MultiReader(strings.NewReader(realistic[:end]), iotest.ErrReader(failed)), new(blobPage))
		if !errors.Is(err, failed) {
			t.Fatalf("after %d bytes: %v", end, err)
		}
	}
	if err := Decode(stuckReader{}, new(note)); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing: %v", err)
	}
	if err := Decode(lyingReader{}, new(note)); !errors.Is(err, errReaderSize) {
		t.Errorf("a reader that counts wrong: %v", err)
	}
}

type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

type lyingReader struct{}

func (lyingReader) Read(p []byte) (int, error) { return len(p) + 1, nil }

// A connection can be used again only after its body was read to the end.
func TestDecodeReadsToTheEnd(t *testing.T) {
	r := strings.NewReader("<R/>" + strings.Repeat(" ", 3*bufferSize))
	if err := Decode(r, new(note)); err != nil || r.Len() != 0 {
		t.Errorf("%d bytes are left, %v", r.Len(), err)
	}
}

func TestRootName(t *testing.T) {
	err := Decode(strings.NewReader("<Error><Code>x</Code></Error>"), new(blobPage))
	if err == nil || err.Error() != "decode XML at Error: the root element is not EnumerationResults" {
		t.Error(err)
	}
	if err := Decode(strings.NewReader("<p:EnumerationResults/>"), new(blobPage)); err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		name string
		text string
		want error
	}{
		{"depth", strings.Repeat("<R>", maxDepth+1) + strings.Repeat("</R>", maxDepth+1), errTooDeep},
		{"text at the limit", "<R><Text>" + strings.Repeat("x", maxText) + "</Text></R>", nil},
		{"text", "<R><Text>" + strings.Repeat("x", maxText+1) + "</Text></R>", errTooLarge},
		{"skipped text", "<R><Skip>" + strings.Repeat("x", maxText+1) + "</Skip></R>", errTooLarge},
		{"text in pieces", "<R><Text>" + strings.Repeat(strings.Repeat("x", maxText/2)+"<!---->", 3) + "</Text></R>", errTooLarge},
		{"own text in pieces", "<R>" + strings.Repeat(strings.Repeat("x", maxText/2)+"<a/>", 3) + "</R>", errTooLarge},
		{"CDATA", "<R><Text><![CDATA[" + strings.Repeat("x", maxText+1) + "]]></Text></R>", errTooLarge},
		{"endless text", "<R><Text>" + strings.Repeat("x", 3*maxText), errTooLarge},
		{"attribute at the limit", "<R Attr='" + strings.Repeat("x", maxTag-4) + "'/>", nil},
		{"attribute", "<R a='" + strings.Repeat("x", maxTag+1) + "'/>", errTooLarge},
		{"attributes", "<R " + strings.Repeat("a='"+strings.Repeat("x", maxTag/8)+"' ", 9) + "/>", errTooLarge},
		{"name", "<" + strings.Repeat("x", maxTag+1) + "/>", errTooLarge},
		{"names", strings.Repeat("<"+strings.Repeat("x", maxTag/8)+">", 9), errTooLarge},
		{"instruction", "<?a " + strings.Repeat("x", maxTag+1) + "?><R/>", errTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, reader := range map[string]func(io.Reader) io.Reader{
				"whole": func(r io.Reader) io.Reader { return r },
				"small": func(r io.Reader) io.Reader { return &smallReader{r} },
			} {
				if err := Decode(reader(strings.NewReader(test.text)), new(note)); !errors.Is(err, test.want) {
					t.Errorf("%s: %.200v, want %v", name, err, test.want)
				}
			}
		})
	}
}

// smallReader gives odd little pieces, so that limits are met at every place.
type smallReader struct{ r io.Reader }

func (s *smallReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 4093)]) }

// The pool must not keep a document alive, nor what was decoded from it.
func TestReleasedDecoderHoldsNothing(t *testing.T) {
	var page blobPage
	d := new(decoder)
	d.reset(strings.NewReader(listingHead + "<Blob><Name>" + strings.Repeat("&amp;", bufferSize) + "</Name></Blob>" + listingTail))
	if err := d.document(mustPlan(reflect.TypeFor[blobPage]()), "", reflect.ValueOf(&page).Elem()); err != nil {
		t.Fatal(err)
	}
	if len(d.slabs) != 1 || len(d.buf) <= bufferSize || cap(d.decoded) <= bufferSize {
		t.Fatal("the document is too simple for this test")
	}
	d.release()
	if d.r != nil || len(d.slabs) != 0 || d.slabs[:1][0].items.IsValid() || d.seen.slots != [512]string{} {
		t.Error("a released decoder holds on to a document")
	}
	if len(d.buf) > bufferSize || cap(d.decoded) > bufferSize || cap(d.joined) > bufferSize {
		t.Error("a released decoder holds on to large buffers")
	}
}

// The message stays short and readable, whatever the names in the document are.
func TestPathIsShort(t *testing.T) {
	_, err := decodeNote(strings.Repeat("<"+strings.Repeat("ö", 500)+">", 20))
	if err == nil || len(err.Error()) > 300 || strings.ToValidUTF8(err.Error(), "") != err.Error() {
		t.Errorf("%q", err)
	}
}

// A decoder goes back into the pool after an error, and must not remember anything of it.
func TestDecoderAfterAnError(t *testing.T) {
	for _, text := range []string{"<R><Text>a", "<R a='b", "<R/", "<R><Text/", "<R><Lines><Line>x</Line>", "<R><!--", "x", "<R><Text>&amp;"} {
		if _, err := decodeNote(text); err == nil {
			t.Fatalf("%q was accepted", text)
		}
		got, err := decodeNote("<R><Text>x</Text></R>")
		if want := (note{Text: "x"}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("after %q: %+v, %v", text, got, err)
		}
	}
}
