// Lock has several workers write a report one after the other: a lease lets in one
// at a time, is renewed while the work takes, and guards what is written.
//
//	go run ./examples/lock [-workers 3] [-takes 300ms]
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithContainer(run)) }

func run(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("lock", flag.ContinueOnError)
	flags.SetOutput(out)
	workers := flags.Int("workers", 3, "how many want to write the report")
	takes := flags.Duration("takes", 300*time.Millisecond, "how long each needs for it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	report := container.Blob("report.txt")
	errs := make([]error, *workers)
	var all sync.WaitGroup
	for i := range errs {
		// Each could be a process of its own, on another machine.
		all.Go(func() {
			errs[i] = withLock(ctx, report, func(ctx context.Context, leaseID string) error {
				return write(ctx, report, leaseID, fmt.Sprintf("worker %d was here\n", i+1), *takes)
			})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	content, err := report.ReadAll(ctx, nil)
	fmt.Fprintf(out, "%s", content)
	return err
}

// withLock does work while nobody else does who comes by this function. The
// context of the work ends when the lock is lost. The lease goes with all that is
// written to the blob, so that work that does not take notice of that writes
// nothing any more.
func withLock(ctx context.Context, blob *azureblob.BlobClient, work func(ctx context.Context, leaseID string) error) error {
	lease := blob.Lease("")
	if err := acquire(ctx, blob, lease); err != nil {
		return err
	}
	// Others need not wait for the end of the lease, even after Ctrl-C.
	defer lease.Release(context.WithoutCancel(ctx), nil)
	held, stop := lease.KeepAlive(ctx, nil)
	defer stop()
	err := work(held, lease.ID())
	if held.Err() != nil {
		return errors.Join(context.Cause(held), err)
	}
	return err
}

// acquire waits for the lease, and makes the blob if there is none.
func acquire(ctx context.Context, blob *azureblob.BlobClient, lease *azureblob.BlobLeaseClient) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		_, err := lease.Acquire(ctx, 15*time.Second, nil)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, azureblob.BlobNotFound):
			_, err := blob.Upload(ctx, bytes.NewReader(nil), &azureblob.UploadOptions{
				Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny},
			})
			if err != nil && !errors.Is(err, azureblob.BlobAlreadyExists) && !errors.Is(err, azureblob.LeaseIDMissing) {
				return err
			}
			continue
		case !errors.Is(err, azureblob.LeaseAlreadyPresent) && !errors.Is(err, azureblob.LeaseIsBreakingAndCannotBeAcquired):
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// write adds a line to the report. It takes its time between reading what there
// is and writing it, so two at a time would lose a line.
func write(ctx context.Context, report *azureblob.BlobClient, leaseID, line string, takes time.Duration) error {
	content, err := report.ReadAll(ctx, nil)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(takes):
	}
	_, err = report.Upload(ctx, bytes.NewReader(append(content, line...)), &azureblob.UploadOptions{
		Conditions: azureblob.Conditions{LeaseID: leaseID},
	})
	return err
}
