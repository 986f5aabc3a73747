package conformance

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"time"
)

// delegate asks for a user delegation key that ends at a time.
func (s *service) delegate(expiry string) *answer {
	s.Helper()
	return s.do("POST", "", "restype=service&comp=userdelegationkey", nil, "<KeyInfo><Start>"+soon(-time.Minute)+"</Start><Expiry>"+expiry+"</Expiry></KeyInfo>")
}

func (s *service) delegationKey() delegationKey {
	s.Helper()
	a := s.bearer().delegate(soon(time.Hour)).want(200, "").has(header{"Content-Type": "application/xml"})
	var key delegationKey
	if err := xml.Unmarshal([]byte(strings.TrimPrefix(a.body, "\ufeff")), &key); err != nil {
		s.Fatal(err)
	}
	if key.SignedOid == "" || key.SignedTid == "" || key.SignedService != "b" || key.SignedVersion == "" || key.Value == "" {
		s.Errorf("a key that lacks something: %s", a.body)
	}
	return key
}

func TestUserDelegationKey(t *testing.T) {
	eachSecure(t, func(s *service) {
		key := s.delegationKey()
		if again := s.delegationKey(); again.SignedOid != key.SignedOid || again.SignedTid != key.SignedTid {
			s.Errorf("one token, two principals: %+v, %+v", key, again)
		}
		s.delegate(soon(time.Hour)).want(403, "AuthenticationFailed")
		s.signed(s.accountSAS()).delegate(soon(time.Hour)).want(403, "AuthenticationFailed")
		s.lacking("lifetime of keys")
		s.bearer().delegate(soon(8*24*time.Hour)).want(400, "InvalidXmlNodeValue")
		s.bearer().delegate(soon(-time.Hour)).want(400, "InvalidXmlNodeValue")
		s.bearer().delegate("").want(400, "InvalidXmlNodeValue")
	})
}

func TestDelegationSAS(t *testing.T) {
	eachSecure(t, func(s *service) {
		s.put("b", "hello", nil)
		key := s.delegationKey()
		for _, sv := range []string{"2018-11-09", "2020-02-10", "2020-12-06", "2025-07-05", newest} {
			s.signed(s.delegationSAS(key, "b", "sv", sv)).blob("GET", "b", "", nil, "").want(200, "").is("hello")
			s.signed(s.delegationSAS(key, "b", "sv", sv, "rsct", "text/x")).blob("GET", "b", "", nil, "").want(200, "").has(header{"Content-Type": "text/x"})
			s.signed(s.delegationSAS(key, "", "sv", sv, "sp", "rl")).do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holds("<Name>b</Name>")
		}
		refusal, other := s.refusal(), key
		other.SignedOid = "0c0a2a1e-3f9d-4b1f-9f0e-000000000000"
		late := key
		late.SignedExpiry = soon(2 * time.Hour)
		for _, signature := range []string{
			s.delegationSAS(key, "c"), s.delegationSAS(other, "b"), s.delegationSAS(late, "b"), s.delegationSAS(key, "b", "se", soon(-time.Minute)),
			s.delegationSAS(key, "b", "st", soon(time.Minute)), s.serviceSAS("b", "skoid", key.SignedOid),
		} {
			s.signed(signature).blob("GET", "b", "", nil, "").want(403, refusal)
		}
		s.signed(s.delegationSAS(key, "b")).blob("PUT", "b", "comp=metadata", nil, "").want(403, "AuthorizationPermissionMismatch")
		s.signed(s.delegationSAS(key, "", "sp", "rwdl")).do("DELETE", s.container, "restype=container", nil, "").want(403, "AuthorizationPermissionMismatch")
		s.signed(s.delegationSAS(key, "b", "spr", "https")).blob("GET", "b", "", nil, "").want(200, "")

		s.lacking("delegated fields")
		snap := s.blob("PUT", "b", "comp=snapshot", nil, "").want(201, "").header.Get("x-ms-snapshot")
		s.signed(s.delegationSAS(key, "b", "sr", "bs", "snapshot", snap)).blob("GET", "b", "", nil, "").want(200, "").is("hello")
		s.signed(s.delegationSAS(key, "b", "saoid", leaseA, "scid", leaseB)).blob("GET", "b", "", nil, "").want(200, "")
		s.signed(s.delegationSAS(key, "b", "suoid", leaseA)).blob("GET", "b", "", nil, "").want(200, "")
		s.signed(s.delegationSAS(key, "b", "saoid", leaseA, "suoid", leaseA)).blob("GET", "b", "", nil, "").want(403, refusal)
		bound := s.delegationSAS(key, "b", "sduoid", key.SignedOid)
		s.signed(bound).blob("GET", "b", "", nil, "").want(403, refusal)
		s.bearer().with(bound).blob("GET", "b", "", nil, "").want(200, "").is("hello")
		s.bearer().with(s.delegationSAS(key, "b", "sduoid", leaseA)).blob("GET", "b", "", nil, "").want(403, refusal)
	})
}

func TestTokens(t *testing.T) {
	eachSecure(t, func(s *service) {
		s.put("b", "hello", nil)
		token := s.bearer()
		token.blob("GET", "b", "", nil, "").want(200, "").is("hello")
		token.put("c", "x", nil)
		token.do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holds("<Name>c</Name>")
		token.do("GET", "", "comp=list&prefix="+s.container, nil, "").want(200, "").holds(s.container)
	})
}

// TestDirectorySAS signs for all below a directory, which is only a prefix of names.
func TestDirectorySAS(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("directory signatures")
		s.put("dir/sub/b", "hello", nil)
		s.put("dir2", "x", nil)
		below := s.signed(s.serviceSAS("dir/sub", "sr", "d", "sdd", "2", "sp", "rl"))
		below.blob("GET", "dir/sub/b", "", nil, "").want(200, "").is("hello")
		below.blob("GET", "dir2", "", nil, "").want(403, "AuthenticationFailed")
		s.signed(s.serviceSAS("dir", "sr", "d", "sdd", "1")).blob("GET", "dir/sub/b", "", nil, "").want(200, "")
		s.signed(s.serviceSAS("dir", "sr", "d", "sdd", "2")).blob("GET", "dir/sub/b", "", nil, "").want(403, "AuthenticationFailed")
		s.signed(s.serviceSAS("", "sr", "d", "sdd", "0")).blob("GET", "dir2", "", nil, "").want(200, "")
		s.signed(s.serviceSAS("dir", "sr", "d", "sdd", "1")).blob("GET", "dir2", "", nil, "").want(403, "AuthenticationFailed")
	})
}

// TestOldSignatures signs in the forms from before 2015-04-05.
func TestOldSignatures(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("old signatures")
		s.put("b", "hello", nil)
		for _, sv := range []string{"2012-02-12", "2013-08-15", "2014-02-14", "2015-02-21"} {
			s.signed(s.serviceSAS("b", "sv", sv)).blob("GET", "b", "", nil, "").want(200, "").is("hello")
			s.signed(s.serviceSAS("b", "sv", sv, "rsct", "text/x")).blob("GET", "b", "x="+url.QueryEscape(sv), nil, "").want(200, "")
		}
	})
}
