package azureblob

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob/internal/pipeline"
)

// Credential says who is calling. It is a [*SharedKeyCredential], a
// [SASCredential] or the result of [TokenCredential]; nil is an anonymous
// caller, who can read what is public, or one whose URL holds a shared access
// signature.
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
// access keys. It can do everything in the account, and sign shared access
// signatures. It is safe for concurrent use.
type SharedKeyCredential struct {
	account string
	key     secret[[]byte]
}

// NewSharedKeyCredential takes an account name and an access key in base64, as
// the portal shows it. The error, if the key is no base64 or one of the two is
// missing, does not show the key.
func NewSharedKeyCredential(account, key string) (*SharedKeyCredential, error) {
	if account == "" {
		return nil, errors.New("azureblob: the account name is empty")
	}
	if strings.ContainsAny(account, "/?#:@ \t\r\n") {
		return nil, errors.New("azureblob: the account name has a character that no account name has; is it a URL?")
	}
	if key == "" {
		return nil, errors.New("azureblob: the account key is empty")
	}
	decoded, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, errors.New("azureblob: the account key is not valid base64")
	}
	return &SharedKeyCredential{account: account, key: hide(decoded)}, nil
}

// AccountName returns the name of the storage account.
func (c *SharedKeyCredential) AccountName() string { return c.account }

// String names the account and hides the key.
func (c *SharedKeyCredential) String() string {
	return "SharedKeyCredential(" + c.account + ", " + redacted + ")"
}

// GoString is String, so that %#v hides the key as well.
func (c *SharedKeyCredential) GoString() string { return c.String() }

// Format is String for every verb.
func (c *SharedKeyCredential) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

func (c *SharedKeyCredential) authorize(*url.URL, string) (policy.Policy, error) {
	return pipeline.SharedKey(c.account, c.key()), nil
}

// SASCredential is a shared access signature: the query string of an account,
// service or user delegation SAS, with or without the question mark.
//
//	client, err := azureblob.NewServiceClient(url, azureblob.SASCredential(token), nil)
//
// The token is checked when a client is made from it.
type SASCredential string

// String hides the token.
func (c SASCredential) String() string { return "SASCredential(" + redacted + ")" }

// GoString is String, so that %#v hides the token as well.
func (c SASCredential) GoString() string { return c.String() }

// Format is String for every verb.
func (c SASCredential) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// MarshalText is String, for encoders.
func (c SASCredential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (c SASCredential) authorize(*url.URL, string) (policy.Policy, error) {
	token := strings.TrimPrefix(string(c), "?")
	query, err := url.ParseQuery(token)
	if err != nil {
		return nil, errors.New("azureblob: the shared access signature is no query string")
	}
	for _, name := range []string{"sv", "sig"} {
		if query.Get(name) == "" {
			return nil, fmt.Errorf("azureblob: the shared access signature lacks its %s parameter", name)
		}
	}
	return pipeline.SAS(token), nil
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
func TokenCredential(credential azcore.TokenCredential) Credential {
	return tokenCredential{credential}
}

type tokenCredential struct{ source azcore.TokenCredential }

func (c tokenCredential) String() string               { return "TokenCredential(" + redacted + ")" }
func (c tokenCredential) GoString() string             { return c.String() }
func (c tokenCredential) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(c.String())) }
func (c tokenCredential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (c tokenCredential) authorize(endpoint *url.URL, audience string) (policy.Policy, error) {
	if c.source == nil {
		return nil, errors.New("azureblob: the token credential is nil")
	}
	if endpoint.Scheme != "https" {
		return nil, fmt.Errorf("azureblob: a token credential needs an https endpoint, and %s://%s is none", endpoint.Scheme, endpoint.Host)
	}
	return pipeline.Bearer(c.source, audience), nil
}
