// Package secretless runs the tests of a package, and then looks through all that
// was logged and all errors that were made meanwhile for keys, tokens and
// signatures. A package of tests has it in its TestMain:
//
//	func TestMain(m *testing.M) {
//		link.ErrorMade = secretless.Error
//		goleak.VerifyTestMain(secretless.Main(m))
//	}
package secretless

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"sync"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
)

// Runner is a *testing.M, or what wraps one.
type Runner interface{ Run() int }

// seen is what the tests have logged, and the errors that they have made.
var seen struct {
	sync.Mutex
	lines  bytes.Buffer
	errors []error
}

type writer struct{}

func (writer) Write(p []byte) (int, error) {
	seen.Lock()
	defer seen.Unlock()
	return seen.lines.Write(p)
}

// Writer keeps what is written to it, to be looked through.
var Writer io.Writer = writer{}

// Logger keeps all that is logged, to be looked through.
func Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(Writer, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Error keeps an error, to be printed and looked through when the tests are over.
func Error(err error) {
	seen.Lock()
	defer seen.Unlock()
	seen.errors = append(seen.errors, err)
}

// Listen keeps what azcore logs. Main calls it; it is for tests that have listened
// themselves.
func Listen() {
	azlog.SetListener(func(event azlog.Event, text string) { fmt.Fprintf(Writer, "%s %s\n", event, text) })
}

// known are the secrets of tests: the key of the emulators, and what stands for
// keys, signatures, tokens and passwords.
var known = []string{
	"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",
	"YSBrZXkgZm9yIHRlc3Rz", "c2VjcmV0LXNpZ25hdHVyZQ", "c2VjcmV0a2V5", "a secret token", "cHJveHktcGFzc3dvcmQ", "MARKED+SECRET",
}

// secretForm matches what secrets of any value look like. What follows it tells
// whether it is one.
var secretForm = regexp.MustCompile(`(?i)[?&;]sig(?:=|%3d)|accountkey=|sharedkey(?:lite)? [^\s:]+:|\beyj[a-z0-9_-]{16}`)

// Main runs the tests of m, with more secrets than those that all tests have. Its
// exit code is not 0 if one of them was to be seen.
func Main(m Runner, secrets ...string) Runner { return looking{m, append(secrets, known...)} }

type looking struct {
	Runner
	secrets []string
}

// Run runs the tests and looks.
func (l looking) Run() int {
	flag.Parse()
	if f := flag.Lookup("test.bench"); f == nil || f.Value.String() == "" {
		Listen() // which makes requests slower
	}
	log.SetOutput(io.MultiWriter(os.Stderr, Writer))
	code := l.Runner.Run()
	seen.Lock()
	defer seen.Unlock()
	for _, err := range seen.errors {
		show(&seen.lines, err)
	}
	found := search(seen.lines.Bytes(), l.secrets)
	for _, text := range found {
		fmt.Fprintf(os.Stderr, "a secret is in an error or a log line: %s\n", text)
		code = max(code, 1)
	}
	fmt.Printf("looked through %d errors and %d bytes of log for secrets\n", len(seen.errors), seen.lines.Len())
	return code
}

// show prints an error in all ways, and all that it wraps.
func show(w io.Writer, err error) {
	for _, format := range []string{"%s\n", "%v\n", "%+v\n", "%#v\n", "%q\n"} {
		fmt.Fprintf(w, format, err)
	}
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && !v.IsNil() {
		fmt.Fprintf(w, "%+v\n%#v\n", v.Elem(), v.Elem())
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if next := e.Unwrap(); next != nil {
			show(w, next)
		}
	case interface{ Unwrap() []error }:
		for _, next := range e.Unwrap() {
			show(w, next)
		}
	}
}

// search returns what is around the secrets in a text, at most ten of them. The
// secrets themselves are cut off.
func search(text []byte, secrets []string) (found []string) {
	around := func(at, end int) {
		if len(found) < 10 {
			found = append(found, fmt.Sprintf("...%q...", text[max(0, at-200):end]))
		}
	}
	for _, secret := range secrets {
		if i := bytes.Index(text, []byte(secret)); i >= 0 {
			around(i, i+4)
		}
	}
	for _, loc := range secretForm.FindAllIndex(text, -1) {
		rest := text[loc[1]:]
		if !bytes.HasPrefix(rest, []byte("REDACTED")) && len(rest) > 0 && !bytes.ContainsAny(rest[:1], "&;'\"\\ \n)") {
			around(loc[0], loc[1])
		}
	}
	return found
}
