package pipeline

import (
	"io"
	"net/http"
	"strings"
	"testing"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/goblob/azureblob/internal/secretless"
)

// cannedTransport answers without a network.
type cannedTransport struct{}

func (cannedTransport) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return &http.Response{StatusCode: 201, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// sendOnce sends a small signed PUT.
func sendOnce(tb testing.TB, p runtime.Pipeline, body Body) {
	req, err := runtime.NewRequest(tb.Context(), "PUT", "https://a.blob.core.windows.net/c/b?comp=block&blockid=AAA%3D")
	if err != nil {
		tb.Fatal(err)
	}
	req.SetOperationValue(&Call{Body: body, Idempotent: true})
	if _, err := p.Do(req); err != nil {
		tb.Fatal(err)
	}
}

// The budget is for the whole of azcore and this package, without net/http. It
// guards against work that creeps in, such as log text built with logging off.
func TestPipelineAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops entries under the race detector")
	}
	azlog.SetListener(nil) // azcore writes its log for whoever listens, as the other tests do
	defer secretless.Listen()
	p := New(Config{Transport: cannedTransport{}, ServiceVersion: "2026-06-06", Auth: SharedKey("a", []byte("k"))})
	body := &trackedBody{data: []byte("abc")}
	if n := testing.AllocsPerRun(200, func() { sendOnce(t, p, body) }); n > 70 {
		t.Errorf("%v allocations a request", n)
	}
}

func BenchmarkPipeline(b *testing.B) {
	p := New(Config{Transport: cannedTransport{}, ServiceVersion: "2026-06-06", Auth: SharedKey("a", []byte("k"))})
	body := &trackedBody{data: []byte("abc")}
	b.ReportAllocs()
	for b.Loop() {
		sendOnce(b, p, body)
	}
}
