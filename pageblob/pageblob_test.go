package pageblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/pageblob"
)

func pages(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n*pageblob.PageSize) }

func content(t *testing.T, b *azureblob.BlobClient) []byte {
	t.Helper()
	all, err := b.ReadAll(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// spans are the ranges of a loop as offset+count, with - in front of cleared ones.
func spans(t *testing.T, loop func(yield func(*pageblob.PageRange, error) bool)) string {
	t.Helper()
	var all []string
	for r, err := range loop {
		if err != nil {
			t.Fatal(err)
		}
		sign := ""
		if r.Kind == pageblob.RangeCleared {
			sign = "-"
		}
		all = append(all, fmt.Sprintf("%s%d+%d", sign, r.Range().Offset, r.Range().Count))
	}
	return strings.Join(all, " ")
}

func TestPages(t *testing.T) {
	onServices(t, func(t *testing.T, c *azureblob.ContainerClient, isAzurite bool) {
		ctx := t.Context()
		b := disk(t, c, 8<<10)
		w, err := b.Write(ctx, 1024, bytes.NewReader(pages(2, 1)), nil)
		if err != nil || w.ETag == "" || w.LastModified.IsZero() {
			t.Fatalf("%+v, %v", w, err)
		}
		if _, err := b.Write(ctx, 4096, iotest.OneByteReader(bytes.NewReader(pages(1, 2))), &pageblob.WriteOptions{Conditions: azureblob.Conditions{IfMatch: w.ETag}}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Clear(ctx, azureblob.Range{Offset: 1536, Count: 512}, nil); err != nil {
			t.Fatal(err)
		}
		want := make([]byte, 8<<10)
		copy(want[1024:], pages(1, 1))
		copy(want[4096:], pages(1, 2))
		if !bytes.Equal(content(t, b.BlobClient), want) {
			t.Error("the content is not what was written")
		}
		if got := spans(t, b.Ranges(ctx, nil)); got != "1024+512 4096+512" {
			t.Errorf("ranges %s", got)
		}
		if got := spans(t, b.Ranges(ctx, &pageblob.RangesOptions{Range: azureblob.Range{Offset: 2048, Count: 4096}})); got != "4096+512" {
			t.Errorf("ranges of a part %s", got)
		}
		for l, err := range b.RangeLists(ctx, nil) {
			if err != nil || l.BlobContentLength != 8<<10 || l.ETag == "" || l.RequestID == "" {
				t.Errorf("%+v, %v", l, err)
			}
		}
		if _, err := b.Resize(ctx, 2048, nil); err != nil {
			t.Fatal(err)
		}
		if got := content(t, b.BlobClient); !bytes.Equal(got, want[:2048]) {
			t.Errorf("%d bytes after Resize", len(got))
		}
		if _, err := b.Write(ctx, 2048, bytes.NewReader(pages(1, 1)), nil); err == nil {
			t.Error("pages beyond the end were written")
		}
		if _, err := pageblob.New(c.Blob("none")).Resize(ctx, 512, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no blob: %v", err)
		}
		if _, err := c.Blob("block").Upload(ctx, strings.NewReader("x"), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := pageblob.New(c.Blob("block")).Write(ctx, 0, bytes.NewReader(pages(1, 1)), nil); !errors.Is(err, azureblob.InvalidBlobType) {
			t.Errorf("a block blob: %v", err)
		}
	})
}

func TestSequenceNumbers(t *testing.T) {
	onServices(t, func(t *testing.T, c *azureblob.ContainerClient, isAzurite bool) {
		ctx := t.Context()
		b := pageblob.New(c.Blob("disk.vhd"))
		if _, err := b.Create(ctx, 512, &pageblob.CreateOptions{SequenceNumber: 5, Metadata: azureblob.Metadata{"a": "b"}}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			action pageblob.SequenceNumberAction
			number int64
			want   int64
		}{
			{pageblob.SequenceNumberIncrement, 0, 6}, {pageblob.SequenceNumberMax, 3, 6}, {pageblob.SequenceNumberMax, 9, 9},
			{pageblob.SequenceNumberUpdate, 7, 7}, {pageblob.SequenceNumberUpdate, 0, 0},
		} {
			r, err := b.SetSequenceNumber(ctx, step.action, step.number, nil)
			if err != nil || r.SequenceNumber != step.want {
				t.Errorf("%s %d: %d, %v", step.action, step.number, r.SequenceNumber, err)
			}
		}
		write := func(s pageblob.SequenceConditions) error {
			_, err := b.Write(ctx, 0, bytes.NewReader(pages(1, 1)), &pageblob.WriteOptions{Sequence: s})
			return err
		}
		if err := write(pageblob.SequenceConditions{IfEqual: new(int64(0))}); err != nil {
			t.Error(err)
		}
		for name, s := range map[string]pageblob.SequenceConditions{"equal": {IfEqual: new(int64(1))}, "less": {IfLessThan: new(int64(0))}} {
			if err := write(s); !errors.Is(err, azureblob.SequenceNumberConditionNotMet) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := write(pageblob.SequenceConditions{IfLessThanOrEqual: new(int64(0))}); err != nil {
			t.Error(err)
		}
		if p, err := b.Properties(ctx, nil); err != nil || p.BlobType != azureblob.PageBlob || p.Metadata["a"] != "b" {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err := b.Create(ctx, 512, &pageblob.CreateOptions{Conditions: azureblob.Conditions{IfNoneMatch: azcore.ETagAny}}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("created again: %v", err)
		}
	})
}

func TestDiff(t *testing.T) {
	// Azurite gives the whole list for a difference.
	srv := blobtest.New(t)
	c, ctx := srv.ServiceClient().Container("disks"), t.Context()
	if _, err := c.Create(ctx, nil); err != nil {
		t.Fatal(err)
	}
	b := disk(t, c, 64<<10)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	snap := func() string {
		r, err := b.Snapshot(ctx, nil)
		must(r, err)
		return r.Snapshot
	}
	must(b.Write(ctx, 0, bytes.NewReader(pages(4, 1)), nil))
	one := snap()
	must(b.Write(ctx, 8192, bytes.NewReader(pages(2, 2)), nil))
	must(b.Clear(ctx, azureblob.Range{Offset: 512, Count: 512}, nil))
	two := snap()
	must(b.Write(ctx, 16384, bytes.NewReader(pages(1, 3)), nil))

	if got := spans(t, b.Diff(ctx, one, nil)); got != "-512+512 8192+1024 16384+512" {
		t.Errorf("since the first: %s", got)
	}
	if got := spans(t, b.Diff(ctx, two, nil)); got != "16384+512" {
		t.Errorf("since the second: %s", got)
	}
	between := pageblob.New(b.WithSnapshot(two))
	if got := spans(t, between.Diff(ctx, one, &pageblob.DiffOptions{ListSize: 1})); got != "-512+512 8192+1024" {
		t.Errorf("between the two: %s", got)
	}
	if got := spans(t, b.Ranges(ctx, &pageblob.RangesOptions{ListSize: 1})); got != "0+512 1024+1024 8192+1024 16384+512" {
		t.Errorf("one by one: %s", got)
	}
	lists := 0
	for l, err := range b.RangeLists(ctx, &pageblob.RangesOptions{ListSize: 3}) {
		must(l, err)
		if lists++; lists == 1 {
			if got := spans(t, b.Ranges(ctx, &pageblob.RangesOptions{Marker: l.NextMarker})); got != "16384+512" {
				t.Errorf("from the marker: %s", got)
			}
		}
	}
	if lists != 2 {
		t.Errorf("%d lists", lists)
	}
	if got := spans(t, b.Diff(ctx, "", &pageblob.DiffOptions{SnapshotURL: b.WithSnapshot(two).URL()})); got != "16384+512" {
		t.Errorf("by URL: %s", got)
	}
}

func TestWriteFromURL(t *testing.T) {
	srv := blobtest.New(t) // Azurite has no Put Page From URL
	c, ctx := srv.ServiceClient().Container("disks"), t.Context()
	if _, err := c.Create(ctx, &azureblob.CreateContainerOptions{PublicAccess: azureblob.PublicAccessBlob}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Blob("source").Upload(ctx, bytes.NewReader(slices.Concat(pages(1, 7), pages(1, 8))), nil); err != nil {
		t.Fatal(err)
	}
	b := disk(t, c, 2048)
	source := c.Blob("source").URL()
	r, err := b.WriteFromURL(ctx, 1024, source, azureblob.Range{Offset: 512, Count: 512}, nil)
	if err != nil || len(r.ContentCRC64)+len(r.ContentMD5) == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if got := content(t, b.BlobClient); !bytes.Equal(got, slices.Concat(pages(2, 0), pages(1, 8), pages(1, 0))) {
		t.Error("not the page of the source")
	}
	if _, err := b.WriteFromURL(ctx, 0, source, azureblob.Range{Count: 512}, &pageblob.WriteFromURLOptions{SourceConditions: azureblob.SourceConditions{IfMatch: `"other"`}}); !errors.Is(err, azureblob.SourceConditionNotMet) {
		t.Errorf("condition on the source: %v", err)
	}
	if _, err := b.WriteFromURL(ctx, 0, source, azureblob.Range{Count: 512}, &pageblob.WriteFromURLOptions{SourceChecksum: azureblob.SourceChecksum{MD5: make([]byte, 16)}}); !errors.Is(err, azureblob.MD5Mismatch) {
		t.Errorf("checksum of the source: %v", err)
	}
}

func TestIncrementalCopy(t *testing.T) {
	srv := blobtest.New(t)
	c, ctx := srv.ServiceClient().Container("disks"), t.Context()
	if _, err := c.Create(ctx, &azureblob.CreateContainerOptions{PublicAccess: azureblob.PublicAccessBlob}); err != nil {
		t.Fatal(err)
	}
	b := disk(t, c, 1024)
	snapshot, err := b.Snapshot(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	backup := pageblob.New(c.Blob("backup"))
	copying, err := backup.StartIncrementalCopy(ctx, b.WithSnapshot(snapshot.Snapshot).URL(), nil)
	if err != nil || copying.ID() == "" || copying.Result().CopyID != copying.ID() || copying.Result().Status == "" || copying.Result().ETag == "" {
		t.Fatalf("%+v, %v", copying, err)
	}
	if done, err := copying.Wait(ctx, nil); err != nil || done.Status != azureblob.CopySuccess {
		t.Errorf("%+v, %v", done, err)
	}
	p, err := backup.Properties(ctx, nil)
	if err != nil || !p.IncrementalCopy || p.CopyDestinationSnapshot == "" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := backup.StartIncrementalCopy(ctx, b.URL(), nil); !errors.Is(err, azureblob.IncrementalCopySourceMustBeSnapshot) || !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("of no snapshot: %v", err)
	}
}

// TestRefused gives every call what cannot be right, and finds that nothing is sent.
func TestRefused(t *testing.T) {
	srv := blobtest.New(t)
	b, ctx := pageblob.New(srv.ServiceClient().Container("disks").Blob("disk.vhd")), t.Context()
	page := bytes.NewReader(pages(1, 1))
	write := func(off int64, content io.Reader, o *pageblob.WriteOptions) error {
		_, err := b.Write(ctx, off, content, o)
		return err
	}
	create := func(size int64, o *pageblob.CreateOptions) error {
		_, err := b.Create(ctx, size, o)
		return err
	}
	fromURL := func(off int64, source azureblob.Range, url string) error {
		_, err := b.WriteFromURL(ctx, off, url, source, nil)
		return err
	}
	const url = "https://account.blob.core.windows.net/c/b"
	sequence := func(a pageblob.SequenceNumberAction, n int64) error {
		_, err := b.SetSequenceNumber(ctx, a, n, nil)
		return err
	}
	list := func(o *pageblob.RangesOptions) (err error) {
		for _, err = range b.Ranges(ctx, o) {
		}
		return err
	}
	diff := func(since string, o *pageblob.DiffOptions) (err error) {
		for _, err = range b.Diff(ctx, since, o) {
		}
		return err
	}
	upload := func(source io.Reader, o *pageblob.UploadOptions) error {
		_, err := b.Upload(ctx, source, o)
		return err
	}
	_, sparse := b.DownloadSparse(ctx, nil, nil)
	_, clearEmpty := b.Clear(ctx, azureblob.Range{Offset: 512}, nil)
	_, resize := b.Resize(ctx, 100, nil)
	for name, err := range map[string]error{
		"size":              create(100, nil),
		"negative size":     create(-512, nil),
		"large size":        create(pageblob.MaxSize+512, nil),
		"negative sequence": create(512, &pageblob.CreateOptions{SequenceNumber: -1}),
		"resize":            resize,
		"offset":            write(100, page, nil),
		"negative offset":   write(-512, page, nil),
		"content":           write(0, strings.NewReader("x"), nil),
		"empty":             write(0, strings.NewReader(""), nil),
		"nil":               write(0, nil, nil),
		"long":              write(0, bytes.NewReader(make([]byte, pageblob.MaxWrite+512)), nil),
		"two checksums":     write(0, page, &pageblob.WriteOptions{Checksum: azureblob.Checksum{MD5: make([]byte, 16), CRC64: make([]byte, 8)}}),
		"past the end":      write(pageblob.MaxSize, page, nil),
		"clear nothing":     clearEmpty,
		"source range":      fromURL(0, azureblob.Range{Offset: 1, Count: 512}, url),
		"source count":      fromURL(0, azureblob.Range{Count: pageblob.MaxWrite + 512}, url),
		"no source":         fromURL(0, azureblob.Range{Count: 512}, "disk.vhd"),
		"no action":         sequence("other", 1),
		"negative number":   sequence(pageblob.SequenceNumberUpdate, -1),
		"increment by two":  sequence(pageblob.SequenceNumberIncrement, 2),
		"list size":         list(&pageblob.RangesOptions{ListSize: 10_001}),
		"list range":        list(&pageblob.RangesOptions{Range: azureblob.Range{Offset: -1}}),
		"no snapshot":       diff("", nil),
		"two snapshots":     diff("x", &pageblob.DiffOptions{SnapshotURL: url}),
		"unknown size":      upload(io.MultiReader(page), nil),
		"odd size":          upload(strings.NewReader("x"), nil),
		"two sizes":         upload(page, &pageblob.UploadOptions{Size: 1024}),
		"no source at all":  upload(nil, nil),
		"no target":         sparse,
	} {
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sent := srv.Requests(); len(sent) > 0 {
		t.Errorf("%d requests were sent, the first %s", len(sent), sent[0].Operation)
	}
	if _, err := pageblob.New(nil).Create(context.Background(), 512, nil); err == nil {
		t.Error("a client of nothing made a blob")
	}
}
