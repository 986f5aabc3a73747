package main

import (
	"regexp"
	"strings"
	"testing"
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

func TestCopy(t *testing.T) {
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING_2", "")
	exampletest.OnServices(t, &blobtest.Options{CopyDuration: 150 * time.Millisecond}, check)
}

// TestCopyBetweenAccounts is with two accounts, each with a key of its own.
func TestCopyBetweenAccounts(t *testing.T) {
	key := "c2VjcmV0"
	server := blobtest.New(t, &blobtest.Options{Accounts: map[string]string{"other": key}, CopyDuration: 150 * time.Millisecond})
	account := connect.Local(server)
	endpoint := strings.Replace(server.URL(), server.Account(), "other", 1)
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING_2", "AccountName=other;AccountKey="+key+";BlobEndpoint="+endpoint)
	check(t, account)
}

func check(t *testing.T, account *connect.Account) {
	got := exampletest.Output(t, account, run)
	got = regexp.MustCompile(`(?m)^(copied \d+ of 500000 bytes\n)+`).ReplaceAllString(got, "")
	aborted := "copy aborted\naborted.jpg        0 bytes map[camera:x100]\n"
	if !account.Local {
		aborted = "too late to abort\naborted.jpg   500000 bytes map[camera:x100]\n"
	}
	want := `slow.jpg      500000 bytes map[camera:x100]
` + aborted + `500000 bytes copied by the service: true
large.jpg     500000 bytes map[camera:x100]
small.jpg     500000 bytes map[camera:x100]
`
	if got != want {
		t.Errorf("it printed\n%s", got)
	}
}
