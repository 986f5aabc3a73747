package sas

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"
)

// accountKey is the key of an account.
type accountKey struct {
	account string
	key     []byte
}

func (k accountKey) AccountName() string { return k.account }

func (k accountKey) Sign(text string) ([]byte, error) {
	mac := hmac.New(sha256.New, k.key)
	mac.Write([]byte(text))
	return mac.Sum(nil), nil
}

// vectors are query strings with the texts that their signatures sign, for each
// version at which a text changes and the last one before it. They were made
// without this package, from the tables of the REST reference.
type vectors struct {
	Account       string
	Key           string
	DelegationKey string
	Vectors       []vector
}

type vector struct {
	Name                string
	Container, Path     string
	Headers, Parameters map[string]string // that the signature is bound to
	Query, Text         string
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// texter is what has a text to sign.
type texter interface {
	text() (values, string, error)
}

// again makes the values that a token was made of, and the key that signs them.
func (v vectors) again(t *testing.T, token Token, of vector) (texter, Signer) {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	var key Signer = accountKey{v.Account, decoded}
	if token.Key.SignedObjectID != "" {
		token.Key.Account = v.Account
		k, err := token.Key.WithValue(v.DelegationKey)
		if err != nil {
			t.Fatal(err)
		}
		key = k
	}
	token.Delegation.RequestHeaders, token.Delegation.RequestParameters = of.Headers, of.Parameters
	switch token.Resource {
	case ResourceAccount:
		p, err := ParseAccountPermissions(token.Permissions)
		if err != nil {
			t.Error(err)
		}
		return Account{Key: key, Permissions: p, Resources: token.Resources, Services: token.Services, Start: token.Start, Expiry: token.Expiry,
			Protocol: token.Protocol, IP: token.IP, EncryptionScope: token.EncryptionScope, Version: token.Version}, key
	case ResourceContainer:
		p, err := ParseContainerPermissions(token.Permissions)
		if err != nil {
			t.Error(err)
		}
		return Container{Key: key, Permissions: p, Start: token.Start, Expiry: token.Expiry, Policy: token.Policy, Protocol: token.Protocol, IP: token.IP,
			EncryptionScope: token.EncryptionScope, Headers: token.Headers, Delegation: token.Delegation, Version: token.Version}.resource(of.Container), key
	case ResourceDirectory:
		p, err := ParseDirectoryPermissions(token.Permissions)
		if err != nil {
			t.Error(err)
		}
		return Directory{Key: key, Permissions: p, Start: token.Start, Expiry: token.Expiry, Policy: token.Policy, Protocol: token.Protocol, IP: token.IP,
			EncryptionScope: token.EncryptionScope, Headers: token.Headers, Delegation: token.Delegation, Version: token.Version}.resource(of.Container, of.Path), key
	}
	p, err := ParseBlobPermissions(token.Permissions)
	if err != nil {
		t.Error(err)
	}
	return Blob{Key: key, Permissions: p, Start: token.Start, Expiry: token.Expiry, Policy: token.Policy, Protocol: token.Protocol, IP: token.IP,
		Snapshot: token.Snapshot, VersionID: token.VersionID,
		EncryptionScope: token.EncryptionScope, Headers: token.Headers, Delegation: token.Delegation, Version: token.Version}.resource(of.Container, of.Path), key
}

// TestVectors reads the query string of each vector, and signs what it says again.
func TestVectors(t *testing.T) {
	all := readVectors(t)
	forms := map[string]bool{}
	for _, of := range all.Vectors {
		t.Run(of.Name, func(t *testing.T) {
			token, err := Parse(of.Query)
			if err != nil {
				t.Fatal(err)
			}
			if token.Encode() != of.Query {
				t.Errorf("encoded again: %s\nwant           %s", token.Encode(), of.Query)
			}
			again, key := all.again(t, token, of)
			v, text, err := again.text()
			if err != nil {
				t.Fatal(err)
			}
			if text != of.Text {
				t.Errorf("text to sign:\n%q\nwant:\n%q", text, of.Text)
			}
			query, err := v.sign(key, text)
			if err != nil || query != of.Query {
				t.Errorf("signed: %s, %v\nwant:   %s", query, err, of.Query)
			}
			forms[string(token.Resource)+" "+token.Version+" "+token.Key.SignedObjectID] = true
		})
	}
	if len(all.Vectors) < 160 || len(forms) < 70 {
		t.Errorf("%d vectors of %d forms, and there were more", len(all.Vectors), len(forms))
	}
}
