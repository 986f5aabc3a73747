package azureblob_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/pageblob"
	"github.com/goblob/azureblob/sas"
)

// zeroBytes is content of any length that takes no memory.
type zeroBytes struct{}

func (zeroBytes) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// zeros is a source of n bytes that knows its size.
func zeros(n int64) io.Reader { return io.NewSectionReader(zeroBytes{}, 0, n) }

// failed is the error of a call, whatever its result.
func failed[T any](_ T, err error) error { return err }

// firstError is the first error of a loop.
func firstError[T any](loop iter.Seq2[T, error]) error {
	for _, err := range loop {
		if err != nil {
			return err
		}
	}
	return nil
}

// badArgument is a call that the service would refuse for one of its arguments.
type badArgument struct {
	what string
	err  error
	code azureblob.ErrorCode
}

// TestBadInputInArguments gives methods what the service would refuse in the place
// of what they cannot do without. Options are in TestBadInputInOptions, and names in
// TestBadInputInNames.
func TestBadInputInArguments(t *testing.T) {
	s, ctx := unsent(t), t.Context()
	for _, all := range [][]badArgument{
		badPages(ctx, s), badBlocks(ctx, s), badLeases(ctx, s), badSources(ctx, s), badTexts(ctx, s), badTimes(ctx, s), badLists(ctx, s),
	} {
		for _, c := range all {
			refusedAs(t, c.what, c.err, c.code)
		}
	}
}

func badPages(ctx context.Context, s *azureblob.ServiceClient) (all []badArgument) {
	b := pageblob.New(s.Container("disks").Blob("disk"))
	const bad, most = azureblob.InvalidHeaderValue, pageblob.MaxWrite
	for _, n := range []int64{1, 511, 513, -512, pageblob.MaxSize + 512} {
		all = append(all,
			badArgument{fmt.Sprint("create of ", n), failed(b.Create(ctx, n, nil)), bad},
			badArgument{fmt.Sprint("resize to ", n), failed(b.Resize(ctx, n, nil)), bad},
		)
		if n > 0 {
			all = append(all, badArgument{fmt.Sprint("upload of ", n), failed(b.Upload(ctx, zeros(n), nil)), bad})
		}
	}
	for _, r := range []azureblob.Range{{Offset: 1, Count: 512}, {Offset: 512, Count: 100}, {Offset: -512, Count: 512}, {Count: 0}, {Count: -512}} {
		all = append(all,
			badArgument{fmt.Sprint("clear ", r), failed(b.Clear(ctx, r, nil)), bad},
			badArgument{fmt.Sprint("write from the source ", r), failed(b.WriteFromURL(ctx, 0, someSource, r, nil)), bad},
		)
		if r.Count > 0 {
			all = append(all,
				badArgument{fmt.Sprint("write ", r), failed(b.Write(ctx, r.Offset, zeros(r.Count), nil)), bad},
				badArgument{fmt.Sprint("write to ", r), failed(b.WriteFromURL(ctx, r.Offset, someSource, azureblob.Range{Count: r.Count}, nil)), bad},
			)
		}
	}
	untouched := bytes.NewBuffer(make([]byte, 512))
	all = append(all,
		badArgument{"write of too much", failed(b.Write(ctx, 0, zeros(most+512), nil)), azureblob.RequestBodyTooLarge},
		badArgument{"write of too much from a source", failed(b.WriteFromURL(ctx, 0, someSource, azureblob.Range{Count: most + 512}, nil)), azureblob.RequestBodyTooLarge},
		badArgument{"write beyond the end", failed(b.Write(ctx, pageblob.MaxSize, zeros(512), nil)), azureblob.InvalidPageRange},
		badArgument{"clear beyond the end", failed(b.Clear(ctx, azureblob.Range{Offset: 512, Count: pageblob.MaxSize}, nil)), azureblob.InvalidPageRange},
		badArgument{"write of nothing", failed(b.Write(ctx, 0, zeros(0), nil)), bad},
		badArgument{"write of a stream at an odd place", failed(b.Write(ctx, 7, untouched, nil)), bad},
		badArgument{"upload of a stream of no size", failed(b.Upload(ctx, untouched, nil)), ""},
		badArgument{"no way to change a sequence number", failed(b.SetSequenceNumber(ctx, "more", 1, nil)), bad},
		badArgument{"negative sequence number", failed(b.SetSequenceNumber(ctx, pageblob.SequenceNumberMax, -1, nil)), bad},
		badArgument{"increment by a number", failed(b.SetSequenceNumber(ctx, pageblob.SequenceNumberIncrement, 2, nil)), bad},
		badArgument{"difference to nothing", firstError(b.Diff(ctx, "", nil)), ""},
		badArgument{"download to nothing", failed(b.DownloadSparse(ctx, nil, nil)), ""},
	)
	if untouched.Len() != 512 {
		all = append(all, badArgument{"content was read of a write that cannot succeed", nil, ""})
	}
	return all
}

func badBlocks(ctx context.Context, s *azureblob.ServiceClient) []badArgument {
	plain := s.Container("photos").Blob("cat.jpg")
	b, a := blockblob.New(plain), appendblob.New(plain)
	const large = azureblob.RequestBodyTooLarge
	stage := func(id string, content io.Reader) error { return failed(b.Stage(ctx, id, content, nil)) }
	commit := func(blocks ...blockblob.BlockRef) error { return failed(b.Commit(ctx, blocks, nil)) }
	many := make([]string, 50_001)
	for i := range many {
		many[i] = fmt.Sprintf("%06d", i)
	}
	return []badArgument{
		{"block of 4,000 MiB and a byte", stage("id", zeros(4000<<20+1)), large},
		{"blob of 5,000 MiB and a byte", failed(b.Put(ctx, zeros(5000<<20+1), nil)), large},
		{"append of 100 MiB and a byte", failed(a.Append(ctx, zeros(100<<20+1), nil)), large},
		{"block of too much of a source", failed(b.StageFromURL(ctx, "id", someSource, &blockblob.StageFromURLOptions{Range: azureblob.Range{Count: 4000<<20 + 1}})), large},
		{"append of too much of a source", failed(a.AppendFromURL(ctx, someSource, &appendblob.AppendFromURLOptions{Range: azureblob.Range{Count: 100<<20 + 1}})), large},
		{"blob of more than 50,000 blocks", failed(plain.Upload(ctx, zeros(50_000*4000<<20+1), nil)), azureblob.BlockListTooLong},
		{"blob of more than 50,000 small blocks", failed(plain.Upload(ctx, zeros(50_001), &azureblob.UploadOptions{BlockSize: 1})), azureblob.BlockListTooLong},
		{"empty block", stage("id", zeros(0)), ""},
		{"empty append", failed(a.Append(ctx, zeros(0), nil)), ""},
		{"block of nothing", stage("id", nil), ""},
		{"append of nothing", failed(a.Append(ctx, nil, nil)), ""},
		{"put of nothing", failed(b.Put(ctx, nil, nil)), ""},
		{"upload of nothing", failed(plain.Upload(ctx, nil, nil)), ""},
		{"download to nothing", failed(plain.Download(ctx, nil, nil)), ""},
		{"block without an id", stage("", zeros(1)), azureblob.MissingRequiredQueryParameter},
		{"block with a long id", stage(strings.Repeat("i", 65), zeros(1)), azureblob.OutOfRangeInput},
		{"block of a source with a long id", failed(b.StageFromURL(ctx, strings.Repeat("i", 65), someSource, nil)), azureblob.OutOfRangeInput},
		{"50,001 blocks", commit(blockblob.BlockRefs(many...)...), azureblob.BlockListTooLong},
		{"blocks with ids of two lengths", commit(blockblob.BlockRefs("9", "10")...), azureblob.InvalidBlockList},
		{"block that has no id", commit(blockblob.BlockRef{}), azureblob.InvalidBlockList},
		{"block of no such list", commit(blockblob.BlockRef{ID: "a", Lookup: "latest"}), ""},
		{"no kind of list", failed(b.Blocks(ctx, "some", nil)), azureblob.InvalidQueryParameterValue},
		{"no expression", failed(b.Query(ctx, " ", nil)), ""},
		{"long expression", failed(b.Query(ctx, "SELECT "+strings.Repeat("x", 256<<10), nil)), ""},
	}
}

func badLeases(ctx context.Context, s *azureblob.ServiceClient) (all []badArgument) {
	const code = azureblob.InvalidHeaderValue
	for name, of := range map[string]func(id string) *azureblob.BlobLeaseClient{"blob": s.Container("photos").Blob("cat.jpg").Lease, "container": s.Container("photos").Lease} {
		for _, d := range []time.Duration{0, -2, 14 * time.Second, 15*time.Second - 1, time.Minute + 1, time.Hour} {
			all = append(all, badArgument{fmt.Sprintf("lease of a %s for %v", name, d), failed(of("").Acquire(ctx, d, nil)), code})
		}
		for _, d := range []time.Duration{-1, time.Minute + 1} {
			all = append(all, badArgument{fmt.Sprintf("break of the lease of a %s in %v", name, d), failed(of("").Break(ctx, &azureblob.BreakLeaseOptions{Period: &d})), code})
		}
		all = append(all,
			badArgument{"lease id of a " + name, failed(of("mine").Acquire(ctx, azureblob.LeaseForever, nil)), code},
			badArgument{"renewal of a " + name, failed(of("mine").Renew(ctx, nil)), code},
			badArgument{"release of a " + name, failed(of("mine").Release(ctx, nil)), code},
			badArgument{"new lease id of a " + name, failed(of("").Change(ctx, "yours", nil)), code},
		)
	}
	return all
}

func badSources(ctx context.Context, s *azureblob.ServiceClient) (all []badArgument) {
	plain := s.Container("photos").Blob("cat.jpg")
	b, a, p := blockblob.New(plain), appendblob.New(plain), pageblob.New(plain)
	for name, copyOf := range map[string]func(source string) error{
		"StartCopy":     func(source string) error { return failed(plain.StartCopy(ctx, source, nil)) },
		"CopyFromURL":   func(source string) error { return failed(plain.CopyFromURL(ctx, source, nil)) },
		"PutFromURL":    func(source string) error { return failed(b.PutFromURL(ctx, source, nil)) },
		"StageFromURL":  func(source string) error { return failed(b.StageFromURL(ctx, "id", source, nil)) },
		"AppendFromURL": func(source string) error { return failed(a.AppendFromURL(ctx, source, nil)) },
		"WriteFromURL": func(source string) error {
			return failed(p.WriteFromURL(ctx, 0, source, azureblob.Range{Count: 512}, nil))
		},
		"StartIncrementalCopy": func(source string) error { return failed(p.StartIncrementalCopy(ctx, source, nil)) },
	} {
		for _, source := range []string{
			"", "photos/q7SECRETq7.jpg", "ftp://host/q7SECRETq7", "https:///q7SECRETq7", "https://host/%zzq7SECRETq7", "https://[::1/q7SECRETq7",
			"https://host/c/b?sig=q7SECRETq7&x=" + strings.Repeat("x", 2<<10), "https://host/c/q7SECRETq7" + strings.Repeat("é", 400),
		} {
			all = append(all, badArgument{fmt.Sprintf("%s of %.30q", name, source), copyOf(source), azureblob.InvalidHeaderValue})
		}
	}
	return append(all,
		badArgument{"incremental copy of a blob", failed(p.StartIncrementalCopy(ctx, someSource, nil)), azureblob.IncrementalCopySourceMustBeSnapshot},
		badArgument{"copy of no blob", failed(plain.CopyFrom(ctx, nil, nil)), ""},
		badArgument{"copy of a container without a name", failed(plain.CopyFrom(ctx, s.Container("").Blob("b"), nil)), ""},
		badArgument{"copy with no id", failed(plain.PendingCopy("").Abort(ctx, nil)), ""},
		badArgument{"copy with a bad id", failed(plain.PendingCopy("a").Wait(ctx, &azureblob.WaitCopyOptions{Interval: -1})), ""},
	)
}

func badTexts(ctx context.Context, s *azureblob.ServiceClient) (all []badArgument) {
	c := s.Container("photos")
	b := c.Blob("cat.jpg")
	for _, m := range badValues[metadataType] {
		all = append(all,
			badArgument{"metadata of a blob: " + m.name, failed(b.SetMetadata(ctx, m.bad.(azureblob.Metadata), nil)), m.code},
			badArgument{"metadata of a container: " + m.name, failed(c.SetMetadata(ctx, m.bad.(azureblob.Metadata), nil)), m.code},
		)
	}
	for _, tags := range badValues[tagsType] {
		all = append(all, badArgument{"tags: " + tags.name, failed(b.SetTags(ctx, tags.bad.(azureblob.Tags), nil)), tags.code})
	}
	policies := func(ids ...string) error {
		var p azureblob.AccessPolicy
		for _, id := range ids {
			p.Identifiers = append(p.Identifiers, azureblob.SignedIdentifier{ID: id})
		}
		return failed(c.SetAccessPolicy(ctx, p, nil))
	}
	return append(all,
		badArgument{"headers", failed(b.SetHTTPHeaders(ctx, azureblob.HTTPHeaders{ContentType: "q7SECRETq7\n"}, nil)), ""},
		badArgument{"MD5", failed(b.SetHTTPHeaders(ctx, azureblob.HTTPHeaders{ContentMD5: []byte("short")}, nil)), azureblob.InvalidMD5},
		badArgument{"no tier", failed(b.SetTier(ctx, "", nil)), ""},
		badArgument{"tier", failed(b.SetTier(ctx, "Hot\x00", nil)), ""},
		badArgument{"no version", failed(c.Undelete(ctx, "", nil)), ""},
		badArgument{"version", failed(c.Undelete(ctx, "a\nb", nil)), ""},
		badArgument{"new name of a container", failed(c.Rename(ctx, "Photos", nil)), azureblob.InvalidResourceName},
		badArgument{"six policies", policies("a", "b", "c", "d", "e", "f"), ""},
		badArgument{"policies with one id", policies("a", "a"), ""},
		badArgument{"policy without an id", policies(""), ""},
		badArgument{"policy with a long id", policies(strings.Repeat("i", 65)), ""},
		badArgument{"public access", failed(c.SetAccessPolicy(ctx, azureblob.AccessPolicy{PublicAccess: "blob\n"}, nil)), ""},
		badArgument{"nothing to set", failed(s.SetProperties(ctx, azureblob.ServiceProperties{}, nil)), ""},
		badArgument{"no find", firstError(s.FindBlobsByTags(ctx, " ", nil)), azureblob.MissingRequiredQueryParameter},
		badArgument{"find by OR", firstError(s.FindBlobsByTags(ctx, azureblob.Tag("a").Equals("b").Or(azureblob.Tag("c").Equals("d")), nil)), azureblob.InvalidQueryParameterValue},
		badArgument{"find by <>", firstError(c.FindBlobsByTags(ctx, azureblob.Tag("a").NotEquals("b"), nil)), azureblob.InvalidQueryParameterValue},
	)
}

func badTimes(ctx context.Context, s *azureblob.ServiceClient) (all []badArgument) {
	b, now := s.Container("photos").Blob("cat.jpg"), time.Now()
	for name, e := range map[string]azureblob.BlobExpiry{
		"zero": {}, "at no time": azureblob.ExpireAt(time.Time{}), "in no time": azureblob.ExpireIn(0), "before": azureblob.ExpireAfterCreation(-1),
	} {
		all = append(all, badArgument{"expiry " + name, failed(b.SetExpiry(ctx, e, nil)), ""})
	}
	for name, times := range map[string][2]time.Time{
		"without an end": {now, {}}, "that ends before it begins": {now, now}, "for eight days": {now, now.Add(8 * 24 * time.Hour)},
	} {
		all = append(all, badArgument{"delegation key " + name, failed(s.UserDelegationKey(ctx, times[0], times[1], nil)), ""})
	}
	policy := azureblob.SignedIdentifier{ID: "a", Start: now, Expiry: now.Add(-time.Hour)}
	return append(all,
		badArgument{"policy that ends before it begins", failed(s.Container("photos").SetAccessPolicy(ctx, azureblob.AccessPolicy{Identifiers: []azureblob.SignedIdentifier{policy}}, nil)), ""},
		badArgument{"immutable until no time", failed(b.SetImmutabilityPolicy(ctx, time.Time{}, nil)), azureblob.MissingRequiredHeader},
	)
}

func badLists(ctx context.Context, s *azureblob.ServiceClient) []badArgument {
	c := s.Container("photos")
	return []badArgument{
		{"no delimiter", firstError(c.BlobsByHierarchy(ctx, "", nil)), ""},
		{"walk with nobody", c.Walk(ctx, nil, nil), ""},
		{"walk by too large pages", c.Walk(ctx, func(*azureblob.BlobItem) error { return nil }, &azureblob.WalkOptions{PageSize: 5001}), azureblob.OutOfRangeQueryParameterValue},
		{"delete of no list", firstError(c.DeleteBlobs(ctx, nil, nil)), ""},
		{"delete of no blob", firstError(c.DeleteBlobs(ctx, seq[*azureblob.BlobClient](nil), nil)), ""},
		{"delete in another container", firstError(c.DeleteBlobs(ctx, seq(s.Container("other").Blob("b")), nil)), ""},
		{"no tier for blobs", firstError(s.SetBlobTiers(ctx, seq(c.Blob("b")), "", nil)), ""},
	}
}

// TestBadInputInSignatures signs for times and rights that the service would refuse.
// Nothing is sent for a signature, so its errors are of no operation.
func TestBadInputInSignatures(t *testing.T) {
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("account", "c2VjcmV0a2V5"))
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", key, nil))
	c, now := s.Container("photos"), time.Now()
	read := sas.BlobPermissions{Read: true}
	for what, v := range map[string]sas.Blob{
		"no expiry":      {Permissions: read},
		"ends at once":   {Permissions: read, Start: now, Expiry: now},
		"ends before":    {Permissions: read, Start: now, Expiry: now.Add(-time.Hour)},
		"no permissions": {Expiry: now.Add(time.Hour)},
		"no such time":   {Permissions: read, Expiry: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		refused(t, what, failed(c.Blob("cat.jpg").SASURL(v)))
		refused(t, what+", container", failed(c.SASURL(sas.Container{Permissions: sas.ContainerPermissions{Read: v.Permissions.Read}, Start: v.Start, Expiry: v.Expiry})))
		refused(t, what+", account", failed(s.SASURL(sas.Account{Permissions: sas.AccountPermissions{Read: v.Permissions.Read}, Start: v.Start, Expiry: v.Expiry,
			Resources: sas.ResourceTypes{Object: true}})))
	}
}
