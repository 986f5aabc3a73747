// Blocks brings a block blob up to date with a file that was changed in its middle:
// only the blocks are sent that the blob does not have yet.
//
//	go run ./examples/blocks [-size 65536] [file]
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithContainer(run)) }

func run(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("blocks", flag.ContinueOnError)
	flags.SetOutput(out)
	size := flags.Int64("size", 64<<10, "the size of a block in `bytes`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var content []byte
	for i := range 40_000 {
		content = fmt.Appendf(content, "%08d is a line of a database\n", i)
	}
	if flags.NArg() > 0 {
		var err error
		if content, err = os.ReadFile(flags.Arg(0)); err != nil {
			return err
		}
	}
	// The file is worked on, and the one that was given stays as it is.
	dir, err := os.MkdirTemp("", "blocks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "database")

	blob := blockblob.New(container.Blob("database"))
	for _, change := range []func(){
		func() {},
		func() { copy(content[len(content)/2:], "HAS CHANGED") },
		func() { content = append(content, "this line is new\n"...) },
		func() {},
	} {
		change()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
		if err := update(ctx, blob, path, *size, out); err != nil {
			return err
		}
	}
	stored, err := blob.ReadAll(ctx, nil)
	fmt.Fprintln(out, "the blob is like the file:", bytes.Equal(stored, content))
	return err
}

// update makes the blob like the file. The name of a block is the hash of what is
// in it, so the names tell which blocks are there.
func update(ctx context.Context, blob *blockblob.Client, path string, size int64, out io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	there, unchanged, err := blocks(ctx, blob)
	if err != nil {
		return err
	}
	var names []string
	var sent int64
	for offset := int64(0); offset < info.Size(); offset += size {
		block := io.NewSectionReader(f, offset, min(size, info.Size()-offset))
		h := sha256.New()
		if _, err := io.Copy(h, block); err != nil {
			return err
		}
		name := hex.EncodeToString(h.Sum(nil)) // of 64 bytes, which is the most that there can be
		names = append(names, name)
		if there[name] {
			continue
		}
		if _, err := block.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := blob.Stage(ctx, name, block, nil); err != nil {
			return err
		}
		there[name] = true
		sent += block.Size()
	}
	_, err = blob.Commit(ctx, blockblob.BlockRefs(names...), &blockblob.CommitOptions{
		HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain"}, // those of the old blob are not kept
		Conditions:  unchanged,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d bytes in %d blocks, of which %d bytes are sent\n", info.Size(), len(names), sent)
	return nil
}

// blocks returns the names of the blocks that are there, those that an update that
// was broken off has staged included, and the condition that the blob is as it is.
func blocks(ctx context.Context, blob *blockblob.Client) (map[string]bool, azureblob.Conditions, error) {
	there := map[string]bool{}
	list, err := blob.Blocks(ctx, blockblob.AllBlocks, nil)
	if err != nil && !errors.Is(err, azureblob.BlobNotFound) {
		return nil, azureblob.Conditions{}, err
	}
	for _, block := range append(list.Committed, list.Uncommitted...) {
		there[block.ID] = true
	}
	if list.ETag == "" {
		return there, azureblob.Conditions{IfNoneMatch: azcore.ETagAny}, nil
	}
	return there, azureblob.Conditions{IfMatch: list.ETag}, nil
}
