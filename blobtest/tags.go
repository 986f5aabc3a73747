package blobtest

import (
	"net/url"
	"strings"

	"github.com/goblob/azureblob"
)

const maxTags = 10

// tagsHeader reads x-ms-tags, a query string.
func (x *exchange) tagsHeader() azureblob.Tags {
	text := x.params.text("x-ms-tags")
	if text == "" {
		return nil
	}
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
	return false, fail(apiNotImplemented).because("The condition x-ms-if-tags is not implemented here.")
}
