// Quickstart takes a file to blob storage and back, and looks whether it is
// still the same.
//
//	go run ./examples/quickstart [file]
//
// With AZURE_STORAGE_CONNECTION_STRING set it uses that account, otherwise a
// local service that it starts for itself. Without a file it makes one of 64 MiB.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithService(run)) }

func run(ctx context.Context, service *azureblob.ServiceClient, args []string, out io.Writer) (err error) {
	if len(args) > 1 || len(args) == 1 && strings.HasPrefix(args[0], "-") {
		return errors.New("usage: quickstart [file]")
	}
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path, err := source(args, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Service     %s\n", service.URL())

	container := service.Container("quickstart-" + strings.ToLower(rand.Text()[:8]))
	if _, err := container.Create(ctx, nil); err != nil {
		return err
	}
	fmt.Fprintf(out, "Container   %s, created\n", container.Name())
	defer func() {
		// The account is left as it was found, also after Ctrl-C.
		if _, e := container.Delete(context.WithoutCancel(ctx), nil); e != nil {
			err = errors.Join(err, e)
			return
		}
		fmt.Fprintf(out, "Cleaned up  %s, deleted\n", container.Name())
	}()
	return roundTrip(ctx, container, path, filepath.Join(dir, "back"), out)
}

// roundTrip uploads the file, lists it, downloads it to back, and compares.
func roundTrip(ctx context.Context, container *azureblob.ContainerClient, path, back string, out io.Writer) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	before, err := fileHash(path)
	if err != nil {
		return err
	}
	blob := container.Blob("hello/" + filepath.Base(path))

	up := newMeter(out, "Upload", info.Size())
	if _, err := blob.UploadFile(ctx, path, &azureblob.UploadOptions{
		HTTPHeaders: azureblob.HTTPHeaders{ContentType: mime.TypeByExtension(filepath.Ext(path))},
		Metadata:    azureblob.Metadata{"sha256": before},
		Conditions:  azureblob.Conditions{IfNoneMatch: azcore.ETagAny}, // never overwrite
		Progress:    up.show,
	}); err != nil {
		return err
	}
	up.end()

	options := &azureblob.ListBlobsOptions{Include: azureblob.ListBlobsInclude{Metadata: true}}
	for item, err := range container.Blobs(ctx, options) {
		if err != nil {
			return err
		}
		p := item.Properties
		fmt.Fprintf(out, "Listed      %s, %s, %s, %s\n", item.Name, size(p.ContentLength), p.ContentType, p.LastModified.Format(time.DateTime))
	}

	down := newMeter(out, "Download", info.Size())
	if _, err := blob.DownloadFile(ctx, back, &azureblob.DownloadOptions{Progress: down.show}); err != nil {
		return err
	}
	down.end()

	after, err := fileHash(back)
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("the file came back different: SHA-256 %s, was %s", after, before)
	}
	fmt.Fprintf(out, "SHA-256     %s, the same there and back\n", after)
	return nil
}

// source is the file to take along: the one that was given, or a new one.
func source(args []string, dir string) (string, error) {
	if len(args) == 1 {
		info, err := os.Stat(args[0])
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s is no regular file", args[0])
		}
		return args[0], err
	}
	path := filepath.Join(dir, "random.bin")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var seed [32]byte
	_, _ = rand.Read(seed[:])
	if _, err := io.CopyN(f, mathrand.NewChaCha8(seed), 64<<20); err != nil {
		return "", err
	}
	return path, f.Close()
}

func fileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
