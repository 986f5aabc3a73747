package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// While a lease is held, nobody else can write to the blob or delete it.
func ExampleBlobLeaseClient() {
	srv := blobtest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()
	blob := leasable(ctx, srv, "photos", "cat.txt")

	lease := blob.Lease("")
	if _, err := lease.Acquire(ctx, 30*time.Second, nil); err != nil {
		fmt.Println(err)
		return
	}
	defer lease.Release(ctx, nil)

	_, err := blob.Upload(ctx, strings.NewReader("dog"), nil)
	fmt.Println("without the lease:", errors.Is(err, azureblob.LeaseIDMissing))
	_, err = blob.Upload(ctx, strings.NewReader("lion"), &azureblob.UploadOptions{
		Conditions: azureblob.Conditions{LeaseID: lease.ID()},
	})
	fmt.Println("with the lease:", err)
	// Output:
	// without the lease: true
	// with the lease: <nil>
}

// A lock that many processes can ask for: who has the lease does the work, with a
// context that ends when the lease is lost.
func ExampleBlobLeaseClient_KeepAlive() {
	srv := blobtest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()
	lock := leasable(ctx, srv, "locks", "nightly")

	work := func() error {
		lease := lock.Lease("")
		if _, err := lease.Acquire(ctx, 15*time.Second, nil); err != nil {
			return err // errors.Is(err, azureblob.LeaseAlreadyPresent): somebody else does it
		}
		defer lease.Release(context.WithoutCancel(ctx), nil)
		held, stop := lease.KeepAlive(ctx, nil)
		defer stop()

		for range 3 {
			// ... a part of the work, with held as its context ...
			if held.Err() != nil {
				return context.Cause(held) // errors.Is(err, azureblob.ErrLeaseLost)
			}
		}
		_, err := lock.Lease("").Acquire(ctx, 15*time.Second, nil)
		fmt.Println("taken:", errors.Is(err, azureblob.LeaseAlreadyPresent))
		return nil
	}
	fmt.Println(work())
	// Output:
	// taken: true
	// <nil>
}

// leasable makes a blob, and its container.
func leasable(ctx context.Context, srv *blobtest.Server, container, name string) *azureblob.BlobClient {
	c := srv.ServiceClient().Container(container)
	if _, err := c.Create(ctx, nil); err != nil {
		fmt.Println(err)
	}
	if _, err := c.Blob(name).Upload(ctx, strings.NewReader("cat"), nil); err != nil {
		fmt.Println(err)
	}
	return c.Blob(name)
}
