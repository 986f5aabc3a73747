package blobtest

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.CopyBlob, endpoint{prepare: prepareCopy, run: copyBlob, needs: createBlob})
	handle(rest.CopyBlobFromURL, endpoint{prepare: prepareCopyFromURL, run: copyBlobFromURL, needs: createBlob})
	handle(rest.IncrementalCopyBlob, endpoint{prepare: prepareCopy, run: copyIncremental, needs: createBlob})
}

// publicSource is the URL of a source as its copy tells it: without signatures.
func publicSource(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	query := u.Query()
	for name := range query {
		if name != "snapshot" && name != "versionid" {
			query.Del(name)
		}
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "%3A", ":")
	return u.String()
}

func prepareCopy(x *exchange) error { return x.readSource(true, maxPageBlob) }

// copied is the revision that a copy makes of the source, without what headers
// of the content say.
func (x *exchange) copied(b *blob) (*revision, error) {
	from := &x.source.revision
	next := &revision{
		kind: from.kind, content: x.source.content, blocks: from.blocks, headers: from.headers,
		metadata: x.params.metadata(), tags: x.tagsHeader(), tier: x.tierHeader(from.kind), protection: x.protection(),
		sequence: from.sequence, appended: from.appended, sealed: from.sealed, origin: x.id,
	}
	if len(next.metadata) == 0 {
		next.metadata = from.metadata
	}
	if x.params.enum("x-ms-copy-source-tag-option", "REPLACE", "COPY") == "COPY" {
		if x.params.text("x-ms-tags") != "" {
			x.wrong(fail(azureblob.BothUserTagsAndSourceTagsCopyPresentException).withStatus(http.StatusConflict))
		} else if !x.source.tagged {
			x.wrong(sourceFailure(x, http.StatusForbidden, azureblob.AuthorizationPermissionMismatch))
		}
		next.tags = from.tags
	}
	e, err := x.encryption(b.container)
	if err != nil {
		return nil, err
	}
	next.encryption = e
	return next, x.invalid()
}

// copyTarget finds where to copy to, and makes what to copy there.
func (x *exchange) copyTarget() (*blob, *revision, error) {
	b, err := x.findName()
	if err != nil {
		return nil, nil, err
	}
	next, err := x.copied(b)
	if err != nil {
		return nil, nil, err
	}
	if err := x.overwritable(b); err != nil {
		return nil, nil, err
	}
	r := b.live()
	switch {
	case r == nil:
		return b, next, nil
	case r.kind != next.kind:
		return nil, nil, fail(azureblob.InvalidBlobType)
	case r.tier.at(x.now).tier == azureblob.TierArchive:
		return nil, nil, fail(azureblob.BlobArchived)
	case next.tier.inferred && r.tier.target == "":
		next.tier = r.tier // that of what is overwritten stays
	}
	return b, next, nil
}

func copyBlob(x *exchange) error {
	priority := azureblob.RehydratePriority(x.params.enum("x-ms-rehydrate-priority", "Standard", "High"))
	seal := x.params.flag("x-ms-seal-blob")
	b, next, err := x.copyTarget()
	if err != nil {
		return err
	}
	if b.lease.held(x.now) && !b.lease.expires.IsZero() {
		return fail(azureblob.InfiniteLeaseDurationRequired)
	}
	if text := x.params.text("x-ms-seal-blob"); text != "" {
		if next.kind != azureblob.AppendBlob {
			return invalidHeader("x-ms-seal-blob", text)
		}
		next.sealed = seal
	}
	takes := x.server.options.CopyDuration
	if x.source.revision.tier.at(x.now).tier == azureblob.TierArchive {
		wait, err := x.rehydrate(next, priority)
		if err != nil {
			return err
		}
		takes = max(takes, wait)
	}
	x.startCopy(b, next, takes)
	return x.answerCopy(b)
}

// rehydrate makes next, a copy of what is in the archive, wait for its content,
// and returns for how long. It has to be for another tier, which the request names.
func (x *exchange) rehydrate(next *revision, priority azureblob.RehydratePriority) (time.Duration, error) {
	wanted := next.tier.tier
	if x.params.text("x-ms-access-tier") == "" || wanted == azureblob.TierArchive {
		return 0, fail(azureblob.BlobArchived)
	}
	if priority == "" {
		priority = azureblob.RehydrateStandard
	}
	wait := x.rehydration(priority)
	next.tier = tiering{tier: azureblob.TierArchive, changed: x.now, target: wanted, priority: priority, ready: x.now.Add(wait)}
	return wait, nil
}

// answerCopy is the answer to copies.
func (x *exchange) answerCopy(b *blob) error {
	info := x.writeInfo(b)
	if info.VersionID != "" {
		x.set("x-ms-version-id", info.VersionID)
	}
	return x.answer(http.StatusAccepted, written{info.ETag, info.LastModified})
}

// maxSyncCopy is how large the source of Copy Blob From URL may be.
const maxSyncCopy = 256 * mib

func prepareCopyFromURL(x *exchange) error {
	if err := x.readSource(false, maxSyncCopy); err != nil {
		return err
	}
	if x.source.revision.kind != azureblob.BlockBlob {
		return fail(azureblob.InvalidSourceBlobType)
	}
	return x.sumSource(digestCRC64)
}

func copyBlobFromURL(x *exchange) error {
	b, next, err := x.copyTarget()
	if err != nil {
		return err
	}
	x.startCopy(b, next, 0)
	x.answerSums()
	if scope := next.encryption.scope; scope != "" {
		x.set("x-ms-encryption-scope", scope)
	}
	return x.answerCopy(b)
}

func copyIncremental(x *exchange) error {
	text := x.params.text("x-ms-copy-source")
	from, snapshot := splitSource(text)
	if x.source.revision.kind != azureblob.PageBlob {
		return fail(azureblob.InvalidSourceBlobType)
	}
	if snapshot == "" {
		return fail(azureblob.IncrementalCopySourceMustBeSnapshot)
	}
	b, next, err := x.copyTarget()
	if err != nil {
		return err
	}
	if r := b.live(); r != nil {
		before, copied := splitSource(r.copied.source)
		switch {
		case !r.copied.incremental || before != from:
			return fail(azureblob.IncrementalCopyBlobMismatch)
		case snapshot <= copied:
			return fail(azureblob.IncrementalCopyOfEarlierSnapshotNotAllowed)
		}
		next.origin = r.origin
		next.copied.snapshot = r.copied.snapshot
	}
	next.copied.incremental = true
	x.startCopy(b, next, x.server.options.CopyDuration)
	return x.answerCopy(b)
}

// splitSource takes the URL of a source apart into the blob and its snapshot.
func splitSource(text string) (blob, snapshot string) {
	u, err := url.Parse(text)
	if err != nil {
		return "", ""
	}
	return u.Host + u.EscapedPath(), u.Query().Get("snapshot")
}
