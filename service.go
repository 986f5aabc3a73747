package azureblob

import (
	"context"

	"github.com/goblob/azureblob/internal/rest"
)

// ServiceClient is the Blob service of a storage account, and the root of the
// hierarchy: it makes handles for containers, which make handles for blobs.
// Clients and handles are cheap, safe for concurrent use, and do nothing by
// themselves. Those made from one another share their connections, credential
// and memory budget.
type ServiceClient struct{ handle }

// NewServiceClient makes a client of the account whose endpoint is given, such
// as https://account.blob.core.windows.net, or http://127.0.0.1:10000/account
// for an emulator. The URL can hold a shared access signature, if the
// credential is nil. Nothing is sent yet.
func NewServiceClient(endpoint string, credential Credential, o *ClientOptions) (*ServiceClient, error) {
	h, err := newHandle(endpoint, 0, credential, o)
	if err != nil {
		return nil, err
	}
	return &ServiceClient{h}, nil
}

// NewServiceClientFromConnectionString makes a client from an Azure Storage
// connection string, as the portal shows it. It takes UseDevelopmentStorage=true
// as well, for an emulator on this machine. Errors name the key of the string
// that is at fault and show no values.
func NewServiceClientFromConnectionString(connectionString string, o *ClientOptions) (*ServiceClient, error) {
	c, err := parseConnectionString(connectionString)
	if err != nil {
		return nil, err
	}
	s, err := newSession(c.service, c.secondary, c.credential, o)
	if err != nil {
		return nil, err
	}
	return &ServiceClient{s.handleOf(0, "", "", scope{})}, nil
}

// newHandle makes a client of its own from the URL of a resource.
func newHandle(rawURL string, depth int, credential Credential, o *ClientOptions) (handle, error) {
	loc, err := locate(rawURL, depth)
	if err != nil {
		return handle{}, err
	}
	if loc.sas != "" {
		if credential, err = signedCredential(loc.sas, credential); err != nil {
			return handle{}, err
		}
	}
	s, err := newSession(loc.service, "", credential, o)
	if err != nil {
		return handle{}, err
	}
	h := s.handleOf(depth, loc.container, loc.blob, loc.scope)
	if h.invalid != nil {
		return handle{}, invalidf("%w", h.invalid)
	}
	return h, nil
}

// Container returns the handle of a container. The name is checked by the first
// call that uses it.
func (s *ServiceClient) Container(name string) *ContainerClient {
	return &ContainerClient{s.handleOf(1, name, "", scope{})}
}

// SecondaryURL returns the endpoint of the secondary region of the account, or
// "" if there is no rule for it, as for a custom domain. Whether the account
// can be read there depends on its redundancy.
func (s *ServiceClient) SecondaryURL() string { return s.secondary }

// CloseIdleConnections closes the connections that are not in use, of this
// client and of all handles that come from it. It does nothing if the transport
// was given in the options. Clients need no closing otherwise.
func (s *ServiceClient) CloseIdleConnections() {
	if s.idle != nil {
		s.idle()
	}
}

// AccountInfoOptions are the options of the AccountInfo methods.
type AccountInfoOptions struct {
	CallOptions
}

// AccountInfo is what the service tells of a storage account.
type AccountInfo struct {
	ResponseInfo
	Kind                  AccountKind `response:"x-ms-account-kind"`
	SKU                   SKU         `response:"x-ms-sku-name"`
	HierarchicalNamespace bool        `response:"x-ms-is-hns-enabled"` // directories are real, as in a file system
}

// AccountKind is the kind of a storage account.
type AccountKind string

// The kinds of accounts.
const (
	AccountStorage          AccountKind = "Storage"
	AccountStorageV2        AccountKind = "StorageV2"
	AccountBlobStorage      AccountKind = "BlobStorage"
	AccountBlockBlobStorage AccountKind = "BlockBlobStorage"
	AccountFileStorage      AccountKind = "FileStorage"
)

// SKU is the performance and redundancy of a storage account, such as
// Standard_LRS or Premium_ZRS.
type SKU string

// AccountInfo tells the kind and redundancy of the account. Those of containers
// and blobs tell the same, for callers who may see no more than that.
//
// Errors: status 403 for who may not see it.
//
// REST: Get Account Information.
func (s *ServiceClient) AccountInfo(ctx context.Context, o *AccountInfoOptions) (AccountInfo, error) {
	return call[AccountInfo](ctx, &s.handle, rest.GetAccountInfo, nil, o)
}
