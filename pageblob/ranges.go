package pageblob

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// RangeKind tells pages that were written from pages that were cleared.
type RangeKind string

// The kinds of ranges.
const (
	RangeWritten RangeKind = "PageRange"  // the pages have content
	RangeCleared RangeKind = "ClearRange" // the pages had content in the earlier snapshot, and have none now
)

// PageRange is a range of pages with content, or of pages that were cleared.
type PageRange struct {
	Kind  RangeKind `xml:",name"` // always RangeWritten, but for differences
	Start int64     `xml:"Start"` // the first byte
	End   int64     `xml:"End"`   // the last byte
}

// Range returns the range as offset and count.
func (r PageRange) Range() azureblob.Range {
	return azureblob.Range{Offset: r.Start, Count: r.End - r.Start + 1}
}

// PageList is a page of a list of page ranges.
type PageList struct {
	azureblob.ResponseInfo
	Ranges            []*PageRange `xml:"PageRange|ClearRange"` // in the order of their offsets
	NextMarker        string       `xml:"NextMarker"`           // where the next part of the list begins; empty on the last one
	ETag              azcore.ETag  `response:"ETag"`
	LastModified      time.Time    `response:"Last-Modified"`
	BlobContentLength int64        `response:"x-ms-blob-content-length"` // size of the blob in bytes
}

// RangesOptions are the options of [Client.Ranges].
type RangesOptions struct {
	azureblob.CallOptions
	Conditions azureblob.Conditions
	Range      azureblob.Range `header:"x-ms-range,range"` // only pages in it; default all
	Marker     string          `query:"marker"`            // where to go on: the NextMarker of an earlier list
	ListSize   int             `query:"maxresults"`        // ranges in an answer, 1 to 10,000; default 10,000
}

// DiffOptions are the options of [Client.Diff].
type DiffOptions struct {
	azureblob.CallOptions
	Conditions azureblob.Conditions
	Range      azureblob.Range `header:"x-ms-range,range"` // only pages in it; default all
	Marker     string          `query:"marker"`            // where to go on: the NextMarker of an earlier list
	ListSize   int             `query:"maxresults"`        // ranges in an answer, 1 to 10,000; default 10,000

	// SnapshotURL is the whole URL of the earlier snapshot, signed if need be.
	// It takes the place of the snapshot id for managed disks, whose snapshots
	// are not those of the blob.
	SnapshotURL string `header:"x-ms-previous-snapshot-url"`
}

// maxRanges is the most ranges in an answer.
const maxRanges = 10_000

// Ranges returns the ranges of pages that have content, in the order of their
// offsets. All else is zero. A client of a snapshot, New(blob.WithSnapshot(id)),
// returns those of the snapshot. If the blob is written to between the answers of a
// long list, parts of it may be old and parts new; an IfMatch condition makes that
// an error.
//
// Errors: [azureblob.BlobNotFound], which is fs.ErrNotExist;
// [azureblob.InvalidBlobType] for a blob of another type.
//
// REST: Get Page Ranges.
func (c *Client) Ranges(ctx context.Context, o *RangesOptions) iter.Seq2[*PageRange, error] {
	return link.Items(c.RangeLists(ctx, o), func(l *PageList) []*PageRange { return l.Ranges })
}

// RangeLists is [Client.Ranges] answer by answer, to stop and go on another day
// from the marker.
//
// REST: Get Page Ranges.
func (c *Client) RangeLists(ctx context.Context, o *RangesOptions) iter.Seq2[*PageList, error] {
	var from RangesOptions
	if o != nil {
		from = *o
	}
	return c.lists(rest.GetPageRanges, from.ListSize, from.Range, from.Marker, func(marker string, before *PageList) (*PageList, string, error) {
		from := from
		if before != nil {
			link.Follow(c, &from.CallOptions, before.Secondary)
		}
		from.Marker = marker
		l, err := link.Call[PageList](ctx, c, rest.GetPageRanges, nil, &from)
		return &l, l.NextMarker, err
	})
}

// Diff returns the ranges of pages that changed since an earlier snapshot of the
// blob: those that were written and those that were cleared, in the order of
// their offsets. A client with a later snapshot compares the two snapshots.
//
// Errors: [azureblob.PreviousSnapshotNotFound];
// [azureblob.PreviousSnapshotCannotBeNewer]; [azureblob.BlobOverwritten] if the
// blob was created anew since.
//
// REST: Get Page Ranges.
func (c *Client) Diff(ctx context.Context, earlierSnapshot string, o *DiffOptions) iter.Seq2[*PageRange, error] {
	return link.Items(c.DiffLists(ctx, earlierSnapshot, o), func(l *PageList) []*PageRange { return l.Ranges })
}

// DiffLists is [Client.Diff] answer by answer, to stop and go on another day from
// the marker.
//
// REST: Get Page Ranges.
func (c *Client) DiffLists(ctx context.Context, earlierSnapshot string, o *DiffOptions) iter.Seq2[*PageList, error] {
	var from DiffOptions
	if o != nil {
		from = *o
	}
	earlier := struct {
		Snapshot string `query:"prevsnapshot"`
	}{earlierSnapshot}
	if (earlierSnapshot == "") == (from.SnapshotURL == "") {
		return func(yield func(*PageList, error) bool) {
			yield(nil, link.Refuse(c, rest.GetPageRangesDiff, errors.New("one of the id of the earlier snapshot and DiffOptions.SnapshotURL has to be given")))
		}
	}
	return c.lists(rest.GetPageRangesDiff, from.ListSize, from.Range, from.Marker, func(marker string, before *PageList) (*PageList, string, error) {
		from := from
		if before != nil {
			link.Follow(c, &from.CallOptions, before.Secondary)
		}
		from.Marker = marker
		l, err := link.Call[PageList](ctx, c, rest.GetPageRangesDiff, nil, earlier, &from)
		return &l, l.NextMarker, err
	})
}

func (c *Client) lists(op *wire.Operation, size int, within azureblob.Range, marker string, next func(marker string, before *PageList) (*PageList, string, error)) iter.Seq2[*PageList, error] {
	var err error
	code := azureblob.InvalidHeaderValue
	switch {
	case size < 0 || size > maxRanges:
		code, err = azureblob.OutOfRangeQueryParameterValue, fmt.Errorf("the list size is %d and not 1 to %d", size, maxRanges)
	case within.Offset < 0 || within.Count < 0 || within.Offset > MaxSize || within.Count > MaxSize:
		err = fmt.Errorf("%d bytes from offset %d are no part of a page blob", within.Count, within.Offset)
	}
	if err != nil {
		return func(yield func(*PageList, error) bool) { yield(nil, link.RefuseAs(c, op, string(code), err)) }
	}
	return link.Pages(0, c, op, marker, next)
}
