package xmlplan

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

const (
	bufferSize = 64 << 10
	maxText    = 16 << 20 // one run of text
	maxTag     = 1 << 20  // a name, the attributes of one element, a processing instruction
	maxDepth   = 64

	// A window may run over a limit by as much as a delimiter, before it is known how long the part is.
	slack = 16
)

type token uint8

const (
	textToken token = iota
	startToken
	endToken
	eofToken
)

var (
	errTooLarge   = errors.New("a part of the document is too large")
	errTooDeep    = errors.New("elements are nested too deeply")
	errDoctype    = errors.New("document type declarations are refused")
	errOutside    = errors.New("there is something beside the root element")
	errName       = errors.New("invalid name")
	errTag        = errors.New("malformed tag")
	errComment    = errors.New("-- in a comment")
	errEncoding   = errors.New("the document is not declared as UTF-8")
	errVersion    = errors.New("the document is not XML 1.0")
	errReaderSize = errors.New("the reader returned an impossible count")
)

// scanner cuts a document into tokens. What it hands out is valid until the
// next call only.
//
// The input is a window: buf[keep:end] is what it still needs, buf[pos:end] what
// it has not looked at. Only fill moves the window, so code that may call fill
// holds no positions of its own.
type scanner struct {
	r              io.Reader
	buf            []byte
	keep, pos, end int
	readErr        error

	text []byte // of the last text token

	names      []byte // the names of the open elements, one after the other
	open       []element
	rootSeen   bool
	selfClosed bool // the start tag was an end tag too
	ended      bool // the innermost element has ended, and stays open for messages until the next token

	attrs    []span
	attrText []byte
	decoded  []byte // the text token, if it is not in buf as it is
	joined   []byte // the content of an element, if it is in pieces
}

type element struct {
	name  int // where its name begins in names
	local int // where the part after the prefix begins
}

// span is an attribute in attrText: the name from start to name, the value from there to end.
type span struct{ start, name, end int }

func (s *scanner) reset(r io.Reader) {
	s.r = r
	if s.buf == nil {
		s.buf = make([]byte, bufferSize)
	}
}

// release forgets the input, and memory that is too large for a pool to hold on to.
func (s *scanner) release() {
	buf, open, attrs := s.buf, s.open[:0], s.attrs[:0]
	if len(buf) > bufferSize {
		buf = nil
	}
	if cap(attrs) > 64 {
		attrs = nil
	}
	*s = scanner{
		buf: buf, open: open, attrs: attrs, names: reusable(s.names),
		attrText: reusable(s.attrText), decoded: reusable(s.decoded), joined: reusable(s.joined),
	}
}

func reusable(b []byte) []byte {
	if cap(b) > bufferSize {
		return nil
	}
	return b[:0]
}

// fill reads more into the window, moving or growing the buffer if it is full.
// It returns io.EOF at the end of the input.
func (s *scanner) fill(limit int) error {
	if s.readErr != nil {
		return s.readErr
	}
	if s.end-s.keep > limit+slack {
		return errTooLarge
	}
	if s.end == len(s.buf) {
		to := s.buf
		if s.keep < len(s.buf)/2 {
			to = make([]byte, 2*len(s.buf))
		}
		copy(to, s.buf[s.keep:s.end])
		s.buf = to
		s.pos -= s.keep
		s.end -= s.keep
		s.keep = 0
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		if n < 0 || n > len(s.buf)-s.end {
			s.readErr = errReaderSize
			return errReaderSize
		}
		s.end += n
		s.readErr = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// need makes sure of n unread bytes. Where a document may not end, io.EOF is an error.
func (s *scanner) need(n, limit int) error {
	for s.end-s.pos < n {
		if err := s.fill(limit); err != nil {
			return truncated(err)
		}
	}
	return nil
}

func truncated(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// begin skips a byte order mark.
func (s *scanner) begin() error {
	for s.end < 3 {
		if err := s.fill(maxTag); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	if bytes.HasPrefix(s.buf[:s.end], []byte("\xEF\xBB\xBF")) {
		s.pos = 3
	}
	return nil
}

// next returns the next token of interest. Comments and processing
// instructions are none, nor is white space beside the root element.
func (s *scanner) next() (token, error) {
	if s.ended {
		s.ended = false
		top := len(s.open) - 1
		s.names = s.names[:s.open[top].name]
		s.open = s.open[:top]
	}
	if s.selfClosed {
		s.selfClosed = false
		s.ended = true
		return endToken, nil
	}
	for {
		s.keep = s.pos
		if s.pos == s.end {
			if err := s.fill(maxTag); err == io.EOF && s.rootSeen && len(s.open) == 0 {
				return eofToken, nil
			} else if err != nil {
				return 0, truncated(err)
			}
		}
		if s.buf[s.pos] != '<' {
			if len(s.open) > 0 {
				return textToken, s.scanText()
			}
			if !space(s.buf[s.pos]) {
				return 0, errOutside
			}
			s.pos++
			continue
		}
		if err := s.need(2, maxTag); err != nil {
			return 0, err
		}
		switch s.buf[s.pos+1] {
		case '/':
			return endToken, s.endTag()
		case '?':
			if err := s.instruction(); err != nil {
				return 0, err
			}
		case '!':
			if isText, err := s.declaration(); err != nil || isText {
				return textToken, err
			}
		default:
			return startToken, s.startTag()
		}
	}
}

// scanText takes the text up to the next tag.
func (s *scanner) scanText() error {
	s.keep = s.pos
	plain := true
	for {
		if plain {
			s.pos += plainPrefix(s.buf[s.pos:s.end])
			plain = s.pos == s.end || s.buf[s.pos] == '<'
		}
		if i := bytes.IndexByte(s.buf[s.pos:s.end], '<'); i >= 0 {
			s.pos += i
			break
		}
		s.pos = s.end
		if err := s.fill(maxText); err != nil {
			return truncated(err)
		}
	}
	return s.take(plain, inText)
}

// take makes the text token of buf[keep:pos].
func (s *scanner) take(plain bool, where context) (err error) {
	s.text = s.buf[s.keep:s.pos]
	if len(s.text) > maxText {
		return errTooLarge
	}
	if !plain {
		s.decoded, err = appendChars(s.decoded[:0], s.text, where)
		s.text = s.decoded
	}
	return err
}

// local returns the name of the innermost element without its prefix, full with it.
func (s *scanner) local() []byte { return s.names[s.open[len(s.open)-1].local:] }
func (s *scanner) full() []byte  { return s.names[s.open[len(s.open)-1].name:] }

// skip passes over the content of the element that has just begun.
func (s *scanner) skip() error {
	for depth := 1; depth > 0; {
		t, err := s.next()
		switch {
		case err != nil:
			return err
		case t == startToken:
			depth++
		case t == endToken:
			depth--
		}
	}
	return nil
}

// content returns all text that stands directly in the element that has just
// begun, up to its end tag. Elements within are skipped.
func (s *scanner) content() ([]byte, error) {
	if text, ok := s.simpleContent(); ok {
		return text, nil
	}
	s.joined = s.joined[:0]
	for {
		t, err := s.next()
		if err != nil {
			return nil, err
		}
		switch t {
		case endToken:
			return s.joined, nil
		case startToken:
			if err := s.skip(); err != nil {
				return nil, err
			}
		case textToken:
			if len(s.joined)+len(s.text) > maxText {
				return nil, errTooLarge
			}
			s.joined = append(s.joined, s.text...)
		}
	}
}

// simpleContent is the fast way for what nearly all content is: plain text and
// its end tag, both in the window.
func (s *scanner) simpleContent() ([]byte, bool) {
	if s.selfClosed {
		return nil, false
	}
	rest := s.buf[s.pos:s.end]
	n := plainPrefix(rest)
	name := s.full()
	tag := rest[n:]
	if len(tag) < len(name)+3 || tag[0] != '<' || tag[1] != '/' || tag[len(name)+2] != '>' ||
		!bytes.Equal(tag[2:len(name)+2], name) {
		return nil, false
	}
	s.pos += n + len(name) + 3
	s.ended = true
	return rest[:n], true
}

// path names the open elements for a message.
func (s *scanner) path() string {
	const most = 200
	var b strings.Builder
	for i, e := range s.open {
		end := len(s.names)
		if i+1 < len(s.open) {
			end = s.open[i+1].name
		}
		if i > 0 {
			b.WriteByte('>')
		}
		b.Write(s.names[e.local:end])
	}
	if path := b.String(); len(path) > most {
		return "..." + strings.ToValidUTF8(path[len(path)-most:], "")
	}
	return b.String()
}
