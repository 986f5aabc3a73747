package blobtest

import (
	"strings"
	"testing"

	"github.com/goblob/azureblob"
)

// write is the expression in its plainest form.
func (f tagFilter) write() string {
	var alternatives []string
	for _, list := range f {
		var all []string
		for _, c := range list {
			key := `"` + c.key + `"`
			if c.key == containerKey {
				key = containerKey
			}
			all = append(all, key+c.operator+"'"+strings.ReplaceAll(c.value, "'", "''")+"'")
		}
		alternatives = append(alternatives, strings.Join(all, " AND "))
	}
	return strings.Join(alternatives, " OR ")
}

// FuzzTagFilter reads any text without a panic. What it takes means the same
// after it was written anew, and finding takes nothing that conditions do not
// but @container.
func FuzzTagFilter(f *testing.F) {
	for _, text := range []string{
		"", "a='b'", `"a b" >= 'it''s' AND c<'d' or e <> ''`, "@container = 'x' AND y > '1'", "a = 'b", "AND", `"""`, "a='b'AND c='d'", "\t a\n=\r'x' ",
	} {
		f.Add(text)
	}
	tags := azureblob.Tags{"a": "b", "a b": "it's", "c": "c", "y": "2"}
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range []dialect{searching, conditional} {
			one, err := parseTagFilter(text, d)
			if err != nil {
				continue
			}
			two, err := parseTagFilter(one.write(), d)
			if err != nil {
				t.Fatalf("%q, written as %q: %v", text, one.write(), err)
			}
			if one.write() != two.write() || one.matches("x", tags) != two.matches("x", tags) {
				t.Errorf("%q, written as %q, is something else", text, one.write())
			}
			if _, err := parseTagFilter(text, conditional); err != nil && !one.names()[containerKey] {
				t.Errorf("%q is for finding only", text)
			}
		}
	})
}
