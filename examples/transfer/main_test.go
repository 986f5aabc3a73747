package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob"
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

func TestTransfer(t *testing.T) {
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		file, lines := filepath.Join(t.TempDir(), "story.txt"), 1_000_000
		args := []string{file}
		if !account.Local {
			args, lines = []string{"-validate=false", file}, 10_000
		}
		if err := os.WriteFile(file, []byte(strings.Repeat("once upon a time\n", lines)), 0o600); err != nil {
			t.Fatal(err)
		}
		got := exampletest.Output(t, account, connect.WithContainer(run), args...)
		got = regexp.MustCompile(`[^\n]*\r`).ReplaceAllString(got, "")
		// What is refused may have been sent, if it is small.
		got = strings.Replace(got, "100 % of story.txt \nstory", "  0 % of story.txt \nstory", 1)
		if want := fmt.Sprintf(`100 %% of story.txt 
%d bytes are sent
  0 %% of story.txt 
story.txt is not written over
%[1]d bytes are back, of type text/plain; charset=utf-8
%d bytes were there, %[2]d have come
`, 17*lines, 17*lines/2); got != want {
			t.Errorf("it printed\n%s", got)
		}
	})
}

// TestResume breaks downloads off, and changes the blob before some go on.
func TestResume(t *testing.T) {
	server := blobtest.New(t)
	container := server.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}}).Container("stories")
	if _, err := container.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	blob := container.Blob("story.txt")
	for _, again := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "part")
		story := strings.Repeat(fmt.Sprintln("once upon a time", again), 500_000)
		write := func() {
			t.Helper()
			if _, err := blob.Upload(t.Context(), strings.NewReader(story), nil); err != nil {
				t.Fatal(err)
			}
		}
		write()
		server.Inject(blobtest.Fault{Operation: "Get Blob", Nth: 3, Code: "InternalError"})
		if err := resume(t.Context(), blob, path, io.Discard); !errors.Is(err, azureblob.InternalError) {
			t.Fatal("the service was ill, and yet:", err)
		}
		if again {
			story = strings.ToUpper(story)
			write()
		}
		var out strings.Builder
		if err := resume(t.Context(), blob, path, &out); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != story {
			t.Errorf("%v: the file is another one: %v", again, err)
		}
		if again && !strings.HasPrefix(out.String(), "0 bytes were there") {
			t.Errorf("%v: %s", again, out.String())
		}
		if _, err := os.Stat(path + ".etag"); err == nil {
			t.Error("the ETag is still there")
		}
	}
}
