package conformance

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// versionsOfSAS are the versions in which the texts of signatures changed that
// both services know.
var versionsOfSAS = []string{"2015-04-05", "2018-11-09", "2020-02-10", "2020-12-06", "2025-07-05", newest}

func TestAccountSAS(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "hello", nil)
		for _, sv := range versionsOfSAS {
			s.signed(s.accountSAS("sv", sv)).blob("GET", "b", "", nil, "").want(200, "").is("hello")
		}
		all := s.signed(s.accountSAS("spr", "https,http"))
		all.do("GET", "", "comp=list&prefix="+s.container, nil, "").want(200, "").holds(s.container)
		all.do("GET", "", "restype=service&comp=properties", nil, "").want(200, "")
		all.do("GET", "", "restype=account&comp=properties", nil, "").want(200, "")
		all.do("HEAD", s.container, "restype=container", nil, "").want(200, "")
		all.do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holds("<Name>b</Name>")
		all.do("GET", s.container, "restype=container&comp=acl", nil, "").want(403, "AuthorizationPermissionMismatch")
		all.put("c", "x", nil)
		all.blob("DELETE", "c", "", nil, "").want(202, "")

		const resource, permission = "AuthorizationResourceTypeMismatch", "AuthorizationPermissionMismatch"
		for _, c := range []struct{ srt, sp, method, path, query, code string }{
			{"co", "rl", "GET", "", "comp=list", resource},
			{"so", "rl", "GET", s.container, "restype=container&comp=list", resource},
			{"sc", "r", "GET", s.container + "/b", "", resource},
			{"s", "r", "GET", "", "comp=list", permission},
			{"c", "r", "GET", s.container, "restype=container&comp=list", permission},
			{"o", "wl", "GET", s.container + "/b", "", permission},
			{"o", "rw", "DELETE", s.container + "/b", "", permission},
			{"o", "r", "PUT", s.container + "/b", "comp=metadata", permission},
			{"o", "r", "PUT", s.container + "/b", "comp=snapshot", permission},
			{"o", "rwd", "GET", s.container + "/b", "comp=tags", permission},
			{"o", "rl", "GET", "", "comp=blobs&where=" + url.QueryEscape("a = 'b'"), permission},
			{"s", "f", "GET", "", "comp=blobs&where=" + url.QueryEscape("a = 'b'"), resource},
			{"s", "r", "PUT", "", "restype=service&comp=properties", permission},
			{"c", "r", "DELETE", s.container, "restype=container", permission},
		} {
			s.signed(s.accountSAS("srt", c.srt, "sp", c.sp)).do(c.method, c.path, c.query, nil, "").want(403, c.code)
		}
		s.signed(s.accountSAS("ss", "qtf")).blob("GET", "b", "", nil, "").want(403, "AuthorizationServiceMismatch")
		only := s.signed(s.accountSAS("sp", "c"))
		only.put("created", "x", nil)
		if s.has("code of overwriting") {
			only.blob("PUT", "created", "", header{"x-ms-blob-type": "BlockBlob"}, "y").want(403, "UnauthorizedBlobOverwrite")
		}
		s.blob("GET", "created", "", nil, "").want(200, "").is("x")
	})
}

func TestServiceSAS(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "hello", header{"x-ms-blob-content-type": "text/plain", "x-ms-blob-cache-control": "max-age=1"})
		s.put("ü%20a", "spaced", nil)
		for _, sv := range versionsOfSAS {
			s.signed(s.serviceSAS("b", "sv", sv)).blob("GET", "b", "", nil, "").want(200, "").is("hello")
			s.signed(s.serviceSAS("", "sv", sv)).blob("GET", "b", "", nil, "").want(200, "").is("hello")
			s.signed(s.serviceSAS("b", "sv", sv, "rsct", "text/x", "rscc", "no-cache", "rscd", "inline", "rsce", "identity", "rscl", "de")).blob("GET", "b", "", nil, "").
				want(200, "").has(header{"Content-Type": "text/x", "Cache-Control": "no-cache", "Content-Disposition": "inline", "Content-Encoding": "identity", "Content-Language": "de"}).is("hello")
		}
		s.signed(s.serviceSAS("b", "rscd", "inline; filename=\"a&b\"")).blob("HEAD", "b", "", nil, "").want(200, "").
			has(header{"Content-Type": "text/plain", "Cache-Control": "max-age=1", "Content-Disposition": `inline; filename="a&b"`})
		s.signed(s.serviceSAS("ü a")).blob("GET", "ü%20a", "", nil, "").want(200, "").is("spaced")

		listing := s.signed(s.serviceSAS("", "sp", "rl"))
		listing.do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holds("<Name>b</Name>")
		listing.do("GET", s.container, "restype=container&comp=list&delimiter=%2F", nil, "").want(200, "").holds("<Name>b</Name>")
		listing.do("GET", "", "comp=list", nil, "").want(403, s.refusal())
		for _, other := range []string{s.serviceSAS("c"), s.serviceSAS("B"), s.serviceSAS("b", "sr", "c"), s.serviceSAS("", "sr", "b"), strings.Replace(s.serviceSAS("b"), "sp=r", "sp=w", 1)} {
			s.signed(other).blob("GET", "b", "", nil, "").want(403, s.refusal())
		}
		wrong := *s
		wrong.key = "AAAA"
		s.signed(wrong.serviceSAS("b")).blob("GET", "b", "", nil, "").want(403, s.refusal())
	})
}

// refusal is the code of a signature that is not valid.
func (s *service) refusal() string {
	s.Helper()
	if s.has("code of signatures") {
		return "AuthenticationFailed"
	}
	return "AuthorizationFailure"
}

func TestPermissionsOfSAS(t *testing.T) {
	each(t, func(s *service) {
		const mismatch = "AuthorizationPermissionMismatch"
		block := header{"x-ms-blob-type": "BlockBlob"}
		s.put("b", "hello", nil)
		s.blob("PUT", "log", "", header{"x-ms-blob-type": "AppendBlob"}, "").want(201, "")
		for _, c := range []struct {
			name, method, query string
			header              header
			body                string
			sp, not             string // one that lets it, and the most that does not
			status              int
		}{
			{"b", "GET", "", nil, "", "r", "acwdt", 200},
			{"b", "HEAD", "", nil, "", "r", "acwdt", 200},
			{"b", "GET", "comp=metadata", nil, "", "r", "acwdt", 200},
			{"b", "GET", "comp=blocklist&blocklisttype=all", nil, "", "r", "acwdt", 200},
			{"b", "PUT", "", block, "x", "w", "radt", 201},
			{"fresh", "PUT", "", block, "x", "c", "radt", 201},
			{"b", "PUT", "comp=metadata", nil, "", "w", "racdt", 200},
			{"b", "PUT", "comp=properties", nil, "", "w", "racdt", 200},
			{"b", "PUT", "comp=tier", header{"x-ms-access-tier": "Cool"}, "", "w", "racdt", 200},
			{"b", "PUT", "comp=snapshot", nil, "", "c", "radt", 201},
			{"b", "PUT", "comp=snapshot", nil, "", "w", "radt", 201},
			{"b", "PUT", "comp=block&blockid=QQ%3D%3D", nil, "x", "w", "racdt", 201},
			{"b", "PUT", "comp=blocklist", nil, "<BlockList></BlockList>", "w", "racdt", 201},
			{"b", "PUT", "comp=lease", header{"x-ms-lease-action": "acquire", "x-ms-lease-duration": "15", "x-ms-proposed-lease-id": leaseA}, "", "w", "racdt", 201},
			{"b", "PUT", "comp=lease", header{"x-ms-lease-action": "break", "x-ms-lease-break-period": "0"}, "", "d", "ract", 202},
			{"b", "GET", "comp=tags", nil, "", "t", "racwd", 200},
			{"b", "PUT", "comp=tags", nil, tagSet("a", "b"), "t", "racwd", 204},
			{"log", "PUT", "comp=appendblock", nil, "x", "a", "rcdt", 201},
			{"log", "PUT", "comp=appendblock", nil, "x", "w", "rcdt", 201},
			{"b", "DELETE", "", header{"x-ms-delete-snapshots": "include"}, "", "d", "racwt", 202},
		} {
			s.signed(s.serviceSAS(c.name, "sp", c.not)).blob(c.method, c.name, c.query, c.header, c.body).want(403, mismatch)
			s.signed(s.serviceSAS("", "sp", c.sp)).blob(c.method, c.name, c.query, c.header, c.body).want(c.status, "")
		}
	})
}

func TestLimitsOfSAS(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "hello", nil)
		const day = 24 * time.Hour
		for _, fields := range [][]string{
			{"st", soon(-time.Hour)}, {"se", soon(day)[:len("2006-01-02T15:04")] + "Z"}, {"se", soon(2 * day)[:len("2006-01-02")]},
			{"st", soon(-2 * day)[:len("2006-01-02")]}, {"se", soon(time.Hour)[:len("2006-01-02T15:04:05")] + ".1234567Z"}, {"spr", "https,http"}, {"sip", "127.0.0.1"},
		} {
			s.signed(s.serviceSAS("b", fields...)).blob("GET", "b", "", nil, "").want(200, "").is("hello")
			s.signed(s.accountSAS(fields...)).blob("GET", "b", "", nil, "").want(200, "").is("hello")
		}
		refusal := s.refusal()
		for _, fields := range [][]string{{"st", soon(time.Hour), "se", soon(day)}, {"se", soon(-time.Minute)}, {"se", ""}, {"sp", ""}} {
			s.signed(s.serviceSAS("b", fields...)).blob("GET", "b", "", nil, "").want(403, refusal)
			s.signed(s.accountSAS(fields...)).blob("GET", "b", "", nil, "").want(403, refusal)
		}
		for _, signature := range []string{s.serviceSAS("b", "spr", "https"), s.accountSAS("spr", "https")} {
			s.signed(signature).blob("GET", "b", "", nil, "").want(403, "AuthorizationProtocolMismatch")
		}
		s.lacking("limits of signatures")
		s.signed(s.serviceSAS("b", "se", "soon")).blob("GET", "b", "", nil, "").want(403, refusal)
		s.signed(s.serviceSAS("b", "sip", "10.0.0.1-10.0.0.9")).blob("GET", "b", "", nil, "").want(403, "AuthorizationSourceIPMismatch")
		s.signed(s.serviceSAS("b", "sip", "127.0.0.0-127.0.0.9")).blob("GET", "b", "", nil, "").want(200, "")
		s.signed(s.serviceSAS("b", "sp", "wr")).blob("GET", "b", "", nil, "").want(403, refusal) // not in order
	})
	eachSecure(t, func(s *service) {
		s.put("b", "hello", nil)
		for _, signature := range []string{s.serviceSAS("b", "spr", "https"), s.accountSAS("spr", "https"), s.serviceSAS("b", "spr", "https,http")} {
			s.signed(signature).blob("GET", "b", "", nil, "").want(200, "").is("hello")
		}
	})
}

func TestStoredPolicies(t *testing.T) {
	policy := func(id string, fields ...string) string {
		text := "<SignedIdentifier><Id>" + id + "</Id><AccessPolicy>"
		for i := 0; i < len(fields); i += 2 {
			text += "<" + fields[i] + ">" + fields[i+1] + "</" + fields[i] + ">"
		}
		return text + "</AccessPolicy></SignedIdentifier>"
	}
	each(t, func(s *service) {
		const acl = "restype=container&comp=acl"
		set := func(policies ...string) {
			s.do("PUT", s.container, acl, nil, "<SignedIdentifiers>"+strings.Join(policies, "")+"</SignedIdentifiers>").want(200, "")
		}
		s.put("b", "hello", nil)
		set(policy("all", "Start", soon(-time.Hour), "Expiry", soon(time.Hour), "Permission", "rl"), policy("over", "Expiry", soon(-time.Hour), "Permission", "r"),
			policy("early", "Start", soon(time.Hour), "Expiry", soon(2*time.Hour), "Permission", "r"), policy("rest", "Permission", "r"))
		named := func(id string, more ...string) *service {
			return s.signed(s.serviceSAS("", append([]string{"si", id, "sp", "", "se", ""}, more...)...))
		}
		all := named("all")
		all.blob("GET", "b", "", nil, "").want(200, "").is("hello")
		all.do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holds("<Name>b</Name>")
		all.blob("DELETE", "b", "", nil, "").want(403, "AuthorizationPermissionMismatch")
		s.signed(s.serviceSAS("b", "si", "all", "sp", "", "se", "")).blob("GET", "b", "", nil, "").want(200, "").is("hello")
		refusal := s.refusal()
		for _, id := range []string{"over", "early", "none"} {
			named(id).blob("GET", "b", "", nil, "").want(403, refusal)
		}
		if s.has("limits of signatures") {
			named("rest").blob("GET", "b", "", nil, "").want(403, refusal) // expires never
		}
		named("rest", "se", soon(time.Hour)).blob("GET", "b", "", nil, "").want(200, "").is("hello")
		set(policy("all", "Expiry", soon(time.Hour), "Permission", "d"))
		all.blob("GET", "b", "", nil, "").want(403, "AuthorizationPermissionMismatch")
		all.blob("DELETE", "b", "", nil, "").want(202, "")
		set()
		all.blob("GET", "b", "", nil, "").want(403, refusal)
	})
}

func TestSnapshotSAS(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "old", nil)
		snap := s.blob("PUT", "b", "comp=snapshot", nil, "").want(201, "").header.Get("x-ms-snapshot")
		s.put("b", "new", nil)
		sas := s.serviceSAS("b", "sr", "bs", "snapshot", snap, "sp", "rd")
		s.signed(sas).blob("GET", "b", "", nil, "").want(200, "").is("old")
		if s.has("snapshots by container") {
			s.signed(s.serviceSAS("")).blob("GET", "b", "snapshot="+url.QueryEscape(snap), nil, "").want(200, "").is("old")
		}
		refusal := s.refusal()
		s.signed(strings.Replace(sas, "snapshot="+url.QueryEscape(snap), "", 1)).blob("GET", "b", "", nil, "").want(403, refusal)
		s.signed(s.serviceSAS("b")).blob("GET", "b", "snapshot="+url.QueryEscape(snap), nil, "").want(403, refusal)
		s.signed(sas).blob("DELETE", "b", "", nil, "").want(202, "")
		s.blob("GET", "b", "", nil, "").want(200, "").is("new")
	})
}
