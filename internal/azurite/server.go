// Package azurite starts the Azurite emulator, the real npm package, for tests.
//
// The package is pinned beside this file by package-lock.json; "make azurite"
// installs it. Each [Server] is one Node.js process on a free loopback port
// that keeps its blobs in memory. It ends with [Server.Close], and at the
// latest with the process that started it, even when that one is killed.
//
// Most tests want [Shared], one server for a whole test binary:
//
//	func TestMain(m *testing.M) { os.Exit(azurite.M{M: m}.Run()) }
//
//	func TestUpload(t *testing.T) {
//		srv := azurite.Shared(t)
//		...
//	}
//
// Tests on a shared server keep apart by container name.
package azurite

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// accountName and accountKey are the emulator's well-known credentials.
	// They are public and open nothing but an emulator.
	accountName = "devstoreaccount1"
	accountKey  = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

	// startLimit is generous, since several test binaries may each start a
	// Node.js process at once on a small machine.
	startLimit = 60 * time.Second

	// stopLimit is how long a server may take to end by itself before it is killed.
	stopLimit = 10 * time.Second
)

// ErrNotInstalled is the error of [Start] when Node.js or the npm package is missing.
var ErrNotInstalled = errors.New("azurite is not installed: run make test or make azurite")

// Options say how a server is started. The zero value is a plain http server
// that accepts service versions up to 2026-06-06.
type Options struct {
	// HTTPS serves https with a certificate made for this server alone;
	// see [Server.CertPool].
	HTTPS bool

	// OAuth accepts bearer tokens; see [Server.Token]. Azurite takes them
	// only over https, so OAuth implies HTTPS.
	OAuth bool

	// Args are further flags of Azurite, such as "--loose",
	// "--skipApiVersionCheck" or "--debug", "<log file>".
	Args []string
}

// Server is a running Azurite blob service. Its methods are safe for concurrent use.
type Server struct {
	endpoint string // scheme, host and port
	certs    *x509.CertPool

	cmd     *exec.Cmd
	stdin   io.Closer // the child's lifeline: it ends when this is closed
	output  *output
	exited  chan struct{} // closed once exitErr is set
	exitErr error

	closeOnce sync.Once
	closeErr  error
}

// Start starts a server and returns when it answers requests. The caller closes it.
//
// The error matches [ErrNotInstalled] when there is nothing to start. Any other
// error quotes the last lines that Azurite printed.
func Start(o Options) (*Server, error) {
	node, script, err := locate()
	if err != nil {
		return nil, err
	}
	s := &Server{output: newOutput(), exited: make(chan struct{})}
	args := []string{
		script, "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", "0",
		"--silent", "--disableTelemetry",
	}
	if o.HTTPS || o.OAuth {
		dir, err := os.MkdirTemp("", "azurite-")
		if err != nil {
			return nil, fmt.Errorf("azurite: certificate: %w", err)
		}
		// Azurite reads the files once, before it listens.
		defer os.RemoveAll(dir)
		cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		if s.certs, err = writeCertificate(cert, key); err != nil {
			return nil, fmt.Errorf("azurite: certificate: %w", err)
		}
		args = append(args, "--cert", cert, "--key", key)
	}
	if o.OAuth {
		args = append(args, "--oauth", "basic")
	}
	s.cmd = exec.Command(node, append(args, o.Args...)...)
	s.cmd.Env = environment()
	if err := s.run(); err != nil {
		return nil, err
	}
	return s, nil
}

// run starts the child and waits until it listens.
func (s *Server) run() error {
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("azurite: %w", err)
	}
	s.stdin = stdin
	if err := s.cmd.Start(); err != nil {
		stdin.Close()
		return fmt.Errorf("azurite: %w", err)
	}
	go func() {
		s.exitErr = s.cmd.Wait()
		close(s.exited)
	}()

	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case s.endpoint = <-s.output.ready:
		return nil
	case <-s.exited:
		return s.ended()
	case <-limit.C:
		s.Close()
		return fmt.Errorf("azurite: not ready after %v%s", startLimit, s.output.tail())
	}
}

// ended describes a child that ended without being told to.
func (s *Server) ended() error {
	cause := "exit status 0"
	if s.exitErr != nil {
		cause = s.exitErr.Error()
	}
	return fmt.Errorf("azurite: ended by itself: %s%s", cause, s.output.tail())
}

// Close ends the server and waits until its process is gone. It fails when the
// server had ended before, or had to be killed. Further calls return the same.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		select {
		case <-s.exited:
			s.closeErr = s.ended()
			return
		default:
		}
		s.stdin.Close()
		limit := time.NewTimer(stopLimit)
		defer limit.Stop()
		select {
		case <-s.exited:
		case <-limit.C:
			s.closeErr = fmt.Errorf("azurite: killed, since it did not end in %v%s", stopLimit, s.output.tail())
			s.cmd.Process.Kill()
			<-s.exited
		}
	})
	return s.closeErr
}

// URL returns the endpoint of the account, such as http://127.0.0.1:41234/devstoreaccount1.
func (s *Server) URL() string { return s.endpoint + "/" + accountName }

// SecondaryURL returns the endpoint of the account's secondary. Azurite keeps
// it at once consistent, and lets it be written too.
func (s *Server) SecondaryURL() string { return s.URL() + "-secondary" }

// Account returns the name of the only account.
func (s *Server) Account() string { return accountName }

// Key returns the account's key in base64.
func (s *Server) Key() string { return accountKey }

// ConnectionString returns a connection string with the account, its key and its endpoint.
func (s *Server) ConnectionString() string {
	scheme, _, _ := strings.Cut(s.endpoint, ":")
	return "DefaultEndpointsProtocol=" + scheme + ";AccountName=" + accountName +
		";AccountKey=" + accountKey + ";BlobEndpoint=" + s.URL() + ";"
}

// CertPool returns a pool with the server's certificate, for the RootCAs of a
// client; nil for a server without https.
func (s *Server) CertPool() *x509.CertPool { return s.certs }

// locate finds Node.js and the script that runs the installed npm package.
func locate() (node, script string, err error) {
	node, err = exec.LookPath("node")
	if err != nil {
		return "", "", fmt.Errorf("%w (no Node.js: %w)", ErrNotInstalled, err)
	}
	home, err := home()
	if err != nil {
		return "", "", err
	}
	if _, err := os.Stat(filepath.Join(home, "node_modules", "azurite", "package.json")); err != nil {
		return "", "", fmt.Errorf("%w (no npm package: %w)", ErrNotInstalled, err)
	}
	return node, filepath.Join(home, "run.js"), nil
}

// home is the folder of this package in the source tree. It is looked for from
// the working directory upwards, since a test runs in the folder of its package
// and paths in the binary may be trimmed.
func home() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("azurite: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		home := filepath.Join(dir, "internal", "azurite")
		if _, err := os.Stat(filepath.Join(home, "run.js")); err == nil {
			return home, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("azurite: %w", err)
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%w (no internal/azurite above %s)", ErrNotInstalled, start)
		}
	}
}

// environment is that of this process less what would change the server's
// behaviour behind the back of its flags: its accounts, its version check.
func environment() []string {
	var kept []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AZURITE_") {
			kept = append(kept, v)
		}
	}
	return kept
}
