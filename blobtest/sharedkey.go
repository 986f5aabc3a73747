package blobtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/pipeline"
)

// maxSkew is how far the date of a signed request may be off.
const maxSkew = 15 * time.Minute

// authorizeSharedKey checks an Authorization header after its scheme:
// account:signature.
func (x *exchange) authorizeSharedKey(credentials string) error {
	name, encoded, ok := strings.Cut(credentials, ":")
	var buffer [2 * sha256.Size]byte
	signature, err := base64.StdEncoding.AppendDecode(buffer[:0], []byte(encoded))
	if !ok || err != nil {
		return fail(azureblob.InvalidAuthenticationInfo)
	}
	if strings.TrimSuffix(name, secondarySuffix) != x.account.name {
		return authenticationFailed("The account name %s is not the one of the URL.", name)
	}
	if err := x.checkDate(); err != nil {
		return err
	}
	signed, err := x.account.signedRequest(x.request, signature)
	if err != nil {
		return fail(azureblob.InvalidAuthenticationInfo)
	}
	if !signed && x.secondary && x.pathStyle {
		// On a secondary in path style, both names of the account are in use.
		signed, _ = x.account.signedRequest(x.asPrimary(), signature)
	}
	if !signed {
		text, _ := pipeline.StringToSign(x.request, x.account.name)
		return authenticationFailed("The MAC signature found in the HTTP request is not the same as any computed signature. Server used following string to sign: '%s'.", public(text))
	}
	x.grant = grant{how: bySharedKey}
	return nil
}

// accountKey is a key that signs texts.
type accountKey struct{ macs sync.Pool } // of hash.Hash

func newAccountKey(key []byte) *accountKey {
	k := &accountKey{}
	k.macs.New = func() any { return hmac.New(sha256.New, key) }
	return k
}

// sign is the signature of a text.
func (k *accountKey) sign(text string) []byte {
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	_, _ = io.WriteString(mac, text)
	return mac.Sum(nil)
}

// signed reports whether the signature is that of the text by a key of the account.
func (a *account) signed(text string, signature []byte) bool {
	for _, key := range a.keys {
		if hmac.Equal(key.sign(text), signature) {
			return true
		}
	}
	return false
}

// signedRequest reports whether the signature is that of the request by a key of
// the account.
func (a *account) signedRequest(r *http.Request, signature []byte) (bool, error) {
	for _, s := range a.signers {
		if signed, err := s.Verify(r, signature); signed || err != nil {
			return signed, err
		}
	}
	return false, nil
}

func (x *exchange) checkDate() error {
	text := x.params.text("x-ms-date")
	if text == "" {
		text = x.params.text("Date")
	}
	date, ok := parseDate(text)
	if !ok {
		return authenticationFailed("The Date header is missing or no date.")
	}
	if skew := x.now.Sub(date); skew > maxSkew || skew < -maxSkew {
		return authenticationFailed("Request date header too old or too new: '%s'", text)
	}
	return nil
}

// parsedDate is a date as a header has it, and what it means.
type parsedDate struct {
	text string
	date time.Time
}

// lastDate is the date that was read last: the requests of a second have the same.
var lastDate atomic.Pointer[parsedDate]

func parseDate(text string) (time.Time, bool) {
	if last := lastDate.Load(); last != nil && last.text == text {
		return last.date, true
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return time.Time{}, false
	}
	lastDate.Store(&parsedDate{text, date})
	return date, true
}

// asPrimary is the request with the name of the primary in its path.
func (x *exchange) asPrimary() *http.Request {
	r := *x.request
	r.URL = &url.URL{RawQuery: x.request.URL.RawQuery}
	r.URL.Path = strings.Replace(x.request.URL.Path, secondarySuffix, "", 1)
	if x.request.URL.RawPath != "" {
		r.URL.RawPath = strings.Replace(x.request.URL.RawPath, secondarySuffix, "", 1)
	}
	return &r
}
