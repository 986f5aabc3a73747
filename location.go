package azureblob

import "fmt"

// LocationMode says which region of a geo-redundant account is asked for reads.
// Writes always go to the primary region. The secondary is a copy that lags
// behind, by minutes at times, and can be read in accounts with read access to it
// (RA-GRS, RA-GZRS). What has to know of the last write asks the primary region
// whatever the mode: copies of their source and their end, uploads of their
// conditions, and an append writer of its blob.
type LocationMode uint8

// The modes.
const (
	// PrimaryOnly asks the primary region alone.
	PrimaryOnly LocationMode = iota

	// PrimaryThenSecondary asks the primary region first. Repetitions go to the
	// two by turns. What the secondary does not have is asked of the primary.
	PrimaryThenSecondary

	// SecondaryOnly asks the secondary region alone.
	SecondaryOnly
)

func (m *LocationMode) check() error {
	if m != nil && *m > SecondaryOnly {
		return fmt.Errorf("LocationMode %d is none", *m)
	}
	return nil
}

// atPrimary are the options of a read that has to know of the last write: what
// the secondary region says of it would be taken for what became of it.
func (o CallOptions) atPrimary() CallOptions {
	o.LocationMode = new(PrimaryOnly)
	return o
}
