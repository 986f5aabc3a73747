package blobtest

import (
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
)

// conditions are the conditional headers of a request.
type conditions struct {
	match, noneMatch           azcore.ETag
	modified, unmodified       time.Time // If-Modified-Since, If-Unmodified-Since
	ifTags                     string
	hasModified, hasUnmodified bool
}

func (x *exchange) conditions() (conditions, error) { return x.conditionsIn("") }

// conditionsIn reads the conditions from headers with that prefix.
func (x *exchange) conditionsIn(prefix string) (conditions, error) {
	c := conditions{
		match:      azcore.ETag(x.params.text(prefix + "If-Match")),
		noneMatch:  azcore.ETag(x.params.text(prefix + "If-None-Match")),
		modified:   x.params.time(prefix + "If-Modified-Since"),
		unmodified: x.params.time(prefix + "If-Unmodified-Since"),
		ifTags:     x.params.text("x-ms-if-tags"),
	}
	c.hasModified, c.hasUnmodified = !c.modified.IsZero(), !c.unmodified.IsZero()
	return c, x.invalid()
}

// changedSince reports whether a change at t is later than a date of a header,
// which has no fractions of a second.
func changedSince(t, date time.Time) bool { return t.Truncate(time.Second).After(date) }

// checkRead holds the conditions of a read against a revision: 412 if If-Match
// or If-Unmodified-Since does not hold, 304 if neither If-None-Match nor
// If-Modified-Since does.
func (x *exchange) checkRead(r *revision) error {
	c, err := x.conditions()
	if err != nil {
		return err
	}
	if err := c.checkRead(r); err != nil {
		return err
	}
	return x.checkTags(r)
}

// checkRead is checkRead of an exchange, without the tags.
func (c conditions) checkRead(r *revision) error {
	if c.noneMatch == azcore.ETagAny {
		return fail(azureblob.UnsatisfiableCondition)
	}
	if c.match != "" && c.match != azcore.ETagAny && c.match != r.etag ||
		c.hasUnmodified && changedSince(r.modified, c.unmodified) {
		return fail(azureblob.ConditionNotMet)
	}
	if c.noneMatch != "" || c.hasModified {
		fresh := c.noneMatch != "" && c.noneMatch != r.etag || c.hasModified && changedSince(r.modified, c.modified)
		if !fresh {
			return fail(azureblob.ConditionNotMet).withStatus(http.StatusNotModified).withHeader("ETag", string(r.etag))
		}
	}
	return nil
}

// checkWrite holds the conditions of a write against the revision that it
// replaces or changes; nil if there is none.
func (x *exchange) checkWrite(r *revision) error {
	c, err := x.conditions()
	if err != nil {
		return err
	}
	if err := c.checkWrite(r); err != nil || r == nil {
		return err
	}
	return x.checkTags(r)
}

// checkWrite is checkWrite of an exchange, without the tags.
func (c conditions) checkWrite(r *revision) error {
	if (c.match != "" || c.hasUnmodified) && (c.noneMatch != "" || c.hasModified) {
		return fail(azureblob.MultipleConditionHeadersNotSupported)
	}
	if r == nil {
		if c.match != "" || c.ifTags != "" {
			return fail(azureblob.ConditionNotMet)
		}
		return nil
	}
	held := true
	switch {
	case c.match != "":
		held = c.match == azcore.ETagAny || c.match == r.etag
	case c.hasUnmodified:
		held = !changedSince(r.modified, c.unmodified)
	case c.noneMatch != "":
		held = c.noneMatch != azcore.ETagAny && c.noneMatch != r.etag
	case c.hasModified:
		held = changedSince(r.modified, c.modified)
	}
	if !held {
		return fail(azureblob.ConditionNotMet)
	}
	return nil
}

// checkTags holds x-ms-if-tags against the tags of a revision. It is the only
// condition of some operations.
func (x *exchange) checkTags(r *revision) error {
	expression := x.params.text("x-ms-if-tags")
	if expression == "" {
		return nil
	}
	if !x.grant.may('t') && x.grant.how != byNobody {
		return fail(azureblob.AuthorizationPermissionMismatch)
	}
	ok, err := tagsMatch(expression, r.tags)
	if err != nil {
		return err
	}
	if !ok {
		return fail(azureblob.ConditionNotMet)
	}
	return nil
}

// checkDates holds the two dates against the last change of a container.
func (x *exchange) checkDates(modified time.Time) error {
	c, err := x.conditions()
	if err != nil {
		return err
	}
	if c.hasModified && !changedSince(modified, c.modified) || c.hasUnmodified && changedSince(modified, c.unmodified) {
		return fail(azureblob.ConditionNotMet)
	}
	return nil
}

// readable checks what every read of a blob checks: conditions, the lease if
// one is named, and the customer key.
func (x *exchange) readable(b *blob, r *revision) error {
	if err := x.checkRead(r); err != nil {
		return err
	}
	if err := x.checkLease(&b.lease, onBlob, reading); err != nil {
		return err
	}
	return x.opens(r)
}

// writable checks what every change of a blob checks: conditions, lease,
// customer key, copies and the archive, immutability. The revision is the one that is changed.
func (x *exchange) writable(b *blob, r *revision) error {
	if err := x.checkWrite(r); err != nil {
		return err
	}
	if err := x.checkLease(&b.lease, onBlob, writing); err != nil {
		return err
	}
	if err := x.opens(r); err != nil {
		return err
	}
	if err := r.copied.guard(); err != nil {
		return err
	}
	if r.tier.at(x.now).tier == azureblob.TierArchive {
		return fail(azureblob.BlobArchived)
	}
	return r.protection.guard(x.now)
}

// overwritable is writable for operations that create a blob or replace it:
// there may be none yet.
func (x *exchange) overwritable(b *blob) error {
	r := b.live()
	if r != nil && azcore.ETag(x.params.text("If-None-Match")) == azcore.ETagAny {
		return fail(azureblob.BlobAlreadyExists)
	}
	if err := x.checkWrite(r); err != nil {
		return err
	}
	if r == nil {
		return x.checkLease(&b.lease, onBlob, writing)
	}
	if x.grant.how == bySAS && !x.grant.may('w') {
		return fail(azureblob.UnauthorizedBlobOverwrite)
	}
	if r.copied.pending != nil {
		return fail(azureblob.PendingCopyOperation)
	}
	if err := x.checkLease(&b.lease, onBlob, writing); err != nil {
		return err
	}
	if x.server.options.Versioning {
		return nil // what is protected stays, as a version
	}
	return r.protection.guard(x.now)
}
