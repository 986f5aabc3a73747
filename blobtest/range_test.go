package blobtest

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/wire"
)

// FuzzRange reads any header that names a range, what the client writes for every
// range, and what answers say of them.
func FuzzRange(f *testing.F) {
	f.Add("bytes=0-9", int64(0), int64(10), int64(100))
	f.Add("bytes=5-", int64(5), int64(0), int64(6))
	f.Add("bytes=-5", int64(1<<62), int64(1<<62-1), int64(1))
	f.Add("bytes=1-0,2-3", int64(1), int64(1), int64(0))
	f.Add("bytes=+1-99999999999999999999", int64(0), int64(1), int64(1<<62))
	f.Fuzz(func(t *testing.T, text string, off, n, total int64) {
		first, last, ok := parseRange(text)
		if ok && (first < 0 || last != -1 && last < first) {
			t.Errorf("%q is read as %d to %d", text, first, last)
		}
		if off < 0 || n < 0 || off > 1<<63-1-n || total < 0 {
			return
		}
		h := http.Header{}
		wire.EncodeHeader(struct {
			Range azureblob.Range `header:"x-ms-range,range"`
		}{azureblob.Range{Offset: off, Count: n}}, h)
		if text := h.Get("x-ms-range"); text != "" {
			want := off + n - 1
			if n == 0 {
				want = -1
			}
			if first, last, ok := parseRange(text); !ok || first != off || last != want {
				t.Errorf("%q for %d bytes from %d is read as %d to %d, %v", text, n, off, first, last, ok)
			}
		} else if off != 0 || n != 0 {
			t.Errorf("no header for %d bytes from %d", n, off)
		}
		if n == 0 {
			return
		}
		text = contentRange(off, n, total)
		if text != fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, total) {
			t.Errorf("%d bytes from %d of %d: %q", n, off, total, text)
		}
		if first, last, all, ok := parseContentRange(text); !ok || first != off || last != off+n-1 || all != total {
			t.Errorf("%q is read as %d to %d of %d, %v", text, first, last, all, ok)
		}
	})
}
