//go:build soak

package soak

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// mostBytes is the size of the largest object.
const mostBytes = 16 << 20

// tally is what came of transfers.
type tally struct {
	mu                 sync.Mutex
	uploads, downloads int
	failed             map[string]int    // by cause
	example            map[string]string // of each
	wrong              []string
	bytes              int64
	largest, smallest  int64
}

func (c *tally) add(err error, uploaded bool, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if uploaded {
		c.uploads++
		c.largest, c.smallest = max(c.largest, n), min(c.smallest, n)
	} else {
		c.downloads++
	}
	if err == nil {
		c.bytes += n
		return
	}
	why := cause(err)
	if why == "" {
		c.wrong = append(c.wrong, fmt.Sprintf("the error is not typed, or names no cause: %v", err))
	}
	c.failed[why]++
	c.example[why] = err.Error()
}

func (c *tally) found(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// worker uploads and downloads one object after the other, one at a time.
type worker struct {
	*tally
	ctx        context.Context
	rng        *rand.Rand
	container  *azureblob.ContainerClient
	calm       *azureblob.ContainerClient // without faults
	generation int
	name       string
	etag       azcore.ETag
	sum        [sha256.Size]byte
}

// size is skewed: half of the objects have less than 8 bytes in 24 powers of two.
func (w *worker) size() int64 {
	switch w.rng.IntN(500) {
	case 0:
		return mostBytes
	case 1:
		return 1
	}
	u := w.rng.Float64()
	return min(int64(math.Exp2(24*u*u*u)), mostBytes)
}

// options are what an upload is made with, and the conditions that it must meet: none,
// those of a new blob, or those of the blob that is there.
func (w *worker) options() *azureblob.UploadOptions {
	o := &azureblob.UploadOptions{Validate: w.rng.IntN(3) == 0, Metadata: azureblob.Metadata{"generation": fmt.Sprint(w.generation)}}
	if w.rng.IntN(2) == 0 {
		o.BlockSize = 64 << 10 << w.rng.IntN(6)
	}
	switch {
	case w.etag == "":
		o.Conditions.IfNoneMatch = azcore.ETagAny
	case w.rng.IntN(2) == 0:
		o.Conditions.IfMatch = w.etag
	}
	return o
}

// round replaces the object by a new one, and looks at it.
func (w *worker) round() {
	w.generation++
	if w.etag == "" || w.rng.IntN(3) == 0 {
		w.renew()
	}
	content := make([]byte, w.size())
	random := rand.NewChaCha8([32]byte{byte(w.generation), byte(w.rng.Uint64()), byte(w.rng.Uint64())})
	_, _ = random.Read(content)
	sum := sha256.Sum256(content)
	etag, err := w.upload(content)
	w.add(err, true, int64(len(content)))
	if err != nil {
		w.recover(err, sum)
	} else {
		w.etag, w.sum = etag, sum
	}
	if w.etag == "" {
		return
	}
	got, n, err := w.download()
	w.add(err, false, n)
	if err == nil && got != w.sum {
		w.found("%s: downloaded something else than there is", w.name)
	}
}

// renew deletes the object, if there is one, and takes a new name.
func (w *worker) renew() {
	if w.etag != "" {
		_, err := w.container.Blob(w.name).Delete(w.ctx, &azureblob.DeleteBlobOptions{Conditions: azureblob.Conditions{IfMatch: w.etag}})
		if err != nil && cause(err) == "" {
			w.found("deletion: the error is not typed, or names no cause: %v", err)
		}
		if exists, calm := w.calm.Blob(w.name).Exists(w.ctx, nil); calm != nil || exists && err == nil {
			w.found("%s was deleted, and exists %v (%v)", w.name, exists, calm)
		} else if !exists && err != nil && !maybe(err) {
			w.found("%s was deleted, and the error does not allow for that: %v", w.name, err)
		} else if exists {
			_, _ = w.calm.Blob(w.name).Delete(w.ctx, nil)
		}
	}
	w.name, w.etag = fmt.Sprintf("%s-%d", w.name[:8], w.generation), ""
}

func conditional(err error) bool {
	return errors.Is(err, azureblob.ConditionNotMet) || errors.Is(err, azureblob.BlobAlreadyExists)
}

func maybe(err error) bool {
	e, ok := errors.AsType[*azureblob.Error](err)
	return ok && e.MaybeApplied
}

func (w *worker) upload(content []byte) (azcore.ETag, error) {
	blob, o := w.container.Blob(w.name), w.options()
	switch w.rng.IntN(3) {
	case 0:
		r, err := blob.Upload(w.ctx, bytes.NewReader(content), o)
		return r.ETag, err
	case 1:
		r, err := blob.Upload(w.ctx, struct{ io.Reader }{bytes.NewReader(content)}, o)
		return r.ETag, err
	}
	writer, err := blob.NewWriter(w.ctx, o)
	if err != nil {
		return "", err
	}
	defer writer.Abort()
	if _, err := io.Copy(writer, struct{ io.Reader }{bytes.NewReader(content)}); err != nil {
		return "", err
	}
	err = writer.Close()
	return writer.Result().ETag, err
}

// recover looks at what a failed upload has left: the object that was there, or the
// new one, if the error allows for that, and nothing else.
func (w *worker) recover(failure error, sum [sha256.Size]byte) {
	blob := w.calm.Blob(w.name)
	p, err := blob.Properties(w.ctx, nil)
	if errors.Is(err, azureblob.BlobNotFound) && w.etag == "" {
		// Blocks that wait for a commit would take memory of the service.
		_, _ = blob.Upload(w.ctx, bytes.NewReader(nil), nil)
		_, _ = blob.Delete(w.ctx, nil)
		return
	} else if err != nil {
		w.found("%s: after %v: %v", w.name, failure, err)
		return
	}
	content, err := blob.ReadAll(w.ctx, nil)
	switch there := sha256.Sum256(content); {
	case err != nil:
		w.found("%s: after %v: %v", w.name, failure, err)
	case there == sum && maybe(failure):
		w.sum = sum
		if conditional(failure) && !strings.Contains(failure.Error(), "could not be found out") {
			w.found("%s: the upload is there, and was not recognized: %v", w.name, failure)
		}
	case there == sum:
		w.found("%s: the upload is there, and the error does not allow for that: %v", w.name, failure)
	case w.etag == "" || there != w.sum:
		w.found("%s: neither the old object nor the new one is there after %v", w.name, failure)
	case !maybe(failure) && conditional(failure):
		w.found("%s: there is nobody else, and yet %v", w.name, failure)
	}
	w.etag = p.ETag
}

func (w *worker) download() ([sha256.Size]byte, int64, error) {
	blob, o := w.container.Blob(w.name), &azureblob.DownloadOptions{Validate: w.rng.IntN(3) == 0}
	if w.rng.IntN(2) == 0 {
		o.BlockSize = 64 << 10 << w.rng.IntN(6)
	}
	switch w.rng.IntN(3) {
	case 0:
		content, err := blob.ReadAll(w.ctx, o)
		return sha256.Sum256(content), int64(len(content)), err
	case 1:
		target := &file{}
		r, err := blob.Download(w.ctx, target, o)
		return sha256.Sum256(target.content), r.Size, err
	}
	r, err := blob.NewReader(w.ctx, o)
	if err != nil {
		return [sha256.Size]byte{}, 0, err
	}
	defer r.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, r)
	return [sha256.Size]byte(hash.Sum(nil)), n, err
}

// file is an io.WriterAt.
type file struct {
	mu      sync.Mutex
	content []byte
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end := off + int64(len(p)); end > int64(len(f.content)) {
		f.content = append(f.content, make([]byte, end-int64(len(f.content)))...)
	}
	return copy(f.content[off:], p), nil
}

// soak has workers make so many transfers each way through a storm. Time is virtual,
// so that pauses and stalls cost nothing, and what hangs is found. Tries is how many
// a request has, if it is to be told how improbable it is that they run out.
func soak(t *testing.T, rounds int, o azureblob.ClientOptions, tries int) *tally {
	const workers = 16
	c := &tally{failed: map[string]int{}, example: map[string]string{}, smallest: math.MaxInt64}
	s := newStorm(0.05, 1)
	began, goroutines := time.Now(), runtime.NumGoroutine()
	var memory []float64
	var usage azureblob.Usage
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		s.unleash(srv)
		o.Transport = srv.Transport()
		cred, err := azureblob.NewSharedKeyCredential(srv.Account(), blobtest.DefaultKey)
		if err != nil {
			t.Fatal(err)
		}
		service, err := azureblob.NewServiceClient(srv.Endpoint(), cred, &o)
		if err != nil {
			t.Fatal(err)
		}
		calm := srv.ServiceClient(&azureblob.ClientOptions{PerCallPolicies: []policy.Policy{cleanly{}}}).Container("soak")
		if _, err := calm.Create(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		var left sync.WaitGroup
		for i := range workers {
			w := &worker{tally: c, ctx: t.Context(), rng: rand.New(rand.NewPCG(seed, uint64(i))), container: service.Container("soak"), calm: calm, name: fmt.Sprintf("object%02d", i)}
			n := rounds / workers
			if i < rounds%workers {
				n++
			}
			left.Go(func() {
				for r := range n {
					w.round()
					if i == 0 && (r+1)%max(n/5, 1) == 0 {
						c.mu.Lock()
						memory = append(memory, heap())
						c.mu.Unlock()
					}
				}
			})
		}
		left.Wait()
		usage = service.Usage()
	})
	t.Logf("%d uploads and %d downloads of %d to %d bytes, %d MiB, in %v; seed %d", c.uploads, c.downloads, c.smallest, c.largest, c.bytes>>20, time.Since(began).Round(time.Second), seed)
	s.print(t)
	t.Logf("requests: %+v", usage)
	if tries > 0 {
		t.Log(s.odds(tries, usage.Requests))
	}
	t.Logf("memory at each fifth, in MiB: %.0f; goroutines before and after: %d, %d", memory, goroutines, runtime.NumGoroutine())
	failures := 0
	for _, why := range slices.Sorted(maps.Keys(c.failed)) {
		t.Logf("  %6d errors: %s, such as %s", c.failed[why], why, c.example[why])
		failures += c.failed[why]
	}
	t.Logf("%d errors, %d wrong results", failures, len(c.wrong))
	for _, what := range c.wrong[:min(len(c.wrong), 20)] {
		t.Error(what)
	}
	if len(memory) > 1 && memory[len(memory)-1] > 2*slices.Max(memory[:len(memory)/2])+64 {
		t.Errorf("memory grows: %.0f", memory)
	}
	return c
}

// TestTransfers has retries enough that nothing can fail.
func TestTransfers(t *testing.T) {
	const repetitions = 100
	counts := azureblob.RetryOptions{Total: repetitions, Connect: repetitions, Read: repetitions, Status: repetitions}
	c := soak(t, scale(10_000, 1_000), azureblob.ClientOptions{Retry: counts, RetryBudget: -1}, repetitions+1)
	for why, n := range c.failed {
		t.Errorf("%d transfers failed: %s", n, why)
	}
}

// TestTransfersByDefault has as many retries as clients have by default: what fails
// says why, and leaves nothing wrong behind.
func TestTransfersByDefault(t *testing.T) {
	c := soak(t, scale(10_000, 1_000), azureblob.ClientOptions{}, 0)
	if len(c.failed) == 0 {
		t.Error("nothing failed, so nothing was tested")
	}
}
