package blobtest

import (
	"time"

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
	if b := x.look(c); b != nil {
		return b, nil
	}
	return c.named(x.blob), nil
}

// look is the blob of the name in the request, without what has had its time; nil
// if nothing is left of it.
func (x *exchange) look(c *container) *blob {
	b := c.find(x.blob)
	if b != nil {
		b.sweep(x.now)
	}
	return c.find(x.blob)
}

// findBlob is the blob that the request names, and the revision of it: its
// current one, or the snapshot or version of the query.
func (x *exchange) findBlob() (*blob, *revision, error) {
	c, err := x.findContainer()
	if err != nil {
		return nil, nil, err
	}
	b := x.look(c)
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
// make a version of their own. The old one becomes a version, or a snapshot that
// is soft-deleted, or is overwritten.
func (x *exchange) commit(b *blob, next *revision) {
	next.created = x.now
	if old := b.live(); old != nil {
		next.created = old.created
	}
	if b.current != nil {
		x.supersede(b, b.current)
	}
	x.install(b, next)
}

// amend is commit for writes that leave the content as it is: they make a
// version as well, but soft delete does not keep what they change.
func (x *exchange) amend(b *blob, next *revision) {
	if x.server.options.Versioning {
		x.supersede(b, b.current)
	}
	x.install(b, next)
}

func (x *exchange) install(b *blob, next *revision) {
	b.current = next
	b.keep()
	moment := x.touch(b)
	next.id, next.deleted, next.purge = "", time.Time{}, time.Time{}
	if x.server.options.Versioning {
		next.id = moment.Format(idForm)
	}
}

// touch gives the current revision, which was changed in place, a new ETag, and
// returns the moment that is in it.
func (x *exchange) touch(b *blob) time.Time {
	moment := x.server.tick(x.now)
	b.current.etag, b.current.modified = etagOf(moment), x.now
	b.lease.settle(x.now)
	return moment
}

// remove deletes a revision of b: the current one, a snapshot or a version. It
// reports whether that was for good. The current one becomes a version if there
// are versions; else, like snapshots and versions, it is soft-deleted if the
// account does that.
func (x *exchange) remove(b *blob, r *revision) (permanent bool) {
	if r == b.current {
		b.staged = staged{}
		b.lease = lease{}
		if x.server.options.Versioning {
			b.versions, b.current = append(b.versions, r), nil
			return false
		}
	}
	if x.account.retention.days > 0 {
		x.bury(r)
		return false
	}
	b.erase(r)
	return true
}

// erase takes a revision out of its blob for good.
func (b *blob) erase(r *revision) {
	if r == b.current {
		b.current = nil
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
	c.lease.settle(x.now)
}
