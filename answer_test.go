package azureblob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"

	"github.com/goblob/azureblob/internal/secretless"
)

// TestPageOfAProxy: a page that something on the way shows in place of the
// service is an error, and neither an empty listing nor the content of a blob.
func TestPageOfAProxy(t *testing.T) {
	s := newStub(nil)
	s.before = func(_ int, _ string, req *http.Request) (*http.Response, error) {
		return answerOf(req, 200, http.Header{"Content-Type": {"text/html"}}, []byte("<html><body>please log in</body></html>")), nil
	}
	service := s.service(t, nil)
	for item, err := range service.Container("photos").Blobs(t.Context(), nil) {
		if err == nil || !strings.Contains(err.Error(), "EnumerationResults") {
			t.Errorf("a listing: %v, %v", item, err)
		}
	}
	items := 0
	for _, err := range service.Containers(t.Context(), nil) {
		items++
		if err == nil {
			t.Error("a listing of containers: no error")
		}
	}
	if items != 1 {
		t.Errorf("the listing ended after %d items", items)
	}
	for name, download := range downloads {
		if got, err := download(t.Context(), s.blob(t), nil); err == nil || !strings.Contains(err.Error(), "ETag") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestBrokenList: a page of a listing that breaks off is asked for again, as
// often as the retry options allow.
func TestBrokenList(t *testing.T) {
	page := `<?xml version="1.0"?><EnumerationResults><Blobs><Blob><Name>a</Name></Blob><Blob><Name>b</Name></Blob></Blobs></EnumerationResults>`
	for total, want := range map[int]int{0: 4, 2: 3, -1: 1, math.MinInt: 1} {
		s := newStub(nil)
		s.before = func(n int, _ string, req *http.Request) (*http.Response, error) {
			resp := answerOf(req, 200, nil, []byte(page))
			resp.Body = broken(resp.Body, 90)
			return resp, nil
		}
		for item, err := range s.service(t, &ClientOptions{Retry: RetryOptions{Total: total, Delay: 1}}).Container("photos").Blobs(t.Context(), nil) {
			if item != nil || err == nil {
				t.Errorf("%v, %v: half a page is no page", item, err)
			}
		}
		if len(s.requests) != want {
			t.Errorf("%d retries made %d requests, want %d", total, len(s.requests), want)
		}
	}
	s := newStub(nil)
	s.before = func(n int, _ string, req *http.Request) (*http.Response, error) {
		resp := answerOf(req, 200, nil, []byte(page))
		if n < 3 {
			resp.Body = broken(resp.Body, 90)
		}
		return resp, nil
	}
	var names string
	for item, err := range s.service(t, nil).Container("photos").Blobs(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		names += item.Name
	}
	if names != "ab" {
		t.Errorf("listed %q", names)
	}
}

// TestWritesThatMayBeDone: a write that would act a second time is not repeated if
// the service may have carried it out, and its error says so. Those that could only
// be refused are.
func TestWritesThatMayBeDone(t *testing.T) {
	never := Conditions{IfNoneMatch: azcore.ETagAny}
	for name, tc := range map[string]struct {
		call func(b *BlobClient) error
		want int // requests after an answer of 500
	}{
		"upload": {func(b *BlobClient) error { _, err := b.Upload(t.Context(), strings.NewReader("x"), nil); return err }, 3},
		"upload once": {func(b *BlobClient) error {
			_, err := b.Upload(t.Context(), strings.NewReader("x"), &UploadOptions{Conditions: never})
			return err
		}, 3},
		"metadata": {func(b *BlobClient) error { _, err := b.SetMetadata(t.Context(), nil, nil); return err }, 3},
		"metadata if": {func(b *BlobClient) error {
			_, err := b.SetMetadata(t.Context(), nil, &SetBlobMetadataOptions{Conditions: Conditions{IfMatch: "1"}})
			return err
		}, 3},
		"delete":   {func(b *BlobClient) error { _, err := b.Delete(t.Context(), nil); return err }, 3},
		"snapshot": {func(b *BlobClient) error { _, err := b.Snapshot(t.Context(), nil); return err }, 1},
		"properties if": {func(b *BlobClient) error {
			_, err := b.Properties(t.Context(), &BlobPropertiesOptions{Conditions: Conditions{IfMatch: "1"}})
			return err
		}, 3},
		"create container": {func(b *BlobClient) error { _, err := b.handleOfContainer().Create(t.Context(), nil); return err }, 3},
	} {
		for _, status := range []int{500, 503} {
			s := newStub(nil)
			s.before = func(_ int, _ string, req *http.Request) (*http.Response, error) {
				return failure(req, status, "X"), nil
			}
			service := s.service(t, &ClientOptions{Retry: RetryOptions{Total: 2, Delay: 1}})
			err := tc.call(service.Container("photos").Blob("cat.jpg"))
			want := tc.want
			if status == 503 {
				want = 3 // the service says that it did nothing
			}
			if err == nil || len(s.requests) != want {
				t.Errorf("%s: %d requests after %d, want %d (%v)", name, len(s.requests), status, want, err)
			}
			if e, ok := errors.AsType[*Error](err); !ok || e.MaybeApplied != (status == 500 && name != "properties if") {
				t.Errorf("%s: after %d: %+v", name, status, e)
			}
		}
	}
	service, err := NewServiceClient("http://127.0.0.1:1", nil, &ClientOptions{Retry: RetryOptions{Total: 2, Delay: 1}})
	if err != nil {
		t.Fatal(err)
	}
	tries := 0
	o := &CreateContainerOptions{CallOptions: CallOptions{OnRequest: func(*http.Request) { tries++ }}}
	if _, err := service.Container("photos").Create(t.Context(), o); err == nil || tries != 3 {
		t.Errorf("%d tries to reach nobody, want 3: %v", tries, err)
	}
}

// TestErrorsQuoteNothing: what the service repeats of a request stays out of the
// error that is wrapped as well.
func TestErrorsQuoteNothing(t *testing.T) {
	s := newStub(nil)
	s.before = func(_ int, _ string, req *http.Request) (*http.Response, error) {
		return answerOf(req, 403, nil, []byte(`<Error><Code>AuthenticationFailed</Code><Message>no</Message><AuthenticationErrorDetail>The MAC signature found in the HTTP request 'c2VjcmV0LXNpZ25hdHVyZQ==' is not
			the same as any computed signature.</AuthenticationErrorDetail><QueryParameterValue>c2VjcmV0LXNpZ25hdHVyZQ</QueryParameterValue><HeaderValue>c2VjcmV0LXNpZ25hdHVyZQ</HeaderValue></Error>`)), nil
	}
	_, err := s.blob(t).ReadAll(t.Context(), nil)
	e, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok || strings.Contains(e.Error(), "c2Vjc") || !strings.Contains(e.Error(), "AuthenticationFailed") {
		t.Errorf("%v", e)
	}
	// A URL with a signature that was taken for a name. azcore's own log, for those
	// who turn it on, shows paths as they are.
	azlog.SetListener(nil)
	defer secretless.Listen()
	for _, name := range []string{"cat.jpg?" + secretSAS} {
		if _, err := s.service(t, nil).Container("photos").Blob(name).ReadAll(t.Context(), nil); strings.Contains(err.Error(), "c2Vjc") {
			t.Errorf("%v", err)
		}
		if _, err := s.service(t, nil).Container(name).Create(t.Context(), nil); strings.Contains(err.Error(), "c2Vjc") {
			t.Errorf("%v", err)
		}
		if _, err := NewContainerClientFromConnectionString("UseDevelopmentStorage=true", name, nil); strings.Contains(err.Error(), "c2Vjc") {
			t.Errorf("%v", err)
		}
	}
	if text := (&Error{Operation: "Get Blob", Code: BlobNotFound}).Error(); !strings.Contains(text, "BlobNotFound") {
		t.Error(text)
	}
}

// TestEmptyGroups: an empty map or slice is not there, as a nil one.
func TestEmptyGroups(t *testing.T) {
	s := newStub(nil)
	o := &UploadOptions{Tags: Tags{}, Metadata: Metadata{}, HTTPHeaders: HTTPHeaders{ContentMD5: []byte{}}}
	if _, err := s.blob(t).Upload(t.Context(), strings.NewReader("x"), o); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x-ms-tags", "x-ms-blob-content-md5"} {
		if _, there := s.requests[0].Header[http.CanonicalHeaderKey(name)]; there {
			t.Errorf("an empty %s was sent", name)
		}
	}
}

func TestZeroClients(t *testing.T) {
	var service ServiceClient
	blob := service.Container("photos").Blob("cat.jpg")
	if _, err := blob.ReadAll(t.Context(), nil); !errors.Is(err, fs.ErrInvalid) || blob.URL() != "" {
		t.Errorf("%q, %v", blob.URL(), err)
	}
	for _, err := range service.Containers(t.Context(), nil) {
		if !errors.Is(err, fs.ErrInvalid) {
			t.Error(err)
		}
	}
}

func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	link, pipe := filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.Symlink(filepath.Join(dir, "nothing"), link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStub([]byte("content"))
	if _, err := s.blob(t).DownloadFile(t.Context(), link, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("DownloadFile to a link to nothing: %v", err)
	}
	if _, err := s.blob(t).UploadFile(t.Context(), pipe, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("UploadFile of a pipe: %v", err)
	}
	if len(s.requests) > 0 {
		t.Error("something was sent")
	}
}

// unwindable is a source that can be asked for its size, and not brought back.
type unwindable struct{ *strings.Reader }

func (u unwindable) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		return 0, errors.New("no way back")
	}
	return u.Reader.Seek(offset, whence)
}

func TestSourceThatDoesNotRewind(t *testing.T) {
	s := newStub(nil)
	if _, err := s.blob(t).Upload(t.Context(), unwindable{strings.NewReader("important")}, nil); err == nil || s.content != nil {
		t.Errorf("%v, and stored %q", err, s.content)
	}
}

// FuzzContentRange reads any Content-Range. What can be read is written in that one
// form, and an answer that is taken for the range that was asked for begins there
// and has no more than that.
func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-9/10", int64(10), int64(0), int64(10))
	f.Add("bytes 5-9/*", int64(5), int64(5), int64(0))
	f.Add("bytes 00-9/10", int64(-1), int64(0), int64(9223372036854775807))
	f.Add("bytes 9223372036854775807-9223372036854775807/9223372036854775807", int64(1), int64(9223372036854775807), int64(1))
	f.Add("bytes 1-0/1", int64(0), int64(1), int64(5))
	f.Add(" bytes 0-0/1 ", int64(1), int64(0), int64(1))
	d := &download{b: newStub(nil).blob(f)}
	f.Fuzz(func(t *testing.T, text string, length, off, n int64) {
		start, end, total, ok := parseContentRange(text)
		if ok && fmt.Sprintf("bytes %d-%d/%d", start, end, total) != text {
			t.Errorf("%q is read as %d-%d/%d", text, start, end, total)
		}
		if off < 0 || n < 0 || off > math.MaxInt64-n {
			return // no range
		}
		for _, status := range []int{200, 206} {
			a, err := d.verify(status, text, length, off, n)
			if err != nil {
				continue
			}
			if status == 206 && (!ok || start != off || a.length != end-start+1 || a.total != total || n > 0 && a.length > n) {
				t.Errorf("%q is taken for %d bytes from %d: %+v", text, n, off, a)
			}
			if a.length < 0 || length >= 0 && a.length != length || off+a.length > a.total {
				t.Errorf("status %d, %q and length %d are taken for %d bytes from %d: %+v", status, text, length, n, off, a)
			}
		}
	})
}
