package blobtest_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

type delegationKey struct {
	SignedOid, SignedTid, SignedStart, SignedExpiry, SignedService, SignedVersion, SignedDelegatedUserTid, Value string
}

const user, tenant = "c1a9e0b4-63d2-4c7e-8a1f-2e6b7d905a33", "7d3a1f62-8a0e-4f0b-9a54-5f1f0c6f2b11"

const keyResource = "?restype=service&comp=userdelegationkey"

func keyBody(start, expiry, more string) string {
	return "<KeyInfo><Start>" + start + "</Start><Expiry>" + expiry + "</Expiry>" + more + "</KeyInfo>"
}

func newKey(t *testing.T, srv *blobtest.Server, more string) delegationKey {
	t.Helper()
	req := newRaw(t, srv.Endpoint()+"/"+keyResource, "POST", keyBody(inTime(-time.Minute), inTime(2*time.Hour), more))
	a := do(t, srv, bearer(req, token(user, tenant)))
	a.expect(t, "key", 200, "")
	var k delegationKey
	if err := xml.Unmarshal([]byte(a.body), &k); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestUserDelegationKey(t *testing.T) {
	srv := blobtest.New(t)
	k := newKey(t, srv, "")
	if k.SignedOid != user || k.SignedTid != tenant || k.SignedStart != inTime(-time.Minute) && k.SignedStart > inTime(0) || k.SignedExpiry < inTime(time.Hour) ||
		k.SignedService != "b" || k.SignedVersion != "2026-06-06" || len(k.Value) != 44 || k.SignedDelegatedUserTid != "" {
		t.Errorf("%+v", k)
	}
	if k := newKey(t, srv, "<DelegatedUserTid>"+tenant+"</DelegatedUserTid>"); k.SignedDelegatedUserTid != tenant {
		t.Errorf("%+v", k)
	}
	week := 7 * 24 * time.Hour
	for _, c := range []struct {
		name, body, version string
		status              int
		code                string
	}{
		{"seven days", keyBody(inTime(0), inTime(week), ""), "2026-06-06", 200, ""},
		{"more", keyBody(inTime(0), inTime(week+time.Minute), ""), "2026-06-06", 400, "InvalidXmlNodeValue"},
		{"more, from earlier on", keyBody(inTime(-48*time.Hour), inTime(week-24*time.Hour), ""), "2026-06-06", 400, "InvalidXmlNodeValue"},
		{"past", keyBody(inTime(-time.Hour), inTime(-time.Minute), ""), "2026-06-06", 400, "InvalidXmlNodeValue"},
		{"end before the start", keyBody(inTime(time.Hour), inTime(time.Minute), ""), "2026-06-06", 400, "InvalidXmlNodeValue"},
		{"no start", "<KeyInfo><Expiry>" + inTime(time.Hour) + "</Expiry></KeyInfo>", "2026-06-06", 200, ""},
		{"no expiry", keyBody(inTime(0), "", ""), "2026-06-06", 400, "InvalidXmlNodeValue"},
		{"no time", keyBody("now", inTime(time.Hour), ""), "2026-06-06", 400, "InvalidXmlNodeValue"},
		{"no XML", "", "2026-06-06", 400, "InvalidXmlDocument"},
		{"tenant in an old version", keyBody(inTime(0), inTime(time.Hour), "<DelegatedUserTid>x</DelegatedUserTid>"), "2025-07-05", 400, "InvalidXmlNodeValue"},
	} {
		req := newRaw(t, srv.Endpoint()+"/"+keyResource, "POST", c.body, "x-ms-version", c.version)
		do(t, srv, bearer(req, "opaque")).expect(t, c.name, c.status, c.code)
	}
	body := keyBody(inTime(0), inTime(time.Hour), "")
	raw(t, srv, "POST", keyResource, body).expect(t, "by the key of the account", 403, "AuthenticationFailed")
	do(t, srv, bearer(newRaw(t, "http://devstoreaccount1.blob.test/"+keyResource, "POST", body), "opaque")).expect(t, "in the clear", 403, "AuthenticationFailed")
	q := sasQuery(t, blobtest.DefaultKey, accountFields, "sv", "2026-06-06", "ss", "b", "srt", "sco", "sp", "rwdlac", "se", inTime(time.Hour))
	withSAS(t, srv, "POST", keyResource, q, body).expect(t, "by a signature", 403, "AuthenticationFailed")
	do(t, srv, newRaw(t, srv.Endpoint()+"/"+keyResource, "POST", body)).expect(t, "by nobody", 401, "NoAuthenticationInformation")
}

// The fields of user delegation signatures, by the oldest version of each form.
const delegationKeyFields = "sp st se =/blob/devstoreaccount1/photos/a/cat.jpg skoid sktid skt ske sks skv "

var delegationForms = []struct{ sv, fields string }{
	{"2026-04-06", "saoid suoid scid skdutid sduoid sip spr sv sr snapshot ses =x-ms-meta-a:1\n =\ntimeout:9 rscc rscd rsce rscl rsct"},
	{"2025-07-05", "saoid suoid scid = sduoid sip spr sv sr snapshot ses rscc rscd rsce rscl rsct"},
	{"2020-12-06", "saoid suoid scid sip spr sv sr snapshot ses rscc rscd rsce rscl rsct"},
	{"2020-02-10", "saoid suoid scid sip spr sv sr snapshot rscc rscd rsce rscl rsct"},
	{"2018-11-09", "sip spr sv sr snapshot rscc rscd rsce rscl rsct"},
}

func (k delegationKey) values(more ...string) []string {
	return append([]string{"skoid", k.SignedOid, "sktid", k.SignedTid, "skt", k.SignedStart, "ske", k.SignedExpiry, "sks", k.SignedService,
		"skv", k.SignedVersion, "sr", "b", "sp", "r", "se", inTime(time.Hour)}, more...)
}

func TestUserDelegationSAS(t *testing.T) {
	srv := photos(t)
	k := newKey(t, srv, "")
	for _, form := range delegationForms {
		values := k.values("sv", form.sv)
		if form.sv >= "2020-02-10" {
			values = append(values, "saoid", user, "scid", tenant)
		}
		if form.sv >= "2026-04-06" {
			values = append(values, "srh", "x-ms-meta-a", "srq", "timeout")
		}
		fields := delegationKeyFields + form.fields
		get := func(fields string, values ...string) answer {
			t.Helper()
			return withSAS(t, srv, "GET", "photos/a/cat.jpg?timeout=9", sasQuery(t, k.Value, fields, values...), "", "x-ms-meta-a", "1")
		}
		get(fields, values...).expect(t, form.sv, 200, "")
		get(strings.Replace(fields, "ske sks", "sks ske", 1), values...).expect(t, form.sv+", other text", 403, "AuthenticationFailed")
		if form.sv >= "2026-04-06" {
			q := sasQuery(t, k.Value, fields, values...)
			withSAS(t, srv, "GET", "photos/a/cat.jpg?timeout=9", q, "", "x-ms-meta-a", "2").expect(t, "other header", 403, "AuthenticationFailed")
			withSAS(t, srv, "GET", "photos/a/cat.jpg?timeout=8", q, "", "x-ms-meta-a", "1").expect(t, "other parameter", 403, "AuthenticationFailed")
		}
	}
	fields := delegationKeyFields + delegationForms[2].fields
	for _, c := range []struct {
		name, field, value, key string
		status                  int
		code                    string
	}{
		{"permission", "sp", "w", k.Value, 403, "AuthorizationPermissionMismatch"},
		{"expired", "se", inTime(-time.Second), k.Value, 403, "AuthenticationFailed"},
		{"key of the account", "sp", "r", blobtest.DefaultKey, 403, "AuthenticationFailed"},
		{"other user", "skoid", tenant, k.Value, 403, "AuthenticationFailed"},
		{"longer key", "ske", inTime(9 * time.Hour), k.Value, 403, "AuthenticationFailed"},
		{"stored policy", "si", "some", k.Value, 403, "AuthenticationFailed"},
		{"two users", "suoid", user, k.Value, 403, "AuthenticationFailed"},
		{"other service", "sks", "q", k.Value, 403, "AuthenticationFailed"},
		{"address", "sip", "10.0.0.1", k.Value, 403, "AuthorizationSourceIPMismatch"},
	} {
		q := sasQuery(t, c.key, fields, k.values("sv", "2024-11-04", "saoid", user, c.field, c.value)...)
		withSAS(t, srv, "GET", "photos/a/cat.jpg", q, "").expect(t, c.name, c.status, c.code)
	}
}

func TestDelegatedUser(t *testing.T) {
	srv := photos(t)
	k := newKey(t, srv, "<DelegatedUserTid>"+tenant+"</DelegatedUserTid>")
	const other = "00000000-0000-0000-0000-00000000000f"
	fields := strings.NewReplacer("=x-ms-meta-a:1\n", "=", "=\ntimeout:9", "=").Replace(delegationKeyFields + delegationForms[0].fields)
	q := sasQuery(t, k.Value, fields, k.values("sv", "2026-06-06", "skdutid", tenant, "sduoid", user)...)
	for _, c := range []struct {
		name, token string
		status      int
		code        string
	}{
		{"own token", token(user, tenant), 200, ""},
		{"opaque token", "opaque", 200, ""},
		{"no token", "", 403, "AuthenticationFailed"},
		{"token of another", token(other, tenant), 403, "AuthenticationFailed"},
		{"token of another tenant", token(user, other), 403, "AuthenticationFailed"},
	} {
		var header []string
		if c.token != "" {
			header = []string{"Authorization", "Bearer " + c.token}
		}
		withSAS(t, srv, "GET", "photos/a/cat.jpg", q, "", header...).expect(t, c.name, c.status, c.code)
	}
}

func TestUserDelegationKeyExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := photos(t)
		k := newKey(t, srv, "")
		q := sasQuery(t, k.Value, delegationKeyFields+delegationForms[2].fields, k.values("sv", "2024-11-04", "se", inTime(9*time.Hour))...)
		withSAS(t, srv, "GET", "photos/a/cat.jpg", q, "").expect(t, "in time", 200, "")
		time.Sleep(2 * time.Hour) // virtual
		withSAS(t, srv, "GET", "photos/a/cat.jpg", q, "").expect(t, "when the key has expired", 403, "AuthenticationFailed")
	})
}
