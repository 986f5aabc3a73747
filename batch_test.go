package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// batcher is a service or a container, as batches are sent to it.
type batcher interface {
	DeleteBlobs(context.Context, iter.Seq[*azureblob.BlobClient], *azureblob.DeleteBlobsOptions) iter.Seq2[*azureblob.BatchItem, error]
	SetBlobTiers(context.Context, iter.Seq[*azureblob.BlobClient], azureblob.AccessTier, *azureblob.SetBlobTiersOptions) iter.Seq2[*azureblob.BatchItem, error]
}

func init() {
	for _, on := range []struct {
		operation, client string
		of                func(s subject) batcher
	}{
		{"Service_SubmitBatch", "ServiceClient", func(s subject) batcher { return s.service }},
		{"Container_SubmitBatch", "ContainerClient", func(s subject) batcher { return s.container() }},
	} {
		exercise(on.operation, on.client+".DeleteBlobs", func(ctx context.Context, s subject) (any, error) {
			return firstPage(on.of(s).DeleteBlobs(ctx, seq(s.blob(), s.blob().WithVersion(s.version)), filled[azureblob.DeleteBlobsOptions]()))
		})
		exercise(on.operation, on.client+".SetBlobTiers", func(ctx context.Context, s subject) (any, error) {
			return firstPage(on.of(s).SetBlobTiers(ctx, seq(s.blob(), s.blob().WithSnapshot(s.snapshot)), azureblob.TierCool, filled[azureblob.SetBlobTiersOptions]()))
		})
	}
}

func seq[T any](all ...T) iter.Seq[T] { return slices.Values(all) }

// batchAnswer answers each part of a batch with status 202 and the same headers.
func batchAnswer(sent []byte, h http.Header) string {
	var b strings.Builder
	for i := range bytes.Count(sent, []byte("\nContent-ID:")) {
		fmt.Fprintf(&b, "--batchresponse_1\r\nContent-Type: application/http\r\nContent-ID: %d\r\n\r\nHTTP/1.1 202 Accepted\r\n", i)
		_ = h.Write(&b)
		b.WriteString("\r\n\r\n")
	}
	return b.String() + "--batchresponse_1--\r\n"
}

// outcome is what a loop yielded, by the URL of the blob.
func outcome(t *testing.T, loop iter.Seq2[*azureblob.BatchItem, error]) (items map[string]azureblob.BatchItem, errs map[string]error) {
	t.Helper()
	items, errs = map[string]azureblob.BatchItem{}, map[string]error{}
	for item, err := range loop {
		url := ""
		if item.Blob != nil {
			url = item.Blob.URL()
		}
		if _, twice := items[url]; twice {
			t.Errorf("%s came twice", url)
		}
		items[url] = *item
		if err != nil {
			errs[url] = err
			if e, ok := errors.AsType[*azureblob.Error](err); !ok || item.Blob != nil && e.Blob != item.Blob.Name() || item.StatusCode != 0 && e.StatusCode != item.StatusCode {
				t.Errorf("%s: %v", url, err)
			}
		}
	}
	return items, errs
}

// several makes blobs, and returns their handles.
func several(t *testing.T, c *azureblob.ContainerClient, names ...string) []*azureblob.BlobClient {
	t.Helper()
	var all []*azureblob.BlobClient
	for _, name := range names {
		must[azureblob.UploadResult](t)(c.Blob(name).Upload(t.Context(), strings.NewReader(name), nil))
		all = append(all, c.Blob(name))
	}
	return all
}

func names(prefix string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%s%03d", prefix, i))
	}
	return all
}

func listed(t *testing.T, c *azureblob.ContainerClient) []string {
	t.Helper()
	var all []string
	for item, err := range c.Blobs(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, item.Name)
	}
	return all
}

// onBatchers runs a test on both levels of both services, each with a container
// of its own.
func onBatchers(t *testing.T, test func(t *testing.T, b batcher, c *azureblob.ContainerClient, azurite bool)) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		for _, level := range []string{"service", "container"} {
			t.Run(level, func(t *testing.T) {
				c := newContainer(t, s)
				if level == "service" {
					test(t, s, c, azurite)
				} else {
					test(t, c, c, azurite)
				}
			})
		}
	})
}

func TestDeleteBlobs(t *testing.T) {
	onBatchers(t, func(t *testing.T, b batcher, c *azureblob.ContainerClient, azurite bool) {
		nasty := []string{"a b", "100%", "a+b", "a#b?c=d&e", "ü/日本語", "x//y", "..", "'\"<>|", "keep"}
		blobs := several(t, c, nasty...)[:len(nasty)-1]
		none := c.Blob("none")
		items, errs := outcome(t, b.DeleteBlobs(t.Context(), slices.Values(append(blobs, none)), nil))
		if len(items) != len(blobs)+1 || len(errs) != 1 {
			t.Errorf("%d items, errors %v", len(items), errs)
		}
		if err := errs[none.URL()]; !errors.Is(err, azureblob.BlobNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a blob that is not there: %v", err)
		}
		for url, item := range items {
			if want := 202; url != none.URL() && item.StatusCode != want || item.RequestID == "" || item.Header == nil || item.Pending || !azurite && item.Permanent != (url != none.URL()) {
				t.Errorf("%s: %+v", url, item)
			}
		}
		if left := listed(t, c); !slices.Equal(left, []string{"keep"}) {
			t.Errorf("left: %q", left)
		}
	})
}

func TestDeleteBlobsOfSeveralContainers(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c1, c2 := newContainer(t, s), newContainer(t, s)
		blobs := append(several(t, c1, "a", "b"), several(t, c2, "a", "c")...)
		items, errs := outcome(t, s.DeleteBlobs(t.Context(), slices.Values(blobs), nil))
		if len(items) != 4 || len(errs) != 0 || len(listed(t, c1))+len(listed(t, c2)) > 0 {
			t.Errorf("%v, %v", items, errs)
		}
	})
}

func TestDeleteBlobsSplits(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c := newContainer(t, s)
		some := several(t, c, names("there", 20)...)
		blobs := slices.Clone(some)
		for _, name := range names("none", 580) {
			blobs = append(blobs, c.Blob(name))
		}
		var batches atomic.Int32
		items, errs := outcome(t, c.DeleteBlobs(t.Context(), slices.Values(blobs), &azureblob.DeleteBlobsOptions{
			CallOptions: azureblob.CallOptions{OnRequest: func(*http.Request) { batches.Add(1) }},
		}))
		if len(items) != 600 || len(errs) != 580 || batches.Load() != 3 {
			t.Errorf("%d items with %d errors in %d batches", len(items), len(errs), batches.Load())
		}
		if left := listed(t, c); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
		if items, errs := outcome(t, c.DeleteBlobs(t.Context(), seq[*azureblob.BlobClient](), nil)); len(items)+len(errs) > 0 {
			t.Errorf("nothing gave %v, %v", items, errs)
		}
	})
}

func TestSetBlobTiers(t *testing.T) {
	onBatchers(t, func(t *testing.T, b batcher, c *azureblob.ContainerClient, azurite bool) {
		ctx := t.Context()
		blobs := several(t, c, "a", "b", "c")
		snap := must[azureblob.SnapshotResult](t)(blobs[0].Snapshot(ctx, nil))
		old := blobs[0].WithSnapshot(snap.Snapshot)
		if azurite {
			old = c.Blob("none") // it does not decode the snapshot of a part
		}
		items, errs := outcome(t, b.SetBlobTiers(ctx, slices.Values([]*azureblob.BlobClient{blobs[0], blobs[1], old}), azureblob.TierCool, nil))
		if len(items) != 3 || len(errs) != 0 && !azurite || azurite && !errors.Is(errs[old.URL()], azureblob.BlobNotFound) {
			t.Errorf("%v, %v", items, errs)
		}
		for i, want := range []azureblob.AccessTier{azureblob.TierCool, azureblob.TierCool, azureblob.TierHot} {
			if p := must[azureblob.BlobPropertiesResult](t)(blobs[i].Properties(ctx, nil)); p.AccessTier != want {
				t.Errorf("%s is %s", blobs[i].Name(), p.AccessTier)
			}
		}
		if azurite {
			return
		}
		if p := must[azureblob.BlobPropertiesResult](t)(old.Properties(ctx, nil)); p.AccessTier != azureblob.TierCool {
			t.Errorf("the snapshot is %s", p.AccessTier)
		}
		_, _ = outcome(t, b.SetBlobTiers(ctx, seq(blobs[2]), azureblob.TierArchive, nil))
		items, errs = outcome(t, b.SetBlobTiers(ctx, seq(blobs[2]), azureblob.TierHot, &azureblob.SetBlobTiersOptions{
			Each: azureblob.SetTierOptions{Rehydrate: azureblob.RehydrateHigh},
		}))
		if !items[blobs[2].URL()].Pending || len(errs) > 0 {
			t.Errorf("rehydration: %v, %v", items, errs)
		}
		if p := must[azureblob.BlobPropertiesResult](t)(blobs[2].Properties(ctx, nil)); p.ArchiveStatus != azureblob.RehydratePendingToHot {
			t.Errorf("rehydrating: %s", p.ArchiveStatus)
		}
	})
}

// TestBatchOptionsOfEach gives each blob options of its own.
func TestBatchOptionsOfEach(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx, c := t.Context(), newContainer(t, s)
		blobs := several(t, c, "leased", "another's", "snapshots", "no-snapshots", "changed", "tagged", "untagged")
		lease := blobs[0].Lease("")
		must[azureblob.LeaseResult](t)(lease.Acquire(ctx, azureblob.LeaseForever, nil))
		must[azureblob.LeaseResult](t)(blobs[1].Lease("").Acquire(ctx, azureblob.LeaseForever, nil))
		must[azureblob.SnapshotResult](t)(blobs[2].Snapshot(ctx, nil))
		must[azureblob.SnapshotResult](t)(blobs[3].Snapshot(ctx, nil))
		must[azureblob.UploadResult](t)(blobs[5].Upload(ctx, strings.NewReader("x"), &azureblob.UploadOptions{Tags: azureblob.Tags{"kind": "old"}}))
		own := map[*azureblob.BlobClient]azureblob.DeleteBlobOptions{
			blobs[0]: {Conditions: azureblob.Conditions{LeaseID: lease.ID()}},
			blobs[2]: {Snapshots: azureblob.DeleteSnapshotsInclude},
			blobs[4]: {Conditions: azureblob.Conditions{IfMatch: `"0x1"`}},
			blobs[5]: {Conditions: azureblob.Conditions{IfTags: "kind = 'old'"}},
			blobs[6]: {Conditions: azureblob.Conditions{IfTags: "kind = 'old'"}},
		}
		_, errs := outcome(t, c.DeleteBlobs(ctx, slices.Values(blobs), &azureblob.DeleteBlobsOptions{
			For: func(b *azureblob.BlobClient) azureblob.DeleteBlobOptions { return own[b] },
		}))
		want := map[string]error{
			blobs[1].URL(): azureblob.LeaseIDMissing, blobs[3].URL(): azureblob.SnapshotsPresent,
			blobs[4].URL(): azureblob.ConditionNotMet, blobs[6].URL(): azureblob.ConditionNotMet,
		}
		for url, code := range want {
			if !errors.Is(errs[url], code) {
				t.Errorf("%s: %v, and not %v", url, errs[url], code)
			}
		}
		if len(errs) != len(want) {
			t.Errorf("%v", slices.Collect(maps.Values(errs)))
		}
		if !azurite { // it takes no conditions on tiers
			_, errs = outcome(t, c.SetBlobTiers(ctx, seq(blobs[1], blobs[6]), azureblob.TierCool, &azureblob.SetBlobTiersOptions{
				Each: azureblob.SetTierOptions{IfTags: "kind = 'old'"},
			}))
			if len(errs) != 2 || !errors.Is(errs[blobs[6].URL()], azureblob.ConditionNotMet) {
				t.Errorf("tiers: %v", errs)
			}
		}
		_, errs = outcome(t, c.DeleteBlobs(ctx, seq(blobs[3]), &azureblob.DeleteBlobsOptions{
			Each: azureblob.DeleteBlobOptions{Snapshots: azureblob.DeleteSnapshotsInclude},
		}))
		if len(errs) > 0 {
			t.Errorf("%v", errs)
		}
	})
}

// TestBatchOfSnapshotsAndVersions deletes what handles name, and no more.
func TestBatchOfSnapshotsAndVersions(t *testing.T) {
	c := newContainer(t, blobtest.New(t, &blobtest.Options{Versioning: true}).ServiceClient())
	ctx, b := t.Context(), c.Blob("cat.txt")
	v1 := must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("one"), nil))
	must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("two"), nil))
	snap := must[azureblob.SnapshotResult](t)(b.Snapshot(ctx, nil))
	old, snapshot := b.WithVersion(v1.VersionID), b.WithSnapshot(snap.Snapshot)
	if items, errs := outcome(t, c.DeleteBlobs(ctx, seq(old, snapshot), nil)); len(errs) > 0 || len(items) != 2 {
		t.Fatal(errs)
	}
	for what, h := range map[string]*azureblob.BlobClient{"version": old, "snapshot": snapshot} {
		if ok, err := h.Exists(ctx, nil); ok || err != nil {
			t.Errorf("the %s: %v, %v", what, ok, err)
		}
	}
	if got := must[[]byte](t)(b.ReadAll(ctx, nil)); string(got) != "two" {
		t.Errorf("the blob: %q", got)
	}
}

func TestBatchRefusedItems(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx, c, other := t.Context(), newContainer(t, s), newContainer(t, s)
		good := several(t, c, "good")[0]
		elsewhere := several(t, other, "precious")[0]
		foreign := must[*azureblob.BlobClient](t)(azureblob.NewBlobClient("https://other.blob.core.windows.net/"+c.Name()+"/good", nil, nil))
		bad := []*azureblob.BlobClient{nil, new(azureblob.BlobClient), c.Blob(""), elsewhere, foreign, c.Blob("header"), c.Blob("name"), c.Blob("metadata"), good}
		headers := map[*azureblob.BlobClient]http.Header{
			bad[5]: {"x-ms-lease-id": {"a\r\n\r\nDELETE /c/precious HTTP/1.1"}}, bad[6]: {"x-bad name": {"x"}}, bad[7]: {"x-new\r\nline": {"x"}},
		}
		n := 0
		for item, err := range c.DeleteBlobs(ctx, slices.Values(bad), &azureblob.DeleteBlobsOptions{
			For: func(b *azureblob.BlobClient) azureblob.DeleteBlobOptions {
				return azureblob.DeleteBlobOptions{CallOptions: azureblob.CallOptions{Header: headers[b]}}
			},
		}) {
			n++
			if item.Blob == good && err == nil {
				continue
			}
			if item.Blob == good || !errors.Is(err, fs.ErrInvalid) || strings.Contains(err.Error(), "precious HTTP") {
				t.Errorf("%v: %v", item.Blob, err)
			}
		}
		if n != len(bad) {
			t.Errorf("%d items", n)
		}
		if ok, err := elsewhere.Exists(ctx, nil); !ok || err != nil {
			t.Errorf("the blob of the other container: %v, %v", ok, err)
		}
		_, errs := outcome(t, c.SetBlobTiers(ctx, seq(elsewhere), azureblob.TierCool, nil))
		if !errors.Is(errs[elsewhere.URL()], fs.ErrInvalid) {
			t.Errorf("tier: %v", errs)
		}
	})
}

func TestBatchBadInput(t *testing.T) {
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", nil, refusingOptions(t)))
	blobs := seq(s.Container("photos").Blob("cat.jpg"))
	c := s.Container("photos")
	var none context.Context
	for name, loop := range map[string]iter.Seq2[*azureblob.BatchItem, error]{
		"nil iterator":     s.DeleteBlobs(t.Context(), nil, nil),
		"no context":       s.DeleteBlobs(none, blobs, nil),
		"zero client":      new(azureblob.ContainerClient).DeleteBlobs(t.Context(), blobs, nil),
		"container name":   s.Container("No").DeleteBlobs(t.Context(), blobs, nil),
		"concurrency":      c.DeleteBlobs(t.Context(), blobs, &azureblob.DeleteBlobsOptions{Concurrency: 1001}),
		"less concurrency": c.SetBlobTiers(t.Context(), blobs, azureblob.TierHot, &azureblob.SetBlobTiersOptions{Concurrency: -1}),
		"no tier":          c.SetBlobTiers(t.Context(), blobs, "", nil),
		"timeout":          c.DeleteBlobs(t.Context(), blobs, &azureblob.DeleteBlobsOptions{CallOptions: azureblob.CallOptions{Timeout: -1}}),
		"timeout of each":  c.DeleteBlobs(t.Context(), blobs, &azureblob.DeleteBlobsOptions{Each: azureblob.DeleteBlobOptions{CallOptions: azureblob.CallOptions{Timeout: -1}}}),
	} {
		n := 0
		for item, err := range loop {
			if n++; !errors.Is(err, fs.ErrInvalid) || item == nil {
				t.Errorf("%s: %v, %v", name, item, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d items", name, n)
		}
	}
}

// batchFaults runs batches against a server with faults on virtual time.
func batchFaults(t *testing.T, n int, retry azureblob.RetryOptions, test func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient, blobs []*azureblob.BlobClient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		o := azureblob.CapturingOptions()
		o.Retry = retry
		c := newContainer(t, srv.ServiceClient(o))
		test(t, srv, c, several(t, c, names("b", n)...))
	})
}

func batchesOf(srv *blobtest.Server) int {
	n := 0
	for _, r := range srv.Requests() {
		if r.Operation == "Blob Batch" {
			n++
		}
	}
	return n
}

// TestBatchRetriesParts has single parts fail in ways that may pass.
func TestBatchRetriesParts(t *testing.T) {
	for name, tc := range map[string]struct {
		fault   blobtest.Fault
		retry   azureblob.RetryOptions
		batches int
		fails   error
		tier    bool
		gone    bool // the last answer says that the blob is not there
	}{
		"delete, busy":              {fault: blobtest.Fault{Status: 503, Code: "ServerBusy"}, batches: 2},
		"delete, busy for long":     {fault: blobtest.Fault{Status: 503, Code: "ServerBusy", Times: -1}, batches: 4, fails: azureblob.ServerBusy},
		"delete, no retries":        {fault: blobtest.Fault{Status: 503, Code: "ServerBusy"}, retry: azureblob.RetryOptions{Total: -1}, batches: 1, fails: azureblob.ServerBusy},
		"delete, perhaps applied":   {fault: blobtest.Fault{Status: 500, Code: "InternalError"}, batches: 2},
		"delete, applied":           {fault: blobtest.Fault{Status: 500, Code: "OperationTimedOut", At: blobtest.AfterOperation}, batches: 2, gone: true},
		"tier, perhaps applied":     {fault: blobtest.Fault{Status: 500, Code: "InternalError"}, batches: 2, tier: true},
		"tier, applied":             {fault: blobtest.Fault{Status: 500, Code: "OperationTimedOut", At: blobtest.AfterOperation}, batches: 2, tier: true},
		"tier, twice":               {fault: blobtest.Fault{Status: 504, Code: "OperationTimedOut", Times: 2}, batches: 3, tier: true},
		"tier, what does not pass":  {fault: blobtest.Fault{Status: 409, Code: "BlobBeingRehydrated"}, batches: 1, fails: azureblob.BlobBeingRehydrated, tier: true},
		"delete, not authenticated": {fault: blobtest.Fault{Status: 403, Code: "AuthenticationFailed"}, batches: 1, fails: azureblob.AuthenticationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			batchFaults(t, 5, tc.retry, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient, blobs []*azureblob.BlobClient) {
				tc.fault.Operation, tc.fault.Blob = "Delete Blob", "b003"
				if tc.tier {
					tc.fault.Operation = "Set Blob Tier"
				}
				srv.Inject(tc.fault)
				loop := c.DeleteBlobs(t.Context(), slices.Values(blobs), nil)
				if tc.tier {
					loop = c.SetBlobTiers(t.Context(), slices.Values(blobs), azureblob.TierCool, nil)
				}
				items, errs := outcome(t, loop)
				if n := batchesOf(srv); n != tc.batches || len(items) != 5 {
					t.Errorf("%d batches, %d items", n, len(items))
				}
				err := errs[blobs[3].URL()]
				if tc.fails == nil && err != nil || tc.fails != nil && !errors.Is(err, tc.fails) || len(errs) > 1 {
					t.Errorf("errors %v", errs)
				}
				if status := items[blobs[3].URL()].StatusCode; tc.fails == nil && status >= 300 && (status != 404 || !tc.gone) || tc.fails != nil && status != tc.fault.Status {
					t.Errorf("status %d", status)
				}
			})
		})
	}
}

// TestBatchRetryOptions sends parts again as the options of the call say, and no
// longer than the retry budget of the client lasts.
func TestBatchRetryOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		client  azureblob.RetryOptions
		budget  int
		call    *azureblob.RetryOptions
		batches int
	}{
		"fewer":     {call: &azureblob.RetryOptions{Status: 1}, batches: 2},
		"more":      {client: azureblob.RetryOptions{Total: -1}, call: &azureblob.RetryOptions{Status: 5}, batches: 6},
		"none":      {call: &azureblob.RetryOptions{Total: -1}, batches: 1},
		"no budget": {budget: 10, batches: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := blobtest.New(t)
				o := azureblob.CapturingOptions()
				o.Retry, o.RetryBudget = tc.client, tc.budget
				s := srv.ServiceClient(o)
				c := newContainer(t, s)
				blobs := several(t, c, names("b", 2)...)
				fault := srv.Inject(blobtest.Fault{Operation: "Delete Blob", Status: 503, Code: "ServerBusy", Times: -1})
				_, errs := outcome(t, c.DeleteBlobs(t.Context(), slices.Values(blobs), &azureblob.DeleteBlobsOptions{CallOptions: azureblob.CallOptions{Retry: tc.call}}))
				if n := batchesOf(srv); n != tc.batches || len(errs) != 2 || s.Usage().RetriesStatus != int64(tc.batches-1) {
					t.Errorf("%d batches and not %d, %v, %+v", n, tc.batches, errs, s.Usage())
				}
				fault.Remove()
				srv.Inject(blobtest.Fault{Operation: "Delete Blob", Status: 503, Code: "ServerBusy"})
				before := s.Usage().RetryBudget
				if _, errs := outcome(t, c.DeleteBlobs(t.Context(), slices.Values(blobs), nil)); name == "fewer" && (len(errs) > 0 || s.Usage().RetryBudget < before) {
					t.Errorf("a repetition that helped: %v, %d of the budget after %d", errs, s.Usage().RetryBudget, before)
				}
			})
		})
	}
}

// TestBatchForgetsTheTryBefore has a part answered, sent again, and then not
// answered: the item tells nothing of the first answer.
func TestBatchForgetsTheTryBefore(t *testing.T) {
	batchFaults(t, 2, azureblob.RetryOptions{}, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient, blobs []*azureblob.BlobClient) {
		srv.Inject(blobtest.Fault{Operation: "Delete Blob", Blob: "b001", Status: 503, Code: "ServerBusy"})
		srv.Inject(blobtest.Fault{Operation: "Blob Batch", Nth: 2, Times: -1, Reset: true, At: blobtest.BeforeRequest})
		items, errs := outcome(t, c.DeleteBlobs(t.Context(), slices.Values(blobs), nil))
		if item := items[blobs[1].URL()]; len(errs) != 1 || item.StatusCode != 0 || item.RequestID != "" || item.Header != nil {
			t.Errorf("%+v, %v", item, errs)
		}
	})
}

// TestBatchFailsAsAWhole has whole batches fail.
func TestBatchFailsAsAWhole(t *testing.T) {
	reset := errors.New("any")
	for name, tc := range map[string]struct {
		fault   blobtest.Fault
		tier    bool
		batches int
		fails   error
	}{
		"busy":                  {fault: blobtest.Fault{Status: 503, Code: "ServerBusy"}, batches: 2},
		"delete, lost answer":   {fault: blobtest.Fault{Reset: true, At: blobtest.AfterOperation}, batches: 2},
		"tier, lost answer":     {fault: blobtest.Fault{Reset: true, At: blobtest.AfterOperation}, tier: true, batches: 2},
		"tier, broken answer":   {fault: blobtest.Fault{Truncate: true}, tier: true, batches: 2},
		"delete, broken answer": {fault: blobtest.Fault{Truncate: true, Offset: 1}, batches: 2},
		"no permission":         {fault: blobtest.Fault{Status: 403, Code: "AuthorizationFailure"}, batches: 1, fails: azureblob.AuthorizationFailure},
		"no multipart":          {fault: blobtest.Fault{Header: map[string]string{"Content-Type": "text/plain"}, Times: -1}, batches: 4, fails: reset},
	} {
		t.Run(name, func(t *testing.T) {
			batchFaults(t, 5, azureblob.RetryOptions{}, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient, blobs []*azureblob.BlobClient) {
				tc.fault.Operation = "Blob Batch"
				srv.Inject(tc.fault)
				loop := c.DeleteBlobs(t.Context(), slices.Values(blobs), nil)
				if tc.tier {
					loop = c.SetBlobTiers(t.Context(), slices.Values(blobs), azureblob.TierCool, nil)
				}
				items, errs := outcome(t, loop)
				if n := batchesOf(srv); n != tc.batches || len(items) != 5 {
					t.Errorf("%d batches, %d items", n, len(items))
				}
				if tc.fails == nil && len(errs) > 0 || tc.fails != nil && len(errs) != 5 {
					t.Errorf("errors %v", errs)
				}
				for url, err := range errs {
					if tc.fails != reset && !errors.Is(err, tc.fails) {
						t.Errorf("%s: %v", url, err)
					}
				}
			})
		})
	}
}

// TestBatchKeepsWhatIsAnswered breaks an answer off in its middle: what was
// answered before that is known.
func TestBatchKeepsWhatIsAnswered(t *testing.T) {
	batchFaults(t, 100, azureblob.RetryOptions{Total: -1}, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient, blobs []*azureblob.BlobClient) {
		srv.Inject(blobtest.Fault{Operation: "Blob Batch", Truncate: true})
		items, errs := outcome(t, c.DeleteBlobs(t.Context(), slices.Values(blobs), nil))
		if len(items) != 100 || len(errs) < 40 || len(errs) > 60 {
			t.Errorf("%d items, %d errors", len(items), len(errs))
		}
		for url, err := range errs {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %v", url, err)
			}
		}
	})
}

// TestBatchStops leaves the loop, or ends its context, with batches under way.
func TestBatchStops(t *testing.T) {
	many := func(c *azureblob.ContainerClient, taken *int) iter.Seq[*azureblob.BlobClient] {
		return func(yield func(*azureblob.BlobClient) bool) {
			defer func() { *taken = -*taken }()
			for {
				*taken++
				if !yield(c.Blob(fmt.Sprint("none", *taken))) {
					return
				}
			}
		}
	}
	batchFaults(t, 0, azureblob.RetryOptions{}, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient, _ []*azureblob.BlobClient) {
		stalled := srv.Inject(blobtest.Fault{Operation: "Blob Batch", Nth: 2, Times: -1, Delay: -1})
		taken, start := 0, time.Now()
		for range c.DeleteBlobs(t.Context(), many(c, &taken), &azureblob.DeleteBlobsOptions{Concurrency: 3}) {
			break
		}
		if time.Since(start) > time.Minute || taken >= 0 || taken < -4*256 || stalled.Fired() != 2 && stalled.Fired() != 3 {
			t.Errorf("after %v, %d were taken, %d batches stalled", time.Since(start), -taken, stalled.Fired())
		}
	})
	batchFaults(t, 0, azureblob.RetryOptions{}, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient, _ []*azureblob.BlobClient) {
		srv.Inject(blobtest.Fault{Operation: "Blob Batch", Times: -1, Delay: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		taken := 0
		items, errs := outcome(t, c.DeleteBlobs(ctx, many(c, &taken), &azureblob.DeleteBlobsOptions{Concurrency: 3}))
		if len(items) != -taken || len(errs) != len(items) || len(items) < 3*256 || len(items) > 4*256+1 {
			t.Errorf("%d were taken, %d items, %d errors", -taken, len(items), len(errs))
		}
		for url, err := range errs {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", url, err)
			}
		}
	})
}

// TestBatchRunsInParallel counts batches that are under way at a time, by a
// service that takes a second for each.
func TestBatchRunsInParallel(t *testing.T) {
	for _, most := range []int{1, 2, 0} {
		synctest.Test(t, func(t *testing.T) {
			o := &azureblob.ClientOptions{Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
				sent, err := io.ReadAll(req.Body)
				_ = req.Body.Close()
				time.Sleep(time.Second)
				return &http.Response{StatusCode: 202, Request: req, Header: http.Header{"Content-Type": {"multipart/mixed; boundary=batchresponse_1"}},
					Body: io.NopCloser(strings.NewReader(batchAnswer(sent, nil)))}, err
			})}
			c := must[*azureblob.ContainerClient](t)(azureblob.NewContainerClient("https://account.blob.core.windows.net/photos", nil, o))
			var blobs []*azureblob.BlobClient
			for _, name := range names("b", 4*256) {
				blobs = append(blobs, c.Blob(name))
			}
			start := time.Now()
			items, errs := outcome(t, c.DeleteBlobs(t.Context(), slices.Values(blobs), &azureblob.DeleteBlobsOptions{Concurrency: most}))
			want := time.Second
			if most > 0 {
				want = time.Duration(4/most) * time.Second
			}
			if took := time.Since(start); took != want || len(items) != 4*256 || len(errs) > 0 {
				t.Errorf("%d at a time took %v and not %v, for %d, with %d errors", most, took, want, len(items), len(errs))
			}
		})
	}
}

// captured is a transport that keeps the bodies of batches.
type captured struct {
	next interface {
		Do(*http.Request) (*http.Response, error)
	}
	mu     sync.Mutex
	bodies []string
}

func (c *captured) Do(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost {
		body, err := io.ReadAll(req.Body)
		if err != nil || req.ContentLength != int64(len(body)) {
			return nil, fmt.Errorf("a body of %d bytes, and %d were announced: %w", len(body), req.ContentLength, err)
		}
		_ = req.Body.Close()
		c.mu.Lock()
		c.bodies = append(c.bodies, string(body))
		c.mu.Unlock()
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	return c.next.Do(req)
}

// TestBatchSplitsByLength makes parts so long that all of them are too much for a
// batch, and one that is too much by itself.
func TestBatchSplitsByLength(t *testing.T) {
	srv := blobtest.New(t)
	via := &captured{next: srv.Transport()}
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(srv.Account(), srv.Key()))
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(srv.Endpoint(), key, &azureblob.ClientOptions{Transport: via}))
	c := newContainer(t, s)
	var blobs []*azureblob.BlobClient
	for _, name := range names("none", 21) {
		blobs = append(blobs, c.Blob(name))
	}
	fill := map[*azureblob.BlobClient]int{blobs[9]: 4 << 20}
	_, errs := outcome(t, c.DeleteBlobs(t.Context(), slices.Values(blobs), &azureblob.DeleteBlobsOptions{
		For: func(b *azureblob.BlobClient) azureblob.DeleteBlobOptions {
			n := fill[b]
			if n == 0 {
				n = 300 << 10
			}
			return azureblob.DeleteBlobOptions{CallOptions: azureblob.CallOptions{Header: http.Header{"x-fill": {strings.Repeat("x", n)}}}}
		},
	}))
	parts := 0
	for _, body := range via.bodies {
		if parts += strings.Count(body, "\nContent-ID:"); len(body) > 4<<20 {
			t.Errorf("a batch of %d bytes", len(body))
		}
	}
	if parts != 20 || len(errs) != 21 || len(via.bodies) < 2 || !errors.Is(errs[blobs[9].URL()], fs.ErrInvalid) || !errors.Is(errs[blobs[8].URL()], azureblob.BlobNotFound) {
		t.Errorf("%d parts in %d batches, %d errors, of the long one %v", parts, len(via.bodies), len(errs), errs[blobs[9].URL()])
	}
}

// TestBatchAnsweredAsAWhole answers with one part that has no id: the batch was
// refused, and so was each blob in it that has no answer of its own.
func TestBatchAnsweredAsAWhole(t *testing.T) {
	const whole = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 %s\r\nx-ms-request-id: the-whole\r\nContent-Type: application/xml\r\n\r\n" +
		"<Error><Code>%s</Code><Message>Not this.</Message></Error>\r\n"
	own := "--b\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nHTTP/1.1 202 Accepted\r\nx-ms-request-id: own\r\n\r\n"
	for _, tc := range []struct {
		body, code string
		tries      int
	}{
		{fmt.Sprintf(whole, "400 Bad Request", "InvalidInput"), "InvalidInput", 1},
		{fmt.Sprintf(whole, "400 Bad Request", "ExceedsMaxBatchRequestCount") + own, "ExceedsMaxBatchRequestCount", 1},
		{fmt.Sprintf(whole, "503 Busy", "ServerBusy"), "ServerBusy", 4},
		{fmt.Sprintf(whole, "202 Accepted", ""), "", 4},
	} {
		tries := 0
		o := azureblob.CapturingOptions()
		o.Retry.Delay = 1
		o.Transport = transportFunc(func(req *http.Request) (*http.Response, error) {
			tries++
			_ = req.Body.Close()
			return &http.Response{StatusCode: 202, Request: req, Header: http.Header{"Content-Type": {"multipart/mixed; boundary=b"}},
				Body: io.NopCloser(strings.NewReader(tc.body + "--b--"))}, nil
		})
		c := must[*azureblob.ContainerClient](t)(azureblob.NewContainerClient("https://account.blob.core.windows.net/photos", nil, o))
		items, errs := outcome(t, c.DeleteBlobs(t.Context(), seq(c.Blob("a"), c.Blob("b")), nil))
		e, _ := errors.AsType[*azureblob.Error](errs[c.Blob("a").URL()])
		if e == nil || e.Operation != "Blob Batch" || string(e.Code) != tc.code || tc.code != "" && (e.RequestID != "the-whole" || e.ClientRequestID == "") || tries != tc.tries {
			t.Errorf("%s: %v after %d tries", tc.code, e, tries)
		}
		err, fine := errs[c.Blob("b").URL()], strings.Contains(tc.body, own)
		if (err == nil) != fine || fine && items[c.Blob("b").URL()].RequestID != "own" {
			t.Errorf("%s: the other one: %v", tc.code, err)
		}
	}
}
