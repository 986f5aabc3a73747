package blobtest

import (
	"strings"
	"time"

	"github.com/goblob/azureblob"
)

// lease is the lease of a blob or a container. The zero value is none. Its
// state follows from the time, so nothing has to run for it to expire.
type lease struct {
	id       string
	duration time.Duration // -1 for an infinite one
	expires  time.Time     // zero for an infinite one
	breaks   time.Time     // when it is or was broken; zero if nobody broke it
}

// state is the state of the lease at a time.
func (l *lease) state(now time.Time) azureblob.LeaseState {
	switch {
	case l.id == "":
		return azureblob.LeaseAvailable
	case !l.breaks.IsZero() && now.Before(l.breaks):
		return azureblob.LeaseBreaking
	case !l.breaks.IsZero():
		return azureblob.LeaseBroken
	case l.expires.IsZero() || now.Before(l.expires):
		return azureblob.LeaseLeased
	}
	return azureblob.LeaseExpired
}

// held reports whether the lease keeps others out.
func (l *lease) held(now time.Time) bool {
	s := l.state(now)
	return s == azureblob.LeaseLeased || s == azureblob.LeaseBreaking
}

// settle forgets a lease that has ended: a write was done without it.
func (l *lease) settle(now time.Time) {
	if !l.held(now) {
		*l = lease{}
	}
}

// status, kind and state as answers tell them.
func (l *lease) describe(now time.Time) (azureblob.LeaseStatus, azureblob.LeaseState, azureblob.LeaseDuration) {
	state := l.state(now)
	status, kind := azureblob.LeaseUnlocked, azureblob.LeaseDuration("")
	if l.held(now) {
		status = azureblob.LeaseLocked
	}
	if state == azureblob.LeaseLeased {
		kind = azureblob.LeaseFixed
		if l.expires.IsZero() {
			kind = azureblob.LeaseInfinite
		}
	}
	return status, state, kind
}

// leased is what a lease is on, and usage what is done to that.
type (
	leased bool
	usage  bool
)

const (
	onBlob      leased = false
	onContainer leased = true

	reading usage = false
	writing usage = true
)

// checkLease holds the lease ID of the request against a lease. Reads need
// none, but one that they name must be held.
func (x *exchange) checkLease(l *lease, on leased, how usage) error {
	missing, mismatch := azureblob.LeaseNotPresentWithBlobOperation, azureblob.LeaseIDMismatchWithBlobOperation
	if on == onContainer {
		missing, mismatch = azureblob.LeaseNotPresentWithContainerOperation, azureblob.LeaseIDMismatchWithContainerOperation
	}
	id := x.params.text("x-ms-lease-id")
	state := l.state(x.now)
	switch {
	case id == "" && how == writing && l.held(x.now):
		return fail(azureblob.LeaseIDMissing)
	case id == "":
		return nil
	case state == azureblob.LeaseAvailable:
		return fail(missing)
	case !strings.EqualFold(id, l.id):
		return fail(mismatch)
	case !l.held(x.now):
		return fail(azureblob.LeaseLost)
	}
	return nil
}
