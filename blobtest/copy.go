package blobtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.CopyBlob, endpoint{prepare: prepareCopy, run: copyBlob, needs: createBlob})
	handle(rest.CopyBlobFromURL, endpoint{prepare: prepareCopyFromURL, run: copyBlobFromURL, needs: createBlob})
	handle(rest.IncrementalCopyBlob, endpoint{prepare: prepareCopy, run: copyIncremental, needs: createBlob})
	handle(rest.AbortCopyBlob, endpoint{run: abortCopy, needs: writeBlob})
}

// pendingCopy is a copy that takes its time. It ends when a request comes in
// after its end, so nothing has to run for it.
type pendingCopy struct {
	blob       *blob
	revision   *revision // the destination, empty until the end
	complete   revision  // what it will be
	begun, end time.Time
}

// guard refuses writes of what is being copied to, or is kept by copies.
func (c *copyState) guard() error {
	switch {
	case c.pending != nil:
		return fail(azureblob.PendingCopyOperation)
	case c.incremental:
		return fail(azureblob.OperationNotAllowedOnIncrementalCopyBlob)
	}
	return nil
}

// advanceCopies ends the copies whose time has come, and tells of the others
// how far they are.
func (s *store) advanceCopies(now time.Time) {
	if len(s.copies) == 0 {
		return
	}
	s.copies = slices.DeleteFunc(s.copies, func(p *pendingCopy) bool {
		r := p.revision
		if r.copied.pending != p {
			return true // aborted
		}
		total := p.complete.content.size()
		if now.Before(p.end) {
			done := int64(float64(total) * float64(now.Sub(p.begun)) / float64(p.end.Sub(p.begun)))
			r.copied.progress = fmt.Sprintf("%d/%d", max(0, min(done, total)), total)
			return false
		}
		r.content, r.blocks, r.appended, r.headers.ContentMD5 = p.complete.content, p.complete.blocks, p.complete.appended, p.complete.headers.ContentMD5
		r.etag, r.modified = etagOf(s.tick(p.end)), p.end
		s.succeed(p.blob, r, p.end)
		return true
	})
}

// succeed writes down that the copy to r is complete. An incremental one makes
// a snapshot of it.
func (s *store) succeed(b *blob, r *revision, at time.Time) {
	r.copied.pending, r.copied.status, r.copied.completed = nil, azureblob.CopySuccess, at
	r.copied.progress = fmt.Sprintf("%d/%d", r.content.size(), r.content.size())
	if r.copied.incremental {
		r.copied.snapshot = s.tick(at).Format(idForm)
		snapshot := *r
		snapshot.id = r.copied.snapshot
		b.snapshots = append(slices.Clip(b.snapshots), &snapshot)
	}
}

// startCopy makes next, which holds the content of the source, the current
// revision, or lets it become that over time.
func (x *exchange) startCopy(b *blob, next *revision, takes time.Duration) {
	next.copied.id, next.copied.source = newRequestID(), publicSource(x.params.text("x-ms-copy-source"))
	b.staged = staged{}
	if takes <= 0 {
		x.commit(b, next)
		x.server.succeed(b, next, x.now)
	} else {
		p := &pendingCopy{b, next, *next, x.now, x.now.Add(takes)}
		next.copied.status, next.copied.pending = azureblob.CopyPending, p
		next.copied.progress = fmt.Sprintf("0/%d", next.content.size())
		next.content, next.blocks, next.appended, next.headers.ContentMD5 = content{}, nil, 0, nil
		x.server.copies = append(x.server.copies, p)
		x.commit(b, next)
	}
	x.set("x-ms-copy-id", next.copied.id)
	x.set("x-ms-copy-status", string(next.copied.status))
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
	if r := b.live(); r != nil && r.kind != next.kind {
		return nil, nil, fail(azureblob.InvalidBlobType)
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
	if text := x.params.text("x-ms-seal-blob"); text != "" {
		if next.kind != azureblob.AppendBlob {
			return invalidHeader("x-ms-seal-blob", text)
		}
		next.sealed = seal
	}
	if x.source.revision.tier.at(x.now).tier == azureblob.TierArchive {
		if next.tier.inferred {
			return fail(azureblob.BlobArchived)
		}
		if wanted := next.tier.tier; wanted != azureblob.TierArchive {
			if priority == "" {
				priority = azureblob.RehydrateStandard
			}
			next.tier = tiering{tier: azureblob.TierArchive, changed: x.now, target: wanted, priority: priority, ready: x.now.Add(x.rehydration(priority))}
		}
	}
	x.startCopy(b, next, x.server.options.CopyDuration)
	return x.answerCopy(b)
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

func abortCopy(x *exchange) error {
	id := x.query.Get("copyid")
	if id == "" {
		return missingQuery("copyid")
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.checkLease(&b.lease, onBlob, writing); err != nil {
		return err
	}
	switch {
	case r.copied.id != "" && r.copied.id != id:
		return fail(azureblob.CopyIDMismatch)
	case r.copied.pending == nil:
		return fail(azureblob.NoPendingCopyOperation)
	}
	r.copied.pending, r.copied.status, r.copied.completed = nil, azureblob.CopyAborted, x.now
	x.touch(b)
	return x.answer(http.StatusNoContent, nil)
}
