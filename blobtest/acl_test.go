package blobtest_test

import (
	"strings"
	"testing"
	"time"
)

func policies(items ...string) string {
	return "<SignedIdentifiers>" + strings.Join(items, "") + "</SignedIdentifiers>"
}

func policy(id, start, expiry, permissions string) string {
	text := "<SignedIdentifier><Id>" + id + "</Id><AccessPolicy>"
	for _, e := range [][2]string{{"Start", start}, {"Expiry", expiry}, {"Permission", permissions}} {
		if e[1] != "" {
			text += "<" + e[0] + ">" + e[1] + "</" + e[0] + ">"
		}
	}
	return text + "</AccessPolicy></SignedIdentifier>"
}

func TestContainerACL(t *testing.T) {
	srv := photos(t)
	const acl = "photos?restype=container&comp=acl"
	a := raw(t, srv, "GET", acl, "")
	a.expect(t, "get", 200, "")
	if a.header.Get("ETag") == "" || a.header.Get("Last-Modified") == "" || a.header.Get("x-ms-blob-public-access") != "" ||
		a.header.Get("Content-Type") != "application/xml" || !strings.Contains(a.body, "<SignedIdentifiers>") {
		t.Errorf("private: %+v", a)
	}
	before := a.header.Get("ETag")
	a = raw(t, srv, "PUT", acl, policies(policy("one", "2026-01-01", "2026-01-02T03:04:05Z", "rw"), policy("two", "", "", "")), "x-ms-blob-public-access", "blob")
	a.expect(t, "set", 200, "")
	if etag := a.header.Get("ETag"); etag == "" || etag == before || a.header.Get("Last-Modified") == "" || a.body != "" {
		t.Errorf("set: %+v", a)
	}
	a = raw(t, srv, "GET", acl, "")
	if !strings.Contains(a.body, "<Id>one</Id><AccessPolicy><Start>2026-01-01T00:00:00.0000000Z</Start><Expiry>2026-01-02T03:04:05.0000000Z</Expiry><Permission>rw</Permission></AccessPolicy>") ||
		!strings.Contains(a.body, "<Id>two</Id>") || a.header.Get("x-ms-blob-public-access") != "blob" {
		t.Errorf("get: %+v", a)
	}
	do(t, srv, newRaw(t, srv.Endpoint()+"/photos/a/cat.jpg", "GET", "")).expect(t, "public", 200, "")
	raw(t, srv, "PUT", acl, "").expect(t, "set to nothing", 200, "")
	if a = raw(t, srv, "GET", acl, ""); strings.Contains(a.body, "<Id>") || a.header.Get("x-ms-blob-public-access") != "" {
		t.Errorf("set to nothing: %+v", a)
	}
	do(t, srv, newRaw(t, srv.Endpoint()+"/photos/a/cat.jpg", "GET", "")).expect(t, "private", 401, "NoAuthenticationInformation")

	six := policies(policy("1", "", "", ""), policy("2", "", "", ""), policy("3", "", "", ""), policy("4", "", "", ""), policy("5", "", "", ""), policy("6", "", "", ""))
	for _, c := range []struct {
		name, resource, body string
		header               []string
		status               int
		code                 string
	}{
		{"five", acl, strings.Replace(six, policy("6", "", "", ""), "", 1), nil, 200, ""},
		{"six", acl, six, nil, 400, "InvalidXmlDocument"},
		{"no XML", acl, "<SignedIdentifiers>", nil, 400, "InvalidXmlDocument"},
		{"other root", acl, "<Policies></Policies>", nil, 400, "InvalidXmlDocument"},
		{"long ID", acl, policies(policy(strings.Repeat("ü", 65), "", "", "")), nil, 400, "InvalidXmlNodeValue"},
		{"ID as long as can be", acl, policies(policy(strings.Repeat("ü", 64), "", "", "")), nil, 200, ""},
		{"ID twice", acl, policies(policy("1", "", "", ""), policy("1", "", "", "")), nil, 400, "InvalidXmlNodeValue"},
		{"start", acl, policies(policy("1", "now", "", "")), nil, 400, "InvalidXmlNodeValue"},
		{"expiry", acl, policies(policy("1", "", "now", "")), nil, 400, "InvalidXmlNodeValue"},
		{"permission", acl, policies(policy("1", "", "", "z")), nil, 400, "InvalidXmlNodeValue"},
		{"public access", acl, "", []string{"x-ms-blob-public-access", "all"}, 400, "InvalidHeaderValue"},
		{"changed since", acl, "", []string{"If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT"}, 412, "ConditionNotMet"},
		{"lease", acl, "", []string{"x-ms-lease-id", "5d5a3f7e-0000-0000-0000-000000000000"}, 412, "LeaseNotPresentWithContainerOperation"},
		{"no container", "films?restype=container&comp=acl", "", nil, 404, "ContainerNotFound"},
	} {
		raw(t, srv, "PUT", c.resource, c.body, c.header...).expect(t, c.name, c.status, c.code)
	}
	if a = raw(t, srv, "GET", acl, ""); strings.Count(a.body, "<Id>") != 1 {
		t.Errorf("what was refused has changed something: %s", a.body)
	}
}

func TestStoredPolicies(t *testing.T) {
	srv := photos(t)
	const acl, blob = "photos?restype=container&comp=acl", "photos/a/cat.jpg"
	raw(t, srv, "PUT", acl, policies(policy("all", inTime(-time.Hour), inTime(time.Hour), "r"), policy("some", "", inTime(time.Hour), ""),
		policy("none", "", "", ""), policy("past", "", inTime(-time.Hour), "r"), policy("write", "", inTime(time.Hour), "w"))).expect(t, "set", 200, "")
	get := func(values ...string) answer {
		t.Helper()
		return withSAS(t, srv, "GET", blob, serviceSAS(t, "photos", append(values, "sv", "2026-06-06", "sr", "c")...), "")
	}
	get("si", "all").expect(t, "all of it in the policy", 200, "")
	get("si", "some", "sp", "r").expect(t, "some of it in the policy", 200, "")
	get("si", "none", "sp", "r", "se", inTime(time.Hour)).expect(t, "nothing in the policy", 200, "")
	get("si", "some").expect(t, "no permission anywhere", 403, "AuthenticationFailed")
	get("si", "none", "sp", "r").expect(t, "no expiry anywhere", 403, "AuthenticationFailed")
	get("si", "all", "sp", "r").expect(t, "permission in both", 400, "InvalidQueryParameterValue")
	get("si", "past").expect(t, "expired", 403, "AuthenticationFailed")
	get("si", "write").expect(t, "other permission", 403, "AuthorizationPermissionMismatch")
	get("si", "ALL").expect(t, "no such policy", 403, "AuthenticationFailed")
	raw(t, srv, "PUT", acl, "").expect(t, "revoke", 200, "")
	get("si", "all").expect(t, "revoked", 403, "AuthenticationFailed")
}
