package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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

func TestQuickstart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "note.txt")
	if err := os.WriteFile(path, []byte("hello, world\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		got := exampletest.Output(t, account, connect.WithService(run), path)
		want := `^Service     http://127\.0\.0\.1:\d+/devstoreaccount1
Container   quickstart-[a-z0-9]{8}, created
Upload      13 bytes in \S+, .+/s
Listed      hello/note\.txt, 13 bytes, text/plain; charset=utf-8, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d
Download    13 bytes in \S+, .+/s
SHA-256     853ff93762a06ddbf722c4ebe9ddd66d8f63ddaea97f521c3ecc20da7c976020, the same there and back
Cleaned up  quickstart-[a-z0-9]{8}, deleted
$`
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("it printed\n%s", got)
		}
	})
}

func TestQuickstartMistakes(t *testing.T) {
	example := connect.WithService(run)
	account := exampletest.OnBlobtest(t, nil)
	for _, args := range [][]string{{"a", "b"}, {"-h"}, {t.TempDir()}, {filepath.Join(t.TempDir(), "none")}} {
		if err := example(t.Context(), account, args, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	account = &connect.Account{ConnectionString: "AccountName=x;AccountKey=secret!"}
	if err := example(t.Context(), account, nil, io.Discard); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("with a bad connection string: %v", err)
	}
}
