package blobtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

func TestListBlobs(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient()), t.Context()
	names := []string{"a", "b--c", "b--d", "b-e", "dir/", "dir/1", "dir/2", "dir/sub/3", "dir0", "ü\uffff", "\U0001f600"}
	for _, name := range names {
		if _, err := c.Blob(name).Upload(ctx, strings.NewReader(""), nil); err != nil {
			t.Fatal(err)
		}
	}
	raw(t, srv, "PUT", "photos/staged?comp=block&blockid=AAAA", "some").expect(t, "stage", 201, "")
	flat := func(o azureblob.ListBlobsOptions) []string {
		t.Helper()
		var got []string
		for item, err := range c.Blobs(ctx, &o) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, item.Name)
		}
		return got
	}
	level := func(delimiter string, o azureblob.ListBlobsOptions) []string {
		t.Helper()
		var got []string
		for item, err := range c.BlobsByHierarchy(ctx, delimiter, &o) {
			if err != nil {
				t.Fatal(err)
			}
			if item.IsPrefix {
				item.Name += "*"
			}
			got = append(got, item.Name)
		}
		return got
	}
	sorted := slices.Sorted(slices.Values(names))
	withStaged := slices.Sorted(slices.Values(append(slices.Clone(names), "staged")))
	for _, size := range []int{0, 1, 2, 3, 5, 50} {
		for _, test := range []struct {
			name      string
			got, want []string
		}{
			{"all", flat(azureblob.ListBlobsOptions{PageSize: size}), sorted},
			{"staged", flat(azureblob.ListBlobsOptions{PageSize: size, Include: azureblob.ListBlobsInclude{UncommittedBlobs: true}}), withStaged},
			{"prefix", flat(azureblob.ListBlobsOptions{PageSize: size, Prefix: "dir/"}), []string{"dir/", "dir/1", "dir/2", "dir/sub/3"}},
			{"no such prefix", flat(azureblob.ListBlobsOptions{PageSize: size, Prefix: "q"}), nil},
			{"start", flat(azureblob.ListBlobsOptions{PageSize: size, StartFrom: "dir/2", Prefix: "d"}), []string{"dir/2", "dir/sub/3", "dir0"}},
			{"level", level("/", azureblob.ListBlobsOptions{PageSize: size}), []string{"a", "b--c", "b--d", "b-e", "dir/*", "dir0", "ü\uffff", "\U0001f600"}},
			{"deeper", level("/", azureblob.ListBlobsOptions{PageSize: size, Prefix: "dir/"}), []string{"dir/", "dir/1", "dir/2", "dir/sub/*"}},
			{"long delimiter", level("--", azureblob.ListBlobsOptions{PageSize: size, Prefix: "b"}), []string{"b--*", "b-e"}},
		} {
			if !slices.Equal(test.got, test.want) {
				t.Errorf("%s, %d a page: %q and not %q", test.name, size, test.got, test.want)
			}
		}
	}
}

func TestListedProperties(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient()), t.Context()
	for _, name := range []string{"a", "b"} {
		if _, err := c.Blob(name).Upload(ctx, strings.NewReader(""), &azureblob.UploadOptions{Metadata: azureblob.Metadata{"Of": "it"}}); err != nil {
			t.Fatal(err)
		}
	}
	for item, err := range c.Blobs(ctx, &azureblob.ListBlobsOptions{Prefix: "a", Include: azureblob.ListBlobsInclude{Metadata: true}}) {
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Blob("a").Properties(ctx, nil)
		if err != nil || item.Metadata["of"] != "it" || item.Properties.ETag != p.ETag || !item.Properties.LastModified.Equal(p.LastModified) ||
			item.Properties.BlobType != azureblob.BlockBlob || item.Properties.AccessTier != azureblob.TierHot || item.Properties.ContentType != "application/octet-stream" {
			t.Errorf("%+v\n%+v, %v", item, p, err)
		}
	}
	a := raw(t, srv, "GET", "photos?restype=container&comp=list&maxresults=1", "")
	for _, want := range []string{
		`<EnumerationResults ServiceEndpoint="https://devstoreaccount1.blob.test/" ContainerName="photos"><MaxResults>1</MaxResults><Blobs><Blob><Name>a</Name><Properties><Creation-Time>`,
		"<Content-Length>0</Content-Length>", "<Etag>0x", "</Blobs><NextMarker>",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%s is not in %s", want, a.body)
		}
	}
	raw(t, srv, "GET", "photos?restype=container&comp=list&marker=!!", "").expect(t, "marker", 400, "InvalidQueryParameterValue")
	raw(t, srv, "GET", "photos?restype=container&comp=list&delimiter=/&include=snapshots", "").expect(t, "snapshots by level", 400, "InvalidQueryParameterValue")
}

func TestContainers(t *testing.T) {
	srv := blobtest.New(t)
	s, ctx := srv.ServiceClient(), t.Context()
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("container-%d", i)
		if _, err := s.Container(name).Create(ctx, &azureblob.CreateContainerOptions{Metadata: azureblob.Metadata{"n": fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
		want = append(want, name)
	}
	if _, err := s.Container("other").Create(ctx, nil); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, 3, 7} {
		var got []string
		for item, err := range s.Containers(ctx, &azureblob.ListContainersOptions{Prefix: "cont", PageSize: size, Include: azureblob.ListContainersInclude{Metadata: true}}) {
			if err != nil {
				t.Fatal(err)
			}
			p, err := s.Container(item.Name).Properties(ctx, nil)
			if err != nil || item.Properties.ETag != p.ETag || item.Metadata["n"] != p.Metadata["n"] || p.Metadata["n"] == "" || p.LeaseState != azureblob.LeaseAvailable {
				t.Errorf("%+v, %+v, %v", item, p, err)
			}
			got = append(got, item.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d a page: %q", size, got)
		}
	}
	info, err := s.AccountInfo(ctx, nil)
	if err != nil || info.Kind != azureblob.AccountStorageV2 || info.SKU == "" {
		t.Errorf("%+v, %v", info, err)
	}
	c := s.Container("other")
	before, err := c.Properties(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetMetadata(ctx, azureblob.Metadata{"a": "b"}, &azureblob.SetContainerMetadataOptions{IfModifiedSince: before.LastModified}); err == nil {
		t.Error("If-Modified-Since does nothing")
	}
	after, err := c.SetMetadata(ctx, azureblob.Metadata{"a": "b"}, nil)
	if err != nil || after.ETag == before.ETag {
		t.Errorf("%+v, %v", after, err)
	}
	if a := raw(t, srv, "GET", "other?restype=container&comp=metadata", ""); a.header.Get("x-ms-meta-a") != "b" {
		t.Errorf("%+v", a)
	}
	if _, err := c.Delete(ctx, &azureblob.DeleteContainerOptions{Conditions: azureblob.ContainerConditions{IfUnmodifiedSince: before.LastModified.AddDate(0, 0, -1)}}); err == nil {
		t.Error("If-Unmodified-Since does nothing")
	}
}
