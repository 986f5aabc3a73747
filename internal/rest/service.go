package rest

import "github.com/goblob/azureblob/internal/wire"

// Operations on the account.
var (
	FindBlobsByTags = &wire.Operation{ID: "Service_FilterBlobs", Name: "Find Blobs by Tags", Method: "GET", On: wire.Account, Query: "comp=blobs",
		OK: []int{200}, Answer: wire.XML, Root: "EnumerationResults"}

	GetAccountInfo = &wire.Operation{ID: "Service_GetAccountInfo", Name: "Get Account Information", Method: "GET", On: wire.Account, Query: "restype=account&comp=properties",
		OK: []int{200}}

	GetServiceProperties = &wire.Operation{ID: "Service_GetProperties", Name: "Get Blob Service Properties", Method: "GET", On: wire.Account, Query: "restype=service&comp=properties",
		OK: []int{200}, Answer: wire.XML, Root: "StorageServiceProperties"}

	GetServiceStats = &wire.Operation{ID: "Service_GetStatistics", Name: "Get Blob Service Stats", Method: "GET", On: wire.Account, Query: "restype=service&comp=stats",
		OK: []int{200}, Answer: wire.XML, Root: "StorageServiceStats"}

	GetUserDelegationKey = &wire.Operation{ID: "Service_GetUserDelegationKey", Name: "Get User Delegation Key", Method: "POST", On: wire.Account, Query: "restype=service&comp=userdelegationkey",
		Header: []string{"Content-Type", "application/xml"},
		OK:     []int{200}, Answer: wire.XML, Root: "UserDelegationKey", Retry: wire.Read}

	ListContainers = &wire.Operation{ID: "Service_ListContainersSegment", Name: "List Containers", Method: "GET", On: wire.Account, Query: "comp=list",
		OK: []int{200}, Answer: wire.XML, Root: "EnumerationResults"}

	SetServiceProperties = &wire.Operation{ID: "Service_SetProperties", Name: "Set Blob Service Properties", Method: "PUT", On: wire.Account, Query: "restype=service&comp=properties",
		Header: []string{"Content-Type", "application/xml"},
		OK:     []int{202}}

	SubmitBatch = &wire.Operation{ID: "Service_SubmitBatch", Name: "Blob Batch", Method: "POST", On: wire.Account, Query: "comp=batch",
		Header: []string{"Accept", "multipart/mixed"},
		OK:     []int{202}, Answer: wire.Stream, Retry: wire.Once}
)
