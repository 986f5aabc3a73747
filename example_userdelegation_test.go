package azureblob_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/sas"
)

// identity stands for a credential of the azidentity module.
type identity struct{}

func (identity) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token of the example", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// Hand out links to a blob without the key of the account: they are signed by a
// key that the caller's identity gets for it, and which is kept for a day.
func ExampleServiceClient_NewDelegationKeyCache() {
	server := blobtest.NewServer(nil) // in the place of an account
	defer server.Close()
	ctx, options := context.Background(), &azureblob.ClientOptions{Transport: server.Transport()}
	service, err := azureblob.NewServiceClient(server.Endpoint(), azureblob.TokenCredential(identity{}), options)
	if err != nil {
		log.Fatal(err)
	}
	keys := service.NewDelegationKeyCache(nil) // once, for all of the program

	photos := service.Container("photos")
	if _, err := photos.Create(ctx, nil); err != nil {
		log.Fatal(err)
	}
	cat := photos.Blob("cat.jpg")
	if _, err := cat.Upload(ctx, strings.NewReader("meow"), nil); err != nil {
		log.Fatal(err)
	}

	until := time.Now().Add(time.Hour)
	key, err := keys.Key(ctx, until)
	if err != nil {
		log.Fatal(err)
	}
	link, err := cat.SASURL(sas.Blob{Key: key, Permissions: sas.BlobPermissions{Read: true}, Expiry: until})
	if err != nil {
		log.Fatal(err)
	}

	// Whoever has the link can read the blob, and needs nothing else.
	signed, err := azureblob.NewBlobClient(link, nil, options)
	if err != nil {
		log.Fatal(err)
	}
	content, err := signed.ReadAll(ctx, nil)
	fmt.Println(string(content), err)
	// Output:
	// meow <nil>
}
