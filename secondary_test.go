package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/pageblob"
)

// roads lead to the two regions of an account. They count what goes either way, and
// either of them can be closed.
type roads struct {
	next policy.Transporter

	mu     sync.Mutex
	sent   map[bool]int // by whether it went to the secondary region
	closed map[bool]bool
}

func toSecondary(r *http.Request) bool {
	return strings.Contains(r.Host+r.URL.Host, "-secondary.") || strings.Contains(r.URL.Path, "-secondary/")
}

// inRegion fits the requests to one of the regions.
func inRegion(secondary bool) func(*http.Request) bool {
	return func(r *http.Request) bool { return toSecondary(r) == secondary }
}

func (r *roads) Do(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	where := toSecondary(req)
	r.sent[where]++
	closed := r.closed[where]
	r.mu.Unlock()
	if closed {
		closeRequest(req)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return r.next.Do(req)
}

// take returns how many requests went to the primary and to the secondary region.
func (r *roads) take() (primary, secondary int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	primary, secondary = r.sent[false], r.sent[true]
	clear(r.sent)
	return primary, secondary
}

// oldState and newState are the same length, so that a mixture of them shows only
// in the bytes.
var oldState, newState = strings.Repeat("o", 1000), strings.Repeat("n", 1000)

// state tells which of the two a content is, or that it is none.
func state(content []byte) string {
	switch string(content) {
	case oldState:
		return "old"
	case newState:
		return "new"
	}
	return fmt.Sprintf("a mixture of %d old and %d new bytes", bytes.Count(content, []byte("o")), bytes.Count(content, []byte("n")))
}

// far is a lag of the secondary region that no test outlasts, with all its stalls.
const far = 1000 * time.Hour

// twoRegions is an account whose secondary region lags behind.
type twoRegions struct {
	*blobtest.Server
	*roads
	container *azureblob.ContainerClient // asks the primary region
}

func newRegions(t *testing.T, lag time.Duration) *twoRegions {
	t.Helper()
	srv := blobtest.New(t, &blobtest.Options{SecondaryLag: lag})
	r := &twoRegions{Server: srv, roads: &roads{next: srv.Transport(), sent: map[bool]int{}, closed: map[bool]bool{}}}
	r.container = r.client(t, nil).Container("photos")
	must[azureblob.CreateContainerResult](t)(r.container.Create(t.Context(), nil))
	return r
}

// client is a client of the account, by the roads.
func (r *twoRegions) client(t *testing.T, o *azureblob.ClientOptions) *azureblob.ServiceClient {
	t.Helper()
	if o == nil {
		o = azureblob.CapturingOptions()
	}
	o.Transport = r.roads
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(r.Account(), r.Key()))
	return must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(r.Endpoint(), key, o))
}

// write gives all that reads read one of the states: content, metadata, tags,
// the blobs that there are, blocks, pages and the name of a container.
func (r *twoRegions) write(t *testing.T, content string) {
	t.Helper()
	ctx, name := t.Context(), state([]byte(content))
	up := &azureblob.UploadOptions{Metadata: azureblob.Metadata{"state": name}, Tags: azureblob.Tags{"state": name}, BlockSize: map[string]int64{"old": 100, "new": 200}[name]}
	for _, blob := range []string{"cat", "dog"} {
		must[azureblob.UploadResult](t)(r.container.Blob(blob).Upload(ctx, strings.NewReader(content), up))
	}
	must[azureblob.SetContainerMetadataResult](t)(r.container.SetMetadata(ctx, azureblob.Metadata{"state": name}, nil))
	must[azureblob.CreateContainerResult](t)(r.client(t, nil).Container("state-"+name).Create(ctx, nil))
	page := pageblob.New(r.container.Blob("pages"))
	must[pageblob.CreateResult](t)(page.Create(ctx, 4096, nil))
	for _, offset := range map[string][]int64{"old": {512, 2048}, "new": {1024, 3072}}[name] {
		must[pageblob.WriteResult](t)(page.Write(ctx, offset, strings.NewReader(strings.Repeat("x", 512)), nil))
	}
	for _, folder := range []string{"a", "b", "c"} {
		for _, file := range []string{"1", "2"} {
			must[azureblob.UploadResult](t)(r.container.Blob("list/"+folder+"/"+file+name).Upload(ctx, strings.NewReader(""), nil))
		}
	}
}

// regionalRead is a way to read. It returns the state that it found, old or new, and
// which region its result says that it is of, if there is such a result.
type regionalRead struct {
	name string
	run  func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (found string, secondary []bool, err error)
}

// block is small enough for a download to take ten requests.
const block = 100

func downloading(run func(ctx context.Context, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, []bool, error)) func(context.Context, *azureblob.ServiceClient, azureblob.CallOptions) (string, []bool, error) {
	return func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		content, secondary, err := run(ctx, s.Container("photos").Blob("cat"), &azureblob.DownloadOptions{CallOptions: o, BlockSize: block, Concurrency: 3})
		return state(content), secondary, err
	}
}

// pagesOf is the state that a list is of, by the ends of the names in it.
func pagesOf[T any](pages func(yield func(*T, error) bool), of func(*T) (azureblob.ResponseInfo, []string), want map[string]string) (string, []bool, error) {
	var names []string
	var secondary []bool
	for page, err := range pages {
		if err != nil {
			return "", secondary, err
		}
		info, more := of(page)
		names, secondary = append(names, more...), append(secondary, info.Secondary)
	}
	for found, all := range want {
		if strings.Join(names, " ") == all {
			return found, secondary, nil
		}
	}
	return fmt.Sprintf("a mixture: %q", names), secondary, nil
}

func namesOf(p *azureblob.BlobPage) (azureblob.ResponseInfo, []string) {
	var names []string
	for _, b := range append(p.Blobs, p.Prefixes...) {
		names = append(names, strings.TrimPrefix(b.Name, "list/"))
	}
	return p.ResponseInfo, names
}

// Of what was written second, the first is still there.
var (
	flatLists = map[string]string{"old": "a/1old a/2old b/1old b/2old c/1old c/2old", "new": "a/1new a/1old a/2new a/2old b/1new b/1old b/2new b/2old c/1new c/1old c/2new c/2old"}
	tree      = map[string]string{"old": "a/1old a/2old", "new": "a/1new a/1old a/2new a/2old"}
)

// content is a target in memory.
type contentOf []byte

func (c contentOf) WriteAt(p []byte, off int64) (int, error) { return copy(c[off:], p), nil }

var regionalReads = []regionalRead{
	{"ReadAll", downloading(func(ctx context.Context, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, []bool, error) {
		content, err := b.ReadAll(ctx, o)
		return content, nil, err
	})},
	{"Download", downloading(func(ctx context.Context, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, []bool, error) {
		content := make(contentOf, len(oldState))
		r, err := b.Download(ctx, content, o)
		return content, []bool{r.Secondary}, err
	})},
	{"DownloadFile", downloading(func(ctx context.Context, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, []bool, error) {
		folder, err := os.MkdirTemp("", "azureblob")
		if err != nil {
			return nil, nil, err
		}
		defer os.RemoveAll(folder)
		r, err := b.DownloadFile(ctx, filepath.Join(folder, "cat"), o)
		if err != nil {
			return nil, nil, err
		}
		content, err := os.ReadFile(filepath.Join(folder, "cat"))
		return content, []bool{r.Secondary}, err
	})},
	{"Reader", downloading(func(ctx context.Context, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, []bool, error) {
		r, err := b.NewReader(ctx, o)
		if err != nil {
			return nil, nil, err
		}
		defer r.Close()
		content, err := io.ReadAll(r)
		return content, []bool{r.Result().Secondary}, err
	})},
	{"Reader.ReadAt", downloading(func(ctx context.Context, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, []bool, error) {
		r, err := b.NewReader(ctx, o)
		if err != nil {
			return nil, nil, err
		}
		defer r.Close()
		content := make([]byte, r.Size())
		_, err = r.ReadAt(content, 0)
		return content, []bool{r.Result().Secondary}, err
	})},
	{"DownloadSparse", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		pages := make(contentOf, 4096)
		r, err := pageblob.New(s.Container("photos").Blob("pages")).DownloadSparse(ctx, pages, &pageblob.DownloadSparseOptions{CallOptions: o})
		return map[int]string{512: "old", 1024: "new"}[bytes.IndexByte(pages, 'x')], []bool{r.Secondary}, err
	}},
	{"Properties", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		p, err := s.Container("photos").Blob("cat").Properties(ctx, &azureblob.BlobPropertiesOptions{CallOptions: o})
		return p.Metadata["state"], []bool{p.Secondary}, err
	}},
	{"Tags", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		r, err := s.Container("photos").Blob("cat").Tags(ctx, &azureblob.TagsOptions{CallOptions: o})
		return r.Tags["state"], []bool{r.Secondary}, err
	}},
	{"Blocks", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		r, err := blockblob.New(s.Container("photos").Blob("cat")).Blocks(ctx, blockblob.CommittedBlocks, &blockblob.BlocksOptions{CallOptions: o})
		return map[int]string{10: "old", 5: "new"}[len(r.Committed)], []bool{r.Secondary}, err
	}},
	{"container Properties", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		p, err := s.Container("photos").Properties(ctx, &azureblob.ContainerPropertiesOptions{CallOptions: o})
		return p.Metadata["state"], []bool{p.Secondary}, err
	}},
	{"Containers", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		return pagesOf(s.ContainerPages(ctx, &azureblob.ListContainersOptions{CallOptions: o, PageSize: 1}), func(p *azureblob.ContainerPage) (azureblob.ResponseInfo, []string) {
			return p.ResponseInfo, []string{p.Containers[0].Name}
		}, map[string]string{"old": "photos state-old", "new": "photos state-new state-old"})
	}},
	{"Blobs", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		return pagesOf(s.Container("photos").BlobPages(ctx, &azureblob.ListBlobsOptions{CallOptions: o, Prefix: "list/", PageSize: 2}), namesOf, flatLists)
	}},
	{"BlobsByHierarchy", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		return pagesOf(s.Container("photos").BlobPagesByHierarchy(ctx, "/", &azureblob.ListBlobsOptions{CallOptions: o, Prefix: "list/a/", PageSize: 2}), namesOf, tree)
	}},
	{"Walk", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		var names []string
		err := s.Container("photos").Walk(ctx, func(b *azureblob.BlobItem) error {
			if !b.IsPrefix {
				names = append(names, strings.TrimPrefix(b.Name, "list/"))
			}
			return nil
		}, &azureblob.WalkOptions{CallOptions: o, Prefix: "list/"})
		return map[string]string{flatLists["old"]: "old", flatLists["new"]: "new"}[strings.Join(names, " ")], nil, err
	}},
	{"FindBlobsByTags", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		found := ""
		var secondary []bool
		for page, err := range s.FindBlobsByTagsPages(ctx, `state > 'a'`, &azureblob.FindBlobsByTagsOptions{CallOptions: o, PageSize: 1}) {
			if err != nil {
				return "", nil, err
			}
			found, secondary = found+page.Blobs[0].Tags["state"], append(secondary, page.Secondary)
		}
		return map[string]string{"oldold": "old", "newnew": "new"}[found], secondary, nil
	}},
	{"Ranges", func(ctx context.Context, s *azureblob.ServiceClient, o azureblob.CallOptions) (string, []bool, error) {
		found := ""
		var secondary []bool
		for list, err := range pageblob.New(s.Container("photos").Blob("pages")).RangeLists(ctx, &pageblob.RangesOptions{CallOptions: o, ListSize: 1}) {
			if err != nil {
				return "", nil, err
			}
			found, secondary = found+fmt.Sprint(list.Ranges[0].Start, " "), append(secondary, list.Secondary)
		}
		return map[string]string{"512 2048 ": "old", "1024 3072 ": "new"}[found], secondary, nil
	}},
}

// regionTroubles are those that a region can be in.
var regionTroubles = map[string]func(r *twoRegions, secondary bool){
	"503": func(r *twoRegions, secondary bool) {
		r.Inject(blobtest.Fault{Match: inRegion(secondary), Times: -1, Status: 503, Code: "ServerBusy"})
	},
	"resets": func(r *twoRegions, secondary bool) {
		r.Inject(blobtest.Fault{Match: inRegion(secondary), Times: -1, Reset: true})
	},
	"stalls": func(r *twoRegions, secondary bool) {
		r.Inject(blobtest.Fault{Match: inRegion(secondary), Times: -1, Delay: -1, At: blobtest.BeforeRequest})
	},
	"unreachable": func(r *twoRegions, secondary bool) { r.roads.closed[secondary] = true },
}

// modes are the location modes: what is read if all is well, and if one of the
// regions is in trouble; "" is an error.
var modes = []struct {
	mode                             azureblob.LocationMode
	well, withoutFirst, withoutOther string
	first                            bool // the secondary is asked first
}{
	{azureblob.PrimaryOnly, "new", "", "new", false},
	{azureblob.PrimaryThenSecondary, "new", "old", "new", false},
	{azureblob.SecondaryOnly, "old", "", "old", true},
	{azureblob.SecondaryThenPrimary, "old", "new", "old", true},
}

// TestReadsByLocation reads in every way, in every mode of the client or of the call,
// while the regions are well or one of them is in trouble.
func TestReadsByLocation(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, m := range modes {
		for trouble := range regionTroubles {
			for _, ofCall := range []bool{false, true} {
				t.Run(fmt.Sprintf("mode %d, %s, of the call %v", m.mode, trouble, ofCall), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRegions(t, far)
						r.write(t, oldState)
						time.Sleep(2 * far)
						r.write(t, newState)
						o := azureblob.CapturingOptions()
						var call azureblob.CallOptions
						if o.LocationMode = m.mode; ofCall {
							o.LocationMode, call.LocationMode = azureblob.SecondaryThenPrimary-m.mode, &m.mode
						}
						s := r.client(t, o)
						r.take()
						for _, read := range regionalReads {
							r.reads(t, read, s, call, "all is well", m.well, m.first, 0)
						}
						for _, secondary := range []bool{m.first, !m.first} {
							regionTroubles[trouble](r, secondary)
							want, others := m.withoutFirst, 1
							if secondary != m.first {
								want, others = m.withoutOther, 0
							}
							for _, read := range regionalReads {
								most := others
								if read.name == "Walk" {
									most *= 1 + 3 // levels, each a list of its own
								}
								r.reads(t, read, s, call, fmt.Sprintf("secondary in trouble: %v", secondary), want, m.first, most)
							}
							r.ClearFaults()
							clear(r.roads.closed)
						}
					})
				})
			}
		}
	}
}

// reads reads once, and wants a state. Of its requests, so many at most may go to the
// region first asked if that is not the one that answers; else none goes to the other.
func (r *twoRegions) reads(t *testing.T, read regionalRead, s *azureblob.ServiceClient, call azureblob.CallOptions, when, want string, first bool, most int) {
	t.Helper()
	found, secondary, err := read.run(t.Context(), s, call)
	primary, other := r.take()
	if (err == nil) != (want != "") || err == nil && found != want {
		t.Errorf("%s, %s: found %q, %v; want %q", read.name, when, found, err, want)
	}
	if err != nil {
		if first && primary > 0 || !first && other > 0 {
			t.Errorf("%s, %s: the other region was asked, %d and %d", read.name, when, primary, other)
		}
		return
	}
	right, wrong := primary, other
	if want == "old" {
		right, wrong = other, primary
	}
	if right == 0 || wrong > most {
		t.Errorf("%s, %s: %d requests went to the primary and %d to the secondary region", read.name, when, primary, other)
	}
	if slices.Contains(secondary, want == "new") {
		t.Errorf("%s, %s: the results say that the secondary region answered: %v, and %s was found", read.name, when, secondary, want)
	}
}

// TestRefusalsOfTheSecondary: what the secondary region does not have yet is asked of
// the primary at once. That is no repetition and costs none, and the secondary is left
// out of the call then.
func TestRefusalsOfTheSecondary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegions(t, far)
		time.Sleep(2 * far)
		b := r.container.Blob("new")
		up := must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("new"), nil))
		o := azureblob.CapturingOptions()
		o.LocationMode, o.Retry = azureblob.SecondaryThenPrimary, azureblob.RetryOptions{Total: -1}
		s := r.client(t, o)
		b = s.Container("photos").Blob("new")
		r.take()
		for what, read := range map[string]func() (bool, error){
			"ReadAll": func() (bool, error) {
				got, err := b.ReadAll(t.Context(), nil)
				return string(got) == "new", err
			},
			"Properties": func() (bool, error) {
				p, err := b.Properties(t.Context(), nil)
				return p.ETag == up.ETag && !p.Secondary, err
			},
			"Exists": func() (bool, error) { return b.Exists(t.Context(), nil) },
			"with the ETag": func() (bool, error) {
				p, err := b.Properties(t.Context(), &azureblob.BlobPropertiesOptions{Conditions: azureblob.Conditions{IfMatch: up.ETag}})
				return err == nil, second(p, err)
			},
		} {
			began := time.Now()
			if ok, err := read(); err != nil || !ok || time.Since(began) > 0 {
				t.Errorf("%s: %v, %v after %v", what, ok, err, time.Since(began))
			}
			if primary, secondary := r.take(); primary != 1 || secondary != 1 {
				t.Errorf("%s: %d requests to the primary and %d to the secondary region", what, primary, secondary)
			}
		}
		if u := s.Usage(); u.RetriesStatus+u.RetriesRead+u.RetriesConnect+u.Throttled != 0 || u.Requests != 8 || u.RetryBudget != 500 {
			t.Errorf("%+v", u)
		}
		// What neither of them has is no wonder.
		if ok, err := s.Container("photos").Blob("none").Exists(t.Context(), nil); ok || err != nil {
			t.Errorf("Exists: %v, %v", ok, err)
		}
		only := azureblob.SecondaryOnly
		if ok, err := b.Exists(t.Context(), &azureblob.BlobPropertiesOptions{CallOptions: azureblob.CallOptions{LocationMode: &only}}); ok || err != nil {
			t.Errorf("Exists, in the secondary region alone: %v, %v", ok, err)
		}
	})
}

// TestRefusalsAfterTroubleOfThePrimary: the one repetition that there may be is left
// after the secondary has refused, and is made when the primary wants it to be.
func TestRefusalsAfterTroubleOfThePrimary(t *testing.T) {
	for name, tc := range map[string]struct {
		fault              blobtest.Fault
		status             int // of the error; 0 for none
		primary, secondary int
		least, most        time.Duration
	}{
		"once":             {blobtest.Fault{Status: 503}, 0, 2, 1, 0, time.Second},
		"names a wait":     {blobtest.Fault{Status: 503, RetryAfter: 30 * time.Second}, 0, 2, 1, 30 * time.Second, 30 * time.Second},
		"four times":       {blobtest.Fault{Status: 500, Times: 4}, 0, 5, 1, 0, 13 * time.Second}, // the secondary is asked once
		"for good":         {blobtest.Fault{Status: 503, Times: -1}, 503, 2, 1, 0, time.Second},
		"a longer wait":    {blobtest.Fault{Status: 503, RetryAfter: time.Hour}, 0, 2, 1, time.Minute, time.Minute + time.Second},
		"an answer at all": {blobtest.Fault{Status: 403}, 403, 1, 0, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRegions(t, far)
			time.Sleep(2 * far)
			must[azureblob.UploadResult](t)(r.container.Blob("new").Upload(t.Context(), strings.NewReader("new"), nil))
			o := azureblob.CapturingOptions()
			o.LocationMode, o.Retry.Status = azureblob.PrimaryThenSecondary, tc.primary-1
			s := r.client(t, o)
			tc.fault.Match = inRegion(false)
			r.Inject(tc.fault)
			r.take()
			began := time.Now()
			p, err := s.Container("photos").Blob("new").Properties(t.Context(), nil)
			took := time.Since(began)
			e, _ := errors.AsType[*azureblob.Error](err)
			if tc.status == 0 && (err != nil || p.ContentLength != 3) || tc.status != 0 && (e == nil || e.StatusCode != tc.status) {
				t.Errorf("%s: %d bytes, %v", name, p.ContentLength, err)
			}
			primary, secondary := r.take()
			if primary != tc.primary || secondary != tc.secondary || took < tc.least || took > tc.most {
				t.Errorf("%s: %d requests to the primary, %d to the secondary, in %v", name, primary, secondary, took)
			}
			if u := s.Usage(); u.RetriesStatus != int64(tc.primary-1) {
				t.Errorf("%s: %d repetitions", name, u.RetriesStatus)
			}
		})
	}
}
