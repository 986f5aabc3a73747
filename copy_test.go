package azureblob_test

import (
	"cmp"
	"context"
	"crypto/md5"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
)

const someSource = "https://account.blob.core.windows.net/photos/source.jpg"

func init() {
	plain := func(s subject) *azureblob.BlobClient { return s.container().Blob(cmp.Or(s.blobName, "cat.jpg")) }
	exercise("Blob_StartCopyFromURL", "BlobClient.StartCopy", func(ctx context.Context, s subject) (any, error) {
		c, err := plain(s).StartCopy(ctx, s.source(), filled[azureblob.StartCopyOptions]())
		if err != nil {
			return nil, err
		}
		return c.Result(), nil
	})
	exercise("Blob_GetProperties", "Copy.Wait", func(ctx context.Context, s subject) (any, error) {
		_, err := plain(s).PendingCopy("value of x-ms-copy-id").Wait(ctx, filled[azureblob.WaitCopyOptions]())
		return nil, err
	})
	exercise("Blob_AbortCopyFromURL", "Copy.Abort", func(ctx context.Context, s subject) (any, error) {
		return plain(s).PendingCopy("some").Abort(ctx, filled[azureblob.AbortCopyOptions]())
	})
	exercise("Blob_CopyFromURL", "BlobClient.CopyFromURL", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.CopyFromURLOptions]()
		o.SourceAccess.Token = staticToken{"some"}
		o.SourceMD5 = make([]byte, md5.Size)
		return plain(s).WithEncryptionScope(s.scope).CopyFromURL(ctx, s.source(), o)
	})
}

func TestStartCopy(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c, ctx := newContainer(t, s), t.Context()
		from, to := c.Blob("from ü.txt"), c.Blob("to")
		up := must[azureblob.UploadResult](t)(from.Upload(ctx, strings.NewReader("meow"), &azureblob.UploadOptions{
			HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain"}, Metadata: azureblob.Metadata{"k": "v"},
		}))
		copying, err := to.StartCopy(ctx, from.URL(), &azureblob.StartCopyOptions{
			Tags: azureblob.Tags{"kind": "copy"}, Tier: azureblob.TierCool,
			Conditions:       azureblob.Conditions{IfNoneMatch: azcore.ETagAny},
			SourceConditions: azureblob.SourceConditions{IfMatch: up.ETag},
		})
		if err != nil {
			t.Fatal(err)
		}
		if r := copying.Result(); r.Status != azureblob.CopySuccess || r.CopyID == "" || r.CopyID != copying.ID() || r.ETag == "" || r.StatusCode != 202 || r.RequestID == "" {
			t.Errorf("StartCopy: %+v", r)
		}
		if r, err := copying.Wait(ctx, nil); err != nil || r.CopyID != copying.ID() {
			t.Errorf("Wait: %+v, %v", r, err)
		}
		if r, err := to.PendingCopy(copying.ID()).Wait(ctx, nil); err != nil || r.Status != azureblob.CopySuccess || r.ETag != copying.Result().ETag {
			t.Errorf("Wait of another handle: %+v, %v", r, err)
		}
		p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil))
		if p.ContentType != "text/plain" || !maps.Equal(p.Metadata, azureblob.Metadata{"k": "v"}) || p.AccessTier != azureblob.TierCool || p.TagCount != 1 || p.CopyProgress != "4/4" {
			t.Errorf("the copy: %+v", p)
		}
		if text := must[[]byte](t)(to.ReadAll(ctx, nil)); string(text) != "meow" {
			t.Errorf("the copy has %q", text)
		}

		// What it must not do.
		if _, err := to.StartCopy(ctx, from.URL(), &azureblob.StartCopyOptions{Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny}}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over what is there: %v", err)
		}
		if _, err := to.StartCopy(ctx, from.URL(), &azureblob.StartCopyOptions{SourceConditions: azureblob.SourceConditions{IfMatch: `"0x1"`}}); err == nil || !azurite && !errors.Is(err, azureblob.SourceConditionNotMet) {
			t.Errorf("of another state of the source: %v", err)
		}
		if _, err := to.StartCopy(ctx, c.Blob("none").URL(), nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("of a blob that is not there: %v", err)
		}
		if _, err := copying.Abort(ctx, nil); !errors.Is(err, azureblob.NoPendingCopyOperation) {
			t.Errorf("Abort after the end: %v", err)
		}
		if _, err := to.PendingCopy("another").Abort(ctx, nil); err == nil {
			t.Error("Abort of another copy: no error")
		}
	})
}

// TestStartCopyOptions sets what only the real service and blobtest have.
func TestStartCopyOptions(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{Versioning: true})
	c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
	from, until := c.Blob("from"), time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	must[azureblob.UploadResult](t)(from.Upload(ctx, strings.NewReader("meow"), &azureblob.UploadOptions{Tags: azureblob.Tags{"kind": "cat"}, Tier: azureblob.TierArchive}))
	to := c.Blob("to")
	if _, err := to.StartCopy(ctx, from.URL(), &azureblob.StartCopyOptions{SourceIfTags: `"kind" = 'dog'`}); !errors.Is(err, azureblob.SourceConditionNotMet) {
		t.Errorf("of a source with other tags: %v", err)
	}
	must[*azureblob.Copy](t)(to.StartCopy(ctx, from.URL(), &azureblob.StartCopyOptions{
		SourceIfTags: `"kind" = 'cat'`, Tier: azureblob.TierHot, Rehydrate: azureblob.RehydrateHigh,
		Immutability: azureblob.Immutability{Until: until, Mode: azureblob.ImmutabilityUnlocked}, LegalHold: true,
	}))
	p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil))
	if p.ArchiveStatus != azureblob.RehydratePendingToHot || p.RehydratePriority != azureblob.RehydrateHigh || !p.ImmutabilityPolicyUntil.Equal(until) || !p.LegalHold {
		t.Errorf("%+v", p)
	}
	log, sealed := appendblob.New(c.Blob("log")), c.Blob("sealed")
	must[appendblob.CreateResult](t)(log.Create(ctx, nil))
	must[*azureblob.Copy](t)(sealed.StartCopy(ctx, log.URL(), &azureblob.StartCopyOptions{Seal: true}))
	if p := must[azureblob.BlobPropertiesResult](t)(sealed.Properties(ctx, nil)); !p.Sealed || p.BlobType != azureblob.AppendBlob {
		t.Errorf("%+v", p)
	}
	// The lease of the destination.
	lease := c.Blob("leased").Lease("")
	online := c.Blob("online")
	must[azureblob.UploadResult](t)(online.Upload(ctx, strings.NewReader("x"), nil))
	must[azureblob.UploadResult](t)(c.Blob("leased").Upload(ctx, strings.NewReader("x"), nil))
	must[azureblob.LeaseResult](t)(lease.Acquire(ctx, azureblob.LeaseForever, nil))
	onLease := func(o *azureblob.StartCopyOptions) error {
		_, err := c.Blob("leased").StartCopy(ctx, online.URL(), o)
		return err
	}
	if err := onLease(nil); !errors.Is(err, azureblob.LeaseIDMissing) {
		t.Errorf("without the lease: %v", err)
	}
	if err := onLease(&azureblob.StartCopyOptions{Conditions: azureblob.Conditions{LeaseID: lease.ID()}}); err != nil {
		t.Errorf("with the lease: %v", err)
	}
}

// TestStartCopyOfSnapshot promotes a snapshot, with new metadata.
func TestStartCopyOfSnapshot(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		b, ctx := newContainer(t, s).Blob("b"), t.Context()
		must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("old"), nil))
		old := must[azureblob.SnapshotResult](t)(b.Snapshot(ctx, nil))
		must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("new"), nil))
		must[*azureblob.Copy](t)(b.StartCopy(ctx, b.WithSnapshot(old.Snapshot).URL(), &azureblob.StartCopyOptions{Metadata: azureblob.Metadata{"was": "a snapshot"}}))
		text := must[[]byte](t)(b.ReadAll(ctx, nil))
		if p := must[azureblob.BlobPropertiesResult](t)(b.Properties(ctx, nil)); string(text) != "old" || p.Metadata["was"] != "a snapshot" {
			t.Errorf("%q, %v", text, p.Metadata)
		}
	})
}

// slowly runs a test of a copy that takes a minute, in virtual time.
func slowly(t *testing.T, test func(t *testing.T, srv *blobtest.Server, from, to *azureblob.BlobClient)) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{CopyDuration: time.Minute})
		c := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
		from, to := c.Blob("from"), c.Blob("to")
		must[azureblob.UploadResult](t)(from.Upload(t.Context(), strings.NewReader(strings.Repeat("meow", 25)), nil))
		test(t, srv, from, to)
	})
}

func TestCopyWait(t *testing.T) {
	slowly(t, func(t *testing.T, srv *blobtest.Server, from, to *azureblob.BlobClient) {
		ctx, start := t.Context(), time.Now()
		copying := must[*azureblob.Copy](t)(to.StartCopy(ctx, from.URL(), nil))
		if s := copying.Result().Status; s != azureblob.CopyPending {
			t.Fatalf("the status is %q", s)
		}
		if _, err := to.Upload(ctx, strings.NewReader("x"), nil); !errors.Is(err, azureblob.PendingCopyOperation) {
			t.Errorf("a write while it is pending: %v", err)
		}
		var told []int64
		// Of a handle that was made from the id, as on another day.
		r, err := to.PendingCopy(copying.ID()).Wait(ctx, &azureblob.WaitCopyOptions{Progress: func(done, total int64) {
			if total != 100 {
				t.Errorf("progress of %d bytes", total)
			}
			told = append(told, done)
		}})
		if err != nil || r.Status != azureblob.CopySuccess || r.ETag == copying.Result().ETag {
			t.Errorf("Wait: %+v, %v", r, err)
		}
		if p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil)); p.ETag != r.ETag || p.ContentLength != 100 {
			t.Errorf("after Wait: %+v", p)
		}
		if took := time.Since(start); took < time.Minute || took >= 65*time.Second {
			t.Errorf("it took %v", took)
		}
		// 0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 3.2 s, and then every 5 s.
		if len(told) != 18 || told[0] != 0 || told[17] != 100 {
			t.Errorf("progress: %v", told)
		}
		for i := range told[1:] {
			if told[i] > told[i+1] {
				t.Errorf("progress went back: %v", told)
			}
		}
	})
}

func TestCopyWaitInterval(t *testing.T) {
	slowly(t, func(t *testing.T, srv *blobtest.Server, from, to *azureblob.BlobClient) {
		copying := must[*azureblob.Copy](t)(to.StartCopy(t.Context(), from.URL(), nil))
		looks := 0
		must[azureblob.CopyResult](t)(copying.Wait(t.Context(), &azureblob.WaitCopyOptions{Interval: 50 * time.Millisecond, Progress: func(_, _ int64) { looks++ }}))
		if looks != 1201 {
			t.Errorf("%d looks in a minute", looks)
		}
	})
}

func TestCopyWaitEnds(t *testing.T) {
	slowly(t, func(t *testing.T, srv *blobtest.Server, from, to *azureblob.BlobClient) {
		copying := must[*azureblob.Copy](t)(to.StartCopy(t.Context(), from.URL(), nil))
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, errors.New("out of patience"))
		defer cancel()
		_, err := copying.Wait(ctx, nil)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "out of patience") {
			t.Errorf("after the context ended: %v", err)
		}
		if _, err := copying.Wait(t.Context(), nil); err != nil {
			t.Errorf("the copy did not go on: %v", err)
		}
	})
}

func TestCopyAbort(t *testing.T) {
	slowly(t, func(t *testing.T, srv *blobtest.Server, from, to *azureblob.BlobClient) {
		ctx, lease := t.Context(), "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
		copying := must[*azureblob.Copy](t)(to.StartCopy(ctx, from.URL(), nil))
		if _, err := to.PendingCopy("another").Abort(ctx, nil); !errors.Is(err, azureblob.CopyIDMismatch) {
			t.Errorf("Abort of another copy: %v", err)
		}
		if _, err := copying.Abort(ctx, &azureblob.AbortCopyOptions{LeaseID: lease}); !errors.Is(err, azureblob.LeaseNotPresentWithBlobOperation) {
			t.Errorf("Abort with a lease that is none: %v", err)
		}
		go func() {
			time.Sleep(20 * time.Second)
			if r, err := to.PendingCopy(copying.ID()).Abort(ctx, nil); err != nil || r.StatusCode != 204 {
				t.Errorf("Abort: %+v, %v", r, err)
			}
		}()
		_, err := copying.Wait(ctx, nil)
		failed, ok := errors.AsType[*azureblob.CopyError](err)
		if !ok || failed.Status != azureblob.CopyAborted || failed.CopyID != copying.ID() || !strings.Contains(err.Error(), "aborted") {
			t.Errorf("Wait for what was aborted: %v", err)
		}
		if e, ok := errors.AsType[*azureblob.Error](err); !ok || e.Operation != "Copy Blob" || e.Blob != "to" || e.RequestID == "" {
			t.Errorf("%#v", e)
		}
		if p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil)); p.ContentLength != 0 {
			t.Errorf("an aborted copy has %d bytes", p.ContentLength)
		}
	})
}

// TestCopyReplaced waits for copies of which the blob knows nothing any more.
func TestCopyReplaced(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, from, to *azureblob.BlobClient) string{
		"copy": func(t *testing.T, from, to *azureblob.BlobClient) string {
			return must[*azureblob.Copy](t)(to.StartCopy(t.Context(), from.URL(), nil)).ID()
		},
		"upload": func(t *testing.T, _, to *azureblob.BlobClient) string {
			must[azureblob.UploadResult](t)(to.Upload(t.Context(), strings.NewReader("new"), nil))
			return ""
		},
	} {
		slowly(t, func(t *testing.T, srv *blobtest.Server, from, to *azureblob.BlobClient) {
			copying := must[*azureblob.Copy](t)(to.StartCopy(t.Context(), from.URL(), nil))
			time.Sleep(2 * time.Minute)
			by := replace(t, from, to)
			_, err := copying.Wait(t.Context(), nil)
			failed, ok := errors.AsType[*azureblob.CopyError](err)
			if !ok || failed.Status != "" || failed.ReplacedBy != by || by != "" && !strings.Contains(err.Error(), by) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestCopyFails(t *testing.T) {
	slowly(t, func(t *testing.T, srv *blobtest.Server, from, to *azureblob.BlobClient) {
		ctx := t.Context()
		copying := must[*azureblob.Copy](t)(to.StartCopy(ctx, from.URL(), nil))
		must[azureblob.DeleteBlobResult](t)(from.Delete(ctx, nil)) // it cannot go on without its source
		_, err := copying.Wait(ctx, nil)
		failed, ok := errors.AsType[*azureblob.CopyError](err)
		if !ok || failed.Status != azureblob.CopyFailed || !strings.HasPrefix(failed.Description, "404 BlobNotFound") || !strings.Contains(err.Error(), "404 BlobNotFound") {
			t.Errorf("a copy that failed: %v", err)
		}
		must[azureblob.DeleteBlobResult](t)(to.Delete(ctx, nil))
		if _, err := copying.Wait(ctx, nil); !errors.Is(err, azureblob.BlobNotFound) {
			t.Errorf("Wait for a blob that was deleted: %v", err)
		}
	})
}

// TestCopyKnownSuccess: who replaces a copy that has succeeded does not make it
// a failure.
func TestCopyKnownSuccess(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
	from, to := c.Blob("from"), c.Blob("to")
	must[azureblob.UploadResult](t)(from.Upload(ctx, strings.NewReader("x"), nil))
	copying := must[*azureblob.Copy](t)(to.StartCopy(ctx, from.URL(), nil))
	must[azureblob.UploadResult](t)(to.Upload(ctx, strings.NewReader("y"), nil))
	if r, err := copying.Wait(ctx, nil); err != nil || r.ETag != copying.Result().ETag {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCopyFromURL(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c, ctx := s.Container("t-"+strings.ToLower(rand.Text())), t.Context()
		if _, err := c.Create(ctx, &azureblob.CreateContainerOptions{PublicAccess: azureblob.PublicAccessBlob}); err != nil {
			t.Fatal(err)
		}
		from, to := c.Blob("from"), c.Blob("to")
		up := must[azureblob.UploadResult](t)(from.Upload(ctx, strings.NewReader("meow"), &azureblob.UploadOptions{
			HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain"}, Metadata: azureblob.Metadata{"k": "v"}, Tags: azureblob.Tags{"kind": "cat"},
		}))
		r, err := to.CopyFromURL(ctx, from.URL(), &azureblob.CopyFromURLOptions{Tier: azureblob.TierCool, SourceConditions: azureblob.SourceConditions{IfMatch: up.ETag}})
		if err != nil || r.Status != azureblob.CopySuccess || r.CopyID == "" || r.ETag == "" || r.StatusCode != 202 {
			t.Fatalf("%+v, %v", r, err)
		}
		p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil))
		if text := must[[]byte](t)(to.ReadAll(ctx, nil)); string(text) != "meow" || p.ContentType != "text/plain" || p.Metadata["k"] != "v" || p.AccessTier != azureblob.TierCool || p.TagCount != 0 {
			t.Errorf("%q, %+v", text, p)
		}
		must[azureblob.CopyFromURLResult](t)(to.CopyFromURL(ctx, from.URL(), &azureblob.CopyFromURLOptions{Tags: azureblob.Tags{"a": "1", "b": "2"}, Metadata: azureblob.Metadata{"x": "y"}}))
		if p = must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil)); p.TagCount != 2 || !maps.Equal(p.Metadata, azureblob.Metadata{"x": "y"}) {
			t.Errorf("with tags and metadata: %+v", p)
		}
		if _, err := to.CopyFromURL(ctx, from.URL(), &azureblob.CopyFromURLOptions{Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny}}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over what is there: %v", err)
		}
		if _, err := to.CopyFromURL(ctx, c.Blob("none").URL(), nil); err == nil {
			t.Error("of a blob that is not there: no error")
		}
		if azurite {
			return // it checks neither the rest, nor who may read the source
		}
		sum := md5.Sum([]byte("meow"))
		if r, err := to.CopyFromURL(ctx, from.URL(), &azureblob.CopyFromURLOptions{SourceMD5: sum[:]}); err != nil || string(r.ContentMD5) != string(sum[:]) {
			t.Errorf("with its MD5: %+v, %v", r, err)
		}
		sum[0]++
		if _, err := to.CopyFromURL(ctx, from.URL(), &azureblob.CopyFromURLOptions{SourceMD5: sum[:]}); !errors.Is(err, azureblob.MD5Mismatch) {
			t.Errorf("with another MD5: %v", err)
		}
		if _, err := to.CopyFromURL(ctx, from.URL(), &azureblob.CopyFromURLOptions{SourceConditions: azureblob.SourceConditions{IfNoneMatch: up.ETag}}); !errors.Is(err, azureblob.SourceConditionNotMet) {
			t.Errorf("of the state that it must not have: %v", err)
		}
		private := newContainer(t, s).Blob("from")
		must[azureblob.UploadResult](t)(private.Upload(ctx, strings.NewReader("purr"), &azureblob.UploadOptions{Tags: azureblob.Tags{"kind": "cat"}}))
		if _, err := to.CopyFromURL(ctx, private.URL(), nil); !errors.Is(err, azureblob.CannotVerifyCopySource) {
			t.Errorf("of a source that the service cannot read: %v", err)
		}
		r, err = to.WithEncryptionScope("scope").CopyFromURL(ctx, private.URL(), &azureblob.CopyFromURLOptions{
			SourceAccess: azureblob.SourceAccess{Token: staticToken{"a secret token"}}, CopyTags: azureblob.CopySourceTagsCopy})
		if err != nil || r.EncryptionScope != "scope" {
			t.Errorf("with a token: %+v, %v", r, err)
		}
		if p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil)); p.TagCount != 1 {
			t.Errorf("the tags were not copied: %+v", p)
		}
	})
}

// TestCopySourceBusy: a source that is busy is asked again, whatever the status.
func TestCopySourceBusy(t *testing.T) {
	for code, tries := range map[string]int{"ServerBusy": 2, "OperationTimedOut": 2, "InternalError": 2, "BlobNotFound": 1} {
		srv := blobtest.New(t)
		o := azureblob.CapturingOptions()
		o.Retry.Delay = time.Millisecond
		c, ctx := newContainer(t, srv.ServiceClient(o)), t.Context()
		from, to := c.Blob("from"), c.Blob("to")
		must[azureblob.UploadResult](t)(from.Upload(ctx, strings.NewReader("x"), nil))
		srv.Inject(blobtest.Fault{Operation: "Copy Blob", Status: 409, Code: "CannotVerifyCopySource", Header: map[string]string{"x-ms-copy-source-error-code": code}})
		_, err := to.StartCopy(ctx, from.URL(), nil)
		if n := count(operations(srv), "Copy Blob"); n != tries || (err == nil) != (tries == 2) {
			t.Errorf("%s: %d tries, %v", code, n, err)
		}
	}
}

func TestCopyRefusals(t *testing.T) {
	srv := blobtest.New(t)
	s := srv.ServiceClient(azureblob.CapturingOptions())
	b, ctx := s.Container("photos").Blob("cat.jpg"), t.Context()
	key, err := azureblob.NewCustomerKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	insecure, err := azureblob.NewBlobClient("http://127.0.0.1:1/account/photos/cat.jpg", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	start := func(b *azureblob.BlobClient, source string) error {
		_, err := b.StartCopy(ctx, source, nil)
		return err
	}
	direct := func(b *azureblob.BlobClient, source string, o *azureblob.CopyFromURLOptions) error {
		_, err := b.CopyFromURL(ctx, source, o)
		return err
	}
	wait := func(c *azureblob.Copy, o *azureblob.WaitCopyOptions) error { _, err := c.Wait(ctx, o); return err }
	abort := func(c *azureblob.Copy) error { _, err := c.Abort(ctx, nil); return err }
	secret := "sv=1&sig=c2VjcmV0LXNpZ25hdHVyZQ"
	for name, err := range map[string]error{
		"no source":           start(b, ""),
		"relative source":     start(b, "photos/cat.jpg?"+secret),
		"other scheme":        start(b, "ftp://host/cat.jpg?"+secret),
		"broken source":       start(b, "https://host/%zz?"+secret),
		"long source":         start(b, someSource+"?"+secret+strings.Repeat("x", 2048)),
		"to a snapshot":       start(b.WithSnapshot("2026-01-01T00:00:00.0000000Z"), someSource),
		"to a version":        start(b.WithVersion("2026-01-01T00:00:00.0000000Z"), someSource),
		"with a key":          start(b.WithCustomerKey(key), someSource),
		"with a scope":        start(b.WithEncryptionScope("scope"), someSource),
		"zero client":         start(&azureblob.BlobClient{}, someSource),
		"bad name":            start(s.Container("Photos").Blob("b"), someSource),
		"direct, no source":   direct(b, "", nil),
		"direct, with a key":  direct(b.WithCustomerKey(key), someSource, nil),
		"direct, two tags":    direct(b, someSource, &azureblob.CopyFromURLOptions{Tags: azureblob.Tags{"a": "b"}, CopyTags: azureblob.CopySourceTagsCopy}),
		"direct, short MD5":   direct(b, someSource, &azureblob.CopyFromURLOptions{SourceMD5: []byte{1}}),
		"token over http":     direct(insecure, someSource, &azureblob.CopyFromURLOptions{SourceAccess: azureblob.SourceAccess{Token: staticToken{"a secret token"}}}),
		"wait without id":     wait(b.PendingCopy(""), nil),
		"wait of a snapshot":  wait(b.WithSnapshot("s").PendingCopy("id"), nil),
		"wait with a key":     wait(b.WithCustomerKey(key).PendingCopy("id"), nil),
		"negative interval":   wait(b.PendingCopy("id"), &azureblob.WaitCopyOptions{Interval: -1}),
		"zero copy":           wait(&azureblob.Copy{}, nil),
		"abort of zero copy":  abort(&azureblob.Copy{}),
		"abort without id":    abort(b.PendingCopy("")),
		"abort of a snapshot": abort(b.WithSnapshot("s").PendingCopy("id")),
		"abort with a key":    abort(b.WithCustomerKey(key).PendingCopy("id")),
	} {
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v, want fs.ErrInvalid", name, err)
		}
	}
	if err := direct(b, someSource, &azureblob.CopyFromURLOptions{Tags: azureblob.Tags{"a": "b"}, CopyTags: azureblob.CopySourceTagsCopy}); !errors.Is(err, azureblob.BothUserTagsAndSourceTagsCopyPresentException) {
		t.Errorf("two tags: %v", err)
	}
	if n := len(srv.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}
