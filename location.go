package azureblob

import "fmt"

// LocationMode says which region of a geo-redundant account is asked for reads:
// what is a GET or HEAD request. Writes always go to the primary region. The
// secondary is a copy that lags behind, by minutes at times, and can be read in
// accounts with read access to it (RA-GRS, RA-GZRS). What has to know of the last write asks the primary region
// whatever the mode: copies of their source and their end, uploads of their
// conditions, and an append writer of its blob. [ResponseInfo.Secondary] tells
// which region has answered.
//
// A transfer is pinned to the state of the blob that its first answer is of. One
// that began in the secondary region goes on there, since the primary may have
// another state by now. So do the pages of a list, which wait no more for a region
// that is in trouble.
type LocationMode uint8

// The modes.
const (
	// PrimaryOnly asks the primary region alone.
	PrimaryOnly LocationMode = iota

	// PrimaryThenSecondary asks the primary region first. Repetitions go to the
	// two by turns, and so does what is left of an answer that broke off. What the secondary refuses, since it does not have it yet, is
	// asked of the primary at once, and the secondary is left out of the call then.
	PrimaryThenSecondary

	// SecondaryOnly asks the secondary region alone.
	SecondaryOnly

	// SecondaryThenPrimary is PrimaryThenSecondary with the secondary asked first,
	// for readers that are nearer to it.
	SecondaryThenPrimary
)

// follow makes the requests of a transfer or a list begin in the region that an
// answer before came from, if they may go to both.
func (h *handle) follow(o *CallOptions, secondary bool) {
	mode := LocationMode(h.locations.Mode)
	if o.LocationMode != nil {
		mode = *o.LocationMode
	}
	switch {
	case mode == PrimaryThenSecondary && secondary:
		o.LocationMode = new(SecondaryThenPrimary)
	case mode == SecondaryThenPrimary && !secondary:
		o.LocationMode = new(PrimaryThenSecondary)
	}
}

func (m *LocationMode) check() error {
	if m != nil && *m > SecondaryThenPrimary {
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
