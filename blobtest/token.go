package blobtest

import (
	"net/http"
	"strings"

	"github.com/goblob/azureblob"
)

// authorizeToken lets in who has a token. Nothing in it is checked but that it
// is there: who issued it is not to be found out in a test. It must not travel
// in the clear.
func (x *exchange) authorizeToken(token string) error {
	if x.request.TLS == nil {
		return authenticationFailed("Authentication scheme Bearer is not allowed with HTTP.")
	}
	if strings.TrimSpace(token) == "" {
		return fail(azureblob.InvalidAuthenticationInfo).withStatus(http.StatusUnauthorized).withHeader("WWW-Authenticate", challenge)
	}
	if !x.since("2017-11-09") {
		return authenticationFailed("Authentication scheme Bearer is not supported in this version.")
	}
	x.grant = grant{how: byToken}
	return nil
}
