// Service shows the settings of an account, how far its secondary region is behind,
// and what kind of account it is. Flags change settings: soft delete, CORS, website.
//
//	go run ./examples/service [-keep 7] [-origin https://example.com] [-index index.html]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() {
	connect.Main(&blobtest.Options{SecondaryLag: time.Minute}, connect.WithService(run))
}

func run(ctx context.Context, service *azureblob.ServiceClient, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.SetOutput(out)
	keep := flags.Int("keep", 0, "for how many `days` deleted blobs are kept")
	origin := flags.String("origin", "", "the `site` whose scripts may read blobs")
	index := flags.String("index", "", "the `page` of each folder, which makes a website of the container $web")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := change(ctx, service, *keep, *origin, *index); err != nil {
		return err
	}
	info, err := service.AccountInfo(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Account      %s, %s\n", info.Kind, info.SKU)
	if err := secondary(ctx, service, out); err != nil {
		return err
	}
	p, err := service.Properties(ctx, nil)
	if err != nil {
		return err
	}
	show(p.ServiceProperties, out)
	return nil
}

// change sends those settings that are to change: the others stay as they are.
func change(ctx context.Context, service *azureblob.ServiceClient, keep int, origin, index string) error {
	var p azureblob.ServiceProperties
	if keep > 0 {
		p.DeleteRetention = &azureblob.RetentionPolicy{Enabled: true, Days: keep}
	}
	if index != "" {
		p.StaticWebsite = &azureblob.StaticWebsite{Enabled: true, IndexDocument: index}
	}
	if origin != "" {
		// The rules are one setting: a new one comes behind those that are there.
		old, err := service.Properties(ctx, nil)
		if err != nil {
			return err
		}
		p.CORS = append(old.CORS, azureblob.CORSRule{
			AllowedOrigins: []string{origin},
			AllowedMethods: []string{"GET", "HEAD"},
			AllowedHeaders: []string{"*"},
			ExposedHeaders: []string{"*"},
			MaxAge:         time.Hour,
		})
	}
	if p.DeleteRetention == nil && p.StaticWebsite == nil && p.CORS == nil {
		return nil
	}
	_, err := service.SetProperties(ctx, p, nil)
	return err
}

// secondary tells of the secondary region, which some accounts have.
func secondary(ctx context.Context, service *azureblob.ServiceClient, out io.Writer) error {
	if service.SecondaryURL() == "" {
		fmt.Fprintln(out, "Secondary    its address is not known")
		return nil
	}
	// There may be no such host: an error of the connection is not repeated.
	once := azureblob.CallOptions{Retry: &azureblob.RetryOptions{Connect: -1}}
	stats, err := service.Stats(ctx, &azureblob.StatsOptions{CallOptions: once})
	e, ok := errors.AsType[*azureblob.Error](err)
	switch {
	case ctx.Err() != nil:
		return err
	case ok && e.StatusCode == 0:
		fmt.Fprintln(out, "Secondary    there is none that can be read")
		return nil
	case err != nil:
		return err
	}
	fmt.Fprintf(out, "Secondary    %s, all is there until %v ago\n", stats.Status, stats.Date.Sub(stats.LastSyncTime).Round(time.Second))
	return nil
}

func show(p azureblob.ServiceProperties, out io.Writer) {
	if d := p.DeleteRetention; d != nil && d.Enabled {
		fmt.Fprintf(out, "Soft delete  for %d days\n", d.Days)
	} else {
		fmt.Fprintln(out, "Soft delete  off")
	}
	for _, rule := range p.CORS {
		fmt.Fprintf(out, "CORS         %s may %s\n", strings.Join(rule.AllowedOrigins, ", "), strings.Join(rule.AllowedMethods, ", "))
	}
	if w := p.StaticWebsite; w != nil && w.Enabled {
		fmt.Fprintf(out, "Website      with %s\n", w.IndexDocument)
	} else {
		fmt.Fprintln(out, "Website      off")
	}
}
