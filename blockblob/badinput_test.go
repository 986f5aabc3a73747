package blockblob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
)

// staged is an empty container, and the blob of the tests in it.
func staged(t *testing.T, o *azureblob.ClientOptions) (*blobtest.Server, *blockblob.Client) {
	t.Helper()
	srv := blobtest.New(t)
	c := srv.ServiceClient(o).Container("photos")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return srv, blockblob.New(c.Blob("cat.jpg"))
}

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

type someToken struct{}

func (someToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "some"}, nil
}

// TestBadInput gives what the service would refuse, or would not get as it was
// meant, and finds that nothing is sent.
func TestBadInput(t *testing.T) {
	srv, b := staged(t, &azureblob.ClientOptions{MemoryBudget: 8 << 20})
	ctx, text := t.Context(), func() io.Reader { return strings.NewReader("x") }
	long, source := strings.Repeat("x", 65), "https://account.blob.core.windows.net/c/b"
	many := blockblob.BlockRefs(make([]string, 50_001)...)
	bad := errors.New("the disk is gone")
	key, err := azureblob.NewCustomerKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := azureblob.NewBlobClient("http://127.0.0.1:1/account/photos/cat.jpg", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	stage := func(id string, content io.Reader, o *blockblob.StageOptions) error {
		_, err := b.Stage(ctx, id, content, o)
		return err
	}
	put := func(content io.Reader, o *blockblob.PutOptions) error {
		_, err := b.Put(ctx, content, o)
		return err
	}
	stageFrom := func(b *blockblob.Client, url string, o *blockblob.StageFromURLOptions) error {
		_, err := b.StageFromURL(ctx, "id", url, o)
		return err
	}
	putFrom := func(url string, o *blockblob.PutFromURLOptions) error {
		_, err := b.PutFromURL(ctx, url, o)
		return err
	}
	commit := func(refs ...blockblob.BlockRef) error {
		_, err := b.Commit(ctx, refs, nil)
		return err
	}
	blocks := func(b *blockblob.Client, which blockblob.BlockListType) error {
		_, err := b.Blocks(ctx, which, nil)
		return err
	}
	before := len(srv.Requests())
	for name, c := range map[string]struct {
		err  error
		is   error
		says string
	}{
		"no id":               {stage("", text(), nil), fs.ErrInvalid, "the id of the block is empty"},
		"long id":             {stage(long, text(), nil), fs.ErrInvalid, "has 65 bytes, and 64 is the most"},
		"nil content":         {stage("id", nil, nil), fs.ErrInvalid, "the content is nil"},
		"nil pointer":         {stage("id", (*bytes.Reader)(nil), nil), fs.ErrInvalid, "the content is nil"},
		"empty content":       {stage("id", strings.NewReader(""), nil), fs.ErrInvalid, "the content is empty"},
		"empty stream":        {stage("id", iotest.DataErrReader(strings.NewReader("")), nil), fs.ErrInvalid, "the content is empty"},
		"large block":         {stage("id", sparse(t, 4000<<20+1), nil), azureblob.RequestBodyTooLarge, "longer than the 4194304000 bytes"},
		"large stream":        {stage("id", io.LimitReader(sparse(t, 9<<20), 9<<20), nil), azureblob.RequestBodyTooLarge, "8388608 bytes of the memory budget"},
		"large blob":          {put(sparse(t, 5000<<20+1), nil), azureblob.RequestBodyTooLarge, "longer than the 5242880000 bytes"},
		"broken content":      {stage("id", iotest.ErrReader(bad), nil), bad, "reading the source"},
		"MD5":                 {stage("id", text(), &blockblob.StageOptions{Checksum: azureblob.Checksum{MD5: []byte("short")}}), fs.ErrInvalid, "Checksum.MD5 has 5 bytes and not 16"},
		"CRC64":               {put(text(), &blockblob.PutOptions{Checksum: azureblob.Checksum{CRC64: make([]byte, 4)}}), fs.ErrInvalid, "Checksum.CRC64 has 4 bytes and not 8"},
		"two sums":            {put(text(), &blockblob.PutOptions{Checksum: azureblob.Checksum{MD5: make([]byte, 16), CRC64: make([]byte, 8)}}), fs.ErrInvalid, "only one"},
		"metadata":            {put(iotest.ErrReader(bad), &blockblob.PutOptions{Metadata: azureblob.Metadata{"a-b": "c"}}), fs.ErrInvalid, `"a-b"`},
		"source MD5":          {putFrom(source, &blockblob.PutFromURLOptions{SourceMD5: []byte("short")}), fs.ErrInvalid, "SourceChecksum.MD5 has 5 bytes"},
		"source sums":         {stageFrom(b, source, &blockblob.StageFromURLOptions{SourceChecksum: azureblob.SourceChecksum{CRC64: []byte{1}}}), fs.ErrInvalid, "SourceChecksum.CRC64 has 1 bytes"},
		"source tags":         {putFrom(source, &blockblob.PutFromURLOptions{CopyTags: azureblob.CopySourceTagsCopy, Tags: azureblob.Tags{"a": "b"}}), azureblob.BothUserTagsAndSourceTagsCopyPresentException, "tags of the source"},
		"source no URL":       {stageFrom(b, "photos/cat.jpg", nil), fs.ErrInvalid, "no http or https URL"},
		"source long URL":     {putFrom(source+strings.Repeat("x", 2048), nil), fs.ErrInvalid, "2048 is the most"},
		"source range":        {stageFrom(b, source, &blockblob.StageFromURLOptions{Range: azureblob.Range{Offset: -1}}), fs.ErrInvalid, "offset -1"},
		"source large range":  {stageFrom(b, source, &blockblob.StageFromURLOptions{Range: azureblob.Range{Count: 4000<<20 + 1}}), azureblob.RequestBodyTooLarge, "at most 4194304000"},
		"source key in clear": {stageFrom(blockblob.New(plain), source, &blockblob.StageFromURLOptions{SourceKey: key}), fs.ErrInvalid, "needs an https endpoint"},
		"nil token":           {stageFrom(b, source, &blockblob.StageFromURLOptions{SourceAccess: azureblob.SourceAccess{Token: (*someToken)(nil)}}), fs.ErrInvalid, "nil pointer"},
		"token to http":       {stageFrom(b, "http://example.com/a?sig=secret", &blockblob.StageFromURLOptions{SourceAccess: azureblob.SourceAccess{Token: someToken{}}}), fs.ErrInvalid, "needs an https source"},
		"source key to http":  {stageFrom(b, "http://example.com/a", &blockblob.StageFromURLOptions{SourceKey: key}), fs.ErrInvalid, "needs an https source"},
		"token in clear":      {stageFrom(blockblob.New(plain), source, &blockblob.StageFromURLOptions{SourceAccess: azureblob.SourceAccess{Token: someToken{}}}), fs.ErrInvalid, "needs an https endpoint"},
		"commit no id":        {commit(blockblob.BlockRef{}), azureblob.InvalidBlockList, "block 0: the id of the block is empty"},
		"commit long id":      {commit(blockblob.BlockRefs("a", long)...), azureblob.InvalidBlockList, "block 1"},
		"commit lengths":      {commit(blockblob.BlockRefs("9", "10")...), azureblob.InvalidBlockList, `block 1: the id "10" has 2 bytes and the first one 1`},
		"commit lookup":       {commit(blockblob.BlockRef{ID: "a", Lookup: "latest"}), fs.ErrInvalid, `"latest" is no place`},
		"commit too many":     {commit(many...), azureblob.BlockListTooLong, "50001 blocks are named"},
		"no kind of list":     {blocks(b, ""), fs.ErrInvalid, `"" is no kind`},
		"snapshot":            {func() error { _, err := blockblob.New(b.WithSnapshot("s")).Stage(ctx, "a", text(), nil); return err }(), fs.ErrInvalid, "snapshot"},
		"nil client":          {blocks(blockblob.New(nil), blockblob.AllBlocks), fs.ErrInvalid, "zero value"},
	} {
		if !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: %v", name, c.err)
		}
		if c.is != bad && !errors.Is(c.err, fs.ErrInvalid) {
			t.Errorf("%s is not fs.ErrInvalid: %v", name, c.err)
		}
	}
	if sent := srv.Requests()[before:]; len(sent) > 0 {
		t.Errorf("sent: %+v", sent)
	}
}

// TestShrinkingSource has content that ends before what it promised: it must not
// become a shorter block, whatever the service makes of the broken request.
func TestShrinkingSource(t *testing.T) {
	srv, b := staged(t, nil)
	f := sparse(t, 1<<20)
	srv.Inject(blobtest.Fault{Match: func(r *http.Request) bool {
		_ = f.Truncate(1000)
		return false
	}})
	if _, err := b.Stage(t.Context(), "a", f, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if _, err := b.Blocks(t.Context(), blockblob.AllBlocks, nil); !errors.Is(err, azureblob.BlobNotFound) {
		t.Errorf("a block is there: %v", err)
	}
}

// TestContentOfEachTry has requests fail in the middle of their content, and
// finds all of it in the block.
func TestContentOfEachTry(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
	for name, reader := range map[string]func() io.Reader{
		"at":     func() io.Reader { return bytes.NewReader(content) },
		"stream": func() io.Reader { return io.MultiReader(bytes.NewReader(content)) },
	} {
		srv, b := staged(t, &azureblob.ClientOptions{Retry: azureblob.RetryOptions{Delay: 1}})
		fault := srv.Inject(blobtest.Fault{Operation: "Put Block", Reset: true, At: blobtest.DuringRequest, Offset: 300_000, Times: 2})
		if _, err := b.Stage(t.Context(), "a", reader(), nil); err != nil || fault.Fired() != 2 {
			t.Errorf("%s: %v after %d faults", name, err, fault.Fired())
		}
		if _, err := b.Commit(t.Context(), blockblob.BlockRefs("a"), nil); err != nil {
			t.Fatal(err)
		}
		if got, err := b.ReadAll(t.Context(), nil); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// TestLostAnswerOfCommit has commits carried out and reported as failed. One that
// does not find its blocks again has a look at the blob.
func TestLostAnswerOfCommit(t *testing.T) {
	srv, b := staged(t, &azureblob.ClientOptions{Retry: azureblob.RetryOptions{Delay: 1}})
	ctx := t.Context()
	for _, lookup := range []blockblob.Lookup{blockblob.Latest, blockblob.Uncommitted} {
		if _, err := b.Stage(ctx, "a", strings.NewReader(string(lookup)), nil); err != nil {
			t.Fatal(err)
		}
		srv.Inject(blobtest.Fault{Operation: "Put Block List", Status: 500, Code: "InternalError", At: blobtest.AfterOperation})
		_, err := b.Commit(ctx, []blockblob.BlockRef{{ID: "a", Lookup: lookup}}, nil)
		if err != nil {
			t.Errorf("%s: %v", lookup, err)
		}
		if got, err := b.ReadAll(ctx, nil); err != nil || string(got) != string(lookup) {
			t.Errorf("%s: content %q, %v", lookup, got, err)
		}
	}
	srv.Inject(blobtest.Fault{Operation: "Put Block List", Status: 503, Code: "ServerBusy"})
	if _, err := b.Stage(ctx, "a", strings.NewReader("busy"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(ctx, []blockblob.BlockRef{{ID: "a", Lookup: blockblob.Uncommitted}}, nil); err != nil {
		t.Errorf("after 503, which says that nothing was done: %v", err)
	}
}
