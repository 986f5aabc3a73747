package sas

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// DefaultVersion is the version of a signature whose Version is empty. Clients
// of package azureblob use the version that they speak.
const DefaultVersion = "2026-06-06"

// Signer is a key that signs: an *azureblob.SharedKeyCredential, which is the key
// of an account, or a [UserDelegationKey]. Another one may keep the key of an
// account where it does not leave, such as in a vault.
type Signer interface {
	// AccountName is the name of the storage account, not of its host.
	AccountName() string

	// Sign returns the HMAC-SHA256 of a text with the decoded key.
	Sign(text string) ([]byte, error)
}

// parameters are those of shared access signatures, in the order in which they
// are written. The IDs of a snapshot or version are parameters of requests as well.
var parameters = strings.Fields("sv ss srt sr sdd sp si st se spr sip ses rscc rscd rsce rscl rsct " +
	"skoid sktid skt ske sks skv skdutid saoid suoid scid sduoid srh srq api-version sig")

// IsParameter reports whether a query parameter belongs to shared access
// signatures and to nothing else, such as sv, sp and sig. It is true of
// api-version, too, which comes with them, and false of snapshot and versionid.
func IsParameter(name string) bool { return slices.Contains(parameters, name) }

// values are the parameters of a signature by name; empty ones are not sent.
type values map[string]string

// text joins fields by line breaks: values of parameters, or texts after an
// equals sign.
func (v values) text(fields ...string) string {
	for i, name := range fields {
		if text, ok := strings.CutPrefix(name, "="); ok {
			fields[i] = text
		} else {
			fields[i] = v[name]
		}
	}
	return strings.Join(fields, "\n")
}

// encode writes a query string.
func (v values) encode() string {
	var b strings.Builder
	for _, name := range append([]string{"snapshot", "versionid"}, parameters...) {
		if v[name] == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + strings.ReplaceAll(url.QueryEscape(v[name]), "+", "%20"))
	}
	return b.String()
}

// sign signs a text and returns the query string.
func (v values) sign(key Signer, text string) (string, error) {
	mac, err := key.Sign(text)
	if err != nil {
		return "", err
	}
	v["sig"] = base64.StdEncoding.EncodeToString(mac)
	return v.encode(), nil
}

// common are the fields that all signatures have.
type common struct {
	key           Signer
	version       string
	permissions   string
	start, expiry time.Time
	ip            IPRange
	protocol      Protocol
	scope         string
	policy        string // never of an account
}

// values checks the fields and writes them down.
func (c *common) values(oldest string) (values, error) {
	if c.version == "" {
		c.version = DefaultVersion
	}
	if err := c.check(oldest); err != nil {
		return nil, err
	}
	return values{
		"sv": c.version, "sp": c.permissions, "st": formatTime(c.start), "se": formatTime(c.expiry),
		"sip": c.ip.String(), "spr": string(c.protocol), "ses": c.scope, "si": c.policy,
	}, nil
}

func (c *common) check(oldest string) error {
	if isNil(c.key) {
		return invalidf("there is no key to sign with")
	}
	if c.key.AccountName() == "" {
		return invalidf("the key does not say which account it is for; a UserDelegationKey has a field for that")
	}
	if _, err := time.Parse("2006-01-02", c.version); err != nil {
		return invalidf("%q is no version, such as %s", c.version, DefaultVersion)
	}
	switch {
	case c.version < oldest:
		return tooOld(c.version, "this kind of signature", oldest)
	case c.policy == "" && c.permissions == "":
		return invalidf("there are no permissions")
	case c.policy == "" && c.expiry.IsZero():
		return invalidf("there is no expiry")
	case c.protocol == "http":
		return invalidf("a signature cannot be for http alone")
	case c.protocol != "" && c.protocol != HTTPS && c.protocol != HTTPSAndHTTP:
		return invalidf("%q is no protocol", c.protocol)
	case c.version < "2015-04-05" && c.protocol != "":
		return tooOld(c.version, "a protocol", "2015-04-05")
	case c.version < "2015-04-05" && c.ip != IPRange{}:
		return tooOld(c.version, "a range of IP addresses", "2015-04-05")
	case c.version < "2020-12-06" && c.scope != "":
		return tooOld(c.version, "an encryption scope", "2020-12-06")
	}
	for _, err := range [...]error{
		c.ip.check(), checkTimes(c.start, c.expiry),
		checkText("the encryption scope", c.scope), checkText("the stored access policy", c.policy),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// isNil reports whether there is no key, or a nil pointer in its place.
func isNil(key Signer) bool {
	if key == nil {
		return true
	}
	v := reflect.ValueOf(key)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// invalidError is the error of bad input: it is fs.ErrInvalid.
type invalidError struct{ text string }

func (e *invalidError) Error() string        { return e.text }
func (e *invalidError) Is(target error) bool { return target == fs.ErrInvalid }

func invalidf(format string, args ...any) error {
	return &invalidError{"sas: " + fmt.Sprintf(format, args...)}
}

func tooOld(version, what, since string) error {
	return invalidf("%s needs version %s, and this is %s", what, since, version)
}
