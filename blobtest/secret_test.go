package blobtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

// TestSecrets sends secrets in all the places where they can be, with all the
// mistakes that make the service quote a request, and looks for them in the
// answers and in the list of requests.
func TestSecrets(t *testing.T) {
	const secret, encoded = "topsecret", "dG9wc2VjcmV0"
	srv := blobtest.New(t)
	for _, header := range [][2]string{
		{"x-ms-encryption-key", secret}, {"x-ms-encryption-key", encoded}, {"x-ms-source-encryption-key", secret},
		{"x-ms-copy-source-authorization", secret}, {"x-ms-copy-source-authorization", "Bearer " + secret},
		{"x-ms-copy-source", "htp://h/c/b?sig=" + secret}, {"x-ms-copy-source", "https://h/c/b?sv=1&sig=" + encoded},
	} {
		for _, credential := range []string{"Bearer " + secret, "SharedKey " + srv.Account() + ":" + encoded, "SharedKey " + encoded} {
			for _, query := range []string{"", "?sv=2021-06-08&sr=b&sp=r&se=2030-01-01&sig=" + secret, "?sv=2021-06-08&ss=b&srt=o&sp=r&sig=" + encoded, "?comp=x&SIG=" + secret} {
				req := newRaw(t, srv.Endpoint()+"/photos/x"+query, "PUT", "", "x-ms-blob-type", "BlockBlob", "Authorization", credential, header[0], header[1])
				if a := do(t, srv, req); strings.Contains(a.body, secret) || strings.Contains(a.body, encoded) {
					t.Errorf("%s with %q: %s", query, header, a.body)
				}
			}
		}
	}
	for _, r := range srv.Requests() {
		if text := fmt.Sprint(r); strings.Contains(text, secret) || strings.Contains(text, encoded) {
			t.Errorf("written down: %s", text)
		}
	}
}

// TestTextToSign reads the text that the service signed, which is what tells
// where a signature went wrong.
func TestTextToSign(t *testing.T) {
	srv := blobtest.New(t)
	date := time.Now().UTC().Format(time.RFC1123)
	date = strings.Replace(date, "UTC", "GMT", 1)
	req := newRaw(t, srv.Endpoint()+"/photos/x", "GET", "", "x-ms-date", date, "Authorization", "SharedKey "+srv.Account()+":AAAA")
	a := do(t, srv, req)
	a.expect(t, "wrong signature", 403, "AuthenticationFailed")
	if want := "'GET" + strings.Repeat("\n", 12) + "x-ms-date:" + date + "\nx-ms-version:2026-06-06\n/" + srv.Account() + "/photos/x'"; !strings.Contains(a.body, want) {
		t.Errorf("%q is not in %q", want, a.body)
	}
}
