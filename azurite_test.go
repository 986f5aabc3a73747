package azureblob_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/azurite"
)

// emulated is a client of the emulator that the tests share.
func emulated(t *testing.T) *azureblob.ServiceClient {
	t.Helper()
	s, err := azureblob.NewServiceClientFromConnectionString(azurite.Shared(t).ConnectionString(), azureblob.CapturingOptions())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newContainer is a container of its own for a test.
func newContainer(t *testing.T, s *azureblob.ServiceClient) *azureblob.ContainerClient {
	t.Helper()
	c := s.Container("t-" + strings.ToLower(rand.Text()))
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return c
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestEmulatorContainer(t *testing.T) {
	s, ctx := emulated(t), t.Context()
	c := s.Container("t-" + strings.ToLower(rand.Text()))

	if ok, err := c.Exists(ctx, nil); ok || err != nil {
		t.Errorf("Exists before: %v, %v", ok, err)
	}
	if _, err := c.Properties(ctx, nil); !errors.Is(err, azureblob.ContainerNotFound) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Properties before: %v", err)
	}
	created, err := c.Create(ctx, &azureblob.CreateContainerOptions{
		Metadata: azureblob.Metadata{"Project": "x"}, PublicAccess: azureblob.PublicAccessBlob,
	})
	if err != nil || created.StatusCode != 201 || created.ETag == "" || created.RequestID == "" || created.LastModified.IsZero() {
		t.Fatalf("Create: %+v, %v", created, err)
	}
	if _, err := c.Create(ctx, nil); !errors.Is(err, azureblob.ContainerAlreadyExists) || !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create again: %v", err)
	}
	if r, err := c.CreateIfNotExists(ctx, nil); err != nil || r.StatusCode != 409 || r.RequestID == "" {
		t.Errorf("CreateIfNotExists: %+v, %v", r, err)
	}
	p, err := c.Properties(ctx, nil)
	if err != nil || p.Metadata["project"] != "x" || len(p.Metadata) != 1 || p.PublicAccess != azureblob.PublicAccessBlob ||
		p.LeaseState != azureblob.LeaseAvailable || p.ETag != created.ETag {
		t.Errorf("Properties: %+v, %v", p, err)
	}
	must[azureblob.SetContainerMetadataResult](t)(c.SetMetadata(ctx, azureblob.Metadata{"a_1": "2", "a1": "3"}, nil))
	if p, err = c.Properties(ctx, nil); err != nil || p.Metadata["a_1"] != "2" || p.Metadata["a1"] != "3" || len(p.Metadata) != 2 {
		t.Errorf("Properties after SetMetadata: %v, %v", p.Metadata, err)
	}
	found := false
	for item, err := range s.Containers(ctx, &azureblob.ListContainersOptions{Prefix: c.Name(), Include: azureblob.ListContainersInclude{Metadata: true}}) {
		if err != nil {
			t.Fatal(err)
		}
		found = item.Name == c.Name() && item.Metadata["a_1"] == "2" && item.Properties.ETag == p.ETag && item.Properties.LastModified.Equal(p.LastModified)
	}
	if !found {
		t.Error("the listing does not have the container as it is")
	}
	must[azureblob.DeleteContainerResult](t)(c.Delete(ctx, nil))
	if ok, err := c.Exists(ctx, nil); ok || err != nil {
		t.Errorf("Exists after: %v, %v", ok, err)
	}
}

func TestEmulatorAccountInfo(t *testing.T) {
	info, err := emulated(t).AccountInfo(t.Context(), nil)
	if err != nil || info.Kind != azureblob.AccountStorageV2 || info.SKU == "" {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestEmulatorBlob(t *testing.T) {
	c, ctx := newContainer(t, emulated(t)), t.Context()
	b := c.Blob("folder/cat.txt")
	if ok, err := b.Exists(ctx, nil); ok || err != nil {
		t.Errorf("Exists before: %v, %v", ok, err)
	}
	up, err := b.Upload(ctx, strings.NewReader("meow"), &azureblob.UploadOptions{
		HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain", ContentEncoding: "identity", ContentLanguage: "en-GB",
			ContentDisposition: "inline", CacheControl: "max-age=5"},
		Metadata: azureblob.Metadata{"camelCase": "v", "a_1": "2", "a1": "3"},
		Tags:     azureblob.Tags{"kind": "cat", "who": "me + you=us"},
		Tier:     azureblob.TierCool,
	})
	if err != nil || up.ETag == "" || up.Size != 4 {
		t.Fatalf("Upload: %+v, %v", up, err)
	}
	p, err := b.Properties(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.ContentLength != 4 || p.ContentType != "text/plain" || p.ContentEncoding != "identity" || p.ContentLanguage != "en-GB" ||
		p.ContentDisposition != "inline" || p.CacheControl != "max-age=5" || p.BlobType != azureblob.BlockBlob || p.ETag != up.ETag ||
		p.AccessTier != azureblob.TierCool || p.TagCount != 2 || len(p.ContentMD5) != 16 || p.CreationTime.IsZero() ||
		p.Metadata["camelcase"] != "v" || p.Metadata["a_1"] != "2" || p.Metadata["a1"] != "3" {
		t.Errorf("Properties: %+v", p)
	}
	must[azureblob.SetHTTPHeadersResult](t)(b.SetHTTPHeaders(ctx, azureblob.HTTPHeaders{ContentType: "text/x-cat"}, nil))
	meta := must[azureblob.SetBlobMetadataResult](t)(b.SetMetadata(ctx, azureblob.Metadata{"new": "1"}, &azureblob.SetBlobMetadataOptions{
		Conditions: azureblob.Conditions{IfUnmodifiedSince: p.LastModified.Add(5 * 1e9)},
	}))
	if p, err = b.Properties(ctx, nil); err != nil || p.ContentType != "text/x-cat" || p.CacheControl != "" || len(p.Metadata) != 1 || p.ETag != meta.ETag {
		t.Errorf("Properties after: %+v, %v", p, err)
	}
	if _, err := b.SetMetadata(ctx, nil, &azureblob.SetBlobMetadataOptions{Conditions: azureblob.Conditions{IfMatch: up.ETag}}); !errors.Is(err, azureblob.ConditionNotMet) {
		t.Errorf("SetMetadata with an old ETag: %v", err)
	}
	if r := must[azureblob.SetTierResult](t)(b.SetTier(ctx, azureblob.TierHot, nil)); r.Pending {
		t.Error("SetTier is pending")
	}
	if _, err := b.Undelete(ctx, nil); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Undelete, which the emulator lacks: %v", err)
	}
	must[azureblob.DeleteBlobResult](t)(b.Delete(ctx, nil))
	if _, err := b.Delete(ctx, nil); !errors.Is(err, azureblob.BlobNotFound) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Delete again: %v", err)
	}
	if _, err := b.ReadAll(ctx, nil); !errors.Is(err, azureblob.BlobNotFound) {
		t.Errorf("ReadAll after Delete: %v", err)
	}
}

func TestEmulatorSnapshots(t *testing.T) {
	c, ctx := newContainer(t, emulated(t)), t.Context()
	b := c.Blob("cat.txt")
	must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("old"), nil))
	snap, err := b.Snapshot(ctx, &azureblob.SnapshotOptions{Metadata: azureblob.Metadata{"of": "old"}})
	if err != nil || snap.Snapshot == "" {
		t.Fatalf("Snapshot: %+v, %v", snap, err)
	}
	must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("newer"), nil))
	old := b.WithSnapshot(snap.Snapshot)
	if got, err := old.ReadAll(ctx, nil); err != nil || string(got) != "old" {
		t.Errorf("the snapshot has %q, %v", got, err)
	}
	if p, err := old.Properties(ctx, nil); err != nil || p.Metadata["of"] != "old" {
		t.Errorf("properties of the snapshot: %v, %v", p.Metadata, err)
	}
	if got, err := b.ReadAll(ctx, nil); err != nil || string(got) != "newer" {
		t.Errorf("the blob has %q, %v", got, err)
	}
	if _, err := old.Upload(ctx, strings.NewReader("x"), nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Upload to a snapshot: %v, want an error before the network", err)
	}
	var listed []string
	for item, err := range c.Blobs(ctx, &azureblob.ListBlobsOptions{Include: azureblob.ListBlobsInclude{Snapshots: true}}) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, item.Name+"@"+item.Snapshot)
	}
	slices.Sort(listed)
	if want := []string{"cat.txt@", "cat.txt@" + snap.Snapshot}; !slices.Equal(listed, want) {
		t.Errorf("listed %v, want %v", listed, want)
	}
	if _, err := b.Delete(ctx, nil); !errors.Is(err, azureblob.SnapshotsPresent) {
		t.Errorf("Delete with snapshots: %v", err)
	}
	must[azureblob.DeleteBlobResult](t)(b.Delete(ctx, &azureblob.DeleteBlobOptions{Snapshots: azureblob.DeleteSnapshotsOnly}))
	if ok, err := old.Exists(ctx, nil); ok || err != nil {
		t.Errorf("the snapshot after Delete: %v, %v", ok, err)
	}
	must[azureblob.DeleteBlobResult](t)(b.Delete(ctx, &azureblob.DeleteBlobOptions{Snapshots: azureblob.DeleteSnapshotsInclude}))
}

// nastyNames are names that clients have tripped over.
var nastyNames = []string{
	"a b", "100%", "%20", "a+b", "a#b", "a?b=c", "a&b", "a=b", "ü", "日本語", "😀", "e\u0301", "\u00e9", "\"quoted\"", "'single'", "a;b,c:d@e",
	"~!*()$", "<>|", "[]{}^`", "a//b", "/x", "x/", "//", "x.", "a/./b", "a/../b", "..", ".", strings.Repeat("n", 1024), "k=v&comp=list",
	" leading", "trailing ", "\u00a0", "a\u2028b",
}

func TestEmulatorNastyNames(t *testing.T) {
	c, ctx := newContainer(t, emulated(t)), t.Context()
	for _, name := range nastyNames {
		b := c.Blob(name)
		if _, err := b.Upload(ctx, strings.NewReader("content of "+name), nil); err != nil {
			t.Errorf("Upload of %.40q: %v", name, err)
			continue
		}
		if got, err := b.ReadAll(ctx, nil); err != nil || string(got) != "content of "+name {
			t.Errorf("ReadAll of %.40q: %.60q, %v", name, got, err)
		}
		again, err := azureblob.NewBlobClient(b.URL(), mustCredential(t), azureblob.CapturingOptions())
		if err != nil || again.Name() != name {
			t.Errorf("%.40q does not come back from its URL: %v", name, err)
		}
	}
	var listed []string
	for item, err := range c.Blobs(ctx, &azureblob.ListBlobsOptions{PageSize: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, item.Name)
	}
	want := slices.Clone(nastyNames)
	slices.Sort(want)
	slices.Sort(listed)
	if !slices.Equal(listed, want) {
		t.Errorf("listed %d names: %.300q\nwant %d: %.300q", len(listed), listed, len(want), want)
	}
	for _, name := range nastyNames {
		if _, err := c.Blob(name).Delete(ctx, nil); err != nil {
			t.Errorf("Delete of %.40q: %v", name, err)
		}
	}
}

func mustCredential(t *testing.T) *azureblob.SharedKeyCredential {
	s := azurite.Shared(t)
	return must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(s.Account(), s.Key()))
}

func TestBadNames(t *testing.T) {
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", nil, refusingOptions(t)))
	for _, name := range []string{"", "ab", strings.Repeat("c", 64), "Photos", "a_b", "-ab", "ab-", "a--b", "ü12", "a/b", "a\x00b", "$", "$" + strings.Repeat("a", 63)} {
		if _, err := s.Container(name).Create(t.Context(), nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("container %q: %v, want an error before the network", name, err)
		}
	}
	for _, name := range []string{"", strings.Repeat("n", 1025), "a\x00b", "\xff", "tab\there", "line\nbreak", "\x7f", strings.Repeat("a/", 300) + "b", strings.Repeat("😀", 513)} {
		if _, err := s.Container("photos").Blob(name).Properties(t.Context(), nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("blob %.20q: %v, want an error before the network", name, err)
		}
	}
	for value, what := range map[string]string{"é": "not ASCII", "a\nb": "a line break", " a": "a space at the end", "a\x00": "a NUL"} {
		o := &azureblob.UploadOptions{Metadata: azureblob.Metadata{"key": value}}
		if _, err := s.Container("photos").Blob("b").Upload(t.Context(), strings.NewReader("x"), o); !errors.Is(err, fs.ErrInvalid) || strings.Contains(err.Error(), value) {
			t.Errorf("metadata with %s: %v, want an error before the network", what, err)
		}
	}
}

// refusingOptions are those of a client that must not send anything.
func refusingOptions(t *testing.T) *azureblob.ClientOptions {
	o := azureblob.CapturingOptions()
	o.Transport = transportFunc(func(req *http.Request) (*http.Response, error) {
		t.Errorf("a %s was sent", req.Method)
		return nil, errors.New("nothing is to be sent")
	})
	return o
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

func TestEmulatorLists(t *testing.T) {
	c, ctx := newContainer(t, emulated(t)), t.Context()
	names := []string{"a", "b/1", "b/2", "b/c/3", "b/c/4", "b0", "d/5", "e"}
	for _, name := range names {
		must[azureblob.UploadResult](t)(c.Blob(name).Upload(ctx, strings.NewReader(name), &azureblob.UploadOptions{
			Metadata: azureblob.Metadata{"Name": "x"}, Tags: azureblob.Tags{"first": name[:1], "k": "v"}}))
	}
	var flat []string
	for item, err := range c.Blobs(ctx, &azureblob.ListBlobsOptions{PageSize: 3, Include: azureblob.ListBlobsInclude{Metadata: true, Tags: true}}) {
		if err != nil {
			t.Fatal(err)
		}
		flat = append(flat, item.Name)
		p := item.Properties
		if p.ContentLength != int64(len(item.Name)) || p.ETag == "" || !strings.HasPrefix(string(p.ETag), `"`) || p.LastModified.IsZero() ||
			p.BlobType != azureblob.BlockBlob || item.Metadata["name"] != "x" || item.Tags["first"] != item.Name[:1] || item.Tags["k"] != "v" || len(p.ContentMD5) != 16 {
			t.Errorf("item %+v", item)
		}
	}
	if !slices.Equal(flat, names) {
		t.Errorf("flat: %v", flat)
	}
	var level []string
	for item, err := range c.BlobsByHierarchy(ctx, "/", nil) {
		if err != nil {
			t.Fatal(err)
		}
		level = append(level, fmt.Sprintf("%s:%v", item.Name, item.IsPrefix))
	}
	if want := []string{"a:false", "b/:true", "b0:false", "d/:true", "e:false"}; !slices.Equal(level, want) {
		t.Errorf("by hierarchy: %v, want %v", level, want)
	}
	var pages, items int
	marker := ""
	for page, err := range c.BlobPages(ctx, &azureblob.ListBlobsOptions{PageSize: 5}) {
		if err != nil {
			t.Fatal(err)
		}
		pages, items = pages+1, items+len(page.Blobs)
		if marker == "" {
			marker = page.NextMarker
		}
		if page.ContainerName == "" || page.ServiceEndpoint == "" || page.StatusCode != 200 {
			t.Errorf("page: %+v", page)
		}
	}
	if pages != 2 || items != len(names) {
		t.Errorf("%d pages with %d items", pages, items)
	}
	var rest []string
	for item, err := range c.Blobs(ctx, &azureblob.ListBlobsOptions{PageSize: 5, Marker: marker}) {
		if err != nil {
			t.Fatal(err)
		}
		rest = append(rest, item.Name)
	}
	if !slices.Equal(rest, names[5:]) {
		t.Errorf("from the marker: %v", rest)
	}
	var from []string
	for item, err := range c.Blobs(ctx, &azureblob.ListBlobsOptions{StartFrom: "b/c/4", PageSize: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		from = append(from, item.Name)
	}
	if !slices.Equal(from, names[4:]) {
		t.Errorf("from b/c/4: %v", from)
	}
	for _, err := range emulated(t).Container("no-such-container").Blobs(ctx, nil) {
		if !errors.Is(err, azureblob.ContainerNotFound) {
			t.Errorf("listing of no container: %v", err)
		}
	}
}

func TestEmulatorWalk(t *testing.T) {
	c, ctx := newContainer(t, emulated(t)), t.Context()
	for _, name := range []string{"a", "b/1", "b/c/3", "b/d", "skip/x", "z"} {
		must[azureblob.UploadResult](t)(c.Blob(name).Upload(ctx, strings.NewReader(name), nil))
	}
	walk := func(o *azureblob.WalkOptions, visit func(*azureblob.BlobItem) error) []string {
		var seen []string
		err := c.Walk(ctx, func(item *azureblob.BlobItem) error {
			seen = append(seen, item.Name)
			return visit(item)
		}, o)
		if err != nil {
			t.Error(err)
		}
		return seen
	}
	skip := func(item *azureblob.BlobItem) error {
		if item.Name == "skip/" {
			return fs.SkipDir
		}
		return nil
	}
	if got, want := walk(nil, skip), []string{"a", "b/", "b/1", "b/c/", "b/c/3", "b/d", "skip/", "z"}; !slices.Equal(got, want) {
		t.Errorf("walked %v, want %v", got, want)
	}
	if got, want := walk(&azureblob.WalkOptions{Prefix: "b/"}, skip), []string{"b/1", "b/c/", "b/c/3", "b/d"}; !slices.Equal(got, want) {
		t.Errorf("walked %v, want %v", got, want)
	}
	all := func(item *azureblob.BlobItem) error {
		if item.Name == "b/c/3" {
			return fs.SkipAll
		}
		return nil
	}
	if got, want := walk(nil, all), []string{"a", "b/", "b/1", "b/c/", "b/c/3"}; !slices.Equal(got, want) {
		t.Errorf("walked %v, want %v", got, want)
	}
	rest := func(item *azureblob.BlobItem) error {
		if item.Name == "b/1" {
			return fs.SkipDir
		}
		return skip(item)
	}
	if got, want := walk(nil, rest), []string{"a", "b/", "b/1", "skip/", "z"}; !slices.Equal(got, want) {
		t.Errorf("walked %v, want %v", got, want)
	}
	own := errors.New("enough")
	if err := c.Walk(ctx, func(*azureblob.BlobItem) error { return own }, nil); err != own {
		t.Errorf("Walk returned %v", err)
	}
}

func TestEmulatorTransfers(t *testing.T) {
	c, ctx := newContainer(t, emulated(t)), t.Context()
	const block = 256 << 10
	for _, size := range []int{0, 1, block - 1, block, block + 1, 4 * block, 5*block + 7} {
		content := make([]byte, size)
		_, _ = rand.Read(content)
		for form, source := range map[string]io.Reader{"ReaderAt": bytes.NewReader(content), "stream": io.MultiReader(bytes.NewReader(content))} {
			b := c.Blob(fmt.Sprint(form, size))
			up, err := b.Upload(ctx, source, &azureblob.UploadOptions{BlockSize: block})
			if err != nil || up.Size != int64(size) {
				t.Fatalf("Upload of a %s of %d bytes: %+v, %v", form, size, up, err)
			}
			got, err := b.ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: block})
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("ReadAll of %d bytes: %d, %v", size, len(got), err)
			}
			r, err := b.NewReader(ctx, &azureblob.DownloadOptions{BlockSize: block})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) || r.Size() != int64(size) || r.Result().ETag != up.ETag {
				t.Errorf("Reader of %d bytes: %d, %v", size, len(got), err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestEmulatorFiles(t *testing.T) {
	c, ctx, dir := newContainer(t, emulated(t)), t.Context(), t.TempDir()
	content := make([]byte, 20<<20)
	_, _ = rand.Read(content)
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	b := c.Blob("file")
	up, err := b.UploadFile(ctx, path, &azureblob.UploadOptions{HTTPHeaders: azureblob.HTTPHeaders{ContentType: "image/png"}, Metadata: azureblob.Metadata{"k": "v"}})
	if err != nil || up.Size != int64(len(content)) {
		t.Fatalf("UploadFile: %+v, %v", up, err)
	}
	down, err := b.DownloadFile(ctx, path+".back", nil)
	if err != nil || down.Size != int64(len(content)) || down.ContentLength != down.Size || down.ContentType != "image/png" || down.Metadata["k"] != "v" || down.ETag != up.ETag {
		t.Fatalf("DownloadFile: %+v, %v", down, err)
	}
	if got, _ := os.ReadFile(path + ".back"); !bytes.Equal(got, content) {
		t.Error("the file came back different")
	}
	if _, err := b.DownloadFile(ctx, path+".back", &azureblob.DownloadOptions{Range: azureblob.Range{Offset: 9 << 20, Count: 10 << 20}}); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path + ".back"); !bytes.Equal(got, content[9<<20:19<<20]) {
		t.Error("the range came back different")
	}
	if _, err := b.UploadFile(ctx, filepath.Join(dir, "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("UploadFile of no file: %v", err)
	}
	if _, err := b.UploadFile(ctx, dir, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("UploadFile of a folder: %v", err)
	}
}

func TestEmulatorNeverOverwrites(t *testing.T) {
	c, ctx := newContainer(t, emulated(t)), t.Context()
	b := c.Blob("precious")
	must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("precious"), nil))
	// A signature to write only: it cannot see the blob before all blocks are sent.
	server := azurite.Shared(t)
	writer := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(server.URL(), azureblob.SASCredential(accountSAS(t, server, "wc")), azureblob.CapturingOptions()))
	var commits atomic.Int64
	for who, blob := range map[string]*azureblob.BlobClient{"owner": b, "writer": writer.Container(c.Name()).Blob(b.Name())} {
		_, err := blob.Upload(ctx, bytes.NewReader(make([]byte, 300<<10)), &azureblob.UploadOptions{
			CallOptions: azureblob.CallOptions{OnRequest: func(req *http.Request) {
				if req.URL.Query().Get("comp") == "blocklist" {
					commits.Add(1)
				}
			}},
			BlockSize: 1 << 10, Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny},
		})
		if !errors.Is(err, azureblob.BlobAlreadyExists) || !errors.Is(err, fs.ErrExist) {
			t.Errorf("upload of 300 blocks over a blob by its %s: %v", who, err)
		}
		if got, err := b.ReadAll(ctx, nil); err != nil || string(got) != "precious" {
			t.Errorf("the blob has %q, %v", got, err)
		}
	}
	if commits.Load() != 1 {
		t.Errorf("%d commits, and only that of the writer was to be tried", commits.Load())
	}
}
