// Applog writes the log of a program, by log/slog, to append blobs: sent each second,
// each line once, with another blob when one has as many blocks as it can.
//
//	go run ./examples/applog [-records 1000] [-every 1s] [-blocks 50000]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithContainer(run)) }

func run(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("applog", flag.ContinueOnError)
	flags.SetOutput(out)
	records := flags.Int("records", 1000, "how many records are logged")
	every := flags.Duration("every", time.Second, "how often they are sent")
	blocks := flags.Int("blocks", 50_000, "how many blocks a blob may have")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// One blob has one writer, so the name tells which process it is.
	name := "app/" + time.Now().UTC().Format("20060102T150405.000")
	sink := newSink(context.WithoutCancel(ctx), container, name, *blocks, *every)
	work(slog.New(slog.NewJSONHandler(sink, nil)), *records)
	if err := sink.Close(); err != nil {
		return err
	}
	return count(ctx, container, out)
}

// work is what the program does, in several goroutines, and logs.
func work(log *slog.Logger, records int) {
	const workers = 4
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < records; i += workers {
				log.Info("worked", "record", i, "worker", w)
			}
		})
	}
	all.Wait()
}

// count reads the log.
func count(ctx context.Context, container *azureblob.ContainerClient, out io.Writer) error {
	blobs, lines := 0, 0
	for item, err := range container.Blobs(ctx, &azureblob.ListBlobsOptions{Prefix: "app/"}) {
		if err != nil {
			return err
		}
		content, err := container.Blob(item.Name).ReadAll(ctx, nil)
		if err != nil {
			return err
		}
		blobs++
		lines += strings.Count(string(content), "\n")
	}
	fmt.Fprintf(out, "%d lines in %d blobs\n", lines, blobs)
	return nil
}
