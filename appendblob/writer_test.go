package appendblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/link"
)

// created is an empty append blob on a server of its own.
func created(t *testing.T, retry azureblob.RetryOptions) (*blobtest.Server, *appendblob.Client) {
	t.Helper()
	srv := blobtest.New(t)
	c := srv.ServiceClient(&azureblob.ClientOptions{Retry: retry}).Container("logs")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	b := appendblob.New(c.Blob("2026.txt"))
	if _, err := b.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return srv, b
}

func newWriter(t *testing.T, b *appendblob.Client, o *appendblob.WriterOptions) *appendblob.Writer {
	t.Helper()
	w, err := b.NewWriter(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Close()
		if n := link.Transfer(b, 0, 0, nil).Budget.InUse(); n != 0 {
			t.Errorf("%d bytes of the memory budget are in use", n)
		}
	})
	return w
}

func content(t *testing.T, b *appendblob.Client) string {
	t.Helper()
	all, err := b.ReadAll(context.WithoutCancel(t.Context()), nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// sometimes are requests by chance, the same ones in each run.
func sometimes(seed uint64, share float64) func(*http.Request) bool {
	dice := rand.New(rand.NewPCG(seed, 0))
	return func(*http.Request) bool { return dice.Float64() < share }
}

// TestWriterUnderFire appends a thousand records while requests fail, most of them
// after they were carried out, and finds each record once, in order.
func TestWriterUnderFire(t *testing.T) {
	for name, faults := range map[string]func() []blobtest.Fault{
		"reported as failed": func() []blobtest.Fault {
			return []blobtest.Fault{{Operation: "Append Block", Status: 500, Code: "InternalError", At: blobtest.AfterOperation, Match: sometimes(1, 0.2), Times: -1}}
		},
		"connection lost": func() []blobtest.Fault {
			return []blobtest.Fault{{Operation: "Append Block", Reset: true, At: blobtest.AfterOperation, Match: sometimes(2, 0.2), Times: -1}}
		},
		"everything": func() []blobtest.Fault {
			return []blobtest.Fault{
				{Operation: "Append Block", Status: 500, Code: "InternalError", At: blobtest.AfterOperation, Match: sometimes(3, 0.2), Times: -1},
				{Operation: "Append Block", Status: 503, Code: "ServerBusy", Match: sometimes(4, 0.05), Times: -1},
				{Operation: "Append Block", Reset: true, At: blobtest.DuringRequest, Match: sometimes(5, 0.05), Times: -1},
				{Operation: "Append Block", Reset: true, At: blobtest.BeforeRequest, Match: sometimes(6, 0.05), Times: -1},
				{Operation: "Get Blob Properties", Status: 500, Match: sometimes(7, 0.2), Times: -1},
				{Operation: "Get Blob", Reset: true, At: blobtest.DuringAnswer, Match: sometimes(8, 0.2), Times: -1},
			}
		},
	} {
		for _, retries := range []int{3, -1} {
			t.Run(fmt.Sprint(name, ", retries ", retries), func(t *testing.T) {
				t.Parallel()
				records := 1000
				if name != "reported as failed" {
					records = 300 // their looks take longer
				}
				srv, b := created(t, azureblob.RetryOptions{Total: retries, Delay: 1})
				w := newWriter(t, b, nil)
				var injected []*blobtest.Injected
				for _, f := range faults() {
					injected = append(injected, srv.Inject(f))
				}
				var want strings.Builder
				failed := 0
				for i := range records {
					record := fmt.Sprintf("record %d\n", i%10) // many are the same, to look alike at another place
					want.WriteString(record)
					if n, err := io.WriteString(w, record); n != len(record) || err != nil {
						t.Fatal(n, err)
					}
					for w.Flush() != nil {
						if failed++; failed > records {
							t.Fatal("it does not recover")
						}
					}
				}
				fired := 0
				for _, i := range injected {
					fired += i.Fired()
					i.Remove()
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if fired < records/6 {
					t.Errorf("only %d faults", fired)
				}
				if got := content(t, b); got != want.String() {
					t.Errorf("the blob has %d bytes and not %d", len(got), want.Len())
				}
				if r := w.Result(); r.Position != int64(want.Len()) || r.BlockCount != records {
					t.Errorf("result %+v", r)
				}
				t.Logf("%d faults, %d calls failed", fired, failed)
			})
		}
	}
}

// TestWriterRepeats sends again by itself what was not carried out, or may not have
// been.
func TestWriterRepeats(t *testing.T) {
	for _, f := range []blobtest.Fault{
		{Reset: true, At: blobtest.BeforeRequest}, {Reset: true, At: blobtest.DuringRequest}, {Status: 500}, {Status: 503}, {Status: 429}, {Status: 408},
	} {
		srv, b := created(t, azureblob.RetryOptions{Delay: 1})
		w := newWriter(t, b, nil)
		f.Operation, f.Times = "Append Block", 2
		fault := srv.Inject(f)
		_, _ = io.WriteString(w, "one")
		if err := w.Close(); err != nil || fault.Fired() != 2 {
			t.Errorf("%+v: %v after %d", f, err, fault.Fired())
		}
		if got := content(t, b); got != "one" {
			t.Errorf("%+v: content %q", f, got)
		}
	}
}

// TestWriterCreates makes the blob of a writer, when that is reported as failed as
// well.
func TestWriterCreates(t *testing.T) {
	srv, _ := created(t, azureblob.RetryOptions{})
	b := appendblob.New(srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}}).Container("logs").Blob("new"))
	create := &appendblob.WriterOptions{Create: &appendblob.CreateOptions{Metadata: azureblob.Metadata{"k": "v"}}}
	srv.Inject(blobtest.Fault{Operation: "Put Blob", Status: 500, Code: "InternalError"})
	if _, err := b.NewWriter(t.Context(), create); !errors.Is(err, azureblob.InternalError) {
		t.Errorf("it was not created: %v", err)
	}
	srv.Inject(blobtest.Fault{Operation: "Put Blob", Reset: true, At: blobtest.AfterOperation})
	w := newWriter(t, b, create)
	_, _ = io.WriteString(w, "one")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err := b.Properties(t.Context(), nil); err != nil || p.ContentLength != 3 || p.Metadata["k"] != "v" {
		t.Errorf("%+v, %v", p, err)
	}
	create.Create.Metadata = azureblob.Metadata{"a-b": "c"}
	if _, err := b.NewWriter(t.Context(), create); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("options that cannot be sent: %v", err)
	}
}

// TestWriterFindsOthers lets somebody else append in between: what is appended then
// is not mixed with it, and the error says where the two parted.
func TestWriterFindsOthers(t *testing.T) {
	for name, c := range map[string]struct {
		fault blobtest.Fault // of the append of the writer
		other string
	}{
		"something else":           {other: "other"},
		"the same":                 {other: "two"}, // it must not be taken for the writer's own
		"after a lost request":     {blobtest.Fault{Reset: true, At: blobtest.DuringRequest}, "other"},
		"less, after a lost one":   {blobtest.Fault{Reset: true, At: blobtest.DuringRequest}, "x"},
		"same start, after a loss": {blobtest.Fault{Status: 500, At: blobtest.BeforeRequest}, "twx"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, b := created(t, azureblob.RetryOptions{Total: -1})
			w := newWriter(t, b, nil)
			_, _ = io.WriteString(w, "one")
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(w, "two")
			if c.fault.Reset || c.fault.Status != 0 {
				c.fault.Operation = "Append Block"
				srv.Inject(c.fault)
				if err := w.Flush(); err == nil {
					t.Fatal("the fault did nothing")
				}
			}
			if _, err := b.Append(t.Context(), strings.NewReader(c.other), nil); err != nil {
				t.Fatal(err)
			}
			err := w.Flush()
			conflict, ok := errors.AsType[*appendblob.ConflictError](err)
			if !ok || conflict.Position != 3 || conflict.Size != int64(3+len(c.other)) || !errors.Is(err, azureblob.AppendPositionConditionNotMet) {
				t.Fatalf("%v", err)
			}
			if e, ok := errors.AsType[*azureblob.Error](err); !ok || e.Operation != "Append Block" || !strings.Contains(err.Error(), "somebody else") {
				t.Errorf("%v", err)
			}
			before := len(srv.Requests())
			_, again := io.WriteString(w, "three")
			if again != err || w.Flush() != err || w.Close() != err {
				t.Error("the conflict is not final")
			}
			if len(srv.Requests()) != before {
				t.Error("something is sent after the conflict")
			}
			if got := content(t, b); got != "one"+c.other || w.Result().Position != 3 {
				t.Errorf("content %q, result %+v", got, w.Result())
			}
		})
	}
}

// TestWriterGoesOnBehindOthers loses the answer to an append, after which somebody
// else appends: the block is found, and the next one is the conflict.
func TestWriterGoesOnBehindOthers(t *testing.T) {
	srv, b := created(t, azureblob.RetryOptions{Total: -1})
	w := newWriter(t, b, nil)
	srv.Inject(blobtest.Fault{Operation: "Append Block", Reset: true, At: blobtest.AfterOperation})
	srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Status: 500})
	_, _ = io.WriteString(w, "one")
	if err := w.Flush(); err == nil || !strings.Contains(err.Error(), "could not be found out") || w.Buffered() != 3 {
		t.Fatalf("without a way to look: %v", err)
	}
	if _, err := b.Append(t.Context(), strings.NewReader("other"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "two"); err != nil {
		t.Fatal(err) // it has to look after the first block before it takes up more
	}
	if r := w.Result(); r.Position != 3 || r.BlockCount != 2 || w.Buffered() != 3 {
		t.Errorf("%+v, %d buffered", r, w.Buffered())
	}
	conflict, ok := errors.AsType[*appendblob.ConflictError](w.Flush())
	if !ok || conflict.Position != 3 || conflict.Size != 8 {
		t.Errorf("%+v", conflict)
	}
	if got := content(t, b); got != "oneother" {
		t.Errorf("content %q", got)
	}
}

// TestWriterOutlivesAnOutage writes while nothing works, and goes on when it does:
// what was taken up is not lost, and what was not is told.
func TestWriterOutlivesAnOutage(t *testing.T) {
	srv, b := created(t, azureblob.RetryOptions{Total: -1})
	w := newWriter(t, b, &appendblob.WriterOptions{BlockSize: 10})
	outage := srv.Inject(blobtest.Fault{Status: 500, Times: -1})
	text := "0123456789abcdefghijklmnopqrst"
	n, err := io.WriteString(w, text)
	if n != 10 || err == nil {
		t.Fatalf("%d, %v", n, err)
	}
	if m, err := io.WriteString(w, text[n:]); m != 0 || err == nil {
		t.Fatalf("%d, %v", m, err)
	}
	outage.Remove()
	if _, err := io.WriteString(w, text[n:]); err != nil {
		t.Fatal(err)
	}
	outage = srv.Inject(blobtest.Fault{Reset: true, Times: -1})
	source := strings.NewReader("uvwxyzABCDEFGHIJ")
	if n, err := w.ReadFrom(source); err == nil || n != int64(16-source.Len()) {
		t.Fatalf("%d taken up, and %d left: %v", n, source.Len(), err)
	}
	outage.Remove()
	if _, err := w.ReadFrom(source); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, b); got != text+"uvwxyzABCDEFGHIJ" {
		t.Errorf("content %q", got)
	}
}

// TestWriterOfFullBlob comes to the last block that a blob can have. Instead of
// fifty thousand appends, the service says that it had them.
func TestWriterOfFullBlob(t *testing.T) {
	srv, b := created(t, azureblob.RetryOptions{Total: -1})
	srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Header: map[string]string{"x-ms-blob-committed-block-count": "49998"}})
	w := newWriter(t, b, &appendblob.WriterOptions{BlockSize: 4})
	if n, err := w.ReadFrom(iotest.OneByteReader(strings.NewReader("12345678"))); n != 8 || err != nil {
		t.Fatalf("what fits exactly: %d, %v", n, err)
	}
	before := len(srv.Requests())
	n, err := io.WriteString(w, "9")
	if n != 0 || !errors.Is(err, azureblob.BlockCountExceedsLimit) || !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "50000 blocks") {
		t.Errorf("Write: %d, %v", n, err)
	}
	if n, err := w.ReadFrom(strings.NewReader("")); n != 0 || err != nil {
		t.Errorf("ReadFrom of nothing: %d, %v", n, err)
	}
	if n, err := w.ReadFrom(strings.NewReader("9")); n != 0 || !errors.Is(err, azureblob.BlockCountExceedsLimit) {
		t.Errorf("ReadFrom: %d, %v", n, err)
	}
	if err := w.Close(); err != nil || len(srv.Requests()) != before {
		t.Errorf("%v, and %d requests", err, len(srv.Requests())-before)
	}
	if got := content(t, b); got != "12345678" {
		t.Errorf("content %q", got)
	}
}

// TestWriterConditions gives options that go with every request.
func TestWriterConditions(t *testing.T) {
	srv, b := created(t, azureblob.RetryOptions{Delay: 1})
	w := newWriter(t, b, &appendblob.WriterOptions{MaxSize: new(int64(5)), BlockSize: 4})
	_, _ = io.WriteString(w, "1234")
	if _, err := io.WriteString(w, "56"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Flush(); !errors.Is(err, azureblob.MaxBlobSizeConditionNotMet) || w.Buffered() != 2 {
			t.Errorf("beyond the most: %v", err)
		}
	}
	if err := w.Close(); err == nil {
		t.Error("Close lost two bytes without an error")
	}
	lease, err := b.NewWriter(t.Context(), &appendblob.WriterOptions{LeaseID: "00000000-0000-0000-0000-000000000000", CallOptions: azureblob.CallOptions{ClientRequestID: "mine"}})
	if err == nil {
		t.Error("a lease that is not held: no error")
		lease.Close()
	}
	for _, r := range srv.Requests()[len(srv.Requests())-1:] {
		if r.Header.Get("x-ms-lease-id") == "" || r.Header.Get("x-ms-client-request-id") != "mine" {
			t.Errorf("%+v", r)
		}
	}
	if got := content(t, b); got != "1234" {
		t.Errorf("content %q", got)
	}
}

// TestWriterWithCustomerKey loses an answer of a blob that needs a key to be read.
func TestWriterWithCustomerKey(t *testing.T) {
	srv, b := created(t, azureblob.RetryOptions{Delay: 1})
	key, err := azureblob.NewCustomerKey(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	b = appendblob.New(b.WithCustomerKey(key))
	if _, err := b.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	w := newWriter(t, b, nil)
	srv.Inject(blobtest.Fault{Operation: "Append Block", Status: 500, At: blobtest.AfterOperation})
	_, _ = io.WriteString(w, "one")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, b); got != "one" {
		t.Errorf("content %q", got)
	}
}

// TestWriterEnds uses writers that are closed, whose source fails, or whose context
// has ended.
func TestWriterEnds(t *testing.T) {
	srv, b := created(t, azureblob.RetryOptions{Delay: 1})
	ctx, cancel := context.WithCancel(t.Context())
	w, err := b.NewWriter(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is gone")
	if n, err := w.ReadFrom(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken))); n != 3 || !errors.Is(err, broken) {
		t.Errorf("ReadFrom: %d, %v", n, err)
	}
	if _, err := w.ReadFrom(nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("ReadFrom of nil: %v", err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "def")
	before := len(srv.Requests())
	cancel()
	if err := w.Flush(); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush: %v", err)
	}
	if err := w.Close(); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	if _, err := w.Write(nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if err := w.Flush(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Flush: %v", err)
	}
	if len(srv.Requests()) != before {
		t.Error("something is sent after the end")
	}
	if got := content(t, b); got != "abc" {
		t.Errorf("content %q", got)
	}
}
