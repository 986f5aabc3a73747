package link

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/wire"
)

// Outcome is what became of a write that was refused after a try of it had ended
// without a clear answer: the refusal can be due to that try, or to somebody else.
type Outcome uint8

// The outcomes.
const (
	Unclear    Outcome = iota // nothing tells
	Applied                   // what is there is what the write makes
	NotApplied                // what is there was there before the write, so it changed nothing
)

// Found is a blob as it is after such a write.
type Found struct {
	Header http.Header // the properties of the blob
	Sent   http.Header // the headers of the write
	Began  time.Time   // just before its first try
}

// Same tells what became of a write from what is found. It is not asked about a blob
// that has not changed since before the write.
type Same func(f *Found) (Outcome, error)

// clocks is by how much the clocks of the servers behind one endpoint may differ,
// and times in headers are whole seconds.
const clocks = 2 * time.Second

// Older reports whether the blob was last changed before the first try of the write.
// Only times of the service are compared with each other.
func (f *Found) Older() bool {
	now, err := http.ParseTime(f.Header.Get("Date"))
	if err != nil {
		return false
	}
	changed, err := http.ParseTime(f.Header.Get("Last-Modified"))
	// The monotonic clock stands while a machine sleeps, and the other one may be set.
	since := max(time.Since(f.Began), time.Now().Round(0).Sub(f.Began.Round(0)))
	return err == nil && now.Sub(changed) > since+clocks
}

// Whole are the groups of headers that a write replaces as a whole: what it does not
// send is not there afterwards.
type Whole uint8

// The groups.
const (
	Metadata Whole = 1 << iota
	HTTPHeaders
)

// single are headers of writes, and where properties have them.
var single = [][2]string{
	{"X-Ms-Blob-Type", "X-Ms-Blob-Type"},
	{"X-Ms-Blob-Content-Length", "Content-Length"},
	{"X-Ms-Blob-Sequence-Number", "X-Ms-Blob-Sequence-Number"},
	{"X-Ms-Blob-Content-Md5", "Content-Md5"},
	{"X-Ms-Encryption-Scope", "X-Ms-Encryption-Scope"},
	{"X-Ms-Encryption-Key-Sha256", "X-Ms-Encryption-Key-Sha256"},
}

var httpHeaders = [][2]string{
	{"X-Ms-Blob-Content-Type", "Content-Type"},
	{"X-Ms-Blob-Content-Encoding", "Content-Encoding"},
	{"X-Ms-Blob-Content-Language", "Content-Language"},
	{"X-Ms-Blob-Content-Disposition", "Content-Disposition"},
	{"X-Ms-Blob-Cache-Control", "Cache-Control"},
}

// defaultType is the Content-Type of blobs that were given none.
const defaultType = "application/octet-stream"

// Holds reports whether the blob has what the headers of the write say.
func (f *Found) Holds(whole Whole) bool {
	for _, h := range single {
		if sent := f.Sent.Get(h[0]); sent != "" && sent != f.Header.Get(h[1]) {
			return false
		}
	}
	if whole&HTTPHeaders != 0 {
		for _, h := range httpHeaders {
			sent, found := f.Sent.Get(h[0]), f.Header.Get(h[1])
			if h[1] == "Content-Type" && sent == "" {
				sent = defaultType
				if found == "" {
					found = defaultType
				}
			}
			if sent != found {
				return false
			}
		}
	}
	return whole&Metadata == 0 || f.sameMetadata()
}

const metadataPrefix = "x-ms-meta-"

// metadataOf are the metadata of a header, by names in lower case.
func metadataOf(h http.Header) map[string]string {
	m := map[string]string{}
	for name, values := range h {
		if key, ok := strings.CutPrefix(strings.ToLower(name), metadataPrefix); ok && len(values) > 0 {
			m[key] = values[0]
		}
	}
	return m
}

// HoldsOwn is Holds for writes that take metadata from elsewhere unless they have
// some.
func (f *Found) HoldsOwn() bool {
	if len(metadataOf(f.Sent)) == 0 {
		return f.Holds(0)
	}
	return f.Holds(Metadata)
}

// SameSource reports whether two URLs are of one source of a copy. The service shows
// those of sources without their signatures.
func SameSource(a, b string) bool {
	ua, err := url.Parse(a)
	if err != nil || a == "" {
		return false
	}
	ub, err := url.Parse(b)
	if err != nil {
		return false
	}
	qa, qb := ua.Query(), ub.Query()
	return strings.EqualFold(ua.Host, ub.Host) && ua.Path == ub.Path &&
		qa.Get("snapshot") == qb.Get("snapshot") && qa.Get("versionid") == qb.Get("versionid")
}

func (f *Found) sameMetadata() bool {
	sent, found := metadataOf(f.Sent), metadataOf(f.Header)
	if len(sent) != len(found) {
		return false
	}
	for key, value := range sent {
		if there, ok := found[key]; !ok || there != value {
			return false
		}
	}
	return true
}

// Written tells whether the blob is what a write of all of it makes, of one with that
// body. The service keeps the MD5 of content that came in one request. Where nothing
// in the blob is the writer's own, as in an empty one without metadata, it could be
// anybody's.
func (f *Found) Written(body Body) (Outcome, error) {
	if !f.Holds(Metadata | HTTPHeaders) {
		return Unclear, nil
	}
	if body == nil || body.Len() == 0 {
		if size := f.Header.Get("Content-Length"); len(metadataOf(f.Sent)) == 0 || body != nil && size != "0" {
			return Unclear, nil
		}
		return Applied, nil
	}
	if f.Header.Get("Content-Length") != strconv.FormatInt(body.Len(), 10) {
		return Unclear, nil
	}
	r := body.Open()
	defer r.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, r); err != nil {
		return Unclear, err
	}
	return f.WrittenMD5(body.Len(), sum.Sum(nil)), nil
}

// Blank tells whether the blob is what a creation without conditions makes of it: who
// made it does not matter then. Empty tells whether it has no content.
func (f *Found) Blank(empty func() (bool, error)) (Outcome, error) {
	if !f.Holds(Metadata|HTTPHeaders) || f.sentMore() || f.Sent.Get("X-Ms-Blob-Sequence-Number") == "" && !zero(f.Header.Get("X-Ms-Blob-Sequence-Number")) {
		return Unclear, nil
	}
	blank, err := empty()
	return If(blank), err
}

// sentMore reports whether the write sent something that properties do not tell, or
// not in the same form.
func (f *Found) sentMore() bool {
	for _, name := range []string{"X-Ms-Tags", "X-Ms-Legal-Hold", "X-Ms-Immutability-Policy-Until-Date", "X-Ms-Immutability-Policy-Mode", "X-Ms-Access-Tier"} {
		if f.Sent.Get(name) != "" {
			return true
		}
	}
	return false
}

func zero(number string) bool { return number == "" || number == "0" }

// Guarded reports whether the write had conditions.
func (f *Found) Guarded() bool { return wire.Conditional(f.Sent) }

// WrittenMD5 tells whether the content of the blob has that size and that MD5, and so
// is that of the write. A negative size and an empty MD5 are not known.
func (f *Found) WrittenMD5(size int64, sum []byte) Outcome {
	found, err := base64.StdEncoding.DecodeString(f.Header.Get("Content-Md5"))
	sized := size < 0 || f.Header.Get("Content-Length") == strconv.FormatInt(size, 10)
	return If(err == nil && len(sum) > 0 && bytes.Equal(found, sum) && sized)
}

// Nothing tells nothing of a blob, as of a write whose content only its source has.
// That the blob is older than the write can still be told.
func Nothing(*Found) (Outcome, error) { return Unclear, nil }

// Body is the content of a request.
type Body interface{ pipeline.Body }

// SameBytes reports whether r has the bytes of a body where it stands.
func SameBytes(r io.Reader, body Body) (bool, error) {
	ours := body.Open()
	defer ours.Close()
	have, want := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(ours, want)
		if err == io.EOF {
			return true, nil
		}
		if err != nil && err != io.ErrUnexpectedEOF {
			return false, err
		}
		m, err := io.ReadFull(r, have[:n])
		if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
			return false, err
		}
		if !bytes.Equal(have[:m], want[:n]) {
			return false, nil
		}
	}
}

// If is Applied or Unclear.
func If(same bool) Outcome {
	if same {
		return Applied
	}
	return Unclear
}
