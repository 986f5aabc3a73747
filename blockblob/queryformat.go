package blockblob

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// QueryFormat is the format of what a query reads or returns: [QueryCSV],
// [QueryJSON], [QueryArrow] or [QueryParquet].
type QueryFormat interface {
	serialization() (querySerialization, error)
}

// QueryCSV is text in records of fields. The zero value is what the service
// takes by default: fields separated by commas, records by line feeds, quotes
// around fields that need them, no header.
type QueryCSV struct {
	ColumnSeparator string // one character; default a comma
	FieldQuote      string // one character; default a double quote
	RecordSeparator string // up to two characters; default a line feed
	EscapeCharacter string // one character; default none
	Headers         bool   // the first record has the names of the columns
}

// QueryJSON is JSON, one value after another.
type QueryJSON struct {
	RecordSeparator string // up to two characters; default a line feed
}

// QueryArrow is a stream of Apache Arrow in its IPC format. Queries can return
// it but not read it. Reading it takes an Arrow library, which this module does
// not depend on.
type QueryArrow struct {
	Fields []ArrowField // the columns of the result, in order
}

// ArrowField is a column of a result in Arrow.
type ArrowField struct {
	Name      string         `xml:"Name"`
	Type      ArrowFieldType `xml:"Type"`
	Precision int            `xml:"Precision"` // of decimals: digits in all
	Scale     int            `xml:"Scale"`     // of decimals: digits after the point
}

// ArrowFieldType is the type of a column in Arrow.
type ArrowFieldType string

// The types of columns.
const (
	ArrowInt64     ArrowFieldType = "int64"
	ArrowBool      ArrowFieldType = "bool"
	ArrowTimestamp ArrowFieldType = "timestamp[ms]"
	ArrowString    ArrowFieldType = "string"
	ArrowDouble    ArrowFieldType = "double"
	ArrowDecimal   ArrowFieldType = "decimal"
)

// QueryParquet is Apache Parquet. Queries can read it but not return it.
type QueryParquet struct{}

// queryRequest is the body of Query Blob Contents.
type queryRequest struct {
	Type       string              `xml:"QueryType"`
	Expression string              `xml:"Expression"`
	Input      *querySerialization `xml:"InputSerialization"`
	Output     *querySerialization `xml:"OutputSerialization"`
}

type querySerialization struct {
	Type    string       `xml:"Format>Type"`
	CSV     *csvFormat   `xml:"Format>DelimitedTextConfiguration"`
	JSON    *jsonFormat  `xml:"Format>JsonTextConfiguration"`
	Arrow   *arrowFormat `xml:"Format>ArrowConfiguration"`
	Parquet *struct{}    `xml:"Format>ParquetTextConfiguration"`
}

type csvFormat struct {
	ColumnSeparator string `xml:"ColumnSeparator"`
	FieldQuote      string `xml:"FieldQuote"`
	RecordSeparator string `xml:"RecordSeparator"`
	EscapeCharacter string `xml:"EscapeChar"`
	Headers         bool   `xml:"HasHeaders,always"`
}

type jsonFormat struct {
	RecordSeparator string `xml:"RecordSeparator"`
}

type arrowFormat struct {
	Fields []ArrowField `xml:"Schema>Field"`
}

func (f QueryCSV) serialization() (querySerialization, error) {
	for _, c := range []struct {
		name, value string
		most        int
	}{
		{"ColumnSeparator", f.ColumnSeparator, 1}, {"FieldQuote", f.FieldQuote, 1},
		{"RecordSeparator", f.RecordSeparator, 2}, {"EscapeCharacter", f.EscapeCharacter, 1},
	} {
		if n := utf8.RuneCountInString(c.value); n > c.most {
			return querySerialization{}, fmt.Errorf("QueryCSV.%s has %d characters, and %d is the most", c.name, n, c.most)
		}
	}
	csv := csvFormat(f)
	return querySerialization{Type: "delimited", CSV: &csv}, nil
}

func (f QueryJSON) serialization() (querySerialization, error) {
	if n := utf8.RuneCountInString(f.RecordSeparator); n > 2 {
		return querySerialization{}, fmt.Errorf("QueryJSON.RecordSeparator has %d characters, and 2 is the most", n)
	}
	json := jsonFormat(f)
	return querySerialization{Type: "json", JSON: &json}, nil
}

func (f QueryArrow) serialization() (querySerialization, error) {
	if len(f.Fields) == 0 {
		return querySerialization{}, errors.New("QueryArrow has no fields")
	}
	arrow := arrowFormat(f)
	return querySerialization{Type: "arrow", Arrow: &arrow}, nil
}

func (QueryParquet) serialization() (querySerialization, error) {
	return querySerialization{Type: "parquet", Parquet: &struct{}{}}, nil
}
