package azureblob

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// stub is a service of one blob, as a transport without sockets, so that tests
// can run on virtual time. It is as simple as the tests of transfers allow; the
// real protocol is tested on the emulator.
type stub struct {
	mu       sync.Mutex
	content  []byte
	etag     string
	blocks   map[string][]byte
	requests []*http.Request

	// before sees each request, by the number of its kind from 1. It can answer
	// in place of the stub, and wait.
	before func(n int, kind string, req *http.Request) (*http.Response, error)
	// after can change an answer.
	after func(n int, kind string, resp *http.Response)
	count map[string]int
}

func newStub(content []byte) *stub {
	return &stub{content: content, etag: `"1"`, blocks: map[string][]byte{}, count: map[string]int{}}
}

func (s *stub) blob(t testing.TB) *BlobClient {
	return s.service(t, nil).Container("photos").Blob("cat.jpg")
}

func (s *stub) service(t testing.TB, o *ClientOptions) *ServiceClient {
	t.Helper()
	if o == nil {
		o = CapturingOptions()
	}
	o.Transport = s
	service, err := NewServiceClient("https://account.blob.core.windows.net", testSharedKey(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func kindOf(req *http.Request) string {
	switch comp := req.URL.Query().Get("comp"); {
	case req.Method == http.MethodGet:
		return "get"
	case req.Method == http.MethodHead:
		return "head"
	case comp == "block":
		return "block"
	case comp == "blocklist":
		return "commit"
	default:
		return "put"
	}
}

func (s *stub) Do(req *http.Request) (*http.Response, error) {
	kind := kindOf(req)
	s.mu.Lock()
	s.count[kind]++
	n := s.count[kind]
	s.requests = append(s.requests, req)
	s.mu.Unlock()
	closeIt := func() {
		if req.Body != nil {
			_ = req.Body.Close()
		}
	}
	if s.before != nil {
		if resp, err := s.before(n, kind, req); resp != nil || err != nil {
			closeIt()
			return resp, err
		}
	}
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(&contextReader{req.Context(), req.Body})
		closeIt()
		if err != nil {
			return nil, err
		}
	}
	resp := s.answer(kind, req, body)
	if s.after != nil {
		s.after(n, kind, resp)
	}
	return resp, nil
}

func (s *stub) answer(kind string, req *http.Request, body []byte) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	match := req.Header.Get("If-Match")
	switch kind {
	case "head":
		if match != "" && match != s.etag {
			return failure(req, 412, "ConditionNotMet")
		}
		return answerOf(req, 200, http.Header{"Etag": {s.etag}, "Content-Length": {fmt.Sprint(len(s.content))}}, nil)
	case "block":
		s.blocks[req.URL.Query().Get("blockid")] = body
		return answerOf(req, 201, nil, nil)
	case "put", "commit":
		if req.Header.Get("If-None-Match") == "*" && s.content != nil {
			return failure(req, 409, "BlobAlreadyExists")
		}
		if kind == "commit" {
			var all []byte
			for _, id := range strings.Split(string(body), "<Latest>")[1:] {
				id, _, _ = strings.Cut(id, "<")
				all = append(all, s.blocks[id]...)
			}
			body = all
		}
		s.content = append([]byte{}, body...)
		s.etag += "x"
		return answerOf(req, 201, http.Header{"Etag": {s.etag}}, nil)
	}
	if match != "" && match != s.etag {
		return failure(req, 412, "ConditionNotMet")
	}
	var first, last int
	if _, err := fmt.Sscanf(req.Header.Get("x-ms-range"), "bytes=%d-%d", &first, &last); err != nil {
		return answerOf(req, 200, http.Header{"Etag": {s.etag}}, s.content)
	}
	if first >= len(s.content) {
		return failure(req, 416, "InvalidRange")
	}
	last = min(last, len(s.content)-1)
	h := http.Header{"Etag": {s.etag}, "Content-Range": {fmt.Sprintf("bytes %d-%d/%d", first, last, len(s.content))}}
	return answerOf(req, 206, h, s.content[first:last+1])
}

func answerOf(req *http.Request, status int, h http.Header, body []byte) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	h.Set("x-ms-request-id", "request-of-the-stub")
	return &http.Response{
		StatusCode: status, Header: h, Request: req, ContentLength: int64(len(body)),
		Body: io.NopCloser(&contextReader{req.Context(), bytes.NewReader(body)}),
	}
}

func failure(req *http.Request, status int, code string) *http.Response {
	return answerOf(req, status, http.Header{"X-Ms-Error-Code": {code}},
		[]byte("<Error><Code>"+code+"</Code><Message>It did not work.\nRequestId:1\nTime:2</Message></Error>"))
}

// contextReader ends with its context, as bodies of net/http do.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// broken is a body that breaks off after n bytes.
func broken(body io.ReadCloser, n int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(body, n), errorReader{errors.New("connection reset")}), body}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// pattern is content in which every place looks different.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13 + i>>16*29)
	}
	return b
}

func testSharedKey(t testing.TB) *SharedKeyCredential {
	c, err := NewSharedKeyCredential("account", base64.StdEncoding.EncodeToString([]byte("a key for tests")))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type onlyReader struct{ io.Reader }
