package azureblob_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/sas"
)

// accountSAS signs an account SAS for all of the emulator's account.
func accountSAS(t *testing.T, s *azurite.Server, permissions string) string {
	t.Helper()
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(s.Account(), s.Key()))
	return must[string](t)(sas.Account{
		Key: key, Permissions: must[sas.AccountPermissions](t)(sas.ParseAccountPermissions(permissions)),
		Resources: sas.ResourceTypes{Service: true, Container: true, Object: true}, Expiry: time.Now().Add(time.Hour), Protocol: sas.HTTPSAndHTTP,
	}.Sign())
}

func TestEmulatorSAS(t *testing.T) {
	server := azurite.Shared(t)
	c, ctx := newContainer(t, emulated(t)), t.Context()
	for form, service := range map[string]func(token string) (*azureblob.ServiceClient, error){
		"credential": func(token string) (*azureblob.ServiceClient, error) {
			return azureblob.NewServiceClient(server.URL(), azureblob.SASCredential("?"+token), azureblob.CapturingOptions())
		},
		"URL": func(token string) (*azureblob.ServiceClient, error) {
			return azureblob.NewServiceClient(server.URL()+"/?"+token, nil, azureblob.CapturingOptions())
		},
		"connection string": func(token string) (*azureblob.ServiceClient, error) {
			return azureblob.NewServiceClientFromConnectionString("BlobEndpoint="+server.URL()+";SharedAccessSignature="+token, azureblob.CapturingOptions())
		},
	} {
		s, err := service(accountSAS(t, server, "rwdlac"))
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		b := s.Container(c.Name()).Blob("a + b/ü?" + form)
		if _, err := b.Upload(ctx, strings.NewReader(form), nil); err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if got, err := b.ReadAll(ctx, nil); err != nil || string(got) != form {
			t.Errorf("%s: %q, %v", form, got, err)
		}
		for item, err := range s.Container(c.Name()).Blobs(ctx, nil) {
			if err != nil {
				t.Errorf("%s: %v", form, err)
			} else if item.Name == "" {
				t.Errorf("%s: an item without a name", form)
			}
		}
		if readOnly, err := service(accountSAS(t, server, "r")); err != nil {
			t.Errorf("%s: %v", form, err)
		} else if _, err := readOnly.Container(c.Name()).Blob("b").Upload(ctx, strings.NewReader("x"), nil); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: write with a SAS to read: %v", form, err)
		}
	}
	// A service that cannot be reached: net/http puts the URL into its error.
	gone, err := azureblob.NewServiceClient("http://127.0.0.1:1/acc", azureblob.SASCredential(accountSAS(t, server, "r")),
		&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Container("photos").Blob("b").ReadAll(ctx, nil); err == nil || strings.Contains(strings.ReplaceAll(err.Error(), "sig=REDACTED", ""), "sig=") {
		t.Errorf("no service: %v", err)
	}
}

func TestEmulatorAnonymous(t *testing.T) {
	ctx := t.Context()
	c := emulated(t).Container(newContainer(t, emulated(t)).Name() + "p")
	if _, err := c.Create(ctx, &azureblob.CreateContainerOptions{PublicAccess: azureblob.PublicAccessContainer}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Blob("open").Upload(ctx, strings.NewReader("to all"), nil); err != nil {
		t.Fatal(err)
	}
	anyone, err := azureblob.NewBlobClient(c.Blob("open").URL(), nil, azureblob.CapturingOptions())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := anyone.ReadAll(ctx, nil); err != nil || string(got) != "to all" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := anyone.Delete(ctx, nil); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("anonymous Delete: %v", err)
	}
}

func TestEmulatorWrongKey(t *testing.T) {
	server := azurite.Shared(t)
	wrong := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(server.Account(), "d3Jvbmc="))
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(server.URL(), wrong, azureblob.CapturingOptions()))
	if _, err := s.AccountInfo(t.Context(), nil); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("AccountInfo: %v", err)
	}
}

func TestEmulatorToken(t *testing.T) {
	server, ctx := azurite.SharedHTTPS(t), t.Context()
	o := azureblob.CapturingOptions()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.CertPool()}}
	defer transport.CloseIdleConnections()
	o.Transport = &http.Client{Transport: transport}
	s, err := azureblob.NewServiceClient(server.URL(), azureblob.TokenCredential(server.Token()), o)
	if err != nil {
		t.Fatal(err)
	}
	b := newContainer(t, s).Blob("cat.txt")
	if _, err := b.Upload(ctx, strings.NewReader("meow"), nil); err != nil {
		t.Fatal(err)
	}
	if got, err := b.ReadAll(ctx, nil); err != nil || string(got) != "meow" {
		t.Errorf("%q, %v", got, err)
	}
}

type staticToken struct{ token string }

func (s staticToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: s.token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestCredentials(t *testing.T) {
	if _, err := azureblob.NewServiceClient("http://account.blob.core.windows.net", azureblob.TokenCredential(staticToken{}), nil); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("a token over http: %v", err)
	}
	if _, err := azureblob.NewServiceClient("https://account.blob.core.windows.net", azureblob.TokenCredential(nil), nil); err == nil {
		t.Error("a nil token credential: no error")
	}
	for _, token := range []string{"", "?", "sv=2020-01-01", "sig=abc", "%zz", "sv=1&sig=2&comp=list"} {
		if _, err := azureblob.NewServiceClient("https://account.blob.core.windows.net", azureblob.SASCredential(token), nil); err == nil {
			t.Errorf("SAS %q: no error", token)
		}
	}
	var none *azureblob.SharedKeyCredential
	for _, c := range []azureblob.Credential{none, &azureblob.SharedKeyCredential{}} {
		if _, err := azureblob.NewServiceClient("https://account.blob.core.windows.net", c, nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("a credential that is nil or zero: %v", err)
		}
	}
	for _, c := range [][2]string{{"", "YQ=="}, {"account", ""}, {"account", "not base64!"}, {"https://account", "YQ=="}} {
		if _, err := azureblob.NewSharedKeyCredential(c[0], c[1]); err == nil || c[1] != "" && strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: %v", c, err)
		}
	}
}

// TestCredentialsPrintNoSecret prints what holds secrets in every way.
func TestCredentialsPrintNoSecret(t *testing.T) {
	shared := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("account", "c2VjcmV0a2V5"))
	customer := must[azureblob.CustomerKey](t)(azureblob.NewCustomerKey([]byte("0123456789abcdef0123456789abcdef")))
	signature := azureblob.SASCredential("sv=2026-06-06&sig=c2VjcmV0a2V5")
	service := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", signature, nil))
	signed := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", shared, nil))
	// A signature that is for one user, and their token.
	delegate := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net/?sv=2026-06-06&sr=c&sduoid=me&sig=c2VjcmV0a2V5",
		azureblob.TokenCredential(staticToken{"a secret token"}), nil))
	blob := signed.Container("photos").Blob("cat").WithCustomerKey(customer)
	type holder struct {
		credential azureblob.Credential
		key        azureblob.CustomerKey
		shared     azureblob.SharedKeyCredential
	}
	holders := []any{holder{credential: signature, key: customer, shared: *shared}, &holder{credential: azureblob.TokenCredential(staticToken{"a secret token"})}, []azureblob.Credential{signature, shared}}
	for _, v := range append(holders, shared, *shared, signature, customer, &customer, azureblob.TokenCredential(staticToken{"a secret token"}), service, *service, signed, *signed, blob, *blob, blob.Lease(""), delegate, *delegate) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, v)
			for _, secret := range []string{"c2VjcmV0a2V5", "secretkey", "7365637265746b6579", "633256", "a secret token", "115 101 99", "MDEyMzQ1Njc4OWFi", "0123456789abcdef0", "115, 0x65"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s of %T shows a secret", verb, v)
				}
			}
		}
	}
}
