package blobtest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.GetBlobProperties, endpoint{run: blobProperties, needs: readBlob})
	handle(rest.GetBlobMetadata, endpoint{run: blobMetadata, needs: readBlob})
	handle(rest.SetBlobMetadata, endpoint{run: setBlobMetadata, needs: writeBlob})
	handle(rest.SetBlobHTTPHeaders, endpoint{run: setBlobHTTPHeaders, needs: writeBlob})
}

// describe is what answers and listings tell of a revision.
func (x *exchange) describe(b *blob, r *revision) azureblob.BlobInfo {
	p := azureblob.BlobProperties{
		HTTPHeaders: r.headers, ContentLength: r.content.size(), ETag: r.etag, LastModified: r.modified, CreationTime: r.created,
		BlobType: r.kind, ServerEncrypted: true, CustomerProvidedKeySHA256: r.encryption.keySHA256, EncryptionScope: r.encryption.scope,
		ImmutabilityPolicyUntil: r.protection.until, ImmutabilityPolicyMode: r.protection.mode, LegalHold: r.protection.hold,
		TagCount: int64(len(r.tags)), Sealed: r.sealed,
		CopyID: r.copied.id, CopyStatus: r.copied.status, CopySource: r.copied.source, CopyProgress: r.copied.progress,
		CopyCompletionTime: r.copied.completed, CopyStatusDescription: r.copied.description,
		CopyDestinationSnapshot: r.copied.snapshot, IncrementalCopy: r.copied.incremental,
		ExpiryTime: r.expires,
	}
	t := r.tier.at(x.now)
	p.AccessTier, p.AccessTierInferred, p.AccessTierChangeTime = t.tier, t.inferred, t.changed
	p.ArchiveStatus, p.RehydratePriority = t.status(), t.priority
	if r == b.current {
		p.LeaseStatus, p.LeaseState, p.LeaseDuration = b.lease.describe(x.now)
	}
	return azureblob.BlobInfo{BlobProperties: p, Metadata: r.metadata, VersionID: x.versionOf(b, r), IsCurrentVersion: r == b.current && r.id != ""}
}

// versionOf is the version ID of a revision, if it is a version.
func (x *exchange) versionOf(b *blob, r *revision) string {
	for _, s := range b.snapshots {
		if s == r {
			return ""
		}
	}
	return r.id
}

// answerContent is the answer of a read: all that is told of a revision, as
// describe says it, and content as the body.
func (x *exchange) answerContent(status int, r *revision, info *azureblob.BlobInfo, c content) error {
	x.reply.body = c
	x.set("Accept-Ranges", "bytes")
	switch r.kind {
	case azureblob.PageBlob:
		x.set("x-ms-blob-sequence-number", strconv.FormatInt(r.sequence, 10))
	case azureblob.AppendBlob:
		x.set("x-ms-blob-committed-block-count", strconv.Itoa(r.appended))
	}
	err := x.answer(status, info)
	x.overrideHeaders()
	return err
}

func blobProperties(x *exchange) error {
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.readable(b, r); err != nil {
		return err
	}
	info := x.describe(b, r)
	info.ContentMD5 = nil
	x.set("Content-Length", strconv.FormatInt(r.content.size(), 10))
	x.setSum("Content-MD5", r.headers.ContentMD5)
	return x.answerContent(http.StatusOK, r, &info, content{})
}

func blobMetadata(x *exchange) error {
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.readable(b, r); err != nil {
		return err
	}
	_ = x.answer(http.StatusOK, written{r.etag, r.modified})
	return x.answer(http.StatusOK, metadataOf{r.metadata})
}

// writeInfo is what answers to writes tell of the current revision.
func (x *exchange) writeInfo(b *blob) *azureblob.WriteInfo {
	r := b.current
	return &azureblob.WriteInfo{
		ETag: r.etag, LastModified: r.modified, VersionID: r.id, ServerEncrypted: true,
		CustomerProvidedKeySHA256: r.encryption.keySHA256, EncryptionScope: r.encryption.scope,
	}
}

func setBlobMetadata(x *exchange) error {
	m := x.params.metadata()
	if err := x.invalid(); err != nil {
		return err
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.writable(b, r); err != nil {
		return err
	}
	next := *r
	next.metadata = m
	x.amend(b, &next)
	return x.answer(http.StatusOK, x.writeInfo(b))
}

// httpHeaders reads the x-ms-blob-content- headers.
func (x *exchange) httpHeaders() azureblob.HTTPHeaders {
	return azureblob.HTTPHeaders{
		ContentType:        x.params.text("x-ms-blob-content-type"),
		ContentEncoding:    x.params.text("x-ms-blob-content-encoding"),
		ContentLanguage:    x.params.text("x-ms-blob-content-language"),
		ContentDisposition: x.params.text("x-ms-blob-content-disposition"),
		CacheControl:       x.params.text("x-ms-blob-cache-control"),
		ContentMD5:         x.params.base64("x-ms-blob-content-md5", 16),
	}
}

func setBlobHTTPHeaders(x *exchange) error {
	headers := x.httpHeaders()
	if err := x.invalid(); err != nil {
		return err
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.writable(b, r); err != nil {
		return err
	}
	r.headers, r.copied = headers, copyState{} // the blob is no longer a copy
	x.touch(b)
	if r.kind == azureblob.PageBlob {
		x.set("x-ms-blob-sequence-number", strconv.FormatInt(r.sequence, 10))
	}
	return x.answer(http.StatusOK, written{r.etag, r.modified})
}

// setSum sets a header to a checksum, if there is one.
func (x *exchange) setSum(name string, sum []byte) {
	if len(sum) > 0 {
		x.set(name, base64Text(sum))
	}
}

func unquoted(tag azcore.ETag) azcore.ETag {
	return azcore.ETag(strings.Trim(string(tag), `"`))
}
