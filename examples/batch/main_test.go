package main

import (
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

func TestBatch(t *testing.T) {
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		args, want := []string{"-n", "1200"}, "400 of 1200 blobs are in tier Cool now\n400 of 1200 blobs are deleted\n"
		if !account.Local {
			args, want = []string{"-n", "90"}, "30 of 90 blobs are in tier Cool now\n30 of 90 blobs are deleted\n"
		}
		if got := exampletest.Output(t, account, connect.WithService(run), args...); got != want {
			t.Errorf("it printed\n%s", got)
		}
	})
}

// TestBatchErrors has one blob that is leased, and one that somebody deletes while
// the batch is on its way.
func TestBatchErrors(t *testing.T) {
	server := blobtest.New(t)
	container := server.ServiceClient().Container("mine")
	if _, err := container.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := fill(t.Context(), container, 600); err != nil {
		t.Fatal(err)
	}
	if _, err := container.Blob("logs/000001.tmp").Lease("").Acquire(t.Context(), azureblob.LeaseForever, nil); err != nil {
		t.Fatal(err)
	}
	blobs := listing{container: container, prefix: "logs/", choose: func(item *azureblob.BlobItem) bool {
		if item.Name == "logs/000004.tmp" {
			if _, err := container.Blob(item.Name).Delete(t.Context(), nil); err != nil {
				t.Error(err)
			}
		}
		return strings.HasSuffix(item.Name, ".tmp")
	}}
	var out strings.Builder
	deleted, err := count(container.DeleteBlobs(t.Context(), blobs.all(t.Context()), nil), &out)
	if deleted != 198 || err == nil || !strings.HasPrefix(err.Error(), "1 blobs failed") || !strings.HasPrefix(out.String(), "logs/000001.tmp: ") {
		t.Errorf("%d, %v, printed %s", deleted, err, out.String())
	}
	if blobs.err != nil || blobs.seen != 600 {
		t.Error(blobs.seen, blobs.err)
	}
}

// TestBatchListing has the listing fail in its middle.
func TestBatchListing(t *testing.T) {
	server := blobtest.New(t)
	container := server.ServiceClient().Container("mine")
	if _, err := container.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	server.Inject(blobtest.Fault{Operation: "List Blobs", Code: "AuthorizationFailure"})
	err := run(t.Context(), server.ServiceClient(), []string{"mine"}, &strings.Builder{})
	if err == nil {
		t.Error("the listing failed, and yet there is no error")
	}
}
