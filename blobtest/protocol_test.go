package blobtest_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/pipeline"
)

// answer is what came back for a raw request.
type answer struct {
	status int
	code   string
	header http.Header
	body   string
}

// raw sends a request that is signed with the account key, made by hand: the
// resource is what follows the account, such as "photos/cat.jpg?comp=tags".
// Headers come as name and value by turns.
func raw(t *testing.T, srv *blobtest.Server, method, resource, body string, header ...string) answer {
	t.Helper()
	req := newRaw(t, srv.Endpoint()+"/"+resource, method, body, header...)
	sign(t, req, srv)
	return do(t, srv, req)
}

func newRaw(t *testing.T, target, method, body string, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-ms-version", "2026-06-06")
	req.Header.Set("x-ms-date", time.Now().UTC().Format(http.TimeFormat))
	for i := 0; i+1 < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	return req
}

func sign(t *testing.T, req *http.Request, srv *blobtest.Server) {
	t.Helper()
	text, err := pipeline.StringToSign(req, srv.Account())
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "SharedKey "+srv.Account()+":"+signature(t, text, srv.Key()))
}

func signature(t *testing.T, text, key string) string {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, decoded)
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func do(t *testing.T, srv *blobtest.Server, req *http.Request) answer {
	t.Helper()
	resp, err := srv.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header.Get("x-ms-error-code"), resp.Header, string(body)}
}

// expect compares status and code, "" for a success.
func (a answer) expect(t *testing.T, what string, status int, code string) {
	t.Helper()
	if a.status != status || a.code != code {
		t.Errorf("%s: %d %s and not %d %s: %s", what, a.status, a.code, status, code, a.body)
	}
}

func TestErrorAnswers(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "photos?restype=container", "").expect(t, "create", 201, "")
	for _, c := range []struct {
		name, method, resource string
		header                 []string
		status                 int
		code                   string
	}{
		{"comp that is none", "GET", "photos/x?comp=nothing", nil, 400, "InvalidQueryParameterValue"},
		{"verb that is none", "POST", "photos/x", nil, 405, "UnsupportedHttpVerb"},
		{"verb of another operation", "DELETE", "photos/x?comp=blocklist", nil, 405, "UnsupportedHttpVerb"},
		{"no blob type", "PUT", "photos/x", nil, 400, "MissingRequiredHeader"},
		{"blob type that is none", "PUT", "photos/x", []string{"x-ms-blob-type", "Lump"}, 400, "InvalidHeaderValue"},
		{"restype that is none", "GET", "photos?restype=share", nil, 400, "InvalidQueryParameterValue"},
		{"account alone", "GET", "", nil, 400, "MissingRequiredQueryParameter"},
		{"bad container name", "PUT", "Photos?restype=container", nil, 400, "InvalidResourceName"},
		{"short container name", "PUT", "p?restype=container", nil, 400, "OutOfRangeInput"},
		{"long blob name", "GET", "photos/" + strings.Repeat("n", 1025), nil, 400, "OutOfRangeInput"},
		{"deep blob name", "GET", "photos/" + strings.Repeat("n/", 254) + "n", nil, 400, "InvalidUri"},
		{"control character in a blob name", "GET", "photos/a%0Ab", nil, 400, "InvalidUri"},
		{"blob name of no Unicode", "GET", "photos/a%EE%80%80", nil, 400, "InvalidUri"},
		{"blob name that is no UTF-8", "GET", "photos/a%ff", nil, 400, "InvalidUri"},
		{"blob name of a replacement character", "GET", "photos/a%EF%BF%BD", nil, 404, "BlobNotFound"},
		{"no such container", "GET", "nothing/x", nil, 404, "ContainerNotFound"},
		{"no such blob", "GET", "photos/x", nil, 404, "BlobNotFound"},
		{"container twice", "PUT", "photos?restype=container", nil, 409, "ContainerAlreadyExists"},
		{"metadata name", "PUT", "photos?restype=container&comp=metadata", []string{"x-ms-meta-a-b", "v"}, 400, "InvalidMetadata"},
		{"metadata without a name", "PUT", "photos?restype=container&comp=metadata", []string{"x-ms-meta-", "v"}, 400, "EmptyMetadataKey"},
		{"much metadata", "PUT", "photos?restype=container&comp=metadata", []string{"x-ms-meta-a", strings.Repeat("v", 8192)}, 400, "MetadataTooLarge"},
		{"page size", "GET", "photos?restype=container&comp=list&maxresults=0", nil, 400, "OutOfRangeQueryParameterValue"},
		{"page size that is none", "GET", "photos?restype=container&comp=list&maxresults=x", nil, 400, "InvalidQueryParameterValue"},
		{"include", "GET", "photos?restype=container&comp=list&include=all", nil, 400, "InvalidQueryParameterValue"},
		{"access", "PUT", "other?restype=container", []string{"x-ms-blob-public-access", "all"}, 400, "InvalidHeaderValue"},
		{"write of a snapshot", "PUT", "photos/x?comp=metadata&snapshot=2026-01-01T00:00:00.0000000Z", nil, 400, "InvalidQueryParameterValue"},
		{"snapshot and version", "GET", "photos/x?snapshot=a&versionid=b", nil, 400, "InvalidQueryParameterValue"},
		{"tier", "PUT", "photos/x?comp=tier", []string{"x-ms-access-tier", "Warm"}, 400, "InvalidHeaderValue"},
		{"no tier", "PUT", "photos/x?comp=tier", nil, 400, "MissingRequiredHeader"},
		{"version", "GET", "photos/x", []string{"x-ms-version", "2026-01-01"}, 400, "InvalidHeaderValue"},
		{"no version", "GET", "photos/x", []string{"x-ms-version", ""}, 400, "MissingRequiredHeader"},
	} {
		a := raw(t, srv, c.method, c.resource, "", c.header...)
		a.expect(t, c.name, c.status, c.code)
		if !strings.Contains(a.body, "<Code>"+c.code+"</Code><Message>") || !strings.Contains(a.body, "\nRequestId:"+a.header.Get("x-ms-request-id")+"\nTime:") {
			t.Errorf("%s: body %s", c.name, a.body)
		}
		if a.header.Get("x-ms-version") == "" || a.header.Get("Date") == "" || !strings.HasPrefix(a.header.Get("Server"), "Blobtest/") || a.header.Get("Content-Type") != "application/xml" {
			t.Errorf("%s: headers %v", c.name, a.header)
		}
	}
	a := raw(t, srv, "HEAD", "photos/x", "", "x-ms-client-request-id", "mine")
	a.expect(t, "HEAD", 404, "BlobNotFound")
	if a.body != "" || a.header.Get("x-ms-client-request-id") != "mine" {
		t.Errorf("HEAD: %+v", a)
	}
	req := newRaw(t, srv.Endpoint()+"/photos/x", "PUT", "some", "x-ms-blob-type", "BlockBlob")
	req.ContentLength = -1
	req.Header.Set("Authorization", "Bearer some")
	do(t, srv, req).expect(t, "no length", 411, "MissingContentLengthHeader")
	do(t, srv, newRaw(t, srv.Endpoint()+"/photos/x?comp=%zz", "GET", "")).expect(t, "bad escape", 400, "InvalidUri")
}

func TestSharedKey(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{Accounts: map[string]string{"other": base64.StdEncoding.EncodeToString([]byte("another key"))}})
	raw(t, srv, "PUT", "photos?restype=container", "").expect(t, "create", 201, "")
	raw(t, srv, "PUT", "photos/a%20b+c/ü?comp=", "some", "x-ms-blob-type", "BlockBlob", "x-ms-meta-a_1", "1", "x-ms-meta-a1", "2").expect(t, "signed", 201, "")

	get := func(base string, change func(r *http.Request), then func(r *http.Request)) answer {
		t.Helper()
		req := newRaw(t, base+"/photos/a%20b+c/%C3%BC", "GET", "")
		if change != nil {
			change(req)
		}
		sign(t, req, srv)
		if then != nil {
			then(req)
		}
		return do(t, srv, req)
	}
	hostStyle, pathStyle := srv.Endpoint(), "http://127.0.0.1:1/"+srv.Account()
	get(hostStyle, nil, nil).expect(t, "host style", 200, "")
	get(pathStyle, nil, nil).expect(t, "path style", 200, "")
	get(srv.SecondaryEndpoint(), nil, nil).expect(t, "secondary", 200, "")
	get(pathStyle+"-secondary", nil, nil).expect(t, "secondary in path style", 200, "")
	get(pathStyle, nil, func(r *http.Request) {
		r.URL.Path = strings.Replace(r.URL.Path, srv.Account(), srv.Account()+"-secondary", 1)
	}).
		expect(t, "secondary, signed as the primary", 200, "")

	get(hostStyle, nil, func(r *http.Request) { r.Header.Set("x-ms-meta-more", "unsigned") }).expect(t, "header unsigned", 403, "AuthenticationFailed")
	get(hostStyle, nil, func(r *http.Request) { r.URL.RawQuery = "timeout=3" }).expect(t, "query unsigned", 403, "AuthenticationFailed")
	get(hostStyle, nil, func(r *http.Request) { r.URL = must(url.Parse("https://other.blob.test/photos/x")); r.Host = "" }).
		expect(t, "other account", 403, "AuthenticationFailed")
	get(hostStyle, nil, func(r *http.Request) { r.URL = must(url.Parse("https://nobody.blob.test/photos/x")); r.Host = "" }).
		expect(t, "no such account", 404, "ResourceNotFound")
	get(hostStyle, func(r *http.Request) {
		r.Header.Set("x-ms-date", time.Now().Add(-16*time.Minute).UTC().Format(http.TimeFormat))
	}, nil).expect(t, "old", 403, "AuthenticationFailed")
	get(hostStyle, func(r *http.Request) {
		r.Header.Set("x-ms-date", time.Now().Add(16*time.Minute).UTC().Format(http.TimeFormat))
	}, nil).expect(t, "early", 403, "AuthenticationFailed")
	get(hostStyle, func(r *http.Request) {
		r.Header.Set("x-ms-date", time.Now().Add(14*time.Minute).UTC().Format(http.TimeFormat))
	}, nil).expect(t, "a little early", 200, "")
	get(hostStyle, func(r *http.Request) { r.Header.Del("x-ms-date") }, nil).expect(t, "no date", 403, "AuthenticationFailed")
	get(hostStyle, nil, func(r *http.Request) { r.Header.Set("Authorization", "SharedKey nonsense") }).expect(t, "nonsense", 400, "InvalidAuthenticationInfo")
	get(hostStyle, nil, func(r *http.Request) { r.Header.Set("Authorization", "Digest x") }).expect(t, "other scheme", 400, "InvalidAuthenticationInfo")

	anonymous := get(hostStyle, nil, func(r *http.Request) { r.Header.Del("Authorization") })
	anonymous.expect(t, "anonymous", 401, "NoAuthenticationInformation")
	if !strings.HasPrefix(anonymous.header.Get("WWW-Authenticate"), "Bearer authorization_uri=") {
		t.Error("there is no challenge")
	}
	get(hostStyle, nil, func(r *http.Request) { r.Header.Del("Authorization"); r.Header.Del("x-ms-version") }).expect(t, "anonymous, old", 404, "ResourceNotFound")
	get(hostStyle, nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer some") }).expect(t, "token", 200, "")
	get(pathStyle, nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer some") }).expect(t, "token in the clear", 403, "AuthenticationFailed")

	req := newRaw(t, pathStyle+"-secondary/photos/x", "PUT", "some", "x-ms-blob-type", "BlockBlob")
	sign(t, req, srv)
	do(t, srv, req).expect(t, "write to the secondary", 403, "InsufficientAccountPermissions")
}

func TestPublicAccess(t *testing.T) {
	srv := blobtest.New(t)
	for _, access := range []string{"", "blob", "container"} {
		name := "public-" + access + "0"
		raw(t, srv, "PUT", name+"?restype=container", "", "x-ms-blob-public-access", access).expect(t, "create", 201, "")
		raw(t, srv, "PUT", name+"/x", "some", "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
		for _, c := range []struct {
			method, resource string
			allowed          bool
		}{
			{"GET", name + "/x", access != ""}, {"HEAD", name + "/x", access != ""},
			{"GET", name + "?restype=container&comp=list", access == "container"},
			{"GET", name + "?restype=container", access == "container"},
			{"DELETE", name + "/x", false}, {"GET", "?comp=list", false},
		} {
			a := do(t, srv, newRaw(t, srv.Endpoint()+"/"+c.resource, c.method, ""))
			if c.allowed != (a.status == 200) || !c.allowed && a.status != 401 {
				t.Errorf("access %q: %s %s: %d %s", access, c.method, c.resource, a.status, a.code)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestChecksums(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "photos?restype=container", "")
	const (
		md5OfHello   = "XUFAKrxLKna5cZ2REBfFkg=="
		md5OfNothing = "1B2M2Y8AsgTpgAmY7PhCfg=="
		crcOfHello   = "V0JSBnCFdzM="
	)
	for _, c := range []struct {
		name   string
		header []string
		status int
		code   string
	}{
		{"MD5", []string{"Content-MD5", md5OfHello}, 201, ""},
		{"other MD5", []string{"Content-MD5", md5OfNothing}, 400, "Md5Mismatch"},
		{"malformed MD5", []string{"Content-MD5", "nonsense"}, 400, "InvalidMd5"},
		{"short MD5", []string{"Content-MD5", "AAAA"}, 400, "InvalidMd5"},
		{"CRC64", []string{"x-ms-content-crc64", crcOfHello}, 201, ""},
		{"other CRC64", []string{"x-ms-content-crc64", "AAAAAAAAAAA="}, 400, "Crc64Mismatch"},
		{"malformed CRC64", []string{"x-ms-content-crc64", "AAAA"}, 400, "InvalidHeaderValue"},
		{"both", []string{"Content-MD5", md5OfHello, "x-ms-content-crc64", crcOfHello}, 400, "BothCrc64AndMd5HeaderPresent"},
	} {
		for _, resource := range []string{"photos/x", "photos/x?comp=block&blockid=AAAA"} {
			a := raw(t, srv, "PUT", resource, "hello", append(c.header, "x-ms-blob-type", "BlockBlob")...)
			a.expect(t, c.name+" "+resource, c.status, c.code)
		}
	}
	raw(t, srv, "PUT", "photos/x", "hello", "x-ms-blob-type", "BlockBlob", "x-ms-blob-content-md5", md5OfNothing).expect(t, "stored MD5", 400, "Md5Mismatch")

	if a := raw(t, srv, "PUT", "photos/x?comp=block&blockid=AAAA", "hello"); a.header.Get("x-ms-content-crc64") != crcOfHello || a.header.Get("Content-MD5") != "" {
		t.Errorf("Put Block tells %v", a.header)
	}
	if a := raw(t, srv, "PUT", "photos/x", "hello", "x-ms-blob-type", "BlockBlob"); a.header.Get("Content-MD5") != md5OfHello {
		t.Errorf("Put Blob tells %v", a.header)
	}
	if a := raw(t, srv, "GET", "photos/x", ""); a.header.Get("Content-MD5") != md5OfHello || a.header.Get("x-ms-blob-content-md5") != "" {
		t.Errorf("Get Blob tells %v", a.header)
	}
	if a := raw(t, srv, "GET", "photos/x", "", "x-ms-range", "bytes=0-0"); a.header.Get("Content-MD5") != "" || a.header.Get("x-ms-blob-content-md5") != md5OfHello {
		t.Errorf("Get Blob of a range tells %v", a.header)
	}
	if a := raw(t, srv, "GET", "photos/x", "", "Range", "bytes=0-", "x-ms-range-get-content-crc64", "true"); a.header.Get("x-ms-content-crc64") != crcOfHello {
		t.Errorf("CRC64 of a range: %v", a.header)
	}
	if a := raw(t, srv, "GET", "photos/x", "", "Range", "bytes=0-9", "x-ms-range-get-content-md5", "true"); a.header.Get("Content-MD5") != md5OfHello {
		t.Errorf("MD5 of a range: %v", a.header)
	}
	raw(t, srv, "GET", "photos/x", "", "x-ms-range-get-content-md5", "true").expect(t, "MD5 of no range", 400, "InvalidHeaderValue")
	raw(t, srv, "PUT", "photos/big", string(bytes.Repeat([]byte("x"), 4<<20+1)), "x-ms-blob-type", "BlockBlob").expect(t, "big", 201, "")
	raw(t, srv, "GET", "photos/big", "", "x-ms-range", "bytes=0-", "x-ms-range-get-content-md5", "true").expect(t, "MD5 of much", 400, "OutOfRangeInput")
	raw(t, srv, "PUT", "photos/big?comp=block&blockid=AAAA", string(bytes.Repeat([]byte("x"), 4<<20+1)), "x-ms-version", "2015-12-11").expect(t, "block of an old version", 413, "RequestBodyTooLarge")
}
