package conformance

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// blockList is the body of Put Block List.
func blockList(entries ...string) string {
	return `<?xml version="1.0" encoding="utf-8"?><BlockList>` + strings.Join(entries, "") + "</BlockList>"
}

func TestBlocks(t *testing.T) {
	each(t, func(s *service) {
		s.blob("PUT", "b", "comp=block&blockid=QQ%3D%3D", nil, "first ").want(201, "").has(header{"x-ms-content-crc64": "", "x-ms-request-server-encrypted": "true"})
		s.blob("PUT", "b", "comp=block&blockid=Qg%3D%3D", nil, "second").want(201, "")
		s.blob("GET", "b", "", nil, "").want(404, "BlobNotFound")
		s.blob("PUT", "b", "comp=block&blockid=QUI%3D", nil, "longer id").want(400, "InvalidBlobOrBlock")
		staged := s.blob("GET", "b", "comp=blocklist&blocklisttype=all", nil, "").want(200, "").holds("<UncommittedBlocks>", "<Name>QQ==</Name><Size>6</Size>", "<CommittedBlocks")
		if s.has("ETag of blocks") {
			staged.without("ETag")
		}
		s.do("GET", s.container, "restype=container&comp=list&include=uncommittedblobs", nil, "").want(200, "").holds("<Name>b</Name>")
		s.do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holdsNot("<Name>b</Name>")
		s.blob("PUT", "b", "comp=blocklist", nil, blockList("<Latest>Qw==</Latest>")).want(400, "InvalidBlockList")
		s.blob("PUT", "b", "comp=blocklist", header{"x-ms-blob-content-type": "text/plain", "x-ms-meta-k": "v"}, blockList("<Latest>QQ==</Latest>", "<Uncommitted>Qg==</Uncommitted>")).
			want(201, "").has(header{"ETag": "", "Last-Modified": "", "x-ms-request-server-encrypted": "true"})
		made := s.blob("GET", "b", "", nil, "").want(200, "").is("first second").has(header{"Content-Type": "text/plain", "x-ms-meta-k": "v"})
		if s.has("MD5 of blocks") {
			made.without("Content-MD5")
		}
		s.blob("PUT", "b", "comp=blocklist", nil, blockList("<Committed>Qg==</Committed>", "<Latest>QQ==</Latest>", "<Latest>Qg==</Latest>")).want(201, "")
		s.blob("GET", "b", "", nil, "").want(200, "").is("secondfirst second")
		s.blob("GET", "b", "comp=blocklist&blocklisttype=committed", nil, "").want(200, "").holds("<CommittedBlocks>").has(header{"ETag": "", "Last-Modified": "", "x-ms-blob-content-length": "18"})
		s.blob("PUT", "b", "comp=blocklist", header{"If-None-Match": "*"}, blockList()).want(409, "BlobAlreadyExists")
		s.blob("PUT", "b", "comp=blocklist", nil, blockList("<Uncommitted>QQ==</Uncommitted>")).want(400, "InvalidBlockList")
		s.blob("PUT", "b", "comp=block&blockid=!", nil, "x").want(400, "InvalidQueryParameterValue")
	})
}

func TestDiscardedBlocks(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("blocks discarded by a put")
		s.blob("PUT", "b", "comp=block&blockid=QQ%3D%3D", nil, "staged").want(201, "")
		s.put("b", "put", nil)
		s.blob("GET", "b", "comp=blocklist&blocklisttype=uncommitted", nil, "").want(200, "").holdsNot("<Name>QQ==</Name>")
	})
}

func TestBlockLists(t *testing.T) {
	each(t, func(s *service) {
		stage := func(id, content string) *answer {
			return s.blob("PUT", "b", "comp=block&blockid="+url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(id))), nil, content)
		}
		commit := func(h header, entries ...string) *answer {
			return s.blob("PUT", "b", "comp=blocklist", h, blockList(entries...))
		}
		stage("A", "a1").want(201, "")
		stage("B", "b1").want(201, "")
		commit(nil, "<Latest>QQ==</Latest>", "<Latest>Qg==</Latest>", "<Latest>QQ==</Latest>").want(201, "")
		s.blob("GET", "b", "", nil, "").want(200, "").is("a1b1a1")
		lists := func(kind string) *answer {
			return s.blob("GET", "b", "comp=blocklist&blocklisttype="+kind, nil, "").want(200, "").has(header{"ETag": "", "Last-Modified": "", "x-ms-blob-content-length": ""})
		}
		const a, b = "<Block><Name>QQ==</Name><Size>2</Size></Block>", "<Block><Name>Qg==</Name><Size>2</Size></Block>"
		lists("committed").holds("<CommittedBlocks>" + a + b + a + "</CommittedBlocks>").holdsNot("<UncommittedBlocks><Block>").has(header{"x-ms-blob-content-length": "6"})
		s.blob("GET", "b", "comp=blocklist", nil, "").want(200, "").holds(a + b + a)
		stage("A", "a2").want(201, "")
		stage("C", "c1").want(201, "")
		lists("uncommitted").holds(a, "<Name>Qw==</Name>").holdsNot("Qg==")
		commit(nil, "<Uncommitted>Qg==</Uncommitted>").want(400, "InvalidBlockList")
		commit(nil, "<Committed>Qw==</Committed>").want(400, "InvalidBlockList")
		commit(header{"If-Match": `"0x0"`}, "<Latest>Qw==</Latest>").want(412, "ConditionNotMet")
		commit(nil, "<Committed>QQ==</Committed>", "<Uncommitted>QQ==</Uncommitted>", "<Latest>QQ==</Latest>", "<Latest>Qg==</Latest>").want(201, "")
		s.blob("GET", "b", "", nil, "").want(200, "").is("a1a2a2b1")
		lists("uncommitted").holdsNot("<Block>")
		commit(nil).want(201, "")
		s.blob("GET", "b", "", nil, "").want(200, "").is("")
		commit(nil, "<Latest>QQ==</Latest>").want(400, "InvalidBlockList")

		stage(strings.Repeat("x", 65), "x").want(400, "OutOfRangeInput")
		s.blob("PUT", "b", "comp=block&blockid=%2A%2A", nil, "x").want(400, "InvalidQueryParameterValue")
		if s.has("codes of bad documents") {
			s.blob("PUT", "b", "comp=blocklist", nil, "<BlockList><Latest>").want(400, "InvalidXmlDocument")
		}
		if s.has("empty blocks") {
			stage("E", "").want(400, "InvalidHeaderValue")
		}
		s.blob("GET", "none", "comp=blocklist&blocklisttype=all", nil, "").want(404, "BlobNotFound")
	})
}

// TestLengthsOfBlockIDs shows that the IDs of blocks that wait to be committed have
// one length, which those that are committed need not have.
func TestLengthsOfBlockIDs(t *testing.T) {
	each(t, func(s *service) {
		s.blob("PUT", "b", "comp=block&blockid=QQ%3D%3D", nil, "short").want(201, "")
		s.blob("PUT", "b", "comp=block&blockid=QUFB", nil, "long").want(400, "InvalidBlobOrBlock")
		s.blob("PUT", "b", "comp=blocklist", nil, blockList("<Latest>QQ==</Latest>")).want(201, "")
		s.blob("PUT", "b", "comp=block&blockid=QUFB", nil, "long").want(201, "")
		s.blob("PUT", "b", "comp=blocklist", nil, blockList("<Committed>QQ==</Committed>", "<Uncommitted>QUFB</Uncommitted>")).want(201, "")
		s.blob("GET", "b", "", nil, "").want(200, "").is("shortlong")
	})
}
