package azureblob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// BlobLeaseClient is a lease on a blob or a container: the right to write to it
// or delete it while nobody else can, for a time or until it is given back. Make
// it with [BlobClient.Lease] or [ContainerClient.Lease]; nothing is leased before
// [BlobLeaseClient.Acquire]. The holder names the lease in the LeaseID of
// conditions.
//
//	lease := blob.Lease("")
//	if _, err := lease.Acquire(ctx, 30*time.Second, nil); err != nil {
//		return err
//	}
//	defer lease.Release(context.WithoutCancel(ctx), nil)
//	ctx, stop := lease.KeepAlive(ctx, nil)
//	defer stop()
//	// ctx ends when the lease does
//
// It is safe for concurrent use.
type BlobLeaseClient struct {
	handle
	mu      sync.Mutex
	id      string
	next    string        // the id that a Change under way is to give it
	term    leaseTerm     // as far as this client knows
	changed chan struct{} // closed when the term changes
}

func newLease(h handle, id string) *BlobLeaseClient {
	if id == "" {
		id = newUUID()
	}
	return &BlobLeaseClient{handle: h, id: id, changed: make(chan struct{})}
}

// ID returns the lease id, for the LeaseID of conditions. If the client was made
// without one, it is a random one, which the lease is to get.
func (l *BlobLeaseClient) ID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id
}

// LeaseForever is the duration of a lease that does not end by itself.
const LeaseForever time.Duration = -1

// LeaseConditions make an operation on a lease depend on the state that the
// blob or container is in. A container takes the two dates only.
type LeaseConditions struct {
	// IfMatch and IfNoneMatch are the ETag that the blob must have, or must not
	// have. A lease does not change it.
	IfMatch     azcore.ETag `header:"If-Match"`
	IfNoneMatch azcore.ETag `header:"If-None-Match"`

	// IfModifiedSince and IfUnmodifiedSince compare the time of the last change,
	// in whole seconds.
	IfModifiedSince   time.Time `header:"If-Modified-Since"`
	IfUnmodifiedSince time.Time `header:"If-Unmodified-Since"`

	// IfTags is an expression over the tags of the blob that must be true.
	IfTags TagFilter `header:"x-ms-if-tags"`
}

// LeaseOptions are the options of the methods of [BlobLeaseClient] that have no
// options of their own.
type LeaseOptions struct {
	CallOptions
	Conditions LeaseConditions
}

// LeaseResult is the result of operations on leases.
type LeaseResult struct {
	ResponseInfo
	LeaseID      string      `response:"x-ms-lease-id"` // of the lease as it is now; empty after Release
	ETag         azcore.ETag `response:"ETag"`          // of the blob or container, which the operation did not change
	LastModified time.Time   `response:"Last-Modified"`
}

// Acquire takes the lease, under the id of the client, for 15 to 60 seconds in
// whole seconds, rounded up, or for [LeaseForever]. It succeeds also if the lease
// with that id is held already, and then starts its term anew: so it can be
// repeated when an answer was lost, and it takes over a lease whose id somebody
// handed on.
//
// Errors: [LeaseAlreadyPresent] if somebody else holds a lease;
// [LeaseIsBreakingAndCannotBeAcquired]; [BlobNotFound], for there is nothing to
// lease before something was uploaded; [InvalidHeaderValue] for a duration out of
// range or an id that is no UUID, before anything is sent.
//
// REST: Lease Blob, Lease Container.
func (l *BlobLeaseClient) Acquire(ctx context.Context, duration time.Duration, o *LeaseOptions) (LeaseResult, error) {
	op := l.either(rest.AcquireBlobLease, rest.AcquireContainerLease)
	seconds := int((duration + time.Second - 1) / time.Second)
	if duration == LeaseForever {
		seconds = -1
	} else if duration < 15*time.Second || duration > time.Minute {
		return LeaseResult{}, l.refuseAs(op, InvalidHeaderValue, fmt.Errorf("the duration %v is not 15 s to 60 s, nor LeaseForever", duration))
	}
	r, sent, err := l.operate(ctx, op, o, leaseHeaders{Proposed: l.ID(), Duration: seconds})
	if err == nil {
		l.begin(leaseTerm{sent.last, duration})
	}
	return r, err
}

// Renew starts the term of the lease anew, with the duration that it was
// acquired with. A lease that has ended can be renewed as long as nobody has
// changed or leased the blob since.
//
// Errors: [LeaseIDMismatchWithLeaseOperation] if somebody else has it, or nobody
// does; [LeaseIsBrokenAndCannotBeRenewed].
//
// REST: Lease Blob, Lease Container.
func (l *BlobLeaseClient) Renew(ctx context.Context, o *LeaseOptions) (LeaseResult, error) {
	return l.renew(ctx, l.ID(), o)
}

func (l *BlobLeaseClient) renew(ctx context.Context, id string, o *LeaseOptions) (LeaseResult, error) {
	r, sent, err := l.operate(ctx, l.either(rest.RenewBlobLease, rest.RenewContainerLease), o, leaseHeaders{ID: id})
	if err == nil {
		l.extend(sent.last)
	}
	return r, err
}

// Change gives the lease another id, a UUID, so that who knew the old one no
// longer holds it; an empty one stands for a random one. ID returns the new one
// when Change has succeeded. When it failed without an answer, whether the lease
// has the new id is not known: call it again with the same one, which succeeds
// in both cases. The term of the lease stays as it is.
//
// Errors: [LeaseIDMismatchWithLeaseOperation]; [LeaseNotPresentWithLeaseOperation];
// [LeaseIsBreakingAndCannotBeChanged]; [InvalidHeaderValue] for an id that is no
// UUID, before anything is sent.
//
// REST: Lease Blob, Lease Container.
func (l *BlobLeaseClient) Change(ctx context.Context, newID string, o *LeaseOptions) (LeaseResult, error) {
	if newID == "" {
		newID = newUUID()
	}
	l.mu.Lock()
	id := l.id
	l.next = newID
	l.mu.Unlock()
	r, _, err := l.operate(ctx, l.either(rest.ChangeBlobLease, rest.ChangeContainerLease), o, leaseHeaders{ID: id, Proposed: newID})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = ""
	if err == nil {
		l.id = newID
	}
	return r, err
}

// Release gives the lease back, so that others can have one at once. It ends the
// contexts of [BlobLeaseClient.KeepAlive].
//
// Errors: [LeaseIDMismatchWithLeaseOperation] if the lease is not held any more.
//
// REST: Lease Blob, Lease Container.
func (l *BlobLeaseClient) Release(ctx context.Context, o *LeaseOptions) (LeaseResult, error) {
	r, _, err := l.operate(ctx, l.either(rest.ReleaseBlobLease, rest.ReleaseContainerLease), o, leaseHeaders{ID: l.ID()})
	if err == nil {
		l.begin(leaseTerm{})
	}
	return r, err
}

// BreakLeaseOptions are the options of [BlobLeaseClient.Break].
type BreakLeaseOptions struct {
	CallOptions
	Conditions LeaseConditions

	// Period is how long the lease goes on, from 0 to 60 seconds in whole
	// seconds, rounded up; it never goes on for longer than it would have.
	// Default nil, which is until its end, or not at all if that is never.
	Period *time.Duration `header:"x-ms-lease-break-period,seconds"`
}

// BreakLeaseResult is the result of [BlobLeaseClient.Break].
type BreakLeaseResult struct {
	ResponseInfo
	Remaining    time.Duration `response:"x-ms-lease-time,seconds"` // until the lease is over and another one can be acquired
	ETag         azcore.ETag   `response:"ETag"`                    // of the blob or container, which the operation did not change
	LastModified time.Time     `response:"Last-Modified"`
}

// Break ends the lease that there is, whoever holds it and whatever its id: the
// id of the client is not sent. It cannot be renewed any more and is over after
// [BreakLeaseResult.Remaining]. A call whose answer got lost is not repeated, since
// there may be another lease by then.
//
// Errors: [LeaseNotPresentWithLeaseOperation] if there is none;
// [InvalidHeaderValue] for a period out of range, before anything is sent.
//
// REST: Lease Blob, Lease Container.
func (l *BlobLeaseClient) Break(ctx context.Context, o *BreakLeaseOptions) (BreakLeaseResult, error) {
	op := l.either(rest.BreakBlobLease, rest.BreakContainerLease)
	if o == nil {
		o = &BreakLeaseOptions{}
	}
	if o.Period != nil && (*o.Period < 0 || *o.Period > time.Minute) {
		return BreakLeaseResult{}, l.refuseAs(op, InvalidHeaderValue, fmt.Errorf("the break period %v is not 0 to 60 s", *o.Period))
	}
	if err := l.checkConditions(op, o.Conditions); err != nil {
		return BreakLeaseResult{}, err
	}
	r, err := call[BreakLeaseResult](ctx, &l.handle, op, nil, o)
	if err == nil {
		l.begin(leaseTerm{})
	}
	return r, err
}

// leaseHeaders are what operations on leases ask for beside their options.
type leaseHeaders struct {
	ID       string `header:"x-ms-lease-id"`
	Proposed string `header:"x-ms-proposed-lease-id"`
	Duration int    `header:"x-ms-lease-duration"` // in seconds; -1 for ever
}

// either is the operation for what the lease is on.
func (l *BlobLeaseClient) either(onBlob, onContainer *wire.Operation) *wire.Operation {
	if l.blob == "" {
		return onContainer
	}
	return onBlob
}

// leaseID is the form of the ids that the service takes: a UUID, with or without
// hyphens and brackets.
var leaseID = regexp.MustCompile(`(?i)^[{(]?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}[)}]?$`)

// operate carries an operation out, and tells of its tries.
func (l *BlobLeaseClient) operate(ctx context.Context, op *wire.Operation, o *LeaseOptions, h leaseHeaders) (LeaseResult, tries, error) {
	var own LeaseOptions
	if o != nil {
		own = *o
	}
	if err := l.checkConditions(op, own.Conditions); err != nil {
		return LeaseResult{}, tries{}, err
	}
	for _, id := range []string{h.ID, h.Proposed} {
		if id != "" && !leaseID.MatchString(id) {
			return LeaseResult{}, tries{}, l.refuseAs(op, InvalidHeaderValue, errors.New("the lease id is no UUID"))
		}
	}
	var sent tries
	sent.watch(&own.CallOptions)
	r, err := resolved[LeaseResult](ctx, &l.handle, op, l.released, h, &own)
	return r, sent, err
}

// released is the look of operations on leases: a lease that is not held any more
// was released. The others can be repeated, and are not refused because of that.
func (l *BlobLeaseClient) released(ctx context.Context, d *doubt) (ResponseInfo, link.Outcome, error) {
	if d.op != l.either(rest.ReleaseBlobLease, rest.ReleaseContainerLease) {
		return ResponseInfo{}, link.Unclear, nil
	}
	return gone(LeaseIDMismatchWithLeaseOperation)(ctx, d)
}

// checkConditions refuses what a lease of a container does not take.
func (l *BlobLeaseClient) checkConditions(op *wire.Operation, c LeaseConditions) error {
	if l.blob == "" && (c.IfMatch != "" || c.IfNoneMatch != "" || c.IfTags != "") {
		return l.refuseAs(op, ConditionHeadersNotSupported, errors.New("the lease of a container takes no conditions but IfModifiedSince and IfUnmodifiedSince"))
	}
	return nil
}

// tries takes note of the tries of a call.
type tries struct {
	tries int
	last  time.Time // just before the last one was sent
}

// watch makes a call tell of its tries.
func (t *tries) watch(o *CallOptions) {
	hook := o.OnRequest
	o.OnRequest = func(req *http.Request) {
		t.tries, t.last = t.tries+1, time.Now()
		if hook != nil {
			hook(req)
		}
	}
}

// newUUID returns a random UUID, version 4. Lease ids guard writes, so it is
// made from the system's source of randomness.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return formatUUID(b)
}

func formatUUID(b [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
