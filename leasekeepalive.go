package azureblob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// ErrLeaseLost is wrapped by the causes of contexts of [BlobLeaseClient.KeepAlive]
// that ended because the lease did.
var ErrLeaseLost = errors.New("the lease is lost")

// KeepAliveOptions are the options of [BlobLeaseClient.KeepAlive].
type KeepAliveOptions struct {
	CallOptions // of the renewals
}

// KeepAlive renews the lease in the background, every third of its duration, and
// returns a context that lives as long as the lease does. Work that must not be
// done without the lease is done with that context. It ends
//
//   - when the lease is lost: somebody broke it, deleted the blob, or it has
//     another holder;
//   - at the end of its term, if it could not be renewed in time, however often
//     that was tried;
//   - when it was released or broken through this client;
//   - with its parent, or when the function that comes with it is called, which
//     stops the renewals and has to be called in any case. It does not release
//     the lease.
//
// In the first three cases [context.Cause] is an [*Error] that says what happened,
// and errors.Is(cause, azureblob.ErrLeaseLost).
//
// The client has to have acquired the lease, as it does not know its duration
// otherwise; Acquire takes over a lease of the same id. Without that the context
// has ended when it is returned, and its cause is an fs.ErrInvalid.
//
// The term is counted from before the request that began it was sent, so by the
// clocks of this machine it is over before it is for the service. A program that
// was stopped for longer than the term, by a debugger or a sleeping machine, finds
// the context ended within a second of its going on; what it does before that,
// and what is under way, it may do without the lease. Only the LeaseID of
// conditions guards a write for certain.
//
// A lease for ever is renewed every 20 seconds to find out if somebody broke it,
// and goes on while the service cannot be reached.
//
// REST: Lease Blob, Lease Container.
func (l *BlobLeaseClient) KeepAlive(ctx context.Context, o *KeepAliveOptions) (context.Context, context.CancelFunc) {
	k := &keeper{lease: l, op: l.either(rest.RenewBlobLease, rest.RenewContainerLease)}
	err := k.check(ctx, o)
	if ctx == nil {
		ctx = context.Background()
	}
	k.held, k.end = context.WithCancelCause(ctx)
	switch term, _ := l.current(); {
	case err != nil:
		k.end(err)
	case term.left(time.Now()) <= 0:
		k.expired(term)
	default:
		go k.run()
	}
	return k.held, func() { k.end(nil) }
}

// leaseTerm is the term of a lease, as a client knows it. The zero value is that
// of no lease.
type leaseTerm struct {
	start    time.Time // before the request that began it was sent
	duration time.Duration
}

// span is the duration, or one to reckon with if that is for ever.
func (t leaseTerm) span() time.Duration {
	if t.duration == LeaseForever {
		return time.Minute
	}
	return t.duration
}

// left is how much of the term is left. The monotonic clock does not count the
// time that the machine sleeps, and the other one can be set back, so the one
// that is further counts.
func (t leaseTerm) left(now time.Time) time.Duration {
	if t.duration == LeaseForever {
		return t.span()
	}
	end := t.start.Add(t.duration)
	return min(end.Sub(now), end.Round(0).Sub(now.Round(0)))
}

// current is the term, and a channel that is closed when it changes.
func (l *BlobLeaseClient) current() (leaseTerm, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term, l.changed
}

// begin sets the term.
func (l *BlobLeaseClient) begin(t leaseTerm) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setTerm(t)
}

// extend starts the term anew, if there is one and it did not start later: a
// renewal can be answered after the lease was released or acquired again.
func (l *BlobLeaseClient) extend(start time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.term.duration != 0 && start.After(l.term.start) {
		l.setTerm(leaseTerm{start, l.term.duration})
	}
}

func (l *BlobLeaseClient) setTerm(t leaseTerm) {
	l.term = t
	close(l.changed)
	l.changed = make(chan struct{})
}

// renamed reports whether the lease may have another id than id by now.
func (l *BlobLeaseClient) renamed(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id != id || l.next != ""
}

// keeper renews a lease for one context.
type keeper struct {
	lease   *BlobLeaseClient
	op      *wire.Operation
	options LeaseOptions
	held    context.Context
	end     context.CancelCauseFunc
	failure error // of the last renewal
}

// renewal is how a try to renew a lease ended.
type renewal struct {
	began time.Time
	id    string
	err   error
}

// check refuses what cannot be kept alive, and takes the options.
func (k *keeper) check(ctx context.Context, o *KeepAliveOptions) error {
	if o != nil {
		k.options.CallOptions = o.CallOptions
	}
	if err := k.lease.checkAll(ctx, k.op, &k.options); err != nil {
		return err
	}
	k.options.Retry = &RetryOptions{Total: -1}
	if term, _ := k.lease.current(); term.duration == 0 {
		return k.lease.refuse(k.op, errors.New("this client has not acquired the lease, and does not know its duration"))
	}
	return nil
}

func (k *keeper) run() {
	var renewing <-chan renewal // nil if no renewal is under way
	var retry time.Time         // not before that; zero after a success
	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		term, changed := k.lease.current()
		now := time.Now()
		left := term.left(now)
		if term.duration == 0 || left <= 0 {
			k.expired(term)
			return
		}
		next := term.start.Add(term.span() / 3)
		if retry.After(next) {
			next = retry
		}
		if renewing == nil && !next.After(now) {
			renewing = k.renew(left)
		}
		// At least once a second the clock is looked at, for the timer does not
		// count the time that the machine sleeps.
		wait := min(time.Second, left)
		if renewing == nil {
			wait = min(wait, next.Sub(now))
		}
		wake.Reset(wait)
		select {
		case <-k.held.Done():
			return
		case <-changed:
		case <-wake.C:
		case r := <-renewing:
			renewing = nil
			k.failure = r.err
			if r.err != nil && k.lost(r) {
				return
			}
			retry = time.Time{}
			if r.err != nil {
				retry = r.began.Add(term.span() / 15)
			}
		}
	}
}

// renew begins a renewal. It has most of the time that is left: enough for a slow
// answer, and not all of it, for the connection may be dead and another one not.
// It is one request, since the keeper itself is what repeats it.
func (k *keeper) renew(left time.Duration) <-chan renewal {
	done := make(chan renewal, 1)
	began, id := time.Now(), k.lease.ID()
	go func() {
		ctx, cancel := context.WithTimeout(k.held, left*3/4)
		defer cancel()
		_, err := k.lease.renew(ctx, id, &k.options)
		done <- renewal{began, id, err}
	}()
	return done
}

// lost ends the context if the service said that there is no such lease any more.
// All other failures may pass.
func (k *keeper) lost(r renewal) bool {
	e, ok := errors.AsType[*Error](r.err)
	if !ok || e.StatusCode != 404 && e.StatusCode != 409 && e.StatusCode != 412 {
		return false
	}
	if e.Code == LeaseIDMismatchWithLeaseOperation && k.lease.renamed(r.id) {
		return false
	}
	e.err = fmt.Errorf("%w: %w", ErrLeaseLost, e.err)
	k.end(e)
	return true
}

// expired ends the context because of what this client knows by itself.
func (k *keeper) expired(t leaseTerm) {
	err := fmt.Errorf("%w: it was released or broken through its client", ErrLeaseLost)
	switch {
	case t.duration != 0 && k.failure != nil:
		err = fmt.Errorf("%w: it was not renewed in time: %w", ErrLeaseLost, k.failure)
	case t.duration != 0:
		err = fmt.Errorf("%w: it was not renewed in time", ErrLeaseLost)
	}
	k.end(k.lease.errorOf(k.op, err))
}
