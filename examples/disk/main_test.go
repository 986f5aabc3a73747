package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/examples/internal/exampletest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
	"github.com/goblob/azureblob/pageblob"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(azurite.M{M: m}))
}

func TestDisk(t *testing.T) {
	got := exampletest.Output(t, exampletest.OnBlobtest(t, nil), connect.WithContainer(run))
	if want := `67108864 bytes, of which 9216 are sent
backed up, 9216 bytes in use
since monday cleared: bytes 0 to 511
since monday written: bytes 4096 to 5119
backed up, 9728 bytes in use
restored 67108864 bytes, of which 9216 have come, the same: true
`; got != want {
		t.Errorf("it printed\n%s", got)
	}
}

// TestImage is what the emulator can do as well, with a small image.
func TestImage(t *testing.T) {
	image := filepath.Join(t.TempDir(), "disk.img")
	content := append(make([]byte, 1<<20), strings.Repeat("data", 128)...)
	if err := os.WriteFile(image, content, 0o600); err != nil {
		t.Fatal(err)
	}
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		container, remove, err := connect.Container(t.Context(), exampletest.Service(t, account), "disk")
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		disk := pageblob.New(container.Blob("disk.vhd"))
		if err := upload(t.Context(), disk, image, &out); err != nil {
			t.Fatal(err)
		}
		if err := restore(t.Context(), disk.BlobClient, image+".restored", image, &out); err != nil {
			t.Fatal(err)
		}
		if want := `1049088 bytes, of which 512 are sent
restored 1049088 bytes, of which 512 have come, the same: true
`; out.String() != want {
			t.Errorf("it printed\n%s", out.String())
		}
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
}

func TestDiskMistakes(t *testing.T) {
	account := exampletest.OnBlobtest(t, nil)
	odd := filepath.Join(t.TempDir(), "odd.img")
	if err := os.WriteFile(odd, []byte("no pages"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, image := range []string{odd, odd + ".none"} {
		if err := connect.WithContainer(run)(t.Context(), account, []string{image}, &strings.Builder{}); err == nil {
			t.Errorf("%s: no error", image)
		}
	}
}
