package blobtest

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// Proxy stands in front of a Blob service that runs elsewhere, such as an
// emulator, with the faults and the list of requests of a [Server]. Requests
// pass as they are, so their signatures hold.
type Proxy struct {
	front
	path   string
	behind *http.Transport
}

// NewProxy starts a proxy for a test. It is given the endpoint of the service,
// such as http://127.0.0.1:10000/devstoreaccount1; the proxy is closed with the
// test.
func NewProxy(t testing.TB, service string) *Proxy {
	t.Helper()
	u, err := url.Parse(service)
	if err != nil || u.Host == "" {
		t.Fatalf("blobtest: %q is no URL of a service", service)
	}
	p := &Proxy{path: strings.TrimSuffix(u.Path, "/")}
	p.behind = http.DefaultTransport.(*http.Transport).Clone()
	p.behind.Proxy, p.behind.DisableCompression = nil, true
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = u.Scheme, u.Host, u.Host
			// A query that Go would not write so is passed on all the same.
			r.Out.URL.RawQuery = r.In.URL.RawQuery
		},
		Transport:     p.behind,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.serve = func(w http.ResponseWriter, r *http.Request, _ target) { forward.ServeHTTP(w, r) }
	t.Cleanup(p.Close)
	return p
}

// URL returns the endpoint of the service by way of the proxy.
func (p *Proxy) URL() string { return p.base() + p.path }

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.front.Close()
	p.behind.CloseIdleConnections()
}
