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

const begins = `It was a dark night.
It was night, and dark.
brought back: It was a dark night.
  a snapshot map[draft:first]
  the blob map[draft:first]
kept for its snapshots: true
deleted
`

// TestSnapshots has snapshots in it that nobody made: soft delete keeps what is
// written over as well, and Undelete brings it back.
func TestSnapshots(t *testing.T) {
	exampletest.OnServices(t, &blobtest.Options{SoftDelete: 7}, func(t *testing.T, account *connect.Account) {
		want := begins + "for good, as the account has no soft delete\n"
		if account.Local {
			want = begins + `  a snapshot map[draft:first], deleted, to be had for 7 days
  a snapshot map[], deleted, to be had for 7 days
  a snapshot map[], deleted, to be had for 7 days
  the blob map[draft:first], deleted, to be had for 7 days
undeleted
  a snapshot map[draft:first]
  a snapshot map[]
  a snapshot map[]
  the blob map[draft:first]
`
		}
		got := exampletest.Output(t, account, connect.WithService(run))
		if !account.Local { // the emulator lists snapshots in any order
			snapshot, blob := "  a snapshot map[draft:first]\n", "  the blob map[draft:first]\n"
			got = strings.Replace(got, blob+snapshot, snapshot+blob, 1)
		}
		if got != want {
			t.Errorf("it printed\n%s", got)
		}
	})
}
