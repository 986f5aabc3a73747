package appendblob_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
)

// sparse is a file of that size with nothing in it.
func sparse(t *testing.T, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestBadInput gives what the service would refuse, and finds that nothing is sent.
func TestBadInput(t *testing.T) {
	srv, b := created(t, azureblob.RetryOptions{})
	ctx, source := t.Context(), "https://account.blob.core.windows.net/c/b"
	app := func(content io.Reader, o *appendblob.AppendOptions) error {
		_, err := b.Append(ctx, content, o)
		return err
	}
	from := func(url string, o *appendblob.AppendFromURLOptions) error {
		_, err := b.AppendFromURL(ctx, url, o)
		return err
	}
	writer := func(b *appendblob.Client, o *appendblob.WriterOptions) error {
		_, err := b.NewWriter(ctx, o)
		return err
	}
	text, minus := strings.NewReader("x"), new(int64(-1))
	before := len(srv.Requests())
	for name, c := range map[string]struct {
		err  error
		is   error
		says string
	}{
		"nil content":        {app(nil, nil), fs.ErrInvalid, "the content is nil"},
		"nil pointer":        {app((*bytes.Buffer)(nil), nil), fs.ErrInvalid, "the content is nil"},
		"empty content":      {app(strings.NewReader(""), nil), fs.ErrInvalid, "the content is empty"},
		"large block":        {app(sparse(t, 100<<20+1), nil), azureblob.RequestBodyTooLarge, "longer than the 104857600 bytes"},
		"position":           {app(text, &appendblob.AppendOptions{IfPosition: minus}), azureblob.InvalidHeaderValue, "IfPosition is negative"},
		"size":               {app(text, &appendblob.AppendOptions{MaxSize: minus}), azureblob.InvalidHeaderValue, "MaxSize is negative"},
		"MD5":                {app(text, &appendblob.AppendOptions{Checksum: azureblob.Checksum{MD5: []byte("short")}}), fs.ErrInvalid, "Checksum.MD5 has 5 bytes"},
		"source no URL":      {from("logs/2025.txt", nil), fs.ErrInvalid, "no http or https URL"},
		"source range":       {from(source, &appendblob.AppendFromURLOptions{Range: azureblob.Range{Count: -1}}), fs.ErrInvalid, "count -1"},
		"source large range": {from(source, &appendblob.AppendFromURLOptions{Range: azureblob.Range{Count: 100<<20 + 1}}), azureblob.RequestBodyTooLarge, "at most 104857600"},
		"source position":    {from(source, &appendblob.AppendFromURLOptions{IfPosition: minus}), azureblob.InvalidHeaderValue, "IfPosition is negative"},
		"source sum":         {from(source, &appendblob.AppendFromURLOptions{SourceChecksum: azureblob.SourceChecksum{MD5: []byte{1}}}), fs.ErrInvalid, "SourceChecksum.MD5"},
		"seal position": {func() error {
			_, err := b.Seal(ctx, &appendblob.SealOptions{IfPosition: minus})
			return err
		}(), azureblob.InvalidHeaderValue, "IfPosition is negative"},
		"if not exists": {func() error {
			_, err := b.CreateIfNotExists(ctx, &appendblob.CreateOptions{Conditions: azureblob.Conditions{IfNoneMatch: `"0x1"`}})
			return err
		}(), fs.ErrInvalid, "IfNoneMatch"},
		"metadata": {func() error {
			_, err := b.Create(ctx, &appendblob.CreateOptions{Metadata: azureblob.Metadata{"a-b": "c"}})
			return err
		}(), fs.ErrInvalid, `"a-b"`},
		"small block":  {writer(b, &appendblob.WriterOptions{BlockSize: -1}), fs.ErrInvalid, "BlockSize is -1 and not 1 to 104857600"},
		"large blocks": {writer(b, &appendblob.WriterOptions{BlockSize: 100<<20 + 1}), fs.ErrInvalid, "BlockSize is 104857601"},
		"most bytes":   {writer(b, &appendblob.WriterOptions{MaxSize: minus}), azureblob.InvalidHeaderValue, "MaxSize is negative"},
		"lease":        {writer(b, &appendblob.WriterOptions{LeaseID: "a\nb"}), fs.ErrInvalid, "control character"},
		"timeout":      {writer(b, &appendblob.WriterOptions{CallOptions: azureblob.CallOptions{Timeout: -1}}), fs.ErrInvalid, "Timeout is negative"},
		"snapshot":     {writer(appendblob.New(b.WithSnapshot("s")), nil), fs.ErrInvalid, "snapshot"},
		"nil client":   {writer(appendblob.New(nil), nil), fs.ErrInvalid, "zero value"},
	} {
		if !errors.Is(c.err, c.is) || !errors.Is(c.err, fs.ErrInvalid) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if sent := srv.Requests()[before:]; len(sent) > 0 {
		t.Errorf("sent: %+v", sent)
	}
	if text.Len() != 1 {
		t.Error("content was read of a call that could not succeed")
	}
}
