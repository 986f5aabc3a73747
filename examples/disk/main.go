// Disk keeps a disk image as a page blob: without its zeros, with what has changed
// since a snapshot, and with a backup that grows by just that.
//
//	go run ./examples/disk [image]
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/pageblob"
	"github.com/goblob/azureblob/sas"
)

func main() { connect.Main(nil, connect.WithContainer(run)) }

func run(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error {
	dir, err := os.MkdirTemp("", "disk")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "disk.img")
	if len(args) > 0 {
		image = args[0]
	} else if err := format(image); err != nil {
		return err
	}
	disk := pageblob.New(container.Blob("disk.vhd"))
	backup := pageblob.New(container.Blob("backup.vhd"))
	if err := upload(ctx, disk, image, out); err != nil {
		return err
	}
	monday, err := disk.Snapshot(ctx, nil)
	if err != nil {
		return err
	}
	if err := copyTo(ctx, backup, disk.WithSnapshot(monday.Snapshot), out); err != nil {
		return err
	}
	// The machine runs: it writes two pages, and wipes the beginning.
	_, err = disk.Write(ctx, 8*pageblob.PageSize, bytes.NewReader(bytes.Repeat([]byte("new!"), pageblob.PageSize/2)), nil)
	if err != nil {
		return err
	}
	if _, err := disk.Clear(ctx, azureblob.Range{Count: pageblob.PageSize}, nil); err != nil {
		return err
	}
	for r, err := range disk.Diff(ctx, monday.Snapshot, nil) {
		if err != nil {
			return err
		}
		what := "written"
		if r.Kind == pageblob.RangeCleared {
			what = "cleared"
		}
		fmt.Fprintf(out, "since monday %s: bytes %d to %d\n", what, r.Start, r.End)
	}
	tuesday, err := disk.Snapshot(ctx, nil)
	if err != nil {
		return err
	}
	if err := copyTo(ctx, backup, disk.WithSnapshot(tuesday.Snapshot), out); err != nil {
		return err
	}
	return restore(ctx, disk.WithSnapshot(monday.Snapshot), filepath.Join(dir, "restored.img"), image, out)
}

// format makes an image of 64 MiB, most of which is a hole.
func format(image string) error {
	f, err := os.Create(image)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(bytes.Repeat([]byte("boot"), 256), 0)
	if err == nil {
		_, err = f.WriteAt(bytes.Repeat([]byte("data"), 2048), 32<<20)
	}
	return errors.Join(err, f.Truncate(64<<20), f.Close())
}

// upload sends the image, but for its zeros.
func upload(ctx context.Context, disk *pageblob.Client, image string, out io.Writer) error {
	f, err := os.Open(image)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := disk.Upload(ctx, f, nil)
	fmt.Fprintf(out, "%d bytes, of which %d are sent\n", r.Size, r.Sent)
	return err
}

// copyTo has the service bring the backup up to a snapshot. It reads what changed
// since the snapshot before, and makes a snapshot of the backup.
func copyTo(ctx context.Context, backup *pageblob.Client, snapshot *azureblob.BlobClient, out io.Writer) error {
	source, err := snapshot.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: time.Now().Add(24 * time.Hour)})
	if err != nil {
		return err
	}
	copying, err := backup.StartIncrementalCopy(ctx, source, nil)
	if err != nil {
		return err
	}
	if _, err := copying.Wait(ctx, nil); err != nil {
		return err
	}
	p, err := backup.Properties(ctx, nil)
	if err != nil {
		return err
	}
	kept := pageblob.New(backup.WithSnapshot(p.CopyDestinationSnapshot))
	var used int64
	for r, err := range kept.Ranges(ctx, nil) {
		if err != nil {
			return err
		}
		used += r.Range().Count
	}
	fmt.Fprintf(out, "backed up, %d bytes in use\n", used)
	return nil
}

// restore downloads a snapshot, which leaves holes in the file where it has zeros,
// and compares it with the image that it once was.
func restore(ctx context.Context, snapshot *azureblob.BlobClient, path, image string, out io.Writer) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := pageblob.New(snapshot).DownloadSparse(ctx, f, nil)
	if err != nil {
		return err
	}
	restored, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	original, err := os.ReadFile(image)
	fmt.Fprintf(out, "restored %d bytes, of which %d have come, the same: %v\n", r.ContentLength, r.Received, bytes.Equal(restored, original))
	return err
}
