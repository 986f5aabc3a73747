package azureblob

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/url"
	"regexp"
	"strings"
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

// FuzzURL makes handles of any valid name, and clients of their URLs: these are of
// the same blob, snapshot or version, on all kinds of hosts.
func FuzzURL(f *testing.F) {
	f.Add(uint8(0), "photos", "2026/cat one.jpg", "", "")
	f.Add(uint8(1), "$root", "/", "2026-01-02T03:04:05.0000000Z", "")
	f.Add(uint8(2), "a-1", "a//b/../%2E/?snapshot=x#y", "", "2026-01-02T03:04:05.0000000Z")
	f.Add(uint8(3), "$web", "\\ü\U0001F600+%", "&=", "")
	f.Add(uint8(4), "logs", "..", "\x00\xff", "+ %")
	o := &ClientOptions{Transport: newStub(nil)}
	var services []*ServiceClient
	for _, endpoint := range []string{
		"https://account.blob.core.windows.net", "http://127.0.0.1:10000/account", "https://[::1]/account", "http://localhost/account", "https://blobs.example.com",
	} {
		s, err := NewServiceClient(endpoint, nil, o)
		if err != nil {
			f.Fatal(err)
		}
		services = append(services, s)
	}
	f.Fuzz(func(t *testing.T, host uint8, container, name, snapshot, version string) {
		s := services[int(host)%len(services)]
		c := s.Container(container)
		b := c.Blob(name)
		if b.invalid != nil {
			if _, err := NewBlobClientFromConnectionString("BlobEndpoint="+s.URL(), container, name, o); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%q, %q: %v", container, name, err)
			}
			return
		}
		if snapshot != "" {
			b = b.WithSnapshot(snapshot)
		} else if version != "" {
			b = b.WithVersion(version)
		}
		again, err := NewBlobClient(b.URL(), nil, o)
		if err != nil {
			t.Fatalf("%q, %q has URL %s: %v", container, name, b.URL(), err)
		}
		if again.Name() != name || again.ContainerName() != container || again.scope != b.scope || again.URL() != b.URL() || again.service != s.service {
			t.Errorf("%q, %q, %+v comes back as %q, %q, %+v", container, name, b.scope, again.ContainerName(), again.Name(), again.scope)
		}
		box, err := NewContainerClient(c.URL(), nil, o)
		if err != nil || box.Name() != container || box.URL() != c.URL() || box.service != s.service {
			t.Errorf("container %q has URL %s: %+v, %v", container, c.URL(), box, err)
		}
	})
}

// FuzzLocate reads anything as a URL. One that can be read is that of what it names,
// and no error quotes a part of it.
func FuzzLocate(f *testing.F) {
	const sig = "?sv=2026-06-06&sr=b&sp=r&sig="
	f.Add("https://account.blob.core.windows.net/photos/cat.jpg"+sig, "&snapshot=x", uint8(2))
	f.Add("http://127.0.0.1:10000/account/photos/", "//", uint8(1))
	f.Add("https://user:", "@host/", uint8(0))
	f.Add("https://a.blob.core.windows.net/%zz", "%2F", uint8(2))
	f.Add("https://[::1", "]:x/c", uint8(1))
	f.Add("HTTPS://H/c/b?versionid=", "#", uint8(2))
	f.Fuzz(func(t *testing.T, before, after string, depth uint8) {
		const secret = "q7s3cr3tq7"
		depth %= 3
		for _, raw := range []string{before + after, before + secret + after} {
			loc, err := locate(raw, int(depth))
			if err != nil {
				if !errors.Is(err, fs.ErrInvalid) || raw != before+after && strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("%q: %v", raw, err)
				}
				continue
			}
			s := &session{service: loc.service.String()}
			h := s.handleOf(int(depth), loc.container, loc.blob, loc.scope)
			if h.invalid != nil {
				continue
			}
			again, err := locate(h.URL(), int(depth))
			if err != nil {
				t.Fatalf("%q is that of %s: %v", raw, h.URL(), err)
			}
			if again.container != loc.container || again.blob != loc.blob || again.scope != loc.scope || again.service.String() != s.service {
				t.Errorf("%q is that of %s: %+v, and then %+v", raw, h.URL(), loc, again)
			}
		}
	})
}

// FuzzConnectionString reads anything. An error is that of bad input, and quotes
// no value.
func FuzzConnectionString(f *testing.F) {
	f.Add("UseDevelopmentStorage=true", "")
	f.Add("AccountName=a;AccountKey=YQ==;EndpointSuffix=x;BlobEndpoint=https://h/p", ";AccountName=b")
	f.Add("SharedAccessSignature=sv=1&sig=2", "&x=y;BlobEndpoint=http://[::1]:1/a")
	f.Add("AccountName=a;AccountKey=", "=")
	f.Add("DefaultEndpointsProtocol=", ";AccountName=a")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "q7s3cr3tq7"
		for _, text := range []string{before + after, before + secret + after} {
			c, err := parseConnectionString(text)
			if (c == nil) == (err == nil) {
				t.Fatalf("%v, %v", c, err)
			}
			if err == nil {
				if _, err := locate(c.service.String(), 0); err != nil {
					t.Errorf("%q leads to %s: %v", text, c.service, err)
				}
				continue
			}
			if !errors.Is(err, fs.ErrInvalid) || text != before+after && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// FuzzConnectionValues writes a connection string of any values, and reads it.
func FuzzConnectionValues(f *testing.F) {
	f.Add("account", []byte("a key"), "core.windows.net", false)
	f.Add("A-1", []byte{}, "x", true)
	f.Add("a.b", []byte{0, 255, 62}, "a/b", true)
	f.Add("a;b=c", []byte("="), "core.windows.net:80", false)
	f.Fuzz(func(t *testing.T, account string, key []byte, suffix string, plain bool) {
		if strings.Contains(account+suffix, ";") {
			return // it ends the value
		}
		protocol := "https"
		if plain {
			protocol = "http"
		}
		c, err := parseConnectionString("AccountKey=" + base64.StdEncoding.EncodeToString(key) + ";EndpointSuffix=" + suffix + ";DefaultEndpointsProtocol=" + protocol + ";AccountName=" + account)
		if err != nil {
			named := regexp.MustCompile(`^[a-zA-Z0-9-]+$`).MatchString(account)
			host := regexp.MustCompile(`^[a-z0-9]+(\.[a-z0-9]+)*$`).MatchString(suffix)
			if named && host && len(key) > 0 {
				t.Errorf("%q at %q: %v", account, suffix, err)
			}
			return
		}
		own, ok := c.credential.(*SharedKeyCredential)
		if !ok || own.AccountName() != strings.TrimSpace(account) || !bytes.Equal(own.key(), key) {
			t.Errorf("%q, %q came out as %v", account, key, c.credential)
		}
		if !strings.HasPrefix(c.service.String(), protocol+"://"+own.AccountName()+".blob.") {
			t.Errorf("%q at %q is %s", account, suffix, c.service)
		}
	})
}
