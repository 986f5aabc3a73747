package pipeline

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// TestHopeless: errors that will be the same the next time are not repeated, and
// errors of the connection are.
func TestHopeless(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		tries int
	}{
		"permanent":             {permanent(errors.New("no")), 1},
		"permanent, wrapped":    {fmt.Errorf("getting a token: %w", permanent(errors.New("no"))), 1},
		"canceled":              {context.Canceled, 1},
		"unknown authority":     {x509.UnknownAuthorityError{}, 1},
		"another host":          {x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, 1},
		"expired":               {x509.CertificateInvalidError{Reason: x509.Expired}, 1},
		"certificate":           {&tls.CertificateVerificationError{Err: errors.New("bad")}, 1},
		"no TLS":                {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, 1},
		"HTTP on HTTPS":         {http.ErrSchemeMismatch, 1},
		"scheme":                {errors.New(`unsupported protocol scheme "ftp"`), 1},
		"alert":                 {&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, 1},
		"alert that may pass":   {&net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}, 3},
		"reset":                 {errReset, 3},
		"dial":                  {errDial, 3},
		"proxy":                 {&net.OpError{Op: "proxyconnect", Err: errors.New("no")}, 3},
		"handshake timeout":     {lateHandshake{}, 3},
		"stalled":               {&stalled{noAnswer, time.Second}, 3},
		"end of a body":         {io.ErrUnexpectedEOF, 3},
		"end of the connection": {io.EOF, 3},
	} {
		s := &scripted{do: func(int, *http.Request) (*http.Response, error) { return nil, c.err }}
		_, err := do(t, New(Config{Transport: s, Retry: noWait(2)}), "GET", target, nil)
		if !errors.Is(err, c.err) || s.tries() != c.tries {
			t.Errorf("%s: %d tries, want %d: %v", name, s.tries(), c.tries, err)
		}
	}
}

type lateHandshake struct{}

func (lateHandshake) Error() string { return "net/http: TLS handshake timeout" }
func (lateHandshake) Timeout() bool { return true }

// TestHandshakeTimeoutIsNoTry: nothing was sent, so what must not be done twice is
// repeated.
func TestHandshakeTimeoutIsNoTry(t *testing.T) {
	// The text is that of net/http, which a listener that says nothing brings out.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := NewTransport(0, 20*time.Millisecond, nil)
	var reasons []Reason
	p := New(Config{Transport: client, Retry: noWait(2), Observe: func(e Event) { reasons = append(reasons, e.Reason) }})
	if _, err := do(t, p, "PUT", "https://"+silent.Addr().String()+"/c/b", &Call{}); err == nil || !strings.Contains(err.Error(), "handshake") {
		t.Error(err)
	}
	if fmt.Sprint(reasons) != "[connect connect connect]" {
		t.Errorf("reasons %v", reasons)
	}
}

// TestHopelessServers: servers that will not do, over sockets, are asked once.
func TestHopelessServers(t *testing.T) {
	for name, c := range map[string]struct {
		scheme string
		server func(*httptest.Server)
	}{
		"a certificate that nobody knows": {"https", func(s *httptest.Server) { s.StartTLS() }},
		"no TLS":                          {"https", func(s *httptest.Server) { s.Start() }},
		"TLS of old": {"https", func(s *httptest.Server) {
			s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11} //nolint:gosec // that is what is tested
			s.StartTLS()
		}},
		"a client certificate is wanted": {"https", func(s *httptest.Server) {
			s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}
			s.StartTLS()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came") }))
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			c.server(srv)
			defer srv.Close()
			client := NewTransport(0, 0, nil)
			if strings.HasPrefix(name, "a client") {
				client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the other side refuses
			}
			var sent atomic.Int64
			count := policyFunc(func(req *policy.Request) (*http.Response, error) { sent.Add(1); return req.Next() })
			p := New(Config{Transport: client, Retry: noWait(3), PerRetry: []policy.Policy{count}})
			_, err := do(t, p, "GET", c.scheme+"://"+strings.TrimPrefix(strings.TrimPrefix(srv.URL, "https://"), "http://"), nil)
			if err == nil || sent.Load() != 1 {
				t.Errorf("%d tries, %v", sent.Load(), err)
			}
		})
	}
}

// TestRefusedConnections: a port that nobody listens on is tried again.
func TestRefusedConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	var reasons []Reason
	p := New(Config{Retry: noWait(2), Observe: func(e Event) { reasons = append(reasons, e.Reason) }})
	if _, err := do(t, p, "PUT", "http://"+l.Addr().String(), &Call{}); !errors.As(err, new(*net.OpError)) {
		t.Error(err)
	}
	if fmt.Sprint(reasons) != "[connect connect connect]" {
		t.Errorf("reasons %v", reasons)
	}
}
