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

// ProxyOptions are the settings of a [Proxy]. The zero value is the default, and
// so is a nil pointer.
type ProxyOptions struct {
	// HTTPS makes URL that of an https server, with a certificate that only
	// [Proxy.Client] trusts. Clients send tokens over https alone.
	HTTPS bool

	// Transport sends requests on to the service. Default one that trusts the
	// certificates that the system does.
	Transport http.RoundTripper
}

// Proxy stands in front of a Blob service that runs elsewhere, such as an
// emulator, with the faults and the list of requests of a [Server]. Requests
// pass as they are, so their signatures hold.
type Proxy struct {
	front
	path string
	own  *http.Transport // to the service; nil if the caller gave one
}

// NewProxy starts a proxy for a test. It is given the endpoint of the service,
// such as http://127.0.0.1:10000/devstoreaccount1; the proxy is closed with the
// test. At most one ProxyOptions may be given.
func NewProxy(t testing.TB, service string, o ...*ProxyOptions) *Proxy {
	t.Helper()
	options := ProxyOptions{}
	switch {
	case len(o) > 1:
		t.Fatal("blobtest: more than one ProxyOptions")
	case len(o) == 1 && o[0] != nil:
		options = *o[0]
	}
	u, err := url.Parse(service)
	if err != nil || u.Host == "" {
		t.Fatalf("blobtest: %q is no URL of a service", service)
	}
	p := &Proxy{path: strings.TrimSuffix(u.Path, "/")}
	p.https = options.HTTPS
	if options.Transport == nil {
		p.own = http.DefaultTransport.(*http.Transport).Clone()
		p.own.Proxy, p.own.DisableCompression = nil, true
		options.Transport = p.own
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = u.Scheme, u.Host, u.Host
			// A query that Go would not write so is passed on all the same.
			r.Out.URL.RawQuery = r.In.URL.RawQuery
		},
		Transport:     options.Transport,
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
	if p.own != nil {
		p.own.CloseIdleConnections()
	}
}
