package blobtest

import (
	"crypto/sha256"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/wire"
)

// encryption is what a revision was encrypted with, as far as a client can
// tell: nothing is encrypted here, but who lacks the key is kept out.
type encryption struct {
	keySHA256 string // of a customer key, in base64
	scope     string
}

// encryption reads the headers of a customer key or an encryption scope.
func (x *exchange) encryption(c *container) (encryption, error) {
	keySHA256, err := x.customerKey()
	if err != nil {
		return encryption{}, err
	}
	e := encryption{keySHA256, x.params.text("x-ms-encryption-scope")}
	if e.scope == "" {
		e.scope = x.grant.scope
	}
	switch {
	case keySHA256 != "" && e.scope != "":
		return e, fail(azureblob.UnsupportedHeader).with("HeaderName", "x-ms-encryption-scope")
	case keySHA256 != "":
		return e, nil
	case c.denyOverride && e.scope != "" && e.scope != c.encryption:
		return e, fail(azureblob.InvalidHeaderValue).with("HeaderName", "x-ms-encryption-scope")
	case e.scope == "":
		e.scope = c.encryption
	}
	return e, nil
}

// customerKey reads the headers of a customer key, and returns its hash in
// base64; "" for none.
func (x *exchange) customerKey() (keySHA256 string, err error) {
	key := x.params.base64("x-ms-encryption-key", sha256.Size)
	hash := x.params.base64("x-ms-encryption-key-sha256", sha256.Size)
	algorithm := x.params.enum("x-ms-encryption-algorithm", "AES256")
	if err := x.invalid(); err != nil {
		return "", err
	}
	sum := sha256.Sum256(key)
	switch {
	case key == nil && hash == nil && algorithm == "":
		return "", nil
	case key == nil:
		return "", missingHeader("x-ms-encryption-key")
	case hash == nil:
		return "", missingHeader("x-ms-encryption-key-sha256")
	case algorithm == "":
		return "", missingHeader("x-ms-encryption-algorithm")
	case x.request.TLS == nil:
		return "", fail(azureblob.UnsupportedHeader).because("Customer-provided keys need https.").with("HeaderName", "x-ms-encryption-key")
	case string(hash) != string(sum[:]):
		return "", invalidHeader("x-ms-encryption-key-sha256", base64Text(hash))
	}
	return base64Text(hash), nil
}

// opens refuses who does not bring the customer key of a revision. Operations
// that neither read nor write what is encrypted with it do not take it.
func (x *exchange) opens(r *revision) error {
	if x.op.Scope&wire.CustomerKey == 0 {
		return nil
	}
	given, err := x.customerKey()
	switch {
	case err != nil || given == r.encryption.keySHA256:
		return err
	case r.encryption.keySHA256 == "":
		return fail(azureblob.InvalidHeaderValue).withStatus(409).because("The blob is not encrypted with a customer specified key.").with("HeaderName", "x-ms-encryption-key")
	}
	return fail(azureblob.BlobUsesCustomerSpecifiedEncryption)
}
