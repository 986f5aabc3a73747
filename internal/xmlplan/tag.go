package xmlplan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// tag is a parsed `xml:"..."` struct tag.
type tag struct {
	path  []string // the element names above the last one
	names []string // the last element's name and its alternatives; the first is the one that is encoded

	attr, chardata, name   bool // what the field stands for, if not for an element
	lower, pairs           bool // maps
	encoded, etag, iso8601 bool // strings and times
	seconds                bool // durations
	always                 bool
}

var (
	errNoName      = errors.New("the tag has no element name")
	errAlternative = errors.New("only the last name of a path may have alternatives")
	errSelfPath    = errors.New("chardata and name stand for the element itself and take no element name")
)

func parseTag(text string) (tag, error) {
	var t tag
	parts := strings.Split(text, ",")
	for _, option := range parts[1:] {
		flag := t.flag(option)
		if flag == nil {
			return tag{}, fmt.Errorf("unknown option %q", option)
		}
		*flag = true
	}
	if t.chardata || t.name {
		if parts[0] != "" || len(parts) > 2 {
			return tag{}, errSelfPath
		}
		return t, nil
	}
	if parts[0] == "" {
		return tag{}, errNoName
	}
	steps := strings.Split(parts[0], ">")
	t.path = steps[:len(steps)-1]
	t.names = strings.Split(steps[len(steps)-1], "|")
	for _, name := range slices.Concat(t.path, t.names) {
		if strings.Contains(name, "|") {
			return tag{}, errAlternative
		}
		// Prefixes are cut off before a name is looked up, so a name with a colon would never match.
		if !validName([]byte(name)) || strings.Contains(name, ":") {
			return tag{}, fmt.Errorf("%q is no element name", name)
		}
	}
	return t, nil
}

func (t *tag) flag(option string) *bool {
	switch option {
	case "attr":
		return &t.attr
	case "chardata":
		return &t.chardata
	case "name":
		return &t.name
	case "lower":
		return &t.lower
	case "pairs":
		return &t.pairs
	case "encoded":
		return &t.encoded
	case "etag":
		return &t.etag
	case "iso8601":
		return &t.iso8601
	case "seconds":
		return &t.seconds
	case "always":
		return &t.always
	}
	return nil
}
