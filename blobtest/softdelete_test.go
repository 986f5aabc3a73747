package blobtest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

const day = 24 * time.Hour

func TestSoftDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{SoftDelete: 7})
		c, ctx := newContainer(t, srv.ServiceClient()), t.Context()
		b := c.Blob("a")
		put(t, b, "one")
		s := snapshot(t, b, nil)
		raw(t, srv, "DELETE", "photos/a?snapshot="+s.Snapshot, "").expect(t, "snapshot", 202, "")
		holds(t, b.WithSnapshot(s.Snapshot), "")
		// A deleted snapshot does not keep the blob from being deleted.
		a := raw(t, srv, "DELETE", "photos/a", "")
		if a.expect(t, "delete", 202, ""); a.header.Get("x-ms-delete-type-permanent") != "false" {
			t.Errorf("%v", a.header)
		}
		deleted := time.Now()
		holds(t, b, "")
		raw(t, srv, "DELETE", "photos/a", "").expect(t, "twice", 404, "BlobNotFound")
		if got := listed(t, c, 0, azureblob.ListBlobsInclude{Snapshots: true}); len(got) != 0 {
			t.Errorf("deleted blobs are listed: %q", got)
		}
		time.Sleep(36 * time.Hour)
		for item, err := range c.Blobs(ctx, &azureblob.ListBlobsOptions{Include: azureblob.ListBlobsInclude{Deleted: true}}) {
			if err != nil || !item.Deleted || !item.Properties.DeletedTime.Equal(deleted.Truncate(time.Second)) || item.Properties.RemainingRetentionDays != 6 {
				t.Errorf("%+v, %v", item, err)
			}
		}
		raw(t, srv, "PUT", "photos/a?comp=undelete", "").expect(t, "undelete", 200, "")
		holds(t, b, "one")
		holds(t, b.WithSnapshot(s.Snapshot), "one")
		raw(t, srv, "PUT", "photos/a?comp=undelete", "").expect(t, "nothing to undelete", 200, "")
		time.Sleep(30 * day) // it has all its time again
		holds(t, b, "one")
		holds(t, b.WithSnapshot(s.Snapshot), "one")
		raw(t, srv, "PUT", "photos/no?comp=undelete", "").expect(t, "no blob", 404, "BlobNotFound")

		// What is overwritten is kept as a deleted snapshot; metadata is not.
		put(t, b, "two")
		if _, err := b.SetMetadata(ctx, nil, nil); err != nil {
			t.Fatal(err)
		}
		all := azureblob.ListBlobsInclude{Snapshots: true, Deleted: true}
		if got := kinds(listed(t, c, 0, all)); !slices.Equal(got, []string{"a snapshot", "a snapshot deleted", "a"}) {
			t.Errorf("%q", got)
		}
		raw(t, srv, "DELETE", "photos/a", "", "x-ms-delete-snapshots", "include").expect(t, "all", 202, "")
		time.Sleep(day)
		put(t, b, "three")
		if got := kinds(listed(t, c, 0, all)); !slices.Equal(got, []string{"a snapshot deleted", "a snapshot deleted", "a snapshot deleted", "a"}) {
			t.Errorf("%q", got)
		}
		time.Sleep(6 * day)
		if got := kinds(listed(t, c, 0, all)); !slices.Equal(got, []string{"a"}) {
			t.Errorf("after its time: %q", got)
		}
		raw(t, srv, "DELETE", "photos/a", "").expect(t, "again", 202, "")
		time.Sleep(7 * day)
		raw(t, srv, "PUT", "photos/a?comp=undelete", "").expect(t, "after its time", 404, "BlobNotFound")
	})
}

func TestSoftDeleteArchived(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{SoftDelete: 7})
	c := newContainer(t, srv.ServiceClient())
	put(t, c.Blob("a"), "one")
	raw(t, srv, "PUT", "photos/a?comp=tier", "", "x-ms-access-tier", "Archive").expect(t, "archive", 200, "")
	put(t, c.Blob("a"), "two")
	if got := listed(t, c, 0, azureblob.ListBlobsInclude{Snapshots: true, Deleted: true}); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestSoftDeletedVersions(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{SoftDelete: 7, Versioning: true, PermanentDelete: true})
	c := newContainer(t, srv.ServiceClient())
	b := c.Blob("a")
	one, two := put(t, b, "one"), put(t, b, "two")
	raw(t, srv, "DELETE", "photos/a?deletetype=permanent&versionid="+one, "").expect(t, "not soft-deleted", 409, "BlobOperationNotSupported")
	raw(t, srv, "DELETE", "photos/a?versionid="+one, "").expect(t, "version", 202, "")
	holds(t, b.WithVersion(one), "")
	if got := kinds(listed(t, c, 0, azureblob.ListBlobsInclude{Versions: true, Deleted: true})); !slices.Equal(got, []string{"a version deleted", "a version"}) {
		t.Errorf("%q", got)
	}
	raw(t, srv, "PUT", "photos/a?comp=undelete", "").expect(t, "undelete", 200, "")
	holds(t, b.WithVersion(one), "one")
	raw(t, srv, "DELETE", "photos/a?versionid="+one, "").expect(t, "version", 202, "")

	raw(t, srv, "DELETE", "photos/a?deletetype=permanent", "").expect(t, "the blob for good", 400, "InvalidQueryParameterValue")
	raw(t, srv, "DELETE", "photos/a?deletetype=soft&versionid="+one, "").expect(t, "no such type", 400, "InvalidQueryParameterValue")
	a := raw(t, srv, "DELETE", "photos/a?deletetype=permanent&versionid="+one, "")
	if a.expect(t, "for good", 202, ""); a.header.Get("x-ms-delete-type-permanent") != "true" {
		t.Errorf("%v", a.header)
	}
	raw(t, srv, "DELETE", "photos/a?deletetype=permanent&versionid="+one, "").expect(t, "twice", 404, "BlobNotFound")
	raw(t, srv, "PUT", "photos/a?comp=undelete", "").expect(t, "undelete", 200, "")
	holds(t, b.WithVersion(one), "")

	// A deleted blob becomes a version, which undelete does not make current.
	raw(t, srv, "DELETE", "photos/a", "").expect(t, "blob", 202, "")
	raw(t, srv, "PUT", "photos/a?comp=undelete", "").expect(t, "undelete", 200, "")
	holds(t, b, "")
	holds(t, b.WithVersion(two), "two")
	if got := kinds(listed(t, c, 0, azureblob.ListBlobsInclude{DeletedWithVersions: true})); !slices.Equal(got, []string{"a root"}) {
		t.Errorf("%q", got)
	}
	strict := blobtest.New(t, &blobtest.Options{SoftDelete: 7})
	b = newContainer(t, strict.ServiceClient()).Blob("a")
	put(t, b, "one")
	raw(t, strict, "DELETE", "photos/a?deletetype=permanent&snapshot="+one, "").expect(t, "not enabled", 409, "BlobOperationNotSupported")
}

func TestRestoreContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{ContainerSoftDelete: 3, DeletionDelay: 30 * time.Second})
		s, ctx := srv.ServiceClient(), t.Context()
		c := newContainer(t, s)
		put(t, c.Blob("a"), "one")
		list := func() (all []*azureblob.ContainerItem) {
			t.Helper()
			var last []string
			for size := range 4 {
				all = nil
				var got []string
				for item, err := range s.Containers(ctx, &azureblob.ListContainersOptions{PageSize: size, Include: azureblob.ListContainersInclude{Deleted: true}}) {
					if err != nil {
						t.Fatal(err)
					}
					all, got = append(all, item), append(got, item.Name+item.Version)
				}
				if size > 0 && !slices.Equal(got, last) {
					t.Errorf("%d a page: %q and not %q", size, got, last)
				}
				last = got
			}
			return all
		}
		if _, err := c.Delete(ctx, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		newContainer(t, s)
		put(t, c.Blob("a"), "two")
		for item, err := range s.Containers(ctx, nil) {
			if err != nil || item.Deleted {
				t.Errorf("%+v, %v", item, err)
			}
		}
		all := list()
		if len(all) != 2 || !all[0].Deleted || all[0].Version == "" || all[0].Properties.RemainingRetentionDays != 3 || all[0].Properties.DeletedTime.IsZero() || all[1].Deleted || all[1].Version != "" {
			t.Fatalf("%+v", all)
		}
		restore := func(to, version string, status int, code string) {
			t.Helper()
			raw(t, srv, "PUT", to+"?restype=container&comp=undelete", "", "x-ms-deleted-container-name", "photos", "x-ms-deleted-container-version", version).expect(t, to, status, code)
		}
		version := all[0].Version
		restore("photos", "", 400, "MissingRequiredHeader")
		restore("photos", "no", 404, "ContainerNotFound")
		restore("photos", version, 409, "ContainerAlreadyExists")
		restore("old-photos", version, 201, "")
		holds(t, s.Container("old-photos").Blob("a"), "one")
		holds(t, c.Blob("a"), "two")
		restore("more", version, 404, "ContainerNotFound")
		if all := list(); len(all) != 2 || all[0].Deleted || all[0].Name != "old-photos" {
			t.Errorf("%+v", all)
		}

		if _, err := c.Delete(ctx, nil); err != nil {
			t.Fatal(err)
		}
		version = list()[1].Version
		restore("photos", version, 201, "")
		holds(t, c.Blob("a"), "two")
		if _, err := c.Delete(ctx, nil); err != nil {
			t.Fatal(err)
		}
		version = list()[1].Version
		time.Sleep(3 * day)
		if all := list(); len(all) != 1 {
			t.Errorf("%+v", all)
		}
		restore("photos", version, 404, "ContainerNotFound")
	})
}

func TestDeletePermissions(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{SoftDelete: 7, Versioning: true, PermanentDelete: true})
	b := newContainer(t, srv.ServiceClient()).Blob("a")
	one := put(t, b, "one")
	put(t, b, "two")
	for _, step := range []struct{ query, needs string }{
		{"?versionid=" + one, "x"}, {"?deletetype=permanent&versionid=" + one, "y"}, {"", "d"},
	} {
		for _, sp := range []string{"d", "x", "y", "r"} {
			if sp == step.needs {
				continue
			}
			sas := sasQuery(t, blobtest.DefaultKey, accountFields, "sp", sp, "ss", "b", "srt", "o", "se", inTime(time.Hour), "sv", "2021-12-02")
			withSAS(t, srv, "DELETE", "photos/a"+step.query, sas, "").expect(t, sp+" for "+step.query, 403, "AuthorizationPermissionMismatch")
		}
		sas := sasQuery(t, blobtest.DefaultKey, accountFields, "sp", step.needs, "ss", "b", "srt", "o", "se", inTime(time.Hour), "sv", "2021-12-02")
		withSAS(t, srv, "DELETE", "photos/a"+step.query, sas, "").expect(t, step.query, 202, "")
	}
}

// TestContainerBeingDeleted uses the name of a container that is going away.
func TestContainerBeingDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{DeletionDelay: 30 * time.Second})
		const container = "photos?restype=container"
		raw(t, srv, "PUT", container, "").expect(t, "create", 201, "")
		raw(t, srv, "DELETE", container, "").expect(t, "delete", 202, "")
		for range 2 {
			raw(t, srv, "PUT", container, "").expect(t, "create", 409, "ContainerBeingDeleted")
			raw(t, srv, "DELETE", container, "").expect(t, "delete", 409, "ContainerBeingDeleted")
			raw(t, srv, "GET", container+"&comp=list", "").expect(t, "list", 409, "ContainerBeingDeleted")
			raw(t, srv, "PUT", "photos/x", "some", "x-ms-blob-type", "BlockBlob").expect(t, "put", 409, "ContainerBeingDeleted")
			raw(t, srv, "GET", "photos/x", "").expect(t, "get", 409, "ContainerBeingDeleted")
			time.Sleep(30*time.Second - time.Nanosecond)
		}
		raw(t, srv, "GET", container, "").expect(t, "no container", 404, "ContainerNotFound")
		raw(t, srv, "PUT", container, "").expect(t, "create again", 201, "")
	})
}
