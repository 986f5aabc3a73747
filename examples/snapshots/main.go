// Snapshots keeps what a blob was before it is changed, brings that back, and
// undoes the deletion of a blob and its snapshots.
//
//	go run ./examples/snapshots
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(&blobtest.Options{SoftDelete: 7}, connect.WithService(run)) }

func run(ctx context.Context, service *azureblob.ServiceClient, _ []string, out io.Writer) (err error) {
	container, remove, err := connect.Container(ctx, service, "snapshots")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	novel := container.Blob("novel.txt")
	if err := change(ctx, novel, out); err != nil {
		return err
	}
	if err := list(ctx, container, azureblob.ListBlobsInclude{Snapshots: true}, out); err != nil {
		return err
	}

	// A blob that has snapshots is deleted with them, or not at all.
	_, err = novel.Delete(ctx, nil)
	fmt.Fprintln(out, "kept for its snapshots:", errors.Is(err, azureblob.SnapshotsPresent))
	_, err = novel.Delete(ctx, &azureblob.DeleteBlobOptions{Snapshots: azureblob.DeleteSnapshotsInclude})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "deleted")
	p, err := service.Properties(ctx, nil)
	if err != nil {
		return err
	}
	if p.DeleteRetention == nil || !p.DeleteRetention.Enabled {
		fmt.Fprintln(out, "for good, as the account has no soft delete")
		return nil
	}
	// Soft delete has kept what was written over as well.
	if err := list(ctx, container, azureblob.ListBlobsInclude{Snapshots: true, Deleted: true}, out); err != nil {
		return err
	}
	if _, err := novel.Undelete(ctx, nil); err != nil {
		return err
	}
	fmt.Fprintln(out, "undeleted")
	return list(ctx, container, azureblob.ListBlobsInclude{Snapshots: true}, out)
}

// change writes two drafts, finds that the second is no better, and brings the
// first one back from the snapshot that was made of it.
func change(ctx context.Context, novel *azureblob.BlobClient, out io.Writer) error {
	written, err := novel.Upload(ctx, strings.NewReader("It was a dark night."), nil)
	if err != nil {
		return err
	}
	// What is kept, and then written over, is this and not what others have written.
	same := azureblob.Conditions{IfMatch: written.ETag}
	taken, err := novel.Snapshot(ctx, &azureblob.SnapshotOptions{
		Metadata:   azureblob.Metadata{"draft": "first"},
		Conditions: same,
	})
	if err != nil {
		return err
	}
	if _, err := novel.Upload(ctx, strings.NewReader("It was night, and dark."), &azureblob.UploadOptions{
		Conditions: same,
	}); err != nil {
		return err
	}
	first := novel.WithSnapshot(taken.Snapshot)
	for _, draft := range []*azureblob.BlobClient{first, novel} {
		content, err := draft.ReadAll(ctx, nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", content)
	}
	if _, err := novel.CopyFrom(ctx, first, nil); err != nil {
		return err
	}
	content, err := novel.ReadAll(ctx, nil)
	fmt.Fprintf(out, "brought back: %s\n", content)
	return err
}

// list prints the blob and its snapshots.
func list(ctx context.Context, container *azureblob.ContainerClient, include azureblob.ListBlobsInclude, out io.Writer) error {
	include.Metadata = true
	for item, err := range container.Blobs(ctx, &azureblob.ListBlobsOptions{Include: include}) {
		if err != nil {
			return err
		}
		what, gone := "the blob", ""
		if item.Snapshot != "" {
			what = "a snapshot"
		}
		if item.Deleted {
			gone = fmt.Sprintf(", deleted, to be had for %d days", item.Properties.RemainingRetentionDays)
		}
		fmt.Fprintf(out, "  %s %v%s\n", what, item.Metadata, gone)
	}
	return nil
}
