package blobtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

func init() {
	handle(rest.PutBlobFromURL, endpoint{prepare: preparePutBlobFromURL, run: putBlobFromURL, needs: createBlob})
	handle(rest.PutBlockFromURL, endpoint{prepare: preparePart, run: putBlockFromURL, limit: maxBlockFromURL, needs: writeBlob})
	handle(rest.AppendBlockFromURL, endpoint{prepare: preparePart, run: appendBlockFromURL, limit: maxAppend, needs: appendBlobs})
	handle(rest.PutPageFromURL, endpoint{prepare: preparePart, run: putPageFromURL, limit: maxPutPage, needs: writeBlob})
}

// source is what a copy is made of.
type source struct {
	revision revision // as it was; of another server, what its answer told
	content  content  // the part of it that was asked for
	total    int64    // bytes of that part, if they all came
	tagged   bool     // the caller may read its tags
	origin   origin   // where it is, if on this server
	broken   string   // why a copy of it will fail, if it did not all come
}

// maxBlockFromURL is the most that Put Block From URL takes.
func maxBlockFromURL(x *exchange) int64 {
	if x.since("2020-04-08") {
		return 4000 * mib
	}
	return 100 * mib
}

// sourceHeaders are headers of a copy, and what they are for its source.
var sourceHeaders = [][2]string{
	{"x-ms-source-range", "x-ms-range"},
	{"x-ms-source-if-match", "If-Match"},
	{"x-ms-source-if-none-match", "If-None-Match"},
	{"x-ms-source-if-modified-since", "If-Modified-Since"},
	{"x-ms-source-if-unmodified-since", "If-Unmodified-Since"},
	{"x-ms-source-if-tags", "x-ms-if-tags"},
	{"x-ms-source-encryption-key", "x-ms-encryption-key"},
	{"x-ms-source-encryption-key-sha256", "x-ms-encryption-key-sha256"},
	{"x-ms-source-encryption-algorithm", "x-ms-encryption-algorithm"},
}

// readSource reads x.source, of no more than limit bytes. A blob of the same
// account is open to who has its key or a token if trust is set. It is called
// by prepare, without the lock.
func (x *exchange) readSource(trust bool, limit int64) error {
	const header = "x-ms-copy-source"
	if err := x.noContent(); err != nil {
		return err
	}
	text, bearer := x.params.need(header), x.params.text("x-ms-copy-source-authorization")
	for _, name := range []string{"x-ms-source-if-modified-since", "x-ms-source-if-unmodified-since"} {
		x.params.time(name)
	}
	if bearer != "" && !strings.HasPrefix(bearer, "Bearer ") {
		x.wrong(invalidHeader("x-ms-copy-source-authorization", bearer))
	}
	if part := x.params.text("x-ms-source-range"); part != "" {
		if _, _, ok := parseRange(part); !ok {
			x.wrong(invalidHeader("x-ms-source-range", part))
		}
	}
	if err := x.invalid(); err != nil {
		return err
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > 2048 || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return invalidHeader(header, text)
	}
	r, err := http.NewRequestWithContext(x.request.Context(), http.MethodGet, text, nil)
	if err != nil {
		return invalidHeader(header, text)
	}
	r.Header.Set("x-ms-version", x.version())
	for _, names := range sourceHeaders {
		if v := x.params.text(names[0]); v != "" {
			r.Header.Set(names[1], v)
		}
	}
	if bearer != "" && !trust {
		r.Header.Set("Authorization", bearer)
	}
	if x.serves(r) {
		err = x.readHere(r, trust)
	} else {
		err = x.readElsewhere(r, trust, limit)
	}
	if err == nil && x.source.content.size() > limit {
		err = fail(azureblob.RequestBodyTooLarge).with("MaxLimit", base10(limit))
	}
	return err
}

// serves reports whether a request is one for this server: for one of its
// accounts by name, or for the host that the client or its listener has.
func (x *exchange) serves(r *http.Request) bool {
	if name, _, ok := strings.Cut(hostname(r), ".blob."); ok {
		return x.server.accounts[strings.TrimSuffix(name, secondarySuffix)] != nil
	}
	if r.Host == x.request.Host {
		return true
	}
	x.server.door.Lock()
	defer x.server.door.Unlock()
	l := x.server.listener
	return l != nil && strings.HasSuffix(l.url, "//"+r.Host)
}

// readHere reads a source on this server.
func (x *exchange) readHere(r *http.Request, trust bool) error {
	r.RemoteAddr = x.request.RemoteAddr
	if r.URL.Scheme == "https" {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	sub := x.server.newExchange(r, locate(r))
	if sub.level != wire.Blob || sub.op != rest.GetBlob {
		return invalidHeader("x-ms-copy-source", x.params.text("x-ms-copy-source"))
	}
	err := x.admitSource(sub, trust)
	if err == nil {
		x.server.mu.Lock()
		defer x.server.mu.Unlock()
		x.server.advanceCopies(x.now)
		x.source, err = sub.asSource(trust)
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return sourceFailure(x, f.status, f.code)
	}
	return err
}

// admitSource decides whether a source on this server may be read.
func (x *exchange) admitSource(sub *exchange, trust bool) error {
	owner := x.grant.how == bySharedKey || x.grant.how == byToken
	if trust && owner && sub.target.account == x.target.account && sub.query.Get("sig") == "" && !sub.malformed {
		sub.account, sub.endpoint, sub.grant = x.account, endpoints[rest.GetBlob], x.grant
		return sub.checkNames()
	}
	return sub.admit()
}

// asSource is the source that the exchange, a Get Blob, asks for. What is in
// the archive can only be copied within an account.
func (x *exchange) asSource(trust bool) (*source, error) {
	b, r, err := x.findBlob()
	if err != nil {
		return nil, err
	}
	if err := x.readable(b, r); err != nil {
		return nil, err
	}
	switch {
	case r.copied.pending != nil:
		return nil, fail(azureblob.PendingCopyOperation)
	case r == b.current && r.copied.incremental:
		return nil, fail(azureblob.OperationNotAllowedOnIncrementalCopyBlob)
	case !trust && r.tier.at(x.now).tier == azureblob.TierArchive:
		return nil, fail(azureblob.BlobArchived)
	}
	part, _, err := x.requestedRange(r.content.size())
	if err != nil {
		return nil, err
	}
	return &source{revision: *r, content: r.content.slice(part.off, part.n), total: part.n, tagged: x.grant.may('t'), origin: origin{b, r, r.etag}}, nil
}

// sourceFailure is the error of a source that cannot be read, which is how
// the source answered.
func sourceFailure(x *exchange, status int, code azureblob.ErrorCode) *failure {
	if status == http.StatusNotModified || code == azureblob.ConditionNotMet {
		return fail(azureblob.SourceConditionNotMet)
	}
	f := fail(azureblob.CannotVerifyCopySource).withStatus(status)
	if x.since("2024-02-04") {
		f.withHeader("x-ms-copy-source-status-code", base10(int64(status)))
		if code != "" {
			f.withHeader("x-ms-copy-source-error-code", string(code))
		}
	}
	return f
}

// elsewhere sends requests for sources on other servers. It keeps no connection,
// so that nothing of it has to be closed, and asks no proxy.
var elsewhere = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}

// readElsewhere reads a source on another server. If later is set, a copy that
// has begun tells that the source broke off, and not this request.
func (x *exchange) readElsewhere(r *http.Request, later bool, limit int64) error {
	part := r.Header.Get("x-ms-range")
	if part != "" {
		r.Header.Set("Range", part) // not every server is a Blob service
	}
	resp, err := elsewhere.Do(r)
	if err != nil {
		return sourceFailure(x, http.StatusNotFound, "")
	}
	defer resp.Body.Close()
	code := azureblob.ErrorCode(resp.Header.Get("x-ms-error-code"))
	switch {
	case resp.StatusCode == http.StatusPreconditionFailed:
		return sourceFailure(x, resp.StatusCode, azureblob.ConditionNotMet)
	case resp.StatusCode == http.StatusNotModified || resp.StatusCode >= 400:
		return sourceFailure(x, resp.StatusCode, code)
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent:
		return sourceFailure(x, http.StatusBadRequest, code)
	}
	c, err := readAnswer(resp, limit)
	if errors.Is(err, errBrokeOff) {
		if !later {
			return fail(azureblob.CannotVerifyCopySource)
		}
		x.source = &source{revision: foreign(resp.Header), total: max(0, resp.ContentLength), broken: sourceBroke}
		return nil
	}
	if err != nil {
		return err
	}
	if part != "" && resp.StatusCode == http.StatusOK {
		first, last, _ := parseRange(part)
		if first >= c.size() {
			return sourceFailure(x, http.StatusRequestedRangeNotSatisfiable, azureblob.InvalidRange)
		}
		if last < 0 || last >= c.size() {
			last = c.size() - 1
		}
		c = c.slice(first, last-first+1)
	}
	x.source = &source{revision: foreign(resp.Header), content: c, total: c.size()}
	return nil
}

// errBrokeOff is the error of an answer whose body does not come to its end.
var errBrokeOff = errors.New("the answer broke off")

// readAnswer reads the body of an answer, but no more than limit bytes.
func readAnswer(resp *http.Response, limit int64) (content, error) {
	tooLarge := fail(azureblob.RequestBodyTooLarge).with("MaxLimit", base10(limit))
	if resp.ContentLength > limit {
		return content{}, tooLarge
	}
	if resp.ContentLength >= 0 {
		c, err := readContent(resp.Body, resp.ContentLength, newSummer(0))
		if err != nil {
			return content{}, errBrokeOff
		}
		return c, nil
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return content{}, errBrokeOff
	case int64(len(b)) > limit:
		return content{}, tooLarge
	}
	return contentOf(b), nil
}

// foreign is what the answer of another server tells of its blob.
func foreign(h http.Header) revision {
	p := params{header: h}
	r := revision{
		kind:     azureblob.BlockBlob,
		metadata: p.metadata(),
		headers: azureblob.HTTPHeaders{
			ContentType: h.Get("Content-Type"), ContentEncoding: h.Get("Content-Encoding"), ContentLanguage: h.Get("Content-Language"),
			ContentDisposition: h.Get("Content-Disposition"), CacheControl: h.Get("Cache-Control"), ContentMD5: p.base64("Content-MD5", 16),
		},
		sequence: p.number("x-ms-blob-sequence-number", 0, 0),
		appended: int(p.number("x-ms-blob-committed-block-count", 0, 0)),
		sealed:   p.flag("x-ms-blob-sealed"),
	}
	if kind := azureblob.BlobType(h.Get("x-ms-blob-type")); kind == azureblob.AppendBlob || kind == azureblob.PageBlob {
		r.kind = kind
	}
	return r
}

// sumSource computes the checksums of the source, and holds those of the
// request against them. If the request has an MD5 the answer will tell that
// one, and otherwise those of which.
func (x *exchange) sumSource(which digest) error {
	wantMD5 := x.params.base64("x-ms-source-content-md5", 16)
	wantCRC := x.params.base64("x-ms-source-content-crc64", 8)
	if err := x.invalid(); err != nil {
		return err
	}
	if wantMD5 != nil && wantCRC != nil {
		return fail(azureblob.BothCRC64AndMD5HeaderPresent)
	}
	if wantMD5 != nil {
		which |= digestMD5
	}
	if wantCRC != nil {
		which |= digestCRC64
	}
	x.sums = sumsOf(x.source.content, which)
	if wantMD5 != nil && !bytes.Equal(wantMD5, x.sums.md5) {
		return mismatch(azureblob.MD5Mismatch, "Md5", wantMD5, x.sums.md5)
	}
	if wantCRC != nil && !bytes.Equal(wantCRC, x.sums.crc64) {
		return mismatch(azureblob.CRC64Mismatch, "Crc64", wantCRC, x.sums.crc64)
	}
	return nil
}

func preparePutBlobFromURL(x *exchange) error {
	if err := x.readSource(false, 5000*mib); err != nil {
		return err
	}
	return x.sumSource(digestMD5 | digestCRC64)
}

func putBlobFromURL(x *exchange) error {
	given, keep := x.httpHeaders(), !strings.EqualFold(x.params.enum("x-ms-copy-source-blob-properties", "true", "false"), "false")
	b, err := x.findName()
	if err != nil {
		return err
	}
	next, err := x.copied(b)
	if err != nil {
		return err
	}
	next.kind, next.blocks = azureblob.BlockBlob, nil
	next.tier = x.tierHeader(next.kind)
	next.sequence, next.appended, next.sealed = 0, 0, false
	if !keep {
		next.headers = azureblob.HTTPHeaders{ContentType: "application/octet-stream"}
	}
	next.headers = overlaid(next.headers, given)
	if given.ContentMD5 != nil && !bytes.Equal(given.ContentMD5, x.sums.md5) {
		return mismatch(azureblob.MD5Mismatch, "Md5", given.ContentMD5, x.sums.md5)
	}
	next.headers.ContentMD5 = x.sums.md5
	if err := x.invalid(); err != nil {
		return err
	}
	if err := x.overwritable(b); err != nil {
		return err
	}
	b.staged = staged{}
	x.commit(b, next)
	x.setSum("Content-MD5", x.sums.md5)
	x.setSum("x-ms-content-crc64", x.sums.crc64)
	return x.answer(http.StatusCreated, x.writeInfo(b))
}

// overlaid is h with what given has instead.
func overlaid(h, given azureblob.HTTPHeaders) azureblob.HTTPHeaders {
	for _, f := range [][2]*string{
		{&h.ContentType, &given.ContentType}, {&h.ContentEncoding, &given.ContentEncoding}, {&h.ContentLanguage, &given.ContentLanguage},
		{&h.ContentDisposition, &given.ContentDisposition}, {&h.CacheControl, &given.CacheControl},
	} {
		if *f[1] != "" {
			*f[0] = *f[1]
		}
	}
	return h
}

// preparePart reads the source of a part of a blob, which is not empty.
func preparePart(x *exchange) error {
	if err := x.readSource(false, x.endpoint.limit(x)); err != nil {
		return err
	}
	if x.source.content.size() == 0 {
		return invalidHeader("x-ms-copy-source", x.params.text("x-ms-copy-source"))
	}
	return x.sumSource(digestCRC64)
}

func putBlockFromURL(x *exchange) error {
	id, err := x.blockID()
	if err != nil {
		return err
	}
	b, err := x.findName()
	if err != nil {
		return err
	}
	if err := x.stage(b, id, x.source.content); err != nil {
		return err
	}
	x.answerSums()
	return nil
}

func appendBlockFromURL(x *exchange) error { return x.append(x.source.content) }

func putPageFromURL(x *exchange) error {
	s, err := x.pages()
	if err != nil {
		return err
	}
	text := x.params.need("x-ms-source-range")
	if err := x.invalid(); err != nil {
		return err
	}
	if x.source.content.size() != s.n {
		return invalidHeader("x-ms-source-range", text)
	}
	return x.writePages(s, x.source.content.materialized())
}

// materialized is the content without pieces that are zero for lack of a
// write: pages that are written from elsewhere are written, whatever they hold.
func (c content) materialized() content {
	for _, p := range c.pieces {
		if p.data == nil {
			return contentOf(c.bytes())
		}
	}
	return c
}
