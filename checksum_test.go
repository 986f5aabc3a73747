package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/internal/wire"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13 + i>>16*29)
	}
	return b
}

// TestValidate moves content with its checksums, one way and back.
func TestValidate(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
	for _, n := range []int{0, 1, 1 << 20, 9<<20 + 7, 33 << 20} {
		content := randomBytes(n)
		for name, source := range map[string]io.Reader{"at": bytes.NewReader(content), "stream": io.MultiReader(bytes.NewReader(content))} {
			b := c.Blob(fmt.Sprint(name, n))
			if _, err := b.Upload(ctx, source, &azureblob.UploadOptions{Validate: true}); err != nil {
				t.Fatalf("%s, %d: %v", name, n, err)
			}
			got, err := b.ReadAll(ctx, &azureblob.DownloadOptions{Validate: true})
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s: %d of %d bytes, %v", name, len(got), n, err)
			}
		}
	}
	seen := map[string]int{}
	for _, r := range srv.Requests() {
		if r.Header.Get("x-ms-structured-body") != "" || r.Header.Get("x-ms-content-crc64") != "" {
			seen[r.Operation]++
		} else if r.Operation == "Get Blob" || r.Operation == "Put Blob" || r.Operation == "Put Block" {
			t.Errorf("%s went without a checksum", r.Operation)
		}
	}
	if seen["Get Blob"] == 0 || seen["Put Blob"] == 0 || seen["Put Block"] == 0 || seen["Put Block List"] == 0 {
		t.Errorf("seen %v", seen)
	}
	r, err := c.Blob("at9437191").NewReader(ctx, &azureblob.DownloadOptions{Validate: true, Range: azureblob.Range{Offset: 5, Count: 5 << 20}, BlockSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, randomBytes(9<<20 + 7)[5:5+5<<20]) {
		t.Errorf("%d bytes of a range, %v", len(got), err)
	}
}

// TestValidateFindsDamage flips bits on the way. Without checksums nobody notices.
func TestValidateFindsDamage(t *testing.T) {
	srv := blobtest.New(t)
	s := srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})
	c, ctx := newContainer(t, s), t.Context()
	content := randomBytes(3 << 20)
	for _, block := range []int64{1 << 20, 8 << 20} {
		name := fmt.Sprint("damaged", block) // the fault is not for what the upload before has left
		srv.Inject(blobtest.Fault{Blob: name, At: blobtest.DuringRequest, FlipBit: true})
		_, err := c.Blob(name).Upload(ctx, bytes.NewReader(content), &azureblob.UploadOptions{Validate: true, BlockSize: block})
		if !errors.Is(err, azureblob.CRC64Mismatch) {
			t.Errorf("upload in blocks of %d: %v", block, err)
		}
		if ok, _ := c.Blob(name).Exists(ctx, nil); ok {
			t.Error("damaged content made a blob")
		}
	}
	b := c.Blob("good")
	if _, err := b.Upload(ctx, bytes.NewReader(content), nil); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{1, 5, 20, 1 << 20, 3 << 20, 3<<20 + 25, 3<<20 + 38} {
		srv.Inject(blobtest.Fault{Operation: "Get Blob", FlipBit: true, Offset: offset})
		if _, err := b.ReadAll(ctx, &azureblob.DownloadOptions{Validate: true}); err == nil {
			t.Errorf("a bit at %d was flipped, and nothing was found", offset)
		}
	}
	srv.Inject(blobtest.Fault{Operation: "Get Blob", FlipBit: true, Offset: 1 << 20})
	if got, err := b.ReadAll(ctx, nil); err != nil || bytes.Equal(got, content) {
		t.Errorf("without checksums: %v", err)
	}
	// What breaks off is taken up again, and checked.
	srv.Inject(blobtest.Fault{Operation: "Get Blob", Truncate: true, Offset: 1<<20 + 3})
	again := azureblob.CallOptions{Retry: &azureblob.RetryOptions{Delay: time.Millisecond}}
	if got, err := b.ReadAll(ctx, &azureblob.DownloadOptions{CallOptions: again, Validate: true}); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestValidateHealsDamage flips bits on the way, and breaks connections after that:
// nothing of what is damaged is given out, and it is asked for or sent again.
func TestValidateHealsDamage(t *testing.T) {
	srv := blobtest.New(t)
	s := srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Delay: time.Millisecond}})
	c, ctx := newContainer(t, s), t.Context()
	content := randomBytes(9<<20 + 7)
	for _, block := range []int64{1 << 20, 16 << 20} {
		hit := srv.Inject(blobtest.Fault{Blob: "b", At: blobtest.DuringRequest, FlipBit: true})
		if _, err := c.Blob("b").Upload(ctx, bytes.NewReader(content), &azureblob.UploadOptions{Validate: true, BlockSize: block}); err != nil || hit.Fired() != 1 {
			t.Errorf("upload in blocks of %d: %v, after %d faults", block, err, hit.Fired())
		}
	}
	o := &azureblob.DownloadOptions{Validate: true, BlockSize: 16 << 20}
	ways := map[string]func() ([]byte, error){
		"ReadAll": func() ([]byte, error) { return c.Blob("b").ReadAll(ctx, o) },
		"Reader": func() ([]byte, error) {
			r, err := c.Blob("b").NewReader(ctx, o)
			if err != nil {
				return nil, err
			}
			defer r.Close()
			return io.ReadAll(r)
		},
	}
	for name, read := range ways {
		for _, at := range []int64{1, 14, 1 << 20, 4<<20 + 13 + 10 + 3, 4<<20 + 13 + 10 + 8 + 2, 8 << 20, 9<<20 + 7 + 13 + 3*18, 9<<20 + 7 + 13 + 3*18 + 7} {
			flipped := srv.Inject(blobtest.Fault{Operation: "Get Blob", FlipBit: true, Offset: at})
			if got, err := read(); err != nil || !bytes.Equal(got, content) || flipped.Fired() != 1 {
				t.Errorf("%s: a bit at %d was flipped: %d bytes, %v", name, at, len(got), err)
			}
			// The connection breaks before the checksum comes that would tell.
			srv.Inject(blobtest.Fault{Operation: "Get Blob", Truncate: true, Offset: at + 5})
			srv.Inject(blobtest.Fault{Operation: "Get Blob", FlipBit: true, Offset: at})
			if got, err := read(); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s: a bit at %d was flipped, and then the connection broke: %d bytes, %v", name, at, len(got), err)
			}
		}
	}
	if used := s.Usage().MemoryInUse; used != 0 {
		t.Errorf("%d bytes of memory are still held", used)
	}
}

// TestValidateOnEmulator asks a service that does not know structured messages.
func TestValidateOnEmulator(t *testing.T) {
	c, ctx := newContainer(t, emulated(t)), t.Context()
	content := randomBytes(3 << 20)
	b := c.Blob("x")
	if _, err := b.Upload(ctx, bytes.NewReader(content), &azureblob.UploadOptions{Validate: true}); err != nil {
		t.Errorf("in one request: %v", err)
	}
	if got, err := b.ReadAll(ctx, nil); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := b.Upload(ctx, strings.NewReader("some other content"), &azureblob.UploadOptions{Validate: true, BlockSize: 4}); !errors.Is(err, wire.ErrNoMessage) {
		t.Errorf("in blocks: %v", err)
	}
	if got, err := b.ReadAll(ctx, nil); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the blob was changed: %d bytes, %v", len(got), err)
	}
	if _, err := b.ReadAll(ctx, &azureblob.DownloadOptions{Validate: true}); !errors.Is(err, wire.ErrNoMessage) {
		t.Errorf("download: %v", err)
	}
}

func TestChecksumOfOneRequest(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})), t.Context()
	b := blockblob.New(c.Blob("x"))
	if _, err := b.Put(ctx, strings.NewReader("hello"), &blockblob.PutOptions{Checksum: azureblob.Checksum{Message: true}}); err != nil {
		t.Error(err)
	}
	if got, err := b.ReadAll(ctx, nil); string(got) != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	srv.Inject(blobtest.Fault{Operation: "Put Blob", At: blobtest.DuringRequest, FlipBit: true, Offset: 26})
	if _, err := b.Put(ctx, strings.NewReader("hello"), &blockblob.PutOptions{Checksum: azureblob.Checksum{Message: true}}); !errors.Is(err, azureblob.CRC64Mismatch) {
		t.Error(err)
	}
}

func ExampleDownloadOptions_validate() {
	srv := blobtest.NewServer(nil)
	defer srv.Close()
	ctx, photos := context.Background(), srv.ServiceClient().Container("photos")
	if _, err := photos.Create(ctx, nil); err != nil {
		fmt.Println(err)
	}
	cat := photos.Blob("cat.jpg")
	_, err := cat.Upload(ctx, strings.NewReader("a cat"), &azureblob.UploadOptions{Validate: true})
	fmt.Println(err)

	srv.Inject(blobtest.Fault{Operation: "Get Blob", FlipBit: true, Offset: 24}) // a bad cable
	content, err := cat.ReadAll(ctx, &azureblob.DownloadOptions{Validate: true})
	fmt.Printf("%s, %v\n", content, err) // asked for again
	// Output:
	// <nil>
	// a cat, <nil>
}

// slowFile takes a while for what is written, and looks at something before and after.
type slowFile struct {
	look func() int64

	mu      sync.Mutex
	content []byte
	most    int64
}

func (f *slowFile) WriteAt(p []byte, off int64) (int, error) {
	f.see()
	time.Sleep(time.Second)
	f.see()
	f.mu.Lock()
	defer f.mu.Unlock()
	return copy(f.content[off:], p), nil
}

func (f *slowFile) see() {
	n := f.look()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.most = max(f.most, n)
}

// TestValidateStaysInTheBudget: segments that wait for their checksums are held in the
// memory budget of the client, of which each transfer has its first one in any case.
// Readers that hold segments, and uploads that read from them, do not wait for each
// other for ever.
func TestValidateStaysInTheBudget(t *testing.T) {
	const block, limit = 1 << 20, 2 << 20
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		s := srv.ServiceClient(&azureblob.ClientOptions{MemoryBudget: limit, Concurrency: 32})
		c, ctx := newContainer(t, s), t.Context()
		content := randomBytes(16*block + 7)
		must[azureblob.UploadResult](t)(c.Blob("b").Upload(ctx, bytes.NewReader(content), nil))
		// Bodies come slowly, and so does what is written, so that all that may be held is.
		srv.Inject(blobtest.Fault{Operation: "Get Blob", Bandwidth: 1 << 20, Times: -1})
		o := &azureblob.DownloadOptions{Validate: true, BlockSize: block}
		target := &slowFile{content: make([]byte, len(content)), look: func() int64 { return s.Usage().MemoryInUse }}
		if _, err := c.Blob("b").Download(ctx, target, o); err != nil || !bytes.Equal(target.content, content) {
			t.Fatal(err)
		}
		// One segment and one piece of a file are beyond the limit at the most.
		if target.most > limit+block+256<<10 || target.most < block {
			t.Errorf("%d bytes of memory were held, and %d may be", target.most, limit)
		}
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				r, err := c.Blob("b").NewReader(ctx, o)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				to := c.Blob(fmt.Sprint("copy", i))
				if _, err := to.Upload(ctx, r, &azureblob.UploadOptions{BlockSize: block, Validate: true}); err != nil {
					t.Error(err)
				} else if got, err := to.ReadAll(ctx, o); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
		all.Wait()
		if used := s.Usage().MemoryInUse; used != 0 {
			t.Errorf("%d bytes of memory are still held", used)
		}
	})
}

// TestReadAtBesideASegment: what reads beside a Reader does not wait for the memory of
// a segment that nobody reads on.
func TestReadAtBesideASegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		c, ctx := newContainer(t, srv.ServiceClient(&azureblob.ClientOptions{MemoryBudget: 1 << 20})), t.Context()
		content := randomBytes(3<<20 + 7)
		must[azureblob.UploadResult](t)(c.Blob("b").Upload(ctx, bytes.NewReader(content), nil))
		r := must[*azureblob.Reader](t)(c.Blob("b").NewReader(ctx, &azureblob.DownloadOptions{Validate: true, BlockSize: 1 << 20}))
		defer r.Close()
		if _, err := io.ReadFull(r, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{100, 2<<20 + 5} {
			got := make([]byte, n)
			if _, err := r.ReadAt(got, 1000); err != nil || !bytes.Equal(got, content[1000:1000+n]) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	})
}

// TestSegmentsBeforeABreak: what has had its checksum is given out, although the
// connection breaks just after it.
func TestSegmentsBeforeABreak(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Delay: time.Millisecond}})), t.Context()
	content := randomBytes(12<<20 + 7)
	must[azureblob.UploadResult](t)(c.Blob("b").Upload(ctx, bytes.NewReader(content), nil))
	// 13 bytes of head, 10 before and 8 after each segment.
	srv.Inject(blobtest.Fault{Operation: "Get Blob", Truncate: true, Offset: 13 + 10 + 4<<20 + 8, Times: -1})
	got, err := c.Blob("b").ReadAll(ctx, &azureblob.DownloadOptions{Validate: true, BlockSize: 16 << 20})
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	srv.ClearFaults()
	srv.Inject(blobtest.Fault{Operation: "Get Blob", FlipBit: true, Offset: 100, Times: -1})
	if _, err := c.Blob("b").ReadAll(ctx, &azureblob.DownloadOptions{Validate: true}); !errors.Is(err, azureblob.ErrDamaged) {
		t.Error(err)
	}
}

// TestOwnChecksums: what does not have a checksum of the caller's is refused, and not
// sent again; what was damaged on the way is, also by a Writer of an append blob.
func TestOwnChecksums(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Delay: time.Millisecond}})), t.Context()
	log := appendblob.New(c.Blob("log"))
	must[appendblob.CreateResult](t)(log.Create(ctx, nil))
	before := c.Usage().Requests
	for code, sum := range map[azureblob.ErrorCode]azureblob.Checksum{azureblob.MD5Mismatch: {MD5: make([]byte, 16)}, azureblob.CRC64Mismatch: {CRC64: make([]byte, 8)}} {
		if _, err := log.Append(ctx, strings.NewReader("x"), &appendblob.AppendOptions{Checksum: sum}); !errors.Is(err, code) || maybeApplied(err) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if n := c.Usage().Requests - before; n != 2 {
		t.Errorf("%d requests", n)
	}
	w := must[*appendblob.Writer](t)(log.NewWriter(ctx, nil))
	flipped := srv.Inject(blobtest.Fault{Operation: "Append Block", FlipBit: true, At: blobtest.DuringRequest, Times: 2})
	_, _ = io.WriteString(w, "a record")
	if err := w.Close(); err != nil || flipped.Fired() != 2 {
		t.Errorf("%v after %d faults", err, flipped.Fired())
	}
	if content := must[[]byte](t)(log.ReadAll(ctx, nil)); string(content) != "a record" {
		t.Errorf("%q", content)
	}
}
