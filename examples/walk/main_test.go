package main

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"go.uber.org/goleak"

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

func TestWalk(t *testing.T) {
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		got := exampletest.Output(t, account, connect.WithService(run))
		if want := `       15110 bytes      6 blobs  everything
        9010 bytes      4 blobs      photos/
        2000 bytes      1 blobs          2024/
        7000 bytes      2 blobs          2025/
        6000 bytes      1 blobs      photos2/
where "project" = 'alps' AND "year" >= '2025':
photos/2025/cat.jpg map[project:alps year:2025]
photos2/bird.jpg map[project:alps year:2026]
`; got != want {
			t.Errorf("it printed\n%s", got)
		}
	})
}

// TestWalkArguments walks a container that is there.
func TestWalkArguments(t *testing.T) {
	account := exampletest.OnBlobtest(t, nil)
	container, remove, err := connect.Container(t.Context(), exampletest.Service(t, account), "mine")
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(t.Context(), container); err != nil {
		t.Fatal(err)
	}
	got := exampletest.Output(t, account, connect.WithService(run), "-where", `"project" = 'zoo'`, container.Name(), "photos/2025/")
	if want := `        7000 bytes      2 blobs  everything
where "project" = 'zoo':
photos/2025/dog.jpg map[project:zoo]
`; got != want {
		t.Errorf("it printed\n%s", got)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if err := connect.WithService(run)(t.Context(), account, []string{container.Name()}, io.Discard); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a container that is gone: %v", err)
	}
}
