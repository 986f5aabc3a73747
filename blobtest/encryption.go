package blobtest

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/goblob/azureblob"
)

// encryption is what a revision was encrypted with, as far as a client can
// tell: nothing is encrypted here, but who lacks the key is kept out.
type encryption struct {
	keySHA256 string // of a customer key, in base64
	scope     string
}

// encryption reads the headers of a customer key or an encryption scope.
func (x *exchange) encryption(c *container) (encryption, error) {
	key := x.params.base64("x-ms-encryption-key", sha256.Size)
	hash := x.params.base64("x-ms-encryption-key-sha256", sha256.Size)
	algorithm := x.params.enum("x-ms-encryption-algorithm", "AES256")
	e := encryption{scope: x.params.text("x-ms-encryption-scope")}
	if err := x.invalid(); err != nil {
		return e, err
	}
	if e.scope == "" {
		e.scope = x.grant.scope
	}
	if key != nil || hash != nil || algorithm != "" {
		sum := sha256.Sum256(key)
		switch {
		case key == nil:
			return e, missingHeader("x-ms-encryption-key")
		case hash == nil:
			return e, missingHeader("x-ms-encryption-key-sha256")
		case algorithm == "":
			return e, missingHeader("x-ms-encryption-algorithm")
		case x.request.TLS == nil:
			return e, fail(azureblob.UnsupportedHeader).because("Customer-provided keys need https.").with("HeaderName", "x-ms-encryption-key")
		case string(hash) != string(sum[:]):
			return e, invalidHeader("x-ms-encryption-key-sha256", base64.StdEncoding.EncodeToString(hash))
		case e.scope != "":
			return e, fail(azureblob.UnsupportedHeader).with("HeaderName", "x-ms-encryption-scope")
		}
		e.keySHA256 = base64.StdEncoding.EncodeToString(hash)
		return e, nil
	}
	if c.denyOverride && e.scope != "" && e.scope != c.encryption {
		return e, fail(azureblob.InvalidHeaderValue).with("HeaderName", "x-ms-encryption-scope")
	}
	if e.scope == "" {
		e.scope = c.encryption
	}
	return e, nil
}

// opens refuses who does not bring the customer key of a revision.
func (x *exchange) opens(r *revision) error {
	given := x.params.text("x-ms-encryption-key-sha256")
	switch {
	case given == r.encryption.keySHA256:
		return nil
	case r.encryption.keySHA256 == "":
		return fail(azureblob.InvalidHeaderValue).withStatus(409).because("The blob is not encrypted with a customer specified key.").with("HeaderName", "x-ms-encryption-key")
	}
	return fail(azureblob.BlobUsesCustomerSpecifiedEncryption)
}
