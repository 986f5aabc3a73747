package azureblob

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/wire"
)

// SourceConditions make a copy depend on the state that its source is in. One
// that is not met is error 412 [SourceConditionNotMet].
type SourceConditions struct {
	IfMatch           azcore.ETag `header:"x-ms-source-if-match"`            // the ETag that the source must have
	IfNoneMatch       azcore.ETag `header:"x-ms-source-if-none-match"`       // the ETag that it must not have
	IfModifiedSince   time.Time   `header:"x-ms-source-if-modified-since"`   // the source was written after that, in whole seconds
	IfUnmodifiedSince time.Time   `header:"x-ms-source-if-unmodified-since"` // the source was not written after that
}

// SourceAccess lets the service read a source that is neither public nor signed
// in its URL. The zero value is for those that are.
type SourceAccess struct {
	// Token makes tokens with which the service reads the source. The endpoint
	// of the client has to be https, and so has the source.
	Token azcore.TokenCredential

	// FileShare says that the source is a file in Azure Files and that Token may
	// back files up: x-ms-file-request-intent.
	FileShare bool
}

// SourceChecksum is what the part of a source that is read must have as its
// checksum. Give one of the two. It is checked by the service: another one is
// error 400, [MD5Mismatch] or [CRC64Mismatch].
type SourceChecksum struct {
	MD5   []byte `header:"x-ms-source-content-md5"`   // 16 bytes
	CRC64 []byte `header:"x-ms-source-content-crc64"` // 8 bytes, little endian
}

// CopySourceTags says which tags the destination of a copy gets.
type CopySourceTags string

// Which tags the destination gets.
const (
	CopySourceTagsReplace CopySourceTags = "REPLACE" // those of the options; the default
	CopySourceTagsCopy    CopySourceTags = "COPY"    // those of the source
)

// sourceHeaders tell the service where to copy from, and with whose rights.
type sourceHeaders struct {
	URL           string `header:"x-ms-copy-source"`
	Authorization string `header:"x-ms-copy-source-authorization"`
	FileIntent    string `header:"x-ms-file-request-intent"`
	Key           string `header:"x-ms-source-encryption-key"`
	KeyHash       string `header:"x-ms-source-encryption-key-sha256"`
	KeyAlgorithm  string `header:"x-ms-source-encryption-algorithm"`
}

// maxSourceURL is the length of a copy source in bytes.
const maxSourceURL = 2 << 10

// source makes the headers of a copy source. The errors do not show the URL,
// since it may be signed.
func (h *handle) source(ctx context.Context, op *wire.Operation, raw string, access SourceAccess, key CustomerKey) (*sourceHeaders, error) {
	s := &sourceHeaders{URL: escapeNonASCII(raw)}
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, h.refuseAs(op, InvalidHeaderValue, errors.New("the URL of the source is no http or https URL"))
	case len(s.URL) > maxSourceURL:
		return nil, h.refuseAs(op, InvalidHeaderValue, fmt.Errorf("the URL of the source has %d bytes, and %d is the most", len(s.URL), maxSourceURL))
	}
	secret := key.key != nil || access.Token != nil
	switch {
	case access.Token != nil && isNil(access.Token):
		return nil, h.refuse(op, errors.New("the token credential of SourceAccess is a nil pointer; a source that needs none has a nil interface"))
	case secret && h.session != nil && !strings.HasPrefix(h.service, "https:"):
		return nil, h.refuse(op, errors.New("a token or a key for the source needs an https endpoint"))
	case secret && u.Scheme != "https":
		return nil, h.refuse(op, errors.New("a token or a key for the source needs an https source: the service sends it there"))
	}
	if access.FileShare {
		s.FileIntent = "backup"
	}
	if key.key != nil {
		s.Key, s.KeyHash, s.KeyAlgorithm = key.key(), key.hash, "AES256"
	}
	if access.Token != nil {
		token, err := access.Token.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{pipeline.StorageScope}})
		if err != nil {
			return nil, h.local(op, fmt.Errorf("the token for the source: %w", err))
		}
		s.Authorization = "Bearer " + token.Token
	}
	return s, nil
}

// escapeNonASCII escapes what no header can carry. All else stays as it is, for
// it may be signed.
func escapeNonASCII(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}
