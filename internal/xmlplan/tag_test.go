package xmlplan

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

type named string

type inner struct {
	X string `xml:"X"`
	N int    `xml:"N"`
}

type embedded struct {
	E string `xml:"E"`
}

type tree struct {
	Name string `xml:"Name"`
	Sub  []tree `xml:"Sub"`
	Next *tree  `xml:"Next"`
}

type mixedItem struct {
	Kind string `xml:",name"`
	ID   string `xml:",chardata"`
}

// codecTest decodes text into a new value of the type of want, and encodes it
// again: to the same text, unless encoded is given.
type codecTest struct {
	name    string
	text    string
	want    any
	encoded string
}

const noText = "-" // encoded, for what has nothing to encode

var codecTests = []codecTest{
	{"string", `<A>a</A>`, struct {
		A string `xml:"A"`
	}{"a"}, ""},
	{"white space in a string stays", "<A> a\n\t </A>", struct {
		A string `xml:"A"`
	}{" a\n\t "}, ""},
	{"named string", `<A>a</A>`, struct {
		A named `xml:"A"`
	}{"a"}, ""},
	{"bools", `<A>true</A><B>false</B><C>1</C><D> 0 </D><E>True</E>`, struct {
		A bool `xml:"A"`
		B bool `xml:"B"`
		C bool `xml:"C"`
		D bool `xml:"D"`
		E bool `xml:"E"`
	}{A: true, C: true, E: true}, `<A>true</A><C>true</C><E>true</E>`},
	{"integers", `<A>-9223372036854775808</A><B> -128
</B><C>18446744073709551615</C><D>7</D><E>65535</E>`, struct {
		A int64  `xml:"A"`
		B int8   `xml:"B"`
		C uint64 `xml:"C"`
		D int32  `xml:"D"`
		E uint16 `xml:"E"`
	}{-1 << 63, -128, 1<<64 - 1, 7, 65535}, `<A>-9223372036854775808</A><B>-128</B><C>18446744073709551615</C><D>7</D><E>65535</E>`},
	{"times", `<A>Sun, 01 Mar 2026 10:11:12 GMT</A><B>2026-03-01T10:11:12.0000000Z</B>`, struct {
		A time.Time `xml:"A"`
		B time.Time `xml:"B,iso8601"`
	}{time.Date(2026, 3, 1, 10, 11, 12, 0, time.UTC), time.Date(2026, 3, 1, 10, 11, 12, 0, time.UTC)},
		`<A>Sun, 01 Mar 2026 10:11:12 GMT</A><B>2026-03-01T10:11:12Z</B>`},
	{"durations", `<A>3600</A><B>0</B><C>9223372036</C>`, struct {
		A time.Duration `xml:"A,seconds"`
		B time.Duration `xml:"B,seconds,always"`
		C time.Duration `xml:"C,seconds"`
	}{time.Hour, 0, 9223372036 * time.Second}, ""},
	{"bytes", `<A>AQI=</A>`, struct {
		A []byte `xml:"A"`
	}{[]byte{1, 2}}, ""},
	{"pointers to zero", `<A></A><B>0</B><C>false</C><D></D><E></E>`, struct {
		A *string    `xml:"A"`
		B *int       `xml:"B"`
		C *bool      `xml:"C"`
		D *time.Time `xml:"D"`
		E *inner     `xml:"E"`
		F *string    `xml:"F"`
	}{A: new(string), B: new(int), C: new(bool), D: new(time.Time), E: new(inner)}, ""},
	{"empty elements", `<A/><B /><C></C><D/><E/><F> </F><G/><H/>`, struct {
		A string    `xml:"A"`
		B int       `xml:"B"`
		C time.Time `xml:"C"`
		D bool      `xml:"D"`
		E []byte    `xml:"E"`
		F uint8     `xml:"F"`
		G metadata  `xml:"G"`
		H inner     `xml:"H"`
	}{}, noText},
	{"structs", `<A><X>x</X></A><B><N>1</N></B>`, struct {
		A inner  `xml:"A"`
		B *inner `xml:"B"`
	}{inner{X: "x"}, &inner{N: 1}}, ""},
	{"untagged structs", `<E>e</E><X>x</X>`, struct {
		embedded
		Named   inner
		Ignored string
		Hidden  inner `xml:"-"`
	}{embedded: embedded{"e"}, Named: inner{X: "x"}}, ""},
	{"untagged structs in untagged structs", `<A>a</A><B>b</B><C>c</C>`, struct {
		One struct {
			Two struct {
				Three struct {
					A string `xml:"A"`
					B string `xml:"B"`
					C string `xml:"C"`
				}
			}
		}
	}{One: nest("a", "b", "c")}, ""},
	{"path", `<P><Q><A>a</A><B>b</B></Q></P>`, struct {
		A string `xml:"P>Q>A"`
		B string `xml:"P>Q>B"`
	}{"a", "b"}, ""},
	{"path in two parts", `<P><A>a</A></P><P><B>b</B></P>`, struct {
		A string `xml:"P>A"`
		B string `xml:"P>B"`
	}{"a", "b"}, `<P><A>a</A><B>b</B></P>`},
	{"slices", `<S>a</S><S></S><L><I><X>x</X></I><I></I></L><P><N>1</N></P>`, struct {
		S []named  `xml:"S"`
		L []inner  `xml:"L>I"`
		P []*inner `xml:"P"`
	}{[]named{"a", ""}, []inner{{X: "x"}, {}}, []*inner{{N: 1}}}, ""},
	{"mixed slices", `<L><I>1</I><J>2</J><I>3</I></L>`, struct {
		I []string `xml:"L>I"`
		J []string `xml:"L>J"`
	}{[]string{"1", "3"}, []string{"2"}}, `<L><I>1</I><I>3</I><J>2</J></L>`},
	{"mixed list", `<B>1</B><A>2</A><C>3</C><B></B>`, struct {
		L []mixedItem `xml:"A|B|C"`
	}{[]mixedItem{{"B", "1"}, {"A", "2"}, {"C", "3"}, {"B", ""}}}, ""},
	{"text directly in the element", `one<X>x</X> two`, struct {
		T string `xml:",chardata"`
		X string `xml:"X"`
	}{"one two", "x"}, `one two<X>x</X>`},
	{"map", `<M><Key>v</Key><a-b.c_d> w </a-b.c_d></M>`, struct {
		M map[string]string `xml:"M"`
	}{map[string]string{"Key": "v", "a-b.c_d": " w "}}, ""},
	{"lower map", `<M><KEY>V</KEY><ÄÖ>w</ÄÖ></M>`, struct {
		M metadata `xml:"M,lower"`
	}{metadata{"key": "V", "äö": "w"}}, `<M><key>V</key><äö>w</äö></M>`},
	{"pairs", `<T><S><P><Key>k</Key><Value>v</Value></P><P><Value>w</Value><Other><Key>x</Key></Other><Key>j</Key></P><P><Key>e</Key></P></S></T>`, struct {
		M metadata `xml:"T>S>P,pairs"`
	}{metadata{"k": "v", "j": "w", "e": ""}},
		`<T><S><P><Key>e</Key><Value></Value></P><P><Key>j</Key><Value>w</Value></P><P><Key>k</Key><Value>v</Value></P></S></T>`},
	{"encoded", `<A Encoded="true">a%2Fb+%EF%BF%BF</A><B>a%2F</B><C Encoded="false">%41</C>`, struct {
		A string  `xml:"A,encoded"`
		B named   `xml:"B,encoded"`
		C *string `xml:"C,encoded"`
	}{"a/b+\uFFFF", "a%2F", new("%41")}, `<A Encoded="true">a/b%2B%EF%BF%BF</A><B>a%2F</B><C>%41</C>`},
	{"etag", `<A>0x1</A><B>"0x2"</B><C>W/"0x3"</C><D></D>`, struct {
		A entityTag `xml:"A,etag"`
		B string    `xml:"B,etag"`
		C string    `xml:"C,etag"`
		D string    `xml:"D,etag"`
	}{`"0x1"`, `"0x2"`, `W/"0x3"`, ""}, `<A>"0x1"</A><B>"0x2"</B><C>W/"0x3"</C>`},
	{"alternatives", `<B>b</B>`, struct {
		A string `xml:"A|B"`
	}{"b"}, `<A>b</A>`},
	{"always", `<A></A><B>0</B><C>false</C><D></D><E></E><F></F><G></G>`, struct {
		A string    `xml:"A,always"`
		B int       `xml:"B,always"`
		C bool      `xml:"C,always"`
		D time.Time `xml:"D,always"`
		E inner     `xml:"E,always"`
		F []string  `xml:"F>G,always"`
		G metadata  `xml:"G,always"`
	}{}, ""},
	{"unknown elements", `<Q><A>no</A></Q><A>a<B>c</B>b</A>text<!-- A --><?p <A>?>`, struct {
		A string `xml:"A"`
	}{"ab"}, `<A>ab</A>`},
	{"recursive type", `<Name>1</Name><Sub><Name>2</Name><Sub><Name>3</Name></Sub></Sub><Next><Name>4</Name></Next>`,
		tree{Name: "1", Sub: []tree{{Name: "2", Sub: []tree{{Name: "3"}}}}, Next: &tree{Name: "4"}}, ""},
}

// nest makes the value of a type that would be too long to write out twice.
func nest(a, b, c string) (one struct {
	Two struct {
		Three struct {
			A string `xml:"A"`
			B string `xml:"B"`
			C string `xml:"C"`
		}
	}
}) {
	one.Two.Three.A, one.Two.Three.B, one.Two.Three.C = a, b, c
	return one
}

func TestTags(t *testing.T) {
	for _, test := range codecTests {
		t.Run(test.name, func(t *testing.T) {
			got := reflect.New(reflect.TypeOf(test.want))
			if err := Decode(strings.NewReader("<Root>"+test.text+"</Root>"), got.Interface()); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Elem().Interface(), test.want) {
				t.Errorf("got %+v, want %+v", got.Elem(), test.want)
			}
			want := test.encoded
			switch want {
			case "":
				want = test.text
			case noText:
				want = ""
			}
			text, err := Encode("Root", test.want)
			if err != nil {
				t.Fatal(err)
			}
			if want = header + "<Root>" + want + "</Root>"; string(text) != want {
				t.Errorf("encoded\n%s, want\n%s", text, want)
			}
		})
	}
}

func TestAttributes(t *testing.T) {
	type document struct {
		Text    string   `xml:"Text,attr"`
		Number  *int     `xml:"Number,attr"`
		Flag    bool     `xml:"Flag,attr,always"`
		Kind    string   `xml:"Item>Kind,attr"`
		Item    inner    `xml:"Item"`
		Path    string   `xml:"Wrap>Path,attr"`
		Meta    metadata `xml:"Meta"`
		Crypted string   `xml:"Meta>Crypted,attr"`
	}
	text := `<Root Text="a &quot;&#xA;&lt;'" Number="0" Flag="false"><Item Kind="k"><X>x</X></Item><Wrap Path="p"></Wrap><Meta Crypted="c"><a>b</a></Meta></Root>`
	want := document{Text: "a \"\n<'", Number: new(0), Kind: "k", Item: inner{X: "x"}, Path: "p", Meta: metadata{"a": "b"}, Crypted: "c"}
	var got document
	if err := Decode(strings.NewReader(text), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	encoded, err := Encode("Root", &want)
	if err != nil {
		t.Fatal(err)
	}
	if string(encoded) != header+text {
		t.Errorf("encoded %s, want %s", encoded, text)
	}

	got = document{}
	if err := Decode(strings.NewReader(`<Root xmlns:Text="no"/>`), &got); err != nil || got.Text != "" {
		t.Errorf("the declaration of a name space became an attribute: %+v, %v", got, err)
	}
	err = Decode(strings.NewReader(`<p:Root xmlns:Text="no" Number = '5' Text="one" other="" p:Text='"two"'/>`), &got)
	if err != nil || got.Text != `"two"` || *got.Number != 5 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A list that is there but empty clears what the service has, a nil list does not.
func TestEmptyListsAndMaps(t *testing.T) {
	type document struct {
		L []inner  `xml:"L>I"`
		M metadata `xml:"M"`
		P metadata `xml:"T>P,pairs"`
		S []string `xml:"S"`
		B []byte   `xml:"B"`
	}
	for _, test := range []struct {
		v    document
		want string
	}{
		{document{}, ``},
		{document{L: []inner{}, M: metadata{}, P: metadata{}, S: []string{}, B: []byte{}}, `<L></L><M></M><T></T>`},
	} {
		text, err := Encode("Root", test.v)
		if err != nil {
			t.Fatal(err)
		}
		if want := header + "<Root>" + test.want + "</Root>"; string(text) != want {
			t.Errorf("got %s, want %s", text, want)
		}
	}
}

func TestNilItemsAreLeftOut(t *testing.T) {
	text, err := Encode("Root", struct {
		L []*inner `xml:"I"`
	}{[]*inner{nil, {X: "x"}, nil}})
	if err != nil || string(text) != header+"<Root><I><X>x</X></I></Root>" {
		t.Errorf("%s, %v", text, err)
	}
}

// Decoding adds to what is there, as the documentation says.
func TestDecodeAdds(t *testing.T) {
	type document struct {
		L []string `xml:"L"`
		M metadata `xml:"M"`
		P *inner   `xml:"P"`
		T metadata `xml:"T,pairs"`
	}
	v := document{L: []string{"1"}, M: metadata{"a": "1", "b": "1"}, P: &inner{X: "x"}}
	text := `<R><L>2</L><M><b>2</b></M><P><N>3</N></P><M><c>3</c></M><T><Key>k</Key></T><T><Key>j</Key></T></R>`
	if err := Decode(strings.NewReader(text), &v); err != nil {
		t.Fatal(err)
	}
	stale := []inner{{X: "stale", N: 1}}
	reused := struct {
		L []inner `xml:"L"`
	}{stale[:0]}
	if err := Decode(strings.NewReader("<R><L><N>2</N></L></R>"), &reused); err != nil || reused.L[0] != (inner{N: 2}) {
		t.Errorf("an item has something of an earlier one: %+v, %v", reused, err)
	}
	want := document{[]string{"1", "2"}, metadata{"a": "1", "b": "2", "c": "3"}, &inner{"x", 3}, metadata{"j": "", "k": ""}}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("got %+v, want %+v", v, want)
	}
}
