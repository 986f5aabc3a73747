package sas_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob/sas"
)

// queries are those of the vectors.
func queries(t testing.TB) []string {
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Vectors []struct{ Query string } }
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, v := range all.Vectors {
		queries = append(queries, v.Query)
	}
	return queries
}

func TestParseFields(t *testing.T) {
	const (
		query = "snapshot=2029-05-06T07%3A08%3A09.0123456Z&sv=2026-06-06&sr=bs&sp=rd&si=p%3D1&st=2030-01-01&se=2030-01-02T03%3A04Z&spr=https,http" +
			"&sip=10.0.0.1-10.0.0.9&ses=mine&rscc=a&rscd=b&rsce=c&rscl=d&rsct=e%20f&skoid=" + id1 + "&sktid=" + id2 + "&skt=2030-01-01T00:00:00Z&ske=2030-01-05T00:00:00.5Z" +
			"&sks=b&skv=2026-04-06&skdutid=t&saoid=u&suoid=v&scid=w&sduoid=x&srh=Range,Host&srq=comp&sig=c2VjcmV0%2Bsig%3D"
		page = "https://account.blob.core.windows.net/photos/a%20b%2fc?comp=list&x=%zz"
	)
	want := sas.Token{
		Version: "2026-06-06", Resource: sas.ResourceSnapshot, Permissions: "rd", Policy: "p=1", Start: day,
		Expiry: time.Date(2030, 1, 2, 3, 4, 0, 0, time.UTC), Protocol: sas.HTTPSAndHTTP, EncryptionScope: "mine",
		Headers:  sas.ResponseHeaders{CacheControl: "a", ContentDisposition: "b", ContentEncoding: "c", ContentLanguage: "d", ContentType: "e f"},
		Snapshot: "2029-05-06T07:08:09.0123456Z",
		Key: sas.UserDelegationKey{SignedObjectID: id1, SignedTenantID: id2, Start: day, Expiry: day.AddDate(0, 0, 4).Add(time.Second / 2),
			Service: "b", Version: "2026-04-06", DelegatedTenantID: "t"},
		Delegation: sas.Delegation{AuthorizedObjectID: "u", UnauthorizedObjectID: "v", CorrelationID: "w", DelegatedUserObjectID: "x",
			RequestHeaders: map[string]string{"Range": "", "Host": ""}, RequestParameters: map[string]string{"comp": ""}},
	}
	want.IP, _ = sas.ParseIPRange("10.0.0.1-10.0.0.9")
	for given, base := range map[string]string{query: "", "?" + query: "", strings.TrimSuffix(page, "&x=%zz") + "&" + query: strings.TrimSuffix(page, "&x=%zz"),
		"http://127.0.0.1:10000/a/b?" + query: "http://127.0.0.1:10000/a/b", "https://h/?" + query + "&&timeout=9&": "https://h/?timeout=9"} {
		got, err := sas.Parse(given)
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		signed := got.SignedURL()
		if base == "" && signed != "" || base != "" && !strings.HasPrefix(signed, base) || got.URL != base {
			t.Errorf("%s: URL %q, signed %q", given, got.URL, signed)
		}
		encoded := got.Encode()
		a, _ := url.ParseQuery(encoded)
		b, _ := url.ParseQuery(query)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("encoded again: %s", encoded)
		}
		if v := fields(got); !reflect.DeepEqual(v, fields(want)) {
			t.Errorf("%s: %+v\nwant %+v", given, v, fields(want))
		}
		again, err := sas.Parse(signed + encoded)
		if base == "" && (err != nil || !reflect.DeepEqual(fields(again), fields(got))) {
			t.Errorf("read again: %+v, %v", again, err)
		}
	}
	account, err := sas.Parse("sv=2026-06-06&ss=bf&srt=so&sp=rl&se=2030-01-02&sig=YQ==")
	if err != nil || account.Resource != sas.ResourceAccount || account.Services != (sas.Services{Blob: true, File: true}) ||
		account.Resources != (sas.ResourceTypes{Service: true, Object: true}) || !account.Start.IsZero() {
		t.Errorf("%+v, %v", account, err)
	}
	directory, err := sas.Parse("https://h/c/d?sv=2026-06-06&sr=d&sdd=2&sp=r&se=2030-01-02&sig=YQ==&snapshot=x&api-version=2026-06-06")
	if err != nil || directory.Resource != sas.ResourceDirectory || directory.DirectoryDepth != 2 || directory.Snapshot != "" || directory.URL != "https://h/c/d?snapshot=x" ||
		!strings.Contains(directory.Encode(), "api-version=2026-06-06") {
		t.Errorf("%+v, %v", directory, err)
	}
	version, err := sas.Parse("versionid=v&sv=2026-06-06&sr=bv&sp=r&se=2030-01-02&sig=YQ==")
	if err != nil || version.Resource != sas.ResourceVersion || version.VersionID != "v" {
		t.Errorf("%+v, %v", version, err)
	}
	if zero := (sas.Token{}); zero.Encode() != "" || zero.SignedURL() != "" || zero.String() != "" {
		t.Error("the zero token is something")
	}
}

// fields are the exported fields of a token as they print, but for its URL.
func fields(t sas.Token) map[string]string {
	m := map[string]string{}
	v := reflect.ValueOf(t)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && f.Name != "URL" {
			m[f.Name] = fmt.Sprintf("%+v", v.Field(i).Interface())
		}
	}
	return m
}

func TestParseRefuses(t *testing.T) {
	const good = "sv=2026-06-06&sr=b&sp=r&se=2030-01-02&sig=c2VjcmV0"
	if _, err := sas.Parse(good); err != nil {
		t.Fatal(err)
	}
	account := "sv=2026-06-06&ss=b&srt=o&sp=r&se=2030-01-02&sig=c2VjcmV0"
	for words, signed := range map[string]string{
		"sig is missing":            "",
		"sig is missing ":           "https://account.blob.core.windows.net/photos/cat.jpg",
		"sig is missing  ":          strings.Replace(good, "&sig=c2VjcmV0", "&sig=", 1),
		"sv is missing":             strings.Replace(good, "sv=2026-06-06&", "", 1),
		"neither what resource":     strings.Replace(good, "sr=b&", "", 1),
		"neither what resource ":    strings.Replace(account, "srt=o&", "", 1),
		"not of a signature":        good + "&comp=list",
		"not of a signature ":       good + "&snapshot=x",
		"not of a signature  ":      "account.blob.core.windows.net/photos?" + good,
		"sig is there twice":        good + "&sig=c2VjcmV0",
		"sp is there twice":         good + "&s%70=r",
		"the query cannot be read":  good + "&rscc=%zz",
		"the query cannot be read ": good + ";x",
		"st is no time":             good + "&st=yesterday",
		"se is no time":             strings.Replace(good, "2030-01-02", "2030-13-02", 1),
		"skt is no time":            good + "&skt=1",
		"ske is no time":            good + "&ske=1",
		"sip is no IP address":      good + "&sip=home",
		"sip is no IP address ":     good + "&sip=10.0.0.2-10.0.0.1",
		"sdd is no depth":           good + "&sdd=-1",
		"sdd is no depth ":          good + "&sdd=x",
		"ss is not made of":         strings.Replace(account, "ss=b", "ss=bz", 1),
		"srt is not made of":        strings.Replace(account, "srt=o", "srt=oo", 1),
		"has a user name":           "https://me:c2VjcmV0@h/c?" + good,
		"or a fragment":             "https://h/c#x?" + good,
		"or a fragment ":            "https://h/c?" + good + "#x",
		"URL cannot be read":        "https://h:x/c?" + good,
	} {
		got, err := sas.Parse(signed)
		if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), strings.TrimSpace(words)) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%q: %v, want an error with %q", signed, err, words)
		}
		if got.Encode() != "" || !reflect.DeepEqual(fields(got), fields(sas.Token{})) {
			t.Errorf("%q: a token in spite of the error: %v", signed, got)
		}
	}
}

func TestIPRange(t *testing.T) {
	for _, s := range []string{"10.0.0.1", "10.0.0.1-10.0.0.1", "10.0.0.1-10.0.1.0", "2001:db8::1", "2001:db8::1-2001:db8::2"} {
		if r, err := sas.ParseIPRange(s); err != nil || r.String() != s {
			t.Errorf("%s is read as %s, %v", s, r, err)
		}
	}
	mapped, _ := netip.AddrFromSlice(net.ParseIP("10.0.0.1"))
	if r := (sas.IPRange{First: mapped, Last: netip.MustParseAddr("10.0.0.2")}); r.String() != "10.0.0.1-10.0.0.2" {
		t.Errorf("%s", r)
	} else if token, err := readBlob(func(v *sas.Blob) { v.IP = r }).Sign("photos", "cat"); err != nil || !strings.Contains(token, "&sip=10.0.0.1-10.0.0.2&") {
		t.Errorf("%s, %v", token, err)
	}
	for _, s := range []string{"", "-", "10.0.0.1-", "-10.0.0.1", "10.0.0", "10.0.0.1/24", "10.0.0.1-10.0.0.2-10.0.0.3", "10.0.0.2-10.0.0.1", "fe80::1%eth0", "10.0.0.1-2001:db8::1"} {
		if r, err := sas.ParseIPRange(s); !errors.Is(err, fs.ErrInvalid) || r != (sas.IPRange{}) {
			t.Errorf("%q is read as %s, %v", s, r, err)
		}
	}
}

func TestIsParameter(t *testing.T) {
	used := map[string]bool{}
	for _, q := range queries(t) {
		v, err := url.ParseQuery(q)
		if err != nil {
			t.Fatal(err)
		}
		for name := range v {
			used[name] = true
		}
	}
	if len(used) < 30 {
		t.Errorf("the vectors have %d parameters", len(used))
	}
	delete(used, "snapshot")
	delete(used, "versionid")
	used["api-version"] = true
	for name := range used {
		if !sas.IsParameter(name) {
			t.Errorf("%s is none", name)
		}
	}
	for _, name := range []string{"", "snapshot", "versionid", "comp", "restype", "timeout", "SIG"} {
		if sas.IsParameter(name) {
			t.Errorf("%s is one", name)
		}
	}
}

// TestNothingShowsASecret prints what holds signatures and keys in every way.
func TestNothingShowsASecret(t *testing.T) {
	k := delegationKey(t)
	blob := readBlob(func(v *sas.Blob) { v.Key = k })
	query, err := blob.Sign("photos", "cat.jpg")
	if err != nil {
		t.Fatal(err)
	}
	short, _ := sas.Parse(query)
	long, _ := sas.Parse("https://account.blob.core.windows.net/photos/cat.jpg?" + query)
	v, _ := url.ParseQuery(query)
	sig := v.Get("sig")
	if !strings.HasPrefix(short.String(), "sv=") || !strings.HasSuffix(short.String(), "&sig=REDACTED") || !strings.HasPrefix(long.String(), "https://account.blob.core.windows.net/photos/cat.jpg?sv=") {
		t.Errorf("%s\n%s", short, long)
	}
	type hidden struct {
		token sas.Token
		key   sas.UserDelegationKey
		blob  sas.Blob
	}
	secrets := []string{sig, url.QueryEscape(sig), fmt.Sprintf("%x", sig), k.Value(), "a secret of tests", fmt.Sprintf("%x", "a secret of tests"), fmt.Sprint([]byte("a secret of tests"))}
	for _, v := range []any{short, &long, []any{short}, k, &k, blob, &blob, readContainer(func(v *sas.Container) { v.Key = &k }),
		hidden{long, k, blob}, &hidden{short, k, blob}, map[string]any{"x": blob}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text = fmt.Appendf(text, "\n"+verb, v)
		}
		for _, secret := range secrets {
			if strings.Contains(string(text), secret) {
				t.Errorf("%T shows %s: %s", v, secret, text)
			}
		}
	}
	for _, s := range []string{short.Encode(), long.SignedURL()} {
		if !strings.Contains(s, url.QueryEscape(sig)) {
			t.Errorf("%s lacks the signature", s)
		}
	}
}

// FuzzParse reads anything. What can be read comes back the same, and prints the
// same whatever its signature is.
func FuzzParse(f *testing.F) {
	for i, q := range queries(f) {
		if i%7 == 0 {
			f.Add(q)
			f.Add("https://account.blob.core.windows.net/photos/a%20b?comp=list&" + q)
		}
	}
	f.Add("http://h?sv=1&sr=b&sig=+&timeout=%26sig%3Dx")
	f.Fuzz(func(t *testing.T, signed string) {
		token, err := sas.Parse(signed)
		if err != nil {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%v", err)
			}
			return
		}
		whole := token.SignedURL()
		if whole == "" {
			whole = token.Encode()
		}
		again, err := sas.Parse(whole)
		if err != nil || again.Encode() != token.Encode() || again.URL != token.URL || !maps.Equal(fields(again), fields(token)) {
			t.Fatalf("%q comes back as %q: %v", signed, whole, err)
		}
		i := strings.LastIndex(whole, "sig=")
		other, err := sas.Parse(whole[:i] + "sig=another")
		if err != nil || other.String() != token.String() || other.GoString() != token.GoString() {
			t.Errorf("%s depends on its signature: %s, %v", token, other, err)
		}
		if !slices.Contains(strings.Split(token.String(), "&"), "sig=REDACTED") {
			t.Errorf("%s", token)
		}
	})
}
