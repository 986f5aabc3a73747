package azureblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/goblob/azureblob/internal/rest"
)

// WalkOptions are the options of [ContainerClient.Walk].
type WalkOptions struct {
	CallOptions
	Prefix    string           // where to begin, such as photos/2026/; default the whole container
	Delimiter string           // what separates the levels; default /
	Include   ListBlobsInclude // what else to return of each blob
	PageSize  int              // entries a page of a listing, 1 to 5,000; default 5,000
}

// Walk goes through the container level by level, as [io/fs.WalkDir] goes
// through directories: it calls visit for each blob and for each prefix, in the
// order of their names, and for a prefix before all that it holds. If visit
// returns [fs.SkipDir] for a prefix, what it holds is left out; for a blob, the
// rest of its level. [fs.SkipAll] ends the walk without an error, any other
// error ends it with that error.
//
// To go through all blobs without looking at levels, [ContainerClient.Blobs]
// needs fewer requests.
//
// Errors: those of visit, and of [ContainerClient.Blobs].
//
// REST: List Blobs.
func (c *ContainerClient) Walk(ctx context.Context, visit func(*BlobItem) error, o *WalkOptions) error {
	if visit == nil {
		return c.refuse(rest.ListBlobsByHierarchy, errors.New("the visit function is nil"))
	}
	var from WalkOptions
	if o != nil {
		from = *o
	}
	if from.Delimiter == "" {
		from.Delimiter = "/"
	}
	err := c.walk(ctx, &from, from.Prefix, visit)
	if err == fs.SkipAll || err == fs.SkipDir {
		return nil
	}
	return err
}

func (c *ContainerClient) walk(ctx context.Context, o *WalkOptions, prefix string, visit func(*BlobItem) error) error {
	level := &ListBlobsOptions{CallOptions: o.CallOptions, Prefix: prefix, Include: o.Include, PageSize: o.PageSize}
	for item, err := range c.BlobsByHierarchy(ctx, o.Delimiter, level) {
		if err != nil {
			return err
		}
		err := visit(item)
		switch {
		case err == fs.SkipDir && item.IsPrefix:
			continue
		case err == fs.SkipDir:
			return nil
		case err != nil:
			return err
		case !item.IsPrefix:
			continue
		}
		if len(item.Name) <= len(prefix) {
			return c.failed(rest.ListBlobsByHierarchy, fmt.Errorf("the listing of %q returned the prefix %q, which is no deeper", prefix, item.Name))
		}
		if err := c.walk(ctx, o, item.Name, visit); err != nil {
			return err
		}
	}
	return nil
}
