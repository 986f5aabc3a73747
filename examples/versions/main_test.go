package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/examples/internal/exampletest"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(m))
}

// The emulator keeps no versions.
func TestVersions(t *testing.T) {
	for _, c := range []struct {
		kept bool
		want string
	}{
		{false, "the account keeps no versions\n"},
		{true, `gone: true
it was 10 EUR
it was 12 EUR
it was 15 EUR
it is 15 EUR again
3 versions deleted, 1 left
`},
	} {
		account := exampletest.OnBlobtest(t, &blobtest.Options{Versioning: c.kept})
		if got := exampletest.Output(t, account, connect.WithContainer(run)); got != c.want {
			t.Errorf("it printed\n%s", got)
		}
	}
}
