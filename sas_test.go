package azureblob_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/sas"
)

// place is a service to sign for.
type place struct {
	*azureblob.ServiceClient // with the key of the account
	transport                policy.Transporter
	azurite                  bool
	server                   *blobtest.Server // nil if azurite
}

func (p place) options() *azureblob.ClientOptions {
	o := azureblob.CapturingOptions()
	o.Transport = p.transport
	return o
}

// blob is a client of a signed URL.
func (p place) blob(t *testing.T, signed string) *azureblob.BlobClient {
	t.Helper()
	return must[*azureblob.BlobClient](t)(azureblob.NewBlobClient(signed, nil, p.options()))
}

func (p place) container(t *testing.T, signed string) *azureblob.ContainerClient {
	t.Helper()
	return must[*azureblob.ContainerClient](t)(azureblob.NewContainerClient(signed, nil, p.options()))
}

// onPlaces runs a test on blobtest with the account in the host and in the path,
// and on the emulator.
func onPlaces(t *testing.T, test func(t *testing.T, p place)) {
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(blobtest.DefaultAccount, blobtest.DefaultKey))
	for style, endpoint := range map[string]string{"host": "", "path": "https://127.0.0.1/" + blobtest.DefaultAccount} {
		t.Run("blobtest by "+style, func(t *testing.T) {
			srv := blobtest.New(t, &blobtest.Options{Versioning: true})
			p := place{transport: srv.Transport(), server: srv}
			if endpoint == "" {
				endpoint = srv.Endpoint()
			}
			p.ServiceClient = must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(endpoint, key, p.options()))
			test(t, p)
		})
	}
	t.Run("azurite", func(t *testing.T) {
		test(t, place{ServiceClient: emulated(t), azurite: true})
	})
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }

func TestSASURLOfBlob(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		c, ctx := newContainer(t, p.ServiceClient), t.Context()
		b := c.Blob("a + b/ü?.txt")
		must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("meow"), nil))
		signed := must[string](t)(b.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: inAnHour()}))
		if got, err := p.blob(t, signed).ReadAll(ctx, nil); err != nil || string(got) != "meow" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := p.blob(t, signed).Delete(ctx, nil); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("deletion with a signature to read: %v", err)
		}
		signed = must[string](t)(c.SASURL(sas.Container{Permissions: sas.ContainerPermissions{List: true, Write: true}, Expiry: inAnHour()}))
		names := 0
		for _, err := range p.container(t, signed).Blobs(ctx, nil) {
			if err != nil {
				t.Fatal(err)
			}
			names++
		}
		if names != 1 {
			t.Errorf("%d blobs", names)
		}
		signed = must[string](t)(p.SASURL(sas.Account{Permissions: sas.AccountPermissions{List: true}, Resources: sas.ResourceTypes{Service: true}, Expiry: inAnHour()}))
		s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(signed, nil, p.options()))
		for _, err := range s.Containers(ctx, nil) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
