package blobtest

import (
	"bytes"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/xmlplan"
)

func init() {
	// Both are for the owner of the account alone.
	handle(rest.GetContainerACL, endpoint{run: getContainerACL})
	handle(rest.SetContainerACL, endpoint{run: setContainerACL, body: xmlBody})
}

const (
	maxPolicies = 5
	maxPolicyID = 64
)

// storedPolicy is a stored access policy of a container. Shared access
// signatures name it, so that they end when it does. Times are texts, "" for
// none: the signature may bring what it lacks.
type storedPolicy struct{ id, start, expiry, permissions string }

// storedPolicy is the policy of the container with that ID.
func (x *exchange) storedPolicy(id string) (storedPolicy, bool) {
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	if c := x.account.containers[x.container]; c != nil {
		for _, p := range c.policies {
			if p.id == id {
				return p, true
			}
		}
	}
	return storedPolicy{}, false
}

// signedIdentifiers are stored access policies as a document.
type signedIdentifiers struct {
	Items []signedIdentifier `xml:"SignedIdentifier"`
}

type signedIdentifier struct {
	ID     string        `xml:"Id,always"`
	Policy *accessPolicy `xml:"AccessPolicy"`
}

type accessPolicy struct {
	Start       string `xml:"Start"`
	Expiry      string `xml:"Expiry"`
	Permissions string `xml:"Permission"`
}

// aclInfo is the headers of Get Container ACL.
type aclInfo struct {
	ETag         azcore.ETag            `response:"ETag"`
	LastModified time.Time              `response:"Last-Modified"`
	Access       azureblob.PublicAccess `response:"x-ms-blob-public-access"`
}

func getContainerACL(x *exchange) error {
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	if err := x.checkLease(&c.lease, onContainer, reading); err != nil {
		return err
	}
	var list signedIdentifiers
	for _, p := range c.policies {
		list.Items = append(list.Items, signedIdentifier{p.id, &accessPolicy{p.start, p.expiry, p.permissions}})
	}
	return x.answerXML(http.StatusOK, aclInfo{c.etag, c.modified, c.access}, "SignedIdentifiers", list)
}

func setContainerACL(x *exchange) error {
	access := azureblob.PublicAccess(x.params.enum("x-ms-blob-public-access", "blob", "container"))
	if err := x.invalid(); err != nil {
		return err
	}
	policies, err := storedPolicies(x.document)
	if err != nil {
		return err
	}
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	if err := x.checkDates(c.modified); err != nil {
		return err
	}
	// A lease on a container keeps it from being deleted, and only that.
	if err := x.checkLease(&c.lease, onContainer, reading); err != nil {
		return err
	}
	c.access, c.policies = access, policies
	x.touched(c)
	return x.answer(http.StatusOK, written{c.etag, c.modified})
}

// storedPolicies reads the body of Set Container ACL; none takes all policies away.
func storedPolicies(document []byte) ([]storedPolicy, error) {
	if len(document) == 0 {
		return nil, nil
	}
	var list signedIdentifiers
	if err := xmlplan.DecodeRoot(bytes.NewReader(document), "SignedIdentifiers", &list); err != nil {
		return nil, fail(azureblob.InvalidXMLDocument)
	}
	if len(list.Items) > maxPolicies {
		return nil, fail(azureblob.InvalidXMLDocument).because("A container has at most %d access policies.", maxPolicies)
	}
	var policies []storedPolicy
	seen := map[string]bool{}
	for _, item := range list.Items {
		p := storedPolicy{id: item.ID}
		if p.id == "" || utf8.RuneCountInString(p.id) > maxPolicyID || seen[p.id] {
			return nil, invalidNode("Id", p.id)
		}
		seen[p.id] = true
		if item.Policy != nil {
			var ok1, ok2 bool
			p.start, ok1 = policyTime(item.Policy.Start)
			p.expiry, ok2 = policyTime(item.Policy.Expiry)
			p.permissions = item.Policy.Permissions
			switch {
			case !ok1:
				return nil, invalidNode("Start", item.Policy.Start)
			case !ok2:
				return nil, invalidNode("Expiry", item.Policy.Expiry)
			case !distinct(p.permissions, containerPermissions+"y"):
				return nil, invalidNode("Permission", p.permissions)
			}
		}
		policies = append(policies, p)
	}
	return policies, nil
}

// policyTime puts a time into the form that the service tells it in.
func policyTime(s string) (string, bool) {
	if s == "" {
		return "", true
	}
	t, ok := parseSASTime(s)
	return t.Format(idForm), ok
}
