package peers

import (
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/pageblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

func pageBlobs(p *peer) {
	ctx, page := p.Context(), string(noise(1024))
	b := p.container.NewPageBlobClient("disk")
	must(b.Create(ctx, 4096, &pageblob.CreateOptions{SequenceNumber: to.Ptr(int64(3)), Metadata: map[string]*string{"m": to.Ptr("v")}}))(p)
	u := must(b.UploadPages(ctx, text(page), blob.HTTPRange{Offset: 512, Count: 1024}, &pageblob.UploadPagesOptions{TransactionalValidation: blob.TransferValidationTypeComputeCRC64()}))(p)
	p.equal("sequence number", u.BlobSequenceNumber, 3)
	p.present(map[string]any{"CRC64": u.ContentCRC64, "ETag": u.ETag})
	snapshot := must(b.CreateSnapshot(ctx, nil))(p)
	must(b.UploadPages(ctx, text(page), blob.HTTPRange{Offset: 3072, Count: 1024}, nil))(p)
	must(b.ClearPages(ctx, blob.HTTPRange{Offset: 512, Count: 512}, nil))(p)
	g := must(b.NewGetPageRangesPager(nil).NextPage(ctx))(p)
	p.equal("size", g.BlobContentLength, 4096)
	if len(g.PageRange) != 2 {
		p.Fatalf("%d ranges", len(g.PageRange))
	}
	p.equal("start", g.PageRange[0].Start, 1024)
	p.equal("end", g.PageRange[0].End, 1535)
	p.equal("start", g.PageRange[1].Start, 3072)
	d := must(b.NewGetPageRangesDiffPager(&pageblob.GetPageRangesDiffOptions{PrevSnapshot: snapshot.Snapshot}).NextPage(ctx))(p)
	if len(d.PageRange) != 1 || len(d.ClearRange) != 1 {
		p.Fatalf("%d ranges, %d cleared", len(d.PageRange), len(d.ClearRange))
	}
	p.equal("cleared", d.ClearRange[0].Start, 512)
	must(b.Resize(ctx, 8192, nil))(p)
	s := must(b.UpdateSequenceNumber(ctx, &pageblob.UpdateSequenceNumberOptions{ActionType: to.Ptr(pageblob.SequenceNumberActionTypeIncrement)}))(p)
	p.equal("sequence number", s.BlobSequenceNumber, 4)
	_, err := b.UploadPages(ctx, text(page), blob.HTTPRange{Count: 1024}, &pageblob.UploadPagesOptions{SequenceNumberAccessConditions: &pageblob.SequenceNumberAccessConditions{IfSequenceNumberEqualTo: to.Ptr(int64(9))}})
	p.refused(err, bloberror.SequenceNumberConditionNotMet)
	_, err = b.UploadPages(ctx, text(page), blob.HTTPRange{Offset: 8192, Count: 1024}, nil)
	p.refused(err, bloberror.InvalidPageRange)
	properties := must(b.GetProperties(ctx, nil))(p)
	p.equal("length", properties.ContentLength, 8192)
	p.equal("type", properties.BlobType, blob.BlobTypePageBlob)
	p.equal("sequence number", properties.BlobSequenceNumber, 4)
	p.equal("content", p.read(b, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: 3072, Count: 1024}}), page)
}

const id1, id2 = "11111111-2222-3333-4444-555555555555", "99999999-8888-7777-6666-555555555555"

func blobLeases(p *peer) {
	ctx, b := p.Context(), p.put("leased", "1")
	l := must(lease.NewBlobClient(b, &lease.BlobClientOptions{LeaseID: to.Ptr(id1)}))(p)
	a := must(l.AcquireLease(ctx, 15, nil))(p)
	p.equal("lease", a.LeaseID, id1)
	p.present(map[string]any{"ETag": a.ETag, "LastModified": a.LastModified})
	g := must(b.GetProperties(ctx, nil))(p)
	p.equal("state", g.LeaseState, lease.StateTypeLeased)
	p.equal("status", g.LeaseStatus, lease.StatusTypeLocked)
	p.equal("duration", g.LeaseDuration, lease.DurationTypeFixed)
	_, err := b.Upload(ctx, text("2"), nil)
	p.refused(err, bloberror.LeaseIDMissing)
	_, err = b.Delete(ctx, &blob.DeleteOptions{AccessConditions: &blob.AccessConditions{LeaseAccessConditions: &blob.LeaseAccessConditions{LeaseID: to.Ptr(id2)}}})
	p.refused(err, bloberror.LeaseIDMismatchWithBlobOperation)
	must(b.Upload(ctx, text("2"), &blockblob.UploadOptions{AccessConditions: &blob.AccessConditions{LeaseAccessConditions: &blob.LeaseAccessConditions{LeaseID: to.Ptr(id1)}}}))(p)
	other := must(lease.NewBlobClient(b, &lease.BlobClientOptions{LeaseID: to.Ptr(id2)}))(p)
	_, err = other.AcquireLease(ctx, -1, nil)
	p.refused(err, bloberror.LeaseAlreadyPresent)
	must(l.RenewLease(ctx, nil))(p)
	c := must(l.ChangeLease(ctx, id2, nil))(p)
	p.equal("changed", c.LeaseID, id2)
	br := must(l.BreakLease(ctx, &lease.BlobBreakOptions{BreakPeriod: to.Ptr(int32(0))}))(p)
	p.equal("lease time", br.LeaseTime, 0)
	g = must(b.GetProperties(ctx, nil))(p)
	p.equal("state", g.LeaseState, lease.StateTypeBroken)
	must(other.ReleaseLease(ctx, nil))(p)
	must(l.AcquireLease(ctx, -1, nil))(p)
	g = must(b.GetProperties(ctx, nil))(p)
	p.equal("duration", g.LeaseDuration, lease.DurationTypeInfinite)
	must(l.ReleaseLease(ctx, nil))(p)
	must(b.Delete(ctx, nil))(p)
}

func containerLeases(p *peer) {
	ctx := p.Context()
	l := must(lease.NewContainerClient(p.container, &lease.ContainerClientOptions{LeaseID: to.Ptr(id1)}))(p)
	p.equal("lease", must(l.AcquireLease(ctx, -1, nil))(p).LeaseID, id1)
	_, err := p.container.Delete(ctx, nil)
	p.refused(err, bloberror.LeaseIDMissing)
	g := must(p.container.GetProperties(ctx, nil))(p)
	p.equal("duration", g.LeaseDuration, lease.DurationTypeInfinite)
	must(l.RenewLease(ctx, nil))(p)
	must(l.ChangeLease(ctx, id2, nil))(p)
	must(l.ReleaseLease(ctx, nil))(p)
	must(l.AcquireLease(ctx, 15, nil))(p)
	must(l.BreakLease(ctx, &lease.ContainerBreakOptions{BreakPeriod: to.Ptr(int32(0))}))(p)
	must(p.container.Delete(ctx, nil))(p)
}

func tags(p *peer) {
	ctx := p.Context()
	b := p.container.NewBlockBlobClient("tagged")
	must(b.Upload(ctx, text("x"), &blockblob.UploadOptions{Tags: map[string]string{"a b": "c/d=+", "plain": "1"}}))(p)
	read := func() map[string]string {
		m := map[string]string{}
		for _, tag := range must(b.GetTags(ctx, nil))(p).BlobTagSet {
			m[*tag.Key] = *tag.Value
		}
		return m
	}
	p.equal("tags", read(), map[string]string{"a b": "c/d=+", "plain": "1"})
	p.equal("count", must(b.GetProperties(ctx, nil))(p).TagCount, 2)
	must(b.SetTags(ctx, map[string]string{"x": "y z"}, nil))(p)
	p.equal("tags", read(), map[string]string{"x": "y z"})
	condition := func(where string) *blob.AccessConditions {
		return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfTags: &where}}
	}
	_, err := b.DownloadStream(ctx, &blob.DownloadStreamOptions{AccessConditions: condition(`"x" = 'other'`)})
	p.refused(err, bloberror.ConditionNotMet)
	p.equal("content", p.read(b, &blob.DownloadStreamOptions{AccessConditions: condition(`"x" = 'y z'`)}), "x")
	must(b.SetTags(ctx, map[string]string{}, nil))(p)
	p.equal("tags", len(read()), 0)
}

func findByTags(p *peer) {
	ctx := p.Context()
	for _, name := range []string{"a", "b", "c"} {
		must(p.put(name, name).SetTags(ctx, map[string]string{"kind": "found", "name": name}, nil))(p)
	}
	p.put("d", "d")
	var names []string
	var marker *string
	for {
		r := must(p.service.FilterBlobs(ctx, `@container = 'photos' AND "kind" = 'found' AND "name" >= 'b'`, &service.FilterBlobsOptions{MaxResults: to.Ptr(int32(1)), Marker: marker}))(p)
		for _, item := range r.Blobs {
			names = append(names, *item.Name)
			p.equal("container", item.ContainerName, "photos")
			if item.Tags == nil || len(item.Tags.BlobTagSet) == 0 {
				p.Errorf("no tags of %s", *item.Name)
			}
		}
		if marker = r.NextMarker; marker == nil || *marker == "" {
			break
		}
	}
	p.equal("found", names, []string{"b", "c"})
	r := must(p.container.FilterBlobs(ctx, `name='a'`, nil))(p)
	if len(r.Blobs) != 1 {
		p.Errorf("found %d", len(r.Blobs))
	}
}

func batch(p *peer) {
	ctx := p.Context()
	p.put("a b.txt", "1")
	p.put("c", "2")
	p.put("d", "3")
	bb := must(p.service.NewBatchBuilder())(p)
	for _, name := range []string{"a b.txt", "absent", "c"} {
		if err := bb.Delete(p.name, name, nil); err != nil {
			p.Fatal(err)
		}
	}
	r := must(p.service.SubmitBatch(ctx, bb, nil))(p)
	p.equal("parts", len(r.Responses), 3)
	for i, item := range r.Responses {
		p.equal("content id", item.ContentID, i)
		if i == 1 {
			p.refused(item.Error, bloberror.BlobNotFound)
		} else if item.Error != nil {
			p.Error(item.Error)
		}
		p.present(map[string]any{"request id of the part": item.RequestID, "version of the part": item.Version})
	}
	tiers := must(p.container.NewBatchBuilder())(p)
	if err := tiers.SetTier("d", blob.AccessTierCool, nil); err != nil {
		p.Fatal(err)
	}
	rc := must(p.container.SubmitBatch(ctx, tiers, nil))(p)
	if len(rc.Responses) != 1 || rc.Responses[0].Error != nil {
		p.Errorf("%+v", rc.Responses)
	}
	p.equal("tier", must(p.container.NewBlobClient("d").GetProperties(ctx, nil))(p).AccessTier, "Cool")
}

func copies(p *peer) {
	ctx, from := p.Context(), p.put("source", "hello")
	must(from.SetMetadata(ctx, map[string]*string{"m": to.Ptr("v")}, nil))(p)
	b := p.container.NewBlockBlobClient("target")
	r := must(b.StartCopyFromURL(ctx, from.URL(), nil))(p)
	p.present(map[string]any{"CopyID": r.CopyID, "CopyStatus": r.CopyStatus, "ETag": r.ETag})
	g := must(b.GetProperties(ctx, nil))(p)
	p.equal("copy id", g.CopyID, *r.CopyID)
	p.equal("source", g.CopySource, from.URL())
	p.equal("status", g.CopyStatus, blob.CopyStatusTypeSuccess)
	p.equal("progress", g.CopyProgress, "5/5")
	p.present(map[string]any{"CopyCompletionTime": g.CopyCompletionTime, "Metadata": g.Metadata["M"]})
	p.equal("content", p.read(b, nil), "hello")
	_, err := b.AbortCopyFromURL(ctx, *r.CopyID, nil)
	p.refused(err, bloberror.NoPendingCopyOperation)
	_, err = b.StartCopyFromURL(ctx, p.container.NewBlobClient("absent").URL(), nil)
	p.refused(err, bloberror.CannotVerifyCopySource)
}

// readable is a URL of the blob that carries its own authorization.
func (p *peer) readable(b *blockblob.Client) string {
	p.Helper()
	return must(b.GetSASURL(sas.BlobPermissions{Read: true}, time.Now().Add(time.Hour), nil))(p)
}

func copyFromURL(p *peer) {
	ctx, from := p.Context(), p.put("source", "hello")
	b := p.container.NewBlockBlobClient("target")
	r := must(b.CopyFromURL(ctx, p.readable(from), &blob.CopyFromURLOptions{BlobTags: map[string]string{"t": "1"}, Metadata: map[string]*string{"m": to.Ptr("v")}}))(p)
	p.equal("status", r.CopyStatus, "success")
	p.present(map[string]any{"CopyID": r.CopyID, "ETag": r.ETag})
	p.equal("content", p.read(b, nil), "hello")
	p.equal("tags", must(b.GetProperties(ctx, nil))(p).TagCount, 1)
}

func fromURL(p *peer) {
	ctx := p.Context()
	from := p.put("source", string(noise(2048)))
	source, want := p.readable(from), string(noise(2048))
	b := p.container.NewBlockBlobClient("target")
	must(b.StageBlockFromURL(ctx, "YWFh", source, &blockblob.StageBlockFromURLOptions{Range: blob.HTTPRange{Offset: 512, Count: 512}}))(p)
	must(b.CommitBlockList(ctx, []string{"YWFh"}, nil))(p)
	p.equal("block", p.read(b, nil), want[512:1024])
	must(b.UploadBlobFromURL(ctx, source, nil))(p)
	p.equal("blob", p.read(b, nil), want)
	a := p.container.NewAppendBlobClient("append")
	must(a.Create(ctx, nil))(p)
	must(a.AppendBlockFromURL(ctx, source, nil))(p)
	p.equal("append", p.read(a, nil), want)
	d := p.container.NewPageBlobClient("page")
	must(d.Create(ctx, 2048, nil))(p)
	must(d.UploadPagesFromURL(ctx, source, 512, 1024, 512, nil))(p)
	p.equal("page", p.read(d, nil)[1024:1536], want[512:1024])
}

func snapshots(p *peer) {
	ctx, b := p.Context(), p.put("shot", "old")
	s := must(b.CreateSnapshot(ctx, &blob.CreateSnapshotOptions{Metadata: map[string]*string{"m": to.Ptr("v")}}))(p)
	p.present(map[string]any{"Snapshot": s.Snapshot, "ETag": s.ETag})
	must(b.Upload(ctx, text("new"), nil))(p)
	old := must(b.WithSnapshot(*s.Snapshot))(p)
	p.equal("snapshot", p.read(old, nil), "old")
	p.equal("blob", p.read(b, nil), "new")
	page := must(p.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Include: container.ListBlobsInclude{Snapshots: true, Metadata: true}}).NextPage(ctx))(p)
	if len(page.Segment.BlobItems) != 2 {
		p.Fatalf("listed %d", len(page.Segment.BlobItems))
	}
	p.equal("listed", page.Segment.BlobItems[0].Snapshot, *s.Snapshot)
	_, err := b.Delete(ctx, nil)
	p.refused(err, bloberror.SnapshotsPresent)
	must(b.Delete(ctx, &blob.DeleteOptions{DeleteSnapshots: to.Ptr(blob.DeleteSnapshotsOptionTypeOnly)}))(p)
	_, err = old.GetProperties(ctx, nil)
	p.refused(err, bloberror.BlobNotFound)
	must(b.Delete(ctx, &blob.DeleteOptions{DeleteSnapshots: to.Ptr(blob.DeleteSnapshotsOptionTypeInclude)}))(p)
}
