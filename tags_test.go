package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

func init() {
	exercise("Blob_GetTags", "BlobClient.Tags", func(ctx context.Context, s subject) (any, error) {
		if _, err := s.blob().WithSnapshot(s.snapshot).Tags(ctx, nil); err != nil {
			return nil, err
		}
		return s.blob().WithVersion(s.version).Tags(ctx, filled[azureblob.TagsOptions]())
	})
	exercise("Blob_SetTags", "BlobClient.SetTags", func(ctx context.Context, s subject) (any, error) {
		return s.blob().WithVersion(s.version).SetTags(ctx, azureblob.Tags{"key": "some"}, filled[azureblob.SetTagsOptions]())
	})
	exercise("Service_FilterBlobs", "ServiceClient.FindBlobsByTagsPages", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.FindBlobsByTagsOptions]()
		o.Marker = "some"
		return firstPage(s.service.FindBlobsByTagsPages(ctx, "key = 'some'", o))
	})
	exercise("Service_FilterBlobs", "ServiceClient.FindBlobsByTags", func(ctx context.Context, s subject) (any, error) {
		return nil, drained(s.service.FindBlobsByTags(ctx, "key = 'some'", nil))
	})
	exercise("Container_FilterBlobs", "ContainerClient.FindBlobsByTagsPages", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.FindBlobsByTagsOptions]()
		o.Marker = "some"
		return firstPage(s.container().FindBlobsByTagsPages(ctx, "key = 'some'", o))
	})
	exercise("Container_FilterBlobs", "ContainerClient.FindBlobsByTags", func(ctx context.Context, s subject) (any, error) {
		return nil, drained(s.container().FindBlobsByTags(ctx, "key = 'some'", nil))
	})
}

func TestTags(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx := t.Context()
		b := newContainer(t, s).Blob("cat.jpg")
		if _, err := b.Tags(ctx, nil); !errors.Is(err, azureblob.BlobNotFound) {
			t.Errorf("without a blob: %v", err)
		}
		uploaded := must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("x"), nil))
		if r := must[azureblob.TagsResult](t)(b.Tags(ctx, nil)); len(r.Tags) != 0 {
			t.Errorf("at first: %v", r.Tags)
		}
		tags := azureblob.Tags{"project": "alps", "a b": "x/y=z+1:._-", strings.Repeat("k", 128): strings.Repeat("v", 256)}
		if r := must[azureblob.SetTagsResult](t)(b.SetTags(ctx, tags, nil)); r.StatusCode != 204 || r.RequestID == "" {
			t.Errorf("%+v", r.ResponseInfo)
		}
		if r := must[azureblob.TagsResult](t)(b.Tags(ctx, nil)); !maps.Equal(r.Tags, tags) {
			t.Errorf("%v, want %v", r.Tags, tags)
		}
		if p := must[azureblob.BlobPropertiesResult](t)(b.Properties(ctx, nil)); p.ETag != uploaded.ETag || p.TagCount != 3 {
			t.Errorf("ETag %s and %s, %d tags", uploaded.ETag, p.ETag, p.TagCount)
		}
		snapshot := must[azureblob.SnapshotResult](t)(b.Snapshot(ctx, nil))
		must[azureblob.SetTagsResult](t)(b.SetTags(ctx, nil, nil))
		if r := must[azureblob.TagsResult](t)(b.Tags(ctx, nil)); len(r.Tags) != 0 {
			t.Errorf("cleared: %v", r.Tags)
		}
		if r := must[azureblob.TagsResult](t)(b.WithSnapshot(snapshot.Snapshot).Tags(ctx, nil)); !maps.Equal(r.Tags, tags) {
			t.Errorf("of the snapshot: %v", r.Tags)
		}
		_, err := b.WithSnapshot(snapshot.Snapshot).SetTags(ctx, tags, nil)
		refused(t, "tags of a snapshot", err, "snapshot")
	})
}

// TestTagConditions needs blobtest: the emulator does not look at conditions of
// calls about tags.
func TestTagConditions(t *testing.T) {
	s, ctx := blobtest.New(t).ServiceClient(azureblob.CapturingOptions()), t.Context()
	b := newContainer(t, s).Blob("cat.jpg")
	uploaded := must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("x"), &azureblob.UploadOptions{Tags: azureblob.Tags{"state": "new"}}))
	before, after := uploaded.LastModified.Add(-time.Hour), uploaded.LastModified.Add(time.Hour)
	for _, c := range []struct {
		name       string
		conditions azureblob.TagConditions
		read       int // status of a false condition on reads; 0 if it is true
		write      int
	}{
		{"match", azureblob.TagConditions{IfMatch: uploaded.ETag}, 0, 0},
		{"match any", azureblob.TagConditions{IfMatch: azcore.ETagAny}, 0, 0},
		{"no match", azureblob.TagConditions{IfMatch: `"other"`}, 412, 412},
		{"none match", azureblob.TagConditions{IfNoneMatch: uploaded.ETag}, 304, 412},
		{"modified", azureblob.TagConditions{IfModifiedSince: before}, 0, 0},
		{"not modified", azureblob.TagConditions{IfModifiedSince: after}, 304, 412},
		{"unmodified", azureblob.TagConditions{IfUnmodifiedSince: after}, 0, 0},
		{"not unmodified", azureblob.TagConditions{IfUnmodifiedSince: before}, 412, 412},
		{"tags", azureblob.TagConditions{IfTags: azureblob.Tag("state").Equals("new").Or(`state = 'old'`)}, 0, 0},
		{"other tags", azureblob.TagConditions{IfTags: azureblob.Tag("state").NotEquals("new")}, 412, 412},
		{"lease", azureblob.TagConditions{LeaseID: "11111111-1111-1111-1111-111111111111"}, 412, 412},
	} {
		status := func(err error) int {
			if e, ok := errors.AsType[*azureblob.Error](err); ok {
				return e.StatusCode
			}
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			return 0
		}
		_, err := b.Tags(ctx, &azureblob.TagsOptions{Conditions: c.conditions})
		if got := status(err); got != c.read {
			t.Errorf("%s: read %d, want %d", c.name, got, c.read)
		}
		_, err = b.SetTags(ctx, azureblob.Tags{"state": "new"}, &azureblob.SetTagsOptions{Conditions: c.conditions})
		if got := status(err); got != c.write {
			t.Errorf("%s: write %d, want %d", c.name, got, c.write)
		}
	}
}

// TestTagWriteThatMayHaveHappened: a condition on tags can be untrue because of
// the first try, whose answer got lost.
func TestTagWriteThatMayHaveHappened(t *testing.T) {
	srv, ctx := blobtest.New(t), t.Context()
	o := azureblob.CapturingOptions()
	o.Retry.Delay = time.Millisecond
	b := newContainer(t, srv.ServiceClient(o)).Blob("cat.jpg")
	must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("x"), &azureblob.UploadOptions{Tags: azureblob.Tags{"state": "new"}}))
	lost := srv.Inject(blobtest.Fault{Operation: "Set Blob Tags", At: blobtest.AfterOperation, Reset: true})
	conditional := &azureblob.SetTagsOptions{Conditions: azureblob.TagConditions{IfTags: azureblob.Tag("state").Equals("new")}}
	if _, err := b.SetTags(ctx, azureblob.Tags{"state": "done"}, conditional); err != nil {
		t.Error(err)
	}
	if lost.Fired() != 1 {
		t.Errorf("%d faults", lost.Fired())
	}
	if r := must[azureblob.TagsResult](t)(b.Tags(ctx, nil)); r.Tags["state"] != "done" {
		t.Errorf("%v: the first try had no effect", r.Tags)
	}
	srv.Inject(blobtest.Fault{Operation: "Set Blob Tags", At: blobtest.AfterOperation, Reset: true})
	must[azureblob.SetTagsResult](t)(b.SetTags(ctx, azureblob.Tags{"state": "new"}, nil)) // repeated
}

func TestTagsRefusesBadInput(t *testing.T) {
	b, ctx := unsent(t).Container("photos").Blob("cat.jpg"), t.Context()
	eleven := azureblob.Tags{}
	for i := range 11 {
		eleven[fmt.Sprint(i)] = ""
	}
	for _, c := range []struct {
		tags azureblob.Tags
		code azureblob.ErrorCode
		word string
	}{
		{eleven, azureblob.TagsTooLarge, "at most 10"},
		{azureblob.Tags{"": "x"}, azureblob.EmptyTagName, "empty"},
		{azureblob.Tags{strings.Repeat("k", 129): "x"}, azureblob.TagsTooLarge, "129"},
		{azureblob.Tags{"k": strings.Repeat("v", 257)}, azureblob.TagsTooLarge, "257"},
		{azureblob.Tags{"a&b": "x"}, azureblob.InvalidInput, `"a&b"`},
		{azureblob.Tags{"k": "grün"}, azureblob.InvalidInput, `"k"`},
	} {
		_, err := b.SetTags(ctx, c.tags, nil)
		refused(t, c.word, err, "Set Blob Tags", c.word)
		if !errors.Is(err, c.code) {
			t.Errorf("%v is not %s", err, c.code)
		}
		_, err = b.Upload(ctx, strings.NewReader("x"), &azureblob.UploadOptions{Tags: c.tags})
		refused(t, "upload with "+c.word, err, c.word)
	}
	_, err := b.SetTags(ctx, nil, &azureblob.SetTagsOptions{Conditions: azureblob.TagConditions{IfTags: `"k" = 'ü'`}})
	refused(t, "no header", err, "x-ms-if-tags")
}

// found are the names of a search, and an error.
func found(loop func(func(*azureblob.TaggedBlob, error) bool)) (names []string, err error) {
	for b, err := range loop {
		if err != nil {
			return names, err
		}
		names = append(names, b.Name)
	}
	return names, nil
}

func TestFindBlobsByTags(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx := t.Context()
		c, other := newContainer(t, s), newContainer(t, s)
		mark := azureblob.Tag("test").Equals(c.Name())
		for _, container := range []*azureblob.ContainerClient{c, other} {
			for i := range 5 {
				o := &azureblob.UploadOptions{Tags: azureblob.Tags{"test": c.Name(), "n": fmt.Sprint(i), "it": "x"}}
				must[azureblob.UploadResult](t)(container.Blob(fmt.Sprint("blob ", i)).Upload(ctx, strings.NewReader("x"), o))
			}
		}
		must[azureblob.UploadResult](t)(c.Blob("plain").Upload(ctx, strings.NewReader("x"), nil))

		if names := must[[]string](t)(found(s.FindBlobsByTags(ctx, mark, nil))); len(names) != 10 {
			t.Errorf("of the account: %v", names)
		}
		if names := must[[]string](t)(found(s.FindBlobsByTags(ctx, azureblob.InContainer(other.Name()).And(mark), nil))); len(names) != 5 {
			t.Errorf("of one container of it: %v", names)
		}
		n := azureblob.Tag("n")
		for where, want := range map[azureblob.TagFilter][]string{
			mark.And(n.Equals("3")):                                      {"blob 3"},
			mark.And(n.GreaterThan("3")):                                 {"blob 4"},
			mark.And(n.AtLeast("3")):                                     {"blob 3", "blob 4"},
			mark.And(n.LessThan("1")):                                    {"blob 0"},
			mark.And(n.AtMost("1")):                                      {"blob 0", "blob 1"},
			mark.And(n.AtLeast("1"), n.AtMost("2")):                      {"blob 1", "blob 2"},
			mark.And(azureblob.Tag("none").LessThan("z")):                nil,
			`"n"='2' AND test = '` + azureblob.TagFilter(c.Name()) + `'`: {"blob 2"},
		} {
			names, err := found(c.FindBlobsByTags(ctx, where, nil))
			if slices.Sort(names); err != nil || !slices.Equal(names, want) {
				t.Errorf("%s: %v and not %v, %v", where, names, want, err)
			}
		}
		for page, err := range s.FindBlobsByTagsPages(ctx, mark.And(n.Equals("1")), nil) {
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Blobs) != 2 || page.Where != mark.And(n.Equals("1")) || page.ServiceEndpoint == "" || page.RequestID == "" {
				t.Fatalf("%+v", page)
			}
			b := page.Blobs[0]
			if want := (azureblob.Tags{"test": c.Name(), "n": "1"}); !azurite && b.ContainerName != min(c.Name(), other.Name()) || !azurite && !maps.Equal(b.Tags, want) {
				t.Errorf("%+v", b)
			}
		}
		if _, err := found(s.FindBlobsByTags(ctx, "no expression", nil)); !errors.Is(err, azureblob.InvalidQueryParameterValue) {
			t.Errorf("no expression: %v", err)
		}
	})
}

// TestFindBlobsByTagsPaging needs blobtest, for the emulator loses pages.
func TestFindBlobsByTagsPaging(t *testing.T) {
	srv, ctx := blobtest.New(t, &blobtest.Options{Versioning: true}), t.Context()
	s := srv.ServiceClient(azureblob.CapturingOptions())
	c := newContainer(t, s)
	for i := range 7 {
		o := &azureblob.UploadOptions{Tags: azureblob.Tags{"k": "v"}}
		must[azureblob.UploadResult](t)(c.Blob(fmt.Sprint(i)).Upload(ctx, strings.NewReader("x"), o))
	}
	srv.ResetRequests()
	names := must[[]string](t)(found(c.FindBlobsByTags(ctx, "k='v'", &azureblob.FindBlobsByTagsOptions{PageSize: 3})))
	if want := []string{"0", "1", "2", "3", "4", "5", "6"}; !slices.Equal(names, want) || len(srv.Requests()) != 3 {
		t.Errorf("%v in %d requests", names, len(srv.Requests()))
	}
	var marker string
	for page, err := range s.FindBlobsByTagsPages(ctx, "k='v'", &azureblob.FindBlobsByTagsOptions{PageSize: 3}) {
		if err != nil || len(page.Blobs) != 3 {
			t.Fatalf("%+v, %v", page, err)
		}
		marker = page.NextMarker
		break
	}
	if names := must[[]string](t)(found(s.FindBlobsByTags(ctx, "k='v'", &azureblob.FindBlobsByTagsOptions{Marker: marker}))); !slices.Equal(names, []string{"3", "4", "5", "6"}) {
		t.Errorf("from the marker: %v", names)
	}

	must[azureblob.UploadResult](t)(c.Blob("3").Upload(ctx, strings.NewReader("y"), &azureblob.UploadOptions{Tags: azureblob.Tags{"k": "w"}}))
	versions := &azureblob.FindBlobsByTagsOptions{Include: azureblob.FindBlobsInclude{Versions: true}}
	for b, err := range c.FindBlobsByTags(ctx, "k >= 'v'", versions) {
		if err != nil {
			t.Fatal(err)
		}
		if b.VersionID == "" || b.IsCurrentVersion == (b.Name == "3" && b.Tags["k"] == "v") {
			t.Errorf("%+v", b)
		}
		if r := must[azureblob.TagsResult](t)(c.Blob(b.Name).WithVersion(b.VersionID).Tags(ctx, nil)); !maps.Equal(r.Tags, b.Tags) {
			t.Errorf("version %s of %s: %v, %v", b.VersionID, b.Name, r.Tags, b.Tags)
		}
	}
	if names := must[[]string](t)(found(c.FindBlobsByTags(ctx, "k >= 'v'", versions))); len(names) != 8 {
		t.Errorf("versions: %v", names)
	}
}

func TestFindBlobsByTagsRefusesBadInput(t *testing.T) {
	s, ctx := unsent(t), t.Context()
	for word, where := range map[string]azureblob.TagFilter{
		"empty": " ", "OR": azureblob.Tag("a").Equals("1").Or(azureblob.Tag("b").Equals("2")), "<>": azureblob.Tag("a").NotEquals("1"),
	} {
		_, err := found(s.FindBlobsByTags(ctx, where, nil))
		refused(t, word, err, "Find Blobs by Tags", word)
		_, err = found(s.Container("photos").FindBlobsByTags(ctx, where, nil))
		refused(t, word, err, "Find Blobs by Tags", word)
	}
	_, err := found(s.FindBlobsByTags(ctx, "a = 'b'", &azureblob.FindBlobsByTagsOptions{PageSize: 5001}))
	refused(t, "page size", err, "page size")
}

func TestTagFilter(t *testing.T) {
	a, b, c := azureblob.Tag("a").Equals("1"), azureblob.Tag("b").Equals("it's OR"), azureblob.TagFilter(`c<'3'or"d"='4'`)
	for _, x := range []struct{ have, want azureblob.TagFilter }{
		{a, `"a" = '1'`},
		{b, `"b" = 'it''s OR'`},
		{azureblob.Tag("a").NotEquals("1"), `"a" <> '1'`},
		{azureblob.InContainer("photos"), `@container = 'photos'`},
		{a.And(b), `"a" = '1' AND "b" = 'it''s OR'`},
		{a.And(), a},
		{azureblob.TagFilter("").And(a, "", b), a.And(b)},
		{azureblob.TagFilter("").Or(a, "", b), `"a" = '1' OR "b" = 'it''s OR'`},
		{a.And(c), `"a" = '1' AND c<'3' OR "a" = '1' AND "d"='4'`},
		{a.Or(b).And(c), `"a" = '1' AND c<'3' OR "a" = '1' AND "d"='4' OR "b" = 'it''s OR' AND c<'3' OR "b" = 'it''s OR' AND "d"='4'`},
		{a.And(b).Or(a), a.And(b) + " OR " + a},
	} {
		if x.have != x.want {
			t.Errorf("%s, want %s", x.have, x.want)
		}
	}
}
