package blobtest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/goblob/azureblob"
)

// authorizeToken lets in who has a token. Nothing in it is checked but that it
// is there: who issued it is not to be found out in a test. It must not travel
// in the clear.
func (x *exchange) authorizeToken(token string) error {
	if x.request.TLS == nil {
		return authenticationFailed("Bearer authentication is not allowed with HTTP.")
	}
	if strings.TrimSpace(token) == "" {
		return fail(azureblob.InvalidAuthenticationInfo).withStatus(http.StatusUnauthorized).withHeader("WWW-Authenticate", challenge)
	}
	if !x.since("2017-11-09") {
		return authenticationFailed("Bearer authentication is not supported in this version.")
	}
	of := claimsOf(token)
	x.grant = grant{how: byToken, principal: of.Principal, tenant: of.Tenant}
	if of.Principal == "" {
		x.grant.principal = defaultPrincipal
	}
	if of.Tenant == "" {
		x.grant.tenant = defaultTenant
	}
	return nil
}

// claims are what a token says of who holds it.
type claims struct {
	Principal string `json:"oid"`
	Tenant    string `json:"tid"`
}

// claimsOf reads a token if it is a JSON Web Token; any other says nothing.
func claimsOf(token string) claims {
	var c claims
	if parts := strings.Split(strings.TrimSpace(token), "."); len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && json.Unmarshal(text, &c) != nil {
			return claims{}
		}
	}
	return c
}
