package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/examples/internal/exampletest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(azurite.M{M: m}))
}

const want = `the hook of the call sees PUT
Get Blob Properties of dog.txt: 404 BlobNotFound, request id true
DELETE 202 1 times
GET 206    1 times
HEAD 404   1 times
PUT 201    2 times
5 requests, of which 0 were repetitions; 4 bytes sent
`

func TestObserve(t *testing.T) {
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		if got := exampletest.Output(t, account, run); got != want {
			t.Errorf("it printed\n%s", got)
		}
		lines := regexp.MustCompile(`(?m)^level=DEBUG msg="azureblob: request" method=.*\n`)
		got := exampletest.Output(t, account, run, "-debug")
		if n := len(lines.FindAllString(got, -1)); n != 5 || lines.ReplaceAllString(got, "") != want {
			t.Errorf("%d lines were logged, and it printed\n%s", n, got)
		}
		if !strings.Contains(got, "client_request_id=nightly-17 ") {
			t.Error("the log does not know the nightly run")
		}
	})
}

// TestObserveTrouble has the service refuse the upload twice.
func TestObserveTrouble(t *testing.T) {
	server := blobtest.New(t)
	server.Inject(blobtest.Fault{Operation: "Put Blob", Code: "ServerBusy", Times: 2})
	got := exampletest.Output(t, connect.Local(server), run)
	if n := strings.Count(got, "level=WARN "); n != 2 {
		t.Errorf("%d warnings", n)
	}
	if end := "\nPUT 201    2 times\nPUT 503    2 times\n7 requests, of which 2 were repetitions; 12 bytes sent\n"; !strings.HasSuffix(got, end) {
		t.Errorf("it printed\n%s", got)
	}
}

// TestObserveProxy sends everything by way of a proxy.
func TestObserveProxy(t *testing.T) {
	var passed atomic.Int64
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.Host = r.In.Host
		passed.Add(1)
	}, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	proxy := httptest.NewServer(pass)
	defer proxy.Close()
	got := exampletest.Output(t, exampletest.OnBlobtest(t, nil), run, "-proxy", proxy.URL)
	if got != want {
		t.Errorf("it printed\n%s", got)
	}
	if n := passed.Load(); n != 5 {
		t.Errorf("the proxy has seen %d requests", n)
	}
}
