package azureblob

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/sas"
)

// Credential says who is calling. It is a [*SharedKeyCredential], or what
// [SASCredential] or [TokenCredential] return; nil is an anonymous caller, who
// can read what is public, or one whose URL holds a shared access signature.
//
// No credential shows its secret when it is printed, logged or encoded.
type Credential interface {
	// authorize checks that the credential fits the endpoint, before anything
	// is sent, and returns the policy that authorizes each try.
	authorize(endpoint *url.URL, audience string) (policy.Policy, error)
}

// redacted is what a credential prints as.
const redacted = "REDACTED"

// secret keeps a value in a closure, which no way of printing or encoding looks
// into. A method that hides the value is not enough: fmt does not call methods
// of fields that are not exported.
type secret[T any] func() T

func hide[T any](v T) secret[T] { return func() T { return v } }

// SharedKeyCredential is the name of a storage account and one of its two
// access keys. It can do everything in the account. It is safe for concurrent use.
type SharedKeyCredential struct {
	account string
	key     secret[[]byte]
}

// NewSharedKeyCredential takes an account name and an access key in base64, as
// the portal shows it. The error, if the key is no base64 or one of the two is
// missing, does not show the key.
func NewSharedKeyCredential(account, key string) (*SharedKeyCredential, error) {
	if account == "" {
		return nil, invalidf("the account name is empty")
	}
	if strings.ContainsAny(account, "/?#:@ \t\r\n") {
		return nil, invalidf("the account name has a character that no account name has; is it a URL?")
	}
	if key == "" {
		return nil, invalidf("the account key is empty")
	}
	decoded, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, invalidf("the account key is not valid base64")
	}
	return &SharedKeyCredential{account: account, key: hide(decoded)}, nil
}

// AccountName returns the name of the storage account.
func (c *SharedKeyCredential) AccountName() string { return c.account }

// String names the account and hides the key.
func (c *SharedKeyCredential) String() string {
	return "SharedKeyCredential(" + c.account + ", " + redacted + ")"
}

// Sign returns the HMAC-SHA256 of a text with the key. It is how package sas
// makes shared access signatures.
//
// Errors: fs.ErrInvalid if c is its zero value.
func (c *SharedKeyCredential) Sign(text string) ([]byte, error) {
	if c.key == nil {
		return nil, errNoKey
	}
	mac := hmac.New(sha256.New, c.key())
	mac.Write([]byte(text))
	return mac.Sum(nil), nil
}

var errNoKey = invalidf("the SharedKeyCredential is its zero value; make one with NewSharedKeyCredential")

func (c *SharedKeyCredential) authorize(*url.URL, string) (policy.Policy, error) {
	if c.key == nil {
		return nil, errNoKey
	}
	return pipeline.SharedKey(c.account, c.key()), nil
}

// SASCredential is a shared access signature: the query string of an account,
// service or user delegation SAS, with or without the question mark.
//
//	client, err := azureblob.NewServiceClient(url, azureblob.SASCredential(token), nil)
//
// The token is checked when a client is made from it.
func SASCredential(token string) Credential { return sasCredential{hide(token)} }

type sasCredential struct{ token secret[string] }

func (c sasCredential) String() string { return "SASCredential(" + redacted + ")" }

func (c sasCredential) authorize(*url.URL, string) (policy.Policy, error) {
	token := strings.TrimPrefix(c.token(), "?")
	if token == "" {
		return nil, invalidf("the shared access signature is empty")
	}
	query, err := url.ParseQuery(token)
	if err != nil {
		return nil, invalidf("the shared access signature is no query string")
	}
	for _, name := range []string{"sv", "sig"} {
		if query.Get(name) == "" {
			return nil, invalidf("the shared access signature lacks its %s parameter", name)
		}
	}
	for name := range query {
		if !sas.IsParameter(name) {
			return nil, invalidf("the shared access signature has a parameter that is none of its own; is it a whole URL, or that of a request?")
		}
	}
	return pipeline.SAS(token), nil
}

// signedCredential is the credential of a URL with a signature. There is none
// beside it, but for the token of the only user who may use a signature.
func signedCredential(token string, credential Credential) (Credential, error) {
	signature := sasCredential{hide(token)}
	if isNil(credential) {
		return signature, nil
	}
	t, err := sas.Parse(token)
	if user, ok := credential.(tokenCredential); ok && err == nil && t.Delegation.DelegatedUserObjectID != "" {
		return delegateCredential{user, signature}, nil
	}
	return nil, invalidf("the URL holds a shared access signature and there is a credential as well; give one of the two")
}

// delegateCredential is a signature and the token of the user whom it is for.
type delegateCredential struct {
	user      tokenCredential
	signature sasCredential
}

func (c delegateCredential) String() string { return "SASCredential(" + redacted + ")" }

func (c delegateCredential) authorize(endpoint *url.URL, audience string) (policy.Policy, error) {
	signature, err := c.signature.authorize(endpoint, audience)
	if err != nil {
		return nil, err
	}
	bearer, err := c.user.authorize(endpoint, audience)
	if err != nil {
		return nil, err
	}
	return pipeline.Both(bearer, signature), nil
}

// TokenCredential authorizes with Azure AD (Entra ID) tokens, such as those of
// the azidentity module:
//
//	id, err := azidentity.NewDefaultAzureCredential(nil)
//	client, err := azureblob.NewServiceClient(url, azureblob.TokenCredential(id), nil)
//
// The endpoint has to be https, as a token sent in the clear can be stolen. The
// tenant of the account is found out by itself where the service names it in a
// challenge. See [ClientOptions.Audience] for other clouds.
//
// It goes with a URL without a signature, or with one whose signature is for one
// user alone, who then shows by the token that it is them; see [sas.Delegation].
func TokenCredential(credential azcore.TokenCredential) Credential {
	return tokenCredential{hide(credential)}
}

type tokenCredential struct {
	source secret[azcore.TokenCredential]
}

func (c tokenCredential) String() string { return "TokenCredential(" + redacted + ")" }

func (c tokenCredential) authorize(endpoint *url.URL, audience string) (policy.Policy, error) {
	source := c.source()
	if isNil(source) {
		return nil, invalidf("the token credential is nil")
	}
	if endpoint.Scheme != "https" {
		return nil, invalidf("a token credential needs an https endpoint, and %s://%s is none", endpoint.Scheme, endpoint.Host)
	}
	return pipeline.Bearer(source, audience), nil
}
