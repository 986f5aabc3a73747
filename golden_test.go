package azureblob_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden wire files anew")

// volatile is what is different in every request.
var volatile = []struct {
	form *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`(?mi)^(x-ms-date|date): .*$`), "$1: DATE"},
	{regexp.MustCompile(`(?m)(SharedKey [a-z]+:)\S+`), "${1}SIGNATURE"},
	{regexp.MustCompile(`([?&](?:sig|st|se|skt|ske)=)[^&\s]+`), "${1}VOLATILE"},
	{regexp.MustCompile(`blockid=[A-Za-z0-9+/%]{24,}`), "blockid=ID"},
	{regexp.MustCompile(`<Latest>[A-Za-z0-9+/]{24}</Latest>`), "<Latest>ID</Latest>"},
	{regexp.MustCompile(`(?m)^(x-ms-content-crc64: ).*$`), "${1}CRC64"},
	{regexp.MustCompile(`(?m)^(user-agent: azureblob/).*$`), "${1}VERSION"},
}

// TestGolden compares the requests of all exercises, byte by byte, with those in
// testdata/wire, a file an operation. What is new or meant to be different is
// written with
//
//	go test -run TestGolden -update .
func TestGolden(t *testing.T) {
	p := loadProtocol(t)
	texts := map[string][]string{}
	for _, e := range exercises {
		mock := &protocolTransport{t: t, protocol: p}
		if _, err := e.run(t.Context(), mock.subjects()[0]); err != nil {
			t.Errorf("%s: %v", e.method, err)
		}
		for i := range mock.requests {
			r := &mock.requests[i]
			if r.op.ID == e.operation {
				// Several of one kind, as of a transfer, look alike, or are in no order.
				if text := "# " + e.method + "\n" + r.text(); !slices.Contains(texts[r.op.ID], text) {
					texts[r.op.ID] = append(texts[r.op.ID], text)
				}
			}
		}
	}
	known := map[string]bool{}
	for id, of := range texts {
		slices.Sort(of)
		got := strings.Join(of, "\n")
		name := filepath.Join("testdata", "wire", id+".txt")
		known[name] = true
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		} else if string(want) != got {
			t.Errorf("%s is not what is sent now:\n%s", name, difference(string(want), got))
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "wire", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !known[name] {
			t.Errorf("%s is of no operation that is sent", name)
		}
	}
}

// text is a request as it goes over the wire, but for what is volatile.
func (r *protocolRequest) text() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", r.method, r.url.RequestURI())
	names := make([]string, 0, len(r.header))
	for name, values := range r.header {
		if len(values) > 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", strings.ToLower(name), strings.Join(r.header[name], ","))
	}
	if len(r.body) > 0 {
		if utf8.Valid(r.body) && !bytes.ContainsRune(r.body, 0) {
			fmt.Fprintf(&b, "\n%s\n", bytes.ReplaceAll(r.body, []byte("\r"), nil))
		} else {
			fmt.Fprintf(&b, "\n%x\n", r.body[:min(len(r.body), 256)])
		}
	}
	text := b.String()
	for _, v := range volatile {
		text = v.form.ReplaceAllString(text, v.with)
	}
	return text
}

// difference is the first line that differs.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			return fmt.Sprintf("line %d: %q, it was %q", i+1, g[i], append(w[min(i, len(w)):], "")[0])
		}
	}
	return fmt.Sprintf("%d lines, it was %d", len(g), len(w))
}
