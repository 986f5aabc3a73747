package connect

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(m))
}

func TestRun(t *testing.T) {
	var seen *Account
	look := func(_ context.Context, account *Account, args []string, _ io.Writer) error {
		seen = account
		return errors.New(strings.Join(args, " "))
	}
	for _, c := range []struct {
		variable string
		local    *blobtest.Options
		want     func() bool
	}{
		{"AccountName=x;AccountKey=c2VjcmV0", nil, func() bool {
			return !seen.Local && seen.Field("accountkey") == "c2VjcmV0" && seen.Options == nil
		}},
		{"", nil, func() bool {
			return seen.Local && seen.Field("AccountName") == blobtest.DefaultAccount && seen.Options == nil
		}},
		{"", &blobtest.Options{Account: "mine", HTTPS: true}, func() bool {
			return seen.Field("AccountName") == "mine" && strings.HasPrefix(seen.Field("BlobEndpoint"), "https:") && seen.Options != nil
		}},
	} {
		t.Setenv(Variable, c.variable)
		if err := run(t.Context(), "test", c.local, look, []string{"a", "b"}); err == nil || err.Error() != "a b" {
			t.Errorf("%+v: %v", c, err)
		}
		if !c.want() {
			t.Errorf("%+v: %+v", c, seen)
		}
	}
}

// TestWithContainer demands that the container is deleted, whatever happens.
func TestWithContainer(t *testing.T) {
	server := blobtest.New(t)
	broken := errors.New("the example is broken")
	var container *azureblob.ContainerClient
	ctx, cancel := context.WithCancel(t.Context())
	err := WithContainer(func(ctx context.Context, c *azureblob.ContainerClient, _ []string, _ io.Writer) error {
		container = c
		if there, err := c.Exists(ctx, nil); !there || err != nil {
			t.Error(there, err)
		}
		cancel()
		return broken
	})(ctx, Local(server), nil, io.Discard)
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	if there, err := container.Exists(t.Context(), nil); there || err != nil {
		t.Error(there, err)
	}
	if err := WithService(nil)(t.Context(), &Account{ConnectionString: "nothing"}, nil, io.Discard); err == nil {
		t.Error("nothing is no connection string")
	}
}

// TestExamples holds the table in the README against the folders.
func TestExamples(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("../../*/main.go")
	if err != nil || len(folders) == 0 {
		t.Fatal(folders, err)
	}
	for _, main := range folders {
		name := filepath.Base(filepath.Dir(main))
		if n := strings.Count(string(readme), "(examples/"+name+")"); n != 1 {
			t.Errorf("the README names examples/%s %d times", name, n)
		}
		text, err := os.ReadFile(main)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\n//	go run ./examples/"+name) && !strings.Contains(string(text), "\n//	cd examples/"+name+" && go run .") {
			t.Errorf("examples/%s does not say how it is run", name)
		}
	}
	if n := strings.Count(string(readme), "](examples/"); n != len(folders) {
		t.Errorf("the README names %d examples, and there are %d", n, len(folders))
	}
}
