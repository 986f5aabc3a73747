// Batch moves old blobs of a container to a cheaper tier and deletes temporary ones,
// thousands of them from one listing, 256 with a request.
//
//	go run ./examples/batch [-n 2000] [-prefix logs/] [container]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithService(run)) }

func run(ctx context.Context, service *azureblob.ServiceClient, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("batch", flag.ContinueOnError)
	flags.SetOutput(out)
	n := flags.Int("n", 2000, "how many blobs are made to be worked on, if no container is given")
	prefix := flags.String("prefix", "logs/", "only blobs whose names begin with it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	container := service.Container(flags.Arg(0))
	if flags.NArg() == 0 {
		made, remove, err := connect.Container(ctx, service, "batch")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
		if err := fill(ctx, made, *n); err != nil {
			return err
		}
		container = made
	}

	logs := func(item *azureblob.BlobItem) bool {
		return strings.HasSuffix(item.Name, ".log") && item.Properties.AccessTier == azureblob.TierHot
	}
	blobs := listing{container: container, prefix: *prefix, choose: logs}
	moved, err := count(container.SetBlobTiers(ctx, blobs.all(ctx), azureblob.TierCool, nil), out)
	if err := errors.Join(err, blobs.err); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d blobs are in tier Cool now\n", moved, blobs.seen)

	temporary := func(item *azureblob.BlobItem) bool { return strings.HasSuffix(item.Name, ".tmp") }
	blobs = listing{container: container, prefix: *prefix, choose: temporary}
	deleted, err := count(container.DeleteBlobs(ctx, blobs.all(ctx), &azureblob.DeleteBlobsOptions{
		Each: azureblob.DeleteBlobOptions{Snapshots: azureblob.DeleteSnapshotsInclude},
	}), out)
	if err := errors.Join(err, blobs.err); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d blobs are deleted\n", deleted, blobs.seen)
	return nil
}

// listing turns a listing of a container into the handles of those blobs that are
// chosen. Its error is there when the loop over them is over.
type listing struct {
	container *azureblob.ContainerClient
	prefix    string
	choose    func(*azureblob.BlobItem) bool
	seen      int
	err       error
}

func (l *listing) all(ctx context.Context) iter.Seq[*azureblob.BlobClient] {
	return func(yield func(*azureblob.BlobClient) bool) {
		for item, err := range l.container.Blobs(ctx, &azureblob.ListBlobsOptions{Prefix: l.prefix}) {
			if err != nil {
				l.err = err
				return
			}
			l.seen++
			if l.choose(item) && !yield(l.container.Blob(item.Name)) {
				return
			}
		}
	}
}

// count goes through what became of each blob. One that failed does not stop the
// others; one that somebody else has deleted meanwhile has not failed.
func count(items iter.Seq2[*azureblob.BatchItem, error], out io.Writer) (done int, err error) {
	failed := 0
	for item, e := range items {
		switch {
		case e == nil:
			done++
		case !errors.Is(e, azureblob.BlobNotFound):
			failed++
			if err = e; failed <= 3 {
				fmt.Fprintf(out, "%s: %v\n", item.Blob.Name(), e)
			}
		}
	}
	if failed > 0 {
		return done, fmt.Errorf("%d blobs failed, and the last one with: %w", failed, err)
	}
	return done, nil
}

// fill makes n blobs of three kinds, several at a time.
func fill(ctx context.Context, container *azureblob.ContainerClient, n int) error {
	const workers = 16
	kinds := []string{"log", "tmp", "cfg"}
	errs := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < n && errs[w] == nil; i += workers {
				name := fmt.Sprintf("logs/%06d.%s", i, kinds[i%len(kinds)])
				_, errs[w] = container.Blob(name).Upload(ctx, strings.NewReader(name), nil)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
