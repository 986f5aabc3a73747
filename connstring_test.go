package azureblob

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"strings"
	"testing"
)

const (
	secretKey = "c2VjcmV0LWtleS1vZi10aGUtdGVzdA==" // of no account
	secretSAS = "sv=2026-06-06&ss=b&srt=sco&sp=r&se=2030-01-01&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D"
)

func TestConnectionStrings(t *testing.T) {
	for name, tc := range map[string]struct{ text, endpoint, secondary, credential string }{
		"shared key": {"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=" + secretKey + ";EndpointSuffix=core.windows.net",
			"https://acc.blob.core.windows.net", "https://acc-secondary.blob.core.windows.net", "key of acc"},
		"defaults, odd case, trailing semicolon": {" accountNAME=acc ; accountkey=" + secretKey + ";",
			"https://acc.blob.core.windows.net", "https://acc-secondary.blob.core.windows.net", "key of acc"},
		"http and another cloud": {"DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=" + secretKey + ";EndpointSuffix=core.chinacloudapi.cn",
			"http://acc.blob.core.chinacloudapi.cn", "http://acc-secondary.blob.core.chinacloudapi.cn", "key of acc"},
		"endpoint wins": {"AccountName=acc;AccountKey=" + secretKey + ";BlobEndpoint=https://files.example.com/;EndpointSuffix=x",
			"https://files.example.com", "", "key of acc"},
		"secondary endpoint": {"AccountName=acc;AccountKey=" + secretKey + ";BlobEndpoint=https://files.example.com;BlobSecondaryEndpoint=https://more.example.com",
			"https://files.example.com", "https://more.example.com", "key of acc"},
		"emulator host": {"AccountName=acc;AccountKey=" + secretKey + ";BlobEndpoint=http://127.0.0.1:10000/acc;QueueEndpoint=http://127.0.0.1:10001/acc",
			"http://127.0.0.1:10000/acc", "http://127.0.0.1:10000/acc-secondary", "key of acc"},
		"SAS": {"BlobEndpoint=https://acc.blob.core.windows.net/;SharedAccessSignature=" + secretSAS,
			"https://acc.blob.core.windows.net", "https://acc-secondary.blob.core.windows.net", "SAS"},
		"SAS by name":        {"AccountName=acc;SharedAccessSignature=?" + secretSAS, "https://acc.blob.core.windows.net", "https://acc-secondary.blob.core.windows.net", "SAS"},
		"the key before SAS": {"AccountName=acc;AccountKey=" + secretKey + ";SharedAccessSignature=" + secretSAS, "https://acc.blob.core.windows.net", "https://acc-secondary.blob.core.windows.net", "key of acc"},
		"anonymous":          {"BlobEndpoint=https://acc.blob.core.windows.net", "https://acc.blob.core.windows.net", "https://acc-secondary.blob.core.windows.net", ""},
		"development":        {"UseDevelopmentStorage=true", "http://127.0.0.1:10000/devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1-secondary", "key of devstoreaccount1"},
		"development proxy":  {"UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://emulator", "http://emulator:10000/devstoreaccount1", "http://emulator:10000/devstoreaccount1-secondary", "key of devstoreaccount1"},
		"development port":   {"UseDevelopmentStorage=TRUE;DevelopmentStorageProxyUri=http://emulator:8080/", "http://emulator:8080/devstoreaccount1", "http://emulator:8080/devstoreaccount1-secondary", "key of devstoreaccount1"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := NewServiceClientFromConnectionString(tc.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			who := ""
			switch c := s.credential().(type) {
			case *SharedKeyCredential:
				who = "key of " + c.AccountName()
				if want := base64.StdEncoding.EncodeToString(c.key()); c.account == "acc" && want != secretKey {
					t.Errorf("another key: %s", want)
				}
			case sasCredential:
				who = "SAS"
			}
			if s.URL() != tc.endpoint || s.SecondaryURL() != tc.secondary || who != tc.credential {
				t.Errorf("got %s, %s, %s", s.URL(), s.SecondaryURL(), who)
			}
		})
	}
}

func TestBlobFromConnectionString(t *testing.T) {
	b, err := NewBlobClientFromConnectionString("UseDevelopmentStorage=true", "photos", "a b", nil)
	if err != nil || b.URL() != "http://127.0.0.1:10000/devstoreaccount1/photos/a%20b" {
		t.Errorf("%v, %v", b, err)
	}
	for _, names := range [][2]string{{"Photos", "b"}, {"photos", ""}} {
		if _, err := NewBlobClientFromConnectionString("UseDevelopmentStorage=true", names[0], names[1], nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v, want fs.ErrInvalid", names, err)
		}
	}
}

func TestBadConnectionStrings(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "empty",
		";;":                                 "empty",
		"AccountName=acc;" + secretKey[:20]:  "part 2",
		"AccountName=acc;AccountKey=secret!": "AccountKey",
		"AccountName=acc;AccountKey=":        "AccountKey is empty",
		"AccountKey=" + secretKey:            "AccountName",
		"AccountKey=" + secretKey + ";BlobEndpoint=https://x.example.com":              "AccountKey needs AccountName",
		"AccountName=acc;AcountKey=" + secretKey:                                       "AcountKey",
		"AccountName=acc;AccountName=acc":                                              "AccountName is there twice",
		"DefaultEndpointsProtocol=ftp;AccountName=acc":                                 "DefaultEndpointsProtocol",
		"BlobEndpoint=secret.example.com":                                              "BlobEndpoint",
		"BlobEndpoint=https://user:secret@example.com":                                 "BlobEndpoint",
		"BlobEndpoint=https://x.example.com;BlobSecondaryEndpoint=secret":              "BlobSecondaryEndpoint",
		"AccountName=acc;BlobSecondaryEndpoint=https://secret":                         "BlobSecondaryEndpoint",
		"AccountName=acc;SharedAccessSignature=secret":                                 "SharedAccessSignature",
		"AccountName=acc;SharedAccessSignature=sv=2020&sig=%zzsecret":                  "SharedAccessSignature",
		"UseDevelopmentStorage=false":                                                  "UseDevelopmentStorage",
		"UseDevelopmentStorage=true;AccountName=secret":                                "AccountName",
		"DevelopmentStorageProxyUri=http://secret":                                     "DevelopmentStorageProxyUri",
		"UseDevelopmentStorage=true;DevelopmentStorageProxyUri=secret":                 "DevelopmentStorageProxyUri",
		"AccountName=https://acc.blob.core.windows.net/secret;AccountKey=" + secretKey: "AccountName",
		secretKey: "part 1",
		"BlobEndpoint=https://a.blob.core.windows.net/?" + secretSAS:                    "BlobEndpoint",
		"BlobEndpoint=https://a.example.com/;BlobSecondaryEndpoint=https://b/?x=secret": "BlobSecondaryEndpoint",
		"AccountName=acc;EndpointSuffix=a.b?secret":                                     "EndpointSuffix",
		"AccountName=acc;EndpointSuffix=a.b/secret":                                     "EndpointSuffix",
		"AccountName=secret.com/;SharedAccessSignature=" + secretSAS:                    "AccountName",
		"BlobEndpoint=secret:abc":                                                       "BlobEndpoint",
		"BlobEndpoint=https://user:secret/x@host/":                                      "BlobEndpoint",
	} {
		_, err := NewServiceClientFromConnectionString(text, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error about %q", text, err, want)
			continue
		}
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: the error is not fs.ErrInvalid: %v", text, err)
		}
		if strings.Contains(strings.ToLower(err.Error()), "secret") || strings.Contains(err.Error(), secretKey[:10]) {
			t.Errorf("the error shows a value: %v", err)
		}
	}
}

func TestURLs(t *testing.T) {
	for _, tc := range []struct {
		url                      string
		service, container, blob string
	}{
		{"https://acc.blob.core.windows.net/photos/cat.jpg", "https://acc.blob.core.windows.net", "photos", "cat.jpg"},
		{"https://acc.blob.core.windows.net/photos/a%20b/c%2Fd%25.jpg", "https://acc.blob.core.windows.net", "photos", "a b/c/d%.jpg"},
		{"https://acc.blob.core.windows.net/photos//x/", "https://acc.blob.core.windows.net", "photos", "/x/"},
		{"https://acc.blob.core.windows.net/photos/a/%2E%2E/b", "https://acc.blob.core.windows.net", "photos", "a/../b"},
		{"https://acc.blob.core.windows.net/cat.jpg", "https://acc.blob.core.windows.net", "$root", "cat.jpg"},
		{"http://127.0.0.1:10000/devstoreaccount1/photos/a/b", "http://127.0.0.1:10000/devstoreaccount1", "photos", "a/b"},
		{"http://[::1]:10000/acc/photos/a", "http://[::1]:10000/acc", "photos", "a"},
		{"http://localhost:1234/acc/photos/a", "http://localhost:1234/acc", "photos", "a"},
		{"http://azurite:10000/acc/photos/a", "http://azurite:10000/acc", "photos", "a"},
		{"http://acc.blob.localhost:10000/photos/a", "http://acc.blob.localhost:10000", "photos", "a"},
		{"https://files.example.com/photos/a", "https://files.example.com", "photos", "a"},
	} {
		b, err := NewBlobClient(tc.url, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", tc.url, err)
			continue
		}
		if b.service != tc.service || b.container != tc.container || b.blob != tc.blob {
			t.Errorf("%s: %s, %s, %s", tc.url, b.service, b.container, b.blob)
		}
		again, err := NewBlobClient(b.URL(), nil, nil)
		if err != nil || again.blob != b.blob || again.container != b.container {
			t.Errorf("%s does not come back from %s: %v", tc.url, b.URL(), err)
		}
	}
	c, err := NewContainerClient("http://127.0.0.1:10000/acc/photos/?"+secretSAS, nil, nil)
	if err != nil || c.container != "photos" || c.service != "http://127.0.0.1:10000/acc" || strings.Contains(c.URL(), "sig=") {
		t.Errorf("container URL with SAS: %v, %v", c, err)
	}
	b, err := NewBlobClient("https://acc.blob.core.windows.net/photos/cat.jpg?snapshot=2026-01-02T03:04:05.0000000Z&"+secretSAS, nil, nil)
	if err != nil || b.scope.Snapshot != "2026-01-02T03:04:05.0000000Z" || strings.Contains(b.credential().(sasCredential).token(), "snapshot") {
		t.Errorf("snapshot URL with SAS: %v, %v", b, err)
	}
}

func TestBadURLs(t *testing.T) {
	for _, url := range []string{
		"", "secret", "acc.blob.core.windows.net", "ftp://x/y/z", "https://", "https:///c/b", "https://user:secret@host.example.com/c/b",
		"https://x.example.com/c/b#secret", "https://x.example.com/c/%zzsecret", "https://x.example.com/photos/b?comp=secret", "https://x.example.com/photos/\x00secret",
		"https://x.example.com/", "https://x.example.com/photos/", "https://x.example.com/Photos/secret?" + secretSAS,
	} {
		_, err := NewBlobClient(url, nil, nil)
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v, want fs.ErrInvalid", url, err)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sig=") {
			t.Errorf("%q: the error shows a value: %v", url, err)
		}
	}
	for _, url := range []string{"https://acc.blob.core.windows.net/photos", "http://127.0.0.1:10000/acc/photos", "https://acc.dfs.core.windows.net", "https://acc.blob.core.windows.net/?comp=list"} {
		if _, err := NewServiceClient(url, nil, nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("the service %q: %v, want fs.ErrInvalid", url, err)
		}
	}
	for _, url := range []string{
		"https://acc.blob.core.windows.net/photos/2026", "http://127.0.0.1:10000/acc", "http://127.0.0.1:10000/acc/photos/2026",
		"https://acc.blob.core.windows.net/photos?restype=container&" + secretSAS, "https://acc.blob.core.windows.net/",
	} {
		if _, err := NewContainerClient(url, nil, nil); !errors.Is(err, fs.ErrInvalid) || strings.Contains(err.Error(), "sig=") {
			t.Errorf("the container %q: %v, want fs.ErrInvalid", url, err)
		}
	}
	if _, err := NewBlobClient("https://x.example.com/photos/b?"+secretSAS, SASCredential(secretSAS), nil); err == nil {
		t.Error("a SAS in the URL and a credential: no error")
	}
}
