package pipeline

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"slices"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// SharedKey returns a policy that signs each try with the key of an account.
// The key is the decoded one. On the secondary host the account is still the
// name of the primary. The policy is a *[Signer].
func SharedKey(account string, key []byte) policy.Policy {
	return NewSigner(account, key)
}

// Signer signs requests with Shared Key. It is safe for concurrent use.
type Signer struct {
	account string
	scheme  string    // the Authorization header up to the signature
	macs    sync.Pool // of hash.Hash, ready for the key
}

// NewSigner returns a signer. The key is the decoded one; it is copied.
func NewSigner(account string, key []byte) *Signer {
	key = slices.Clone(key)
	s := &Signer{account: account, scheme: "SharedKey " + account + ":"}
	s.macs.New = func() any { return hmac.New(sha256.New, key) }
	return s
}

// Authorize sets x-ms-date and Authorization of a request that does not go
// through a pipeline, such as a part of a batch. Method, URL, ContentLength
// and all other headers have to be final. It fails, without touching the
// network, on headers that cannot be sent, on a malformed query, and on a body
// of unknown length, which the service does not take.
func (s *Signer) Authorize(req *http.Request) error {
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	if err := CheckHeaders(req.Header); err != nil {
		return err
	}
	setDate(req.Header)
	return s.authorize(req)
}

// Do is for use as an ordinary policy; a pipeline of this package lets the
// sender call authorize instead.
func (s *Signer) Do(req *policy.Request) (*http.Response, error) {
	if err := s.Authorize(req.Raw()); err != nil {
		return nil, permanent(err)
	}
	return req.Next()
}

// authorize signs a request that has its date and whose headers were checked.
func (s *Signer) authorize(req *http.Request) error {
	c := canonicalizers.Get().(*canonicalizer)
	defer c.release()
	if err := c.write(req, s.account); err != nil {
		return err
	}
	signature := s.sum(c)
	c.text = append(c.text[:0], s.scheme...)
	c.text = base64.StdEncoding.AppendEncode(c.text, signature)
	delete(req.Header, "authorization")
	req.Header[headerAuthorization] = []string{string(c.text)}
	return nil
}

// sum is the signature of c.text, in c.decoded.
func (s *Signer) sum(c *canonicalizer) []byte {
	mac := s.macs.Get().(hash.Hash)
	mac.Reset()
	mac.Write(c.text)
	c.decoded = mac.Sum(c.decoded[:0])
	s.macs.Put(mac)
	return c.decoded
}

// Verify reports whether signature is that of a request as it is, date and all.
// It fails on a request that could not be signed.
func (s *Signer) Verify(req *http.Request, signature []byte) (bool, error) {
	if err := CheckHeaders(req.Header); err != nil {
		return false, err
	}
	c := canonicalizers.Get().(*canonicalizer)
	defer c.release()
	if err := c.write(req, s.account); err != nil {
		return false, err
	}
	return hmac.Equal(s.sum(c), signature), nil
}

// StringToSign returns the text that Shared Key signs for a request as it is.
// It sets no date.
func StringToSign(req *http.Request, account string) (string, error) {
	if err := CheckHeaders(req.Header); err != nil {
		return "", err
	}
	c := canonicalizers.Get().(*canonicalizer)
	defer c.release()
	if err := c.write(req, account); err != nil {
		return "", err
	}
	return string(c.text), nil
}
