package blobtest

import (
	"net/http"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.SnapshotBlob, endpoint{run: snapshotBlob, needs: createBlob})
}

// snapshotBlob keeps the current revision as it is. Metadata of the request
// takes the place of that of the blob, which makes the snapshot a write of its
// own: it then has another ETag than the blob.
func snapshotBlob(x *exchange) error {
	m := x.params.metadata()
	if err := x.invalid(); err != nil {
		return err
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.checkWrite(r); err != nil {
		return err
	}
	if err := x.checkLease(&b.lease, onBlob, reading); err != nil {
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
	moment := x.server.tick(x.now)
	s := *r
	s.id = moment.Format(idForm)
	if m != nil {
		s.metadata, s.etag, s.modified = m, etagOf(moment), x.now
	}
	if x.server.options.Versioning {
		// The account keeps a version for the snapshot too, and what is written
		// next has one of its own.
		next := *r
		next.id = s.id
		b.versions, b.current = append(b.versions, r), &next
	}
	b.snapshots = append(b.snapshots, &s)
	return x.answer(http.StatusCreated, azureblob.SnapshotResult{
		Snapshot: s.id, ETag: s.etag, LastModified: s.modified, VersionID: b.current.id, ServerEncrypted: true,
	})
}
