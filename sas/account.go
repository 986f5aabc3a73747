package sas

import (
	"strings"
	"time"
)

// Account is a signature for all of a storage account, or for a type of resources
// in it. It is the only one that gives rights to containers themselves and to the
// service. A [UserDelegationKey] cannot sign it, and no stored policy can end it.
type Account struct {
	Key Signer // signs; clients use their own if it is nil

	Permissions AccountPermissions
	Resources   ResourceTypes // what the permissions are for
	Services    Services      // the Blob service if none is given

	Start           time.Time // default at once
	Expiry          time.Time
	Protocol        Protocol
	IP              IPRange
	EncryptionScope string // of all that is written; needs version 2020-12-06
	Version         string // from 2015-04-05 on; default [DefaultVersion]
}

// ResourceTypes are the types of resources that an account SAS is for. What lies
// within another is not included: to read blobs takes Object, to list them Container.
type ResourceTypes struct {
	Service   bool // s: the service, such as its properties and the list of containers
	Container bool // c: containers, such as their properties and the list of blobs
	Object    bool // o: blobs
}

func (r *ResourceTypes) letters() []letter {
	return []letter{{'s', &r.Service}, {'c', &r.Container}, {'o', &r.Object}}
}

// String returns the letters of the types.
func (r ResourceTypes) String() string { return textOf(r.letters()) }

// ParseResourceTypes reads letters in any order. A letter that is none, or that
// is there twice, is an error.
func ParseResourceTypes(s string) (ResourceTypes, error) {
	var r ResourceTypes
	if err := readLetters(s, r.letters(), "type of resource"); err != nil {
		return ResourceTypes{}, err
	}
	return r, nil
}

// Services are the services of an account.
type Services struct {
	Blob  bool // b
	Queue bool // q
	Table bool // t
	File  bool // f
}

func (s *Services) letters() []letter {
	return []letter{{'b', &s.Blob}, {'q', &s.Queue}, {'t', &s.Table}, {'f', &s.File}}
}

// String returns the letters of the services.
func (s Services) String() string { return textOf(s.letters()) }

// ParseServices reads letters in any order. A letter that is none, or that is
// there twice, is an error.
func ParseServices(s string) (Services, error) {
	var r Services
	if err := readLetters(s, r.letters(), "service"); err != nil {
		return Services{}, err
	}
	return r, nil
}

// Sign returns the query string of the signature, without a question mark. It
// is a secret. To be used with azureblob.SASCredential, or after the URL of any
// resource of the account.
//
// Errors: fs.ErrInvalid for what the service would refuse; what the key returns.
func (a Account) Sign() (string, error) {
	v, text, err := a.text()
	if err != nil {
		return "", err
	}
	return v.sign(a.Key, text)
}

// text is the parameters, and the text that is signed.
func (a Account) text() (values, string, error) {
	if _, ok := a.Key.(delegated); ok {
		return nil, "", invalidf("an account SAS needs the key of the account, and a user delegation key is none")
	}
	c := common{
		key: a.Key, version: a.Version, permissions: a.Permissions.String(), start: a.Start, expiry: a.Expiry,
		ip: a.IP, protocol: a.Protocol, scope: a.EncryptionScope,
	}
	v, err := c.values("2015-04-05")
	if err != nil {
		return nil, "", err
	}
	// Process has the letter of a permission that is newer elsewhere.
	if err := checkLetters(strings.ReplaceAll(c.permissions, "p", ""), c.version); err != nil {
		return nil, "", err
	}
	if a.Services == (Services{}) {
		a.Services.Blob = true
	}
	if a.Resources == (ResourceTypes{}) {
		return nil, "", invalidf("there is no type of resource that the permissions are for")
	}
	v["ss"], v["srt"] = a.Services.String(), a.Resources.String()
	fields := []string{"=" + a.Key.AccountName(), "sp", "ss", "srt", "st", "se", "sip", "spr", "sv"}
	if c.version >= "2020-12-06" {
		fields = append(fields, "ses")
	}
	return v, v.text(append(fields, "=")...), nil
}
