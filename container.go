package azureblob

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// ContainerClient is a container: a flat set of blobs. Make one with
// [ServiceClient.Container], or from a URL.
type ContainerClient struct{ handle }

// NewContainerClient makes a client from the URL of a container, such as
// https://account.blob.core.windows.net/photos. The URL can hold a shared
// access signature, if the credential is nil. Nothing is sent yet.
func NewContainerClient(containerURL string, credential Credential, o *ClientOptions) (*ContainerClient, error) {
	h, err := newHandle(containerURL, 1, credential, o)
	if err != nil {
		return nil, err
	}
	return &ContainerClient{h}, nil
}

// NewContainerClientFromConnectionString makes a client of a container from a
// connection string; see [NewServiceClientFromConnectionString].
func NewContainerClientFromConnectionString(connectionString, container string, o *ClientOptions) (*ContainerClient, error) {
	s, err := NewServiceClientFromConnectionString(connectionString, o)
	if err != nil {
		return nil, err
	}
	c := s.Container(container)
	if c.invalid != nil {
		return nil, invalidf("%w", c.invalid)
	}
	return c, nil
}

// Blob returns the handle of a blob. The name is checked by the first call that
// uses it: 1 to 1,024 characters, without control characters. The service takes
// a backslash for a slash, and may drop a dot or slash at the end.
func (c *ContainerClient) Blob(name string) *BlobClient {
	return &BlobClient{c.handleOf(2, c.container, name, scope{})}
}

// Lease returns the handle of a lease on the container; see [BlobLeaseClient].
func (c *ContainerClient) Lease(id string) *BlobLeaseClient { return newLease(c.handle, id) }

// Name returns the name of the container.
func (c *ContainerClient) Name() string { return c.container }

// PublicAccess is what anonymous callers may read in a container, if the
// account allows it at all.
type PublicAccess string

// The levels of public access.
const (
	PublicAccessNone      PublicAccess = ""          // nothing
	PublicAccessBlob      PublicAccess = "blob"      // blobs whose name they know
	PublicAccessContainer PublicAccess = "container" // blobs and the listing of the container
)

// CreateContainerOptions are the options of [ContainerClient.Create].
type CreateContainerOptions struct {
	CallOptions
	Metadata     Metadata     `header:"x-ms-meta-*"`
	PublicAccess PublicAccess `header:"x-ms-blob-public-access"` // default none

	// DefaultEncryptionScope encrypts blobs that are written without a scope of
	// their own; DenyEncryptionScopeOverride allows no other.
	DefaultEncryptionScope      string `header:"x-ms-default-encryption-scope"`
	DenyEncryptionScopeOverride bool   `header:"x-ms-deny-encryption-scope-override"`
}

func (o *CreateContainerOptions) check() error {
	if o.DenyEncryptionScopeOverride && o.DefaultEncryptionScope == "" {
		return coded(MissingRequiredHeader, errors.New("DenyEncryptionScopeOverride is set, and there is no DefaultEncryptionScope that could be overridden"))
	}
	return nil
}

// CreateContainerResult is the result of [ContainerClient.Create].
type CreateContainerResult struct {
	ResponseInfo
	ETag         azcore.ETag `response:"ETag"`
	LastModified time.Time   `response:"Last-Modified"`
	Existed      bool        // CreateIfNotExists found it there already; nothing but ResponseInfo is filled then
}

// Create creates the container. If an answer got lost, a container that was created
// during the call, and has the metadata and the access that the options say, is
// taken for its own.
//
// Errors: [ContainerAlreadyExists], which is fs.ErrExist; [ContainerBeingDeleted]
// for half a minute or more after a container of that name was deleted.
//
// REST: Create Container.
func (c *ContainerClient) Create(ctx context.Context, o *CreateContainerOptions) (CreateContainerResult, error) {
	return resolved[CreateContainerResult](ctx, &c.handle, rest.CreateContainer, c.created, o)
}

// created is the look of Create. A container says nothing of who made it: one that
// was made while the call was under way, and is as it asks for, is taken for its own.
func (c *ContainerClient) created(ctx context.Context, d *doubt) (ResponseInfo, link.Outcome, error) {
	if d.refusal.Code != ContainerAlreadyExists {
		return ResponseInfo{}, link.Unclear, nil
	}
	info, found, err := d.properties(ctx, rest.GetContainerProperties)
	switch {
	case err != nil:
		return ResponseInfo{}, link.Unclear, err
	case found.Older():
		return ResponseInfo{}, link.NotApplied, nil
	}
	same := found.Holds(link.Metadata) && found.Sent.Get("x-ms-blob-public-access") == found.Header.Get("x-ms-blob-public-access")
	return info, link.If(same), nil
}

// CreateIfNotExists creates the container, and is content with one that exists
// already, whatever its metadata and access: see [CreateContainerResult.Existed].
//
// Errors: [ContainerBeingDeleted], as for [ContainerClient.Create].
//
// REST: Create Container.
func (c *ContainerClient) CreateIfNotExists(ctx context.Context, o *CreateContainerOptions) (CreateContainerResult, error) {
	r, err := c.Create(ctx, o)
	if errors.Is(err, ContainerAlreadyExists) {
		return CreateContainerResult{ResponseInfo: infoOf(err), Existed: true}, nil
	}
	return r, err
}

// DeleteContainerOptions are the options of [ContainerClient.Delete].
type DeleteContainerOptions struct {
	CallOptions
	Conditions ContainerConditions
}

// DeleteContainerResult is the result of [ContainerClient.Delete].
type DeleteContainerResult struct {
	ResponseInfo
}

// Delete deletes the container and all blobs in it. The name cannot be used
// again for half a minute or more.
//
// Errors: [ContainerNotFound], which is fs.ErrNotExist; [LeaseIDMissing].
//
// REST: Delete Container.
func (c *ContainerClient) Delete(ctx context.Context, o *DeleteContainerOptions) (DeleteContainerResult, error) {
	return resolved[DeleteContainerResult](ctx, &c.handle, rest.DeleteContainer, gone(ContainerNotFound, ContainerBeingDeleted), o)
}

// UndeleteContainerOptions are the options of [ContainerClient.Undelete].
type UndeleteContainerOptions struct {
	CallOptions

	// DeletedName is the name that the container had, if it is to come back
	// under the name of this handle, and not its own.
	DeletedName string `header:"x-ms-deleted-container-name"`
}

// UndeleteContainerResult is the result of [ContainerClient.Undelete].
type UndeleteContainerResult struct {
	ResponseInfo
}

// Undelete restores the container and all blobs in it after a soft delete. There
// can be several deleted containers of a name; their versions are in listings
// that include what is deleted:
//
//	deleted := &azureblob.ListContainersOptions{Include: azureblob.ListContainersInclude{Deleted: true}}
//	for item, err := range service.Containers(ctx, deleted) {
//		if err != nil {
//			return err
//		}
//		if item.Deleted {
//			_, err := service.Container(item.Name).Undelete(ctx, item.Version, nil)
//			...
//		}
//	}
//
// Errors: [ContainerNotFound] if there is no such deleted container, or no more;
// [ContainerAlreadyExists], which is fs.ErrExist, if the name is in use.
//
// REST: Restore Container.
func (c *ContainerClient) Undelete(ctx context.Context, version string, o *UndeleteContainerOptions) (UndeleteContainerResult, error) {
	if version == "" {
		return UndeleteContainerResult{}, c.refuse(rest.RestoreContainer, errors.New("the version is empty; it is in listings that include deleted containers"))
	}
	deleted := deletedContainer{Name: c.container, Version: version} // the name in the options comes later and wins
	if o != nil && o.DeletedName != "" {
		if err := checkContainerName(o.DeletedName); err != nil {
			return UndeleteContainerResult{}, c.refuse(rest.RestoreContainer, err)
		}
	}
	return call[UndeleteContainerResult](ctx, &c.handle, rest.RestoreContainer, nil, deleted, o)
}

// deletedContainer says which container is to be restored.
type deletedContainer struct {
	Name    string `header:"x-ms-deleted-container-name"`
	Version string `header:"x-ms-deleted-container-version"`
}

// RenameContainerOptions are the options of [ContainerClient.Rename].
type RenameContainerOptions struct {
	CallOptions
	LeaseID string `header:"x-ms-source-lease-id"` // the lease that the caller holds on the container
}

// RenameContainerResult is the result of [ContainerClient.Rename].
type RenameContainerResult struct {
	ResponseInfo
}

// Rename gives the container another name. The handle stays that of the old one.
//
// The operation is in the protocol and has no page in the REST reference: it is
// not generally available, and accounts that lack it answer with an error.
//
// REST: Rename Container.
func (c *ContainerClient) Rename(ctx context.Context, name string, o *RenameContainerOptions) (RenameContainerResult, error) {
	if c.session == nil || c.invalid != nil {
		return RenameContainerResult{}, c.check(ctx, rest.RenameContainer)
	}
	source := struct {
		Name string `header:"x-ms-source-container-name"`
	}{c.container}
	to := c.handleOf(1, name, "", scope{}) // the request is about the new name
	return call[RenameContainerResult](ctx, &to, rest.RenameContainer, nil, source, o)
}

// ContainerPropertiesOptions are the options of [ContainerClient.Properties]
// and [ContainerClient.Exists].
type ContainerPropertiesOptions struct {
	CallOptions
	LeaseID string `header:"x-ms-lease-id"` // succeed only while this lease is held
}

// ContainerProperties are what the service knows of a container.
type ContainerProperties struct {
	ETag          azcore.ETag   `response:"ETag" xml:"Etag,etag"`
	LastModified  time.Time     `response:"Last-Modified" xml:"Last-Modified"` // of the container, not of its blobs
	PublicAccess  PublicAccess  `response:"x-ms-blob-public-access" xml:"PublicAccess"`
	LeaseStatus   LeaseStatus   `response:"x-ms-lease-status" xml:"LeaseStatus"`
	LeaseState    LeaseState    `response:"x-ms-lease-state" xml:"LeaseState"`
	LeaseDuration LeaseDuration `response:"x-ms-lease-duration" xml:"LeaseDuration"` // only while leased

	HasImmutabilityPolicy          bool `response:"x-ms-has-immutability-policy" xml:"HasImmutabilityPolicy"`
	HasLegalHold                   bool `response:"x-ms-has-legal-hold" xml:"HasLegalHold"`
	ImmutableStorageWithVersioning bool `response:"x-ms-immutable-storage-with-versioning-enabled" xml:"ImmutableStorageWithVersioningEnabled"`

	DefaultEncryptionScope      string `response:"x-ms-default-encryption-scope" xml:"DefaultEncryptionScope"`
	DenyEncryptionScopeOverride bool   `response:"x-ms-deny-encryption-scope-override" xml:"DenyEncryptionScopeOverride"`

	DeletedTime            time.Time `xml:"DeletedTime"`            // deleted containers, in listings
	RemainingRetentionDays int       `xml:"RemainingRetentionDays"` // deleted containers, in listings
}

// ContainerPropertiesResult is the result of [ContainerClient.Properties].
type ContainerPropertiesResult struct {
	ResponseInfo
	ContainerProperties
	Metadata Metadata `response:"x-ms-meta-*"`
}

// Properties returns the properties and the metadata of the container.
//
// Errors: [ContainerNotFound], which is fs.ErrNotExist.
//
// REST: Get Container Properties.
func (c *ContainerClient) Properties(ctx context.Context, o *ContainerPropertiesOptions) (ContainerPropertiesResult, error) {
	return call[ContainerPropertiesResult](ctx, &c.handle, rest.GetContainerProperties, nil, o)
}

// Exists reports whether there is such a container. Only the service's word that
// there is none is a no: every other failure is an error.
//
// REST: Get Container Properties.
func (c *ContainerClient) Exists(ctx context.Context, o *ContainerPropertiesOptions) (bool, error) {
	_, err := c.Properties(ctx, o)
	return existence(err, ContainerNotFound)
}

// SetContainerMetadataOptions are the options of [ContainerClient.SetMetadata].
type SetContainerMetadataOptions struct {
	CallOptions
	IfModifiedSince time.Time `header:"If-Modified-Since"` // the only condition that the operation takes
	LeaseID         string    `header:"x-ms-lease-id"`
}

// SetContainerMetadataResult is the result of [ContainerClient.SetMetadata].
type SetContainerMetadataResult struct {
	ResponseInfo
	ETag         azcore.ETag `response:"ETag"`
	LastModified time.Time   `response:"Last-Modified"`
}

// SetMetadata replaces all metadata of the container; none clears it.
//
// Errors: [ContainerNotFound], which is fs.ErrNotExist; [ConditionNotMet];
// [LeaseIDMissing]; fs.ErrInvalid for what breaks the rules of [Metadata].
//
// REST: Set Container Metadata.
func (c *ContainerClient) SetMetadata(ctx context.Context, m Metadata, o *SetContainerMetadataOptions) (SetContainerMetadataResult, error) {
	return call[SetContainerMetadataResult](ctx, &c.handle, rest.SetContainerMetadata, nil, metadataHeaders{m}, o)
}

// metadataHeaders is metadata that is a parameter and not an option.
type metadataHeaders struct {
	Metadata Metadata `header:"x-ms-meta-*"`
}

// AccountInfo is [ServiceClient.AccountInfo] for who has access to the container.
//
// REST: Get Account Information.
func (c *ContainerClient) AccountInfo(ctx context.Context, o *AccountInfoOptions) (AccountInfo, error) {
	return call[AccountInfo](ctx, &c.handle, rest.GetContainerAccountInfo, nil, o)
}
