package azureblob_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/secretless"
	"github.com/goblob/azureblob/internal/selfsigned"
)

// proxyPassword is the password of the proxies of tests, which main_test.go looks
// for in all that is logged.
const proxyPassword = "cHJveHktcGFzc3dvcmQ"

// testProxy is an HTTP proxy that wants a password, and goes where it is asked to,
// or to one place whatever it is asked.
type testProxy struct {
	t     *testing.T
	where string // if not "", whom all requests are for
	fails atomic.Int64
	https atomic.Int64 // connections that it made
	plain atomic.Int64 // requests that it passed on
	*httptest.Server
}

func newTestProxy(t *testing.T, where string) *testProxy {
	p := &testProxy{t: t, where: where}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *testProxy) url(password string) *url.URL {
	u, err := url.Parse(p.URL)
	if err != nil {
		p.t.Fatal(err)
	}
	u.User = url.UserPassword("user", password)
	return u
}

func (p *testProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+proxyPassword))
	switch {
	case r.Header.Get("Proxy-Authorization") != want:
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
	case p.fails.Add(-1) >= 0:
		w.WriteHeader(http.StatusBadGateway)
	case r.Method == http.MethodConnect:
		p.https.Add(1)
		p.connect(w, r)
	default:
		p.plain.Add(1)
		r.RequestURI = ""
		r.Header.Del("Proxy-Authorization")
		if p.where != "" {
			r.URL.Host = p.where
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}
}

func (p *testProxy) connect(w http.ResponseWriter, r *http.Request) {
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		p.t.Error(err)
		return
	}
	_, _ = here.Write([]byte("HTTP/1.1 200 Connected\r\n\r\n"))
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(there, here); _ = there.Close() })
	both.Go(func() { _, _ = io.Copy(here, there); _ = here.Close() })
	both.Wait()
}

// trusting is what a client of a blobtest server over https needs.
func trusting(s *blobtest.Server) *tls.Config {
	return s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
}

// connected is a client of a server over sockets, with what it logged.
func connected(t *testing.T, s *blobtest.Server, o *azureblob.ClientOptions) (*azureblob.ContainerClient, *bytes.Buffer) {
	t.Helper()
	lines := &bytes.Buffer{}
	o.Logger = slog.New(slog.NewTextHandler(io.MultiWriter(lines, secretless.Writer), &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Retry.Delay = time.Millisecond
	service, err := azureblob.NewServiceClientFromConnectionString(s.ConnectionString(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.CloseIdleConnections)
	return service.Container("photos"), lines
}

// TestProxy sends requests through a proxy that wants a password, over http and
// over https.
func TestProxy(t *testing.T) {
	for _, https := range []bool{false, true} {
		t.Run(fmt.Sprint("https ", https), func(t *testing.T) {
			server := blobtest.New(t, &blobtest.Options{HTTPS: https})
			proxy := newTestProxy(t, "")
			options := func(password string) *azureblob.ClientOptions {
				o := &azureblob.ClientOptions{Proxy: http.ProxyURL(proxy.url(password))}
				if https {
					o.TLS = trusting(server)
				}
				return o
			}
			photos, lines := connected(t, server, options(proxyPassword))
			proxy.fails.Store(2) // the proxy has trouble, and no request has been sent yet
			if _, err := photos.Create(t.Context(), nil); err != nil {
				t.Fatalf("Create while the proxy has trouble: %v", err)
			}
			if _, err := photos.Blob("cat").Upload(t.Context(), strings.NewReader("meow"), nil); err != nil {
				t.Fatal(err)
			}
			if got, err := photos.Blob("cat").ReadAll(t.Context(), nil); err != nil || string(got) != "meow" {
				t.Errorf("%q, %v", got, err)
			}
			if n, plain := proxy.https.Load(), proxy.plain.Load(); https != (n > 0) || https == (plain > 0) {
				t.Errorf("the proxy made %d connections and passed %d requests on", n, plain)
			}
			for _, r := range server.Requests() {
				if r.Header.Get("Proxy-Authorization") != "" {
					t.Errorf("%s: the service got the password of the proxy", r.Operation)
				}
			}
			begun := proxy.https.Load() + proxy.plain.Load()
			stranger, other := connected(t, server, options("wrong-"+proxyPassword))
			_, err := stranger.Blob("cat").ReadAll(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), "407") {
				t.Errorf("wrong password: %v", err)
			}
			if n := strings.Count(other.String(), "level=DEBUG"); n != 1 || proxy.https.Load()+proxy.plain.Load() != begun {
				t.Errorf("a wrong password was tried %d times", n)
			}
			all := fmt.Sprintf("%v %+v %#v %s %s", err, err, err, lines, other)
			for e := err; e != nil; e = errors.Unwrap(e) {
				all += fmt.Sprintf("%v %+v %#v", e, e, e)
			}
			if strings.Contains(all, proxyPassword) || strings.Contains(all, "Basic") {
				t.Errorf("the password of the proxy is in %s", all)
			}
		})
	}
}

// TestProxyThatIsNotThere: a call that must not be done twice is repeated if the
// proxy cannot be reached, and no password is shown.
func TestProxyThatIsNotThere(t *testing.T) {
	server := blobtest.New(t)
	for _, scheme := range []string{"http", "https", "socks5"} {
		proxy := &url.URL{Scheme: scheme, Host: "127.0.0.1:1", User: url.UserPassword("user", proxyPassword)}
		photos, lines := connected(t, server, &azureblob.ClientOptions{Proxy: http.ProxyURL(proxy), Retry: azureblob.RetryOptions{Total: 2}})
		_, err := photos.Create(t.Context(), nil)
		if err == nil || strings.Count(lines.String(), "reason=connect") != 2 {
			t.Errorf("%s: %v\n%s", scheme, err, lines)
		}
		if strings.Contains(fmt.Sprintf("%+v %s", err, lines), proxyPassword) {
			t.Errorf("%s: the password is in %+v\n%s", scheme, err, lines)
		}
	}
}

// TestBadProxies: what is no proxy is said at once, and not tried again.
func TestBadProxies(t *testing.T) {
	server := blobtest.New(t)
	secretURL := "ftp://user:" + proxyPassword + "@proxy:21"
	for name, tc := range map[string]struct {
		proxy func(*http.Request) (*url.URL, error)
		want  string
	}{
		"scheme":  {func(*http.Request) (*url.URL, error) { return url.Parse(secretURL) }, "does not begin with http"},
		"no host": {func(*http.Request) (*url.URL, error) { return url.Parse("http://user:" + proxyPassword + "@:21") }, "has no host"},
		"error": {func(r *http.Request) (*url.URL, error) {
			return nil, &url.Error{Op: "parse", URL: secretURL, Err: errors.New("broken")}
		}, "finding the proxy failed"},
	} {
		o := &azureblob.ClientOptions{Proxy: tc.proxy, Retry: azureblob.RetryOptions{Total: -1}}
		if name != "error" { // which may pass
			o.Retry.Total = 3
		}
		photos, lines := connected(t, server, o)
		_, err := photos.Create(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(lines.String(), "WARN") {
			t.Errorf("%s: %v\n%s", name, err, lines)
		}
		if strings.Contains(fmt.Sprintf("%+v %#v %s", err, err, lines), proxyPassword) {
			t.Errorf("%s: the password is in %+v\n%s", name, err, lines)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// TestProxySeesNoSignature: the function of the caller is told where a request
// goes, and nothing that is secret.
func TestProxySeesNoSignature(t *testing.T) {
	server := blobtest.New(t)
	var seen string
	o := &azureblob.ClientOptions{Proxy: func(r *http.Request) (*url.URL, error) {
		seen = fmt.Sprint(r.Method, r.URL, r.Header)
		return nil, nil
	}}
	service, err := azureblob.NewServiceClient(server.URL()+"?sv=2026-06-06&sig=c2VjcmV0LXNpZ25hdHVyZQ", nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer service.CloseIdleConnections()
	_, _ = service.Container("photos").Properties(t.Context(), nil)
	if !strings.Contains(seen, "/photos") || strings.Contains(seen, "sig") || strings.Contains(seen, "?") {
		t.Errorf("the proxy was asked with %s", seen)
	}
}

// TestProxyOfTheEnvironment runs itself with other variables, since net/http reads
// them once.
func TestProxyOfTheEnvironment(t *testing.T) {
	if os.Getenv("AZUREBLOB_TEST_PROXY") != "" {
		service, err := azureblob.NewServiceClient("http://account.blob.test", nil, &azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = service.Container("photos").Properties(t.Context(), nil)
		service.CloseIdleConnections()
		fmt.Printf("\nthe error is %+v\n", err)
		return
	}
	server := blobtest.New(t)
	there, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := newTestProxy(t, there.Host)
	for name, tc := range map[string]struct{ proxy, want string }{
		"right": {proxy.url(proxyPassword).String(), "Get Container Properties"}, // which the service refuses, since it knows no such account
		"wrong": {proxy.url("wrong").String(), "407"},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestProxyOfTheEnvironment$")
		cmd.Env = append(os.Environ(), "AZUREBLOB_TEST_PROXY=1", "HTTP_PROXY="+tc.proxy, "NO_PROXY=")
		out, err := cmd.CombinedOutput()
		_, line, _ := strings.Cut(string(out), "the error is ")
		line, _, _ = strings.Cut(line, "\n")
		if err != nil || !strings.Contains(line, tc.want) || strings.Contains(string(out), proxyPassword) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if proxy.plain.Load() != 1 {
		t.Errorf("%d requests passed the proxy", proxy.plain.Load())
	}
}

// TestClientCertificate: a server that wants to know who connects, with a
// certificate of its own.
func TestClientCertificate(t *testing.T) {
	server := blobtest.New(t)
	certificate, pool, err := selfsigned.New("service")
	if err != nil {
		t.Fatal(err)
	}
	own, clients, err := selfsigned.New("client")
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(server.Handler())
	front.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert, VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) == 0 || !bytes.Equal(raw[0], own.Certificate[0]) {
			return errors.New("somebody else")
		}
		return nil
	}}
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	front.StartTLS()
	defer front.Close()
	key, err := azureblob.NewSharedKeyCredential(server.Account(), server.Key())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		config *tls.Config
		ok     bool
	}{
		"both":           {&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{own}, NextProtos: []string{"h2"}}, true},
		"no certificate": {&tls.Config{RootCAs: pool}, false},
		"other roots":    {&tls.Config{RootCAs: clients, Certificates: []tls.Certificate{own}}, false},
		"no config":      {nil, false},
	} {
		o := azureblob.CapturingOptions()
		o.TLS, o.Retry = tc.config, azureblob.RetryOptions{Total: 1, Delay: time.Millisecond}
		service, err := azureblob.NewServiceClient(front.URL+"/"+server.Account(), key, o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = service.AccountInfo(t.Context(), nil)
		if tc.ok != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if unknown, ok := errors.AsType[*tls.CertificateVerificationError](err); name == "other roots" && (!ok || service.Usage().Requests != 1) {
			t.Errorf("%s: %v after %d requests", name, unknown, service.Usage().Requests)
		}
		service.CloseIdleConnections()
	}
}

func TestTransportExcludesProxyAndTLS(t *testing.T) {
	for name, o := range map[string]*azureblob.ClientOptions{
		"Proxy": {Transport: http.DefaultClient, Proxy: http.ProxyFromEnvironment},
		"TLS":   {Transport: http.DefaultClient, TLS: &tls.Config{}},
	} {
		_, err := azureblob.NewServiceClient("https://account.blob.core.windows.net", nil, o)
		if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The transport of blobtest takes the place of all of them.
	o := &azureblob.ClientOptions{Transport: http.DefaultClient, Proxy: http.ProxyFromEnvironment, TLS: &tls.Config{}}
	if _, err := blobtest.New(t).ServiceClient(o).AccountInfo(context.Background(), nil); err != nil {
		t.Error(err)
	}
}
