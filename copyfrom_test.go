package azureblob_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/sas"
)

func init() {
	exercise("BlockBlob_UploadBlobFromURL", "BlobClient.CopyFrom", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.CopyFromOptions]()
		o.Immutability, o.LegalHold = azureblob.Immutability{}, false // which take another way
		return s.blob().CopyFrom(ctx, s.blob().WithSnapshot(s.snapshot), o)
	})
	exercise("BlockBlob_StageBlockFromURL", "BlobClient.CopyFrom", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.CopyFromOptions]()
		o.BlockSize = 1
		_, err := s.blob().CopyFrom(ctx, s.blob().WithSnapshot(s.snapshot), o)
		return nil, err
	})
}

// bytesOf is content in which every place looks different.
func bytesOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13 + i>>16*29)
	}
	return b
}

// operations are the names of the requests that a server got, of blobs other
// than those left out.
func operations(srv *blobtest.Server) (names []string) {
	for _, r := range srv.Requests() {
		names = append(names, r.Operation)
	}
	return names
}

func count(names []string, name string) (n int) {
	for _, other := range names {
		if other == name {
			n++
		}
	}
	return n
}

func TestCopyFrom(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c, ctx := newContainer(t, s), t.Context()
		headers := azureblob.HTTPHeaders{ContentType: "text/plain", ContentEncoding: "identity", ContentLanguage: "en-GB", ContentDisposition: "inline", CacheControl: "max-age=5"}
		for _, size := range []int{0, 1, 1000, 1001, 25_000} {
			from, to := c.Blob("from ü.txt"), c.Blob("to")
			content := bytesOf(size)
			up := must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(content), &azureblob.UploadOptions{
				HTTPHeaders: headers, Metadata: azureblob.Metadata{"k": "v", "other": "w"}, Tags: azureblob.Tags{"kind": "a cat", "a": "1"},
			}))
			source := must[azureblob.BlobPropertiesResult](t)(from.Properties(ctx, nil))
			var told []int64
			r, err := to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{
				BlockSize: 1000, Concurrency: 4, Tier: azureblob.TierCool,
				SourceConditions: azureblob.SourceConditions{IfMatch: up.ETag},
				Progress:         func(done int64) { told = append(told, done) },
			})
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			if r.Size != int64(size) || r.Streamed || r.SourceETag != up.ETag || r.ETag == "" || r.StatusCode != 201 || r.RequestID == "" {
				t.Errorf("%d bytes: %+v", size, r)
			}
			if len(told) == 0 || told[len(told)-1] != int64(size) || !slices.IsSorted(told) {
				t.Errorf("%d bytes: progress %v", size, told)
			}
			if got := must[[]byte](t)(to.ReadAll(ctx, nil)); !bytes.Equal(got, content) {
				t.Errorf("%d bytes: the copy is different, and has %d bytes", size, len(got))
			}
			p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil))
			if !reflect.DeepEqual(p.HTTPHeaders, source.HTTPHeaders) || len(p.HTTPHeaders.ContentMD5) != md5.Size {
				t.Errorf("%d bytes: headers %+v", size, p.HTTPHeaders)
			}
			tags := must[azureblob.TagsResult](t)(to.Tags(ctx, nil)).Tags
			if !maps.Equal(tags, azureblob.Tags{"kind": "a cat", "a": "1"}) {
				t.Errorf("%d bytes: tags %v", size, tags)
			}
			if !maps.Equal(p.Metadata, azureblob.Metadata{"k": "v", "other": "w"}) || p.AccessTier != azureblob.TierCool || p.ETag != r.ETag || p.BlobType != azureblob.BlockBlob {
				t.Errorf("%d bytes: %+v", size, p)
			}

			// The same with all that the options can have instead.
			r, err = to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{
				BlockSize: 1000, HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/x"}, Metadata: azureblob.Metadata{}, Tags: azureblob.Tags{},
				Conditions: azureblob.Conditions{IfMatch: r.ETag},
			})
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			p = must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil))
			if p.ContentType != "text/x" || p.CacheControl != "" || p.ContentLanguage != "" || len(p.Metadata) > 0 || p.TagCount != 0 {
				t.Errorf("%d bytes, with other properties: %+v", size, p)
			}
		}
	})
}

// TestCopyFromForms looks at what requests a copy is made of.
func TestCopyFromForms(t *testing.T) {
	const look, tags, put, stage, commit = "Get Blob Properties", "Get Blob Tags", "Put Blob From URL", "Put Block From URL", "Put Block List"
	for name, tc := range map[string]struct {
		size int
		o    azureblob.CopyFromOptions
		want []string
	}{
		"small":             {100, azureblob.CopyFromOptions{}, []string{look, tags, put}},
		"of one block":      {100, azureblob.CopyFromOptions{BlockSize: 100}, []string{look, tags, put}},
		"of two blocks":     {101, azureblob.CopyFromOptions{BlockSize: 100}, []string{look, tags, stage, stage, commit}},
		"empty":             {0, azureblob.CopyFromOptions{}, []string{look, tags, commit}},
		"with metadata":     {100, azureblob.CopyFromOptions{Metadata: azureblob.Metadata{"a": "b"}}, []string{look, tags, put}},
		"with tags":         {100, azureblob.CopyFromOptions{Tags: azureblob.Tags{"a": "b"}}, []string{look, put}},
		"without tags":      {101, azureblob.CopyFromOptions{BlockSize: 100, Tags: azureblob.Tags{}}, []string{look, stage, stage, commit}},
		"without metadata":  {100, azureblob.CopyFromOptions{Metadata: azureblob.Metadata{}}, []string{look, tags, stage, commit}},
		"with a legal hold": {100, azureblob.CopyFromOptions{LegalHold: true}, []string{look, tags, stage, commit}},
		"never overwriting": {101, azureblob.CopyFromOptions{BlockSize: 100, Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny}}, []string{look, tags, look, stage, stage, commit}},
	} {
		srv := blobtest.New(t)
		c := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
		from, to := c.Blob("from"), c.Blob("to")
		must[azureblob.UploadResult](t)(from.Upload(t.Context(), bytes.NewReader(bytesOf(tc.size)), &azureblob.UploadOptions{Metadata: azureblob.Metadata{"k": "v"}, Tags: azureblob.Tags{"k": "v"}}))
		before := len(srv.Requests())
		if _, err := to.CopyFrom(t.Context(), from, &tc.o); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := operations(srv)[before:]; !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q", name, got)
		}
		p := must[azureblob.BlobPropertiesResult](t)(to.Properties(t.Context(), nil))
		want := tc.o.Metadata
		if want == nil {
			want = azureblob.Metadata{"k": "v"}
		}
		given := tc.o.Tags == nil || len(tc.o.Tags) > 0
		if !maps.Equal(p.Metadata, want) || given != (p.TagCount == 1) || p.LegalHold != tc.o.LegalHold || p.ContentLength != int64(tc.size) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestCopyFromOneRequest: what one request copies is left to the service, unless
// the options have it.
func TestCopyFromOneRequest(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
	from, to := c.Blob("from"), c.Blob("to")
	must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(100)), &azureblob.UploadOptions{
		HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain", CacheControl: "max-age=5"}, Metadata: azureblob.Metadata{"k": "v"},
	}))
	last := func() http.Header { all := srv.Requests(); return all[len(all)-1].Header }
	must[azureblob.CopyFromResult](t)(to.CopyFrom(ctx, from, nil))
	for name := range last() {
		if name := strings.ToLower(name); strings.HasPrefix(name, "x-ms-meta-") || strings.HasPrefix(name, "x-ms-blob-c") || name == "x-ms-copy-source-blob-properties" {
			t.Errorf("%s was sent", name)
		}
	}
	must[azureblob.CopyFromResult](t)(to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/x"}}))
	if last().Get("x-ms-copy-source") == "" {
		t.Error("it took more than one request")
	}
	p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil))
	if p.ContentType != "text/x" || p.CacheControl != "" || p.Metadata["k"] != "v" {
		t.Errorf("%+v", p)
	}
	// The source changes when it has been looked at.
	o := &azureblob.CopyFromOptions{}
	o.OnResponse = func(resp *http.Response) {
		if resp.Request.Method == http.MethodHead {
			must[azureblob.UploadResult](t)(from.Upload(ctx, strings.NewReader("new"), nil))
		}
	}
	if _, err := to.CopyFrom(ctx, from, o); !errors.Is(err, azureblob.ErrBlobModified) {
		t.Errorf("of a source that was changed: %v", err)
	}
}

// TestCopyFromStopsBeingReadable: when the service has read a part of the source
// there is no streaming.
func TestCopyFromStopsBeingReadable(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
	from, to := c.Blob("from"), c.Blob("to")
	must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(5000)), nil))
	srv.Inject(blobtest.Fault{Operation: "Put Block From URL", Nth: 3, Times: -1, Status: 403, Code: "CannotVerifyCopySource"})
	_, err := to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{BlockSize: 1000, Concurrency: 1})
	if !errors.Is(err, azureblob.CannotVerifyCopySource) || count(operations(srv), "Get Blob") > 0 {
		t.Errorf("%v, %q", err, operations(srv))
	}
}

// TestCopyFromAccess copies with every way in which a handle can be allowed to
// read, between two accounts.
func TestCopyFromAccess(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{Accounts: map[string]string{"other": "b3RoZXIga2V5"}, Versioning: true})
	s, ctx := srv.ServiceClient(azureblob.CapturingOptions()), t.Context()
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("other", "b3RoZXIga2V5"))
	o := func() *azureblob.ClientOptions {
		o := azureblob.CapturingOptions()
		o.Transport = srv.Transport()
		return o
	}
	const endpoint = "https://other.blob.test"
	other := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(endpoint, key, o()))
	private := newContainer(t, other)
	public := other.Container("public")
	must[azureblob.CreateContainerResult](t)(public.Create(ctx, &azureblob.CreateContainerOptions{PublicAccess: azureblob.PublicAccessBlob}))
	content := bytesOf(2500)
	signed := func(b *azureblob.BlobClient) string {
		return must[string](t)(b.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: time.Now().Add(time.Minute)}))
	}
	open := func(url string, cred azureblob.Credential) *azureblob.BlobClient {
		return must[*azureblob.BlobClient](t)(azureblob.NewBlobClient(url, cred, o()))
	}
	b := private.Blob("a//ü b")
	first := must[azureblob.UploadResult](t)(b.Upload(ctx, bytes.NewReader(content), nil))
	snapshot := must[azureblob.SnapshotResult](t)(b.Snapshot(ctx, nil))
	must[azureblob.UploadResult](t)(public.Blob("b").Upload(ctx, bytes.NewReader(content), nil))
	customer := must[azureblob.CustomerKey](t)(azureblob.NewCustomerKey(make([]byte, 32)))
	encrypted := private.Blob("encrypted").WithCustomerKey(customer)
	must[azureblob.UploadResult](t)(encrypted.Upload(ctx, bytes.NewReader(content), nil))
	old := b.WithSnapshot(snapshot.Snapshot)
	byToken := azureblob.TokenCredential(staticToken{"a secret token"})
	sources := map[string]*azureblob.BlobClient{
		"key": b, "key, snapshot": old, "key, version": b.WithVersion(first.VersionID),
		"signature": open(signed(b), nil), "signature, snapshot": open(signed(old), nil),
		"signature apart": open(b.URL(), azureblob.SASCredential("?"+strings.SplitN(signed(b), "?", 2)[1])),
		"token":           open(b.URL(), byToken), "token, snapshot": open(old.URL(), byToken),
		"anonymous": open(public.Blob("b").URL(), nil), "customer key": encrypted,
	}
	must[azureblob.UploadResult](t)(b.Upload(ctx, bytes.NewReader(content), nil)) // the same, so that it is no matter
	for name, source := range sources {
		for _, block := range []int64{0, 1000} {
			to := newContainer(t, s).Blob("to")
			before := len(srv.Requests())
			r, err := to.CopyFrom(ctx, source, &azureblob.CopyFromOptions{NoStreaming: true, BlockSize: block})
			if err != nil || r.Size != 2500 {
				t.Errorf("%s, blocks of %d: %+v, %v", name, block, r, err)
				continue
			}
			if n := count(operations(srv)[before:], "Get Blob"); n > 0 {
				t.Errorf("%s: the content was downloaded", name)
			}
			if got := must[[]byte](t)(to.ReadAll(ctx, nil)); !bytes.Equal(got, content) {
				t.Errorf("%s: the copy is different", name)
			}
		}
	}
}

// TestCopyFromElsewhere copies between two servers that only know each other's
// address.
func TestCopyFromElsewhere(t *testing.T) {
	one, two, ctx := blobtest.New(t), blobtest.New(t), t.Context()
	service := func(srv *blobtest.Server) *azureblob.ServiceClient {
		return must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(srv.ConnectionString(), azureblob.CapturingOptions()))
	}
	from := newContainer(t, service(one)).Blob("from")
	to := newContainer(t, service(two)).Blob("to")
	up := must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(2500)), &azureblob.UploadOptions{Metadata: azureblob.Metadata{"k": "v"}}))
	for _, block := range []int64{0, 1000} {
		r, err := to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{BlockSize: block, NoStreaming: true})
		if err != nil || r.SourceETag != up.ETag {
			t.Fatal(r, err)
		}
		p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil))
		if got := must[[]byte](t)(to.ReadAll(ctx, nil)); !bytes.Equal(got, bytesOf(2500)) || p.Metadata["k"] != "v" {
			t.Errorf("%d bytes, %+v", len(got), p)
		}
	}
}

// TestCopyFromStreams copies what the service cannot read.
func TestCopyFromStreams(t *testing.T) {
	customer := must[azureblob.CustomerKey](t)(azureblob.NewCustomerKey(make([]byte, 32)))
	unreadable := []blobtest.Fault{
		{Operation: "Put Blob From URL", Times: -1, Status: 403, Code: "CannotVerifyCopySource"},
		{Operation: "Put Block From URL", Times: -1, Status: 404, Code: "CannotVerifyCopySource"},
	}
	for name, tc := range map[string]struct {
		faults []blobtest.Fault
		name   string
		key    azureblob.CustomerKey
	}{
		"unreadable":  {faults: unreadable, name: "from"},
		"with a key":  {faults: unreadable, name: "from", key: customer},
		"unsupported": {name: "from", faults: []blobtest.Fault{{Operation: "Put Blob From URL", Times: -1, Status: 501, Code: "NotImplemented"}, {Operation: "Put Block From URL", Times: -1, Status: 501}}},
		"long name":   {name: strings.Repeat("ü", 1000)},
	} {
		for _, block := range []int64{0, 1000} {
			srv := blobtest.New(t)
			c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
			from, to := c.Blob(tc.name).WithCustomerKey(tc.key), c.Blob("to").WithCustomerKey(tc.key)
			must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(2500)), &azureblob.UploadOptions{Metadata: azureblob.Metadata{"k": "v"}, HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/x"}}))
			for _, f := range tc.faults {
				srv.Inject(f)
			}
			var told []int64
			r, err := to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{BlockSize: block, Progress: func(n int64) { told = append(told, n) }})
			if err != nil || !r.Streamed || r.Size != 2500 {
				t.Errorf("%s: %+v, %v", name, r, err)
				continue
			}
			p := must[azureblob.BlobPropertiesResult](t)(to.Properties(ctx, nil))
			if got := must[[]byte](t)(to.ReadAll(ctx, nil)); !bytes.Equal(got, bytesOf(2500)) || p.Metadata["k"] != "v" || p.ContentType != "text/x" {
				t.Errorf("%s: %d bytes, %+v", name, len(got), p)
			}
			if !slices.IsSorted(told) || told[len(told)-1] != 2500 {
				t.Errorf("%s: progress %v", name, told)
			}
			_, err = c.Blob("strict").WithCustomerKey(tc.key).CopyFrom(ctx, from, &azureblob.CopyFromOptions{BlockSize: block, NoStreaming: true})
			if ok, _ := c.Blob("strict").Exists(ctx, nil); err == nil || ok {
				t.Errorf("%s, without streaming: %v, the blob exists: %v", name, err, ok)
			}
			if len(tc.faults) > 0 && name != "unsupported" && !errors.Is(err, azureblob.CannotVerifyCopySource) {
				t.Errorf("%s, without streaming: %v", name, err)
			}
		}
	}
}

// TestCopyFromFallsBackOnce: what the service cannot do in one request it may do
// in blocks.
func TestCopyFromFallsBackOnce(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
	from, to := c.Blob("from"), c.Blob("to")
	must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(100)), nil))
	srv.Inject(blobtest.Fault{Operation: "Put Blob From URL", Status: 501, Code: "NotImplemented"})
	r, err := to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{NoStreaming: true})
	if err != nil || r.Streamed || count(operations(srv), "Put Block From URL") != 1 {
		t.Errorf("%+v, %v, %q", r, err, operations(srv))
	}
}

// TestCopyFromChanged changes the source when a part of it has been copied.
func TestCopyFromChanged(t *testing.T) {
	for name, faults := range map[string][]blobtest.Fault{
		"blocks":    nil,
		"older":     {{Operation: "Put Block From URL", Nth: 2, Times: -1, Status: 412, Code: "CannotVerifyCopySource"}},
		"streaming": {{Operation: "Put Block From URL", Times: -1, Status: 403, Code: "CannotVerifyCopySource"}},
	} {
		for _, gone := range []bool{false, true} {
			srv := blobtest.New(t)
			c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
			from, to := c.Blob("from"), c.Blob("to")
			must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(5000)), nil))
			must[azureblob.UploadResult](t)(to.Upload(ctx, strings.NewReader("old"), nil))
			for _, f := range faults {
				srv.Inject(f)
			}
			parts := 0
			o := &azureblob.CopyFromOptions{BlockSize: 1000, Concurrency: 1}
			o.OnResponse = func(resp *http.Response) {
				if resp.Request.URL.Query().Get("comp") != "block" {
					return
				}
				if parts++; parts == 1 {
					if gone {
						must[azureblob.DeleteBlobResult](t)(from.Delete(ctx, nil))
					} else {
						must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(6000)), nil))
					}
				}
			}
			_, err := to.CopyFrom(ctx, from, o)
			if gone && name != "older" {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s, of a source that was deleted: %v", name, err)
				}
			} else if !errors.Is(err, azureblob.ErrBlobModified) {
				t.Errorf("%s: %v", name, err)
			}
			if got := must[[]byte](t)(to.ReadAll(ctx, nil)); string(got) != "old" {
				t.Errorf("%s: the blob has %d bytes after a copy that failed", name, len(got))
			}
		}
	}
}

// TestCopyFromChangedSource is the plain case of it, on both services.
func TestCopyFromChangedSource(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c, ctx := newContainer(t, s), t.Context()
		from, to := c.Blob("from"), c.Blob("to")
		must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(5000)), nil))
		parts := 0
		o := &azureblob.CopyFromOptions{BlockSize: 1000, Concurrency: 1}
		o.OnResponse = func(resp *http.Response) {
			if resp.Request.URL.Query().Get("comp") == "block" {
				if parts++; parts == 3 {
					must[azureblob.SetBlobMetadataResult](t)(from.SetMetadata(ctx, azureblob.Metadata{"new": "state"}, nil))
				}
			}
		}
		if _, err := to.CopyFrom(ctx, from, o); !errors.Is(err, azureblob.ErrBlobModified) || !errors.Is(err, azureblob.SourceConditionNotMet) {
			t.Error(err)
		}
		if ok, err := to.Exists(ctx, nil); ok || err != nil {
			t.Errorf("the blob exists: %v, %v", ok, err)
		}
	})
}

// TestCopyFromInTheClear: no token goes over http, so the content does.
func TestCopyFromInTheClear(t *testing.T) {
	one, two, ctx := blobtest.New(t), blobtest.New(t), t.Context()
	o := azureblob.CapturingOptions()
	o.Transport = one.Transport()
	byToken := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(one.Endpoint(), azureblob.TokenCredential(staticToken{"a secret token"}), o))
	from := newContainer(t, byToken).Blob("from")
	must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(2500)), nil))
	plain := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(two.ConnectionString(), azureblob.CapturingOptions()))
	to := newContainer(t, plain).Blob("to")
	if _, err := to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{NoStreaming: true}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("without streaming: %v", err)
	}
	if r, err := to.CopyFrom(ctx, from, nil); err != nil || !r.Streamed {
		t.Errorf("%+v, %v", r, err)
	}
	for _, r := range two.Requests() {
		if r.Header.Get("x-ms-copy-source-authorization") != "" {
			t.Error("the token was sent")
		}
	}
}

func TestCopyFromConditions(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		c, ctx := newContainer(t, s), t.Context()
		from, to := c.Blob("from"), c.Blob("to")
		up := must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(2500)), nil))
		must[azureblob.UploadResult](t)(to.Upload(ctx, strings.NewReader("old"), nil))
		for _, block := range []int64{0, 1000} {
			for name, tc := range map[string]struct {
				o    azureblob.CopyFromOptions
				want error
			}{
				"never overwrite":      {azureblob.CopyFromOptions{Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny}}, fs.ErrExist},
				"another destination":  {azureblob.CopyFromOptions{Conditions: azureblob.Conditions{IfMatch: `"0x1"`}}, azureblob.ConditionNotMet},
				"another source":       {azureblob.CopyFromOptions{SourceConditions: azureblob.SourceConditions{IfMatch: `"0x1"`}}, azureblob.SourceConditionNotMet},
				"not this source":      {azureblob.CopyFromOptions{SourceConditions: azureblob.SourceConditions{IfNoneMatch: up.ETag}}, azureblob.SourceConditionNotMet},
				"a source of long ago": {azureblob.CopyFromOptions{SourceConditions: azureblob.SourceConditions{IfUnmodifiedSince: time.Now().Add(-time.Hour)}}, azureblob.SourceConditionNotMet},
			} {
				tc.o.BlockSize = block
				if _, err := to.CopyFrom(ctx, from, &tc.o); !errors.Is(err, tc.want) {
					t.Errorf("%s, blocks of %d: %v", name, block, err)
				}
			}
		}
		if got := must[[]byte](t)(to.ReadAll(ctx, nil)); string(got) != "old" {
			t.Errorf("the blob has %d bytes", len(got))
		}
		if _, err := to.CopyFrom(ctx, c.Blob("none"), nil); !errors.Is(err, azureblob.BlobNotFound) {
			t.Errorf("of a blob that is not there: %v", err)
		}
	})
}

// TestCopyFromHopeless: blocks are not copied for a commit that must fail.
func TestCopyFromHopeless(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
	from, to := c.Blob("from"), c.Blob("to")
	must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(25_000)), nil))
	must[azureblob.UploadResult](t)(to.Upload(ctx, strings.NewReader("old"), nil))
	_, err := to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{BlockSize: 1000, Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny}})
	if n := count(operations(srv), "Put Block From URL"); n > 0 || !errors.Is(err, azureblob.BlobAlreadyExists) {
		t.Errorf("%d blocks were copied: %v", n, err)
	}
}

func TestCopyFromBusy(t *testing.T) {
	srv := blobtest.New(t)
	o := azureblob.CapturingOptions()
	o.Retry.Delay = time.Millisecond
	c, ctx := newContainer(t, srv.ServiceClient(o)), t.Context()
	from, to := c.Blob("from"), c.Blob("to")
	must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(25_000)), nil))
	for _, f := range []blobtest.Fault{
		{Operation: "Put Block From URL", Nth: 3, Times: 4, Status: 503, Code: "ServerBusy"},
		{Operation: "Put Block From URL", Nth: 9, Reset: true},
		{Operation: "Put Block From URL", Nth: 15, At: blobtest.AfterOperation, Status: 500, Code: "InternalError"},
		{Operation: "Put Block List", At: blobtest.AfterOperation, Reset: true},
	} {
		defer func(i *blobtest.Injected) {
			if i.Fired() == 0 {
				t.Errorf("%+v did not happen", f)
			}
		}(srv.Inject(f))
	}
	if _, err := to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{BlockSize: 1000}); err != nil {
		t.Fatal(err)
	}
	if got := must[[]byte](t)(to.ReadAll(ctx, nil)); !bytes.Equal(got, bytesOf(25_000)) {
		t.Error("the copy is different")
	}
	// One that stays busy is no reason to stream.
	srv.Inject(blobtest.Fault{Operation: "Put Block From URL", Times: -1, Status: 503, Code: "ServerBusy"})
	before := len(srv.Requests())
	if _, err := to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{BlockSize: 1000}); !errors.Is(err, azureblob.ServerBusy) || count(operations(srv)[before:], "Get Blob") > 0 {
		t.Errorf("%v, %q", err, operations(srv)[before:])
	}
}

// TestCopyFromCancelled gives a copy up when a part of it is there.
func TestCopyFromCancelled(t *testing.T) {
	srv := blobtest.New(t)
	c := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
	from, to := c.Blob("from"), c.Blob("to")
	must[azureblob.UploadResult](t)(from.Upload(t.Context(), bytes.NewReader(bytesOf(25_000)), nil))
	ctx, cancel := context.WithCancelCause(t.Context())
	parts, why := 0, errors.New("somebody said stop")
	o := &azureblob.CopyFromOptions{BlockSize: 1000, Concurrency: 1}
	o.OnResponse = func(resp *http.Response) {
		if resp.Request.URL.Query().Get("comp") == "block" {
			if parts++; parts == 3 {
				cancel(why)
			}
		}
	}
	_, err := to.CopyFrom(ctx, from, o)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Error(err)
	}
	if n := count(operations(srv), "Put Block From URL"); n != 3 || count(operations(srv), "Put Block List") > 0 || count(operations(srv), "Get Blob") > 0 {
		t.Errorf("%q", operations(srv))
	}
	if ok, err := to.Exists(t.Context(), nil); ok || err != nil {
		t.Errorf("the blob exists: %v, %v", ok, err)
	}
}

// TestCopyFromHeaders: extra headers for one account are not told to the other.
func TestCopyFromHeaders(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions())), t.Context()
	from, to := c.Blob("from"), c.Blob("to")
	must[azureblob.UploadResult](t)(from.Upload(ctx, bytes.NewReader(bytesOf(2500)), nil))
	srv.Inject(blobtest.Fault{Operation: "Put Block From URL", Times: -1, Status: 403, Code: "CannotVerifyCopySource"})
	before := len(srv.Requests())
	o := &azureblob.CopyFromOptions{BlockSize: 1000}
	o.Header, o.ClientRequestID = http.Header{"X-Extra": {"some"}}, "mine"
	must[azureblob.CopyFromResult](t)(to.CopyFrom(ctx, from, o))
	for _, r := range srv.Requests()[before:] {
		if extra := r.Header.Get("x-extra"); (extra != "") != (r.Blob == "to") || r.Header.Get("x-ms-client-request-id") != "mine" {
			t.Errorf("%s of %s: %q, %q", r.Operation, r.Blob, extra, r.Header.Get("x-ms-client-request-id"))
		}
	}
}

func TestCopyFromRefusals(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := srv.ServiceClient(azureblob.CapturingOptions()).Container("photos"), t.Context()
	from, to := c.Blob("from"), c.Blob("to")
	var noContext context.Context
	for name, call := range map[string]func() (azureblob.CopyFromResult, error){
		"nil source":    func() (azureblob.CopyFromResult, error) { return to.CopyFrom(ctx, nil, nil) },
		"zero source":   func() (azureblob.CopyFromResult, error) { return to.CopyFrom(ctx, &azureblob.BlobClient{}, nil) },
		"zero client":   func() (azureblob.CopyFromResult, error) { return (&azureblob.BlobClient{}).CopyFrom(ctx, from, nil) },
		"nil context":   func() (azureblob.CopyFromResult, error) { return to.CopyFrom(noContext, from, nil) },
		"to a snapshot": func() (azureblob.CopyFromResult, error) { return to.WithSnapshot("s").CopyFrom(ctx, from, nil) },
		"bad name":      func() (azureblob.CopyFromResult, error) { return c.Blob("").CopyFrom(ctx, from, nil) },
		"bad source":    func() (azureblob.CopyFromResult, error) { return to.CopyFrom(ctx, c.Blob(""), nil) },
		"negative block": func() (azureblob.CopyFromResult, error) {
			return to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{BlockSize: -1})
		},
		"huge block": func() (azureblob.CopyFromResult, error) {
			return to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{BlockSize: 1 << 40})
		},
		"negative parallel": func() (azureblob.CopyFromResult, error) {
			return to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{Concurrency: -1})
		},
		"bad metadata": func() (azureblob.CopyFromResult, error) {
			return to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{Metadata: azureblob.Metadata{"a b": "c"}})
		},
		"bad condition": func() (azureblob.CopyFromResult, error) {
			return to.CopyFrom(ctx, from, &azureblob.CopyFromOptions{SourceConditions: azureblob.SourceConditions{IfMatch: "a\nb"}})
		},
	} {
		if r, err := call(); !errors.Is(err, fs.ErrInvalid) || r.ETag != "" {
			t.Errorf("%s: %v, want fs.ErrInvalid", name, err)
		}
	}
	if n := len(srv.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}
