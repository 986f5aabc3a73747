package azureblob_test

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/sas"
)

// place is a service to sign for, as whoever owns the account sees it.
type place struct {
	*azureblob.ServiceClient
	transport policy.Transporter
	azurite   bool
}

func (p place) options() *azureblob.ClientOptions {
	o := azureblob.CapturingOptions()
	o.Transport = p.transport
	return o
}

// blob is a client of a signed URL.
func (p place) blob(t *testing.T, signed string) *azureblob.BlobClient {
	t.Helper()
	return must[*azureblob.BlobClient](t)(azureblob.NewBlobClient(signed, nil, p.options()))
}

func (p place) container(t *testing.T, signed string) *azureblob.ContainerClient {
	t.Helper()
	return must[*azureblob.ContainerClient](t)(azureblob.NewContainerClient(signed, nil, p.options()))
}

func (p place) service(t *testing.T, signed string) *azureblob.ServiceClient {
	t.Helper()
	return must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(signed, nil, p.options()))
}

// read returns what the signed URL of a blob leads to.
func (p place) read(t *testing.T, signed string) (string, error) {
	t.Helper()
	content, err := p.blob(t, signed).ReadAll(t.Context(), nil)
	return string(content), err
}

// onPlaces runs a test on blobtest with the account in the host and in the path,
// and on the emulator, for the owner of the account's key.
func onPlaces(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(blobtest.DefaultAccount, blobtest.DefaultKey))
	blobtests(t, key, test)
	t.Run("azurite", func(t *testing.T) {
		test(t, place{ServiceClient: emulated(t), azurite: true})
	})
}

// onPlacesWithToken is onPlaces for who has a token and no key.
func onPlacesWithToken(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	token := azureblob.TokenCredential(new(azurite.Server).Token())
	blobtests(t, token, test)
	t.Run("azurite", func(t *testing.T) {
		server := azurite.SharedHTTPS(t)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.CertPool()}}
		t.Cleanup(transport.CloseIdleConnections)
		p := place{transport: &http.Client{Transport: transport}, azurite: true}
		p.ServiceClient = must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(server.URL(), token, p.options()))
		test(t, p)
	})
}

func blobtests(t *testing.T, credential azureblob.Credential, test func(t *testing.T, p place)) {
	t.Helper()
	for style, endpoint := range map[string]string{"host": "https://devstoreaccount1.blob.test", "path": "https://127.0.0.1/devstoreaccount1"} {
		t.Run("blobtest by "+style, func(t *testing.T) {
			p := place{transport: blobtest.New(t, &blobtest.Options{Versioning: true, HierarchicalNamespace: true}).Transport()}
			p.ServiceClient = must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(endpoint, credential, p.options()))
			test(t, p)
		})
	}
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }

// oddName has what has to be escaped in a path and must not be in a signature.
const oddName = `2026/a + b/100%/ü#?&=\c.txt`

// spoil changes the signature of a URL.
func spoil(signed string) string {
	i := strings.Index(signed, "&sig=") + len("&sig=")
	letter := "A"
	if signed[i] == 'A' {
		letter = "B"
	}
	return signed[:i] + letter + signed[i+1:]
}

// denied demands that the service does not let somebody in.
func denied(t *testing.T, what string, err error, code azureblob.ErrorCode) {
	t.Helper()
	if !errors.Is(err, fs.ErrPermission) || code != "" && !errors.Is(err, code) {
		t.Errorf("%s: %v, want a refusal %s", what, err, code)
	}
}

// versions are both ends of each row of the tables of texts to sign.
var sasVersions = []string{
	"2012-02-12", "2013-08-15", "2014-02-14", "2015-02-21", "2015-04-05", "2018-03-28", "2018-11-09", "2019-12-12",
	"2020-02-10", "2020-10-02", "2020-12-06", "2025-05-05", "2025-07-05", "2026-02-06", "2026-04-06", "2026-06-06",
}

// made is a blob with a snapshot and a version, each with other content.
type made struct {
	container *azureblob.ContainerClient
	blob      *azureblob.BlobClient
	snapshot  string
	version   string // "" on the emulator
}

func makeBlob(t *testing.T, p place) made {
	t.Helper()
	ctx := t.Context()
	m := made{container: newContainer(t, p.ServiceClient)}
	m.blob = m.container.Blob(oddName)
	first := must[azureblob.UploadResult](t)(m.blob.Upload(ctx, strings.NewReader("first"), nil))
	m.version = first.VersionID
	if m.version == "" && !p.azurite {
		t.Fatal("no version")
	}
	m.snapshot = must[azureblob.SnapshotResult](t)(m.blob.Snapshot(ctx, nil)).Snapshot
	must[azureblob.UploadResult](t)(m.blob.Upload(ctx, strings.NewReader("now"), nil))
	return m
}

// tryAll reads by a signature for everything that there is to sign for, and
// demands what the version has. How says what is particular to the signatures.
func (m made) tryAll(t *testing.T, p place, version string, headers bool, how func(*sas.Container, *sas.Directory, *sas.Blob)) {
	t.Helper()
	c := sas.Container{Permissions: sas.ContainerPermissions{Read: true, List: true}, Start: time.Now().Add(-time.Minute), Expiry: inAnHour(), Version: version}
	d := sas.Directory{Permissions: sas.DirectoryPermissions{Read: true, List: true}, Expiry: inAnHour(), Version: version}
	b := sas.Blob{Permissions: sas.BlobPermissions{Read: true, Write: true}, Expiry: inAnHour(), Version: version}
	if headers {
		b.Headers = sas.ResponseHeaders{CacheControl: "no-cache", ContentDisposition: `attachment; filename="a b"`, ContentEncoding: "x", ContentLanguage: "de, en", ContentType: "text/a+b"}
	}
	if version >= "2015-04-05" && !p.azurite {
		c.Protocol, b.Protocol, d.Protocol = sas.HTTPS, sas.HTTPS, sas.HTTPSAndHTTP
	}
	how(&c, &d, &b)
	check := func(what, signed, want string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if got, err := p.read(t, signed); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", what, got, err, want)
		}
		_, err = p.read(t, spoil(signed))
		denied(t, what+" with another signature", err, "")
	}
	signed, err := m.blob.SASURL(b)
	check("blob", signed, "now", err)
	if properties, err := p.blob(t, signed).Properties(t.Context(), nil); headers && (err != nil || properties.CacheControl != "no-cache" || properties.ContentDisposition != `attachment; filename="a b"` ||
		properties.ContentEncoding != "x" || properties.ContentLanguage != "de, en" || properties.ContentType != "text/a+b") {
		t.Errorf("headers: %+v, %v", properties, err)
	}
	_, err = p.blob(t, signed).Delete(t.Context(), nil)
	denied(t, "deletion", err, azureblob.AuthorizationPermissionMismatch)
	_, err = p.read(t, strings.Replace(signed, "/2026/", "/2027/", 1))
	denied(t, "another blob", err, "")

	signed = must[string](t)(m.container.SASURL(c))
	at, query, _ := strings.Cut(signed, "?")
	check("container", at+strings.TrimPrefix(m.blob.URL(), m.container.URL())+"?"+query, "now", nil)
	for _, err := range p.container(t, signed).Blobs(t.Context(), nil) {
		if err != nil {
			t.Errorf("list: %v", err)
		}
	}
	if version >= "2018-11-09" {
		signed, err = m.blob.WithSnapshot(m.snapshot).SASURL(b)
		check("snapshot", signed, "first", err)
		_, err = p.read(t, m.blob.URL()+"?"+signed[strings.Index(signed, "&")+1:])
		denied(t, "the blob itself by a signature for its snapshot", err, "")
	}
	if p.azurite {
		return
	}
	if version >= "2018-11-09" {
		signed, err = m.blob.WithVersion(m.version).SASURL(b)
		check("version", signed, "first", err)
	}
	if version >= "2020-02-10" {
		for _, directory := range []string{"", "2026", "/2026/a + b/"} {
			signed = must[string](t)(m.container.DirectorySASURL(directory, d))
			_, query, _ := strings.Cut(signed, "?")
			check("directory "+directory, m.blob.URL()+"?"+query, "now", nil)
		}
		_, err = p.read(t, strings.Replace(m.blob.URL(), "2026", "2027", 1)+signed[strings.Index(signed, "?"):])
		denied(t, "another directory", err, "")
	}
}

func TestServiceSASOfAllVersions(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		m := makeBlob(t, p)
		for _, version := range sasVersions {
			if p.azurite && version < "2015-04-05" {
				continue // it checks those in the newer form
			}
			t.Run(version, func(t *testing.T) {
				m.tryAll(t, p, version, version >= "2013-08-15", func(*sas.Container, *sas.Directory, *sas.Blob) {})
			})
		}
	})
}

func TestUserDelegationSASOfAllVersions(t *testing.T) {
	onPlacesWithToken(t, func(t *testing.T, p place) {
		m := makeBlob(t, p)
		key := must[azureblob.UserDelegationKeyResult](t)(p.UserDelegationKey(t.Context(), time.Now().Add(-time.Hour), inAnHour().Add(time.Hour), nil)).Key
		if p.azurite {
			m.snapshot = "" // it has no user delegation SAS for them
		}
		for _, version := range sasVersions {
			if version < "2018-11-09" {
				continue
			}
			t.Run(version, func(t *testing.T) {
				if p.azurite {
					m.tryDelegated(t, p, version, key)
					return
				}
				m.tryAll(t, p, version, true, func(c *sas.Container, d *sas.Directory, b *sas.Blob) {
					c.Key, d.Key, b.Key = key, &key, key
					if version >= "2020-02-10" {
						d.Delegation.AuthorizedObjectID = "aaaaaaaa-0000-0000-0000-000000000001"
						b.Delegation.UnauthorizedObjectID = "bbbbbbbb-0000-0000-0000-000000000002"
						b.Delegation.CorrelationID = "CCCCCCCC-0000-0000-0000-000000000003"
					}
					if version >= "2020-12-06" {
						b.EncryptionScope = "mine"
					}
				})
			})
		}
	})
}

// tryDelegated is tryAll for what the emulator knows of user delegations.
func (m made) tryDelegated(t *testing.T, p place, version string, key sas.UserDelegationKey) {
	t.Helper()
	signed := must[string](t)(m.blob.SASURL(sas.Blob{Key: key, Permissions: sas.BlobPermissions{Read: true}, Expiry: inAnHour().Add(-time.Minute), Version: version,
		Headers: sas.ResponseHeaders{ContentType: "text/a+b"}, Protocol: sas.HTTPS}))
	if got, err := p.read(t, signed); err != nil || got != "now" {
		t.Errorf("blob: %q, %v", got, err)
	}
	_, err := p.read(t, spoil(signed))
	denied(t, "another signature", err, "")
	_, err = p.blob(t, signed).Delete(t.Context(), nil)
	denied(t, "deletion", err, "")
	signed = must[string](t)(m.container.SASURL(sas.Container{Key: key, Permissions: sas.ContainerPermissions{List: true}, Expiry: inAnHour().Add(-time.Minute), Version: version}))
	names := 0
	for _, err := range p.container(t, signed).Blobs(t.Context(), nil) {
		if err != nil {
			t.Errorf("list: %v", err)
			break
		}
		names++
	}
	if names != 1 {
		t.Errorf("%d blobs", names)
	}
}

func TestAccountSASURL(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		m, ctx := makeBlob(t, p), t.Context()
		for _, version := range sasVersions[4:] {
			v := sas.Account{Permissions: sas.AccountPermissions{Read: true, List: true, Create: true}, Resources: sas.ResourceTypes{Service: true, Container: true, Object: true},
				Start: time.Now().Add(-time.Minute), Expiry: inAnHour(), Version: version, Protocol: sas.HTTPSAndHTTP, IP: sas.IPRange{First: netip.MustParseAddr("127.0.0.0"), Last: netip.MustParseAddr("127.0.0.9")}}
			if version >= "2020-12-06" && !p.azurite {
				v.EncryptionScope = "mine"
			}
			signed := must[string](t)(p.SASURL(v))
			s := p.service(t, signed)
			if got, err := s.Container(m.container.Name()).Blob(oddName).ReadAll(ctx, nil); err != nil || string(got) != "now" {
				t.Errorf("%s: %q, %v", version, got, err)
			}
			found := false
			for item, err := range s.Containers(ctx, nil) {
				if err != nil {
					t.Fatal(err)
				}
				found = found || item.Name == m.container.Name()
			}
			if !found {
				t.Errorf("%s: the container is not in the list", version)
			}
			_, err := s.Container(m.container.Name()).Delete(ctx, nil)
			denied(t, "deletion", err, azureblob.AuthorizationPermissionMismatch)
			_, err = p.service(t, spoil(signed)).AccountInfo(ctx, nil)
			denied(t, "another signature", err, "")
			v.Resources = sas.ResourceTypes{Service: true, Container: true}
			_, err = p.service(t, must[string](t)(p.SASURL(v))).Container(m.container.Name()).Blob(oddName).ReadAll(ctx, nil)
			denied(t, "a blob by a signature for containers", err, azureblob.AuthorizationResourceTypeMismatch)
		}
		v := sas.Account{Permissions: sas.AccountPermissions{Read: true}, Resources: sas.ResourceTypes{Object: true}, Services: sas.Services{Queue: true}, Expiry: inAnHour()}
		_, err := p.service(t, must[string](t)(p.SASURL(v))).Container(m.container.Name()).Blob(oddName).ReadAll(ctx, nil)
		denied(t, "another service", err, azureblob.AuthorizationServiceMismatch)
	})
}

// storePolicy gives a container a stored access policy.
func storePolicy(t *testing.T, c *azureblob.ContainerClient, id string, expiry time.Time, permissions sas.ContainerPermissions) {
	t.Helper()
	policy := azureblob.AccessPolicy{Identifiers: []azureblob.SignedIdentifier{{ID: id, Expiry: expiry, Permissions: permissions.String()}}}
	must[azureblob.SetAccessPolicyResult](t)(c.SetAccessPolicy(t.Context(), policy, nil))
}

func TestSASURLOfStoredPolicy(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		m := makeBlob(t, p)
		storePolicy(t, m.container, "read & all=1", inAnHour(), sas.ContainerPermissions{Read: true})
		for _, version := range []string{"2015-04-05", "2018-11-09", "2020-12-06", ""} {
			signed := must[string](t)(m.blob.SASURL(sas.Blob{Policy: "read & all=1", Version: version}))
			if strings.Contains(signed, "sp=") || strings.Contains(signed, "se=") {
				t.Error("fields of the policy are in the signature")
			}
			if got, err := p.read(t, signed); err != nil || got != "now" {
				t.Errorf("%s: %q, %v", version, got, err)
			}
			_, err := p.blob(t, signed).Delete(t.Context(), nil)
			denied(t, "deletion", err, azureblob.AuthorizationPermissionMismatch)
			_, err = p.read(t, must[string](t)(m.blob.SASURL(sas.Blob{Policy: "another", Version: version})))
			denied(t, "a policy that is not there", err, "")
		}
		// A policy that ends takes its signatures with it.
		signed := must[string](t)(m.container.SASURL(sas.Container{Policy: "read & all=1"}))
		storePolicy(t, m.container, "read & all=1", time.Now().Add(-time.Minute), sas.ContainerPermissions{Read: true, List: true})
		for _, err := range p.container(t, signed).Blobs(t.Context(), nil) {
			denied(t, "a policy that has ended", err, "")
		}
	})
}

func TestSASURLLimits(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		m := makeBlob(t, p)
		for what, change := range map[string]func(*sas.Blob){
			"expired":       func(v *sas.Blob) { v.Expiry = time.Now().Add(-time.Minute) },
			"not yet valid": func(v *sas.Blob) { v.Start = time.Now().Add(time.Minute) },
			"elsewhere":     func(v *sas.Blob) { v.IP.First = netip.MustParseAddr("203.0.113.7") },
			"https":         func(v *sas.Blob) { v.Protocol = sas.HTTPS },
		} {
			v := sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: inAnHour()}
			change(&v)
			got, err := p.read(t, must[string](t)(m.blob.SASURL(v)))
			switch {
			case what == "elsewhere" && p.azurite, what == "https" && !p.azurite:
				// The one does not look at addresses, the other has https here.
				if err != nil || got != "now" {
					t.Errorf("%s: %q, %v", what, got, err)
				}
			default:
				denied(t, what, err, "")
			}
		}
		// Times are those of the world, whatever zone they are given in.
		east := time.FixedZone("east", 14*3600)
		v := sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Start: time.Now().Add(-time.Minute).In(east), Expiry: time.Now().Add(time.Minute).In(east)}
		if got, err := p.read(t, must[string](t)(m.blob.SASURL(v))); err != nil || got != "now" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestSASURLForOneUser has a signature that nobody but the user it names can use.
func TestSASURLForOneUser(t *testing.T) {
	const me, other = "aaaaaaaa-0000-0000-0000-000000000001", "bbbbbbbb-0000-0000-0000-000000000002"
	const home, abroad = "cccccccc-0000-0000-0000-000000000003", "dddddddd-0000-0000-0000-000000000004"
	token := func(user, tenant string) azureblob.Credential {
		claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"oid":%q,"tid":%q}`, user, tenant))
		return azureblob.TokenCredential(staticToken{"e30." + claims + ".e30"})
	}
	onPlacesWithToken(t, func(t *testing.T, p place) {
		if p.azurite {
			t.Skip("it does not know such signatures")
		}
		m := makeBlob(t, p)
		for tenant, version := range map[string]string{"": "2025-07-05", abroad: "2026-04-06"} {
			key := must[azureblob.UserDelegationKeyResult](t)(p.UserDelegationKey(t.Context(), time.Time{}, inAnHour(), &azureblob.UserDelegationKeyOptions{DelegatedTenantID: tenant})).Key
			v := sas.Blob{Key: key, Permissions: sas.BlobPermissions{Read: true}, Expiry: inAnHour().Add(-time.Minute), Version: version}
			v.Delegation.DelegatedUserObjectID = me
			signed := must[string](t)(m.blob.SASURL(v))
			if tenant == "" {
				tenant = home
			}
			for who, credential := range map[string]azureblob.Credential{"me": token(me, tenant), "another": token(other, tenant), "nobody": nil, "no bearer": token(me, "")} {
				b, err := azureblob.NewBlobClient(signed, credential, p.options())
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(fmt.Sprintf("%+v %#v %s", b, *b, b), "sig=") {
					t.Error("the client shows its signature")
				}
				got, err := b.ReadAll(t.Context(), nil)
				if who == "another" || who == "nobody" {
					denied(t, who, err, azureblob.AuthenticationFailed)
				} else if err != nil || string(got) != "now" {
					t.Errorf("%s: %q, %v", who, got, err)
				}
			}
			if _, err := azureblob.NewBlobClient(strings.Replace(signed, "https:", "http:", 1), token(me, tenant), p.options()); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("a token in the clear: %v", err)
			}
		}
		key := must[azureblob.UserDelegationKeyResult](t)(p.UserDelegationKey(t.Context(), time.Time{}, inAnHour(), nil)).Key
		signed := must[string](t)(m.blob.SASURL(sas.Blob{Key: key, Permissions: sas.BlobPermissions{Read: true}, Expiry: inAnHour().Add(-time.Minute)}))
		if _, err := azureblob.NewBlobClient(signed, token(me, home), p.options()); !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "one of the two") {
			t.Errorf("a token beside a signature for anybody: %v", err)
		}
	})
}

// TestSASURLForOneRequest has a signature that is bound to headers and parameters.
func TestSASURLForOneRequest(t *testing.T) {
	onPlacesWithToken(t, func(t *testing.T, p place) {
		if p.azurite {
			t.Skip("it does not know such signatures")
		}
		m, ctx := makeBlob(t, p), t.Context()
		key := must[azureblob.UserDelegationKeyResult](t)(p.UserDelegationKey(ctx, time.Time{}, inAnHour(), nil)).Key
		v := sas.Blob{Key: key, Permissions: sas.BlobPermissions{Read: true, Write: true}, Expiry: inAnHour().Add(-time.Minute)}
		v.Delegation.RequestHeaders = map[string]string{"x-ms-meta-who": "me & you", "Content-Type": "text/plain"}
		v.Delegation.RequestParameters = map[string]string{"comp": "metadata", "timeout": "30"}
		b := p.blob(t, must[string](t)(m.blob.SASURL(v)))
		set := func(who string, timeout time.Duration) error {
			_, err := b.SetMetadata(ctx, azureblob.Metadata{"who": who}, &azureblob.SetBlobMetadataOptions{
				CallOptions: azureblob.CallOptions{Header: http.Header{"Content-Type": {"text/plain"}}, Timeout: timeout}})
			return err
		}
		if err := set("me & you", 30*time.Second); err != nil {
			t.Error(err)
		}
		denied(t, "another header", set("others", 30*time.Second), azureblob.AuthenticationFailed)
		denied(t, "another parameter", set("me & you", 29*time.Second), azureblob.AuthenticationFailed)
		_, err := b.ReadAll(ctx, nil)
		denied(t, "another request", err, azureblob.AuthenticationFailed)
	})
}

// TestSASURLOfAnyName signs for names that clients have tripped over.
func TestSASURLOfAnyName(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		c, ctx := newContainer(t, p.ServiceClient), t.Context()
		for _, name := range append([]string{`a\b\c`, "ÄÖÜ/ß/+%2B+", "%2F/%5C", "?sig=x&sv=y"}, nastyNames...) {
			b := c.Blob(name)
			must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader(name), nil))
			for _, version := range []string{"2015-04-05", ""} {
				signed, err := b.SASURL(sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: inAnHour(), Version: version})
				if err != nil {
					t.Errorf("%.40q: %v", name, err)
				} else if got, err := p.read(t, signed); err != nil || got != name {
					t.Errorf("%.40q: %.40q, %v", name, got, err)
				}
			}
		}
	})
}

// FuzzSASURL signs for any name that is valid, and for headers with any text.
func FuzzSASURL(f *testing.F) {
	for _, name := range nastyNames {
		f.Add(name, name)
	}
	srv := blobtest.NewServer(nil)
	f.Cleanup(srv.Close)
	o := azureblob.CapturingOptions()
	o.Transport = srv.Transport()
	c := srv.ServiceClient(azureblob.CapturingOptions()).Container("photos")
	if _, err := c.Create(f.Context(), nil); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		b := c.Blob(name)
		v := sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: inAnHour(), Headers: sas.ResponseHeaders{ContentType: text, ContentDisposition: name}}
		signed, err := b.SASURL(v)
		if err != nil {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%q: %v", name, err)
			}
			return
		}
		if _, err := b.Upload(t.Context(), strings.NewReader("x"), nil); errors.Is(err, azureblob.InvalidURI) {
			return // a name that only the service knows to be none
		} else if err != nil {
			t.Fatalf("%q can be signed for but not written: %v", name, err)
		}
		anyone, err := azureblob.NewBlobClient(signed, nil, o)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if got, err := anyone.ReadAll(t.Context(), nil); err != nil || !bytes.Equal(got, []byte("x")) {
			t.Errorf("%q, %q: %q, %v", name, text, got, err)
		}
		token, err := sas.Parse(signed)
		if err != nil || token.SignedURL() != signed || token.URL != b.URL() || token.Headers != v.Headers {
			t.Errorf("%q is read as %+v, %v", signed, token, err)
		}
	})
}

func TestSASURLRefuses(t *testing.T) {
	s := unsent(t)
	key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("account", "c2VjcmV0a2V5"))
	stranger := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("other", "c2VjcmV0a2V5"))
	owner := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", key, nil))
	read := sas.Blob{Permissions: sas.BlobPermissions{Read: true}, Expiry: inAnHour()}
	by := func(k sas.Signer) sas.Blob { v := read; v.Key = k; return v }
	for words, sign := range map[string]func() (string, error){
		"no account key":          func() (string, error) { return s.Container("photos").Blob("cat").SASURL(read) },
		"no account key ":         func() (string, error) { return s.Container("photos").SASURL(sas.Container{}) },
		"no account key  ":        func() (string, error) { return s.Container("photos").DirectorySASURL("d", sas.Directory{}) },
		"no account key   ":       func() (string, error) { return s.SASURL(sas.Account{}) },
		`"other", and not of "ac`: func() (string, error) { return s.Container("photos").Blob("cat").SASURL(by(stranger)) },
		"nil pointer": func() (string, error) {
			return s.Container("photos").Blob("cat").SASURL(by((*sas.UserDelegationKey)(nil)))
		},
		`that of account ""`: func() (string, error) {
			return s.Container("photos").Blob("cat").SASURL(by(&azureblob.SharedKeyCredential{}))
		},
		"client is its zero": func() (string, error) { return new(azureblob.BlobClient).SASURL(read) },
		"no expiry": func() (string, error) {
			return owner.Container("photos").Blob("cat").SASURL(sas.Blob{Permissions: read.Permissions})
		},
		"no type of": func() (string, error) {
			return owner.SASURL(sas.Account{Permissions: sas.AccountPermissions{Read: true}, Expiry: inAnHour()})
		},
		"the container name":     func() (string, error) { return owner.Container("Photos").SASURL(sas.Container{}) },
		"the blob name is empty": func() (string, error) { return owner.Container("photos").Blob("").SASURL(read) },
		"blob name has a control": func() (string, error) {
			return owner.Container("photos").DirectorySASURL("a\nb", sas.Directory{Permissions: sas.DirectoryPermissions{Read: true}, Expiry: inAnHour()})
		},
		"another snapshot": func() (string, error) {
			return owner.Container("photos").Blob("cat").WithSnapshot("x").SASURL(sas.Blob{Permissions: read.Permissions, Expiry: inAnHour(), Snapshot: "y"})
		},
		"another snapshot or": func() (string, error) {
			return owner.Container("photos").Blob("cat").WithSnapshot("x").SASURL(sas.Blob{Permissions: read.Permissions, Expiry: inAnHour(), VersionID: "x"})
		},
		"which account it is for": func() (string, error) {
			far := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://blobs.example.com", azureblob.TokenCredential(staticToken{}), nil))
			return far.Container("photos").Blob("cat").SASURL(by(sas.UserDelegationKey{}))
		},
	} {
		signed, err := sign()
		if signed != "" {
			t.Errorf("%s: %q", words, signed)
		}
		refused(t, words, err, strings.TrimSpace(words))
	}
}

// TestSASURLTakesAfterTheClient has a signature of the client's version, for the
// account that the endpoint is of, by a key that does not say whose it is.
func TestSASURLTakesAfterTheClient(t *testing.T) {
	o := azureblob.CapturingOptions()
	o.ServiceVersion = "2019-07-07"
	for endpoint, account := range map[string]string{
		"https://account.blob.core.windows.net": "account", "https://account.z01.blob.storage.azure.net": "account",
		"http://127.0.0.1:10000/account": "account", "https://account-secondary.blob.core.windows.net": "account",
	} {
		key := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential(account, "c2VjcmV0a2V5"))
		s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(endpoint, nil, o))
		v := sas.Blob{Key: key, Permissions: sas.BlobPermissions{Read: true}, Expiry: inAnHour()}
		signed, err := s.Container("photos").Blob("cat").SASURL(v)
		if err != nil || !strings.HasPrefix(signed, endpoint+"/photos/cat?sv=2019-07-07&") {
			t.Errorf("%s: %v", endpoint, err)
		}
		delegation := must[sas.UserDelegationKey](t)(sas.UserDelegationKey{SignedObjectID: "o", SignedTenantID: "t", Start: time.Now().Add(-time.Hour),
			Expiry: inAnHour().Add(time.Hour), Service: "b", Version: "2019-07-07"}.WithValue("YQ=="))
		v.Key = delegation
		signed, err = s.Container("photos").Blob("cat").SASURL(v)
		delegation.Account = account
		v.Key, v.Version = delegation, "2019-07-07"
		query, _ := v.Sign("photos", "cat")
		if err != nil || query == "" || signed != endpoint+"/photos/cat?"+query {
			t.Errorf("%s: a key without an account: %v", endpoint, err)
		}
		v.Permissions.Tags = true
		if _, err := s.Container("photos").Blob("cat").SASURL(sas.Blob{Key: key, Permissions: v.Permissions, Expiry: v.Expiry}); !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "2019-07-07") {
			t.Errorf("%s: a permission that is too new: %v", endpoint, err)
		}
	}
	if sas.DefaultVersion != azureblob.DefaultServiceVersion {
		t.Errorf("signatures are of %s, and requests of %s", sas.DefaultVersion, azureblob.DefaultServiceVersion)
	}
}
