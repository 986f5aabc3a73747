package blobtest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.CreateContainer, endpoint{run: createContainerOp, needs: createContainer})
	handle(rest.DeleteContainer, endpoint{run: deleteContainerOp, needs: deleteContainer})
	handle(rest.GetContainerProperties, endpoint{run: containerProperties, needs: readContainer})
	handle(rest.GetContainerMetadata, endpoint{run: containerMetadata, needs: readContainer})
	handle(rest.SetContainerMetadata, endpoint{run: setContainerMetadata, needs: writeContainer})
}

// written is what answers to writes tell at the least.
type written struct {
	ETag         azcore.ETag `response:"ETag"`
	LastModified time.Time   `response:"Last-Modified"`
}

func createContainerOp(x *exchange) error {
	c := &container{
		account:      x.account,
		name:         x.container,
		metadata:     x.params.metadata(),
		access:       azureblob.PublicAccess(x.params.enum("x-ms-blob-public-access", "blob", "container")),
		encryption:   x.params.text("x-ms-default-encryption-scope"),
		denyOverride: x.params.flag("x-ms-deny-encryption-scope-override"),
		created:      x.now,
		byName:       map[string]*blob{},
	}
	if err := x.invalid(); err != nil {
		return err
	}
	if c.denyOverride && c.encryption == "" {
		return missingHeader("x-ms-default-encryption-scope")
	}
	if x.account.containers[x.container] != nil {
		return fail(azureblob.ContainerAlreadyExists)
	}
	if x.now.Before(x.account.blocked[x.container]) {
		return fail(azureblob.ContainerBeingDeleted)
	}
	x.account.containers[x.container] = c
	x.touched(c)
	return x.answer(http.StatusCreated, written{c.etag, c.modified})
}

func deleteContainerOp(x *exchange) error {
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	if err := x.checkDates(c.modified); err != nil {
		return err
	}
	if err := x.checkLease(&c.lease, onContainer, writing); err != nil {
		return err
	}
	for _, b := range c.blobs {
		for _, r := range append([]*revision{b.current}, append(b.snapshots, b.versions...)...) {
			if r != nil {
				if err := r.protection.guard(x.now); err != nil {
					return err
				}
			}
		}
	}
	x.removeContainer(c)
	return x.answer(http.StatusAccepted, nil)
}

// removeContainer deletes a container with all that is in it, softly if the
// account keeps containers for a while.
func (x *exchange) removeContainer(c *container) {
	delete(x.account.containers, c.name)
	x.buryContainer(c)
	if delay := x.server.options.DeletionDelay; delay > 0 {
		x.account.blocked[c.name] = x.now.Add(delay)
	}
}

// describeContainer is what answers and listings tell of a container.
func (x *exchange) describeContainer(c *container) azureblob.ContainerProperties {
	p := azureblob.ContainerProperties{
		ETag: c.etag, LastModified: c.modified, PublicAccess: c.access,
		DefaultEncryptionScope: c.encryption, DenyEncryptionScopeOverride: c.denyOverride,
	}
	if p.DefaultEncryptionScope == "" {
		p.DefaultEncryptionScope = "$account-encryption-key"
	}
	p.LeaseStatus, p.LeaseState, p.LeaseDuration = c.lease.describe(x.now)
	if !c.deletedAt.IsZero() {
		p.DeletedTime, p.RemainingRetentionDays = c.deletedAt, daysUntil(c.purge, x.now)
	}
	return p
}

func containerProperties(x *exchange) error {
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	if err := x.checkLease(&c.lease, onContainer, reading); err != nil {
		return err
	}
	p := x.describeContainer(c)
	if err := x.answer(http.StatusOK, p); err != nil {
		return err
	}
	for name, value := range map[string]bool{
		"x-ms-has-immutability-policy": p.HasImmutabilityPolicy, "x-ms-has-legal-hold": p.HasLegalHold,
		"x-ms-immutable-storage-with-versioning-enabled": p.ImmutableStorageWithVersioning,
		"x-ms-deny-encryption-scope-override":            p.DenyEncryptionScopeOverride,
	} {
		x.set(name, strconv.FormatBool(value))
	}
	return x.answer(http.StatusOK, metadataOf{c.metadata})
}

// metadataOf is metadata as the headers of an answer.
type metadataOf struct {
	Metadata azureblob.Metadata `response:"x-ms-meta-*"`
}

func containerMetadata(x *exchange) error {
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	if err := x.checkLease(&c.lease, onContainer, reading); err != nil {
		return err
	}
	_ = x.answer(http.StatusOK, written{c.etag, c.modified})
	return x.answer(http.StatusOK, metadataOf{c.metadata})
}

func setContainerMetadata(x *exchange) error {
	m := x.params.metadata()
	since := x.params.time("If-Modified-Since")
	if err := x.invalid(); err != nil {
		return err
	}
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	if !since.IsZero() && !changedSince(c.modified, since) {
		return fail(azureblob.ConditionNotMet)
	}
	// A lease on a container keeps it from being deleted, and only that.
	if err := x.checkLease(&c.lease, onContainer, reading); err != nil {
		return err
	}
	c.metadata = m
	x.touched(c)
	return x.answer(http.StatusOK, written{c.etag, c.modified})
}
