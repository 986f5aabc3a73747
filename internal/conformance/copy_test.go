package conformance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

func TestCopyBlob(t *testing.T) {
	each(t, func(s *service) {
		s.put("from", "hello", header{"x-ms-meta-k": "v", "x-ms-blob-content-type": "text/plain", "x-ms-blob-cache-control": "max-age=1", "x-ms-tags": "t=1"})
		from := header{"x-ms-copy-source": s.url(s.container + "/from")}
		first := s.blob("PUT", "to", "", from, "").want(202, "").has(header{"x-ms-copy-id": "", "x-ms-copy-status": "success", "ETag": "", "Last-Modified": ""})
		for _, method := range []string{"GET", "HEAD"} {
			s.blob(method, "to", "", nil, "").want(200, "").has(header{
				"x-ms-meta-k": "v", "Content-Type": "text/plain", "Cache-Control": "max-age=1", "x-ms-copy-id": first.header.Get("x-ms-copy-id"), "x-ms-copy-status": "success",
				"x-ms-copy-source": from["x-ms-copy-source"], "x-ms-copy-progress": "5/5", "x-ms-copy-completion-time": "", "ETag": first.header.Get("ETag"),
			}).without("x-ms-tag-count", "x-ms-copy-status-description")
		}
		s.blob("GET", "to", "", nil, "").is("hello")
		s.blob("PUT", "to", "", with(from, "x-ms-meta-other", "w"), "").want(202, "")
		s.blob("HEAD", "to", "", nil, "").want(200, "").has(header{"x-ms-meta-other": "w"}).without("x-ms-meta-k")
		s.blob("PUT", "to", "", with(from, "x-ms-tags", "a=b"), "").want(202, "")
		s.blob("GET", "to", "comp=tags", nil, "").want(200, "").holds("<Key>a</Key><Value>b</Value>").holdsNot("<Key>t</Key>")
		s.blob("PUT", "to", "", with(from, "x-ms-access-tier", "Cool"), "").want(202, "")
		s.blob("HEAD", "to", "", nil, "").want(200, "").has(header{"x-ms-access-tier": "Cool"})

		s.blob("PUT", "to", "", with(from, "If-None-Match", "*"), "").want(409, "BlobAlreadyExists")
		s.blob("PUT", "to", "", with(from, "If-Match", `"0x0"`), "").want(412, "ConditionNotMet")
		s.blob("PUT", "new", "", with(from, "If-None-Match", "*"), "").want(202, "")
		s.do("PUT", s.container+"x/to", "", from, "").want(404, "ContainerNotFound")
		last := s.blob("HEAD", "to", "", nil, "").header.Get("x-ms-copy-id")
		s.blob("PUT", "to", "comp=copy&copyid="+last, header{"x-ms-copy-action": "abort"}, "").want(409, "NoPendingCopyOperation")
		s.blob("PUT", "to", "comp=copy&copyid="+leaseA, header{"x-ms-copy-action": "abort"}, "").want(409, "CopyIdMismatch")
	})
}

// with is headers with one more.
func with(h header, name, value string) header {
	all := header{name: value}
	for n, v := range h {
		if n != name {
			all[n] = v
		}
	}
	return all
}

func TestSourceConditions(t *testing.T) {
	const past, future = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
	each(t, func(s *service) {
		etag := s.put("from", "hello", nil).header.Get("ETag")
		from := header{"x-ms-copy-source": s.url(s.container+"/from") + "?" + s.serviceSAS("from")}
		for _, sync := range []string{"", "true"} {
			h := from
			if sync != "" {
				h = with(from, "x-ms-requires-sync", sync)
			}
			for _, c := range [][2]string{{"if-match", etag}, {"if-none-match", `"0x0"`}, {"if-modified-since", past}, {"if-unmodified-since", future}} {
				s.blob("PUT", "to", "", with(h, "x-ms-source-"+c[0], c[1]), "").want(202, "")
			}
		}
		s.lacking("source conditions")
		for _, sync := range []string{"false", "true"} {
			for _, c := range [][2]string{{"if-match", `"0x0"`}, {"if-none-match", etag}, {"if-modified-since", future}, {"if-unmodified-since", past}} {
				s.blob("PUT", "to", "", with(with(from, "x-ms-requires-sync", sync), "x-ms-source-"+c[0], c[1]), "").want(412, "SourceConditionNotMet")
			}
		}
	})
}

// TestCopyOfSnapshots promotes a snapshot over its blob.
func TestCopyOfSnapshots(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "old", header{"x-ms-meta-k": "v"})
		snap := s.blob("PUT", "b", "comp=snapshot", nil, "").want(201, "").header.Get("x-ms-snapshot")
		s.put("b", "newer", nil)
		from := header{"x-ms-copy-source": s.url(s.container+"/b?snapshot=") + url.QueryEscape(snap)}
		s.blob("PUT", "b", "", from, "").want(202, "").has(header{"x-ms-copy-status": "success"})
		s.blob("GET", "b", "", nil, "").want(200, "").is("old").has(header{"x-ms-meta-k": "v"})
		s.blob("GET", "b", "snapshot="+url.QueryEscape(snap), nil, "").want(200, "").is("old")
		s.blob("PUT", "other", "", from, "").want(202, "")
		s.blob("GET", "other", "", nil, "").want(200, "").is("old")
		s.blob("PUT", "other", "", header{"x-ms-copy-source": s.url(s.container + "/b?snapshot=2020-01-01T00%3A00%3A00.0000000Z")}, "").want(404, s.missing())
	})
}

// missing is the code of a source that is not there.
func (s *service) missing() string {
	s.Helper()
	if s.has("code of missing sources") {
		return "CannotVerifyCopySource"
	}
	return "BlobNotFound"
}

// TestOtherTypesOfCopies copies append and page blobs, and over a blob of another type.
func TestOtherTypesOfCopies(t *testing.T) {
	each(t, func(s *service) {
		s.blob("PUT", "log", "", header{"x-ms-blob-type": "AppendBlob"}, "").want(201, "")
		s.blob("PUT", "log", "comp=appendblock", nil, "one").want(201, "")
		s.blob("PUT", "disk", "", header{"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "1024", "x-ms-blob-sequence-number": "5"}, "").want(201, "")
		s.blob("PUT", "disk", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": "bytes=512-1023"}, strings.Repeat("p", 512)).want(201, "")
		for _, name := range []string{"log", "disk"} {
			s.blob("PUT", name+"2", "", header{"x-ms-copy-source": s.url(s.container + "/" + name)}, "").want(202, "").has(header{"x-ms-copy-status": "success"})
		}
		s.blob("GET", "log2", "", nil, "").want(200, "").is("one").has(header{"x-ms-blob-type": "AppendBlob", "x-ms-blob-committed-block-count": "1"})
		s.blob("PUT", "log2", "comp=appendblock", nil, "two").want(201, "").has(header{"x-ms-blob-append-offset": "3"})
		s.blob("HEAD", "disk2", "", nil, "").want(200, "").has(header{"x-ms-blob-type": "PageBlob", "Content-Length": "1024", "x-ms-blob-sequence-number": "5"})
		s.blob("GET", "disk2", "comp=pagelist", nil, "").want(200, "").holds("<Start>512</Start>")
		s.lacking("types of copies")
		s.put("b", "x", nil)
		s.blob("PUT", "log2", "", header{"x-ms-copy-source": s.url(s.container + "/b")}, "").want(409, "InvalidBlobType")
		s.blob("PUT", "c", "", header{"x-ms-copy-source": s.url(s.container + "/log"), "x-ms-requires-sync": "true"}, "").want(401, "CannotVerifyCopySource")
		s.blob("PUT", "c", "", header{"x-ms-copy-source": s.url(s.container+"/log") + "?" + s.serviceSAS("log"), "x-ms-requires-sync": "true"}, "").want(409, "InvalidSourceBlobType")
	})
}

func TestCopyBlobFromURL(t *testing.T) {
	each(t, func(s *service) {
		s.put("from", "hello", header{"x-ms-meta-k": "v", "x-ms-blob-content-type": "text/plain", "x-ms-tags": "t=1"})
		source := s.url(s.container + "/from")
		from := header{"x-ms-copy-source": source + "?" + s.serviceSAS("from", "sp", "rt"), "x-ms-requires-sync": "true"}
		s.blob("PUT", "to", "", from, "").want(202, "").has(header{"x-ms-copy-id": "", "x-ms-copy-status": "success", "ETag": "", "Last-Modified": ""})
		s.blob("GET", "to", "", nil, "").want(200, "").is("hello").has(header{"x-ms-meta-k": "v", "Content-Type": "text/plain", "x-ms-copy-status": "success"}).without("x-ms-tag-count")
		s.blob("PUT", "to", "", with(from, "x-ms-copy-source-tag-option", "COPY"), "").want(202, "")
		s.blob("GET", "to", "comp=tags", nil, "").want(200, "").holds("<Key>t</Key>")
		s.blob("PUT", "to", "", with(from, "If-None-Match", "*"), "").want(409, "BlobAlreadyExists")
		s.lacking("checks of copies")
		s.blob("HEAD", "to", "", nil, "").want(200, "").has(header{"x-ms-copy-source": source}) // without the signature
		s.blob("PUT", "to", "", with(from, "x-ms-source-content-md5", "XUFAKrxLKna5cZ2REBfFkg=="), "").want(202, "").has(header{"Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="})
		s.blob("PUT", "to", "", with(from, "x-ms-source-content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="), "").want(400, "Md5Mismatch")
		s.blob("PUT", "to", "", with(with(from, "x-ms-copy-source-tag-option", "COPY"), "x-ms-tags", "a=b"), "").want(409, "BothUserTagsAndSourceTagsCopyPresentException")
	})
}

// TestSignedSources copies what the signature in its URL opens, and only that.
func TestSignedSources(t *testing.T) {
	each(t, func(s *service) {
		s.put("from", "hello", nil)
		snap := s.blob("PUT", "from", "comp=snapshot", nil, "").want(201, "").header.Get("x-ms-snapshot")
		source := s.url(s.container + "/from")
		stage := func(target string) *answer {
			return s.blob("PUT", "to", "comp=block&blockid=QQ%3D%3D", header{"x-ms-copy-source": target, "x-ms-source-range": "bytes=1-3"}, "")
		}
		for _, signature := range []string{s.serviceSAS("from"), s.serviceSAS("", "sp", "rl"), s.accountSAS("srt", "o", "sp", "r")} {
			stage(source+"?"+signature).want(201, "")
		}
		stage(source+"?"+s.serviceSAS("from", "sr", "bs", "snapshot", snap)).want(201, "")
		s.blob("PUT", "to", "comp=blocklist", nil, blockList("<Latest>QQ==</Latest>")).want(201, "")
		s.blob("GET", "to", "", nil, "").want(200, "").is("ell")
		refused := map[string]string{
			"none": source, "another blob": source + "?" + s.serviceSAS("other"), "no reading": source + "?" + s.serviceSAS("from", "sp", "w"),
			"over": source + "?" + s.serviceSAS("from", "se", soon(-time.Minute)), "not yet": source + "?" + s.serviceSAS("from", "st", soon(time.Minute)),
			"forged": source + "?" + strings.Replace(s.serviceSAS("from"), "sp=r", "sp=rw", 1), "containers only": source + "?" + s.accountSAS("srt", "c", "sp", "r"),
		}
		for name, target := range refused {
			a := stage(target)
			if name == "none" && s.has("challenges") {
				a.want(401, "CannotVerifyCopySource")
			} else {
				a.want(403, "CannotVerifyCopySource")
			}
		}
		s.lacking("checks of copies")
		detail := header{"x-ms-copy-source-status-code": "403", "x-ms-copy-source-error-code": "AuthorizationPermissionMismatch"}
		stage(refused["no reading"]).has(detail)
		stage(source+"?"+s.serviceSAS("from", "spr", "https")).want(403, "CannotVerifyCopySource").has(header{"x-ms-copy-source-error-code": "AuthorizationProtocolMismatch"})
		for name, target := range refused {
			for _, h := range []header{{"x-ms-requires-sync": "true"}, {"x-ms-blob-type": "BlockBlob"}} {
				a := s.blob("PUT", "c", "", with(h, "x-ms-copy-source", target), "")
				if a.code != "CannotVerifyCopySource" || a.status != 403 && name != "none" {
					s.Errorf("%s: %d %s", name, a.status, a.code)
				}
			}
			// The key of the account opens its blobs to Copy Blob, unless a signature is there, which counts alone.
			a := s.blob("PUT", "c", "", header{"x-ms-copy-source": target}, "")
			if name == "none" {
				a.want(202, "")
			} else {
				a.want(403, "CannotVerifyCopySource")
			}
		}
		writer := s.signed(s.serviceSAS("", "sp", "cw"))
		writer.blob("PUT", "d", "", header{"x-ms-copy-source": source}, "").want(401, "CannotVerifyCopySource")
		writer.blob("PUT", "d", "", header{"x-ms-copy-source": source + "?" + s.serviceSAS("from")}, "").want(202, "")
		s.blob("PUT", "d", "", header{"x-ms-copy-source": source + "?" + s.serviceSAS("from"), "x-ms-copy-source-tag-option": "COPY"}, "").want(403, "CannotVerifyCopySource")
	})
}

func TestFromURL(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("from URL")
		s.put("from", "hello", header{"x-ms-meta-k": "v", "x-ms-blob-content-type": "text/plain"})
		source := s.url(s.container+"/from") + "?" + s.serviceSAS("from")
		s.blob("PUT", "to", "", header{"x-ms-blob-type": "BlockBlob", "x-ms-copy-source": source}, "").want(201, "").
			has(header{"ETag": "", "Last-Modified": "", "Content-MD5": "XUFAKrxLKna5cZ2REBfFkg==", "x-ms-request-server-encrypted": "true"})
		s.blob("GET", "to", "", nil, "").want(200, "").is("hello").has(header{"x-ms-meta-k": "v", "Content-Type": "text/plain"}).without("x-ms-copy-id")
		s.blob("PUT", "log", "", header{"x-ms-blob-type": "AppendBlob"}, "").want(201, "")
		s.blob("PUT", "log", "comp=appendblock", header{"x-ms-copy-source": source, "x-ms-source-range": "bytes=1-2"}, "").want(201, "").
			has(header{"x-ms-blob-append-offset": "0", "x-ms-blob-committed-block-count": "1", "ETag": "", "Last-Modified": "", "x-ms-request-server-encrypted": "true"})
		s.blob("GET", "log", "", nil, "").want(200, "").is("el")
		s.blob("PUT", "log", "comp=appendblock", header{"x-ms-copy-source": source, "x-ms-blob-condition-appendpos": "9"}, "").want(412, "AppendPositionConditionNotMet")
	})
}

func TestRehydratingCopy(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("rehydration")
		s.put("from", "hello", header{"x-ms-access-tier": "Archive"})
		from := header{"x-ms-copy-source": s.url(s.container + "/from")}
		s.blob("PUT", "to", "", from, "").want(409, "BlobArchived")
		s.blob("PUT", "to", "", with(with(from, "x-ms-access-tier", "Hot"), "x-ms-rehydrate-priority", "High"), "").want(202, "").has(header{"x-ms-copy-status": "pending"})
		s.blob("HEAD", "to", "", nil, "").want(200, "").has(header{"x-ms-access-tier": "Archive", "x-ms-archive-status": "rehydrate-pending-to-hot", "x-ms-rehydrate-priority": "High", "x-ms-copy-status": "pending"})
		s.blob("PUT", "from", "comp=tier", header{"x-ms-access-tier": "Cool"}, "").want(202, "")
		s.blob("HEAD", "from", "", nil, "").want(200, "").has(header{"x-ms-archive-status": "rehydrate-pending-to-cool", "x-ms-rehydrate-priority": "Standard"})
	})
}

func TestPendingCopies(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("pending copies")
		s.put("from", "hello", nil)
		begun := s.blob("PUT", "to", "", header{"x-ms-copy-source": s.url(s.container + "/from")}, "").want(202, "").has(header{"x-ms-copy-status": "pending"})
		s.blob("HEAD", "to", "", nil, "").want(200, "").has(header{"x-ms-copy-status": "pending", "Content-Length": "0"}).without("x-ms-copy-completion-time")
		s.blob("PUT", "to", "comp=metadata", nil, "").want(409, "PendingCopyOperation")
		s.blob("PUT", "to", "comp=copy&copyid="+begun.header.Get("x-ms-copy-id"), header{"x-ms-copy-action": "abort"}, "").want(204, "")
		s.blob("GET", "to", "", nil, "").want(200, "").is("").has(header{"x-ms-copy-status": "aborted", "x-ms-copy-completion-time": ""})
		s.blob("PUT", "to", "", header{"x-ms-copy-source": s.url(s.container + "/from")}, "").want(202, "")
		s.blob("DELETE", "from", "", nil, "").want(202, "")
		for _, method := range []string{"GET", "HEAD"} {
			s.blob(method, "to", "", nil, "").want(200, "").is("").has(header{"x-ms-copy-status": "failed", "x-ms-copy-status-description": "", "x-ms-copy-completion-time": ""})
		}
	}, &blobtest.Options{CopyDuration: time.Hour})
}
