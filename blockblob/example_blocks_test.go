package blockblob_test

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/sas"
)

// In a program of your own the container comes from [azureblob.NewServiceClient].
func exampleContainer(ctx context.Context) (*azureblob.ContainerClient, func()) {
	server := blobtest.NewServer(nil)
	c := server.ServiceClient().Container("reports")
	if _, err := c.Create(ctx, nil); err != nil {
		log.Fatal(err)
	}
	return c, server.Close
}

// Blocks can come from several machines, in any order; what makes the blob is the
// commit.
func ExampleClient_Commit() {
	ctx := context.Background()
	container, done := exampleContainer(ctx)
	defer done()

	report := blockblob.New(container.Blob("2026.txt"))
	for i, text := range []string{"January\n", "February\n", "March\n"} {
		if _, err := report.Stage(ctx, fmt.Sprintf("part-%03d", i+1), strings.NewReader(text), nil); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := report.Commit(ctx, blockblob.BlockRefs("part-001", "part-002", "part-003"), nil); err != nil {
		log.Fatal(err)
	}

	// A part is replaced: the others are not sent again. Nobody else must have
	// changed the blob in the meantime.
	blocks, err := report.Blocks(ctx, blockblob.CommittedBlocks, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := report.Stage(ctx, "part-002", strings.NewReader("FEBRUARY\n"), nil); err != nil {
		log.Fatal(err)
	}
	var parts []string
	for _, b := range blocks.Committed {
		parts = append(parts, b.ID)
	}
	_, err = report.Commit(ctx, blockblob.BlockRefs(parts...), &blockblob.CommitOptions{
		Conditions: azureblob.Conditions{IfMatch: blocks.ETag},
	})
	if errors.Is(err, azureblob.ConditionNotMet) {
		log.Fatal("somebody else was faster")
	} else if err != nil {
		log.Fatal(err)
	}
	content, err := report.ReadAll(ctx, nil)
	fmt.Printf("%s%v\n", content, err)
	// Output:
	// January
	// FEBRUARY
	// March
	// <nil>
}

// A checksum that the caller knows is checked by the service before anything is
// stored.
func ExampleClient_Put() {
	ctx := context.Background()
	container, done := exampleContainer(ctx)
	defer done()

	sum := md5.Sum([]byte("what was meant"))
	blob := blockblob.New(container.Blob("note.txt"))
	_, err := blob.Put(ctx, strings.NewReader("what came of it"), &blockblob.PutOptions{
		Checksum: azureblob.Checksum{MD5: sum[:]},
	})
	fmt.Println(errors.Is(err, azureblob.MD5Mismatch))

	r, err := blob.Put(ctx, strings.NewReader("what was meant"), &blockblob.PutOptions{
		Checksum: azureblob.Checksum{MD5: sum[:]},
	})
	fmt.Printf("%x %v\n", r.ContentMD5, err)
	// Output:
	// true
	// 4f85b8379476da033b09b3b0bf206ef9 <nil>
}

// The service reads the source by itself; it can be public, signed, or opened by
// a token.
func ExampleClient_StageFromURL() {
	ctx := context.Background()
	container, done := exampleContainer(ctx)
	defer done()
	source := container.Blob("log.txt")
	if _, err := source.Upload(ctx, strings.NewReader("header\nline 1\nline 2\n"), nil); err != nil {
		log.Fatal(err)
	}
	signed, err := source.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: time.Now().Add(time.Hour)})
	if err != nil {
		log.Fatal(err)
	}

	// The first line is new, the rest comes from the source.
	blob := blockblob.New(container.Blob("log2.txt"))
	if _, err := blob.Stage(ctx, "head", strings.NewReader("HEADER\n"), nil); err != nil {
		log.Fatal(err)
	}
	if _, err := blob.StageFromURL(ctx, "tail", signed, &blockblob.StageFromURLOptions{Range: azureblob.Range{Offset: 7}}); err != nil {
		log.Fatal(err)
	}
	if _, err := blob.Commit(ctx, blockblob.BlockRefs("head", "tail"), nil); err != nil {
		log.Fatal(err)
	}
	content, err := blob.ReadAll(ctx, nil)
	fmt.Printf("%s%v\n", content, err)
	// Output:
	// HEADER
	// line 1
	// line 2
	// <nil>
}
