package blobtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// csvFormat is how records are written as text, with all defaults filled in.
type csvFormat struct {
	column, quote, record, escape string
	headers                       bool
}

// csvRow is a record in CSV.
type csvRow struct {
	fields []string
	names  []string // of the columns; nil if there is no header
}

// column finds a field by its name, or by its number with _ in front.
func (r csvRow) column(name string) (*string, bool) {
	for i, n := range r.names {
		if n == name && i < len(r.fields) {
			return &r.fields[i], true
		}
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "_")); err == nil && name[0] == '_' && n >= 1 && n <= len(r.fields) {
		return &r.fields[n-1], true
	}
	return nil, false
}

// readCSV takes the next record off the front of data, and tells how many bytes
// it took.
func (f csvFormat) readCSV(data []byte) (fields []string, n int) {
	var field []byte
	quoted := false
	for n < len(data) {
		rest := data[n:]
		has := func(mark string) bool { return mark != "" && bytes.HasPrefix(rest, []byte(mark)) }
		switch {
		case has(f.escape) && len(rest) > len(f.escape):
			field = append(field, rest[len(f.escape)])
			n += len(f.escape) + 1
		case quoted && has(f.quote+f.quote):
			field = append(field, f.quote...)
			n += 2 * len(f.quote)
		case has(f.quote):
			quoted = !quoted
			n += len(f.quote)
		case !quoted && has(f.column):
			fields, field = append(fields, string(field)), nil
			n += len(f.column)
		case !quoted && has(f.record):
			return append(fields, string(field)), n + len(f.record)
		default:
			field = append(field, rest[0])
			n++
		}
	}
	return append(fields, string(field)), n
}

// appendCSV writes a record.
func (f csvFormat) appendCSV(b []byte, fields []string) []byte {
	for i, field := range fields {
		if i > 0 {
			b = append(b, f.column...)
		}
		if f.quote != "" && (strings.Contains(field, f.column) || strings.Contains(field, f.quote) || strings.Contains(field, f.record)) {
			field = f.quote + strings.ReplaceAll(field, f.quote, f.quote+f.quote) + f.quote
		}
		b = append(b, field...)
	}
	return append(b, f.record...)
}

// jsonRow is a JSON object.
type jsonRow struct {
	raw    json.RawMessage
	values map[string]json.RawMessage
}

// column finds a value by its path.
func (r jsonRow) column(name string) (*string, bool) {
	raw, ok := r.find(name)
	if !ok || string(raw) == "null" {
		return nil, ok
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return &text, true
}

func (r jsonRow) find(path string) (json.RawMessage, bool) {
	if raw, ok := r.values[path]; ok {
		return raw, true
	}
	first, rest, deeper := strings.Cut(path, ".")
	raw, ok := r.values[first]
	if !ok || !deeper {
		return nil, false
	}
	inner := jsonRow{}
	if json.Unmarshal(raw, &inner.values) != nil {
		return nil, false
	}
	return inner.find(rest)
}

var errNoObject = errors.New("the record is no JSON object")

// readJSON takes the next value off the front of data, and tells how many bytes
// it took. The error is that of a value which is no object, or no JSON.
func readJSON(data []byte) (jsonRow, int, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	var r jsonRow
	if err := d.Decode(&r.raw); err != nil {
		return r, 0, err
	}
	n := int(d.InputOffset())
	if json.Unmarshal(r.raw, &r.values) != nil {
		return r, n, errNoObject
	}
	return r, n, nil
}
