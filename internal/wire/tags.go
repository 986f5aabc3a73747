package wire

import (
	"fmt"
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

// CheckTags tells what is wrong with the index tags of a blob, and the code that
// the service would answer with. What is wrong is told of the first key in order.
func CheckTags(tags map[string]string) (code string, err error) {
	if len(tags) > maxTags {
		return "TagsTooLarge", fmt.Errorf("a blob has at most %d tags, and these are %d", maxTags, len(tags))
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch {
		case key == "":
			return "EmptyTagName", fmt.Errorf("the key of a tag is empty")
		case !isTagText(key):
			return "InvalidInput", fmt.Errorf("the tag key %q has a character that is not a letter, a digit, a space or one of + - . / : = _", key)
		case !isTagText(value):
			return "InvalidInput", fmt.Errorf("the value of tag %q has a character that is not a letter, a digit, a space or one of + - . / : = _", key)
		case len(key) > maxTagKey:
			return "TagsTooLarge", fmt.Errorf("the tag key %.20s... has %d characters, and %d is the most", key, len(key), maxTagKey)
		case len(value) > maxTagValue:
			return "TagsTooLarge", fmt.Errorf("the value of tag %q has %d characters, and %d is the most", key, len(value), maxTagValue)
		}
	}
	return "", nil
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
