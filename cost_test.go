package azureblob

import (
	"bytes"
	"net/http"
	"testing"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"

	"github.com/goblob/azureblob/internal/secretless"
)

// TestAllocations bounds what a small request costs. The figures are those of a
// transport that answers at once; azcore's pipeline alone is about half of them.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates as well")
	}
	azlog.SetListener(nil) // azcore writes its log for whoever listens, which the other tests do
	defer secretless.Listen()
	content := pattern(1 << 10)
	s := newStub(content)
	s.before = func(_ int, kind string, req *http.Request) (*http.Response, error) {
		s.requests = s.requests[:0]
		return nil, nil
	}
	o := &ClientOptions{}
	b := s.service(t, o).Container("photos").Blob("cat.jpg")
	ctx := t.Context()
	for name, tc := range map[string]struct {
		call func() error
		most float64
	}{
		"Upload":     {func() error { _, err := b.Upload(ctx, bytes.NewReader(content), nil); return err }, 100},
		"ReadAll":    {func() error { _, err := b.ReadAll(ctx, nil); return err }, 110},
		"Properties": {func() error { _, err := b.Properties(ctx, nil); return err }, 75},
	} {
		n := testing.AllocsPerRun(100, func() {
			if err := tc.call(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %.0f allocations", name, n)
		if n > tc.most {
			t.Errorf("%s: %.0f allocations, and %.0f is the most", name, n, tc.most)
		}
	}
}
