package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/sas"
)

// Hand out a link that can be taken back: it names a stored access policy of the
// container, and ends with it.
func ExampleContainerClient_SetAccessPolicy() {
	server := blobtest.NewServer(nil) // in the place of an account
	defer server.Close()
	ctx := context.Background()
	photos := server.ServiceClient().Container("photos")
	if _, err := photos.Create(ctx, nil); err != nil {
		log.Fatal(err)
	}
	cat := photos.Blob("cat.jpg")
	if _, err := cat.Upload(ctx, strings.NewReader("meow"), nil); err != nil {
		log.Fatal(err)
	}

	friends := azureblob.SignedIdentifier{
		ID:          "friends",
		Expiry:      time.Now().Add(30 * 24 * time.Hour),
		Permissions: sas.ContainerPermissions{Read: true}.String(),
	}
	policy := azureblob.AccessPolicy{Identifiers: []azureblob.SignedIdentifier{friends}}
	if _, err := photos.SetAccessPolicy(ctx, policy, nil); err != nil {
		log.Fatal(err)
	}
	link, err := cat.SASURL(sas.Blob{Policy: "friends"})
	if err != nil {
		log.Fatal(err)
	}

	signed, err := azureblob.NewBlobClient(link, nil, &azureblob.ClientOptions{Transport: server.Transport()})
	if err != nil {
		log.Fatal(err)
	}
	content, err := signed.ReadAll(ctx, nil)
	fmt.Println(string(content), err)

	// Nobody is a friend any more.
	if _, err := photos.SetAccessPolicy(ctx, azureblob.AccessPolicy{}, nil); err != nil {
		log.Fatal(err)
	}
	_, err = signed.ReadAll(ctx, nil)
	fmt.Println(errors.Is(err, fs.ErrPermission))
	// Output:
	// meow <nil>
	// true
}
