package azureblob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// uploads are all forms of uploading; each makes a blob of content.
var uploads = map[string]func(ctx context.Context, b *BlobClient, content []byte, o *UploadOptions) error{
	"Upload of a ReaderAt": func(ctx context.Context, b *BlobClient, content []byte, o *UploadOptions) error {
		_, err := b.Upload(ctx, bytes.NewReader(content), o)
		return err
	},
	"Upload of a stream": func(ctx context.Context, b *BlobClient, content []byte, o *UploadOptions) error {
		r, err := b.Upload(ctx, onlyReader{bytes.NewReader(content)}, o)
		if err == nil && r.Size != int64(len(content)) {
			return errors.New("wrong size in the result")
		}
		return err
	},
	"Writer": func(ctx context.Context, b *BlobClient, content []byte, o *UploadOptions) error {
		w, err := b.NewWriter(ctx, o)
		if err != nil {
			return err
		}
		for len(content) > 0 && err == nil {
			n := min(len(content), 333)
			_, err = w.Write(content[:n])
			content = content[n:]
		}
		if err != nil {
			w.Abort()
			return err
		}
		return w.Close()
	},
	"UploadFile": func(ctx context.Context, b *BlobClient, content []byte, o *UploadOptions) error {
		dir, err := os.MkdirTemp("", "azureblob")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
		_, err = b.UploadFile(ctx, path, o)
		return err
	},
}

// downloads are all forms of downloading.
var downloads = map[string]func(ctx context.Context, b *BlobClient, o *DownloadOptions) ([]byte, error){
	"ReadAll": func(ctx context.Context, b *BlobClient, o *DownloadOptions) ([]byte, error) { return b.ReadAll(ctx, o) },
	"Download": func(ctx context.Context, b *BlobClient, o *DownloadOptions) ([]byte, error) {
		var w growing
		r, err := b.Download(ctx, &w, o)
		if err == nil && r.Size != int64(len(w.b)) {
			return nil, errors.New("wrong size in the result")
		}
		return w.b, err
	},
	"DownloadFile": func(ctx context.Context, b *BlobClient, o *DownloadOptions) ([]byte, error) {
		dir, err := os.MkdirTemp("", "azureblob")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "file")
		if _, err := b.DownloadFile(ctx, path, o); err != nil {
			return nil, err
		}
		return os.ReadFile(path)
	},
	"Reader.Read": func(ctx context.Context, b *BlobClient, o *DownloadOptions) ([]byte, error) {
		r, err := b.NewReader(ctx, o)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	},
	"Reader.WriteTo": func(ctx context.Context, b *BlobClient, o *DownloadOptions) ([]byte, error) {
		r, err := b.NewReader(ctx, o)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		var w bytes.Buffer
		_, err = r.WriteTo(&w)
		return w.Bytes(), err
	},
}

// growing is a WriterAt of any size.
type growing struct {
	mu sync.Mutex
	b  []byte
}

func (g *growing) WriteAt(p []byte, off int64) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if end := int(off) + len(p); end > len(g.b) {
		g.b = append(g.b, make([]byte, end-len(g.b))...)
	}
	return copy(g.b[off:], p), nil
}

func TestTransferSizes(t *testing.T) {
	const block = 1000
	for _, size := range []int{0, 1, block - 1, block, block + 1, 3 * block, 3*block + 1, 17*block - 1} {
		content := pattern(size)
		for name, upload := range uploads {
			s := newStub(nil)
			if err := upload(t.Context(), s.blob(t), content, &UploadOptions{BlockSize: block, Concurrency: 3}); err != nil {
				t.Errorf("%s of %d bytes: %v", name, size, err)
			}
			if !bytes.Equal(s.content, content) || s.content == nil {
				t.Errorf("%s of %d bytes stored %d other bytes", name, size, len(s.content))
			}
		}
		for name, download := range downloads {
			s := newStub(content)
			got, err := download(t.Context(), s.blob(t), &DownloadOptions{BlockSize: block, Concurrency: 3})
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s of %d bytes: %d bytes, %v", name, size, len(got), err)
			}
		}
	}
}

func TestDownloadRanges(t *testing.T) {
	content := pattern(10_000)
	for _, r := range []Range{{0, 1}, {0, 10_000}, {0, 20_000}, {5000, 0}, {9999, 0}, {9999, 7}, {123, 4567}} {
		want := content[r.Offset:]
		if r.Count > 0 {
			want = want[:min(r.Count, int64(len(want)))]
		}
		for name, download := range downloads {
			got, err := download(t.Context(), newStub(content).blob(t), &DownloadOptions{BlockSize: 1000, Range: r})
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s of %+v: %d bytes, %v", name, r, len(got), err)
			}
		}
	}
	for name, download := range downloads {
		if _, err := download(t.Context(), newStub(content).blob(t), &DownloadOptions{Range: Range{Offset: 10_000}}); !errors.Is(err, InvalidRange) {
			t.Errorf("%s from past the end: %v, want InvalidRange", name, err)
		}
	}
}

func TestReaderIsAReader(t *testing.T) {
	content := pattern(5000)
	r, err := newStub(content).blob(t).NewReader(t.Context(), &DownloadOptions{BlockSize: 700})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := iotest.TestReader(r, content); err != nil {
		t.Error(err)
	}
}

func TestConditionsOnEveryLeg(t *testing.T) {
	for name, upload := range uploads {
		s := newStub([]byte("the old blob"))
		s.before = func(_ int, kind string, req *http.Request) (*http.Response, error) {
			if kind == "head" {
				return failure(req, 403, "AuthorizationPermissionMismatch"), nil // who may only write
			}
			return nil, nil
		}
		o := &UploadOptions{BlockSize: 100, Conditions: Conditions{IfNoneMatch: azcore.ETagAny, LeaseID: "the-lease"}}
		err := upload(t.Context(), s.blob(t), pattern(300*100), o)
		if !errors.Is(err, fs.ErrExist) || !errors.Is(err, BlobAlreadyExists) {
			t.Errorf("%s: %v, want BlobAlreadyExists", name, err)
		}
		if string(s.content) != "the old blob" {
			t.Errorf("%s overwrote the blob", name)
		}
		if s.count["block"] != 300 || s.count["commit"] != 1 {
			t.Errorf("%s: %v, want 300 blocks and one commit", name, s.count)
		}
		for _, req := range s.requests {
			if req.Header.Get("x-ms-lease-id") != "the-lease" {
				t.Errorf("%s: no lease on a %s", name, kindOf(req))
			}
		}
		// Who may read as well is told before anything is sent.
		s = newStub([]byte("the old blob"))
		err = upload(t.Context(), s.blob(t), pattern(300*100), o)
		if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, fs.ErrExist) || e.StatusCode != 409 || e.RequestID == "" || !strings.Contains(err.Error(), "nothing was sent") {
			t.Errorf("%s: %v, want BlobAlreadyExists at once", name, err)
		}
		if s.count["block"] != 0 || s.count["head"] != 1 || string(s.content) != "the old blob" {
			t.Errorf("%s: %v, want one look and no block", name, s.count)
		}
		// A condition on what is there is looked at by the service itself.
		err = upload(t.Context(), s.blob(t), pattern(300*100), &UploadOptions{BlockSize: 100, Conditions: Conditions{IfMatch: `"another"`}})
		if !errors.Is(err, ConditionNotMet) || s.count["block"] != 0 {
			t.Errorf("%s: %v after %v, want ConditionNotMet at once", name, err, s.count)
		}
	}
	for name, download := range downloads {
		s := newStub(pattern(1000))
		if _, err := download(t.Context(), s.blob(t), &DownloadOptions{BlockSize: 100, Conditions: Conditions{LeaseID: "the-lease"}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, req := range s.requests {
			if req.Header.Get("x-ms-lease-id") != "the-lease" {
				t.Errorf("%s: no lease on request %d", name, i)
			}
			if i > 0 && req.Header.Get("If-Match") != s.etag {
				t.Errorf("%s: the ETag is not pinned on request %d", name, i)
			}
		}
	}
}

// TestUploadFailsFast runs on virtual time: every request takes 10 ms, so that
// what is sent after the answer of the one that fails was sent knowing of it.
func TestUploadFailsFast(t *testing.T) {
	const block, concurrency = 1000, 4
	for name, upload := range uploads {
		synctest.Test(t, func(t *testing.T) {
			s := newStub(nil)
			after := failing(s, "block", 3)
			err := upload(t.Context(), s.blob(t), pattern(1000*block), &UploadOptions{BlockSize: block, Concurrency: concurrency})
			if !errors.Is(err, AuthorizationFailure) || !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s: %v, want AuthorizationFailure", name, err)
			}
			if n := after.Load(); n > concurrency {
				t.Errorf("%s: %d requests after the first failed block, and %d is the most", name, n, concurrency)
			}
			if s.content != nil {
				t.Errorf("%s made a blob", name)
			}
		})
	}
}

// failing makes the nth request of a kind fail, and counts those that come after
// its answer.
func failing(s *stub, kind string, nth int) *atomic.Int64 {
	failed, after := atomic.Bool{}, &atomic.Int64{}
	s.before = func(n int, k string, req *http.Request) (*http.Response, error) {
		if failed.Load() {
			after.Add(1)
		}
		time.Sleep(10 * time.Millisecond)
		if k == kind && n == nth {
			failed.Store(true)
			return failure(req, 403, "AuthorizationFailure"), nil
		}
		return nil, nil
	}
	return after
}

func TestUploadReadsNoFurther(t *testing.T) {
	const block, concurrency = 1000, 4
	s := newStub(nil)
	s.before = func(n int, kind string, req *http.Request) (*http.Response, error) {
		return failure(req, 403, "AuthorizationFailure"), nil
	}
	source := &counting{r: endless{}}
	if _, err := s.blob(t).Upload(t.Context(), source, &UploadOptions{BlockSize: block, Concurrency: concurrency}); !errors.Is(err, AuthorizationFailure) {
		t.Errorf("%v, want AuthorizationFailure", err)
	}
	if n := source.n.Load(); n > (concurrency+1)*block {
		t.Errorf("%d bytes were read from the source, and %d is the most", n, (concurrency+1)*block)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type counting struct {
	r io.Reader
	n atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func TestDownloadFailsFast(t *testing.T) {
	const concurrency = 4
	for name, download := range downloads {
		synctest.Test(t, func(t *testing.T) {
			s := newStub(pattern(100_000))
			after := failing(s, "get", 4)
			_, err := download(t.Context(), s.blob(t), &DownloadOptions{BlockSize: 100, Concurrency: concurrency})
			if !errors.Is(err, AuthorizationFailure) {
				t.Errorf("%s: %v, want AuthorizationFailure", name, err)
			}
			if n := after.Load(); n > concurrency {
				t.Errorf("%s: %d requests after the first failure, and %d is the most", name, n, concurrency)
			}
		})
	}
}

func TestModifiedBlob(t *testing.T) {
	answers := map[string]func(n int, kind string, resp *http.Response){
		"another ETag": func(n int, _ string, resp *http.Response) {
			if n == 3 {
				resp.Header.Set("ETag", `"2"`)
			}
		},
		"another size": func(n int, _ string, resp *http.Response) {
			if n == 3 {
				resp.Header.Set("Content-Range", strings.Replace(resp.Header.Get("Content-Range"), "/1000", "/1001", 1))
			}
		},
	}
	for what, after := range answers {
		for name, download := range downloads {
			s := newStub(pattern(1000))
			s.after = after
			if _, err := download(t.Context(), s.blob(t), &DownloadOptions{BlockSize: 100, Concurrency: 2}); !errors.Is(err, ErrBlobModified) {
				t.Errorf("%s, %s: %v, want ErrBlobModified", name, what, err)
			}
		}
	}
	for name, download := range downloads {
		s := newStub(pattern(1000))
		s.before = func(n int, _ string, _ *http.Request) (*http.Response, error) {
			if n == 3 {
				s.mu.Lock()
				s.etag = `"2"`
				s.mu.Unlock()
			}
			return nil, nil
		}
		_, err := download(t.Context(), s.blob(t), &DownloadOptions{BlockSize: 100, Concurrency: 2})
		if !errors.Is(err, ErrBlobModified) || !errors.Is(err, ConditionNotMet) {
			t.Errorf("%s, 412: %v, want ErrBlobModified and ConditionNotMet", name, err)
		}
	}
}

func TestWrongAnswers(t *testing.T) {
	for what, after := range map[string]func(resp *http.Response){
		"another start":     func(resp *http.Response) { resp.Header.Set("Content-Range", "bytes 0-99/1000") },
		"more than asked":   func(resp *http.Response) { resp.Header.Set("Content-Range", "bytes 200-999/1000") },
		"no Content-Range":  func(resp *http.Response) { resp.Header.Del("Content-Range") },
		"odd Content-Range": func(resp *http.Response) { resp.Header.Set("Content-Range", "bytes 200-299/many") },
		"another length":    func(resp *http.Response) { resp.ContentLength = 50 },
		"all of the blob":   func(resp *http.Response) { resp.StatusCode = 200 },
	} {
		for name, download := range downloads {
			s := newStub(pattern(1000))
			s.after = func(n int, _ string, resp *http.Response) {
				if n == 3 {
					after(resp)
				}
			}
			if got, err := download(t.Context(), s.blob(t), &DownloadOptions{BlockSize: 100, Concurrency: 1}); err == nil {
				t.Errorf("%s, %s: no error, and %d bytes", name, what, len(got))
			}
		}
	}
}

func TestDownloadHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := pattern(1000)
		for what, after := range map[string]func(n int, _ string, resp *http.Response){
			"broken bodies": func(n int, _ string, resp *http.Response) {
				if n%2 == 1 && resp.ContentLength > 37 {
					resp.Body = broken(resp.Body, 37)
				}
			},
			"bodies that end early": func(n int, _ string, resp *http.Response) {
				if n%2 == 1 {
					resp.Body = limited(resp.Body, 37)
				}
			},
			"short ranges": func(_ int, _ string, resp *http.Response) {
				start, end, total, _ := parseContentRange(resp.Header.Get("Content-Range"))
				if end > start {
					n := (end - start) / 2
					resp.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, start+n, total))
					resp.Body, resp.ContentLength = limited(resp.Body, n+1), n+1
				}
			},
		} {
			for name, download := range downloads {
				s := newStub(content)
				s.after = after
				got, err := download(t.Context(), s.blob(t), &DownloadOptions{BlockSize: 100, Concurrency: 3})
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%s, %s: %d bytes, %v", name, what, len(got), err)
				}
			}
		}
		for name, download := range downloads {
			s := newStub(content)
			s.after = func(n int, _ string, resp *http.Response) {
				if n >= 3 {
					resp.Body = broken(resp.Body, 0)
				}
			}
			if _, err := download(t.Context(), s.blob(t), &DownloadOptions{BlockSize: 100, Concurrency: 3}); err == nil || !strings.Contains(err.Error(), "connection reset") {
				t.Errorf("%s of bodies that never come: %v", name, err)
			}
		}
	})
}

func TestDownloadFileKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	s := newStub(pattern(1000))
	s.before = func(n int, _ string, req *http.Request) (*http.Response, error) {
		if n == 5 {
			return failure(req, 403, "AuthorizationFailure"), nil
		}
		return nil, nil
	}
	if _, err := s.blob(t).DownloadFile(t.Context(), path, &DownloadOptions{BlockSize: 100}); err == nil {
		t.Fatal("no error")
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("the old file is %q", got)
	}
	assertOnly(t, dir, "file")

	s = newStub([]byte("new"))
	if _, err := s.blob(t).DownloadFile(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "new" {
		t.Errorf("the new file is %q", got)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 {
		t.Errorf("the mode became %v", info.Mode())
	}
	assertOnly(t, dir, "file")

	link := filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if _, err := newStub([]byte("newer")).blob(t).DownloadFile(t.Context(), link, nil); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Lstat(link); info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if got, _ := os.ReadFile(path); string(got) != "newer" {
		t.Errorf("the file behind the link is %q", got)
	}
}

func assertOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(names) {
		t.Errorf("the folder has %v and not only %v", entries, names)
	}
}

func TestDownloadFileTargets(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"", dir, filepath.Join(dir, "no", "such", "folder"), os.DevNull} {
		s := newStub([]byte("content"))
		if _, err := s.blob(t).DownloadFile(t.Context(), path, nil); err == nil {
			t.Errorf("DownloadFile to %q: no error", path)
		}
		if len(s.requests) > 0 {
			t.Errorf("DownloadFile to %q: found out after a request", path)
		}
	}
	assertOnly(t, dir)
}
