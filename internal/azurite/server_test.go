package azurite

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"go.uber.org/goleak"

	"github.com/goblob/azureblob/internal/secretless"
)

// ownerVariable makes this test binary start a server, print its address and
// wait, to be killed by TestServerDiesWithItsOwner.
const ownerVariable = "AZUREBLOB_AZURITE_OWNER"

func TestMain(m *testing.M) {
	if os.Getenv(ownerVariable) == "" {
		goleak.VerifyTestMain(secretless.Main(M{M: m}))
		return
	}
	srv, err := Start(Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(srv.URL())
	io.Copy(io.Discard, os.Stdin)
}

// newServer starts a server of the test's own.
func newServer(t *testing.T, o Options) *Server {
	t.Helper()
	srv, err := Start(o)
	if err != nil {
		giveUp(t, err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// newClient returns a client that trusts the server's certificate.
func newClient(t *testing.T, srv *Server) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.CertPool()}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// list asks for the account's containers, with a bearer token unless it is empty.
func list(t *testing.T, client *http.Client, srv *Server, version, token string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL()+"?comp=list", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-ms-version", version)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res
}

func host(t *testing.T, srv *Server) string {
	t.Helper()
	u, err := url.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestStartAnswersAndCloses(t *testing.T) {
	first, second := newServer(t, Options{}), newServer(t, Options{})
	if first.URL() == second.URL() {
		t.Fatalf("two servers at %s", first.URL())
	}
	client := newClient(t, first)
	for _, srv := range []*Server{first, second} {
		res := list(t, client, srv, "2026-06-06", "")
		if got := res.Header.Get("Server"); got != "Azurite-Blob/3.37.0" {
			t.Errorf("Server = %q", got)
		}
		// An unsigned request is refused, and by an account that is known.
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("unsigned list: %s", res.Status)
		}
	}
	for range 2 {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if conn, err := net.Dial("tcp", host(t, first)); err == nil {
		conn.Close()
		t.Error("still listens after Close")
	}
	list(t, client, second, "2026-06-06", "")
}

func TestServiceVersionIsChecked(t *testing.T) {
	strict := newServer(t, Options{})
	loose := newServer(t, Options{Args: []string{"--skipApiVersionCheck"}})
	client := newClient(t, strict)
	const unknown = "2026-12-06"
	if res := list(t, client, strict, unknown, ""); res.StatusCode != http.StatusBadRequest {
		t.Errorf("without a flag: %s", res.Status)
	}
	if res := list(t, client, loose, unknown, ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("with the flag in Args: %s", res.Status)
	}
}

func TestEnvironmentDoesNotChangeTheServer(t *testing.T) {
	t.Setenv("AZURITE_ACCOUNTS", "other:a2V5")
	t.Setenv("AZURITE_SKIP_API_VERSION_CHECK", "true")
	srv := newServer(t, Options{})
	client := newClient(t, srv)
	if res := list(t, client, srv, "2026-12-06", ""); res.StatusCode != http.StatusBadRequest {
		t.Errorf("unknown version: %s", res.Status)
	}
	if res := list(t, client, srv, "2026-06-06", ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned list: %s", res.Status)
	}
}

func TestConnectionString(t *testing.T) {
	srv := &Server{endpoint: "https://127.0.0.1:1"}
	want := "DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;AccountKey=" + srv.Key() +
		";BlobEndpoint=https://127.0.0.1:1/devstoreaccount1;"
	if got := srv.ConnectionString(); got != want {
		t.Errorf("got %s", got)
	}
	if got := srv.SecondaryURL(); got != "https://127.0.0.1:1/devstoreaccount1-secondary" {
		t.Errorf("secondary %s", got)
	}
}

func TestHTTPSAndOAuth(t *testing.T) {
	srv := SharedHTTPS(t)
	if !strings.HasPrefix(srv.URL(), "https://") {
		t.Fatalf("URL %s", srv.URL())
	}
	token, err := srv.Token().GetToken(t.Context(), policy.TokenRequestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(token.ExpiresOn); left < 50*time.Minute || left > time.Hour {
		t.Errorf("token expires in %v", left)
	}
	client := newClient(t, srv)
	if res := list(t, client, srv, "2026-06-06", token.Token); res.StatusCode != http.StatusOK {
		t.Errorf("list with a token: %s", res.Status)
	}
	if res := list(t, client, srv, "2026-06-06", token.Token[10:]); res.StatusCode != http.StatusForbidden {
		t.Errorf("list with a broken token: %s", res.Status)
	}

	stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}}
	res, err := stranger.Get(srv.URL())
	if err == nil {
		res.Body.Close()
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("a client without the pool: %v", err)
	}
}

func TestTokenObservesContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := new(Server).Token().GetToken(ctx, policy.TokenRequestOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestStartQuotesWhatAzuriteSaid(t *testing.T) {
	if _, _, err := locate(); err != nil {
		giveUp(t, err)
	}
	srv, err := Start(Options{Args: []string{"--location", t.TempDir()}})
	if err == nil {
		srv.Close()
		t.Fatal("started with a folder beside the memory store")
	}
	if msg := err.Error(); !strings.Contains(msg, "--inMemoryPersistence") || strings.Contains(msg, "\n") {
		t.Errorf("got %q", msg)
	}
}

func TestCloseReportsAServerThatBroke(t *testing.T) {
	srv, err := Start(Options{})
	if err != nil {
		giveUp(t, err)
	}
	if err := srv.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-srv.exited
	if err := srv.Close(); err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("got %v", err)
	}
}

// TestServerDiesWithItsOwner kills the process that started a server, which
// leaves that process no chance to clean up.
func TestServerDiesWithItsOwner(t *testing.T) {
	if _, _, err := locate(); err != nil {
		giveUp(t, err)
	}
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerVariable+"=1")
	owner.Stderr = os.Stderr
	stdin, err := owner.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	owner.Wait()
	// The end of a connection tells that the server is going, a refused one
	// that it is gone. None sends a request, so Azurite would keep each open
	// for a minute.
	limit := time.Now().Add(30 * time.Second)
	for err == nil {
		conn.SetReadDeadline(limit)
		_, readErr := conn.Read(make([]byte, 1))
		conn.Close()
		if readErr == nil || errors.Is(readErr, os.ErrDeadlineExceeded) {
			t.Fatalf("the server lives on: %v", readErr)
		}
		conn, err = net.Dial("tcp", u.Host)
	}
}

func TestCertificateFilesAreGone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folder for temporary files is not named by TMPDIR there")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	srv := newServer(t, Options{OAuth: true})
	if !strings.HasPrefix(srv.URL(), "https:") || srv.CertPool() == nil {
		t.Errorf("OAuth without https: %s", srv.URL())
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
