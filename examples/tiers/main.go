// Tiers moves a blob to the archive, where it costs little and cannot be read, and
// gets it back in two ways: as itself, or as a copy that leaves it there.
//
//	go run ./examples/tiers
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() {
	connect.Main(&blobtest.Options{Rehydration: time.Second}, connect.WithContainer(run))
}

func run(ctx context.Context, container *azureblob.ContainerClient, _ []string, out io.Writer) error {
	taxes := container.Blob("taxes-2019.pdf")
	if _, err := taxes.Upload(ctx, strings.NewReader("all is paid"), &azureblob.UploadOptions{Tier: azureblob.TierCool}); err != nil {
		return err
	}
	if _, err := taxes.SetTier(ctx, azureblob.TierArchive, nil); err != nil {
		return err
	}
	_, err := taxes.ReadAll(ctx, nil)
	fmt.Fprintln(out, "in the archive:", errors.Is(err, azureblob.BlobArchived))

	// A copy takes as long as its source would, and can be waited for.
	desk := container.Blob("desk/taxes-2019.pdf")
	copying, err := desk.StartCopy(ctx, taxes.URL(), &azureblob.StartCopyOptions{
		Tier:      azureblob.TierHot,
		Rehydrate: azureblob.RehydrateHigh,
	})
	if err != nil {
		return err
	}
	if _, err := copying.Wait(ctx, nil); err != nil {
		return err
	}
	if err := read(ctx, desk, out); err != nil {
		return err
	}

	moved, err := taxes.SetTier(ctx, azureblob.TierHot, &azureblob.SetTierOptions{Rehydrate: azureblob.RehydrateHigh})
	if err != nil {
		return err
	}
	if moved.Pending {
		fmt.Fprintln(out, "on its way out")
	}
	if err := online(ctx, taxes, time.Minute); err != nil {
		return err
	}
	return read(ctx, taxes, out)
}

// online waits until a blob has left the archive, which takes hours. It looks often
// at first, and each so many minutes in the end.
func online(ctx context.Context, blob *azureblob.BlobClient, interval time.Duration) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, interval) {
		p, err := blob.Properties(ctx, nil)
		if err != nil {
			return err
		}
		if p.ArchiveStatus == "" && p.AccessTier != azureblob.TierArchive {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func read(ctx context.Context, blob *azureblob.BlobClient, out io.Writer) error {
	content, err := blob.ReadAll(ctx, nil)
	if err != nil {
		return err
	}
	p, err := blob.Properties(ctx, nil)
	fmt.Fprintf(out, "%s in tier %s: %s\n", blob.Name(), p.AccessTier, content)
	return err
}
