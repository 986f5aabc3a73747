package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob"
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

// reading makes an example of run with an input.
func reading(in io.Reader) connect.Example {
	return connect.WithContainer(func(ctx context.Context, container *azureblob.ContainerClient, _ []string, out io.Writer) error {
		return run(ctx, container, in, out)
	})
}

func TestStream(t *testing.T) {
	noise := make([]byte, 9<<20) // it cannot be compressed to less than a block
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		if !account.Local {
			noise = noise[:1<<20]
		}
		for _, in := range []string{string(noise), "", strings.Repeat("hello, world\n", 1000)} {
			got := exampletest.Output(t, account, reading(strings.NewReader(in)))
			line, content, _ := strings.Cut(got, "\n")
			if !regexp.MustCompile(`^\d+ bytes are kept in \d+$`).MatchString(line) || content != in {
				t.Errorf("%d bytes: it printed %s and %d other bytes", len(in), line, len(content))
			}
		}
	})
}

// TestBrokenStream demands that half a stream is no blob.
func TestBrokenStream(t *testing.T) {
	service := exampletest.Service(t, exampletest.OnBlobtest(t, nil))
	container, remove, err := connect.Container(t.Context(), service, "stream")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the pipe is broken")
	in := io.MultiReader(strings.NewReader("half"), errorReader{broken})
	if err := run(t.Context(), container, in, io.Discard); !errors.Is(err, broken) {
		t.Error(err)
	}
	for item, err := range container.Blobs(t.Context(), nil) {
		t.Error(item, err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }
