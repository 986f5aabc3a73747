package azureblob_test

import (
	"bytes"
	"context"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/pageblob"
)

func init() {
	at := func(s subject) *pageblob.Client { return pageblob.New(s.blob()) }
	page := bytes.Repeat([]byte{1}, pageblob.PageSize)
	exercise("PageBlob_Create", "pageblob.Client.Create", func(ctx context.Context, s subject) (any, error) {
		return at(s).Create(ctx, pageblob.PageSize, filled[pageblob.CreateOptions]())
	})
	exercise("PageBlob_Resize", "pageblob.Client.Resize", func(ctx context.Context, s subject) (any, error) {
		return at(s).Resize(ctx, 0, filled[pageblob.ResizeOptions]())
	})
	exercise("PageBlob_UpdateSequenceNumber", "pageblob.Client.SetSequenceNumber", func(ctx context.Context, s subject) (any, error) {
		return at(s).SetSequenceNumber(ctx, pageblob.SequenceNumberUpdate, 0, filled[pageblob.SetSequenceNumberOptions]())
	})
	exercise("PageBlob_UploadPages", "pageblob.Client.Write", func(ctx context.Context, s subject) (any, error) {
		return eitherSum(func(sum azureblob.Checksum) (any, error) {
			o := filled[pageblob.WriteOptions]()
			o.Checksum = sum
			return at(s).Write(ctx, 0, bytes.NewReader(page), o)
		})
	})
	exercise("PageBlob_UploadPagesFromURL", "pageblob.Client.WriteFromURL", func(ctx context.Context, s subject) (any, error) {
		return eitherSum(func(sum azureblob.Checksum) (any, error) {
			o := filled[pageblob.WriteFromURLOptions]()
			o.SourceChecksum = azureblob.SourceChecksum{MD5: sum.MD5, CRC64: sum.CRC64}
			o.SourceAccess, o.SourceKey = sourceAccess()
			return at(s).WriteFromURL(ctx, 0, s.source(), azureblob.Range{Count: pageblob.PageSize}, o)
		})
	})
	exercise("PageBlob_ClearPages", "pageblob.Client.Clear", func(ctx context.Context, s subject) (any, error) {
		return at(s).Clear(ctx, azureblob.Range{Count: pageblob.PageSize}, filled[pageblob.ClearOptions]())
	})
	exercise("PageBlob_GetPageRanges", "pageblob.Client.RangeLists", func(ctx context.Context, s subject) (any, error) {
		if _, err := firstPage(pageblob.New(s.blob().WithSnapshot(s.snapshot)).RangeLists(ctx, nil)); err != nil {
			return nil, err
		}
		o := filled[pageblob.RangesOptions]()
		o.Marker = "0"
		return firstPage(at(s).RangeLists(ctx, o))
	})
	exercise("PageBlob_GetPageRanges", "pageblob.Client.Ranges", func(ctx context.Context, s subject) (any, error) {
		return nil, drained(at(s).Ranges(ctx, nil))
	})
	exercise("PageBlob_GetPageRangesDiff", "pageblob.Client.DiffLists", func(ctx context.Context, s subject) (any, error) {
		o := filled[pageblob.DiffOptions]()
		o.Marker = "0"
		earlier := ""
		if o.SnapshotURL == "" {
			earlier = s.snapshot
		}
		if _, err := firstPage(at(s).DiffLists(ctx, earlier, o)); err != nil {
			return nil, err
		}
		return firstPage(pageblob.New(s.blob().WithSnapshot(s.snapshot)).DiffLists(ctx, "earlier", nil))
	})
	exercise("PageBlob_GetPageRangesDiff", "pageblob.Client.Diff", func(ctx context.Context, s subject) (any, error) {
		return nil, drained(at(s).Diff(ctx, "earlier", nil))
	})
	exercise("PageBlob_CopyIncremental", "pageblob.Client.StartIncrementalCopy", func(ctx context.Context, s subject) (any, error) {
		c, err := at(s).StartIncrementalCopy(ctx, s.blob().WithSnapshot(s.snapshot).URL(), filled[pageblob.StartIncrementalCopyOptions]())
		if err != nil {
			return nil, err
		}
		return c.Result(), nil
	})
	exercise("PageBlob_UploadPages", "pageblob.Client.Upload", func(ctx context.Context, s subject) (any, error) {
		o := filled[pageblob.UploadOptions]()
		o.Size = pageblob.PageSize
		_, err := at(s).Upload(ctx, bytes.NewReader(page), o)
		return nil, err
	})
	exercise("Blob_GetProperties", "pageblob.Client.DownloadSparse", func(ctx context.Context, s subject) (any, error) {
		_, err := at(s).DownloadSparse(ctx, discard{}, filled[pageblob.DownloadSparseOptions]())
		return nil, err
	})
}

type discard struct{}

func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
