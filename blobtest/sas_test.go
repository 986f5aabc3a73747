package blobtest_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

// sasQuery is a query of names and values by turns with a signature of the
// fields, which are names of it, or texts after an equals sign.
func sasQuery(t *testing.T, key, fields string, values ...string) string {
	t.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(values); i += 2 {
		if values[i+1] != "" {
			q.Set(values[i], values[i+1])
		}
	}
	lines := strings.Split(fields, " ")
	for i, name := range lines {
		if text, ok := strings.CutPrefix(name, "="); ok {
			lines[i] = text
		} else {
			lines[i] = q.Get(name)
		}
	}
	q.Set("sig", signature(t, strings.Join(lines, "\n"), key))
	return q.Encode()
}

// The fields of signatures of the newest form.
const (
	accountFields = "=devstoreaccount1 sp ss srt st se sip spr sv ses ="
	serviceFields = "sp st se =/blob/devstoreaccount1/%s si sip spr sv sr snapshot ses rscc rscd rsce rscl rsct"
)

func serviceSAS(t *testing.T, name string, values ...string) string {
	t.Helper()
	return sasQuery(t, blobtest.DefaultKey, strings.ReplaceAll(serviceFields, "%s", name), values...)
}

func inTime(d time.Duration) string { return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05Z") }

// withSAS sends a request that has a signature and nothing else.
func withSAS(t *testing.T, srv *blobtest.Server, method, resource, query, body string, header ...string) answer {
	t.Helper()
	target := resource
	if !strings.Contains(resource, "://") {
		target = srv.Endpoint() + "/" + resource
	}
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	if method == "PUT" && len(header) == 0 {
		header = []string{"x-ms-blob-type", "BlockBlob"}
	}
	return do(t, srv, newRaw(t, target+separator+query, method, body, header...))
}

// photos is a server with the blob photos/a/cat.jpg.
func photos(t *testing.T) *blobtest.Server {
	t.Helper()
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "photos?restype=container", "").expect(t, "create", 201, "")
	raw(t, srv, "PUT", "photos/a/cat.jpg", "meow", "x-ms-blob-type", "BlockBlob", "x-ms-blob-cache-control", "stored").expect(t, "put", 201, "")
	return srv
}

func TestAccountSAS(t *testing.T) {
	srv := photos(t)
	type change map[string]string
	for _, c := range []struct {
		name, method, resource string
		change                 change
		status                 int
		code                   string
	}{
		{"read", "GET", "photos/a/cat.jpg", nil, 200, ""},
		{"write", "PUT", "photos/a/dog.jpg", nil, 201, ""},
		{"list", "GET", "photos?restype=container&comp=list", nil, 200, ""},
		{"list containers", "GET", "?comp=list", nil, 200, ""},
		{"properties of a container", "GET", "photos?restype=container", nil, 200, ""},
		{"older form", "GET", "photos/a/cat.jpg", change{"sv": "2019-12-12", "fields": strings.Replace(accountFields, " ses", "", 1)}, 200, ""},
		{"oldest form", "GET", "photos/a/cat.jpg", change{"sv": "2015-04-05", "sp": "rwdl", "fields": strings.Replace(accountFields, " ses", "", 1)}, 200, ""},
		{"too old", "GET", "photos/a/cat.jpg", change{"sv": "2015-02-21", "sp": "rwdl", "fields": strings.Replace(accountFields, " ses", "", 1)}, 403, "AuthenticationFailed"},
		{"text of the older form", "GET", "photos/a/cat.jpg", change{"fields": strings.Replace(accountFields, " ses", "", 1)}, 403, "AuthenticationFailed"},
		{"other account", "GET", "photos/a/cat.jpg", change{"fields": strings.Replace(accountFields, "account1", "account2", 1)}, 403, "AuthenticationFailed"},
		{"other key", "GET", "photos/a/cat.jpg", change{"key": "c29tZQ=="}, 403, "AuthenticationFailed"},
		{"no service", "GET", "photos/a/cat.jpg", change{"ss": ""}, 403, "AuthenticationFailed"},
		{"other service", "GET", "photos/a/cat.jpg", change{"ss": "qtf"}, 403, "AuthorizationServiceMismatch"},
		{"objects only", "GET", "photos/a/cat.jpg", change{"srt": "o"}, 200, ""},
		{"other resource type", "GET", "photos/a/cat.jpg", change{"srt": "sc"}, 403, "AuthorizationResourceTypeMismatch"},
		{"container by an object's", "GET", "photos?restype=container&comp=list", change{"srt": "so"}, 403, "AuthorizationResourceTypeMismatch"},
		{"account by an object's", "GET", "?comp=list", change{"srt": "co"}, 403, "AuthorizationResourceTypeMismatch"},
		{"resource type that is none", "GET", "photos/a/cat.jpg", change{"srt": "sx"}, 403, "AuthenticationFailed"},
		{"no permission", "GET", "photos/a/cat.jpg", change{"sp": "wl"}, 403, "AuthorizationPermissionMismatch"},
		{"permission that is none", "GET", "photos/a/cat.jpg", change{"sp": "rz"}, 403, "AuthenticationFailed"},
		{"permission twice", "GET", "photos/a/cat.jpg", change{"sp": "rr"}, 403, "AuthenticationFailed"},
		{"any order", "GET", "photos/a/cat.jpg", change{"sp": "wr"}, 200, ""},
		{"creation of a new blob", "PUT", "photos/a/new.jpg", change{"sp": "c"}, 201, ""},
		{"creation of one that is there", "PUT", "photos/a/cat.jpg", change{"sp": "c"}, 403, "UnauthorizedBlobOverwrite"},
		{"access policies", "GET", "photos?restype=container&comp=acl", nil, 403, "AuthorizationPermissionMismatch"},
		{"encryption scope", "GET", "photos/a/cat.jpg", change{"ses": "mine"}, 200, ""},
		{"no expiry", "GET", "photos/a/cat.jpg", change{"se": ""}, 403, "AuthenticationFailed"},
		{"expired", "GET", "photos/a/cat.jpg", change{"se": inTime(-time.Minute)}, 403, "AuthenticationFailed"},
	} {
		v := map[string]string{"sv": "2026-06-06", "ss": "b", "srt": "sco", "sp": "rwdlac", "se": inTime(time.Hour), "fields": accountFields, "key": blobtest.DefaultKey}
		for name, value := range c.change {
			v[name] = value
		}
		q := sasQuery(t, v["key"], v["fields"], "sv", v["sv"], "ss", v["ss"], "srt", v["srt"], "sp", v["sp"], "se", v["se"], "ses", v["ses"])
		withSAS(t, srv, c.method, c.resource, q, "").expect(t, c.name, c.status, c.code)
	}
	q := sasQuery(t, blobtest.DefaultKey, accountFields, "sv", "2026-06-06", "ss", "b", "srt", "o", "sp", "w", "se", inTime(time.Hour), "ses", "mine")
	if a := withSAS(t, srv, "PUT", "photos/scoped", q, ""); a.header.Get("x-ms-encryption-scope") != "mine" {
		t.Errorf("the scope of the signature was not used: %+v", a)
	}
	withSAS(t, srv, "PUT", "photos/scoped", q, "", "x-ms-blob-type", "BlockBlob", "x-ms-encryption-scope", "other").expect(t, "other scope", 400, "InvalidHeaderValue")
	withSAS(t, srv, "PUT", "photos/tagged", q, "", "x-ms-blob-type", "BlockBlob", "x-ms-tags", "a=b").expect(t, "tags without t", 403, "AuthorizationPermissionMismatch")
	withSAS(t, srv, "PUT", "photos/held", q, "", "x-ms-blob-type", "BlockBlob", "x-ms-legal-hold", "true").expect(t, "legal hold without i", 403, "AuthorizationPermissionMismatch")
	withSAS(t, srv, "GET", "photos/a/cat.jpg", strings.Replace(q, "sp=w", "sp=r", 1), "").expect(t, "changed", 403, "AuthenticationFailed")
	withSAS(t, srv, "GET", "photos/a/cat.jpg", "sig=AAAA", "").expect(t, "sig alone", 403, "AuthenticationFailed")
}

func TestServiceSAS(t *testing.T) {
	srv := photos(t)
	const blob, container = "photos/a/cat.jpg", "photos"
	list := "photos?restype=container&comp=list"
	for _, c := range []struct {
		name, method, resource, signed, sr, sp string
		status                                 int
		code                                   string
	}{
		{"blob", "GET", blob, blob, "b", "r", 200, ""},
		{"HEAD", "HEAD", blob, blob, "b", "r", 200, ""},
		{"container", "GET", blob, container, "c", "r", 200, ""},
		{"other blob", "GET", "photos/dog", blob, "b", "r", 403, "AuthenticationFailed"},
		{"other container", "GET", blob, "films", "c", "r", 403, "AuthenticationFailed"},
		{"blob for a container", "GET", list, blob, "b", "r", 403, "AuthenticationFailed"},
		{"list", "GET", list, container, "c", "l", 200, ""},
		{"list with tags", "GET", list + "&include=tags", container, "c", "l", 403, "AuthorizationPermissionMismatch"},
		{"list without l", "GET", list, container, "c", "r", 403, "AuthorizationPermissionMismatch"},
		{"properties of a container", "GET", "photos?restype=container", container, "c", "rwdl", 403, "AuthorizationPermissionMismatch"},
		{"deletion of a container", "DELETE", "photos?restype=container", container, "c", "rwdl", 403, "AuthorizationPermissionMismatch"},
		{"account info", "GET", "photos?restype=account&comp=properties", container, "c", "r", 200, ""},
		{"containers", "GET", "?comp=list", container, "c", "l", 403, "AuthenticationFailed"},
		{"write without w", "PUT", blob, blob, "b", "r", 403, "AuthorizationPermissionMismatch"},
		{"write", "PUT", "photos/x%20y", "photos/x_y", "b", "w", 403, "AuthenticationFailed"},
		{"wrong order", "GET", blob, blob, "b", "wr", 403, "AuthenticationFailed"},
		{"twice", "GET", blob, blob, "b", "rr", 403, "AuthenticationFailed"},
		{"letter of blobs only", "GET", blob, container, "c", "ry", 403, "AuthenticationFailed"},
		{"no permission", "GET", blob, blob, "b", "", 403, "AuthenticationFailed"},
		{"sr that is none", "GET", blob, blob, "x", "r", 403, "AuthenticationFailed"},
	} {
		q := serviceSAS(t, c.signed, "sv", "2026-06-06", "sr", c.sr, "sp", c.sp, "se", inTime(time.Hour))
		withSAS(t, srv, c.method, c.resource, q, "").expect(t, c.name, c.status, c.code)
	}
	for _, c := range []struct {
		sdd, signed string
		status      int
		code        string
	}{
		{"0", container, 200, ""}, {"1", "photos/a", 200, ""}, {"2", blob, 200, ""},
		{"3", blob, 403, "AuthenticationFailed"}, {"-1", container, 403, "AuthenticationFailed"}, {"", container, 403, "AuthenticationFailed"},
	} {
		q := serviceSAS(t, c.signed, "sv", "2026-06-06", "sr", "d", "sdd", c.sdd, "sp", "r", "se", inTime(time.Hour))
		withSAS(t, srv, "GET", blob, q, "").expect(t, "directory of depth "+c.sdd, c.status, c.code)
	}
	q := serviceSAS(t, "photos/a", "sv", "2026-06-06", "sr", "d", "sdd", "1", "sp", "rlf", "se", inTime(time.Hour))
	withSAS(t, srv, "GET", "photos/b/x", q, "").expect(t, "other directory", 403, "AuthenticationFailed")
	withSAS(t, srv, "GET", "photos/a/x", q, "").expect(t, "same directory", 404, "BlobNotFound")
	q = serviceSAS(t, blob, "sv", "2026-06-06", "sr", "b", "sp", "r", "se", inTime(time.Hour))
	withSAS(t, srv, "GET", "http://127.0.0.1:1/devstoreaccount1/"+blob, q, "").expect(t, "path style", 200, "")
	withSAS(t, srv, "GET", "https://devstoreaccount1-secondary.blob.test/"+blob, q, "").expect(t, "secondary", 200, "")
	withSAS(t, srv, "GET", blob, q, "", "x-ms-version", "").expect(t, "version of the signature", 200, "")
}

func TestServiceSASForms(t *testing.T) {
	srv := photos(t)
	for _, c := range []struct{ sv, name, fields string }{
		{"2020-12-06", "/blob/", "sp st se %s si sip spr sv sr snapshot ses rscc rscd rsce rscl rsct"},
		{"2020-10-02", "/blob/", "sp st se %s si sip spr sv sr snapshot rscc rscd rsce rscl rsct"},
		{"2018-11-09", "/blob/", "sp st se %s si sip spr sv sr snapshot rscc rscd rsce rscl rsct"},
		{"2018-03-28", "/blob/", "sp st se %s si sip spr sv rscc rscd rsce rscl rsct"},
		{"2015-04-05", "/blob/", "sp st se %s si sip spr sv rscc rscd rsce rscl rsct"},
		{"2015-02-21", "/blob/", "sp st se %s si sv rscc rscd rsce rscl rsct"},
		{"2013-08-15", "/", "sp st se %s si sv rscc rscd rsce rscl rsct"},
		{"2012-02-12", "/", "sp st se %s si sv"},
		{"", "/", "sp st se %s si"},
	} {
		fields := strings.Replace(c.fields, "%s", "="+c.name+"devstoreaccount1/photos/a/cat.jpg", 1)
		values := []string{"sv", c.sv, "sr", "b", "sp", "r", "st", inTime(-time.Hour), "se", inTime(time.Hour), "rscc", "mine"}
		a := withSAS(t, srv, "GET", "photos/a/cat.jpg", sasQuery(t, blobtest.DefaultKey, fields, values...), "")
		a.expect(t, "form of "+c.sv, 200, "")
		want := "mine"
		if !strings.Contains(fields, "rscc") {
			want = "stored" // what is not signed has no effect
		}
		if got := a.header.Get("Cache-Control"); got != want {
			t.Errorf("form of %s: Cache-Control: %s", c.sv, got)
		}
		withSAS(t, srv, "GET", "photos/a/cat.jpg", sasQuery(t, blobtest.DefaultKey, strings.Replace(fields, "st se", "se st", 1), values...), "").
			expect(t, "text of another form than "+c.sv, 403, "AuthenticationFailed")
	}
}

// TestPermissionsBySASVersion uses permissions in versions that have them and
// in those before.
func TestPermissionsBySASVersion(t *testing.T) {
	srv := photos(t)
	const fields = "sp st se =/blob/devstoreaccount1/photos/a/cat.jpg si sip spr sv sr snapshot rscc rscd rsce rscl rsct"
	for letter, since := range map[string]string{"x": "2019-12-12", "t": "2019-12-12", "y": "2020-02-10", "m": "2020-02-10", "e": "2020-02-10", "o": "2020-02-10", "p": "2020-02-10", "i": "2020-06-12"} {
		for _, sv := range []string{"2019-10-10", "2019-12-12", "2020-02-10", "2020-04-08", "2020-06-12"} {
			status, code := 200, ""
			if sv < since {
				status, code = 403, "AuthenticationFailed"
			}
			query := sasQuery(t, blobtest.DefaultKey, fields, "sv", sv, "sr", "b", "sp", "r"+letter, "se", inTime(time.Hour))
			withSAS(t, srv, "GET", "photos/a/cat.jpg", query, "").expect(t, letter+" in "+sv, status, code)
		}
	}
}

func TestSASOfSnapshots(t *testing.T) {
	srv := photos(t)
	const blob, id = "photos/a/cat.jpg", "2026-01-01T00:00:00.0000000Z"
	for _, c := range []struct {
		sr, signed, query string
		status            int
		code              string
	}{
		{"bs", id, "snapshot=" + id, 404, "BlobNotFound"}, // let in
		{"bv", id, "versionid=" + id, 404, "BlobNotFound"},
		{"c", "", "snapshot=" + id, 404, "BlobNotFound"},
		{"bs", id, "snapshot=2026-02-02T00:00:00.0000000Z", 403, "AuthenticationFailed"},
		{"bs", id, "timeout=9", 403, "AuthenticationFailed"},
		{"bs", "", "timeout=9", 403, "AuthenticationFailed"},
		{"bv", "", "timeout=9", 403, "AuthenticationFailed"},
		{"bv", id, "snapshot=" + id, 403, "AuthenticationFailed"},
		{"b", id, "snapshot=" + id, 403, "AuthenticationFailed"},
		{"b", "", "snapshot=" + id, 403, "AuthenticationFailed"},
		{"b", "", "versionid=" + id, 403, "AuthenticationFailed"},
	} {
		name := blob
		if c.sr == "c" {
			name = "photos"
		}
		fields := strings.Replace(strings.ReplaceAll(serviceFields, "%s", name), "snapshot", "="+c.signed, 1)
		q := sasQuery(t, blobtest.DefaultKey, fields, "sv", "2026-06-06", "sr", c.sr, "sp", "r", "se", inTime(time.Hour))
		withSAS(t, srv, "GET", blob+"?"+c.query, q, "").expect(t, c.sr+" "+c.query, c.status, c.code)
	}
	for sp, code := range map[string]string{"d": "AuthorizationPermissionMismatch", "x": "BlobNotFound"} {
		q := serviceSAS(t, "photos", "sv", "2026-06-06", "sr", "c", "sp", sp, "se", inTime(time.Hour))
		if a := withSAS(t, srv, "DELETE", blob+"?versionid="+id, q, ""); a.code != code {
			t.Errorf("deletion of a version with %s: %d %s", sp, a.status, a.code)
		}
	}
}

func TestSASLimits(t *testing.T) {
	srv := photos(t)
	const blob = "photos/a/cat.jpg"
	secret, plain := srv.Endpoint()+"/"+blob, "http://devstoreaccount1.blob.test/"+blob
	for _, c := range []struct {
		name, target, field, value string
		status                     int
		code                       string
	}{
		{"begun", secret, "st", inTime(-time.Minute), 200, ""},
		{"not begun", secret, "st", inTime(time.Minute), 403, "AuthenticationFailed"},
		{"minutes", secret, "st", "2020-01-01T00:00Z", 200, ""},
		{"day", secret, "st", "2020-01-01", 200, ""},
		{"fractions", secret, "st", "2020-01-01T00:00:00.1234567Z", 200, ""},
		{"no time", secret, "st", "yesterday", 403, "AuthenticationFailed"},
		{"https", secret, "spr", "https", 200, ""},
		{"http by https", plain, "spr", "https", 403, "AuthorizationProtocolMismatch"},
		{"http by both", plain, "spr", "https,http", 200, ""},
		{"no protocol", secret, "spr", "http", 403, "AuthenticationFailed"},
		{"address", secret, "sip", "127.0.0.1", 200, ""},
		{"range", secret, "sip", "127.0.0.0-127.0.0.255", 200, ""},
		{"other address", secret, "sip", "127.0.0.2", 403, "AuthorizationSourceIPMismatch"},
		{"other range", secret, "sip", "10.0.0.0-10.255.255.255", 403, "AuthorizationSourceIPMismatch"},
		{"no address", secret, "sip", "home", 403, "AuthenticationFailed"},
	} {
		q := serviceSAS(t, blob, "sv", "2026-06-06", "sr", "b", "sp", "r", "se", inTime(time.Hour), c.field, c.value)
		withSAS(t, srv, "GET", c.target, q, "").expect(t, c.name, c.status, c.code)
	}
	synctest.Test(t, func(t *testing.T) {
		srv := photos(t)
		q := serviceSAS(t, blob, "sv", "2026-06-06", "sr", "b", "sp", "r", "se", inTime(time.Hour))
		time.Sleep(time.Hour - time.Second) // virtual
		withSAS(t, srv, "GET", blob, q, "").expect(t, "at the last moment", 200, "")
		time.Sleep(time.Second)
		withSAS(t, srv, "GET", blob, q, "").expect(t, "a moment later", 403, "AuthenticationFailed")
	})
}

func TestSASHeaders(t *testing.T) {
	srv := photos(t)
	q := serviceSAS(t, "photos", "sv", "2026-06-06", "sr", "c", "sp", "r", "se", inTime(time.Hour),
		"rscc", "no-store", "rscd", `attachment; filename="a b"`, "rsce", "gzip", "rscl", "de", "rsct", "text/plain; charset=utf-8")
	for _, method := range []string{"GET", "HEAD"} {
		a := withSAS(t, srv, method, "photos/a/cat.jpg", q, "", "x-ms-range", "bytes=0-1")
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Content-Disposition": `attachment; filename="a b"`, "Content-Encoding": "gzip",
			"Content-Language": "de", "Content-Type": "text/plain; charset=utf-8",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s: %s", method, name, got)
			}
		}
	}
	if a := raw(t, srv, "GET", "photos/a/cat.jpg?rscc=no-store", ""); a.header.Get("Cache-Control") != "stored" {
		t.Error("rscc has an effect without a signature")
	}
}

// token is a JSON Web Token of a user of a tenant.
func token(user, tenant string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none"}`)) + "." + part([]byte(`{"oid":"`+user+`","tid":"`+tenant+`"}`)) + "."
}

func bearer(req *http.Request, token string) *http.Request {
	req.Header.Set("Authorization", "Bearer "+token)
	return req
}
