package azureblob_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/checksum"
)

func init() {
	exercise("AppendBlob_Create", "appendblob.Client.Create", func(ctx context.Context, s subject) (any, error) {
		return appendblob.New(s.blob()).Create(ctx, filled[appendblob.CreateOptions]())
	})
	exercise("AppendBlob_Create", "appendblob.Client.CreateIfNotExists", func(ctx context.Context, s subject) (any, error) {
		o := filled[appendblob.CreateOptions]()
		o.Conditions.IfNoneMatch = ""
		return appendblob.New(s.blob()).CreateIfNotExists(ctx, o)
	})
	exercise("AppendBlob_AppendBlock", "appendblob.Client.Append", func(ctx context.Context, s subject) (any, error) {
		return eitherSum(func(sum azureblob.Checksum) (any, error) {
			o := filled[appendblob.AppendOptions]()
			o.Checksum = sum
			return appendblob.New(s.blob()).Append(ctx, strings.NewReader("x"), o)
		})
	})
	exercise("AppendBlob_AppendBlockFromURL", "appendblob.Client.AppendFromURL", func(ctx context.Context, s subject) (any, error) {
		return eitherSum(func(sum azureblob.Checksum) (any, error) {
			o := filled[appendblob.AppendFromURLOptions]()
			o.SourceChecksum = azureblob.SourceChecksum{MD5: sum.MD5, CRC64: sum.CRC64}
			o.SourceAccess, o.SourceKey = sourceAccess()
			return appendblob.New(s.blob()).AppendFromURL(ctx, s.source(), o)
		})
	})
	exercise("AppendBlob_Seal", "appendblob.Client.Seal", func(ctx context.Context, s subject) (any, error) {
		return appendblob.New(s.blob()).Seal(ctx, filled[appendblob.SealOptions]())
	})
	exercise("AppendBlob_AppendBlock", "appendblob.Client.NewWriter", func(ctx context.Context, s subject) (any, error) {
		o := filled[appendblob.WriterOptions]()
		if o.Create == nil {
			o.Create = &appendblob.CreateOptions{}
		}
		o.Create.Conditions.IfNoneMatch = ""
		w, err := appendblob.New(s.blob()).NewWriter(ctx, o)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, "x"); err != nil {
			return nil, err
		}
		return nil, w.Close()
	})
}

// TestAppend creates, appends under conditions, seals.
func TestAppend(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx := t.Context()
		b := appendblob.New(newContainer(t, s).Blob("log/2026.txt"))
		if _, err := b.Append(ctx, strings.NewReader("x"), nil); !errors.Is(err, azureblob.BlobNotFound) {
			t.Errorf("Append to nothing: %v", err)
		}
		created := must[appendblob.CreateResult](t)(b.CreateIfNotExists(ctx, &appendblob.CreateOptions{
			HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain"}, Metadata: azureblob.Metadata{"k": "v"}, Tags: azureblob.Tags{"t": "1"},
		}))
		if created.Existed || created.StatusCode != 201 || created.ETag == "" {
			t.Errorf("CreateIfNotExists: %+v", created)
		}
		if again, err := b.CreateIfNotExists(ctx, nil); err != nil || !again.Existed || again.StatusCode != 409 || again.RequestID == "" || again.ETag != "" {
			t.Errorf("CreateIfNotExists again: %+v, %v", again, err)
		}
		crc := checksum.AppendCRC64(nil, checksum.CRC64([]byte("one,")))
		r, err := b.Append(ctx, strings.NewReader("one,"), &appendblob.AppendOptions{Checksum: azureblob.Checksum{CRC64: crc}, IfPosition: new(int64(0))})
		if err != nil || r.Offset != 0 || r.BlockCount != 1 || r.ETag == "" || r.ETag == created.ETag || !bytes.Equal(r.ContentCRC64, crc) {
			t.Fatalf("Append: %+v, %v", r, err)
		}
		two := strings.NewReader("not two,")
		_, _ = two.Seek(4, io.SeekStart)
		if r, err = b.Append(ctx, two, &appendblob.AppendOptions{IfPosition: new(int64(4)), MaxSize: new(int64(8)), Conditions: azureblob.Conditions{IfMatch: r.ETag}}); err != nil || r.Offset != 4 || r.BlockCount != 2 || two.Len() != 0 {
			t.Fatalf("Append: %+v, %v", r, err)
		}
		if r, err = b.Append(ctx, onlyReader{strings.NewReader("three")}, nil); err != nil || r.Offset != 8 || r.BlockCount != 3 {
			t.Fatalf("Append: %+v, %v", r, err)
		}
		for code, o := range map[azureblob.ErrorCode]*appendblob.AppendOptions{
			azureblob.AppendPositionConditionNotMet: {IfPosition: new(int64(0))},
			azureblob.MaxBlobSizeConditionNotMet:    {MaxSize: new(int64(13))},
			azureblob.ConditionNotMet:               {Conditions: azureblob.Conditions{IfMatch: created.ETag}},
			azureblob.CRC64Mismatch:                 {Checksum: azureblob.Checksum{CRC64: crc}},
			azureblob.MD5Mismatch:                   {Checksum: azureblob.Checksum{MD5: make([]byte, md5.Size)}},
		} {
			if _, err := b.Append(ctx, strings.NewReader("x"), o); !errors.Is(err, code) {
				t.Errorf("Append, %s: %v", code, err)
			}
		}
		p := must[azureblob.BlobInfo](t)(infoOfBlob(ctx, b.BlobClient))
		if p.BlobType != azureblob.AppendBlob || p.CommittedBlockCount != 3 || p.ContentType != "text/plain" || p.Metadata["k"] != "v" || p.TagCount != 1 || p.Sealed {
			t.Errorf("properties: %+v", p)
		}
		if _, err := b.Seal(ctx, &appendblob.SealOptions{IfMatch: created.ETag}); !errors.Is(err, azureblob.ConditionNotMet) {
			t.Errorf("Seal of another state: %v", err)
		}
		if _, err := b.Seal(ctx, &appendblob.SealOptions{IfPosition: new(int64(5))}); !azurite && !errors.Is(err, azureblob.AppendPositionConditionNotMet) {
			t.Errorf("Seal of another size: %v", err)
		}
		for range 2 {
			if sealed, err := b.Seal(ctx, nil); err != nil || !sealed.Sealed || sealed.ETag == "" {
				t.Errorf("Seal: %+v, %v", sealed, err)
			}
		}
		if _, err := b.Append(ctx, strings.NewReader("x"), nil); !errors.Is(err, azureblob.BlobIsSealed) {
			t.Errorf("Append to a sealed blob: %v", err)
		}
		if _, err := b.NewWriter(ctx, nil); !errors.Is(err, azureblob.BlobIsSealed) {
			t.Errorf("NewWriter of a sealed blob: %v", err)
		}
		if got := string(must[[]byte](t)(b.ReadAll(ctx, nil))); got != "one,two,three" {
			t.Errorf("content %q", got)
		}
		if _, err := b.Create(ctx, &appendblob.CreateOptions{Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny}}); !errors.Is(err, azureblob.BlobAlreadyExists) {
			t.Errorf("Create over a blob: %v", err)
		}
		must[appendblob.CreateResult](t)(b.Create(ctx, nil))
		if got := must[[]byte](t)(b.ReadAll(ctx, nil)); len(got) != 0 {
			t.Errorf("content after Create: %q", got)
		}
	})
}

// TestAppendFromURL is for blobtest alone, since the emulator does not do it.
func TestAppendFromURL(t *testing.T) {
	ctx, server := t.Context(), blobtest.New(t)
	c := newContainer(t, server.ServiceClient(azureblob.CapturingOptions()))
	source := signedSource(t, c, "0123456789")
	b := appendblob.New(c.Blob("b"))
	must[appendblob.CreateResult](t)(b.Create(ctx, nil))
	sum := md5.Sum([]byte("345"))
	r, err := b.AppendFromURL(ctx, source, &appendblob.AppendFromURLOptions{
		Range: azureblob.Range{Offset: 3, Count: 3}, SourceChecksum: azureblob.SourceChecksum{MD5: sum[:]}, IfPosition: new(int64(0)),
	})
	if err != nil || r.Offset != 0 || r.BlockCount != 1 || !bytes.Equal(r.ContentMD5, sum[:]) {
		t.Fatalf("AppendFromURL: %+v, %v", r, err)
	}
	if r, err = b.AppendFromURL(ctx, source, nil); err != nil || r.Offset != 3 || r.BlockCount != 2 {
		t.Fatalf("AppendFromURL: %+v, %v", r, err)
	}
	if got := string(must[[]byte](t)(b.ReadAll(ctx, nil))); got != "3450123456789" {
		t.Errorf("content %q", got)
	}
	for code, o := range map[azureblob.ErrorCode]*appendblob.AppendFromURLOptions{
		azureblob.AppendPositionConditionNotMet: {IfPosition: new(int64(0))},
		azureblob.MaxBlobSizeConditionNotMet:    {MaxSize: new(int64(13))},
		azureblob.SourceConditionNotMet:         {SourceConditions: azureblob.SourceConditions{IfMatch: `"0x1"`}},
		azureblob.CRC64Mismatch:                 {SourceChecksum: azureblob.SourceChecksum{CRC64: make([]byte, checksum.Size)}},
	} {
		if _, err := b.AppendFromURL(ctx, source, o); !errors.Is(err, code) {
			t.Errorf("AppendFromURL, %s: %v", code, err)
		}
	}
	if _, err := b.AppendFromURL(ctx, c.Blob("none").URL(), nil); !errors.Is(err, azureblob.CannotVerifyCopySource) {
		t.Errorf("no source: %v", err)
	}
}

// TestAppendWriter writes records in several sittings, small ones and one that is
// longer than a block, and finds each of the small ones whole in a block.
func TestAppendWriter(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx := t.Context()
		c := newContainer(t, s)
		b := appendblob.New(c.Blob("b"))
		if _, err := b.NewWriter(ctx, nil); !errors.Is(err, azureblob.BlobNotFound) {
			t.Errorf("NewWriter of nothing: %v", err)
		}
		var want strings.Builder
		blocks := 0
		for sitting := range 3 {
			w := must[*appendblob.Writer](t)(b.NewWriter(ctx, &appendblob.WriterOptions{Create: &appendblob.CreateOptions{Metadata: azureblob.Metadata{"k": "v"}}, BlockSize: 100}))
			if r := w.Result(); r.Position != int64(want.Len()) || r.BlockCount != blocks || r.ETag == "" {
				t.Errorf("sitting %d begins at %+v, and the blob has %d bytes", sitting, r, want.Len())
			}
			for i := range 20 {
				n := must[int](t)(fmt.Fprintf(io.MultiWriter(w, &want), "record %d of sitting %d\n", i, sitting))
				if n == 0 || w.Buffered() > 100 {
					t.Errorf("%d bytes written, %d buffered", n, w.Buffered())
				}
			}
			long := strings.Repeat("long", 60)
			must[int](t)(io.MultiWriter(w, &want).Write([]byte(long)))
			if n, err := io.Copy(w, onlyReader{io.TeeReader(strings.NewReader(long+long), &want)}); n != 480 || err != nil {
				t.Errorf("Copy: %d, %v", n, err)
			}
			must[int](t)(io.MultiWriter(w, &want).Write([]byte("flushed")))
			if err := w.Flush(); err != nil || w.Buffered() != 0 || w.Result().Position != int64(want.Len()) {
				t.Errorf("Flush: %v, %d buffered, %+v", err, w.Buffered(), w.Result())
			}
			must[int](t)(io.MultiWriter(w, &want).Write([]byte("last")))
			if err := errors.Join(w.Close(), w.Close()); err != nil {
				t.Fatal(err)
			}
			blocks = w.Result().BlockCount
			p := must[azureblob.BlobInfo](t)(infoOfBlob(ctx, b.BlobClient))
			if p.CommittedBlockCount != blocks || p.ContentLength != w.Result().Position || p.ETag != w.Result().ETag || !p.LastModified.Equal(w.Result().LastModified) || p.Metadata["k"] != "v" {
				t.Errorf("the writer tells of %+v, and the service of %+v", w.Result(), p)
			}
		}
		if got := string(must[[]byte](t)(b.ReadAll(ctx, nil))); got != want.String() {
			t.Errorf("content %q\nwant %q", got, want.String())
		}
		if blocks != 3*(5+3+5+1) {
			t.Errorf("%d blocks", blocks)
		}
		other := c.Blob("other")
		must[azureblob.UploadResult](t)(other.Upload(ctx, strings.NewReader("x"), nil))
		if _, err := appendblob.New(other).NewWriter(ctx, &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}}); !errors.Is(err, azureblob.InvalidBlobType) {
			t.Errorf("NewWriter of a block blob: %v", err)
		}
	})
}

// TestAppendWriterUnderFire has the emulator append what is then reported as
// failed, or as nothing at all.
func TestAppendWriterUnderFire(t *testing.T) {
	server := azurite.Shared(t)
	proxy := blobtest.NewProxy(t, server.URL())
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(server.Account(), server.Key()))
	o := azureblob.CapturingOptions()
	o.Retry.Delay = 1
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(proxy.URL(), key, o))
	t.Cleanup(s.CloseIdleConnections)
	b := appendblob.New(newContainer(t, s).Blob("b"))
	w := must[*appendblob.Writer](t)(b.NewWriter(t.Context(), &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}}))
	every := func(nth int) func(*http.Request) bool {
		n := 0
		return func(*http.Request) bool { n++; return n%nth == 0 }
	}
	failed := proxy.Inject(blobtest.Fault{Operation: "Append Block", Status: 500, At: blobtest.AfterOperation, Times: -1, Match: every(5)})
	lost := proxy.Inject(blobtest.Fault{Operation: "Append Block", Reset: true, At: blobtest.AfterOperation, Times: -1, Match: every(7)})
	var want strings.Builder
	for i := range 40 {
		must[int](t)(fmt.Fprintf(io.MultiWriter(w, &want), "record %d\n", i))
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := string(must[[]byte](t)(b.ReadAll(t.Context(), nil))); got != want.String() || failed.Fired() < 5 || lost.Fired() < 5 {
		t.Errorf("%d bytes of %d, after %d and %d faults", len(got), want.Len(), failed.Fired(), lost.Fired())
	}
}
