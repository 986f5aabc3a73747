// Package peers drives blobtest with clients that were not written with it, so
// that what it has misread of the protocol shows.
package peers

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/appendblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
	"github.com/goblob/azureblob/blobtest"
)

// peer is a client of a server of its own, with an empty container.
type peer struct {
	*testing.T
	srv       *blobtest.Server
	options   azcore.ClientOptions
	service   *service.Client
	container *container.Client
	name      string // of the container
}

func newPeer(t *testing.T, o ...*blobtest.Options) *peer {
	srv := blobtest.New(t, o...)
	p := &peer{T: t, srv: srv, name: "photos"}
	// Without retries an answer that the SDK does not like is seen at once.
	p.options = azcore.ClientOptions{Transport: srv.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}
	credential := must(service.NewSharedKeyCredential(srv.Account(), srv.Key()))(t)
	p.service = must(service.NewClientWithSharedKeyCredential(srv.URL(), credential, &service.ClientOptions{ClientOptions: p.options}))(t)
	p.container = p.service.NewContainerClient(p.name)
	must(p.container.Create(t.Context(), nil))(t)
	return p
}

// must ends the test if err is not nil.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused holds an error against the code it should have.
func (p *peer) refused(err error, code bloberror.Code) {
	p.Helper()
	if !bloberror.HasCode(err, code) {
		p.Errorf("got %v, want %s", err, code)
	}
}

// equal compares got with want, and follows pointers.
func (p *peer) equal(what string, got, want any) {
	p.Helper()
	if v := reflect.ValueOf(got); v.Kind() == reflect.Pointer {
		if v.IsNil() {
			p.Errorf("%s is missing, want %v", what, want)
			return
		}
		got = v.Elem().Interface()
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.Errorf("%s is %v, want %v", what, got, want)
	}
}

// present wants every pointer to be set.
func (p *peer) present(values map[string]any) {
	p.Helper()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if v := reflect.ValueOf(values[name]); !v.IsValid() || v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
			p.Errorf("%s is missing", name)
		}
	}
}

func (p *peer) put(name, text string) *blockblob.Client {
	p.Helper()
	b := p.container.NewBlockBlobClient(name)
	must(b.UploadBuffer(p.Context(), []byte(text), nil))(p)
	return b
}

type streamer interface {
	DownloadStream(context.Context, *blob.DownloadStreamOptions) (blob.DownloadStreamResponse, error)
}

func (p *peer) read(b streamer, o *blob.DownloadStreamOptions) string {
	p.Helper()
	r := must(b.DownloadStream(p.Context(), o))(p)
	defer r.Body.Close()
	return string(must(io.ReadAll(r.Body))(p))
}

type body struct{ *strings.Reader }

func (body) Close() error { return nil }

func text(s string) body { return body{strings.NewReader(s)} }

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

func TestGoSDK(t *testing.T) {
	for _, topic := range []struct {
		name string
		run  func(*peer)
	}{
		{"containers", containers}, {"access policy", accessPolicy}, {"service properties", serviceProperties},
		{"block blobs", blockBlobs}, {"staged blocks", stagedBlocks}, {"transfer", transfer},
		{"conditions", conditions}, {"append blobs", appendBlobs}, {"page blobs", pageBlobs},
		{"blob leases", blobLeases}, {"container leases", containerLeases}, {"tags", tags}, {"find by tags", findByTags},
		{"batch", batch}, {"copy", copies}, {"copy from url", copyFromURL}, {"from url", fromURL}, {"snapshot", snapshots},
		{"blob sas", blobSAS}, {"container sas", containerSAS}, {"account sas", accountSAS}, {"stored policy sas", policySAS}, {"user delegation sas", delegationSAS},
		{"list", list}, {"list hierarchy", hierarchy}, {"tier", tier}, {"customer key", customerKey},
		{"versions", versions}, {"soft delete", softDelete}, {"immutability", immutability},
	} {
		t.Run(topic.name, func(t *testing.T) { topic.run(newPeer(t)) })
	}
}

func containers(p *peer) {
	ctx := p.Context()
	c := p.service.NewContainerClient("second")
	r := must(c.Create(ctx, &container.CreateOptions{Access: to.Ptr(container.PublicAccessTypeBlob), Metadata: map[string]*string{"kind": to.Ptr("test")}}))(p)
	p.present(map[string]any{"ETag": r.ETag, "LastModified": r.LastModified, "RequestID": r.RequestID, "Version": r.Version, "Date": r.Date})
	_, err := c.Create(ctx, nil)
	p.refused(err, bloberror.ContainerAlreadyExists)
	must(c.SetMetadata(ctx, &container.SetMetadataOptions{Metadata: map[string]*string{"kind": to.Ptr("other")}}))(p)
	g := must(c.GetProperties(ctx, nil))(p)
	p.equal("public access", g.BlobPublicAccess, container.PublicAccessTypeBlob)
	p.equal("lease state", g.LeaseState, lease.StateTypeAvailable)
	p.equal("lease status", g.LeaseStatus, lease.StatusTypeUnlocked)
	p.equal("legal hold", g.HasLegalHold, false)
	p.equal("immutability", g.HasImmutabilityPolicy, false)
	p.equal("versioned immutability", g.IsImmutableStorageWithVersioningEnabled, false)
	p.equal("encryption scope", g.DefaultEncryptionScope, "$account-encryption-key")
	var names []string
	for pager := p.service.NewListContainersPager(&service.ListContainersOptions{MaxResults: to.Ptr(int32(1)), Include: service.ListContainersInclude{Metadata: true}}); pager.More(); {
		page := must(pager.NextPage(ctx))(p)
		for _, item := range page.ContainerItems {
			names = append(names, *item.Name)
			p.present(map[string]any{"Last-Modified": item.Properties.LastModified, "Etag": item.Properties.ETag, "LeaseState": item.Properties.LeaseState})
			if *item.Name == "second" {
				p.equal("listed metadata", item.Metadata["kind"], "other")
			}
		}
	}
	p.equal("containers", names, []string{"photos", "second"})
	must(c.Delete(ctx, nil))(p)
	_, err = c.GetProperties(ctx, nil)
	p.refused(err, bloberror.ContainerNotFound)
	info := must(p.service.GetAccountInfo(ctx, nil))(p)
	p.present(map[string]any{"AccountKind": info.AccountKind, "SKUName": info.SKUName})
}

func accessPolicy(p *peer) {
	ctx := p.Context()
	start, end := time.Now().UTC().Truncate(time.Second), time.Now().UTC().Add(time.Hour).Truncate(time.Second)
	must(p.container.SetAccessPolicy(ctx, &container.SetAccessPolicyOptions{Access: to.Ptr(container.PublicAccessTypeContainer), ContainerACL: []*container.SignedIdentifier{{
		ID: to.Ptr("reader"), AccessPolicy: &container.AccessPolicy{Start: &start, Expiry: &end, Permission: to.Ptr("rl")}}}}))(p)
	g := must(p.container.GetAccessPolicy(ctx, nil))(p)
	p.equal("public access", g.BlobPublicAccess, container.PublicAccessTypeContainer)
	if len(g.SignedIdentifiers) != 1 {
		p.Fatalf("got %d identifiers", len(g.SignedIdentifiers))
	}
	policy := g.SignedIdentifiers[0].AccessPolicy
	p.equal("id", g.SignedIdentifiers[0].ID, "reader")
	p.equal("start", policy.Start.UTC(), start)
	p.equal("expiry", policy.Expiry.UTC(), end)
	p.equal("permission", policy.Permission, "rl")
	p.put("open", "hello")
	anonymous := must(blockblob.NewClientWithNoCredential(p.container.NewBlobClient("open").URL(), &blockblob.ClientOptions{ClientOptions: p.options}))(p)
	p.equal("anonymous read", p.read(anonymous, nil), "hello")
}

func serviceProperties(p *peer) {
	ctx := p.Context()
	must(p.service.SetProperties(ctx, &service.SetPropertiesOptions{
		CORS:                  []*service.CORSRule{{AllowedOrigins: to.Ptr("*"), AllowedMethods: to.Ptr("GET,PUT"), AllowedHeaders: to.Ptr("*"), ExposedHeaders: to.Ptr("*"), MaxAgeInSeconds: to.Ptr(int32(60))}},
		DeleteRetentionPolicy: &service.RetentionPolicy{Enabled: to.Ptr(true), Days: to.Ptr(int32(3))},
		StaticWebsite:         &service.StaticWebsite{Enabled: to.Ptr(true), IndexDocument: to.Ptr("index.html"), ErrorDocument404Path: to.Ptr("404.html")},
		Logging:               &service.Logging{Version: to.Ptr("1.0"), Read: to.Ptr(true), Write: to.Ptr(true), Delete: to.Ptr(false), RetentionPolicy: &service.RetentionPolicy{Enabled: to.Ptr(false)}},
	}))(p)
	g := must(p.service.GetProperties(ctx, nil))(p)
	if len(g.CORS) != 1 || g.StaticWebsite == nil || g.DeleteRetentionPolicy == nil || g.Logging == nil {
		p.Fatalf("got %+v", g.StorageServiceProperties)
	}
	p.equal("methods", g.CORS[0].AllowedMethods, "GET,PUT")
	p.equal("index", g.StaticWebsite.IndexDocument, "index.html")
	p.equal("days", g.DeleteRetentionPolicy.Days, 3)
	p.equal("logging", g.Logging.Write, true)
	credential := must(service.NewSharedKeyCredential(p.srv.Account(), p.srv.Key()))(p)
	secondary := must(service.NewClientWithSharedKeyCredential(p.srv.SecondaryURL(), credential, &service.ClientOptions{ClientOptions: p.options}))(p)
	stats := must(secondary.GetStatistics(ctx, nil))(p)
	p.equal("replication", stats.GeoReplication.Status, "live")
}

func blockBlobs(p *peer) {
	ctx := p.Context()
	b := p.container.NewBlockBlobClient("folder/a b+ü%#?&.txt")
	u := must(b.Upload(ctx, text("hello world"), &blockblob.UploadOptions{
		HTTPHeaders: &blob.HTTPHeaders{BlobContentType: to.Ptr("text/plain"), BlobCacheControl: to.Ptr("no-cache"), BlobContentLanguage: to.Ptr("en"), BlobContentEncoding: to.Ptr("identity"), BlobContentDisposition: to.Ptr("inline")},
		Metadata:    map[string]*string{"one": to.Ptr("1")}, Tier: to.Ptr(blob.AccessTierCool), TransactionalValidation: blob.TransferValidationTypeComputeCRC64(),
	}))(p)
	p.present(map[string]any{"ETag": u.ETag, "LastModified": u.LastModified, "RequestID": u.RequestID, "ContentMD5": u.ContentMD5, "IsServerEncrypted": u.IsServerEncrypted, "CRC64": u.ContentCRC64})
	g := must(b.GetProperties(ctx, nil))(p)
	p.equal("length", g.ContentLength, 11)
	p.equal("type", g.ContentType, "text/plain")
	p.equal("cache control", g.CacheControl, "no-cache")
	p.equal("language", g.ContentLanguage, "en")
	p.equal("encoding", g.ContentEncoding, "identity")
	p.equal("disposition", g.ContentDisposition, "inline")
	p.equal("blob type", g.BlobType, blob.BlobTypeBlockBlob)
	p.equal("tier", g.AccessTier, "Cool")
	p.equal("lease state", g.LeaseState, lease.StateTypeAvailable)
	p.equal("encrypted", g.IsServerEncrypted, true)
	p.equal("accept ranges", g.AcceptRanges, "bytes")
	p.equal("etag", g.ETag, *u.ETag)
	p.equal("metadata", len(g.Metadata), 1)
	p.present(map[string]any{"CreationTime": g.CreationTime, "ContentMD5": g.ContentMD5, "AccessTierChangeTime": g.AccessTierChangeTime})
	r := must(b.DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: 6, Count: 3}, RangeGetContentMD5: to.Ptr(true)}))(p)
	p.equal("range", string(must(io.ReadAll(r.Body))(p)), "wor")
	p.equal("content range", r.ContentRange, "bytes 6-8/11")
	p.present(map[string]any{"range MD5": r.ContentMD5, "blob MD5": r.BlobContentMD5})
	must(b.SetHTTPHeaders(ctx, blob.HTTPHeaders{BlobContentType: to.Ptr("text/html")}, nil))(p)
	must(b.SetMetadata(ctx, map[string]*string{"two": to.Ptr("2")}, nil))(p)
	g = must(b.GetProperties(ctx, nil))(p)
	p.equal("type", g.ContentType, "text/html")
	if g.CacheControl != nil || len(g.Metadata) != 1 {
		p.Errorf("%v, %v", g.CacheControl, g.Metadata)
	}
	_, err := b.DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: 99}})
	p.refused(err, bloberror.InvalidRange)
	_, err = p.container.NewBlobClient("absent").GetProperties(ctx, nil)
	p.refused(err, bloberror.BlobNotFound)
	must(b.Delete(ctx, nil))(p)
	_, err = b.Delete(ctx, nil)
	p.refused(err, bloberror.BlobNotFound)
	_, err = b.Upload(ctx, text("x"), &blockblob.UploadOptions{TransactionalValidation: blob.TransferValidationTypeMD5(make([]byte, 16))})
	p.refused(err, bloberror.MD5Mismatch)
}

func stagedBlocks(p *peer) {
	ctx := p.Context()
	b := p.container.NewBlockBlobClient("blocks")
	var ids []string
	for i, part := range []string{"one,", "two,", "three"} {
		ids = append(ids, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "block-%03d", i)))
		r := must(b.StageBlock(ctx, ids[i], text(part), &blockblob.StageBlockOptions{TransactionalValidation: blob.TransferValidationTypeComputeCRC64()}))(p)
		p.present(map[string]any{"ContentCRC64": r.ContentCRC64, "IsServerEncrypted": r.IsServerEncrypted})
	}
	l := must(b.GetBlockList(ctx, blockblob.BlockListTypeAll, nil))(p)
	p.equal("uncommitted", len(l.UncommittedBlocks), 3)
	must(b.CommitBlockList(ctx, []string{ids[2], ids[0]}, &blockblob.CommitBlockListOptions{Metadata: map[string]*string{"m": to.Ptr("v")}, HTTPHeaders: &blob.HTTPHeaders{BlobContentType: to.Ptr("text/plain")}}))(p)
	p.equal("content", p.read(b, nil), "threeone,")
	l = must(b.GetBlockList(ctx, blockblob.BlockListTypeAll, nil))(p)
	if len(l.CommittedBlocks) != 2 || len(l.UncommittedBlocks) != 0 {
		p.Fatalf("%+v", l.BlockList)
	}
	p.equal("name", l.CommittedBlocks[0].Name, ids[2])
	p.equal("size", l.CommittedBlocks[0].Size, 5)
	p.equal("blob length", l.BlobContentLength, 9)
	_, err := b.CommitBlockList(ctx, []string{ids[1]}, nil)
	p.refused(err, bloberror.InvalidBlockList)
}

func transfer(p *peer) {
	ctx, want := p.Context(), noise(9<<20+13)
	b := p.container.NewBlockBlobClient("large")
	must(b.UploadStream(ctx, bytes.NewReader(want), &blockblob.UploadStreamOptions{BlockSize: 1 << 20, Concurrency: 3}))(p)
	got := make([]byte, len(want))
	must(b.DownloadBuffer(ctx, got, &blob.DownloadBufferOptions{BlockSize: 1 << 20, Concurrency: 3}))(p)
	if !bytes.Equal(got, want) {
		p.Error("other bytes came back")
	}
	if got := p.read(b, nil); got != string(want) {
		p.Error("other bytes were streamed back")
	}
	must(b.UploadBuffer(ctx, nil, nil))(p)
	p.equal("empty", p.read(b, nil), "")
}

func conditions(p *peer) {
	ctx, b := p.Context(), p.put("cond", "1")
	etag := must(b.GetProperties(ctx, nil))(p).ETag
	_, err := b.Upload(ctx, text("2"), &blockblob.UploadOptions{AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}}})
	p.refused(err, bloberror.BlobAlreadyExists)
	_, err = b.Upload(ctx, text("2"), &blockblob.UploadOptions{AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: to.Ptr(azcore.ETag(`"0x1"`))}}})
	p.refused(err, bloberror.ConditionNotMet)
	must(b.Upload(ctx, text("2"), &blockblob.UploadOptions{AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: etag}}}))(p)
	etag = must(b.GetProperties(ctx, nil))(p).ETag
	r := must(b.DownloadStream(ctx, &blob.DownloadStreamOptions{AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: etag}}}))(p)
	p.equal("code of a 304, which is no error to this SDK", r.ErrorCode, bloberror.ConditionNotMet)
	_, err = b.GetProperties(ctx, &blob.GetPropertiesOptions{AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfModifiedSince: to.Ptr(time.Now().Add(time.Hour))}}})
	if err == nil {
		p.Error("a date in the future was met")
	}
}

func appendBlobs(p *peer) {
	ctx := p.Context()
	b := p.container.NewAppendBlobClient("log")
	must(b.Create(ctx, &appendblob.CreateOptions{HTTPHeaders: &blob.HTTPHeaders{BlobContentType: to.Ptr("text/plain")}, Metadata: map[string]*string{"m": to.Ptr("v")}}))(p)
	r := must(b.AppendBlock(ctx, text("one,"), &appendblob.AppendBlockOptions{TransactionalValidation: blob.TransferValidationTypeComputeCRC64()}))(p)
	p.equal("offset", r.BlobAppendOffset, "0")
	p.equal("count", r.BlobCommittedBlockCount, 1)
	p.present(map[string]any{"CRC64": r.ContentCRC64, "ETag": r.ETag, "LastModified": r.LastModified})
	r = must(b.AppendBlock(ctx, text("two"), &appendblob.AppendBlockOptions{AppendPositionAccessConditions: &appendblob.AppendPositionAccessConditions{AppendPosition: to.Ptr(int64(4))}}))(p)
	p.equal("offset", r.BlobAppendOffset, "4")
	_, err := b.AppendBlock(ctx, text("no"), &appendblob.AppendBlockOptions{AppendPositionAccessConditions: &appendblob.AppendPositionAccessConditions{AppendPosition: to.Ptr(int64(4))}})
	p.refused(err, bloberror.AppendPositionConditionNotMet)
	_, err = b.AppendBlock(ctx, text("no"), &appendblob.AppendBlockOptions{AppendPositionAccessConditions: &appendblob.AppendPositionAccessConditions{MaxSize: to.Ptr(int64(8))}})
	p.refused(err, bloberror.MaxBlobSizeConditionNotMet)
	p.equal("content", p.read(b, nil), "one,two")
	s := must(b.Seal(ctx, nil))(p)
	p.equal("sealed", s.IsSealed, true)
	_, err = b.AppendBlock(ctx, text("no"), nil)
	p.refused(err, bloberror.Code("BlobIsSealed"))
	g := must(b.GetProperties(ctx, nil))(p)
	p.equal("type", g.BlobType, blob.BlobTypeAppendBlob)
	p.equal("count", g.BlobCommittedBlockCount, 2)
	p.equal("sealed", g.IsSealed, true)
}
