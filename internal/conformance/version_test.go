package conformance

import (
	"net/url"
	"strings"
	"testing"

	"github.com/goblob/azureblob/blobtest"
)

func TestVersions(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("versions")
		first := s.put("b", "one", header{"x-ms-tags": "n=1"}).has(header{"x-ms-version-id": ""}).header.Get("x-ms-version-id")
		second := s.blob("PUT", "b", "comp=metadata", header{"x-ms-meta-k": "v"}, "").want(200, "").has(header{"x-ms-version-id": ""}).header.Get("x-ms-version-id")
		s.put("b", "three", nil)
		at := func(id string) string { return "versionid=" + url.QueryEscape(id) }
		s.blob("GET", "b", at(first), nil, "").want(200, "").is("one").has(header{"x-ms-version-id": first}).without("x-ms-is-current-version", "x-ms-meta-k")
		s.blob("HEAD", "b", at(second), nil, "").want(200, "").has(header{"x-ms-meta-k": "v", "Content-Length": "3"})
		s.blob("GET", "b", at(first), header{"x-ms-range": "bytes=1-1"}, "").want(206, "").is("n")
		for _, method := range []string{"GET", "HEAD"} {
			s.blob(method, "b", "", nil, "").want(200, "").has(header{"x-ms-is-current-version": "true", "x-ms-version-id": "", "Content-Length": "5"})
		}
		s.blob("GET", "b", at("2020-01-01T00:00:00.0000000Z"), nil, "").want(404, "BlobNotFound")
		s.blob("GET", "b", "comp=tags&"+at(first), nil, "").want(200, "").holds("<Key>n</Key>")
		s.blob("PUT", "b", "comp=tier&"+at(first), header{"x-ms-access-tier": "Cool"}, "").want(200, "")
		s.blob("HEAD", "b", at(first), nil, "").has(header{"x-ms-access-tier": "Cool"})
		s.blob("PUT", "b", "comp=metadata&"+at(first), nil, "").want(400, "InvalidQueryParameterValue")
		s.signed(s.serviceSAS("b", "sr", "bv", "versionid", first)).blob("GET", "b", "", nil, "").want(200, "").is("one")
		s.signed(s.serviceSAS("b", "sr", "bv", "versionid", first)).blob("GET", "b", at(second), nil, "").want(403, "AuthenticationFailed")

		list := "restype=container&comp=list&include=versions"
		s.do("GET", s.container, list, nil, "").want(200, "").holds("<VersionId>"+first+"</VersionId>", "<VersionId>"+second+"</VersionId>", "<IsCurrentVersion>true</IsCurrentVersion>")
		s.blob("DELETE", "b", at(second), nil, "").want(202, "")
		s.blob("GET", "b", at(second), nil, "").want(404, "BlobNotFound")
		s.blob("DELETE", "b", "", nil, "").want(202, "")
		s.blob("GET", "b", "", nil, "").want(404, "BlobNotFound")
		s.do("GET", s.container, "restype=container&comp=list&include=deletedwithversions", nil, "").want(200, "").holds("<HasVersionsOnly>true</HasVersionsOnly>")
		s.do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holdsNot("<Blob>")
		// A copy of a version over its blob makes it the current one again.
		s.blob("PUT", "b", "", header{"x-ms-copy-source": s.url(s.container+"/b?") + at(first)}, "").want(202, "").has(header{"x-ms-version-id": "", "x-ms-copy-status": "success"})
		s.blob("GET", "b", "", nil, "").want(200, "").is("one")
		s.blob("GET", "b", at(first), nil, "").want(200, "").is("one")
		// A signature of a version opens that version to copies, and nothing else.
		signed := s.serviceSAS("b", "sr", "bv", "versionid", first)
		for name, h := range map[string]header{"sync": {"x-ms-requires-sync": "true"}, "put": {"x-ms-blob-type": "BlockBlob"}, "async": {}} {
			s.blob("PUT", name, "", with(h, "x-ms-copy-source", s.url(s.container+"/b?")+signed), "").has(header{"x-ms-version-id": ""})
			s.blob("GET", name, "", nil, "").want(200, "").is("one")
			s.blob("PUT", name, "", with(h, "x-ms-copy-source", s.url(s.container+"/b?")+strings.Replace(signed, at(first), at(second), 1)), "").want(403, "CannotVerifyCopySource")
		}
		s.blob("PUT", "other", "", header{"x-ms-copy-source": s.url(s.container+"/b?") + at(second)}, "").want(404, "CannotVerifyCopySource") // it was deleted
	}, &blobtest.Options{Versioning: true})
}

func TestSoftDelete(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("soft delete")
		const policy = "<StorageServiceProperties><DeleteRetentionPolicy><Enabled>true</Enabled><Days>7</Days></DeleteRetentionPolicy></StorageServiceProperties>"
		s.do("PUT", "", "restype=service&comp=properties", nil, policy).want(202, "")
		s.put("b", "one", header{"x-ms-meta-k": "v"})
		s.blob("PUT", "b", "comp=snapshot", nil, "").want(201, "")
		s.blob("DELETE", "b", "", header{"x-ms-delete-snapshots": "include"}, "").want(202, "").has(header{"x-ms-delete-type-permanent": "false"})
		s.blob("GET", "b", "", nil, "").want(404, "BlobNotFound")
		s.do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holdsNot("<Blob>")
		s.do("GET", s.container, "restype=container&comp=list&include=deleted,snapshots", nil, "").want(200, "").
			holds("<Deleted>true</Deleted>", "<DeletedTime>", "<RemainingRetentionDays>7</RemainingRetentionDays>", "<Snapshot>")
		s.blob("PUT", "b", "comp=undelete", nil, "").want(200, "")
		s.blob("GET", "b", "", nil, "").want(200, "").is("one").has(header{"x-ms-meta-k": "v"})
		s.blob("PUT", "b", "comp=undelete", nil, "").want(200, "")
		s.blob("PUT", "none", "comp=undelete", nil, "").want(404, "BlobNotFound")
		s.do("GET", s.container, "restype=container&comp=list&include=deleted,snapshots", nil, "").want(200, "").holds("<Snapshot>").holdsNot("<Deleted>")
		s.put("b", "two", nil) // what is overwritten is a snapshot, and deleted
		s.do("GET", s.container, "restype=container&comp=list&include=deleted,snapshots", nil, "").want(200, "").holds("<Deleted>true</Deleted>")
	})
}

func TestPermanentDelete(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("soft delete")
		s.put("b", "one", nil)
		snap := "snapshot=" + url.QueryEscape(s.blob("PUT", "b", "comp=snapshot", nil, "").want(201, "").header.Get("x-ms-snapshot"))
		s.blob("DELETE", "b", snap+"&deletetype=permanent", nil, "").want(409, "BlobOperationNotSupported")
		s.blob("DELETE", "b", snap, nil, "").want(202, "").has(header{"x-ms-delete-type-permanent": "false"})
		s.blob("DELETE", "b", snap+"&deletetype=permanent", nil, "").want(202, "").has(header{"x-ms-delete-type-permanent": "true"})
		s.blob("PUT", "b", "comp=undelete", nil, "").want(200, "")
		s.blob("GET", "b", snap, nil, "").want(404, "BlobNotFound")
		s.blob("DELETE", "b", "deletetype=permanent", nil, "").want(400, "InvalidQueryParameterValue")
	}, &blobtest.Options{SoftDelete: 7, PermanentDelete: true})
}

func TestRestoreContainer(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("undelete")
		s.put("b", "one", nil)
		s.do("DELETE", s.container, "restype=container", nil, "").want(202, "")
		list := s.do("GET", "", "comp=list&include=deleted&prefix="+s.container, nil, "").want(200, "").holds("<Deleted>true</Deleted>", "<RemainingRetentionDays>3</RemainingRetentionDays>")
		version := between(list.body, "<Version>", "</Version>")
		s.do("PUT", s.container, "restype=container&comp=undelete", header{"x-ms-deleted-container-name": s.container, "x-ms-deleted-container-version": "none"}, "").want(404, "ContainerNotFound")
		s.do("PUT", s.container, "restype=container&comp=undelete", header{"x-ms-deleted-container-name": s.container, "x-ms-deleted-container-version": version}, "").want(201, "")
		s.blob("GET", "b", "", nil, "").want(200, "").is("one")
		s.do("GET", "", "comp=list&include=deleted&prefix="+s.container, nil, "").want(200, "").holdsNot("<Deleted>")
	}, &blobtest.Options{ContainerSoftDelete: 3})
}
