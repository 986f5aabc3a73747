package blobtest_test

import (
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/rest"
)

// FuzzRequest sends any request to a service that has blobs of all types. It has an
// answer to each, and none of them is that something is wrong with the service.
func FuzzRequest(f *testing.F) {
	srv := blobtest.New(f, &blobtest.Options{Versioning: true, SoftDelete: 1, HierarchicalNamespace: true})
	for i, op := range rest.Operations() {
		resource := []string{"", "photos", "photos/cat.jpg"}[op.On]
		header := ""
		for i := 0; i+1 < len(op.Header); i += 2 {
			header += op.Header[i] + ": " + op.Header[i+1] + "\n"
		}
		f.Add(op.Method, resource+"?"+op.Query, header, []string{"", "content", "<Tags/>"}[i%3])
	}
	for _, c := range [][4]string{
		{"PUT", "photos/cat.jpg", "x-ms-blob-type: BlockBlob\nx-ms-tags: a=b&c=\nx-ms-meta-a: b\nx-ms-access-tier: Cool", "meow"},
		{"PUT", "photos/disk", "x-ms-blob-type: PageBlob\nx-ms-blob-content-length: 4096\nx-ms-blob-sequence-number: 7", ""},
		{"PUT", "photos/disk?comp=page", "x-ms-page-write: clear\nx-ms-range: bytes=0-511\nx-ms-if-sequence-number-le: 9", ""},
		{"PUT", "photos/log", "x-ms-blob-type: AppendBlob\nIf-None-Match: *", ""},
		{"PUT", "photos/log?comp=appendblock", "x-ms-blob-condition-appendpos: 0\nx-ms-content-crc64: AAAAAAAAAAA=", "line"},
		{"PUT", "photos/cat.jpg?comp=block&blockid=QUFB", "x-ms-structured-body: XSM/1.0; properties=crc64\nx-ms-structured-content-length: 1", "\x01"},
		{"PUT", "photos/cat.jpg?comp=blocklist", "Content-Type: application/xml", "<BlockList><Latest>QUFB</Latest></BlockList>"},
		{"PUT", "photos/cat.jpg?comp=lease", "x-ms-lease-action: acquire\nx-ms-lease-duration: 15\nx-ms-proposed-lease-id: 11111111-2222-3333-4444-555555555555", ""},
		{"PUT", "photos/copy", "x-ms-copy-source: " + srv.Endpoint() + "/photos/cat.jpg\nx-ms-source-if-match: *", ""},
		{"GET", "photos/cat.jpg?snapshot=2026-01-02T03:04:05.0000000Z", "x-ms-range: bytes=1-2\nx-ms-range-get-content-md5: true", ""},
		{"GET", "photos?restype=container&comp=list&delimiter=/&include=snapshots,tags,versions,deleted&maxresults=1&marker=a", "", ""},
		{"GET", "?comp=blobs&where=a%3D'b'%20AND%20c>'d'", "", ""},
		{"POST", "photos?restype=container&comp=batch", "Content-Type: multipart/mixed; boundary=b", "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nDELETE /photos/x HTTP/1.1\r\n\r\n--b--"},
		{"POST", "photos/cat.jpg?comp=query", "Content-Type: application/xml", "<QueryRequest><QueryType>SQL</QueryType><Expression>SELECT * FROM BlobStorage</Expression></QueryRequest>"},
		{"PUT", "?restype=service&comp=properties", "", "<StorageServiceProperties><Cors/><DeleteRetentionPolicy><Enabled>true</Enabled><Days>7</Days></DeleteRetentionPolicy></StorageServiceProperties>"},
		{"PUT", "photos?restype=container&comp=acl", "x-ms-blob-public-access: blob", "<SignedIdentifiers><SignedIdentifier><Id>a</Id></SignedIdentifier></SignedIdentifiers>"},
		{"OPTIONS", "photos/cat.jpg", "Origin: https://example.com\nAccess-Control-Request-Method: GET", ""},
		{"PUT", "photos/cat.jpg?comp=expiry", "x-ms-expiry-option: RelativeToNow\nx-ms-expiry-time: 1000000", ""},
		{"PUT", "photos/cat.jpg?comp=immutabilityPolicies", "x-ms-immutability-policy-until-date: Fri, 02 Jan 2099 03:04:05 GMT\nx-ms-immutability-policy-mode: unlocked", ""},
	} {
		f.Add(c[0], c[1], c[2], c[3])
	}
	f.Fuzz(func(t *testing.T, method, resource, header, body string) {
		for _, one := range []struct{ method, resource, header, body string }{
			{"PUT", "photos?restype=container", "", ""},
			{"PUT", "photos/cat.jpg", "x-ms-blob-type: BlockBlob", "content"},
			{method, resource, header, body},
		} {
			req, err := http.NewRequest(one.method, srv.Endpoint()+"/"+one.resource, strings.NewReader(one.body))
			if err != nil || req.URL.Fragment != "" {
				return
			}
			req.Header.Set("x-ms-version", "2026-06-06")
			req.Header.Set("x-ms-date", time.Now().UTC().Format(http.TimeFormat))
			for line := range strings.Lines(one.header) {
				if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && pipeline.IsHeaderName(name) {
					req.Header[textproto.CanonicalMIMEHeaderKey(name)] = []string{strings.TrimSpace(value)}
				}
			}
			text, err := pipeline.StringToSign(req, srv.Account())
			if err != nil {
				return
			}
			req.Header.Set("Authorization", "SharedKey "+srv.Account()+":"+signature(t, text, srv.Key()))
			resp, err := srv.Transport().Do(req)
			if err != nil {
				return // no request that could be sent
			}
			content, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode < 200 || resp.StatusCode == 500 || resp.StatusCode >= 400 && resp.Header.Get("x-ms-error-code") == "" {
				t.Fatalf("%s %s: status %d, %s, %v", one.method, one.resource, resp.StatusCode, content, err)
			}
		}
	})
}
