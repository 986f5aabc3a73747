package main

import (
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

const begins = `created
described map[camera:x100 project:alps]
a friend sees cat.jpg
a friend is kept out
listed map[camera:x100 project:alps]
deleted
`

func TestContainers(t *testing.T) {
	exampletest.OnServices(t, &blobtest.Options{ContainerSoftDelete: 7}, func(t *testing.T, account *connect.Account) {
		got := exampletest.Output(t, account, connect.WithService(run))
		want := begins + "brought back, with \"meow\"\n"
		if !account.Local {
			want = begins + "gone for good, as the account keeps no deleted containers\n"
		}
		if got != want {
			t.Errorf("it printed\n%s", got)
		}
	})
}
