package azureblob

import (
	"context"
	"iter"
	"maps"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// TagConditions make a call about the tags of a blob depend on the state that
// the blob is in. All but IfTags and LeaseID need service version 2026-02-06,
// and are nothing to older ones. One that is not met is error 412
// [ConditionNotMet], or 304 for a read with IfNoneMatch or IfModifiedSince.
type TagConditions struct {
	IfMatch           azcore.ETag `header:"x-ms-blob-if-match"`            // the ETag that the blob must have
	IfNoneMatch       azcore.ETag `header:"x-ms-blob-if-none-match"`       // the ETag that it must not have
	IfModifiedSince   time.Time   `header:"x-ms-blob-if-modified-since"`   // the blob was written after that, in whole seconds
	IfUnmodifiedSince time.Time   `header:"x-ms-blob-if-unmodified-since"` // the blob was not written after that
	IfTags            TagFilter   `header:"x-ms-if-tags"`                  // expression over the tags that must be true
	LeaseID           string      `header:"x-ms-lease-id"`                 // the lease that the caller holds
}

// TagsOptions are the options of [BlobClient.Tags].
type TagsOptions struct {
	CallOptions
	Conditions TagConditions
}

// TagsResult is the result of [BlobClient.Tags].
type TagsResult struct {
	ResponseInfo
	Tags Tags `xml:"TagSet>Tag,pairs"` // nil if there are none
}

// Tags returns the index tags of the blob, snapshot or version.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist; [ConditionNotMet]; status 403
// for who lacks the permission for tags, which is one of its own.
//
// REST: Get Blob Tags.
func (b *BlobClient) Tags(ctx context.Context, o *TagsOptions) (TagsResult, error) {
	return call[TagsResult](ctx, &b.handle, rest.GetBlobTags, nil, o)
}

// SetTagsOptions are the options of [BlobClient.SetTags].
type SetTagsOptions struct {
	CallOptions
	Conditions TagConditions
}

// SetTagsResult is the result of [BlobClient.SetTags].
type SetTagsResult struct {
	ResponseInfo
}

// tagSet is the document of Set Blob Tags.
type tagSet struct {
	Tags Tags `xml:"TagSet>Tag,pairs"`
}

// SetTags replaces all index tags of the blob or version; none takes them away.
// It changes neither the ETag nor the time of the last change. Blobs can be
// found by their new tags a little later.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist; [ConditionNotMet];
// fs.ErrInvalid for tags that break the rules of [Tags].
//
// REST: Set Blob Tags.
func (b *BlobClient) SetTags(ctx context.Context, tags Tags, o *SetTagsOptions) (SetTagsResult, error) {
	if err := wire.CheckTags(tags); err != nil {
		return SetTagsResult{}, b.refuse(rest.SetBlobTags, err)
	}
	if tags == nil {
		tags = Tags{} // an empty set, where nil would be none
	}
	document, err := xmlplan.Encode("Tags", tagSet{tags})
	if err != nil {
		return SetTagsResult{}, b.refuse(rest.SetBlobTags, err)
	}
	sum := Checksum{CRC64: checksum.Sum(document)}
	var r SetTagsResult
	same := func(ctx context.Context, d *doubt) (ResponseInfo, link.Outcome, error) {
		there, err := b.Tags(ctx, &TagsOptions{CallOptions: d.call})
		return there.ResponseInfo, link.If(err == nil && maps.Equal(there.Tags, tags)), err
	}
	if err := b.resolve(ctx, rest.SetBlobTags, &r, wire.Bytes(document), same, sum, o); err != nil {
		return SetTagsResult{}, err
	}
	return r, nil
}

// FindBlobsInclude says what finding blobs returns beside the current blobs.
type FindBlobsInclude struct {
	Versions bool `csv:"versions"` // earlier versions as well
}

// FindBlobsByTagsOptions are the options of the FindBlobsByTags methods.
type FindBlobsByTagsOptions struct {
	CallOptions
	Include  FindBlobsInclude `query:"include,csv"` // what else to return
	Marker   string           `query:"marker"`      // where to go on: the NextMarker of an earlier page
	PageSize int              `query:"maxresults"`  // blobs a page, 1 to 5,000; default 5,000
}

// TaggedBlob is a blob that was found by its tags.
type TaggedBlob struct {
	Name             string `xml:"Name,encoded"`
	ContainerName    string `xml:"ContainerName"`
	Tags             Tags   `xml:"Tags>TagSet>Tag,pairs"` // those that the filter names
	VersionID        string `xml:"VersionId"`             // if versions were asked for
	IsCurrentVersion bool   `xml:"IsCurrentVersion"`      // this is the newest version
}

// TaggedBlobPage is a page of blobs that were found by their tags.
type TaggedBlobPage struct {
	ResponseInfo
	Blobs      []*TaggedBlob `xml:"Blobs>Blob"`
	NextMarker string        `xml:"NextMarker"` // where the next page begins; empty on the last one

	ServiceEndpoint string    `xml:"ServiceEndpoint,attr"`
	Where           TagFilter `xml:"Where"`
}

// FindBlobsByTags returns the blobs of all containers for whose tags the filter
// is true. The filter compares tags by =, >, >=, < and <=, and joins that by AND;
// [InContainer] narrows it to one container. The index of the service takes a
// little time to learn of changes. An error is yielded once, with a nil item,
// and ends the loop.
//
//	where := azureblob.Tag("project").Equals("alps")
//	for found, err := range service.FindBlobsByTags(ctx, where, nil) {
//		if err != nil {
//			return err
//		}
//		blob := service.Container(found.ContainerName).Blob(found.Name)
//		...
//	}
//
// Errors: status 403 for who lacks the permission to find by tags, which is one
// of its own; [InvalidQueryParameterValue] for a filter that cannot be read.
//
// REST: Find Blobs by Tags.
func (s *ServiceClient) FindBlobsByTags(ctx context.Context, where TagFilter, o *FindBlobsByTagsOptions) iter.Seq2[*TaggedBlob, error] {
	return link.Items(s.FindBlobsByTagsPages(ctx, where, o), func(p *TaggedBlobPage) []*TaggedBlob { return p.Blobs })
}

// FindBlobsByTagsPages is [ServiceClient.FindBlobsByTags] page by page, to stop
// and go on another day from the marker. A page can be empty and not be the last.
//
// REST: Find Blobs by Tags.
func (s *ServiceClient) FindBlobsByTagsPages(ctx context.Context, where TagFilter, o *FindBlobsByTagsOptions) iter.Seq2[*TaggedBlobPage, error] {
	return s.findPages(ctx, rest.FindBlobsByTags, where, o)
}

// FindBlobsByTags returns the blobs of the container for whose tags the filter
// is true; see [ServiceClient.FindBlobsByTags].
//
// REST: Find Blobs by Tags in Container.
func (c *ContainerClient) FindBlobsByTags(ctx context.Context, where TagFilter, o *FindBlobsByTagsOptions) iter.Seq2[*TaggedBlob, error] {
	return link.Items(c.FindBlobsByTagsPages(ctx, where, o), func(p *TaggedBlobPage) []*TaggedBlob { return p.Blobs })
}

// FindBlobsByTagsPages is [ContainerClient.FindBlobsByTags] page by page.
//
// REST: Find Blobs by Tags in Container.
func (c *ContainerClient) FindBlobsByTagsPages(ctx context.Context, where TagFilter, o *FindBlobsByTagsOptions) iter.Seq2[*TaggedBlobPage, error] {
	return c.findPages(ctx, rest.FindBlobsByTagsInContainer, where, o)
}

func (h *handle) findPages(ctx context.Context, op *wire.Operation, where TagFilter, o *FindBlobsByTagsOptions) iter.Seq2[*TaggedBlobPage, error] {
	if err := where.checkFinding(); err != nil {
		return func(yield func(*TaggedBlobPage, error) bool) { yield(nil, h.refuse(op, err)) }
	}
	var from FindBlobsByTagsOptions
	if o != nil {
		from = *o
	}
	required := tagSearch{where}
	return link.Pages(from.PageSize, h, op, from.Marker, func(marker string, before *TaggedBlobPage) (*TaggedBlobPage, string, error) {
		page := from
		if before != nil {
			h.follow(&page.CallOptions, before.Secondary)
		}
		page.Marker = marker
		p, err := call[TaggedBlobPage](ctx, h, op, nil, required, &page)
		return &p, p.NextMarker, err
	})
}

// tagSearch is what finding blobs cannot do without.
type tagSearch struct {
	Where TagFilter `query:"where"`
}
