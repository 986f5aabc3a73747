package azureblob_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// kept is a lease that is kept alive, on virtual time.
type kept struct {
	*testing.T
	srv   *blobtest.Server
	blob  *azureblob.BlobClient
	lease *azureblob.BlobLeaseClient
	start time.Time // of the lease
	held  context.Context
	stop  context.CancelFunc
}

// keepAlive runs a test with a lease of a duration.
func keepAlive(t *testing.T, duration time.Duration, test func(k *kept)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		c := srv.ServiceClient(azureblob.CapturingOptions()).Container("photos")
		must[azureblob.CreateContainerResult](t)(c.Create(t.Context(), nil))
		b := c.Blob("cat.jpg")
		must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("cat"), nil))
		k := &kept{T: t, srv: srv, blob: b, lease: b.Lease(leaseA), start: time.Now()}
		must[azureblob.LeaseResult](t)(k.lease.Acquire(t.Context(), duration, nil))
		k.held, k.stop = k.lease.KeepAlive(t.Context(), nil)
		defer k.stop()
		test(k)
	})
}

// renewals counts the renewals that the service has seen.
func (k *kept) renewals() int {
	n := 0
	for _, r := range k.srv.Requests() {
		if r.Header.Get("x-ms-lease-action") == "renew" {
			n++
		}
	}
	return n
}

// lives demands that the lease is held for a time from now on.
func (k *kept) lives(d time.Duration) {
	k.Helper()
	select {
	case <-k.held.Done():
		k.Fatalf("after %v: %v", time.Since(k.start), context.Cause(k.held))
	case <-time.After(d):
	}
	p := must[azureblob.BlobPropertiesResult](k.T)(k.blob.Properties(k.Context(), nil))
	if p.LeaseState != azureblob.LeaseLeased {
		k.Errorf("after %v the lease is %s", time.Since(k.start), p.LeaseState)
	}
}

// ends demands that the lease is lost between two times from its beginning, for
// one of the reasons.
func (k *kept) ends(from, to time.Duration, reason error) {
	k.Helper()
	select {
	case <-k.held.Done():
	case <-time.After(time.Hour):
		k.Fatal("the context does not end")
	}
	cause := context.Cause(k.held)
	if after := time.Since(k.start); after < from || after > to {
		k.Errorf("the context ended after %v and not %v to %v: %v", after, from, to, cause)
	}
	if _, ok := errors.AsType[*azureblob.Error](cause); !ok || !errors.Is(cause, azureblob.ErrLeaseLost) || !errors.Is(cause, reason) {
		k.Errorf("the cause is %v, and not ErrLeaseLost for %v", cause, reason)
	}
	if k.held.Err() != context.Canceled {
		k.Errorf("the error is %v", k.held.Err())
	}
}

func TestKeepAlive(t *testing.T) {
	keepAlive(t, 15*time.Second, func(k *kept) {
		k.lives(5*time.Minute + time.Second)
		if n := k.renewals(); n != 60 {
			k.Errorf("%d renewals in five minutes", n)
		}
		k.stop()
		if context.Cause(k.held) != context.Canceled {
			k.Errorf("stopped: %v", context.Cause(k.held))
		}
		time.Sleep(time.Minute)
		if n := k.renewals(); n != 60 {
			k.Errorf("%d renewals after the end", n-60)
		}
	})
	keepAlive(t, time.Minute, func(k *kept) {
		k.lives(10*time.Minute + time.Second)
		if n := k.renewals(); n != 30 {
			k.Errorf("%d renewals in ten minutes", n)
		}
	})
}

func TestKeepAliveParentEnds(t *testing.T) {
	keepAlive(t, 15*time.Second, func(k *kept) {
		own := errors.New("enough")
		parent, end := context.WithCancelCause(k.Context())
		held, stop := k.lease.KeepAlive(parent, nil)
		defer stop()
		time.Sleep(time.Minute + time.Second)
		end(own)
		if context.Cause(held) != own {
			k.Error(context.Cause(held))
		}
		n := k.renewals()
		k.stop()
		time.Sleep(time.Minute)
		if k.renewals() != n {
			k.Error("it is renewed after all contexts have ended")
		}
	})
}

func TestKeepAliveLost(t *testing.T) {
	mine := &azureblob.DeleteBlobOptions{Conditions: azureblob.Conditions{LeaseID: leaseA}}
	for name, tc := range map[string]struct {
		lose   func(k *kept) error
		reason error
	}{
		"broken": {func(k *kept) error {
			_, err := k.blob.Lease("").Break(k.Context(), &azureblob.BreakLeaseOptions{Period: new(time.Duration(0))})
			return err
		}, azureblob.LeaseIsBrokenAndCannotBeRenewed},
		"breaking": {func(k *kept) error {
			_, err := k.blob.Lease("").Break(k.Context(), nil)
			return err
		}, azureblob.LeaseIsBrokenAndCannotBeRenewed},
		"released by somebody else": {func(k *kept) error {
			_, err := k.blob.Lease(leaseA).Release(k.Context(), nil)
			return err
		}, azureblob.LeaseIDMismatchWithLeaseOperation},
		"released and taken": {func(k *kept) error {
			if _, err := k.blob.Lease(leaseA).Release(k.Context(), nil); err != nil {
				return err
			}
			_, err := k.blob.Lease("").Acquire(k.Context(), azureblob.LeaseForever, nil)
			return err
		}, azureblob.LeaseIDMismatchWithLeaseOperation},
		"changed by somebody else": {func(k *kept) error {
			_, err := k.blob.Lease(leaseA).Change(k.Context(), leaseB, nil)
			return err
		}, azureblob.LeaseIDMismatchWithLeaseOperation},
		"deleted": {func(k *kept) error {
			_, err := k.blob.Delete(k.Context(), mine)
			return err
		}, fs.ErrNotExist},
	} {
		for _, duration := range []time.Duration{15 * time.Second, time.Minute, azureblob.LeaseForever} {
			interval := max(duration, 0) / 3
			if interval == 0 {
				interval = 20 * time.Second
			}
			t.Run(name, func(t *testing.T) {
				keepAlive(t, duration, func(k *kept) {
					k.lives(2*interval + interval/2)
					if err := tc.lose(k); err != nil {
						k.Fatal(err)
					}
					k.ends(3*interval, 3*interval, tc.reason)
				})
			})
		}
	}
}

// TestKeepAliveEndedByItsClient ends leases through the client that keeps them:
// the context does not wait for the next renewal.
func TestKeepAliveEndedByItsClient(t *testing.T) {
	keepAlive(t, time.Minute, func(k *kept) {
		k.lives(7 * time.Second)
		must[azureblob.LeaseResult](k.T)(k.lease.Release(k.Context(), nil))
		k.ends(7*time.Second, 7*time.Second, azureblob.ErrLeaseLost)
	})
	keepAlive(t, azureblob.LeaseForever, func(k *kept) {
		must[azureblob.BreakLeaseResult](k.T)(k.lease.Break(k.Context(), nil))
		k.ends(0, 0, azureblob.ErrLeaseLost)
		must[azureblob.LeaseResult](k.T)(k.lease.Acquire(k.Context(), time.Minute, nil))
		held, stop := k.lease.KeepAlive(k.Context(), nil)
		defer stop()
		if time.Sleep(time.Hour); held.Err() != nil {
			k.Error(context.Cause(held))
		}
	})
}

// TestKeepAliveOutOfReach cuts the service off. The lease is over when its last
// term is, counted from before the renewal that began it was sent.
func TestKeepAliveOutOfReach(t *testing.T) {
	for name, fault := range map[string]blobtest.Fault{
		"reset":          {Reset: true, At: blobtest.BeforeRequest},
		"lost answers":   {Reset: true, At: blobtest.AfterOperation},
		"busy":           {Status: 503, Code: "ServerBusy", RetryAfter: time.Minute},
		"failing":        {Status: 500, Code: "InternalError"},
		"no permission":  {Status: 403, Code: "AuthorizationFailure"},
		"stalled":        {Delay: -1},
		"answered never": {Delay: -1, At: blobtest.AfterOperation},
	} {
		t.Run(name, func(t *testing.T) {
			keepAlive(t, 15*time.Second, func(k *kept) {
				k.lives(11 * time.Second) // renewed after 5 s and 10 s
				fault.Operation, fault.Times = "Lease Blob", -1
				injected := k.srv.Inject(fault)
				reason := error(azureblob.ErrLeaseLost)
				switch {
				case fault.Reset:
					reason = syscall.ECONNRESET
				case fault.Delay != 0:
					reason = context.DeadlineExceeded
				case fault.Status != 0:
					reason = azureblob.ErrorCode(fault.Code)
				}
				k.ends(25*time.Second, 25*time.Second, reason)
				if n := injected.Fired(); n < 3 {
					k.Errorf("it was tried %d times only", n)
				}
			})
			keepAlive(t, 15*time.Second, func(k *kept) {
				k.lives(11 * time.Second)
				fault.Operation, fault.Times = "Lease Blob", -1
				injected := k.srv.Inject(fault)
				if fault.Delay == 0 {
					k.lives(12500 * time.Millisecond) // until just before its end
				} else {
					k.lives(11 * time.Second) // until the first try has been given up
				}
				injected.Remove()
				k.lives(time.Minute)
			})
		})
	}
	keepAlive(t, azureblob.LeaseForever, func(k *kept) {
		injected := k.srv.Inject(blobtest.Fault{Operation: "Lease Blob", Times: -1, Reset: true})
		k.lives(30 * time.Minute)
		injected.Remove()
		must[azureblob.BreakLeaseResult](k.T)(k.blob.Lease("").Break(k.Context(), nil))
		k.ends(30*time.Minute, 30*time.Minute+20*time.Second, azureblob.LeaseIsBrokenAndCannotBeRenewed)
	})
}

// TestKeepAliveSlowAnswers has all renewals answered late, by a service that
// carries them out at once, or late.
func TestKeepAliveSlowAnswers(t *testing.T) {
	for _, at := range []blobtest.Point{blobtest.BeforeRequest, blobtest.AfterOperation} {
		keepAlive(t, 15*time.Second, func(k *kept) {
			k.srv.Inject(blobtest.Fault{Operation: "Lease Blob", Times: -1, Delay: 6 * time.Second, At: at})
			k.lives(10 * time.Minute)
			if n := k.renewals(); n > 101 {
				k.Errorf("%d renewals in ten minutes: their answers were not late", n)
			}
		})
	}
	keepAlive(t, 15*time.Second, func(k *kept) {
		k.srv.Inject(blobtest.Fault{Operation: "Lease Blob", Times: -1, Delay: 9 * time.Second})
		k.ends(15*time.Second, 15*time.Second, context.DeadlineExceeded)
	})
}

// TestKeepAliveCountsFromTheRequest has a renewal answered 6 s after it was sent
// and never again: the term began when it was sent.
func TestKeepAliveCountsFromTheRequest(t *testing.T) {
	keepAlive(t, 15*time.Second, func(k *kept) {
		k.srv.Inject(blobtest.Fault{Operation: "Lease Blob", Delay: 6 * time.Second, At: blobtest.AfterOperation})
		k.srv.Inject(blobtest.Fault{Operation: "Lease Blob", Nth: 2, Times: -1, Reset: true})
		k.ends(20*time.Second, 20*time.Second, syscall.ECONNRESET)
	})
}

// TestKeepAliveCountsFromAcquire is the same for the first term.
func TestKeepAliveCountsFromAcquire(t *testing.T) {
	keepAlive(t, 15*time.Second, func(k *kept) {
		k.stop()
		k.srv.Inject(blobtest.Fault{Operation: "Lease Blob", Delay: 6 * time.Second, At: blobtest.AfterOperation})
		k.srv.Inject(blobtest.Fault{Operation: "Lease Blob", Nth: 2, Times: -1, Reset: true})
		must[azureblob.LeaseResult](k.T)(k.lease.Acquire(k.Context(), 15*time.Second, nil))
		k.held, k.stop = k.lease.KeepAlive(k.Context(), nil)
		k.ends(15*time.Second, 15*time.Second, syscall.ECONNRESET)
	})
}

// TestKeepAliveOverslept begins to keep a lease alive after its term, as a
// program does that was stopped: the lease may have been somebody else's since,
// so it is not renewed.
func TestKeepAliveOverslept(t *testing.T) {
	keepAlive(t, 15*time.Second, func(k *kept) {
		k.stop()
		time.Sleep(15 * time.Second)
		n := k.renewals()
		k.held, k.stop = k.lease.KeepAlive(k.Context(), nil)
		if k.held.Err() == nil {
			k.Error("the context has not ended at once")
		}
		k.ends(15*time.Second, 15*time.Second, azureblob.ErrLeaseLost)
		if k.renewals() != n {
			k.Error("it was renewed")
		}
	})
	// A hook that blocks, or a transport that is deaf to its context, keeps the
	// renewal from ending and not the context.
	keepAlive(t, 15*time.Second, func(k *kept) {
		k.stop()
		k.held, k.stop = k.lease.KeepAlive(k.Context(), &azureblob.KeepAliveOptions{CallOptions: azureblob.CallOptions{
			OnRequest: func(*http.Request) { time.Sleep(time.Minute) },
		}})
		k.ends(15*time.Second, 15*time.Second, azureblob.ErrLeaseLost)
		time.Sleep(time.Minute)
	})
}

// TestKeepAliveWhileChanging changes the id of the lease, with an answer that
// comes after a renewal with the old id was refused.
func TestKeepAliveWhileChanging(t *testing.T) {
	keepAlive(t, 15*time.Second, func(k *kept) {
		k.lives(4 * time.Second)
		k.srv.Inject(blobtest.Fault{Delay: 4 * time.Second, At: blobtest.AfterOperation, Match: func(r *http.Request) bool {
			return r.Header.Get("x-ms-lease-action") == "change"
		}})
		must[azureblob.LeaseResult](k.T)(k.lease.Change(k.Context(), leaseB, nil))
		if !slices.ContainsFunc(k.srv.Requests(), func(r blobtest.Request) bool { return r.Code == "LeaseIdMismatchWithLeaseOperation" }) {
			k.Error("no renewal met the change")
		}
		k.lives(10 * time.Minute)
	})
}

func TestKeepAliveOptions(t *testing.T) {
	keepAlive(t, 15*time.Second, func(k *kept) {
		k.stop()
		var seen atomic.Int32
		k.held, k.stop = k.lease.KeepAlive(k.Context(), &azureblob.KeepAliveOptions{CallOptions: azureblob.CallOptions{
			ClientRequestID: "keeper", Timeout: 3 * time.Second, Header: http.Header{"X-Extra": {"some"}},
			OnResponse: func(*http.Response) { seen.Add(1) },
		}})
		k.lives(time.Minute + time.Second)
		requests := k.srv.Requests()
		last := requests[slices.IndexFunc(requests, func(r blobtest.Request) bool { return r.Header.Get("x-ms-lease-action") == "renew" })]
		if last.Header.Get("x-ms-client-request-id") != "keeper" || last.Header.Get("x-extra") != "some" || last.Query.Get("timeout") != "3" || seen.Load() != 12 {
			k.Errorf("%v, %v, %d answers were seen", last.Header, last.Query, seen.Load())
		}
	})
}

func TestKeepAliveBadInput(t *testing.T) {
	srv := blobtest.New(t)
	b := newContainer(t, srv.ServiceClient()).Blob("cat.jpg")
	must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("cat"), nil))
	l := b.Lease("")
	must[azureblob.LeaseResult](t)(l.Acquire(t.Context(), time.Minute, nil))
	released := b.Lease(l.ID())
	srv.ResetRequests()
	for name, tc := range map[string]struct {
		lease *azureblob.BlobLeaseClient
		ctx   context.Context
		o     *azureblob.KeepAliveOptions
	}{
		"not acquired": {released, t.Context(), nil},
		"no context":   {l, nil, nil},
		"zero client":  {new(azureblob.BlobLeaseClient), t.Context(), nil},
		"timeout":      {l, t.Context(), &azureblob.KeepAliveOptions{CallOptions: azureblob.CallOptions{Timeout: -1}}},
		"request id":   {l, t.Context(), &azureblob.KeepAliveOptions{CallOptions: azureblob.CallOptions{ClientRequestID: "a\nb"}}},
	} {
		held, stop := tc.lease.KeepAlive(tc.ctx, tc.o)
		if cause := context.Cause(held); !errors.Is(cause, fs.ErrInvalid) || errors.Is(cause, azureblob.ErrLeaseLost) {
			t.Errorf("%s: %v", name, cause)
		}
		stop()
	}
	if n := len(srv.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// TestEmulatorKeepAlive keeps leases of a blob and a container alive until they
// are broken, in real time.
func TestEmulatorKeepAlive(t *testing.T) {
	t.Parallel()
	c := newContainer(t, emulated(t))
	b := c.Blob("cat.jpg")
	must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("cat"), nil))
	for name, lease := range map[string]func(id string) *azureblob.BlobLeaseClient{"blob": b.Lease, "container": c.Lease} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lease("")
			must[azureblob.LeaseResult](t)(l.Acquire(t.Context(), 15*time.Second, nil))
			renewed := make(chan int, 100)
			held, stop := l.KeepAlive(t.Context(), &azureblob.KeepAliveOptions{CallOptions: azureblob.CallOptions{
				OnResponse: func(r *http.Response) { renewed <- r.StatusCode },
			}})
			defer stop()
			if status := <-renewed; status != 200 {
				t.Errorf("renewal: %d", status)
			}
			if held.Err() != nil {
				t.Fatal(context.Cause(held))
			}
			must[azureblob.BreakLeaseResult](t)(lease("").Break(t.Context(), &azureblob.BreakLeaseOptions{Period: new(time.Duration(0))}))
			<-held.Done()
			if cause := context.Cause(held); !errors.Is(cause, azureblob.ErrLeaseLost) || !errors.Is(cause, azureblob.LeaseIsBrokenAndCannotBeRenewed) {
				t.Error(cause)
			}
		})
	}
}
