package azureblob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// script is a reader that does what readers may do, and some must not.
type script struct{ steps []func(p []byte) (int, error) }

func (s *script) Read(p []byte) (int, error) {
	if len(s.steps) == 0 {
		return 0, io.EOF
	}
	step := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	return step(p)
}

func give(text string, err error) func([]byte) (int, error) {
	return func(p []byte) (int, error) { return copy(p, text), err }
}

func TestSources(t *testing.T) {
	broken := errors.New("the disk is on fire")
	for name, tc := range map[string]struct {
		source io.Reader
		want   string // content, or
		err    error
	}{
		"bytes and EOF at once":   {&script{[]func([]byte) (int, error){give("ab", nil), give("cd", io.EOF)}}, "abcd", nil},
		"nothing at times":        {&script{[]func([]byte) (int, error){give("", nil), give("ab", nil), give("", nil), give("", io.EOF)}}, "ab", nil},
		"nothing for ever":        {&script{[]func([]byte) (int, error){give("", nil)}}, "", io.ErrNoProgress},
		"an error":                {&script{[]func([]byte) (int, error){give("ab", nil), give("", broken)}}, "", broken},
		"bytes and an error":      {&script{[]func([]byte) (int, error){give("ab", broken)}}, "", broken},
		"more than there is room": {&script{[]func([]byte) (int, error){func(p []byte) (int, error) { return len(p) + 1, nil }}}, "", errAny},
		"less than nothing":       {&script{[]func([]byte) (int, error){func([]byte) (int, error) { return -1, nil }}}, "", errAny},
		"one byte at a time":      {iotest.OneByteReader(onlyReader{strings.NewReader("abcdef")}), "abcdef", nil},
		"a time-out":              {iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abcdef"))), "", iotest.ErrTimeout},
		"half-read":               {halfRead(strings.NewReader("abcdef")), "def", nil},
		"read past its end":       {pastEnd(), "", nil},
		"shorter than its size":   {&liar{strings.NewReader("abc"), 5}, "", io.ErrUnexpectedEOF},
		"a negative size":         {&liar{strings.NewReader("abc"), -5}, "", nil},
		"a buffer":                {bytes.NewBufferString("abc"), "abc", nil},
	} {
		for _, block := range []int64{1000, 2, 1} {
			if seeker, ok := tc.source.(io.Seeker); ok && name != "half-read" && name != "read past its end" {
				_, _ = seeker.Seek(0, io.SeekStart)
			} else if block < 1000 {
				continue // it is read by now
			}
			s := newStub(nil)
			_, err := s.blob(t).Upload(t.Context(), tc.source, &UploadOptions{BlockSize: block})
			switch {
			case tc.err == nil && err != nil:
				t.Errorf("%s, block size %d: %v", name, block, err)
			case tc.err == nil && string(s.content) != tc.want:
				t.Errorf("%s, block size %d: stored %q", name, block, s.content)
			case tc.err != nil && (err == nil || tc.err != errAny && !errors.Is(err, tc.err)):
				t.Errorf("%s, block size %d: %v, want %v", name, block, err, tc.err)
			case tc.err != nil && s.content != nil:
				t.Errorf("%s, block size %d: made a blob of %q", name, block, s.content)
			}
		}
	}
}

var errAny = errors.New("any error")

func halfRead(r *strings.Reader) io.Reader {
	_, _ = r.Seek(3, io.SeekStart)
	return r
}

func pastEnd() io.Reader {
	r := strings.NewReader("abc")
	_, _ = r.Seek(10, io.SeekStart)
	return r
}

// liar is a source that claims another size than it has.
type liar struct {
	*strings.Reader
	size int64
}

func (l *liar) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return l.size, nil
	}
	return l.Reader.Seek(offset, whence)
}

func TestSourceIsConsumed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	s := newStub(nil)
	if _, err := s.blob(t).Upload(t.Context(), f, &UploadOptions{BlockSize: 2}); err != nil || string(s.content) != "456789" {
		t.Fatalf("stored %q, %v", s.content, err)
	}
	if rest, _ := io.ReadAll(f); len(rest) > 0 {
		t.Errorf("%q is left to be read", rest)
	}
}

func TestNilArguments(t *testing.T) {
	s := newStub([]byte("content"))
	b, ctx := s.blob(t), t.Context()
	var file *os.File
	var buffer *bytes.Reader
	var zero BlobClient
	var noContext context.Context
	for name, call := range map[string]func() error{
		"nil source":         func() error { _, err := b.Upload(ctx, nil, nil); return err },
		"typed nil source":   func() error { _, err := b.Upload(ctx, buffer, nil); return err },
		"nil file":           func() error { _, err := b.Upload(ctx, file, nil); return err },
		"nil target":         func() error { _, err := b.Download(ctx, nil, nil); return err },
		"nil file as target": func() error { _, err := b.Download(ctx, file, nil); return err },
		"nil context":        func() error { _, err := b.Properties(noContext, nil); return err },
		"nil visit":          func() error { return b.session.handleOfContainer().Walk(ctx, nil, nil) },
		"zero client":        func() error { _, err := zero.Properties(ctx, nil); return err },
		"negative offset":    func() error { _, err := b.ReadAll(ctx, &DownloadOptions{Range: Range{Offset: -1}}); return err },
		"negative count":     func() error { _, err := b.ReadAll(ctx, &DownloadOptions{Range: Range{Count: -1}}); return err },
		"endless range":      func() error { _, err := b.ReadAll(ctx, &DownloadOptions{Range: Range{1 << 62, 1 << 62}}); return err },
		"negative block": func() error {
			_, err := b.Upload(ctx, strings.NewReader(""), &UploadOptions{BlockSize: -1})
			return err
		},
		"huge block":        func() error { _, err := b.NewWriter(ctx, &UploadOptions{BlockSize: 1 << 40}); return err },
		"negative parallel": func() error { _, err := b.NewReader(ctx, &DownloadOptions{Concurrency: -1}); return err },
		"nil to read from":  func() error { w, _ := b.NewWriter(ctx, nil); defer w.Abort(); _, err := w.ReadFrom(nil); return err },
		"too parallel":      func() error { _, err := b.NewReader(ctx, &DownloadOptions{Concurrency: 1 << 40}); return err },
		"no tier":           func() error { _, err := b.SetTier(ctx, "", nil); return err },
		"no delimiter": func() error {
			for _, err := range b.session.handleOfContainer().BlobsByHierarchy(ctx, "", nil) {
				return err
			}
			return nil
		},
		"page size": func() error {
			for _, err := range b.session.handleOfContainer().Blobs(ctx, &ListBlobsOptions{PageSize: 5001}) {
				return err
			}
			return nil
		},
		"key over http": func() error {
			key, _ := NewCustomerKey(make([]byte, 32))
			plain, _ := NewBlobClient("http://127.0.0.1:1/acc/photos/b", nil, nil)
			_, err := plain.WithCustomerKey(key).Properties(ctx, nil)
			return err
		},
	} {
		if err := call(); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v, want fs.ErrInvalid", name, err)
		}
	}
	if len(s.requests) > 0 {
		t.Errorf("%d requests were sent", len(s.requests))
	}
}

func (s *session) handleOfContainer() *ContainerClient {
	return &ContainerClient{s.handleOf(1, "photos", "", scope{})}
}

func TestBadOptions(t *testing.T) {
	for name, o := range map[string]ClientOptions{
		"budget": {MemoryBudget: -1}, "concurrency": {Concurrency: -1}, "version": {ServiceVersion: "latest"},
		"delay": {Retry: RetryOptions{MaxDelay: -1}}, "factor": {Retry: RetryOptions{Factor: 0.5}}, "hedge": {Hedge: &HedgeOptions{MaxShare: 2}}, "location": {LocationMode: 7}, "retries": {Retry: RetryOptions{Total: 1 << 40}},
	} {
		if _, err := NewServiceClient("https://account.blob.core.windows.net", nil, &o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v, want fs.ErrInvalid", name, err)
		}
	}
}

func TestWriterStates(t *testing.T) {
	s := newStub(nil)
	w, err := s.blob(t).NewWriter(t.Context(), &UploadOptions{BlockSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte("abcdefgh"))
	w.Abort()
	if err := w.Close(); err == nil || s.content != nil {
		t.Errorf("Close after Abort: %v, and the blob has %q", err, s.content)
	}
	w, err = s.blob(t).NewWriter(t.Context(), &UploadOptions{BlockSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(w, strings.NewReader("abcdefgh")); n != 8 || err != nil {
		t.Errorf("Copy: %d, %v", n, err)
	}
	if err := w.Close(); err != nil || string(s.content) != "abcdefgh" || w.Result().ETag == "" || w.Result().Size != 8 {
		t.Errorf("Close: %v, %q, %+v", err, s.content, w.Result())
	}
	w.Abort()
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("Write after Close: no error")
	}
	if string(s.content) != "abcdefgh" {
		t.Errorf("Abort after Close left %q", s.content)
	}
}

func TestReaderStates(t *testing.T) {
	s := newStub(pattern(5000))
	r, err := s.blob(t).NewReader(t.Context(), &DownloadOptions{BlockSize: 500, Range: Range{Offset: 1000, Count: 3000}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Size() != 3000 || r.Result().ContentLength != 5000 || r.Result().Size != 3000 {
		t.Errorf("sizes %d, %+v", r.Size(), r.Result())
	}
	p := make([]byte, 100)
	if n, err := r.ReadAt(p, 2950); n != 50 || err != io.EOF || !bytes.Equal(p[:50], pattern(5000)[3950:4000]) {
		t.Errorf("ReadAt: %d, %v", n, err)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek before the start: no error")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(p); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}
