package xmlplan

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// scanName takes a name, which is buf[keep:pos] then.
func (s *scanner) scanName() error {
	s.keep = s.pos
	simple := true
	for {
		for i, c := range s.buf[s.pos:s.end] {
			if class[c]&nameByte == 0 {
				s.pos += i
				name := s.buf[s.keep:s.pos]
				if len(name) == 0 || class[name[0]]&firstByte == 0 || !simple && !validName(name) {
					return errName
				}
				return nil
			}
			if c == ':' || c >= utf8.RuneSelf {
				simple = false
			}
		}
		s.pos = s.end
		if err := s.fill(maxTag); err != nil {
			return truncated(err)
		}
	}
}

func (s *scanner) startTag() error {
	s.pos++
	if err := s.scanName(); err != nil {
		return err
	}
	if len(s.open) == 0 && s.rootSeen {
		return errOutside
	}
	if len(s.open) == maxDepth {
		return errTooDeep
	}
	name := s.buf[s.keep:s.pos]
	if len(s.names)+len(name) > maxTag {
		return errTooLarge
	}
	e := element{name: len(s.names), local: len(s.names)}
	e.local += localPart(name)
	s.names = append(s.names, name...)
	s.open = append(s.open, e)
	s.rootSeen = true
	s.attrs, s.attrText = s.attrs[:0], s.attrText[:0]
	if s.pos < s.end && s.buf[s.pos] == '>' {
		s.pos++
		return nil
	}
	return s.attributes()
}

// localPart finds where a name goes on after its prefix.
func localPart(name []byte) int {
	if i := bytes.IndexByte(name, ':'); i > 0 && i < len(name)-1 {
		return i + 1
	}
	return 0
}

// attributes reads the rest of a start tag.
func (s *scanner) attributes() error {
	for {
		c, err := s.afterSpace()
		if err != nil {
			return err
		}
		switch c {
		case '>':
			s.pos++
			return nil
		case '/':
			if err := s.need(2, maxTag); err != nil {
				return err
			}
			if s.buf[s.pos+1] != '>' {
				return errTag
			}
			s.pos += 2
			s.selfClosed = true
			return nil
		}
		if err := s.attribute(); err != nil {
			return err
		}
	}
}

func (s *scanner) attribute() error {
	if err := s.scanName(); err != nil {
		return err
	}
	a := span{start: len(s.attrText)}
	s.attrText = append(s.attrText, s.buf[s.keep:s.pos]...)
	a.name = len(s.attrText)
	if c, err := s.afterSpace(); err != nil {
		return err
	} else if c != '=' {
		return errTag
	}
	s.pos++
	quote, err := s.afterSpace()
	if err != nil {
		return err
	}
	if quote != '"' && quote != '\'' {
		return errTag
	}
	s.pos++
	if err := s.until(string(quote), maxTag); err != nil {
		return err
	}
	s.attrText, err = appendChars(s.attrText, s.buf[s.keep:s.pos], inAttribute)
	if err != nil {
		return err
	}
	s.pos++
	if len(s.attrText) > maxTag {
		return errTooLarge
	}
	a.end = len(s.attrText)
	s.attrs = append(s.attrs, a)
	return nil
}

// attr finds an attribute of the last start tag by its name without prefix. Of
// several, the last counts. Declarations of name spaces are no attributes.
func (s *scanner) attr(name string) ([]byte, bool) {
	for i := len(s.attrs) - 1; i >= 0; i-- {
		a := s.attrs[i]
		full := s.attrText[a.start:a.name]
		if string(full[localPart(full):]) == name && !bytes.HasPrefix(full, []byte("xmlns:")) {
			return s.attrText[a.name:a.end], true
		}
	}
	return nil, false
}

func (s *scanner) endTag() error {
	if len(s.open) == 0 {
		return errOutside
	}
	s.pos += 2
	if err := s.scanName(); err != nil {
		return err
	}
	name := s.names[s.open[len(s.open)-1].name:]
	if got := s.buf[s.keep:s.pos]; !bytes.Equal(got, name) {
		return fmt.Errorf("the end tag is %s", excerpt(got))
	}
	c, err := s.afterSpace()
	if err != nil {
		return err
	}
	if c != '>' {
		return errTag
	}
	s.pos++
	s.ended = true
	return nil
}

// afterSpace skips white space and returns the byte after it, unread. Nothing before it is kept.
func (s *scanner) afterSpace() (byte, error) {
	for {
		s.keep = s.pos
		if err := s.need(1, maxTag); err != nil {
			return 0, err
		}
		if c := s.buf[s.pos]; !space(c) {
			return c, nil
		}
		s.pos++
	}
}

// until takes everything up to the delimiter, which stays unread: buf[keep:pos].
func (s *scanner) until(delimiter string, limit int) error {
	s.keep = s.pos
	for {
		if i := bytes.Index(s.buf[s.pos:s.end], []byte(delimiter)); i >= 0 {
			s.pos += i
			if s.pos-s.keep > limit {
				return errTooLarge
			}
			return nil
		}
		// The delimiter may have begun at the end of the window.
		s.pos = max(s.pos, s.end-len(delimiter)+1)
		if err := s.fill(limit); err != nil {
			return truncated(err)
		}
	}
}

// instruction skips <?...?>. That of the target xml must not declare another encoding.
func (s *scanner) instruction() error {
	s.pos += 2
	if err := s.scanName(); err != nil {
		return err
	}
	declares := string(s.buf[s.keep:s.pos]) == "xml"
	if err := s.until("?>", maxTag); err != nil {
		return err
	}
	if declares {
		content := string(s.buf[s.keep:s.pos])
		if v := pseudoAttr(content, "version"); v != "" && v != "1.0" {
			return errVersion
		}
		if v := pseudoAttr(content, "encoding"); v != "" && !strings.EqualFold(v, "utf-8") {
			return errEncoding
		}
	}
	s.pos += 2
	return nil
}

// pseudoAttr finds a value in an XML declaration, which is no tag although it looks like one.
func pseudoAttr(declaration, name string) string {
	_, rest, found := strings.Cut(declaration, name)
	rest, equals := strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), "=")
	rest = strings.TrimLeft(rest, " \t\r\n")
	if !found || !equals || rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	v, _, _ := strings.Cut(rest[1:], rest[:1])
	return v
}

// declaration skips a comment, or takes the text of a CDATA section.
func (s *scanner) declaration() (isText bool, err error) {
	if err := s.need(3, maxTag); err != nil {
		return false, err
	}
	switch s.buf[s.pos+2] {
	case '-':
		return false, s.comment()
	case '[':
		return true, s.cdata()
	}
	return false, errDoctype
}

func (s *scanner) comment() error {
	if err := s.expect("<!--"); err != nil {
		return err
	}
	for {
		if i := bytes.Index(s.buf[s.pos:s.end], []byte("--")); i >= 0 {
			s.pos += i
			break
		}
		// A comment may be of any length, for none of it is kept.
		s.pos = max(s.pos, s.end-1)
		s.keep = s.pos
		if err := s.fill(maxTag); err != nil {
			return truncated(err)
		}
	}
	s.keep = s.pos
	if err := s.need(3, maxTag); err != nil {
		return err
	}
	if s.buf[s.pos+2] != '>' {
		return errComment
	}
	s.pos += 3
	return nil
}

func (s *scanner) cdata() error {
	if len(s.open) == 0 {
		return errOutside
	}
	if err := s.expect("<![CDATA["); err != nil {
		return err
	}
	if err := s.until("]]>", maxText); err != nil {
		return err
	}
	err := s.take(false, inCDATA)
	s.pos += 3
	return err
}

func (s *scanner) expect(literal string) error {
	if err := s.need(len(literal), maxTag); err != nil {
		return err
	}
	if string(s.buf[s.pos:s.pos+len(literal)]) != literal {
		return errTag
	}
	s.pos += len(literal)
	return nil
}
