// Walk prints the folders of a container with what they hold, leaving out those
// named trash, and finds blobs by their index tags.
//
//	go run ./examples/walk [-where filter] [container [prefix/]]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithService(run)) }

func run(ctx context.Context, service *azureblob.ServiceClient, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("walk", flag.ContinueOnError)
	flags.SetOutput(out)
	where := flags.String("where", "", "a `filter`, such as \"project\" = 'alps' AND \"year\" >= '2025'")
	if err := flags.Parse(args); err != nil {
		return err
	}
	container, filter := service.Container(flags.Arg(0)), azureblob.TagFilter(*where)
	if flags.NArg() == 0 {
		made, remove, err := connect.Container(ctx, service, "walk")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
		if err := fill(ctx, made); err != nil {
			return err
		}
		container = made
		if filter == "" {
			filter = azureblob.Tag("project").Equals("alps").And(azureblob.Tag("year").AtLeast("2025"))
		}
	}
	if err := tree(ctx, container, flags.Arg(1), out); err != nil || filter == "" {
		return err
	}
	return find(ctx, container, filter, out)
}

// tree prints each folder behind what it holds, and the folders in it behind it.
func tree(ctx context.Context, container *azureblob.ContainerClient, prefix string, out io.Writer) error {
	type folder struct {
		name         string
		blobs, bytes int64
	}
	root := &folder{name: prefix}
	all, open := []*folder{root}, []*folder{root} // open are those that the walk is in
	err := container.Walk(ctx, func(item *azureblob.BlobItem) error {
		// The walk has left folders that the name does not lie in.
		for !strings.HasPrefix(item.Name, open[len(open)-1].name) {
			open = open[:len(open)-1]
		}
		if item.IsPrefix {
			if path.Base(item.Name) == "trash" {
				return fs.SkipDir
			}
			f := &folder{name: item.Name}
			all, open = append(all, f), append(open, f)
			return nil
		}
		for _, f := range open {
			f.blobs++
			f.bytes += item.Properties.ContentLength
		}
		return nil
	}, &azureblob.WalkOptions{Prefix: prefix})
	if err != nil {
		return err
	}
	for _, f := range all {
		deep := strings.Count(strings.TrimPrefix(f.name, prefix), "/")
		name := "everything"
		if f != root {
			name = path.Base(f.name) + "/"
		}
		fmt.Fprintf(out, "%12d bytes %6d blobs  %s%s\n", f.bytes, f.blobs, strings.Repeat("    ", deep), name)
	}
	return nil
}

// find prints the blobs of the container that have the tags, and those tags.
func find(ctx context.Context, container *azureblob.ContainerClient, where azureblob.TagFilter, out io.Writer) error {
	fmt.Fprintf(out, "where %s:\n", where)
	for found, err := range container.FindBlobsByTags(ctx, where, nil) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s %v\n", found.Name, found.Tags)
	}
	return nil
}

// fill makes some blobs in some folders.
func fill(ctx context.Context, container *azureblob.ContainerClient) error {
	for _, b := range []struct {
		name string
		tags azureblob.Tags
		size int
	}{
		{"README", nil, 100},
		{"photos/2024/cat.jpg", azureblob.Tags{"project": "alps", "year": "2024"}, 2000},
		{"photos/2025/cat.jpg", azureblob.Tags{"project": "alps", "year": "2025"}, 3000},
		{"photos/2025/dog.jpg", azureblob.Tags{"project": "zoo", "year": "2025"}, 4000},
		{"photos/2025/trash/dog.jpg", nil, 5000},
		{"photos/index", nil, 10},
		{"photos2/bird.jpg", azureblob.Tags{"project": "alps", "year": "2026"}, 6000},
	} {
		content := strings.NewReader(strings.Repeat("x", b.size))
		if _, err := container.Blob(b.name).Upload(ctx, content, &azureblob.UploadOptions{Tags: b.tags}); err != nil {
			return err
		}
	}
	return nil
}
