package pageblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/pageblob"
)

// image is a disk of size bytes, most of them zero.
func image(size int64, seed uint64) []byte {
	all := make([]byte, size)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 12 {
		at := r.Int64N(size)
		n := min(r.Int64N(200<<10)+1, size-at)
		for i := range all[at : at+n] {
			all[at+int64(i)] = byte(r.Uint32())
		}
	}
	return all
}

func TestSparse(t *testing.T) {
	onServices(t, func(t *testing.T, c *azureblob.ContainerClient, isAzurite bool) {
		ctx := t.Context()
		for i, size := range []int64{0, 512, 64 << 10, 4 << 20, 4<<20 + 512, 33 << 20} {
			disk := image(max(size, 1), uint64(i))[:size]
			for _, stream := range []bool{false, true} {
				b := pageblob.New(c.Blob(fmt.Sprintf("%d-%v", size, stream)))
				var source io.Reader = bytes.NewReader(disk)
				o := &pageblob.UploadOptions{Concurrency: 4}
				if stream {
					if size == 0 {
						continue
					}
					source, o.Size = io.MultiReader(source), size
				}
				var done int64
				o.Progress = func(n int64) { done = n }
				up, err := b.Upload(ctx, source, o)
				if err != nil || up.Size != size || done != size {
					t.Fatalf("%d, stream %v: %+v, %v, progress %d", size, stream, up, err, done)
				}
				if size > 1<<20 && up.Sent > size/2 {
					t.Errorf("%d of %d bytes were sent", up.Sent, size)
				}
				if !bytes.Equal(content(t, b.BlobClient), disk) {
					t.Errorf("%d, stream %v: the content differs", size, stream)
				}
				path := filepath.Join(t.TempDir(), "disk")
				if err := os.WriteFile(path, bytes.Repeat([]byte{9}, int(size)+100), 0o600); err != nil {
					t.Fatal(err)
				}
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				down, err := b.DownloadSparse(ctx, f, nil)
				if err != nil || down.ContentLength != size || down.Received < up.Sent || size > 1<<20 && down.Received > size/2 {
					t.Errorf("%d: received %d of %d sent, %v", size, down.Received, up.Sent, err)
				}
				f.Close()
				if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, disk) {
					t.Errorf("%d, stream %v: the file differs, %v", size, stream, err)
				}
			}
		}
	})
}

// TestUploadSize gives sources that are longer or shorter than was said.
func TestUploadSize(t *testing.T) {
	c := blobtest.New(t).ServiceClient().Container("disks")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, have := range []int64{0, 100, 512, 1 << 20, 9<<20 - 512, 9<<20 + 512, 9<<20 + 1, 20 << 20} {
		source := io.LimitReader(rand.NewChaCha8([32]byte{}), have)
		_, err := pageblob.New(c.Blob("x")).Upload(t.Context(), source, &pageblob.UploadOptions{Size: 9 << 20})
		if err == nil {
			t.Errorf("%d bytes were taken for 9 MiB", have)
		}
		if have < 9<<20 != errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: %v", have, err)
		}
	}
}

// TestUploadFailsFast has the service refuse pages, and counts what is sent after.
func TestUploadFailsFast(t *testing.T) {
	srv := blobtest.New(t)
	c := srv.ServiceClient().Container("disks")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	srv.Inject(blobtest.Fault{Operation: "Put Page", Nth: 3, Status: 403, Code: "AuthorizationFailure", Times: -1})
	_, err := pageblob.New(c.Blob("x")).Upload(t.Context(), bytes.NewReader(bytes.Repeat([]byte{1}, 64<<20)), &pageblob.UploadOptions{Concurrency: 4})
	if !errors.Is(err, azureblob.AuthorizationFailure) {
		t.Fatal(err)
	}
	n := 0
	for _, r := range srv.Requests() {
		if r.Operation == "Put Page" {
			n++
		}
	}
	if n > 2+1+2*4 {
		t.Errorf("%d requests for pages, though the third failed", n)
	}
}

// TestLeaseOnEveryLeg uploads over a leased blob: every request needs the lease.
func TestLeaseOnEveryLeg(t *testing.T) {
	srv := blobtest.New(t)
	c := srv.ServiceClient().Container("disks")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	const id = "11111111-2222-3333-4444-555555555555"
	o := &pageblob.UploadOptions{}
	o.Conditions.LeaseID = id
	b := pageblob.New(c.Blob("x"))
	_, _ = b.Upload(t.Context(), bytes.NewReader(image(9<<20, 1)), o) // there is no lease
	srv.Inject(blobtest.Fault{Operation: "Put Blob", Status: 201, Header: map[string]string{"ETag": `"1"`}})
	_, _ = b.Upload(t.Context(), bytes.NewReader(image(9<<20, 1)), o)
	seen := map[string]bool{}
	for _, r := range srv.Requests()[1:] {
		seen[r.Operation] = true
		if r.Header.Get("x-ms-lease-id") != id {
			t.Errorf("%s went without the lease", r.Operation)
		}
	}
	if !seen["Put Page"] || !seen["Put Blob"] {
		t.Errorf("seen %v", seen)
	}
}

// TestSparseModified changes the blob while it is downloaded.
func TestSparseModified(t *testing.T) {
	srv := blobtest.New(t)
	c := srv.ServiceClient().Container("disks")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	b := pageblob.New(c.Blob("x"))
	if _, err := b.Upload(t.Context(), bytes.NewReader(image(20<<20, 3)), nil); err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"Get Page Ranges", "Get Blob"} {
		changed := false
		o := &pageblob.DownloadSparseOptions{Concurrency: 2}
		o.OnResponse = nil
		target := writerAt(func() {
			if !changed && operation == "Get Blob" {
				changed = true
				if _, err := b.Write(t.Context(), 0, bytes.NewReader(pages(1, 5)), nil); err != nil {
					t.Error(err)
				}
			}
		})
		if operation == "Get Page Ranges" {
			srv.Inject(blobtest.Fault{Operation: operation, Status: 412, Code: "ConditionNotMet"})
		}
		_, err := b.DownloadSparse(t.Context(), target, o)
		if !errors.Is(err, azureblob.ErrBlobModified) {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

type writerAt func()

func (f writerAt) WriteAt(p []byte, _ int64) (int, error) {
	f()
	return len(p), nil
}

func TestSparseCancelled(t *testing.T) {
	srv := blobtest.New(t)
	c := srv.ServiceClient().Container("disks")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	b := pageblob.New(c.Blob("x"))
	if _, err := b.Upload(t.Context(), bytes.NewReader(image(20<<20, 3)), nil); err != nil {
		t.Fatal(err)
	}
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	if _, err := b.DownloadSparse(ctx, writerAt(func() { cancel(why) }), nil); !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Error(err)
	}
	// All is there before the context ends.
	ctx, stop := context.WithCancel(t.Context())
	last := func(done int64) {
		if done == sparse(t, b) {
			stop()
		}
	}
	if r, err := b.DownloadSparse(ctx, writerAt(func() {}), &pageblob.DownloadSparseOptions{Progress: last}); err != nil || ctx.Err() == nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// sparse is how many bytes of a blob are downloaded.
func sparse(t *testing.T, b *pageblob.Client) int64 {
	r, err := b.DownloadSparse(t.Context(), writerAt(func() {}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.Received
}

// TestSparseOfOthers has blobs of other types, empty ones too, and a file that is
// left as it was.
func TestSparseOfOthers(t *testing.T) {
	c := blobtest.New(t).ServiceClient().Container("disks")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "disk")
	for _, text := range []string{"", "text"} {
		b := c.Blob("x")
		if _, err := b.Upload(t.Context(), strings.NewReader(text), nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = pageblob.New(b).DownloadSparse(t.Context(), f, nil)
		f.Close()
		if got, _ := os.ReadFile(path); !errors.Is(err, azureblob.InvalidBlobType) || string(got) != "mine" {
			t.Errorf("%q: %v, and the file has %q", text, err, got)
		}
	}
}

// TestSlowProgress has callbacks that take their time in a bubble, where nobody
// may wait for them at a mutex.
func TestSlowProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := blobtest.New(t).ServiceClient().Container("disks")
		if _, err := c.Create(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		b := pageblob.New(c.Blob("x"))
		slow := func(int64) { time.Sleep(time.Second) }
		if _, err := b.Upload(t.Context(), bytes.NewReader(image(9<<20, 3)), &pageblob.UploadOptions{Progress: slow}); err != nil {
			t.Error(err)
		}
		if _, err := b.DownloadSparse(t.Context(), writerAt(func() {}), &pageblob.DownloadSparseOptions{Progress: slow}); err != nil {
			t.Error(err)
		}
	})
}

// TestReadsOnce has a disk of small pieces, and counts what is read of it: once to
// find them, and once to send them.
func TestReadsOnce(t *testing.T) {
	c := blobtest.New(t).ServiceClient().Container("disks")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	disk := make([]byte, 4<<20)
	for at := 0; at < len(disk); at += 64 << 10 {
		disk[at] = 1
	}
	source := &countingSource{Reader: bytes.NewReader(disk)}
	if r, err := pageblob.New(c.Blob("x")).Upload(t.Context(), source, nil); err != nil || r.Sent != 64*512 {
		t.Errorf("%+v, %v", r, err)
	}
	if n := source.n.Load(); n != int64(len(disk))+64*512 {
		t.Errorf("%d bytes were read of a disk of %d", n, len(disk))
	}
}

type countingSource struct {
	*bytes.Reader
	n atomic.Int64
}

func (c *countingSource) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

func ExampleClient_Upload() {
	srv := blobtest.NewServer(nil)
	defer srv.Close()
	ctx, disks := context.Background(), srv.ServiceClient().Container("disks")
	if _, err := disks.Create(ctx, nil); err != nil {
		fmt.Println(err)
	}
	disk := make([]byte, 64<<20) // 64 MiB, nearly all of them zero
	copy(disk[10<<20:], "boot")

	blob := pageblob.New(disks.Blob("disk.vhd"))
	r, err := blob.Upload(ctx, bytes.NewReader(disk), nil)
	fmt.Println(r.Sent, "of", r.Size, "bytes sent", err)
	for pages, err := range blob.Ranges(ctx, nil) {
		fmt.Println(pages.Start, pages.End, err)
	}
	// Output:
	// 512 of 67108864 bytes sent <nil>
	// 10485760 10486271 <nil>
}
