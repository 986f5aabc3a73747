package azureblob

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// CustomerKey is an AES-256 key of the caller's own that the service encrypts
// content and metadata with, and does not keep: whoever reads the blob has to
// send it again. It never shows the key when it is printed.
type CustomerKey struct {
	key  secret[string] // base64
	hash string         // base64
}

// NewCustomerKey takes a key of 32 bytes.
func NewCustomerKey(key []byte) (CustomerKey, error) {
	if len(key) != 32 {
		return CustomerKey{}, invalidf("a customer key has 32 bytes, and this one has %d", len(key))
	}
	hash := sha256.Sum256(key)
	return CustomerKey{
		key:  hide(base64.StdEncoding.EncodeToString(key)),
		hash: base64.StdEncoding.EncodeToString(hash[:]),
	}, nil
}

// SHA256 returns the hash of the key in base64, by which the service names it.
func (k CustomerKey) SHA256() string { return k.hash }

// String hides the key.
func (k CustomerKey) String() string { return "CustomerKey(" + redacted + ")" }

// WithCustomerKey returns a handle that reads and writes the blob with a key of
// the caller's own. The endpoint has to be https. The zero key takes it off.
func (b *BlobClient) WithCustomerKey(key CustomerKey) *BlobClient {
	c := *b
	c.key = key
	return &c
}

// WithEncryptionScope returns a handle that writes the blob with an encryption
// scope of the account. Reads need none. An empty name takes it off.
func (b *BlobClient) WithEncryptionScope(name string) *BlobClient {
	c := *b
	c.encryptionScope = name
	return &c
}

// customerKeyHeaders are sent with operations that take a customer key.
type customerKeyHeaders struct {
	Key       string `header:"x-ms-encryption-key"`
	Hash      string `header:"x-ms-encryption-key-sha256"`
	Algorithm string `header:"x-ms-encryption-algorithm"`
}

// encryptionScopeHeader is sent with operations that take an encryption scope.
type encryptionScopeHeader struct {
	Name string `header:"x-ms-encryption-scope"`
}

var errKeyAndScope = errors.New("a customer key and an encryption scope exclude each other")
