package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

const pending = "on its way out\n"

const want = `in the archive: true
desk/taxes-2019.pdf in tier Hot: all is paid
` + pending + `taxes-2019.pdf in tier Hot: all is paid
`

// TestTiers waits for the archive in virtual time, as long as it takes.
func TestTiers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		container := blobtest.New(t).ServiceClient().Container("papers")
		if _, err := container.Create(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := run(t.Context(), container, nil, &out); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("it printed\n%s", out.String())
		}
		if took := time.Since(began); took < time.Hour {
			t.Errorf("it took no more than %v", took)
		}
	})
}

// TestTiersOnEmulator is without waiting: the emulator has blobs out at once.
func TestTiersOnEmulator(t *testing.T) {
	exampletest.OnServices(t, &blobtest.Options{Rehydration: time.Millisecond}, func(t *testing.T, account *connect.Account) {
		got := exampletest.Output(t, account, connect.WithContainer(run))
		if got != want && got != strings.Replace(want, pending, "", 1) {
			t.Errorf("it printed\n%s", got)
		}
	})
}
