package rest

import "github.com/goblob/azureblob/internal/wire"

// Operations that only append blobs have.
var (
	AppendBlock = &wire.Operation{ID: "AppendBlob_AppendBlock", Name: "Append Block", Method: "PUT", On: wire.Blob, Query: "comp=appendblock",
		Header: []string{"Content-Type", "application/octet-stream"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Retry: wire.Once, Transfer: true}

	AppendBlockFromURL = &wire.Operation{ID: "AppendBlob_AppendBlockFromURL", Name: "Append Block From URL", Method: "PUT", On: wire.Blob, Query: "comp=appendblock",
		OK: []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Retry: wire.Once, Transfer: true}

	CreateAppendBlob = &wire.Operation{ID: "AppendBlob_Create", Name: "Put Blob", Method: "PUT", On: wire.Blob,
		Header: []string{"x-ms-blob-type", "AppendBlob"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Retry: wire.Looked, Transfer: true}

	SealAppendBlob = &wire.Operation{ID: "AppendBlob_Seal", Name: "Append Blob Seal", Method: "PUT", On: wire.Blob, Query: "comp=seal",
		OK: []int{200}}
)
