// Package rest is the table of the REST operations of the Blob service, a row an
// operation, in the terms of internal/wire. A test compares it row by row with
// the published protocol in testdata/protocol.json.
package rest

import "github.com/goblob/azureblob/internal/wire"

// Operations returns every row of the table.
func Operations() []*wire.Operation {
	return []*wire.Operation{
		FindBlobsByTags, GetAccountInfo, GetServiceProperties, GetServiceStats,
		GetUserDelegationKey, ListContainers, SetServiceProperties, SubmitBatch,
		AcquireContainerLease, BreakContainerLease, ChangeContainerLease, CreateContainer,
		DeleteContainer, FindBlobsByTagsInContainer, GetContainerACL, GetContainerAccountInfo,
		GetContainerProperties, ListBlobs, ListBlobsArrow, ListBlobsByHierarchy,
		ListBlobsByHierarchyArrow, ReleaseContainerLease, RenameContainer, RenewContainerLease,
		RestoreContainer, SetContainerACL, SetContainerMetadata, SubmitContainerBatch,
		AbortCopyBlob, AcquireBlobLease, BreakBlobLease, ChangeBlobLease,
		CopyBlobFromURL, SnapshotBlob, DeleteBlob, DeleteBlobImmutabilityPolicy,
		GetBlob, GetBlobAccountInfo, GetBlobProperties, GetBlobTags,
		ReleaseBlobLease, RenewBlobLease, SetBlobExpiry, SetBlobHTTPHeaders,
		SetBlobImmutabilityPolicy, SetBlobLegalHold, SetBlobMetadata, SetBlobTags,
		SetBlobTier, CopyBlob, UndeleteBlob, PutBlockList,
		GetBlockList, QueryBlobContents, PutBlock, PutBlockFromURL,
		PutBlob, PutBlobFromURL, AppendBlock, AppendBlockFromURL,
		CreateAppendBlob, SealAppendBlob, ClearPages, IncrementalCopyBlob,
		CreatePageBlob, GetPageRanges, GetPageRangesDiff, ResizePageBlob,
		SetSequenceNumber, PutPage, PutPageFromURL,
	}
}
