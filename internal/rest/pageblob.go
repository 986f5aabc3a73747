package rest

import "github.com/goblob/azureblob/internal/wire"

// Operations that only page blobs have.
var (
	ClearPages = &wire.Operation{ID: "PageBlob_ClearPages", Name: "Put Page", Method: "PUT", On: wire.Blob, Query: "comp=page",
		Header: []string{"x-ms-page-write", "clear"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope}

	IncrementalCopyBlob = &wire.Operation{ID: "PageBlob_CopyIncremental", Name: "Incremental Copy Blob", Method: "PUT", On: wire.Blob, Query: "comp=incrementalcopy",
		OK: []int{202}, Retry: wire.Guarded}

	CreatePageBlob = &wire.Operation{ID: "PageBlob_Create", Name: "Put Blob", Method: "PUT", On: wire.Blob,
		Header: []string{"x-ms-blob-type", "PageBlob"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Retry: wire.Looked, Transfer: true}

	GetPageRanges = &wire.Operation{ID: "PageBlob_GetPageRanges", Name: "Get Page Ranges", Method: "GET", On: wire.Blob, Query: "comp=pagelist",
		OK: []int{200}, Scope: wire.Snapshot, Answer: wire.XML, Root: "PageList", Transfer: true}

	GetPageRangesDiff = &wire.Operation{ID: "PageBlob_GetPageRangesDiff", Name: "Get Page Ranges", Method: "GET", On: wire.Blob, Query: "comp=pagelist",
		OK: []int{200}, Scope: wire.Snapshot, Answer: wire.XML, Root: "PageList", Transfer: true}

	ResizePageBlob = &wire.Operation{ID: "PageBlob_Resize", Name: "Set Blob Properties", Method: "PUT", On: wire.Blob, Query: "comp=properties",
		OK: []int{200}, Scope: wire.CustomerKey | wire.EncryptionScope}

	SetSequenceNumber = &wire.Operation{ID: "PageBlob_UpdateSequenceNumber", Name: "Set Blob Properties", Method: "PUT", On: wire.Blob, Query: "comp=properties",
		OK: []int{200}, Retry: wire.Once}

	PutPage = &wire.Operation{ID: "PageBlob_UploadPages", Name: "Put Page", Method: "PUT", On: wire.Blob, Query: "comp=page",
		Header: []string{"x-ms-page-write", "update", "Content-Type", "application/octet-stream"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Transfer: true}

	PutPageFromURL = &wire.Operation{ID: "PageBlob_UploadPagesFromURL", Name: "Put Page From URL", Method: "PUT", On: wire.Blob, Query: "comp=page",
		Header: []string{"x-ms-page-write", "update"},
		OK:     []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Transfer: true}
)
