// Package exampletest runs examples for their tests.
package exampletest

import (
	"bytes"
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/internal/azurite"
)

// OnServices runs a test on blobtest and on the emulator. What the emulator
// lacks is behind a look at account.Local. With https in the options it is
// https for both.
func OnServices(t *testing.T, local *blobtest.Options, test func(t *testing.T, account *connect.Account)) {
	t.Helper()
	t.Run("blobtest", func(t *testing.T) { test(t, OnBlobtest(t, local)) })
	t.Run("emulator", func(t *testing.T) {
		account := &connect.Account{}
		if local != nil && local.HTTPS {
			server := azurite.SharedHTTPS(t)
			account.ConnectionString = server.ConnectionString()
			account.Options = &azureblob.ClientOptions{Transport: &http.Client{Transport: &http.Transport{
				DisableCompression: true, TLSClientConfig: &tls.Config{RootCAs: server.CertPool()},
			}}}
		} else {
			account.ConnectionString = azurite.Shared(t).ConnectionString()
		}
		leavesNothing(t, account)
		test(t, account)
	})
}

// OnBlobtest is an account of its own for a test.
func OnBlobtest(t *testing.T, local *blobtest.Options) *connect.Account {
	t.Helper()
	if local == nil {
		local = &blobtest.Options{}
	}
	account := connect.Local(blobtest.New(t, local))
	leavesNothing(t, account)
	return account
}

// Service is a client of the account.
func Service(t *testing.T, account *connect.Account) *azureblob.ServiceClient {
	t.Helper()
	service, err := azureblob.NewServiceClientFromConnectionString(account.ConnectionString, account.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.CloseIdleConnections)
	return service
}

// leavesNothing demands that there is no container when the test is over.
func leavesNothing(t *testing.T, account *connect.Account) {
	service := Service(t, account)
	t.Cleanup(func() {
		for item, err := range service.Containers(context.WithoutCancel(t.Context()), nil) {
			if err != nil || !strings.HasPrefix(item.Name, "$") { // those of the service itself
				t.Errorf("it left something behind: %v, %v", item, err)
			}
		}
	})
}

// Output runs an example and returns what it prints.
func Output(t *testing.T, account *connect.Account, example connect.Example, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := example(t.Context(), account, args, &out); err != nil {
		t.Fatalf("%v, after it printed\n%s", err, out.String())
	}
	return out.String()
}

// Token is a token of Azure AD that the emulator takes over https.
func Token(t *testing.T) string {
	t.Helper()
	token, err := azurite.SharedHTTPS(t).Token().GetToken(t.Context(), policy.TokenRequestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Token
}
