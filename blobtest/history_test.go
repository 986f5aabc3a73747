package blobtest_test

import (
	"errors"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

func TestVersions(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{Versioning: true})
	c, ctx := newContainer(t, srv.ServiceClient()), t.Context()
	b := c.Blob("a")
	one := put(t, b, "one")
	two := put(t, b, "two")
	if one == "" || two <= one {
		t.Fatalf("versions %q, %q", one, two)
	}
	holds(t, b, "two")
	holds(t, b.WithVersion(one), "one")
	holds(t, b.WithVersion(two), "two")
	holds(t, b.WithVersion("2006-01-02T15:04:05.0000000Z"), "")
	p, err := b.Properties(ctx, nil)
	if err != nil || p.VersionID != two || !p.IsCurrentVersion {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := b.WithVersion(one).Properties(ctx, nil); err != nil || p.VersionID != one || p.IsCurrentVersion || p.Metadata["of"] != "one" {
		t.Errorf("%+v, %v", p, err)
	}

	m, err := b.SetMetadata(ctx, azureblob.Metadata{"of": "three"}, nil)
	if err != nil || m.VersionID <= two {
		t.Fatalf("%+v, %v", m, err)
	}
	if p, err := b.WithVersion(two).Properties(ctx, nil); err != nil || p.Metadata["of"] != "two" || p.IsCurrentVersion {
		t.Errorf("%+v, %v", p, err)
	}
	s := snapshot(t, b, nil)
	if s.VersionID <= m.VersionID {
		t.Errorf("the snapshot made no version: %+v", s)
	}
	holds(t, b.WithVersion(m.VersionID), "two")

	a := raw(t, srv, "DELETE", "photos/a?versionid="+s.VersionID, "")
	a.expect(t, "current version", 403, "OperationNotAllowedOnRootBlob")
	raw(t, srv, "DELETE", "photos/a?versionid="+one, "", "x-ms-delete-snapshots", "include").expect(t, "with snapshots", 400, "InvalidHeaderValue")
	a = raw(t, srv, "DELETE", "photos/a?versionid="+one, "")
	if a.expect(t, "old version", 202, ""); a.header.Get("x-ms-delete-type-permanent") != "true" {
		t.Errorf("%v", a.header)
	}
	holds(t, b.WithVersion(one), "")
	holds(t, b, "two")
	raw(t, srv, "GET", "photos/a?versionid="+two+"&snapshot="+s.Snapshot, "").expect(t, "both", 400, "InvalidQueryParameterValue")
	raw(t, srv, "PUT", "photos/a?comp=metadata&versionid="+two, "").expect(t, "write to a version", 400, "InvalidQueryParameterValue")

	a = raw(t, srv, "DELETE", "photos/a", "", "x-ms-delete-snapshots", "include")
	if a.expect(t, "the blob", 202, ""); a.header.Get("x-ms-delete-type-permanent") != "false" {
		t.Errorf("%v", a.header)
	}
	holds(t, b, "")
	holds(t, b.WithSnapshot(s.Snapshot), "")
	holds(t, b.WithVersion(s.VersionID), "two")
	raw(t, srv, "DELETE", "photos/a?versionid="+s.VersionID, "").expect(t, "the one that was current", 202, "")
	if _, err := b.Properties(ctx, nil); !errors.Is(err, azureblob.BlobNotFound) {
		t.Error(err)
	}
	last := put(t, b, "new")
	if last <= s.VersionID {
		t.Errorf("%q is not after %q", last, s.VersionID)
	}
	if got := listed(t, c, 0, azureblob.ListBlobsInclude{Versions: true}); len(got) != 3 {
		t.Errorf("%q", got)
	}
}
