package wire

import (
	"net/http"
	"reflect"
	"testing"
	"time"
)

type answered struct {
	Text   string            `response:"x-text|x-other"`
	Yes    bool              `response:"x-yes"`
	No     bool              `response:"x-no"`
	Number *int64            `response:"x-number"`
	Time   time.Time         `response:"Last-Modified"`
	Sum    []byte            `header:"x-sent" response:"Content-MD5"`
	Map    map[string]string `response:"x-ms-meta-*"`
	Wait   time.Duration     `header:"x-seconds,seconds" response:"x-seconds,seconds"`
	Sent   string            `header:"x-sent-only" response:"-"`
}

func TestEncodeHeader(t *testing.T) {
	in := answered{
		Text: "some", Yes: true, Number: new(int64(0)), Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Sum: []byte{1, 2}, Map: map[string]string{"a_1": "v"}, Wait: 1500 * time.Millisecond, Sent: "never",
	}
	h := http.Header{}
	EncodeHeader(&in, h)
	want := http.Header{
		"X-Text": {"some"}, "X-Yes": {"true"}, "X-Number": {"0"}, "Last-Modified": {"Fri, 02 Jan 2026 03:04:05 GMT"},
		"Content-Md5": {"AQI="}, "X-Ms-Meta-A_1": {"v"}, "X-Seconds": {"2"},
	}
	if !reflect.DeepEqual(h, want) {
		t.Fatalf("got %v\nwant %v", h, want)
	}
	var out answered
	DecodeHeader(h, &out)
	in.Wait, in.Sent = 2*time.Second, ""
	if !reflect.DeepEqual(in, out) {
		t.Errorf("decoded %+v\nwant %+v", out, in)
	}
}
