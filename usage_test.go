package azureblob_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/pageblob"
)

// used is what a client did between two looks at its figures: counts as differences,
// and what it holds as it is.
func used(before, after azureblob.Usage) azureblob.Usage {
	b, a := reflect.ValueOf(before), reflect.ValueOf(&after).Elem()
	for i := range a.NumField() {
		switch a.Type().Field(i).Name {
		case "Connections", "MemoryInUse", "Concurrency", "RetryBudget":
		default:
			a.Field(i).SetInt(a.Field(i).Int() - b.Field(i).Int())
		}
	}
	return after
}

// TestUsage: what a client has done in constructed cases, to the byte.
func TestUsage(t *testing.T) {
	content := strings.Repeat("0123456789", 10)
	type U = azureblob.Usage
	for name, tc := range map[string]struct {
		faults []blobtest.Fault
		run    func(ctx context.Context, c *azureblob.ContainerClient) error
		want   U // Concurrency and RetryBudget are 1000 and 500 if they are 0
	}{
		"one request up": {nil, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("b").Upload(ctx, strings.NewReader(content), nil))
		}, U{Requests: 1, BytesSent: 100}},
		"one request down": {nil, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("cat").ReadAll(ctx, nil))
		}, U{Requests: 1, BytesReceived: 100}},
		"HEAD": {nil, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("cat").Properties(ctx, nil))
		}, U{Requests: 1}},
		"ten requests down": {nil, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("cat").ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: 10}))
		}, U{Requests: 10, BytesReceived: 100}},
		"a refused upload": {[]blobtest.Fault{{Status: 503, Code: "ServerBusy"}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("b").Upload(ctx, strings.NewReader(content), nil))
		}, U{Requests: 2, BytesSent: 200, BytesReceived: -1, RetriesStatus: 1, Throttled: 1, Concurrency: 2}},
		"refused for good": {[]blobtest.Fault{{Status: 500, Times: -1}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return wanted(500, second(c.Properties(ctx, nil)))
		}, U{Requests: 4, RetriesStatus: 3, RetryBudget: 485}},
		"refused, and then not": {[]blobtest.Fault{{Status: 500, Times: 2}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Properties(ctx, nil))
		}, U{Requests: 3, RetriesStatus: 2, RetryBudget: 495}},
		"throttled, and not repeated": {[]blobtest.Fault{{Status: 429}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			once := azureblob.CallOptions{Retry: &azureblob.RetryOptions{Total: -1}}
			return wanted(429, second(c.Properties(ctx, &azureblob.ContainerPropertiesOptions{CallOptions: once})))
		}, U{Requests: 1, Throttled: 1}},
		"a timeout of the service": {[]blobtest.Fault{{Status: 500, Code: "OperationTimedOut"}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("cat").Properties(ctx, nil))
		}, U{Requests: 2, RetriesStatus: 1, Throttled: 1}},
		"a reset": {[]blobtest.Fault{{Reset: true}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("b").Upload(ctx, strings.NewReader(content), nil))
		}, U{Requests: 2, BytesSent: 200, RetriesRead: 1}},
		"a reset in the request": {[]blobtest.Fault{{Reset: true, At: blobtest.DuringRequest, Offset: 30}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("b").Upload(ctx, strings.NewReader(content), nil))
		}, U{Requests: 2, BytesSent: -1, RetriesRead: 1}},
		"a stall": {[]blobtest.Fault{{Delay: -1}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Properties(ctx, nil))
		}, U{Requests: 2, RetriesRead: 1}},
		"a broken body": {[]blobtest.Fault{{Operation: "Get Blob", Truncate: true, Offset: 30}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("cat").ReadAll(ctx, nil))
		}, U{Requests: 2, BytesReceived: 100, RetriesRead: 1}},
		"a body that stalls": {[]blobtest.Fault{{Operation: "Get Blob", Delay: -1, At: blobtest.DuringAnswer, Offset: 30}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("cat").ReadAll(ctx, nil))
		}, U{Requests: 2, BytesReceived: 100, RetriesRead: 1}},
		"a short answer is none": {[]blobtest.Fault{{Operation: "Get Blob", Shorten: true, Offset: 30}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("cat").ReadAll(ctx, nil))
		}, U{Requests: 2, BytesReceived: 100}},
		"a broken list": {[]blobtest.Fault{{Operation: "List Blobs", Truncate: true, Offset: 30}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return drained(c.Blobs(ctx, nil))
		}, U{Requests: 2, BytesReceived: -1, RetriesRead: 1}},
		"a hedge": {[]blobtest.Fault{{Delay: 20 * time.Second, At: blobtest.BeforeRequest}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return second(c.Blob("cat").ReadAll(ctx, nil))
		}, U{Requests: 2, BytesReceived: 100, Hedges: 1}},
		"bad input": {nil, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return wanted(0, second(c.Blob("").Properties(ctx, nil)))
		}, U{}},
		"a batch": {nil, func(ctx context.Context, c *azureblob.ContainerClient) error {
			return drained(c.DeleteBlobs(ctx, func(yield func(*azureblob.BlobClient) bool) { _ = yield(c.Blob("cat")) }, nil))
		}, U{Requests: 1, BytesSent: -1, BytesReceived: -1}},
		"a cancelled call": {[]blobtest.Fault{{Delay: -1}}, func(ctx context.Context, c *azureblob.ContainerClient) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if err := second(c.Properties(ctx, nil)); !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil
		}, U{Requests: 1}},
		"pages": {nil, func(ctx context.Context, c *azureblob.ContainerClient) error {
			p := pageblob.New(c.Blob("p"))
			if err := second(p.Create(ctx, 1024, nil)); err != nil {
				return err
			}
			return second(p.Write(ctx, 512, strings.NewReader(strings.Repeat("x", 512)), nil))
		}, U{Requests: 2, BytesSent: 512}},
		"appends": {nil, func(ctx context.Context, c *azureblob.ContainerClient) error {
			w, err := appendblob.New(c.Blob("a")).NewWriter(ctx, &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}})
			if err != nil {
				return err
			}
			_, _ = io.WriteString(w, content)
			return w.Close()
		}, U{Requests: 2, BytesSent: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := blobtest.New(t)
				o := azureblob.CapturingOptions()
				o.Hedge = &azureblob.HedgeOptions{Delay: 10 * time.Second, MaxShare: 1}
				if strings.Contains(name, "stall") || strings.Contains(name, "cancelled") {
					o.Hedge = nil
				}
				s := srv.ServiceClient(o)
				c := newContainer(t, s)
				must[azureblob.UploadResult](t)(c.Blob("cat").Upload(t.Context(), strings.NewReader(content), nil))
				before := s.Usage()
				for _, f := range tc.faults {
					srv.Inject(f)
				}
				if err := tc.run(t.Context(), c); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				got := used(before, s.Usage())
				if tc.want.Concurrency == 0 {
					tc.want.Concurrency = 1000
				}
				if tc.want.RetryBudget == 0 {
					tc.want.RetryBudget = 500
				}
				if tc.want.BytesReceived < 0 && got.BytesReceived > 50 {
					tc.want.BytesReceived = got.BytesReceived // of a document
				}
				if tc.want.BytesSent < 0 && got.BytesSent > 50 {
					tc.want.BytesSent = got.BytesSent
				}
				if got != tc.want {
					t.Errorf("got  %+v\nwant %+v", got, tc.want)
				}
				// All handles show the same.
				if b := c.Blob("cat"); b.Usage() != s.Usage() || c.Usage() != s.Usage() || b.Lease("").Usage() != s.Usage() || pageblob.New(b).Usage() != s.Usage() {
					t.Error("handles of the client show other figures")
				}
			})
		})
	}
}

// wanted is nil for an error with a status, or 0 for one without any.
func wanted(status int, err error) error {
	e, ok := errors.AsType[*azureblob.Error](err)
	if ok && e.StatusCode == status {
		return nil
	}
	return fmt.Errorf("want an error with status %d: %w", status, err)
}

// TestUsageOfWhatIsOpen: memory is held by what is open, and is given back when that is
// closed, fails, or its context ends.
func TestUsageOfWhatIsOpen(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 1000)
	type using struct {
		srv    *blobtest.Server
		c      *azureblob.ContainerClient
		cancel func()
	}
	held := func(t *testing.T, u using, what string, least int64) {
		t.Helper()
		synctest.Wait()
		if n := u.c.Usage().MemoryInUse; n < least {
			t.Errorf("%s: %d bytes are held, want %d", what, n, least)
		}
	}
	for name, use := range map[string]func(t *testing.T, ctx context.Context, u using){
		"a reader": func(t *testing.T, ctx context.Context, u using) {
			r := must[*azureblob.Reader](t)(u.c.Blob("cat").NewReader(ctx, &azureblob.DownloadOptions{BlockSize: 1000, Concurrency: 3}))
			_, _ = r.Read(make([]byte, 1500))
			held(t, u, "open", 3000)
			_ = r.Close()
		},
		"a reader that is cancelled": func(t *testing.T, ctx context.Context, u using) {
			r := must[*azureblob.Reader](t)(u.c.Blob("cat").NewReader(ctx, &azureblob.DownloadOptions{BlockSize: 1000, Concurrency: 3}))
			_, _ = r.Read(make([]byte, 1500))
			held(t, u, "open", 3000)
			u.cancel()
			if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			_ = r.Close()
		},
		"a reader that fails": func(t *testing.T, ctx context.Context, u using) {
			u.srv.Inject(blobtest.Fault{Operation: "Get Blob", Nth: 5, Times: -1, Status: 403})
			r := must[*azureblob.Reader](t)(u.c.Blob("cat").NewReader(ctx, &azureblob.DownloadOptions{BlockSize: 1000, Concurrency: 3}))
			if err := wanted(403, second(io.ReadAll(r))); err != nil {
				t.Error(err)
			}
			_ = r.Close()
		},
		"a writer": func(t *testing.T, ctx context.Context, u using) {
			w := must[*azureblob.Writer](t)(u.c.Blob("b").NewWriter(ctx, &azureblob.UploadOptions{BlockSize: 1000}))
			_, _ = w.Write(content[:1500])
			held(t, u, "open", 1000)
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		},
		"a writer that is given up": func(t *testing.T, ctx context.Context, u using) {
			w := must[*azureblob.Writer](t)(u.c.Blob("b").NewWriter(ctx, &azureblob.UploadOptions{BlockSize: 1000}))
			_, _ = w.Write(content[:1500])
			held(t, u, "open", 1000)
			w.Abort()
		},
		"a writer that fails": func(t *testing.T, ctx context.Context, u using) {
			u.srv.Inject(blobtest.Fault{Operation: "Put Block", Nth: 2, Times: -1, Status: 403})
			w := must[*azureblob.Writer](t)(u.c.Blob("b").NewWriter(ctx, &azureblob.UploadOptions{BlockSize: 1000}))
			_, _ = w.Write(content)
			if err := wanted(403, w.Close()); err != nil {
				t.Error(err)
			}
		},
		"an append writer": func(t *testing.T, ctx context.Context, u using) {
			w := must[*appendblob.Writer](t)(appendblob.New(u.c.Blob("a")).NewWriter(ctx, &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}}))
			_, _ = w.Write(content)
			held(t, u, "open", int64(len(content)))
			u.cancel()
			if err := w.Close(); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		},
		"an upload that hangs": func(t *testing.T, ctx context.Context, u using) {
			u.srv.Inject(blobtest.Fault{Operation: "Put Block", Times: -1, Delay: -1})
			done := make(chan error)
			go func() {
				done <- second(u.c.Blob("b").Upload(ctx, onlyReader{bytes.NewReader(content)}, &azureblob.UploadOptions{BlockSize: 1000, Concurrency: 4}))
			}()
			held(t, u, "under way", 4000)
			u.cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		},
		"a copy that is streamed": func(t *testing.T, ctx context.Context, u using) {
			u.srv.Inject(blobtest.Fault{Operation: "Put Block", Nth: 3, Times: -1, Status: 403})
			_, err := u.c.Blob("b").Upload(ctx, onlyReader{must[*azureblob.Reader](t)(u.c.Blob("cat").NewReader(ctx, nil))}, &azureblob.UploadOptions{BlockSize: 1000, Concurrency: 2})
			if err := wanted(403, err); err != nil {
				t.Error(err)
			}
			u.cancel()
		},
		"a validated download that breaks": func(t *testing.T, ctx context.Context, u using) {
			u.srv.Inject(blobtest.Fault{Operation: "Get Blob", Times: -1, FlipBit: true, Offset: 100})
			if _, err := u.c.Blob("cat").ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: 1000, Validate: true}); err == nil {
				t.Error("content with a wrong checksum is given out")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				srv := blobtest.New(t)
				u := using{srv, newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), cancel}
				must[azureblob.UploadResult](t)(u.c.Blob("cat").Upload(ctx, bytes.NewReader(content), nil))
				use(t, ctx, u)
				synctest.Wait()
				if got := u.c.Usage(); got.MemoryInUse != 0 || got.Connections != 0 {
					t.Errorf("in the end: %+v", got)
				}
			})
		})
	}
}

// TestUsageOfConcurrency: the bound is halved by a refusal, grows with answers, and is
// gone after a minute without refusals and some more answers.
func TestUsageOfConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		s := srv.ServiceClient(azureblob.CapturingOptions())
		c := newContainer(t, s)
		srv.Inject(blobtest.Fault{Operation: "Put Block", Times: -1, Delay: 2 * time.Second})
		refused := srv.Inject(blobtest.Fault{Operation: "Put Block", Nth: 21, Status: 503, Delay: time.Second})
		upload := func() {
			must[azureblob.UploadResult](t)(c.Blob("b").Upload(t.Context(), strings.NewReader(strings.Repeat("x", 400)), &azureblob.UploadOptions{BlockSize: 10, Concurrency: 40}))
		}
		var wg sync.WaitGroup
		wg.Go(upload)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if n := s.Usage().Concurrency; refused.Fired() != 1 || n < 19 || n > 20 {
			t.Errorf("after a refusal of one of 40: %d requests may be under way", n)
		}
		wg.Wait()
		low := s.Usage().Concurrency
		if low < 20 || low > 60 {
			t.Errorf("after some answers: %d", low)
		}
		time.Sleep(2 * time.Minute)
		for range 30 {
			upload()
		}
		if u := s.Usage(); u.Concurrency != 1000 || u.Throttled != 1 || u.RetriesStatus != 1 {
			t.Errorf("in the end: %+v", u)
		}
	})
}

// TestUsageOfRetryBudget: without a bound there are no tokens to tell of.
func TestUsageOfRetryBudget(t *testing.T) {
	for budget, want := range map[int]int{0: 500, 7: 7, -1: 0} {
		srv := blobtest.New(t)
		o := azureblob.CapturingOptions()
		o.RetryBudget, o.Retry.Delay = budget, -1
		s := srv.ServiceClient(o)
		srv.Inject(blobtest.Fault{Status: 500, Times: 5})
		err := second(s.AccountInfo(t.Context(), nil))
		u := s.Usage()
		switch budget {
		case 0:
			want -= 3 * 5
		case 7:
			want -= 5
		}
		if err == nil || u.RetryBudget != want || budget == 7 && u.Requests != 2 || budget != 7 && u.Requests != 4 {
			t.Errorf("budget %d: %v, %+v", budget, err, u)
		}
		srv.ClearFaults()
		for range 3 {
			_, _ = s.AccountInfo(t.Context(), nil) // each success gives one back
		}
		if n := s.Usage().RetryBudget; budget >= 0 && n != min(want+3, cmp.Or(budget, 500)) {
			t.Errorf("budget %d: %d tokens after some successes", budget, n)
		}
	}
	if u := (&azureblob.BlobClient{}).Usage(); u != (azureblob.Usage{}) {
		t.Errorf("the zero client: %+v", u)
	}
}

// TestUsageWhileTransfersRun reads the figures from several goroutines while transfers
// go over sockets, of which some fail and some are cancelled. Counts never go down, and
// what is held is zero when all is over.
func TestUsageWhileTransfersRun(t *testing.T) {
	srv := blobtest.New(t)
	o := azureblob.CapturingOptions()
	o.Retry.Delay, o.Hedge = -1, &azureblob.HedgeOptions{Delay: time.Millisecond, MaxShare: 1}
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(srv.ConnectionString(), o))
	c := newContainer(t, s)
	content := bytes.Repeat([]byte("0123456789"), 10_000)
	must[azureblob.UploadResult](t)(c.Blob("cat").Upload(t.Context(), bytes.NewReader(content), nil))
	n := 0
	var mu sync.Mutex
	srv.Inject(blobtest.Fault{Times: -1, Reset: true, At: blobtest.DuringAnswer, Match: func(*http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		n++
		return n%11 == 0
	}})
	stop := make(chan struct{})
	var watching, running sync.WaitGroup
	for range 2 {
		watching.Go(func() {
			for last := s.Usage(); ; {
				u := c.Blob("cat").Usage()
				if d := used(last, u); d.Requests < 0 || d.BytesSent < 0 || d.BytesReceived < 0 || d.RetriesRead < 0 || d.Hedges < 0 || u.MemoryInUse < 0 || u.Connections < 0 {
					t.Errorf("%+v after %+v", u, last)
				}
				last = u
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 8 {
		running.Go(func() {
			for j := range 5 {
				ctx, cancel := context.WithCancel(t.Context())
				if j == 3 {
					time.AfterFunc(time.Millisecond, cancel)
				}
				b := c.Blob(fmt.Sprint(i))
				_, _ = b.Upload(ctx, onlyReader{bytes.NewReader(content)}, &azureblob.UploadOptions{BlockSize: 10_000})
				_, _ = b.ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: 10_000})
				_, _ = b.Properties(ctx, nil)
				cancel()
			}
		})
	}
	running.Wait()
	close(stop)
	watching.Wait()
	s.CloseIdleConnections()
	waitFor(t, "memory and connections to be given back", func() bool {
		s.CloseIdleConnections()
		u := s.Usage()
		return u.MemoryInUse == 0 && u.Connections == 0
	})
	if u := s.Usage(); u.Requests < 8*5*10 || u.BytesSent < 8*4*100_000 || u.BytesReceived < 8*4*100_000 || u.RetriesRead == 0 {
		t.Errorf("%+v", u)
	}
}

// TestUsageOverSockets: bytes count once, however the transport takes them.
func TestUsageOverSockets(t *testing.T) {
	srv := blobtest.New(t)
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(srv.ConnectionString(), azureblob.CapturingOptions()))
	c := newContainer(t, s)
	content := bytes.Repeat([]byte("0123456789"), 50_000)
	path := filepath.Join(t.TempDir(), "cat")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, upload := range map[string]func(b *azureblob.BlobClient) error{
		"memory": func(b *azureblob.BlobClient) error {
			return second(b.Upload(t.Context(), bytes.NewReader(content), nil))
		},
		"stream": func(b *azureblob.BlobClient) error {
			return second(b.Upload(t.Context(), onlyReader{bytes.NewReader(content)}, nil))
		},
		"file": func(b *azureblob.BlobClient) error { return second(b.UploadFile(t.Context(), path, nil)) },
	} {
		before := s.Usage()
		if err := upload(c.Blob(name)); err != nil {
			t.Error(err)
		}
		if u := used(before, s.Usage()); u.BytesSent != int64(len(content)) || u.Requests != 1 || u.BytesReceived != 0 {
			t.Errorf("%s, up: %+v", name, u)
		}
		before = s.Usage()
		if _, err := c.Blob(name).DownloadFile(t.Context(), path+".down", nil); err != nil {
			t.Error(err)
		}
		if u := used(before, s.Usage()); u.BytesReceived != int64(len(content)) || u.Requests != 1 || u.BytesSent != 0 || u.MemoryInUse != 0 {
			t.Errorf("%s, down: %+v", name, u)
		}
	}
	s.CloseIdleConnections()
}

// TestUsageOfConnections: one is open after a request over a socket, and is used again;
// one that could not be opened is none.
func TestUsageOfConnections(t *testing.T) {
	srv := blobtest.New(t)
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(srv.ConnectionString(), azureblob.CapturingOptions()))
	for range 3 {
		if _, err := s.AccountInfo(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if n := s.Usage().Connections; n != 1 {
			t.Errorf("%d connections after a request", n)
		}
	}
	s.CloseIdleConnections()
	waitFor(t, "the connection to be closed", func() bool { return s.Usage().Connections == 0 })
	o := azureblob.CapturingOptions()
	o.Retry.Delay = -1
	gone := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString("BlobEndpoint=http://127.0.0.1:1/account", o))
	err := second(gone.AccountInfo(t.Context(), nil))
	if u := gone.Usage(); err == nil || u.RetriesConnect != 3 || u.Requests != 4 || u.Connections != 0 || u.RetryBudget != 470 {
		t.Errorf("%v, %+v", err, u)
	}
}
