package peers

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/goblob/azureblob/blobtest"
)

// TestJSSDK has the official JavaScript SDK drive blobtest. Each line that the
// script prints is a topic, "ok name" or "fail name: reason".
func TestJSSDK(t *testing.T) {
	if _, err := os.Stat("js/node_modules"); err != nil {
		t.Skip("the JavaScript SDK is not installed: make peers")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip(err)
	}
	srv := blobtest.New(t)
	c := exec.CommandContext(t.Context(), node, "roundtrip.mjs")
	c.Dir, c.Stderr = "js", os.Stderr
	c.Env = append(os.Environ(), "AZURE_STORAGE_CONNECTION_STRING="+srv.ConnectionString())
	out, err := c.Output()
	topics := 0
	for line := range strings.Lines(string(out)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, reason, _ := strings.Cut(rest, ": ")
		topics++
		t.Run(name, func(t *testing.T) {
			if word != "ok" {
				t.Error(reason)
			}
		})
	}
	if err != nil {
		t.Errorf("node: %v", err)
	}
	if topics == 0 {
		t.Errorf("no topics in %q", out)
	}
}
