package conformance

import (
	"net/url"
	"strings"
	"testing"
)

func tagSet(pairs ...string) string {
	text := `<?xml version="1.0" encoding="utf-8"?><Tags><TagSet>`
	for i := 0; i < len(pairs); i += 2 {
		text += "<Tag><Key>" + pairs[i] + "</Key><Value>" + pairs[i+1] + "</Value></Tag>"
	}
	return text + "</TagSet></Tags>"
}

func TestTags(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "x", header{"x-ms-tags": "kind=cat&who=me%20too"})
		s.blob("GET", "b", "comp=tags", nil, "").want(200, "").holds("<Key>kind</Key><Value>cat</Value>", "<Key>who</Key><Value>me too</Value>")
		s.blob("HEAD", "b", "", nil, "").want(200, "").has(header{"x-ms-tag-count": "2"})
		etag := s.blob("HEAD", "b", "", nil, "").header.Get("ETag")
		s.blob("PUT", "b", "comp=tags", nil, tagSet("kind", "dog")).want(204, "")
		s.blob("GET", "b", "comp=tags", nil, "").want(200, "").holds("<Key>kind</Key><Value>dog</Value>").holdsNot("who")
		s.blob("HEAD", "b", "", nil, "").want(200, "").has(header{"x-ms-tag-count": "1", "ETag": etag})
		s.blob("GET", "b", "", header{"x-ms-if-tags": `"kind" = 'dog'`}, "").want(200, "")
		s.blob("GET", "b", "", header{"x-ms-if-tags": `kind = 'cat'`}, "").want(412, "ConditionNotMet")
		s.blob("PUT", "b", "comp=metadata", header{"x-ms-if-tags": `kind > 'd' AND kind < 'e'`}, "").want(200, "")
		s.blob("DELETE", "b", "", header{"x-ms-if-tags": `kind = 'cat'`}, "").want(412, "ConditionNotMet")
		many := []string{}
		for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} {
			many = append(many, key, "v")
		}
		s.blob("PUT", "b", "comp=tags", nil, tagSet(many[:20]...)).want(204, "")
		s.blob("PUT", "b", "comp=tags", nil, tagSet(many...)).want(400, "TagsTooLarge")
		s.blob("GET", "none", "comp=tags", nil, "").want(404, "BlobNotFound")
		s.do("GET", s.container, "restype=container&comp=list&include=tags", nil, "").want(200, "").holds("<Key>a</Key><Value>v</Value>")
	})
}

func TestFindByTags(t *testing.T) {
	each(t, func(s *service) {
		s.put("one", "x", header{"x-ms-tags": "run=" + s.container + "&n=1"})
		s.put("two", "x", header{"x-ms-tags": "run=" + s.container + "&n=2"})
		s.put("three", "x", header{"x-ms-tags": "n=3"})
		where := "where=" + url.QueryEscape(`run = '`+s.container+`'`)
		s.do("GET", "", "comp=blobs&"+where, nil, "").want(200, "").holds("<Name>one</Name>", "<Name>two</Name>", "<ContainerName>"+s.container+"</ContainerName>", "<Where>").holdsNot("three")
		s.do("GET", s.container, "restype=container&comp=blobs&where="+url.QueryEscape(`n >= '2'`), nil, "").want(200, "").holds("two", "three").holdsNot("<Name>one")
		s.do("GET", "", "comp=blobs&where="+url.QueryEscape(`@container = '`+s.container+`' AND n = '3'`), nil, "").want(200, "").holds("three").holdsNot("<Name>one", "<Name>two")
		s.do("GET", "", "comp=blobs&where="+url.QueryEscape(`n ~ 3`), nil, "").want(400, "InvalidQueryParameterValue")
	})
}

// TestTagConditions makes the tags themselves a condition of changing them.
func TestTagConditions(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "x", header{"x-ms-tags": "kind=cat"})
		if s.has("tag conditions") {
			s.blob("PUT", "b", "comp=tags", header{"x-ms-if-tags": "kind = 'dog'"}, tagSet("a", "b")).want(412, "ConditionNotMet")
			s.blob("GET", "b", "comp=tags", header{"x-ms-if-tags": "kind = 'dog'"}, "").want(412, "ConditionNotMet")
		}
		s.blob("PUT", "b", "comp=tags", header{"x-ms-if-tags": "kind = 'cat'"}, tagSet("a", "b")).want(204, "")
		s.blob("GET", "b", "", header{"x-ms-if-tags": "a ~ 'b'"}, "").want(400, "InvalidHeaderValue")
	})
}

func TestBadTags(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "x", nil)
		s.lacking("checks of tags")
		for _, set := range []string{tagSet("a", "1", "a", "2"), tagSet("a!", "1"), tagSet(strings.Repeat("k", 129), "v"), tagSet("k", strings.Repeat("v", 257)), tagSet("", "v")} {
			if a := s.blob("PUT", "b", "comp=tags", nil, set); a.status != 400 {
				s.Errorf("%.100s: %d %s", set, a.status, a.code)
			}
		}
		s.blob("PUT", "b", "comp=tags", nil, tagSet("k", "")).want(204, "")
		s.blob("GET", "b", "comp=tags", nil, "").want(200, "").holds("<Key>k</Key><Value></Value>")
	})
}

// TestPagesOfFoundBlobs follows the markers to the end.
func TestPagesOfFoundBlobs(t *testing.T) {
	each(t, func(s *service) {
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			s.put(name, "x", header{"x-ms-tags": "n=" + name})
			s.put(name+"-other", "x", nil)
		}
		where := "&where=" + url.QueryEscape("n >= 'b' AND n < 'e'")
		s.do("GET", s.container, "restype=container&comp=blobs"+where, nil, "").want(200, "").holds("<Name>b</Name>", "<Name>c</Name>", "<Name>d</Name>", "<Key>n</Key><Value>c</Value>").holdsNot("<Name>a", "<Name>e", "-other")
		s.lacking("pages of found blobs")
		var got []string
		marker := ""
		for range 5 {
			a := s.do("GET", s.container, "restype=container&comp=blobs&maxresults=2"+where+marker, nil, "").want(200, "")
			for rest := a.body; strings.Contains(rest, "<Name>"); _, rest, _ = strings.Cut(rest, "</Name>") {
				got = append(got, between(rest, "<Name>", "</Name>"))
			}
			next := between(a.body, "<NextMarker>", "</NextMarker>")
			if next == "" {
				break
			}
			marker = "&marker=" + url.QueryEscape(next)
		}
		if strings.Join(got, "") != "bcd" {
			s.Errorf("%q", got)
		}
	})
}
