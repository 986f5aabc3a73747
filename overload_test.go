package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/pageblob"
)

// most is what Usage.Concurrency tells of a client that nothing holds back.
const most = 1000

// crowd is the way to a service that takes so many requests with content at a time:
// until their answer has been read. It marks the rest, which a fault strikes.
type crowd struct {
	next  policy.Transporter
	takes int

	mu            sync.Mutex
	busy, highest int
	taken, turned int
}

const tooMany = "X-Too-Many"

func (c *crowd) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Query().Has("restype") || req.Method == http.MethodHead {
		return c.next.Do(req)
	}
	c.mu.Lock()
	if c.busy >= c.takes {
		c.turned++
		c.mu.Unlock()
		own := *req
		own.Header = req.Header.Clone()
		own.Header.Set(tooMany, "1")
		return c.next.Do(&own)
	}
	c.busy++
	c.highest = max(c.highest, c.busy)
	c.taken++
	c.mu.Unlock()
	leave := sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.busy--
	})
	resp, err := c.next.Do(req)
	if err != nil {
		leave()
		return nil, err
	}
	resp.Body = &placed{resp.Body, leave}
	return resp, nil
}

// placed is a body that gives a place back when it is read or closed.
type placed struct {
	io.ReadCloser
	leave func()
}

func (p *placed) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if err != nil {
		p.leave()
	}
	return n, err
}

func (p *placed) Close() error {
	defer p.leave()
	return p.ReadCloser.Close()
}

// crowded is a service that takes so many requests at a time, of 50 ms each, and
// refuses the others as the fault says; and a client of it.
func crowded(t *testing.T, takes int, refusal blobtest.Fault) (*crowd, *azureblob.ServiceClient, *blobtest.Server) {
	t.Helper()
	srv := blobtest.New(t)
	c := &crowd{next: srv.Transport(), takes: takes}
	o := azureblob.CapturingOptions()
	o.Transport = c
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(srv.Account(), srv.Key()))
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(srv.Endpoint(), key, o))
	newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
	refusal.Times = -1
	refusal.Match = func(r *http.Request) bool { return r.Header.Get(tooMany) != "" }
	srv.Inject(refusal)
	srv.Inject(blobtest.Fault{Delay: 50 * time.Millisecond, Times: -1, At: blobtest.AfterOperation})
	if _, err := s.Container("photos").Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return c, s, srv
}

// TestOverload: several transfers of all kinds at a time, through a service that
// takes a few requests at a time. With the options that clients have by default, none
// of them fails, all content is right, and not much is refused.
func TestOverload(t *testing.T) {
	for _, takes := range []int{1, 4, 20} {
		for name, refusal := range map[string]blobtest.Fault{
			"503": {Status: 503, Code: "ServerBusy"}, "429": {Status: 429}, "500": {Status: 500, Code: "OperationTimedOut"},
			"503 before the body": {Status: 503, Code: "ServerBusy", At: blobtest.BeforeRequest},
		} {
			t.Run(fmt.Sprintf("%d at a time, %s", takes, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s, _ := crowded(t, takes, refusal)
					content := randomBytes(40_000)
					var all sync.WaitGroup
					begin := func(n int, what string, run func(photos *azureblob.ContainerClient) error) {
						for range n {
							all.Go(func() {
								// Each has a handle of its own.
								if err := run(s.Container("photos")); err != nil {
									t.Errorf("%s: %v", what, err)
								}
							})
						}
					}
					if err := second(s.Container("photos").Blob("there").Upload(t.Context(), bytes.NewReader(content), nil)); err != nil {
						t.Fatal(err)
					}
					o := &azureblob.UploadOptions{BlockSize: 1000}
					for _, blob := range []string{"a", "again"} {
						begin(1, "upload", func(photos *azureblob.ContainerClient) error {
							return second(photos.Blob(blob).Upload(t.Context(), bytes.NewReader(content), o))
						})
					}
					begin(1, "upload of a stream", func(photos *azureblob.ContainerClient) error {
						return second(photos.Blob("b").Upload(t.Context(), onlyReader{bytes.NewReader(content)}, o))
					})
					begin(1, "page upload", func(photos *azureblob.ContainerClient) error {
						return second(pageblob.New(photos.Blob("c")).Upload(t.Context(), bytes.NewReader(content[:512*60]), nil))
					})
					begin(1, "append", func(photos *azureblob.ContainerClient) error {
						w, err := appendblob.New(photos.Blob("d")).NewWriter(t.Context(), &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}, BlockSize: 8000})
						return copyAll(w, err, content)
					})
					for name, read := range reads {
						if name != "Download" && name != "DownloadFile" { // of a fixed size, and with a file
							begin(1, name, func(photos *azureblob.ContainerClient) error {
								got, err := read(t.Context(), photos.Blob("there"), "", &azureblob.DownloadOptions{BlockSize: 1000})
								return (&quiet{content: content}).same(got, err)
							})
						}
					}
					lowest := most
					all.Go(func() {
						for range 20 { // what moves no content is not held back
							time.Sleep(100 * time.Millisecond)
							began := time.Now()
							if err := second(s.Container("photos").Blob("there").Properties(t.Context(), nil)); err != nil || time.Since(began) != 50*time.Millisecond {
								t.Errorf("after %v: %v", time.Since(began), err)
							}
							lowest = min(lowest, s.Container("photos").Usage().Concurrency)
						}
					})
					all.Wait()
					synctest.Wait()
					u := s.Usage()
					t.Logf("%d taken, %d turned away, %d under way at most, limit %d and %d, %+v", c.taken, c.turned, c.highest, lowest, u.Concurrency, u)
					if c.busy != 0 || c.highest != takes || c.turned == 0 || int(u.Throttled) != c.turned || int(u.RetriesStatus) != c.turned {
						t.Errorf("%d requests are under way, at most %d were, %d were turned away", c.busy, c.highest, c.turned)
					}
					// The first wave is less than all that each transfer has under way, and after
					// it there are few.
					if wave := 8 * 16; c.turned > wave {
						t.Errorf("%d requests were turned away and %d taken", c.turned, c.taken)
					}
					if lowest > 2*takes+2 || u.MemoryInUse != 0 {
						t.Errorf("the limit was never below %d; %d bytes are held", lowest, u.MemoryInUse)
					}
					c.takes = most
					for blob, want := range map[string][]byte{"a": content, "again": content, "b": content, "c": content[:512*60], "d": content} {
						if err := (&quiet{content: want}).same(s.Container("photos").Blob(blob).ReadAll(t.Context(), nil)); err != nil {
							t.Errorf("%s: %v", blob, err)
						}
					}
				})
			})
		}
	}
}

// TestOverloadOfRate: a service that counts requests a second, so that one at a time
// is too many.
func TestOverloadOfRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, blocks = 20, 400
		srv := blobtest.New(t)
		s := srv.ServiceClient(azureblob.CapturingOptions())
		c, content := newContainer(t, s), randomBytes(1000*blocks)
		var mu sync.Mutex
		tokens, at := float64(perSecond), time.Now()
		turned := srv.Inject(blobtest.Fault{Operation: "Put Block", Status: 503, Code: "ServerBusy", Times: -1, Match: func(*http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			tokens, at = min(tokens+time.Since(at).Seconds()*perSecond, perSecond), time.Now()
			if tokens < 1 {
				return true
			}
			tokens--
			return false
		}})
		began := time.Now()
		err := second(c.Blob("new").Upload(t.Context(), bytes.NewReader(content), &azureblob.UploadOptions{BlockSize: 1000}))
		took := time.Since(began)
		t.Logf("%d blocks in %v, %d refused", blocks, took, turned.Fired())
		if err != nil || took > 2*blocks/perSecond*time.Second || turned.Fired() == 0 || turned.Fired() > blocks/2 {
			t.Errorf("after %v, %d refused: %v", took, turned.Fired(), err)
		}
		srv.ClearFaults()
		if err := (&quiet{content: content}).same(c.Blob("new").ReadAll(t.Context(), nil)); err != nil {
			t.Error(err)
		}
	})
}

// TestOverloadPasses: the limit climbs back when the service takes all again, and is
// that of all handles of one client and of nobody else.
func TestOverloadPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, srv := crowded(t, 3, blobtest.Fault{Status: 503, Code: "ServerBusy"})
		stranger := srv.ServiceClient(azureblob.CapturingOptions())
		content := randomBytes(100_000)
		upload := func() {
			t.Helper()
			if err := second(s.Container("photos").Blob("a").Upload(t.Context(), bytes.NewReader(content), &azureblob.UploadOptions{BlockSize: 1000, Concurrency: 64})); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.Usage().Concurrency; n != most {
			t.Errorf("%d at first", n)
		}
		upload()
		u := s.Usage()
		if u.Concurrency > 8 || u.Throttled == 0 {
			t.Errorf("%+v", u)
		}
		for _, other := range []azureblob.Usage{s.Container("other").Usage(), s.Container("photos").Blob("b").Usage()} {
			if other != u {
				t.Errorf("%+v and %+v", other, u)
			}
		}
		if other := stranger.Usage(); other.Concurrency != most || other.Throttled != 0 {
			t.Errorf("another client: %+v", other)
		}
		c.mu.Lock()
		c.takes = most
		c.mu.Unlock()
		upload()
		if now := s.Usage(); now.Concurrency <= u.Concurrency || now.Throttled != u.Throttled {
			t.Errorf("%+v after %+v", now, u)
		}
		// A minute without a refusal, and each answer raises it.
		time.Sleep(time.Minute)
		c.highest = 0
		for range 11 {
			upload()
		}
		if now := s.Usage(); now.Concurrency != most || now.Throttled != u.Throttled || c.highest != 64 {
			t.Errorf("%+v after %+v, %d were under way", now, u, c.highest)
		}
	})
}

// TestRetryAfter: the service says when to come back, in seconds or milliseconds.
func TestRetryAfter(t *testing.T) {
	for name, c := range map[string]struct {
		after  time.Duration
		header map[string]string
		want   time.Duration
	}{
		"seconds":                {7 * time.Second, nil, 7 * time.Second},
		"milliseconds":           {0, map[string]string{"x-ms-retry-after-ms": "1500"}, 1500 * time.Millisecond},
		"both":                   {7 * time.Second, map[string]string{"x-ms-retry-after-ms": "1500"}, 1500 * time.Millisecond},
		"as long as may be":      {time.Minute, nil, time.Minute},
		"longer than may be":     {61 * time.Second, nil, 0},
		"far longer than may be": {0, map[string]string{"Retry-After": "18446744073709551615"}, 0},
	} {
		for what, run := range map[string]struct {
			operation string
			run       func(s *quiet) error
		}{
			"upload": {"Put Blob", func(s *quiet) error { return s.upload(context.Background(), bytes.NewReader(s.content), 0) }},
			"blocks": {"Put Block", func(s *quiet) error { return s.upload(context.Background(), bytes.NewReader(s.content), 2000) }},
			"read":   {"Get Blob", func(s *quiet) error { return s.same(s.blob().ReadAll(context.Background(), nil)) }},
			"list":   {"List Blobs", func(s *quiet) error { return drained(s.container.Blobs(context.Background(), nil)) }},
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newQuiet(t, "", nil)
					s.server.Inject(blobtest.Fault{Operation: run.operation, Status: 503, Code: "ServerBusy", RetryAfter: c.after, Header: c.header})
					began := time.Now()
					err := run.run(s)
					if took := time.Since(began); took != c.want || (c.want > 0) != (err == nil) {
						t.Errorf("after %v, want %v: %v", took, c.want, err)
					}
					if c.want == 0 && !errors.Is(err, azureblob.ServerBusy) {
						t.Errorf("%v", err)
					}
				})
			})
		}
	}
}

// TestAnnouncedBodies: bodies wait for the service after a refusal, for a minute, and
// never otherwise.
func TestAnnouncedBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newQuiet(t, "", nil)
		// announced tells which requests of a few calls asked first.
		announced := func() string {
			t.Helper()
			s.server.ResetRequests()
			for _, block := range []int64{0, 2000} {
				if err := s.upload(t.Context(), bytes.NewReader(s.content), block); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.same(s.blob().ReadAll(t.Context(), inBlocks)); err != nil {
				t.Fatal(err)
			}
			must[azureblob.UploadResult](t)(s.container.Blob("empty").Upload(t.Context(), strings.NewReader(""), nil))
			must[azureblob.SetBlobMetadataResult](t)(s.container.Blob("empty").SetMetadata(t.Context(), azureblob.Metadata{"k": "v"}, nil))
			var all []string
			for _, r := range s.server.Requests() {
				if expects := r.Header.Get("Expect"); expects == "100-continue" {
					all = append(all, r.Operation)
				} else if expects != "" {
					t.Errorf("Expect: %s", expects)
				}
			}
			return strings.Join(all, ", ")
		}
		if got := announced(); got != "" {
			t.Errorf("nothing was refused, and %s asked", got)
		}
		for _, f := range []blobtest.Fault{{Status: 500, Code: "InternalError"}, {Reset: true, At: blobtest.DuringRequest}, {Status: 503, Code: "ServerBusy", Times: 0, Operation: "Query Blob Contents"}} {
			f.Match = func(r *http.Request) bool { return true }
			s.server.Inject(f)
		}
		if got := announced(); got != "" {
			t.Errorf("nothing was refused for its number, and %s asked", got)
		}
		s.server.ClearFaults()
		for _, f := range []blobtest.Fault{
			{Operation: "Put Block", Status: 503, Code: "ServerBusy"}, {Operation: "Get Blob", Status: 429}, {Operation: "Get Blob", Status: 500, Code: "OperationTimedOut"},
			{Operation: "Set Blob Metadata", Status: 503, Code: "ServerBusy"}, // no transfer, and a sign all the same
		} {
			s.server.Inject(f)
			_ = announced()
			if got := announced(); got != "Put Blob, Put Block, Put Block, Put Block List" {
				t.Errorf("after %+v, %s asked", f, got)
			}
			time.Sleep(59 * time.Second)
			if got := announced(); f.Operation != "Set Blob Metadata" && f.Operation != "Get Blob" && got == "" {
				t.Errorf("nothing asked before the minute was over")
			}
			time.Sleep(2 * time.Second)
			if got := announced(); got != "" {
				t.Errorf("a minute after %+v, %s asked", f, got)
			}
		}
	})
}
