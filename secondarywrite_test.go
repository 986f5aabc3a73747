package azureblob_test

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/rest"
)

// asking are methods of which no request goes to the secondary region though they make
// reads as well: what they ask for is the state that a write has left or will meet.
var asking = map[string]bool{"BlobClient.CopyFrom": true, "Copy.Wait": true}

// isRead reports whether a method reads: its exercise is of an operation that is a GET
// or HEAD.
func (e exercised) isRead() bool {
	for _, op := range rest.Operations() {
		if op.ID == e.operation {
			return (op.Method == http.MethodGet || op.Method == http.MethodHead) && !asking[e.method]
		}
	}
	return false
}

// TestWritesGoToThePrimary calls every method in every mode, of the client and of the
// call. The first try of each request is refused, so that there are repetitions. All
// that belongs to a write goes to the primary region, and reads go where they are to.
func TestWritesGoToThePrimary(t *testing.T) {
	defer func() { filler = fill }()
	p := loadProtocol(t)
	for _, mode := range []azureblob.LocationMode{azureblob.PrimaryThenSecondary, azureblob.SecondaryOnly, azureblob.SecondaryThenPrimary} {
		filler = func(v reflect.Value) {
			fill(v)
			setLocation(v, mode)
		}
		reads, writes := 0, 0
		for _, e := range exercises {
			bubble(t, e, func(t *testing.T) {
				where := map[string][]bool{} // by request, whether its tries went to the secondary region
				var mu sync.Mutex
				mock := &protocolTransport{t: t, protocol: p}
				o := azureblob.CapturingOptions()
				o.LocationMode, o.RetryBudget = mode, -1
				o.Transport = sendingFunc(func(req *http.Request) (*http.Response, error) {
					mu.Lock()
					what := req.Method + " " + strings.Replace(req.URL.Host, "-secondary", "", 1) + req.URL.RequestURI()
					if req.URL.Query().Get("comp") == "block" {
						what = "PUT block"
					}
					first := len(where[what]) == 0
					where[what] = append(where[what], toSecondary(req))
					mu.Unlock()
					if first {
						if req.Body != nil {
							_, _ = io.Copy(io.Discard, req.Body)
						}
						closeRequest(req)
						return &http.Response{StatusCode: 503, Header: http.Header{"X-Ms-Error-Code": {"ServerBusy"}}, Body: http.NoBody, Request: req}, nil
					}
					return mock.Do(req)
				})
				s := mock.subjects()[0]
				key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("account", testKey))
				s.service = must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", key, o))
				if _, err := e.run(t.Context(), s); err != nil {
					t.Errorf("mode %d, %s: %v", mode, e.method, err)
				}
				for what, tries := range where {
					get := strings.HasPrefix(what, "GET ") || strings.HasPrefix(what, "HEAD ")
					for i, secondary := range tries {
						want := get && e.isRead() && (mode != azureblob.PrimaryThenSecondary || i%2 == 1) && (mode != azureblob.SecondaryThenPrimary || i%2 == 0)
						switch {
						case strings.Contains(what, "comp=stats"):
							want = true // which alone knows
						case e.method == "pageblob.Client.DownloadSparse" && !strings.HasPrefix(what, "HEAD ") && mode != azureblob.SecondaryOnly:
							want = secondary // it goes on in the region that its first request came to
						}
						if secondary != want {
							t.Errorf("mode %d, %s: of %s, try %d went to the secondary region: %v", mode, e.method, what, i+1, secondary)
						}
					}
					if get {
						reads++
					} else {
						writes++
					}
				}
			})
		}
		if reads < 20 || writes < 50 {
			t.Errorf("mode %d: %d reads and %d writes", mode, reads, writes)
		}
	}
}

// setLocation sets the mode of all calls of an options struct.
func setLocation(v reflect.Value, mode azureblob.LocationMode) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case !v.Type().Field(i).IsExported():
		case f.Type() == reflect.TypeFor[*azureblob.LocationMode]():
			f.Set(reflect.ValueOf(&mode))
		case f.Kind() == reflect.Struct:
			setLocation(f, mode)
		case f.Kind() == reflect.Pointer && !f.IsNil() && f.Elem().Kind() == reflect.Struct:
			setLocation(f.Elem(), mode)
		}
	}
}

// TestLooksAskThePrimary loses the answer of each write of every method, on a service
// whose secondary region lags behind, so that the client has to look at what became of
// it. Nothing of that goes to the secondary region.
func TestLooksAskThePrimary(t *testing.T) {
	defer func() { alone, filler = false, fill }()
	alone, filler = true, func(reflect.Value) {}
	for _, mode := range []azureblob.LocationMode{azureblob.PrimaryThenSecondary, azureblob.SecondaryOnly} {
		looks := map[string]bool{}
		for _, e := range exercises {
			if e.isRead() {
				continue
			}
			for nth := 1; nth <= 4; nth++ {
				bubble(t, e, func(t *testing.T) {
					srv := blobtest.New(t, &blobtest.Options{SecondaryLag: far, Versioning: true, SoftDelete: 1, HierarchicalNamespace: true})
					s := subject{service: srv.ServiceClient(azureblob.CapturingOptions())}
					s.prepare(t, e.method)
					o := azureblob.CapturingOptions()
					o.LocationMode = mode
					s.service = srv.ServiceClient(o)
					srv.ResetRequests()
					lost := srv.Inject(blobtest.Fault{Nth: nth, Status: 500, At: blobtest.AfterOperation, Match: func(r *http.Request) bool {
						return r.Method != http.MethodGet && r.Method != http.MethodHead
					}})
					_, _ = e.run(t.Context(), s)
					if lost.Fired() == 0 {
						return
					}
					for _, r := range srv.Requests() {
						if r.Secondary {
							t.Errorf("mode %d, %s, answer %d lost: %s went to the secondary region", mode, e.method, nth, r.Operation)
						}
						if r.Method == http.MethodGet || r.Method == http.MethodHead {
							looks[e.method] = true
						}
					}
				})
			}
		}
		if len(looks) < 8 {
			t.Errorf("mode %d: only %v looked", mode, looks)
		}
	}
}
