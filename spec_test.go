package azureblob_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// The published protocol, as far as the tests need it.
type protocol struct {
	Operations []protocolOperation
	Schemas    []protocolSchema
	Enums      []struct {
		Name   string
		Values []struct{ Value string }
	}
	ErrorCodes            []struct{ Code, Note string }
	CommonRequestHeaders  []protocolItem
	CommonResponseHeaders []protocolItem
}

type protocolOperation struct {
	ID, Doc, Method, Path string
	FixedQuery            []struct{ Name, Value string }
	Query                 []protocolItem
	RequestHeaders        []protocolItem
	ResponseHeaders       []protocolItem
	RequestBody           struct{ Kind string }
	ResponseBody          struct{ Kind, Schema, Root string }
	Success               []int
}

type protocolItem struct {
	Name, Type, Enum, Prefix string
	Value                    any
}

type protocolSchema struct {
	Name, Root string
	Attributes []protocolItem
	Elements   []struct {
		Name, Type, Ref, Item string
		Repeated, Wrapped     bool
		Attributes            []protocolItem
	}
}

func loadProtocol(t testing.TB) *protocol {
	t.Helper()
	data, err := os.ReadFile("testdata/protocol.json")
	if err != nil {
		t.Fatal(err)
	}
	var p protocol
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

// exception is something of the protocol that the module leaves out on purpose.
type exception struct {
	operations string // their IDs; empty for all
	names      string // of headers or elements; empty for all of an operation
	why        string
}

var (
	leftOut = exceptions{
		{"Container_ListBlobFlatSegmentApacheArrow Container_ListBlobHierarchySegmentApacheArrow", "", "the same listings in a form that needs a large dependency, and that is decoded more slowly than XML is here"},
	}
	notSent = exceptions{
		{"", "Accept", "the service answers in the wanted form without it"},
		{"", "x-ms-range-get-content-md5 x-ms-range-get-content-crc64", "structured messages check ranges of any length"},
	}
	notTaken = exceptions{
		{"", "Accept-Ranges", "always bytes"},
		{"", "Content-Range", "checked by downloads and not returned"},
		{"", "x-ms-structured-body x-ms-structured-content-length", "checked by the wire layer and not returned"},
		{"BlockBlob_CommitBlockList", "Content-MD5 x-ms-content-crc64", "of the block list, which would be taken for those of the blob"},
		{"Blob_Download BlockBlob_Query", "Content-MD5 x-ms-content-crc64", "they come only to requests with x-ms-range-get-content-md5 or -crc64"},
		{"Service_GetUserDelegationKey", "Value", "a secret: it goes into the UserDelegationKey, where nothing shows it"},
	}
)

type exceptions []exception

// find returns the exception for something of an operation, or nil.
func (all exceptions) find(id, name string) *exception {
	for i, e := range all {
		if (e.operations == "" || slices.Contains(strings.Fields(e.operations), id)) && (name == e.names || slices.Contains(strings.Fields(e.names), name)) {
			return &all[i]
		}
	}
	return nil
}

// TestOperationTable compares the rows of the table with the protocol.
func TestOperationTable(t *testing.T) {
	p := loadProtocol(t)
	rows := map[string]*wire.Operation{}
	for _, op := range rest.Operations() {
		if rows[op.ID] != nil {
			t.Errorf("%s is in the table twice", op.ID)
		}
		rows[op.ID] = op
	}
	levels := map[string]wire.Resource{"account": wire.Account, "container": wire.Container, "container+blob": wire.Blob}
	for _, want := range p.Operations {
		op := rows[want.ID]
		if op == nil {
			t.Errorf("%s is not in the table", want.ID)
			continue
		}
		delete(rows, want.ID)
		var query []string
		for _, q := range want.FixedQuery {
			query = append(query, q.Name+"="+q.Value)
		}
		if op.Method != want.Method || op.On != levels[want.Path] || op.Query != strings.Join(query, "&") || !slices.Equal(op.OK, want.Success) {
			t.Errorf("%s: %s on %d, ?%s, %v differs from %s on %s, ?%s, %v", want.ID, op.Method, op.On, op.Query, op.OK,
				want.Method, want.Path, strings.Join(query, "&"), want.Success)
		}
		if op.Name != want.Doc && want.Doc[0] != '(' {
			t.Errorf("%s is called %s and not %s", want.ID, op.Name, want.Doc)
		}
		answer := map[string]wire.Answer{"none": wire.Empty, "xml": wire.XML}[want.ResponseBody.Kind]
		if want.ResponseBody.Kind != "none" && want.ResponseBody.Kind != "xml" {
			answer = wire.Stream
		}
		if op.Answer != answer {
			t.Errorf("%s: answer %d and not %d (%s)", want.ID, op.Answer, answer, want.ResponseBody.Kind)
		}
		compareFixedHeaders(t, op, want)
		compareScope(t, op, want)
	}
	for id := range rows {
		t.Errorf("%s is not in the protocol", id)
	}
}

func compareFixedHeaders(t *testing.T, op *wire.Operation, want protocolOperation) {
	have := map[string]string{}
	for i := 0; i+1 < len(op.Header); i += 2 {
		have[op.Header[i]] = op.Header[i+1]
	}
	for _, h := range want.RequestHeaders {
		if h.Type != "const" || h.Name == "x-ms-version" || h.Name == "Content-Length" {
			continue
		}
		if have[h.Name] != fmt.Sprint(h.Value) && h.Name != "Accept" {
			t.Errorf("%s: %s is %q and not %v", op.ID, h.Name, have[h.Name], h.Value)
		}
		delete(have, h.Name)
	}
	delete(have, "Accept-Encoding") // of the transport, not of the protocol
	for name := range have {
		t.Errorf("%s: the fixed header %s is not in the protocol", op.ID, name)
	}
}

func compareScope(t *testing.T, op *wire.Operation, want protocolOperation) {
	for _, s := range []struct {
		bit  wire.Scope
		list []protocolItem
		name string
	}{
		{wire.Snapshot, want.Query, "snapshot"}, {wire.Version, want.Query, "versionid"},
		{wire.CustomerKey, want.RequestHeaders, "x-ms-encryption-key"}, {wire.EncryptionScope, want.RequestHeaders, "x-ms-encryption-scope"},
	} {
		if takes := slices.ContainsFunc(s.list, func(i protocolItem) bool { return i.Name == s.name }); takes != (op.Scope&s.bit != 0) {
			t.Errorf("%s: takes %s: %v in the protocol, %v in the table", op.ID, s.name, takes, !takes)
		}
	}
}

// TestProtocol calls every method that makes a REST call, with every field of
// its options filled, against a transport that answers with every header and
// element of the protocol, and compares what was sent and what landed in the
// results with the protocol. What differs has to be among the exceptions, and
// every exception has to be for something.
func TestProtocol(t *testing.T) {
	c := comparison{protocol: loadProtocol(t), used: map[*exception]bool{}, explained: map[string]bool{}}
	wrapped, left := 0, 0
	var missing []string
	for _, want := range c.protocol.Operations {
		var of []exercised
		for _, e := range exercises {
			if e.operation == want.ID {
				of = append(of, e)
			}
		}
		switch {
		case len(of) > 0:
			wrapped++
			t.Run(want.ID, func(t *testing.T) { c.compare(t, want, of) })
		case c.excused(leftOut, want.ID, ""):
			left++
		default:
			missing = append(missing, want.ID)
			t.Errorf("%s has no method", want.ID)
		}
	}
	lines := 0
	for _, all := range []exceptions{leftOut, notSent, notTaken} {
		for i := range all {
			if lines++; !c.used[&all[i]] {
				t.Errorf("nothing is left out because of this exception: %+v", all[i])
			}
		}
	}
	t.Logf("%d of %d operations have a method, %d are left out, %d are missing", wrapped, len(c.protocol.Operations), left, len(missing))
	t.Logf("%d headers and elements do not come or go because of %d exceptions, %d are unexplained", len(c.explained), lines, c.unexplained)
}

// comparison holds the module against the protocol.
type comparison struct {
	protocol    *protocol
	used        map[*exception]bool
	explained   map[string]bool // what exceptions are for, by operation and name
	unexplained int
}

// excused reports whether something is left out on purpose.
func (c *comparison) excused(all exceptions, id, name string) bool {
	e := all.find(id, name)
	if e == nil {
		return false
	}
	c.used[e] = true
	return true
}

// differs takes note of something that is not as in the protocol.
func (c *comparison) differs(t *testing.T, all exceptions, id, name, format string, args ...any) {
	t.Helper()
	if c.excused(all, id, name) {
		c.explained[id+" "+name] = true
		return
	}
	c.unexplained++
	t.Errorf(format, args...)
}

// compare runs the exercises of one operation. Together they send all that can
// be sent; the result of each has all that comes back.
func (c *comparison) compare(t *testing.T, want protocolOperation, of []exercised) {
	sent := map[string]bool{} // names in lower case
	query := map[string]bool{}
	for _, e := range of {
		mock := &protocolTransport{t: t, protocol: c.protocol}
		for _, s := range mock.subjects() {
			result, err := e.run(t.Context(), s)
			if err != nil {
				t.Fatalf("%s: %v", e.method, err)
			}
			c.compareTaken(t, want, mock, result)
		}
		found := false
		for _, r := range mock.requests {
			if r.op.ID != want.ID {
				continue
			}
			found = true
			for name, values := range r.header {
				sent[strings.ToLower(name)] = len(values) > 0
			}
			for name := range r.query {
				query[name] = true
			}
		}
		if !found {
			t.Errorf("%s never sent a %s", e.method, want.ID)
		}
	}
	c.compareSent(t, want, sent, query)
}

func (c *comparison) compareSent(t *testing.T, want protocolOperation, sent, query map[string]bool) {
	known := map[string]bool{"x-ms-date": true, "authorization": true, "user-agent": true, "accept-encoding": true, "x-extra": true, "content-type": true}
	for _, h := range want.RequestHeaders {
		name := strings.ToLower(h.Name)
		if name == "range" {
			name = "x-ms-range" // the service takes either
		}
		known[name] = true
		if h.Prefix != "" {
			name = "x-ms-meta-key"
			known[name] = true
		}
		// Of a body that the module makes it sends one of the two sums, and there is
		// none of no body.
		sum := name == "content-md5" && (sent["x-ms-content-crc64"] || want.RequestBody.Kind == "none")
		if !sent[name] && name != "content-length" && !sum {
			c.differs(t, notSent, want.ID, h.Name, "the request header %s cannot be sent", h.Name)
		}
	}
	for name := range sent {
		if sent[name] && !known[name] {
			c.differs(t, nil, want.ID, name, "the request header %s is not in the protocol", name)
		}
	}
	names := map[string]bool{}
	for _, q := range want.FixedQuery {
		names[q.Name] = true
	}
	for _, q := range want.Query {
		names[q.Name] = true
		if !query[q.Name] {
			c.differs(t, notSent, want.ID, q.Name, "the query parameter %s cannot be sent", q.Name)
		}
	}
	for name := range query {
		if !names[name] {
			c.differs(t, nil, want.ID, name, "the query parameter %s is not in the protocol", name)
		}
	}
}

func (c *comparison) compareTaken(t *testing.T, want protocolOperation, mock *protocolTransport, result any) {
	if result == nil {
		return // a leg of a transfer, whose answer is not returned
	}
	rt := reflect.TypeOf(result)
	_, _, names := wire.Plan(rt)
	leaves := map[string]bool{}
	collect(reflect.ValueOf(result), leaves)
	for _, h := range want.ResponseHeaders {
		name := h.Name
		if h.Prefix != "" {
			name = h.Prefix
		}
		if h.Name == "Content-Type" && want.ResponseBody.Kind != "bytes" && want.ID != "Blob_GetProperties" {
			continue // not that of a blob, but of what the operation always answers with
		}
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			c.differs(t, notTaken, want.ID, h.Name, "the response header %s lands in no field of %s", h.Name, rt)
			continue
		}
		if value := mock.value(h); h.Type != "bool" && h.Name != "Content-Length" && h.Name != "Date" && !leaves[value] {
			c.differs(t, notTaken, want.ID, h.Name, "the response header %s with the value %s did not land in %s", h.Name, value, rt)
		}
	}
	if want.ResponseBody.Kind != "xml" {
		return
	}
	elements := xmlplan.Elements(rt)
	for _, path := range c.protocol.paths(want.ResponseBody.Schema, "") {
		if !slices.Contains(elements, path) {
			c.differs(t, notTaken, want.ID, path, "the element %s lands in no field of %s", path, rt)
		}
	}
}

// TestErrorCodes compares the list of error codes with the protocol.
func TestErrorCodes(t *testing.T) {
	source, err := os.ReadFile("errorcode.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range loadProtocol(t).ErrorCodes {
		emulatorOnly := strings.HasPrefix(c.Note, "emulator only")
		if strings.Contains(string(source), fmt.Sprintf("ErrorCode = %q", c.Code)) == emulatorOnly {
			t.Errorf("%s: in the list %v, only of the emulator %v", c.Code, !emulatorOnly, emulatorOnly)
		}
	}
}
