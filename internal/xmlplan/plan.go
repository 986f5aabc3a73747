// Package xmlplan decodes and encodes the XML bodies of the Blob service by
// struct tags.
//
// The plan of a type is built once and cached. The decoder streams: it reads
// its input through one pooled buffer and never holds the document. It knows
// the XML that a service sends (elements, attributes, text, CDATA, the
// predefined entities, comments) and refuses document types, so there are no
// entities to expand.
//
// # Tags
//
// A field takes part if it has the tag `xml:"..."`. A struct field without the
// tag, embedded or named, lends its own fields to its parent. Any other field
// without the tag, and a field with the tag "-", is ignored.
//
//	xml:"Name"             a child element
//	xml:"A>B"              an element B within an element A; fields may share the A
//	xml:"A>B"              on a slice: each B is an item
//	xml:"B|C"              either is decoded; B is encoded
//	xml:"Name,attr"        an attribute of the struct's element
//	xml:"A>Name,attr"      an attribute of the child element A
//	xml:",chardata"        the text that stands directly in the struct's element
//	xml:",name"            the local name of the struct's element, for lists of mixed elements:
//	                       an item of a slice with `xml:"B|C"` then knows which it is
//
// Kinds are strings, bool, integers, time.Time, time.Duration, []byte (base64), pointers to
// these, structs and pointers to them, slices of structs, of pointers to
// structs and of strings, and map[string]string. Named types will do. In a map,
// the names of the child elements are the keys.
//
// Options follow the name:
//
//	lower     the keys of a map become lower case when decoded
//	pairs     the element is an item with the children Key and Value, and goes into a map
//	encoded   a string is percent-decoded if its element has the attribute Encoded="true"
//	etag      a string gets quotes around it when decoded, if it has none
//	iso8601   a time is encoded as ISO 8601 in UTC with seconds, instead of RFC 1123
//	seconds   a time.Duration is a number of seconds, which is rounded up
//	always    the zero value is encoded too
//
// A field named XMLName of type struct{} names the root element that Decode
// demands.
package xmlplan

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"
)

// plan is what is known about one struct type.
type plan struct {
	root     node   // the element of the struct itself: its attributes and children
	rootName string // demanded name of the root element; empty for any
	chardata *leaf
	name     *leaf
}

type shape uint8

const (
	wrapper shape = iota // stands in a path only; its children belong to the same struct
	value                // text
	object               // a struct
	dictionary
	pair
)

// node is an element that a struct knows.
type node struct {
	leaf
	shape    shape
	names    []string
	children []*node          // in the order of declaration
	byName   map[string]*node // the same, with every alternative name
	position int              // of the node among the children of its parent
	attrs    []attribute

	list   bool // the field is a slice, the element an item
	lower  bool
	always bool
	plan   *plan // of an object
}

// leaf is a field with its text form. In nodes that are no text only index and pointer count.
type leaf struct {
	index []int // the way from the struct to the field
	scalar
}

type attribute struct {
	leaf
	name   string
	always bool
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[string]()
	rootType     = reflect.TypeFor[struct{}]()
)

var (
	errUnexported = errors.New("the field is not exported")
	errKind       = errors.New("the type is not supported")
	errOption     = errors.New("an option does not fit the type")
	errTwice      = errors.New("the name is taken by another field")
	errEmbedded   = errors.New("an embedded pointer needs a tag")
)

var plans sync.Map // of reflect.Type to *plan

// Check builds the plan of a struct type, or of a pointer to one, and says why
// it cannot be built.
func Check(t reflect.Type) error {
	_, err := planOf(t)
	return err
}

// mustPlan panics because a type without a plan is a mistake in the program, which Check finds in a test.
func mustPlan(t reflect.Type) *plan {
	p, err := planOf(t)
	if err != nil {
		panic(err)
	}
	return p
}

func planOf(t reflect.Type) (*plan, error) {
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || t == timeType {
		return nil, fmt.Errorf("xmlplan: %v is not a struct", t)
	}
	if p, ok := plans.Load(t); ok {
		return p.(*plan), nil
	}
	b := builder{}
	if _, err := b.plan(t); err != nil {
		return nil, fmt.Errorf("xmlplan: %w", err)
	}
	// Only now, since the plans of one build point at each other, and a part of a failed build is no plan.
	for t, p := range b {
		plans.LoadOrStore(t, p)
	}
	p, _ := plans.Load(t)
	return p.(*plan), nil
}

// builder holds the plans of one build, so that a type may contain itself.
type builder map[reflect.Type]*plan

func (b builder) plan(t reflect.Type) (*plan, error) {
	if p, ok := plans.Load(t); ok {
		return p.(*plan), nil
	}
	if p, ok := b[t]; ok {
		return p, nil
	}
	p := &plan{}
	b[t] = p
	if err := b.fields(p, t, nil); err != nil {
		return nil, err
	}
	return p, nil
}

func (b builder) fields(p *plan, t reflect.Type, at []int) error {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clone(at), i)
		if err := b.field(p, f, index); err != nil {
			return fmt.Errorf("%v.%s: %w", t, f.Name, err)
		}
	}
	return nil
}

func (b builder) field(p *plan, f reflect.StructField, index []int) error {
	text, tagged := f.Tag.Lookup("xml")
	switch {
	case text == "-":
		return nil
	case f.Name == "XMLName" && f.Type == rootType:
		p.rootName = text
		return nil
	case !tagged && f.Type.Kind() == reflect.Struct && (f.Anonymous || f.IsExported()):
		return b.fields(p, f.Type, index)
	case !tagged && f.Anonymous && f.Type.Kind() == reflect.Pointer:
		return errEmbedded
	case !tagged:
		return nil
	case !f.IsExported():
		return errUnexported
	}
	t, err := parseTag(text)
	if err != nil {
		return err
	}
	if t.attr || t.chardata || t.name {
		return p.textField(t, f.Type, index)
	}
	n, err := b.node(t, f.Type)
	if err != nil {
		return err
	}
	n.index = index
	parent, err := p.root.descend(t.path)
	if err != nil {
		return err
	}
	return parent.add(n)
}

// textField adds a field that is text but no element.
func (p *plan) textField(t tag, typ reflect.Type, index []int) error {
	s, ok := scalarOf(t, typ)
	if !ok {
		return errKind
	}
	if t.lower || t.pairs || t.encoded || t.always && s.pointer {
		return errOption
	}
	l := leaf{index: index, scalar: s}
	switch {
	case t.chardata && p.chardata == nil:
		p.chardata = &l
	case t.name && p.name == nil:
		if s.kind != stringKind || s.pointer {
			return errKind
		}
		p.name = &l
	case t.attr:
		if len(t.names) > 1 {
			return errAlternative
		}
		n, err := p.root.descend(t.path)
		if err != nil {
			return err
		}
		if n.repeats() {
			return errOption
		}
		if slices.ContainsFunc(n.attrs, func(a attribute) bool { return a.name == t.names[0] }) {
			return errTwice
		}
		n.attrs = append(n.attrs, attribute{leaf: l, name: t.names[0], always: t.always})
	default:
		return errTwice
	}
	return nil
}

// node makes the node of a field that is an element.
func (b builder) node(t tag, typ reflect.Type) (*node, error) {
	n := &node{names: t.names, lower: t.lower, always: t.always}
	if typ.Kind() == reflect.Map {
		if typ.Key() != textType || typ.Elem() != textType {
			return nil, errKind
		}
		n.shape = dictionary
		if t.pairs {
			n.shape = pair
		}
		if t.encoded || t.etag || t.iso8601 || t.seconds || t.lower && t.pairs {
			return nil, errOption
		}
		return n, nil
	}
	if t.lower || t.pairs {
		return nil, errOption
	}
	if s, ok := scalarOf(t, typ); ok {
		n.shape, n.scalar = value, s
		return n, optionIf(t.always && s.pointer)
	}
	if typ.Kind() == reflect.Slice {
		n.list = true
		typ = typ.Elem()
		if s, ok := scalarOf(t, typ); ok {
			if s.kind != stringKind || s.pointer {
				return nil, errKind
			}
			n.shape, n.scalar = value, s
			return n, nil
		}
	}
	if typ.Kind() == reflect.Pointer {
		n.pointer = true
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == timeType {
		return nil, errKind
	}
	if t.encoded || t.etag || t.iso8601 || t.seconds || t.always && n.pointer && !n.list {
		return nil, errOption
	}
	n.shape = object
	var err error
	n.plan, err = b.plan(typ)
	return n, err
}

func optionIf(misused bool) error {
	if misused {
		return errOption
	}
	return nil
}

// descend finds or makes the elements of a path. The last may be any element, since it can carry attributes.
func (n *node) descend(path []string) (*node, error) {
	for _, name := range path {
		child := n.byName[name]
		if child == nil {
			child = &node{shape: wrapper, names: []string{name}}
			if err := n.add(child); err != nil {
				return nil, err
			}
		}
		n = child
	}
	return n, nil
}

func (n *node) add(child *node) error {
	if n.shape != wrapper {
		return errTwice
	}
	if known := n.byName[child.names[0]]; known != nil && known.adopt(child) {
		return nil
	}
	if n.byName == nil {
		n.byName = map[string]*node{}
	}
	for _, name := range child.names {
		if n.byName[name] != nil {
			return errTwice
		}
		n.byName[name] = child
	}
	child.position = len(n.children)
	n.children = append(n.children, child)
	return nil
}

// repeats tells an element that is an item: which of them would have the attributes?
func (n *node) repeats() bool { return n.list || n.shape == pair }

// child finds a child element, which is probably the expected one: services
// send elements in one order, and structs are declared in the same.
func (n *node) child(name []byte, expected int) *node {
	if expected < len(n.children) && n.children[expected].names[0] == string(name) {
		return n.children[expected]
	}
	return n.byName[string(name)]
}

// adopt turns an element that so far stands for its attributes only into the element of a field.
func (n *node) adopt(child *node) bool {
	if n.shape != wrapper || len(n.children) > 0 || len(child.names) > 1 || child.repeats() {
		return false
	}
	child.attrs, child.position = n.attrs, n.position
	*n = *child
	return true
}

// Elements lists the paths of all elements and attributes that the plan of t
// knows, such as "Blobs>Blob>Name", "@ServiceEndpoint" and
// "Blobs>Blob>Name>@Encoded". Elements that only stand in a path are in it, and
// so are alternative names. Where a type contains itself, it is listed once.
// It panics if t has no plan.
func Elements(t reflect.Type) []string {
	p := mustPlan(t)
	var l listing
	l.element(&p.root, "", []*plan{p})
	return l
}

type listing []string

func (l *listing) element(n *node, at string, within []*plan) {
	for _, a := range n.attrs {
		*l = append(*l, at+"@"+a.name)
	}
	if n.encoded {
		*l = append(*l, at+"@"+encodedAttr)
	}
	if n.shape == pair {
		*l = append(*l, at+pairKey, at+pairValue)
	}
	for _, c := range n.children {
		for _, name := range c.names {
			*l = append(*l, at+name)
			l.element(c, at+name+">", within)
		}
	}
	if n.plan != nil && !slices.Contains(within, n.plan) {
		l.element(&n.plan.root, at, append(slices.Clip(within), n.plan))
	}
}

// field finds a field of a struct. Fields are never reached through pointers.
func (l *leaf) field(v reflect.Value) reflect.Value {
	for _, i := range l.index {
		v = v.Field(i)
	}
	return v
}
