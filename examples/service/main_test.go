package main

import (
	"io"
	"regexp"
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

func TestService(t *testing.T) {
	exampletest.OnServices(t, &blobtest.Options{SecondaryLag: time.Minute}, func(t *testing.T, account *connect.Account) {
		for _, step := range []struct {
			args []string
			want string
		}{
			{nil, "Soft delete  off\nWebsite      off\n"},
			{[]string{"-keep", "7", "-origin", "https://example.com"},
				"Soft delete  for 7 days\nCORS         https://example.com may GET, HEAD\nWebsite      off\n"},
			{[]string{"-index", "index.html", "-origin", "https://example.org"},
				"Soft delete  for 7 days\nCORS         https://example.com may GET, HEAD\nCORS         https://example.org may GET, HEAD\n" +
					"Website      with index.html\n"},
		} {
			got := exampletest.Output(t, account, connect.WithService(run), step.args...)
			begins := `^Account      StorageV2, Standard_RAGRS
Secondary    live, all is there until \d\S* ago
`
			if !regexp.MustCompile(begins + regexp.QuoteMeta(step.want) + "$").MatchString(got) {
				t.Errorf("%v: it printed\n%s", step.args, got)
			}
		}
	})
}

func TestServiceWithoutSecondary(t *testing.T) {
	account := exampletest.OnBlobtest(t, nil)
	here := regexp.MustCompile(`BlobSecondaryEndpoint=http://127\.0\.0\.1:\d+`)
	account.ConnectionString = here.ReplaceAllString(account.ConnectionString, "BlobSecondaryEndpoint=http://127.0.0.1:1")
	got := exampletest.Output(t, account, connect.WithService(run))
	if !regexp.MustCompile("\nSecondary    there is none that can be read\n").MatchString(got) {
		t.Errorf("it printed\n%s", got)
	}
}

func TestServiceMistakes(t *testing.T) {
	account := exampletest.OnBlobtest(t, nil)
	for _, args := range [][]string{{"-keep", "400"}, {"-keep", "x"}} {
		if err := connect.WithService(run)(t.Context(), account, args, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
