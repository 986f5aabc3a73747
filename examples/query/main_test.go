package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/examples/internal/exampletest"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(m))
}

// The emulator knows no queries.
func TestQuery(t *testing.T) {
	account := exampletest.OnBlobtest(t, nil)
	got := exampletest.Output(t, account, connect.WithContainer(run))
	if want := `{"city":"Bergen","mm":"21"}
{"city":"Tromsø","mm":"22"}
{"city":"Oslo","mm":"22"}
{"city":"Bergen","mm":"22"}
{"city":"Tromsø","mm":"21"}
{"city":"Oslo","mm":"21"}
{"city":"Bergen","mm":"21"}
1728 of 1728 bytes searched, 194 bytes found
skipped what stands at byte 862: InvalidColumnOrdinal
`; got != want {
		t.Errorf("it printed\n%s", got)
	}
}

func TestQueryFile(t *testing.T) {
	account := exampletest.OnBlobtest(t, nil)
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte("name,age\nAda,36\nAlan\nGrace,85\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := exampletest.Output(t, account, connect.WithContainer(run), path, "SELECT name FROM BlobStorage WHERE age > 40")
	if want := `{"name":"Grace"}
30 of 30 bytes searched, 17 bytes found
`; got != want {
		t.Errorf("it printed\n%s", got)
	}
	for _, args := range [][]string{{path + ".none"}, {path, "SELECT"}} {
		if err := connect.WithContainer(run)(t.Context(), account, args, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
