package sas_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob/sas"
)

// key is the key of an account.
type key struct{}

func (key) AccountName() string { return "account" }

func (key) Sign(text string) ([]byte, error) {
	mac := hmac.New(sha256.New, []byte("a secret of tests"))
	mac.Write([]byte(text))
	return mac.Sum(nil), nil
}

// nameless is a key that names no account.
type nameless struct{ key }

func (nameless) AccountName() string { return "" }

// broken is a key that cannot sign now.
type broken struct{ key }

var errVault = errors.New("the vault is closed")

func (broken) Sign(string) ([]byte, error) { return nil, errVault }

const id1, id2 = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-aaaaaaaaaaaa"

var day = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// delegationKey is valid for three days.
func delegationKey(t testing.TB, changes ...func(*sas.UserDelegationKey)) sas.UserDelegationKey {
	k := sas.UserDelegationKey{
		Account: "account", SignedObjectID: id1, SignedTenantID: id2, Start: day, Expiry: day.AddDate(0, 0, 3), Service: "b", Version: "2026-06-06",
	}
	for _, change := range changes {
		change(&k)
	}
	k, err := k.WithValue("YSBzZWNyZXQgb2YgdGVzdHM=")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func readAccount(change func(*sas.Account)) sas.Account {
	v := sas.Account{Key: key{}, Permissions: sas.AccountPermissions{Read: true}, Resources: sas.ResourceTypes{Object: true}, Expiry: day.AddDate(0, 0, 1)}
	change(&v)
	return v
}

func readContainer(change func(*sas.Container)) sas.Container {
	v := sas.Container{Key: key{}, Permissions: sas.ContainerPermissions{Read: true}, Expiry: day.AddDate(0, 0, 1)}
	change(&v)
	return v
}

func readDirectory(change func(*sas.Directory)) sas.Directory {
	v := sas.Directory{Key: key{}, Permissions: sas.DirectoryPermissions{Read: true}, Expiry: day.AddDate(0, 0, 1)}
	change(&v)
	return v
}

func readBlob(change func(*sas.Blob)) sas.Blob {
	v := sas.Blob{Key: key{}, Permissions: sas.BlobPermissions{Read: true}, Expiry: day.AddDate(0, 0, 1)}
	change(&v)
	return v
}

// refused demands the error of bad input, with some words in it.
func refused(t *testing.T, what, token string, err error, words string) {
	t.Helper()
	if token != "" || !errors.Is(err, fs.ErrInvalid) || !strings.HasPrefix(err.Error(), "sas: ") || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: %q, %v, want an error with %q", what, token, err, words)
	}
}

func TestBlobRefuses(t *testing.T) {
	addr := netip.MustParseAddr
	for words, change := range map[string]func(*sas.Blob){
		"no key":                     func(v *sas.Blob) { v.Key = nil },
		"no key ":                    func(v *sas.Blob) { v.Key = (*sas.UserDelegationKey)(nil) },
		"which account":              func(v *sas.Blob) { v.Key = nameless{} },
		"no expiry":                  func(v *sas.Blob) { v.Expiry = time.Time{} },
		"no permissions":             func(v *sas.Blob) { v.Permissions = sas.BlobPermissions{} },
		"not after the start":        func(v *sas.Blob) { v.Start = v.Expiry.Add(time.Second) },
		"not after the start ":       func(v *sas.Blob) { v.Start = v.Expiry },
		"not after the start 2":      func(v *sas.Blob) { v.Start, v.Expiry = day, day.Add(time.Second-1) },
		"four digits":                func(v *sas.Blob) { v.Expiry = day.AddDate(9000, 0, 0) },
		"http alone":                 func(v *sas.Blob) { v.Protocol = "http" },
		"no protocol":                func(v *sas.Blob) { v.Protocol = "ftp" },
		"no version":                 func(v *sas.Blob) { v.Version = "latest" },
		"needs version 2012-02-12":   func(v *sas.Blob) { v.Version = "2011-08-18" },
		"a protocol needs":           func(v *sas.Blob) { v.Version, v.Protocol = "2015-02-21", sas.HTTPS },
		"IP addresses needs":         func(v *sas.Blob) { v.Version, v.IP.First = "2015-02-21", addr("10.0.0.1") },
		"scope needs":                func(v *sas.Blob) { v.Version, v.EncryptionScope = "2020-10-02", "mine" },
		"header needs":               func(v *sas.Blob) { v.Version, v.Headers.ContentType = "2012-02-12", "text/plain" },
		"signature needs version 20": func(v *sas.Blob) { v.Version, v.Snapshot = "2018-03-28", "2029-05-06T07:08:09.0123456Z" },
		"signature needs version 2":  func(v *sas.Blob) { v.Version, v.VersionID = "2018-03-28", "2029-05-06T07:08:09.0123456Z" },
		"permission x needs":         func(v *sas.Blob) { v.Version, v.Permissions.DeleteVersion = "2019-10-10", true },
		"permission t needs":         func(v *sas.Blob) { v.Version, v.Permissions.Tags = "2019-10-10", true },
		"permission y needs":         func(v *sas.Blob) { v.Version, v.Permissions.PermanentDelete = "2019-12-12", true },
		"permission m needs":         func(v *sas.Blob) { v.Version, v.Permissions.Move = "2019-12-12", true },
		"permission e needs":         func(v *sas.Blob) { v.Version, v.Permissions.Execute = "2019-12-12", true },
		"permission o needs":         func(v *sas.Blob) { v.Version, v.Permissions.Ownership = "2019-12-12", true },
		"permission p needs":         func(v *sas.Blob) { v.Version, v.Permissions.Permissions = "2019-12-12", true },
		"permission i needs":         func(v *sas.Blob) { v.Version, v.Permissions.SetImmutabilityPolicy = "2020-04-08", true },
		"exclude each other":         func(v *sas.Blob) { v.Snapshot, v.VersionID = "a", "b" },
		"64 are the most":            func(v *sas.Blob) { v.Policy = strings.Repeat("ü", 65) },
		"has no first one":           func(v *sas.Blob) { v.IP.Last = addr("10.0.0.1") },
		"before it begins":           func(v *sas.Blob) { v.IP = sas.IPRange{First: addr("10.0.0.2"), Last: addr("10.0.0.1")} },
		"before it begins ":          func(v *sas.Blob) { v.IP = sas.IPRange{First: addr("10.0.0.2"), Last: addr("2001:db8::1")} },
		"has a zone":                 func(v *sas.Blob) { v.IP.First = addr("fe80::1%eth0") },
		"Content-Type has a control": func(v *sas.Blob) { v.Headers.ContentType = "a\nb" },
		"Disposition has a control":  func(v *sas.Blob) { v.Headers.ContentDisposition = "\x00" },
		"Cache-Control has a":        func(v *sas.Blob) { v.Headers.CacheControl = "a\r" },
		"Encoding has a control":     func(v *sas.Blob) { v.Headers.ContentEncoding = "a\x7f" },
		"Language is not valid":      func(v *sas.Blob) { v.Headers.ContentLanguage = "\xff" },
		"scope has a control":        func(v *sas.Blob) { v.EncryptionScope = "a\nb" },
		"policy has a control":       func(v *sas.Blob) { v.Policy = "a\nb" },
		"snapshot has a control":     func(v *sas.Blob) { v.Snapshot = "a\n" },
		"version ID has a control":   func(v *sas.Blob) { v.VersionID = "a\n" },
		"Delegation fields are for":  func(v *sas.Blob) { v.Delegation.CorrelationID = id1 },
		"Delegation fields are":      func(v *sas.Blob) { v.Delegation.RequestHeaders = map[string]string{"Range": ""} },
	} {
		token, err := readBlob(change).Sign("photos", "cat.jpg")
		refused(t, words, token, err, strings.TrimRight(words, " 2"))
	}
	fine := readBlob(func(*sas.Blob) {})
	for words, names := range map[string][2]string{
		"no name of a container": {"", "cat"}, `"a/b" is no name`: {"a/b", "cat"}, `is no name`: {"a?b", "cat"}, "the blob has no name": {"photos", ""},
		"the container name has a control": {"a\nb", "cat"}, "the name has a control": {"photos", "a\nb"}, "the name is not valid UTF-8": {"photos", "\xff"},
	} {
		token, err := fine.Sign(names[0], names[1])
		refused(t, words, token, err, words)
	}
	if _, err := readBlob(func(v *sas.Blob) { v.Key = broken{} }).Sign("photos", "cat"); err != errVault {
		t.Errorf("a key that fails: %v", err)
	}
	// The policy may say what is left out, or the signature what the policy leaves out.
	for _, change := range []func(*sas.Blob){
		func(v *sas.Blob) { v.Policy, v.Permissions, v.Expiry = "p", sas.BlobPermissions{}, time.Time{} },
		func(v *sas.Blob) { v.Policy, v.Permissions = "p", sas.BlobPermissions{} },
		func(v *sas.Blob) { v.Policy, v.Expiry = "p", time.Time{} },
		func(v *sas.Blob) { v.Policy = strings.Repeat("ü", 64) },
	} {
		if token, err := readBlob(change).Sign("photos", "cat"); err != nil || !strings.Contains(token, "&si=") {
			t.Errorf("%q, %v", token, err)
		}
	}
}

func TestOthersRefuse(t *testing.T) {
	for words, change := range map[string]func(*sas.Account){
		"no type of resource": func(v *sas.Account) { v.Resources = sas.ResourceTypes{} },
		"needs version 2015":  func(v *sas.Account) { v.Version = "2015-02-21" },
		"needs the key of":    func(v *sas.Account) { v.Key = delegationKey(t) },
		"needs the key of ":   func(v *sas.Account) { k := delegationKey(t); v.Key = &k },
		"scope needs":         func(v *sas.Account) { v.Version, v.EncryptionScope = "2020-10-02", "mine" },
		"no expiry":           func(v *sas.Account) { v.Expiry = time.Time{} },
		"permission f needs":  func(v *sas.Account) { v.Version, v.Permissions.FindByTags = "2019-10-10", true },
		"no permissions":      func(v *sas.Account) { v.Permissions = sas.AccountPermissions{} },
		"no key":              func(v *sas.Account) { v.Key = nil },
	} {
		token, err := readAccount(change).Sign()
		refused(t, words, token, err, strings.TrimSpace(words))
	}
	// p is a permission of messages here, which is older.
	if _, err := readAccount(func(v *sas.Account) { v.Version, v.Permissions.Process = "2015-04-05", true }).Sign(); err != nil {
		t.Error(err)
	}
	for words, change := range map[string]func(*sas.Container){
		"needs version 2012": func(v *sas.Container) { v.Version = "2009-09-19" },
		"permission p needs": func(v *sas.Container) { v.Version, v.Permissions.Permissions = "2019-12-12", true },
		"permission f needs": func(v *sas.Container) { v.Version, v.Permissions.FindByTags = "2019-10-10", true },
	} {
		token, err := readContainer(change).Sign("photos")
		refused(t, words, token, err, words)
	}
	for words, change := range map[string]func(*sas.Directory){
		"needs version 2020-02-10": func(v *sas.Directory) { v.Version = "2019-12-12" },
		"no expiry":                func(v *sas.Directory) { v.Expiry = time.Time{} },
	} {
		token, err := readDirectory(change).Sign("photos", "2026")
		refused(t, words, token, err, words)
	}
}

func TestUserDelegationRefuses(t *testing.T) {
	many := map[string]string{"Range": "bytes=0-9"}
	for words, change := range map[string]func(*sas.Blob){
		"needs version 2018-11-09":  func(v *sas.Blob) { v.Version = "2018-03-28" },
		"stored access policy":      func(v *sas.Blob) { v.Policy = "p" },
		"before that of the user":   func(v *sas.Blob) { v.Start = day.Add(-time.Second) },
		"after that of the user":    func(v *sas.Blob) { v.Expiry = day.AddDate(0, 0, 3).Add(time.Second) },
		"AuthorizedObjectID is no":  func(v *sas.Blob) { v.Delegation.AuthorizedObjectID = "me" },
		"UnauthorizedObjectID is":   func(v *sas.Blob) { v.Delegation.UnauthorizedObjectID = id1 + "\n" },
		"CorrelationID is no UUID":  func(v *sas.Blob) { v.Delegation.CorrelationID = "{" + id1 + "}" },
		"exclude each other":        func(v *sas.Blob) { v.Delegation.AuthorizedObjectID, v.Delegation.UnauthorizedObjectID = id1, id2 },
		"AuthorizedObjectID needs":  func(v *sas.Blob) { v.Version, v.Delegation.AuthorizedObjectID = "2019-12-12", id1 },
		"thorizedObjectID needs":    func(v *sas.Blob) { v.Version, v.Delegation.UnauthorizedObjectID = "2019-12-12", id1 },
		"CorrelationID needs":       func(v *sas.Blob) { v.Version, v.Delegation.CorrelationID = "2019-12-12", id1 },
		"DelegatedUserObjectID":     func(v *sas.Blob) { v.Version, v.Delegation.DelegatedUserObjectID = "2025-05-05", id1 },
		"or parameters only needs":  func(v *sas.Blob) { v.Version, v.Delegation.RequestHeaders = "2026-02-06", many },
		"or parameters only needs ": func(v *sas.Blob) { v.Version, v.Delegation.RequestParameters = "2026-02-06", many },
		"no name of a header":       func(v *sas.Blob) { v.Delegation.RequestHeaders = map[string]string{"a,b": "c"} },
		"no name of a header ":      func(v *sas.Blob) { v.Delegation.RequestHeaders = map[string]string{"": "c"} },
		"no name of a header  ":     func(v *sas.Blob) { v.Delegation.RequestHeaders = map[string]string{"a b": "c"} },
		"header a has a control":    func(v *sas.Blob) { v.Delegation.RequestHeaders = map[string]string{"a": "c\nd"} },
		"is in RequestHeaders":      func(v *sas.Blob) { v.Delegation.RequestHeaders = map[string]string{"Range": "c", "range": "d"} },
		"no name of a query":        func(v *sas.Blob) { v.Delegation.RequestParameters = map[string]string{"a,b": "c"} },
		"no name of a query ":       func(v *sas.Blob) { v.Delegation.RequestParameters = map[string]string{"": "c"} },
		"no name of a query  ":      func(v *sas.Blob) { v.Delegation.RequestParameters = map[string]string{"sig": "c"} },
		"no name of a query   ":     func(v *sas.Blob) { v.Delegation.RequestParameters = map[string]string{"a\nb": "c"} },
		"parameter a has a":         func(v *sas.Blob) { v.Delegation.RequestParameters = map[string]string{"a": "c\nd"} },
	} {
		for _, k := range []sas.Signer{delegationKey(t), func() *sas.UserDelegationKey { k := delegationKey(t); return &k }()} {
			token, err := readBlob(func(v *sas.Blob) { v.Key = k; change(v) }).Sign("photos", "cat.jpg")
			refused(t, words, token, err, strings.TrimSpace(words))
		}
	}
	for words, change := range map[string]func(*sas.UserDelegationKey){
		"which account":            func(k *sas.UserDelegationKey) { k.Account = "" },
		"lacks one":                func(k *sas.UserDelegationKey) { k.SignedObjectID = "" },
		"lacks one ":               func(k *sas.UserDelegationKey) { k.SignedTenantID = "" },
		"lacks one  ":              func(k *sas.UserDelegationKey) { k.Service = "" },
		"lacks one   ":             func(k *sas.UserDelegationKey) { k.Version = "" },
		"lacks one    ":            func(k *sas.UserDelegationKey) { k.Start = time.Time{} },
		"ends before it begins":    func(k *sas.UserDelegationKey) { k.Expiry = day },
		"more than seven days":     func(k *sas.UserDelegationKey) { k.Expiry = day.Add(sas.MaxDelegation + time.Second) },
		"SignedObjectID of the":    func(k *sas.UserDelegationKey) { k.SignedObjectID = "a\nb" },
		"DelegatedTenantID of the": func(k *sas.UserDelegationKey) { k.DelegatedTenantID = "a\nb" },
	} {
		token, err := readBlob(func(v *sas.Blob) { v.Key = delegationKey(t, change) }).Sign("photos", "cat.jpg")
		refused(t, words, token, err, strings.TrimSpace(words))
	}
	none := readBlob(func(v *sas.Blob) { v.Key = sas.UserDelegationKey{Account: "account"} })
	token, err := none.Sign("photos", "cat.jpg")
	refused(t, "no value", token, err, "WithValue")
	if _, err := (sas.UserDelegationKey{}).Sign(""); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("the zero key signs: %v", err)
	}
	other := readBlob(func(v *sas.Blob) {
		v.Version = "2026-02-06"
		v.Key = delegationKey(t, func(k *sas.UserDelegationKey) { k.DelegatedTenantID = id1 })
	})
	token, err = other.Sign("photos", "cat.jpg")
	refused(t, "other tenant", token, err, "another tenant needs version 2026-04-06")
	// To the second it may be.
	whole := readBlob(func(v *sas.Blob) {
		v.Key, v.Start, v.Expiry = delegationKey(t), day, day.AddDate(0, 0, 3)
		v.Delegation.CorrelationID = strings.ToUpper(id2)
	})
	if token, err := whole.Sign("photos", "cat.jpg"); err != nil || !strings.Contains(token, "scid="+id2) {
		t.Errorf("%q, %v", token, err)
	}
}

// TestDirectoryNames has one directory written in several ways.
func TestDirectoryNames(t *testing.T) {
	d := readDirectory(func(*sas.Directory) {})
	want, err := d.Sign("photos", "2026/may")
	if err != nil || !strings.Contains(want, "&sdd=2&") {
		t.Errorf("%s, %v", want, err)
	}
	for _, name := range []string{"/2026/may", "2026/may/", "/2026/may/", `2026\may`, `\2026\may\`} {
		if got, err := d.Sign("photos", name); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", name, got, err, want)
		}
	}
	if other, err := d.Sign("photos", "2026//may"); err != nil || !strings.Contains(other, "&sdd=3&") {
		t.Errorf("%s, %v", other, err)
	}
}
