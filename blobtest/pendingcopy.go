package blobtest

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.AbortCopyBlob, endpoint{run: abortCopy, needs: writeBlob})
}

// pendingCopy is a copy that takes its time. It ends when a request comes in
// after its end, so nothing has to run for it. Since every request looks at all
// of them before it does anything, a source that one request takes away is missed
// by the next.
type pendingCopy struct {
	blob       *blob
	revision   *revision // the destination, empty until the end
	complete   revision  // what it will be
	total      int64     // bytes of the source
	from       origin    // of a source on this server
	broken     string    // why the source cannot be read to its end; "" if it can
	begun, end time.Time
}

// origin is where a source on this server was found, and how it was. The zero
// value is a source that nobody watches.
type origin struct {
	blob     *blob
	revision *revision
	etag     azcore.ETag
}

// lost describes why a source can no longer be read, or "". A copy is of one state
// of the source: it fails if that changes or goes away.
func (o origin) lost() string {
	if o.blob == nil {
		return ""
	}
	c := o.blob.container
	there := o.revision.deleted.IsZero() && (o.blob.current == o.revision || slices.Contains(o.blob.snapshots, o.revision) || slices.Contains(o.blob.versions, o.revision))
	switch {
	case c.account.containers[c.name] != c:
		return readingFailed(http.StatusNotFound, azureblob.ContainerNotFound)
	case there && o.revision.etag == o.etag:
		return ""
	case there || o.blob.live() != nil:
		return readingFailed(http.StatusPreconditionFailed, azureblob.ConditionNotMet)
	}
	return readingFailed(http.StatusNotFound, azureblob.BlobNotFound)
}

// readingFailed is the description of a copy whose source answered so.
func readingFailed(status int, code azureblob.ErrorCode) string {
	return fmt.Sprintf("%d %s %q", status, code, "Copy failed when reading the source.")
}

// sourceBroke is the description of a copy whose source did not arrive as a whole.
const sourceBroke = `500 OperationCancelled "The copy failed when reading the source."`

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

// advanceCopies ends the copies whose time has come or whose source is lost, and
// tells of the others how far they are.
func (s *store) advanceCopies(now time.Time) {
	if len(s.copies) == 0 {
		return
	}
	s.copies = slices.DeleteFunc(s.copies, func(p *pendingCopy) bool {
		r := p.revision
		if r.copied.pending != p {
			return true // aborted
		}
		lost := p.from.lost()
		over := !now.Before(p.end)
		if !over {
			done := int64(float64(p.total) * float64(now.Sub(p.begun)) / float64(p.end.Sub(p.begun)))
			r.copied.progress = fmt.Sprintf("%d/%d", max(0, min(done, p.total)), p.total)
		} else if lost == "" {
			lost = p.broken
		}
		switch {
		case lost != "":
			r.end(azureblob.CopyFailed, now)
			r.copied.description = lost
			r.etag, r.modified = etagOf(s.tick(now)), now
		case over:
			r.content, r.blocks, r.appended, r.headers.ContentMD5 = p.complete.content, p.complete.blocks, p.complete.appended, p.complete.headers.ContentMD5
			r.etag, r.modified = etagOf(s.tick(p.end)), p.end
			s.succeed(p.blob, r, p.end)
		}
		return lost != "" || over
	})
}

// end ends a copy that does not come to its end: the destination stays as empty
// as it is, in the tier that it was to have.
func (r *revision) end(status azureblob.CopyStatus, at time.Time) {
	r.copied.pending, r.copied.status, r.copied.completed = nil, status, at
	if r.tier.target != "" {
		r.tier = tiering{tier: r.tier.target, changed: at}
	}
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
	from := x.source
	if takes <= 0 && from.broken == "" {
		x.commit(b, next)
		x.server.succeed(b, next, x.now)
	} else {
		p := &pendingCopy{
			blob: b, revision: next, complete: *next, total: from.total, from: from.origin, broken: from.broken,
			begun: x.now, end: x.now.Add(takes),
		}
		if b.current == p.from.revision {
			p.from = origin{} // it is overwritten by its own copy
		}
		next.copied.status, next.copied.pending = azureblob.CopyPending, p
		next.copied.progress = fmt.Sprintf("0/%d", p.total)
		next.content, next.blocks, next.appended, next.headers.ContentMD5 = content{}, nil, 0, nil
		x.server.copies = append(x.server.copies, p)
		x.commit(b, next)
	}
	x.set("x-ms-copy-id", next.copied.id)
	x.set("x-ms-copy-status", string(next.copied.status))
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
	r.end(azureblob.CopyAborted, x.now)
	x.touch(b)
	return x.answer(http.StatusNoContent, nil)
}
