package rest

import "github.com/goblob/azureblob/internal/wire"

// Operations on a blob of any type.
var (
	AbortCopyBlob = &wire.Operation{ID: "Blob_AbortCopyFromURL", Name: "Abort Copy Blob", Method: "PUT", On: wire.Blob, Query: "comp=copy",
		Header: []string{"x-ms-copy-action", "abort"},
		OK:     []int{204}, Retry: wire.Guarded}

	AcquireBlobLease = &wire.Operation{ID: "Blob_AcquireLease", Name: "Lease Blob", Method: "PUT", On: wire.Blob, Query: "comp=lease",
		Header: []string{"x-ms-lease-action", "acquire"},
		OK:     []int{201}, Retry: wire.Steady}

	BreakBlobLease = &wire.Operation{ID: "Blob_BreakLease", Name: "Lease Blob", Method: "PUT", On: wire.Blob, Query: "comp=lease",
		Header: []string{"x-ms-lease-action", "break"},
		OK:     []int{202}, Retry: wire.Once}

	ChangeBlobLease = &wire.Operation{ID: "Blob_ChangeLease", Name: "Lease Blob", Method: "PUT", On: wire.Blob, Query: "comp=lease",
		Header: []string{"x-ms-lease-action", "change"},
		OK:     []int{200}, Retry: wire.Steady}

	CopyBlobFromURL = &wire.Operation{ID: "Blob_CopyFromURL", Name: "Copy Blob From URL", Method: "PUT", On: wire.Blob,
		Header: []string{"x-ms-requires-sync", "true"},
		OK:     []int{202}, Scope: wire.EncryptionScope, Transfer: true}

	SnapshotBlob = &wire.Operation{ID: "Blob_CreateSnapshot", Name: "Snapshot Blob", Method: "PUT", On: wire.Blob, Query: "comp=snapshot",
		OK: []int{201}, Scope: wire.CustomerKey | wire.EncryptionScope, Retry: wire.Once}

	DeleteBlob = &wire.Operation{ID: "Blob_Delete", Name: "Delete Blob", Method: "DELETE", On: wire.Blob,
		OK: []int{202}, Scope: wire.Snapshot | wire.Version, Retry: wire.Guarded}

	DeleteBlobImmutabilityPolicy = &wire.Operation{ID: "Blob_DeleteImmutabilityPolicy", Name: "Delete Blob Immutability Policy", Method: "DELETE", On: wire.Blob, Query: "comp=immutabilityPolicies",
		OK: []int{200}, Scope: wire.Snapshot | wire.Version}

	GetBlob = &wire.Operation{ID: "Blob_Download", Name: "Get Blob", Method: "GET", On: wire.Blob,
		// A transport that decompresses by itself would break lengths and ranges.
		Header: []string{"Accept-Encoding", "identity"},
		OK:     []int{200, 206}, Scope: wire.Snapshot | wire.Version | wire.CustomerKey, Answer: wire.Stream, Transfer: true}

	GetBlobAccountInfo = &wire.Operation{ID: "Blob_GetAccountInfo", Name: "Get Account Information", Method: "GET", On: wire.Blob, Query: "restype=account&comp=properties",
		OK: []int{200}}

	GetBlobProperties = &wire.Operation{ID: "Blob_GetProperties", Name: "Get Blob Properties", Method: "HEAD", On: wire.Blob,
		OK: []int{200}, Scope: wire.Snapshot | wire.Version | wire.CustomerKey}

	GetBlobTags = &wire.Operation{ID: "Blob_GetTags", Name: "Get Blob Tags", Method: "GET", On: wire.Blob, Query: "comp=tags",
		OK: []int{200}, Scope: wire.Snapshot | wire.Version, Answer: wire.XML, Root: "Tags"}

	ReleaseBlobLease = &wire.Operation{ID: "Blob_ReleaseLease", Name: "Lease Blob", Method: "PUT", On: wire.Blob, Query: "comp=lease",
		Header: []string{"x-ms-lease-action", "release"},
		OK:     []int{200}, Retry: wire.Guarded}

	RenewBlobLease = &wire.Operation{ID: "Blob_RenewLease", Name: "Lease Blob", Method: "PUT", On: wire.Blob, Query: "comp=lease",
		Header: []string{"x-ms-lease-action", "renew"},
		OK:     []int{200}, Retry: wire.Steady}

	SetBlobExpiry = &wire.Operation{ID: "Blob_SetExpiry", Name: "Set Blob Expiry", Method: "PUT", On: wire.Blob, Query: "comp=expiry",
		OK: []int{200}}

	SetBlobHTTPHeaders = &wire.Operation{ID: "Blob_SetHTTPHeaders", Name: "Set Blob Properties", Method: "PUT", On: wire.Blob, Query: "comp=properties",
		OK: []int{200}}

	SetBlobImmutabilityPolicy = &wire.Operation{ID: "Blob_SetImmutabilityPolicy", Name: "Set Blob Immutability Policy", Method: "PUT", On: wire.Blob, Query: "comp=immutabilityPolicies",
		OK: []int{200}, Scope: wire.Snapshot | wire.Version, Retry: wire.Steady}

	SetBlobLegalHold = &wire.Operation{ID: "Blob_SetLegalHold", Name: "Set Blob Legal Hold", Method: "PUT", On: wire.Blob, Query: "comp=legalhold",
		OK: []int{200}, Scope: wire.Snapshot | wire.Version}

	SetBlobMetadata = &wire.Operation{ID: "Blob_SetMetadata", Name: "Set Blob Metadata", Method: "PUT", On: wire.Blob, Query: "comp=metadata",
		OK: []int{200}, Scope: wire.CustomerKey | wire.EncryptionScope}

	SetBlobTags = &wire.Operation{ID: "Blob_SetTags", Name: "Set Blob Tags", Method: "PUT", On: wire.Blob, Query: "comp=tags",
		Header: []string{"Content-Type", "application/xml"},
		OK:     []int{204}, Scope: wire.Version}

	SetBlobTier = &wire.Operation{ID: "Blob_SetTier", Name: "Set Blob Tier", Method: "PUT", On: wire.Blob, Query: "comp=tier",
		OK: []int{200, 202}, Scope: wire.Snapshot | wire.Version, Retry: wire.Steady}

	CopyBlob = &wire.Operation{ID: "Blob_StartCopyFromURL", Name: "Copy Blob", Method: "PUT", On: wire.Blob,
		OK: []int{202}, Retry: wire.Guarded}

	UndeleteBlob = &wire.Operation{ID: "Blob_Undelete", Name: "Undelete Blob", Method: "PUT", On: wire.Blob, Query: "comp=undelete",
		OK: []int{200}}
)
