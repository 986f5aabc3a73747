package blobtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

// TestConditions holds every conditional header against a blob that is there,
// in reads and in writes.
func TestConditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		raw(t, srv, "PUT", "photos?restype=container", "")
		put := raw(t, srv, "PUT", "photos/x", "some", "x-ms-blob-type", "BlockBlob")
		tag, date := put.header.Get("ETag"), put.header.Get("Last-Modified")
		modified, err := http.ParseTime(date)
		if err != nil {
			t.Fatal(err)
		}
		before, after := modified.Add(-time.Second).Format(http.TimeFormat), modified.Add(time.Second).Format(http.TimeFormat)
		for _, c := range []struct {
			header            []string
			read, write       int
			readCode, putCode string
		}{
			{[]string{"If-Match", "TAG"}, 200, 201, "", ""},
			{[]string{"If-Match", "*"}, 200, 201, "", ""},
			{[]string{"If-Match", `"0x1"`}, 412, 412, "ConditionNotMet", "ConditionNotMet"},
			{[]string{"If-None-Match", "TAG"}, 304, 412, "ConditionNotMet", "ConditionNotMet"},
			{[]string{"If-None-Match", `"0x1"`}, 200, 201, "", ""},
			{[]string{"If-None-Match", "*"}, 400, 409, "UnsatisfiableCondition", "BlobAlreadyExists"},
			{[]string{"If-Modified-Since", before}, 200, 201, "", ""},
			{[]string{"If-Modified-Since", date}, 304, 412, "ConditionNotMet", "ConditionNotMet"},
			{[]string{"If-Unmodified-Since", date}, 200, 201, "", ""},
			{[]string{"If-Unmodified-Since", after}, 200, 201, "", ""},
			{[]string{"If-Unmodified-Since", before}, 412, 412, "ConditionNotMet", "ConditionNotMet"},
			// Reads: both of the first group, and any of the second.
			{[]string{"If-Match", "TAG", "If-Unmodified-Since", before}, 412, 201, "ConditionNotMet", ""},
			{[]string{"If-None-Match", `"0x1"`, "If-Modified-Since", date}, 200, 201, "", ""},
			{[]string{"If-None-Match", "TAG", "If-Modified-Since", before}, 200, 412, "", "ConditionNotMet"},
			{[]string{"If-Match", "TAG", "If-None-Match", "TAG"}, 304, 400, "ConditionNotMet", "MultipleConditionHeadersNotSupported"},
			{[]string{"If-Match", "TAG", "If-Modified-Since", before}, 200, 400, "", "MultipleConditionHeadersNotSupported"},
			{[]string{"If-Modified-Since", "yesterday"}, 400, 400, "InvalidHeaderValue", "InvalidHeaderValue"},
		} {
			what := fmt.Sprint(c.header)
			for i := range c.header {
				c.header[i] = strings.ReplaceAll(c.header[i], "TAG", tag)
			}
			for _, method := range []string{"GET", "HEAD"} {
				a := raw(t, srv, method, "photos/x", "", c.header...)
				a.expect(t, method+" "+what, c.read, c.readCode)
				if c.read == 304 && (a.body != "" || a.header.Get("ETag") != tag) {
					t.Errorf("%s: %+v", what, a)
				}
			}
			a := raw(t, srv, "PUT", "photos/x", "some", append(c.header, "x-ms-blob-type", "BlockBlob")...)
			a.expect(t, "PUT "+what, c.write, c.putCode)
			if a.status == 201 {
				if a.header.Get("ETag") == tag || a.header.Get("Last-Modified") != date {
					t.Errorf("%s: %v", what, a.header)
				}
				tag = a.header.Get("ETag")
			}
		}
	})
}

func TestConditionsOnNothing(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "photos?restype=container", "")
	for _, c := range []struct {
		name, value string
		status      int
	}{
		{"If-Match", "*", 412}, {"If-Match", `"0x1"`, 412}, {"If-None-Match", "*", 201},
		{"If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT", 201}, {"If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT", 201},
	} {
		raw(t, srv, "DELETE", "photos/new", "")
		if a := raw(t, srv, "PUT", "photos/new", "some", c.name, c.value, "x-ms-blob-type", "BlockBlob"); a.status != c.status {
			t.Errorf("%s: %s: %d %s", c.name, c.value, a.status, a.code)
		}
	}
}

func TestRanges(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "photos?restype=container", "")
	raw(t, srv, "PUT", "photos/empty", "", "x-ms-blob-type", "BlockBlob")
	// Blocks of several sizes, so that ranges begin and end within them.
	list := ""
	for i, part := range []string{"0", "123", "45", "6789"} {
		raw(t, srv, "PUT", fmt.Sprintf("photos/x?comp=block&blockid=AAA%d", i), part).expect(t, "block", 201, "")
		list += fmt.Sprintf("<Latest>AAA%d</Latest>", i)
	}
	raw(t, srv, "PUT", "photos/x?comp=blocklist", "<BlockList>"+list+"</BlockList>").expect(t, "list", 201, "")
	for from := range 10 {
		for to := from; to < 12; to++ {
			a := raw(t, srv, "GET", "photos/x", "", "x-ms-range", fmt.Sprintf("bytes=%d-%d", from, to))
			end := min(to, 9)
			if a.status != 206 || a.body != "0123456789"[from:end+1] || a.header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/10", from, end) || a.header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
				t.Errorf("%d-%d: %+v", from, to, a)
			}
		}
	}
	if a := raw(t, srv, "GET", "photos/x", "", "Range", "bytes=7-"); a.status != 206 || a.body != "789" {
		t.Errorf("open end: %+v", a)
	}
	if a := raw(t, srv, "GET", "photos/x", "", "Range", "bytes=7-", "x-ms-range", "bytes=1-2"); a.body != "12" {
		t.Errorf("both headers: %+v", a)
	}
	for _, c := range []struct {
		resource, text string
		status         int
		code           string
	}{
		{"photos/x", "bytes=10-", 416, "InvalidRange"}, {"photos/x", "bytes=11-12", 416, "InvalidRange"},
		{"photos/empty", "bytes=0-", 416, "InvalidRange"}, {"photos/empty", "bytes=0-5", 416, "InvalidRange"},
		{"photos/x", "bytes=-5", 400, "InvalidHeaderValue"}, {"photos/x", "bytes=5-3", 400, "InvalidHeaderValue"},
		{"photos/x", "bytes=1-2,4-5", 400, "InvalidHeaderValue"}, {"photos/x", "lines=1-2", 400, "InvalidHeaderValue"},
	} {
		a := raw(t, srv, "GET", c.resource, "", "x-ms-range", c.text)
		a.expect(t, c.resource+" "+c.text, c.status, c.code)
		if c.status == 416 && !strings.HasPrefix(a.header.Get("Content-Range"), "bytes */") {
			t.Errorf("%s: %v", c.text, a.header)
		}
	}
	// There are checksums of parts of up to 4 MiB.
	raw(t, srv, "PUT", "photos/zeros", "", "x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "8388608").expect(t, "pages", 201, "")
	for _, name := range []string{"x-ms-range-get-content-md5", "x-ms-range-get-content-crc64"} {
		raw(t, srv, "GET", "photos/zeros", "", name, "true", "x-ms-range", "bytes=1-4194304").expect(t, name, 206, "")
		raw(t, srv, "GET", "photos/zeros", "", name, "true", "x-ms-range", "bytes=1-4194305").expect(t, name+" of more", 400, "OutOfRangeInput")
		raw(t, srv, "GET", "photos/zeros", "", name, "true").expect(t, name+" of all", 400, "InvalidHeaderValue")
	}
	if a := raw(t, srv, "GET", "photos/empty", ""); a.status != 200 || a.body != "" || a.header.Get("Content-Length") != "0" {
		t.Errorf("empty blob: %+v", a)
	}
}

func TestBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		raw(t, srv, "PUT", "photos?restype=container", "")
		block := func(id, body string) answer {
			return raw(t, srv, "PUT", "photos/x?comp=block&blockid="+id, body)
		}
		commit := func(list string, header ...string) answer {
			return raw(t, srv, "PUT", "photos/x?comp=blocklist", `<?xml version="1.0" encoding="utf-8"?><BlockList>`+list+"</BlockList>", header...)
		}
		block("AAAA", "a1").expect(t, "first", 201, "")
		block("", "a").expect(t, "no id", 400, "MissingRequiredQueryParameter")
		block("!", "a").expect(t, "no base64", 400, "InvalidQueryParameterValue")
		block("AAAAAAAA", "a").expect(t, "other length", 400, "InvalidBlobOrBlock")
		block(strings.Repeat("AAAA", 22), "a").expect(t, "long id", 400, "OutOfRangeInput")
		block("BBBB", "").expect(t, "empty", 400, "InvalidHeaderValue")
		raw(t, srv, "GET", "photos/x", "").expect(t, "uncommitted", 404, "BlobNotFound")
		raw(t, srv, "PUT", "photos/x?comp=blocklist", "<BlockList><Latest>AAAA").expect(t, "bad XML", 400, "InvalidXmlDocument")
		commit("<Latest>CCCC</Latest>").expect(t, "unknown id", 400, "InvalidBlockList")
		commit("<Committed>AAAA</Committed>").expect(t, "not committed", 400, "InvalidBlockList")
		commit("<Latest>AAAA</Latest>", "If-None-Match", "*").expect(t, "commit", 201, "")
		raw(t, srv, "PUT", "photos/z?comp=block&blockid=AAAA", "z").expect(t, "block", 201, "")
		raw(t, srv, "PUT", "photos/z?comp=blocklist", "<BlockList><Latest>AAAA</Latest></BlockList>").expect(t, "commit", 201, "")
		raw(t, srv, "PUT", "photos/z?comp=block&blockid=AAAAAAAA", "z").expect(t, "other length than what is committed", 201, "")
		block("AAAA", "a2").expect(t, "again", 201, "")
		block("BBBB", "b").expect(t, "second", 201, "")
		if a := raw(t, srv, "GET", "photos/x?comp=blocklist&blocklisttype=all", ""); a.status != 200 || a.header.Get("x-ms-blob-content-length") != "2" || a.header.Get("ETag") == "" ||
			!strings.Contains(a.body, "<CommittedBlocks><Block><Name>AAAA</Name><Size>2</Size></Block></CommittedBlocks>") ||
			!strings.Contains(a.body, "<UncommittedBlocks><Block><Name>AAAA</Name><Size>2</Size></Block><Block><Name>BBBB</Name><Size>1</Size></Block></UncommittedBlocks>") {
			t.Errorf("blocks: %+v", a)
		}
		// The order of the document counts, whatever the kinds.
		commit("<Uncommitted>BBBB</Uncommitted><Committed>AAAA</Committed><Latest>AAAA</Latest><Committed>AAAA</Committed>").expect(t, "mixed", 201, "")
		if a := raw(t, srv, "GET", "photos/x", ""); a.body != "ba1a2a1" {
			t.Errorf("mixed: %q", a.body)
		}
		if a := raw(t, srv, "GET", "photos/x?comp=blocklist&blocklisttype=uncommitted", ""); strings.Contains(a.body, "<Block>") {
			t.Errorf("left after the commit: %s", a.body)
		}
		block("DDDD", "d").expect(t, "to be dropped", 201, "")
		raw(t, srv, "PUT", "photos/x", "whole", "x-ms-blob-type", "BlockBlob").expect(t, "put", 201, "")
		commit("<Latest>DDDD</Latest>").expect(t, "after Put Blob", 400, "InvalidBlockList")
		if a := raw(t, srv, "GET", "photos/x?comp=blocklist&blocklisttype=all", ""); strings.Contains(a.body, "<Block>") || a.header.Get("x-ms-blob-content-length") != "5" {
			t.Errorf("blocks of Put Blob: %+v", a)
		}
		commit("").expect(t, "empty list", 201, "")
		if a := raw(t, srv, "GET", "photos/x", ""); a.status != 200 || a.body != "" {
			t.Errorf("empty list: %+v", a)
		}
		block("EEEE", "e").expect(t, "to expire", 201, "")
		time.Sleep(8 * 24 * time.Hour)
		commit("<Latest>EEEE</Latest>").expect(t, "a week later", 400, "InvalidBlockList")
		commit(strings.Repeat("<Latest>AAAA</Latest>", 50_001)).expect(t, "long list", 400, "BlockListTooLong")
		raw(t, srv, "GET", "photos/none?comp=blocklist&blocklisttype=all", "").expect(t, "no blob", 404, "BlobNotFound")
		raw(t, srv, "GET", "photos/x?comp=blocklist&blocklisttype=some", "").expect(t, "kind", 400, "InvalidQueryParameterValue")
	})
}

func TestRehydration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		raw(t, srv, "PUT", "photos?restype=container", "")
		raw(t, srv, "PUT", "photos/x", "some", "x-ms-blob-type", "BlockBlob", "x-ms-access-tier", "Archive").expect(t, "put", 201, "")
		raw(t, srv, "GET", "photos/x", "").expect(t, "archived", 409, "BlobArchived")
		raw(t, srv, "PUT", "photos/x?comp=metadata", "").expect(t, "metadata of what is archived", 409, "BlobArchived")
		raw(t, srv, "PUT", "photos/x?comp=properties", "").expect(t, "properties of what is archived", 409, "BlobArchived")
		raw(t, srv, "PUT", "photos/x?comp=snapshot", "").expect(t, "snapshot of what is archived", 409, "BlobArchived")
		raw(t, srv, "POST", "photos/x?comp=query", "<QueryRequest><QueryType>SQL</QueryType><Expression>SELECT * FROM BlobStorage</Expression></QueryRequest>").expect(t, "query of what is archived", 409, "BlobArchived")
		raw(t, srv, "PUT", "photos/x?comp=tags", "<Tags><TagSet></TagSet></Tags>").expect(t, "tags of what is archived", 204, "")
		tier := func(to, priority string) answer {
			return raw(t, srv, "PUT", "photos/x?comp=tier", "", "x-ms-access-tier", to, "x-ms-rehydrate-priority", priority)
		}
		tier("P10", "").expect(t, "tier of pages", 400, "AccessTierNotSupportedForBlobType")
		tier("Hot", "Standard").expect(t, "rehydrate", 202, "")
		tier("Cool", "").expect(t, "elsewhere", 409, "BlobBeingRehydrated")
		if a := raw(t, srv, "HEAD", "photos/x", ""); a.header.Get("x-ms-access-tier") != "Archive" || a.header.Get("x-ms-archive-status") != "rehydrate-pending-to-hot" || a.header.Get("x-ms-rehydrate-priority") != "Standard" {
			t.Errorf("pending: %v", a.header)
		}
		time.Sleep(14 * time.Hour)
		raw(t, srv, "GET", "photos/x", "").expect(t, "after 14 hours", 409, "BlobArchived")
		time.Sleep(time.Hour)
		raw(t, srv, "GET", "photos/x", "").expect(t, "after 15 hours", 200, "")
		if a := raw(t, srv, "HEAD", "photos/x", ""); a.header.Get("x-ms-access-tier") != "Hot" || a.header.Get("x-ms-archive-status") != "" {
			t.Errorf("rehydrated: %v", a.header)
		}
		tier("Cool", "").expect(t, "cool", 200, "")

		// A high priority is for those that wait already as well; the other way round it is not.
		tier("Archive", "").expect(t, "archive", 200, "")
		tier("Hot", "").expect(t, "rehydrate", 202, "")
		tier("Hot", "High").expect(t, "faster", 202, "")
		tier("Hot", "Standard").expect(t, "slower", 202, "")
		time.Sleep(time.Hour - time.Second)
		raw(t, srv, "GET", "photos/x", "").expect(t, "a second before", 409, "BlobArchived")
		time.Sleep(time.Second)
		raw(t, srv, "GET", "photos/x", "").expect(t, "after an hour", 200, "")
	})
}

// TestEncryptionScopes writes to a container that has a scope of its own.
func TestEncryptionScopes(t *testing.T) {
	srv := blobtest.New(t)
	for name, deny := range map[string]string{"open": "false", "strict": "true"} {
		raw(t, srv, "PUT", name+"?restype=container", "", "x-ms-default-encryption-scope", "mine", "x-ms-deny-encryption-scope-override", deny).expect(t, name, 201, "")
		for scope, want := range map[string]string{"": "mine", "mine": "mine", "other": "other"} {
			a := raw(t, srv, "PUT", name+"/x", "some", "x-ms-blob-type", "BlockBlob", "x-ms-encryption-scope", scope)
			if name == "strict" && scope == "other" {
				a.expect(t, "override", 400, "InvalidHeaderValue")
				continue
			}
			a.expect(t, name+" "+scope, 201, "")
			if got := raw(t, srv, "HEAD", name+"/x", "").header.Get("x-ms-encryption-scope"); got != want {
				t.Errorf("%s %q: %q and not %q", name, scope, got, want)
			}
		}
	}
	raw(t, srv, "PUT", "other?restype=container", "", "x-ms-deny-encryption-scope-override", "true").expect(t, "nothing to override", 400, "MissingRequiredHeader")
}

func TestBlobProperties(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "photos?restype=container", "")
	put := raw(t, srv, "PUT", "photos/x", "some", "x-ms-blob-type", "BlockBlob", "Content-Type", "text/plain", "Content-Language", "en",
		"x-ms-blob-cache-control", "max-age=3", "x-ms-tags", "a=1&b=2", "x-ms-meta-Key", "v")
	put.expect(t, "put", 201, "")
	head := raw(t, srv, "HEAD", "photos/x", "")
	for name, want := range map[string]string{
		"Content-Length": "4", "Content-Type": "text/plain", "Content-Language": "en", "Cache-Control": "max-age=3", "x-ms-tag-count": "2",
		"x-ms-meta-key": "v", "x-ms-blob-type": "BlockBlob", "x-ms-access-tier": "Hot", "x-ms-access-tier-inferred": "true",
		"x-ms-lease-state": "available", "x-ms-lease-status": "unlocked", "x-ms-server-encrypted": "true", "Accept-Ranges": "bytes", "ETag": put.header.Get("ETag"),
	} {
		if head.header.Get(name) != want {
			t.Errorf("%s is %q and not %q", name, head.header.Get(name), want)
		}
	}
	raw(t, srv, "PUT", "photos/x?comp=properties", "", "x-ms-blob-content-type", "text/html").expect(t, "properties", 200, "")
	meta := raw(t, srv, "PUT", "photos/x?comp=metadata", "", "x-ms-meta-new", "n")
	meta.expect(t, "metadata", 200, "")
	head = raw(t, srv, "GET", "photos/x?comp=metadata", "")
	if head.header.Get("x-ms-meta-new") != "n" || head.header.Get("x-ms-meta-key") != "" || head.header.Get("ETag") != meta.header.Get("ETag") {
		t.Errorf("metadata: %v", head.header)
	}
	head = raw(t, srv, "HEAD", "photos/x", "")
	if head.header.Get("Content-Type") != "text/html" || head.header.Get("Cache-Control") != "" || head.header.Get("Content-MD5") != "" || head.header.Get("x-ms-creation-time") == "" {
		t.Errorf("properties: %v", head.header)
	}
	raw(t, srv, "DELETE", "photos/x", "", "x-ms-lease-id", "00000000-0000-0000-0000-000000000000").expect(t, "lease", 412, "LeaseNotPresentWithBlobOperation")
	raw(t, srv, "DELETE", "photos/x", "").expect(t, "delete", 202, "")
	raw(t, srv, "DELETE", "photos/x", "").expect(t, "delete again", 404, "BlobNotFound")
}

// TestTimesOfBlobs overwrites a blob, which was created once.
func TestTimesOfBlobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		b := newContainer(t, srv.ServiceClient()).Blob("x")
		put(t, b, "one")
		created := time.Now().UTC()
		for range 2 {
			time.Sleep(time.Hour)
			put(t, b, "two")
			if p, err := b.Properties(t.Context(), nil); err != nil || !p.CreationTime.Equal(created) || !p.LastModified.Equal(time.Now()) {
				t.Errorf("created %v, changed %v, %v", p.CreationTime, p.LastModified, err)
			}
		}
		if _, err := b.Delete(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		put(t, b, "three")
		if p, err := b.Properties(t.Context(), nil); err != nil || !p.CreationTime.Equal(time.Now()) {
			t.Errorf("created %v, %v", p.CreationTime, err)
		}
	})
}

func TestCustomerKeys(t *testing.T) {
	srv := blobtest.New(t)
	raw(t, srv, "PUT", "photos?restype=container", "")
	const key, hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU="
	with := []string{"x-ms-encryption-key", key, "x-ms-encryption-key-sha256", hash, "x-ms-encryption-algorithm", "AES256"}
	put := raw(t, srv, "PUT", "photos/x", "some", append(with, "x-ms-blob-type", "BlockBlob")...)
	put.expect(t, "put", 201, "")
	if put.header.Get("x-ms-encryption-key-sha256") != hash {
		t.Errorf("%v", put.header)
	}
	raw(t, srv, "GET", "photos/x", "", with...).expect(t, "with the key", 200, "")
	raw(t, srv, "GET", "photos/x", "").expect(t, "without", 409, "BlobUsesCustomerSpecifiedEncryption")
	raw(t, srv, "PUT", "photos/x", "some", "x-ms-blob-type", "BlockBlob", "x-ms-encryption-key", key, "x-ms-encryption-algorithm", "AES256").expect(t, "no hash", 400, "MissingRequiredHeader")
	raw(t, srv, "GET", "photos/x", "", "x-ms-encryption-key", key[:42]+"E=", "x-ms-encryption-key-sha256", hash, "x-ms-encryption-algorithm", "AES256").
		expect(t, "other key, same hash", 400, "InvalidHeaderValue")
	raw(t, srv, "GET", "photos/x", "", "x-ms-encryption-key-sha256", hash).expect(t, "hash alone", 400, "MissingRequiredHeader")

	// What does not touch the content has no use for the key.
	raw(t, srv, "PUT", "photos/x?comp=properties", "", "x-ms-blob-content-type", "text/plain").expect(t, "headers", 200, "")
	raw(t, srv, "PUT", "photos/x?comp=tier", "", "x-ms-access-tier", "Cool").expect(t, "tier", 200, "")
	raw(t, srv, "PUT", "photos/x?comp=metadata", "").expect(t, "metadata", 409, "BlobUsesCustomerSpecifiedEncryption")
	raw(t, srv, "PUT", "photos/p", "", append(with, "x-ms-blob-type", "PageBlob", "x-ms-blob-content-length", "512")...).expect(t, "pages", 201, "")
	raw(t, srv, "GET", "photos/p?comp=pagelist", "").expect(t, "page ranges", 200, "")
	raw(t, srv, "PUT", "photos/l", "", append(with, "x-ms-blob-type", "AppendBlob")...).expect(t, "log", 201, "")
	raw(t, srv, "PUT", "photos/l?comp=seal", "").expect(t, "seal", 200, "")

	// A blob is encrypted with one key, wherever its blocks come from.
	const list = "<BlockList><Latest>AAAA</Latest></BlockList>"
	raw(t, srv, "PUT", "photos/x?comp=block&blockid=AAAA", "some", with...).expect(t, "block", 201, "")
	raw(t, srv, "PUT", "photos/x?comp=blocklist", list).expect(t, "block, without", 409, "BlobUsesCustomerSpecifiedEncryption")
	raw(t, srv, "PUT", "photos/x?comp=blocklist", list, with...).expect(t, "block, with", 201, "")
	raw(t, srv, "PUT", "photos/x?comp=blocklist", list).expect(t, "committed block, without", 409, "BlobUsesCustomerSpecifiedEncryption")
	raw(t, srv, "PUT", "photos/x?comp=blocklist", list, with...).expect(t, "committed block, with", 201, "")
	for _, r := range srv.Requests() {
		if strings.Contains(fmt.Sprint(r), key) {
			t.Error("the key is in the list of requests")
		}
	}
}
