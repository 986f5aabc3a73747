package wire

import (
	"maps"
	"slices"
	"strings"
)

// The limits of index tags.
const (
	maxTags        = 10
	maxTagKey      = 128
	maxTagValue    = 256
	tagPunctuation = " +-./:=_"
)

// CheckTags tells what is wrong with the index tags of a blob, as a [*Refusal]. It
// does so of the first key in order.
func CheckTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return refusal("TagsTooLarge", "a blob has at most %d tags, and these are %d", maxTags, len(tags))
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch {
		case key == "":
			return refusal("EmptyTagName", "the key of a tag is empty")
		case !isTagText(key):
			return refusal("InvalidInput", "the tag key %q has a character that is not a letter, a digit, a space or one of + - . / : = _", key)
		case !isTagText(value):
			return refusal("InvalidInput", "the value of tag %q has a character that is not a letter, a digit, a space or one of + - . / : = _", key)
		case len(key) > maxTagKey:
			return refusal("TagsTooLarge", "the tag key %.20s... has %d characters, and %d is the most", key, len(key), maxTagKey)
		case len(value) > maxTagValue:
			return refusal("TagsTooLarge", "the value of tag %q has %d characters, and %d is the most", key, len(value), maxTagValue)
		}
	}
	return nil
}

func isTagText(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && strings.IndexByte(tagPunctuation, c) < 0 {
			return false
		}
	}
	return true
}
