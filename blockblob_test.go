package azureblob_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/sas"
)

// eitherSum runs a call with each of the ways to check content, which exclude each
// other.
func eitherSum(run func(azureblob.Checksum) (any, error)) (any, error) {
	if alone {
		return run(azureblob.Checksum{})
	}
	if _, err := run(azureblob.Checksum{Message: true}); err != nil {
		return nil, err
	}
	if _, err := run(azureblob.Checksum{MD5: make([]byte, md5.Size)}); err != nil {
		return nil, err
	}
	return run(azureblob.Checksum{CRC64: make([]byte, checksum.Size)})
}

// sourceAccess is what a source can need to be read.
func sourceAccess() (azureblob.SourceAccess, azureblob.CustomerKey) {
	key, err := azureblob.NewCustomerKey(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	return azureblob.SourceAccess{Token: staticToken{"some"}, FileShare: true}, key
}

func init() {
	exercise("BlockBlob_Upload", "blockblob.Client.Put", func(ctx context.Context, s subject) (any, error) {
		return eitherSum(func(sum azureblob.Checksum) (any, error) {
			o := filled[blockblob.PutOptions]()
			o.Checksum = sum
			return blockblob.New(s.blob()).Put(ctx, strings.NewReader("x"), o)
		})
	})
	exercise("BlockBlob_UploadBlobFromURL", "blockblob.Client.PutFromURL", func(ctx context.Context, s subject) (any, error) {
		o := filled[blockblob.PutFromURLOptions]()
		o.SourceMD5 = make([]byte, md5.Size)
		o.SourceAccess, o.SourceKey = sourceAccess()
		return blockblob.New(s.blob()).PutFromURL(ctx, s.source(), o)
	})
	exercise("BlockBlob_StageBlock", "blockblob.Client.Stage", func(ctx context.Context, s subject) (any, error) {
		return eitherSum(func(sum azureblob.Checksum) (any, error) {
			o := filled[blockblob.StageOptions]()
			o.Checksum = sum
			return blockblob.New(s.blob()).Stage(ctx, "id", strings.NewReader("x"), o)
		})
	})
	exercise("BlockBlob_StageBlockFromURL", "blockblob.Client.StageFromURL", func(ctx context.Context, s subject) (any, error) {
		return eitherSum(func(sum azureblob.Checksum) (any, error) {
			o := filled[blockblob.StageFromURLOptions]()
			o.SourceChecksum = azureblob.SourceChecksum{MD5: sum.MD5, CRC64: sum.CRC64}
			o.SourceAccess, o.SourceKey = sourceAccess()
			return blockblob.New(s.blob()).StageFromURL(ctx, "id", s.source(), o)
		})
	})
	exercise("BlockBlob_CommitBlockList", "blockblob.Client.Commit", func(ctx context.Context, s subject) (any, error) {
		return blockblob.New(s.blob()).Commit(ctx, blockblob.BlockRefs("id"), filled[blockblob.CommitOptions]())
	})
	exercise("BlockBlob_GetBlockList", "blockblob.Client.Blocks", func(ctx context.Context, s subject) (any, error) {
		b := s.blob().WithSnapshot(s.snapshot)
		return blockblob.New(b).Blocks(ctx, blockblob.AllBlocks, filled[blockblob.BlocksOptions]())
	})
}

// sized are blocks as text: id, size.
func sized(blocks []blockblob.Block) string {
	var s []string
	for _, b := range blocks {
		s = append(s, fmt.Sprint(b.ID, b.Size))
	}
	return strings.Join(s, " ")
}

// TestBlocks stages, commits and lists blocks, changes the middle of a blob, and
// puts a blob that another client staged together by the ids that are listed.
func TestBlocks(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx := t.Context()
		b := blockblob.New(newContainer(t, s).Blob("a/b.txt"))
		if _, err := b.Blocks(ctx, blockblob.AllBlocks, nil); !errors.Is(err, azureblob.BlobNotFound) {
			t.Errorf("Blocks of nothing: %v", err)
		}
		for i, text := range []string{"one ", "two ", "three"} {
			r, err := b.Stage(ctx, fmt.Sprint("ä", i), strings.NewReader(text), nil)
			if err != nil || r.StatusCode != 201 || !bytes.Equal(r.ContentCRC64, checksum.AppendCRC64(nil, checksum.CRC64([]byte(text)))) || !r.ServerEncrypted {
				t.Fatalf("Stage: %+v, %v", r, err)
			}
		}
		l, err := b.Blocks(ctx, blockblob.UncommittedBlocks, nil)
		if err != nil || sized(l.Uncommitted) != "ä04 ä14 ä25" || len(l.Committed) > 0 || l.Size != 0 {
			t.Errorf("staged: %+v, %v", l, err)
		}
		if ok, err := b.Exists(ctx, nil); ok || err != nil {
			t.Errorf("Exists before the commit: %v, %v", ok, err)
		}
		done, err := b.Commit(ctx, blockblob.BlockRefs("ä2", "ä0", "ä1", "ä0"), &blockblob.CommitOptions{
			HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain"}, Metadata: azureblob.Metadata{"k": "v"}, Tags: azureblob.Tags{"t": "1"}, Tier: azureblob.TierCool,
		})
		if err != nil || done.ETag == "" || done.LastModified.IsZero() {
			t.Fatalf("Commit: %+v, %v", done, err)
		}
		if got := string(must[[]byte](t)(b.ReadAll(ctx, nil))); got != "threeone two one " {
			t.Errorf("content %q", got)
		}
		p := must[azureblob.BlobInfo](t)(infoOfBlob(ctx, b.BlobClient))
		if p.ContentType != "text/plain" || p.Metadata["k"] != "v" || p.TagCount != 1 || p.AccessTier != azureblob.TierCool {
			t.Errorf("properties: %+v", p)
		}
		// What is new in the middle goes with what stays.
		must[blockblob.StageResult](t)(b.Stage(ctx, "ä1", strings.NewReader("TWO "), nil))
		must[blockblob.StageResult](t)(b.Stage(ctx, "ä3", strings.NewReader("unused"), nil))
		if l, err = b.Blocks(ctx, blockblob.AllBlocks, nil); err != nil || sized(l.Committed) != "ä25 ä04 ä14 ä04" || sized(l.Uncommitted) != "ä14 ä36" || l.Size != 17 || l.ETag != done.ETag {
			t.Errorf("staged over committed: %+v, %v", l, err)
		}
		refs := []blockblob.BlockRef{{ID: "ä0", Lookup: blockblob.Committed}, {ID: "ä1", Lookup: blockblob.Uncommitted}, {ID: "ä2", Lookup: blockblob.Latest}}
		if _, err := b.Commit(ctx, refs, &blockblob.CommitOptions{Conditions: azureblob.Conditions{IfMatch: done.ETag}}); err != nil {
			t.Fatal(err)
		}
		if got := string(must[[]byte](t)(b.ReadAll(ctx, nil))); got != "one TWO three" {
			t.Errorf("content %q", got)
		}
		if l, err = b.Blocks(ctx, blockblob.AllBlocks, nil); err != nil || sized(l.Committed) != "ä04 ä14 ä25" || len(l.Uncommitted) > 0 {
			t.Errorf("after the commit: %+v, %v", l, err)
		}
		if _, err := b.Commit(ctx, blockblob.BlockRefs("ä9"), nil); !errors.Is(err, azureblob.InvalidBlockList) {
			t.Errorf("Commit of what is not there: %v", err)
		}
		if _, err := b.Commit(ctx, refs, &blockblob.CommitOptions{Conditions: azureblob.Conditions{IfMatch: done.ETag}}); !errors.Is(err, azureblob.ConditionNotMet) {
			t.Errorf("Commit over another state: %v", err)
		}
		must[blockblob.CommitResult](t)(b.Commit(ctx, nil, nil))
		if got := must[[]byte](t)(b.ReadAll(ctx, nil)); len(got) > 0 {
			t.Errorf("content of no blocks: %q", got)
		}
	})
}

func infoOfBlob(ctx context.Context, b *azureblob.BlobClient) (azureblob.BlobInfo, error) {
	r, err := b.Properties(ctx, nil)
	return r.BlobInfo, err
}

// TestBlocksOfOthers finds the blocks of an upload, whose ids are no text, and
// commits them in another order.
func TestBlocksOfOthers(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx := t.Context()
		b := blockblob.New(newContainer(t, s).Blob("b"))
		must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("aaabbbc"), &azureblob.UploadOptions{BlockSize: 3}))
		l := must[blockblob.BlocksResult](t)(b.Blocks(ctx, blockblob.CommittedBlocks, nil))
		var ids []string
		for _, block := range slices.Backward(l.Committed) {
			ids = append(ids, block.ID)
		}
		must[blockblob.CommitResult](t)(b.Commit(ctx, blockblob.BlockRefs(ids...), nil))
		if got := string(must[[]byte](t)(b.ReadAll(ctx, nil))); got != "cbbbaaa" || len(ids) != 3 {
			t.Errorf("content %q of %d blocks", got, len(ids))
		}
	})
}

// TestPutBlob sends blobs of all kinds of content in one request each.
func TestPutBlob(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx := t.Context()
		big := bytes.Repeat([]byte("0123456789abcdef"), 600<<10) // 9.4 MiB, more than Upload sends at once
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, big, 0o600); err != nil {
			t.Fatal(err)
		}
		opened, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		if _, err := opened.Seek(5, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		b := blockblob.New(newContainer(t, s).Blob("b"))
		for name, c := range map[string]struct {
			content io.Reader
			want    []byte
		}{
			"bytes":  {bytes.NewReader(big), big},
			"file":   {opened, big[5:]},
			"stream": {onlyReader{bytes.NewReader(big)}, big},
			"empty":  {strings.NewReader(""), nil},
		} {
			sum := md5.Sum(c.want)
			r, err := b.Put(ctx, c.content, &blockblob.PutOptions{Checksum: azureblob.Checksum{MD5: sum[:]}, Metadata: azureblob.Metadata{"of": name}})
			if err != nil || !bytes.Equal(r.ContentMD5, sum[:]) || r.ETag == "" {
				t.Fatalf("%s: %+v, %v", name, r, err)
			}
			if got := must[[]byte](t)(b.ReadAll(ctx, nil)); !bytes.Equal(got, c.want) {
				t.Errorf("%s: %d bytes came back of %d", name, len(got), len(c.want))
			}
			l := must[blockblob.BlocksResult](t)(b.Blocks(ctx, blockblob.AllBlocks, nil))
			if len(l.Committed) > 0 || l.Size != int64(len(c.want)) {
				t.Errorf("%s: %d blocks, size %d", name, len(l.Committed), l.Size)
			}
			if n, _ := c.content.Read(make([]byte, 1)); n > 0 {
				t.Errorf("%s: the content is not left at its end", name)
			}
		}
		if _, err := b.Put(ctx, strings.NewReader("x"), &blockblob.PutOptions{Conditions: azureblob.Conditions{IfNoneMatch: "*"}}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Put over a blob: %v", err)
		}
		crc := checksum.AppendCRC64(nil, checksum.CRC64([]byte("x")))
		if r, err := b.Put(ctx, strings.NewReader("x"), &blockblob.PutOptions{Checksum: azureblob.Checksum{CRC64: crc}}); err != nil || !azurite && !bytes.Equal(r.ContentCRC64, crc) {
			t.Errorf("Put with a CRC64: %+v, %v", r, err)
		}
		wrong := make([]byte, md5.Size)
		if _, err := b.Put(ctx, strings.NewReader("x"), &blockblob.PutOptions{Checksum: azureblob.Checksum{MD5: wrong}}); !errors.Is(err, azureblob.MD5Mismatch) {
			t.Errorf("Put with a wrong MD5: %v", err)
		}
		if _, err := b.Stage(ctx, "1", strings.NewReader("x"), &blockblob.StageOptions{Checksum: azureblob.Checksum{CRC64: wrong[:8]}}); !errors.Is(err, azureblob.CRC64Mismatch) {
			t.Errorf("Stage with a wrong CRC64: %v", err)
		}
	})
}

// signedSource is a blob with that content, as a URL that anybody may read.
func signedSource(t *testing.T, c *azureblob.ContainerClient, content string) string {
	t.Helper()
	b := c.Blob("source")
	must[azureblob.UploadResult](t)(b.Upload(t.Context(), strings.NewReader(content), &azureblob.UploadOptions{
		Metadata: azureblob.Metadata{"from": "source"}, HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain", ContentLanguage: "de"}, Tags: azureblob.Tags{"k": "source"},
	}))
	return must[string](t)(b.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true, Tags: true}, Expiry: time.Now().Add(time.Hour)}))
}

func TestStageFromURL(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx := t.Context()
		c := newContainer(t, s)
		source := signedSource(t, c, "0123456789")
		b := blockblob.New(c.Blob("b"))
		sum := md5.Sum([]byte("345"))
		r, err := b.StageFromURL(ctx, "1", source, &blockblob.StageFromURLOptions{
			Range: azureblob.Range{Offset: 3, Count: 3}, SourceChecksum: azureblob.SourceChecksum{MD5: sum[:]},
		})
		if err != nil || r.StatusCode != 201 || !azurite && !bytes.Equal(r.ContentMD5, sum[:]) {
			t.Fatalf("StageFromURL: %+v, %v", r, err)
		}
		must[blockblob.StageResult](t)(b.StageFromURL(ctx, "2", source, &blockblob.StageFromURLOptions{Range: azureblob.Range{Offset: 8}}))
		must[blockblob.StageResult](t)(b.StageFromURL(ctx, "3", source, nil))
		must[blockblob.CommitResult](t)(b.Commit(ctx, blockblob.BlockRefs("1", "2", "3"), nil))
		if got := string(must[[]byte](t)(b.ReadAll(ctx, nil))); got != "345890123456789" {
			t.Errorf("content %q", got)
		}
		sum[0]++
		if _, err := b.StageFromURL(ctx, "1", source, &blockblob.StageFromURLOptions{SourceChecksum: azureblob.SourceChecksum{MD5: sum[:]}}); !errors.Is(err, azureblob.MD5Mismatch) {
			t.Errorf("a wrong MD5: %v", err)
		}
		if _, err := b.StageFromURL(ctx, "1", source, &blockblob.StageFromURLOptions{SourceConditions: azureblob.SourceConditions{IfMatch: `"0x1"`}}); !azurite && !errors.Is(err, azureblob.SourceConditionNotMet) {
			t.Errorf("a source in another state: %v", err)
		}
		_, err = b.StageFromURL(ctx, "1", c.Blob("source").URL(), nil)
		if !errors.Is(err, azureblob.CannotVerifyCopySource) {
			t.Errorf("a source that is not public: %v", err)
		}
	})
}

// TestPutFromURL is for blobtest alone, since the emulator does not do it.
func TestPutFromURL(t *testing.T) {
	ctx, server := t.Context(), blobtest.New(t)
	c := newContainer(t, server.ServiceClient(azureblob.CapturingOptions()))
	source := signedSource(t, c, "0123456789")
	b := blockblob.New(c.Blob("b"))
	sum := md5.Sum([]byte("0123456789"))
	r, err := b.PutFromURL(ctx, source, &blockblob.PutFromURLOptions{
		HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/x"}, SourceMD5: sum[:], CopyTags: azureblob.CopySourceTagsCopy, SourceIfTags: `"k" = 'source'`,
	})
	if err != nil || !bytes.Equal(r.ContentMD5, sum[:]) || len(r.ContentCRC64) != checksum.Size || r.ETag == "" {
		t.Fatalf("PutFromURL: %+v, %v", r, err)
	}
	p := must[azureblob.BlobInfo](t)(infoOfBlob(ctx, b.BlobClient))
	if p.ContentType != "text/x" || p.ContentLanguage != "de" || p.Metadata["from"] != "source" || p.TagCount != 1 {
		t.Errorf("what comes from the source: %+v", p)
	}
	must[blockblob.PutResult](t)(b.PutFromURL(ctx, source, &blockblob.PutFromURLOptions{CopyProperties: new(false), Metadata: azureblob.Metadata{"a": "b"}}))
	p = must[azureblob.BlobInfo](t)(infoOfBlob(ctx, b.BlobClient))
	if p.ContentLanguage != "" || p.Metadata["from"] != "" || p.Metadata["a"] != "b" || p.TagCount != 0 || p.ContentLength != 10 {
		t.Errorf("without what the source has: %+v", p)
	}
	if _, err := b.PutFromURL(ctx, source, &blockblob.PutFromURLOptions{SourceIfTags: `"k" = 'other'`}); !errors.Is(err, azureblob.SourceConditionNotMet) {
		t.Errorf("a source with other tags: %v", err)
	}
	if _, err := b.PutFromURL(ctx, source, &blockblob.PutFromURLOptions{Conditions: azureblob.Conditions{IfNoneMatch: "*"}}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a blob: %v", err)
	}
	if _, err := b.PutFromURL(ctx, c.Blob("none").URL(), nil); !errors.Is(err, azureblob.CannotVerifyCopySource) {
		t.Errorf("no source: %v", err)
	}
}
