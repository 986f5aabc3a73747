package blobtest

import (
	"net/http"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.SetBlobTier, endpoint{run: setBlobTier, needs: writeBlob})
}

// tiering is the tier of a revision. Rehydration takes its time, and ends by
// itself.
type tiering struct {
	tier     azureblob.AccessTier
	inferred bool      // it is the default of the account
	changed  time.Time // when it was set

	target   azureblob.AccessTier // what it is being rehydrated to; "" if it is not
	priority azureblob.RehydratePriority
	ready    time.Time
}

// How long rehydration takes, by the service's word at the most.
const (
	rehydrationStandard = 15 * time.Hour
	rehydrationHigh     = time.Hour
)

// at is the tier at a time.
func (t tiering) at(now time.Time) tiering {
	if t.target != "" && !now.Before(t.ready) {
		return tiering{tier: t.target, changed: t.ready}
	}
	return t
}

// status is how rehydration stands.
func (t tiering) status() azureblob.ArchiveStatus {
	if t.target == "" {
		return ""
	}
	return azureblob.ArchiveStatus("rehydrate-pending-to-" + strings.ToLower(string(t.target)))
}

var (
	blockTiers = []string{"Hot", "Cool", "Cold", "Archive", "Smart"}
	pageTiers  = []string{"P4", "P6", "P10", "P15", "P20", "P30", "P40", "P50", "P60", "P70", "P80"}
)

// tierHeader is the tier that an operation that creates a blob gives it.
func (x *exchange) tierHeader(kind azureblob.BlobType) tiering {
	allowed := blockTiers
	switch kind {
	case azureblob.PageBlob:
		allowed = pageTiers
	case azureblob.AppendBlob:
		return tiering{}
	}
	if tier := x.params.enum("x-ms-access-tier", allowed...); tier != "" {
		return tiering{tier: azureblob.AccessTier(tier), changed: x.now}
	}
	if kind == azureblob.PageBlob {
		return tiering{}
	}
	return tiering{tier: azureblob.TierHot, inferred: true}
}

func setBlobTier(x *exchange) error {
	x.params.need("x-ms-access-tier")
	tier := azureblob.AccessTier(x.params.enum("x-ms-access-tier", append(blockTiers, pageTiers...)...))
	priority := azureblob.RehydratePriority(x.params.enum("x-ms-rehydrate-priority", "Standard", "High"))
	if err := x.invalid(); err != nil {
		return err
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.checkTags(r); err != nil {
		return err
	}
	if r == b.current {
		if err := x.checkLease(&b.lease, onBlob, writing); err != nil {
			return err
		}
	}
	if r.kind != azureblob.BlockBlob || strings.HasPrefix(string(tier), "P") {
		return fail(azureblob.AccessTierNotSupportedForBlobType)
	}
	now := r.tier.at(x.now)
	switch {
	case now.target != "" && now.target != tier:
		return fail(azureblob.BlobBeingRehydrated)
	case now.target != "":
		if priority == azureblob.RehydrateHigh && now.priority != priority {
			now.priority, now.ready = priority, x.now.Add(x.rehydration(priority))
		}
		r.tier = now
		return x.answer(http.StatusAccepted, nil)
	case now.tier == azureblob.TierArchive && tier != azureblob.TierArchive:
		if priority == "" {
			priority = azureblob.RehydrateStandard
		}
		r.tier = tiering{tier: azureblob.TierArchive, changed: now.changed, target: tier, priority: priority, ready: x.now.Add(x.rehydration(priority))}
		return x.answer(http.StatusAccepted, nil)
	}
	r.tier = tiering{tier: tier, changed: x.now}
	return x.answer(http.StatusOK, nil)
}

// rehydration is how long a blob takes to come out of the archive.
func (x *exchange) rehydration(priority azureblob.RehydratePriority) time.Duration {
	switch {
	case x.server.options.Rehydration > 0:
		return x.server.options.Rehydration
	case priority == azureblob.RehydrateHigh:
		return rehydrationHigh
	}
	return rehydrationStandard
}
