package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// hedged is a server with a blob of ten blocks, and a client that sends reads a second
// time after a second. The transport tells of bodies that nobody closed.
type hedged struct {
	*blobtest.Server
	*gate
	service *azureblob.ServiceClient
	blob    *azureblob.BlobClient
	content []byte
}

func newHedged(t *testing.T, o *azureblob.ClientOptions) *hedged {
	t.Helper()
	srv := blobtest.New(t, &blobtest.Options{Account: "account", Key: testKey, SecondaryLag: time.Second})
	h := &hedged{Server: srv, gate: &gate{next: srv.Transport(), open: map[string]int{}}}
	for i := range 10 * block {
		h.content = append(h.content, byte(i), byte(i>>8))
	}
	if o == nil {
		o = azureblob.CapturingOptions()
	}
	if o.Hedge == nil {
		o.Hedge = &azureblob.HedgeOptions{Delay: time.Second, MaxShare: 1}
	}
	h.service = gated(t, h.gate, o)
	h.blob = newContainer(t, srv.ServiceClient()).Blob("cat")
	must[azureblob.UploadResult](t)(h.blob.Upload(t.Context(), bytes.NewReader(h.content), nil))
	h.blob = h.service.Container(h.blob.ContainerName()).Blob("cat")
	time.Sleep(time.Minute) // the secondary region has it too
	srv.ResetRequests()
	return h
}

// slow holds up one of so many reads for good.
func (h *hedged) slow(one int) *blobtest.Injected {
	var mu sync.Mutex
	held := map[string]bool{} // whose second request is let through
	seen := 0
	return h.Inject(blobtest.Fault{Times: -1, Delay: -1, At: blobtest.BeforeRequest, Match: func(r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		what := r.Method + r.URL.RequestURI() + r.Header.Get("x-ms-range")
		if held[what] {
			return false
		}
		seen++
		if seen%one != 0 {
			return false
		}
		held[what] = true
		return true
	}})
}

// over demands that no request is under way any more, and nothing is left of any.
func (h *hedged) over(t *testing.T, what string) {
	t.Helper()
	nothingLeft(t, what, h.gate, subject{service: h.service})
}

// reading are ways to read, that say if they got what there is.
var readings = map[string]func(h *hedged, o *azureblob.DownloadOptions) (bool, error){
	"ReadAll": func(h *hedged, o *azureblob.DownloadOptions) (bool, error) {
		got, err := h.blob.ReadAll(context.Background(), o)
		return bytes.Equal(got, h.content), err
	},
	"Download": func(h *hedged, o *azureblob.DownloadOptions) (bool, error) {
		got := make(contentOf, len(h.content))
		_, err := h.blob.Download(context.Background(), got, o)
		return bytes.Equal(got, h.content), err
	},
	"Reader": func(h *hedged, o *azureblob.DownloadOptions) (bool, error) {
		r, err := h.blob.NewReader(context.Background(), o)
		if err != nil {
			return false, err
		}
		defer r.Close()
		got, err := io.ReadAll(r)
		return bytes.Equal(got, h.content), err
	},
	"ReadAt": func(h *hedged, o *azureblob.DownloadOptions) (bool, error) {
		r, err := h.blob.NewReader(context.Background(), o)
		if err != nil {
			return false, err
		}
		defer r.Close()
		got := make([]byte, 300)
		_, err = r.ReadAt(got, 55)
		return bytes.Equal(got, h.content[55:355]), err
	},
	"Properties": func(h *hedged, o *azureblob.DownloadOptions) (bool, error) {
		p, err := h.blob.Properties(context.Background(), nil)
		return p.ContentLength == int64(len(h.content)), err
	},
	"Blobs": func(h *hedged, o *azureblob.DownloadOptions) (bool, error) {
		n := 0
		for _, err := range h.service.Container(h.blob.ContainerName()).Blobs(context.Background(), nil) {
			if err != nil {
				return false, err
			}
			n++
		}
		return n == 1, nil
	},
}

// TestHedgedReads: reads of which one request in so many hangs take as long as the
// delays, and are whole. Each request that hung was sent a second time, and no other.
func TestHedgedReads(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, read := range readings {
		for _, validate := range []bool{false, true} {
			for _, one := range []int{1, 2, 3, 100} {
				synctest.Test(t, func(t *testing.T) {
					what := fmt.Sprintf("%s, one in %d, validated: %v", name, one, validate)
					h := newHedged(t, nil)
					slow := h.slow(one)
					began := time.Now()
					ok, err := read(h, &azureblob.DownloadOptions{BlockSize: 2 * block, Concurrency: 4, Validate: validate})
					if took := time.Since(began); !ok || err != nil || took > 11*time.Second || took%time.Second != 0 {
						t.Errorf("%s: %v, %v after %v", what, ok, err, took)
					}
					h.over(t, what)
					u := h.service.Usage()
					if fired := int64(slow.Fired()); u.Hedges != fired || int64(len(h.Requests())) != u.Requests || one == 1 && fired*2 != u.Requests || u.RetriesRead+u.RetriesStatus+u.RetriesConnect != 0 {
						t.Errorf("%s: %d requests hung, %d came, %+v", what, fired, len(h.Requests()), u)
					}
				})
			}
		}
	}
}

// TestHedgesAreBounded: of reads that are all slow, the share is sent twice and no more.
func TestHedgesAreBounded(t *testing.T) {
	for _, share := range []float64{0.1, 0.25, 1} {
		synctest.Test(t, func(t *testing.T) {
			o := azureblob.CapturingOptions()
			o.Hedge = &azureblob.HedgeOptions{Delay: time.Second, MaxShare: share}
			h := newHedged(t, o)
			h.Inject(blobtest.Fault{Times: -1, Delay: 2 * time.Second, At: blobtest.AfterOperation})
			for range 100 {
				if _, err := h.blob.Properties(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			if u := h.service.Usage(); u.Hedges != int64(100*share) && u.Hedges != int64(100*share)-1 || u.Requests != 100+u.Hedges {
				t.Errorf("%v: %d hedges and %d requests of 100 reads", share, u.Hedges, u.Requests)
			}
		})
	}
}

// TestNoHedgesOfWrites runs every method on a service that takes two seconds for all.
// Reads are sent twice, and writes are not, nor is what may not be repeated.
func TestNoHedgesOfWrites(t *testing.T) {
	reads := 0
	for _, e := range exercises {
		bubble(t, e, func(t *testing.T) {
			mock := &protocolTransport{t: t, protocol: loadedProtocol(t)}
			var mu sync.Mutex
			sent := map[string]int{}
			o := azureblob.CapturingOptions()
			o.Hedge, o.Transport = &azureblob.HedgeOptions{Delay: time.Second, MaxShare: 1}, sendingFunc(func(req *http.Request) (*http.Response, error) {
				mu.Lock()
				sent[req.Method]++
				mu.Unlock()
				select {
				case <-time.After(2 * time.Second):
					return mock.Do(req)
				case <-req.Context().Done():
					closeRequest(req)
					return nil, req.Context().Err()
				}
			})
			s := mock.subjects()[0]
			s.service = gatedTo(t, o)
			if _, err := e.run(t.Context(), s); err != nil {
				t.Errorf("%s: %v", e.method, err)
			}
			synctest.Wait()
			gets := sent[http.MethodGet] + sent[http.MethodHead]
			if u := s.service.Usage(); u.Hedges != int64(gets/2) || gets%2 != 0 {
				t.Errorf("%s: %d hedges, and %v was sent", e.method, u.Hedges, sent)
			}
			reads += gets
		})
	}
	if reads < 50 {
		t.Errorf("only %d reads", reads)
	}
}

func gatedTo(t *testing.T, o *azureblob.ClientOptions) *azureblob.ServiceClient {
	t.Helper()
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("account", testKey))
	return must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", key, o))
}

// TestHedgesStayInTheRegion: the second request goes where the first one went; only
// when both hang there, the repetition goes to the other region, and has a hedge of its
// own.
func TestHedgesStayInTheRegion(t *testing.T) {
	for _, m := range modes {
		if m.mode%2 == 0 {
			continue // one region alone
		}
		synctest.Test(t, func(t *testing.T) {
			o := azureblob.CapturingOptions()
			o.LocationMode, o.ResponseTimeout = m.mode, 10*time.Second
			h := newHedged(t, o)
			h.Inject(blobtest.Fault{Times: -1, Delay: -1, At: blobtest.BeforeRequest, Match: inRegion(m.first)})
			h.Inject(blobtest.Fault{Delay: -1, At: blobtest.BeforeRequest, Match: inRegion(!m.first)})
			p, err := h.blob.Properties(t.Context(), nil)
			if err != nil || p.Secondary == m.first {
				t.Errorf("mode %d: %+v, %v", m.mode, p, err)
			}
			synctest.Wait()
			var where []bool
			for _, r := range h.Requests() {
				where = append(where, r.Secondary)
			}
			if got, want := fmt.Sprint(where), fmt.Sprint([]bool{m.first, m.first, !m.first, !m.first}); got != want {
				t.Errorf("mode %d: to the secondary region went %v, want %v", m.mode, got, want)
			}
			if u := h.service.Usage(); u.Hedges != 2 || u.RetriesRead != 1 || u.Requests != 4 {
				t.Errorf("mode %d: %+v", m.mode, u)
			}
		})
	}
}

// TestHooksOfHedges: hooks run once for both requests, which have the same id and what
// the hooks have set; log and spans have both.
func TestHooksOfHedges(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		var requests, answers atomic.Int64
		l, r := &logLines{}, &recorder{}
		o := l.options(slog.LevelDebug)
		o.TracingProvider = r.provider()
		o.OnRequest = func(req *http.Request) { requests.Add(1); req.Header.Set("x-ms-meta-hook", "ran") }
		o.OnResponse = func(resp *http.Response) { answers.Add(1) }
		h := newHedged(t, o)
		h.slow(1)
		if got, err := h.blob.ReadAll(t.Context(), &azureblob.DownloadOptions{BlockSize: 10 * block, Concurrency: 1}); err != nil || !bytes.Equal(got, h.content) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		h.over(t, "hooks")
		if requests.Load() != 2 || answers.Load() != 2 {
			t.Errorf("%d requests and %d answers were shown to the hooks", requests.Load(), answers.Load())
		}
		sent := h.Requests()
		if len(sent) != 4 {
			t.Fatalf("%d requests", len(sent))
		}
		for i, req := range sent {
			if id := req.Header.Get("x-ms-client-request-id"); id == "" || id != sent[i/2*2].Header.Get("x-ms-client-request-id") || req.Header.Get("x-ms-meta-hook") != "ran" || req.Header.Get("x-ms-range") != sent[i/2*2].Header.Get("x-ms-range") {
				t.Errorf("request %d has %v", i, req.Header)
			}
		}
		var lines []string
		for _, line := range l.take(t) {
			lines = append(lines, fmt.Sprint(line["msg"], " ", line["attempt"], " ", line["reason"], " ", line["error"] != nil))
		}
		each := "azureblob: retry <nil> hedge false, azureblob: request 2 <nil> false, azureblob: request 1 <nil> true"
		if got := strings.Join(lines, ", "); got != each+", "+each {
			t.Errorf("lines %s", got)
		}
		wantTree(t, "hedges", r, "Download", " Get Blob", "  GET !canceled", "  GET again 1", " Get Blob", "  GET !canceled", "  GET again 1")
	})
}

// TestHedgesThatFail: the call has the error or the answer of the one that counts.
func TestHedgesThatFail(t *testing.T) {
	for name, tc := range map[string]struct {
		first, second blobtest.Fault // of the first and second request
		status        int            // of the error; 0 for none
		requests      int64
		throttled     int64
	}{
		"the second is refused, the first is well":  {blobtest.Fault{Delay: 2 * time.Second}, blobtest.Fault{Status: 503}, 0, 2, 1},
		"the first breaks, the second is well":      {blobtest.Fault{Delay: 1500 * time.Millisecond, Reset: true}, blobtest.Fault{Delay: 2 * time.Second}, 0, 2, 0},
		"the first is refused, the second is well":  {blobtest.Fault{Delay: 1500 * time.Millisecond, Status: 503}, blobtest.Fault{Delay: 2 * time.Second}, 0, 2, 1},
		"both are refused, and the next is well":    {blobtest.Fault{Delay: 1500 * time.Millisecond, Status: 500}, blobtest.Fault{Status: 500}, 0, 3, 0},
		"the second says that there is nothing":     {blobtest.Fault{Delay: -1}, blobtest.Fault{Status: 404}, 404, 2, 0},
		"the first says so, when the second is out": {blobtest.Fault{Delay: 1500 * time.Millisecond, Status: 404}, blobtest.Fault{Delay: -1}, 404, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			synctest.Test(t, func(t *testing.T) {
				h := newHedged(t, nil)
				tc.second.Nth = 2
				h.Inject(tc.first)
				h.Inject(tc.second)
				_, err := h.blob.Properties(t.Context(), nil)
				e, _ := errors.AsType[*azureblob.Error](err)
				if tc.status == 0 && err != nil || tc.status != 0 && (e == nil || e.StatusCode != tc.status) {
					t.Error(err)
				}
				h.over(t, name)
				if u := h.service.Usage(); u.Requests != tc.requests || u.Hedges != 1 || u.RetriesStatus+u.RetriesRead != tc.requests-2 || u.Throttled != tc.throttled || (u.Concurrency < 1000) != (tc.throttled > 0) {
					t.Errorf("%+v", u)
				}
			})
		})
	}
}

// TestHedgesAtOnce: where both requests are answered in the same moment, one answer is
// given out and the other one is closed.
func TestHedgesAtOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			h := newHedged(t, nil)
			h.Inject(blobtest.Fault{Delay: 2 * time.Second})
			h.Inject(blobtest.Fault{Delay: time.Second, Nth: 2})
			got, err := h.blob.ReadAll(t.Context(), nil)
			if err != nil || !bytes.Equal(got, h.content) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			h.over(t, "both at once")
			if u := h.service.Usage(); u.Hedges != 1 || u.Requests != 2 {
				t.Errorf("%+v", u)
			}
		})
	}
}

// TestHedgesOverConnections: over sockets, the connection of the request that lost is
// closed, and the others are kept and used again.
func TestHedgesOverConnections(t *testing.T) {
	srv := blobtest.New(t)
	must[azureblob.CreateContainerResult](t)(srv.ServiceClient().Container("photos").Create(t.Context(), nil))
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	must[azureblob.UploadResult](t)(srv.ServiceClient().Container("photos").Blob("cat").Upload(t.Context(), bytes.NewReader(content), nil))
	o := azureblob.CapturingOptions()
	o.Hedge = &azureblob.HedgeOptions{Delay: time.Millisecond, MaxShare: 1}
	service := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(srv.ConnectionString(), o))
	for i := range 20 {
		hangs := srv.Inject(blobtest.Fault{Operation: "Get Blob", Delay: -1, At: blobtest.BeforeRequest, Nth: 1 + i%3})
		got, err := service.Container("photos").Blob("cat").ReadAll(t.Context(), &azureblob.DownloadOptions{BlockSize: 100_000})
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if hangs.Fired() != 1 {
			t.Error("nothing hung")
		}
	}
	waitFor(t, "the losers to be sent", func() bool { u := service.Usage(); return u.Requests == 20*10+u.Hedges })
	u := service.Usage()
	if u.Hedges < 20 || u.BytesReceived < 20*int64(len(content)) || u.MemoryInUse != 0 {
		t.Errorf("%+v", u)
	}
	service.CloseIdleConnections()
	waitFor(t, "connections to be closed", func() bool { return service.Usage().Connections == 0 })
}

// waitFor waits for what happens soon in another goroutine.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for begun := time.Now(); !done(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
