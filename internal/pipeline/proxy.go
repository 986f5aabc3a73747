package pipeline

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Through changes the way that a client of [NewTransport] takes to the service:
// its proxy, as [http.Transport] has it, and what TLS connections are made with.
// What is nil stays as it is.
func Through(client *http.Client, proxy func(*http.Request) (*url.URL, error), config *tls.Config) {
	t := client.Transport.(*http.Transport)
	if proxy != nil {
		t.Proxy = safeProxy(proxy)
	}
	if config != nil {
		t.TLSClientConfig = config.Clone()
		// There is no HTTP/2 on this transport, so it must not be offered.
		t.TLSClientConfig.NextProtos = nil
	}
}

// safeProxy asks a function for the proxy, which sees where the request goes and
// nothing of its query and headers.
func safeProxy(find func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		target := *r.URL
		target.RawQuery = ""
		u, err := find((&http.Request{Method: r.Method, URL: &target, Host: r.Host, Header: http.Header{}}).WithContext(r.Context()))
		if err != nil {
			return nil, &noProxy{err}
		}
		return checkedProxy(u)
	}
}

// noProxy is the error of a function that finds no proxy. What it says may quote a URL
// with a password that is no URL, so that no password can be told in it.
type noProxy struct{ err error }

func (e *noProxy) Error() string {
	return fmt.Sprintf("finding the proxy failed with an error of type %T", e.err)
}

// Is looks for target in the error of the function.
func (e *noProxy) Is(target error) bool { return errors.Is(e.err, target) }

// Format prints the same in every way.
func (e *noProxy) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, e.Error()) }

// checkedProxy refuses what net/http would take for an HTTP proxy.
func checkedProxy(u *url.URL) (*url.URL, error) {
	if u == nil {
		return nil, nil
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, permanent(errors.New("the URL of the proxy does not begin with http, https, socks5 or socks5h"))
	}
	if u.Hostname() == "" {
		return nil, permanent(errors.New("the URL of the proxy has no host"))
	}
	return u, nil
}

// proxyRefusal is the error of a proxy that makes no connection to the service.
// Nothing of the request was sent.
type proxyRefusal struct {
	proxy, target, status string
}

func (e *proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy %s makes no connection to %s: %s", e.proxy, e.target, e.status)
}

// connectedByProxy looks at how a proxy answered CONNECT. Only the troubles of
// the proxy itself are worth another try.
func connectedByProxy(_ context.Context, proxy *url.URL, connect *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	err := &proxyRefusal{proxy.Host, connect.URL.Host, Redact(resp.Status)}
	if connect.URL.Host == "" {
		err.target = connect.Host
	}
	if resp.StatusCode < 500 && !Passing(resp.StatusCode) {
		return permanent(err)
	}
	return err
}
