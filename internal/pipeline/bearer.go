package pipeline

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// storageAudience is the resource that tokens for Azure Storage are for, in
// every cloud.
const storageAudience = "https://storage.azure.com"

// StorageScope is the scope of tokens for Azure Storage.
const StorageScope = storageAudience + "/.default"

// Bearer returns a policy that authorizes requests with tokens of cred for an
// audience; an empty audience is https://storage.azure.com. It refuses plain
// HTTP, where anybody on the way could take the token.
//
// When the service answers 401 and names the tenant it wants, the request is
// sent once more with a token of that tenant, and following requests begin
// with it. A challenge that names a resource other than Azure Storage or the
// audience is an error, since the server would get a token for somebody else.
func Bearer(cred azcore.TokenCredential, audience string) policy.Policy {
	audience = resourceOf(audience)
	if audience == "" {
		audience = storageAudience
	}
	b := &bearer{cred: cred, audience: audience}
	b.current.Store(newGrant(cred, "", audience))
	return b
}

// bearer holds the grant in use, and the one that a challenge asked for and
// that has not yet been accepted.
type bearer struct {
	cred     azcore.TokenCredential
	audience string
	current  atomic.Pointer[grant]

	mu        sync.Mutex
	candidate *grant
}

// grant is the tenant and resource that tokens are asked for. Each has an
// azcore policy of its own, which caches its token: one policy for all would
// hand a token of the old tenant to a request that waits for one of the new.
type grant struct {
	tenant   string // empty is the credential's own
	resource string
	policy   *azruntime.BearerTokenPolicy
}

func newGrant(cred azcore.TokenCredential, tenant, resource string) *grant {
	scopes := []string{resource + "/.default"}
	onRequest := func(req *policy.Request, authorize func(policy.TokenRequestOptions) error) error {
		if raw := req.Raw(); raw.Header.Get(headerAuthorization) != "" {
			// This is the second sending, and net/http may still be writing
			// the headers of the first.
			raw.Header = raw.Header.Clone()
		}
		return authorize(policy.TokenRequestOptions{Scopes: scopes, TenantID: tenant})
	}
	return &grant{tenant: tenant, resource: resource,
		policy: azruntime.NewBearerTokenPolicy(cred, scopes, &policy.BearerTokenOptions{
			AuthorizationHandler: policy.AuthorizationHandler{OnRequest: onRequest},
		})}
}

// Do authorizes and sends a request, a second time if it is challenged.
func (b *bearer) Do(req *policy.Request) (*http.Response, error) {
	if u := req.Raw().URL; u.Scheme != "https" {
		return nil, permanent(fmt.Errorf("azureblob: a token credential needs an https endpoint, not %s://%s", u.Scheme, u.Host))
	}
	used := b.current.Load()
	resp, err := used.policy.Do(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	asked, ok := parseChallenge(resp.Header.Values("Www-Authenticate"))
	if !ok {
		return resp, nil
	}
	if asked.resource == "" {
		asked.resource = used.resource
	}
	if err := asked.check(b.audience); err != nil {
		azruntime.Drain(resp)
		return nil, permanent(err)
	}
	azruntime.Drain(resp)
	g := b.grantFor(asked)
	resp, err = g.policy.Do(req)
	if err == nil && resp.StatusCode != http.StatusUnauthorized {
		// Only a grant that the service takes is kept, so that one bad answer
		// does not spoil all following requests.
		b.current.Store(g)
	}
	return resp, err
}

// grantFor returns the grant for a challenge. Requests that are challenged at
// the same time share one, and so its token.
func (b *bearer) grantFor(asked challenge) *grant {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range []*grant{b.current.Load(), b.candidate} {
		if g != nil && g.tenant == asked.tenant && g.resource == asked.resource {
			return g
		}
	}
	b.candidate = newGrant(b.cred, asked.tenant, asked.resource)
	return b.candidate
}

// String keeps the credential out of formatted output.
func (*bearer) String() string { return "token credential" }

// challenge is what storage wants of a token, from WWW-Authenticate.
type challenge struct {
	tenant   string
	resource string // without a slash at its end
}

// parseChallenge finds the Bearer challenge of storage, which reads
//
//	Bearer authorization_uri=https://login.microsoftonline.com/TENANT/oauth2/authorize resource_id=https://storage.azure.com
//
// with or without quotes and commas. It reports false if there is none that
// names a tenant.
func parseChallenge(values []string) (challenge, bool) {
	for _, v := range values {
		var c challenge
		bearer := false
		for v != "" {
			var word string
			word, v = nextWord(v)
			name, value, isParam := strings.Cut(word, "=")
			if !isParam {
				if word != "" {
					bearer = strings.EqualFold(word, "Bearer")
				}
				continue
			}
			if !bearer {
				continue
			}
			value = strings.Trim(value, `"`)
			switch strings.ToLower(name) {
			case "authorization_uri", "authorization":
				c.tenant = tenantOf(value)
			case "resource_id", "resource":
				c.resource = resourceOf(value)
			}
		}
		if c.tenant != "" {
			return c, true
		}
	}
	return challenge{}, false
}

// nextWord cuts s after its first word. Words end at white space and commas
// outside of quotes.
func nextWord(s string) (word, rest string) {
	quoted := false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t' || c == ','):
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// tenantOf returns the tenant that an authorization endpoint names in its path,
// or nothing if it is not one to trust. Tenants are GUIDs or domain names.
func tenantOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return ""
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	for _, c := range tenant {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return ""
		}
	}
	return tenant
}

// resourceOf returns a resource without the slash or default scope at its end.
func resourceOf(audience string) string {
	return strings.TrimSuffix(strings.TrimSuffix(audience, "/.default"), "/")
}

// storageHosts are the hosts of Azure Storage as a resource in its clouds.
var storageHosts = []string{"storage.azure.com", "storage.azure.us", "storage.azure.cn"}

// check refuses a resource that is neither the audience nor Azure Storage.
func (c challenge) check(audience string) error {
	if c.resource == audience {
		return nil
	}
	refused := fmt.Errorf("azureblob: the server asks for a token for %q, which is not Azure Storage; "+
		"if that is right, make it the audience of the client", Redact(c.resource))
	u, err := url.Parse(c.resource)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return refused
	}
	for _, host := range storageHosts {
		if u.Host == host || strings.HasSuffix(u.Host, "."+host) {
			return nil
		}
	}
	return refused
}
