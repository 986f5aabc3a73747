package azureblob

import (
	"net/url"
	"strings"

	"github.com/goblob/azureblob/sas"
)

var _ sas.Signer = (*SharedKeyCredential)(nil)

// SASURL returns the URL of the service with a signature that gives rights to
// the account. It is a secret: whoever has it needs nothing else. The client has
// to have the key of the account, unless v.Key is one. Nothing is sent.
//
// Errors: fs.ErrInvalid if there is no key, or for what the service would refuse.
func (s *ServiceClient) SASURL(v sas.Account) (string, error) {
	if err := s.prepareSAS(&v.Key, &v.Version); err != nil {
		return "", err
	}
	token, err := v.Sign()
	if err != nil {
		return "", err
	}
	return s.service + "/?" + token, nil
}

// SASURL returns the URL of the container with a signature that gives rights to
// its blobs. It is a secret: whoever has it needs nothing else. It is signed by
// v.Key, such as a [sas.UserDelegationKey], or else by the key of the account,
// which the client then has to have. Nothing is sent.
//
//	u, err := photos.SASURL(sas.Container{
//		Permissions: sas.ContainerPermissions{Read: true, List: true},
//		Expiry:      time.Now().Add(time.Hour),
//	})
//
// Errors: fs.ErrInvalid if there is no key, or for what the service would refuse.
func (c *ContainerClient) SASURL(v sas.Container) (string, error) {
	if err := c.prepareSAS(&v.Key, &v.Version); err != nil {
		return "", err
	}
	token, err := v.Sign(c.container)
	if err != nil {
		return "", err
	}
	return c.url + "?" + token, nil
}

// DirectorySASURL returns the URL of a directory of the container with a
// signature that gives rights to all that is in it, in an account with a
// hierarchical namespace. To go on, put names before the question mark. See
// [ContainerClient.SASURL].
//
// Errors: fs.ErrInvalid if there is no key, or for what the service would refuse.
func (c *ContainerClient) DirectorySASURL(directory string, v sas.Directory) (string, error) {
	if err := c.prepareSAS(&v.Key, &v.Version); err != nil {
		return "", err
	}
	u := c.url
	if directory = strings.Trim(directory, "/"); directory != "" {
		if err := checkBlobName(directory); err != nil {
			return "", invalidf("%w", err)
		}
		u += "/" + escapeName(directory)
	}
	token, err := v.Sign(c.container, directory)
	if err != nil {
		return "", err
	}
	return u + "?" + token, nil
}

// SASURL returns the URL of the blob with a signature that gives rights to it,
// and to nothing but the snapshot or version if the handle is of one. It is a
// secret: whoever has it needs nothing else. It is signed by v.Key, such as a
// [sas.UserDelegationKey], or else by the key of the account, which the client then
// has to have. Nothing is sent.
//
//	u, err := cat.SASURL(sas.Blob{
//		Permissions: sas.BlobPermissions{Read: true},
//		Expiry:      time.Now().Add(time.Hour),
//	})
//
// Errors: fs.ErrInvalid if there is no key, or for what the service would refuse.
func (b *BlobClient) SASURL(v sas.Blob) (string, error) {
	if err := b.prepareSAS(&v.Key, &v.Version); err != nil {
		return "", err
	}
	if b.scope != (scope{}) {
		if given := (scope{v.Snapshot, v.VersionID}); given != (scope{}) && given != b.scope {
			return "", invalidf("the signature is for another snapshot or version than the handle")
		}
		v.Snapshot, v.VersionID = b.scope.Snapshot, b.scope.Version
	}
	token, err := v.Sign(b.container, b.blob)
	if err != nil {
		return "", err
	}
	return b.url + "?" + token, nil
}

// prepareSAS fills in the key and the version of a signature from the client,
// and makes sure that the key is that of its account.
func (h *handle) prepareSAS(key *sas.Signer, version *string) error {
	if h.session == nil {
		return invalidf("the client is its zero value; make one with a constructor")
	}
	if h.invalid != nil {
		return invalidf("%w", h.invalid)
	}
	if *version == "" {
		*version = h.version
	}
	if *key == nil {
		own, ok := h.credential().(*SharedKeyCredential)
		if !ok {
			return invalidf("the client has no account key to sign with; sign with a user delegation key, in the field Key")
		}
		*key = own
		return nil
	}
	if isNil(*key) {
		return invalidf("the key to sign with is a nil pointer")
	}
	service, err := url.Parse(h.service)
	if err != nil {
		return invalidf("malformed URL of the service")
	}
	account := accountOf(service)
	if k, ok := (*key).(sas.UserDelegationKey); ok && k.Account == "" {
		k.Account = account
		*key = k
	}
	if account != "" && account != (*key).AccountName() {
		return invalidf("the key to sign with is that of account %q, and not of %q", (*key).AccountName(), account)
	}
	return nil
}
