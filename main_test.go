package azureblob

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"go.uber.org/goleak"

	"github.com/goblob/azureblob/internal/azurite"
)

// seen is every error that the package made and every line that was logged
// while the tests ran.
var seen struct {
	sync.Mutex
	errors []*Error
	lines  bytes.Buffer
}

// SeenWriter keeps all that is written to it.
type SeenWriter struct{}

func (SeenWriter) Write(p []byte) (int, error) {
	seen.Lock()
	defer seen.Unlock()
	return seen.lines.Write(p)
}

// CapturingOptions are options for the clients of tests: all that they log is kept.
func CapturingOptions() *ClientOptions {
	return &ClientOptions{Logger: slog.New(slog.NewTextHandler(SeenWriter{}, &slog.HandlerOptions{Level: slog.LevelDebug}))}
}

// keepLine keeps what azcore logs.
func keepLine(event azlog.Event, text string) { fmt.Fprintf(SeenWriter{}, "%s %s\n", event, text) }

// listen says who gets what azcore logs.
func listen(to func(azlog.Event, string)) { azlog.SetListener(to) }

func TestMain(m *testing.M) {
	errorMade = func(e *Error) {
		seen.Lock()
		defer seen.Unlock()
		seen.errors = append(seen.errors, e)
	}
	listen(keepLine)
	goleak.VerifyTestMain(secretless{azurite.M{M: m}})
}

// secretless runs the tests and then looks through all that was seen for the
// keys of the test accounts and for signatures.
type secretless struct{ azurite.M }

func (s secretless) Run() int {
	code := s.M.Run()
	seen.Lock()
	defer seen.Unlock()
	for _, e := range seen.errors {
		for _, format := range []string{"%s", "%v", "%+v", "%#v", "%q"} {
			fmt.Fprintf(&seen.lines, format+"\n", e)
		}
		if e.err != nil {
			fmt.Fprintf(&seen.lines, "%s\n%+v\n", e.err, e.err)
		}
	}
	for _, secret := range []string{emulatorKey, secretKey, "YSBrZXkgZm9yIHRlc3Rz", "c2VjcmV0LXNpZ25hdHVyZQ", "a secret token", "cHJveHktcGFzc3dvcmQ"} {
		if bytes.Contains(seen.lines.Bytes(), []byte(secret)) {
			i := bytes.Index(seen.lines.Bytes(), []byte(secret))
			fmt.Fprintf(os.Stderr, "the secret %.8s... is in an error or a log line: ...%s\n", secret, seen.lines.Bytes()[max(0, i-200):i+8])
			code = 1
		}
	}
	for line := range bytes.Lines(seen.lines.Bytes()) {
		if i := bytes.Index(line, []byte("sig=")); i >= 0 && !bytes.HasPrefix(line[i+4:], []byte("REDACTED")) {
			fmt.Fprintf(os.Stderr, "a signature is in an error or a log line: %s\n", line)
			code = 1
		}
	}
	fmt.Printf("looked through %d errors and %d bytes of log for secrets\n", len(seen.errors), seen.lines.Len())
	return code
}
