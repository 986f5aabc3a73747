package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// somePhoto is a blob in an account for the examples.
func somePhoto(ctx context.Context, server *blobtest.Server) *azureblob.BlobClient {
	photos := server.ServiceClient().Container("photos")
	if _, err := photos.CreateIfNotExists(ctx, nil); err != nil {
		log.Fatal(err)
	}
	cat := photos.Blob("cat.jpg")
	if _, err := cat.Upload(ctx, strings.NewReader("meow"), nil); err != nil {
		log.Fatal(err)
	}
	return cat
}

// Bring back a container that was deleted by mistake.
func ExampleContainerClient_Undelete() {
	server := blobtest.NewServer(&blobtest.Options{ContainerSoftDelete: 7}) // in the place of an account
	defer server.Close()
	ctx, service := context.Background(), server.ServiceClient()
	cat := somePhoto(ctx, server)
	if _, err := service.Container("photos").Delete(ctx, nil); err != nil {
		log.Fatal(err)
	}

	deleted := azureblob.ListContainersInclude{Deleted: true}
	for item, err := range service.Containers(ctx, &azureblob.ListContainersOptions{Include: deleted}) {
		if err != nil {
			log.Fatal(err)
		}
		if !item.Deleted {
			continue
		}
		if _, err := service.Container(item.Name).Undelete(ctx, item.Version, nil); err != nil {
			log.Fatal(err)
		}
	}

	fmt.Println(cat.Exists(ctx, nil))
	// Output:
	// true <nil>
}

// Keep a blob from being deleted for a year.
func ExampleBlobClient_SetImmutabilityPolicy() {
	server := blobtest.NewServer(nil)
	defer server.Close()
	ctx := context.Background()
	cat := somePhoto(ctx, server)

	if _, err := cat.SetImmutabilityPolicy(ctx, time.Now().AddDate(1, 0, 0), nil); err != nil {
		log.Fatal(err)
	}
	_, err := cat.Delete(ctx, nil)
	fmt.Println(errors.Is(err, azureblob.BlobImmutableDueToPolicy))
	// Output:
	// true
}

// Keep a blob as it is for as long as a matter is before court.
func ExampleBlobClient_SetLegalHold() {
	server := blobtest.NewServer(nil)
	defer server.Close()
	ctx := context.Background()
	cat := somePhoto(ctx, server)

	for _, hold := range []bool{true, false} {
		if _, err := cat.SetLegalHold(ctx, hold, nil); err != nil {
			log.Fatal(err)
		}
		_, err := cat.Delete(ctx, nil)
		fmt.Println(errors.Is(err, azureblob.BlobImmutableDueToLegalHold))
	}
	// Output:
	// true
	// false
}

// Have a blob delete itself tomorrow.
func ExampleBlobClient_SetExpiry() {
	server := blobtest.NewServer(&blobtest.Options{HierarchicalNamespace: true})
	defer server.Close()
	ctx := context.Background()
	cat := somePhoto(ctx, server)

	if _, err := cat.SetExpiry(ctx, azureblob.ExpireIn(24*time.Hour), nil); err != nil {
		log.Fatal(err)
	}
	properties, err := cat.Properties(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(time.Until(properties.ExpiryTime).Round(time.Hour))
	// Output:
	// 24h0m0s
}
