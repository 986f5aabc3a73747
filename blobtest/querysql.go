package blobtest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The query language, as far as blobtest knows it:
//
//	SELECT * | COUNT(*) | column, ... FROM BlobStorage[[*]] [alias] [WHERE condition] [LIMIT n]
//
// Columns are names, [names in brackets], "names in quotes", _1 and so on, or
// a.b.c within JSON. Conditions are comparisons with =, <>, !=, <, <=, >, >=, LIKE,
// IS [NOT] NULL and IS [NOT] MISSING, joined by AND, OR, NOT and parentheses. Two
// values that look like numbers are compared as such.

// sqlQuery is a query that was read.
type sqlQuery struct {
	columns []string // nil for all
	count   bool
	where   sqlCondition // nil for none
	limit   int          // -1 for none
	alias   string
}

// sqlRow finds the value of a column. It is missing if ok is false, and null if
// the value is nil.
type sqlRow interface {
	column(name string) (value *string, ok bool)
}

type sqlCondition func(row sqlRow) bool

type sqlToken struct {
	text   string
	quoted byte // 0, ' for text, " for a name
}

func (t sqlToken) is(word string) bool { return t.quoted == 0 && strings.EqualFold(t.text, word) }

// lexSQL cuts an expression into tokens.
func lexSQL(s string) ([]sqlToken, error) {
	var tokens []sqlToken
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case unicode.IsSpace(r):
			s = s[size:]
		case r == '\'' || r == '"' || r == '[' && len(tokens) > 0 && !strings.HasPrefix(s, "[*]"):
			end := byte(r)
			if r == '[' {
				end = ']'
			}
			text, rest, ok := quotedSQL(s[1:], end)
			if !ok {
				return nil, fmt.Errorf("a %c is never closed", r)
			}
			quote := byte('"')
			if r == '\'' {
				quote = '\''
			}
			tokens, s = append(tokens, sqlToken{text, quote}), rest
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' || r == '-' && len(s) > 1 && s[1] >= '0' && s[1] <= '9':
			n := size
			for n < len(s) {
				r, size := utf8.DecodeRuneInString(s[n:])
				if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.' {
					break
				}
				n += size
			}
			tokens, s = append(tokens, sqlToken{text: s[:n]}), s[n:]
		default:
			n := size
			for _, op := range []string{"<>", "<=", ">=", "!=", "[*]"} {
				if strings.HasPrefix(s, op) {
					n = len(op)
				}
			}
			tokens, s = append(tokens, sqlToken{text: s[:n]}), s[n:]
		}
	}
	return tokens, nil
}

// quotedSQL reads up to the closing quote; two of them in a row are one.
func quotedSQL(s string, end byte) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != end {
			b.WriteByte(s[i])
			continue
		}
		if end == ']' || i+1 >= len(s) || s[i+1] != end {
			return b.String(), s[i+1:], true
		}
		b.WriteByte(end)
		i++
	}
	return "", "", false
}

type sqlParser struct {
	tokens []sqlToken
	query  sqlQuery
}

func (p *sqlParser) peek() sqlToken {
	if len(p.tokens) == 0 {
		return sqlToken{}
	}
	return p.tokens[0]
}

func (p *sqlParser) next() sqlToken {
	t := p.peek()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *sqlParser) take(word string) bool {
	if len(p.tokens) > 0 && p.peek().is(word) {
		p.next()
		return true
	}
	return false
}

func (p *sqlParser) demand(word string) error {
	if !p.take(word) {
		return fmt.Errorf("%s was expected and not %q", word, p.peek().text)
	}
	return nil
}

func parseSQL(expression string) (*sqlQuery, error) {
	tokens, err := lexSQL(expression)
	if err != nil {
		return nil, err
	}
	p := &sqlParser{tokens: tokens, query: sqlQuery{limit: -1}}
	if err := p.demand("SELECT"); err != nil {
		return nil, err
	}
	if err := p.selection(); err != nil {
		return nil, err
	}
	if err := p.source(); err != nil {
		return nil, err
	}
	if p.take("WHERE") {
		if p.query.where, err = p.or(); err != nil {
			return nil, err
		}
	}
	if p.take("LIMIT") {
		n, err := strconv.Atoi(p.next().text)
		if err != nil || n < 0 {
			return nil, errors.New("LIMIT needs a number")
		}
		p.query.limit = n
	}
	p.take(";")
	if len(p.tokens) > 0 {
		return nil, fmt.Errorf("%q is too much", p.peek().text)
	}
	return &p.query, nil
}

func (p *sqlParser) selection() error {
	if p.take("*") {
		return nil
	}
	if p.take("COUNT") {
		p.query.count = true
		for _, word := range []string{"(", "*", ")"} {
			if err := p.demand(word); err != nil {
				return err
			}
		}
		return nil
	}
	for {
		name, err := p.name()
		if err != nil {
			return err
		}
		p.query.columns = append(p.query.columns, name)
		if !p.take(",") {
			return nil
		}
	}
}

func (p *sqlParser) source() error {
	if err := p.demand("FROM"); err != nil {
		return err
	}
	if err := p.demand("BlobStorage"); err != nil {
		return err
	}
	p.take("[*]")
	if t := p.peek(); len(p.tokens) > 0 && !t.is("WHERE") && !t.is("LIMIT") && !t.is(";") {
		p.take("AS")
		p.query.alias = p.next().text
	}
	return nil
}

func (p *sqlParser) name() (string, error) {
	t := p.next()
	if t.quoted == '\'' || t.text == "" || t.quoted == 0 && !unicode.IsLetter(rune(t.text[0])) && t.text[0] != '_' {
		return "", fmt.Errorf("the name of a column was expected and not %q", t.text)
	}
	return t.text, nil
}

func (p *sqlParser) or() (sqlCondition, error) {
	left, err := p.and()
	for err == nil && p.take("OR") {
		var right sqlCondition
		one := left
		right, err = p.and()
		left = func(row sqlRow) bool { return one(row) || right(row) }
	}
	return left, err
}

func (p *sqlParser) and() (sqlCondition, error) {
	left, err := p.not()
	for err == nil && p.take("AND") {
		var right sqlCondition
		one := left
		right, err = p.not()
		left = func(row sqlRow) bool { return one(row) && right(row) }
	}
	return left, err
}

func (p *sqlParser) not() (sqlCondition, error) {
	if p.take("NOT") {
		c, err := p.not()
		return func(row sqlRow) bool { return !c(row) }, err
	}
	if p.take("(") {
		c, err := p.or()
		if err != nil {
			return nil, err
		}
		return c, p.demand(")")
	}
	return p.comparison()
}

// operand is a column, a number or a text in quotes.
func (p *sqlParser) operand() (func(sqlRow) (*string, bool), error) {
	t := p.peek()
	if t.quoted == '\'' || t.quoted == 0 && t.text != "" && (t.text[0] == '-' || t.text[0] >= '0' && t.text[0] <= '9') {
		p.next()
		return func(sqlRow) (*string, bool) { return &t.text, true }, nil
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	query := &p.query
	return func(row sqlRow) (*string, bool) { return row.column(query.plain(name)) }, nil
}

// plain is a name without the alias in front.
func (q *sqlQuery) plain(name string) string {
	if q.alias != "" {
		return strings.TrimPrefix(name, q.alias+".")
	}
	return name
}

func (p *sqlParser) comparison() (sqlCondition, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	if p.take("IS") {
		return p.emptiness(left)
	}
	if p.take("LIKE") {
		pattern := p.next()
		if pattern.quoted != '\'' {
			return nil, errors.New("LIKE needs a text in quotes")
		}
		return func(row sqlRow) bool {
			v, ok := left(row)
			return ok && v != nil && likeSQL(*v, pattern.text)
		}, nil
	}
	op := p.next().text
	if !strings.Contains(" = <> != < <= > >= ", " "+op+" ") || op == "" {
		return nil, fmt.Errorf("a comparison was expected and not %q", op)
	}
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	return func(row sqlRow) bool {
		a, okA := left(row)
		b, okB := right(row)
		return okA && okB && a != nil && b != nil && holdsSQL(*a, op, *b)
	}, nil
}

func (p *sqlParser) emptiness(of func(sqlRow) (*string, bool)) (sqlCondition, error) {
	wanted := !p.take("NOT")
	switch {
	case p.take("NULL"):
		return func(row sqlRow) bool {
			v, ok := of(row)
			return (!ok || v == nil) == wanted
		}, nil
	case p.take("MISSING"):
		return func(row sqlRow) bool {
			_, ok := of(row)
			return !ok == wanted
		}, nil
	}
	return nil, errors.New("IS needs NULL or MISSING")
}

func holdsSQL(a, op, b string) bool {
	order := strings.Compare(a, b)
	x, errX := strconv.ParseFloat(strings.TrimSpace(a), 64)
	y, errY := strconv.ParseFloat(strings.TrimSpace(b), 64)
	if errX == nil && errY == nil {
		switch {
		case x < y:
			order = -1
		case x > y:
			order = 1
		default:
			order = 0
		}
	}
	switch op {
	case "=":
		return order == 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order != 0
}

// likeSQL matches % with any text and _ with one character. After a mismatch it
// goes back to the last % only, so that no pattern takes long.
func likeSQL(s, pattern string) bool {
	text, want := []rune(s), []rune(pattern)
	i, j, star, from := 0, 0, -1, 0
	for i < len(text) {
		switch {
		case j < len(want) && want[j] == '%':
			star, from = j, i
			j++
		case j < len(want) && (want[j] == '_' || want[j] == text[i]):
			i++
			j++
		case star >= 0:
			from++
			i, j = from, star+1
		default:
			return false
		}
	}
	for j < len(want) && want[j] == '%' {
		j++
	}
	return j == len(want)
}
