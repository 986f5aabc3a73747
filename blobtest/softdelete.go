package blobtest

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.UndeleteBlob, endpoint{run: undeleteBlob, needs: writeBlob})
	handle(rest.RestoreContainer, endpoint{run: restoreContainer, needs: writeContainer})
}

// retention is what becomes of blobs that are deleted. It is that of the
// moment of the deletion which counts, not that of a later one.
type retention struct {
	days      int  // for which they can be restored; 0 if they are gone at once
	permanent bool // what is soft-deleted may be deleted for good
}

const day = 24 * time.Hour

// daysUntil counts a day that has begun as one, so that it is 0 only for what
// is gone.
func daysUntil(t, now time.Time) int {
	return int((t.Sub(now) + day - 1) / day)
}

// bury soft-deletes a revision.
func (x *exchange) bury(r *revision) {
	r.deleted = x.now
	r.purge = x.now.Add(time.Duration(x.account.retention.days) * day)
}

// supersede puts away the current revision, which another one takes the place
// of: as a version, or as a snapshot that is soft-deleted. An archived blob is
// not protected from being overwritten.
func (x *exchange) supersede(b *blob, old *revision) {
	switch {
	case x.server.options.Versioning:
		b.versions = append(b.versions, old)
		return
	case !old.deleted.IsZero():
	case x.account.retention.days > 0 && old.tier.at(x.now).tier != azureblob.TierArchive:
		x.bury(old)
	default:
		return
	}
	old.id = x.server.tick(x.now).Format(idForm)
	b.snapshots = append(b.snapshots, old)
}

// gone reports whether a revision has had its time: it was soft-deleted for long
// enough, or has expired.
func (r *revision) gone(now time.Time) bool {
	return !r.purge.IsZero() && !now.Before(r.purge) || !r.expires.IsZero() && !now.Before(r.expires)
}

// sweep erases what has had its time. Nothing runs on its own for that: whoever
// looks at the blob does it.
func (b *blob) sweep(now time.Time) {
	if b.current != nil && b.current.gone(now) {
		b.current, b.lease = nil, lease{}
	}
	over := func(r *revision) bool { return r.gone(now) }
	if slices.ContainsFunc(b.snapshots, over) {
		b.snapshots = slices.DeleteFunc(slices.Clone(b.snapshots), over)
	}
	if slices.ContainsFunc(b.versions, over) {
		b.versions = slices.DeleteFunc(slices.Clone(b.versions), over)
	}
	b.keep()
}

// hasSnapshots reports whether the blob has snapshots that are not deleted.
func (b *blob) hasSnapshots() bool {
	return slices.ContainsFunc(b.snapshots, func(r *revision) bool { return r.deleted.IsZero() })
}

// undeleteBlob restores all of a blob that is soft-deleted. If nothing is, that
// is no error. Versions come back as versions: none is made the current one.
func undeleteBlob(x *exchange) error {
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	b := x.look(c)
	if b == nil || b.current == nil && len(b.snapshots) == 0 && len(b.versions) == 0 {
		return fail(azureblob.BlobNotFound)
	}
	for _, list := range [][]*revision{{b.current}, b.snapshots, b.versions} {
		for _, r := range list {
			if r != nil {
				r.deleted, r.purge = time.Time{}, time.Time{}
			}
		}
	}
	return x.answer(http.StatusOK, nil)
}

// buryContainer keeps a container that was deleted, if the account does so.
func (x *exchange) buryContainer(c *container) {
	days := x.server.options.ContainerSoftDelete
	if days <= 0 {
		return
	}
	c.deletedAt, c.purge = x.now, x.now.Add(time.Duration(days)*day)
	c.deletedVersion = fmt.Sprintf("%016X", x.server.tick(x.now).UnixNano()/100)
	c.lease = lease{}
	x.account.deleted = append(x.account.deleted, c)
}

// sweep forgets containers that were soft-deleted for long enough.
func (a *account) sweep(now time.Time) {
	a.deleted = slices.DeleteFunc(a.deleted, func(c *container) bool { return !now.Before(c.purge) })
}

// restoreContainer brings a soft-deleted container back, under the name in the
// URL, which has to be free.
func restoreContainer(x *exchange) error {
	name, version := x.params.need("x-ms-deleted-container-name"), x.params.need("x-ms-deleted-container-version")
	if err := x.invalid(); err != nil {
		return err
	}
	x.account.sweep(x.now)
	i := slices.IndexFunc(x.account.deleted, func(c *container) bool { return c.name == name && c.deletedVersion == version })
	if i < 0 {
		return fail(azureblob.ContainerNotFound)
	}
	if x.account.containers[x.container] != nil {
		return fail(azureblob.ContainerAlreadyExists)
	}
	c := x.account.deleted[i]
	x.account.deleted = slices.Delete(x.account.deleted, i, i+1)
	c.name, c.deletedAt, c.deletedVersion, c.purge = x.container, time.Time{}, "", time.Time{}
	x.account.containers[c.name] = c
	delete(x.account.blocked, c.name)
	return x.answer(http.StatusCreated, nil)
}
