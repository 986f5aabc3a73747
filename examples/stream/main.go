// Stream writes a blob as a stream that is compressed on its way, of a length that
// nobody knows, and reads it back to standard output: nothing is kept in files.
//
//	go run ./examples/stream < file
package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() {
	connect.Main(nil, connect.WithContainer(func(ctx context.Context, container *azureblob.ContainerClient, _ []string, out io.Writer) error {
		return run(ctx, container, os.Stdin, out)
	}))
}

func run(ctx context.Context, container *azureblob.ContainerClient, in io.Reader, out io.Writer) error {
	blob := container.Blob("stream.gz")
	size, err := compress(ctx, blob, in)
	if err != nil {
		return err
	}
	p, err := blob.Properties(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d bytes are kept in %d\n", size, p.ContentLength)
	return expand(ctx, blob, out)
}

// compress makes the blob of all that in has. Nothing is to be seen of it before
// Close, and nothing ever if in breaks off.
func compress(ctx context.Context, blob *azureblob.BlobClient, in io.Reader) (int64, error) {
	w, err := blob.NewWriter(ctx, &azureblob.UploadOptions{
		HTTPHeaders: azureblob.HTTPHeaders{ContentEncoding: "gzip", ContentType: "text/plain"},
	})
	if err != nil {
		return 0, err
	}
	defer w.Abort() // does nothing after Close
	z := gzip.NewWriter(w)
	size, err := io.Copy(z, in)
	if err != nil {
		return 0, err
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	return size, w.Close()
}

// expand writes the content of the blob to out, while later blocks are on their
// way.
func expand(ctx context.Context, blob *azureblob.BlobClient, out io.Writer) error {
	r, err := blob.NewReader(ctx, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	if encoding := r.Result().ContentEncoding; encoding != "gzip" {
		return fmt.Errorf("%s is encoded as %q", blob.Name(), encoding)
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, z)
	return errors.Join(err, z.Close())
}
