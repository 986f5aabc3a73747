package azureblob

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// crlf writes a text as the service does.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

const answerType = "multipart/mixed; boundary=batchresponse_1"

const twoAnswers = `--batchresponse_1
Content-Type: application/http
Content-ID: 1

HTTP/1.1 404 The specified blob does not exist.
x-ms-error-code: BlobNotFound
x-ms-request-id: second
Content-Length: 102
Content-Type: application/xml

<?xml version="1.0" encoding="utf-8"?><Error><Code>BlobNotFound</Code><Message>None.</Message></Error>

--batchresponse_1
Content-Type: application/http
Content-ID: 0

HTTP/1.1 202 Accepted
x-ms-request-id: first
x-ms-delete-type-permanent: true

--batchresponse_1--
`

// inShort is an answer in one line.
func inShort(a batchAnswer) string {
	text := func(r *http.Response) string {
		if r == nil {
			return "none"
		}
		return r.Status[:3] + " " + r.Header.Get("x-ms-request-id") + r.Header.Get("x-ms-error-code")
	}
	var all []string
	for _, p := range a.parts {
		all = append(all, text(p))
	}
	if a.whole != nil {
		all = append(all, "whole "+text(a.whole))
	}
	return strings.Join(all, ", ")
}

func TestReadBatchAnswer(t *testing.T) {
	whole := strings.Replace(twoAnswers, "Content-ID: 1\n", "", 1)
	for name, tc := range map[string]struct {
		kind, body string
		n          int
		want       string
		fails      string
	}{
		"two":                         {body: twoAnswers, n: 2, want: "202 first, 404 secondBlobNotFound"},
		"one is missing":              {body: twoAnswers, n: 3, want: "202 first, 404 secondBlobNotFound, none"},
		"no line break at the end":    {body: strings.TrimSuffix(twoAnswers, "\n"), n: 2, want: "202 first, 404 secondBlobNotFound"},
		"no line breaks in the parts": {body: strings.ReplaceAll(twoAnswers, "\n\n--batch", "\n--batch"), n: 2, want: "202 first, 404 secondBlobNotFound"},
		"more line breaks":            {body: strings.ReplaceAll(twoAnswers, "\n--batch", "\n\n\n--batch"), n: 2, want: "202 first, 404 secondBlobNotFound"},
		"a preamble":                  {body: "some text\n" + twoAnswers, n: 2, want: "202 first, 404 secondBlobNotFound"},
		"quoted boundary":             {kind: `multipart/mixed; boundary="batchresponse_1"`, body: twoAnswers, n: 2, want: "202 first, 404 secondBlobNotFound"},
		"refused as a whole":          {body: whole, n: 2, want: "202 first, none, whole 404 secondBlobNotFound"},
		"breaks off between parts":    {body: twoAnswers[:strings.LastIndex(twoAnswers, "--batchresponse_1--")], n: 2, want: "none, 404 secondBlobNotFound", fails: "broke off"},
		"breaks off in a part":        {body: twoAnswers[:strings.Index(twoAnswers, "x-ms-delete-type")], n: 2, want: "none, 404 secondBlobNotFound", fails: "broke off"},
		"breaks off in the first":     {body: twoAnswers[:60], n: 2, want: "none, none", fails: "broke off"},
		"nothing":                     {body: "", n: 2, want: "none, none", fails: "broke off"},
		"no parts":                    {body: "--batchresponse_1--\n", n: 2, want: "none, none"},
		"twice":                       {body: strings.Replace(twoAnswers, "Content-ID: 1", "Content-ID: 0", 1), n: 2, fails: "twice"},
		"unknown id":                  {body: strings.Replace(twoAnswers, "Content-ID: 1", "Content-ID: 2", 1), n: 2, fails: "not asked for"},
		"negative id":                 {body: strings.Replace(twoAnswers, "Content-ID: 1", "Content-ID: -1", 1), n: 2, fails: "not asked for"},
		"no number":                   {body: strings.Replace(twoAnswers, "Content-ID: 1", "Content-ID: x", 1), n: 2, fails: "not asked for"},
		"no response":                 {body: strings.Replace(twoAnswers, "HTTP/1.1 202 Accepted", "202", 1), n: 2, want: "none, 404 secondBlobNotFound", fails: "cannot be read"},
		"plain text":                  {kind: "text/plain", body: twoAnswers, n: 2, fails: "no multipart"},
		"no boundary":                 {kind: "multipart/mixed", body: twoAnswers, n: 2, fails: "no multipart"},
		"no type":                     {kind: ";", body: twoAnswers, n: 2, fails: "no multipart"},
	} {
		if tc.kind == "" {
			tc.kind = answerType
		}
		for _, body := range []string{crlf(tc.body), tc.body} {
			a, err := readBatchAnswer(tc.kind, strings.NewReader(body), tc.n)
			if got := inShort(a); got != tc.want || (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("%s: %q, %v\nwant %q, %q", name, got, err, tc.want, tc.fails)
			}
		}
	}
	a, err := readBatchAnswer(answerType, strings.NewReader(crlf(twoAnswers)), 2)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(a.parts[1].Body); err != nil || !strings.HasSuffix(string(text), "</Error>") {
		t.Errorf("the body of a part: %q, %v", text, err)
	}
	if _, err := readBatchAnswer(answerType, io.MultiReader(strings.NewReader(crlf(twoAnswers[:200])), errorReader{errBroken}), 2); !errors.Is(err, errBroken) {
		t.Errorf("a connection that breaks: %v", err)
	}
}

var errBroken = errors.New("connection reset")

// FuzzReadBatchAnswer reads answers of all kinds: whatever they hold, each part
// has at most one answer, and no answer is one that a reader of it chokes on.
func FuzzReadBatchAnswer(f *testing.F) {
	f.Add(crlf(twoAnswers), "batchresponse_1", 2)
	f.Add(twoAnswers, "batchresponse_1", 2)
	f.Add(crlf(strings.Replace(twoAnswers, "Content-ID: 1\n", "", 1)), "batchresponse_1", 2)
	f.Add(crlf(twoAnswers[:400]), "batchresponse_1", 2)
	f.Add(crlf(strings.Replace(twoAnswers, "Content-Length: 102", "Transfer-Encoding: chunked", 1)), "batchresponse_1", 2)
	f.Add("--b\r\n\r\nHTTP/1.1 400 Bad\r\n\r\n--b--", "b", 1)
	f.Add("--b\r\n\r\nHTTP/1.1 000 \r0\r\n\r\n--b--", "b", 1)
	f.Fuzz(func(t *testing.T, body, boundary string, n int) {
		n = min(max(n, 0), maxBatchParts)
		a, err := readBatchAnswer("multipart/mixed; boundary="+boundary, strings.NewReader(body), n)
		if len(a.parts) != n && (len(a.parts) != 0 || err == nil) {
			t.Fatalf("%d parts and not %d: %v", len(a.parts), n, err)
		}
		for _, r := range append(slices.Clone(a.parts), a.whole) {
			if r == nil {
				continue
			}
			if text, err := io.ReadAll(r.Body); err != nil {
				t.Errorf("a body of %d bytes: %v", len(text), err)
			}
			if strings.ContainsAny(r.Status, "\r\n") {
				t.Errorf("status %q", r.Status)
			}
		}
	})
}
