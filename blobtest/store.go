package blobtest

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/pipeline"
)

// store is all that the service keeps. Its lock guards everything below it but
// the bytes of contents, which never change.
type store struct {
	mu       sync.Mutex
	accounts map[string]*account // not changed after the start
	last     time.Time           // the newest moment that was given out
	copies   []*pendingCopy      // that have not ended
}

// account is a storage account.
type account struct {
	name       string
	keys       []*accountKey
	signers    []*pipeline.Signer // of the same keys, for requests
	containers map[string]*container
	deleted    []*container         // soft-deleted, in the order of their deletion
	blocked    map[string]time.Time // names of containers that are being deleted, and until when
	retention  retention            // what becomes of blobs that are deleted
	properties serviceProperties
	history    history // if the secondary lags behind
}

// container is a container, or one that was soft-deleted.
type container struct {
	account        *account
	name           string
	metadata       azureblob.Metadata
	access         azureblob.PublicAccess
	etag           azcore.ETag
	created        time.Time
	modified       time.Time
	lease          lease
	encryption     string // default encryption scope
	denyOverride   bool   // of the scope
	policies       []storedPolicy
	deletedAt      time.Time
	deletedVersion string
	purge          time.Time // when a soft-deleted container goes for good

	blobs  []*blob // in the order of their names
	byName map[string]*blob
}

// blob is all that has one name: the blob itself, its snapshots and versions,
// and blocks that wait to be committed. One of them at least is there.
type blob struct {
	container *container
	name      string
	current   *revision
	snapshots []*revision // oldest first; soft-deleted ones included
	versions  []*revision // the same, without the current one
	staged    staged
	lease     lease // of the current revision
}

// revision is a state of a blob: the current one, a snapshot or a version. What
// its fields point to is never changed in place, so a copy of the struct is a
// snapshot.
type revision struct {
	id       string // of a snapshot or version, "" if the account keeps no versions
	kind     azureblob.BlobType
	content  content
	blocks   []block // of block blobs that were committed from blocks
	headers  azureblob.HTTPHeaders
	metadata azureblob.Metadata
	tags     azureblob.Tags
	etag     azcore.ETag
	created  time.Time
	modified time.Time
	deleted  time.Time // when it was soft-deleted; zero if it was not
	purge    time.Time // when what was soft-deleted goes for good
	expires  time.Time // when the blob deletes itself; zero for never

	tier       tiering
	encryption encryption
	protection protection
	copied     copyState
	sequence   int64  // page blobs: sequence number
	appended   int    // append blobs: number of blocks
	sealed     bool   // append blobs
	origin     string // page blobs: the request that created it, to tell its snapshots from those of a blob it replaced
}

// block is a committed block: its part of the content follows from the sizes.
type block struct {
	id   string // as the client wrote it, in base64
	size int64
}

// copyState is how the last copy to a revision stands; the zero value is none.
// The fields are those of [azureblob.BlobProperties].
type copyState struct {
	id, source, progress, description string
	status                            azureblob.CopyStatus
	completed                         time.Time
	incremental                       bool
	snapshot                          string // destination snapshot of an incremental copy
	pending                           *pendingCopy
}

// tick returns the present moment in the resolution of the service, 100 ns. No
// moment is given out twice, so it can name snapshots and versions.
func (s *store) tick(now time.Time) time.Time {
	now = now.UTC().Truncate(100 * time.Nanosecond)
	if !now.After(s.last) {
		now = s.last.Add(100 * time.Nanosecond)
	}
	s.last = now
	return now
}

// idForm is the form of snapshot and version IDs.
const idForm = "2006-01-02T15:04:05.0000000Z"

// etagOf makes the ETag of a moment.
func etagOf(t time.Time) azcore.ETag {
	const sinceYear1 = 62135596800 // seconds to 1970
	ticks := uint64(t.Unix()+sinceYear1)*1e7 + uint64(t.Nanosecond())/100
	b := append(make([]byte, 0, 24), `"0x`...)
	b = strconv.AppendUint(b, ticks, 16)
	for i := 3; i < len(b); i++ {
		if b[i] >= 'a' {
			b[i] -= 'a' - 'A'
		}
	}
	return azcore.ETag(append(b, '"'))
}

// find is the blob with that name, or nil.
func (c *container) find(name string) *blob { return c.byName[name] }

// named is the blob with that name, or a new one that is not in the container
// until keep puts it there.
func (c *container) named(name string) *blob {
	if b := c.byName[name]; b != nil {
		return b
	}
	return &blob{container: c, name: name}
}

// keep makes sure that the blob is in its container if there is anything of
// it, and that it is not if nothing is left.
func (b *blob) keep() {
	c := b.container
	i, found := slices.BinarySearchFunc(c.blobs, b.name, func(b *blob, name string) int { return strings.Compare(b.name, name) })
	switch empty := b.current == nil && len(b.snapshots) == 0 && len(b.versions) == 0 && len(b.staged.blocks) == 0; {
	case empty && found:
		c.blobs = slices.Delete(c.blobs, i, i+1)
		delete(c.byName, b.name)
	case !empty && !found:
		c.blobs = slices.Insert(c.blobs, i, b)
		c.byName[b.name] = b
	}
}

// live is the current revision if it is there and not deleted.
func (b *blob) live() *revision {
	if b == nil || b.current == nil || !b.current.deleted.IsZero() {
		return nil
	}
	return b.current
}
