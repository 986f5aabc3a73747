package sas

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"time"
)

// UserDelegationKey signs user delegation signatures: those that are backed by
// the rights of a user or an application in Entra ID, and not by the key of the
// account. The UserDelegationKey method of azureblob.ServiceClient returns one.
//
// The fields go into every signature that the key makes, next to it. The value
// of the key is secret: no way of printing or encoding shows it.
type UserDelegationKey struct {
	SignedObjectID    string    // object ID of the one who asked for the key, whose rights the signatures have
	SignedTenantID    string    // the tenant of that one
	Start             time.Time // signatures of the key are valid from here, whatever they say themselves
	Expiry            time.Time // and to here
	Service           string    // what the key is for: b, blobs
	Version           string    // protocol version that the key was made with
	DelegatedTenantID string    // the tenant of the only users who may use its signatures; empty for no such limit

	value func() []byte // in a closure, since fmt looks into fields but not into those
}

// WithValue returns the key with its secret value, in base64, as the service
// hands it out: for who keeps keys elsewhere, and for tests. The error shows
// nothing of the value; it is fs.ErrInvalid.
func (k UserDelegationKey) WithValue(value string) (UserDelegationKey, error) {
	decoded, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(decoded) == 0 {
		return UserDelegationKey{}, fmt.Errorf("sas: the value of the user delegation key is empty or no base64: %w", fs.ErrInvalid)
	}
	k.value = func() []byte { return decoded }
	return k, nil
}

// String tells whose key it is and how long it is valid, and hides its value.
func (k UserDelegationKey) String() string {
	return fmt.Sprintf("UserDelegationKey(%s of %s, %s to %s, REDACTED)",
		k.SignedObjectID, k.SignedTenantID, k.Start.UTC().Format(time.RFC3339), k.Expiry.UTC().Format(time.RFC3339))
}

// GoString is String, so that %#v shows no more than that.
func (k UserDelegationKey) GoString() string { return k.String() }
