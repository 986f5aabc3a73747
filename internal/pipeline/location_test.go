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
		for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE"} {
			req := &http.Request{Method: method, URL: parse(c.target), Host: "of the caller"}
			r := l.start(req, nil)
			r.turn(req)
			want, host := c.want, "of the caller"
			if method != "GET" && method != "HEAD" {
				want = c.target
			}
			if want != c.target {
				host = l.Secondary.Host
			}
			if got := req.URL.String(); got != want || req.Host != host {
				t.Errorf("%s %s, beside %s, goes to %s of %s and not to %s of %s", method, c.target, c.primary, got, req.Host, want, host)
			}
			if l.IsSecondary(req.URL) != (want != c.target || c.target == "http://h/acct-secondary/?comp=stats") {
				t.Errorf("%s: it is taken for the wrong region", req.URL)
			}
		}
	}
}
