package blobtest

import (
	"strings"
	"testing"

	"github.com/goblob/azureblob"
)

// builtFilter is a filter made with the builder of the client, and what it
// should mean.
type builtFilter struct {
	text  azureblob.TagFilter
	means func(azureblob.Tags) bool
}

// builder makes filters out of the bytes of a fuzz test.
type builder struct{ data []byte }

func (b *builder) next() int {
	if len(b.data) == 0 {
		return 0
	}
	n := b.data[0]
	b.data = b.data[1:]
	return int(n)
}

var (
	builderKeys   = []string{"k", "OR", "AND", "a b", "x/y=z", "_", "1", "or"}
	builderValues = []string{"", "x", "' OR '", "''", `"`, " OR ", "a OR b", "<>", "AND", "\\", "z"}
)

func (b *builder) filter(depth int) builtFilter {
	if depth == 0 {
		return b.comparison()
	}
	left, right := b.filter(depth-1), b.filter(depth-1)
	switch b.next() % 3 {
	case 0:
		return builtFilter{left.text.And(right.text), func(t azureblob.Tags) bool { return left.means(t) && right.means(t) }}
	case 1:
		return builtFilter{left.text.Or(right.text), func(t azureblob.Tags) bool { return left.means(t) || right.means(t) }}
	}
	return left
}

func (b *builder) comparison() builtFilter {
	key := builderKeys[b.next()%len(builderKeys)]
	value := builderValues[b.next()%len(builderValues)]
	holds := func(holds func(order int) bool) func(azureblob.Tags) bool {
		return func(t azureblob.Tags) bool {
			have, ok := t[key]
			return ok && holds(strings.Compare(have, value))
		}
	}
	tag := azureblob.Tag(key)
	switch b.next() % 6 {
	case 0:
		return builtFilter{tag.Equals(value), holds(func(o int) bool { return o == 0 })}
	case 1:
		return builtFilter{tag.NotEquals(value), holds(func(o int) bool { return o != 0 })}
	case 2:
		return builtFilter{tag.GreaterThan(value), holds(func(o int) bool { return o > 0 })}
	case 3:
		return builtFilter{tag.AtLeast(value), holds(func(o int) bool { return o >= 0 })}
	case 4:
		return builtFilter{tag.LessThan(value), holds(func(o int) bool { return o < 0 })}
	}
	return builtFilter{tag.AtMost(value), holds(func(o int) bool { return o <= 0 })}
}

// FuzzBuiltTagFilter has the builder of the client make filters, and the service
// read them: they must mean the same to both, whatever tags there are.
func FuzzBuiltTagFilter(f *testing.F) {
	f.Add([]byte("\x00\x02\x00\x01\x03\x01\x01\x02\x04\x02\x00\x05\x03\x00\x01\x00"), "k", "x")
	f.Add([]byte{4, 5, 1, 0, 0, 0, 1, 1, 7, 2, 3, 3, 10, 4, 0, 0}, "OR", "' OR '")
	f.Fuzz(func(t *testing.T, data []byte, key, value string) {
		b := &builder{data: data}
		built := b.filter(3)
		read, err := parseTagFilter(string(built.text), conditional)
		if err != nil {
			t.Fatalf("%s: %v", built.text, err)
		}
		tags := azureblob.Tags{key: value}
		for len(b.data) > 0 {
			tags[builderKeys[b.next()%len(builderKeys)]] = builderValues[b.next()%len(builderValues)]
		}
		if read.matches("", tags) != built.means(tags) {
			t.Errorf("%s is %v for %v", built.text, !built.means(tags), tags)
		}
		if !tagText(key) || key == "" {
			return
		}
		// Any key and any value come through.
		one := azureblob.Tag(key).Equals(value).And(azureblob.Tag(key).AtMost(value))
		for _, d := range []dialect{searching, conditional} {
			read, err := parseTagFilter(string(one), d)
			if err != nil || !read.matches("", azureblob.Tags{key: value}) || read.matches("", azureblob.Tags{key: value + "x"}) {
				t.Errorf("%s: %v", one, err)
			}
		}
		read, err = parseTagFilter(string(azureblob.InContainer(value).And(one)), searching)
		if err != nil || !read.matches(value, azureblob.Tags{key: value}) || read.matches(value+"x", azureblob.Tags{key: value}) {
			t.Errorf("in container %q: %v", value, err)
		}
	})
}
