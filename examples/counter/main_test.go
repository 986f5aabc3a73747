package main

import (
	"net/http"
	"strings"
	"sync/atomic"
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

func TestCounter(t *testing.T) {
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		got := exampletest.Output(t, account, connect.WithContainer(run), "-workers", "5", "-times", "4")
		if want := "5 workers counted to 20\n"; got != want {
			t.Errorf("it printed %q", got)
		}
	})
}

// TestIncrement has somebody else count between the read and the write, first when
// there is no blob yet, and then when there is one.
func TestIncrement(t *testing.T) {
	server := blobtest.New(t)
	container := server.ServiceClient().Container("counters")
	if _, err := container.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	blob := container.Blob("counter")
	for _, want := range []int{2, 4} {
		var begun atomic.Bool
		meanwhile := func(*http.Request) bool {
			if !begun.Swap(true) {
				if _, err := increment(t.Context(), blob); err != nil {
					t.Error(err)
				}
			}
			return false
		}
		fault := server.Inject(blobtest.Fault{Operation: "Put Blob", Match: meanwhile})
		if got, err := increment(t.Context(), blob); got != want || err != nil {
			t.Errorf("%d, %v; want %d", got, err, want)
		}
		fault.Remove()
	}
	if _, err := blob.Upload(t.Context(), strings.NewReader("many"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := increment(t.Context(), blob); err == nil {
		t.Error("it counted on from many")
	}
}
