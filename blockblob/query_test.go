package blockblob_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
)

const prices = "name,price\ncat,10\n\"dog, old\",5.5\nfish,100\n"

func queried(t *testing.T, content string) (*blobtest.Server, *blockblob.Client) {
	t.Helper()
	srv := blobtest.New(t)
	c := srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}}).Container("photos")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Blob("prices.csv").Upload(t.Context(), strings.NewReader(content), &azureblob.UploadOptions{Metadata: azureblob.Metadata{"of": "pets"}}); err != nil {
		t.Fatal(err)
	}
	return srv, blockblob.New(c.Blob("prices.csv"))
}

// ask runs a query and reads all of its result.
func ask(ctx context.Context, b *blockblob.Client, expression string, o *blockblob.QueryOptions) (string, error) {
	r, err := b.Query(ctx, expression, o)
	if err != nil {
		return "", err
	}
	defer r.Close()
	all, err := io.ReadAll(r)
	return string(all), err
}

func TestQuery(t *testing.T) {
	headers := blockblob.QueryCSV{Headers: true}
	const animals = `{"name":"cat","at":{"x":1}}` + "\n" + `{"name":"dog","at":{"x":-2},"age":null}` + "\n"
	for _, c := range []struct {
		content, expression string
		o                   *blockblob.QueryOptions
		want                string
	}{
		{"1,a\n2,b\n", "SELECT * FROM BlobStorage", nil, "1,a\n2,b\n"},
		{"1,a\n2,b\n", "SELECT _2 FROM BlobStorage WHERE _1 > 1", nil, "b\n"},
		{"1,a\n2,b\n3,c\n", "SELECT * FROM BlobStorage LIMIT 2", nil, "1,a\n2,b\n"},
		{"1,a\n2,b\n3,c\n", "SELECT COUNT(*) FROM BlobStorage", nil, "3\n"},
		{"", "SELECT * FROM BlobStorage", nil, ""},
		{prices, "SELECT name FROM BlobStorage WHERE price < 50", &blockblob.QueryOptions{Input: headers}, "cat\n\"dog, old\"\n"},
		{prices, "SELECT name, price FROM BlobStorage WHERE price < 50", &blockblob.QueryOptions{Input: headers, Output: blockblob.QueryJSON{}},
			`{"name":"cat","price":"10"}` + "\n" + `{"name":"dog, old","price":"5.5"}` + "\n"},
		{prices, "SELECT * FROM BlobStorage LIMIT 1", &blockblob.QueryOptions{Input: headers, Output: blockblob.QueryCSV{ColumnSeparator: "|", RecordSeparator: "#"}}, "cat|10#"},
		{animals, "SELECT name FROM BlobStorage WHERE at.x < 0", &blockblob.QueryOptions{Input: blockblob.QueryJSON{}}, `{"name":"dog"}` + "\n"},
		{animals, "SELECT * FROM BlobStorage", &blockblob.QueryOptions{Input: blockblob.QueryJSON{}}, animals},
		{animals, "SELECT name, at.x FROM BlobStorage", &blockblob.QueryOptions{Input: blockblob.QueryJSON{}, Output: blockblob.QueryCSV{}}, "cat,1\ndog,-2\n"},
	} {
		_, b := queried(t, c.content)
		if got, err := ask(t.Context(), b, c.expression, c.o); got != c.want || err != nil {
			t.Errorf("%s of %q: %q, %v, want %q", c.expression, c.content, got, err, c.want)
		}
	}
}

func TestQueryResult(t *testing.T) {
	_, b := queried(t, strings.Repeat(prices, 5000))
	var scanned []int64
	r, err := b.Query(t.Context(), "SELECT * FROM BlobStorage", &blockblob.QueryOptions{Progress: func(n, total int64) {
		if scanned = append(scanned, n); total != int64(5000*len(prices)) {
			t.Errorf("total %d", total)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if p := r.Result(); p.ETag == "" || p.Metadata["of"] != "pets" || p.RequestID == "" || p.BlobType != azureblob.BlockBlob {
		t.Errorf("%+v", p)
	}
	all, err := io.ReadAll(r)
	if string(all) != strings.Repeat(prices, 5000) || err != nil {
		t.Errorf("%d bytes, %v", len(all), err)
	}
	if len(scanned) < 3 || scanned[len(scanned)-1] != int64(5000*len(prices)) {
		t.Errorf("progress %v", scanned)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the end and Close: %v", err)
	}
	if r, err = b.Query(t.Context(), "SELECT * FROM BlobStorage", nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %d, %v", n, err)
	}
}

// TestQueryErrors has records that cannot be read.
func TestQueryErrors(t *testing.T) {
	_, b := queried(t, "1,a\n2\n3,c\n")
	var skipped []blockblob.QueryError
	got, err := ask(t.Context(), b, "SELECT _2 FROM BlobStorage", &blockblob.QueryOptions{OnError: func(e *blockblob.QueryError) { skipped = append(skipped, *e) }})
	if got != "a\nc\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if len(skipped) != 1 || skipped[0].Name != "InvalidColumnOrdinal" || skipped[0].Position != 4 || skipped[0].Fatal {
		t.Errorf("skipped %+v", skipped)
	}
	got, err = ask(t.Context(), b, "SELECT _2 FROM BlobStorage", nil)
	if e, ok := errors.AsType[*blockblob.QueryError](err); got != "a\n" || !ok || e.Name != "InvalidColumnOrdinal" || !strings.Contains(err.Error(), "skipped a record at byte 4") {
		t.Errorf("without a function: %q, %v", got, err)
	}
	_, b = queried(t, `{"a":1}`+"\n{no")
	got, err = ask(t.Context(), b, "SELECT * FROM BlobStorage", &blockblob.QueryOptions{Input: blockblob.QueryJSON{}, OnError: func(*blockblob.QueryError) { t.Error("a fatal error was taken for a skipped record") }})
	e, ok := errors.AsType[*blockblob.QueryError](err)
	if _, typed := errors.AsType[*azureblob.Error](err); got != `{"a":1}`+"\n" || !ok || !typed || !e.Fatal || e.Name != "ParseError" {
		t.Errorf("fatal: %q, %v", got, err)
	}
}

// TestQueryBreaksOff cuts the answer at many places. No cut may look like an end.
func TestQueryBreaksOff(t *testing.T) {
	const content = "1,a\n2,b\n"
	for n := int64(1); ; n += 7 {
		srv, b := queried(t, content)
		srv.Inject(blobtest.Fault{Operation: "Query Blob Contents", Truncate: true, Offset: n})
		got, err := ask(t.Context(), b, "SELECT * FROM BlobStorage", nil)
		if err == nil {
			if got != content {
				t.Errorf("cut at %d: %q and no error", n, got)
			}
			if n < 100 {
				t.Fatalf("the cut at %d did nothing", n)
			}
			return
		}
		if !strings.HasPrefix(content, got) {
			t.Errorf("cut at %d: %q", n, got)
		}
		if n > 10_000 {
			t.Fatal("never whole")
		}
	}
}

func TestQueryRefused(t *testing.T) {
	srv, b := queried(t, prices)
	before := len(srv.Requests())
	for name, c := range map[string]struct {
		expression string
		o          *blockblob.QueryOptions
	}{
		"empty":            {" ", nil},
		"long":             {strings.Repeat("x", 256<<10+1), nil},
		"arrow input":      {"SELECT", &blockblob.QueryOptions{Input: blockblob.QueryArrow{}}},
		"arrow no fields":  {"SELECT", &blockblob.QueryOptions{Output: blockblob.QueryArrow{}}},
		"parquet output":   {"SELECT", &blockblob.QueryOptions{Output: blockblob.QueryParquet{}}},
		"separator":        {"SELECT", &blockblob.QueryOptions{Input: blockblob.QueryCSV{ColumnSeparator: "||"}}},
		"record separator": {"SELECT", &blockblob.QueryOptions{Input: blockblob.QueryJSON{RecordSeparator: "\r\n\n"}}},
	} {
		if _, err := b.Query(t.Context(), c.expression, c.o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := blockblob.New(b.WithVersion("2026-01-02T03:04:05.0000000Z")).Query(t.Context(), "SELECT", nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("version: %v", err)
	}
	if n := len(srv.Requests()) - before; n > 0 {
		t.Errorf("%d requests were sent", n)
	}
	if _, err := b.Query(t.Context(), "SELECT x", nil); !errors.Is(err, azureblob.InvalidInput) {
		t.Errorf("expression: %v", err)
	}
	if _, err := blockblob.New(nil).Query(t.Context(), "SELECT x", nil); err == nil {
		t.Error("a client of nothing sent a query")
	}
	if _, err := b.Query(t.Context(), "SELECT * FROM BlobStorage", &blockblob.QueryOptions{Conditions: azureblob.Conditions{IfMatch: `"other"`}}); !errors.Is(err, azureblob.ConditionNotMet) {
		t.Errorf("condition: %v", err)
	}
}

func ExampleClient_Query() {
	srv := blobtest.NewServer(nil)
	defer srv.Close()
	ctx, photos := context.Background(), srv.ServiceClient().Container("photos")
	if _, err := photos.Create(ctx, nil); err != nil {
		fmt.Println(err)
	}
	sizes := photos.Blob("sizes.csv")
	if _, err := sizes.Upload(ctx, strings.NewReader("name,size\ncat.jpg,200\ndog.jpg,50\n"), nil); err != nil {
		fmt.Println(err)
	}

	r, err := blockblob.New(sizes).Query(ctx, "SELECT name FROM BlobStorage WHERE size > 100", &blockblob.QueryOptions{
		Input:  blockblob.QueryCSV{Headers: true},
		Output: blockblob.QueryJSON{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	result, err := io.ReadAll(r)
	fmt.Print(string(result), err)
	// Output:
	// {"name":"cat.jpg"}
	// <nil>
}
