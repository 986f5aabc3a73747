package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/azurite"
)

func TestMain(m *testing.M) { os.Exit(azurite.Main(m)) }

func TestQuickstart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "note.txt")
	if err := os.WriteFile(path, []byte("hello, world\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("in process", func(t *testing.T) {
		t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "")
		check(t, path, `\(in this process, for as long as it runs\)`)
	})
	t.Run("emulator", func(t *testing.T) {
		server := azurite.Shared(t)
		t.Setenv("AZURE_STORAGE_CONNECTION_STRING", server.ConnectionString())
		check(t, path, `\(from AZURE_STORAGE_CONNECTION_STRING\)`)
		service, err := azureblob.NewServiceClientFromConnectionString(server.ConnectionString(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for item, err := range service.Containers(t.Context(), &azureblob.ListContainersOptions{Prefix: "quickstart-"}) {
			t.Errorf("it left something behind: %v, %v", item, err)
		}
	})
}

// check runs the program and compares all that it prints.
func check(t *testing.T, path, where string) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{path}, &out); err != nil {
		t.Fatal(err)
	}
	want := `^Service     http://127\.0\.0\.1:\d+/devstoreaccount1 ` + where + `
Container   quickstart-[a-z0-9]{8}, created
Upload      13 bytes in \S+, .+/s
Listed      hello/note\.txt, 13 bytes, text/plain; charset=utf-8, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d
Download    13 bytes in \S+, .+/s
SHA-256     853ff93762a06ddbf722c4ebe9ddd66d8f63ddaea97f521c3ecc20da7c976020, the same there and back
Cleaned up  quickstart-[a-z0-9]{8}, deleted
$`
	if !regexp.MustCompile(want).MatchString(out.String()) {
		t.Errorf("it printed\n%s", out.String())
	}
}

func TestQuickstartMistakes(t *testing.T) {
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=x;AccountKey=secret!")
	for _, args := range [][]string{{"a", "b"}, {"-h"}, {}, {filepath.Join(t.TempDir(), "none")}} {
		var out bytes.Buffer
		err := run(t.Context(), args, &out)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
