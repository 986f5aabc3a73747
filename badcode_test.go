package azureblob_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/pageblob"
)

// lateRefusal is bad input in both ways: refused by the client, and put into a good
// request by a hook, to be refused by the service.
type lateRefusal struct {
	early   error
	late    func(o azureblob.CallOptions) error
	header  string // name and value
	query   string // name and value
	path    string // of the resource, in the account
	azurite string // what the emulator says in its place, or - if it is content
}

// TestCodesOfBadInput compares the codes with which the client refuses bad input
// with those that services answer with.
func TestCodesOfBadInput(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c, ctx := newContainer(t, s), t.Context()
		must[azureblob.UploadResult](t)(c.Blob("cat.jpg").Upload(ctx, strings.NewReader("cat"), nil))
		must[azureblob.UploadResult](t)(c.Blob("door").Upload(ctx, strings.NewReader(""), nil))
		must[pageblob.CreateResult](t)(pageblob.New(c.Blob("disk")).Create(ctx, 4096, nil))
		must[appendblob.CreateResult](t)(appendblob.New(c.Blob("log")).Create(ctx, nil))
		for what, r := range lateRefusals(ctx, s, c) {
			want, ok := errors.AsType[*azureblob.Error](r.early)
			if !ok || want.StatusCode != 0 || want.Code == "" {
				t.Errorf("%s: the client says %v", what, r.early)
				continue
			}
			answers := 0
			err := r.late(azureblob.CallOptions{OnResponse: func(*http.Response) { answers++ }, OnRequest: func(req *http.Request) {
				if name, value, ok := strings.Cut(r.header, ": "); ok {
					req.Header[http.CanonicalHeaderKey(name)] = []string{value}
				}
				if name, value, ok := strings.Cut(r.query, "="); ok {
					q := req.URL.Query()
					q.Set(name, value)
					req.URL.RawQuery = q.Encode()
				}
				if r.path != "" {
					req.URL.Path = strings.TrimSuffix(req.URL.Path, strings.TrimPrefix(c.Blob("cat.jpg").URL(), s.URL())) + r.path
					req.URL.RawPath = ""
				}
			}})
			got, ok := errors.AsType[*azureblob.Error](err)
			switch {
			case azurite && r.azurite == "-" && err == nil:
			case !ok || answers == 0:
				t.Errorf("%s: the service says %v", what, err)
			case azurite && r.azurite != "" && string(got.Code) == strings.TrimPrefix(r.azurite, "-"):
			case got.Code != want.Code:
				t.Errorf("%s: the client says %s, the service %d %q", what, want.Code, got.StatusCode, got.Code)
			}
		}
	})
}

func lateRefusals(ctx context.Context, s *azureblob.ServiceClient, c *azureblob.ContainerClient) map[string]lateRefusal {
	b := c.Blob("cat.jpg")
	upload := func(o *azureblob.UploadOptions) error { return failed(b.Upload(ctx, strings.NewReader("x"), o)) }
	uploadLate := func(o azureblob.CallOptions) error { return upload(&azureblob.UploadOptions{CallOptions: o}) }
	put := func(o *blockblob.PutOptions) error {
		return failed(blockblob.New(b).Put(ctx, strings.NewReader("x"), o))
	}
	download := func(r azureblob.Range, o azureblob.CallOptions) error {
		return failed(b.ReadAll(ctx, &azureblob.DownloadOptions{CallOptions: o, Range: r}))
	}
	disk, log := pageblob.New(c.Blob("disk")), appendblob.New(c.Blob("log"))
	pages := func(offset int64, o azureblob.CallOptions) error {
		return failed(disk.Write(ctx, offset, zeros(512), &pageblob.WriteOptions{CallOptions: o}))
	}
	create := func(size int64, o azureblob.CallOptions) error {
		return failed(disk.Create(ctx, size, &pageblob.CreateOptions{CallOptions: o}))
	}
	lease := func(d time.Duration, o azureblob.CallOptions) error {
		return failed(c.Blob("door").Lease("").Acquire(ctx, d, &azureblob.LeaseOptions{CallOptions: o}))
	}
	eleven := strings.TrimSuffix(strings.Repeat("k=v&", 11), "&")
	for i := range 11 {
		eleven = strings.Replace(eleven, "k=", "k"+string(rune('a'+i))+"=", 1)
	}
	return map[string]lateRefusal{
		"metadata name":    {early: upload(&azureblob.UploadOptions{Metadata: azureblob.Metadata{"a-b": "x"}}), late: uploadLate, header: "x-ms-meta-a-b: x"},
		"no metadata name": {early: upload(&azureblob.UploadOptions{Metadata: azureblob.Metadata{"": "x"}}), late: uploadLate, header: "x-ms-meta-: x", azurite: "-"},
		"much metadata":    {early: upload(&azureblob.UploadOptions{Metadata: azureblob.Metadata{"a": strings.Repeat("x", 8<<10)}}), late: uploadLate, header: "x-ms-meta-a: " + strings.Repeat("x", 8<<10), azurite: "-"},
		"tags":             {early: upload(&azureblob.UploadOptions{Tags: manyTags(11)}), late: uploadLate, header: "x-ms-tags: " + eleven},
		"tag":              {early: upload(&azureblob.UploadOptions{Tags: azureblob.Tags{"a!": "b"}}), late: uploadLate, header: "x-ms-tags: a%21=b", azurite: "DuplicateTagNames"},
		"MD5 of a blob":    {early: upload(&azureblob.UploadOptions{HTTPHeaders: azureblob.HTTPHeaders{ContentMD5: []byte("short")}}), late: uploadLate, header: "x-ms-blob-content-md5: c2hvcnQ=", azurite: "Md5Mismatch"},
		"mode without end": {early: upload(&azureblob.UploadOptions{Immutability: azureblob.Immutability{Mode: azureblob.ImmutabilityLocked}}), late: uploadLate, header: "x-ms-immutability-policy-mode: locked", azurite: "-"},
		"MD5":              {early: put(&blockblob.PutOptions{Checksum: azureblob.Checksum{MD5: []byte("short")}}), late: uploadLate, header: "Content-MD5: c2hvcnQ="},
		"negative range":   {early: download(azureblob.Range{Offset: -1}, azureblob.CallOptions{}), late: func(o azureblob.CallOptions) error { return download(azureblob.Range{}, o) }, header: "x-ms-range: bytes=--1-", azurite: "-"},
		"container name":   {early: failed(s.Container("Photos").Create(ctx, nil)), late: uploadLate, path: "/Photos/cat.jpg"},
		"short container":  {early: failed(s.Container("ab").Create(ctx, nil)), late: uploadLate, path: "/ab/cat.jpg"},
		"long blob name":   {early: failed(c.Blob(strings.Repeat("n", 1025)).Properties(ctx, nil)), late: uploadLate, path: "/" + c.Name() + "/" + strings.Repeat("n", 1025), azurite: "-"},
		"blob name":        {early: failed(c.Blob("a\x01").Properties(ctx, nil)), late: uploadLate, path: "/" + c.Name() + "/a\x01", azurite: "-"},
		"deep blob name":   {early: failed(c.Blob(strings.Repeat("a/", 254)+"a").Properties(ctx, nil)), late: uploadLate, path: "/" + c.Name() + "/" + strings.Repeat("a/", 254) + "a", azurite: "-"},
		"lease":            {early: lease(14*time.Second, azureblob.CallOptions{}), late: func(o azureblob.CallOptions) error { return lease(azureblob.LeaseForever, o) }, header: "x-ms-lease-duration: 14"},
		"lease id": {early: failed(c.Lease("mine").Acquire(ctx, azureblob.LeaseForever, nil)), late: func(o azureblob.CallOptions) error {
			return failed(c.Lease("").Acquire(ctx, 15*time.Second, &azureblob.LeaseOptions{CallOptions: o}))
		}, header: "x-ms-proposed-lease-id: mine", azurite: "-"},
		"size of pages":  {early: create(513, azureblob.CallOptions{}), late: func(o azureblob.CallOptions) error { return create(512, o) }, header: "x-ms-blob-content-length: 513", azurite: "-InvalidOperation"},
		"place of pages": {early: pages(1, azureblob.CallOptions{}), late: func(o azureblob.CallOptions) error { return pages(0, o) }, header: "x-ms-range: bytes=1-512", azurite: "Requested Range Not Satisfiable"},
		"append position": {early: failed(log.Append(ctx, zeros(1), &appendblob.AppendOptions{IfPosition: new(int64(-1))})), late: func(o azureblob.CallOptions) error {
			return failed(log.Append(ctx, zeros(1), &appendblob.AppendOptions{CallOptions: o}))
		}, header: "x-ms-blob-condition-appendpos: -1", azurite: "AppendPositionConditionNotMet"},
		"size of a page": {early: firstError(c.Blobs(ctx, &azureblob.ListBlobsOptions{PageSize: -1})), late: func(o azureblob.CallOptions) error {
			return firstError(c.Blobs(ctx, &azureblob.ListBlobsOptions{CallOptions: o, PageSize: 1}))
		}, query: "maxresults=-1", azurite: "-"},
		"long block id": {early: failed(blockblob.New(b).Stage(ctx, strings.Repeat("i", 65), zeros(1), nil)), late: func(o azureblob.CallOptions) error {
			return failed(blockblob.New(b).Stage(ctx, "id", zeros(1), &blockblob.StageOptions{CallOptions: o}))
		}, query: "blockid=" + strings.Repeat("aWlp", 22)},
		"kind of list": {early: failed(blockblob.New(b).Blocks(ctx, "some", nil)), late: func(o azureblob.CallOptions) error {
			return failed(blockblob.New(b).Blocks(ctx, blockblob.AllBlocks, &blockblob.BlocksOptions{CallOptions: o}))
		}, query: "blocklisttype=some", azurite: "-"},
		"find by OR": {early: firstError(s.FindBlobsByTags(ctx, `"a" = 'b' OR "c" = 'd'`, nil)), late: func(o azureblob.CallOptions) error {
			return firstError(s.FindBlobsByTags(ctx, `"a" = 'b'`, &azureblob.FindBlobsByTagsOptions{CallOptions: o}))
		}, query: `where="a" = 'b' OR "c" = 'd'`, azurite: "-"},
		"source": {early: failed(b.StartCopy(ctx, "photos/cat.jpg", nil)), late: func(o azureblob.CallOptions) error {
			return failed(b.StartCopy(ctx, c.Blob("log").URL(), &azureblob.StartCopyOptions{CallOptions: o}))
		}, header: "x-ms-copy-source: photos/cat.jpg"},
		"override no scope": {early: failed(c.Create(ctx, &azureblob.CreateContainerOptions{DenyEncryptionScopeOverride: true})), late: func(o azureblob.CallOptions) error {
			return failed(s.Container(c.Name()+"2").Create(ctx, &azureblob.CreateContainerOptions{CallOptions: o}))
		}, header: "x-ms-deny-encryption-scope-override: true", azurite: "-"},
	}
}
