package blobtest_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// random is n bytes that do not repeat.
func random(n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(b)
	return b
}

// ways are the ways to reach a server.
func ways(t *testing.T, test func(t *testing.T, s *azureblob.ServiceClient)) {
	t.Run("in process", func(t *testing.T) { test(t, blobtest.New(t).ServiceClient()) })
	t.Run("http", func(t *testing.T) { test(t, overSockets(t, blobtest.New(t))) })
	t.Run("https", func(t *testing.T) { test(t, overSockets(t, blobtest.New(t, &blobtest.Options{HTTPS: true}))) })
	t.Run("synctest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, blobtest.New(t).ServiceClient()) })
	})
}

func overSockets(t *testing.T, srv *blobtest.Server) *azureblob.ServiceClient {
	t.Helper()
	s, err := azureblob.NewServiceClientFromConnectionString(srv.ConnectionString(), &azureblob.ClientOptions{Transport: srv.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newContainer(t *testing.T, s *azureblob.ServiceClient) *azureblob.ContainerClient {
	t.Helper()
	c := s.Container("photos")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRoundTrip(t *testing.T) {
	ways(t, func(t *testing.T, s *azureblob.ServiceClient) {
		c, ctx := newContainer(t, s), t.Context()
		for _, size := range []int{0, 1, 40 << 10, 3 << 20, 20 << 20} {
			b, want := c.Blob("folder/cat.bin"), random(size)
			// A plain reader goes up in blocks if it is large.
			if _, err := b.Upload(ctx, struct{ *bytes.Buffer }{bytes.NewBuffer(want)}, &azureblob.UploadOptions{BlockSize: 1 << 20, Metadata: azureblob.Metadata{"Key_1": "v"}}); err != nil {
				t.Fatal(err)
			}
			got, err := b.ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: 1 << 20})
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
			}
			p, err := b.Properties(ctx, nil)
			if err != nil || p.ContentLength != int64(size) || p.Metadata["key_1"] != "v" || p.BlobType != azureblob.BlockBlob {
				t.Errorf("%+v, %v", p, err)
			}
		}
		var names []string
		for item, err := range c.Blobs(ctx, nil) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, item.Name)
		}
		if strings.Join(names, ",") != "folder/cat.bin" {
			t.Errorf("listed %v", names)
		}
		if _, err := c.Blob("no").ReadAll(ctx, nil); !errors.Is(err, azureblob.BlobNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("missing blob: %v", err)
		}
		if _, err := c.Delete(ctx, nil); err != nil {
			t.Error(err)
		}
	})
}
