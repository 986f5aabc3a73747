package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/engine"
)

// reads are the ways to read a blob as a whole. What came before an error is
// returned as well.
var reads = map[string]func(ctx context.Context, b *azureblob.BlobClient, dir string, o *azureblob.DownloadOptions) ([]byte, error){
	"Download": func(ctx context.Context, b *azureblob.BlobClient, _ string, o *azureblob.DownloadOptions) ([]byte, error) {
		target := make(engine.Memory, 4000)
		r, err := b.Download(ctx, target, o)
		if err == nil {
			return target[:r.Size], nil
		}
		return target, err
	},
	"DownloadFile": func(ctx context.Context, b *azureblob.BlobClient, dir string, o *azureblob.DownloadOptions) ([]byte, error) {
		path := filepath.Join(dir, "file")
		if _, err := b.DownloadFile(ctx, path, o); err != nil {
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
				err = errors.Join(err, fmt.Errorf("%v are left", left))
			}
			return nil, err
		}
		defer os.Remove(path)
		return os.ReadFile(path)
	},
	"ReadAll": func(ctx context.Context, b *azureblob.BlobClient, _ string, o *azureblob.DownloadOptions) ([]byte, error) {
		return b.ReadAll(ctx, o)
	},
	"Read": func(ctx context.Context, b *azureblob.BlobClient, _ string, o *azureblob.DownloadOptions) ([]byte, error) {
		r, err := b.NewReader(ctx, o)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(onlyReader{r})
	},
	"WriteTo": func(ctx context.Context, b *azureblob.BlobClient, _ string, o *azureblob.DownloadOptions) ([]byte, error) {
		r, err := b.NewReader(ctx, o)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		var w bytes.Buffer
		_, err = r.WriteTo(&w)
		return w.Bytes(), err
	},
}

// asked are the ranges of the requests for content, by their first byte and length.
func asked(t *testing.T, requests []blobtest.Request) (ranges [][2]int, conditions []string) {
	t.Helper()
	for _, r := range requests {
		if r.Operation != "Get Blob" {
			continue
		}
		var from, to int
		if _, err := fmt.Sscanf(r.Header.Get("x-ms-range"), "bytes=%d-%d", &from, &to); err != nil {
			t.Fatalf("%v: %v", r.Header, err)
		}
		ranges = append(ranges, [2]int{from, to - from + 1})
		conditions = append(conditions, r.Header.Get("If-Match"))
	}
	return ranges, conditions
}

// TestBodiesGoOnWhereTheyStopped breaks the first answer to each range. What came is
// not asked for again, and all of it is of the same state of the blob.
func TestBodiesGoOnWhereTheyStopped(t *testing.T) {
	dir := t.TempDir()
	for what, fault := range map[string]blobtest.Fault{
		"reset":          {At: blobtest.DuringAnswer, Reset: true},
		"truncated":      {Truncate: true},
		"short":          {Shorten: true},
		"short at first": {Shorten: true},
		"stalled":        {At: blobtest.DuringAnswer, Delay: -1},
	} {
		for name, read := range reads {
			t.Run(name+", "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newQuiet(t, dir, nil)
					// The ranges that are asked for at first begin at whole thousands.
					fault.Operation, fault.Offset, fault.Times = "Get Blob", 137, -1
					fault.Match = func(r *http.Request) bool {
						asked := r.Header.Get("x-ms-range")
						return strings.Contains(asked, "000-") || what != "short" && strings.HasPrefix(asked, "bytes=0-")
					}
					hits, broke, repeated := s.server.Inject(fault), 4, 4
					switch what {
					case "short at first":
						broke, repeated = 1, 0 // what comes after it begins where the first one ended
					case "short":
						broke, repeated = 3, 0 // that is no trouble
					}
					got, err := read(t.Context(), s.blob(), dir, inBlocks)
					if err = s.same(got, err); err != nil || hits.Fired() != broke {
						t.Errorf("%v, after %d faults", err, hits.Fired())
					}
					ranges, conditions := asked(t, s.server.Requests())
					var times [4000]int // that a byte was asked for
					stops := map[int]bool{0: true}
					for i, r := range ranges {
						stops[r[0]+r[1]], stops[r[0]+137] = true, true
						for at := r[0]; at < min(r[0]+r[1], 4000); at++ {
							times[at]++
						}
						if (conditions[i] == "") != (i == 0) {
							t.Errorf("asked for %v with If-Match %q", r, conditions[i])
						}
					}
					for _, r := range ranges {
						if !stops[r[0]] {
							t.Errorf("asked for %v, where nothing had stopped", r)
						}
					}
					if most := slices.Max(times[:]); most > 2 {
						t.Errorf("a byte was asked for %d times: %v", most, ranges)
					}
					synctest.Wait()
					if u := s.service.Usage(); u.BytesReceived != 4000 || u.MemoryInUse != 0 || u.RetriesRead != int64(repeated) {
						t.Errorf("%+v", u)
					}
				})
			})
		}
	}
}

// dosed is a transport whose answers to requests for content give so many bytes each
// and break then; the last dose is for all further ones. -1 gives all.
type dosed struct {
	next  policy.Transporter
	mu    sync.Mutex
	doses []int
	times []time.Time
}

func (d *dosed) Do(req *http.Request) (*http.Response, error) {
	resp, err := d.next.Do(req)
	if err != nil || req.Method != http.MethodGet {
		return resp, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times = append(d.times, time.Now())
	dose := d.doses[0]
	if len(d.doses) > 1 {
		d.doses = d.doses[1:]
	}
	if dose >= 0 {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(resp.Body, int64(dose)), broken{}), resp.Body}
	}
	return resp, nil
}

// broken is a connection that breaks.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fmt.Errorf("read: %w", syscall.ECONNRESET) }

// TestBarrenBodies counts bodies that break without a single byte: each byte that
// moves begins the count anew.
func TestBarrenBodies(t *testing.T) {
	for name, c := range map[string]struct {
		retry    azureblob.RetryOptions
		doses    []int
		requests int
		fails    bool
	}{
		"default":               {azureblob.RetryOptions{}, []int{0}, 4, true},
		"default, the last one": {azureblob.RetryOptions{}, []int{0, 0, 0, -1}, 4, false},
		"Read":                  {azureblob.RetryOptions{Read: 5}, []int{0}, 6, true},
		"Read, the last one":    {azureblob.RetryOptions{Read: 5}, []int{0, 0, 0, 0, 0, -1}, 6, false},
		"Total":                 {azureblob.RetryOptions{Total: 2}, []int{0}, 3, true},
		"no Read":               {azureblob.RetryOptions{Read: -1}, []int{7}, 1, true},
		"none":                  {azureblob.RetryOptions{Total: -1}, []int{7}, 1, true},
		"Status is not meant":   {azureblob.RetryOptions{Status: -1, Connect: -1}, []int{0, 0, 0, -1}, 4, false},
		"one byte begins anew":  {azureblob.RetryOptions{Read: 2}, []int{0, 0, 1, 0, 1, 1, 0, 1, 0, 0}, 10, true},
		"one byte is enough":    {azureblob.RetryOptions{Read: 2}, []int{0, 0, 1, 0, 1, 1, 0, 1, 0, -1}, 10, false},
		"a byte each time":      {azureblob.RetryOptions{Read: 1, Total: 1}, append(slices.Repeat([]int{1}, 49), -1), 50, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newQuiet(t, "", nil)
				d := &dosed{next: s.server.Transport(), doses: c.doses}
				b := s.dosed(t, d, &azureblob.ClientOptions{Retry: c.retry})
				got, err := b.ReadAll(t.Context(), &azureblob.DownloadOptions{Range: azureblob.Range{Offset: 100, Count: 50}})
				if c.fails {
					if _, ok := errors.AsType[*azureblob.Error](err); !ok || !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("%v", err)
					}
				} else if err != nil || !bytes.Equal(got, s.content[100:150]) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				if len(d.times) != c.requests {
					t.Errorf("%d requests, want %d", len(d.times), c.requests)
				}
				bound := 800 * time.Millisecond
				for i := 1; i < len(d.times); i++ {
					if i > 1 && c.doses[min(i-1, len(c.doses)-1)] == 0 {
						bound *= 2
					} else {
						bound = 800 * time.Millisecond
					}
					if wait := d.times[i].Sub(d.times[i-1]); wait <= 0 || wait > bound {
						t.Errorf("the wait before request %d was %v", i+1, wait)
					}
				}
			})
		})
	}
}

// dosed is the blob through that transport.
func (s *quiet) dosed(t *testing.T, d *dosed, o *azureblob.ClientOptions) *azureblob.BlobClient {
	o.Transport, o.Logger = d, azureblob.CapturingOptions().Logger
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(s.server.Account(), s.server.Key()))
	return must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(s.server.Endpoint(), key, o)).Container(s.container.Name()).Blob("blob0")
}

// TestMovingBodiesCostNothing: bodies that break after some bytes are taken up again
// though there are no tokens left, and those without a byte are not.
func TestMovingBodiesCostNothing(t *testing.T) {
	for _, dose := range []int{1, 0} {
		synctest.Test(t, func(t *testing.T) {
			s := newQuiet(t, "", nil)
			d := &dosed{next: s.server.Transport(), doses: append(slices.Repeat([]int{dose}, 40), -1)}
			b := s.dosed(t, d, &azureblob.ClientOptions{RetryBudget: 1})
			got, err := b.ReadAll(t.Context(), nil)
			if err = s.same(got, err); dose == 1 && (err != nil || len(d.times) != 41) || dose == 0 && (!errors.Is(err, syscall.ECONNRESET) || len(d.times) != 2) {
				t.Errorf("%d a body, %d requests: %v", dose, len(d.times), err)
			}
			if left := b.Usage().RetryBudget; left > 1 {
				t.Errorf("%d tokens are left", left)
			}
		})
	}
}

// TestReplacedInBetween replaces the blob while it is read: between two ranges, and
// between a body that broke and what was to follow it. Nothing of the new content
// is ever given out.
func TestReplacedInBetween(t *testing.T) {
	dir := t.TempDir()
	for name, read := range reads {
		for _, breaks := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", broken ", breaks), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newQuiet(t, dir, nil)
					other := s.server.ServiceClient(azureblob.CapturingOptions()).Container(s.container.Name()).Blob("blob0")
					replaced := sync.OnceFunc(func() {
						// Other bytes everywhere, and of the same length.
						content := make([]byte, len(s.content))
						for i, c := range s.content {
							content[i] = c ^ 0xff
						}
						must[azureblob.UploadResult](t)(other.Upload(t.Context(), bytes.NewReader(content), nil))
					})
					nth := 0
					var mu sync.Mutex
					s.server.Inject(blobtest.Fault{Operation: "Get Blob", Times: -1, Match: func(*http.Request) bool {
						mu.Lock()
						defer mu.Unlock()
						if nth++; nth == 3 {
							replaced()
						}
						return false
					}})
					if breaks {
						s.server.Inject(blobtest.Fault{Operation: "Get Blob", Nth: 2, At: blobtest.DuringAnswer, Reset: true, Offset: 137})
					}
					got, err := read(t.Context(), s.blob(), dir, &azureblob.DownloadOptions{BlockSize: 1000, Concurrency: 1})
					if e, ok := errors.AsType[*azureblob.Error](err); !ok || !errors.Is(err, azureblob.ErrBlobModified) || e.StatusCode != 412 {
						t.Errorf("%v", err)
					}
					for i, c := range got {
						if c != 0 && c != s.content[i] {
							t.Fatalf("byte %d is %d and not %d", i, c, s.content[i])
						}
					}
					if n := len(s.server.Requests()); n > 8 {
						t.Errorf("%d requests: a blob that changed does not come back", n)
					}
				})
			})
		}
	}
}

// TestPagesAreAskedForAgain breaks pages of a list: each blob comes once, and each
// page has counts of its own.
func TestPagesAreAskedForAgain(t *testing.T) {
	for name, c := range map[string]struct {
		fault    blobtest.Fault
		read     int
		requests int
		fails    bool
	}{
		"each page once":                 {blobtest.Fault{Truncate: true, Match: everyOther()}, 1, 6, false},
		"each page once, reset":          {blobtest.Fault{At: blobtest.DuringAnswer, Reset: true, Match: everyOther()}, 1, 6, false},
		"always":                         {blobtest.Fault{Truncate: true}, 2, 3, true},
		"never again":                    {blobtest.Fault{Truncate: true}, -1, 1, true},
		"always from the second page on": {blobtest.Fault{Truncate: true, Nth: 2}, 3, 5, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := azureblob.CapturingOptions()
				o.Retry.Read = c.read
				s := newQuiet(t, "", o)
				c.fault.Operation, c.fault.Times = "List Blobs", -1
				s.server.Inject(c.fault)
				var names []string
				var failed error
				for b, err := range s.container.Blobs(t.Context(), &azureblob.ListBlobsOptions{PageSize: 2}) {
					if failed = err; err == nil {
						names = append(names, b.Name)
					}
				}
				want := "[blob0 blob1 blob2 blob3 blob4 prices.csv]"
				if got := fmt.Sprint(names); !c.fails && (failed != nil || got != want) || c.fails && (!errors.Is(failed, io.ErrUnexpectedEOF) || !strings.HasPrefix(want[1:], got[1:len(got)-1])) {
					t.Errorf("%v, %v", got, failed)
				}
				if n := len(s.server.Requests()); n != c.requests {
					t.Errorf("%d requests, want %d", n, c.requests)
				}
			})
		})
	}
}

// everyOther fits the first request, the third, and so on.
func everyOther() func(*http.Request) bool {
	n := 0
	return func(*http.Request) bool {
		n++
		return n%2 == 1
	}
}

// TestBlocksAreSentAgain breaks connections in the middle of blocks: those blocks are
// sent once more and no others.
func TestBlocksAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newQuiet(t, "", nil)
		s.content = randomBytes(40_000)
		hit := s.server.Inject(blobtest.Fault{Operation: "Put Block", At: blobtest.DuringRequest, Reset: true, Nth: 3, Times: 5})
		if err := s.upload(t.Context(), onlyReader{bytes.NewReader(s.content)}, 1000); err != nil || hit.Fired() != 5 {
			t.Errorf("%v, after %d faults", err, hit.Fired())
		}
		blocks := map[string]int{}
		for _, r := range s.server.Requests() {
			if r.Operation == "Put Block" {
				blocks[r.Query.Get("blockid")]++
			}
		}
		sent := 0
		for _, n := range blocks {
			sent += n
		}
		if len(blocks) != 40 || sent != 45 {
			t.Errorf("%d blocks were sent %d times", len(blocks), sent)
		}
		if err := s.same(s.container.Blob("new").ReadAll(t.Context(), nil)); err != nil {
			t.Error(err)
		}
		if u := s.service.Usage(); u.RetriesRead != 5 || u.RetryBudget != 500 {
			t.Errorf("%+v", u)
		}
	})
}

// TestHealsOnEmulator breaks connections to a service that is not ours.
func TestHealsOnEmulator(t *testing.T) {
	emulator := azurite.Shared(t)
	proxy := blobtest.NewProxy(t, emulator.URL())
	o := azureblob.CapturingOptions()
	o.Retry.Delay = time.Millisecond
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(
		strings.ReplaceAll(emulator.ConnectionString(), emulator.URL(), proxy.URL()), o))
	t.Cleanup(s.CloseIdleConnections)
	c, content, dir := newContainer(t, s), randomBytes(3<<20), t.TempDir()
	b := c.Blob("new")
	for _, at := range []blobtest.Point{blobtest.BeforeRequest, blobtest.DuringRequest, blobtest.AfterRequest, blobtest.AfterOperation} {
		hit := proxy.Inject(blobtest.Fault{Operation: "Put Block", At: at, Reset: true, Times: 2})
		_, err := b.Upload(t.Context(), bytes.NewReader(content), &azureblob.UploadOptions{BlockSize: 256 << 10, Concurrency: 2})
		if err != nil || hit.Fired() != 2 {
			t.Errorf("%v, after %d faults", err, hit.Fired())
		}
	}
	for what, fault := range map[string]blobtest.Fault{
		"reset": {At: blobtest.DuringAnswer, Reset: true}, "truncated": {Truncate: true}, "short": {Shorten: true},
	} {
		for name, read := range reads {
			if name == "Download" {
				continue // the target of that one is small
			}
			fault.Operation, fault.Times, fault.Nth = "Get Blob", 4, 1
			hit := proxy.Inject(fault)
			got, err := read(t.Context(), b, dir, &azureblob.DownloadOptions{BlockSize: 256 << 10, Concurrency: 2})
			if err != nil || !bytes.Equal(got, content) || hit.Fired() != 4 {
				t.Errorf("%s, %s: %d bytes, %v, after %d faults", name, what, len(got), err, hit.Fired())
			}
			hit.Remove()
		}
	}
	proxy.Inject(blobtest.Fault{Operation: "List Blobs", Truncate: true})
	if err := drained(c.Blobs(t.Context(), nil)); err != nil {
		t.Error(err)
	}
}
