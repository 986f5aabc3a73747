// Versions shows what an account with versioning keeps by itself: each state that
// a blob was in, to be read, to be brought back, and to be deleted when it is old.
//
//	go run ./examples/versions
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(&blobtest.Options{Versioning: true}, connect.WithContainer(run)) }

func run(ctx context.Context, container *azureblob.ContainerClient, _ []string, out io.Writer) error {
	price := container.Blob("price.txt")
	for _, text := range []string{"10 EUR", "12 EUR", "15 EUR"} {
		written, err := price.Upload(ctx, strings.NewReader(text), nil)
		if err != nil {
			return err
		}
		if written.VersionID == "" {
			fmt.Fprintln(out, "the account keeps no versions")
			return nil
		}
	}
	// An accident.
	if _, err := price.Delete(ctx, nil); err != nil {
		return err
	}
	_, err := price.ReadAll(ctx, nil)
	fmt.Fprintln(out, "gone:", errors.Is(err, fs.ErrNotExist))

	old, err := versions(ctx, price, container)
	if err != nil {
		return err
	}
	for _, version := range old {
		content, err := version.ReadAll(ctx, nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "it was %s\n", content)
	}
	if _, err := price.CopyFrom(ctx, old[len(old)-1], nil); err != nil {
		return err
	}
	content, err := price.ReadAll(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "it is %s again\n", content)

	// Only the current version is kept: each version is paid for.
	for item, err := range container.DeleteBlobs(ctx, slices.Values(old), nil) {
		if err != nil {
			return fmt.Errorf("%s: %w", item.Blob.URL(), err)
		}
	}
	left, err := versions(ctx, price, container)
	fmt.Fprintf(out, "%d versions deleted, %d left\n", len(old), len(left))
	return err
}

// versions returns handles of all versions of the blob, the current one included,
// from the oldest on. A blob that is deleted has no current one.
func versions(ctx context.Context, blob *azureblob.BlobClient, container *azureblob.ContainerClient) ([]*azureblob.BlobClient, error) {
	var all []*azureblob.BlobClient
	for item, err := range container.Blobs(ctx, &azureblob.ListBlobsOptions{
		Prefix:  blob.Name(),
		Include: azureblob.ListBlobsInclude{Versions: true},
	}) {
		if err != nil {
			return nil, err
		}
		if item.Name == blob.Name() {
			all = append(all, blob.WithVersion(item.VersionID))
		}
	}
	return all, nil
}
