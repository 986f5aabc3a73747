package azureblob_test

import (
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
)

// itemNames are the names in a listing.
func itemNames(t *testing.T, blobs iter.Seq2[*azureblob.BlobItem, error]) []string {
	t.Helper()
	var all []string
	for item, err := range blobs {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, item.Name)
	}
	return all
}

// TestEndBefore ends listings at every name, and between names, with pages of
// several sizes, and counts the requests: none is made for what lies behind.
func TestEndBefore(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c, ctx := newContainer(t, s), t.Context()
		all := []string{"a", "b/1", "b/2", "b0", "c/1", "d"}
		for _, name := range all {
			must[azureblob.UploadResult](t)(c.Blob(name).Upload(ctx, strings.NewReader(""), nil))
		}
		level := []string{"a", "b/", "b0", "c/", "d"}
		for _, end := range append([]string{"A", "b", "bb", "z"}, all...) {
			for size := 1; size <= 4; size++ {
				sent := 0
				o := &azureblob.ListBlobsOptions{EndBefore: end, PageSize: size}
				o.OnRequest = func(*http.Request) { sent++ }
				before := func(list []string) []string {
					return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return name >= end })
				}
				if got, want := itemNames(t, c.Blobs(ctx, o)), before(all); !slices.Equal(got, want) {
					t.Errorf("before %q, by %d: %q and not %q", end, size, got, want)
				} else if most := min((len(want)+size)/size, (len(all)+size-1)/size); sent > most {
					t.Errorf("before %q, by %d: %d requests, and %d are enough", end, size, sent, most)
				}
				if got, want := itemNames(t, c.BlobsByHierarchy(ctx, "/", o)), before(level); !slices.Equal(got, want) {
					t.Errorf("before %q, by %d, one level: %q and not %q", end, size, got, want)
				}
			}
		}
		between := &azureblob.ListBlobsOptions{StartFrom: "b/2", EndBefore: "c/1", Prefix: "b", PageSize: 1}
		if got := itemNames(t, c.Blobs(ctx, between)); !slices.Equal(got, []string{"b/2", "b0"}) {
			t.Errorf("from b/2 to c/1: %q", got)
		}
		for page, err := range c.BlobPages(ctx, &azureblob.ListBlobsOptions{EndBefore: "b0"}) {
			if err != nil || page.NextMarker != "" || len(page.Blobs) != 3 {
				t.Errorf("the last page: %+v, %v", page, err)
			}
		}
	})
}
