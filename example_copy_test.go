package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
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
