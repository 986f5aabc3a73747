package peers

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
	"github.com/goblob/azureblob/blobtest"
)

func (p *peer) blobAt(url string) *blockblob.Client {
	p.Helper()
	return must(blockblob.NewClientWithNoCredential(url, &blockblob.ClientOptions{ClientOptions: p.options}))(p)
}

func (p *peer) containerAt(url string) *container.Client {
	p.Helper()
	return must(container.NewClientWithNoCredential(url, &container.ClientOptions{ClientOptions: p.options}))(p)
}

func (p *peer) credential() *blob.SharedKeyCredential {
	p.Helper()
	return must(blob.NewSharedKeyCredential(p.srv.Account(), p.srv.Key()))(p)
}

func blobSAS(p *peer) {
	ctx, b := p.Context(), p.put("dir/a b.txt", "hello")
	in := time.Now().Add(time.Hour)
	reader := p.blobAt(must(b.GetSASURL(sas.BlobPermissions{Read: true}, in, nil))(p))
	p.equal("content", p.read(reader, nil), "hello")
	_, err := reader.Upload(ctx, text("no"), nil)
	p.refused(err, bloberror.AuthorizationPermissionMismatch)
	writer := p.blobAt(must(b.GetSASURL(sas.BlobPermissions{Read: true, Write: true, Create: true, Delete: true, Tag: true}, in, &blob.GetSASURLOptions{StartTime: to.Ptr(time.Now().Add(-time.Hour))}))(p))
	must(writer.Upload(ctx, text("more"), nil))(p)
	must(writer.SetTags(ctx, map[string]string{"a": "b"}, nil))(p)
	late := must(sas.BlobSignatureValues{ContainerName: p.name, BlobName: "dir/a b.txt", Permissions: "r", StartTime: time.Now().Add(-2 * time.Hour), ExpiryTime: time.Now().Add(-time.Hour)}.SignWithSharedKey(p.credential()))(p)
	_, err = p.blobAt(b.URL()+"?"+late.Encode()).GetProperties(ctx, nil)
	if !bloberror.HasCode(err, bloberror.AuthenticationFailed) {
		p.Errorf("expired: %v", err)
	}
	named := must(sas.BlobSignatureValues{Protocol: sas.ProtocolHTTPSandHTTP, ContainerName: p.name, BlobName: "dir/a b.txt", Permissions: "r", ExpiryTime: in,
		ContentType: "text/x", CacheControl: "no-store", ContentDisposition: "attachment"}.SignWithSharedKey(p.credential()))(p)
	g := must(p.blobAt(b.URL()+"?"+named.Encode()).GetProperties(ctx, nil))(p)
	p.equal("overridden type", g.ContentType, "text/x")
	p.equal("overridden disposition", g.ContentDisposition, "attachment")
	secure := must(sas.BlobSignatureValues{Protocol: sas.ProtocolHTTPS, ContainerName: p.name, BlobName: "dir/a b.txt", Permissions: "r", ExpiryTime: in}.SignWithSharedKey(p.credential()))(p)
	_, err = p.blobAt(b.URL()+"?"+secure.Encode()).DownloadStream(ctx, nil)
	p.refused(err, bloberror.AuthorizationProtocolMismatch)
	s := must(b.CreateSnapshot(ctx, nil))(p)
	shot := must(b.WithSnapshot(*s.Snapshot))(p)
	p.equal("snapshot", p.read(p.blobAt(must(shot.GetSASURL(sas.BlobPermissions{Read: true}, in, nil))(p)), nil), "more")
}

func containerSAS(p *peer) {
	ctx := p.Context()
	p.put("a", "hello")
	c := p.containerAt(must(p.container.GetSASURL(sas.ContainerPermissions{Read: true, List: true, Write: true, Create: true}, time.Now().Add(time.Hour), nil))(p))
	p.equal("listed", len(must(c.NewListBlobsFlatPager(nil).NextPage(ctx))(p).Segment.BlobItems), 1)
	p.equal("content", p.read(c.NewBlobClient("a"), nil), "hello")
	must(c.NewBlockBlobClient("b").UploadBuffer(ctx, []byte("x"), nil))(p)
	_, err := c.NewBlobClient("a").Delete(ctx, nil)
	p.refused(err, bloberror.AuthorizationPermissionMismatch)
}

func accountSAS(p *peer) {
	ctx := p.Context()
	p.put("a", "hello")
	url := must(p.service.GetSASURL(sas.AccountResourceTypes{Service: true, Container: true, Object: true}, sas.AccountPermissions{Read: true, List: true, Write: true, Create: true, FilterByTags: true}, time.Now().Add(time.Hour), nil))(p)
	s := must(service.NewClientWithNoCredential(url, &service.ClientOptions{ClientOptions: p.options}))(p)
	p.equal("containers", len(must(s.NewListContainersPager(nil).NextPage(ctx))(p).ContainerItems), 1)
	p.equal("content", p.read(s.NewContainerClient(p.name).NewBlobClient("a"), nil), "hello")
	must(s.CreateContainer(ctx, "made", nil))(p)
	_, err := s.DeleteContainer(ctx, "made", nil)
	p.refused(err, bloberror.AuthorizationPermissionMismatch)
	objects := must(p.service.GetSASURL(sas.AccountResourceTypes{Object: true}, sas.AccountPermissions{List: true}, time.Now().Add(time.Hour), nil))(p)
	o := must(service.NewClientWithNoCredential(objects, &service.ClientOptions{ClientOptions: p.options}))(p)
	_, err = o.NewListContainersPager(nil).NextPage(ctx)
	p.refused(err, bloberror.AuthorizationResourceTypeMismatch)
}

func policySAS(p *peer) {
	ctx, b := p.Context(), p.put("a", "hello")
	must(p.container.SetAccessPolicy(ctx, &container.SetAccessPolicyOptions{ContainerACL: []*container.SignedIdentifier{{
		ID: to.Ptr("reader"), AccessPolicy: &container.AccessPolicy{Start: to.Ptr(time.Now().Add(-time.Hour)), Expiry: to.Ptr(time.Now().Add(time.Hour)), Permission: to.Ptr("r")}}}}))(p)
	signed := must(sas.BlobSignatureValues{ContainerName: p.name, Identifier: "reader"}.SignWithSharedKey(p.credential()))(p)
	url := b.URL() + "?" + signed.Encode()
	p.equal("content", p.read(p.blobAt(url), nil), "hello")
	must(p.container.SetAccessPolicy(ctx, nil))(p)
	_, err := p.blobAt(url).DownloadStream(ctx, nil)
	p.refused(err, bloberror.AuthenticationFailed)
}

// bearer is a token without claims.
type bearer struct{}

func (bearer) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "opaque", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// delegationSAS needs the account in the host, where this SDK looks for it.
func delegationSAS(p *peer) {
	ctx, now := p.Context(), time.Now().UTC()
	p.put("a b", "hello")
	p.options.Transport = p.srv.Transport()
	owner := must(service.NewClient(p.srv.Endpoint(), bearer{}, &service.ClientOptions{ClientOptions: p.options}))(p)
	key := must(owner.GetUserDelegationCredential(ctx, service.KeyInfo{Start: to.Ptr(now.Add(-time.Minute).Format(sas.TimeFormat)), Expiry: to.Ptr(now.Add(time.Hour).Format(sas.TimeFormat))}, nil))(p)
	target := owner.NewContainerClient(p.name).NewBlockBlobClient("a b").URL()
	values := sas.BlobSignatureValues{ContainerName: p.name, BlobName: "a b", Permissions: "r", ExpiryTime: now.Add(time.Hour)}
	signed := func() *blockblob.Client {
		q := must(values.SignWithUserDelegation(key))(p)
		return p.blobAt(target + "?" + q.Encode())
	}
	p.equal("content", p.read(signed(), nil), "hello")
	values.AuthorizedObjectID, values.CorrelationID = "5b2c3c4d-0000-4000-8000-00000000000a", "5b2c3c4d-0000-4000-8000-00000000000b"
	p.equal("content with an object ID", p.read(signed(), nil), "hello")
	_, err := signed().Delete(ctx, nil)
	p.refused(err, bloberror.AuthorizationPermissionMismatch)
	values.BlobName = "another"
	_, err = signed().GetProperties(ctx, nil)
	p.refused(err, bloberror.AuthenticationFailed)
}

func list(p *peer) {
	ctx := p.Context()
	odd := "c <&> ü%"
	for _, name := range []string{"a/1", "a/2", "b", odd} {
		p.put(name, name)
	}
	must(p.container.NewBlobClient("b").SetMetadata(ctx, map[string]*string{"m": to.Ptr("v")}, nil))(p)
	must(p.container.NewBlobClient("b").SetTags(ctx, map[string]string{"t": "u"}, nil))(p)
	must(p.container.NewBlockBlobClient("staged").StageBlock(ctx, "YWFh", text("x"), nil))(p)
	var names []string
	for pager := p.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{MaxResults: to.Ptr(int32(2)), Include: container.ListBlobsInclude{
		Metadata: true, Tags: true, UncommittedBlobs: true, Copy: true, Snapshots: true, Deleted: true, Versions: true, LegalHold: true, ImmutabilityPolicy: true}}); pager.More(); {
		page := must(pager.NextPage(ctx))(p)
		for _, item := range page.Segment.BlobItems {
			names = append(names, *item.Name)
			pr := item.Properties
			// A blob that is only staged has no ETag and no date of creation yet.
			if *item.Name != "staged" {
				p.present(map[string]any{"Creation-Time": pr.CreationTime, "Last-Modified": pr.LastModified, "Etag": pr.ETag, "BlobType": pr.BlobType})
			}
			if *item.Name == "b" {
				p.equal("length", pr.ContentLength, 1)
				p.equal("metadata", item.Metadata["m"], "v")
				p.equal("tag count", pr.TagCount, 1)
				p.equal("type", pr.ContentType, "application/octet-stream")
				p.equal("tier", pr.AccessTier, "Hot")
				p.equal("inferred", pr.AccessTierInferred, true)
				p.equal("state", pr.LeaseState, "available")
				p.equal("encrypted", pr.ServerEncrypted, true)
				p.present(map[string]any{"MD5": pr.ContentMD5})
				if item.BlobTags == nil || len(item.BlobTags.BlobTagSet) != 1 {
					p.Errorf("tags %+v", item.BlobTags)
				}
			}
		}
	}
	p.equal("names", names, []string{"a/1", "a/2", "b", odd, "staged"})
}

func hierarchy(p *peer) {
	for _, name := range []string{"a/1", "a/b/2", "c", "d/1"} {
		p.put(name, name)
	}
	var names []string
	for pager := p.container.NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{MaxResults: to.Ptr(int32(1))}); pager.More(); {
		page := must(pager.NextPage(p.Context()))(p)
		for _, prefix := range page.Segment.BlobPrefixes {
			names = append(names, *prefix.Name)
		}
		for _, item := range page.Segment.BlobItems {
			names = append(names, *item.Name)
		}
	}
	p.equal("names", names, []string{"a/", "c", "d/"})
}

func tier(p *peer) {
	ctx, b := p.Context(), p.put("cold", "x")
	must(b.SetTier(ctx, blob.AccessTierArchive, nil))(p)
	g := must(b.GetProperties(ctx, nil))(p)
	p.equal("tier", g.AccessTier, "Archive")
	_, err := b.DownloadStream(ctx, nil)
	p.refused(err, bloberror.BlobArchived)
	must(b.SetTier(ctx, blob.AccessTierHot, &blob.SetTierOptions{RehydratePriority: to.Ptr(blob.RehydratePriorityHigh)}))(p)
	g = must(b.GetProperties(ctx, nil))(p)
	p.equal("status", g.ArchiveStatus, "rehydrate-pending-to-hot")
	p.equal("priority", g.RehydratePriority, "High")
}

func customerKey(p *peer) {
	p = newPeer(p.T, &blobtest.Options{HTTPS: true}) // keys do not travel in the clear
	ctx, key := p.Context(), noise(32)
	hash := sha256.Sum256(key)
	cpk := &blob.CPKInfo{EncryptionAlgorithm: to.Ptr(blob.EncryptionAlgorithmTypeAES256), EncryptionKey: to.Ptr(base64.StdEncoding.EncodeToString(key)), EncryptionKeySHA256: to.Ptr(base64.StdEncoding.EncodeToString(hash[:]))}
	b := p.container.NewBlockBlobClient("secret")
	u := must(b.Upload(ctx, text("x"), &blockblob.UploadOptions{CPKInfo: cpk}))(p)
	p.equal("hash", u.EncryptionKeySHA256, *cpk.EncryptionKeySHA256)
	_, err := b.DownloadStream(ctx, nil)
	if err == nil {
		p.Error("read without the key")
	}
	p.equal("content", p.read(b, &blob.DownloadStreamOptions{CPKInfo: cpk}), "x")
}

func versions(p *peer) {
	p = newPeer(p.T, &blobtest.Options{Versioning: true})
	ctx, b := p.Context(), p.container.NewBlockBlobClient("v")
	first := must(b.Upload(ctx, text("old"), nil))(p)
	second := must(b.Upload(ctx, text("new"), nil))(p)
	p.present(map[string]any{"first": first.VersionID, "second": second.VersionID})
	g := must(b.GetProperties(ctx, nil))(p)
	p.equal("current", g.IsCurrentVersion, true)
	p.equal("version", g.VersionID, *second.VersionID)
	old := must(b.WithVersionID(*first.VersionID))(p)
	p.equal("old version", p.read(old, nil), "old")
	page := must(p.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Include: container.ListBlobsInclude{Versions: true}}).NextPage(ctx))(p)
	if len(page.Segment.BlobItems) != 2 {
		p.Fatalf("listed %d", len(page.Segment.BlobItems))
	}
	p.equal("listed", page.Segment.BlobItems[0].VersionID, *first.VersionID)
	p.equal("current", page.Segment.BlobItems[1].IsCurrentVersion, true)
	must(old.Delete(ctx, nil))(p)
	_, err := old.GetProperties(ctx, nil)
	p.refused(err, bloberror.BlobNotFound)
}

func softDelete(p *peer) {
	p = newPeer(p.T, &blobtest.Options{SoftDelete: 3, ContainerSoftDelete: 3})
	ctx, b := p.Context(), p.put("gone", "x")
	must(b.Delete(ctx, nil))(p)
	page := must(p.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Include: container.ListBlobsInclude{Deleted: true}}).NextPage(ctx))(p)
	if len(page.Segment.BlobItems) != 1 {
		p.Fatalf("listed %d", len(page.Segment.BlobItems))
	}
	item := page.Segment.BlobItems[0]
	p.equal("deleted", item.Deleted, true)
	p.present(map[string]any{"DeletedTime": item.Properties.DeletedTime, "RemainingRetentionDays": item.Properties.RemainingRetentionDays})
	must(b.Undelete(ctx, nil))(p)
	p.equal("content", p.read(b, nil), "x")
	must(p.container.Delete(ctx, nil))(p)
	containers := must(p.service.NewListContainersPager(&service.ListContainersOptions{Include: service.ListContainersInclude{Deleted: true}}).NextPage(ctx))(p)
	if len(containers.ContainerItems) != 1 {
		p.Fatalf("listed %d containers", len(containers.ContainerItems))
	}
	must(p.service.RestoreContainer(ctx, p.name, *containers.ContainerItems[0].Version, nil))(p)
	p.equal("content", p.read(b, nil), "x")
}

func immutability(p *peer) {
	ctx, b := p.Context(), p.put("held", "x")
	r := must(b.SetLegalHold(ctx, true, nil))(p)
	p.equal("hold", r.LegalHold, true)
	_, err := b.Delete(ctx, nil)
	p.refused(err, bloberror.Code("BlobImmutableDueToLegalHold"))
	must(b.SetLegalHold(ctx, false, nil))(p)
	until := time.Now().UTC().Add(time.Hour).Truncate(time.Second)
	s := must(b.SetImmutabilityPolicy(ctx, until, nil))(p)
	p.equal("until", s.ImmutabilityPolicyExpiry.UTC(), until)
	_, err = b.Delete(ctx, nil)
	p.refused(err, bloberror.Code("BlobImmutableDueToPolicy"))
	must(b.DeleteImmutabilityPolicy(ctx, nil))(p)
	must(b.Delete(ctx, nil))(p)
}
