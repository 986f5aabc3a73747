// Transfer takes a file up in parallel, with progress and checksums, never over
// another; and brings it back, going on where a first try was broken off.
//
//	go run ./examples/transfer [-validate=false] [file]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"os"
	"path/filepath"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithContainer(run)) }

func run(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("transfer", flag.ContinueOnError)
	flags.SetOutput(out)
	validate := flags.Bool("validate", true, "check a CRC64 of all content on its way, which emulators cannot")
	if err := flags.Parse(args); err != nil {
		return err
	}
	file := flags.Arg(0)
	dir, err := os.MkdirTemp("", "transfer")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if file == "" {
		file = filepath.Join(dir, "zeros.bin")
		if err := os.WriteFile(file, make([]byte, 20<<20), 0o600); err != nil {
			return err
		}
	}
	blob := container.Blob(filepath.Base(file))
	if err := upload(ctx, blob, file, *validate, out); err != nil {
		return err
	}
	if err := upload(ctx, blob, file, *validate, out); !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("it was there, and yet: %w", err)
	}
	fmt.Fprintf(out, "%s is not written over\n", blob.Name())

	// All at once: the file is there when all of it is, and right.
	back := filepath.Join(dir, "back")
	down, err := blob.DownloadFile(ctx, back, &azureblob.DownloadOptions{Validate: *validate})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d bytes are back, of type %s\n", down.Size, down.ContentType)

	// Or bit by bit. This is what a run that was killed in the middle has left.
	part := filepath.Join(dir, "part")
	half, err := blob.ReadAll(ctx, &azureblob.DownloadOptions{Range: azureblob.Range{Count: down.Size / 2}})
	if err == nil {
		err = errors.Join(os.WriteFile(part, half, 0o600), os.WriteFile(part+".etag", []byte(down.ETag), 0o600))
	}
	if err != nil {
		return err
	}
	return resume(ctx, blob, part, out)
}

// upload makes the blob of a file, unless there is one.
func upload(ctx context.Context, blob *azureblob.BlobClient, file string, validate bool, out io.Writer) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	up, err := blob.UploadFile(ctx, file, &azureblob.UploadOptions{
		HTTPHeaders: azureblob.HTTPHeaders{ContentType: mime.TypeByExtension(filepath.Ext(file))},
		Conditions:  azureblob.Conditions{IfNoneMatch: azcore.ETagAny},
		Validate:    validate,
		Progress: func(done int64) {
			fmt.Fprintf(out, "\r%3d %% of %s ", 100*done/max(1, info.Size()), blob.Name())
		},
	})
	fmt.Fprintln(out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d bytes are sent\n", up.Size)
	return nil
}

// resume downloads the blob to a file that may have the first part of it already.
// A file beside it keeps the ETag, as that part is worth nothing once the blob has
// changed.
func resume(ctx context.Context, blob *azureblob.BlobClient, path string, out io.Writer) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := blob.Properties(ctx, nil)
	if err != nil {
		return err
	}
	if etag, err := os.ReadFile(path + ".etag"); err != nil || azcore.ETag(etag) != p.ETag {
		if err := errors.Join(f.Truncate(0), os.WriteFile(path+".etag", []byte(p.ETag), 0o600)); err != nil {
			return err
		}
	}
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have < p.ContentLength {
		r, err := blob.NewReader(ctx, &azureblob.DownloadOptions{
			Range:      azureblob.Range{Offset: have},
			Conditions: azureblob.Conditions{IfMatch: p.ETag},
		})
		if err != nil {
			return err
		}
		defer r.Close()
		more, err := io.Copy(f, r)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d bytes were there, %d have come\n", have, more)
	}
	return errors.Join(os.Remove(path+".etag"), f.Close())
}
