// Package conformance holds one suite of tests that blobtest and the real
// Azurite emulator have to pass with the same expectations, so that blobtest
// cannot drift from what a Blob service does. Requests are made by hand, below
// the clients, so that the suite can ask for what no client would.
//
// A difference between the two is settled by the published protocol. What
// Azurite lacks or does otherwise is on the list in lacks_test.go, with the reason,
// and is skipped there. With the flag -everything it is asked for that as well, so
// that a new release of it shows what has to stay on the list.
package conformance

import (
	"crypto/rand"
	"crypto/tls"
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
	signature string // a shared access signature that every request brings

	account, key string
	options      azureblob.ClientOptions
	endpoint     string               // of the account
	token        azureblob.Credential // nil if the service takes none
}

// each runs a test on both services: over http, and with the account in the
// path. Options are for blobtest, where a test is about what Azurite lacks.
func each(t *testing.T, test func(s *service), o ...*blobtest.Options) {
	t.Helper()
	t.Run("blobtest", func(t *testing.T) {
		server := blobtest.New(t, o...)
		s := &service{T: t, account: server.Account(), key: server.Key(), endpoint: "http://127.0.0.1/" + server.Account()}
		s.options.Transport = server.Transport()
		s.run(test)
	})
	t.Run("azurite", func(t *testing.T) {
		server := azurite.Shared(t)
		s := &service{T: t, azurite: true, account: server.Account(), key: server.Key(), endpoint: server.URL()}
		s.run(test)
	})
}

// eachSecure is each over https, where services take tokens too. The account is
// in the host of blobtest, as it is in that of the real service.
func eachSecure(t *testing.T, test func(s *service), o ...*blobtest.Options) {
	t.Helper()
	t.Run("blobtest", func(t *testing.T) {
		server := blobtest.New(t, o...)
		s := &service{T: t, account: server.Account(), key: server.Key(), endpoint: server.Endpoint(), token: azureblob.TokenCredential(new(azurite.Server).Token())}
		s.options.Transport = server.Transport()
		s.run(test)
	})
	t.Run("azurite", func(t *testing.T) {
		server := azurite.SharedHTTPS(t)
		s := &service{T: t, azurite: true, account: server.Account(), key: server.Key(), endpoint: server.URL(), token: azureblob.TokenCredential(server.Token())}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{RootCAs: server.CertPool()}
		t.Cleanup(transport.CloseIdleConnections)
		s.options.Transport = &http.Client{Transport: transport}
		s.run(test)
	})
}

// run makes the container and runs the test.
func (s *service) run(test func(*service)) {
	s.Helper()
	s.options.Retry.Total = -1
	s.container = "c-" + strings.ToLower(rand.Text())
	shared := s.owner()
	shared.do("PUT", s.container, "restype=container", nil, "").want(201, "")
	test(shared)
}

// at is the service at another endpoint or with another credential; nil for none.
func (s *service) at(endpoint string, credential azureblob.Credential) *service {
	s.Helper()
	client, err := azureblob.NewServiceClient(endpoint, credential, &s.options)
	if err != nil {
		s.Fatal(err)
	}
	other := *s
	other.client, other.endpoint, other.signature = client, endpoint, ""
	return &other
}

// owner is the service as who has the key of the account sees it, anonymous as
// anybody does, bearer as who has a token, and signed as who has a shared access
// signature and nothing else.
func (s *service) owner() *service {
	s.Helper()
	key, err := azureblob.NewSharedKeyCredential(s.account, s.key)
	if err != nil {
		s.Fatal(err)
	}
	return s.at(s.endpoint, key)
}

func (s *service) anonymous() *service { return s.at(s.endpoint, nil) }

func (s *service) bearer() *service { return s.at(s.endpoint, s.token) }

func (s *service) signed(signature string) *service {
	s.Helper()
	return s.anonymous().with(signature)
}

// with is the service as it is for requests that bring a signature as well.
func (s *service) with(signature string) *service {
	other := *s
	other.signature = signature
	return &other
}

// secondary is the secondary of the service, for the owner.
func (s *service) secondary() *service {
	s.Helper()
	other := *s
	if host, path, ok := strings.Cut(s.endpoint, ".blob."); ok {
		other.endpoint = host + "-secondary.blob." + path
	} else {
		other.endpoint += "-secondary"
	}
	return other.owner()
}

// url is the URL of a resource, for copies.
func (s *service) url(path string) string { return s.endpoint + "/" + path }

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
	url := s.endpoint + "/" + path
	if all := strings.Trim(query+"&"+s.signature, "&"); all != "" {
		url += "?" + all
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
	req.SetOperationValue(&pipeline.Call{Body: wire.Bytes(body)})
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
	// Azurite leaves each of them out of some answers.
	if !a.s.azurite && (a.header.Get("x-ms-request-id") == "" || a.header.Get("x-ms-version") == "" || a.header.Get("Date") == "") {
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

// between is what stands between two texts; "" if it does not.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}
