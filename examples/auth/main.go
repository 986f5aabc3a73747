// Auth shows the ways to say who is calling: with a connection string, the key of
// the account, shared access signatures, Azure AD, and as nobody at all.
//
//	go run ./examples/auth
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/sas"
)

// Tokens are sent over https alone, so the service in this process speaks it.
func main() { connect.Main(&blobtest.Options{HTTPS: true}, run) }

// run makes a blob, and has it read by a client of each kind. The options of the
// account are nil, unless the service is in this process.
func run(ctx context.Context, account *connect.Account, _ []string, out io.Writer) (err error) {
	service, err := azureblob.NewServiceClientFromConnectionString(account.ConnectionString, account.Options)
	if err != nil {
		return err
	}
	container, remove, err := connect.Container(ctx, service, "auth")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	cat := container.Blob("cat.txt")
	if _, err = cat.Upload(ctx, strings.NewReader("meow"), nil); err != nil {
		return err
	}
	for _, way := range []struct {
		name   string
		client func(context.Context, *connect.Account, *azureblob.BlobClient) (*azureblob.BlobClient, error)
	}{
		{"connection string", connectionString},
		{"shared key", sharedKey},
		{"SAS of the blob", blobSAS},
		{"SAS of the container", containerSAS},
		{"Azure AD", azureAD},
		{"user delegation SAS", userDelegationSAS},
		{"anonymous", anonymous},
	} {
		var content []byte
		client, err := way.client(ctx, account, cat)
		if err == nil {
			content, err = client.ReadAll(ctx, nil)
		}
		switch refused, ok := errors.AsType[*azureblob.Error](err); {
		case ok:
			fmt.Fprintf(out, "%-20s  is refused: %d %s\n", way.name, refused.StatusCode, refused.Code)
		case err != nil:
			return err
		default:
			fmt.Fprintf(out, "%-20s  reads %q\n", way.name, content)
		}
	}
	return nil
}

// connectionString is all in one, as the portal shows it.
func connectionString(_ context.Context, account *connect.Account, cat *azureblob.BlobClient) (*azureblob.BlobClient, error) {
	return azureblob.NewBlobClientFromConnectionString(account.ConnectionString, cat.ContainerName(), cat.Name(), account.Options)
}

// sharedKey is the name of the account and one of its two keys.
func sharedKey(_ context.Context, account *connect.Account, cat *azureblob.BlobClient) (*azureblob.BlobClient, error) {
	key, err := azureblob.NewSharedKeyCredential(account.Field("AccountName"), account.Field("AccountKey"))
	if err != nil {
		return nil, err
	}
	return azureblob.NewBlobClient(cat.URL(), key, account.Options)
}

// blobSAS is a link, which whoever has it can open.
func blobSAS(_ context.Context, account *connect.Account, cat *azureblob.BlobClient) (*azureblob.BlobClient, error) {
	link, err := cat.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: time.Now().Add(time.Hour)})
	if err != nil {
		return nil, err
	}
	return azureblob.NewBlobClient(link, nil, account.Options)
}

// containerSAS is a signature apart from a URL, for all blobs of the container.
func containerSAS(_ context.Context, account *connect.Account, cat *azureblob.BlobClient) (*azureblob.BlobClient, error) {
	key, err := azureblob.NewSharedKeyCredential(account.Field("AccountName"), account.Field("AccountKey"))
	if err != nil {
		return nil, err
	}
	permissions := sas.ContainerPermissions{Read: true, List: true}
	token, err := sas.Container{Key: key, Permissions: permissions, Expiry: time.Now().Add(time.Hour)}.Sign(cat.ContainerName())
	if err != nil {
		return nil, err
	}
	return azureblob.NewBlobClient(cat.URL(), azureblob.SASCredential(token), account.Options)
}

// token is a credential of Azure AD (Entra ID) whose token somebody else has got:
//
//	az account get-access-token --resource https://storage.azure.com --query accessToken -o tsv
//
// Programs take azidentity.NewDefaultAzureCredential(nil) in its place, of the
// module github.com/Azure/azure-sdk-for-go/sdk/azidentity.
type token string

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// azureAD is a user or a service that has a role on the account, such as Storage
// Blob Data Reader.
func azureAD(_ context.Context, account *connect.Account, cat *azureblob.BlobClient) (*azureblob.BlobClient, error) {
	id := azureblob.TokenCredential(token(account.Token))
	return azureblob.NewBlobClient(cat.URL(), id, account.Options)
}

// userDelegationSAS is a link signed by such a user, without the account's key.
func userDelegationSAS(ctx context.Context, account *connect.Account, cat *azureblob.BlobClient) (*azureblob.BlobClient, error) {
	id := azureblob.TokenCredential(token(account.Token))
	endpoint := strings.TrimSuffix(cat.URL(), "/"+cat.ContainerName()+"/"+cat.Name())
	service, err := azureblob.NewServiceClient(endpoint, id, account.Options)
	if err != nil {
		return nil, err
	}
	expiry := time.Now().Add(time.Hour)
	key, err := service.NewDelegationKeyCache(nil).Key(ctx, expiry) // a program keeps the cache
	if err != nil {
		return nil, err
	}
	link, err := cat.SASURL(sas.Blob{Key: key, Permissions: sas.BlobPermissions{Read: true}, Expiry: expiry})
	if err != nil {
		return nil, err
	}
	return azureblob.NewBlobClient(link, nil, account.Options)
}

// anonymous is nobody, once the owner has opened the container to everybody, where
// the account allows that.
func anonymous(ctx context.Context, account *connect.Account, cat *azureblob.BlobClient) (*azureblob.BlobClient, error) {
	container, err := azureblob.NewContainerClientFromConnectionString(account.ConnectionString, cat.ContainerName(), account.Options)
	if err != nil {
		return nil, err
	}
	if _, err := container.SetAccessPolicy(ctx, azureblob.AccessPolicy{PublicAccess: azureblob.PublicAccessBlob}, nil); err != nil {
		return nil, err
	}
	return azureblob.NewBlobClient(cat.URL(), nil, account.Options)
}
