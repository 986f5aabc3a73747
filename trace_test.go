package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/tracing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/secretless"
	"github.com/goblob/azureblob/pageblob"
)

// recorder keeps spans, as the SDK of OpenTelemetry would.
type recorder struct {
	mu    sync.Mutex
	scope string
	spans []*recordedSpan
}

type recordedSpan struct {
	name   string
	kind   tracing.SpanKind
	parent *recordedSpan
	attrs  map[string]any
	status tracing.SpanStatus
	text   string
	ended  int
}

type spanKey struct{}

func (r *recorder) provider() tracing.Provider {
	return tracing.NewProvider(func(name, version string) tracing.Tracer {
		r.scope = name + " " + version
		return tracing.NewTracer(r.start, nil)
	}, nil)
}

func (r *recorder) start(ctx context.Context, name string, o *tracing.SpanOptions) (context.Context, tracing.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &recordedSpan{name: name, kind: o.Kind, attrs: map[string]any{}}
	s.parent, _ = ctx.Value(spanKey{}).(*recordedSpan)
	r.spans = append(r.spans, s)
	set := func(attrs ...tracing.Attribute) {
		for _, a := range attrs {
			s.attrs[a.Key] = a.Value
			fmt.Fprintf(secretless.Writer, "%s=%v\n", a.Key, a.Value)
		}
	}
	set(o.Attributes...)
	locked := func(f func()) { r.mu.Lock(); defer r.mu.Unlock(); f() }
	return context.WithValue(ctx, spanKey{}, s), tracing.NewSpan(tracing.SpanImpl{
		End:           func() { locked(func() { s.ended++ }) },
		SetAttributes: func(attrs ...tracing.Attribute) { locked(func() { set(attrs...) }) },
		SetStatus: func(status tracing.SpanStatus, text string) {
			locked(func() { s.status, s.text = status, text; fmt.Fprintln(secretless.Writer, text) })
		},
	})
}

// tree is the spans in the order of their beginning, each with its children, as a
// line each: the name, what went wrong, and how often it was sent again.
func (r *recorder) tree() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	var write func(parent *recordedSpan, indent string)
	write = func(parent *recordedSpan, indent string) {
		for _, s := range r.spans {
			if s.parent != parent {
				continue
			}
			b.WriteString(indent + s.name)
			if s.status == tracing.SpanStatusError {
				fmt.Fprintf(&b, " !%v", s.attrs["error.type"])
			}
			if n, ok := s.attrs["http.request.resend_count"]; ok {
				fmt.Fprintf(&b, " again %v", n)
			}
			if s.ended != 1 {
				fmt.Fprintf(&b, " ended %d times", s.ended)
			}
			b.WriteString("\n")
			write(s, indent+" ")
		}
	}
	write(nil, "")
	r.spans = nil
	return b.String()
}

// traced is a server with an empty container, and a client whose spans are kept.
func traced(t *testing.T, o *azureblob.ClientOptions) (*blobtest.Server, *azureblob.ContainerClient, *recorder) {
	server, r := blobtest.New(t), &recorder{}
	if o == nil {
		o = azureblob.CapturingOptions()
	}
	o.Retry.Delay = time.Millisecond
	o.TracingProvider = r.provider()
	c := server.ServiceClient(o).Container("photos")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	r.spans = nil
	return server, c, r
}

func wantTree(t *testing.T, what string, r *recorder, want ...string) {
	t.Helper()
	if got := strings.TrimSuffix(r.tree(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s", what, got)
	}
}

// TestSpansOfOperations: one span for the operation, one for each try.
func TestSpansOfOperations(t *testing.T) {
	server, c, r := traced(t, nil)
	server.Inject(blobtest.Fault{Operation: "Get Container Properties", Status: 503, Code: "ServerBusy", Times: 2})
	if _, err := c.Properties(t.Context(), &azureblob.ContainerPropertiesOptions{CallOptions: azureblob.CallOptions{ClientRequestID: "mine"}}); err != nil {
		t.Fatal(err)
	}
	op, first, last := r.spans[0], r.spans[1], r.spans[3]
	wantTree(t, "retries", r, "Get Container Properties", " GET !503", " GET !503 again 1", " GET again 2")
	if op.kind != tracing.SpanKindInternal || last.kind != tracing.SpanKindClient || !strings.HasPrefix(r.scope, "github.com/goblob/azureblob v") {
		t.Errorf("kinds %v and %v, scope %s", op.kind, last.kind, r.scope)
	}
	for key, want := range map[string]any{
		"az.namespace": "Microsoft.Storage", "http.request.method": "GET", "url.full": c.URL() + "?restype=container",
		"server.address": "devstoreaccount1.blob.test", "server.port": 443, "http.response.status_code": 200, "az.client_request_id": "mine",
	} {
		if last.attrs[key] != want {
			t.Errorf("%s is %v, want %v", key, last.attrs[key], want)
		}
	}
	if op.attrs["az.namespace"] != "Microsoft.Storage" || first.attrs["http.response.status_code"] != 503 || first.attrs["error.type"] != "503" || first.text != "ServerBusy" {
		t.Errorf("the operation has %v, its first try %v %q", op.attrs, first.attrs, first.text)
	}
	if id, _ := last.attrs["az.service_request_id"].(string); id == "" || id == first.attrs["az.service_request_id"] {
		t.Errorf("service request id %q", id)
	}
	_, _ = c.Blob("none").Properties(t.Context(), nil)
	failed := r.spans[0]
	wantTree(t, "not there", r, "Get Blob Properties !BlobNotFound", " HEAD !404")
	if !strings.Contains(failed.text, "photos/none: 404 BlobNotFound") {
		t.Errorf("the status says %q", failed.text)
	}
	_, _ = c.Blob("").Properties(t.Context(), nil)
	wantTree(t, "bad input", r) // nothing was begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = c.Blob("cat").Properties(ctx, nil)
	wantTree(t, "cancelled", r, "Get Blob Properties !canceled", " HEAD !canceled")
}

// TestSpansOfTransfers: the requests of a transfer are below its span.
func TestSpansOfTransfers(t *testing.T) {
	_, c, r := traced(t, nil)
	ctx, content := t.Context(), "abcdef"
	b := c.Blob("cat")
	do := func(what string, err error, want ...string) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		wantTree(t, what, r, want...)
	}
	_, err := b.Upload(ctx, strings.NewReader(content), &azureblob.UploadOptions{BlockSize: 3, Concurrency: 1})
	do("Upload", err, "Upload", " Put Block", "  PUT", " Put Block", "  PUT", " Put Block List", "  PUT")
	_, err = b.ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: 3, Concurrency: 1})
	do("ReadAll", err, "Download", " Get Blob", "  GET", " Get Blob", "  GET")
	_, err = b.Download(ctx, &at{}, nil)
	do("Download", err, "Download", " Get Blob", "  GET")
	_, err = b.DownloadFile(ctx, t.TempDir()+"/cat", nil)
	do("DownloadFile", err, "Download", " Get Blob", "  GET")
	_, err = c.Blob("copy").CopyFrom(ctx, b, nil)
	do("CopyFrom", err, "Copy", " Get Blob Properties", "  HEAD", " Put Blob From URL", "  PUT")
	for _, err := range c.DeleteBlobs(ctx, slices.Values([]*azureblob.BlobClient{c.Blob("copy")}), nil) {
		do("DeleteBlobs", err, "Batch ended 0 times", " Blob Batch", "  POST")
	}
	page := pageblob.New(c.Blob("page"))
	_, err = page.Upload(ctx, bytes.NewReader(bytes.Repeat([]byte{1}, 512)), nil)
	do("pageblob Upload", err, "Upload", " Put Blob", "  PUT", " Put Page", "  PUT")
	_, err = page.DownloadSparse(ctx, &at{}, nil)
	do("DownloadSparse", err, "Download", " Get Blob Properties", "  HEAD", " Get Page Ranges", "  GET", " Download", "  Get Blob", "   GET")
}

// TestSpansOfReadersAndWriters: those end when they are closed, with the first
// error.
func TestSpansOfReadersAndWriters(t *testing.T) {
	server, c, r := traced(t, nil)
	ctx := t.Context()
	w := must[*azureblob.Writer](t)(c.Blob("cat").NewWriter(ctx, nil))
	_, _ = io.WriteString(w, "meow")
	wantTree(t, "open writer", &recorder{spans: slices.Clone(r.spans)}, "Writer ended 0 times")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	wantTree(t, "writer", r, "Writer", " Put Blob", "  PUT")
	w = must[*azureblob.Writer](t)(c.Blob("cat").NewWriter(ctx, nil))
	w.Abort()
	_ = w.Close()
	wantTree(t, "aborted writer", r, "Writer !*errors.errorString")
	reader := must[*azureblob.Reader](t)(c.Blob("cat").NewReader(ctx, &azureblob.DownloadOptions{BlockSize: 2, Concurrency: 1}))
	if _, err := c.Blob("cat").Upload(ctx, strings.NewReader("other"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(reader); !errors.Is(err, azureblob.ErrBlobModified) {
		t.Errorf("a reader of a blob that was changed: %v", err)
	}
	_, _ = reader.Close(), reader.Close()
	if got := r.tree(); !strings.HasPrefix(got, "Reader !ConditionNotMet\n Get Blob\n  GET\n") {
		t.Errorf("reader:\n%s", got)
	}
	if _, err := c.Blob("none").NewReader(ctx, nil); err == nil {
		t.Error("a reader of nothing")
	}
	wantTree(t, "no reader", r, "Reader !BlobNotFound", " Get Blob !BlobNotFound", "  GET !404")
	a := must[*appendblob.Writer](t)(appendblob.New(c.Blob("log")).NewWriter(ctx, &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}}))
	_, _ = io.WriteString(a, "line")
	server.Inject(blobtest.Fault{Operation: "Append Block", Status: 403, Code: "AuthorizationFailure"})
	if err := a.Close(); err == nil {
		t.Error("Close: no error")
	}
	if got := r.tree(); !strings.HasPrefix(got, "Writer !AuthorizationFailure\n Put Blob\n  PUT\n Append Block !AuthorizationFailure\n") {
		t.Errorf("append writer:\n%s", got)
	}
}

// TestSpansOfHedges: both requests have a span below that of the operation, at the
// same time, and are told apart.
func TestSpansOfHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := azureblob.CapturingOptions()
		o.Hedge = &azureblob.HedgeOptions{Delay: time.Second, MaxShare: 1}
		server, c, r := traced(t, o)
		server.Inject(blobtest.Fault{Operation: "Get Container Properties", Delay: -1})
		if _, err := c.Properties(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // until the loser has gone
		wantTree(t, "hedge", r, "Get Container Properties", " GET !canceled", " GET again 1")
	})
}

// TestSpansAfterHedges: that the second of two requests came to count says nothing of
// the next try.
func TestSpansAfterHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := azureblob.CapturingOptions()
		o.Hedge = &azureblob.HedgeOptions{Delay: time.Second, MaxShare: 1}
		server, c, r := traced(t, o)
		for i, d := range []time.Duration{3 * time.Second, 4 * time.Second} {
			server.Inject(blobtest.Fault{Operation: "Get Container Properties", Nth: i + 1, Delay: d, Status: 503, Code: "ServerBusy"})
		}
		if _, err := c.Properties(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantTree(t, "a try after a hedge", r, "Get Container Properties", " GET !canceled", " GET !503 again 1", " GET again 2")
	})
}

// TestSpansOfTriesAreSeenByHooks: a hook can tell the service which span it serves.
func TestSpansOfTriesAreSeenByHooks(t *testing.T) {
	_, c, r := traced(t, nil)
	var seen *recordedSpan
	_, err := c.Properties(t.Context(), &azureblob.ContainerPropertiesOptions{CallOptions: azureblob.CallOptions{OnRequest: func(req *http.Request) {
		seen, _ = req.Context().Value(spanKey{}).(*recordedSpan)
	}}})
	if err != nil || seen == nil || seen.kind != tracing.SpanKindClient || seen != r.spans[1] {
		t.Errorf("the hook saw the span %v, %v", seen, err)
	}
}

// TestSpansShowNoSecret: a signature in a URL, also of a source, is in no span.
func TestSpansShowNoSecret(t *testing.T) {
	r := &recorder{}
	server := blobtest.New(t)
	o := &azureblob.ClientOptions{TracingProvider: r.provider(), Transport: server.Transport()}
	const signature = "sv=2026-06-06&sig=c2VjcmV0a2V5"
	b := must[*azureblob.BlobClient](t)(azureblob.NewBlobClient(server.Endpoint()+"/photos/cat?"+signature, nil, o))
	_, _ = b.ReadAll(t.Context(), nil)
	_, _ = b.CopyFromURL(t.Context(), "https://host/c/b?"+signature, nil)
	gone := must[*azureblob.BlobClient](t)(azureblob.NewBlobClient("http://127.0.0.1:1/account/photos/cat?"+signature, nil,
		&azureblob.ClientOptions{TracingProvider: r.provider(), Retry: azureblob.RetryOptions{Total: -1}}))
	_, _ = gone.Properties(t.Context(), nil)
	own := must[*policy.Request](t)(runtime.NewRequest(t.Context(), http.MethodGet, b.URL()+"?comp=tags&"+signature))
	_, _ = b.Pipeline().Do(own)
	n := 0
	for _, s := range r.spans {
		n++
		if text := fmt.Sprint(s.name, s.attrs, s.text); strings.Contains(text, "c2V") {
			t.Errorf("a span shows %s", text)
		}
	}
	wantTree(t, "all", r, "Download !AuthenticationFailed", " Get Blob !AuthenticationFailed", "  GET !403",
		"Copy Blob From URL !AuthenticationFailed", " PUT !403", "Get Blob Properties !connect", " HEAD !connect", "GET !403")
	if n == 0 {
		t.Error("no spans")
	}
}

// at is a target in memory of any size, that forgets.
type at struct{}

func (*at) WriteAt(p []byte, off int64) (int, error) { return len(p), nil }
