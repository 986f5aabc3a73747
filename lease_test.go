package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

const (
	leaseA = "5b2c3c4d-0000-4000-8000-00000000000a"
	leaseB = "5b2c3c4d-0000-4000-8000-00000000000b"
	leaseC = "5b2c3c4d-0000-4000-8000-00000000000c"
)

func init() {
	for _, on := range []struct {
		prefix string
		lease  func(s subject) *azureblob.BlobLeaseClient
		adapt  func(c *azureblob.LeaseConditions)
	}{
		{"Blob", func(s subject) *azureblob.BlobLeaseClient { return s.blob().Lease(leaseA) }, func(*azureblob.LeaseConditions) {}},
		{"Container", func(s subject) *azureblob.BlobLeaseClient { return s.container().Lease(leaseA) }, func(c *azureblob.LeaseConditions) {
			c.IfMatch, c.IfNoneMatch, c.IfTags = "", "", ""
		}},
	} {
		options := func() *azureblob.LeaseOptions {
			o := filled[azureblob.LeaseOptions]()
			on.adapt(&o.Conditions)
			return o
		}
		exercise(on.prefix+"_AcquireLease", "BlobLeaseClient.Acquire", func(ctx context.Context, s subject) (any, error) {
			return on.lease(s).Acquire(ctx, azureblob.LeaseForever, options())
		})
		exercise(on.prefix+"_RenewLease", "BlobLeaseClient.Renew", func(ctx context.Context, s subject) (any, error) {
			return on.lease(s).Renew(ctx, options())
		})
		exercise(on.prefix+"_ChangeLease", "BlobLeaseClient.Change", func(ctx context.Context, s subject) (any, error) {
			return on.lease(s).Change(ctx, leaseB, options())
		})
		exercise(on.prefix+"_ReleaseLease", "BlobLeaseClient.Release", func(ctx context.Context, s subject) (any, error) {
			return on.lease(s).Release(ctx, options())
		})
		exercise(on.prefix+"_BreakLease", "BlobLeaseClient.Break", func(ctx context.Context, s subject) (any, error) {
			o := filled[azureblob.BreakLeaseOptions]()
			on.adapt(&o.Conditions)
			return on.lease(s).Break(ctx, o)
		})
		// The renewals of KeepAlive come later; its own tests look at them.
		exercise(on.prefix+"_AcquireLease", "BlobLeaseClient.KeepAlive", func(ctx context.Context, s subject) (any, error) {
			l := on.lease(s)
			r, err := l.Acquire(ctx, time.Minute, nil)
			if err != nil {
				return nil, err
			}
			held, stop := l.KeepAlive(ctx, filled[azureblob.KeepAliveOptions]())
			defer stop()
			return r, context.Cause(held)
		})
	}
}

// leased is something that can be leased.
type leased struct {
	name  string
	lease func(id string) *azureblob.BlobLeaseClient
	write func(ctx context.Context, leaseID string) error
	state func() (azureblob.LeaseState, azureblob.LeaseDuration)
}

// onLeased runs a test on a blob and a container of both services.
func onLeased(t *testing.T, test func(t *testing.T, l leased)) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c := newContainer(t, s)
		b := c.Blob("cat.txt")
		must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("cat"), nil))
		for _, l := range []leased{
			{name: "blob", lease: b.Lease, write: func(ctx context.Context, id string) error {
				_, err := b.SetMetadata(ctx, nil, &azureblob.SetBlobMetadataOptions{Conditions: azureblob.Conditions{LeaseID: id}})
				return err
			}, state: func() (azureblob.LeaseState, azureblob.LeaseDuration) {
				p := must[azureblob.BlobPropertiesResult](t)(b.Properties(t.Context(), nil))
				return p.LeaseState, p.LeaseDuration
			}},
			{name: "container", lease: c.Lease, write: func(ctx context.Context, id string) error {
				if id == "" { // only its deletion needs the lease of a container
					_, err := c.Delete(ctx, nil)
					return err
				}
				_, err := c.SetMetadata(ctx, nil, &azureblob.SetContainerMetadataOptions{LeaseID: id})
				return err
			}, state: func() (azureblob.LeaseState, azureblob.LeaseDuration) {
				p := must[azureblob.ContainerPropertiesResult](t)(c.Properties(t.Context(), nil))
				return p.LeaseState, p.LeaseDuration
			}},
		} {
			t.Run(l.name, func(t *testing.T) { test(t, l) })
		}
	})
}

func TestLease(t *testing.T) {
	onLeased(t, func(t *testing.T, on leased) {
		ctx := t.Context()
		l := on.lease("")
		r, err := l.Acquire(ctx, 15*time.Second, nil)
		if err != nil || r.StatusCode != 201 || r.LeaseID != l.ID() || r.ETag == "" || r.LastModified.IsZero() {
			t.Fatalf("Acquire: %+v, %v", r, err)
		}
		if state, kind := on.state(); state != azureblob.LeaseLeased || kind != azureblob.LeaseFixed {
			t.Errorf("it is %s, %s", state, kind)
		}
		if _, err := on.lease("").Acquire(ctx, 15*time.Second, nil); !errors.Is(err, azureblob.LeaseAlreadyPresent) {
			t.Errorf("Acquire by another: %v", err)
		}
		if _, err := on.lease(l.ID()).Acquire(ctx, time.Minute, nil); err != nil {
			t.Errorf("Acquire again, under the same id: %v", err)
		}
		if err := on.write(ctx, ""); !errors.Is(err, azureblob.LeaseIDMissing) {
			t.Errorf("a write without the lease: %v", err)
		}
		if err := on.write(ctx, l.ID()); err != nil {
			t.Errorf("a write with the lease: %v", err)
		}
		if r, err := l.Renew(ctx, nil); err != nil || r.LeaseID != l.ID() {
			t.Errorf("Renew: %+v, %v", r, err)
		}
		old := on.lease(l.ID())
		if r, err := l.Change(ctx, leaseB, nil); err != nil || r.LeaseID != leaseB || l.ID() != leaseB {
			t.Errorf("Change: %+v, %v, and the id is %s", r, err, l.ID())
		}
		if _, err := old.Renew(ctx, nil); !errors.Is(err, azureblob.LeaseIDMismatchWithLeaseOperation) {
			t.Errorf("Renew with the old id: %v", err)
		}
		again := on.lease(leaseC)
		if r, err := again.Change(ctx, leaseB, nil); err != nil || r.LeaseID != leaseB {
			t.Errorf("Change to the id that it has: %+v, %v", r, err)
		}
		if _, err := l.Change(ctx, "", nil); err != nil || l.ID() == leaseB || len(l.ID()) != 36 {
			t.Errorf("Change to a random id: %v, %s", err, l.ID())
		}
		if r, err := l.Release(ctx, nil); err != nil || r.ETag == "" {
			t.Errorf("Release: %+v, %v", r, err)
		}
		if _, err := l.Release(ctx, nil); !errors.Is(err, azureblob.LeaseIDMismatchWithLeaseOperation) {
			t.Errorf("Release again: %v", err)
		}
		if state, _ := on.state(); state != azureblob.LeaseAvailable {
			t.Errorf("it is %s", state)
		}
	})
}

func TestLeaseBreak(t *testing.T) {
	onLeased(t, func(t *testing.T, on leased) {
		ctx := t.Context()
		l, other := on.lease(""), on.lease("")
		if _, err := other.Break(ctx, nil); !errors.Is(err, azureblob.LeaseNotPresentWithLeaseOperation) {
			t.Errorf("Break of no lease: %v", err)
		}
		must[azureblob.LeaseResult](t)(l.Acquire(ctx, azureblob.LeaseForever, nil))
		if _, kind := on.state(); kind != azureblob.LeaseInfinite {
			t.Errorf("it is %s", kind)
		}
		r, err := other.Break(ctx, &azureblob.BreakLeaseOptions{Period: new(59 * time.Second)})
		if err != nil || r.StatusCode != 202 || r.Remaining < 57*time.Second || r.Remaining > 59*time.Second || r.ETag == "" {
			t.Errorf("Break in 59 s: %+v, %v", r, err)
		}
		if state, _ := on.state(); state != azureblob.LeaseBreaking {
			t.Errorf("it is %s", state)
		}
		if _, err := l.Renew(ctx, nil); !errors.Is(err, azureblob.LeaseIsBrokenAndCannotBeRenewed) {
			t.Errorf("Renew: %v", err)
		}
		if _, err := l.Change(ctx, leaseB, nil); !errors.Is(err, azureblob.LeaseIsBreakingAndCannotBeChanged) || l.ID() == leaseB {
			t.Errorf("Change: %v, and the id is %s", err, l.ID())
		}
		if r, err := other.Break(ctx, &azureblob.BreakLeaseOptions{Period: new(time.Duration(0))}); err != nil || r.Remaining != 0 {
			t.Errorf("Break at once: %+v, %v", r, err)
		}
		if state, _ := on.state(); state != azureblob.LeaseBroken {
			t.Errorf("it is %s", state)
		}
		must[azureblob.LeaseResult](t)(other.Acquire(ctx, time.Minute, nil))
		// Without a period it goes on to its end.
		if r, err := l.Break(ctx, nil); err != nil || r.Remaining < 58*time.Second || r.Remaining > time.Minute {
			t.Errorf("Break at its end: %+v, %v", r, err)
		}
	})
}

func TestLeaseConditions(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx, c := t.Context(), newContainer(t, s)
		b := c.Blob("cat.txt")
		up := must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("cat"), &azureblob.UploadOptions{Tags: azureblob.Tags{"kind": "cat"}}))
		for name, cond := range map[string]azureblob.LeaseConditions{
			"IfMatch": {IfMatch: `"0x1"`}, "IfNoneMatch": {IfNoneMatch: up.ETag}, "IfTags": {IfTags: "kind = 'dog'"},
			"IfUnmodifiedSince": {IfUnmodifiedSince: time.Unix(1e9, 0)}, "IfModifiedSince": {IfModifiedSince: time.Now().Add(time.Hour)},
		} {
			_, err := b.Lease("").Acquire(ctx, 15*time.Second, &azureblob.LeaseOptions{Conditions: cond})
			if !errors.Is(err, azureblob.ConditionNotMet) {
				t.Errorf("%s: %v", name, err)
			}
		}
		l := b.Lease("")
		met := &azureblob.LeaseOptions{Conditions: azureblob.LeaseConditions{IfMatch: up.ETag, IfTags: "kind = 'cat'"}}
		must[azureblob.LeaseResult](t)(l.Acquire(ctx, 15*time.Second, met))
		must[azureblob.LeaseResult](t)(l.Renew(ctx, met))
		unmet := azureblob.LeaseConditions{IfMatch: `"0x1"`}
		if _, err := l.Break(ctx, &azureblob.BreakLeaseOptions{Conditions: unmet}); !errors.Is(err, azureblob.ConditionNotMet) {
			t.Errorf("Break: %v", err)
		}
		if _, err := l.Release(ctx, &azureblob.LeaseOptions{Conditions: unmet}); !errors.Is(err, azureblob.ConditionNotMet) {
			t.Errorf("Release: %v", err)
		}
		_, err := c.Lease("").Acquire(ctx, 15*time.Second, &azureblob.LeaseOptions{Conditions: azureblob.LeaseConditions{IfUnmodifiedSince: time.Unix(1e9, 0)}})
		if !errors.Is(err, azureblob.ConditionNotMet) {
			t.Errorf("container: %v", err)
		}
	})
}

func TestLeaseOfNothing(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c := newContainer(t, s)
		if _, err := c.Blob("none").Lease("").Acquire(t.Context(), 15*time.Second, nil); !errors.Is(err, azureblob.BlobNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no blob: %v", err)
		}
		if _, err := s.Container("no-such-container").Lease("").Acquire(t.Context(), 15*time.Second, nil); !errors.Is(err, azureblob.ContainerNotFound) {
			t.Errorf("no container: %v", err)
		}
	})
}

func TestLeaseBadInput(t *testing.T) {
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", nil, refusingOptions(t)))
	c, ctx := s.Container("photos"), t.Context()
	b := c.Blob("cat.jpg")
	acquire := func(l *azureblob.BlobLeaseClient, d time.Duration, cond azureblob.LeaseConditions) error {
		_, err := l.Acquire(ctx, d, &azureblob.LeaseOptions{Conditions: cond})
		return err
	}
	breaking := func(l *azureblob.BlobLeaseClient, d time.Duration, cond azureblob.LeaseConditions) error {
		_, err := l.Break(ctx, &azureblob.BreakLeaseOptions{Period: &d, Conditions: cond})
		return err
	}
	const ok = 15 * time.Second
	for name, tc := range map[string]struct {
		err  error
		code azureblob.ErrorCode
	}{
		"short":              {acquire(b.Lease(""), 15*time.Second-1, azureblob.LeaseConditions{}), azureblob.InvalidHeaderValue},
		"zero":               {acquire(c.Lease(""), 0, azureblob.LeaseConditions{}), azureblob.InvalidHeaderValue},
		"long":               {acquire(b.Lease(""), time.Minute+1, azureblob.LeaseConditions{}), azureblob.InvalidHeaderValue},
		"a negative second":  {acquire(b.Lease(""), -time.Second, azureblob.LeaseConditions{}), azureblob.InvalidHeaderValue},
		"no UUID":            {acquire(b.Lease("mine"), ok, azureblob.LeaseConditions{}), azureblob.InvalidHeaderValue},
		"period":             {breaking(b.Lease(""), time.Minute+1, azureblob.LeaseConditions{}), azureblob.InvalidHeaderValue},
		"negative period":    {breaking(c.Lease(""), -1, azureblob.LeaseConditions{}), azureblob.InvalidHeaderValue},
		"ETag on container":  {acquire(c.Lease(""), ok, azureblob.LeaseConditions{IfMatch: "*"}), azureblob.ConditionHeadersNotSupported},
		"ETags on container": {breaking(c.Lease(""), 0, azureblob.LeaseConditions{IfNoneMatch: "*"}), azureblob.ConditionHeadersNotSupported},
		"tags on container":  {breaking(c.Lease(""), 0, azureblob.LeaseConditions{IfTags: "a = 'b'"}), azureblob.ConditionHeadersNotSupported},
		"snapshot":           {acquire(b.WithSnapshot("2026-01-02T03:04:05.0000000Z").Lease(""), ok, azureblob.LeaseConditions{}), ""},
		"version":            {acquire(b.WithVersion("2026-01-02T03:04:05.0000000Z").Lease(""), ok, azureblob.LeaseConditions{}), ""},
		"zero client":        {acquire(new(azureblob.BlobLeaseClient), ok, azureblob.LeaseConditions{}), ""},
	} {
		e, is := errors.AsType[*azureblob.Error](tc.err)
		if !is || !errors.Is(tc.err, fs.ErrInvalid) || e.Code != tc.code || e.StatusCode != 0 {
			t.Errorf("%s: %v", name, tc.err)
		}
	}
	l := b.Lease(leaseA)
	if _, err := l.Change(ctx, "not a UUID", nil); !errors.Is(err, azureblob.InvalidHeaderValue) || l.ID() != leaseA {
		t.Errorf("Change: %v, %s", err, l.ID())
	}
	for _, id := range []string{"mine", leaseA + "0", leaseA[1:], "x" + leaseA[1:]} {
		for name, call := range map[string]func(l *azureblob.BlobLeaseClient) error{
			"Renew":   func(l *azureblob.BlobLeaseClient) error { _, err := l.Renew(ctx, nil); return err },
			"Release": func(l *azureblob.BlobLeaseClient) error { _, err := l.Release(ctx, nil); return err },
			"Change":  func(l *azureblob.BlobLeaseClient) error { _, err := l.Change(ctx, leaseB, nil); return err },
		} {
			if err := call(b.Lease(id)); !errors.Is(err, azureblob.InvalidHeaderValue) || !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s of %s: %v", name, id, err)
			}
		}
	}
}

// TestLeaseIDForms shows that the forms of ids that the service takes are taken.
func TestLeaseIDForms(t *testing.T) {
	b := newContainer(t, blobtest.New(t).ServiceClient()).Blob("cat.txt")
	must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("cat"), nil))
	for _, id := range []string{leaseA, strings.ToUpper(leaseA), strings.ReplaceAll(leaseA, "-", ""), "{" + leaseA + "}", "(" + leaseA + ")"} {
		l := b.Lease(id)
		must[azureblob.LeaseResult](t)(l.Acquire(t.Context(), 15*time.Second, nil))
		must[azureblob.LeaseResult](t)(l.Release(t.Context(), nil))
	}
}

// TestLeaseLostAnswers loses the answer of each operation after it was carried
// out: what is repeated succeeds as if nothing had happened.
func TestLeaseLostAnswers(t *testing.T) {
	for name, call := range map[string]func(l *azureblob.BlobLeaseClient) error{
		"Acquire": func(l *azureblob.BlobLeaseClient) error {
			_, err := l.Acquire(t.Context(), 15*time.Second, nil)
			return err
		},
		"Renew":   func(l *azureblob.BlobLeaseClient) error { _, err := l.Renew(t.Context(), nil); return err },
		"Change":  func(l *azureblob.BlobLeaseClient) error { _, err := l.Change(t.Context(), leaseB, nil); return err },
		"Release": func(l *azureblob.BlobLeaseClient) error { _, err := l.Release(t.Context(), nil); return err },
	} {
		for _, fault := range []blobtest.Fault{{At: blobtest.AfterOperation, Reset: true}, {At: blobtest.AfterOperation, Status: 500}} {
			srv := blobtest.New(t)
			b := newContainer(t, srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Delay: time.Millisecond}})).Blob("cat.txt")
			must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("cat"), nil))
			l := b.Lease(leaseA)
			if name != "Acquire" {
				must[azureblob.LeaseResult](t)(l.Acquire(t.Context(), 15*time.Second, nil))
			}
			fault.Operation = "Lease Blob"
			injected := srv.Inject(fault)
			if err := call(l); err != nil || injected.Fired() != 1 {
				t.Errorf("%s: %v after %d faults", name, err, injected.Fired())
			}
		}
	}
}

// TestLeaseBreakOnce loses the answer to Break while somebody else waits for the
// lease: breaking it again would break theirs.
func TestLeaseBreakOnce(t *testing.T) {
	srv := blobtest.New(t)
	b := newContainer(t, srv.ServiceClient()).Blob("cat.txt")
	must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("cat"), nil))
	must[azureblob.LeaseResult](t)(b.Lease("").Acquire(t.Context(), azureblob.LeaseForever, nil))
	srv.Inject(blobtest.Fault{Operation: "Lease Blob", At: blobtest.AfterOperation, Reset: true})
	if _, err := b.Lease("").Break(t.Context(), nil); err == nil {
		t.Error("Break succeeded without an answer")
	}
	breaks := 0
	for _, r := range srv.Requests() {
		if r.Header.Get("x-ms-lease-action") == "break" {
			breaks++
		}
	}
	if breaks != 1 {
		t.Errorf("%d breaks were sent", breaks)
	}
}

func TestLeaseHooks(t *testing.T) {
	b := newContainer(t, blobtest.New(t).ServiceClient()).Blob("cat.txt")
	must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("cat"), nil))
	var seen []string
	o := &azureblob.LeaseOptions{CallOptions: azureblob.CallOptions{
		OnRequest:  func(r *http.Request) { seen = append(seen, r.Header.Get("x-ms-lease-action")) },
		OnResponse: func(r *http.Response) { seen = append(seen, fmt.Sprint(r.StatusCode)) },
	}}
	l := b.Lease("")
	must[azureblob.LeaseResult](t)(l.Acquire(t.Context(), 15*time.Second, o))
	must[azureblob.LeaseResult](t)(l.Release(t.Context(), o))
	if got := strings.Join(seen, " "); got != "acquire 201 release 200" {
		t.Errorf("the hooks saw %s", got)
	}
}
