package azureblob

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// ListContainersInclude says what a listing of containers has beside names and
// properties.
type ListContainersInclude struct {
	Metadata bool `csv:"metadata"` // their metadata
	Deleted  bool `csv:"deleted"`  // containers that are soft-deleted as well
	System   bool `csv:"system"`   // containers of the system as well, such as $logs
}

// ListContainersOptions are the options of [ServiceClient.Containers] and
// [ServiceClient.ContainerPages].
type ListContainersOptions struct {
	CallOptions
	Prefix   string                `query:"prefix"`      // only names that start with it
	Include  ListContainersInclude `query:"include,csv"` // what else to return
	Marker   string                `query:"marker"`      // where to go on: the NextMarker of an earlier page
	PageSize int                   `query:"maxresults"`  // containers a page, 1 to 5,000; default 5,000
}

// ContainerItem is a container in a listing.
type ContainerItem struct {
	Name       string              `xml:"Name"`
	Deleted    bool                `xml:"Deleted"` // soft-deleted
	Version    string              `xml:"Version"` // of a deleted container, to restore it
	Properties ContainerProperties `xml:"Properties"`
	Metadata   Metadata            `xml:"Metadata,lower"` // if it was asked for
}

// ContainerPage is a page of a listing of containers.
type ContainerPage struct {
	ResponseInfo
	Containers []*ContainerItem `xml:"Containers>Container"`
	NextMarker string           `xml:"NextMarker"` // where the next page begins; empty on the last one

	ServiceEndpoint string `xml:"ServiceEndpoint,attr"`
	Prefix          string `xml:"Prefix"`
	Marker          string `xml:"Marker"`
	MaxResults      int    `xml:"MaxResults"`
}

// Containers returns the containers of the account in the order of their names.
// An error is yielded once, with a nil item, and ends the loop.
//
//	for item, err := range service.Containers(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(item.Name)
//	}
//
// Errors: status 403 for who may not list them, such as the holder of a signature
// for one container.
//
// REST: List Containers.
func (s *ServiceClient) Containers(ctx context.Context, o *ListContainersOptions) iter.Seq2[*ContainerItem, error] {
	return link.Items(s.ContainerPages(ctx, o), func(p *ContainerPage) []*ContainerItem { return p.Containers })
}

// ContainerPages is [ServiceClient.Containers] page by page, to stop and go on
// another day from the marker. A page can be empty and not be the last.
//
// REST: List Containers.
func (s *ServiceClient) ContainerPages(ctx context.Context, o *ListContainersOptions) iter.Seq2[*ContainerPage, error] {
	var from ListContainersOptions
	if o != nil {
		from = *o
	}
	return link.Pages(from.PageSize, &s.handle, rest.ListContainers, from.Marker, func(marker string, before *ContainerPage) (*ContainerPage, string, error) {
		page := from
		if before != nil {
			s.follow(&page.CallOptions, before.Secondary)
		}
		page.Marker = marker
		p, err := call[ContainerPage](ctx, &s.handle, rest.ListContainers, nil, &page)
		return &p, p.NextMarker, err
	})
}

// ListBlobsInclude says what a listing of blobs has beside the names and
// properties of the current blobs.
type ListBlobsInclude struct {
	Snapshots           bool `csv:"snapshots"`           // snapshots as well
	Versions            bool `csv:"versions"`            // earlier versions as well
	Deleted             bool `csv:"deleted"`             // what is soft-deleted as well
	DeletedWithVersions bool `csv:"deletedwithversions"` // deleted blobs that have versions left, as their root
	UncommittedBlobs    bool `csv:"uncommittedblobs"`    // blobs of which only blocks were sent
	Metadata            bool `csv:"metadata"`            // their metadata
	Tags                bool `csv:"tags"`                // their index tags
	Copy                bool `csv:"copy"`                // how the last copy to them stands
	ImmutabilityPolicy  bool `csv:"immutabilitypolicy"`  // their immutability policies
	LegalHold           bool `csv:"legalhold"`           // their legal holds
	Permissions         bool `csv:"permissions"`         // owner, group and permissions (hierarchical namespace)
}

// ListBlobsOptions are the options of the listings of a container.
type ListBlobsOptions struct {
	CallOptions
	Prefix    string           `query:"prefix"`    // only names that start with it
	StartFrom string           `query:"startFrom"` // only names from this one on, itself included
	EndBefore string           // only names before this one; the service does not know that, so the client ends the listing there
	Include   ListBlobsInclude `query:"include,csv"` // what else to return
	Marker    string           `query:"marker"`      // where to go on: the NextMarker of an earlier page
	PageSize  int              `query:"maxresults"`  // entries a page, 1 to 5,000; default 5,000
}

// BlobItem is a blob in a listing, or in a listing by hierarchy the common
// prefix of several.
type BlobItem struct {
	Name             string         `xml:"Name,encoded"`
	IsPrefix         bool           // Name is a prefix that ends in the delimiter, and the rest is empty
	Snapshot         string         `xml:"Snapshot"`         // set if this is a snapshot
	VersionID        string         `xml:"VersionId"`        // if the account keeps versions
	IsCurrentVersion bool           `xml:"IsCurrentVersion"` // this is the newest version
	Deleted          bool           `xml:"Deleted"`          // soft-deleted
	HasVersionsOnly  bool           `xml:"HasVersionsOnly"`  // the blob is deleted, and has versions
	DeletionID       string         `xml:"DeletionId"`       // of a deleted path (hierarchical namespace)
	Properties       ListProperties `xml:"Properties"`
	Metadata         Metadata       `xml:"Metadata,lower"`        // if it was asked for
	Tags             Tags           `xml:"Tags>TagSet>Tag,pairs"` // if they were asked for

	ObjectReplication map[string]string `xml:"OrMetadata"` // state of replication by or-policyid_ruleid
}

// ListProperties are the properties of a blob in a listing: those of
// [BlobProperties], and for accounts with a hierarchical namespace those of
// the file system.
type ListProperties struct {
	BlobProperties
	ResourceType string `xml:"ResourceType"` // file or directory
	Owner        string `xml:"Owner"`
	Group        string `xml:"Group"`
	Permissions  string `xml:"Permissions"` // such as rwxr-x---
	ACL          string `xml:"Acl"`
	Placeholder  string `xml:"Placeholder"`
}

// BlobPage is a page of a listing of blobs.
type BlobPage struct {
	ResponseInfo
	Blobs      []*BlobItem `xml:"Blobs>Blob"`
	Prefixes   []*BlobItem `xml:"Blobs>BlobPrefix"` // by hierarchy only: what lies a level deeper
	NextMarker string      `xml:"NextMarker"`       // where the next page begins; empty on the last one

	ServiceEndpoint string `xml:"ServiceEndpoint,attr"`
	ContainerName   string `xml:"ContainerName,attr"`
	Prefix          string `xml:"Prefix"`
	Marker          string `xml:"Marker"`
	Delimiter       string `xml:"Delimiter"`
	MaxResults      int    `xml:"MaxResults"`
}

// merged returns the blobs and prefixes of a page in the order of their names.
func (p *BlobPage) merged() []*BlobItem {
	if len(p.Prefixes) == 0 {
		return p.Blobs
	}
	blobs, prefixes := p.Blobs, p.Prefixes
	all := make([]*BlobItem, 0, len(blobs)+len(prefixes))
	for len(blobs) > 0 || len(prefixes) > 0 {
		if len(prefixes) == 0 || len(blobs) > 0 && blobs[0].Name <= prefixes[0].Name {
			all, blobs = append(all, blobs[0]), blobs[1:]
		} else {
			all, prefixes = append(all, prefixes[0]), prefixes[1:]
		}
	}
	return all
}

// endBefore makes a page the last one if the listing has come to a name.
func (p *BlobPage) endBefore(name string) {
	for _, list := range []*[]*BlobItem{&p.Blobs, &p.Prefixes} {
		if i := slices.IndexFunc(*list, func(item *BlobItem) bool { return item.Name >= name }); i >= 0 {
			*list, p.NextMarker = (*list)[:i:i], ""
		}
	}
}

// Blobs returns the blobs of the container in the order of their names,
// whatever slashes are in them. An error is yielded once, with a nil item, and
// ends the loop. Breaking out of the loop leaves nothing behind.
//
//	for item, err := range container.Blobs(ctx, &azureblob.ListBlobsOptions{Prefix: "2026/"}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(item.Name, item.Properties.ContentLength)
//	}
//
// Errors: [ContainerNotFound], which is fs.ErrNotExist.
//
// REST: List Blobs.
func (c *ContainerClient) Blobs(ctx context.Context, o *ListBlobsOptions) iter.Seq2[*BlobItem, error] {
	return link.Items(c.BlobPages(ctx, o), func(p *BlobPage) []*BlobItem { return p.Blobs })
}

// BlobPages is [ContainerClient.Blobs] page by page, to stop and go on another
// day from the marker. A page can be empty and not be the last.
//
// REST: List Blobs.
func (c *ContainerClient) BlobPages(ctx context.Context, o *ListBlobsOptions) iter.Seq2[*BlobPage, error] {
	return c.blobPages(ctx, rest.ListBlobs, "", o)
}

// BlobsByHierarchy returns one level of the container: the blobs whose names
// have no delimiter after the prefix, and the prefixes that the others share up
// to the delimiter, with IsPrefix set, all in the order of their names. Give a
// prefix that was returned in the options to go a level deeper, or use
// [ContainerClient.Walk].
//
// Errors: those of [ContainerClient.Blobs].
//
// REST: List Blobs.
func (c *ContainerClient) BlobsByHierarchy(ctx context.Context, delimiter string, o *ListBlobsOptions) iter.Seq2[*BlobItem, error] {
	return link.Items(c.BlobPagesByHierarchy(ctx, delimiter, o), (*BlobPage).merged)
}

// BlobPagesByHierarchy is [ContainerClient.BlobsByHierarchy] page by page.
//
// REST: List Blobs.
func (c *ContainerClient) BlobPagesByHierarchy(ctx context.Context, delimiter string, o *ListBlobsOptions) iter.Seq2[*BlobPage, error] {
	if delimiter == "" {
		return func(yield func(*BlobPage, error) bool) {
			yield(nil, c.refuse(rest.ListBlobsByHierarchy, errors.New("the delimiter is empty; use Blobs to list all")))
		}
	}
	return c.blobPages(ctx, rest.ListBlobsByHierarchy, delimiter, o)
}

func (c *ContainerClient) blobPages(ctx context.Context, op *wire.Operation, delimiter string, o *ListBlobsOptions) iter.Seq2[*BlobPage, error] {
	var from ListBlobsOptions
	if o != nil {
		from = *o
	}
	level := struct {
		Delimiter string `query:"delimiter"`
	}{delimiter}
	return link.Pages(from.PageSize, &c.handle, op, from.Marker, func(marker string, before *BlobPage) (*BlobPage, string, error) {
		page := from
		if before != nil {
			c.follow(&page.CallOptions, before.Secondary)
		}
		page.Marker = marker
		if marker != from.Marker {
			page.StartFrom = "" // the marker is past it
		}
		p, err := call[BlobPage](ctx, &c.handle, op, nil, level, &page)
		for _, prefix := range p.Prefixes {
			prefix.IsPrefix = true
		}
		if from.EndBefore != "" {
			p.endBefore(from.EndBefore)
		}
		return &p, p.NextMarker, err
	})
}
