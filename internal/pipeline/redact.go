package pipeline

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// redacted stands for a secret.
const redacted = "REDACTED"

// secretNames are the names, in lower case, of query parameters, headers and
// parts of connection strings whose values are secrets. The foreign ones come
// with source URLs of copies and with the errors of token credentials.
var secretNames = []string{
	"sig", "signature", "accountkey", "sharedaccesskey",
	"x-ms-encryption-key", "x-ms-source-encryption-key",
	"x-amz-signature", "x-amz-security-token", "x-goog-signature",
	"access_token", "id_token", "refresh_token", "client_secret", "client_assertion", "password",
}

var (
	// secretStart matches what stands before a secret value: one of the names,
	// not as the end of a longer word, then an equals sign or a colon, either
	// of them raw, percent-encoded any number of times, or escaped as in JSON.
	secretStart = regexp.MustCompile(`(?i)(?:^|[^a-z0-9_]|%(?:25)*[0-9a-f]{2}|\\u[0-9a-f]{4})` +
		`(?:` + strings.Join(secretNames, "|") + `)` +
		`(?:%(?:25)*3[ad]|\\u003d|\\*["']?\s*[=:]\s*\\*["']?)`)
	sharedKeyCredential = regexp.MustCompile(`(?i)\b(SharedKey(?:Lite)?(?:\s|%20|\+)+[^\s:"']+:)[^\s"',;<>\\]+`)
	bearerCredential    = regexp.MustCompile(`(?i)\b(Bearer(?:\s|%20|\+)+)([^\s"',;<>\\]+)`)
	// foundSignature is how the service quotes a signature that it refused.
	foundSignature = regexp.MustCompile(`(?i)(signature found in the HTTP request ')[^']+`)
	urlUser        = regexp.MustCompile(`(://)[^/?#\s"']+@`)

	// bearerProse matches what follows the word Bearer in a challenge or in a
	// sentence, and is no token.
	bearerProse = regexp.MustCompile(`(?i)^(?:(?:authorization_uri|authorization|realm|resource_id|resource|error|scope|claims|client_id)=.*|` +
		`tokens?|authentication|authorization|challenges?|credentials?|scheme)[.:]?$`)
)

// Redact returns a text with its secrets replaced by REDACTED: signatures of
// SAS tokens, account keys, credentials of Authorization headers and the user
// of a URL, raw or percent-encoded. It would rather take out too much.
func Redact(text string) string {
	text = redactValues(text)
	text = sharedKeyCredential.ReplaceAllString(text, "${1}"+redacted)
	text = bearerCredential.ReplaceAllStringFunc(text, func(match string) string {
		m := bearerCredential.FindStringSubmatch(match)
		if bearerProse.MatchString(m[2]) {
			return match
		}
		return m[1] + redacted
	})
	text = foundSignature.ReplaceAllString(text, "${1}"+redacted)
	return urlUser.ReplaceAllString(text, "${1}"+redacted+"@")
}

// redactValues replaces the values of secretNames.
func redactValues(text string) string {
	var out strings.Builder
	for {
		loc := secretStart.FindStringIndex(text)
		if loc == nil {
			break
		}
		end := loc[1] + valueLen(text[loc[1]:])
		out.WriteString(text[:loc[1]])
		if end > loc[1] {
			out.WriteString(redacted)
		}
		text = text[end:]
	}
	if out.Len() == 0 {
		return text
	}
	out.WriteString(text)
	return out.String()
}

// valueLen returns the length of the value that s begins with. It ends at an
// ampersand, semicolon, quote, bracket, backslash or space, also at one that
// is percent-encoded: none of these is part of base64.
func valueLen(s string) int {
	for i := 0; i < len(s); {
		c, n := s[i], 1
		if c == '%' {
			j := i + 1
			for strings.HasPrefix(s[j:], "25") {
				j += 2
			}
			if j+2 <= len(s) {
				hi, ok1 := unhex(s[j])
				lo, ok2 := unhex(s[j+1])
				if ok1 && ok2 {
					c, n = hi<<4|lo, j+2-i
				}
			}
		}
		if c <= ' ' || strings.IndexByte("&;\"'<>\\`", c) >= 0 {
			return i
		}
		i += n
	}
	return len(s)
}

// RedactURL returns the text of a URL for logs and errors: without user and
// fragment, and with REDACTED as the value of secret query parameters.
func RedactURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	clean := *u
	clean.User = nil
	clean.Fragment, clean.RawFragment = "", ""
	clean.RawQuery = redactQuery(u.RawQuery)
	return Redact(clean.String())
}

// redactQuery replaces values of a query, also behind names that are
// percent-encoded, and leaves the rest as it is.
func redactQuery(query string) string {
	if query == "" {
		return ""
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		raw, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(raw)
		if value != "" && (err != nil || isSecret(name)) {
			parts[i] = raw + "=" + redacted
		}
	}
	return strings.Join(parts, "&")
}

func isSecret(name string) bool {
	for _, secret := range secretNames {
		if strings.EqualFold(name, secret) {
			return true
		}
	}
	return false
}

// redactURLText is RedactURL for a URL that may not parse.
func redactURLText(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return Redact(text)
	}
	return RedactURL(u)
}

// RedactError returns err without secrets in its text: a *[url.Error] with a
// redacted URL, and any other error whose text holds a secret wrapped in one
// that hides it. [errors.Is] and [errors.As] find the causes as before, except
// that a *url.Error found is a redacted one. An error without secrets comes
// back as it is.
func RedactError(err error) error {
	if err == nil {
		return nil
	}
	if ue, ok := err.(*url.Error); ok {
		return &url.Error{Op: ue.Op, URL: redactURLText(ue.URL), Err: RedactError(ue.Err)}
	}
	text := err.Error()
	clean := text
	hidden := false
	var ue *url.Error
	if errors.As(err, &ue) {
		u := redactURLText(ue.URL)
		hidden = u != ue.URL
		if hidden && ue.URL != "" {
			clean = strings.ReplaceAll(clean, ue.URL, u)
		}
	}
	clean = Redact(clean)
	if clean == text && !hidden {
		return err
	}
	return &redactedError{text: clean, err: err}
}

// redactedError shows another text than the error it stands for. It has no
// Unwrap, which would show the original to anybody who walks the chain.
type redactedError struct {
	text string
	err  error
}

// Error returns the text without secrets.
func (e *redactedError) Error() string { return e.text }

// Is looks for target in the original error.
func (e *redactedError) Is(target error) bool { return errors.Is(e.err, target) }

// As looks for a target in the original error. A *url.Error is redacted.
func (e *redactedError) As(target any) bool {
	t, ok := target.(**url.Error)
	if !ok {
		return errors.As(e.err, target)
	}
	var ue *url.Error
	if !errors.As(e.err, &ue) {
		return false
	}
	*t = RedactError(ue).(*url.Error)
	return true
}

// Timeout reports whether the original error is a timeout, which [url.Error]
// asks its cause directly.
func (e *redactedError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.err, &t) && t.Timeout()
}

// GoString keeps the original out of formatted output.
func (e *redactedError) GoString() string { return e.text }
