package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		`Put "http://h/c/b?sv=1&sig=a%2Fb%3D&se=2": dial`:                         `Put "http://h/c/b?sv=1&sig=REDACTED&se=2": dial`,
		`x-ms-copy-source: https%3A%2F%2Fh%2Fb%3Fsig%3Da%252Bb%26sv%3D1 .`:        `x-ms-copy-source: https%3A%2F%2Fh%2Fb%3Fsig%3DREDACTED%26sv%3D1 .`,
		`%253Fsig%253Da%25252B%2526sv`:                                            `%253Fsig%253DREDACTED%2526sv`,
		`sig=a+/b==`:                                                              `sig=REDACTED`,
		`?SIG=abc def`:                                                            `?SIG=REDACTED def`,
		`{"sig": "abc", "u":"?a\u0026sig=abc\u0026b"}`:                            `{"sig": "REDACTED", "u":"?a\u0026sig=REDACTED\u0026b"}`,
		`&amp;sig=abc&amp;se=1`:                                                   `&amp;sig=REDACTED&amp;se=1`,
		`design=blue&sigma=1&sig=`:                                                `design=blue&sigma=1&sig=`,
		`AccountName=a;AccountKey=abc/+==;EndpointSuffix=s`:                       `AccountName=a;AccountKey=REDACTED;EndpointSuffix=s`,
		`Authorization: SharedKey acc:abc/+= now`:                                 `Authorization: SharedKey acc:REDACTED now`,
		`SharedKeyLite acc:abc`:                                                   `SharedKeyLite acc:REDACTED`,
		`[Bearer eyJ0.eyJ1.c2ln-_~]`:                                              `[Bearer REDACTED`,
		`{"authorization":"bearer abc"}`:                                          `{"authorization":"bearer REDACTED"}`,
		`the bearer token is old`:                                                 `the bearer token is old`,
		`Bearer authorization_uri=https://h/t resource_id=r`:                      `Bearer authorization_uri=https://h/t resource_id=r`,
		`http://user:pa@ss@h/x and mail@h`:                                        `http://REDACTED@h/x and mail@h`,
		"to sign 'PUT\nx-ms-encryption-key:abc=\nx-ms-encryption-key-sha256:def'": "to sign 'PUT\nx-ms-encryption-key:REDACTED\nx-ms-encryption-key-sha256:def'",
		`The MAC signature found in the HTTP request 'ab/+=' is not`:              `The MAC signature found in the HTTP request 'REDACTED' is not`,
		`X-Amz-Signature=abc&X-Goog-Signature=def`:                                `X-Amz-Signature=REDACTED&X-Goog-Signature=REDACTED`,
		``: ``, `no secret`: `no secret`,
	} {
		if got := Redact(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestRedactURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://u:p@h/c/b?comp=list&sig=abc&x":           "https://h/c/b?comp=list&sig=REDACTED&x",
		"https://h/b?s%69g=abc&%zz=abc&a=b%20c":           "https://h/b?s%69g=REDACTED&%zz=REDACTED&a=b%20c",
		"https://h/b?Sig=abc;sig=def#?sig=abc":            "https://h/b?Sig=REDACTED",
		"https://h/b%2F%C3%A4&sig=abc":                    "https://h/b%2F%C3%A4&sig=REDACTED",
		"https://h/b?url=https%3A%2F%2Fx%3Fsig%3Dabc%26a": "https://h/b?url=https%3A%2F%2Fx%3Fsig%3DREDACTED%26a",
		"https://h/b?sig=":                                "https://h/b?sig=",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := RedactURL(u); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
		if u.String() != text {
			t.Errorf("%s was changed to %s", text, u)
		}
	}
	if RedactURL(nil) != "" {
		t.Error("text for no URL")
	}
}

type slowError struct{ text string }

func (e *slowError) Error() string { return e.text }
func (*slowError) Timeout() bool   { return true }

func TestRedactError(t *testing.T) {
	const secret = "http://u:SECRET@h/c?comp=list&sig=SECRET&s%69g=SECRET"
	plain := errors.New("plain")
	if RedactError(nil) != nil || RedactError(plain) != plain {
		t.Error("an error without secrets is changed")
	}
	slow := &slowError{"read sig=SECRET"}
	top := &url.Error{Op: "Put", URL: secret, Err: slow}
	for name, err := range map[string]error{
		"top":     top,
		"wrapped": fmt.Errorf("put: %w", fmt.Errorf("x: %w", top)),
		"joined":  errors.Join(plain, top),
		"cause":   fmt.Errorf("put sig=SECRET: %w", slow),
		"broken":  &url.Error{Op: "parse", URL: "http://h\x7f?sig=SECRET", Err: slow},
		"silent":  silentError{top},
	} {
		got := RedactError(err)
		if s := fmt.Sprintf("%v|%+v|%s|%q|%#v", got, got, got, got, got); strings.Contains(s, "SECRET") {
			t.Errorf("%s: %s", name, s)
		}
		var cause *slowError
		if !errors.Is(got, slow) || !errors.As(got, &cause) || errors.Is(got, context.Canceled) {
			t.Errorf("%s: the cause is lost in %v", name, got)
		}
		var ue *url.Error
		if errors.As(got, &ue) {
			if s := fmt.Sprintf("%v %s %v", ue, ue.URL, ue.Err); strings.Contains(s, "SECRET") || !ue.Timeout() {
				t.Errorf("%s: %s, timeout %v", name, s, ue.Timeout())
			}
		} else if name != "cause" {
			t.Errorf("%s: no *url.Error in %v", name, got)
		}
		for e := got; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), "SECRET") {
				t.Errorf("%s: unwraps to %v", name, e)
			}
		}
	}
}

// silentError says nothing of the error it wraps.
type silentError struct{ err error }

func (silentError) Error() string   { return "silent" }
func (e silentError) Unwrap() error { return e.err }

func FuzzRedact(f *testing.F) {
	f.Add("https://h/c?a=b&", "&se=1", "abc+/=")
	f.Add("x%3F", "%26", "a%252B")
	f.Add("\\u0026", "\"", "")
	f.Fuzz(func(t *testing.T, before, after, value string) {
		for _, c := range value {
			if c <= ' ' || c > '~' || strings.ContainsRune("&;\"'<>\\`%", c) {
				return
			}
		}
		for _, sep := range []string{"sig=", "sig%3D", "sig%253d", "AccountKey="} {
			secret := "SECRET" + value
			got := Redact(before + "?" + sep + secret + "&" + after)
			if strings.Count(got, "SECRET") > strings.Count(before+after, "SECRET") {
				t.Errorf("got %q", got)
			}
			if again := Redact(got); strings.Count(again, "SECRET") > strings.Count(got, "SECRET") {
				t.Errorf("again %q", again)
			}
		}
		RedactError(&url.Error{Op: "Put", URL: before + value + after, Err: errors.New(after)})
	})
}
