package blobtest

import (
	"github.com/goblob/azureblob"
)

// findContainer is the container that the request names.
func (x *exchange) findContainer() (*container, error) {
	if c := x.account.containers[x.container]; c != nil {
		return c, nil
	}
	if x.now.Before(x.account.blocked[x.container]) {
		return nil, fail(azureblob.ContainerBeingDeleted)
	}
	return nil, fail(azureblob.ContainerNotFound)
}

// findName is the blob of the name in the request, for operations that create
// one: it may be new, with no current revision.
func (x *exchange) findName() (*blob, error) {
	c, err := x.findContainer()
	if err != nil {
		return nil, err
	}
	return c.named(x.blob), nil
}

// findBlob is the blob that the request names, and the revision of it: its
// current one, or the snapshot or version of the query.
func (x *exchange) findBlob() (*blob, *revision, error) {
	c, err := x.findContainer()
	if err != nil {
		return nil, nil, err
	}
	b := c.find(x.blob)
	if b == nil {
		return nil, nil, fail(azureblob.BlobNotFound)
	}
	among, id := []*revision{b.live()}, ""
	if s := x.query.Get("snapshot"); s != "" {
		among, id = b.snapshots, s
	} else if v := x.query.Get("versionid"); v != "" {
		if b.live() != nil {
			among = append(among, b.versions...)
		} else {
			among = b.versions
		}
		id = v
	}
	for _, r := range among {
		if r != nil && r.deleted.IsZero() && (id == "" || r.id == id) {
			return b, r, nil
		}
	}
	return nil, nil, fail(azureblob.BlobNotFound)
}

// commit makes next the current revision of b, with a new ETag, for writes that
// make a version of their own. The old one is overwritten.
func (x *exchange) commit(b *blob, next *revision) {
	next.created = x.now
	if old := b.live(); old != nil {
		next.created = old.created
	}
	b.current = next
	b.keep()
	x.touch(b)
}

// touch gives the current revision, which was changed in place, a new ETag.
func (x *exchange) touch(b *blob) {
	moment := x.server.tick(x.now)
	b.current.etag, b.current.modified = etagOf(moment), x.now
	b.lease.settle(x.now)
}

// remove deletes a revision of b: the current one, a snapshot or a version.
func (x *exchange) remove(b *blob, r *revision) {
	if r == b.current {
		b.current = nil
		b.staged = staged{}
		b.lease = lease{}
	}
	b.snapshots = without(b.snapshots, r)
	b.versions = without(b.versions, r)
	b.keep()
}

func without(list []*revision, r *revision) []*revision {
	var rest []*revision
	for _, other := range list {
		if other != r {
			rest = append(rest, other)
		}
	}
	return rest
}

// touched gives the container a new ETag.
func (x *exchange) touched(c *container) {
	moment := x.server.tick(x.now)
	c.etag, c.modified = etagOf(moment), x.now
}
