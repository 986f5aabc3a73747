package blobtest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

func init() {
	// To break a lease, the right to delete is enough: it is what waits for that.
	lease, breakBlob := writeBlob, access{permissions: "wd", resource: 'o'}
	handle(rest.AcquireBlobLease, endpoint{run: leasing(acquireLease), needs: lease})
	handle(rest.RenewBlobLease, endpoint{run: leasing(renewLease), needs: lease})
	handle(rest.ChangeBlobLease, endpoint{run: leasing(changeLease), needs: lease})
	handle(rest.ReleaseBlobLease, endpoint{run: leasing(releaseLease), needs: lease})
	handle(rest.BreakBlobLease, endpoint{run: leasing(breakLease), needs: breakBlob})

	lease = writeContainer
	breakContainer := access{permissions: "wd", resource: 'c'}
	handle(rest.AcquireContainerLease, endpoint{run: leasing(acquireLease), needs: lease})
	handle(rest.RenewContainerLease, endpoint{run: leasing(renewLease), needs: lease})
	handle(rest.ChangeContainerLease, endpoint{run: leasing(changeLease), needs: lease})
	handle(rest.ReleaseContainerLease, endpoint{run: leasing(releaseLease), needs: lease})
	handle(rest.BreakContainerLease, endpoint{run: leasing(breakLease), needs: breakContainer})
}

// lease is the lease of a blob or a container. The zero value is none. Its
// state follows from the time, so nothing has to run for it to expire.
type lease struct {
	id       string
	duration time.Duration // negative for an infinite one
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
	id := x.guid("x-ms-lease-id")
	if err := x.invalid(); err != nil {
		return err
	}
	state := l.state(x.now)
	switch {
	case id == "" && how == writing && l.held(x.now):
		return fail(azureblob.LeaseIDMissing)
	case id == "":
		return nil
	case state == azureblob.LeaseAvailable:
		return fail(missing)
	case !l.is(id) && !l.held(x.now):
		return fail(missing)
	case !l.is(id):
		return fail(mismatch)
	case !l.held(x.now):
		return fail(azureblob.LeaseLost)
	}
	return nil
}

// is reports whether the lease has that ID. There is none without one.
func (l *lease) is(id string) bool { return id != "" && bareGUID(l.id) == bareGUID(id) }

// bareGUID is a GUID without what its forms differ in: the case, the hyphens
// and what is around it. It is "" for what is none.
func bareGUID(s string) string {
	if len(s) == 38 && (s[0] == '{' && s[37] == '}' || s[0] == '(' && s[37] == ')') {
		s = s[1:37]
		if s[8] != '-' {
			return ""
		}
	}
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	if len(s) != 32 || strings.Trim(s, "0123456789abcdefABCDEF") != "" {
		return ""
	}
	return strings.ToLower(s)
}

// guid is a header that is a GUID, or "".
func (x *exchange) guid(name string) string {
	text := x.params.text(name)
	if text != "" && bareGUID(text) == "" {
		x.wrong(invalidHeader(name, text))
		return ""
	}
	return text
}

// leaseInfo is what answers to operations on leases tell.
type leaseInfo struct {
	ETag         azcore.ETag `response:"ETag"`
	LastModified time.Time   `response:"Last-Modified"`
	ID           string      `response:"x-ms-lease-id"`
}

// leasing makes an operation, on a blob or a container, of what it does to the
// lease. That gives the lease as it is to be and the status of the answer; it
// takes its parameters first, and looks at the lease only if there are no
// mistakes in them. The ETag stays, as a lease is no change of what it is on.
func leasing(action func(x *exchange, l lease) (lease, int, error)) func(*exchange) error {
	return func(x *exchange) error {
		l, info, err := x.findLease()
		if err != nil {
			return err
		}
		next, status, err := action(x, *l)
		if err != nil {
			return err
		}
		*l = next
		if status == http.StatusAccepted {
			x.set("x-ms-lease-time", strconv.Itoa(secondsUntil(next.breaks, x.now)))
		} else {
			info.ID = next.id
		}
		return x.answer(status, info)
	}
}

// findLease is the lease of the resource that the request names, whose
// conditions it checks.
func (x *exchange) findLease() (*lease, leaseInfo, error) {
	if x.level == wire.Container {
		c, err := x.findContainer()
		if err != nil {
			return nil, leaseInfo{}, err
		}
		return &c.lease, leaseInfo{ETag: c.etag, LastModified: c.modified}, x.checkDates(c.modified)
	}
	b, r, err := x.findBlob()
	if err != nil {
		return nil, leaseInfo{}, err
	}
	if r.copied.pending != nil {
		return nil, leaseInfo{}, fail(azureblob.PendingCopyOperation)
	}
	return &b.lease, leaseInfo{ETag: r.etag, LastModified: r.modified}, x.checkWrite(r)
}

// secondsUntil counts a second that has begun as one.
func secondsUntil(t, now time.Time) int {
	return int(max(0, t.Sub(now)+time.Second-1) / time.Second)
}

// begin starts the term of the lease.
func (l lease) begin(now time.Time) lease {
	l.breaks, l.expires = time.Time{}, time.Time{}
	if l.duration >= 0 {
		l.expires = now.Add(l.duration)
	}
	return l
}

func acquireLease(x *exchange, l lease) (lease, int, error) {
	id := x.guid("x-ms-proposed-lease-id")
	text := x.params.need("x-ms-lease-duration")
	seconds := x.params.number("x-ms-lease-duration", -1, -1)
	if seconds != -1 && (seconds < 15 || seconds > 60) {
		x.wrong(invalidHeader("x-ms-lease-duration", text))
	}
	if err := x.invalid(); err != nil {
		return l, 0, err
	}
	state := l.state(x.now)
	switch {
	case state == azureblob.LeaseBreaking && l.is(id):
		return l, 0, fail(azureblob.LeaseIsBreakingAndCannotBeAcquired)
	case state == azureblob.LeaseBreaking, state == azureblob.LeaseLeased && !l.is(id):
		return l, 0, fail(azureblob.LeaseAlreadyPresent)
	}
	if id == "" {
		id = newRequestID()
	}
	next := lease{id: id, duration: time.Duration(seconds) * time.Second}
	return next.begin(x.now), http.StatusCreated, nil
}

// theLease is the header that says which lease the operation is about.
func (x *exchange) theLease() string {
	x.params.need("x-ms-lease-id")
	return x.guid("x-ms-lease-id")
}

func renewLease(x *exchange, l lease) (lease, int, error) {
	id := x.theLease()
	if err := x.invalid(); err != nil {
		return l, 0, err
	}
	state := l.state(x.now)
	switch {
	case !l.is(id):
		return l, 0, fail(azureblob.LeaseIDMismatchWithLeaseOperation)
	case state == azureblob.LeaseBreaking || state == azureblob.LeaseBroken:
		return l, 0, fail(azureblob.LeaseIsBrokenAndCannotBeRenewed)
	}
	return l.begin(x.now), http.StatusOK, nil
}

// changeLease succeeds a second time too, when the lease has its new ID.
func changeLease(x *exchange, l lease) (lease, int, error) {
	id := x.theLease()
	x.params.need("x-ms-proposed-lease-id")
	next := x.guid("x-ms-proposed-lease-id")
	if err := x.invalid(); err != nil {
		return l, 0, err
	}
	switch {
	case !l.held(x.now):
		return l, 0, fail(azureblob.LeaseNotPresentWithLeaseOperation)
	case !l.is(id) && !l.is(next):
		return l, 0, fail(azureblob.LeaseIDMismatchWithLeaseOperation)
	case l.state(x.now) == azureblob.LeaseBreaking:
		return l, 0, fail(azureblob.LeaseIsBreakingAndCannotBeChanged)
	}
	l.id = next
	return l, http.StatusOK, nil
}

func releaseLease(x *exchange, l lease) (lease, int, error) {
	id := x.theLease()
	if err := x.invalid(); err != nil {
		return l, 0, err
	}
	if !l.is(id) {
		return l, 0, fail(azureblob.LeaseIDMismatchWithLeaseOperation)
	}
	return lease{}, http.StatusOK, nil
}

// breakLease needs no ID. The lease ends after the period of the request, but
// never later than it would anyway; one that has ended is broken at once.
func breakLease(x *exchange, l lease) (lease, int, error) {
	text := x.params.text("x-ms-lease-break-period")
	seconds := x.params.number("x-ms-lease-break-period", 0, 0)
	if seconds > 60 {
		x.wrong(invalidHeader("x-ms-lease-break-period", text))
	}
	if err := x.invalid(); err != nil {
		return l, 0, err
	}
	end := x.now
	switch l.state(x.now) {
	case azureblob.LeaseAvailable:
		return l, 0, fail(azureblob.LeaseNotPresentWithLeaseOperation)
	case azureblob.LeaseLeased:
		end = l.expires
	case azureblob.LeaseBreaking:
		end = l.breaks
	}
	asked := x.now.Add(time.Duration(seconds) * time.Second)
	switch infinite := end.IsZero(); {
	case infinite, text != "" && asked.Before(end):
		end = asked
	}
	l.breaks = end
	return l, http.StatusAccepted, nil
}
