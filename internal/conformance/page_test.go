package conformance

import (
	"net/url"
	"strings"
	"testing"
)

func TestPageBlobs(t *testing.T) {
	page := strings.Repeat("p", 512)
	each(t, func(s *service) {
		s.blob("PUT", "p", "", header{"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "2048", "x-ms-blob-sequence-number": "7"}, "").want(201, "").has(header{"ETag": "", "Last-Modified": ""})
		s.blob("HEAD", "p", "", nil, "").want(200, "").has(header{"x-ms-blob-type": "PageBlob", "Content-Length": "2048", "x-ms-blob-sequence-number": "7"})
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": "bytes=512-1023"}, page).want(201, "").has(header{"x-ms-blob-sequence-number": "7", "ETag": "", "Last-Modified": ""})
		s.blob("GET", "p", "", header{"x-ms-range": "bytes=511-513"}, "").want(206, "").is("\x00pp")
		s.blob("GET", "p", "comp=pagelist", nil, "").want(200, "").has(header{"x-ms-blob-content-length": "2048", "ETag": "", "Last-Modified": ""}).holds("<PageRange><Start>512</Start><End>1023</End></PageRange>")
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": "bytes=0-511", "x-ms-if-sequence-number-lt": "7"}, page).want(412, "SequenceNumberConditionNotMet")
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": "bytes=0-511", "x-ms-if-sequence-number-eq": "7"}, page).want(201, "")
		s.blob("GET", "p", "comp=pagelist", nil, "").want(200, "").holds("<Start>0</Start>", "<End>1023</End>")
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "clear", "x-ms-range": "bytes=512-1023"}, "").want(201, "").has(header{"x-ms-blob-sequence-number": "7"})
		s.blob("GET", "p", "comp=pagelist", nil, "").want(200, "").holds("<Start>0</Start><End>511</End>")
		s.blob("PUT", "p", "comp=properties", header{"x-ms-blob-content-length": "1024"}, "").want(200, "").has(header{"x-ms-blob-sequence-number": "7"})
		s.blob("PUT", "p", "comp=properties", header{"x-ms-sequence-number-action": "max", "x-ms-blob-sequence-number": "9"}, "").want(200, "").has(header{"x-ms-blob-sequence-number": "9"})
		s.blob("PUT", "p", "comp=properties", header{"x-ms-sequence-number-action": "increment"}, "").want(200, "").has(header{"x-ms-blob-sequence-number": "10"})
		s.blob("HEAD", "p", "", nil, "").want(200, "").has(header{"Content-Length": "1024"})
		s.blob("PUT", "p", "comp=properties", header{"x-ms-blob-content-type": "text/x"}, "").want(200, "").has(header{"x-ms-blob-sequence-number": "10"})
		s.put("b", "x", nil)
		s.blob("GET", "b", "comp=pagelist", nil, "").want(409, "InvalidBlobType")
	})
}

func TestUnalignedPages(t *testing.T) {
	page := strings.Repeat("p", 512)
	each(t, func(s *service) {
		s.blob("PUT", "p", "", header{"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "1024"}, "").want(201, "")
		write := func(part, body string) *answer {
			return s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": part}, body)
		}
		s.lacking("codes of pages")
		write("bytes=0-511", page[1:]).want(400, "InvalidHeaderValue")
		write("bytes=0-1023", page).want(400, "InvalidHeaderValue")
		write("bytes=1024-1535", page).want(416, "InvalidPageRange")
		write("bytes=1-512", page).want(400, "InvalidHeaderValue")
		s.blob("PUT", "q", "", header{"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "1000"}, "").want(400, "InvalidHeaderValue")
		s.blob("PUT", "p", "comp=properties", header{"x-ms-blob-content-length": "700"}, "").want(400, "InvalidHeaderValue")
	})
}

// listPages follows the markers of a list of page ranges, and returns the ranges.
func (s *service) listPages(name, query string, size string) string {
	s.Helper()
	all, marker := "", ""
	for range 10 {
		a := s.blob("GET", name, "comp=pagelist&maxresults="+size+"&"+query+marker, nil, "").want(200, "")
		all += strings.TrimSuffix(between(a.body, "<PageList>", "<NextMarker"), "</PageList>")
		next := between(a.body, "<NextMarker>", "</NextMarker>")
		if next == "" {
			return all
		}
		marker = "&marker=" + url.QueryEscape(next)
	}
	s.Fatal("the list does not end")
	return ""
}

func TestPageRanges(t *testing.T) {
	page := strings.Repeat("p", 512)
	each(t, func(s *service) {
		s.blob("PUT", "p", "", header{"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "4096"}, "").want(201, "")
		for _, part := range []string{"bytes=0-511", "bytes=1024-1535", "bytes=2048-2559"} {
			s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": part}, page).want(201, "")
		}
		const first, second, third = "<PageRange><Start>0</Start><End>511</End></PageRange>", "<PageRange><Start>1024</Start><End>1535</End></PageRange>", "<PageRange><Start>2048</Start><End>2559</End></PageRange>"
		s.blob("GET", "p", "comp=pagelist", nil, "").want(200, "").holds(first, second, third)
		s.blob("GET", "p", "comp=pagelist", header{"x-ms-range": "bytes=512-2047"}, "").want(200, "").holds(second).holdsNot(first, third)
		snap := s.blob("PUT", "p", "comp=snapshot", nil, "").want(201, "").header.Get("x-ms-snapshot")
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "clear", "x-ms-range": "bytes=0-511"}, "").want(201, "")
		s.blob("PUT", "p", "comp=page", header{"x-ms-page-write": "update", "x-ms-range": "bytes=3584-4095"}, page).want(201, "")
		s.blob("GET", "p", "comp=pagelist&snapshot="+url.QueryEscape(snap), nil, "").want(200, "").holds(first, second, third)
		s.blob("GET", "p", "snapshot="+url.QueryEscape(snap), header{"x-ms-range": "bytes=510-512"}, "").want(206, "").is("pp\x00")

		s.lacking("page diff and paging")
		const fourth, cleared = "<PageRange><Start>3584</Start><End>4095</End></PageRange>", "<ClearRange><Start>0</Start><End>511</End></ClearRange>"
		s.blob("GET", "p", "comp=pagelist&prevsnapshot="+url.QueryEscape(snap), nil, "").want(200, "").holds(cleared, fourth).holdsNot(first, second).
			has(header{"x-ms-blob-content-length": "4096", "ETag": "", "Last-Modified": ""})
		if got := s.listPages("p", "", "2"); got != second+third+fourth {
			s.Errorf("pages of two: %s", got)
		}
		if got := s.listPages("p", "prevsnapshot="+url.QueryEscape(snap), "1"); got != cleared+fourth {
			s.Errorf("pages of one difference: %s", got)
		}
		s.blob("GET", "p", "comp=pagelist&prevsnapshot=2020-01-01T00%3A00%3A00.0000000Z", nil, "").want(409, "PreviousSnapshotNotFound")
	})
}

func TestPagesFromElsewhere(t *testing.T) {
	page := strings.Repeat("p", 512)
	each(t, func(s *service) {
		s.lacking("from URL")
		s.blob("PUT", "p", "", header{"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "1024", "x-ms-blob-sequence-number": "3"}, "").want(201, "")
		s.put("from", "xx"+page, nil)
		source := s.url(s.container+"/from") + "?" + s.serviceSAS("from")
		from := header{"x-ms-page-write": "update", "x-ms-range": "bytes=512-1023", "x-ms-copy-source": source, "x-ms-source-range": "bytes=2-513"}
		s.blob("PUT", "p", "comp=page", from, "").want(201, "").has(header{"ETag": "", "Last-Modified": "", "x-ms-blob-sequence-number": "3", "x-ms-request-server-encrypted": "true"})
		s.blob("GET", "p", "", header{"x-ms-range": "bytes=511-513"}, "").want(206, "").is("\x00pp")
		s.lacking("incremental copies")
		snap := s.blob("PUT", "p", "comp=snapshot", nil, "").want(201, "").header.Get("x-ms-snapshot")
		s.blob("PUT", "copy", "comp=incrementalcopy", header{"x-ms-copy-source": s.url(s.container+"/p") + "?snapshot=" + url.QueryEscape(snap)}, "").want(202, "").
			has(header{"x-ms-copy-id": "", "x-ms-copy-status": "success", "ETag": "", "Last-Modified": ""})
		s.blob("HEAD", "copy", "", nil, "").want(200, "").has(header{"x-ms-incremental-copy": "true", "x-ms-copy-destination-snapshot": ""})
		s.blob("GET", "copy", "", nil, "").want(409, "OperationNotAllowedOnIncrementalCopyBlob")
	})
}
