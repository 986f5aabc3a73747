package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/examples/internal/exampletest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(azurite.M{M: m}))
}

func TestAuth(t *testing.T) {
	exampletest.OnServices(t, &blobtest.Options{HTTPS: true}, func(t *testing.T, account *connect.Account) {
		if !account.Local {
			account.Token = exampletest.Token(t)
		}
		got := exampletest.Output(t, account, run)
		if want := `connection string     reads "meow"
shared key            reads "meow"
SAS of the blob       reads "meow"
SAS of the container  reads "meow"
Azure AD              reads "meow"
user delegation SAS   reads "meow"
anonymous             reads "meow"
`; got != want {
			t.Errorf("it printed\n%s", got)
		}
	})
}

func TestAuthRefused(t *testing.T) {
	account := exampletest.OnBlobtest(t, &blobtest.Options{HTTPS: true})
	account.Token = ""
	got := exampletest.Output(t, account, run)
	if want := `
Azure AD              is refused: 401 InvalidAuthenticationInfo
user delegation SAS   is refused: 401 InvalidAuthenticationInfo
anonymous             reads "meow"
`; !strings.HasSuffix(got, want) {
		t.Errorf("it printed\n%s", got)
	}
}
