package conformance

import (
	"bufio"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob/internal/pipeline"
)

// part is a request within a batch.
type part struct {
	method, path, query string
	header              header
	key                 string // that signs it; the account's if empty, none if "-"
}

// batch sends parts to the account or a container, each with its number as Content-ID.
func (s *service) batch(path string, parts ...part) *answer {
	s.Helper()
	const boundary = "batch_5b2c3c4d-0000-4000-8000-00000000000c"
	var body strings.Builder
	for i, p := range parts {
		fmt.Fprintf(&body, "--%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %d\r\n\r\n", boundary, i)
		body.WriteString(s.partText(p))
	}
	body.WriteString("--" + boundary + "--\r\n")
	query := "comp=batch"
	if path != "" {
		query = "restype=container&comp=batch"
	}
	return s.do("POST", path, query, header{"Content-Type": "multipart/mixed; boundary=" + boundary}, body.String())
}

func (s *service) partText(p part) string {
	s.Helper()
	target := s.url(p.path)
	if p.query != "" {
		target += "?" + p.query
	}
	r, err := http.NewRequestWithContext(s.Context(), p.method, target, nil)
	if err != nil {
		s.Fatal(err)
	}
	for name, value := range p.header {
		r.Header.Set(name, value)
	}
	r.Header.Set("x-ms-date", time.Now().UTC().Format(http.TimeFormat))
	if p.key != "-" {
		text, err := pipeline.StringToSign(r, s.account)
		if err != nil {
			s.Fatal(err)
		}
		key := p.key
		if key == "" {
			key = s.key
		}
		r.Header.Set("Authorization", "SharedKey "+s.account+":"+hash(key, text))
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\n", p.method, r.URL.RequestURI())
	for name, values := range r.Header {
		fmt.Fprintf(&text, "%s: %s\r\n", name, values[0])
	}
	text.WriteString("Content-Length: 0\r\n\r\n\r\n")
	return text.String()
}

// parts takes the answer of a batch apart, by Content-ID; "" is a part without one.
func (a *answer) parts() map[string]*answer {
	a.s.Helper()
	_, fields, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		a.s.Fatalf("%s: %v", a.what, err)
	}
	all := map[string]*answer{}
	for reader := multipart.NewReader(strings.NewReader(a.body), fields["boundary"]); ; {
		p, err := reader.NextRawPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			a.s.Fatalf("%s: %v\n%s", a.what, err, a.body)
		}
		text, err := io.ReadAll(p)
		if err != nil {
			a.s.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(text)+"\r\n\r\n")), nil)
		if err != nil {
			a.s.Fatalf("%s: %v\n%s", a.what, err, text)
		}
		// The body ends with the part, whatever its length is said to be.
		_, body, _ := strings.Cut(string(text), "\r\n\r\n")
		_ = resp.Body.Close()
		id := p.Header.Get("Content-Id")
		if all[id] != nil {
			a.s.Errorf("%s: two parts with the ID %q", a.what, id)
		}
		all[id] = &answer{s: a.s, what: a.what + " part " + id, status: resp.StatusCode, code: resp.Header.Get("x-ms-error-code"), header: resp.Header, body: body}
	}
}

// wantParts compares the answers to all parts, given as status and code by turns.
func (a *answer) wantParts(want ...any) map[string]*answer {
	a.s.Helper()
	a.want(202, "")
	got := a.parts()
	for i := 0; i < len(want); i += 2 {
		id := fmt.Sprint(i / 2)
		if got[id] == nil {
			a.s.Errorf("%s: no part %s:\n%s", a.what, id, a.body)
			continue
		}
		got[id].want(want[i].(int), want[i+1].(string))
	}
	if len(got) != len(want)/2 {
		a.s.Errorf("%s: %d parts, want %d", a.what, len(got), len(want)/2)
	}
	return got
}

func TestBatch(t *testing.T) {
	run := func(s *service) {
		remove := func(name string) part { return part{method: "DELETE", path: s.container + "/" + name} }
		tier := func(name, to string) part {
			return part{method: "PUT", path: s.container + "/" + name, query: "comp=tier", header: header{"x-ms-access-tier": to}}
		}
		for _, path := range []string{"", s.container} {
			for _, name := range []string{"a", "b%20c", "d"} {
				s.put(name, "x", nil)
			}
			s.batch(path, tier("a", "Cool"), tier("none", "Cool"), tier("b%20c", "Archive"), tier("d", "P10")).wantParts(200, "", 404, "BlobNotFound", 200, "", 400, "AccessTierNotSupportedForBlobType")
			s.blob("HEAD", "a", "", nil, "").want(200, "").has(header{"x-ms-access-tier": "Cool"})
			s.blob("HEAD", "b%20c", "", nil, "").want(200, "").has(header{"x-ms-access-tier": "Archive"})
			got := s.batch(path, remove("a"), remove("none"), remove("b%20c")).wantParts(202, "", 404, "BlobNotFound", 202, "")
			got["0"].has(header{"x-ms-request-id": "", "x-ms-version": ""})
			got["1"].has(header{"x-ms-request-id": "", "Content-Type": "application/xml"}).holds("<Code>BlobNotFound</Code>", "<Message>")
			s.blob("HEAD", "a", "", nil, "").want(404, "BlobNotFound")
			s.blob("HEAD", "b%20c", "", nil, "").want(404, "BlobNotFound")
			s.blob("HEAD", "d", "", nil, "").want(200, "")
		}
	}
	each(t, run)
	eachSecure(t, run)
}

func TestErrorsOfParts(t *testing.T) {
	each(t, func(s *service) {
		for _, name := range []string{"leased", "snapped", "signed", "open", "other", "changed"} {
			s.put(name, "x", nil)
		}
		s.blob("PUT", "leased", "comp=lease", header{"x-ms-lease-action": "acquire", "x-ms-lease-duration": "-1", "x-ms-proposed-lease-id": leaseA}, "").want(201, "")
		snap := s.blob("PUT", "snapped", "comp=snapshot", nil, "").want(201, "").header.Get("x-ms-snapshot")
		remove := func(name string, h header) part {
			return part{method: "DELETE", path: s.container + "/" + name, header: h}
		}
		signed, unsigned, forged := remove("signed", nil), remove("open", nil), remove("other", nil)
		signed.query, signed.key = s.serviceSAS("signed", "sp", "d"), "-"
		unsigned.key, forged.key = "-", "AAAA"
		noKey := "NoAuthenticationInformation"
		if !s.has("challenges") {
			noKey = "AuthorizationFailure"
		}
		got := s.batch("", remove("leased", nil), remove("snapped", nil), signed, unsigned, forged, remove("changed", header{"If-Match": `"0x0"`})).parts()
		got["0"].want(412, "LeaseIdMissing")
		got["1"].want(409, "SnapshotsPresent")
		got["2"].want(202, "")
		if s.has("challenges") {
			got["3"].want(401, noKey)
		} else {
			got["3"].want(403, noKey)
		}
		got["4"].want(403, s.refusal())
		got["5"].want(412, "ConditionNotMet")
		s.batch("", remove("leased", header{"x-ms-lease-id": leaseA}), remove("snapped", header{"x-ms-delete-snapshots": "only"})).wantParts(202, "", 202, "")
		s.blob("GET", "snapped", "snapshot="+url.QueryEscape(snap), nil, "").want(404, "BlobNotFound")
		s.blob("HEAD", "snapped", "", nil, "").want(200, "")
		s.signed(s.accountSAS()).batch("", part{method: "DELETE", path: s.container + "/open", query: s.accountSAS(), key: "-"}).wantParts(202, "")
		s.lacking("escapes in parts")
		again := s.blob("PUT", "snapped", "comp=snapshot", nil, "").want(201, "").header.Get("x-ms-snapshot")
		s.batch("", part{method: "DELETE", path: s.container + "/snapped", query: "snapshot=" + url.QueryEscape(again)}).wantParts(202, "")
		s.batch(s.container, part{method: "DELETE", path: s.container + "x/b"}).wantParts(400, "InvalidInput")
	})
}

// TestBadBatches sends batches that fail as a whole: with one part that has no ID.
func TestBadBatches(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "x", nil)
		remove := part{method: "DELETE", path: s.container + "/b"}
		tier := part{method: "PUT", path: s.container + "/b", query: "comp=tier", header: header{"x-ms-access-tier": "Cool"}}
		whole := func(a *answer, code string) {
			a.want(202, "")
			got := a.parts()
			if len(got) != 1 || got[""] == nil {
				s.Errorf("%s: %d parts:\n%s", a.what, len(got), a.body)
				return
			}
			got[""].want(400, code)
		}
		many := make([]part, 257)
		for i := range many {
			many[i] = part{method: "DELETE", path: fmt.Sprint(s.container, "/none", i)}
		}
		whole(s.batch("", many...), "ExceedsMaxBatchRequestCount")
		whole(s.batch("", remove, tier), "AllBatchSubRequestsShouldBeSameApi")
		whole(s.batch(""), "InvalidInput")
		whole(s.batch("", part{method: "GET", path: s.container + "/b"}), "InvalidInput")
		s.blob("HEAD", "b", "", nil, "").want(200, "")
		if got := s.batch("", many[:256]...).want(202, "").parts(); len(got) != 256 {
			s.Errorf("%d parts of 256", len(got))
		}
	})
}
