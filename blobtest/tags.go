package blobtest

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/xmlplan"
)

func init() {
	tags := access{permissions: "t", resource: 'o'}
	handle(rest.GetBlobTags, endpoint{run: getBlobTags, needs: tags})
	handle(rest.SetBlobTags, endpoint{run: setBlobTags, body: xmlBody, needs: tags})
}

const maxTags = 10

// tagDocument is tags as a document, in the order of their keys.
type tagDocument struct {
	Tags []tagElement `xml:"TagSet>Tag"`
}

type tagElement struct {
	Key   string `xml:"Key,always"`
	Value string `xml:"Value,always"`
}

func documentOf(tags azureblob.Tags) tagDocument {
	d := tagDocument{Tags: []tagElement{}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		d.Tags = append(d.Tags, tagElement{key, tags[key]})
	}
	return d
}

// set is the tags of a document, checked.
func (d tagDocument) set() (azureblob.Tags, error) {
	tags := make(azureblob.Tags, len(d.Tags))
	for _, t := range d.Tags {
		if _, twice := tags[t.Key]; twice {
			return nil, fail(azureblob.DuplicateTagNames)
		}
		tags[t.Key] = t.Value
	}
	return tags, checkTagSet(tags)
}

func getBlobTags(x *exchange) error {
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.checkTagCall(r, reading); err != nil {
		return err
	}
	if r == b.current {
		if err := x.checkLease(&b.lease, onBlob, reading); err != nil {
			return err
		}
	}
	return x.answerXML(http.StatusOK, nil, "Tags", documentOf(r.tags))
}

// setBlobTags leaves the ETag as it is: tags are beside the blob. So it is
// allowed on blobs that are immutable, too.
func setBlobTags(x *exchange) error {
	var d tagDocument
	if err := xmlplan.DecodeRoot(bytes.NewReader(x.document), "Tags", &d); err != nil {
		return fail(azureblob.InvalidXMLDocument)
	}
	tags, err := d.set()
	if err != nil {
		return err
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if err := x.checkTagCall(r, writing); err != nil {
		return err
	}
	if r == b.current {
		if err := x.checkLease(&b.lease, onBlob, writing); err != nil {
			return err
		}
	}
	r.tags = tags
	return x.answer(http.StatusNoContent, nil)
}

// checkTagCall holds the conditions of calls about tags: x-ms-if-tags, and in
// newer versions those about the blob in headers of their own.
func (x *exchange) checkTagCall(r *revision, how usage) error {
	if x.since("2026-02-06") {
		c, err := x.conditionsIn("x-ms-blob-")
		if err != nil {
			return err
		}
		check := c.checkRead
		if how == writing {
			check = c.checkWrite
		}
		if err := check(r); err != nil {
			return err
		}
	}
	return x.checkTags(r)
}

// tagsHeader reads x-ms-tags.
func (x *exchange) tagsHeader() azureblob.Tags {
	if text := x.params.text("x-ms-tags"); text != "" {
		return x.parseTags(text)
	}
	return nil
}

// parseTags reads tags from a query string.
func (x *exchange) parseTags(text string) azureblob.Tags {
	values, err := url.ParseQuery(text)
	if err != nil {
		x.wrong(invalidHeader("x-ms-tags", text))
		return nil
	}
	tags := make(azureblob.Tags, len(values))
	for key, v := range values {
		if len(v) > 1 {
			x.wrong(fail(azureblob.DuplicateTagNames))
		}
		tags[key] = v[0]
	}
	if err := checkTagSet(tags); err != nil {
		x.wrong(err)
	}
	return tags
}

// checkTagSet holds tags against the rules for them.
func checkTagSet(tags azureblob.Tags) error {
	if len(tags) > maxTags {
		return fail(azureblob.TagsTooLarge)
	}
	for key, value := range tags {
		switch {
		case key == "":
			return fail(azureblob.EmptyTagName)
		case len(key) > 128 || len(value) > 256:
			return fail(azureblob.TagsTooLarge)
		case !tagText(key) || !tagText(value):
			return fail(azureblob.InvalidInput).because("The tags specified are invalid. They contain characters that are not permitted.")
		}
	}
	return nil
}

func tagText(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && strings.IndexByte(" +-./:=_", c) < 0 {
			return false
		}
	}
	return true
}

// tagsMatch evaluates the expression of x-ms-if-tags.
func tagsMatch(expression string, tags azureblob.Tags) (bool, error) {
	f, err := parseTagFilter(expression, conditional)
	if err != nil {
		return false, invalidHeader("x-ms-if-tags", expression).because("Error parsing query %v", err)
	}
	return f.matches("", tags), nil
}
