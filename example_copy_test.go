package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/sas"
)

// A copy that the service makes in its own time: it is started, and waited for.
func ExampleBlobClient_StartCopy() {
	srv := blobtest.NewServer(nil) // a service for tests; yours comes from NewServiceClient
	defer srv.Close()
	ctx := context.Background()
	photos := srv.ServiceClient().Container("photos")
	if _, err := photos.Create(ctx, nil); err != nil {
		log.Fatal(err)
	}
	cat, backup := photos.Blob("cat.jpg"), photos.Blob("backup/cat.jpg")
	if _, err := cat.Upload(ctx, strings.NewReader("meow"), nil); err != nil {
		log.Fatal(err)
	}

	copying, err := backup.StartCopy(ctx, cat.URL(), &azureblob.StartCopyOptions{Tier: azureblob.TierCool})
	if err != nil {
		log.Fatal(err)
	}
	// With copying.ID() another process can go on: backup.PendingCopy(id).
	result, err := copying.Wait(ctx, &azureblob.WaitCopyOptions{
		Progress: func(done, total int64) { log.Printf("%d of %d bytes", done, total) },
	})
	if failed, ok := errors.AsType[*azureblob.CopyError](err); ok {
		log.Fatal(failed.Description)
	} else if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Status)
	// Output: success
}

// A copy between two accounts, of any size. The service reads the source; the
// handle of the source lets it.
func ExampleBlobClient_CopyFrom() {
	srv := blobtest.NewServer(nil) // a service for tests; yours are two accounts
	defer srv.Close()
	ctx := context.Background()
	live, backup := srv.ServiceClient().Container("live"), srv.ServiceClient().Container("backup")
	for _, c := range []*azureblob.ContainerClient{live, backup} {
		if _, err := c.Create(ctx, nil); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := live.Blob("cat.jpg").Upload(ctx, strings.NewReader("meow"), &azureblob.UploadOptions{
		Metadata: azureblob.Metadata{"camera": "x100"},
	}); err != nil {
		log.Fatal(err)
	}

	r, err := backup.Blob("2026/cat.jpg").CopyFrom(ctx, live.Blob("cat.jpg"), &azureblob.CopyFromOptions{
		Tier:       azureblob.TierCool,
		Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny}, // never overwrite
	})
	if err != nil {
		log.Fatal(err)
	}
	p, err := backup.Blob("2026/cat.jpg").Properties(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Size, r.Streamed, p.Metadata["camera"])
	// Output: 4 false x100
}

// A small copy that is there when the call returns, from a URL with a signature.
func ExampleBlobClient_CopyFromURL() {
	srv := blobtest.NewServer(nil) // a service for tests; yours comes from NewServiceClient
	defer srv.Close()
	ctx := context.Background()
	photos := srv.ServiceClient().Container("photos")
	if _, err := photos.Create(ctx, nil); err != nil {
		log.Fatal(err)
	}
	cat := photos.Blob("cat.jpg")
	if _, err := cat.Upload(ctx, strings.NewReader("meow"), nil); err != nil {
		log.Fatal(err)
	}
	source, err := cat.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: time.Now().Add(time.Hour)})
	if err != nil {
		log.Fatal(err)
	}

	r, err := photos.Blob("copy.jpg").CopyFromURL(ctx, source, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Status)
	// Output: success
}
