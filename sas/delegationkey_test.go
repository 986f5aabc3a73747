package sas_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob/sas"
)

func TestUserDelegationKeyHidesItsValue(t *testing.T) {
	const value = "YSBzZWNyZXQgb2YgdGVzdHM="
	key, err := sas.UserDelegationKey{SignedObjectID: "me", Start: time.Unix(0, 0)}.WithValue(value)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&text, verb+"\n", key)
		fmt.Fprintf(&text, verb+"\n", &key)
		fmt.Fprintf(&text, verb+"\n", struct{ k sas.UserDelegationKey }{key})
	}
	encoded, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	text.Write(encoded)
	for _, secret := range []string{value, "a secret of tests", fmt.Sprintf("%x", "a secret of tests"), fmt.Sprint([]byte("a secret of tests"))} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("%s is in %s", secret, text.String())
		}
	}
	if s := key.String(); !strings.Contains(s, "REDACTED") || !strings.Contains(s, "1970-01-01T00:00:00Z") {
		t.Error(s)
	}
}

func TestUserDelegationKeyRefusesBadValues(t *testing.T) {
	for _, value := range []string{"", "%%% no base64"} {
		if _, err := (sas.UserDelegationKey{}).WithValue(value); !errors.Is(err, fs.ErrInvalid) || value != "" && strings.Contains(err.Error(), value) {
			t.Errorf("%q: %v", value, err)
		}
	}
}
