package blobtest_test

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goblob/azureblob/blobtest"
)

func tagSet(pairs ...string) string {
	var b strings.Builder
	b.WriteString("<Tags><TagSet>")
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "<Tag><Key>%s</Key><Value>%s</Value></Tag>", pairs[i], pairs[i+1])
	}
	return b.String() + "</TagSet></Tags>"
}

func TestTags(t *testing.T) {
	srv := photos(t)
	const cat, tags = "photos/a/cat.jpg", "photos/a/cat.jpg?comp=tags"
	if a := raw(t, srv, "GET", tags, ""); a.status != 200 || !strings.Contains(a.body, "<TagSet></TagSet>") && !strings.Contains(a.body, "<TagSet/>") {
		t.Errorf("no tags: %+v", a)
	}
	before := raw(t, srv, "HEAD", cat, "").header
	many := []string{}
	for i := range 11 {
		many = append(many, fmt.Sprint("k", i), "v")
	}
	for _, c := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"ten", tagSet(many[:20]...), 204, ""},
		{"eleven", tagSet(many...), 400, "TagsTooLarge"},
		{"long key", tagSet(strings.Repeat("k", 129), "v"), 400, "TagsTooLarge"},
		{"long value", tagSet("k", strings.Repeat("v", 257)), 400, "TagsTooLarge"},
		{"longest", tagSet(strings.Repeat("k", 128), strings.Repeat("v", 256)), 204, ""},
		{"no key", tagSet("", "v"), 400, "EmptyTagName"},
		{"character", tagSet("k", "a,b"), 400, "InvalidInput"},
		{"twice", tagSet("k", "1", "k", "2"), 400, "DuplicateTagNames"},
		{"no document", "", 400, "InvalidXmlDocument"},
		{"other document", "<Other/>", 400, "InvalidXmlDocument"},
		{"last", tagSet("kind", "cat", "empty", "", "Z +-./:=_9", " +-./:=_"), 204, ""},
	} {
		raw(t, srv, "PUT", tags, c.body).expect(t, c.name, c.status, c.code)
	}
	a := raw(t, srv, "GET", tags, "")
	want := tagSet("Z +-./:=_9", " +-./:=_", "empty", "", "kind", "cat")
	if got := a.body[strings.Index(a.body, "<Tags>"):]; got != want {
		t.Errorf("%s, and not %s", got, want)
	}
	after := raw(t, srv, "HEAD", cat, "").header
	if after.Get("ETag") != before.Get("ETag") || after.Get("x-ms-tag-count") != "3" || before.Get("x-ms-tag-count") != "" {
		t.Errorf("%v, then %v", before, after)
	}
	raw(t, srv, "PUT", "photos/x", "", "x-ms-blob-type", "BlockBlob", "x-ms-tags", "a=1&a=2").expect(t, "header, twice", 400, "DuplicateTagNames")
	raw(t, srv, "PUT", "photos/x", "", "x-ms-blob-type", "BlockBlob", "x-ms-tags", "a=%2C").expect(t, "header, character", 400, "InvalidInput")
	raw(t, srv, "PUT", "photos/none?comp=tags", tagSet()).expect(t, "no blob", 404, "BlobNotFound")
	acquireA(t, srv, cat+"?comp=lease")
	raw(t, srv, "PUT", tags, tagSet()).expect(t, "leased", 412, "LeaseIdMissing")
	raw(t, srv, "PUT", tags, tagSet(), "x-ms-lease-id", leaseA).expect(t, "by the lease", 204, "")
	raw(t, srv, "GET", tags, "", "x-ms-lease-id", leaseB).expect(t, "other lease", 412, "LeaseIdMismatchWithBlobOperation")
}

func TestTagConditions(t *testing.T) {
	srv := photos(t)
	const tags = "photos/a/cat.jpg?comp=tags"
	raw(t, srv, "PUT", tags, tagSet("kind", "cat", "n", "5")).expect(t, "set", 204, "")
	for expression, status := range map[string]int{
		"kind = 'cat'": 200, `"kind"='cat'`: 200, "kind = 'dog'": 412, "kind <> 'dog'": 200, "kind <> 'cat'": 412,
		"n > '4' AND n < '6'": 200, "n >= '5' and n <= '5'": 200, "n > '5'": 412, "n < '5'": 412,
		"kind = 'dog' OR n = '5'": 200, "n = '5' OR kind = 'dog' AND n = '6'": 200, "kind = 'dog' AND n = '5' OR n = '6'": 412,
		"none = ''": 412, "none <> 'x'": 412, "Kind = 'cat'": 412,
		"kind": 400, "kind =": 400, "kind = cat": 400, "kind = 'cat": 400, "= 'cat'": 400, "kind = 'cat' AND": 400, "kind = 'cat' n = '5'": 400,
		"@container = 'photos'": 400, "NOT kind = 'cat'": 400, "(kind = 'cat')": 400, "and = 'x'": 400, `"" = 'x'`: 400, `"a,b" = 'x'`: 400, "kind == 'cat'": 400,
	} {
		code := map[int]string{200: "", 412: "ConditionNotMet", 400: "InvalidHeaderValue"}[status]
		raw(t, srv, "GET", "photos/a/cat.jpg", "", "x-ms-if-tags", expression).expect(t, "get if "+expression, status, code)
		raw(t, srv, "PUT", "photos/a/cat.jpg?comp=metadata", "", "x-ms-if-tags", expression).expect(t, "write if "+expression, status, code)
		raw(t, srv, "GET", tags, "", "x-ms-if-tags", expression).expect(t, "tags if "+expression, status, code)
	}
	etag := raw(t, srv, "HEAD", "photos/a/cat.jpg", "").header.Get("ETag")
	raw(t, srv, "PUT", tags, tagSet(), "x-ms-blob-if-match", `"x"`).expect(t, "other ETag", 412, "ConditionNotMet")
	raw(t, srv, "PUT", tags, tagSet("n", "6"), "x-ms-blob-if-match", `"x"`, "x-ms-version", "2025-11-05").expect(t, "before there were conditions", 204, "")
	raw(t, srv, "PUT", tags, tagSet("n", "6"), "x-ms-blob-if-match", etag, "x-ms-if-tags", "n = '6'").expect(t, "both", 204, "")
	raw(t, srv, "GET", tags, "", "x-ms-blob-if-none-match", etag).expect(t, "not changed", 304, "ConditionNotMet")
}

var foundName = regexp.MustCompile(`<Name>([^<]*)</Name><ContainerName>([^<]*)</ContainerName>`)

// find returns container/name of all that is found, page by page.
func find(t *testing.T, srv *blobtest.Server, resource, where, size string) (all []string) {
	t.Helper()
	marker := ""
	for {
		a := raw(t, srv, "GET", resource+"comp=blobs&where="+url.QueryEscape(where)+"&maxresults="+size+"&marker="+marker, "")
		if a.expect(t, where, 200, ""); a.status != 200 {
			return nil
		}
		found := foundName.FindAllStringSubmatch(a.body, -1)
		for _, m := range found {
			all = append(all, m[2]+"/"+m[1])
		}
		_, rest, _ := strings.Cut(a.body, "<NextMarker>")
		if marker, _, _ = strings.Cut(rest, "<"); marker == "" {
			return all
		}
		if fmt.Sprint(len(found)) != size || len(all) > 100 {
			t.Errorf("%s: a page of %d, after %d", where, len(found), len(all))
			return nil
		}
	}
}

func TestFindByTags(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{Versioning: true})
	for _, c := range []string{"films", "photos"} {
		raw(t, srv, "PUT", c+"?restype=container", "")
		for i := range 7 {
			raw(t, srv, "PUT", fmt.Sprintf("%s/b%d", c, i), "", "x-ms-blob-type", "BlockBlob", "x-ms-tags", fmt.Sprintf("n=%d&odd=%v&more=x", i, i%2 == 1))
		}
	}
	const inFilms = "films?restype=container&"
	for _, c := range []struct {
		resource, where string
		want            []string
	}{
		{"?", "odd = 'true' AND n > '2'", []string{"films/b3", "films/b5", "photos/b3", "photos/b5"}},
		{"?", "@container = 'photos' AND \"odd\" = 'true'", []string{"photos/b1", "photos/b3", "photos/b5"}},
		{inFilms, "n >= '2' AND n < '4'", []string{"films/b2", "films/b3"}},
		{inFilms, "odd = 'maybe'", nil},
	} {
		for _, size := range []string{"1", "2", "5000"} {
			if got := find(t, srv, c.resource, c.where, size); !slices.Equal(got, c.want) {
				t.Errorf("%s by %s: %q", c.where, size, got)
			}
		}
	}
	a := raw(t, srv, "GET", inFilms+"comp=blobs&where="+url.QueryEscape("n = '3'"), "")
	if !strings.Contains(a.body, "<Where>n = '3'</Where>") || !strings.Contains(a.body, "<Tags><TagSet><Tag><Key>n</Key><Value>3</Value></Tag></TagSet></Tags>") || strings.Contains(a.body, "odd") {
		t.Error(a.body)
	}
	for _, where := range []string{"n", "n ~ '3'", "n <> '3'", "n = '1' OR n = '2'", "@container > 'a'", "@other = 'a'", "n = '3", "n = '3' AND", "(n = '3')"} {
		raw(t, srv, "GET", "?comp=blobs&where="+url.QueryEscape(where), "").expect(t, where, 400, "InvalidQueryParameterValue")
	}
	raw(t, srv, "GET", "?comp=blobs", "").expect(t, "no expression", 400, "MissingRequiredQueryParameter")
	raw(t, srv, "GET", "none?restype=container&comp=blobs&where=n%3D'1'", "").expect(t, "no container", 404, "ContainerNotFound")
	raw(t, srv, "GET", "?comp=blobs&maxresults=0&where=n%3D'1'", "").expect(t, "size", 400, "OutOfRangeQueryParameterValue")

	old := raw(t, srv, "PUT", "films/b3", "", "x-ms-blob-type", "BlockBlob", "x-ms-tags", "n=3").header.Get("x-ms-version-id")
	a = raw(t, srv, "GET", inFilms+"comp=blobs&include=versions&where="+url.QueryEscape("n = '3'"), "")
	if strings.Count(a.body, "<Name>b3<") != 2 || strings.Count(a.body, "<VersionId>") != 2 || !strings.Contains(a.body, "<VersionId>"+old+"</VersionId><IsCurrentVersion>true<") {
		t.Error(a.body)
	}
	// A page may end between two versions of a name.
	if got := find(t, srv, inFilms+"include=versions&", "n = '3'", "1"); !slices.Equal(got, []string{"films/b3", "films/b3"}) {
		t.Errorf("%q", got)
	}
}
