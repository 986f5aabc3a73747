package blobtest

import (
	"net/http"
	"strconv"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.DeleteBlob, endpoint{run: deleteBlobOp, needs: deleteBlob})
}

func deleteBlobOp(x *exchange) error {
	snapshots := x.params.enum("x-ms-delete-snapshots", "include", "only")
	if err := x.invalid(); err != nil {
		return err
	}
	permanent, err := x.deleteType()
	if err != nil {
		return err
	}
	if err := x.mayDelete(permanent); err != nil {
		return err
	}
	find := x.findBlob
	if permanent {
		find = x.findDeleted
	}
	b, r, err := find()
	if err != nil {
		return err
	}
	if err := x.deletable(b, r, snapshots); err != nil {
		return err
	}
	if err := x.checkTierDates(r); err != nil {
		return err
	}
	if permanent {
		b.erase(r)
		x.set("x-ms-delete-type-permanent", "true")
		return x.answer(http.StatusAccepted, nil)
	}
	forGood, err := x.removeAll(b, r, snapshots)
	if err != nil {
		return err
	}
	x.set("x-ms-delete-type-permanent", strconv.FormatBool(forGood))
	return x.answer(http.StatusAccepted, nil)
}

// removeAll deletes a revision, its snapshots, or both, and reports whether it
// did so for good.
func (x *exchange) removeAll(b *blob, r *revision, snapshots string) (permanent bool, err error) {
	var doomed []*revision
	if snapshots != "" {
		for _, s := range b.snapshots {
			if !s.deleted.IsZero() {
				continue
			}
			if err := s.protection.guard(x.now); err != nil {
				return false, err
			}
			doomed = append(doomed, s)
		}
	}
	if snapshots != "only" {
		doomed = append(doomed, r)
	}
	permanent = true
	for _, r := range doomed {
		permanent = x.remove(b, r) && permanent
	}
	return permanent, nil
}

// deleteType reports whether the deletion is of something that is soft-deleted
// already, as deletetype says. The account has to allow it, and only snapshots
// and versions can be deleted so.
func (x *exchange) deleteType() (permanent bool, err error) {
	if !x.query.Has("deletetype") {
		return false, nil
	}
	text := x.query.Get("deletetype")
	switch {
	case text != "permanent" && text != "Permanent":
		return false, invalidQuery("deletetype", text)
	case x.query.Get("snapshot") == "" && x.query.Get("versionid") == "":
		return false, invalidQuery("deletetype", text)
	case !x.account.retention.permanent:
		return false, fail(azureblob.BlobOperationNotSupported).because("Permanent delete is not enabled for this account.")
	}
	return true, nil
}

// mayDelete asks a shared access signature for the permission that the deletion
// needs: y for good, x for a version, d for a blob or snapshot.
func (x *exchange) mayDelete(permanent bool) error {
	letter := byte('d')
	switch {
	case permanent:
		letter = 'y'
	case x.query.Get("versionid") != "":
		letter = 'x'
	}
	if !x.grant.may(letter) {
		return fail(azureblob.AuthorizationPermissionMismatch)
	}
	return nil
}

// findDeleted is findBlob for a snapshot or version that is soft-deleted.
func (x *exchange) findDeleted() (*blob, *revision, error) {
	c, err := x.findContainer()
	if err != nil {
		return nil, nil, err
	}
	b := x.look(c)
	if b == nil {
		return nil, nil, fail(azureblob.BlobNotFound)
	}
	among, id := b.versions, x.query.Get("versionid")
	if id == "" {
		among, id = b.snapshots, x.query.Get("snapshot")
	}
	for _, r := range among {
		if r.id != id {
			continue
		}
		if r.deleted.IsZero() {
			return nil, nil, fail(azureblob.BlobOperationNotSupported).because("Only what is soft-deleted can be deleted permanently.")
		}
		return b, r, nil
	}
	return nil, nil, fail(azureblob.BlobNotFound)
}

// deletable checks what a deletion checks. Snapshots and versions have no lease
// of their own.
func (x *exchange) deletable(b *blob, r *revision, snapshots string) error {
	if r != b.current {
		if snapshots != "" {
			return invalidHeader("x-ms-delete-snapshots", snapshots)
		}
		if err := x.checkWrite(r); err != nil {
			return err
		}
		return r.protection.guard(x.now)
	}
	if x.query.Get("versionid") != "" {
		return fail(azureblob.OperationNotAllowedOnRootBlob)
	}
	if err := x.checkWrite(r); err != nil {
		return err
	}
	if r.copied.pending != nil {
		return fail(azureblob.PendingCopyOperation)
	}
	if snapshots == "" && b.hasSnapshots() {
		return fail(azureblob.SnapshotsPresent)
	}
	if err := x.checkLease(&b.lease, onBlob, writing); err != nil {
		return err
	}
	if snapshots == "only" {
		return nil
	}
	return r.protection.guard(x.now)
}

// checkTierDates holds the conditions on the last change of the tier.
func (x *exchange) checkTierDates(r *revision) error {
	changed, unchanged := x.params.time("x-ms-access-tier-if-modified-since"), x.params.time("x-ms-access-tier-if-unmodified-since")
	if err := x.invalid(); err != nil {
		return err
	}
	set := r.tier.at(x.now).changed
	if set.IsZero() {
		set = r.created
	}
	if !changed.IsZero() && !changedSince(set, changed) || !unchanged.IsZero() && changedSince(set, unchanged) {
		return fail(azureblob.ConditionNotMet)
	}
	return nil
}
