package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// All blobs under a prefix are deleted, in as few requests as there can be. What
// a listing yields is turned into handles on the way.
func ExampleContainerClient_DeleteBlobs() {
	srv := blobtest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()
	photos := srv.ServiceClient().Container("photos")
	_, err := photos.Create(ctx, nil)
	for i := range 300 {
		if err == nil {
			_, err = photos.Blob(fmt.Sprintf("2025/%03d.jpg", i)).Upload(ctx, strings.NewReader("cat"), nil)
		}
	}

	var old iter.Seq[*azureblob.BlobClient] = func(yield func(*azureblob.BlobClient) bool) {
		for item, e := range photos.Blobs(ctx, &azureblob.ListBlobsOptions{Prefix: "2025/"}) {
			if e != nil {
				err = e
				return
			}
			if !yield(photos.Blob(item.Name)) {
				return
			}
		}
	}
	deleted := 0
	for item, err := range photos.DeleteBlobs(ctx, old, nil) {
		if err != nil {
			fmt.Println(item.Blob.Name(), err)
			continue
		}
		deleted++
	}
	fmt.Println(deleted, err)
	// Output: 300 <nil>
}

// Blobs of any container move to a cheaper tier. One error does not end the loop.
func ExampleServiceClient_SetBlobTiers() {
	srv := blobtest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()
	service := srv.ServiceClient()
	cat := leasable(ctx, srv, "photos", "cat.jpg")
	report := leasable(ctx, srv, "reports", "2025.pdf")
	gone := service.Container("reports").Blob("2024.pdf")

	blobs := slices.Values([]*azureblob.BlobClient{cat, report, gone})
	for item, err := range service.SetBlobTiers(ctx, blobs, azureblob.TierCool, nil) {
		fmt.Println(item.Blob.Name(), item.StatusCode, errors.Is(err, azureblob.BlobNotFound))
	}
	// Unordered output:
	// cat.jpg 200 false
	// 2025.pdf 200 false
	// 2024.pdf 404 true
}
