package xmlplan

import (
	"encoding/xml"
	"strings"
	"testing"
)

// slimPage is the least that encoding/xml can be asked for, to compare with.
type slimPage struct {
	Blobs []struct {
		Name       string
		VersionID  string `xml:"VersionId"`
		Properties struct {
			CreationTime  string `xml:"Creation-Time"`
			LastModified  string `xml:"Last-Modified"`
			Etag          string
			ContentLength int64  `xml:"Content-Length"`
			ContentType   string `xml:"Content-Type"`
			BlobType      string
			AccessTier    string
			LeaseState    string
		}
	} `xml:"Blobs>Blob"`
	NextMarker string
}

// Ten allocations a blob are the budget with every string of its own; the
// figure is far lower, and a change that comes near the budget is worth a look.
func TestPageStaysInItsAllocationBudget(t *testing.T) {
	const blobs = 5000
	for _, test := range []struct {
		name     string
		metadata bool
		budget   float64
	}{{"properties", false, 5}, {"metadata and tags", true, 10}} {
		t.Run(test.name, func(t *testing.T) {
			text := generated(blobs, test.metadata)
			allocs := testing.AllocsPerRun(3, func() {
				var page blobPage
				if err := Decode(strings.NewReader(text), &page); err != nil || len(page.Blobs) != blobs {
					t.Fatal(len(page.Blobs), err)
				}
			})
			t.Logf("%.2f allocations a blob, %d bytes a page", allocs/blobs, len(text))
			if allocs/blobs > test.budget {
				t.Errorf("%.2f allocations a blob, the budget is %v", allocs/blobs, test.budget)
			}
		})
	}
}

func BenchmarkDecodePage(b *testing.B) {
	for _, bench := range []struct {
		name   string
		decode func(text string) error
	}{
		{"xmlplan", func(text string) error { return Decode(strings.NewReader(text), new(blobPage)) }},
		{"encoding-xml-slim", func(text string) error { return xml.NewDecoder(strings.NewReader(text)).Decode(new(slimPage)) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			text := generated(5000, false)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.decode(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
