// Customerkey has the service encrypt a blob with a key that it does not keep, changes
// that key, and encrypts another blob with an encryption scope of the account.
//
//	go run ./examples/customerkey [-scope name]
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
)

// Keys are sent over https alone, so the service in this process speaks it.
func main() {
	connect.Main(&blobtest.Options{HTTPS: true}, connect.WithContainer(run))
}

func run(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("customerkey", flag.ContinueOnError)
	flags.SetOutput(out)
	scope := flags.String("scope", "", "the `name` of an encryption scope that the account has")
	if err := flags.Parse(args); err != nil {
		return err
	}
	old, err := newKey()
	if err != nil {
		return err
	}
	diary := container.Blob("diary.txt")
	written, err := diary.WithCustomerKey(old).Upload(ctx, strings.NewReader("nobody may know"), nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "encrypted with our key:", written.CustomerProvidedKeySHA256 == old.SHA256())

	// The service has forgotten the key: it is as good as lost without it.
	read(ctx, "without the key", diary, out)
	read(ctx, "with the key", diary.WithCustomerKey(old), out)

	renewed, err := newKey()
	if err != nil {
		return err
	}
	if err := rotate(ctx, diary, old, renewed); err != nil {
		return err
	}
	read(ctx, "with the old key", diary.WithCustomerKey(old), out)
	read(ctx, "with the new key", diary.WithCustomerKey(renewed), out)
	if *scope == "" {
		return nil
	}
	// A scope is a key that the account keeps. Who reads needs to know nothing of it.
	report := container.Blob("report.txt")
	if _, err := report.WithEncryptionScope(*scope).Upload(ctx, strings.NewReader("sales go up"), nil); err != nil {
		return err
	}
	p, err := report.Properties(ctx, nil)
	if err != nil {
		return err
	}
	read(ctx, "in scope "+p.EncryptionScope, report, out)
	return nil
}

// newKey makes a key. A program keeps it where it keeps its secrets.
func newKey() (azureblob.CustomerKey, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return azureblob.NewCustomerKey(key)
}

// rotate has the service write the blob anew with another key, in one moment, and
// with all that belongs to it. None of the content comes here.
func rotate(ctx context.Context, blob *azureblob.BlobClient, old, renewed azureblob.CustomerKey) error {
	source, target := blob.WithCustomerKey(old), blob.WithCustomerKey(renewed)
	p, err := source.Properties(ctx, nil)
	if err != nil {
		return err
	}
	_, err = target.CopyFrom(ctx, source, &azureblob.CopyFromOptions{
		Tier:             p.AccessTier,
		Conditions:       azureblob.Conditions{IfMatch: p.ETag},
		SourceConditions: azureblob.SourceConditions{IfMatch: p.ETag},
	})
	return err
}

// read prints the content of the blob, or why it cannot be read.
func read(ctx context.Context, how string, blob *azureblob.BlobClient, out io.Writer) {
	content, err := blob.ReadAll(ctx, nil)
	switch {
	case err == nil:
		fmt.Fprintf(out, "%-20s %s\n", how, content)
	case errors.Is(err, azureblob.BlobUsesCustomerSpecifiedEncryption):
		fmt.Fprintf(out, "%-20s it cannot be read\n", how)
	default:
		fmt.Fprintf(out, "%-20s %v\n", how, err)
	}
}
