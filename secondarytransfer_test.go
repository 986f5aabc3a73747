package azureblob_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// handed keeps all that was given out of a download, also if it failed then.
type handed struct{ bytes.Buffer }

func (h *handed) WriteAt(p []byte, off int64) (int, error) { return h.Write(p) }

// transfers download a blob in ten requests, and give out what they gave out before an
// error as well.
var transfers = map[string]func(t *testing.T, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, error){
	"Download": func(t *testing.T, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, error) {
		o.Concurrency = 1
		var all handed
		_, err := b.Download(t.Context(), &all, o)
		return all.Bytes(), err
	},
	"Reader": func(t *testing.T, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, error) {
		r, err := b.NewReader(t.Context(), o)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	},
	"Reader.WriteTo": func(t *testing.T, b *azureblob.BlobClient, o *azureblob.DownloadOptions) ([]byte, error) {
		r, err := b.NewReader(t.Context(), o)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		var all handed
		_, err = r.WriteTo(&all.Buffer)
		return all.Bytes(), err
	},
}

// TestTransfersDoNotMixRegions breaks the answers of the region that a download began
// in, in the middle of each block in turn, with and without more trouble after it. What
// is given out is of the state of that region alone, whatever the other one has.
func TestTransfersDoNotMixRegions(t *testing.T) {
	after := map[string]*blobtest.Fault{
		"nothing more": nil, "two refusals": {Status: 503, Times: 2}, "gone": {Status: 500, Times: -1}, "resets": {Reset: true, Times: 3}, "hangs": {Delay: -1, Times: 2},
	}
	for _, m := range modes {
		for name, transfer := range transfers {
			t.Run(fmt.Sprintf("mode %d, %s", m.mode, name), func(t *testing.T) {
				for then, trouble := range after {
					for _, nth := range []int{1, 2, 5, 10} {
						synctest.Test(t, func(t *testing.T) {
							r := newRegions(t, far)
							b := r.container.Blob("cat")
							must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader(oldState), nil))
							time.Sleep(2 * far)
							must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader(newState), nil))
							o := azureblob.CapturingOptions()
							o.LocationMode = m.mode
							b = r.client(t, o).Container("photos").Blob("cat")
							breaks := r.Inject(blobtest.Fault{Match: inRegion(m.first), Nth: nth, At: blobtest.DuringAnswer, Reset: true, Offset: 37})
							if trouble != nil {
								more := *trouble
								more.Match, more.Nth = inRegion(m.first), nth+1
								r.Inject(more)
							}
							got, err := transfer(t, b, &azureblob.DownloadOptions{BlockSize: block})
							what := fmt.Sprintf("block %d, then %s", nth, then)
							want := newState
							if m.first {
								want = oldState
							}
							if breaks.Fired() != 1 || len(got) > 1000 || string(got) != want[:len(got)] {
								t.Errorf("%s: %s of %d bytes", what, state(got), len(got))
							}
							if (err == nil) != (then != "gone") || err == nil && len(got) != 1000 {
								t.Errorf("%s: %d bytes, %v", what, len(got), err)
							}
							if e, _ := errors.AsType[*azureblob.Error](err); err != nil && (e == nil || e.StatusCode != 500) {
								t.Errorf("%s: %v", what, err)
							}
						})
					}
				}
			})
		}
	}
}

// TestTransfersHealFromTheOtherRegion: where both have the same state, a download goes
// on in the other region when the one that it began in is gone.
func TestTransfersHealFromTheOtherRegion(t *testing.T) {
	for _, m := range modes {
		if m.mode%2 == 0 {
			continue // one region alone
		}
		for name, transfer := range transfers {
			for gone, trouble := range regionTroubles {
				synctest.Test(t, func(t *testing.T) {
					r := newRegions(t, time.Second)
					must[azureblob.UploadResult](t)(r.container.Blob("cat").Upload(t.Context(), strings.NewReader(newState), nil))
					time.Sleep(time.Minute)
					o := azureblob.CapturingOptions()
					o.LocationMode = m.mode
					b := r.client(t, o).Container("photos").Blob("cat")
					begun := 0
					r.Inject(blobtest.Fault{At: blobtest.DuringAnswer, Reset: true, Offset: 37, Match: func(req *http.Request) bool {
						if toSecondary(req) == m.first {
							begun++
						}
						if begun == 5 {
							begun++
							trouble(r, m.first) // what comes after this one
							return true
						}
						return false
					}})
					got, err := transfer(t, b, &azureblob.DownloadOptions{BlockSize: block, Concurrency: 1})
					if string(got) != newState || err != nil || begun < 6 {
						t.Errorf("mode %d, %s, %s: %s, %v after %d requests", m.mode, name, gone, state(got), err, begun)
					}
				})
			}
		}
	}
}

// TestEmptyBlobOfTheOtherRegion: an empty blob has no range to ask for. That is an
// answer of the secondary region too, while the primary one is in trouble.
func TestEmptyBlobOfTheOtherRegion(t *testing.T) {
	for trouble, begin := range regionTroubles {
		for name, transfer := range transfers {
			synctest.Test(t, func(t *testing.T) {
				r := newRegions(t, time.Second)
				must[azureblob.UploadResult](t)(r.container.Blob("empty").Upload(t.Context(), strings.NewReader(""), nil))
				time.Sleep(time.Minute)
				o := azureblob.CapturingOptions()
				o.LocationMode = azureblob.PrimaryThenSecondary
				b := r.client(t, o).Container("photos").Blob("empty")
				begin(r, false)
				if got, err := transfer(t, b, &azureblob.DownloadOptions{}); err != nil || len(got) > 0 {
					t.Errorf("%s, %s: %q, %v", trouble, name, got, err)
				}
			})
		}
	}
}

// TestBodiesThatStallAreTakenUpElsewhere: while the answers of a region begin and then
// hang, what is left of each is asked of the other one, if that has the same state.
func TestBodiesThatStallAreTakenUpElsewhere(t *testing.T) {
	for _, m := range modes {
		if m.mode%2 == 0 {
			continue // one region alone
		}
		for _, fault := range []blobtest.Fault{{Delay: -1}, {Reset: true}} {
			for name, transfer := range transfers {
				synctest.Test(t, func(t *testing.T) {
					r := newRegions(t, time.Second)
					must[azureblob.UploadResult](t)(r.container.Blob("cat").Upload(t.Context(), strings.NewReader(newState), nil))
					time.Sleep(time.Minute)
					o := azureblob.CapturingOptions()
					o.LocationMode = m.mode
					c := r.client(t, o).Container("photos")
					fault.Times, fault.At, fault.Match = -1, blobtest.DuringAnswer, inRegion(m.first)
					broken := r.Inject(fault)
					r.take()
					got, err := transfer(t, c.Blob("cat"), &azureblob.DownloadOptions{BlockSize: block, Concurrency: 1})
					if primary, secondary := r.take(); err != nil || string(got) != newState || broken.Fired() != 10 || primary != 10 || secondary != 10 {
						t.Errorf("mode %d, %s: %s, %v; %d answers broke, %d and %d requests", m.mode, name, state(got), err, broken.Fired(), primary, secondary)
					}
					if err := drained(c.Blobs(t.Context(), nil)); err != nil {
						t.Errorf("mode %d, list: %v", m.mode, err)
					}
					if primary, secondary := r.take(); primary != 1 || secondary != 1 {
						t.Errorf("mode %d, list: %d and %d requests", m.mode, primary, secondary)
					}
				})
			}
		}
	}
}
