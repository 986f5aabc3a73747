package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// fakeCredential makes tokens that name their tenant and scope.
type fakeCredential struct {
	mu     sync.Mutex
	asked  []string
	refuse string // tenant
}

func (c *fakeCredential) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := o.TenantID + "|" + strings.Join(o.Scopes, " ")
	c.asked = append(c.asked, text)
	if c.refuse != "" && o.TenantID == c.refuse {
		return azcore.AccessToken{}, errors.New("no token for this tenant")
	}
	return azcore.AccessToken{Token: text, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

const tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"

// challenging answers 401 with a challenge to all but one token.
func challenging(t *testing.T, token, header string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+token {
			w.Header().Set("WWW-Authenticate", header)
			w.WriteHeader(401)
			return
		}
		if got, err := io.ReadAll(r.Body); r.Method == "PUT" && (string(got) != "abc" || err != nil) {
			t.Errorf("body %q, %v", got, err)
		}
		w.WriteHeader(201)
	}
}

const storageChallenge = "Bearer authorization_uri=https://login.microsoftonline.com/" + tenant +
	"/oauth2/authorize resource_id=https://storage.azure.com"

func TestBearerChallenge(t *testing.T) {
	token := tenant + "|https://storage.azure.com/.default"
	srv, client := serveTLS(t, challenging(t, token, storageChallenge))
	cred := &fakeCredential{}
	p := New(Config{Transport: client, Auth: Bearer(cred, ""), Retry: noWait(0)})
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for range 4 {
				body := &trackedBody{data: []byte("abc")}
				resp, err := do(t, p, "PUT", srv.URL+"/c/b", &Call{Body: body})
				if err != nil || resp.StatusCode != 201 {
					t.Errorf("%v, %v", resp, err)
				}
				body.open.Wait()
			}
		})
	}
	workers.Wait()
	if len(cred.asked) != 2 || cred.asked[0] != "|https://storage.azure.com/.default" || cred.asked[1] != token {
		t.Errorf("asked for %q", cred.asked)
	}
	// The tenant is remembered, so the first sending is the last.
	body := &trackedBody{data: []byte("abc")}
	if _, err := do(t, p, "PUT", srv.URL+"/c/b", &Call{Body: body}); err != nil || body.opened.Load() != 1 {
		t.Errorf("%d sendings, %v", body.opened.Load(), err)
	}
	body.open.Wait()
}

func TestBearerAudience(t *testing.T) {
	for audience, scope := range map[string]string{
		"":                                   "https://storage.azure.com/.default",
		"https://a.blob.core.windows.net":    "https://a.blob.core.windows.net/.default",
		"https://storage.azure.com/":         "https://storage.azure.com/.default",
		"https://storage.azure.com/.default": "https://storage.azure.com/.default",
	} {
		srv, client := serveTLS(t, challenging(t, "|"+scope, ""))
		p := New(Config{Transport: client, Auth: Bearer(&fakeCredential{}, audience), Retry: noWait(0)})
		if resp, err := do(t, p, "GET", srv.URL, nil); err != nil || resp.StatusCode != 201 {
			t.Errorf("%q: %v, %v", audience, resp, err)
		}
	}
}

// One 401 that stays is the answer; nothing is remembered from it.
func TestBearerChallengeInVain(t *testing.T) {
	for name, cred := range map[string]*fakeCredential{"refused": {}, "no token": {refuse: tenant}} {
		requests := 0
		srv, client := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			w.Header().Set("WWW-Authenticate", storageChallenge)
			w.WriteHeader(401)
		})
		auth := Bearer(cred, "")
		p := New(Config{Transport: client, Auth: auth, Retry: noWait(3)})
		resp, err := do(t, p, "GET", srv.URL, nil)
		if name == "refused" && (err != nil || resp.StatusCode != 401 || requests != 2) {
			t.Errorf("%v, %v after %d requests", resp, err, requests)
		}
		if name == "no token" && (err == nil || requests != 1) {
			t.Errorf("%v, %v after %d requests", resp, err, requests)
		}
		if g := auth.(*bearer).current.Load(); g.tenant != "" {
			t.Errorf("%s: remembers %q", name, g.tenant)
		}
	}
}

func TestBearerRefusesForeignResource(t *testing.T) {
	for _, resource := range []string{
		"https://vault.azure.net", "https://management.azure.com/", "http://storage.azure.com", "https://storage.azure.com.evil.example",
		"https://evilstorage.azure.com", "https://storage.azure.evil", "https://storage.azure.com@evil.example", "https://storage.azure.com:444",
		"https://storage.azure.com/x", "00000003-0000-0000-c000-000000000000", "https://storage.azure.com?x=1", "https://graph.microsoft.com/.default",
	} {
		srv, client := serveTLS(t, challenging(t, "never", "Bearer authorization_uri=https://login.microsoftonline.com/"+tenant+
			"/oauth2/authorize resource_id="+resource))
		cred := &fakeCredential{}
		p := New(Config{Transport: client, Auth: Bearer(cred, "https://a.blob.core.windows.net"), Retry: noWait(3)})
		_, err := do(t, p, "GET", srv.URL, nil)
		if err == nil || !strings.Contains(err.Error(), "not Azure Storage") || len(cred.asked) != 1 {
			t.Errorf("%s: %v, asked for %q", resource, err, cred.asked)
		}
	}
	for _, resource := range []string{"https://storage.azure.com/", "https://x.storage.azure.us", "https://a.blob.core.windows.net"} {
		if err := (challenge{"t", resourceOf(resource)}).check("https://a.blob.core.windows.net"); err != nil {
			t.Error(err)
		}
	}
}

func TestBearerNeedsHTTPS(t *testing.T) {
	srv, client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request went out") })
	cred := &fakeCredential{}
	_, err := do(t, New(Config{Transport: client, Auth: Bearer(cred, "")}), "GET", srv.URL+"/c", nil)
	if err == nil || !strings.HasPrefix(err.Error(), "azureblob: a token credential needs an https endpoint, not http://127") || len(cred.asked) != 0 {
		t.Errorf("%v, asked for %q", err, cred.asked)
	}
}

func TestParseChallenge(t *testing.T) {
	for _, c := range []struct {
		header string
		want   challenge
	}{
		{storageChallenge, challenge{tenant, "https://storage.azure.com"}},
		{`bearer authorization_uri="https://login.microsoftonline.com/contoso.com/", resource_id="https://storage.azure.com/"`,
			challenge{"contoso.com", "https://storage.azure.com"}},
		{`Basic realm="a b, c=d", Bearer error="x y", authorization="https://h/t"`, challenge{"t", ""}},
		{`Bearer resource_id=https://storage.azure.com`, challenge{}},
		{`Basic authorization_uri=https://h/t`, challenge{}},
		{`Bearer authorization_uri=http://h/t`, challenge{}},
		{`Bearer authorization_uri=https://h/a%0Ab/`, challenge{}},
		{`Bearer authorization_uri="https://h/t`, challenge{"t", ""}},
		{``, challenge{}}, {`Bearer`, challenge{}}, {`Bearer =,"`, challenge{}},
	} {
		if got, ok := parseChallenge([]string{"", c.header}); got != c.want || ok != (got.tenant != "") {
			t.Errorf("%s: %+v, %v", c.header, got, ok)
		}
	}
}

func FuzzParseChallenge(f *testing.F) {
	f.Add(storageChallenge)
	f.Add(`Basic realm="a, b", Bearer authorization="https://h/t" , resource=x`)
	f.Fuzz(func(t *testing.T, header string) {
		c, ok := parseChallenge([]string{header})
		if ok != (c.tenant != "") || strings.ContainsAny(c.tenant, "/\r\n %?#\"") {
			t.Errorf("%+v, %v", c, ok)
		}
		_ = c.check(storageAudience)
	})
}

func TestBearerPrintsNoSecret(t *testing.T) {
	if s := fmt.Sprint(Bearer(&fakeCredential{}, "")); s != "token credential" {
		t.Error(s)
	}
}
