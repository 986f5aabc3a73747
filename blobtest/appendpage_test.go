package blobtest_test

import (
	"strings"
	"testing"

	"github.com/goblob/azureblob/blobtest"
)

func TestAppendBlob(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "logs?restype=container", "").expect(t, "container", 201, "")
	raw(t, srv, "PUT", "logs/a", "x", "x-ms-blob-type", "AppendBlob").expect(t, "create with a body", 400, "InvalidHeaderValue")
	raw(t, srv, "PUT", "logs/a", "", "x-ms-blob-type", "AppendBlob").expect(t, "create", 201, "")
	raw(t, srv, "PUT", "logs/b", "x", "x-ms-blob-type", "BlockBlob").expect(t, "block blob", 201, "")
	for _, c := range []struct {
		name, resource, body string
		header               []string
		status               int
		code                 string
		offset, count        string
	}{
		{"first", "logs/a?comp=appendblock", "hello", nil, 201, "", "0", "1"},
		{"at its place", "logs/a?comp=appendblock", " you", []string{"x-ms-blob-condition-appendpos", "5", "x-ms-blob-condition-maxsize", "9"}, 201, "", "5", "2"},
		{"at another place", "logs/a?comp=appendblock", "x", []string{"x-ms-blob-condition-appendpos", "0"}, 412, "AppendPositionConditionNotMet", "", ""},
		{"too large", "logs/a?comp=appendblock", "xx", []string{"x-ms-blob-condition-maxsize", "10"}, 412, "MaxBlobSizeConditionNotMet", "", ""},
		{"condition", "logs/a?comp=appendblock", "x", []string{"If-Match", `"0x1"`}, 412, "ConditionNotMet", "", ""},
		{"nothing", "logs/a?comp=appendblock", "", nil, 400, "InvalidHeaderValue", "", ""},
		{"to a block blob", "logs/b?comp=appendblock", "x", nil, 409, "InvalidBlobType", "", ""},
		{"to no blob", "logs/c?comp=appendblock", "x", nil, 404, "BlobNotFound", "", ""},
		{"seal elsewhere", "logs/a?comp=seal", "", []string{"x-ms-blob-condition-appendpos", "3"}, 412, "AppendPositionConditionNotMet", "", ""},
		{"much, in an old version", "logs/a?comp=appendblock", strings.Repeat("x", 4<<20+1), []string{"x-ms-version", "2021-12-02"}, 413, "RequestBodyTooLarge", "", ""},
		{"seal", "logs/a?comp=seal", "", nil, 200, "", "", ""},
		{"seal again", "logs/a?comp=seal", "", nil, 200, "", "", ""},
		{"to a sealed blob", "logs/a?comp=appendblock", "x", nil, 409, "BlobIsSealed", "", ""},
	} {
		a := raw(t, srv, "PUT", c.resource, c.body, c.header...)
		a.expect(t, c.name, c.status, c.code)
		if a.header.Get("x-ms-blob-append-offset") != c.offset || a.header.Get("x-ms-blob-committed-block-count") != c.count {
			t.Errorf("%s: %v", c.name, a.header)
		}
		if c.status == 201 && (a.header.Get("x-ms-content-crc64") == "" || a.header.Get("ETag") == "" || a.header.Get("x-ms-request-server-encrypted") != "true") {
			t.Errorf("%s: %v", c.name, a.header)
		}
	}
	a := raw(t, srv, "GET", "logs/a", "")
	if a.body != "hello you" || a.header.Get("x-ms-blob-sealed") != "true" || a.header.Get("x-ms-blob-committed-block-count") != "2" {
		t.Errorf("read %+v", a)
	}
}

// Blobs that share their beginning must not write over each other's end.
func TestAppendToCopies(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "logs?restype=container", "")
	raw(t, srv, "PUT", "logs/a", "", "x-ms-blob-type", "AppendBlob")
	for range 5 {
		raw(t, srv, "PUT", "logs/a?comp=appendblock", "x").expect(t, "append", 201, "")
	}
	raw(t, srv, "PUT", "logs/b", "", "x-ms-copy-source", srv.Endpoint()+"/logs/a").expect(t, "copy", 202, "")
	for range 2 {
		raw(t, srv, "PUT", "logs/a?comp=appendblock", "a").expect(t, "append", 201, "")
		raw(t, srv, "PUT", "logs/b?comp=appendblock", "b").expect(t, "append", 201, "")
	}
	for name, want := range map[string]string{"a": "xxxxxaa", "b": "xxxxxbb"} {
		if a := raw(t, srv, "GET", "logs/"+name, ""); a.body != want {
			t.Errorf("%s is %q", name, a.body)
		}
	}
}

func TestAppendLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("50,000 appends")
	}
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "logs?restype=container", "")
	raw(t, srv, "PUT", "logs/a", "", "x-ms-blob-type", "AppendBlob")
	req := newRaw(t, srv.Endpoint()+"/logs/a?comp=appendblock", "PUT", "x")
	req.Header.Set("Authorization", "Bearer some")
	for i := range 50_000 {
		req.Body, _ = req.GetBody()
		if a := do(t, srv, req); a.status != 201 {
			t.Fatalf("block %d: %d %s", i, a.status, a.code)
		}
	}
	req.Body, _ = req.GetBody()
	do(t, srv, req).expect(t, "one block more", 409, "BlockCountExceedsLimit")
}

func pageBlob(t *testing.T) *blobtest.Server {
	t.Helper()
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "disks?restype=container", "").expect(t, "container", 201, "")
	raw(t, srv, "PUT", "disks/a", "", "x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "8192", "x-ms-blob-sequence-number", "5").expect(t, "create", 201, "")
	return srv
}

func putPages(t *testing.T, srv *blobtest.Server, from, to string, header ...string) answer {
	t.Helper()
	n := 512
	for _, c := range [][3]string{{"0", "1023"}, {"1024", "2047"}, {"4096", "5119"}} {
		if c[0] == from && c[1] == to {
			n = 1024
		}
	}
	if to == "510" {
		n = 511
	}
	return raw(t, srv, "PUT", "disks/a?comp=page", strings.Repeat("p", n), append([]string{"x-ms-page-write", "update", "x-ms-range", "bytes=" + from + "-" + to}, header...)...)
}

func pageRanges(t *testing.T, srv *blobtest.Server, query string, header ...string) string {
	t.Helper()
	a := raw(t, srv, "GET", "disks/a?comp=pagelist"+query, "", header...)
	a.expect(t, "ranges "+query, 200, "")
	if a.header.Get("x-ms-blob-content-length") == "" || a.header.Get("ETag") == "" || a.header.Get("Last-Modified") == "" || a.header.Get("Content-Type") != "application/xml" {
		t.Errorf("%v", a.header)
	}
	r := strings.NewReplacer("<PageRange><Start>", "", "</Start><End>", "-", "</End></PageRange>", " ", "<ClearRange><Start>", "!", "</End></ClearRange>", " ")
	_, text, _ := strings.Cut(a.body, "<PageList>")
	text, _, _ = strings.Cut(text, "</PageList>")
	return strings.TrimSpace(r.Replace(text))
}

func TestPageBlob(t *testing.T) {
	srv := pageBlob(t)
	for _, c := range []struct {
		name, from, to string
		header         []string
		status         int
		code           string
	}{
		{"write", "0", "1023", nil, 201, ""},
		{"next to it", "1024", "2047", []string{"x-ms-if-sequence-number-le", "5", "x-ms-if-sequence-number-lt", "6", "x-ms-if-sequence-number-eq", "5"}, 201, ""},
		{"le", "0", "511", []string{"x-ms-if-sequence-number-le", "4"}, 412, "SequenceNumberConditionNotMet"},
		{"lt", "0", "511", []string{"x-ms-if-sequence-number-lt", "5"}, 412, "SequenceNumberConditionNotMet"},
		{"eq", "0", "511", []string{"x-ms-if-sequence-number-eq", "0"}, 412, "SequenceNumberConditionNotMet"},
		{"start off", "1", "512", nil, 400, "InvalidHeaderValue"},
		{"end off", "0", "510", nil, 400, "InvalidHeaderValue"},
		{"open end", "0", "", nil, 400, "InvalidHeaderValue"},
		{"other length", "0", "4095", nil, 400, "InvalidHeaderValue"},
		{"past the end", "8192", "8703", nil, 416, "InvalidPageRange"},
		{"no range", "0", "511", []string{"x-ms-range", ""}, 400, "MissingRequiredHeader"},
		{"further on", "4096", "5119", nil, 201, ""},
	} {
		a := putPages(t, srv, c.from, c.to, c.header...)
		a.expect(t, c.name, c.status, c.code)
		if a.status == 201 && (a.header.Get("x-ms-blob-sequence-number") != "5" || a.header.Get("x-ms-content-crc64") == "") {
			t.Errorf("%s: %v", c.name, a.header)
		}
	}
	if got := pageRanges(t, srv, ""); got != "0-2047 4096-5119" {
		t.Errorf("ranges %s", got)
	}
	if got := pageRanges(t, srv, "", "x-ms-range", "bytes=600-4200"); got != "512-2047 4096-4607" {
		t.Errorf("ranges of a part %s", got)
	}
	one := raw(t, srv, "GET", "disks/a?comp=pagelist&maxresults=1", "").body
	_, marker, _ := strings.Cut(one, "<NextMarker>")
	marker, _, found := strings.Cut(marker, "</NextMarker>")
	if got := pageRanges(t, srv, "&maxresults=1&marker="+marker); !found || strings.Contains(one, "4096") || got != "4096-5119" {
		t.Errorf("second page %s after %s", got, one)
	}
	raw(t, srv, "GET", "disks/a?comp=pagelist&marker=_", "").expect(t, "bad marker", 400, "InvalidQueryParameterValue")
	raw(t, srv, "PUT", "disks/a?comp=page", "", "x-ms-page-write", "clear", "x-ms-range", "bytes=512-4607").expect(t, "clear", 201, "")
	if got := pageRanges(t, srv, ""); got != "0-511 4608-5119" {
		t.Errorf("ranges after clearing %s", got)
	}
	want := strings.Repeat("p", 512) + strings.Repeat("\x00", 4096) + strings.Repeat("p", 512) + strings.Repeat("\x00", 3072)
	if a := raw(t, srv, "GET", "disks/a", ""); a.body != want {
		t.Error("wrong content")
	}
	raw(t, srv, "PUT", "disks/x", "", "x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "100").expect(t, "odd size", 400, "InvalidHeaderValue")
	raw(t, srv, "PUT", "disks/x", "", "x-ms-blob-type", "PageBlob").expect(t, "no size", 400, "MissingRequiredHeader")
	raw(t, srv, "PUT", "disks/x", "", "x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "8796093022208").expect(t, "8 TiB", 201, "")
}

func TestPageProperties(t *testing.T) {
	srv := pageBlob(t)
	putPages(t, srv, "4096", "5119").expect(t, "write", 201, "")
	const sequence, action, size = "x-ms-blob-sequence-number", "x-ms-sequence-number-action", "x-ms-blob-content-length"
	for _, c := range []struct {
		header []string
		status int
		code   string
		now    string
	}{
		{[]string{action, "max", sequence, "3"}, 200, "", "5"},
		{[]string{action, "max", sequence, "8"}, 200, "", "8"},
		{[]string{action, "update", sequence, "0"}, 200, "", "0"},
		{[]string{action, "increment"}, 200, "", "1"},
		{[]string{action, "increment", sequence, "4"}, 400, "InvalidHeaderValue", ""},
		{[]string{action, "update"}, 400, "MissingRequiredHeader", ""},
		{[]string{action, "halve"}, 400, "InvalidHeaderValue", ""},
		{[]string{action, "update", sequence, "9223372036854775807", size, "4608"}, 200, "", "9223372036854775807"},
		{[]string{action, "increment"}, 409, "SequenceNumberIncrementTooLarge", ""},
		{[]string{size, "4000"}, 400, "InvalidHeaderValue", ""},
		{[]string{size, "8192"}, 200, "", "9223372036854775807"},
	} {
		a := raw(t, srv, "PUT", "disks/a?comp=properties", "", c.header...)
		a.expect(t, strings.Join(c.header, " "), c.status, c.code)
		if a.header.Get(sequence) != c.now {
			t.Errorf("%v: %v", c.header, a.header)
		}
	}
	if got := pageRanges(t, srv, ""); got != "4096-4607" {
		t.Errorf("ranges %s", got)
	}
}

func TestPageDiff(t *testing.T) {
	srv := pageBlob(t)
	putPages(t, srv, "0", "1023").expect(t, "write", 201, "")
	putPages(t, srv, "4096", "5119").expect(t, "write", 201, "")
	first := raw(t, srv, "PUT", "disks/a?comp=snapshot", "").header.Get("x-ms-snapshot")
	putPages(t, srv, "512", "1023").expect(t, "same bytes again", 201, "")
	raw(t, srv, "PUT", "disks/a?comp=page", "", "x-ms-page-write", "clear", "x-ms-range", "bytes=4608-8191").expect(t, "clear", 201, "")
	second := raw(t, srv, "PUT", "disks/a?comp=snapshot", "").header.Get("x-ms-snapshot")
	putPages(t, srv, "1024", "2047").expect(t, "write", 201, "")
	for query, want := range map[string]string{
		"&prevsnapshot=" + first:                            "512-2047 !4608-5119",
		"&prevsnapshot=" + second:                           "1024-2047",
		"&prevsnapshot=" + first + "&snapshot=" + second:    "512-1023 !4608-5119",
		"&prevsnapshot=" + second + "&snapshot=" + second:   "",
		"&snapshot=" + second:                               "0-1023 4096-4607",
		"&maxresults=9&prevsnapshot=" + second + "&marker=": "1024-2047",
	} {
		if got := pageRanges(t, srv, query); got != want {
			t.Errorf("%s: %q and not %q", query, got, want)
		}
	}
	if got := pageRanges(t, srv, "", "x-ms-previous-snapshot-url", srv.Endpoint()+"/disks/a?snapshot="+second); got != "1024-2047" {
		t.Errorf("by URL: %s", got)
	}
	list := "disks/a?comp=pagelist&prevsnapshot="
	raw(t, srv, "GET", list+second+"&snapshot="+first, "").expect(t, "newer", 400, "PreviousSnapshotCannotBeNewer")
	raw(t, srv, "GET", list+"2020-01-01T00:00:00.0000000Z", "").expect(t, "none", 409, "PreviousSnapshotNotFound")
	raw(t, srv, "GET", list+"yesterday", "").expect(t, "malformed", 400, "InvalidQueryParameterValue")
	raw(t, srv, "PUT", "disks/a", "", "x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "512").expect(t, "overwrite", 201, "")
	raw(t, srv, "GET", list+first, "").expect(t, "overwritten", 409, "BlobOverwritten")
}
