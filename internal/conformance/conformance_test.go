// Package conformance holds one suite of tests that blobtest and the real
// Azurite emulator have to pass with the same expectations, so that blobtest
// cannot drift from what a Blob service does. Requests are made by hand, below
// the clients, so that the suite can ask for what no client would.
//
// A difference between the two is settled by the published protocol. What
// Azurite lacks or does otherwise is on the list in lacks.go, with the reason,
// and is skipped there.
package conformance

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/wire"
)

// service is a Blob service under test, and a container of its own for the test.
type service struct {
	*testing.T
	azurite   bool
	client    *azureblob.ServiceClient
	container string
}

// each runs a test on both services.
func each(t *testing.T, test func(s *service)) {
	t.Helper()
	t.Run("blobtest", func(t *testing.T) {
		server := blobtest.New(t)
		s := &service{T: t, client: server.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})}
		s.start(test)
	})
	t.Run("azurite", func(t *testing.T) {
		server := azurite.Shared(t)
		client, err := azureblob.NewServiceClientFromConnectionString(server.ConnectionString(), &azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})
		if err != nil {
			t.Fatal(err)
		}
		s := &service{T: t, azurite: true, client: client}
		s.start(test)
	})
}

func (s *service) start(test func(*service)) {
	s.container = "c-" + strings.ToLower(rand.Text())
	s.do("PUT", s.container, "restype=container", nil, "").want(201, "")
	test(s)
}

// lacking skips the rest of a test on Azurite, by an entry of the list.
func (s *service) lacking(what string) {
	s.Helper()
	if s.has(what) {
		return
	}
	s.Skipf("Azurite: %s: %s", what, lacks[what])
}

// has reports whether a service does what an entry of the list names, and says
// in the log what is left out if not.
func (s *service) has(what string) bool {
	s.Helper()
	reason, listed := lacks[what]
	if !listed {
		s.Fatalf("%q is not on the list of what Azurite lacks", what)
	}
	if s.azurite {
		s.Logf("left out on Azurite: %s: %s", what, reason)
	}
	return !s.azurite
}

// header is a request header by name.
type header map[string]string

// answer is what the service said.
type answer struct {
	s      *service
	what   string // the request, for messages
	status int
	code   string
	header http.Header
	body   string
}

// do sends a request. The path is escaped already, and begins with the container
// or is empty for the account.
func (s *service) do(method, path, query string, h header, body string) *answer {
	s.Helper()
	url := s.client.URL()
	if path != "" || !strings.HasSuffix(url, "/") {
		url += "/" + path
	}
	if query != "" {
		url += "?" + query
	}
	req, err := runtime.NewRequest(s.Context(), method, url)
	if err != nil {
		s.Fatal(err)
	}
	for name, value := range h {
		if strings.HasPrefix(name, "x-ms-meta-") {
			req.Raw().Header[name] = []string{value} // its case is kept
			continue
		}
		req.Raw().Header.Set(name, value)
	}
	req.SetOperationValue(pipeline.Call{Body: wire.Bytes(body)})
	runtime.SkipBodyDownload(req)
	resp, err := s.client.Pipeline().Do(req)
	if err != nil {
		s.Fatalf("%s %s?%s: %v", method, path, query, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.Fatalf("%s %s?%s: %v", method, path, query, err)
	}
	a := &answer{
		s: s, what: method + " " + path + "?" + query, status: resp.StatusCode, header: resp.Header, body: string(text),
		code: resp.Header.Get("x-ms-error-code"),
	}
	a.record(method, path, query, h)
	return a
}

// blob sends a request about a blob of the test's container.
func (s *service) blob(method, name, query string, h header, body string) *answer {
	s.Helper()
	return s.do(method, s.container+"/"+name, query, h, body)
}

// put makes a block blob.
func (s *service) put(name, content string, h header) *answer {
	s.Helper()
	all := header{"x-ms-blob-type": "BlockBlob"}
	for n, v := range h {
		all[n] = v
	}
	a := s.blob("PUT", name, "", all, content)
	a.want(201, "")
	return a
}

// want compares the status and the error code.
func (a *answer) want(status int, code string) *answer {
	a.s.Helper()
	if a.status != status || a.code != code {
		a.s.Errorf("%s: %d %s, want %d %s\n%.300s", a.what, a.status, a.code, status, code, a.body)
	}
	// Azurite leaves the version and the date out of errors and of some answers.
	if a.header.Get("x-ms-request-id") == "" || !a.s.azurite && (a.header.Get("x-ms-version") == "" || a.header.Get("Date") == "") {
		a.s.Errorf("%s: an answer without request id, version or date", a.what)
	}
	return a
}

// has compares headers; an empty value only has to be there.
func (a *answer) has(want header) *answer {
	a.s.Helper()
	for name, value := range want {
		got := a.header.Get(name)
		if got == "" || value != "" && got != value {
			a.s.Errorf("%s: %s is %q, want %q", a.what, name, got, value)
		}
	}
	return a
}

// without looks for headers that must not be there.
func (a *answer) without(names ...string) *answer {
	a.s.Helper()
	for _, name := range names {
		if got := a.header.Get(name); got != "" {
			a.s.Errorf("%s: %s is %q and should not be there", a.what, name, got)
		}
	}
	return a
}

// holds looks for texts in the body.
func (a *answer) holds(texts ...string) *answer {
	a.s.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.s.Errorf("%s: no %q in the body:\n%.1000s", a.what, text, a.body)
		}
	}
	return a
}

// holdsNot looks for texts that must not be in the body.
func (a *answer) holdsNot(texts ...string) *answer {
	a.s.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			a.s.Errorf("%s: %q is in the body:\n%.1000s", a.what, text, a.body)
		}
	}
	return a
}

// is compares the whole body.
func (a *answer) is(body string) *answer {
	a.s.Helper()
	if a.body != body {
		a.s.Errorf("%s: the body is %.200q, want %.200q", a.what, a.body, body)
	}
	return a
}
