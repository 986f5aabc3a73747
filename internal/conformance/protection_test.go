package conformance

import (
	"net/http"
	"testing"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

func TestImmutability(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("immutability")
		day := func(n int) string {
			return time.Now().UTC().Add(time.Duration(n) * 24 * time.Hour).Format(http.TimeFormat)
		}
		s.put("b", "x", nil)
		set := func(until, mode string) *answer {
			return s.blob("PUT", "b", "comp=immutabilityPolicies", header{"x-ms-immutability-policy-until-date": until, "x-ms-immutability-policy-mode": mode}, "")
		}
		tomorrow := day(1)
		set(tomorrow, "unlocked").want(200, "").has(header{"x-ms-immutability-policy-until-date": tomorrow, "x-ms-immutability-policy-mode": "unlocked"})
		for _, method := range []string{"GET", "HEAD"} {
			s.blob(method, "b", "", nil, "").want(200, "").has(header{"x-ms-immutability-policy-until-date": tomorrow, "x-ms-immutability-policy-mode": "unlocked"})
		}
		s.blob("PUT", "b", "comp=metadata", nil, "").want(409, "BlobImmutableDueToPolicy")
		s.blob("DELETE", "b", "", nil, "").want(409, "BlobImmutableDueToPolicy")
		s.do("GET", s.container, "restype=container&comp=list&include=immutabilitypolicy", nil, "").want(200, "").holds("<ImmutabilityPolicyMode>unlocked</ImmutabilityPolicyMode>", "<ImmutabilityPolicyUntilDate>"+tomorrow)
		s.blob("DELETE", "b", "comp=immutabilityPolicies", nil, "").want(200, "")
		s.blob("PUT", "b", "comp=metadata", nil, "").want(200, "")
		set(day(-1), "unlocked").want(400, "InvalidHeaderValue")
		set(day(2), "locked").want(200, "")
		s.blob("DELETE", "b", "comp=immutabilityPolicies", nil, "").want(409, "ImmutabilityPolicyDeleteOnLockedPolicy")
		set(day(1), "locked").want(409, "BlobImmutableDueToPolicy")
		set(day(3), "locked").want(200, "")
		s.put("held", "x", header{"x-ms-legal-hold": "true"})
		for _, method := range []string{"GET", "HEAD"} {
			s.blob(method, "held", "", nil, "").want(200, "").has(header{"x-ms-legal-hold": "true"})
		}
		s.blob("DELETE", "held", "", nil, "").want(409, "BlobImmutableDueToLegalHold")
		s.do("GET", s.container, "restype=container&comp=list&include=legalhold", nil, "").want(200, "").holds("<LegalHold>true</LegalHold>")
		s.blob("PUT", "held", "comp=legalhold", header{"x-ms-legal-hold": "false"}, "").want(200, "").has(header{"x-ms-legal-hold": "false"})
		s.blob("DELETE", "held", "", nil, "").want(202, "")
	})
}

func TestExpiry(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("expiry")
		s.put("b", "x", nil)
		at := time.Now().UTC().Add(time.Hour).Format(http.TimeFormat)
		s.blob("PUT", "b", "comp=expiry", header{"x-ms-expiry-option": "Absolute", "x-ms-expiry-time": at}, "").want(200, "").has(header{"ETag": "", "Last-Modified": ""})
		for _, method := range []string{"GET", "HEAD"} {
			s.blob(method, "b", "", nil, "").want(200, "").has(header{"x-ms-expiry-time": at})
		}
		s.blob("PUT", "b", "comp=expiry", header{"x-ms-expiry-option": "NeverExpire"}, "").want(200, "")
		s.blob("HEAD", "b", "", nil, "").want(200, "").without("x-ms-expiry-time")
		s.blob("PUT", "b", "comp=expiry", header{"x-ms-expiry-option": "Sometime"}, "").want(400, "InvalidHeaderValue")
		s.blob("PUT", "b", "comp=expiry", nil, "").want(400, "MissingRequiredHeader")
	}, &blobtest.Options{HierarchicalNamespace: true})
}

// customerKey are the headers of a key, with which nothing is encrypted here.
var customerKey = header{
	"x-ms-encryption-key": "MDEyMzQ1NjcwMTIzNDU2NzAxMjM0NTY3MDEyMzQ1Njc=", "x-ms-encryption-algorithm": "AES256",
	"x-ms-encryption-key-sha256": "3QFFFpRA5+XANHqwwbT4yXDmrT/2JaLt/FKHjzhOdoE=",
}

func TestCustomerKeys(t *testing.T) {
	eachSecure(t, func(s *service) {
		s.lacking("customer keys")
		sum := header{"x-ms-encryption-key-sha256": customerKey["x-ms-encryption-key-sha256"]}
		s.put("b", "hello", customerKey)
		s.blob("GET", "b", "", customerKey, "").want(200, "").is("hello").has(sum)
		s.blob("HEAD", "b", "", customerKey, "").want(200, "").has(sum)
		s.blob("GET", "b", "", nil, "").want(409, "BlobUsesCustomerSpecifiedEncryption")
		s.blob("PUT", "b", "comp=metadata", nil, "").want(409, "BlobUsesCustomerSpecifiedEncryption")
		s.blob("PUT", "b", "", with(with(customerKey, "x-ms-blob-type", "BlockBlob"), "x-ms-encryption-key-sha256", "AAAA"), "x").want(400, "InvalidHeaderValue")
	})
}

func TestEncryptionScopes(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("encryption scopes")
		name := s.container + "s"
		s.do("PUT", name, "restype=container", header{"x-ms-default-encryption-scope": "mine", "x-ms-deny-encryption-scope-override": "true"}, "").want(201, "")
		s.do("GET", name, "restype=container", nil, "").want(200, "").has(header{"x-ms-default-encryption-scope": "mine", "x-ms-deny-encryption-scope-override": "true"})
		s.do("PUT", name+"/b", "", header{"x-ms-blob-type": "BlockBlob"}, "x").want(201, "").has(header{"x-ms-encryption-scope": "mine"})
		for _, method := range []string{"GET", "HEAD"} {
			s.do(method, name+"/b", "", nil, "").want(200, "").has(header{"x-ms-encryption-scope": "mine"})
		}
		s.put("b", "x", header{"x-ms-encryption-scope": "other"}).has(header{"x-ms-encryption-scope": "other"})
		s.signed(s.serviceSAS("", "sp", "rw", "ses", "third")).put("c", "x", nil).has(header{"x-ms-encryption-scope": "third"})
		s.signed(s.serviceSAS("", "sp", "rw", "ses", "third")).blob("PUT", "c", "", header{"x-ms-blob-type": "BlockBlob", "x-ms-encryption-scope": "other"}, "x").want(400, "InvalidHeaderValue")
	})
}
