package blobtest

import (
	"strings"
	"testing"
)

type mapRow map[string]*string

func (r mapRow) column(name string) (*string, bool) {
	v, ok := r[name]
	return v, ok
}

func TestConditions(t *testing.T) {
	row := mapRow{"a": new("10"), "b": new("text"), "c": nil, "odd name": new("it's"), "x.y": new("deep")}
	for condition, want := range map[string]bool{
		"a = 10": true, "a = '10.0'": true, "a > 9": true, "a < 9": false, "a >= 10 AND a <= 10": true,
		"a <> 10": false, "a != 11": true, "b = 'text'": true, "b > 'tex'": true, "'text' = b": true,
		"b LIKE 't%'": true, "b LIKE '%x_'": true, "b LIKE 't'": false, "b LIKE '%%%t'": true, "b LIKE ''": false,
		"c IS NULL": true, "c IS NOT NULL": false, "c IS MISSING": false, "d IS MISSING": true, "d IS NULL": true,
		"c = 'x'": false, "d <> 'x'": false, "NOT a = 10": false, "NOT (a = 1 OR a = 2)": true,
		"a = 1 OR a = 10 AND b = 'text'": true, "(a = 1 OR a = 10) AND b = 'no'": false,
		`"odd name" = 'it''s'`: true, "[odd name] LIKE 'it%'": true, "t.x.y = 'deep'": true, "a > -1": true,
	} {
		q, err := parseSQL("SELECT * FROM BlobStorage t WHERE " + condition)
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			continue
		}
		if q.where(row) != want {
			t.Errorf("%s is not %v", condition, want)
		}
	}
}

func TestParseSQL(t *testing.T) {
	for expression, want := range map[string]string{
		"": "SELECT", "SELECT": "name of a column", "SELECT * FROM Other": "BlobStorage", "SELECT *": "FROM",
		"SELECT * FROM BlobStorage WHERE": "name of a column", "SELECT * FROM BlobStorage WHERE a": "comparison",
		"SELECT * FROM BlobStorage WHERE a = 'x": "closed", "SELECT * FROM BlobStorage LIMIT x": "number",
		"SELECT * FROM BlobStorage LIMIT 1 2": "too much", "SELECT * FROM BlobStorage WHERE (a = 1": ")",
		"SELECT a, FROM BlobStorage": "FROM", "SELECT COUNT(a) FROM BlobStorage": "*", "SELECT * FROM BlobStorage WHERE a IS 1": "NULL",
		"SELECT * FROM BlobStorage WHERE a LIKE b": "LIKE",
	} {
		if _, err := parseSQL(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", expression, err, want)
		}
	}
}

func FuzzParseSQL(f *testing.F) {
	f.Add("SELECT a, [b c], \"d\" FROM BlobStorage[*] AS x WHERE NOT (a = 'x''y' OR b LIKE '%_') AND c IS NOT MISSING LIMIT 3;")
	f.Add("SELECT COUNT(*) FROM BlobStorage WHERE a <> -1.5")
	row := mapRow{"a": new("1"), "b": nil}
	f.Fuzz(func(t *testing.T, expression string) {
		if q, err := parseSQL(expression); err == nil && q.where != nil {
			q.where(row)
		}
	})
}

func TestReadCSV(t *testing.T) {
	plain := queryFormat{}.csv()
	custom := csvFormat{column: ";", quote: "'", record: "\r\n", escape: `\`}
	for _, c := range []struct {
		format csvFormat
		text   string
		want   string
		n      int
	}{
		{plain, "a,b\nc", "a|b", 4},
		{plain, `"a,""b""",c` + "\n", `a,"b"|c`, 12},
		{plain, "\"two\nlines\",x\n", "two\nlines|x", 14},
		{plain, "a,", "a|", 2},
		{plain, "\n", "", 1},
		{custom, "a;'b;c'\r\nd", "a|b;c", 9},
		{custom, `a\;b;c`, "a;b|c", 6},
		{custom, "a\nb;c\r\n", "a\nb|c", 7},
	} {
		fields, n := c.format.readCSV([]byte(c.text))
		if got := strings.Join(fields, "|"); got != c.want || n != c.n {
			t.Errorf("%q: %q, %d", c.text, got, n)
		}
		again, _ := c.format.readCSV(c.format.appendCSV(nil, fields))
		if strings.Join(again, "|") != c.want && c.format.escape == "" {
			t.Errorf("%q: written and read again, %q", c.text, again)
		}
	}
}
