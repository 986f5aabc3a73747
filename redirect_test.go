package azureblob_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goblob/azureblob"
)

// TestRedirects: an answer that sends the client elsewhere is an error, with every
// credential and transport, and what is secret goes nowhere.
func TestRedirects(t *testing.T) {
	var followed atomic.Int64
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { followed.Add(1) }))
	defer other.Close()
	status := http.StatusMovedPermanently
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", other.URL+r.URL.RequestURI())
		w.WriteHeader(status)
	}))
	defer service.Close()
	shared := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("account", "c2VjcmV0a2V5"))
	customer := must[azureblob.CustomerKey](t)(azureblob.NewCustomerKey([]byte("0123456789abcdef0123456789abcdef")))
	const signature = "sv=2026-06-06&sig=c2VjcmV0a2V5"
	trust := service.Client().Transport.(*http.Transport).TLSClientConfig
	own := &http.Transport{TLSClientConfig: trust}
	defer own.CloseIdleConnections()
	for name, tc := range map[string]struct {
		credential azureblob.Credential
		query      string
	}{
		"shared key": {shared, ""}, "SAS": {azureblob.SASCredential(signature), ""}, "SAS in the URL": {nil, "?" + signature},
		"token": {azureblob.TokenCredential(staticToken{"a secret token"}), ""}, "anonymous": {nil, ""},
		"signature and token": {azureblob.TokenCredential(staticToken{"a secret token"}), "?sv=2026-06-06&sr=c&sduoid=me&sig=c2VjcmV0a2V5"},
	} {
		for transport, o := range map[string]azureblob.ClientOptions{
			"ours":     {TLS: trust},
			"a client": {Transport: &http.Client{Transport: own, Timeout: time.Minute}},
		} {
			o.Retry.Total = -1
			o.Logger = azureblob.CapturingOptions().Logger
			client := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(service.URL+"/account"+tc.query, tc.credential, &o))
			blob := client.Container("photos").Blob("cat").WithCustomerKey(customer)
			for _, status = range []int{301, 302, 303, 307, 308} {
				_, read := blob.ReadAll(t.Context(), nil)
				_, write := blob.Upload(t.Context(), strings.NewReader("meow"), nil)
				_, copied := client.Container("photos").Blob("dog").CopyFromURL(t.Context(), "https://source/c/b?"+signature, &azureblob.CopyFromURLOptions{SourceAccess: azureblob.SourceAccess{Token: staticToken{"a secret token"}}})
				for _, err := range []error{read, write, copied} {
					if e, ok := errors.AsType[*azureblob.Error](err); !ok || e.StatusCode != status {
						t.Errorf("%s, %s, %d: %v", name, transport, status, err)
					}
				}
			}
			client.CloseIdleConnections()
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}
