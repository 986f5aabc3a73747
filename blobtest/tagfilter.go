package blobtest

import (
	"fmt"
	"strings"

	"github.com/goblob/azureblob"
)

// A tag expression compares tags with constants:
//
//	expression = conjunction { "OR" conjunction }
//	conjunction = comparison { "AND" comparison }
//	comparison = key operator value
//	key        = word | '"' text '"' | "@container"
//	operator   = "=" | ">" | ">=" | "<" | "<=" | "<>"
//	value      = "'" text "'"
//
// A quote within a text is doubled. A word is of letters, digits and
// underscores, and no operator. Texts are compared byte by byte.

// dialect is one of the two places where there are tag expressions.
type dialect bool

const (
	// searching is Find Blobs by Tags, where @container can be compared with =.
	searching dialect = false
	// conditional is x-ms-if-tags, which knows OR and <> as well.
	conditional dialect = true
)

// tagFilter is an expression that was read: one of the lists has to be true in
// all of its comparisons.
type tagFilter [][]comparison

type comparison struct{ key, operator, value string }

// containerKey stands for the name of the container. No tag has this key.
const containerKey = "@container"

// matches evaluates the expression for a blob with these tags.
func (f tagFilter) matches(container string, tags azureblob.Tags) bool {
	for _, all := range f {
		held := true
		for _, c := range all {
			value, ok := tags[c.key]
			if c.key == containerKey {
				value, ok = container, true
			}
			held = held && ok && c.holds(value)
		}
		if held {
			return true
		}
	}
	return false
}

// names are the keys of tags in the expression.
func (f tagFilter) names() map[string]bool {
	keys := map[string]bool{}
	for _, all := range f {
		for _, c := range all {
			keys[c.key] = true
		}
	}
	return keys
}

func (c comparison) holds(value string) bool {
	order := strings.Compare(value, c.value)
	switch c.operator {
	case "=":
		return order == 0
	case "<>":
		return order != 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "<":
		return order < 0
	}
	return order <= 0
}

// filterParser reads a tag expression.
type filterParser struct {
	dialect
	text string
	at   int
}

// parseTagFilter reads a tag expression. The error says where it is wrong.
func parseTagFilter(text string, d dialect) (tagFilter, error) {
	p := &filterParser{dialect: d, text: text}
	f := tagFilter{nil}
	for {
		c, err := p.comparison()
		if err != nil {
			return nil, err
		}
		last := len(f) - 1
		f[last] = append(f[last], c)
		p.space()
		at := p.at
		switch word := p.word(); {
		case strings.EqualFold(word, "AND"):
		case strings.EqualFold(word, "OR") && d == conditional:
			f = append(f, nil)
		case word == "" && p.at == len(text):
			return f, nil
		default:
			p.at = at
			return nil, p.unexpected()
		}
	}
}

func (p *filterParser) comparison() (comparison, error) {
	var c comparison
	var err error
	if c.key, err = p.key(); err != nil {
		return c, err
	}
	p.space()
	at := p.at
	if c.operator = p.operator(); c.operator == "" ||
		c.operator == "<>" && p.dialect == searching || c.key == containerKey && c.operator != "=" {
		p.at = at
		return c, p.unexpected()
	}
	p.space()
	if !p.next("'") {
		return c, p.unexpected()
	}
	c.value, err = p.quoted('\'')
	return c, err
}

func (p *filterParser) key() (string, error) {
	p.space()
	at := p.at
	switch {
	case p.next(`"`):
		key, err := p.quoted('"')
		if err == nil && !(key != "" && tagText(key)) {
			p.at = at
			err = p.unexpected()
		}
		return key, err
	case p.next("@"):
		if strings.EqualFold(p.word(), containerKey[1:]) && p.dialect == searching {
			return containerKey, nil
		}
	default:
		key := p.word()
		if key != "" && !strings.EqualFold(key, "AND") && !strings.EqualFold(key, "OR") {
			return key, nil
		}
	}
	p.at = at
	return "", p.unexpected()
}

func (p *filterParser) operator() string {
	for _, operator := range []string{"<>", "<=", ">=", "<", ">", "="} {
		if p.next(operator) {
			return operator
		}
	}
	return ""
}

// quoted reads the rest of a text after its first quote.
func (p *filterParser) quoted(quote byte) (string, error) {
	var b strings.Builder
	start := p.at - 1
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		if c == quote && !p.next(string(quote)) {
			return b.String(), nil
		}
		b.WriteByte(c)
	}
	p.at = start
	return "", p.unexpected()
}

func (p *filterParser) word() string {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			break
		}
		p.at++
	}
	return p.text[start:p.at]
}

func (p *filterParser) next(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

func (p *filterParser) space() {
	p.at += len(p.text[p.at:]) - len(strings.TrimLeft(p.text[p.at:], " \t\r\n"))
}

// unexpected is the error that something else should be where the parser is.
func (p *filterParser) unexpected() error {
	what, _, _ := strings.Cut(p.text[p.at:], " ")
	if what == "" {
		what = "end"
	}
	return fmt.Errorf("at or near character position %d: unexpected '%s'", p.at+1, what)
}
