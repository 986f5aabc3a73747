package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
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

func TestBlocks(t *testing.T) {
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		got := exampletest.Output(t, account, connect.WithContainer(run))
		if want := `1320000 bytes in 21 blocks, of which 1320000 bytes are sent
1320000 bytes in 21 blocks, of which 65536 bytes are sent
1320017 bytes in 21 blocks, of which 9297 bytes are sent
1320017 bytes in 21 blocks, of which 0 bytes are sent
the blob is like the file: true
`; got != want {
			t.Errorf("it printed\n%s", got)
		}
	})
}

// TestUpdate goes on after an update that was broken off, and writes over nothing
// that somebody else has written meanwhile.
func TestUpdate(t *testing.T) {
	server := blobtest.New(t)
	container := server.ServiceClient().Container("data")
	if _, err := container.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	blob := blockblob.New(container.Blob("database"))
	path := filepath.Join(t.TempDir(), "database")
	if err := os.WriteFile(path, []byte("aaaabbbbcccc"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	server.Inject(blobtest.Fault{Operation: "Put Block", Nth: 3, Code: "AuthorizationFailure"})
	if err := update(t.Context(), blob, path, 4, &out); !errors.Is(err, azureblob.AuthorizationFailure) {
		t.Error(err)
	}
	if err := update(t.Context(), blob, path, 4, &out); err != nil {
		t.Error(err)
	}
	if want := "12 bytes in 3 blocks, of which 4 bytes are sent\n"; out.String() != want {
		t.Errorf("it printed %s", out.String())
	}

	if err := os.WriteFile(path, []byte("aaaaBBBBcccc"), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Inject(blobtest.Fault{Operation: "Put Block List", Code: "ConditionNotMet"})
	if err := update(t.Context(), blob, path, 4, &out); !errors.Is(err, azureblob.ConditionNotMet) {
		t.Error(err)
	}
	commits := 0
	for _, r := range server.Requests() {
		if r.Operation == "Put Block List" {
			commits++
			if (r.Header.Get("If-None-Match") == "*") != (commits == 1) || (r.Header.Get("If-Match") != "") != (commits == 2) {
				t.Errorf("commit %d has no condition: %v", commits, r.Header)
			}
		}
	}
	if commits != 2 {
		t.Errorf("%d commits", commits)
	}
}
