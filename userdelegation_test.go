package azureblob_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/sas"
)

func init() {
	exercise("Service_GetUserDelegationKey", "ServiceClient.UserDelegationKey", func(ctx context.Context, s subject) (any, error) {
		start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		return s.service.UserDelegationKey(ctx, start, start.Add(time.Hour), filled[azureblob.UserDelegationKeyOptions]())
	})
}

// onServicesWithToken is onServices for who has a token and no key.
func onServicesWithToken(t *testing.T, test func(t *testing.T, s *azureblob.ServiceClient, transport policy.Transporter)) {
	t.Helper()
	t.Run("blobtest", func(t *testing.T) {
		server := blobtest.New(t)
		test(t, withToken(t, server, nil), server.Transport())
	})
	t.Run("azurite", func(t *testing.T) {
		server, o := azurite.SharedHTTPS(t), azureblob.CapturingOptions()
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.CertPool()}}
		t.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport}
		o.Transport = client
		s, err := azureblob.NewServiceClient(server.URL(), azureblob.TokenCredential(server.Token()), o)
		if err != nil {
			t.Fatal(err)
		}
		test(t, s, client)
	})
}

// withToken is a client of blobtest whose caller has a token.
func withToken(t *testing.T, server *blobtest.Server, o *azureblob.ClientOptions) *azureblob.ServiceClient {
	t.Helper()
	if o == nil {
		o = azureblob.CapturingOptions()
	}
	o.Transport = server.Transport()
	s, err := azureblob.NewServiceClient(server.Endpoint(), azureblob.TokenCredential(new(azurite.Server).Token()), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestUserDelegationKey(t *testing.T) {
	onServicesWithToken(t, func(t *testing.T, s *azureblob.ServiceClient, transport policy.Transporter) {
		ctx := t.Context()
		expiry := time.Now().Add(time.Hour)
		r := must[azureblob.UserDelegationKeyResult](t)(s.UserDelegationKey(ctx, time.Time{}, expiry, nil))
		k := r.Key
		if k.SignedObjectID == "" || k.SignedTenantID == "" || k.Service != "b" || k.Version == "" || k.Account != blobtest.DefaultAccount ||
			!k.Expiry.Equal(expiry.Truncate(time.Second)) || time.Since(k.Start) > time.Minute || r.StatusCode != 200 {
			t.Errorf("%+v", r)
		}
		// A signature of it opens a blob for who has nothing else.
		b := newContainer(t, s).Blob("cat.jpg")
		must[azureblob.UploadResult](t)(b.Upload(ctx, strings.NewReader("meow"), nil))
		u := must[string](t)(b.SASURL(sas.Blob{Key: k, Permissions: sas.BlobPermissions{Read: true}, Expiry: expiry.Add(-time.Minute)}))
		if !strings.Contains(u, "skoid="+k.SignedObjectID) {
			t.Error("no signature of a user delegation")
		}
		o := azureblob.CapturingOptions()
		o.Transport = transport
		signed, err := azureblob.NewBlobClient(u, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		if content := must[[]byte](t)(signed.ReadAll(ctx, nil)); string(content) != "meow" {
			t.Errorf("%q", content)
		}
	})
}

func TestUserDelegationKeyShowsNothing(t *testing.T) {
	server, ctx := blobtest.New(t), t.Context()
	r := must[azureblob.UserDelegationKeyResult](t)(withToken(t, server, nil).UserDelegationKey(ctx, time.Time{}, time.Now().Add(time.Hour), nil))
	value := r.Key.Value()
	if value == "" {
		t.Fatal("no value")
	}
	keys := withToken(t, server, nil).NewDelegationKeyCache(nil)
	cached := must[sas.UserDelegationKey](t)(keys.Key(ctx, time.Now().Add(time.Hour)))
	var text strings.Builder
	for _, v := range []any{r, &r, cached, keys} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&text, verb+"\n", v)
		}
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		text.Write(encoded)
	}
	for _, secret := range []string{value, cached.Value(), fmt.Sprintf("%x", value)} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("the value of the key is in %s", text.String())
		}
	}
	if strings.Count(text.String(), "REDACTED") == 0 {
		t.Error("nothing says that there is a secret")
	}
}

func TestUserDelegationKeyForOtherTenant(t *testing.T) {
	s := withToken(t, blobtest.New(t), nil)
	const tenant = "0f4ad8b3-0d4c-4a0e-9a37-8f0e4a3c5a11"
	r := must[azureblob.UserDelegationKeyResult](t)(s.UserDelegationKey(t.Context(), time.Time{}, time.Now().Add(time.Hour),
		&azureblob.UserDelegationKeyOptions{DelegatedTenantID: tenant}))
	if r.Key.DelegatedTenantID != tenant {
		t.Errorf("%v", r.Key)
	}
}

func TestUserDelegationKeyNeedsAToken(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		_, err := s.UserDelegationKey(t.Context(), time.Time{}, time.Now().Add(time.Hour), nil)
		if !errors.Is(err, azureblob.AuthenticationFailed) {
			t.Error(err)
		}
	})
}

func TestUserDelegationKeyRefusesBadInput(t *testing.T) {
	s, ctx, now := unsent(t), t.Context(), time.Now()
	for word, span := range map[string][2]time.Time{
		"no expiry": {now, {}}, "before it begins": {now, now}, "seven days": {now, now.Add(7*24*time.Hour + 2*time.Second)},
	} {
		_, err := s.UserDelegationKey(ctx, span[0], span[1], nil)
		refused(t, word, err, "Get User Delegation Key", word)
	}
	_, err := s.UserDelegationKey(ctx, now, now.Add(time.Hour), &azureblob.UserDelegationKeyOptions{DelegatedTenantID: "\x00"})
	refused(t, "tenant", err)
	o := azureblob.CapturingOptions()
	o.ServiceVersion = "2025-07-05"
	_, err = withToken(t, blobtest.New(t), o).UserDelegationKey(ctx, now, now.Add(time.Hour), &azureblob.UserDelegationKeyOptions{DelegatedTenantID: "x"})
	refused(t, "old version", err, "2026-04-06")

	for word, until := range map[string]time.Time{"over": now.Add(-time.Second), "seven days": now.Add(8 * 24 * time.Hour)} {
		_, err := s.NewDelegationKeyCache(nil).Key(ctx, until)
		refused(t, word, err, word)
	}
	_, err = s.NewDelegationKeyCache(&azureblob.DelegationKeyCacheOptions{Lifetime: -1}).Key(ctx, now.Add(time.Hour))
	refused(t, "lifetime", err, "Lifetime")
	_, err = new(azureblob.DelegationKeyCache).Key(ctx, now.Add(time.Hour))
	refused(t, "zero", err, "NewDelegationKeyCache")
}

// TestDelegationKeyCache lets a week go by.
func TestDelegationKeyCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, ctx := blobtest.New(t), t.Context()
		keys := withToken(t, server, nil).NewDelegationKeyCache(nil)
		get := func(lasting time.Duration, requests int) sas.UserDelegationKey {
			t.Helper()
			until := time.Now().Add(lasting)
			k := must[sas.UserDelegationKey](t)(keys.Key(ctx, until))
			if k.Expiry.Before(until) || k.Start.After(time.Now()) || k.Value() == "" || k.Expiry.Sub(k.Start) > sas.MaxDelegation {
				t.Errorf("for %v: %v", lasting, k)
			}
			if n := len(server.Requests()); n != requests {
				t.Errorf("for %v: %d requests, want %d", lasting, n, requests)
			}
			return k
		}
		first := get(time.Hour, 1)
		time.Sleep(22 * time.Hour)
		if again := get(time.Hour, 1); again.Value() != first.Value() {
			t.Error("another key")
		}
		time.Sleep(2 * time.Hour)
		if next := get(time.Hour, 2); next.Value() == first.Value() {
			t.Error("the same key")
		}
		get(3*24*time.Hour+time.Millisecond, 3)         // more than the usual
		get(3*24*time.Hour, 3)                          // which is kept
		get(sas.MaxDelegation-time.Second, 4)           // nearly all that there is
		get(sas.MaxDelegation-1500*time.Millisecond, 4) // and parts of seconds count
		time.Sleep(sas.MaxDelegation - 1600*time.Millisecond)
		get(time.Millisecond, 4)
		get(time.Minute, 5)
	})
}

// TestDelegationKeyCacheShares has many ask at the same time.
func TestDelegationKeyCacheShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := blobtest.New(t)
		slow := server.Inject(blobtest.Fault{Operation: "Get User Delegation Key", Delay: time.Second, Times: -1})
		o := azureblob.CapturingOptions()
		o.Retry.Total = -1
		s := withToken(t, server, o)
		until := time.Now().Add(time.Hour)
		ask := func(keys *azureblob.DelegationKeyCache, ctx func(i int) context.Context) (failed []error) {
			var wait sync.WaitGroup
			var mu sync.Mutex
			for i := range 20 {
				wait.Go(func() {
					if k, err := keys.Key(ctx(i), until); err != nil || k.Value() == "" {
						mu.Lock()
						defer mu.Unlock()
						failed = append(failed, err)
					}
				})
				synctest.Wait() // the first is the one that asks
			}
			wait.Wait()
			return failed
		}
		plain := func(int) context.Context { return t.Context() }
		if failed := ask(s.NewDelegationKeyCache(nil), plain); len(failed) > 0 || len(server.Requests()) != 1 {
			t.Errorf("%d requests, %v", len(server.Requests()), failed)
		}

		// The one who asks gives up, and so does one who waits.
		server.ResetRequests()
		failed := ask(s.NewDelegationKeyCache(nil), func(i int) context.Context {
			if i != 0 && i != 7 {
				return t.Context()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			t.Cleanup(cancel)
			return ctx
		})
		if len(failed) != 2 || !errors.Is(failed[0], context.DeadlineExceeded) || !errors.Is(failed[1], context.DeadlineExceeded) || len(server.Requests()) != 2 {
			t.Errorf("%d requests, %v", len(server.Requests()), failed)
		}

		// The service says no: once, to all, and not for ever.
		server.ResetRequests()
		slow.Remove()
		no := server.Inject(blobtest.Fault{Operation: "Get User Delegation Key", Status: 403, Code: "AuthorizationPermissionMismatch", Delay: time.Second, Times: -1})
		keys := s.NewDelegationKeyCache(nil)
		if failed := ask(keys, plain); len(failed) != 20 || !errors.Is(failed[19], azureblob.AuthorizationPermissionMismatch) || len(server.Requests()) != 1 {
			t.Errorf("%d requests, %v", len(server.Requests()), failed)
		}
		no.Remove()
		if failed := ask(keys, plain); len(failed) > 0 {
			t.Error(failed)
		}
	})
}
