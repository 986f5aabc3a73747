package pipeline

import (
	"net/http"
	"net/url"
	"testing"
)

func TestRouteToSecondary(t *testing.T) {
	parse := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for _, c := range []struct{ primary, secondary, target, want string }{
		{"https://a.blob.core.windows.net", "https://a-secondary.blob.core.windows.net", "https://a.blob.core.windows.net/c/x%2Fy?comp=tags", "https://a-secondary.blob.core.windows.net/c/x%2Fy?comp=tags"},
		{"https://a.blob.core.windows.net/", "https://a-secondary.blob.core.windows.net", "https://a.blob.core.windows.net/c", "https://a-secondary.blob.core.windows.net/c"},
		{"https://a.blob.core.windows.net", "https://a-secondary.blob.core.windows.net", "https://b.blob.core.windows.net/c", "https://b.blob.core.windows.net/c"},
		{"http://h/acct", "http://h/acct-secondary", "http://h/acct/c/b", "http://h/acct-secondary/c/b"},
		{"http://h/acct", "http://h/acct-secondary", "http://h/acct?restype=account", "http://h/acct-secondary?restype=account"},
		{"http://h/acct", "http://h/acct-secondary", "http://h/acct-secondary/?comp=stats", "http://h/acct-secondary/?comp=stats"},
		{"http://h/acct", "http://h/acct-secondary", "http://h/acct2/c", "http://h/acct2/c"},
	} {
		l := &Locations{Mode: SecondaryOnly, Primary: parse(c.primary), Secondary: parse(c.secondary)}
		r := l.start(http.MethodGet, nil)
		if got := r.apply(parse(c.target)).String(); got != c.want {
			t.Errorf("%s, beside %s, goes to %s and not to %s", c.target, c.primary, got, c.want)
		}
		if w := l.start(http.MethodPut, nil); w.apply(parse(c.target)).String() != c.target {
			t.Errorf("a write to %s goes elsewhere", c.target)
		}
	}
}
