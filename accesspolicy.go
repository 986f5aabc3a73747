package azureblob

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// AccessPolicy is who may read a container without more ado, and under which
// conditions shared access signatures are good that name a stored policy.
type AccessPolicy struct {
	PublicAccess PublicAccess       `header:"x-ms-blob-public-access"` // of anonymous callers
	Identifiers  []SignedIdentifier `xml:"SignedIdentifier"`           // stored access policies, at most 5
}

// SignedIdentifier is a stored access policy of a container. A signature that
// names it takes from it what it lacks itself, and ends when the policy is
// changed or taken away: so it can be revoked.
type SignedIdentifier struct {
	ID          string    `xml:"Id"`                         // 1 to 64 characters, not twice in a container
	Start       time.Time `xml:"AccessPolicy>Start,iso8601"` // signatures are valid from here, in whole seconds; zero leaves it to them
	Expiry      time.Time `xml:"AccessPolicy>Expiry,iso8601"`
	Permissions string    `xml:"AccessPolicy>Permission"` // letters as sas.ContainerPermissions writes them; empty leaves it to the signatures
}

// AccessPolicyOptions are the options of [ContainerClient.AccessPolicy].
type AccessPolicyOptions struct {
	CallOptions
	LeaseID string `header:"x-ms-lease-id"` // succeed only while this lease is held
}

// AccessPolicyResult is the result of [ContainerClient.AccessPolicy].
type AccessPolicyResult struct {
	ResponseInfo
	AccessPolicy
	ETag         azcore.ETag `response:"ETag"`
	LastModified time.Time   `response:"Last-Modified"`
}

// AccessPolicy returns the public access and the stored access policies of the
// container.
//
// Errors: [ContainerNotFound], which is fs.ErrNotExist.
//
// REST: Get Container ACL.
func (c *ContainerClient) AccessPolicy(ctx context.Context, o *AccessPolicyOptions) (AccessPolicyResult, error) {
	return call[AccessPolicyResult](ctx, &c.handle, rest.GetContainerACL, nil, o)
}

// SetAccessPolicyOptions are the options of [ContainerClient.SetAccessPolicy].
type SetAccessPolicyOptions struct {
	CallOptions
	Conditions ContainerConditions
}

// SetAccessPolicyResult is the result of [ContainerClient.SetAccessPolicy].
type SetAccessPolicyResult struct {
	ResponseInfo
	ETag         azcore.ETag `response:"ETag"`
	LastModified time.Time   `response:"Last-Modified"`
}

// SetAccessPolicy replaces the public access and all stored access policies of
// the container: the zero policy makes it private, and revokes all signatures
// that name a policy. To change one thing, change what [ContainerClient.AccessPolicy]
// returned. A new policy acts within 30 seconds; until then, signatures that name
// it are refused.
//
// Errors: [ContainerNotFound], which is fs.ErrNotExist; [ConditionNotMet];
// fs.ErrInvalid for policies that break the rules; 409 if the account does not
// allow public access.
//
// REST: Set Container ACL.
func (c *ContainerClient) SetAccessPolicy(ctx context.Context, policy AccessPolicy, o *SetAccessPolicyOptions) (SetAccessPolicyResult, error) {
	if err := checkIdentifiers(policy.Identifiers); err != nil {
		return SetAccessPolicyResult{}, c.refuse(rest.SetContainerACL, err)
	}
	document, err := xmlplan.Encode("SignedIdentifiers", policy)
	if err != nil {
		return SetAccessPolicyResult{}, c.refuse(rest.SetContainerACL, err)
	}
	return call[SetAccessPolicyResult](ctx, &c.handle, rest.SetContainerACL, wire.Bytes(document), policy, o)
}

const (
	maxIdentifiers  = 5
	maxIdentifierID = 64
)

// checkIdentifiers refuses what the service would refuse.
func checkIdentifiers(identifiers []SignedIdentifier) error {
	if len(identifiers) > maxIdentifiers {
		return fmt.Errorf("a container has at most %d stored access policies, and these are %d", maxIdentifiers, len(identifiers))
	}
	seen := map[string]bool{}
	for i, id := range identifiers {
		switch n := utf8.RuneCountInString(id.ID); {
		case n == 0:
			return fmt.Errorf("the ID of stored access policy %d is empty", i)
		case n > maxIdentifierID:
			return fmt.Errorf("the ID of stored access policy %d has %d characters, and %d is the most", i, n, maxIdentifierID)
		case seen[id.ID]:
			return fmt.Errorf("the ID %q of a stored access policy is there twice", id.ID)
		case !id.Start.IsZero() && !id.Expiry.IsZero() && !id.Start.Before(id.Expiry):
			return fmt.Errorf("the stored access policy %q ends before it begins", id.ID)
		}
		seen[id.ID] = true
		if err := checkPermissionLetters(id.Permissions); err != nil {
			return fmt.Errorf("the stored access policy %q: %w", id.ID, err)
		}
	}
	return nil
}

// checkPermissionLetters takes any letter once, for the service adds letters.
func checkPermissionLetters(letters string) error {
	for i, letter := range letters {
		if letter < 'a' || letter > 'z' || strings.ContainsRune(letters[:i], letter) {
			return errors.New("the permissions are not letters of which none is there twice, such as rl")
		}
	}
	return nil
}
