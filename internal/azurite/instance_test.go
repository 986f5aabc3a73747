package azurite

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestSharedIsOneServer(t *testing.T) {
	if a, b := Shared(t), Shared(t); a != b {
		t.Error("two shared servers")
	}
	if Shared(t) == SharedHTTPS(t) {
		t.Error("the http server is the https server")
	}
}

// verdict is a testing.TB that notes how a test is given up. Both ends of a
// test leave by panic, as the real ones never return.
type verdict struct {
	testing.TB
	skipped, failed string
}

func (v *verdict) Helper() {}

func (v *verdict) Skip(args ...any) {
	v.skipped = fmt.Sprint(args...)
	panic(v)
}

func (v *verdict) Fatal(args ...any) {
	v.failed = fmt.Sprint(args...)
	panic(v)
}

func judge(t *testing.T, i *instance) (v *verdict) {
	t.Helper()
	v = &verdict{TB: t}
	defer func() {
		if r := recover(); r != nil && r != v {
			panic(r)
		}
	}()
	i.use(v)
	return v
}

func TestMissingAzuriteSkipsOrFails(t *testing.T) {
	bare := filepath.Join(t.TempDir(), "internal", "azurite")
	if err := os.MkdirAll(bare, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bare, "run.js"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		node = filepath.Join(t.TempDir(), "node")
		if err := os.WriteFile(node, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, path, dir, reason string }{
		{"no node", t.TempDir(), ".", "no Node.js"},
		{"not installed", filepath.Dir(node), bare, "no npm package"},
		{"outside the module", filepath.Dir(node), t.TempDir(), "no internal/azurite above"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(c.dir)
			t.Setenv("PATH", c.path)
			t.Setenv(requireVariable, "")
			v := judge(t, new(instance))
			if !strings.Contains(v.skipped, "run make test or make azurite") || !strings.Contains(v.skipped, c.reason) {
				t.Errorf("skipped %q, failed %q", v.skipped, v.failed)
			}
			t.Setenv(requireVariable, "1")
			v = judge(t, new(instance))
			if v.skipped != "" || !strings.Contains(v.failed, c.reason) {
				t.Errorf("required: skipped %q, failed %q", v.skipped, v.failed)
			}
		})
	}
}

func TestOtherErrorsFail(t *testing.T) {
	t.Setenv(requireVariable, "")
	i := &instance{err: errors.New("not ready")}
	i.once.Do(func() {})
	if v := judge(t, i); v.failed != "not ready" {
		t.Errorf("skipped %q, failed %q", v.skipped, v.failed)
	}
}

func TestStoppedInstanceStartsNoServer(t *testing.T) {
	i := new(instance)
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	if v := judge(t, i); !strings.Contains(v.failed, "is stopped") {
		t.Errorf("skipped %q, failed %q", v.skipped, v.failed)
	}
}

func TestOutput(t *testing.T) {
	o := newOutput()
	if got := o.tail(); got != " (it printed nothing)" {
		t.Errorf("empty: %q", got)
	}
	// The address may come in pieces, with either line end, and twice.
	for _, piece := range []string{"Azurite Blob service is starting on 127.0.0.1:0\n" + listens[:7],
		listens[7:] + "http://127.0.0.1:5", "0\r\n", listens + "http://127.0.0.1:51\n", "half"} {
		if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if got := <-o.ready; got != "http://127.0.0.1:50" {
		t.Errorf("address %q", got)
	}
	if got := o.tail(); !strings.HasSuffix(got, "http://127.0.0.1:51 | half") {
		t.Errorf("tail %q", got)
	}
	for n := range 2 * keptLines {
		fmt.Fprintf(o, "line %d\n", n)
	}
	if got, want := strings.Count(o.tail(), "line"), keptLines; got != want {
		t.Errorf("%d lines kept, want %d", got, want)
	}
	if got := o.tail(); !strings.Contains(got, "line 39") || strings.Contains(got, "line 19 ") {
		t.Errorf("tail %q", got)
	}
}
