package azureblob

import (
	"context"
	"errors"
	"time"

	"github.com/goblob/azureblob/internal/rest"
)

// GeoReplicationStatus tells how the secondary region of an account stands.
type GeoReplicationStatus string

// The statuses of the secondary region.
const (
	GeoReplicationLive        GeoReplicationStatus = "live"        // it can be read
	GeoReplicationBootstrap   GeoReplicationStatus = "bootstrap"   // the first copy is under way; it cannot be read yet
	GeoReplicationUnavailable GeoReplicationStatus = "unavailable" // it cannot be read for now
)

// StatsOptions are the options of [ServiceClient.Stats].
type StatsOptions struct {
	CallOptions
}

// StatsResult is the result of [ServiceClient.Stats].
type StatsResult struct {
	ResponseInfo
	Status GeoReplicationStatus `xml:"GeoReplication>Status"`

	// LastSyncTime is until when all writes are there to be read in the secondary
	// region. Later ones may or may not be. It is zero if that is not known.
	LastSyncTime time.Time `xml:"GeoReplication>LastSyncTime"`
}

// Stats tells how far the secondary region is behind. The secondary endpoint is
// asked, which alone knows: that of an account with read access to its secondary
// region (RA-GRS or RA-GZRS).
//
// Errors: fs.ErrInvalid if the client knows no secondary endpoint, see
// [ServiceClient.SecondaryURL]; an error of the connection if there is none.
//
// REST: Get Blob Service Stats.
func (s *ServiceClient) Stats(ctx context.Context, o *StatsOptions) (StatsResult, error) {
	h := s.handle
	if h.session != nil {
		if s.secondary == "" {
			return StatsResult{}, s.refuse(rest.GetServiceStats, errors.New("only the secondary endpoint can be asked, and there is none that is known; give it in a connection string, as BlobSecondaryEndpoint"))
		}
		h.url = s.secondary + "/"
	}
	return call[StatsResult](ctx, &h, rest.GetServiceStats, nil, o)
}
