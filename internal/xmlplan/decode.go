package xmlplan

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"sync"
	"unicode/utf8"
)

const (
	encodedAttr = "Encoded"
	pairKey     = "Key"
	pairValue   = "Value"
)

// decoder decodes one document.
type decoder struct {
	scanner
	seen  interned
	slabs []slab
}

// slab holds items that a slice of pointers will point to.
type slab struct {
	node  *node
	items reflect.Value
	used  int
}

// A kept item keeps its whole slab alive, so slabs do not grow without end.
const maxSlab = 64

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// Decode reads one document into the struct that v points to, which should be
// its zero value: slices and maps are added to, and what the document lacks is
// left alone. The root element may have any name, unless the struct has a field
// XMLName. Elements and attributes without a field are skipped.
//
// Decode reads r to its end, so that the connection behind it can be used
// again. After an error, v holds some of the document and should be dropped. A
// document that ends early gives an error that wraps io.ErrUnexpectedEOF, and
// an error of r is wrapped. Values of strings never get into an error.
//
// It panics if v does not point to a struct or the struct has no plan; see Check.
func Decode(r io.Reader, v any) error { return DecodeRoot(r, "", v) }

// DecodeRoot is [Decode] of a document whose root element has to have a name,
// so that another document, of a proxy for example, is not taken for an empty
// one. An empty name is any name.
func DecodeRoot(r io.Reader, root string, v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		panic(fmt.Sprintf("xmlplan: cannot decode into %T", v))
	}
	p := mustPlan(target.Type())
	d := decoders.Get().(*decoder)
	defer d.release()
	d.reset(r)
	if root == "" {
		root = p.rootName
	}
	err := d.document(p, root, target.Elem())
	if err == nil {
		return nil
	}
	if path := d.path(); path != "" {
		return fmt.Errorf("decode XML at %s: %w", path, err)
	}
	return fmt.Errorf("decode XML: %w", err)
}

func (d *decoder) release() {
	d.scanner.release()
	d.seen.forget()
	clear(d.slabs)
	d.slabs = d.slabs[:0]
	decoders.Put(d)
}

func (d *decoder) document(p *plan, root string, v reflect.Value) error {
	if err := d.begin(); err != nil {
		return err
	}
	if _, err := d.next(); err != nil {
		return err // the first token is a start tag, or else the document is malformed
	}
	if root != "" && string(d.local()) != root {
		return fmt.Errorf("the root element is not %s", root)
	}
	if err := d.object(p, v); err != nil {
		return err
	}
	_, err := d.next() // there is no token but the end of the input
	return err
}

// object decodes the element that has just begun into a struct.
func (d *decoder) object(p *plan, v reflect.Value) error {
	if p.name != nil {
		if err := p.name.set(p.name.field(v), d.local(), &d.seen); err != nil {
			return err
		}
	}
	if err := d.attributesOf(&p.root, v); err != nil {
		return err
	}
	if p.chardata == nil {
		return d.children(&p.root, v, nil)
	}
	var text []byte
	if err := d.children(&p.root, v, &text); err != nil {
		return err
	}
	return p.chardata.set(p.chardata.field(v), text, &d.seen)
}

func (d *decoder) attributesOf(n *node, v reflect.Value) error {
	for i := range n.attrs {
		a := &n.attrs[i]
		text, ok := d.attr(a.name)
		if !ok {
			continue
		}
		if err := a.set(a.field(v), text, &d.seen); err != nil {
			return fmt.Errorf("attribute %s: %w", a.name, err)
		}
	}
	return nil
}

// children decodes the content of an element up to its end tag. Text goes to chardata unless that is nil.
func (d *decoder) children(n *node, v reflect.Value, chardata *[]byte) error {
	expected := 0
	for {
		t, err := d.next()
		if err != nil {
			return err
		}
		switch t {
		case endToken:
			return nil
		case textToken:
			if chardata == nil {
				continue
			}
			if len(*chardata)+len(d.text) > maxText {
				return errTooLarge
			}
			*chardata = append(*chardata, d.text...)
		case startToken:
			child := n.child(d.local(), expected)
			if child == nil {
				err = d.skip()
			} else {
				expected = child.position + 1
				err = d.element(child, v)
			}
			if err != nil {
				return err
			}
		}
	}
}

// element decodes the element that has just begun into a field of v.
func (d *decoder) element(n *node, v reflect.Value) error {
	if len(n.attrs) > 0 {
		if err := d.attributesOf(n, v); err != nil {
			return err
		}
	}
	if n.shape == wrapper {
		return d.children(n, v, nil)
	}
	v = n.field(v)
	switch n.shape {
	case value:
		if n.list {
			v = appended(v)
		}
		return d.value(n, v)
	case dictionary:
		return d.dictionary(n, v)
	case pair:
		return d.pair(v)
	}
	if n.list {
		v = appended(v)
	}
	if n.pointer {
		v = d.pointee(n, v)
	}
	return d.object(n.plan, v)
}

func (d *decoder) value(n *node, v reflect.Value) error {
	escaped := false
	if n.encoded && len(d.attrs) > 0 {
		text, _ := d.attr(encodedAttr)
		escaped, _ = parseBool(trim(text))
	}
	text, err := d.content()
	if err != nil {
		return err
	}
	if escaped {
		if text, err = unescape(text); err != nil {
			return err
		}
	}
	return n.set(v, text, &d.seen)
}

// dictionary decodes elements whose names are keys. An element without children leaves the map nil.
func (d *decoder) dictionary(n *node, v reflect.Value) error {
	var m map[string]string
	for {
		t, err := d.next()
		if err != nil {
			return err
		}
		switch t {
		case endToken:
			return nil
		case startToken:
			key := d.key(n.lower)
			text, err := d.content()
			if err != nil {
				return err
			}
			if m == nil {
				m = stringMap(v)
			}
			m[key] = d.seen.text(text)
		}
	}
}

// key is the whole name of the innermost element, for a prefix is part of a key.
func (d *decoder) key(lower bool) string {
	name := d.full()
	if !lower {
		return d.seen.text(name)
	}
	var room [64]byte
	lowered := room[:0]
	for _, c := range name {
		switch {
		case c >= utf8.RuneSelf:
			return string(bytes.ToLower(name))
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		lowered = append(lowered, c)
	}
	return d.seen.text(lowered)
}

// pair decodes one item with a key and a value into a map.
func (d *decoder) pair(v reflect.Value) error {
	var key, val string
	for {
		t, err := d.next()
		if err != nil {
			return err
		}
		switch t {
		case endToken:
			stringMap(v)[key] = val
			return nil
		case startToken:
			to := &key
			switch string(d.local()) {
			case pairKey:
			case pairValue:
				to = &val
			default:
				if err := d.skip(); err != nil {
					return err
				}
				continue
			}
			text, err := d.content()
			if err != nil {
				return err
			}
			*to = d.seen.text(text)
		}
	}
}

var mapType = reflect.TypeFor[map[string]string]()

// stringMap makes the map of v if it is nil, and returns it without its name.
func stringMap(v reflect.Value) map[string]string {
	if v.IsNil() {
		m := map[string]string{}
		v.Set(reflect.ValueOf(m)) // which may be assigned to a named type
		return m
	}
	return v.Convert(mapType).Interface().(map[string]string)
}

// appended adds a zero item to a slice, which at least doubles when it grows.
func appended(slice reflect.Value) reflect.Value {
	n := slice.Len()
	if n == slice.Cap() {
		slice.Grow(max(n, 4))
	}
	slice.SetLen(n + 1)
	item := slice.Index(n)
	item.SetZero()
	return item
}

// pointee returns what v points to, allocating it if need be.
func (d *decoder) pointee(n *node, v reflect.Value) reflect.Value {
	if !v.IsNil() {
		return v.Elem()
	}
	if !n.list {
		v.Set(reflect.New(v.Type().Elem()))
		return v.Elem()
	}
	s := d.slab(n)
	if !s.items.IsValid() || s.used == s.items.Len() {
		size := 4
		if s.items.IsValid() {
			size = min(2*s.used, maxSlab)
		}
		s.items = reflect.MakeSlice(reflect.SliceOf(v.Type().Elem()), size, size)
		s.used = 0
	}
	item := s.items.Index(s.used)
	s.used++
	v.Set(item.Addr())
	return item
}

func (d *decoder) slab(n *node) *slab {
	for i := range d.slabs {
		if d.slabs[i].node == n {
			return &d.slabs[i]
		}
	}
	d.slabs = append(d.slabs, slab{node: n})
	return &d.slabs[len(d.slabs)-1]
}
