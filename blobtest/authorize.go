package blobtest

import (
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/wire"
)

// access says who may carry out an operation. Who has the account key may do
// everything, and so may who has a token; the zero value lets nobody else in.
type access struct {
	public azureblob.PublicAccess // access of the container that lets anonymous callers in; none for never

	// A shared access signature needs one of these permissions, and an account
	// SAS this type of resource: s, c or o.
	permissions string
	resource    byte
}

// What the operations need.
var (
	readBlob   = access{public: azureblob.PublicAccessBlob, permissions: "r", resource: 'o'}
	writeBlob  = access{permissions: "w", resource: 'o'}
	createBlob = access{permissions: "cw", resource: 'o'}  // c alone does not let overwrite; see x.overwritable
	deleteBlob = access{permissions: "dxy", resource: 'o'} // which of them depends on what is deleted; see x.mayDelete

	// Container operations by a service SAS are few: only listing is.
	listBlobs       = access{public: azureblob.PublicAccessContainer, permissions: "l", resource: 'c'}
	readContainer   = access{public: azureblob.PublicAccessContainer, permissions: "r", resource: 'c'}
	writeContainer  = access{permissions: "w", resource: 'c'}
	createContainer = access{permissions: "cw", resource: 'c'}
	deleteContainer = access{permissions: "d", resource: 'c'}

	listContainers = access{permissions: "l", resource: 's'}
	// Get Account Information asks for any permission, on whatever it names.
	anyPermission = access{permissions: "racwdxyltmeopif"}
)

// grant is what a caller was authorized by.
type grant struct {
	how         how
	permissions string // of a shared access signature
	principal   string // object ID of who holds the token, or who signed
	tenant      string // of who holds the token
	scope       string // encryption scope that the signature is bound to
}

type how uint8

const (
	byNobody how = iota // anonymous
	bySharedKey
	bySAS
	byToken
)

// may reports whether the caller has a permission, given as its letter in
// shared access signatures.
func (g grant) may(letter byte) bool {
	switch g.how {
	case bySharedKey, byToken:
		return true
	case bySAS:
		return strings.IndexByte(g.permissions, letter) >= 0
	}
	return false
}

// authorize finds out who is calling and whether they may. It sets x.grant.
// Each way to be authorized is in a file of its own.
func (x *exchange) authorize() error {
	if x.op != nil && x.op.Method == "OPTIONS" {
		return nil // asked by browsers, which do not sign
	}
	credentials := x.params.text("Authorization")
	scheme, rest, _ := strings.Cut(credentials, " ")
	switch {
	case x.query.Get("sig") != "":
		return x.authorizeSAS()
	case credentials == "":
		return x.authorizeAnonymous()
	case strings.EqualFold(scheme, "SharedKey"):
		return x.authorizeSharedKey(rest)
	case strings.EqualFold(scheme, "Bearer"):
		return x.authorizeToken(rest)
	}
	return fail(azureblob.InvalidAuthenticationInfo)
}

// needed is what the operation needs. An operation that is not known needs a key.
func (x *exchange) needed() access {
	if x.endpoint == nil {
		return access{}
	}
	return x.endpoint.needs
}

// authorizeAnonymous lets a caller without credentials read what is public.
func (x *exchange) authorizeAnonymous() error {
	if public := x.needed().public; public != azureblob.PublicAccessNone && x.level != wire.Account {
		x.server.mu.Lock()
		c := x.account.containers[x.container]
		open := c != nil && (c.access == azureblob.PublicAccessContainer || c.access == public)
		x.server.mu.Unlock()
		if open {
			return nil
		}
		if !x.since("2019-12-12") || x.params.text("x-ms-version") == "" {
			// Old clients know nothing of challenges.
			return fail(azureblob.ResourceNotFound)
		}
	}
	return fail(azureblob.NoAuthenticationInformation).withHeader("WWW-Authenticate", challenge)
}

// challenge tells clients where to get a token.
const challenge = "Bearer authorization_uri=https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/oauth2/authorize resource_id=https://storage.azure.com"

// authenticationFailed is the error of credentials that are wrong.
func authenticationFailed(format string, args ...any) error {
	f := fail(azureblob.AuthenticationFailed)
	return f.with("AuthenticationErrorDetail", fail("").because(format, args...).message)
}
