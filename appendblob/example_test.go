package appendblob_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
)

// In a program of your own the container comes from [azureblob.NewServiceClient].
func exampleContainer(ctx context.Context) (*azureblob.ContainerClient, func()) {
	server := blobtest.NewServer(nil)
	c := server.ServiceClient().Container("logs")
	if _, err := c.Create(ctx, nil); err != nil {
		log.Fatal(err)
	}
	return c, server.Close
}

// A log that is kept in a blob. Each record is in it once, also when connections
// break.
func ExampleClient_NewWriter() {
	ctx := context.Background()
	container, done := exampleContainer(ctx)
	defer done()

	blob := appendblob.New(container.Blob("2026-01-02.log"))
	w, err := blob.NewWriter(ctx, &appendblob.WriterOptions{
		Create: &appendblob.CreateOptions{HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{} // so that the output of this example is the same every day
		}
		return a
	}}))
	logger.Info("started", "port", 8080)
	if err := w.Flush(); err != nil { // now it can be read
		log.Fatal(err)
	}
	logger.Warn("stopped")
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	content, err := blob.ReadAll(ctx, nil)
	fmt.Printf("%s%d blocks %v\n", content, w.Result().BlockCount, err)
	// Output:
	// level=INFO msg=started port=8080
	// level=WARN msg=stopped
	// 2 blocks <nil>
}

// Several clients may append to one blob; the service puts their blocks into an
// order. A condition on the position makes sure that nobody came before.
func ExampleClient_Append() {
	ctx := context.Background()
	container, done := exampleContainer(ctx)
	defer done()

	blob := appendblob.New(container.Blob("events"))
	if _, err := blob.CreateIfNotExists(ctx, nil); err != nil {
		log.Fatal(err)
	}
	r, err := blob.Append(ctx, strings.NewReader("first\n"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("at", r.Offset)

	_, err = blob.Append(ctx, strings.NewReader("second\n"), &appendblob.AppendOptions{IfPosition: new(int64(0))})
	fmt.Println(errors.Is(err, azureblob.AppendPositionConditionNotMet))

	if _, err := blob.Seal(ctx, nil); err != nil {
		log.Fatal(err)
	}
	_, err = blob.Append(ctx, strings.NewReader("third\n"), nil)
	fmt.Println(errors.Is(err, azureblob.BlobIsSealed))
	// Output:
	// at 0
	// true
	// true
}
