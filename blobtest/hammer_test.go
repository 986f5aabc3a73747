package blobtest_test

import (
	"crypto/md5"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

// call is a request, made by hand: the blob takes the place of BLOB.
type call struct {
	method, resource, body string
	header                 []string
}

// hammers are operations of all kinds, most of which collide when they are
// done to the same few blobs at once.
var hammers = []call{
	{"PUT", "BLOB", "some", []string{"x-ms-blob-type", "BlockBlob", "x-ms-tags", "a=1"}},
	{"PUT", "BLOB", strings.Repeat("much", 20_000), []string{"x-ms-blob-type", "BlockBlob", "If-None-Match", "*"}},
	{"PUT", "BLOB", "", []string{"x-ms-blob-type", "AppendBlob"}},
	{"PUT", "BLOB?comp=appendblock", "more", nil},
	{"PUT", "BLOB?comp=appendblock", "more", []string{"x-ms-blob-condition-appendpos", "4"}},
	{"PUT", "BLOB?comp=seal", "", nil},
	{"PUT", "BLOB", "", []string{"x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "2048"}},
	{"PUT", "BLOB?comp=page", strings.Repeat("p", 512), []string{"x-ms-page-write", "update", "x-ms-range", "bytes=512-1023"}},
	{"PUT", "BLOB?comp=page", "", []string{"x-ms-page-write", "clear", "x-ms-range", "bytes=0-1023"}},
	{"PUT", "BLOB?comp=properties", "", []string{"x-ms-blob-content-length", "1024"}},
	{"GET", "BLOB?comp=pagelist", "", nil},
	{"PUT", "BLOB?comp=block&blockid=AAAA", "block", nil},
	{"PUT", "BLOB?comp=blocklist", "<BlockList><Latest>AAAA</Latest><Latest>AAAA</Latest></BlockList>", nil},
	{"GET", "BLOB?comp=blocklist&blocklisttype=all", "", nil},
	{"GET", "BLOB", "", nil},
	{"GET", "BLOB", "", []string{"x-ms-range", "bytes=1-100", "x-ms-structured-body", structuredForm}},
	{"HEAD", "BLOB", "", nil},
	{"PUT", "BLOB?comp=metadata", "", []string{"x-ms-meta-a", "b"}},
	{"PUT", "BLOB?comp=properties", "", []string{"x-ms-blob-content-type", "text/plain"}},
	{"PUT", "BLOB?comp=snapshot", "", nil},
	{"DELETE", "BLOB", "", []string{"x-ms-delete-snapshots", "include"}},
	{"DELETE", "BLOB", "", []string{"x-ms-delete-snapshots", "only"}},
	{"PUT", "BLOB?comp=undelete", "", nil},
	{"PUT", "BLOB?comp=lease", "", []string{"x-ms-lease-action", "acquire", "x-ms-lease-duration", "15"}},
	{"PUT", "BLOB?comp=lease", "", []string{"x-ms-lease-action", "break", "x-ms-lease-break-period", "0"}},
	{"PUT", "BLOB?comp=lease", "", []string{"x-ms-lease-action", "break", "x-ms-lease-break-period", "0"}},
	{"PUT", "BLOB?comp=tags", "<Tags><TagSet><Tag><Key>a</Key><Value>2</Value></Tag></TagSet></Tags>", nil},
	{"GET", "BLOB?comp=tags", "", nil},
	{"PUT", "BLOB?comp=tier", "", []string{"x-ms-access-tier", "Cool"}},
	{"PUT", "BLOB?comp=legalhold", "", []string{"x-ms-legal-hold", "false"}},
	{"PUT", "BLOB", "", []string{"x-ms-copy-source", "https://devstoreaccount1.blob.test/one/a"}},
	{"PUT", "BLOB", "", []string{"x-ms-copy-source", "https://devstoreaccount1.blob.test/public/a", "x-ms-requires-sync", "true"}},
	{"PUT", "BLOB?comp=copy&copyid=5b2c3c4d-0000-4000-8000-00000000000a", "", []string{"x-ms-copy-action", "abort"}},
	{"GET", "one?restype=container&comp=list&include=snapshots,metadata,versions,deleted,tags,copy,uncommittedblobs,legalhold,immutabilitypolicy", "", nil},
	{"GET", "one?restype=container&comp=list&delimiter=a&maxresults=1", "", nil},
	{"GET", "?comp=list&include=metadata,deleted", "", nil},
	{"GET", "?comp=blobs&where=a%3D%271%27&include=versions", "", nil},
	{"PUT", "two?restype=container", "", nil},
	{"DELETE", "two?restype=container", "", nil},
	{"PUT", "one?restype=container&comp=metadata", "", []string{"x-ms-meta-a", "b"}},
	{"PUT", "one?restype=container&comp=acl", "", []string{"x-ms-blob-public-access", "blob"}},
	{"PUT", "?restype=service&comp=properties", "<StorageServiceProperties><DefaultServiceVersion>2026-06-06</DefaultServiceVersion></StorageServiceProperties>", nil},
	{"GET", "?restype=service&comp=properties", "", []string{"Origin", "https://a"}},
	{"POST", "?comp=batch", "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nDELETE /one/b HTTP/1.1\r\nAuthorization: Bearer some\r\n\r\n--b--\r\n", []string{"Content-Type", "multipart/mixed; boundary=b"}},
}

// TestHammer does everything to the same blobs at once. Requests may fail, but
// none by a fault of the service, and whoever reads gets one state of the blob.
func TestHammer(t *testing.T) {
	for name, o := range map[string]*blobtest.Options{
		"plain":    {CopyDuration: time.Millisecond},
		"versions": {Versioning: true, SoftDelete: 1, ContainerSoftDelete: 1, SecondaryLag: 10 * time.Millisecond, DeletionDelay: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			srv := blobtest.New(t, o)
			for _, c := range []string{"one", "two", "public"} {
				hammer(t, srv, call{"PUT", c + "?restype=container", "", []string{"x-ms-blob-public-access", "container"}}, "")
			}
			hammer(t, srv, call{"PUT", "public/a", "some", []string{"x-ms-blob-type", "BlockBlob"}}, "")
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for range 200 {
						c := hammers[rand.IntN(len(hammers))]
						blob := []string{"one/a", "one/b", "two/a"}[rand.IntN(3)]
						hammer(t, srv, c, blob)
						if rand.IntN(50) == 0 {
							_ = srv.Requests()
							srv.Inject(blobtest.Fault{Operation: "Get Blob", Status: 503}).Remove()
						}
					}
				})
			}
			group.Wait()
		})
	}
}

// hammer does one call.
func hammer(t *testing.T, srv *blobtest.Server, c call, blob string) {
	t.Helper()
	host := srv.Endpoint()
	if c.method == "GET" && rand.IntN(4) == 0 {
		host = srv.SecondaryEndpoint()
	}
	req := newRaw(t, host+"/"+strings.Replace(c.resource, "BLOB", blob, 1), c.method, c.body, append([]string{"Authorization", "Bearer some"}, c.header...)...)
	resp, err := srv.Transport().RoundTrip(req)
	if err != nil {
		t.Errorf("%+v: %v", c, err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 500 && resp.StatusCode != 503 {
		t.Errorf("%+v: %d, %s, %v", c, resp.StatusCode, body, err)
	}
	sum := md5.Sum(body)
	if want := resp.Header.Get("Content-MD5"); c.method == http.MethodGet && want != "" && want != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("%+v: the content is not what its MD5 says: %d bytes", c, len(body))
	}
}
