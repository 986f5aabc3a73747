package azureblob

import (
	"crypto/md5"
	"fmt"
	"reflect"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// Metadata are name-value pairs that the service keeps with a container or a
// blob, up to 8 KiB in all. Names are ASCII letters, digits and _, not starting
// with a digit, and are compared without case; values are ASCII without space
// at either end. Names come back in lower case from every call.
type Metadata map[string]string

// Tags are the index tags of a blob, by which the service can find it: at most
// 10, keys of 1 to 128 and values of 0 to 256 characters, of letters, digits,
// space and + - . / : = _ only.
type Tags map[string]string

// HTTPHeaders are the headers that the service sends with the content of a
// blob. They are set as a group: those left empty are cleared.
type HTTPHeaders struct {
	ContentType        string `header:"x-ms-blob-content-type" response:"Content-Type" xml:"Content-Type"`                      // default application/octet-stream
	ContentEncoding    string `header:"x-ms-blob-content-encoding" response:"Content-Encoding" xml:"Content-Encoding"`          // such as gzip; content is stored and returned as it is
	ContentLanguage    string `header:"x-ms-blob-content-language" response:"Content-Language" xml:"Content-Language"`          // such as en-GB
	ContentDisposition string `header:"x-ms-blob-content-disposition" response:"Content-Disposition" xml:"Content-Disposition"` // such as attachment; filename=cat.jpg
	CacheControl       string `header:"x-ms-blob-cache-control" response:"Cache-Control" xml:"Cache-Control"`                   // such as max-age=3600
	ContentMD5         []byte `header:"x-ms-blob-content-md5" response:"x-ms-blob-content-md5|Content-MD5" xml:"Content-MD5"`   // MD5 of the whole content; stored, and checked only where the content is sent in one request
}

func (h HTTPHeaders) empty() bool { return reflect.ValueOf(h).IsZero() }

func (h HTTPHeaders) check() error {
	if n := len(h.ContentMD5); n != 0 && n != md5.Size {
		return coded(InvalidMD5, fmt.Errorf("HTTPHeaders.ContentMD5 has %d bytes and not %d", n, md5.Size))
	}
	return nil
}

// BlobProperties are what the service knows of a blob. Which of them are filled
// depends on the type of the blob, on the features of the account, and on the
// call: those that only some calls return say so.
type BlobProperties struct {
	HTTPHeaders
	ContentLength int64       `response:"Content-Length" xml:"Content-Length"`    // size in bytes
	ETag          azcore.ETag `response:"ETag" xml:"Etag,etag"`                   // changes with every write
	LastModified  time.Time   `response:"Last-Modified" xml:"Last-Modified"`      // the last write
	CreationTime  time.Time   `response:"x-ms-creation-time" xml:"Creation-Time"` // when the blob was created
	BlobType      BlobType    `response:"x-ms-blob-type" xml:"BlobType"`          // block, append or page blob

	AccessTier           AccessTier        `response:"x-ms-access-tier" xml:"AccessTier"`                       // where the content is kept
	AccessTierInferred   bool              `response:"x-ms-access-tier-inferred" xml:"AccessTierInferred"`      // the tier is the account's default
	AccessTierChangeTime time.Time         `response:"x-ms-access-tier-change-time" xml:"AccessTierChangeTime"` // when the tier was last set
	SmartAccessTier      AccessTier        `response:"x-ms-smart-access-tier" xml:"SmartAccessTier"`            // the tier in use under tier Smart
	ArchiveStatus        ArchiveStatus     `response:"x-ms-archive-status" xml:"ArchiveStatus"`                 // rehydration under way
	RehydratePriority    RehydratePriority `response:"x-ms-rehydrate-priority" xml:"RehydratePriority"`         // its priority
	LastAccessTime       time.Time         `response:"x-ms-last-access-time" xml:"LastAccessTime"`              // if the account tracks it
	ExpiryTime           time.Time         `response:"x-ms-expiry-time" xml:"Expiry-Time"`                      // when the blob will be deleted

	LeaseStatus   LeaseStatus   `response:"x-ms-lease-status" xml:"LeaseStatus"`
	LeaseState    LeaseState    `response:"x-ms-lease-state" xml:"LeaseState"`
	LeaseDuration LeaseDuration `response:"x-ms-lease-duration" xml:"LeaseDuration"` // only while leased

	CopyID                  string     `response:"x-ms-copy-id" xml:"CopyId"`                                                        // the last copy to this blob
	CopyStatus              CopyStatus `response:"x-ms-copy-status" xml:"CopyStatus"`                                                // how it stands
	CopySource              string     `response:"x-ms-copy-source" xml:"CopySource"`                                                // its source
	CopyProgress            string     `response:"x-ms-copy-progress" xml:"CopyProgress"`                                            // bytes done/bytes in all
	CopyCompletionTime      time.Time  `response:"x-ms-copy-completion-time" xml:"CopyCompletionTime"`                               // when it ended
	CopyStatusDescription   string     `response:"x-ms-copy-status-description" xml:"CopyStatusDescription"`                         // why it failed
	CopyDestinationSnapshot string     `response:"x-ms-copy-destination-snapshot" xml:"DestinationSnapshot|CopyDestinationSnapshot"` // last snapshot of an incremental copy
	IncrementalCopy         bool       `response:"x-ms-incremental-copy" xml:"IncrementalCopy"`                                      // the blob is one

	ServerEncrypted           bool   `response:"x-ms-server-encrypted" xml:"ServerEncrypted"`                // always true nowadays
	CustomerProvidedKeySHA256 string `response:"x-ms-encryption-key-sha256" xml:"CustomerProvidedKeySha256"` // base64; which customer key encrypts it
	EncryptionScope           string `response:"x-ms-encryption-scope" xml:"EncryptionScope"`                // which scope does

	ImmutabilityPolicyUntil time.Time              `response:"x-ms-immutability-policy-until-date" xml:"ImmutabilityPolicyUntilDate"` // no write or delete before
	ImmutabilityPolicyMode  ImmutabilityPolicyMode `response:"x-ms-immutability-policy-mode" xml:"ImmutabilityPolicyMode"`
	LegalHold               bool                   `response:"x-ms-legal-hold" xml:"LegalHold"`

	TagCount            int64 `response:"x-ms-tag-count" xml:"TagCount"`                             // number of index tags
	Sealed              bool  `response:"x-ms-blob-sealed" xml:"Sealed"`                             // append blobs: nothing can be appended any more
	SequenceNumber      int64 `response:"x-ms-blob-sequence-number" xml:"x-ms-blob-sequence-number"` // page blobs
	CommittedBlockCount int   `response:"x-ms-blob-committed-block-count"`                           // append blobs; not in listings

	DeletedTime            time.Time `xml:"DeletedTime"`            // soft-deleted blobs, in listings
	RemainingRetentionDays int       `xml:"RemainingRetentionDays"` // soft-deleted blobs, in listings
}

// BlobType is the kind of a blob. It is chosen when a blob is created.
type BlobType string

// The types of blobs.
const (
	BlockBlob  BlobType = "BlockBlob"
	AppendBlob BlobType = "AppendBlob"
	PageBlob   BlobType = "PageBlob"
)

// LeaseStatus tells whether a lease keeps others from writing.
type LeaseStatus string

// The lease statuses.
const (
	LeaseLocked   LeaseStatus = "locked"
	LeaseUnlocked LeaseStatus = "unlocked"
)

// LeaseState is the state of a lease.
type LeaseState string

// The lease states.
const (
	LeaseAvailable LeaseState = "available"
	LeaseLeased    LeaseState = "leased"
	LeaseExpired   LeaseState = "expired"
	LeaseBreaking  LeaseState = "breaking"
	LeaseBroken    LeaseState = "broken"
)

// LeaseDuration tells whether a lease ends by itself.
type LeaseDuration string

// The kinds of lease duration.
const (
	LeaseInfinite LeaseDuration = "infinite"
	LeaseFixed    LeaseDuration = "fixed"
)

// CopyStatus is how a copy stands.
type CopyStatus string

// The copy statuses.
const (
	CopyPending CopyStatus = "pending"
	CopySuccess CopyStatus = "success"
	CopyAborted CopyStatus = "aborted"
	CopyFailed  CopyStatus = "failed"
)

// ImmutabilityPolicyMode tells whether an immutability policy can be undone.
type ImmutabilityPolicyMode string

// The modes as answers spell them. Mutable is never sent to the service.
const (
	ImmutabilityUnlocked ImmutabilityPolicyMode = "unlocked"
	ImmutabilityLocked   ImmutabilityPolicyMode = "locked"
	ImmutabilityMutable  ImmutabilityPolicyMode = "mutable"
)

// Immutability protects a blob from being changed or deleted until a time. It
// needs a container with version-level immutability.
type Immutability struct {
	Until time.Time              `header:"x-ms-immutability-policy-until-date"` // when the protection ends
	Mode  ImmutabilityPolicyMode `header:"x-ms-immutability-policy-mode"`       // default unlocked: it can be changed
}

// BlobInfo is a blob as reads of it describe it: its properties, its metadata
// and which version of it they belong to.
type BlobInfo struct {
	BlobProperties
	Metadata                  Metadata          `response:"x-ms-meta-*"`
	VersionID                 string            `response:"x-ms-version-id"`         // if the account keeps versions
	IsCurrentVersion          bool              `response:"x-ms-is-current-version"` // this is the newest version
	ObjectReplicationPolicyID string            `response:"x-ms-or-policy-id"`       // on the destination of a replication
	ObjectReplication         map[string]string `response:"x-ms-or-*"`               // on its source: state by policyid_ruleid
}

// WriteInfo is what the answers to writes on a blob have in common.
type WriteInfo struct {
	ETag                      azcore.ETag `response:"ETag"`
	LastModified              time.Time   `response:"Last-Modified"`
	VersionID                 string      `response:"x-ms-version-id"`               // if the account keeps versions
	ServerEncrypted           bool        `response:"x-ms-request-server-encrypted"` // always true nowadays
	CustomerProvidedKeySHA256 string      `response:"x-ms-encryption-key-sha256"`    // base64; which customer key encrypted the write
	EncryptionScope           string      `response:"x-ms-encryption-scope"`         // which scope did
}
