package azureblob_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
)

// behind has a container whose secondary region is an hour behind, and a client
// whose reads go there: always, or after the first failure.
func behind(t *testing.T, mode azureblob.LocationMode, test func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient)) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{SecondaryLag: time.Hour, CopyDuration: time.Minute})
		o := azureblob.CapturingOptions()
		o.LocationMode = mode
		c := newContainer(t, srv.ServiceClient(o))
		test(t, srv, c)
	})
}

// TestStateOfWritesIsThatOfThePrimary looks at what was written just now, which
// the secondary region does not know yet: it would tell of a state before that.
func TestStateOfWritesIsThatOfThePrimary(t *testing.T) {
	for name, mode := range map[string]azureblob.LocationMode{"after a failure": azureblob.PrimaryThenSecondary, "secondary only": azureblob.SecondaryOnly} {
		t.Run("copy, "+name, func(t *testing.T) {
			behind(t, mode, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient) {
				from, to := c.Blob("from"), c.Blob("to")
				for _, b := range []*azureblob.BlobClient{from, to} {
					must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("old"), nil))
				}
				time.Sleep(3 * time.Hour)
				copying := must[*azureblob.Copy](t)(to.StartCopy(t.Context(), from.URL(), nil))
				srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Status: 500})
				if r, err := copying.Wait(t.Context(), nil); err != nil || r.Status != azureblob.CopySuccess {
					t.Errorf("%+v, %v", r, err)
				}
			})
		})
		t.Run("copy in blocks, "+name, func(t *testing.T) {
			behind(t, mode, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient) {
				from := c.Blob("from")
				must[azureblob.UploadResult](t)(from.Upload(t.Context(), strings.NewReader("old"), nil))
				time.Sleep(3 * time.Hour)
				up := must[azureblob.UploadResult](t)(from.Upload(t.Context(), strings.NewReader("new"), &azureblob.UploadOptions{Tags: azureblob.Tags{"k": "v"}}))
				srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Status: 500})
				srv.Inject(blobtest.Fault{Operation: "Get Blob Tags", Status: 500})
				r, err := c.Blob("to").CopyFrom(t.Context(), from, nil)
				if err != nil || r.SourceETag != up.ETag || r.Streamed {
					t.Errorf("%+v, %v", r, err)
				}
			})
		})
		t.Run("upload, "+name, func(t *testing.T) {
			behind(t, mode, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient) {
				b := c.Blob("cat.jpg")
				must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader("old"), nil))
				time.Sleep(3 * time.Hour)
				must[azureblob.DeleteBlobResult](t)(b.Delete(t.Context(), nil))
				srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Status: 500})
				_, err := b.Upload(t.Context(), strings.NewReader("new"), &azureblob.UploadOptions{BlockSize: 1, Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny}})
				if err != nil {
					t.Errorf("there is no blob any more: %v", err)
				}
			})
		})
		t.Run("appends, "+name, func(t *testing.T) {
			behind(t, mode, func(t *testing.T, srv *blobtest.Server, c *azureblob.ContainerClient) {
				b := appendblob.New(c.Blob("log"))
				must[appendblob.CreateResult](t)(b.Create(t.Context(), nil))
				time.Sleep(3 * time.Hour)
				must[appendblob.AppendResult](t)(b.Append(t.Context(), strings.NewReader("one"), nil))
				srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Status: 500})
				w := must[*appendblob.Writer](t)(b.NewWriter(t.Context(), nil))
				_, _ = w.Write([]byte("two"))
				srv.Inject(blobtest.Fault{Operation: "Append Block", Status: 500, At: blobtest.AfterOperation})
				srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Status: 500})
				srv.Inject(blobtest.Fault{Operation: "Get Blob", Status: 500})
				if err := w.Close(); err != nil {
					t.Error(err)
				}
				primary := azureblob.PrimaryOnly
				got, err := b.ReadAll(t.Context(), &azureblob.DownloadOptions{CallOptions: azureblob.CallOptions{LocationMode: &primary}})
				if string(got) != "onetwo" || err != nil {
					t.Errorf("content %q, %v", got, err)
				}
			})
		})
	}
}
