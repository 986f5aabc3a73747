// Copy has the service copy blobs: in its own time, with progress and a change of
// mind; of any size and from another account; and small ones at once.
//
//	go run ./examples/copy
//
// The account to copy from is that of AZURE_STORAGE_CONNECTION_STRING_2, if it is
// set.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/sas"
)

func main() {
	connect.Main(&blobtest.Options{CopyDuration: 500 * time.Millisecond}, run)
}

func run(ctx context.Context, account *connect.Account, _ []string, out io.Writer) (err error) {
	other := *account
	other.ConnectionString = cmp.Or(os.Getenv("AZURE_STORAGE_CONNECTION_STRING_2"), account.ConnectionString)
	var containers [2]*azureblob.ContainerClient
	for i, a := range []*connect.Account{&other, account} {
		service, err := azureblob.NewServiceClientFromConnectionString(a.ConnectionString, a.Options)
		if err != nil {
			return err
		}
		defer service.CloseIdleConnections()
		var remove func() error
		if containers[i], remove, err = connect.Container(ctx, service, "copy"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
	}
	source, backup := containers[0].Blob("cat.jpg"), containers[1]
	if _, err := source.Upload(ctx, strings.NewReader(strings.Repeat("meow ", 100_000)), &azureblob.UploadOptions{
		Metadata: azureblob.Metadata{"camera": "x100"},
	}); err != nil {
		return err
	}
	// A copy between accounts needs a URL by which the source can be read. The copy
	// may take days, and the service reads the source until its end.
	link, err := source.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: time.Now().Add(24 * time.Hour)})
	if err != nil {
		return err
	}
	if err := start(ctx, backup.Blob("slow.jpg"), link, out); err != nil {
		return err
	}
	if err := abort(ctx, backup.Blob("aborted.jpg"), link, out); err != nil {
		return err
	}
	if err := copyFrom(ctx, backup.Blob("large.jpg"), source, out); err != nil {
		return err
	}
	// Up to 256 MiB are there when the call returns.
	small := backup.Blob("small.jpg")
	if _, err := small.CopyFromURL(ctx, link, &azureblob.CopyFromURLOptions{Tier: azureblob.TierCool}); err != nil {
		return err
	}
	return show(ctx, small, out)
}

// start has the service copy in its own time, and waits for that.
func start(ctx context.Context, target *azureblob.BlobClient, link string, out io.Writer) error {
	copying, err := target.StartCopy(ctx, link, nil)
	if err != nil {
		return err
	}
	// Another process could wait as well: target.PendingCopy(copying.ID()).Wait.
	if _, err := copying.Wait(ctx, &azureblob.WaitCopyOptions{
		Progress: func(done, total int64) { fmt.Fprintf(out, "copied %d of %d bytes\n", done, total) },
	}); err != nil {
		return err
	}
	return show(ctx, target, out)
}

// abort starts a copy and thinks better of it.
func abort(ctx context.Context, target *azureblob.BlobClient, link string, out io.Writer) error {
	copying, err := target.StartCopy(ctx, link, nil)
	if err != nil {
		return err
	}
	if _, err = copying.Abort(ctx, nil); errors.Is(err, azureblob.NoPendingCopyOperation) {
		fmt.Fprintln(out, "too late to abort")
		return show(ctx, target, out)
	} else if err != nil {
		return err
	}
	_, err = copying.Wait(ctx, nil)
	failed, ok := errors.AsType[*azureblob.CopyError](err)
	if !ok {
		return fmt.Errorf("the copy was aborted, and yet: %w", err)
	}
	fmt.Fprintf(out, "copy %s\n", failed.Status)
	return show(ctx, target, out)
}

// copyFrom copies a blob of any size in parallel. The handle of the source is all
// the right that it needs: the client signs what the service is to read.
func copyFrom(ctx context.Context, target, source *azureblob.BlobClient, out io.Writer) error {
	copied, err := target.CopyFrom(ctx, source, &azureblob.CopyFromOptions{
		Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny},
		Tier:       azureblob.TierCool,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d bytes copied by the service: %v\n", copied.Size, !copied.Streamed)
	return show(ctx, target, out)
}

func show(ctx context.Context, blob *azureblob.BlobClient, out io.Writer) error {
	p, err := blob.Properties(ctx, nil)
	fmt.Fprintf(out, "%-12s %7d bytes %v\n", blob.Name(), p.ContentLength, p.Metadata)
	return err
}
