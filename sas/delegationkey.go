package sas

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"
)

// MaxDelegation is how long a user delegation key lives at most, and so do the
// signatures that it makes.
const MaxDelegation = 7 * 24 * time.Hour

// UserDelegationKey signs user delegation signatures: those that are backed by
// the rights of a user or an application in Entra ID, and not by the key of the
// account. The UserDelegationKey method of azureblob.ServiceClient returns one.
//
// The fields go into every signature that the key makes, next to it. The value
// of the key is secret: no way of printing or encoding shows it.
type UserDelegationKey struct {
	Account           string    // name of the storage account that it is for
	SignedObjectID    string    `xml:"SignedOid"`              // object ID of the one who asked for the key, whose rights the signatures have
	SignedTenantID    string    `xml:"SignedTid"`              // the tenant of that one
	Start             time.Time `xml:"SignedStart"`            // signatures of the key are valid from here, whatever they say themselves
	Expiry            time.Time `xml:"SignedExpiry"`           // and to here
	Service           string    `xml:"SignedService"`          // what the key is for: b, blobs
	Version           string    `xml:"SignedVersion"`          // protocol version that the key was made with
	DelegatedTenantID string    `xml:"SignedDelegatedUserTid"` // the tenant of the only users who may use its signatures; empty for no such limit

	value func() []byte // in a closure, since fmt looks into fields but not into those
}

// WithValue returns the key with its secret value, in base64, as the service
// hands it out: for who keeps keys elsewhere, and for tests. The error shows
// nothing of the value; it is fs.ErrInvalid.
func (k UserDelegationKey) WithValue(value string) (UserDelegationKey, error) {
	decoded, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(decoded) == 0 {
		return UserDelegationKey{}, invalidf("the value of the user delegation key is empty or no base64")
	}
	k.value = func() []byte { return decoded }
	return k, nil
}

// Value returns the secret value of the key in base64, to be kept or handed to
// whoever is to sign; "" if it has none.
func (k UserDelegationKey) Value() string {
	if k.value == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(k.value())
}

// AccountName returns the name of the storage account.
func (k UserDelegationKey) AccountName() string { return k.Account }

// Sign returns the HMAC-SHA256 of a text with the key.
func (k UserDelegationKey) Sign(text string) ([]byte, error) {
	if k.value == nil {
		return nil, errNoValue
	}
	mac := hmac.New(sha256.New, k.value())
	mac.Write([]byte(text))
	return mac.Sum(nil), nil
}

var errNoValue = invalidf("the user delegation key has no value; give it one by WithValue")

// delegated is a [UserDelegationKey], a pointer to one, or what embeds one.
type delegated interface {
	Signer
	delegationKey() UserDelegationKey
}

func (k UserDelegationKey) delegationKey() UserDelegationKey { return k }

func (k UserDelegationKey) check() error {
	switch {
	case k.value == nil:
		return errNoValue
	case k.SignedObjectID == "" || k.SignedTenantID == "" || k.Version == "" || k.Service == "" || k.Start.IsZero() || k.Expiry.IsZero():
		return invalidf("the user delegation key lacks one of its fields")
	case !k.Start.Before(k.Expiry):
		return invalidf("the user delegation key ends before it begins")
	case k.Expiry.Sub(k.Start) > MaxDelegation:
		return invalidf("the user delegation key lives for more than seven days")
	}
	for _, f := range [...][2]string{
		{"SignedObjectID", k.SignedObjectID}, {"SignedTenantID", k.SignedTenantID}, {"Service", k.Service},
		{"Version", k.Version}, {"DelegatedTenantID", k.DelegatedTenantID},
	} {
		if err := checkText("the "+f[0]+" of the user delegation key", f[1]); err != nil {
			return err
		}
	}
	return nil
}

// String tells whose key it is and how long it is valid, and hides its value.
func (k UserDelegationKey) String() string {
	return fmt.Sprintf("UserDelegationKey(%s of %s, %s to %s, REDACTED)",
		k.SignedObjectID, k.SignedTenantID, k.Start.UTC().Format(time.RFC3339), k.Expiry.UTC().Format(time.RFC3339))
}

// GoString is String, so that %#v shows no more than that.
func (k UserDelegationKey) GoString() string { return k.String() }
