package blobtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// entryName tells what an entry of a listing is: name, kind, ID, state.
func entryName(i *azureblob.BlobItem) string {
	parts := []string{i.Name}
	switch {
	case i.Snapshot != "":
		parts = append(parts, "snapshot", i.Snapshot)
	case i.VersionID != "":
		parts = append(parts, "version", i.VersionID)
	case i.HasVersionsOnly:
		parts = append(parts, "root")
	}
	if i.Deleted {
		parts = append(parts, "deleted")
	}
	return strings.Join(parts, " ")
}

// kinds leaves the IDs out.
func kinds(entries []string) []string {
	short := make([]string, 0, len(entries))
	for _, e := range entries {
		short = append(short, strings.Join(slices.DeleteFunc(strings.Fields(e), func(s string) bool { return strings.HasPrefix(s, "20") }), " "))
	}
	return short
}

// listed are all entries of a listing.
func listed(t *testing.T, c *azureblob.ContainerClient, size int, include azureblob.ListBlobsInclude) (all []string) {
	t.Helper()
	for item, err := range c.Blobs(t.Context(), &azureblob.ListBlobsOptions{PageSize: size, Include: include}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entryName(item))
	}
	return all
}

func TestIncludes(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{Versioning: true, SoftDelete: 1})
	c := newContainer(t, srv.ServiceClient())
	for _, name := range []string{"a", "b", "d/1", "d/2", "ü\uffff"} {
		b := c.Blob(name)
		first := put(t, b, "one")
		s := snapshot(t, b, nil)
		put(t, b, "two")
		snapshot(t, b, nil)
		if _, err := b.WithSnapshot(s.Snapshot).Delete(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := b.WithVersion(first).Delete(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	raw(t, srv, "DELETE", "photos/b", "", "x-ms-delete-snapshots", "include").expect(t, "delete", 202, "")
	raw(t, srv, "PUT", "photos/b?comp=block&blockid=AAAA", "some").expect(t, "stage", 201, "")
	raw(t, srv, "PUT", "photos/c?comp=block&blockid=AAAA", "some").expect(t, "stage", 201, "")
	for _, test := range []struct {
		include azureblob.ListBlobsInclude
		b       []string // entries of the deleted blob
		n       int      // in all
	}{
		{azureblob.ListBlobsInclude{}, nil, 4},
		{azureblob.ListBlobsInclude{Deleted: true}, nil, 4},
		{azureblob.ListBlobsInclude{UncommittedBlobs: true}, []string{"b"}, 6},
		{azureblob.ListBlobsInclude{DeletedWithVersions: true}, []string{"b root"}, 5},
		{azureblob.ListBlobsInclude{Snapshots: true}, nil, 8},
		{azureblob.ListBlobsInclude{Snapshots: true, Deleted: true}, []string{"b snapshot deleted", "b snapshot deleted"}, 14},
		{azureblob.ListBlobsInclude{Versions: true}, []string{"b version", "b version", "b version"}, 15},
		{azureblob.ListBlobsInclude{Snapshots: true, Versions: true, Deleted: true, DeletedWithVersions: true, UncommittedBlobs: true},
			[]string{"b version deleted", "b snapshot deleted", "b version", "b version", "b snapshot deleted", "b version", "b root", "b"}, 5*6 + 3},
	} {
		want := listed(t, c, 0, test.include)
		ofB := slices.DeleteFunc(kinds(want), func(s string) bool { return s[0] != 'b' })
		if len(want) != test.n || !slices.Equal(ofB, test.b) {
			t.Errorf("%+v: %d, %q", test.include, len(want), want)
		}
		for size := 1; size <= len(want)+1; size++ {
			if got := listed(t, c, size, test.include); !slices.Equal(got, want) {
				t.Errorf("%+v, %d a page:\n%q and not\n%q", test.include, size, got, want)
			}
		}
	}
}

// The same by level, and with a start.
func TestIncludesByLevel(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{Versioning: true})
	c := newContainer(t, srv.ServiceClient())
	for _, name := range []string{"a", "d/1", "d/2", "e", "f/1"} {
		put(t, c.Blob(name), "one")
		put(t, c.Blob(name), "two")
	}
	raw(t, srv, "DELETE", "photos/f/1", "").expect(t, "delete", 202, "")
	for size := 1; size <= 10; size++ {
		level := func(o azureblob.ListBlobsOptions) (all []string) {
			o.PageSize = size
			for item, err := range c.BlobsByHierarchy(t.Context(), "/", &o) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, item.Name)
			}
			return all
		}
		if got := level(azureblob.ListBlobsOptions{}); !slices.Equal(got, []string{"a", "d/", "e"}) {
			t.Errorf("%d a page: %q", size, got)
		}
		o := azureblob.ListBlobsOptions{Include: azureblob.ListBlobsInclude{Versions: true}}
		if got := level(o); !slices.Equal(got, []string{"a", "a", "d/", "e", "e", "f/"}) {
			t.Errorf("versions, %d a page: %q", size, got)
		}
		if o.StartFrom = "d/2"; !slices.Equal(level(o), []string{"d/", "e", "e", "f/"}) {
			t.Errorf("start, %d a page: %q", size, level(o))
		}
	}
	// A start after the marker wins, and shows all of its name.
	first := raw(t, srv, "GET", "photos?restype=container&comp=list&include=versions&maxresults=1", "")
	_, rest, _ := strings.Cut(first.body, "<NextMarker>")
	marker, _, _ := strings.Cut(rest, "<")
	second := raw(t, srv, "GET", "photos?restype=container&comp=list&include=versions&startFrom=e&marker="+marker, "")
	if strings.Count(second.body, "<Name>e</Name>") != 2 || strings.Contains(second.body, "<Name>a<") {
		t.Error(second.body)
	}
}

func TestSystemContainers(t *testing.T) {
	srv := blobtest.New(t)
	for _, name := range []string{"$logs", "$web", "$root", "photos"} {
		raw(t, srv, "PUT", name+"?restype=container", "").expect(t, name, 201, "")
	}
	for system, want := range map[bool][]string{false: {"$root", "$web", "photos"}, true: {"$logs", "$root", "$web", "photos"}} {
		var got []string
		for item, err := range srv.ServiceClient().Containers(t.Context(), &azureblob.ListContainersOptions{Include: azureblob.ListContainersInclude{System: system}}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, item.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	}
	raw(t, srv, "GET", "?comp=list&include=tags", "").expect(t, "no such include", 400, "InvalidQueryParameterValue")
	raw(t, srv, "GET", "photos?restype=container&comp=list&include=all", "").expect(t, "no such include", 400, "InvalidQueryParameterValue")
	a := raw(t, srv, "GET", "photos?restype=container&comp=list&prefix=%EF%BF%BF", "")
	a.expect(t, "a prefix that XML cannot carry", 200, "")
}
