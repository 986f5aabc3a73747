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
	Prefix          string      `xml:"Prefix"`
	Marker          string      `xml:"Marker"`
	MaxResults      int64       `xml:"MaxResults"`
	Delimiter       string      `xml:"Delimiter"`
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
	key      string // orders the entries of one name
}

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
	name, key, _ := strings.Cut(from, "\x00")
	name = max(name, l.Prefix, x.query.Get("startFrom"))
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
		if b.name == name {
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

// entries are the entries of one name, in their order: snapshots by their time,
// versions by theirs, and the current blob last.
func (x *exchange) entries(b *blob, include map[string]bool) []listed {
	var all []listed
	if include["snapshots"] {
		for _, r := range b.snapshots {
			all = append(all, listed{b, r, "s" + r.id})
		}
	}
	if include["versions"] {
		for _, r := range b.versions {
			all = append(all, listed{b, r, "v" + r.id})
		}
	}
	if b.current != nil {
		all = append(all, listed{b, b.current, "z"})
	}
	all = slices.DeleteFunc(all, func(e listed) bool { return !e.revision.deleted.IsZero() && !include["deleted"] })
	if b.staged.expire(x.now); b.current == nil && include["uncommittedblobs"] && len(b.staged.blocks) > 0 {
		all = append(all, listed{b, nil, "z"})
	}
	return all
}

// entry writes an entry as XML has it.
func (x *exchange) entry(l listed, include map[string]bool) blobEntry {
	e := blobEntry{Element: "Blob", Name: l.blob.name}
	r := l.revision
	if r == nil {
		e.Properties = &entryProperties{ContentType: "application/octet-stream", BlobType: azureblob.BlockBlob, LastModified: l.blob.staged.since, ServerEncrypted: true}
		return e
	}
	info := x.describe(l.blob, r)
	e.Deleted = !r.deleted.IsZero()
	e.VersionID, e.IsCurrentVersion = info.VersionID, info.IsCurrentVersion
	if l.key[0] == 's' {
		e.Snapshot = r.id
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
	e.Properties.DeletedTime = r.deleted
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
		AccessTierChangeTime: i.AccessTierChangeTime, TagCount: i.TagCount, Sealed: i.Sealed, RehydratePriority: i.RehydratePriority,
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
