package rest

import "github.com/goblob/azureblob/internal/wire"

// Operations that only block blobs have.
var (
	PutBlockList = &wire.Operation{ID: "BlockBlob_CommitBlockList", Name: "Put Block List", Method: "PUT", On: wire.Blob, Query: "comp=blocklist",
		Header: []string{"Content-Type", "application/xml"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Retry: wire.Guarded, Transfer: true}

	GetBlockList = &wire.Operation{ID: "BlockBlob_GetBlockList", Name: "Get Block List", Method: "GET", On: wire.Blob, Query: "comp=blocklist",
		OK: []int{200}, Scope: wire.Snapshot, Answer: wire.XML, Root: "BlockList", Transfer: true}

	QueryBlobContents = &wire.Operation{ID: "BlockBlob_Query", Name: "Query Blob Contents", Method: "POST", On: wire.Blob, Query: "comp=query",
		Header: []string{"Accept", "application/octet-stream", "Content-Type", "application/xml"},
		OK:     []int{200, 206}, Scope: wire.Snapshot | wire.CustomerKey, Answer: wire.Stream, Retry: wire.Read}

	PutBlock = &wire.Operation{ID: "BlockBlob_StageBlock", Name: "Put Block", Method: "PUT", On: wire.Blob, Query: "comp=block",
		Header: []string{"Content-Type", "application/octet-stream"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Transfer: true}

	PutBlockFromURL = &wire.Operation{ID: "BlockBlob_StageBlockFromURL", Name: "Put Block From URL", Method: "PUT", On: wire.Blob, Query: "comp=block",
		OK: []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Transfer: true}

	PutBlob = &wire.Operation{ID: "BlockBlob_Upload", Name: "Put Blob", Method: "PUT", On: wire.Blob,
		Header: []string{"x-ms-blob-type", "BlockBlob", "Content-Type", "application/octet-stream"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Transfer: true}

	PutBlobFromURL = &wire.Operation{ID: "BlockBlob_UploadBlobFromURL", Name: "Put Blob From URL", Method: "PUT", On: wire.Blob,
		Header: []string{"x-ms-blob-type", "BlockBlob"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Transfer: true}
)
