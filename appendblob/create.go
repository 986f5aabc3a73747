package appendblob

import (
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
)

// CreateOptions are the options of [Client.Create] and [Client.CreateIfNotExists].
type CreateOptions struct {
	azureblob.CallOptions
	HTTPHeaders  azureblob.HTTPHeaders // ContentMD5 is stored as it is and not checked
	Metadata     azureblob.Metadata    `header:"x-ms-meta-*"`
	Tags         azureblob.Tags        `header:"x-ms-tags,form"`
	Conditions   azureblob.Conditions
	Immutability azureblob.Immutability
	LegalHold    bool `header:"x-ms-legal-hold"` // nobody can change or delete the blob until it is lifted
}

// CreateResult is the result of [Client.Create] and [Client.CreateIfNotExists].
type CreateResult struct {
	azureblob.ResponseInfo
	azureblob.WriteInfo
	ContentMD5 []byte `response:"Content-MD5"` // of the request, which has no content
	Existed    bool   // CreateIfNotExists found it there already; nothing but ResponseInfo is filled then
}

// Create makes an empty append blob, and replaces what has the name, unless the
// conditions forbid that: [Client.CreateIfNotExists] never replaces anything. If its
// answer gets lost, it is repeated only over what was there before: what others have
// appended by then stays, and the error is MaybeApplied. Create it with
// CreateIfNotExists then, or look.
//
// Errors: [azureblob.BlobAlreadyExists] and [azureblob.ConditionNotMet] for
// conditions that are not met; [azureblob.LeaseIDMissing];
// [azureblob.ContainerNotFound].
//
// REST: Put Blob.
func (c *Client) Create(ctx context.Context, o *CreateOptions) (CreateResult, error) {
	return link.Resolved[CreateResult](ctx, c, rest.CreateAppendBlob, nil, created, o)
}

// created tells whether the blob was made by a Create. What others have appended to it
// by now would be lost if it were made again.
func created(f *link.Found) (link.Outcome, error) {
	if f.Guarded() {
		return f.Written(nil)
	}
	return f.Blank(func() (bool, error) { return f.Header.Get("Content-Length") == "0", nil })
}

// CreateIfNotExists makes an empty append blob, and is content with a blob of the
// name that is there already, whatever its type, metadata and headers: see
// [CreateResult.Existed]. The options must not have an IfNoneMatch of their own.
//
// Errors: those of [Client.Create] but for azureblob.BlobAlreadyExists.
//
// REST: Put Blob.
func (c *Client) CreateIfNotExists(ctx context.Context, o *CreateOptions) (CreateResult, error) {
	var fresh CreateOptions
	if o != nil {
		fresh = *o
	}
	if fresh.Conditions.IfNoneMatch != "" && fresh.Conditions.IfNoneMatch != azcore.ETagAny {
		return CreateResult{}, link.Refuse(c, rest.CreateAppendBlob, errors.New("CreateOptions.Conditions.IfNoneMatch is given, and CreateIfNotExists sets it"))
	}
	fresh.Conditions.IfNoneMatch = azcore.ETagAny
	r, err := c.Create(ctx, &fresh)
	if errors.Is(err, azureblob.BlobAlreadyExists) {
		return CreateResult{ResponseInfo: link.Info(err).(azureblob.ResponseInfo), Existed: true}, nil
	}
	return r, err
}
