package wire

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// traveller has a field of every kind that goes both ways.
type traveller struct {
	Text   string            `header:"x-ms-text"`
	Flag   bool              `header:"x-ms-flag"`
	Number int64             `header:"x-ms-number"`
	Zero   *int64            `header:"x-ms-zero"`
	Time   time.Time         `header:"x-ms-time"`
	Wait   time.Duration     `header:"x-ms-wait,seconds"`
	Sum    []byte            `header:"Content-MD5"`
	Meta   map[string]string `header:"x-ms-meta-*"`
	Query  string            `query:"query"`
}

// received is a header as it comes out of a connection that it went into.
func received(t *testing.T, h http.Header) http.Header {
	var text bytes.Buffer
	if err := h.Write(&text); err != nil {
		t.Fatal(err)
	}
	text.WriteString("\r\n")
	got, err := textproto.NewReader(bufio.NewReader(&text)).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("%v cannot be received: %v", h, err)
	}
	return http.Header(got)
}

// FuzzHeaders sends a struct in the headers of a request, and what arrives there in
// those of an answer. What is not refused arrives, both times.
func FuzzHeaders(f *testing.F) {
	f.Add("some text", true, int64(-5), int64(0), int64(1_700_000_000), int64(15), []byte("sum"), "key", "value", "a b&c=d")
	f.Add("", false, int64(0), int64(-1), int64(0), int64(0), []byte{}, "", "", "")
	f.Add(" ~", true, int64(1<<62), int64(1), int64(253_402_300_799), int64(1<<31-1), []byte{0, 255}, "_0", "a  b", "\x00\xff+%2F")
	f.Add("a\r\nx-ms-flag: true", false, int64(1), int64(1), int64(1), int64(1), []byte("1"), "camelCase", " x", "é")
	f.Fuzz(func(t *testing.T, text string, flag bool, number, zero, unix, wait int64, sum []byte, key, value, query string) {
		in := traveller{
			Text: text, Flag: flag, Number: number, Zero: &zero, Time: time.Unix(unix, 0).UTC(), Wait: time.Duration(wait) * time.Second,
			Sum: sum, Meta: map[string]string{key: value}, Query: query,
		}
		if year := in.Time.Year(); year < 1 || year > 9999 || wait < 0 || wait >= 1<<31 {
			return
		}
		h := http.Header{}
		q, err := encode(&in, h, nil)
		if good := printableASCII(text) && IsMetadataName(key) && printableASCII(value) && strings.TrimSpace(value) == value && len(key)+len(value) <= maxMetadata; (err == nil) != good {
			t.Fatalf("%+v: %v", in, err)
		}
		if err != nil {
			return
		}
		if values, err := url.ParseQuery(string(q)); err != nil || values.Get("query") != query || len(values) > 1 {
			t.Fatalf("query %q: %q, %v", query, values, err)
		}
		in.Text, in.Query, in.Meta = strings.TrimSpace(text), "", map[string]string{strings.ToLower(key): value}
		if len(sum) == 0 {
			in.Sum = nil
		}
		var there, back traveller
		DecodeHeader(received(t, h), &there)
		if !reflect.DeepEqual(there, in) {
			t.Fatalf("the request brought %+v\nof %+v", there, in)
		}
		h = http.Header{}
		EncodeHeader(&there, h)
		DecodeHeader(received(t, h), &back)
		if !reflect.DeepEqual(back, in) {
			t.Fatalf("the answer brought %+v\nof %+v", back, in)
		}
	})
}

func printableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// FuzzDecodeHeader reads answers with anything in their headers. What could be read
// of one can be sent and read again.
func FuzzDecodeHeader(f *testing.F) {
	f.Add("x-ms-text: a\r\nx-ms-flag: TRUE\r\nx-ms-number: +1\r\nx-ms-zero: -0\r\nContent-MD5: AQI=\r\n")
	f.Add("x-ms-time: Fri, 02 Jan 2026 03:04:05 GMT\r\nx-ms-wait: 99999999999\r\nx-ms-meta-a-b: c\r\nx-ms-meta-A: b\r\nx-ms-meta-: d\r\n")
	f.Add("x-ms-time: 2026-01-02T03:04:05.6Z\r\nx-ms-number: 9223372036854775808\r\nContent-MD5: AQI\r\nx-ms-meta-a: 1\r\nx-ms-meta-a: 2\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(text + "\r\n\r\n"))).ReadMIMEHeader()
		if err != nil {
			return
		}
		var one, two traveller
		DecodeHeader(http.Header(h), &one)
		if !printableASCII(text) && strings.Trim(text, "\r\n") == text || !printableASCII(one.Text) {
			return
		}
		for key, value := range one.Meta {
			if !IsMetadataName(key) || !printableASCII(value) || strings.TrimSpace(value) != value {
				return // of a service that is none
			}
		}
		if one.Time.Year() > 9999 || one.Time.Nanosecond() != 0 || one.Time.Year() < 0 {
			return // a header has whole seconds, and years of four digits
		}
		again := http.Header{}
		EncodeHeader(&one, again)
		DecodeHeader(received(t, again), &two)
		if !reflect.DeepEqual(one, two) {
			t.Fatalf("read %+v\nand then %+v", one, two)
		}
	})
}

// FuzzFault reads answers that say that an operation failed, whatever is in them.
// What the service quotes of the request does not show, be it whole or cut off.
func FuzzFault(f *testing.F) {
	const secret = "q7SECRETq7"
	quotes := []string{"HeaderValue", "QueryParameterValue", "AuthenticationErrorDetail", "XmlNodeValue"}
	f.Add("", "<Error><Code>InvalidHeaderValue</Code><Message>No.\nRequestId:1</Message>", "</Error>", uint8(0))
	f.Add("AuthenticationFailed", "<Error><Code>A</Code>", "\n\nwas", uint8(6))
	f.Add("\xff", "\uFEFF<Error><Message>a&#xD;b</Message><Reason>c", "</Reason></Error>", uint8(3))
	f.Add("BlobNotFound", "<html>", "", uint8(1))
	f.Add("", "<QueryParameterValue>a</HeaderValue>", "x</XmlNodeValue>", uint8(7))
	f.Fuzz(func(t *testing.T, code, before, after string, form uint8) {
		if strings.Contains(before+after, "SECRET") || strings.ContainsAny(before[max(0, len(before)-2):], "<?!") {
			return // the element would be another one
		}
		name := quotes[form%4]
		body := before + "<" + name + ">" + secret
		if form&4 == 0 {
			body += "</" + name + ">"
		}
		fault := newFault(&http.Response{StatusCode: 400, Header: http.Header{"X-Ms-Error-Code": {code}}, Body: io.NopCloser(strings.NewReader(body + after))})
		if strings.ContainsAny(fault.Message, "\r\n") || code != "" && fault.Code != code {
			t.Errorf("%q, %q", fault.Code, fault.Message)
		}
		text, err := io.ReadAll(fault.Response.Body)
		if err != nil || len(text) > 2*maxErrorBody {
			t.Fatalf("a body of %d bytes: %v", len(text), err)
		}
		shown := fault.Error() + string(text)
		for name, value := range fault.Detail {
			shown += name + value
		}
		if strings.Contains(shown, "SECRET") {
			t.Errorf("%s", shown)
		}
	})
}
