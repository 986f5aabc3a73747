package xmlplan

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"
)

const header = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

var (
	errKey     = errors.New("a key of a map is no element name")
	errMixed   = errors.New("the name field of an item is none of its element names")
	errNilRoot = errors.New("nil pointer")
)

// Encode writes v, a struct or a pointer to one, as a document with a root
// element of that name.
//
// Fields come in the order of their declaration. Zero values are left out
// unless the field has the option always; nil pointers are always left out, and
// what other pointers point to is not. A slice or map that is empty but not nil
// leaves its path as empty elements, which is how a list is cleared. A string
// with the option encoded is percent-encoded if XML cannot carry it; any other
// such string is an error.
//
// It panics if v is of a type that has no plan; see Check.
func Encode(root string, v any) ([]byte, error) {
	p := mustPlan(reflect.TypeOf(v))
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer {
		rv = rv.Elem()
	}
	e := encoder{out: append(make([]byte, 0, 1024), header...)}
	err := errNilRoot
	switch {
	case !validName([]byte(root)):
		err = errName
	case rv.IsValid():
		err = e.object(p, root, nil, rv, rv)
	}
	if err != nil {
		return nil, fmt.Errorf("encode XML: %s: %w", root, err)
	}
	return e.out, nil
}

type encoder struct {
	out   []byte
	room  []byte // the text of one value, before it is escaped
	depth int
}

// object writes a struct as an element. The element may have attributes that
// are fields of the struct around it, outer.
func (e *encoder) object(p *plan, name string, n *node, outer, v reflect.Value) error {
	if e.depth++; e.depth > maxDepth {
		return errTooDeep
	}
	if err := e.open(name, n, outer, &p.root, v); err != nil {
		return err
	}
	if p.chardata != nil {
		if err := e.text(&p.chardata.scalar, p.chardata.field(v), inText); err != nil {
			return err
		}
	}
	if _, err := e.children(&p.root, v); err != nil {
		return err
	}
	e.close(name)
	e.depth--
	return nil
}

// open writes a start tag with the attributes of up to two nodes, each of its own struct.
func (e *encoder) open(name string, n *node, outer reflect.Value, root *node, v reflect.Value) error {
	e.out = append(e.out, '<')
	e.out = append(e.out, name...)
	if err := e.attributes(n, outer); err != nil {
		return err
	}
	if err := e.attributes(root, v); err != nil {
		return err
	}
	e.out = append(e.out, '>')
	return nil
}

func (e *encoder) close(name string) {
	e.out = append(e.out, '<', '/')
	e.out = append(e.out, name...)
	e.out = append(e.out, '>')
}

func (e *encoder) attributes(n *node, v reflect.Value) error {
	if n == nil {
		return nil
	}
	for i := range n.attrs {
		a := &n.attrs[i]
		f := a.field(v)
		if !a.always && a.zero(f) {
			continue
		}
		e.out = append(e.out, ' ')
		e.out = append(e.out, a.name...)
		e.out = append(e.out, '=', '"')
		if err := e.text(&a.scalar, f, inAttribute); err != nil {
			return fmt.Errorf("attribute %s: %w", a.name, err)
		}
		e.out = append(e.out, '"')
	}
	return nil
}

// children writes the elements below n and tells whether there are any.
func (e *encoder) children(n *node, v reflect.Value) (bool, error) {
	wrote := false
	for _, c := range n.children {
		present, err := e.element(c, v)
		if err != nil {
			return false, fmt.Errorf("%s: %w", c.names[0], err)
		}
		wrote = wrote || present
	}
	return wrote, nil
}

// element writes a child element of the struct v, and tells whether the elements around it must stay.
func (e *encoder) element(n *node, v reflect.Value) (present bool, err error) {
	if n.shape == wrapper {
		return e.wrapper(n, v)
	}
	f := n.field(v)
	if n.leftOut(f) && (n.pointer || !carriesAttributes(n, v)) {
		return false, nil
	}
	switch {
	case n.list:
		for i := range f.Len() {
			if err := e.item(n, v, f.Index(i)); err != nil {
				return false, err
			}
		}
		return true, nil
	case n.shape == pair, n.shape == dictionary:
		return true, e.dictionary(n, v, f)
	}
	return true, e.item(n, v, f)
}

// leftOut tells whether a field needs no element for its own sake.
func (n *node) leftOut(f reflect.Value) bool {
	switch {
	case n.always:
		return false
	case n.shape == value && !n.list:
		return n.zero(f)
	}
	return f.IsZero()
}

func carriesAttributes(n *node, v reflect.Value) bool {
	return slices.ContainsFunc(n.attrs, func(a attribute) bool { return a.always || !a.zero(a.field(v)) })
}

// wrapper writes an element that stands in paths only, unless there is nothing to put into it.
func (e *encoder) wrapper(n *node, v reflect.Value) (bool, error) {
	name, start := n.names[0], len(e.out)
	if err := e.open(name, n, v, nil, v); err != nil {
		return false, err
	}
	bare := len(e.out) == start+len(name)+2
	wrote, err := e.children(n, v)
	if err != nil {
		return false, err
	}
	if bare && !wrote {
		e.out = e.out[:start]
		return false, nil
	}
	e.close(name)
	return true, nil
}

// item writes a value or a struct as an element. Nil pointers in lists are left out.
func (e *encoder) item(n *node, outer, v reflect.Value) error {
	name := n.names[0]
	if n.shape == value {
		return e.value(n, outer, v)
	}
	if n.pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if own := n.plan.name; own != nil {
		if s := own.field(v).String(); s != "" {
			name = s
		}
		if !slices.Contains(n.names, name) {
			return errMixed
		}
	}
	return e.object(n.plan, name, n, outer, v)
}

func (e *encoder) value(n *node, outer, v reflect.Value) error {
	name := n.names[0]
	if err := e.open(name, n, outer, nil, v); err != nil {
		return err
	}
	if n.encoded {
		plain := v
		if n.pointer {
			plain = v.Elem()
		}
		if s := plain.String(); !carried(s) {
			e.out = append(e.out[:len(e.out)-1], ` `+encodedAttr+`="true">`...)
			e.out = appendEscaped(e.out, s)
			e.close(name)
			return nil
		}
	}
	if err := e.text(&n.scalar, v, inText); err != nil {
		return err
	}
	e.close(name)
	return nil
}

// carried tells whether XML can carry a string.
func carried(s string) bool {
	for _, r := range s {
		if !validChar(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func (e *encoder) dictionary(n *node, outer, f reflect.Value) error {
	m := stringMapOf(f)
	name := n.names[0]
	if n.shape == dictionary {
		if err := e.open(name, n, outer, nil, f); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := e.entry(n, name, key, m[key]); err != nil {
			return err
		}
	}
	if n.shape == dictionary {
		e.close(name)
	}
	return nil
}

func (e *encoder) entry(n *node, name, key, val string) error {
	if n.shape == dictionary {
		if !validName([]byte(key)) {
			return errKey
		}
		return e.textElement(key, val)
	}
	e.out = append(e.out, '<')
	e.out = append(e.out, name...)
	e.out = append(e.out, '>')
	if err := e.textElement(pairKey, key); err != nil {
		return err
	}
	if err := e.textElement(pairValue, val); err != nil {
		return err
	}
	e.close(name)
	return nil
}

func (e *encoder) textElement(name, text string) (err error) {
	e.out = append(e.out, '<')
	e.out = append(e.out, name...)
	e.out = append(e.out, '>')
	e.room = append(e.room[:0], text...)
	e.out, err = appendMarked(e.out, e.room, inText)
	e.close(name)
	return err
}

func (e *encoder) text(s *scalar, v reflect.Value, where context) (err error) {
	if s.pointer && v.IsNil() {
		return nil
	}
	if e.room, err = s.append(e.room[:0], v); err != nil {
		return err
	}
	e.out, err = appendMarked(e.out, e.room, where)
	return err
}

func stringMapOf(v reflect.Value) map[string]string {
	return v.Convert(mapType).Interface().(map[string]string)
}

// appendMarked escapes text so that it comes back as it was. A carriage return
// would come back as a line feed, and so would white space in attributes as spaces.
func appendMarked(dst, src []byte, where context) ([]byte, error) {
	for len(src) > 0 {
		r, size := utf8.DecodeRune(src)
		switch {
		case r == utf8.RuneError && size == 1:
			return dst, errUTF8
		case !validChar(r):
			return dst, forbidden(r)
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '\r':
			dst = append(dst, "&#xD;"...)
		case where == inAttribute && r == '"':
			dst = append(dst, "&quot;"...)
		case where == inAttribute && r == '\n':
			dst = append(dst, "&#xA;"...)
		case where == inAttribute && r == '\t':
			dst = append(dst, "&#x9;"...)
		default:
			dst = append(dst, src[:size]...)
		}
		src = src[size:]
	}
	return dst, nil
}
