package pipeline

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// batchTransport keeps the bodies of requests, and answers them in turn.
type batchTransport struct {
	t        *testing.T
	statuses []int
	header   http.Header
	requests []*http.Request
	bodies   []string
}

func (b *batchTransport) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		b.t.Errorf("a body of %d bytes, of which %d were announced: %v", len(body), r.ContentLength, err)
	}
	_ = r.Body.Close()
	again, err := r.GetBody()
	if err != nil {
		b.t.Fatal(err)
	}
	if second, err := io.ReadAll(again); string(second) != string(body) || err != nil {
		b.t.Errorf("the body for a second connection is another: %v", err)
	}
	_ = again.Close()
	status := b.statuses[len(b.requests)]
	b.requests, b.bodies = append(b.requests, r), append(b.bodies, string(body))
	return &http.Response{StatusCode: status, Header: b.header, Request: r, Body: http.NoBody}, nil
}

// partsFor are two parts, as the root makes them.
func partsFor(t *testing.T) []*http.Request {
	t.Helper()
	var parts []*http.Request
	for _, url := range []string{"https://account.blob.core.windows.net/c/a%20b?snapshot=2026-01-02T03%3A04%3A05.0000000Z", "https://account.blob.core.windows.net/c/d"} {
		r, err := http.NewRequest("DELETE", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("x-ms-lease-id", "some")
		r.Header.Set("Host", "elsewhere")
		r.Header.Set("Content-Length", "7")
		parts = append(parts, r)
	}
	return parts
}

// signedAs is a part as it reads on the wire, with the signature that belongs to it.
func signedAs(t *testing.T, target, date string) string {
	t.Helper()
	h := http.Header{"X-Ms-Lease-Id": {"some"}, "X-Ms-Date": {date}}
	path, query, _ := strings.Cut(target, "?")
	return "DELETE " + target + " HTTP/1.1\r\n" +
		"Authorization: SharedKey account:" + sign(reference("DELETE", path, query, h, 0, "account"), decodedKey(t)) + "\r\n" +
		"X-Ms-Date: " + date + "\r\nX-Ms-Lease-Id: some\r\nContent-Length: 0\r\n\r\n"
}

func TestBatchIsSignedAtEachTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &batchTransport{t: t, statuses: []int{503, 202}, header: http.Header{"X-Ms-Error-Code": {"ServerBusy"}}}
		p := New(Config{Transport: transport, Auth: SharedKey("account", decodedKey(t)), ServiceVersion: "2026-06-06",
			Retry: Retry{Total: 1, Status: 1, Delay: time.Hour, Factor: 2, MaxDelay: 2 * time.Hour}})
		body := NewBatch(partsFor(t))
		if _, err := do(t, p, "POST", "https://account.blob.core.windows.net/?comp=batch", &Call{Body: body}); err != nil {
			t.Fatal(err)
		}
		boundary := strings.TrimPrefix(body.ContentType(), "multipart/mixed; boundary=")
		var dates []string
		for i, got := range transport.bodies {
			date := transport.requests[i].Header.Get("x-ms-date")
			dates = append(dates, date)
			head := "--" + boundary + "\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: "
			want := head + "0\r\n\r\n" + signedAs(t, "/c/a%20b?snapshot=2026-01-02T03%3A04%3A05.0000000Z", date) + "\r\n" +
				head + "1\r\n\r\n" + signedAs(t, "/c/d", date) + "\r\n--" + boundary + "--\r\n"
			if got != want {
				t.Errorf("try %d:\n%s\nwant:\n%s", i, got, want)
			}
			r := transport.requests[i]
			text, err := StringToSign(&http.Request{Method: "POST", URL: r.URL, Header: r.Header, ContentLength: int64(len(got))}, "account")
			if auth := r.Header.Get("Authorization"); err != nil || auth != "SharedKey account:"+sign(text, decodedKey(t)) {
				t.Errorf("try %d: the signature does not cover the length of the body: %v", i, err)
			}
		}
		if len(dates) != 2 || dates[0] == dates[1] {
			t.Errorf("dates %q", dates)
		}
	})
}

func TestBatchParts(t *testing.T) {
	for name, tc := range map[string]struct {
		auth policy.Policy
		want []string
		not  string
	}{
		"SAS":       {SAS("sv=1&sig=s%3D"), []string{"DELETE /c/d?sv=1&sig=s%3D HTTP/1.1\r\n", "Z&sv=1&sig=s%3D HTTP/1.1\r\n"}, "Authorization"},
		"anonymous": {nil, []string{"DELETE /c/d HTTP/1.1\r\n"}, "Authorization"},
		"token":     {Bearer(&fakeCredential{}, ""), []string{"DELETE /c/d HTTP/1.1\r\n", "Authorization: Bearer |https://storage.azure.com/.default\r\n"}, "sig="},
	} {
		transport := &batchTransport{t: t, statuses: []int{202}}
		p := New(Config{Transport: transport, Auth: tc.auth, ServiceVersion: "2026-06-06", Retry: noWait(0)})
		parts := partsFor(t)
		if _, err := do(t, p, "POST", "https://account.blob.core.windows.net/?comp=batch", &Call{Body: NewBatch(parts)}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := transport.bodies[0]
		for _, want := range tc.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s\nlacks %q", name, got, want)
			}
		}
		if strings.Contains(got, tc.not) || strings.Contains(got, "elsewhere") || strings.Contains(got, "Length: 7") || strings.Contains(strings.ToLower(got), "x-ms-version") || strings.Count(got, "X-Ms-Date: ") != 2 {
			t.Errorf("%s: %s", name, got)
		}
		if parts[0].Header.Get("Authorization") != "" || parts[0].Header.Get("x-ms-date") != "" || strings.Contains(parts[0].URL.String(), "sig") {
			t.Errorf("%s: the part itself was changed", name)
		}
	}
}

// TestBatchAfterChallenge has the token refused, and another one asked for: it is
// that of the parts, too.
func TestBatchAfterChallenge(t *testing.T) {
	transport := &batchTransport{t: t, statuses: []int{401, 202}, header: http.Header{"Www-Authenticate": {storageChallenge}}}
	p := New(Config{Transport: transport, Auth: Bearer(&fakeCredential{}, ""), Retry: noWait(0)})
	if _, err := do(t, p, "POST", "https://account.blob.core.windows.net/?comp=batch", &Call{Body: NewBatch(partsFor(t))}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Bearer |", "Bearer " + tenant + "|"} {
		if strings.Count(transport.bodies[i], "Authorization: "+want) != 2 {
			t.Errorf("sending %d: %s", i, transport.bodies[i])
		}
	}
}

func TestBatchRefused(t *testing.T) {
	line, name, long := partsFor(t), partsFor(t), partsFor(t)
	line[1].Header.Set("x-ms-lease-id", "a\r\nDELETE /c/precious HTTP/1.1")
	name[1].Header["x-bad\r\nname"] = []string{"x"}
	long[0].Header.Set("x-ms-if-tags", strings.Repeat("x", 4<<20))
	for what, tc := range map[string]struct {
		parts []*http.Request
		index int // of the part that is at fault, or -1
	}{"line break in a value": {line, 1}, "line break in a name": {name, 1}, "too long": {long, -1}} {
		transport := &batchTransport{t: t}
		p := New(Config{Transport: transport, Auth: SharedKey("account", decodedKey(t)), Retry: noWait(3)})
		_, err := do(t, p, "POST", "https://account.blob.core.windows.net/?comp=batch", &Call{Body: NewBatch(tc.parts)})
		part, ok := errors.AsType[*PartError](err)
		if ok != (tc.index >= 0) || ok && part.Index != tc.index || ok == errors.Is(err, ErrBatchTooLarge) || len(transport.requests) > 0 {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil && strings.Contains(err.Error(), "precious") {
			t.Errorf("%s: the error shows the value: %v", what, err)
		}
	}
	fits := partsFor(t)
	fits[0].Header.Set("x-ms-if-tags", strings.Repeat("x", 4<<20-2000))
	transport := &batchTransport{t: t, statuses: []int{202}}
	p := New(Config{Transport: transport, Auth: SharedKey("account", decodedKey(t)), Retry: noWait(0)})
	if _, err := do(t, p, "POST", "https://account.blob.core.windows.net/?comp=batch", &Call{Body: NewBatch(fits)}); err != nil {
		t.Errorf("a long one that fits: %v", err)
	}
}

// TestBatchBeforeItIsAuthorized reads the body as a policy of the user sees it.
func TestBatchBeforeItIsAuthorized(t *testing.T) {
	b := NewBatch(partsFor(t))
	text, err := io.ReadAll(b.Open())
	if err != nil || int64(len(text)) != b.Len() || bytes.Count(text, []byte("DELETE /c/")) != 2 || bytes.Contains(text, []byte("Authorization")) {
		t.Errorf("%d bytes and not %d, %v: %s", len(text), b.Len(), err, text)
	}
}
