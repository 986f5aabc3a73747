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

// The emulator knows neither customer keys nor encryption scopes.
func TestCustomerKey(t *testing.T) {
	account := exampletest.OnBlobtest(t, &blobtest.Options{HTTPS: true})
	got := exampletest.Output(t, account, connect.WithContainer(run), "-scope", "sales")
	if want := `encrypted with our key: true
without the key      it cannot be read
with the key         nobody may know
with the old key     it cannot be read
with the new key     nobody may know
in scope sales       sales go up
`; got != want {
		t.Errorf("it printed\n%s", got)
	}
}
