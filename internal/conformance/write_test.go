package conformance

import (
	"crypto/md5"
	"encoding/base64"
	"maps"
	"strings"
	"testing"

	"github.com/goblob/azureblob/blobtest"
)

// write is a request that writes to a blob, which may have to be there.
type write struct {
	operation, name, query string
	header                 header
	body                   string
	status                 int
	source                 bool // it has a source, of the content of body
	version                bool // it makes a version
}

// writes are all kinds of them, in an order in which each finds what it needs.
var writes = func() []write {
	page := strings.Repeat("p", 512)
	pages := header{"x-ms-page-write": "update", "x-ms-range": "bytes=0-511"}
	return []write{
		{operation: "Put Blob", name: "b", header: header{"x-ms-blob-type": "BlockBlob"}, body: "hello", status: 201, version: true},
		{operation: "Put Block", name: "b", query: "comp=block&blockid=QQ%3D%3D", body: "hello", status: 201},
		{operation: "Put Block From URL", name: "b", query: "comp=block&blockid=Qg%3D%3D", body: "hello", status: 201, source: true},
		{operation: "Put Block List", name: "b", query: "comp=blocklist", body: blockList("<Latest>QQ==</Latest>"), status: 201, version: true},
		{operation: "Set Blob Metadata", name: "b", query: "comp=metadata", header: header{"x-ms-meta-k": "v"}, status: 200, version: true},
		{operation: "Snapshot Blob", name: "b", query: "comp=snapshot", status: 201, version: true},
		{operation: "Put Blob From URL", name: "c", header: header{"x-ms-blob-type": "BlockBlob"}, body: "hello", status: 201, source: true, version: true},
		{operation: "Copy Blob From URL", name: "d", header: header{"x-ms-requires-sync": "true"}, body: "hello", status: 202, source: true, version: true},
		{operation: "Create Append Blob", name: "log", header: header{"x-ms-blob-type": "AppendBlob"}, status: 201, version: true},
		{operation: "Append Block", name: "log", query: "comp=appendblock", body: "hello", status: 201},
		{operation: "Append Block From URL", name: "log", query: "comp=appendblock", body: "hello", status: 201, source: true},
		{operation: "Create Page Blob", name: "disk", header: header{"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "512"}, status: 201, version: true},
		{operation: "Put Page", name: "disk", query: "comp=page", header: pages, body: page, status: 201},
		{operation: "Put Page From URL", name: "disk", query: "comp=page", header: with(pages, "x-ms-source-range", "bytes=0-511"), body: page, status: 201, source: true},
	}
}()

// carryOut sends a write with more headers.
func (s *service) carryOut(w write, more header) *answer {
	s.Helper()
	h := header{}
	maps.Copy(h, w.header)
	maps.Copy(h, more)
	body := w.body
	if w.source {
		s.put("from", w.body, nil)
		h["x-ms-copy-source"], body = s.url(s.container+"/from")+"?"+s.serviceSAS("from"), ""
	}
	a := s.blob("PUT", w.name, w.query, h, body)
	a.what = w.operation + ": " + a.what
	return a.want(w.status, "")
}

// TestAnswersOfWrites looks for what every answer to a write tells.
func TestAnswersOfWrites(t *testing.T) {
	each(t, func(s *service) {
		for _, w := range writes {
			if w.source && w.operation != "Copy Blob From URL" && w.operation != "Put Block From URL" && !s.has("from URL") {
				continue
			}
			a := s.carryOut(w, nil)
			if !strings.Contains(w.operation, "Block") || strings.Contains(w.operation, "Append") || w.operation == "Put Block List" {
				a.has(header{"ETag": "", "Last-Modified": ""})
			}
			if w.operation != "Copy Blob From URL" && s.has("encryption of all answers") {
				a.has(header{"x-ms-request-server-encrypted": "true"})
			}
		}
	})
}

func TestVersionsOfWrites(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("versions")
		for _, w := range writes {
			if a := s.carryOut(w, nil); w.version {
				a.has(header{"x-ms-version-id": ""})
			} else {
				a.without("x-ms-version-id")
			}
		}
	}, &blobtest.Options{Versioning: true})
}

func TestCustomerKeysOfWrites(t *testing.T) {
	eachSecure(t, func(s *service) {
		s.lacking("customer keys")
		for _, w := range writes {
			if w.operation == "Copy Blob From URL" || w.operation == "Snapshot Blob" {
				continue // the one takes none, and the other does not tell of it
			}
			s.carryOut(w, customerKey).has(header{"x-ms-encryption-key-sha256": customerKey["x-ms-encryption-key-sha256"]})
		}
		const format = "<Format><Type>delimited</Type></Format>"
		query := "<QueryRequest><QueryType>SQL</QueryType><Expression>SELECT * FROM BlobStorage</Expression><InputSerialization>" + format + "</InputSerialization><OutputSerialization>" + format + "</OutputSerialization></QueryRequest>"
		s.blob("POST", "b", "comp=query", customerKey, query).want(200, "").has(header{"x-ms-encryption-key-sha256": customerKey["x-ms-encryption-key-sha256"]})
		s.blob("POST", "b", "comp=query", nil, query).want(409, "BlobUsesCustomerSpecifiedEncryption")
	})
}

func TestScopesOfWrites(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("encryption scopes")
		scope := header{"x-ms-encryption-scope": "mine"}
		for _, w := range writes {
			if a := s.carryOut(w, scope); w.operation != "Snapshot Blob" {
				a.has(scope)
			}
		}
	})
}

// TestChecksumsOfWrites sends an MD5 with each body, and for each source, which the
// answer repeats; without it a part of a blob is answered with its CRC64.
func TestChecksumsOfWrites(t *testing.T) {
	each(t, func(s *service) {
		for _, w := range writes {
			sum := md5.Sum([]byte(w.body))
			text := base64.StdEncoding.EncodeToString(sum[:])
			switch {
			case w.body == "":
				s.carryOut(w, nil).without("Content-MD5")
			case w.source:
				if w.operation == "Put Block From URL" || s.has("from URL") {
					a := s.carryOut(w, header{"x-ms-source-content-md5": text})
					if s.has("checksums of answers") {
						a.has(header{"Content-MD5": text})
					}
				}
			default:
				a := s.carryOut(w, header{"Content-MD5": text})
				if s.has("checksums of answers") {
					a.has(header{"Content-MD5": text})
				}
			}
		}
		s.blob("GET", "b", "", header{"x-ms-range": "bytes=0-1", "x-ms-range-get-content-md5": "true"}, "").want(206, "").has(header{"Content-MD5": ""}).is("he")
		s.lacking("checksums of answers")
		s.blob("GET", "b", "", header{"x-ms-range": "bytes=0-4", "x-ms-range-get-content-crc64": "true"}, "").want(206, "").has(header{"x-ms-content-crc64": "V0JSBnCFdzM="})
		for _, w := range writes {
			if w.body != "" && !strings.HasSuffix(w.operation, " Blob") {
				s.carryOut(w, nil).has(header{"x-ms-content-crc64": ""})
			}
		}
	})
}
