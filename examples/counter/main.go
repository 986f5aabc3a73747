// Counter shows how a blob is changed that others change as well: each writes only
// over what it has read, by its ETag, and tries again if somebody was faster.
//
//	go run ./examples/counter [-workers 8] [-times 5]
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithContainer(run)) }

func run(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("counter", flag.ContinueOnError)
	flags.SetOutput(out)
	workers := flags.Int("workers", 8, "how many count at a time")
	times := flags.Int("times", 5, "how often each counts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	blob := container.Blob("counter")
	errs := make([]error, *workers)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for range *times {
				if _, err := increment(ctx, blob); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	content, err := blob.ReadAll(ctx, nil)
	fmt.Fprintf(out, "%d workers counted to %s\n", *workers, content)
	return err
}

// increment adds one to the number in the blob, or makes it with 1, and returns
// the number.
func increment(ctx context.Context, blob *azureblob.BlobClient) (int, error) {
	for {
		number, conditions, err := read(ctx, blob)
		if err != nil {
			return 0, err
		}
		number++
		_, err = blob.Upload(ctx, strings.NewReader(strconv.Itoa(number)), &azureblob.UploadOptions{
			Conditions: conditions,
			Metadata:   azureblob.Metadata{"change": rand.Text()}, // who counts to the same number writes something else
		})
		e, failed := errors.AsType[*azureblob.Error](err)
		if failed && !e.MaybeApplied && (e.Code == azureblob.ConditionNotMet || e.Code == azureblob.BlobAlreadyExists) {
			continue // somebody was faster
		}
		return number, err
	}
}

// read returns the number in the blob, and the conditions under which it is still
// that.
func read(ctx context.Context, blob *azureblob.BlobClient) (int, azureblob.Conditions, error) {
	r, err := blob.NewReader(ctx, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, azureblob.Conditions{IfNoneMatch: azcore.ETagAny}, nil
	} else if err != nil {
		return 0, azureblob.Conditions{}, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return 0, azureblob.Conditions{}, err
	}
	number, err := strconv.Atoi(string(content))
	return number, azureblob.Conditions{IfMatch: r.Result().ETag}, err
}
