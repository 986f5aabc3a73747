package peers

import (
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/goblob/azureblob/blobtest"
)

// TestJSSDK has the official JavaScript SDK drive blobtest, with the account in
// the path and, for batches of the service, in the host. Each line that the
// script prints is a topic, "ok name" or "fail name: reason".
func TestJSSDK(t *testing.T) {
	srv := blobtest.New(t)
	endpoint, err := url.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	script(t, "roundtrip.mjs", "AZURE_STORAGE_CONNECTION_STRING="+srv.ConnectionString(),
		"AZURE_STORAGE_HOST_ENDPOINT=http://"+srv.Account()+".blob.localhost:"+endpoint.Port())
}

// TestJSSDKSignatures has the JavaScript SDK sign the vectors of package sas. It
// skips what it has no option for.
func TestJSSDKSignatures(t *testing.T) {
	if ok := script(t, "signatures.mjs"); ok < 120 {
		t.Errorf("%d vectors were signed", ok)
	}
}

// script runs a script of the SDK, and counts its topics that are ok.
func script(t *testing.T, name string, environment ...string) (ok int) {
	t.Helper()
	if _, err := os.Stat("js/node_modules"); err != nil {
		t.Skip("the JavaScript SDK is not installed: make peers")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip(err)
	}
	c := exec.CommandContext(t.Context(), node, name)
	c.Dir, c.Stderr = "js", os.Stderr
	c.Env = append(os.Environ(), environment...)
	out, err := c.Output()
	for line := range strings.Lines(string(out)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, reason, _ := strings.Cut(rest, ": ")
		switch word {
		case "ok":
			ok++
		case "skip":
		default:
			t.Run(name, func(t *testing.T) { t.Error(word, reason) })
		}
	}
	if err != nil {
		t.Errorf("node: %v", err)
	}
	if ok == 0 {
		t.Errorf("no topics in %q", out)
	}
	return ok
}
