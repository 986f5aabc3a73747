package blobtest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/avro"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/xmlplan"
)

func init() {
	handle(rest.QueryBlobContents, endpoint{run: queryBlob, body: xmlBody, needs: readBlob})
}

// maxExpression is the length of a query in bytes.
const maxExpression = 256 << 10

// queryRequest is the body of Query Blob Contents.
type queryRequest struct {
	Type       string      `xml:"QueryType"`
	Expression string      `xml:"Expression"`
	Input      queryFormat `xml:"InputSerialization>Format"`
	Output     queryFormat `xml:"OutputSerialization>Format"`
}

type queryFormat struct {
	Type string `xml:"Type"`
	CSV  struct {
		Column  string `xml:"ColumnSeparator"`
		Quote   string `xml:"FieldQuote"`
		Record  string `xml:"RecordSeparator"`
		Escape  string `xml:"EscapeChar"`
		Headers bool   `xml:"HasHeaders"`
	} `xml:"DelimitedTextConfiguration"`
	JSON struct {
		Record string `xml:"RecordSeparator"`
	} `xml:"JsonTextConfiguration"`
}

// csv is the format with its defaults.
func (f queryFormat) csv() csvFormat {
	c := csvFormat{f.CSV.Column, f.CSV.Quote, f.CSV.Record, f.CSV.Escape, f.CSV.Headers}
	if c.column == "" {
		c.column = ","
	}
	if c.record == "" {
		c.record = "\n"
	}
	if c.quote == "" {
		c.quote = `"`
	}
	return c
}

// recordsOf is the schema of a result.
const recordsOf = "com.microsoft.azure.storage.queryBlobContents."

var querySchema = []avro.Schema{
	{Name: recordsOf + "resultData", Fields: []avro.Field{{Name: "data", Type: "bytes"}}},
	{Name: recordsOf + "error", Fields: []avro.Field{
		{Name: "fatal", Type: "boolean"}, {Name: "name", Type: "string"}, {Name: "description", Type: "string"}, {Name: "position", Type: "long"}}},
	{Name: recordsOf + "progress", Fields: []avro.Field{{Name: "bytesScanned", Type: "long"}, {Name: "totalBytes", Type: "long"}}},
	{Name: recordsOf + "end", Fields: []avro.Field{{Name: "totalBytes", Type: "long"}}},
}

func queryBlob(x *exchange) error {
	var request queryRequest
	if err := xmlplan.DecodeRoot(bytes.NewReader(x.document), "QueryRequest", &request); err != nil {
		return fail(azureblob.InvalidXMLDocument)
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if r.kind != azureblob.BlockBlob {
		return fail(azureblob.InvalidBlobType)
	}
	if err := x.readable(b, r); err != nil {
		return err
	}
	if r.tier.at(x.now).tier == azureblob.TierArchive {
		return fail(azureblob.BlobArchived)
	}
	q := query{request: request, data: r.content.bytes()}
	if _, err := io.ReadFull(rand.Reader, q.mark[:]); err != nil {
		return err
	}
	out, err := q.run()
	if err != nil {
		return err
	}
	info := x.describe(b, r)
	info.ContentMD5, info.ContentLength = nil, 0
	info.ContentType = "avro/binary"
	x.setSum("x-ms-blob-content-md5", r.headers.ContentMD5)
	return x.answerContent(http.StatusOK, r, &info, contentOf(out))
}

// query is a query on its way.
type query struct {
	request queryRequest
	data    []byte
	mark    [16]byte
	sql     *sqlQuery
	out     *avro.Writer
	result  []byte
	rows    int
}

// resultSize is how many bytes a record of the result has, about.
const resultSize = 64 << 10

func (q *query) run() ([]byte, error) {
	invalid := func(why string) ([]byte, error) { return nil, fail(azureblob.InvalidInput).because("%s", why) }
	if q.request.Type != "SQL" {
		return nil, fail(azureblob.InvalidXMLNodeValue).with("XmlNodeName", "QueryType")
	}
	if len(q.request.Expression) > maxExpression {
		return invalid("The expression is longer than 256 KiB.")
	}
	var err error
	if q.sql, err = parseSQL(q.request.Expression); err != nil {
		return invalid("The expression cannot be parsed: " + err.Error() + ".")
	}
	q.out = avro.NewWriter(querySchema, q.mark)
	scan := q.scanCSV
	switch q.request.Input.Type {
	case "", "csv", "delimited":
	case "json":
		scan = q.scanJSON
	default:
		return invalid("blobtest queries delimited text and JSON only.")
	}
	switch q.request.Output.Type {
	case "", "csv", "delimited", "json":
	default:
		return invalid("blobtest returns delimited text and JSON only.")
	}
	if scan() {
		q.finish()
	}
	return q.out.Take(), nil
}

func (q *query) finish() {
	if q.sql.count {
		q.emit([]string{"_1"}, []json.RawMessage{json.RawMessage(strconv.Itoa(q.rows))})
	}
	q.flush(len(q.data))
	q.out.Record(recordsOf+"end", int64(len(q.data)))
}

// fail writes an error into the result.
func (q *query) fail(fatal bool, name, description string, at int) {
	q.flush(at)
	q.out.Record(recordsOf+"error", fatal, name, description, int64(at))
}

func (q *query) flush(at int) {
	if len(q.result) > 0 {
		q.out.Record(recordsOf+"resultData", q.result)
		q.result = nil
	}
	q.out.Record(recordsOf+"progress", int64(at), int64(len(q.data)))
}

// scanCSV looks at all records, and reports whether that went to the end.
func (q *query) scanCSV() bool {
	format := q.request.Input.csv()
	var names []string
	at := 0
	if format.headers && len(q.data) > 0 {
		names, at = format.readCSV(q.data)
	}
	for at < len(q.data) && q.wantsMore() {
		fields, n := format.readCSV(q.data[at:])
		row := csvRow{fields, names}
		columns, values := q.columnsOf(fields, names), []json.RawMessage(nil)
		missing := ""
		for _, c := range columns {
			v, ok := row.column(c)
			if !ok {
				missing = c
				break
			}
			text, _ := json.Marshal(*v)
			values = append(values, text)
		}
		if missing != "" {
			q.fail(false, "InvalidColumnOrdinal", "The record has no column "+missing+".", at)
		} else {
			q.look(row, columns, values)
		}
		at += n
		q.page(at)
	}
	return true
}

func (q *query) columnsOf(fields, names []string) []string {
	if q.sql.columns != nil {
		plain := make([]string, len(q.sql.columns))
		for i, c := range q.sql.columns {
			plain[i] = q.sql.plain(c)
		}
		return plain
	}
	columns := make([]string, len(fields))
	for i := range fields {
		columns[i] = "_" + strconv.Itoa(i+1)
		if i < len(names) {
			columns[i] = names[i]
		}
	}
	return columns
}

func (q *query) scanJSON() bool {
	for at := 0; q.wantsMore(); {
		rest := bytes.TrimLeft(q.data[at:], " \t\r\n"+q.request.Input.JSON.Record)
		at = len(q.data) - len(rest)
		if len(rest) == 0 {
			break
		}
		row, n, err := readJSON(rest)
		if err == errNoObject {
			q.fail(false, "InvalidTypeConversion", "The record is no object.", at)
		} else if err != nil {
			q.fail(true, "ParseError", "The data is no JSON.", at)
			return false
		} else {
			q.lookJSON(row)
		}
		at += n
		q.page(at)
	}
	return true
}

func (q *query) lookJSON(row jsonRow) {
	if q.sql.columns == nil {
		q.look(row, nil, []json.RawMessage{row.raw})
		return
	}
	var columns []string
	var values []json.RawMessage
	for _, c := range q.sql.columns {
		c = q.sql.plain(c)
		v, ok := row.find(c)
		if !ok {
			v = json.RawMessage("null")
		}
		columns, values = append(columns, c[strings.LastIndexByte(c, '.')+1:]), append(values, v)
	}
	q.look(row, columns, values)
}

func (q *query) wantsMore() bool { return q.sql.limit < 0 || q.rows < q.sql.limit }

// page ends a record of the result when there is enough for one.
func (q *query) page(at int) {
	if len(q.result) >= resultSize {
		q.flush(at)
	}
}

func (q *query) look(row sqlRow, columns []string, values []json.RawMessage) {
	if q.sql.where != nil && !q.sql.where(row) {
		return
	}
	q.rows++
	if !q.sql.count {
		q.emit(columns, values)
	}
}

// emit writes a row. Without columns its one value is a whole JSON object.
func (q *query) emit(columns []string, values []json.RawMessage) {
	if q.request.Output.Type != "json" && (q.request.Output.Type != "" || q.request.Input.Type != "json") {
		fields := make([]string, len(values))
		for i, v := range values {
			if json.Unmarshal(v, &fields[i]) != nil {
				fields[i] = string(v)
			}
		}
		q.result = q.request.Output.csv().appendCSV(q.result, fields)
		return
	}
	if columns == nil {
		q.result = append(q.result, values[0]...)
	} else {
		q.result = append(q.result, '{')
		for i, c := range columns {
			if i > 0 {
				q.result = append(q.result, ',')
			}
			name, _ := json.Marshal(c)
			q.result = append(append(append(q.result, name...), ':'), values[i]...)
		}
		q.result = append(q.result, '}')
	}
	end := q.request.Output.JSON.Record
	if end == "" {
		end = "\n"
	}
	q.result = append(q.result, end...)
}
