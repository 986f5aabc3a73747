package blobtest_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// put uploads text and returns the version that it made, if there are versions.
func put(t *testing.T, b *azureblob.BlobClient, text string) string {
	t.Helper()
	r, err := b.Upload(t.Context(), strings.NewReader(text), &azureblob.UploadOptions{Metadata: azureblob.Metadata{"of": text}})
	if err != nil {
		t.Fatal(err)
	}
	return r.VersionID
}

// holds compares the content of a blob, snapshot or version; "" is that there
// is none.
func holds(t *testing.T, b *azureblob.BlobClient, want string) {
	t.Helper()
	got, err := b.ReadAll(t.Context(), nil)
	if want == "" {
		if !errors.Is(err, azureblob.BlobNotFound) {
			t.Errorf("%q, %v, and nothing should be there", got, err)
		}
		return
	}
	if err != nil || string(got) != want {
		t.Errorf("%q and not %q: %v", got, want, err)
	}
}

func snapshot(t *testing.T, b *azureblob.BlobClient, o *azureblob.SnapshotOptions) azureblob.SnapshotResult {
	t.Helper()
	s, err := b.Snapshot(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSnapshots(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient()), t.Context()
	b := c.Blob("a")
	put(t, b, "one")
	p, err := b.Properties(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := snapshot(t, b, nil)
	if first.ETag != p.ETag || !first.LastModified.Equal(p.LastModified) || first.VersionID != "" || !first.ServerEncrypted {
		t.Errorf("%+v of %+v", first, p)
	}
	if len(first.Snapshot) != len("2006-01-02T15:04:05.0000000Z") {
		t.Errorf("snapshot ID %q", first.Snapshot)
	}
	put(t, b, "two")
	second := snapshot(t, b, &azureblob.SnapshotOptions{Metadata: azureblob.Metadata{"k": "v"}})
	holds(t, b, "two")
	holds(t, b.WithSnapshot(first.Snapshot), "one")
	holds(t, b.WithSnapshot(second.Snapshot), "two")
	holds(t, b.WithSnapshot("2006-01-02T15:04:05.0000000Z"), "")
	old, err := b.WithSnapshot(first.Snapshot).Properties(ctx, nil)
	if err != nil || old.ETag != p.ETag || old.Metadata["of"] != "one" {
		t.Errorf("%+v, %v", old, err)
	}
	now, err := b.Properties(ctx, nil)
	if err != nil || now.ETag == second.ETag || now.Metadata["of"] != "two" {
		t.Errorf("the snapshot with metadata has the ETag of the blob, or changed it: %+v, %v", now, err)
	}
	if p, err := b.WithSnapshot(second.Snapshot).Properties(ctx, nil); err != nil || p.Metadata["k"] != "v" || p.Metadata["of"] != "" || p.ETag != second.ETag {
		t.Errorf("%+v, %v", p, err)
	}

	if _, err := b.Snapshot(ctx, &azureblob.SnapshotOptions{Conditions: azureblob.Conditions{IfMatch: first.ETag}}); !errors.Is(err, azureblob.ConditionNotMet) {
		t.Errorf("If-Match: %v", err)
	}
	if _, err := c.Blob("no").Snapshot(ctx, nil); !errors.Is(err, azureblob.BlobNotFound) {
		t.Errorf("no blob: %v", err)
	}
	raw(t, srv, "PUT", "photos/a?comp=snapshot", "", "x-ms-lease-id", "8f6cd3a7-0fb6-4f2b-a3a5-6fca0dbf1e1f").expect(t, "a lease that is not", 412, "LeaseNotPresentWithBlobOperation")
	raw(t, srv, "PUT", "photos/a?comp=snapshot", "", "x-ms-meta-1a", "v").expect(t, "bad metadata", 400, "InvalidMetadata")
	raw(t, srv, "PUT", "photos/a?comp=snapshot&snapshot="+first.Snapshot, "").expect(t, "of a snapshot", 400, "InvalidQueryParameterValue")
	raw(t, srv, "PUT", "photos/a?comp=tier", "", "x-ms-access-tier", "Archive").expect(t, "archive", 200, "")
	raw(t, srv, "PUT", "photos/a?comp=snapshot", "").expect(t, "of an archived blob", 409, "BlobArchived")

	raw(t, srv, "DELETE", "photos/a", "").expect(t, "with snapshots", 409, "SnapshotsPresent")
	raw(t, srv, "DELETE", "photos/a?snapshot="+first.Snapshot, "", "x-ms-delete-snapshots", "include").expect(t, "of a snapshot", 400, "InvalidHeaderValue")
	raw(t, srv, "DELETE", "photos/a?snapshot="+first.Snapshot, "").expect(t, "a snapshot", 202, "")
	holds(t, b.WithSnapshot(first.Snapshot), "")
	raw(t, srv, "DELETE", "photos/a", "", "x-ms-delete-snapshots", "only").expect(t, "only", 202, "")
	holds(t, b.WithSnapshot(second.Snapshot), "")
	third := raw(t, srv, "HEAD", "photos/a", "")
	third.expect(t, "the blob is there", 200, "")
	raw(t, srv, "PUT", "photos/b", "b", "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
	raw(t, srv, "PUT", "photos/b?comp=snapshot", "").expect(t, "snapshot", 201, "")
	a := raw(t, srv, "DELETE", "photos/b", "", "x-ms-delete-snapshots", "include")
	if a.expect(t, "include", 202, ""); a.header.Get("x-ms-delete-type-permanent") != "true" {
		t.Errorf("%+v", a.header)
	}
	raw(t, srv, "HEAD", "photos/b", "").expect(t, "all is gone", 404, "BlobNotFound")
}

func TestExpiry(t *testing.T) {
	flat := blobtest.New(t)
	put(t, newContainer(t, flat.ServiceClient()).Blob("a"), "a")
	raw(t, flat, "PUT", "photos/a?comp=expiry", "", "x-ms-expiry-option", "NeverExpire").expect(t, "no namespace", 409, "BlobOperationNotSupported")
	raw(t, flat, "PUT", "photos/a?comp=expiry", "").expect(t, "no option", 400, "MissingRequiredHeader")
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{HierarchicalNamespace: true})
		c, ctx := newContainer(t, srv.ServiceClient()), t.Context()
		b := c.Blob("a")
		put(t, b, "a")
		set := func(option, at string, status int, code string) {
			t.Helper()
			raw(t, srv, "PUT", "photos/a?comp=expiry", "", "x-ms-expiry-option", option, "x-ms-expiry-time", at).expect(t, option, status, code)
		}
		set("Sometime", "", 400, "InvalidHeaderValue")
		set("NeverExpire", "5", 400, "InvalidHeaderValue")
		set("Absolute", "5", 400, "InvalidHeaderValue")
		set("Absolute", "Mon, 02 Jan 1995 15:04:05 GMT", 400, "InvalidHeaderValue")
		set("RelativeToNow", "", 400, "MissingRequiredHeader")
		set("RelativeToNow", "99999999999999999999", 400, "InvalidHeaderValue")
		set("RelativeToNow", "-1", 400, "InvalidHeaderValue")
		start := time.Now()
		time.Sleep(time.Hour)
		set("RelativeToCreation", "3600000", 400, "InvalidHeaderValue")
		set("RelativeToCreation", "7200000", 200, "")
		for item, err := range c.Blobs(ctx, nil) {
			if err != nil || !item.Properties.ExpiryTime.Equal(start.Add(2*time.Hour).Truncate(time.Second)) {
				t.Errorf("%v, %v", item, err)
			}
		}
		set("NeverExpire", "", 200, "")
		time.Sleep(2 * time.Hour)
		holds(t, b, "a")
		set("RelativeToNow", "1000", 200, "")
		time.Sleep(time.Second)
		for item := range c.Blobs(ctx, nil) {
			t.Errorf("%s is there after its time", item.Name)
		}
		holds(t, b, "")
	})
}

func TestAccountInfoForms(t *testing.T) {
	for _, hns := range []string{"false", "true"} {
		srv := blobtest.New(t, &blobtest.Options{HierarchicalNamespace: hns == "true"})
		for _, where := range []string{"", "photos", "photos/a/b"} {
			for _, method := range []string{"GET", "HEAD"} {
				a := raw(t, srv, method, where+"?restype=account&comp=properties", "")
				a.expect(t, method+" "+where, 200, "")
				if a.header.Get("x-ms-is-hns-enabled") != hns || a.header.Get("x-ms-sku-name") != "Standard_RAGRS" || a.header.Get("x-ms-account-kind") != "StorageV2" {
					t.Errorf("%s %s: %v", method, where, a.header)
				}
			}
		}
	}
}
