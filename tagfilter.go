package azureblob

import (
	"errors"
	"regexp"
	"strings"
)

// TagFilter is an expression over the index tags of a blob, in the language of
// the service: tags that are compared with constants, joined by AND and OR. It
// finds blobs ([ServiceClient.FindBlobsByTags]) and makes a call depend on the
// tags of its blob (IfTags of [Conditions]).
//
// Write it as a text, or build it, which takes care of the quotes:
//
//	const f azureblob.TagFilter = `"project" = 'alps' AND "year" >= '2024'`
//	f := azureblob.Tag("project").Equals("alps").And(azureblob.Tag("year").AtLeast("2024"))
//
// Values are texts and compared as such: '10' lies before '9', so pad numbers
// with zeros.
type TagFilter string

// Tag is the key of an index tag, to be compared with a constant.
type Tag string

// Equals is true of a blob whose tag has the value.
func (t Tag) Equals(value string) TagFilter { return t.compare("=", value) }

// NotEquals is true of a blob whose tag has another value. It is for conditions
// only: blobs cannot be found by it.
func (t Tag) NotEquals(value string) TagFilter { return t.compare("<>", value) }

// GreaterThan is true of a blob whose tag lies after the value.
func (t Tag) GreaterThan(value string) TagFilter { return t.compare(">", value) }

// AtLeast is true of a blob whose tag is the value or lies after it.
func (t Tag) AtLeast(value string) TagFilter { return t.compare(">=", value) }

// LessThan is true of a blob whose tag lies before the value.
func (t Tag) LessThan(value string) TagFilter { return t.compare("<", value) }

// AtMost is true of a blob whose tag is the value or lies before it.
func (t Tag) AtMost(value string) TagFilter { return t.compare("<=", value) }

func (t Tag) compare(operator, value string) TagFilter {
	return TagFilter(quoteTag(string(t), `"`) + " " + operator + " " + quoteTag(value, "'"))
}

func quoteTag(s, quote string) string {
	return quote + strings.ReplaceAll(s, quote, quote+quote) + quote
}

// InContainer is true of the blobs of a container. It is for finding blobs
// across an account only, and no condition.
func InContainer(name string) TagFilter {
	return TagFilter("@container = " + quoteTag(name, "'"))
}

// And is true where f and all the others are. Empty filters are left out, so a
// filter can grow in a loop from its zero value.
//
// The language has no parentheses, and AND binds tighter than OR. A filter with
// OR in it is multiplied out: (a OR b) AND c becomes a AND c OR b AND c.
func (f TagFilter) And(others ...TagFilter) TagFilter {
	for _, other := range others {
		if f == "" || other == "" {
			f += other
			continue
		}
		var all []string
		for _, left := range f.alternatives() {
			for _, right := range other.alternatives() {
				all = append(all, left+" AND "+right)
			}
		}
		f = TagFilter(strings.Join(all, " OR "))
	}
	return f
}

// Or is true where f or one of the others is. Empty filters are left out. It is
// for conditions only: blobs cannot be found by it.
func (f TagFilter) Or(others ...TagFilter) TagFilter {
	for _, other := range others {
		if f != "" && other != "" {
			f += " OR "
		}
		f += other
	}
	return f
}

// orWord is the OR between two comparisons.
var orWord = regexp.MustCompile(`(?i)\bOR\b`)

// alternatives are the parts of the filter between its ORs.
func (f TagFilter) alternatives() []string {
	var all []string
	start := 0
	for _, at := range orWord.FindAllStringIndex(f.unquoted(), -1) {
		all = append(all, strings.TrimSpace(string(f[start:at[0]])))
		start = at[1]
	}
	return append(all, strings.TrimSpace(string(f[start:])))
}

// unquoted is the filter with spaces in place of all that stands in quotes. A
// quote that is doubled within a text ends it and begins it again, which is the
// same here.
func (f TagFilter) unquoted() string {
	b := []byte(f)
	var quote byte
	for i, c := range b {
		switch {
		case quote != 0:
			b[i] = ' '
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			b[i], quote = ' ', c
		}
	}
	return string(b)
}

// checkFinding refuses what only conditions know.
func (f TagFilter) checkFinding() error {
	text := f.unquoted()
	switch {
	case strings.TrimSpace(string(f)) == "":
		return coded(MissingRequiredQueryParameter, errors.New("the tag filter is empty"))
	case orWord.MatchString(text):
		return coded(InvalidQueryParameterValue, errors.New("blobs cannot be found by a tag filter with OR; find by each part of it"))
	case strings.Contains(text, "<>"):
		return coded(InvalidQueryParameterValue, errors.New("blobs cannot be found by a tag filter with <>, which only conditions know"))
	}
	return nil
}
