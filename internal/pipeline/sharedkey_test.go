package pipeline

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func decodedKey(t testing.TB) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(emulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// wordOrder gives a header name a text whose byte order is the order of the
// service: classes of characters by a digit, hyphens only at the end.
func wordOrder(name string) string {
	var key, hyphens strings.Builder
	for _, c := range strings.ToLower(name) {
		if c == '-' {
			hyphens.WriteByte('1')
			continue
		}
		hyphens.WriteByte('0')
		switch {
		case c == '_':
			key.WriteString("1_")
		case c >= '0' && c <= '9':
			key.WriteString("2" + string(c))
		default:
			key.WriteString("3" + string(c))
		}
	}
	return key.String() + "\x00" + hyphens.String()
}

// reference is the text to sign, written from the rules in the plainest way,
// on the encoded path and raw query that a server sees.
func reference(method, path, rawQuery string, h http.Header, length int64, account string) string {
	get := func(name string) string { return strings.Trim(strings.Join(h.Values(name), ","), " \t") }
	size, date := "", get("Date")
	if length > 0 {
		size = strconv.FormatInt(length, 10)
	}
	if _, ok := h["X-Ms-Date"]; ok {
		date = ""
	}
	text := strings.Join([]string{method, get("Content-Encoding"), get("Content-Language"), size,
		get("Content-MD5"), get("Content-Type"), date, get("If-Modified-Since"), get("If-Match"),
		get("If-None-Match"), get("If-Unmodified-Since"), get("Range")}, "\n") + "\n"
	var names []string
	for name := range h {
		if strings.HasPrefix(strings.ToLower(name), "x-ms-") {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(wordOrder(a), wordOrder(b)) })
	for _, name := range names {
		text += strings.ToLower(name) + ":" + strings.Trim(strings.Join(h[name], ","), " \t") + "\n"
	}
	if path == "" {
		path = "/"
	}
	text += "/" + account + path
	query, _ := url.ParseQuery(rawQuery)
	byLower := map[string][]string{}
	for name, values := range query {
		byLower[strings.ToLower(name)] = append(byLower[strings.ToLower(name)], values...)
	}
	params := make([]string, 0, len(byLower))
	for name, values := range byLower {
		slices.Sort(values)
		params = append(params, name+"\x00"+strings.Join(values, ","))
	}
	slices.Sort(params)
	for _, p := range params {
		text += "\n" + strings.Replace(p, "\x00", ":", 1)
	}
	return text
}

func sign(text string, key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

type signCase struct {
	name, method, url string
	header            http.Header
	length            int64
	want              string
}

const date = "Sun, 02 Nov 2026 10:00:00 GMT"

var signCases = []signCase{
	{
		name: "block with an encoded id", method: "PUT",
		url:    "http://127.0.0.1:10000/devstoreaccount1/c/b?comp=block&blockid=AAA%3D",
		header: http.Header{"X-Ms-Date": {date}, "X-Ms-Version": {"2026-06-06"}},
		length: 5,
		want: "PUT\n\n\n5\n\n\n\n\n\n\n\n\nx-ms-date:" + date + "\nx-ms-version:2026-06-06\n" +
			"/devstoreaccount1/devstoreaccount1/c/b\nblockid:AAA=\ncomp:block",
	},
	{
		name: "empty body and all lines", method: "PUT", url: "https://a.blob.core.windows.net/c/b",
		header: http.Header{"Content-Encoding": {"gzip"}, "Content-Language": {"en"}, "Content-Md5": {"m=="},
			"Content-Type": {" text/plain "}, "Date": {date}, "If-Modified-Since": {"s"}, "If-Match": {`"1"`},
			"If-None-Match": {"*"}, "If-Unmodified-Since": {"u"}, "Range": {"bytes=0-1"}, "Accept": {"x"}},
		want: "PUT\ngzip\nen\n\nm==\ntext/plain\n" + date + "\ns\n\"1\"\n*\nu\nbytes=0-1\n/devstoreaccount1/c/b",
	},
	{
		name: "x-ms-date wins, x-ms-range is no Range", method: "GET", url: "https://a.blob.core.windows.net/c/b",
		header: http.Header{"Date": {"other"}, "X-Ms-Date": {date}, "X-Ms-Range": {"bytes=2-3"}},
		want:   "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:" + date + "\nx-ms-range:bytes=2-3\n/devstoreaccount1/c/b",
	},
	{
		name: "order of metadata", method: "PUT", url: "https://a.blob.core.windows.net/c/b?comp=metadata",
		header: http.Header{"X-Ms-Meta-A1": {"2"}, "X-Ms-Meta-A_1": {"1"}, "X-Ms-Meta-A-1": {"3"},
			"X-Ms-Meta-Ab": {"5"}, "X-Ms-Meta-A": {"0"}, "X-Ms-Meta-A9": {"4"}, "X-Ms-Meta-A-B": {"6"}},
		want: "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-meta-a:0\nx-ms-meta-a_1:1\nx-ms-meta-a1:2\nx-ms-meta-a-1:3\n" +
			"x-ms-meta-a9:4\nx-ms-meta-ab:5\nx-ms-meta-a-b:6\n/devstoreaccount1/c/b\ncomp:metadata",
	},
	{
		name: "empty, padded, repeated and raw headers", method: "PUT", url: "https://a.blob.core.windows.net/c",
		header: http.Header{"X-Ms-Meta-E": {""}, "X-Ms-Meta-P": {" \tv  w\t "}, "X-Ms-Meta-R": {"1", " 2 "},
			"x-ms-meta-raw": {"r"}, "X-Ms-Not-Sent": nil},
		want: "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-meta-e:\nx-ms-meta-p:v  w\nx-ms-meta-r:1,2\nx-ms-meta-raw:r\n/devstoreaccount1/c",
	},
	{
		name: "many parameters", method: "GET",
		url:  "https://a.blob.core.windows.net/c?restype=container&comp=list&Prefix=%C3%A4%2Fb+c&include=tags&include=copy&empty=&bare&x=a=b",
		want: "GET\n\n\n\n\n\n\n\n\n\n\n\n/devstoreaccount1/c\nbare:\ncomp:list\nempty:\ninclude:copy,tags\nprefix:\u00e4/b c\nrestype:container\nx:a=b",
	},
	{
		name: "path as encoded", method: "GET", url: "https://a.blob.core.windows.net/c/%C3%A4%2Fb//x/%2E%2E/a%20b+c'",
		want: "GET\n\n\n\n\n\n\n\n\n\n\n\n/devstoreaccount1/c/%C3%A4%2Fb//x/%2E%2E/a%20b+c'",
	},
	{
		name: "empty path", method: "GET", url: "https://a.blob.core.windows.net?comp=list",
		want: "GET\n\n\n\n\n\n\n\n\n\n\n\n/devstoreaccount1/\ncomp:list",
	},
	{
		name: "secondary, path style", method: "GET", url: "http://127.0.0.1:10000/devstoreaccount1-secondary/c",
		want: "GET\n\n\n\n\n\n\n\n\n\n\n\n/devstoreaccount1/devstoreaccount1-secondary/c",
	},
}

func (c signCase) request(t testing.TB) *http.Request {
	t.Helper()
	req, err := http.NewRequest(c.method, c.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = c.length
	if c.header != nil {
		req.Header = c.header.Clone()
	}
	return req
}

func TestStringToSign(t *testing.T) {
	for _, c := range signCases {
		t.Run(c.name, func(t *testing.T) {
			req := c.request(t)
			got, err := StringToSign(req, emulatorAccount)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v\nwant %q", got, err, c.want)
			}
			sent := req.Header.Clone()
			delete(sent, "X-Ms-Not-Sent")
			ref := reference(c.method, req.URL.EscapedPath(), req.URL.RawQuery, sent, c.length, emulatorAccount)
			if strings.Contains(c.name, "repeated") {
				ref = strings.Replace(ref, "1, 2", "1,2", 1) // it trims the joined text only
			}
			if got != ref {
				t.Errorf("got %q\nreference %q", got, ref)
			}
		})
	}
}

// The signature was computed with another program over the text of the first case.
func TestSignature(t *testing.T) {
	const want = "rh5+tdTIdHqU6mVx9IzXGGh5kEp07SOUdCJsNzs6a88="
	if got := sign(signCases[0].want, decodedKey(t)); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestAuthorize(t *testing.T) {
	key := decodedKey(t)
	signer := NewSigner(emulatorAccount, key)
	for _, c := range signCases {
		req := c.request(t)
		req.Header["x-ms-date"] = []string{"stale"}
		if err := signer.Authorize(req); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		//lint:ignore SA1008 the raw key is what the signer has to take away
		if len(req.Header["x-ms-date"]) != 0 || req.Header.Get("x-ms-date") == "" {
			t.Errorf("%s: date %q", c.name, req.Header["X-Ms-Date"])
		}
		text, err := StringToSign(req, emulatorAccount)
		if err != nil {
			t.Fatal(err)
		}
		want := "SharedKey devstoreaccount1:" + sign(text, key)
		if got := req.Header.Get("Authorization"); got != want {
			t.Errorf("%s: got %s, want %s", c.name, got, want)
		}
		checkVerify(t, c.name, signer, req)
	}
}

// checkVerify holds the signature of a request against it, and against another request
// and another signature.
func checkVerify(t *testing.T, name string, signer *Signer, req *http.Request) {
	t.Helper()
	_, encoded, _ := strings.Cut(req.Header.Get("Authorization"), ":")
	signature, _ := base64.StdEncoding.DecodeString(encoded)
	if ok, err := signer.Verify(req, signature); !ok || err != nil {
		t.Errorf("%s: its own signature does not fit: %v", name, err)
	}
	if ok, _ := NewSigner(emulatorAccount, []byte("other")).Verify(req, signature); ok {
		t.Errorf("%s: it fits another key", name)
	}
	for _, wrong := range [][]byte{nil, {}, signature[1:], append(slices.Clone(signature[:31]), signature[31]^1)} {
		if ok, err := signer.Verify(req, wrong); ok || err != nil {
			t.Errorf("%s: %x fits, %v", name, wrong, err)
		}
	}
	req.Header.Set("x-ms-date", "Thu, 01 Jan 1970 00:00:00 GMT")
	if ok, err := signer.Verify(req, signature); ok || err != nil {
		t.Errorf("%s: it fits another date, %v", name, err)
	}
}

func TestAuthorizeRefuses(t *testing.T) {
	signer := NewSigner("a", []byte("secret key"))
	for name, change := range map[string]func(*http.Request){
		"line break":        func(r *http.Request) { r.Header["X-Ms-Meta-A"] = []string{"1\r\nx-ms-meta-b: 2"} },
		"fold":              func(r *http.Request) { r.Header["X-Ms-Meta-A"] = []string{"1\r\n 2"} },
		"NUL":               func(r *http.Request) { r.Header["Accept"] = []string{"\x00"} },
		"DEL":               func(r *http.Request) { r.Header["Accept"] = []string{"a\x7f"} },
		"space in a name":   func(r *http.Request) { r.Header["X-Ms-Meta-A b"] = []string{"1"} },
		"umlaut in a name":  func(r *http.Request) { r.Header["X-Ms-Meta-\u00e4"] = []string{"1"} },
		"byte in a name":    func(r *http.Request) { r.Header["X-Ms-Meta-\xff"] = []string{"1"} },
		"empty name":        func(r *http.Request) { r.Header[""] = []string{"1"} },
		"twice":             func(r *http.Request) { r.Header["x-ms-meta-a"], r.Header["X-Ms-Meta-A"] = []string{"1"}, []string{"2"} },
		"field twice":       func(r *http.Request) { r.Header["range"], r.Header["Range"] = []string{"1"}, []string{"2"} },
		"percent":           func(r *http.Request) { r.URL.RawQuery = "a=%zz" },
		"cut percent":       func(r *http.Request) { r.URL.RawQuery = "a%2=" },
		"opaque URL":        func(r *http.Request) { r.URL.Opaque = "//x/y" },
		"length not known":  func(r *http.Request) { r.ContentLength = -1 },
		"control in a name": func(r *http.Request) { r.Header["X-Ms-\n"] = []string{"1"} },
	} {
		req, _ := http.NewRequest("PUT", "https://a.blob.core.windows.net/c", nil)
		change(req)
		if err := signer.Authorize(req); err == nil || strings.ContainsAny(err.Error(), "\r\n\x00") {
			t.Errorf("%s: error %q", name, err)
		}
		if _, err := StringToSign(req, "a"); err == nil {
			t.Errorf("%s: a text to sign", name)
		}
		if ok, err := signer.Verify(req, nil); ok || err == nil {
			t.Errorf("%s: a signature fits", name)
		}
	}
	// Bytes above ASCII in values are odd, but can be sent and signed.
	req, _ := http.NewRequest("PUT", "https://a.blob.core.windows.net/c", nil)
	req.Header = http.Header{"X-Ms-Meta-A": {"\u00e4\xff\u00a0"}}
	if text, err := StringToSign(req, "a"); err != nil || !strings.Contains(text, "x-ms-meta-a:\u00e4\xff\u00a0\n") {
		t.Errorf("got %q, %v", text, err)
	}
}

// busyRequest is a request with a usual number of headers.
func busyRequest(t testing.TB) *http.Request {
	return signCase{method: "PUT", length: 1 << 20,
		url: "https://a.blob.core.windows.net/photos/2026/cat.jpg?comp=block&blockid=AAAAAAAAAAAAAAAAAAAAAA%3D%3D&timeout=30",
		header: http.Header{"Content-Type": {"image/jpeg"}, "X-Ms-Version": {"2026-06-06"}, "X-Ms-Blob-Type": {"BlockBlob"},
			"X-Ms-Client-Request-Id": {newUUID()}, "X-Ms-Meta-Camera": {"x100"}, "X-Ms-Lease-Id": {newUUID()},
			"X-Ms-Content-Crc64": {"V0JSBnCFdzM="}, "User-Agent": {"azureblob"}}}.request(t)
}

func TestSigningAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops entries under the race detector")
	}
	signer, req := NewSigner("a", decodedKey(t)), busyRequest(t)
	if n := testing.AllocsPerRun(200, func() {
		if err := signer.Authorize(req); err != nil {
			t.Fatal(err)
		}
	}); n > 6 {
		t.Errorf("%v allocations a signing, at most 6 are allowed", n)
	}
}

func BenchmarkAuthorize(b *testing.B) {
	signer, req := NewSigner("a", decodedKey(b)), busyRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := signer.Authorize(req); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzStringToSign(f *testing.F) {
	f.Add("/c/b", "comp=block&blockid=AAA%3D", "x-ms-meta-a_1", "1", "x-ms-meta-a1", "2")
	f.Add("", "a=%zz&&=&b", "X-Ms-Meta-A-1", " \t", "Range", "bytes=0-")
	f.Add("//x/%2F", "A=1&a=0&a+b=c+d", "x-ms-\xc3", "\r\n", "date", "")
	f.Fuzz(func(t *testing.T, path, query, name1, value1, name2, value2 string) {
		req := &http.Request{Method: "GET", Header: http.Header{}, URL: &url.URL{Path: path, RawQuery: query}}
		req.Header[name1] = []string{value1}
		req.Header[name2] = []string{value2}
		got, err := StringToSign(req, "a")
		if err != nil {
			return
		}
		if !wellOrdered(name1) || !wellOrdered(name2) || strings.ContainsAny(query, ";\x00") || hasUpper(query) {
			return // what the reference is not made for
		}
		canonical := http.Header{}
		for name, values := range req.Header {
			canonical[http.CanonicalHeaderKey(name)] = values
		}
		if want := reference("GET", req.URL.EscapedPath(), query, canonical, 0, "a"); got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

// wellOrdered reports whether a name has only characters whose order is known.
func wellOrdered(name string) bool {
	return !strings.ContainsAny(name, "!#$%&'*.^`|~+")
}

// hasUpper reports whether a query has upper-case letters beyond ASCII, which
// the service's parameters do not have.
func hasUpper(query string) bool {
	decoded, _ := url.QueryUnescape(query)
	for _, r := range decoded {
		if r > 0x7f {
			return true
		}
	}
	return strings.Contains(decoded, "\x00")
}
