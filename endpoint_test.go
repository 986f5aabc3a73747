package azureblob

import (
	"net/url"
	"testing"
	"unicode/utf8"
)

func TestEscapeName(t *testing.T) {
	for name, want := range map[string]string{
		"a/b.txt":   "a/b.txt",
		"a/../b/./": "a/%2E%2E/b/%2E/",
		"..":        "%2E%2E",
		".../a.":    ".../a.",
		"a//b":      "a//b",
		"/x/":       "/x/",
		"a b+c%d#?": "a%20b%2Bc%25d%23%3F",
		"ü😀":        "%C3%BC%F0%9F%98%80",
		"$root":     "$root",
		"":          "",
	} {
		if got := escapeName(name); got != want {
			t.Errorf("%q becomes %s, want %s", name, got, want)
		}
	}
}

// FuzzEscapeName: what was escaped comes back, and is left alone by net/url.
func FuzzEscapeName(f *testing.F) {
	for _, name := range []string{"a/b", "..", "%2E", "a b", "ü"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		escaped := escapeName(name)
		if back, err := url.PathUnescape(escaped); err != nil || back != name {
			t.Fatalf("%q becomes %s and comes back as %q, %v", name, escaped, back, err)
		}
		u, err := url.Parse("https://host/container/" + escaped)
		if err != nil || u.EscapedPath() != "/container/"+escaped {
			t.Fatalf("%s goes out as %v, %v", escaped, u, err)
		}
		if name != "" && utf8.ValidString(name) && checkBlobName(name) == nil {
			loc, err := locate("https://account.blob.core.windows.net/container/"+escaped, 2)
			if err != nil || loc.blob != name {
				t.Fatalf("%q is located as %+v, %v", name, loc, err)
			}
		}
	})
}

// FuzzConnectionString: no text makes it panic.
func FuzzConnectionString(f *testing.F) {
	f.Add("UseDevelopmentStorage=true")
	f.Add("AccountName=a;AccountKey=YQ==;EndpointSuffix=x;BlobEndpoint=https://h/p")
	f.Add("SharedAccessSignature=sv=1&sig=2;BlobEndpoint=http://[::1]:1/a")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseConnectionString(text)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v", c, err)
		}
	})
}
