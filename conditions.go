package azureblob

import (
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// Conditions make an operation on a blob depend on the state that the blob is
// in. A condition that is not met is error 412 [ConditionNotMet], or 304 for a
// read with IfNoneMatch or IfModifiedSince.
//
// Transfers send them on every request that takes them, and on the one that
// makes an upload visible above all.
type Conditions struct {
	// IfMatch is the ETag that the blob must have; azcore.ETagAny is any blob
	// that exists.
	IfMatch azcore.ETag `header:"If-Match"`

	// IfNoneMatch is the ETag that the blob must not have. With azcore.ETagAny
	// a write succeeds only if there is no blob yet, and fails with 409
	// [BlobAlreadyExists] otherwise: errors.Is(err, fs.ErrExist).
	IfNoneMatch azcore.ETag `header:"If-None-Match"`

	// IfModifiedSince and IfUnmodifiedSince compare the time of the last change,
	// in whole seconds.
	IfModifiedSince   time.Time `header:"If-Modified-Since"`
	IfUnmodifiedSince time.Time `header:"If-Unmodified-Since"`

	// IfTags is an expression over the tags of the blob that must be true, such
	// as "project" = 'x' AND status <> 'done'. It needs the tags permission.
	IfTags TagFilter `header:"x-ms-if-tags"`

	// LeaseID is the lease that the caller holds. Writes to a leased blob need
	// it; for reads it makes sure that the lease is still held.
	LeaseID string `header:"x-ms-lease-id"`
}

// ContainerConditions make an operation on a container depend on its state.
type ContainerConditions struct {
	// IfModifiedSince and IfUnmodifiedSince compare the time of the last change,
	// in whole seconds.
	IfModifiedSince   time.Time `header:"If-Modified-Since"`
	IfUnmodifiedSince time.Time `header:"If-Unmodified-Since"`

	// LeaseID is the lease that the caller holds on the container.
	LeaseID string `header:"x-ms-lease-id"`
}
