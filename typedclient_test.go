package azureblob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/pageblob"
)

// TestTypedClientsKeepTheType has clients of append and page blobs do what would put
// a block blob into the place of the blob: it is refused before anything is sent.
func TestTypedClientsKeepTheType(t *testing.T) {
	srv, ctx := blobtest.New(t), t.Context()
	c := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
	source := several(t, c, "source")[0]
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	log, disk := appendblob.New(c.Blob("log")), pageblob.New(c.Blob("disk"))
	must[appendblob.CreateResult](t)(log.Create(ctx, nil))
	must[pageblob.CreateResult](t)(disk.Create(ctx, 512, nil))
	before := len(srv.Requests())
	for name, b := range map[string]*azureblob.BlobClient{"append blob": log.BlobClient, "page blob": disk.BlobClient, "its copy": disk.WithEncryptionScope("").WithSnapshot("")} {
		_, upload := b.Upload(ctx, strings.NewReader("x"), nil)
		_, file := b.UploadFile(ctx, path, nil)
		_, writer := b.NewWriter(ctx, nil)
		_, from := b.CopyFrom(ctx, source, nil)
		_, fromURL := b.CopyFromURL(ctx, someSource, nil)
		for call, err := range map[string]error{"Upload": upload, "UploadFile": file, "NewWriter": writer, "CopyFrom": from, "CopyFromURL": fromURL} {
			if !errors.Is(err, azureblob.InvalidBlobType) || !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s of %s: %v", call, name, err)
			}
		}
	}
	_, appended := appendblob.New(disk.BlobClient).Append(ctx, strings.NewReader("x"), nil)
	if !errors.Is(appended, azureblob.InvalidBlobType) || errors.Is(appended, fs.ErrInvalid) {
		t.Errorf("a client of another type is that of the type: %v", appended)
	}
	if sent := srv.Requests()[before:]; len(sent) != 1 {
		t.Errorf("sent %+v", sent)
	}
	// What all types have goes on, and so does what says that it wants another one.
	if p, err := disk.Properties(ctx, nil); err != nil || p.BlobType != azureblob.PageBlob {
		t.Errorf("%+v, %v", p, err)
	}
	must[blockblob.PutResult](t)(blockblob.New(disk.BlobClient).Put(ctx, strings.NewReader("x"), nil))
	must[azureblob.UploadResult](t)(c.Blob("log").Upload(ctx, strings.NewReader("x"), nil))
}
