package blockblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/avro"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// QueryOptions are the options of [Client.Query].
type QueryOptions struct {
	azureblob.CallOptions
	Conditions azureblob.Conditions

	// Input is the format of the blob, Output that of the result. Nil leaves it
	// to the service, for which both are comma-separated text without a header.
	Input  QueryFormat
	Output QueryFormat

	// OnError is told of records that were skipped because the query could not
	// read them. Without it the first of them ends the query, as its error.
	OnError func(*QueryError)

	// Progress is told how many bytes of the blob have been searched, and how
	// many it has. Both functions are called from Read, and should return soon.
	Progress func(scanned, total int64)
}

// QueryResult is what the service tells of a query beside its result.
type QueryResult struct {
	azureblob.ResponseInfo
	azureblob.BlobInfo
}

// QueryError is what went wrong while the service carried out a query. It is
// wrapped by the error of Read.
type QueryError struct {
	Name        string // such as InvalidColumnOrdinal or ParseError
	Description string // for people
	Position    int64  // byte of the blob that the query had come to
	Fatal       bool   // the query ended there; otherwise a record was skipped
}

// Error names the error, its description and its place.
func (e *QueryError) Error() string {
	kind := "the query failed"
	if !e.Fatal {
		kind = "the query skipped a record"
	}
	return fmt.Sprintf("%s at byte %d: %s: %s", kind, e.Position, e.Name, e.Description)
}

// maxExpression is the length of a query expression in bytes.
const maxExpression = 256 << 10

// Query searches the blob with an expression of the SQL subset of the service,
// and returns the result as a reader, which has to be closed. The blob has to be
// text in CSV or JSON, or Parquet.
//
//	r, err := blob.Query(ctx, `SELECT name, price FROM BlobStorage WHERE price > 100`, &blockblob.QueryOptions{
//		Input: blockblob.QueryCSV{Headers: true},
//	})
//	if err != nil {
//		return err
//	}
//	defer r.Close()
//	_, err = io.Copy(os.Stdout, r)
//
// A result that breaks off is an error of Read and cannot be taken up again:
// what was read until then is not all of it.
//
// Errors: [azureblob.BlobNotFound], which is fs.ErrNotExist; of Read, a
// [*QueryError] or an io.ErrUnexpectedEOF.
//
// REST: Query Blob Contents.
func (c *Client) Query(ctx context.Context, expression string, o *QueryOptions) (*QueryReader, error) {
	q := &QueryReader{client: c}
	if o != nil {
		q.o = *o
	}
	body, err := q.request(expression)
	if err != nil {
		return nil, link.Refuse(c, rest.QueryBlobContents, err)
	}
	resp, err := link.Send(ctx, c, rest.QueryBlobContents, &q.result, wire.Bytes(body), &q.o.CallOptions, q.o.Conditions)
	if err != nil {
		return nil, err
	}
	q.body = resp.Body
	return q, nil
}

func (q *QueryReader) request(expression string) ([]byte, error) {
	switch {
	case strings.TrimSpace(expression) == "":
		return nil, errors.New("the expression is empty")
	case len(expression) > maxExpression:
		return nil, fmt.Errorf("the expression has %d bytes, and %d is the most", len(expression), maxExpression)
	}
	r := queryRequest{Type: "SQL", Expression: expression}
	if _, ok := q.o.Input.(QueryArrow); ok {
		return nil, errors.New("queries cannot read Arrow")
	}
	if _, ok := q.o.Output.(QueryParquet); ok {
		return nil, errors.New("queries cannot return Parquet")
	}
	for _, f := range []struct {
		format QueryFormat
		into   **querySerialization
	}{{q.o.Input, &r.Input}, {q.o.Output, &r.Output}} {
		if f.format == nil {
			continue
		}
		s, err := f.format.serialization()
		if err != nil {
			return nil, err
		}
		*f.into = &s
	}
	return xmlplan.Encode("QueryRequest", &r)
}

// QueryReader reads the result of a query. It is for one goroutine at a time.
type QueryReader struct {
	client *Client
	o      QueryOptions
	result QueryResult
	body   io.ReadCloser
	avro   *avro.Reader
	data   []byte // read and not yet given out
	ended  bool   // the end record was there
	err    error
}

var _ io.ReadCloser = (*QueryReader)(nil)

// Result returns what the service told of the blob when it began to answer.
func (q *QueryReader) Result() QueryResult { return q.result }

// Close ends the query. It does not wait for the rest of the result. Reads after
// it fail with fs.ErrClosed.
func (q *QueryReader) Close() error {
	if q.err == nil {
		q.err = link.Local(q.client, rest.QueryBlobContents, fmt.Errorf("read of a closed result: %w", fs.ErrClosed))
	}
	q.data = nil
	return q.body.Close()
}

// Read reads the next bytes of the result. It returns io.EOF only if the
// service said that the query is complete.
func (q *QueryReader) Read(p []byte) (int, error) {
	for len(q.data) == 0 {
		if q.err != nil {
			return 0, q.err
		}
		if err := q.next(); err != nil {
			if err != io.EOF {
				err = link.Local(q.client, rest.QueryBlobContents, err)
			}
			q.err = err
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	n := copy(p, q.data)
	q.data = q.data[n:]
	return n, nil
}

// records are the names of the records of a result, without their namespace.
const (
	recordData     = "resultData"
	recordError    = "error"
	recordProgress = "progress"
	recordEnd      = "end"
)

// next takes one record.
func (q *QueryReader) next() (err error) {
	if q.avro == nil {
		if q.avro, err = avro.NewReader(q.body); err != nil {
			return fmt.Errorf("the answer is no result of a query: %w", err)
		}
	}
	record, err := q.avro.Next()
	switch {
	case err == io.EOF && q.ended:
		return io.EOF
	case err == io.EOF || errors.Is(err, avro.ErrShort):
		return fmt.Errorf("the result of the query breaks off: %w", io.ErrUnexpectedEOF)
	case err != nil:
		return err
	}
	switch record.Name[strings.LastIndexByte(record.Name, '.')+1:] {
	case recordData:
		q.data = record.Bytes("data")
	case recordProgress:
		q.progress(record.Long("bytesScanned"), record.Long("totalBytes"))
	case recordEnd:
		q.ended = true
		q.progress(record.Long("totalBytes"), record.Long("totalBytes"))
	case recordError:
		e := &QueryError{Name: record.Text("name"), Description: record.Text("description"), Position: record.Long("position"), Fatal: record.Bool("fatal")}
		if e.Fatal || q.o.OnError == nil {
			return e
		}
		q.o.OnError(e)
	}
	return nil
}

func (q *QueryReader) progress(scanned, total int64) {
	if q.o.Progress != nil {
		q.o.Progress(scanned, total)
	}
}
