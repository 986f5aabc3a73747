package azureblob_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/sas"
)

// endpoints are those of an account in one of the forms that there are.
type endpoints struct {
	account, key       string
	primary, secondary string // the secondary is "" if it follows from the primary
	asked              string // what URLs of the secondary begin with
	transport          http.RoundTripper
	token              azcore.TokenCredential
}

// endpointForms are the forms. Those of emulators have the account in the path, and
// what is given can be anywhere.
func endpointForms(t *testing.T) map[string]endpoints {
	t.Helper()
	srv, real := blobtest.New(t, &blobtest.Options{HTTPS: true}), azurite.SharedHTTPS(t)
	own := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: real.CertPool()}}
	t.Cleanup(own.CloseIdleConnections)
	proxy := blobtest.NewProxy(t, real.SecondaryURL(), &blobtest.ProxyOptions{HTTPS: true, Transport: own})
	viaProxy := proxy.Client().Transport
	beside := roundTrips(func(req *http.Request) (*http.Response, error) {
		if strings.HasPrefix(req.URL.String(), proxy.URL()) {
			return viaProxy.RoundTrip(req)
		}
		return own.RoundTrip(req)
	})
	token := staticToken{"of the test"}
	return map[string]endpoints{
		"host":               {srv.Account(), srv.Key(), srv.Endpoint(), "", srv.SecondaryEndpoint(), srv.Transport(), token},
		"host, given":        {srv.Account(), srv.Key(), srv.Endpoint(), srv.SecondaryEndpoint() + "/", srv.SecondaryEndpoint(), srv.Transport(), token},
		"path":               {srv.Account(), srv.Key(), srv.URL(), "", srv.SecondaryURL(), srv.Client().Transport, token},
		"path beside a host": {srv.Account(), srv.Key(), srv.Endpoint(), srv.SecondaryURL(), srv.SecondaryURL(), either{srv}, token},
		"Azurite":            {real.Account(), real.Key(), real.URL(), "", real.SecondaryURL(), own, real.Token()},
		"Azurite, given":     {real.Account(), real.Key(), real.URL(), proxy.URL(), proxy.URL(), beside, real.Token()},
	}
}

type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// either is the way to a server by both of its hosts.
type either struct{ *blobtest.Server }

func (e either) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(req.URL.String(), e.URL()) {
		return e.Client().Transport.RoundTrip(req)
	}
	return e.Transport().RoundTrip(req)
}

// service is a client of the account. The signatures of its requests are made again,
// and what goes to the secondary region is counted.
func (e endpoints) service(t *testing.T, mode azureblob.LocationMode, credential azureblob.Credential, secondary *atomic.Int64) *azureblob.ServiceClient {
	t.Helper()
	o := azureblob.CapturingOptions()
	o.LocationMode, o.SecondaryEndpoint = mode, e.secondary
	o.Transport = sendingFunc(func(req *http.Request) (*http.Response, error) {
		if strings.HasPrefix(req.URL.String(), e.asked+"/") {
			secondary.Add(1)
		}
		if got := req.Header.Get("Authorization"); strings.HasPrefix(got, "SharedKey ") && req.ContentLength == 0 && req.Method != "PUT" && got != e.signature(t, req) {
			t.Errorf("%s %s is not signed as the service wants it", req.Method, req.URL)
		}
		return e.transport.RoundTrip(req)
	})
	return must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(e.primary, credential, o))
}

// signature is the authorization of a read with the key of the account, as the
// reference of the service describes it: the name of the account is that of the primary
// region, and the path is the one on the wire, which in path style has a name as well.
func (e endpoints) signature(t *testing.T, req *http.Request) string {
	t.Helper()
	lines := []string{req.Method, "", "", "", "", "", ""}
	for _, name := range []string{"If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"} {
		lines = append(lines, req.Header.Get(name))
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) { // these have no _ in them
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-ms-") {
			lines = append(lines, lower+":"+req.Header.Get(name))
		}
	}
	lines = append(lines, "/"+e.account+req.URL.EscapedPath())
	query := req.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		lines = append(lines, name+":"+query.Get(name))
	}
	key := must[[]byte](t)(base64.StdEncoding.DecodeString(e.key))
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(strings.Join(lines, "\n")))
	return "SharedKey " + e.account + ":" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// TestSecondaryEndpoints reads from the secondary region, in each form of its endpoint
// and with each kind of credential.
func TestSecondaryEndpoints(t *testing.T) {
	for form, e := range endpointForms(t) {
		t.Run(form, func(t *testing.T) {
			ctx := t.Context()
			key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(e.account, e.key))
			var secondary atomic.Int64
			c := newContainer(t, e.service(t, azureblob.PrimaryOnly, key, &secondary))
			name := "a + b/ü?#%25&=.txt"
			for _, blob := range []string{name, "b", "c"} {
				must[azureblob.UploadResult](t)(c.Blob(blob).Upload(ctx, strings.NewReader("in both regions"), nil))
			}
			signed := func(token string, err error) azureblob.Credential {
				return azureblob.SASCredential(must[string](t)(token, err))
			}
			expiry := time.Now().Add(time.Hour)
			byToken := e.service(t, azureblob.PrimaryOnly, azureblob.TokenCredential(e.token), &secondary)
			credentials := map[string]azureblob.Credential{
				"key":   key,
				"token": azureblob.TokenCredential(e.token),
				"account SAS": signed(sas.Account{Key: key, Permissions: sas.AccountPermissions{Read: true, List: true},
					Resources: sas.ResourceTypes{Container: true, Object: true}, Expiry: expiry}.Sign()),
				"container SAS": signed(sas.Container{Key: key, Permissions: sas.ContainerPermissions{Read: true, List: true}, Expiry: expiry}.Sign(c.Name())),
			}
			if delegation, err := byToken.UserDelegationKey(ctx, time.Time{}, expiry, nil); err == nil {
				credentials["delegation SAS"] = signed(sas.Container{Key: delegation.Key, Permissions: sas.ContainerPermissions{Read: true, List: true}, Expiry: expiry}.Sign(c.Name()))
			} else {
				t.Error(err)
			}
			if secondary.Load() != 0 {
				t.Errorf("%d requests went to the secondary region before it was asked", secondary.Load())
			}
			for kind, credential := range credentials {
				secondary.Store(0)
				s := e.service(t, azureblob.SecondaryOnly, credential, &secondary)
				if s.SecondaryURL() != strings.TrimSuffix(e.asked, "/") {
					t.Errorf("%s: the secondary endpoint is %s", kind, s.SecondaryURL())
				}
				b := s.Container(c.Name()).Blob(name)
				if got, err := b.ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: 4}); err != nil || string(got) != "in both regions" {
					t.Errorf("%s: %q, %v", kind, got, err)
				}
				if p, err := b.Properties(ctx, nil); err != nil || !p.Secondary || p.ContentLength != 15 {
					t.Errorf("%s: %+v, %v", kind, p, err)
				}
				pages, blobs := 0, 0
				for page, err := range s.Container(c.Name()).BlobPages(ctx, &azureblob.ListBlobsOptions{PageSize: 2}) {
					if err != nil {
						t.Fatalf("%s: %v", kind, err)
					}
					if pages, blobs = pages+1, blobs+len(page.Blobs); !page.Secondary {
						t.Errorf("%s: a page is of the primary region", kind)
					}
				}
				if n := secondary.Load(); pages != 2 || blobs != 3 || n != 4+1+2 || s.Usage().Requests != n {
					t.Errorf("%s: %d blobs on %d pages, %d requests of %d", kind, blobs, pages, n, s.Usage().Requests)
				}
			}
		})
	}
}

// TestRegionsOfAzurite reads from the emulator by a proxy, which has troubles, with its
// real secondary endpoint beside it.
func TestRegionsOfAzurite(t *testing.T) {
	real, ctx := azurite.Shared(t), t.Context()
	content := strings.Repeat("0123456789", 100)
	newClient := func(t *testing.T) (*blobtest.Proxy, *azureblob.ContainerClient) {
		proxy := blobtest.NewProxy(t, real.URL())
		o := azureblob.CapturingOptions()
		o.LocationMode, o.SecondaryEndpoint, o.Retry.Delay = azureblob.PrimaryThenSecondary, real.SecondaryURL(), -1
		o.ResponseTimeout, o.Hedge = time.Minute, &azureblob.HedgeOptions{Delay: time.Millisecond, MaxShare: 1}
		key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(real.Account(), real.Key()))
		s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(proxy.URL(), key, o))
		t.Cleanup(s.CloseIdleConnections)
		c := newContainer(t, s)
		for _, name := range []string{"cat", "dog", "fox"} {
			must[azureblob.UploadResult](t)(c.Blob(name).Upload(ctx, strings.NewReader(content), nil))
		}
		return proxy, c
	}
	reads := map[string]func(c *azureblob.ContainerClient) (found string, secondary bool, err error){
		"ReadAll": func(c *azureblob.ContainerClient) (string, bool, error) {
			got, err := c.Blob("cat").ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: block})
			return string(got), true, err
		},
		"Reader": func(c *azureblob.ContainerClient) (string, bool, error) {
			r, err := c.Blob("cat").NewReader(ctx, &azureblob.DownloadOptions{BlockSize: block})
			if err != nil {
				return "", false, err
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			return string(got), r.Result().Secondary, err
		},
		"Properties": func(c *azureblob.ContainerClient) (string, bool, error) {
			p, err := c.Blob("cat").Properties(ctx, nil)
			return content[:p.ContentLength], p.Secondary, err
		},
		"Blobs": func(c *azureblob.ContainerClient) (string, bool, error) {
			n, secondary := 0, true
			for page, err := range c.BlobPages(ctx, &azureblob.ListBlobsOptions{PageSize: 1}) {
				if err != nil {
					return "", false, err
				}
				n, secondary = n+len(page.Blobs), secondary && page.Secondary
			}
			return map[bool]string{true: content}[n == 3], secondary, nil
		},
	}
	for trouble, fault := range map[string]blobtest.Fault{
		"refuses": {Status: 503, Code: "ServerBusy", Times: -1}, "fails": {Status: 500, Times: -1}, "resets": {Reset: true, Times: -1},
	} {
		t.Run(trouble, func(t *testing.T) {
			proxy, c := newClient(t)
			proxy.Inject(fault)
			for name, read := range reads {
				before := len(proxy.Requests())
				found, secondary, err := read(c)
				if err != nil || found != content || !secondary {
					t.Errorf("%s: %d bytes of the secondary region %v, %v", name, len(found), secondary, err)
				}
				if n := len(proxy.Requests()) - before; n == 0 || n > 4 {
					t.Errorf("%s: %d requests went to the primary region, where the first one of each read may be sent twice", name, n)
				}
			}
			if err := wanted(fault.Status, second(c.Blob("new").Upload(ctx, strings.NewReader("x"), nil))); err != nil {
				t.Errorf("a write: %v", err)
			}
		})
	}
	t.Run("breaks off and is gone", func(t *testing.T) {
		proxy, c := newClient(t)
		proxy.Inject(blobtest.Fault{Operation: "Get Blob", Nth: 4, Reset: true, At: blobtest.DuringAnswer, Offset: 33})
		proxy.Inject(blobtest.Fault{Operation: "Get Blob", Nth: 5, Status: 500, Times: -1})
		got, err := c.Blob("cat").ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: block, Concurrency: 1})
		if err != nil || string(got) != content {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	t.Run("is slow", func(t *testing.T) {
		proxy, c := newClient(t)
		slow := proxy.Inject(blobtest.Fault{Operation: "Get Blob", Delay: -1, At: blobtest.BeforeRequest})
		before := c.Usage()
		got, err := c.Blob("cat").ReadAll(ctx, &azureblob.DownloadOptions{BlockSize: block})
		waitFor(t, "the losers to be sent", func() bool { u := used(before, c.Usage()); return u.Requests == 10+u.Hedges })
		if u := used(before, c.Usage()); err != nil || string(got) != content || slow.Fired() != 1 || u.Hedges == 0 {
			t.Errorf("%d bytes, %v, %+v", len(got), err, u)
		}
	})
}
