package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
)

// TestNothingIsLeftOfWhatWasOpen ends the context of readers and writers that are
// open, and leaves loops early.
func TestNothingIsLeftOfWhatWasOpen(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	content := bytes.Repeat([]byte("0123456789"), 100)
	for name, use := range map[string]func(t *testing.T, ctx context.Context, cancel func(), c *azureblob.ContainerClient) error{
		"reader": func(t *testing.T, ctx context.Context, cancel func(), c *azureblob.ContainerClient) error {
			r := must[*azureblob.Reader](t)(c.Blob("cat").NewReader(ctx, &azureblob.DownloadOptions{BlockSize: 10, Concurrency: 3}))
			defer r.Close()
			if _, err := r.Read(make([]byte, 15)); err != nil {
				t.Error(err)
			}
			cancel()
			_, err := io.Copy(io.Discard, r)
			return err
		},
		"closed reader": func(t *testing.T, ctx context.Context, cancel func(), c *azureblob.ContainerClient) error {
			r := must[*azureblob.Reader](t)(c.Blob("cat").NewReader(ctx, &azureblob.DownloadOptions{BlockSize: 10, Concurrency: 3}))
			_, _ = r.Read(make([]byte, 15))
			_ = r.Close()
			cancel()
			return ctx.Err()
		},
		"writer": func(t *testing.T, ctx context.Context, cancel func(), c *azureblob.ContainerClient) error {
			w := must[*azureblob.Writer](t)(c.Blob("new").NewWriter(ctx, &azureblob.UploadOptions{BlockSize: 10, Concurrency: 3}))
			_, _ = w.Write(content[:95])
			cancel()
			return w.Close()
		},
		"aborted writer": func(t *testing.T, ctx context.Context, cancel func(), c *azureblob.ContainerClient) error {
			w := must[*azureblob.Writer](t)(c.Blob("new").NewWriter(ctx, &azureblob.UploadOptions{BlockSize: 10, Concurrency: 3}))
			_, _ = w.Write(content[:95])
			w.Abort()
			cancel()
			return ctx.Err()
		},
		"append writer": func(t *testing.T, ctx context.Context, cancel func(), c *azureblob.ContainerClient) error {
			w := must[*appendblob.Writer](t)(appendblob.New(c.Blob("log")).NewWriter(ctx, &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}}))
			_, _ = w.Write(content)
			cancel()
			return w.Close()
		},
		"loop": func(t *testing.T, ctx context.Context, cancel func(), c *azureblob.ContainerClient) error {
			for range c.Blobs(ctx, &azureblob.ListBlobsOptions{PageSize: 1}) {
				break
			}
			for range c.BlobPages(ctx, &azureblob.ListBlobsOptions{PageSize: 1}) {
				cancel()
			}
			return ctx.Err()
		},
		"batch": func(t *testing.T, ctx context.Context, cancel func(), c *azureblob.ContainerClient) error {
			blobs := slices.Repeat([]*azureblob.BlobClient{c.Blob("a"), c.Blob("b")}, 600)
			for range c.DeleteBlobs(ctx, slices.Values(blobs), &azureblob.DeleteBlobsOptions{Concurrency: 2}) {
				break
			}
			var last error
			for _, err := range c.DeleteBlobs(ctx, slices.Values(blobs), &azureblob.DeleteBlobsOptions{Concurrency: 2}) {
				cancel()
				last = err
			}
			return last
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := blobtest.New(t)
				g := &gate{next: server.Transport(), open: map[string]int{}}
				o := azureblob.CapturingOptions()
				o.Transport = g
				key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(server.Account(), server.Key()))
				s := subject{service: must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(server.Endpoint(), key, o))}
				for _, err := range []error{
					second(s.container().Create(t.Context(), nil)),
					second(s.container().Blob("cat").Upload(t.Context(), bytes.NewReader(content), nil)),
					second(s.container().Blob("dog").Upload(t.Context(), strings.NewReader("woof"), nil)),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
				server.Inject(blobtest.Fault{Delay: 10 * time.Millisecond, Times: -1})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var ended time.Time
				err := use(t, ctx, func() { ended = time.Now(); cancel() }, s.container())
				if !errors.Is(err, context.Canceled) && ctx.Err() == nil || err == nil || time.Since(ended) > prompt {
					t.Errorf("%v, %v after the context ended", err, time.Since(ended))
				}
				nothingLeft(t, name, g, s)
			})
		})
	}
}

// TestNoConnectionIsLeft ends contexts while requests and answers are on real
// connections, and while one is being made.
func TestNoConnectionIsLeft(t *testing.T) {
	for name, fault := range map[string]blobtest.Fault{
		"request": {Delay: -1, At: blobtest.BeforeRequest, Times: -1},
		"body":    {Delay: -1, At: blobtest.DuringRequest, Times: -1},
		"answer":  {Delay: -1, At: blobtest.DuringAnswer, Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			server := blobtest.New(t)
			photos, _ := connected(t, server, &azureblob.ClientOptions{})
			service := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(server.ConnectionString(), azureblob.CapturingOptions()))
			content := make([]byte, 1<<20)
			if _, err := photos.Create(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if _, err := photos.Blob("cat").Upload(t.Context(), bytes.NewReader(content), nil); err != nil {
				t.Fatal(err)
			}
			server.Inject(fault)
			b := service.Container("photos").Blob("cat")
			for what, call := range map[string]func(ctx context.Context) error{
				"upload": func(ctx context.Context) error {
					return second(b.Upload(ctx, onlyReader{bytes.NewReader(content)}, &azureblob.UploadOptions{BlockSize: 100 << 10}))
				},
				"download": func(ctx context.Context) error {
					return second(b.ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: 100 << 10}))
				},
				"list": func(ctx context.Context) error { return drained(service.Container("photos").Blobs(ctx, nil)) },
			} {
				if name == "answer" && what == "upload" || name == "body" && what != "upload" {
					continue // nothing to get stuck in
				}
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", what, err)
				}
				cancel()
			}
			service.CloseIdleConnections()
			u := service.Usage()
			for begun := time.Now(); u.Connections > 0 && time.Since(begun) < 10*time.Second; u = service.Usage() {
				time.Sleep(time.Millisecond)
			}
			if u.Connections != 0 || u.MemoryInUse != 0 {
				t.Errorf("%d connections and %d bytes are left", u.Connections, u.MemoryInUse)
			}
		})
	}
}
