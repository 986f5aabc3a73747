package azurite

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// requireVariable, set to 1 in the environment, makes a missing Azurite a
// failure of the test instead of a reason to skip it. "make test" sets it.
const requireVariable = "AZUREBLOB_REQUIRE_AZURITE"

var (
	shared      instance
	sharedHTTPS = instance{options: Options{HTTPS: true, OAuth: true}}
)

// instance is a server that is started by its first user.
type instance struct {
	options Options
	once    sync.Once
	server  *Server
	err     error
}

// Shared returns the http server that all tests of this process share, and
// starts it for the first of them. Without an installed Azurite the test is
// skipped, or fails if AZUREBLOB_REQUIRE_AZURITE=1 is set.
func Shared(t testing.TB) *Server {
	t.Helper()
	return shared.use(t)
}

// SharedHTTPS is [Shared] for the server with https and OAuth.
func SharedHTTPS(t testing.TB) *Server {
	t.Helper()
	return sharedHTTPS.use(t)
}

// M is a [testing.M] whose Run also ends the shared servers. It is for a
// TestMain that looks for leaks when the tests are over:
//
//	goleak.VerifyTestMain(azurite.M{M: m})
type M struct{ *testing.M }

// Run runs the tests, ends the shared servers, and returns the exit code. It is
// not 0 if a shared server broke down on the way.
func (m M) Run() int {
	code := m.M.Run()
	if err := errors.Join(shared.stop(), sharedHTTPS.stop()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

func (i *instance) use(t testing.TB) *Server {
	t.Helper()
	i.once.Do(func() { i.server, i.err = Start(i.options) })
	if i.err != nil {
		giveUp(t, i.err)
	}
	return i.server
}

// stop ends the server if there is one, and lets no later test start it.
func (i *instance) stop() error {
	i.once.Do(func() { i.err = errors.New("azurite: the shared server is stopped") })
	if i.server == nil {
		return nil
	}
	return i.server.Close()
}

// giveUp ends a test that has no server.
func giveUp(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrNotInstalled) && os.Getenv(requireVariable) != "1" {
		t.Skip(err)
	}
	t.Fatal(err)
}
