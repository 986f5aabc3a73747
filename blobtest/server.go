package blobtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/pipeline"
)

// The account of a server whose options name no other: that of the emulators,
// whose key is public.
const (
	DefaultAccount = "devstoreaccount1"
	DefaultKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Options are the settings of a [Server]. The zero value is the default, and so
// is a nil pointer.
type Options struct {
	// Account and Key, in base64, are the storage account. Default
	// [DefaultAccount] and [DefaultKey].
	Account string
	Key     string

	// Accounts are further accounts, with their keys in base64.
	Accounts map[string]string

	// HTTPS makes URL and ConnectionString those of an https server, with a
	// certificate that only [Server.Client] trusts. In-process clients use https
	// in any case.
	HTTPS bool

	// DeletionDelay is how long the name of a deleted container cannot be used
	// again: 30 s or more on the real service. Default none.
	DeletionDelay time.Duration

	// Rehydration is how long a blob takes to come out of the archive tier.
	// Default 15 hours, or one with high priority, which is no time at all under
	// testing/synctest.
	Rehydration time.Duration

	// SecondaryLag is how far the secondary endpoint is behind, give or take a
	// 64th of it. With it, writes cost a copy of the list of all blobs now and
	// then. Default not at all.
	SecondaryLag time.Duration

	// CopyDuration is how long Copy Blob takes. Until then the copy is pending,
	// with a progress that follows from the time, and can be aborted. It fails
	// if its source on this server is changed or deleted before; what is
	// elsewhere is read at once. Default none: a copy has succeeded when its
	// request is answered. Copies out of the archive take as long as rehydration
	// in any case.
	CopyDuration time.Duration

	// Versioning keeps what a blob was before every write and deletion, as
	// versions with IDs.
	Versioning bool

	// SoftDelete is for how many days deleted and overwritten blobs, snapshots
	// and versions can be restored. Default 0, which is not at all.
	SoftDelete int

	// PermanentDelete lets clients delete soft-deleted snapshots and versions
	// before their time.
	PermanentDelete bool

	// ContainerSoftDelete is for how many days deleted containers can be
	// restored. Default 0, which is not at all.
	ContainerSoftDelete int

	// HierarchicalNamespace makes the accounts say that they have one, and lets
	// blobs expire. Nothing else is different: there are no directories.
	HierarchicalNamespace bool
}

// Server is a Blob service in memory. It is safe for concurrent use.
type Server struct {
	front
	store
	options Options
	account string
	key     string
}

// New starts a server for a test, and closes it with the test. At most one
// Options may be given.
func New(t testing.TB, o ...*Options) *Server {
	t.Helper()
	var options *Options
	switch len(o) {
	case 0:
	case 1:
		options = o[0]
	default:
		t.Fatal("blobtest: more than one Options")
	}
	s := NewServer(options)
	t.Cleanup(s.Close)
	return s
}

// NewServer starts a server outside of a test; call Close in the end. It opens
// no port until it is asked for its URL. It panics if a key is no base64.
func NewServer(o *Options) *Server {
	s := &Server{}
	if o != nil {
		s.options = *o
	}
	s.account, s.key = s.options.Account, s.options.Key
	if s.account == "" {
		s.account = DefaultAccount
	}
	if s.key == "" {
		s.key = DefaultKey
	}
	s.accounts = map[string]*account{}
	for name, key := range s.options.Accounts {
		s.add(name, key)
	}
	s.add(s.account, s.key)
	s.front.serve, s.front.immediate = s.serve, true
	s.front.https = s.options.HTTPS
	return s
}

func (s *Server) add(name, key string) {
	decoded, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(decoded) == 0 || name == "" || strings.ContainsAny(name, "./:") {
		panic(fmt.Sprintf("blobtest: the key of account %q is no base64, or it is no name of an account", name))
	}
	s.accounts[name] = &account{name: name, keys: []*accountKey{newAccountKey(decoded)}, signers: []*pipeline.Signer{pipeline.NewSigner(name, decoded)}, containers: map[string]*container{}, blocked: map[string]time.Time{},
		retention: retention{days: s.options.SoftDelete, permanent: s.options.PermanentDelete}, properties: defaultProperties()}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, t target) {
	x := s.exchangeInto(r, t, w.Header())
	x.process()
	x.write(w)
}

// Account returns the name of the storage account.
func (s *Server) Account() string { return s.account }

// Key returns the key of the storage account in base64.
func (s *Server) Key() string { return s.key }

// URL returns the endpoint of the account on the loopback interface, such as
// http://127.0.0.1:40123/devstoreaccount1, and opens its port if need be. Not
// for a synctest bubble, where nothing may wait for a network.
func (s *Server) URL() string { return s.base() + "/" + s.account }

// SecondaryURL returns the secondary endpoint, which can only be read.
func (s *Server) SecondaryURL() string { return s.URL() + secondarySuffix }

// ConnectionString returns a connection string for [Server.URL].
func (s *Server) ConnectionString() string {
	return s.connectionString(s.URL(), s.SecondaryURL())
}

func (s *Server) connectionString(primary, secondary string) string {
	scheme, _, _ := strings.Cut(primary, ":")
	return "DefaultEndpointsProtocol=" + scheme + ";AccountName=" + s.account + ";AccountKey=" + s.key +
		";BlobEndpoint=" + primary + ";BlobSecondaryEndpoint=" + secondary + ";"
}

// Endpoint returns an endpoint of the account for clients that use
// [Server.Transport]. It opens no port, and leads nowhere with any other
// transport.
func (s *Server) Endpoint() string { return "https://" + s.account + ".blob.test" }

// SecondaryEndpoint is [Server.Endpoint] for the secondary, which can only be
// read and is behind by [Options.SecondaryLag].
func (s *Server) SecondaryEndpoint() string {
	return "https://" + s.account + secondarySuffix + ".blob.test"
}

// ServiceClient returns a client of the account that calls the server in this
// process, without sockets. It signs with the key of the account. Options may
// be given, of which the transport, with its proxy and TLS, is replaced.
func (s *Server) ServiceClient(o ...*azureblob.ClientOptions) *azureblob.ServiceClient {
	options := azureblob.ClientOptions{}
	if len(o) > 0 && o[0] != nil {
		options = *o[0]
	}
	options.Transport, options.Proxy, options.TLS = s.Transport(), nil, nil
	credential, err := azureblob.NewSharedKeyCredential(s.account, s.key)
	if err == nil {
		var client *azureblob.ServiceClient
		if client, err = azureblob.NewServiceClient(s.Endpoint(), credential, &options); err == nil {
			return client
		}
	}
	panic("blobtest: " + err.Error())
}
