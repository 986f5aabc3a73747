package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/pageblob"
)

func maybeApplied(err error) bool {
	e, ok := errors.AsType[*azureblob.Error](err)
	return ok && e.MaybeApplied
}

// TestAzcoreRepeatsNothing: retry options of azcore in the context do not make it
// repeat what must not be repeated, behind the back of the client.
func TestAzcoreRepeatsNothing(t *testing.T) {
	srv := blobtest.New(t)
	c := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
	log := appendblob.New(c.Blob("log"))
	must[appendblob.CreateResult](t)(log.Create(t.Context(), nil))
	srv.Inject(blobtest.Fault{Operation: "Append Block", At: blobtest.AfterOperation, Status: 500, Code: "InternalError"})
	ctx := policy.WithRetryOptions(t.Context(), policy.RetryOptions{MaxRetries: 3, RetryDelay: time.Nanosecond})
	_, err := log.Append(ctx, strings.NewReader("once\n"), nil)
	if content := must[[]byte](t)(log.ReadAll(t.Context(), nil)); !maybeApplied(err) || string(content) != "once\n" {
		t.Errorf("%q, %v", content, err)
	}
	before := c.Usage().Requests
	req := must[*policy.Request](t)(runtime.NewRequest(ctx, http.MethodPut, c.Blob("log").URL()+"?comp=appendblock"))
	if err := req.SetBody(nopSeeker{strings.NewReader("twice\n")}, "text/plain"); err != nil {
		t.Fatal(err)
	}
	srv.Inject(blobtest.Fault{Operation: "Append Block", At: blobtest.AfterOperation, Status: 500, Code: "InternalError"})
	resp := must[*http.Response](t)(c.Pipeline().Do(req))
	if n := c.Usage().Requests - before; resp.StatusCode != 500 || n != 1 {
		t.Errorf("%d, %d requests", resp.StatusCode, n)
	}
}

type nopSeeker struct{ io.ReadSeeker }

func (nopSeeker) Close() error { return nil }

// TestPipelineRepeatsFiles: a body that can be closed is there for all tries of a
// request of the user's own, and is closed after them.
func TestPipelineRepeatsFiles(t *testing.T) {
	srv := blobtest.New(t)
	c := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := must[*os.File](t)(os.Open(name))
	req := must[*policy.Request](t)(runtime.NewRequest(t.Context(), http.MethodPut, c.Blob("b").URL()))
	req.Raw().Header.Set("x-ms-blob-type", "BlockBlob")
	if err := req.SetBody(file, "text/special"); err != nil {
		t.Fatal(err)
	}
	srv.Inject(blobtest.Fault{Operation: "Put Blob", Status: 503, Code: "ServerBusy"})
	resp := must[*http.Response](t)(c.Pipeline().Do(req))
	content := must[[]byte](t)(c.Blob("b").ReadAll(t.Context(), nil))
	p := must[azureblob.BlobPropertiesResult](t)(c.Blob("b").Properties(t.Context(), nil))
	if resp.StatusCode != 201 || string(content) != "content" || p.HTTPHeaders.ContentType != "text/special" {
		t.Errorf("%d, %q, %s", resp.StatusCode, content, p.HTTPHeaders.ContentType)
	}
	if err := file.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file was left open: %v", err)
	}
}

// TestCreateWipesNothing: a Create whose answer got lost is not sent again over what
// others have built on it, and is over what was there before.
func TestCreateWipesNothing(t *testing.T) {
	pages := strings.Repeat("p", 512)
	for name, kind := range map[string]struct {
		create func(ctx context.Context, b *azureblob.BlobClient) error
		write  func(ctx context.Context, b *azureblob.BlobClient) error
		want   string
		empty  string
	}{
		"append": {
			func(ctx context.Context, b *azureblob.BlobClient) error {
				return second(appendblob.New(b).Create(ctx, nil))
			},
			func(ctx context.Context, b *azureblob.BlobClient) error {
				return second(appendblob.New(b).Append(ctx, strings.NewReader("record"), nil))
			}, "record", "",
		},
		"page": {
			func(ctx context.Context, b *azureblob.BlobClient) error {
				return second(pageblob.New(b).Create(ctx, 512, nil))
			},
			func(ctx context.Context, b *azureblob.BlobClient) error {
				return second(pageblob.New(b).Write(ctx, 0, strings.NewReader(pages), nil))
			}, pages, strings.Repeat("\x00", 512),
		},
	} {
		for what, c := range map[string]struct {
			before  bool // there is a blob, with content
			age     time.Duration
			meddles bool // somebody writes before the answer is known to be lost
			fault   blobtest.Fault
			content string
			maybe   bool
			looks   bool
		}{
			"carried out":                  {fault: blobtest.Fault{At: blobtest.AfterOperation, Reset: true}, content: kind.empty, looks: true},
			"carried out, and built on":    {fault: blobtest.Fault{At: blobtest.AfterOperation, Reset: true}, meddles: true, content: kind.want, maybe: true, looks: true},
			"not carried out":              {fault: blobtest.Fault{At: blobtest.AfterRequest, Reset: true}, content: kind.empty, looks: true},
			"not carried out, over an old": {fault: blobtest.Fault{At: blobtest.AfterRequest, Reset: true}, before: true, age: time.Minute, content: kind.empty, looks: true},
			"not carried out, over a new":  {fault: blobtest.Fault{At: blobtest.AfterRequest, Reset: true}, before: true, content: kind.want, maybe: true, looks: true},
			"refused":                      {fault: blobtest.Fault{Status: 503, Code: "ServerBusy"}, before: true, content: kind.empty},
		} {
			bubbles(t, name+", "+what, func(t *testing.T) {
				srv := blobtest.New(t)
				photos := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
				b, theirs := photos.Blob("b"), srv.ServiceClient().Container(photos.Name()).Blob("b")
				if c.before {
					if err := errors.Join(kind.create(t.Context(), theirs), kind.write(t.Context(), theirs)); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(c.age)
				ctx := t.Context()
				c.fault.Operation = "Put Blob"
				srv.Inject(c.fault)
				if c.meddles {
					// The look comes after this.
					srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Match: func(*http.Request) bool {
						if err := kind.write(ctx, theirs); err != nil {
							t.Error(err)
						}
						return true
					}, Delay: time.Millisecond})
				}
				srv.ResetRequests()
				err := kind.create(ctx, b)
				looks := 0
				for _, r := range srv.Requests() {
					if r.Operation == "Get Blob Properties" {
						looks++
					}
				}
				content := must[[]byte](t)(theirs.ReadAll(ctx, nil))
				if string(content) != c.content || maybeApplied(err) != c.maybe || (err != nil) != c.maybe || (looks > 0) != c.looks {
					t.Errorf("%.10q, %d looks, %v", content, looks, err)
				}
			})
		}
	}
}

// TestCreateAfterItsLook: what others have made between the look and the repetition
// stays as well.
func TestCreateAfterItsLook(t *testing.T) {
	for _, before := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := blobtest.New(t)
			photos := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
			ours, theirs := appendblob.New(photos.Blob("log")), appendblob.New(srv.ServiceClient().Container(photos.Name()).Blob("log"))
			if before {
				must[appendblob.CreateResult](t)(theirs.Create(t.Context(), nil))
				time.Sleep(time.Hour)
			}
			srv.Inject(blobtest.Fault{Operation: "Put Blob", At: blobtest.AfterRequest, Reset: true})
			looked := srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Delay: time.Millisecond})
			tries := 0
			srv.Inject(blobtest.Fault{Operation: "Put Blob", Times: -1, Match: func(r *http.Request) bool {
				if tries++; tries == 1 && looked.Fired() > 0 { // that is the repetition
					must[appendblob.CreateResult](t)(theirs.CreateIfNotExists(t.Context(), nil))
					must[appendblob.AppendResult](t)(theirs.Append(t.Context(), strings.NewReader("record"), nil))
				} else if looked.Fired() == 0 {
					tries = 0
				}
				return false
			}})
			_, err := ours.Create(t.Context(), nil)
			if content := must[[]byte](t)(theirs.ReadAll(t.Context(), nil)); string(content) != "record" || !maybeApplied(err) {
				t.Errorf("there was a blob before: %v: %q, %v", before, content, err)
			}
		})
	}
}

// TestCreateWaits: the repetition of a Create waits as any other, and tells the end of
// the context as well as the failure.
func TestCreateWaits(t *testing.T) {
	for what, c := range map[string]struct {
		named time.Duration
		ctx   time.Duration
		took  time.Duration
		code  azureblob.ErrorCode
	}{
		"as the service says":            {named: 30 * time.Second, took: 30 * time.Second},
		"not for as long":                {named: time.Hour, code: azureblob.InternalError},
		"not when the context has ended": {named: 30 * time.Second, ctx: 10 * time.Second, took: 10 * time.Second, code: azureblob.InternalError},
	} {
		bubbles(t, what, func(t *testing.T) {
			srv := blobtest.New(t)
			photos := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
			srv.Inject(blobtest.Fault{Operation: "Put Blob", At: blobtest.AfterRequest, Status: 500, Code: "InternalError", RetryAfter: c.named})
			ctx := t.Context()
			if c.ctx > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.ctx)
				defer cancel()
			}
			began := time.Now()
			_, err := appendblob.New(photos.Blob("log")).Create(ctx, nil)
			if took := time.Since(began); took != c.took || (err != nil) != (c.code != "") || err != nil && !errors.Is(err, c.code) || errors.Is(err, context.DeadlineExceeded) != (c.ctx > 0) {
				t.Errorf("%v after %v", err, took)
			}
			if u := photos.Usage(); c.code == "" && (u.RetriesStatus != 1 || u.RetryBudget != 500) {
				t.Errorf("%+v", u)
			}
		})
	}
}

// TestCreateOfMoreThanShows: where something was to be set that the properties do not
// tell, a blank blob of somebody else is not taken for one's own.
func TestCreateOfMoreThanShows(t *testing.T) {
	for what, c := range map[string]struct {
		theirs, ours func(ctx context.Context, b *azureblob.BlobClient) error
	}{
		"tags": {func(ctx context.Context, b *azureblob.BlobClient) error {
			return second(appendblob.New(b).Create(ctx, nil))
		}, func(ctx context.Context, b *azureblob.BlobClient) error {
			return second(appendblob.New(b).Create(ctx, &appendblob.CreateOptions{Tags: azureblob.Tags{"a": "b"}}))
		}},
		"number": {func(ctx context.Context, b *azureblob.BlobClient) error {
			return second(pageblob.New(b).Create(ctx, 512, &pageblob.CreateOptions{SequenceNumber: 7}))
		}, func(ctx context.Context, b *azureblob.BlobClient) error {
			return second(pageblob.New(b).Create(ctx, 512, nil))
		}},
	} {
		bubbles(t, what, func(t *testing.T) {
			srv := blobtest.New(t)
			photos := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
			if err := c.theirs(t.Context(), photos.Blob("b")); err != nil {
				t.Fatal(err)
			}
			srv.Inject(blobtest.Fault{Operation: "Put Blob", At: blobtest.AfterRequest, Reset: true})
			if err := c.ours(t.Context(), photos.Blob("b")); !maybeApplied(err) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestNothingWasSent: what was never sent cannot have been carried out.
func TestNothingWasSent(t *testing.T) {
	srv := blobtest.New(t)
	c := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
	log := appendblob.New(c.Blob("log"))
	must[appendblob.CreateResult](t)(log.Create(t.Context(), nil))
	srv.ResetRequests()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, call := range []func() error{
		func() error { return second(c.Blob("b").Delete(ctx, nil)) },
		func() error { return second(log.Append(ctx, strings.NewReader("x"), nil)) },
		func() error { return second(c.Blob("b").Upload(ctx, strings.NewReader("x"), nil)) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) || maybeApplied(err) {
			t.Error(err)
		}
	}
	o := azureblob.CapturingOptions()
	noProxy := &url.Error{Op: "parse", URL: "http://us er:MARKED+SECRET/x@proxy", Err: errors.New("invalid character in MARKED+SECRET")}
	o.Proxy = func(*http.Request) (*url.URL, error) { return nil, noProxy }
	o.Retry.Delay = -1
	alone := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(srv.ConnectionString(), o))
	_, err := appendblob.New(alone.Container("photos").Blob("b")).Append(t.Context(), strings.NewReader("x"), nil)
	if err == nil || maybeApplied(err) || !errors.Is(err, noProxy) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), "SECRET") {
		t.Errorf("%v", err)
	}
	if u := alone.Usage(); u.RetriesConnect != 3 || len(srv.Requests()) != 0 {
		t.Errorf("%+v, %d requests", u, len(srv.Requests()))
	}
}

// TestBlocksAreNotSeen: an upload whose blocks fail has changed nothing, whatever
// became of them.
func TestBlocksAreNotSeen(t *testing.T) {
	srv := blobtest.New(t)
	o := azureblob.CapturingOptions()
	o.Retry.Delay = -1
	c := newContainer(t, srv.ServiceClient(o))
	srv.Inject(blobtest.Fault{Operation: "Put Block", At: blobtest.AfterOperation, Status: 500, Code: "InternalError", Times: -1})
	_, err := c.Blob("b").Upload(t.Context(), bytes.NewReader(make([]byte, 3000)), &azureblob.UploadOptions{BlockSize: 1000})
	if !errors.Is(err, azureblob.InternalError) || maybeApplied(err) {
		t.Error(err)
	}
}

// TestGatewayIsNotTheService: an answer of 503 without a code is that of somebody on
// the way, who does not know whether the service acted.
func TestGatewayIsNotTheService(t *testing.T) {
	for _, code := range []string{"", "ServerBusy"} {
		srv := blobtest.New(t)
		log := appendblob.New(newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())).Blob("log"))
		must[appendblob.CreateResult](t)(log.Create(t.Context(), nil))
		at := blobtest.AfterOperation
		if code != "" {
			at = blobtest.AfterRequest // the service says that it did nothing
		}
		srv.Inject(blobtest.Fault{Operation: "Append Block", At: at, Status: 503, Code: code})
		_, err := log.Append(t.Context(), strings.NewReader("once\n"), nil)
		if content := must[[]byte](t)(log.ReadAll(t.Context(), nil)); string(content) != "once\n" || maybeApplied(err) != (code == "") {
			t.Errorf("code %q: %q, %v", code, content, err)
		}
	}
}

// TestSecondaryErrors: the error of an answer from the secondary region says so.
func TestSecondaryErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{SecondaryLag: time.Hour})
		o := azureblob.CapturingOptions()
		o.LocationMode = azureblob.SecondaryOnly
		c := newContainer(t, srv.ServiceClient(o))
		_, err := c.Blob("b").Properties(t.Context(), nil)
		if e, ok := errors.AsType[*azureblob.Error](err); !ok || !e.Secondary || e.StatusCode != 404 || !strings.Contains(err.Error(), "secondary region") {
			t.Error(err)
		}
		_, err = c.Blob("b").Delete(t.Context(), nil)
		if e, ok := errors.AsType[*azureblob.Error](err); !ok || e.Secondary || strings.Contains(err.Error(), "secondary") {
			t.Error(err)
		}
	})
}

// TestBothRegionsWantRest: if both regions want to be left alone for longer than the
// client may wait, the call ends with what the last one answered.
func TestBothRegionsWantRest(t *testing.T) {
	for named, want := range map[time.Duration]bool{time.Hour: true, 30 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			srv := blobtest.New(t)
			o := azureblob.CapturingOptions()
			o.LocationMode = azureblob.PrimaryThenSecondary
			c := newContainer(t, srv.ServiceClient(o))
			srv.Inject(blobtest.Fault{Operation: "Get Container Properties", Status: 503, Code: "ServerBusy", RetryAfter: named, Times: 2})
			began := time.Now()
			_, err := c.Properties(t.Context(), nil)
			if took := time.Since(began); (err != nil) != want || want && (!errors.Is(err, azureblob.ServerBusy) || took > time.Second) || !want && took < named {
				t.Errorf("%v: %v after %v", named, err, took)
			}
		})
	}
}

// TestOneRegionWantsRest: if one region wants to be left alone for longer than the
// client may wait, the repetitions stay in the other one.
func TestOneRegionWantsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		o := azureblob.CapturingOptions()
		o.LocationMode = azureblob.PrimaryThenSecondary
		c := newContainer(t, srv.ServiceClient(o))
		srv.Inject(blobtest.Fault{Operation: "Get Container Properties", Status: 503, Code: "ServerBusy", RetryAfter: 2 * time.Minute, Times: -1, Match: inRegion(false)})
		srv.Inject(blobtest.Fault{Operation: "Get Container Properties", Reset: true, Times: 2, Match: inRegion(true)})
		began := time.Now()
		p, err := c.Properties(t.Context(), nil)
		if took := time.Since(began); err != nil || !p.Secondary || took > 10*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}
