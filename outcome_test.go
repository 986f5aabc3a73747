package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/pageblob"
	"github.com/goblob/azureblob/sas"
)

// scene is a blob that a write acts on, while somebody else may act on it as well.
type scene struct {
	t       *testing.T
	ctx     context.Context
	srv     *blobtest.Server
	b       *azureblob.BlobClient // ours
	theirs  *azureblob.BlobClient
	source  *azureblob.BlobClient      // of copies
	photos  *azureblob.ContainerClient // ours, that they are in
	service *azureblob.ServiceClient   // ours
	etag    azcore.ETag                // as it was prepared
	copies  *azureblob.Copy
	lease   *azureblob.BlobLeaseClient
}

// answerTimeout gives up a request that is not answered in time, as the transport
// of the client does.
type answerTimeout struct{ *blobtest.Transport }

type timedOut struct{}

func (timedOut) Error() string { return "no answer in time" }
func (timedOut) Timeout() bool { return true }

func (a answerTimeout) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(10*time.Millisecond, func() { cancel(timedOut{}) })
	resp, err := a.Transport.Do(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		cancel(nil)
		if cause := context.Cause(ctx); errors.Is(cause, timedOut{}) {
			return nil, cause
		}
		return nil, err
	}
	context.AfterFunc(req.Context(), func() { cancel(nil) })
	return resp, nil
}

func newScene(t *testing.T, w *write) *scene {
	t.Helper()
	srv := blobtest.New(t, &blobtest.Options{CopyDuration: w.copying, Versioning: w.versions})
	o := azureblob.CapturingOptions()
	o.Retry.Delay = time.Millisecond
	o.Transport = answerTimeout{srv.Transport()}
	cred := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(blobtest.DefaultAccount, blobtest.DefaultKey))
	ours := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(srv.Endpoint(), cred, o))
	s := &scene{t: t, ctx: t.Context(), srv: srv, service: ours}
	theirs := newContainer(t, srv.ServiceClient(azureblob.CapturingOptions()))
	s.theirs, s.photos = theirs.Blob("b"), ours.Container(theirs.Name())
	s.b, s.source = s.photos.Blob("b"), s.photos.Blob("source")
	must[azureblob.UploadResult](t)(s.source.Upload(s.ctx, strings.NewReader("source"), nil))
	if w.prepare != nil {
		w.prepare(s)
	}
	if p, err := s.theirs.Properties(s.ctx, nil); err == nil {
		s.etag = p.ETag
	}
	return s
}

// state is all that can be seen of the blob and was not made by chance.
func (s *scene) state() string {
	p, err := s.theirs.Properties(s.ctx, nil)
	if errors.Is(err, azureblob.ContainerNotFound) || errors.Is(err, azureblob.BlobNotFound) {
		return "none"
	} else if err != nil {
		s.t.Fatal(err)
	}
	content, err := s.theirs.ReadAll(s.ctx, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	snapshots := 0
	for item, err := range s.photos.Blobs(s.ctx, &azureblob.ListBlobsOptions{Include: azureblob.ListBlobsInclude{Snapshots: true}}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if item.Snapshot != "" {
			snapshots++
		}
	}
	tags := must[azureblob.TagsResult](s.t)(s.theirs.Tags(s.ctx, nil)).Tags
	return fmt.Sprintf("%s %q %v %v %s %s, %d snapshots, number %d, sealed %v, lease %s, copy %s, blocks %d", p.BlobType, strings.TrimRight(string(content), "\x00")+fmt.Sprint(len(content)),
		p.Metadata, tags, p.ContentType, p.AccessTier, snapshots, p.SequenceNumber, p.Sealed, p.LeaseState, p.CopyStatus, p.CommittedBlockCount)
}

func (s *scene) put(text string, o *azureblob.UploadOptions) {
	s.t.Helper()
	must[azureblob.UploadResult](s.t)(s.theirs.Upload(s.ctx, strings.NewReader(text), o))
}

// overwrite is what somebody else does by default.
func (s *scene) overwrite() {
	s.put("theirs", &azureblob.UploadOptions{Metadata: azureblob.Metadata{"who": "they"}})
}

// write is a write that may meet its own first try.
type write struct {
	name, operation string
	prepare         func(s *scene)
	call            func(s *scene) (azcore.ETag, error)
	other           func(s *scene) // what somebody else does in between; nil for overwrite
	once            bool           // it is not repeated
	guessed         bool           // it is repeated, and nothing tells whether it was carried out
	blind           bool           // it has no condition, and so no regard for what somebody else does
	copying         time.Duration
	versions        bool
}

var (
	fresh  = azureblob.Conditions{IfNoneMatch: azcore.ETagAny}
	ownKey = azureblob.Metadata{"who": "we"}
)

func (s *scene) match() azureblob.Conditions { return azureblob.Conditions{IfMatch: s.etag} }

func some(s *scene) {
	s.put("some", &azureblob.UploadOptions{Metadata: azureblob.Metadata{"who": "someone"}, Tags: azureblob.Tags{"state": "new"}})
}

var blockWrites = []write{
	{name: "upload if none", operation: "Put Blob", call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.Upload(s.ctx, strings.NewReader("ours"), &azureblob.UploadOptions{Conditions: fresh, HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain", CacheControl: "no-store"}})
		return r.ETag, err
	}},
	{name: "upload if match", operation: "Put Blob", prepare: some, versions: true, call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.Upload(s.ctx, strings.NewReader("ours"), &azureblob.UploadOptions{Conditions: s.match(), Metadata: ownKey, Validate: true})
		if err == nil && (r.VersionID == "" || r.LastModified.IsZero() || len(r.ContentMD5) == 0 || !r.ServerEncrypted || r.Size != 4) {
			s.t.Errorf("%+v", r)
		}
		return r.ETag, err
	}},
	{name: "upload nothing if none", operation: "Put Blob", guessed: true, call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.Upload(s.ctx, strings.NewReader(""), &azureblob.UploadOptions{Conditions: fresh})
		return r.ETag, err
	}},
	{name: "upload an owner if none", operation: "Put Blob", call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.Upload(s.ctx, strings.NewReader(""), &azureblob.UploadOptions{Conditions: fresh, Metadata: ownKey})
		return r.ETag, err
	}},
	{name: "put if none", operation: "Put Blob", call: putIfNone},
	{name: "put against as many bytes", operation: "Put Blob", call: putIfNone, other: func(s *scene) { s.put("them", nil) }},
	{name: "put against metadata", operation: "Put Blob", call: putIfNone, other: func(s *scene) { s.put("ours", &azureblob.UploadOptions{Metadata: ownKey}) }},
	{name: "put against a type", operation: "Put Blob", call: putIfNone, other: func(s *scene) {
		s.put("ours", &azureblob.UploadOptions{HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain"}})
	}},
	{name: "put from URL if none", operation: "Put Blob From URL", guessed: true, call: func(s *scene) (azcore.ETag, error) {
		r, err := blockblob.New(s.b).PutFromURL(s.ctx, s.sourceURL(), &blockblob.PutFromURLOptions{Conditions: fresh})
		return r.ETag, err
	}},
	{name: "blocks if none", operation: "Put Block List", versions: true, call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.Upload(s.ctx, strings.NewReader("ours"), &azureblob.UploadOptions{Conditions: fresh, BlockSize: 2})
		if err == nil && (r.VersionID == "" || r.LastModified.IsZero() || r.ContentMD5 != nil) {
			s.t.Errorf("%+v", r)
		}
		return r.ETag, err
	}},
	{name: "blocks against as many", operation: "Put Block List", call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.Upload(s.ctx, strings.NewReader("ours"), &azureblob.UploadOptions{Conditions: fresh, BlockSize: 2})
		return r.ETag, err
	}, other: func(s *scene) { s.put("ours", &azureblob.UploadOptions{BlockSize: 2}) }},
	{name: "blocks if match", operation: "Put Block List", prepare: some, call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.Upload(s.ctx, strings.NewReader("ours"), &azureblob.UploadOptions{Conditions: s.match(), BlockSize: 1})
		return r.ETag, err
	}},
	{name: "commit", operation: "Put Block List", prepare: func(s *scene) {
		for _, id := range []string{"a", "b"} {
			must[blockblob.StageResult](s.t)(blockblob.New(s.b).Stage(s.ctx, id, strings.NewReader(id), nil))
		}
	}, call: func(s *scene) (azcore.ETag, error) {
		r, err := blockblob.New(s.b).Commit(s.ctx, []blockblob.BlockRef{{ID: "b", Lookup: blockblob.Uncommitted}, {ID: "a"}}, &blockblob.CommitOptions{Metadata: ownKey})
		return r.ETag, err
	}, other: func(s *scene) {
		b := blockblob.New(s.theirs)
		for _, id := range []string{"c", "d"} {
			must[blockblob.StageResult](s.t)(b.Stage(s.ctx, id, strings.NewReader(id), nil))
		}
		must[blockblob.CommitResult](s.t)(b.Commit(s.ctx, blockblob.BlockRefs("c", "d"), &blockblob.CommitOptions{Metadata: ownKey}))
	}},
	{name: "copy from", operation: "Put Blob From URL", call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.CopyFrom(s.ctx, s.source, &azureblob.CopyFromOptions{Conditions: fresh})
		return r.ETag, err
	}},
	{name: "copy from in blocks", operation: "Put Block List", call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.CopyFrom(s.ctx, s.source, &azureblob.CopyFromOptions{Conditions: fresh, BlockSize: 2})
		return r.ETag, err
	}},
	{name: "copy from URL", operation: "Copy Blob From URL", call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.CopyFromURL(s.ctx, s.sourceURL(), &azureblob.CopyFromURLOptions{Conditions: fresh})
		return r.ETag, err
	}},
	{name: "start copy if none", operation: "Copy Blob", call: func(s *scene) (azcore.ETag, error) {
		c, err := s.b.StartCopy(s.ctx, s.source.URL(), &azureblob.StartCopyOptions{Conditions: fresh, Metadata: ownKey})
		if err != nil {
			return "", err
		}
		r, err := c.Wait(s.ctx, nil)
		return r.ETag, err
	}},
	{name: "copy against a copy", operation: "Copy Blob", call: func(s *scene) (azcore.ETag, error) {
		_, err := s.b.StartCopy(s.ctx, s.source.URL(), &azureblob.StartCopyOptions{Conditions: fresh})
		return "", err
	}, other: func(s *scene) {
		b := s.photos.Blob("other")
		must[azureblob.UploadResult](s.t)(b.Upload(s.ctx, strings.NewReader("source"), nil))
		must[*azureblob.Copy](s.t)(s.theirs.StartCopy(s.ctx, b.URL(), nil))
	}},
	{name: "start long copy", operation: "Copy Blob", copying: time.Minute, call: func(s *scene) (azcore.ETag, error) {
		c, err := s.b.StartCopy(s.ctx, s.source.URL(), nil)
		if err != nil {
			return "", err
		}
		r, err := c.Wait(s.ctx, nil)
		return r.ETag, err
	}, other: func(s *scene) {
		c, err := s.theirs.StartCopy(s.ctx, s.theirs.URL(), nil)
		if err == nil {
			_, err = c.Wait(s.ctx, nil)
		}
		_ = err
	}, blind: true},
	{name: "abort copy", operation: "Abort Copy Blob", copying: time.Minute, prepare: func(s *scene) {
		s.copies = must[*azureblob.Copy](s.t)(s.b.StartCopy(s.ctx, s.source.URL(), nil))
	}, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.copies.Abort(s.ctx, nil)
		return "", err
	}, blind: true},
}

// sourceURL is the source, signed.
func (s *scene) sourceURL() string {
	return must[string](s.t)(s.source.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: time.Now().Add(time.Hour)}))
}

func putIfNone(s *scene) (azcore.ETag, error) {
	r, err := blockblob.New(s.b).Put(s.ctx, strings.NewReader("ours"), &blockblob.PutOptions{Conditions: fresh})
	return r.ETag, err
}

var propertyWrites = []write{
	{name: "metadata if match", operation: "Set Blob Metadata", prepare: some, call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.SetMetadata(s.ctx, azureblob.Metadata{"Who": "we"}, &azureblob.SetBlobMetadataOptions{Conditions: s.match()})
		return r.ETag, err
	}},
	{name: "headers if match", operation: "Set Blob Properties", prepare: some, call: func(s *scene) (azcore.ETag, error) {
		r, err := s.b.SetHTTPHeaders(s.ctx, azureblob.HTTPHeaders{ContentType: "text/plain"}, &azureblob.SetHTTPHeadersOptions{Conditions: s.match()})
		return r.ETag, err
	}},
	{name: "tags if tags", operation: "Set Blob Tags", prepare: some, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.b.SetTags(s.ctx, azureblob.Tags{"state": "done"}, &azureblob.SetTagsOptions{Conditions: azureblob.TagConditions{IfTags: azureblob.Tag("state").Equals("new")}})
		return "", err
	}},
	{name: "tier if tags", operation: "Set Blob Tier", prepare: some, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.b.SetTier(s.ctx, azureblob.TierCool, &azureblob.SetTierOptions{IfTags: azureblob.Tag("state").Equals("new")})
		return "", err
	}},
	{name: "delete if match", operation: "Delete Blob", prepare: some, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.b.Delete(s.ctx, &azureblob.DeleteBlobOptions{Conditions: s.match()})
		return "", err
	}},
	{name: "delete", operation: "Delete Blob", prepare: some, blind: true, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.b.Delete(s.ctx, nil)
		return "", err
	}},
	{name: "delete container", operation: "Delete Container", prepare: some, blind: true, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.photos.Delete(s.ctx, nil)
		return "", err
	}},
	{name: "acquire if match", operation: "Lease Blob", prepare: some, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.b.Lease(leaseA).Acquire(s.ctx, azureblob.LeaseForever, &azureblob.LeaseOptions{Conditions: azureblob.LeaseConditions{IfMatch: s.etag}})
		return s.etag, err
	}, other: func(s *scene) { _, _ = s.theirs.Lease("").Acquire(s.ctx, azureblob.LeaseForever, nil) }},
	{name: "change lease", operation: "Lease Blob", prepare: heldLease, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.lease.Change(s.ctx, "", nil)
		return "", err
	}, other: breaks},
	{name: "release lease", operation: "Lease Blob", prepare: heldLease, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.lease.Release(s.ctx, nil)
		return "", err
	}, other: takesOver, blind: true},
	{name: "break lease", operation: "Lease Blob", once: true, prepare: heldLease, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.b.Lease("").Break(s.ctx, nil)
		return "", err
	}},
	{name: "snapshot", operation: "Snapshot Blob", once: true, prepare: some, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.b.Snapshot(s.ctx, nil)
		return "", err
	}},
	{name: "snapshot if match", operation: "Snapshot Blob", once: true, prepare: some, call: func(s *scene) (azcore.ETag, error) {
		_, err := s.b.Snapshot(s.ctx, &azureblob.SnapshotOptions{Conditions: s.match()})
		return "", err
	}},
}

func heldLease(s *scene) {
	some(s)
	s.lease = s.b.Lease(leaseA)
	must[azureblob.LeaseResult](s.t)(s.lease.Acquire(s.ctx, azureblob.LeaseForever, nil))
}

func breaks(s *scene) {
	must[azureblob.BreakLeaseResult](s.t)(s.theirs.Lease("").Break(s.ctx, nil))
}

func takesOver(s *scene) {
	if r, err := s.theirs.Lease("").Break(s.ctx, nil); err == nil && r.Remaining > 0 {
		s.t.Fatal("the lease goes on")
	}
	must[azureblob.LeaseResult](s.t)(s.theirs.Lease("").Acquire(s.ctx, azureblob.LeaseForever, nil))
}

var otherWrites = []write{
	{name: "create append blob", operation: "Put Blob", call: func(s *scene) (azcore.ETag, error) {
		r, err := appendblob.New(s.b).Create(s.ctx, &appendblob.CreateOptions{Conditions: fresh, Metadata: ownKey})
		return r.ETag, err
	}},
	{name: "create plain append blob", operation: "Put Blob", guessed: true, call: func(s *scene) (azcore.ETag, error) {
		r, err := appendblob.New(s.b).Create(s.ctx, &appendblob.CreateOptions{Conditions: fresh})
		return r.ETag, err
	}},
	{name: "append", operation: "Append Block", once: true, prepare: appendable, call: func(s *scene) (azcore.ETag, error) {
		r, err := appendblob.New(s.b).Append(s.ctx, strings.NewReader("ours"), nil)
		return r.ETag, err
	}},
	{name: "append at", operation: "Append Block", prepare: appendable, call: func(s *scene) (azcore.ETag, error) {
		r, err := appendblob.New(s.b).Append(s.ctx, strings.NewReader("ours"), &appendblob.AppendOptions{IfPosition: new(int64(4))})
		if err == nil && (r.Offset != 4 || r.BlockCount < 2) {
			s.t.Errorf("%+v", r)
		}
		return r.ETag, err
	}, other: appends},
	{name: "append from URL at", operation: "Append Block From URL", guessed: true, prepare: appendable, call: func(s *scene) (azcore.ETag, error) {
		r, err := appendblob.New(s.b).AppendFromURL(s.ctx, s.sourceURL(), &appendblob.AppendFromURLOptions{IfPosition: new(int64(4))})
		return r.ETag, err
	}, other: appends},
	{name: "seal if match", operation: "Append Blob Seal", prepare: appendable, call: func(s *scene) (azcore.ETag, error) {
		r, err := appendblob.New(s.b).Seal(s.ctx, &appendblob.SealOptions{IfMatch: s.etag})
		return r.ETag, err
	}, other: func(s *scene) {
		must[azureblob.SetBlobMetadataResult](s.t)(s.theirs.SetMetadata(s.ctx, azureblob.Metadata{"who": "they"}, nil))
	}},
	{name: "create page blob", operation: "Put Blob", call: func(s *scene) (azcore.ETag, error) {
		r, err := pageblob.New(s.b).Create(s.ctx, 1024, &pageblob.CreateOptions{Conditions: fresh, Metadata: ownKey, SequenceNumber: 3})
		return r.ETag, err
	}},
	{name: "write pages", operation: "Put Page", prepare: paged, call: func(s *scene) (azcore.ETag, error) {
		r, err := pageblob.New(s.b).Write(s.ctx, 512, strings.NewReader(strings.Repeat("x", 512)), &pageblob.WriteOptions{Conditions: s.match()})
		return r.ETag, err
	}, other: numbers},
	{name: "write pages under a number", operation: "Put Page", prepare: paged, blind: true, call: func(s *scene) (azcore.ETag, error) {
		r, err := pageblob.New(s.b).Write(s.ctx, 512, strings.NewReader(strings.Repeat("x", 512)), &pageblob.WriteOptions{Sequence: pageblob.SequenceConditions{IfEqual: new(int64(0))}})
		return r.ETag, err
	}, other: numbers},
	{name: "write pages from URL", operation: "Put Page From URL", guessed: true, prepare: func(s *scene) {
		paged(s)
		must[azureblob.DeleteBlobResult](s.t)(s.source.Delete(s.ctx, nil))
		must[azureblob.UploadResult](s.t)(s.source.Upload(s.ctx, strings.NewReader(strings.Repeat("x", 512)), nil))
	}, call: func(s *scene) (azcore.ETag, error) {
		r, err := pageblob.New(s.b).WriteFromURL(s.ctx, 512, s.sourceURL(), azureblob.Range{Count: 512}, &pageblob.WriteFromURLOptions{Conditions: s.match()})
		return r.ETag, err
	}, other: numbers},
	{name: "clear pages", operation: "Put Page", prepare: paged, call: func(s *scene) (azcore.ETag, error) {
		r, err := pageblob.New(s.b).Clear(s.ctx, azureblob.Range{Count: 512}, &pageblob.ClearOptions{Conditions: s.match()})
		return r.ETag, err
	}, other: numbers},
	{name: "resize", operation: "Set Blob Properties", prepare: paged, call: func(s *scene) (azcore.ETag, error) {
		r, err := pageblob.New(s.b).Resize(s.ctx, 2048, &pageblob.ResizeOptions{Conditions: s.match()})
		return r.ETag, err
	}, other: numbers},
	{name: "set number", operation: "PageBlob_UpdateSequenceNumber", prepare: paged, call: func(s *scene) (azcore.ETag, error) {
		r, err := pageblob.New(s.b).SetSequenceNumber(s.ctx, pageblob.SequenceNumberUpdate, 3, &pageblob.SetSequenceNumberOptions{Conditions: s.match()})
		if err == nil && r.SequenceNumber != 3 {
			s.t.Errorf("%+v", r)
		}
		return r.ETag, err
	}, other: numbers},
	{name: "count up", operation: "PageBlob_UpdateSequenceNumber", once: true, prepare: paged, call: func(s *scene) (azcore.ETag, error) {
		r, err := pageblob.New(s.b).SetSequenceNumber(s.ctx, pageblob.SequenceNumberIncrement, 0, nil)
		return r.ETag, err
	}, other: numbers},
}

func appendable(s *scene) {
	b := appendblob.New(s.theirs)
	must[appendblob.CreateResult](s.t)(b.Create(s.ctx, nil))
	must[appendblob.AppendResult](s.t)(b.Append(s.ctx, strings.NewReader("some"), nil))
}

func appends(s *scene) {
	must[appendblob.AppendResult](s.t)(appendblob.New(s.theirs).Append(s.ctx, strings.NewReader("theirs"), nil))
}

func paged(s *scene) {
	b := pageblob.New(s.theirs)
	must[pageblob.CreateResult](s.t)(b.Create(s.ctx, 1024, nil))
	must[pageblob.WriteResult](s.t)(b.Write(s.ctx, 0, strings.NewReader(strings.Repeat("s", 512)), nil))
}

func numbers(s *scene) {
	must[pageblob.SetSequenceNumberResult](s.t)(pageblob.New(s.theirs).SetSequenceNumber(s.ctx, pageblob.SequenceNumberUpdate, 7, nil))
}

// troubles are the ways in which an answer gets lost.
var troubles = map[string]blobtest.Fault{
	"reset": {Reset: true},
	"500":   {Status: 500, Code: "InternalError"},
	"stall": {Delay: -1},
}

func bubbles(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// between has somebody else act just before the second try of a write.
func (s *scene) between(w *write) {
	other := w.other
	if other == nil {
		other = (*scene).overwrite
	}
	var tries atomic.Int32
	var busy atomic.Bool
	s.srv.Inject(blobtest.Fault{Operation: w.operation, Times: -1, Match: func(*http.Request) bool {
		if !busy.Load() && tries.Add(1) == 2 {
			busy.Store(true)
			other(s)
			busy.Store(false)
		}
		return false
	}})
}

// TestLostAnswers has each write meet trouble once, whether it was carried out or
// not: what there is afterwards is what there is without trouble, and the result is
// of that. A write that would act twice is not repeated, and says so.
func TestLostAnswers(t *testing.T) {
	for _, w := range slices.Concat(blockWrites, propertyWrites, otherWrites) {
		bubbles(t, w.name, func(t *testing.T) {
			before, calm := newScene(t, &w), newScene(t, &w)
			if _, err := w.call(calm); err != nil {
				t.Fatal(err)
			}
			none, want := before.state(), calm.state()
			for _, name := range slices.Sorted(maps.Keys(troubles)) {
				for _, at := range []blobtest.Point{blobtest.AfterOperation, blobtest.AfterRequest} {
					applied := at == blobtest.AfterOperation
					about := fmt.Sprintf("%s, applied %v", name, applied)
					s, fault := newScene(t, &w), troubles[name]
					fault.Operation, fault.At = w.operation, at
					hit := s.srv.Inject(fault)
					etag, err := w.call(s)
					e, _ := errors.AsType[*azureblob.Error](err)
					switch state := s.state(); {
					case hit.Fired() != 1:
						t.Errorf("%s: %d faults", about, hit.Fired())
					case w.once && (e == nil || !e.MaybeApplied || state != want && applied || state != none && !applied):
						t.Errorf("%s: %v, and there is %s", about, err, state)
					case w.once:
					case w.guessed && applied:
						if e == nil || !e.MaybeApplied || state != want {
							t.Errorf("%s: %v, and there is %s, want %s", about, err, state, want)
						}
					case err != nil || state != want:
						t.Errorf("%s: %v, and there is %s, want %s", about, err, state, want)
					case etag != "" && etag != must[azureblob.BlobPropertiesResult](t)(s.theirs.Properties(s.ctx, nil)).ETag:
						t.Errorf("%s: the ETag is %s", about, etag)
					}
				}
			}
		})
	}
}

// TestLostAnswersAndOthers has somebody else act between the first try, which was
// carried out or not, and the second. What somebody else did is never replaced, and
// never taken for the write's own; without a lost answer of a write that was carried
// out the error is that of the condition.
func TestLostAnswersAndOthers(t *testing.T) {
	for _, w := range slices.Concat(blockWrites, propertyWrites, otherWrites) {
		if w.once || w.blind {
			continue
		}
		other := w.other
		if other == nil {
			other = (*scene).overwrite
		}
		bubbles(t, w.name, func(t *testing.T) {
			first := newScene(t, &w)
			other(first)
			_, refusal := w.call(first) // they were first
			second := newScene(t, &w)
			if _, err := w.call(second); err != nil {
				t.Fatal(err)
			}
			other(second)
			for _, applied := range []bool{false, true} {
				s, want, fault := newScene(t, &w), first.state(), blobtest.Fault{Operation: w.operation, Reset: true}
				if applied {
					fault.At, want = blobtest.AfterOperation, second.state()
				}
				hit := s.srv.Inject(fault)
				s.between(&w)
				_, err := w.call(s)
				state := s.state()
				e, _ := errors.AsType[*azureblob.Error](err)
				was, _ := errors.AsType[*azureblob.Error](refusal)
				switch {
				case hit.Fired() != 1 || state != want:
					t.Errorf("applied %v: %d faults, and there is %s, want %s (%v)", applied, hit.Fired(), state, want, err)
				case applied && err != nil && !e.MaybeApplied:
					t.Errorf("it was carried out, and the error does not allow for that: %v", err)
				case !applied && err == nil && was != nil:
					t.Errorf("success, though somebody else was first, which is %v", refusal)
				case !applied && was != nil && e.Code != was.Code:
					t.Errorf("%v, want %v", err, refusal)
				}
			}
		})
	}
}

// TestOlderThanTheWrite: what was there long before a write cannot be its own, even
// if it is the same, so that nothing is left open.
func TestOlderThanTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, &write{prepare: some})
		other := must[azureblob.UploadResult](t)(s.theirs.Upload(s.ctx, strings.NewReader("ours"), &azureblob.UploadOptions{Metadata: ownKey}))
		time.Sleep(10 * time.Second)
		for what, c := range map[string]azureblob.Conditions{"none": fresh, "match": s.match()} {
			for name, fault := range troubles {
				fault.Operation = "Put Blob"
				s.srv.Inject(fault)
				_, err := s.b.Upload(s.ctx, strings.NewReader("ours"), &azureblob.UploadOptions{Conditions: c, Metadata: ownKey})
				e, _ := errors.AsType[*azureblob.Error](err)
				if e == nil || e.MaybeApplied || e.Code != azureblob.BlobAlreadyExists && e.Code != azureblob.ConditionNotMet {
					t.Errorf("%s, %s: %v", what, name, err)
				}
			}
		}
		if p := must[azureblob.BlobPropertiesResult](t)(s.b.Properties(s.ctx, nil)); p.ETag != other.ETag {
			t.Error("it was written to")
		}
	})
}

// TestAbortOfCopyThatEnded: a copy that has succeeded before the second try of its
// abort was not aborted.
func TestAbortOfCopyThatEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, &write{copying: time.Minute})
		c := must[*azureblob.Copy](t)(s.b.StartCopy(s.ctx, s.source.URL(), nil))
		s.srv.Inject(blobtest.Fault{Operation: "Abort Copy Blob", Status: 500})
		tries := 0
		late := func(*http.Request) {
			if tries++; tries == 2 {
				time.Sleep(2 * time.Minute)
			}
		}
		_, err := c.Abort(s.ctx, &azureblob.AbortCopyOptions{CallOptions: azureblob.CallOptions{OnRequest: late}})
		e, _ := errors.AsType[*azureblob.Error](err)
		if e == nil || e.Code != azureblob.NoPendingCopyOperation || e.MaybeApplied {
			t.Error(err)
		}
	})
}

// TestContainerCreatedTwice: a container that was made in the meantime is the call's
// own if it is as it asks for, an older one or another one never.
func TestContainerCreatedTwice(t *testing.T) {
	for name, c := range map[string]struct {
		fault   blobtest.Fault
		age     time.Duration // of one that is there; 0 for none
		other   azureblob.Metadata
		fails   bool
		unclear bool
	}{
		"applied":           {fault: blobtest.Fault{At: blobtest.AfterOperation, Reset: true}},
		"not applied":       {fault: blobtest.Fault{Reset: true}},
		"refused":           {fault: blobtest.Fault{Status: 503, Code: "ServerBusy"}, age: 1, other: ownKey, fails: true},
		"older":             {fault: blobtest.Fault{Reset: true}, age: time.Minute, other: ownKey, fails: true},
		"with other values": {fault: blobtest.Fault{Reset: true}, age: 1, other: azureblob.Metadata{"who": "they"}, fails: true, unclear: true},
	} {
		bubbles(t, name, func(t *testing.T) {
			s := newScene(t, &write{})
			service := s.service
			if c.age > 0 {
				must[azureblob.CreateContainerResult](t)(service.Container("new").Create(s.ctx, &azureblob.CreateContainerOptions{Metadata: c.other}))
				time.Sleep(c.age)
			}
			c.fault.Operation = "Create Container"
			s.srv.Inject(c.fault)
			r, err := service.Container("new").Create(s.ctx, &azureblob.CreateContainerOptions{Metadata: ownKey})
			e, _ := errors.AsType[*azureblob.Error](err)
			if c.fails && (e == nil || e.Code != azureblob.ContainerAlreadyExists || e.MaybeApplied != c.unclear) || !c.fails && (err != nil || r.ETag == "") {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// TestLookThatFails: where what became of a write cannot be found out, the error says
// why.
func TestLookThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, &write{})
		s.srv.Inject(blobtest.Fault{Operation: "Put Blob", Reset: true, At: blobtest.AfterOperation})
		s.srv.Inject(blobtest.Fault{Operation: "Get Blob Properties", Status: 403, Code: "AuthorizationPermissionMismatch"})
		_, err := s.b.Upload(s.ctx, strings.NewReader("ours"), &azureblob.UploadOptions{Conditions: fresh})
		e, _ := errors.AsType[*azureblob.Error](err)
		if e == nil || !e.MaybeApplied || !errors.Is(err, azureblob.BlobAlreadyExists) || errors.Is(err, azureblob.AuthorizationPermissionMismatch) || !strings.Contains(err.Error(), "AuthorizationPermissionMismatch") {
			t.Error(err)
		}
	})
}

// TestUnheardOfCalls: a call whose context ends may have been carried out, unless it
// did not come as far as being sent.
func TestUnheardOfCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, &write{})
		s.srv.Inject(blobtest.Fault{Operation: "Put Blob", Delay: -1, At: blobtest.AfterOperation})
		ctx, cancel := context.WithTimeout(s.ctx, time.Millisecond)
		defer cancel()
		for _, sent := range []bool{true, false} {
			_, err := s.b.Upload(ctx, strings.NewReader("ours"), nil)
			e, _ := errors.AsType[*azureblob.Error](err)
			if !errors.Is(err, context.DeadlineExceeded) || e.MaybeApplied != sent {
				t.Errorf("sent %v: %v", sent, err)
			}
		}
	})
}

// TestLookAsksThePrimary: the other region does not have yet what a write made.
func TestLookAsksThePrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{SecondaryLag: time.Hour})
		o := azureblob.CapturingOptions()
		o.Retry.Delay, o.LocationMode = time.Millisecond, azureblob.SecondaryOnly
		c := newContainer(t, srv.ServiceClient(o))
		srv.Inject(blobtest.Fault{Operation: "Put Blob", Reset: true, At: blobtest.AfterOperation})
		_, err := c.Blob("b").Upload(t.Context(), strings.NewReader("ours"), &azureblob.UploadOptions{Conditions: fresh})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestTransportRepeatsNothing: net/http sends what it takes for idempotent again by
// itself if a kept connection breaks. It must not do that with a write that can be
// refused because of the first time.
func TestTransportRepeatsNothing(t *testing.T) {
	srv := blobtest.New(t)
	o := azureblob.CapturingOptions()
	o.Retry.Delay = time.Millisecond
	service := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString(srv.ConnectionString(), o))
	t.Cleanup(service.CloseIdleConnections)
	c := newContainer(t, service) // the connection is kept from here on
	srv.Inject(blobtest.Fault{Operation: "Put Blob", Reset: true, At: blobtest.AfterOperation})
	if _, err := c.Blob("b").Upload(t.Context(), strings.NewReader("ours"), &azureblob.UploadOptions{Conditions: fresh}); err != nil {
		t.Error(err)
	}
}
