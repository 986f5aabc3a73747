package pipeline

import (
	"errors"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// SAS returns a policy that adds a shared access signature to the query of
// each try. The token is taken as it is, percent-encoded, with or without a
// leading question mark. A token with characters that a URL cannot carry fails
// each request before it is sent.
func SAS(query string) policy.Policy {
	p := sasPolicy{query: strings.Trim(query, "?&")}
	for i := range len(p.query) {
		if c := p.query[i]; c <= ' ' || c >= 0x7f || c == '#' {
			p.err = errors.New("azureblob: the shared access signature holds a character that has to be percent-encoded")
		}
	}
	return p
}

// Both returns a policy for a signature that only somebody with a token may use.
// The two are those of [Bearer] and [SAS].
func Both(bearer, signature policy.Policy) policy.Policy {
	return bothPolicy{bearer, signature.(sasPolicy)}
}

type bothPolicy struct {
	policy.Policy // the bearer
	late          sasPolicy
}

type sasPolicy struct {
	query string
	err   error
}

// Do is for use as an ordinary policy; a pipeline of this package lets the
// sender call authorize instead.
func (p sasPolicy) Do(req *policy.Request) (*http.Response, error) {
	if err := p.authorize(req.Raw()); err != nil {
		return nil, permanent(err)
	}
	return req.Next()
}

func (p sasPolicy) authorize(r *http.Request) error {
	if p.err != nil || p.query == "" {
		return p.err
	}
	u := *r.URL
	if u.RawQuery == "" {
		u.RawQuery = p.query
	} else {
		u.RawQuery += "&" + p.query
	}
	r.URL = &u
	return nil
}

// String keeps the token out of formatted output.
func (sasPolicy) String() string { return "shared access signature" }

// GoString keeps the token out of formatted output.
func (sasPolicy) GoString() string { return "shared access signature" }
