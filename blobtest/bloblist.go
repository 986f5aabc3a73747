package blobtest

import (
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.ListBlobs, endpoint{run: listBlobsOp, needs: listBlobs})
	handle(rest.ListBlobsByHierarchy, endpoint{run: listBlobsOp, needs: listBlobs})
	// The service answers in Arrow if it is asked to. XML is what it falls back
	// to where it does not know how, and what clients have to be able to read.
	handle(rest.ListBlobsArrow, endpoint{run: listBlobsOp, needs: listBlobs})
	handle(rest.ListBlobsByHierarchyArrow, endpoint{run: listBlobsOp, needs: listBlobs})
}

// The elements of a listing, in the order of the protocol. They are not the
// types of the client, which has no way to write an empty blob's length.
type blobListing struct {
	ServiceEndpoint string      `xml:"ServiceEndpoint,attr"`
	ContainerName   string      `xml:"ContainerName,attr"`
	Prefix          string      `xml:"Prefix,encoded"`
	Marker          string      `xml:"Marker"`
	MaxResults      int64       `xml:"MaxResults"`
	Delimiter       string      `xml:"Delimiter,encoded"`
	Blobs           []blobEntry `xml:"Blobs>Blob|BlobPrefix"`
	NextMarker      string      `xml:"NextMarker,always"`
}

type blobEntry struct {
	Element          string             `xml:",name"`
	Name             string             `xml:"Name,encoded"`
	Deleted          bool               `xml:"Deleted"`
	Snapshot         string             `xml:"Snapshot"`
	VersionID        string             `xml:"VersionId"`
	IsCurrentVersion bool               `xml:"IsCurrentVersion"`
	Properties       *entryProperties   `xml:"Properties"`
	Metadata         azureblob.Metadata `xml:"Metadata"`
	Tags             azureblob.Tags     `xml:"Tags>TagSet>Tag,pairs"`
	HasVersionsOnly  bool               `xml:"HasVersionsOnly"`
}

type entryProperties struct {
	CreationTime              time.Time                        `xml:"Creation-Time"`
	LastModified              time.Time                        `xml:"Last-Modified"`
	ETag                      string                           `xml:"Etag"`
	ContentLength             int64                            `xml:"Content-Length,always"`
	ContentType               string                           `xml:"Content-Type,always"`
	ContentEncoding           string                           `xml:"Content-Encoding,always"`
	ContentLanguage           string                           `xml:"Content-Language,always"`
	ContentMD5                []byte                           `xml:"Content-MD5,always"`
	ContentDisposition        string                           `xml:"Content-Disposition,always"`
	CacheControl              string                           `xml:"Cache-Control,always"`
	SequenceNumber            *int64                           `xml:"x-ms-blob-sequence-number"`
	BlobType                  azureblob.BlobType               `xml:"BlobType"`
	LeaseStatus               azureblob.LeaseStatus            `xml:"LeaseStatus"`
	LeaseState                azureblob.LeaseState             `xml:"LeaseState"`
	LeaseDuration             azureblob.LeaseDuration          `xml:"LeaseDuration"`
	CopyID                    string                           `xml:"CopyId"`
	CopyStatus                azureblob.CopyStatus             `xml:"CopyStatus"`
	CopySource                string                           `xml:"CopySource"`
	CopyProgress              string                           `xml:"CopyProgress"`
	CopyCompletionTime        time.Time                        `xml:"CopyCompletionTime"`
	CopyStatusDescription     string                           `xml:"CopyStatusDescription"`
	ServerEncrypted           bool                             `xml:"ServerEncrypted"`
	IncrementalCopy           bool                             `xml:"IncrementalCopy"`
	DestinationSnapshot       string                           `xml:"DestinationSnapshot"`
	DeletedTime               time.Time                        `xml:"DeletedTime"`
	RemainingRetentionDays    *int64                           `xml:"RemainingRetentionDays"`
	AccessTier                azureblob.AccessTier             `xml:"AccessTier"`
	AccessTierInferred        bool                             `xml:"AccessTierInferred"`
	ArchiveStatus             azureblob.ArchiveStatus          `xml:"ArchiveStatus"`
	CustomerProvidedKeySHA256 string                           `xml:"CustomerProvidedKeySha256"`
	EncryptionScope           string                           `xml:"EncryptionScope"`
	AccessTierChangeTime      time.Time                        `xml:"AccessTierChangeTime"`
	TagCount                  int64                            `xml:"TagCount"`
	ExpiryTime                time.Time                        `xml:"Expiry-Time"`
	Sealed                    bool                             `xml:"Sealed"`
	RehydratePriority         azureblob.RehydratePriority      `xml:"RehydratePriority"`
	ImmutabilityPolicyUntil   time.Time                        `xml:"ImmutabilityPolicyUntilDate"`
	ImmutabilityPolicyMode    azureblob.ImmutabilityPolicyMode `xml:"ImmutabilityPolicyMode"`
	LegalHold                 bool                             `xml:"LegalHold"`
}

// includes are what a listing of blobs can be asked for.
var includes = []string{
	"snapshots", "versions", "deleted", "deletedwithversions", "uncommittedblobs",
	"metadata", "tags", "copy", "immutabilitypolicy", "legalhold", "permissions",
}

// listed is an entry of a listing before it is written: a revision of a blob,
// or the blob alone if nothing of it was committed.
type listed struct {
	blob     *blob
	revision *revision
	kind     entryKind
	key      string // orders the entries of one name
}

// entryKind is what an entry of a listing is.
type entryKind byte

const (
	aSnapshot entryKind = 's'
	aVersion  entryKind = 'v'
	theBlob   entryKind = 'b'
	theRoot   entryKind = 'r' // of a deleted blob that has versions
	theBlocks entryKind = 'u' // which nobody committed
)

// lastKey is after the IDs of all snapshots and versions.
const lastKey = "z"

func listBlobsOp(x *exchange) error {
	size, from := x.pageSize(), x.marker()
	include := x.params.words("include", includes...)
	if err := x.invalid(); err != nil {
		return err
	}
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	l := blobListing{
		ServiceEndpoint: x.serviceEndpoint(), ContainerName: c.name,
		Prefix: x.query.Get("prefix"), Marker: x.query.Get("marker"), Delimiter: x.query.Get("delimiter"), Blobs: []blobEntry{},
	}
	if l.Delimiter != "" && include["snapshots"] {
		return invalidQuery("include", x.query.Get("include"))
	}
	if x.query.Has("maxresults") {
		l.MaxResults = int64(size)
	}
	marked, key, _ := strings.Cut(from, "\x00")
	name := max(marked, l.Prefix, x.query.Get("startFrom"))
	first := sort.Search(len(c.blobs), func(i int) bool { return c.blobs[i].name >= name })
	common := ""
	for _, b := range c.blobs[first:] {
		if !strings.HasPrefix(b.name, l.Prefix) {
			break
		}
		if common != "" && strings.HasPrefix(b.name, common) {
			continue
		}
		entries := x.entries(b, include)
		if b.name == marked {
			entries = slices.DeleteFunc(entries, func(e listed) bool { return e.key < key })
		}
		if len(entries) == 0 {
			continue
		}
		if l.Delimiter != "" {
			if i := strings.Index(b.name[len(l.Prefix):], l.Delimiter); i >= 0 {
				common = b.name[:len(l.Prefix)+i+len(l.Delimiter)]
			} else {
				common = ""
			}
		}
		for _, e := range entries {
			if len(l.Blobs) == size {
				l.NextMarker = markerOf(b.name + "\x00" + e.key)
				return x.answerXML(http.StatusOK, nil, "EnumerationResults", l)
			}
			if common != "" {
				l.Blobs = append(l.Blobs, blobEntry{Element: "BlobPrefix", Name: common})
				break
			}
			l.Blobs = append(l.Blobs, x.entry(e, include))
		}
	}
	return x.answerXML(http.StatusOK, nil, "EnumerationResults", l)
}

// entries are the entries of one name, in their order: snapshots and versions by
// their time, and the blob itself last.
func (x *exchange) entries(b *blob, include map[string]bool) []listed {
	var all []listed
	add := func(revisions []*revision, kind entryKind) {
		for _, r := range revisions {
			if !r.gone(x.now) && (r.deleted.IsZero() || include["deleted"]) {
				all = append(all, listed{b, r, kind, r.id + string(kind)})
			}
		}
	}
	if include["snapshots"] {
		add(b.snapshots, aSnapshot)
	}
	if include["versions"] {
		add(b.versions, aVersion)
	}
	slices.SortFunc(all, func(a, b listed) int { return strings.Compare(a.key, b.key) })
	there := b.current != nil && !b.current.gone(x.now)
	if there && (b.current.deleted.IsZero() || include["deleted"]) {
		all = append(all, listed{b, b.current, theBlob, lastKey})
	}
	if !there && include["deletedwithversions"] {
		// The newest version stands for a blob that has no current one.
		for _, r := range slices.Backward(b.versions) {
			if !r.gone(x.now) {
				all = append(all, listed{b, r, theRoot, lastKey})
				break
			}
		}
	}
	b.staged.expire(x.now)
	if (!there || b.live() == nil) && include["uncommittedblobs"] && len(b.staged.blocks) > 0 {
		all = append(all, listed{b, nil, theBlocks, lastKey + string(theBlocks)})
	}
	return all
}

// entry writes an entry as XML has it.
func (x *exchange) entry(l listed, include map[string]bool) blobEntry {
	e := blobEntry{Element: "Blob", Name: l.blob.name}
	r := l.revision
	if l.kind == theBlocks {
		e.Properties = &entryProperties{ContentType: "application/octet-stream", BlobType: azureblob.BlockBlob, LastModified: l.blob.staged.since, ServerEncrypted: true}
		return e
	}
	info := x.describe(l.blob, r)
	switch l.kind {
	case aSnapshot:
		e.Snapshot = r.id
	case theRoot:
		e.HasVersionsOnly = true
	default:
		e.VersionID, e.IsCurrentVersion = info.VersionID, info.IsCurrentVersion
	}
	if include["metadata"] {
		e.Metadata = r.metadata
	}
	if include["tags"] && len(r.tags) > 0 {
		e.Tags = r.tags
	}
	e.Properties = listProperties(info, include)
	if r.kind == azureblob.PageBlob {
		e.Properties.SequenceNumber = &r.sequence
	}
	if !r.deleted.IsZero() && l.kind != theRoot {
		days := int64(daysUntil(r.purge, x.now))
		e.Deleted, e.Properties.DeletedTime, e.Properties.RemainingRetentionDays = true, r.deleted, &days
	}
	return e
}

func listProperties(i azureblob.BlobInfo, include map[string]bool) *entryProperties {
	p := &entryProperties{
		CreationTime: i.CreationTime, LastModified: i.LastModified, ETag: string(unquoted(i.ETag)), ContentLength: i.ContentLength,
		ContentType: i.ContentType, ContentEncoding: i.ContentEncoding, ContentLanguage: i.ContentLanguage, ContentMD5: i.ContentMD5,
		ContentDisposition: i.ContentDisposition, CacheControl: i.CacheControl, BlobType: i.BlobType,
		LeaseStatus: i.LeaseStatus, LeaseState: i.LeaseState, LeaseDuration: i.LeaseDuration,
		ServerEncrypted: i.ServerEncrypted, IncrementalCopy: i.IncrementalCopy,
		AccessTier: i.AccessTier, AccessTierInferred: i.AccessTierInferred, ArchiveStatus: i.ArchiveStatus,
		CustomerProvidedKeySHA256: i.CustomerProvidedKeySHA256, EncryptionScope: i.EncryptionScope,
		AccessTierChangeTime: i.AccessTierChangeTime, TagCount: i.TagCount, ExpiryTime: i.ExpiryTime, Sealed: i.Sealed, RehydratePriority: i.RehydratePriority,
	}
	if include["copy"] {
		p.CopyID, p.CopyStatus, p.CopySource, p.CopyProgress = i.CopyID, i.CopyStatus, i.CopySource, i.CopyProgress
		p.CopyCompletionTime, p.CopyStatusDescription, p.DestinationSnapshot = i.CopyCompletionTime, i.CopyStatusDescription, i.CopyDestinationSnapshot
	}
	if include["immutabilitypolicy"] {
		p.ImmutabilityPolicyUntil, p.ImmutabilityPolicyMode = i.ImmutabilityPolicyUntil, i.ImmutabilityPolicyMode
	}
	if include["legalhold"] {
		p.LegalHold = i.LegalHold
	}
	return p
}
