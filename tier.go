package azureblob

import (
	"context"
	"errors"

	"github.com/goblob/azureblob/internal/rest"
)

// AccessTier is how content is kept, which sets its price and how fast it can
// be read. The service adds tiers without a new version.
type AccessTier string

// The tiers of block blobs.
const (
	TierHot     AccessTier = "Hot"
	TierCool    AccessTier = "Cool"    // for at least 30 days
	TierCold    AccessTier = "Cold"    // for at least 90 days
	TierArchive AccessTier = "Archive" // offline: has to be rehydrated to be read
	TierSmart   AccessTier = "Smart"   // the service moves it between tiers by use
	TierPremium AccessTier = "Premium" // premium block blob accounts
)

// The tiers of page blobs on premium accounts, by size and speed.
const (
	TierP4  AccessTier = "P4"
	TierP6  AccessTier = "P6"
	TierP10 AccessTier = "P10"
	TierP15 AccessTier = "P15"
	TierP20 AccessTier = "P20"
	TierP30 AccessTier = "P30"
	TierP40 AccessTier = "P40"
	TierP50 AccessTier = "P50"
	TierP60 AccessTier = "P60"
	TierP70 AccessTier = "P70"
	TierP80 AccessTier = "P80"
)

// ArchiveStatus tells to which tier a blob is being rehydrated.
type ArchiveStatus string

// The archive statuses.
const (
	RehydratePendingToHot   ArchiveStatus = "rehydrate-pending-to-hot"
	RehydratePendingToCool  ArchiveStatus = "rehydrate-pending-to-cool"
	RehydratePendingToCold  ArchiveStatus = "rehydrate-pending-to-cold"
	RehydratePendingToSmart ArchiveStatus = "rehydrate-pending-to-smart"
)

// RehydratePriority is how soon a blob comes out of the archive.
type RehydratePriority string

// The rehydration priorities.
const (
	RehydrateStandard RehydratePriority = "Standard" // up to 15 hours
	RehydrateHigh     RehydratePriority = "High"     // under an hour for small blobs
)

// SetTierOptions are the options of [BlobClient.SetTier].
type SetTierOptions struct {
	CallOptions
	Rehydrate RehydratePriority `header:"x-ms-rehydrate-priority"` // how soon a blob comes out of the archive
	IfTags    TagFilter         `header:"x-ms-if-tags"`            // expression over the tags that must be true
	LeaseID   string            `header:"x-ms-lease-id"`           // the lease that the caller holds
}

// SetTierResult is the result of [BlobClient.SetTier].
type SetTierResult struct {
	ResponseInfo
	// Pending is true if the change was only started: the blob is being
	// rehydrated, and its ArchiveStatus tells how it stands.
	Pending bool
}

// SetTier moves the blob, snapshot or version to another tier. A blob leaves
// the archive in hours, not at once: see [SetTierResult.Pending].
//
// Errors: [BlobNotFound], [AccessTierNotSupportedForBlobType],
// [BlobBeingRehydrated] while an earlier change is under way.
//
// REST: Set Blob Tier.
func (b *BlobClient) SetTier(ctx context.Context, tier AccessTier, o *SetTierOptions) (SetTierResult, error) {
	if tier == "" {
		return SetTierResult{}, b.refuse(rest.SetBlobTier, errNoTier)
	}
	r, err := call[SetTierResult](ctx, &b.handle, rest.SetBlobTier, nil, o.parts(tier)...)
	r.Pending = r.StatusCode == 202
	return r, err
}

var errNoTier = errors.New("the tier is empty")

// parts are the parts of a call with these options.
func (o *SetTierOptions) parts(tier AccessTier) []any {
	required := struct {
		Tier AccessTier `header:"x-ms-access-tier"`
	}{tier}
	return []any{required, o}
}
