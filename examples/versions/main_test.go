package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/examples/internal/exampletest"
	"github.com/goblob/azureblob/internal/azurite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(azurite.M{M: m}) }

func TestVersions(t *testing.T) {
	exampletest.OnServices(t, &blobtest.Options{Versioning: true}, func(t *testing.T, account *connect.Account) {
		want := "the account keeps no versions\n"
		if account.Local {
			want = `gone: true
it was 10 EUR
it was 12 EUR
it was 15 EUR
it is 15 EUR again
3 versions deleted, 1 left
`
		}
		if got := exampletest.Output(t, account, connect.WithContainer(run)); got != want {
			t.Errorf("it printed\n%s", got)
		}
	})
}
