package azureblob_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

func init() {
	exercise("Blob_SetImmutabilityPolicy", "BlobClient.SetImmutabilityPolicy", func(ctx context.Context, s subject) (any, error) {
		until := time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC)
		if _, err := s.blob().WithSnapshot(s.snapshot).SetImmutabilityPolicy(ctx, until, nil); err != nil {
			return nil, err
		}
		return s.blob().WithVersion(s.version).SetImmutabilityPolicy(ctx, until, filled[azureblob.SetImmutabilityPolicyOptions]())
	})
	exercise("Blob_DeleteImmutabilityPolicy", "BlobClient.DeleteImmutabilityPolicy", func(ctx context.Context, s subject) (any, error) {
		if _, err := s.blob().WithSnapshot(s.snapshot).DeleteImmutabilityPolicy(ctx, nil); err != nil {
			return nil, err
		}
		return s.blob().WithVersion(s.version).DeleteImmutabilityPolicy(ctx, filled[azureblob.DeleteImmutabilityPolicyOptions]())
	})
	exercise("Blob_SetLegalHold", "BlobClient.SetLegalHold", func(ctx context.Context, s subject) (any, error) {
		if _, err := s.blob().WithSnapshot(s.snapshot).SetLegalHold(ctx, false, nil); err != nil {
			return nil, err
		}
		return s.blob().WithVersion(s.version).SetLegalHold(ctx, false, filled[azureblob.SetLegalHoldOptions]())
	})
	exercise("Blob_SetExpiry", "BlobClient.SetExpiry", func(ctx context.Context, s subject) (any, error) {
		return s.blob().SetExpiry(ctx, azureblob.ExpireIn(time.Hour), filled[azureblob.SetExpiryOptions]())
	})
}

// TestNotOnTheEmulator makes calls that the emulator answers with 501.
func TestNotOnTheEmulator(t *testing.T) {
	ctx := t.Context()
	c := newContainer(t, emulated(t))
	b := c.Blob("cat.jpg")
	must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("x"), nil))
	_, policy := b.SetImmutabilityPolicy(ctx, time.Now().Add(time.Hour), nil)
	_, noPolicy := b.DeleteImmutabilityPolicy(ctx, nil)
	_, hold := b.SetLegalHold(ctx, true, nil)
	_, expiry := b.SetExpiry(ctx, azureblob.NeverExpire(), nil)
	_, undelete := c.Undelete(ctx, "1", nil)
	for name, err := range map[string]error{"policy": policy, "no policy": noPolicy, "hold": hold, "expiry": expiry, "undelete": undelete} {
		if e, ok := errors.AsType[*azureblob.Error](err); !ok || e.StatusCode != 501 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestImmutabilityPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), newContainer(t, blobtest.New(t).ServiceClient(azureblob.CapturingOptions()))
		b := c.Blob("cat.jpg")
		uploaded := must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("x"), nil))
		until := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
		r := must[azureblob.SetImmutabilityPolicyResult](t)(b.SetImmutabilityPolicy(ctx, until, nil))
		if !r.Until.Equal(until) || r.Mode != azureblob.ImmutabilityUnlocked {
			t.Errorf("%+v", r)
		}
		p := must[azureblob.BlobPropertiesResult](t)(b.Properties(ctx, nil))
		if !p.ImmutabilityPolicyUntil.Equal(until) || p.ImmutabilityPolicyMode != azureblob.ImmutabilityUnlocked || p.ETag != uploaded.ETag {
			t.Errorf("%+v", p.BlobProperties)
		}
		if _, err := b.Delete(ctx, nil); !errors.Is(err, azureblob.BlobImmutableDueToPolicy) {
			t.Errorf("delete: %v", err)
		}
		late := &azureblob.SetImmutabilityPolicyOptions{IfUnmodifiedSince: uploaded.LastModified.Add(-time.Hour)}
		if _, err := b.SetImmutabilityPolicy(ctx, until, late); !errors.Is(err, azureblob.ConditionNotMet) {
			t.Errorf("condition: %v", err)
		}
		must[azureblob.DeleteImmutabilityPolicyResult](t)(b.DeleteImmutabilityPolicy(ctx, nil))

		locked := &azureblob.SetImmutabilityPolicyOptions{Mode: azureblob.ImmutabilityLocked}
		must[azureblob.SetImmutabilityPolicyResult](t)(b.SetImmutabilityPolicy(ctx, until, locked))
		if _, err := b.SetImmutabilityPolicy(ctx, until.Add(-time.Minute), locked); !errors.Is(err, azureblob.BlobImmutableDueToPolicy) {
			t.Errorf("earlier: %v", err)
		}
		if _, err := b.DeleteImmutabilityPolicy(ctx, nil); !errors.Is(err, azureblob.ImmutabilityPolicyDeleteOnLockedPolicy) {
			t.Errorf("delete a locked policy: %v", err)
		}
		must[azureblob.SetImmutabilityPolicyResult](t)(b.SetImmutabilityPolicy(ctx, until.Add(time.Minute), locked))
		time.Sleep(time.Hour + time.Minute)
		must[azureblob.DeleteBlobResult](t)(b.Delete(ctx, nil))
		if _, err := b.SetImmutabilityPolicy(ctx, time.Now().Add(time.Hour), nil); !errors.Is(err, azureblob.BlobNotFound) {
			t.Errorf("no blob: %v", err)
		}
	})
}

func TestLegalHold(t *testing.T) {
	ctx, c := t.Context(), newContainer(t, blobtest.New(t).ServiceClient(azureblob.CapturingOptions()))
	b := c.Blob("cat.jpg")
	must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("x"), nil))
	snapshot := b.WithSnapshot(must[azureblob.SnapshotResult](t)(b.Snapshot(ctx, nil)).Snapshot)
	if r := must[azureblob.SetLegalHoldResult](t)(snapshot.SetLegalHold(ctx, true, nil)); !r.LegalHold {
		t.Errorf("%+v", r)
	}
	if p := must[azureblob.BlobPropertiesResult](t)(b.Properties(ctx, nil)); p.LegalHold {
		t.Error("the blob itself is on hold")
	}
	if _, err := snapshot.Delete(ctx, nil); !errors.Is(err, azureblob.BlobImmutableDueToLegalHold) {
		t.Errorf("delete: %v", err)
	}
	if r := must[azureblob.SetLegalHoldResult](t)(snapshot.SetLegalHold(ctx, false, nil)); r.LegalHold {
		t.Errorf("%+v", r)
	}
	must[azureblob.DeleteBlobResult](t)(snapshot.Delete(ctx, nil))
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := blobtest.New(t, &blobtest.Options{HierarchicalNamespace: true}).ServiceClient(azureblob.CapturingOptions())
		ctx, b := t.Context(), newContainer(t, s).Blob("cat.jpg")
		must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("x"), nil))
		created := must[azureblob.BlobPropertiesResult](t)(b.Properties(ctx, nil)).CreationTime
		time.Sleep(time.Minute)
		for _, c := range []struct {
			name   string
			expiry azureblob.BlobExpiry
			want   time.Time
		}{
			{"at", azureblob.ExpireAt(created.Add(5 * time.Hour)), created.Add(5 * time.Hour)},
			{"in", azureblob.ExpireIn(2 * time.Hour), time.Now().Add(2 * time.Hour)},
			{"never", azureblob.NeverExpire(), time.Time{}},
			{"after creation", azureblob.ExpireAfterCreation(2*time.Hour - time.Nanosecond), created.Add(2 * time.Hour)},
		} {
			if r := must[azureblob.SetExpiryResult](t)(b.SetExpiry(ctx, c.expiry, nil)); r.ETag == "" || r.LastModified.IsZero() {
				t.Errorf("%s: %+v", c.name, r)
			}
			p := must[azureblob.BlobPropertiesResult](t)(b.Properties(ctx, nil))
			if !p.ExpiryTime.Equal(c.want.Truncate(time.Second)) {
				t.Errorf("%s: %v, want %v", c.name, p.ExpiryTime, c.want)
			}
		}
		time.Sleep(2*time.Hour - 2*time.Minute)
		if ok := must[bool](t)(b.Exists(ctx, nil)); !ok {
			t.Error("it went too early")
		}
		time.Sleep(2 * time.Minute)
		if ok := must[bool](t)(b.Exists(ctx, nil)); ok {
			t.Error("it is still there")
		}
	})
}

func TestExpiryNeedsANamespace(t *testing.T) {
	ctx, c := t.Context(), newContainer(t, blobtest.New(t).ServiceClient(azureblob.CapturingOptions()))
	must[azureblob.UploadResult](t)(c.Blob("x").Upload(ctx, strings.NewReader("x"), nil))
	if _, err := c.Blob("x").SetExpiry(ctx, azureblob.ExpireIn(time.Hour), nil); !errors.Is(err, azureblob.BlobOperationNotSupported) {
		t.Error(err)
	}
}

func TestProtectionRefusesBadInput(t *testing.T) {
	b, ctx := unsent(t).Container("photos").Blob("cat.jpg"), t.Context()
	_, err := b.SetImmutabilityPolicy(ctx, time.Time{}, nil)
	refused(t, "no end", err, "Set Blob Immutability Policy", "no end")
	_, err = b.SetImmutabilityPolicy(ctx, time.Now(), &azureblob.SetImmutabilityPolicyOptions{Mode: azureblob.ImmutabilityMutable})
	refused(t, "mode", err, "mutable")
	for word, expiry := range map[string]azureblob.BlobExpiry{
		"zero value": {}, "time of the expiry is zero": azureblob.ExpireAt(time.Time{}),
		"not positive: 0s": azureblob.ExpireIn(0), "not positive: -1s": azureblob.ExpireAfterCreation(-time.Second),
	} {
		_, err := b.SetExpiry(ctx, expiry, nil)
		refused(t, word, err, "Set Blob Expiry", word)
	}
	_, err = b.WithSnapshot("1").SetExpiry(ctx, azureblob.NeverExpire(), nil)
	refused(t, "snapshot", err, "snapshot")
}
