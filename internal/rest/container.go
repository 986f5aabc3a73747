package rest

import "github.com/goblob/azureblob/internal/wire"

// Operations on a container.
var (
	AcquireContainerLease = &wire.Operation{ID: "Container_AcquireLease", Name: "Lease Container", Method: "PUT", On: wire.Container, Query: "restype=container&comp=lease",
		Header: []string{"x-ms-lease-action", "acquire"},
		OK:     []int{201}, Retry: wire.Steady}

	BreakContainerLease = &wire.Operation{ID: "Container_BreakLease", Name: "Lease Container", Method: "PUT", On: wire.Container, Query: "restype=container&comp=lease",
		Header: []string{"x-ms-lease-action", "break"},
		OK:     []int{202}, Retry: wire.Once}

	ChangeContainerLease = &wire.Operation{ID: "Container_ChangeLease", Name: "Lease Container", Method: "PUT", On: wire.Container, Query: "restype=container&comp=lease",
		Header: []string{"x-ms-lease-action", "change"},
		OK:     []int{200}, Retry: wire.Steady}

	CreateContainer = &wire.Operation{ID: "Container_Create", Name: "Create Container", Method: "PUT", On: wire.Container, Query: "restype=container",
		OK: []int{201}, Retry: wire.Guarded}

	DeleteContainer = &wire.Operation{ID: "Container_Delete", Name: "Delete Container", Method: "DELETE", On: wire.Container, Query: "restype=container",
		OK: []int{202}, Retry: wire.Guarded}

	FindBlobsByTagsInContainer = &wire.Operation{ID: "Container_FilterBlobs", Name: "Find Blobs by Tags in Container", Method: "GET", On: wire.Container, Query: "restype=container&comp=blobs",
		OK: []int{200}, Answer: wire.XML, Root: "EnumerationResults"}

	GetContainerACL = &wire.Operation{ID: "Container_GetAccessPolicy", Name: "Get Container ACL", Method: "GET", On: wire.Container, Query: "restype=container&comp=acl",
		OK: []int{200}, Answer: wire.XML, Root: "SignedIdentifiers"}

	GetContainerAccountInfo = &wire.Operation{ID: "Container_GetAccountInfo", Name: "Get Account Information", Method: "GET", On: wire.Container, Query: "restype=account&comp=properties",
		OK: []int{200}}

	GetContainerProperties = &wire.Operation{ID: "Container_GetProperties", Name: "Get Container Properties", Method: "GET", On: wire.Container, Query: "restype=container",
		OK: []int{200}}

	ListBlobs = &wire.Operation{ID: "Container_ListBlobFlatSegment", Name: "List Blobs", Method: "GET", On: wire.Container, Query: "restype=container&comp=list",
		OK: []int{200}, Answer: wire.XML, Root: "EnumerationResults"}

	ListBlobsArrow = &wire.Operation{ID: "Container_ListBlobFlatSegmentApacheArrow", Name: "List Blobs", Method: "GET", On: wire.Container, Query: "restype=container&comp=list",
		Header: []string{"Accept", "application/vnd.apache.arrow.stream,application/xml"},
		OK:     []int{200}, Answer: wire.Stream}

	ListBlobsByHierarchy = &wire.Operation{ID: "Container_ListBlobHierarchySegment", Name: "List Blobs", Method: "GET", On: wire.Container, Query: "restype=container&comp=list",
		OK: []int{200}, Answer: wire.XML, Root: "EnumerationResults"}

	ListBlobsByHierarchyArrow = &wire.Operation{ID: "Container_ListBlobHierarchySegmentApacheArrow", Name: "List Blobs", Method: "GET", On: wire.Container, Query: "restype=container&comp=list",
		Header: []string{"Accept", "application/vnd.apache.arrow.stream,application/xml"},
		OK:     []int{200}, Answer: wire.Stream}

	ReleaseContainerLease = &wire.Operation{ID: "Container_ReleaseLease", Name: "Lease Container", Method: "PUT", On: wire.Container, Query: "restype=container&comp=lease",
		Header: []string{"x-ms-lease-action", "release"},
		OK:     []int{200}, Retry: wire.Guarded}

	RenameContainer = &wire.Operation{ID: "Container_Rename", Name: "Rename Container", Method: "PUT", On: wire.Container, Query: "restype=container&comp=rename",
		OK: []int{200}, Retry: wire.Guarded}

	RenewContainerLease = &wire.Operation{ID: "Container_RenewLease", Name: "Lease Container", Method: "PUT", On: wire.Container, Query: "restype=container&comp=lease",
		Header: []string{"x-ms-lease-action", "renew"},
		OK:     []int{200}, Retry: wire.Steady}

	RestoreContainer = &wire.Operation{ID: "Container_Restore", Name: "Restore Container", Method: "PUT", On: wire.Container, Query: "restype=container&comp=undelete",
		OK: []int{201}, Retry: wire.Guarded}

	SetContainerACL = &wire.Operation{ID: "Container_SetAccessPolicy", Name: "Set Container ACL", Method: "PUT", On: wire.Container, Query: "restype=container&comp=acl",
		Header: []string{"Content-Type", "application/xml"},
		OK:     []int{200}}

	SetContainerMetadata = &wire.Operation{ID: "Container_SetMetadata", Name: "Set Container Metadata", Method: "PUT", On: wire.Container, Query: "restype=container&comp=metadata",
		OK: []int{200}}

	SubmitContainerBatch = &wire.Operation{ID: "Container_SubmitBatch", Name: "Blob Batch", Method: "POST", On: wire.Container, Query: "restype=container&comp=batch",
		Header: []string{"Accept", "multipart/mixed"},
		OK:     []int{202}, Answer: wire.Stream, Retry: wire.Once}
)
