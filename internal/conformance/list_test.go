package conformance

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// listed are the names and prefixes of a page, and where it goes on.
type listed struct {
	Blobs struct {
		Blob []struct {
			Name     string
			Snapshot string
		}
		BlobPrefix []struct{ Name string }
	}
	NextMarker string
}

// list follows the markers to the end, and returns names and prefixes in order.
func (s *service) list(query string, size int) []string {
	s.Helper()
	var all []string
	marker := ""
	for range 100 {
		q := "restype=container&comp=list&" + query
		if size > 0 {
			q += fmt.Sprint("&maxresults=", size)
		}
		if marker != "" {
			q += "&marker=" + url.QueryEscape(marker)
		}
		a := s.do("GET", s.container, q, nil, "").want(200, "")
		var page listed
		if err := xml.Unmarshal([]byte(strings.TrimPrefix(a.body, "\ufeff")), &page); err != nil {
			s.Fatal(err)
		}
		var names []string
		for _, b := range page.Blobs.Blob {
			names = append(names, b.Name)
		}
		for _, p := range page.Blobs.BlobPrefix {
			names = append(names, p.Name)
		}
		if size > 0 && len(names) > size {
			s.Errorf("%d entries in a page of %d", len(names), size)
		}
		slices.Sort(names)
		all = append(all, names...)
		if marker = page.NextMarker; marker == "" {
			return all
		}
	}
	s.Fatal("the listing does not end")
	return nil
}

func TestListBlobs(t *testing.T) {
	names := []string{"a", "a b", "b/1", "b/2", "b/c/3", "b0", "d/5", "e+%", "ü"}
	each(t, func(s *service) {
		for _, name := range names {
			s.put(url.PathEscape(name), name, header{"x-ms-meta-k": "v"})
		}
		for size := range 5 {
			if got := s.list("", size); !slices.Equal(got, names) {
				s.Errorf("pages of %d: %q", size, got)
			}
			if got, want := s.list("delimiter=%2F", size), []string{"a", "a b", "b/", "b0", "d/", "e+%", "ü"}; !slices.Equal(got, want) {
				s.Errorf("pages of %d by hierarchy: %q", size, got)
			}
			if got, want := s.list("delimiter=%2F&prefix=b%2F", size), []string{"b/1", "b/2", "b/c/"}; !slices.Equal(got, want) {
				s.Errorf("pages of %d below b/: %q", size, got)
			}
			if got := s.list("startFrom=b%2F2", size); !slices.Equal(got, names[3:]) {
				s.Errorf("pages of %d from b/2: %q", size, got)
			}
		}
		if got := s.list("prefix=b", 0); !slices.Equal(got, names[2:6]) {
			s.Errorf("with a prefix: %q", got)
		}
		s.do("GET", s.container, "restype=container&comp=list&prefix=a&include=metadata", nil, "").want(200, "").has(header{"Content-Type": "application/xml"}).holds(
			"<EnumerationResults", "ContainerName=", "<Prefix>a</Prefix>", "<Metadata><k>v</k></Metadata>", "<Content-Length>1</Content-Length>", "<BlobType>BlockBlob</BlobType>",
			"<Creation-Time>", "<Last-Modified>", "<Etag>0x", "<Content-MD5>", "<LeaseStatus>unlocked</LeaseStatus>", "<LeaseState>available</LeaseState>", "<ServerEncrypted>true</ServerEncrypted>", "<AccessTier>Hot</AccessTier>")
		s.do("GET", s.container+"x", "restype=container&comp=list", nil, "").want(404, "ContainerNotFound")
	})
}

func TestLongDelimiter(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("long delimiters")
		for _, name := range []string{"a--b", "a-b", "c--d--e"} {
			s.put(name, "x", nil)
		}
		if got, want := s.list("delimiter=--", 0), []string{"a--", "a-b", "c--"}; !slices.Equal(got, want) {
			s.Errorf("%q, want %q", got, want)
		}
	})
}

// TestArrowListing asks for a listing in Arrow. A service that does not know that
// answers in XML, and says so.
func TestArrowListing(t *testing.T) {
	each(t, func(s *service) {
		s.put("a/b", "x", nil)
		arrow := header{"Accept": "application/vnd.apache.arrow.stream,application/xml"}
		s.do("GET", s.container, "restype=container&comp=list", arrow, "").want(200, "").has(header{"Content-Type": "application/xml"}).holds("<EnumerationResults", "<Name>a/b</Name>")
		s.do("GET", s.container, "restype=container&comp=list&delimiter=%2F", arrow, "").want(200, "").has(header{"Content-Type": "application/xml"}).holds("<BlobPrefix><Name>a/</Name>")
	})
}

// TestRename asks for an operation that is in the clients' description of the
// protocol, but on no page of it.
func TestRename(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("container rename")
		s.do("PUT", s.container+"r", "restype=container&comp=rename", header{"x-ms-source-container-name": s.container}, "").want(501, "APINotImplemented")
		s.do("HEAD", s.container+"r", "restype=container", nil, "").want(404, "ContainerNotFound")
	})
}

func TestIncludes(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "x", header{"x-ms-meta-k": "v", "x-ms-tags": "t=1"})
		s.blob("PUT", "copy", "", header{"x-ms-copy-source": s.url(s.container + "/b")}, "").want(202, "")
		s.blob("PUT", "staged", "comp=block&blockid=QQ%3D%3D", nil, "x").want(201, "")
		list := func(include string) *answer {
			return s.do("GET", s.container, "restype=container&comp=list&include="+include, nil, "")
		}
		list("metadata,tags,copy,uncommittedblobs,snapshots").want(200, "").holds("<k>v</k>", "<Key>t</Key>", "<CopyStatus>success</CopyStatus>", "<CopyProgress>1/1</CopyProgress>", "<Name>staged</Name>")
		list("copy").want(200, "").holds("<CopySource>", "<CopyCompletionTime>", "<CopyId>").holdsNot("<Metadata>", "<Tags>", "staged")
		s.lacking("checks of listings")
		list("metadata").want(200, "").holdsNot("<CopyStatus>")
		list("everything").want(400, "InvalidQueryParameterValue")
		s.do("GET", s.container, "restype=container&comp=list&delimiter=%2F&include=snapshots", nil, "").want(400, "InvalidQueryParameterValue")
		s.do("GET", s.container, "restype=container&comp=list&maxresults=0", nil, "").want(400, "OutOfRangeQueryParameterValue")
	})
}

// TestSnapshotPages lists blobs and their snapshots in pages of every size.
func TestSnapshotPages(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("snapshot paging")
		var want []string
		for _, name := range []string{"a", "b"} {
			s.put(name, "x", nil)
			for range 3 {
				s.blob("PUT", name, "comp=snapshot", nil, "").want(201, "")
				want = append(want, name)
			}
			want = append(want, name)
		}
		for size := range 9 {
			if got := s.list("include=snapshots", size); !slices.Equal(got, want) {
				s.Errorf("pages of %d: %q", size, got)
			}
		}
	})
}

// TestBadRequests sends what is no operation, or a parameter that is no value.
func TestBadRequests(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("checks of requests")
		s.put("b", "x", nil)
		s.do("PUT", s.container, "restype=container&comp=nothing", nil, "").want(400, "InvalidQueryParameterValue")
		s.blob("GET", "b", "comp=nothing", nil, "").want(400, "InvalidQueryParameterValue")
		s.blob("GET", "b", "timeout=soon", nil, "").want(400, "InvalidQueryParameterValue")
		s.blob("POST", "b", "", nil, "").want(405, "UnsupportedHttpVerb")
		s.blob("PUT", strings.Repeat("n", 1025), "", header{"x-ms-blob-type": "BlockBlob"}, "x").want(400, "OutOfRangeInput")
		s.blob("PUT", "c", "", header{"x-ms-blob-type": "SquareBlob"}, "x").want(400, "InvalidHeaderValue")
		s.blob("PUT", "c", "", nil, "x").want(400, "MissingRequiredHeader")
		wrong := *s
		wrong.key = "AAAA"
		wrong.owner().blob("GET", "b", "", nil, "").want(403, "AuthenticationFailed")
	})
}
