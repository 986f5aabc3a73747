// Query has the service search a table in CSV, and send nothing but what was asked
// for: with progress, and with an account of the records that it could not read.
//
//	go run ./examples/query [file.csv [expression]]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithContainer(run)) }

const question = `SELECT city, mm FROM BlobStorage WHERE mm > 20 AND day LIKE '2026-%'`

func run(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error {
	blob := blockblob.New(container.Blob("table.csv"))
	expression := question
	if len(args) > 1 {
		expression = args[1]
	}
	options := &azureblob.UploadOptions{HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/csv"}}
	var err error
	if len(args) > 0 {
		_, err = blob.UploadFile(ctx, args[0], options)
	} else {
		_, err = blob.Upload(ctx, strings.NewReader(rain()), options)
	}
	if err != nil {
		return err
	}
	return query(ctx, blob, expression, out)
}

// query prints the records that the expression asks for.
func query(ctx context.Context, blob *blockblob.Client, expression string, out io.Writer) error {
	var skipped []*blockblob.QueryError
	var searched, size int64
	r, err := blob.Query(ctx, expression, &blockblob.QueryOptions{
		Input:    blockblob.QueryCSV{Headers: true},
		Output:   blockblob.QueryJSON{},
		OnError:  func(e *blockblob.QueryError) { skipped = append(skipped, e) },
		Progress: func(scanned, total int64) { searched, size = scanned, total },
	})
	if err != nil {
		return err
	}
	defer r.Close()
	found, err := io.Copy(out, r)
	if e, ok := errors.AsType[*blockblob.QueryError](err); ok {
		return fmt.Errorf("the query ended at byte %d with %s: %s", e.Position, e.Name, e.Description)
	} else if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d bytes searched, %d bytes found\n", searched, size, found)
	for _, e := range skipped {
		fmt.Fprintf(out, "skipped what stands at byte %d: %s\n", e.Position, e.Name)
	}
	return nil
}

// rain is a table in which one record is broken.
func rain() string {
	var table strings.Builder
	table.WriteString("day,city,mm\n")
	for day := range 28 {
		for i, city := range []string{"Bergen", "Oslo", "Tromsø"} {
			fmt.Fprintf(&table, "2026-02-%02d,%s,%d\n", day+1, city, (day*7+i*5)%23)
		}
		if day == 13 {
			table.WriteString("2026-02-14,Bodø\n")
		}
	}
	return table.String()
}
