package azureblob

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/internal/xmlplan"
	"github.com/goblob/azureblob/sas"
)

// UserDelegationKeyOptions are the options of [ServiceClient.UserDelegationKey].
type UserDelegationKeyOptions struct {
	CallOptions

	// DelegatedTenantID is the Entra tenant of the only users who may use the
	// signatures of the key, if it is not that of the caller. It needs service
	// version 2026-04-06.
	DelegatedTenantID string
}

// UserDelegationKeyResult is the result of [ServiceClient.UserDelegationKey].
type UserDelegationKeyResult struct {
	ResponseInfo
	Key sas.UserDelegationKey // a secret, which does not show when it is printed
}

// delegationKeyTimes is the document of Get User Delegation Key.
type delegationKeyTimes struct {
	Start             time.Time `xml:"Start,iso8601"`
	Expiry            time.Time `xml:"Expiry,iso8601"`
	DelegatedTenantID string    `xml:"DelegatedUserTid"`
}

// UserDelegationKey asks for a key that signs in the name of the caller, who needs
// a [TokenCredential]: signatures of it have the rights that the caller has at
// the time of their use. It is valid from start, or from now if start is zero, to
// expiry, for seven days at most. To sign often, use a [DelegationKeyCache].
//
//	r, err := service.UserDelegationKey(ctx, time.Time{}, time.Now().Add(time.Hour), nil)
//	u, err := blob.SASURL(sas.Blob{Key: r.Key, Permissions: ..., Expiry: ...})
//
// Errors: fs.ErrInvalid for times that make no sense; [InvalidXMLNodeValue] for
// those that the service does not agree with; [AuthenticationFailed] for who has
// no token; status 403 for who lacks the right to ask for keys.
//
// REST: Get User Delegation Key.
func (s *ServiceClient) UserDelegationKey(ctx context.Context, start, expiry time.Time, o *UserDelegationKeyOptions) (UserDelegationKeyResult, error) {
	op := rest.GetUserDelegationKey
	if err := s.check(ctx, op); err != nil {
		return UserDelegationKeyResult{}, err
	}
	if start.IsZero() {
		start = time.Now()
	}
	// The service knows whole seconds.
	times := delegationKeyTimes{Start: start.Truncate(time.Second), Expiry: expiry.Truncate(time.Second)}
	if o != nil {
		times.DelegatedTenantID = o.DelegatedTenantID
	}
	switch {
	case expiry.IsZero():
		return UserDelegationKeyResult{}, s.refuse(op, errors.New("the key has no expiry"))
	case !times.Expiry.After(times.Start):
		return UserDelegationKeyResult{}, s.refuse(op, errors.New("the key would end before it begins"))
	case times.Expiry.Sub(times.Start) > sas.MaxDelegation:
		return UserDelegationKeyResult{}, s.refuse(op, errors.New("the key would live for more than seven days"))
	case times.DelegatedTenantID != "" && s.version < "2026-04-06":
		return UserDelegationKeyResult{}, s.refuse(op, fmt.Errorf("DelegatedTenantID needs service version 2026-04-06, and the client speaks %s", s.version))
	}
	document, err := xmlplan.Encode("KeyInfo", times)
	if err != nil {
		return UserDelegationKeyResult{}, s.refuse(op, err)
	}
	answer, err := call[delegationKeyAnswer](ctx, &s.handle, op, wire.Bytes(document), o)
	if err != nil {
		return UserDelegationKeyResult{}, err
	}
	r := answer.UserDelegationKeyResult
	if r.Key, err = r.Key.WithValue(answer.Value); err != nil {
		return UserDelegationKeyResult{}, s.failed(op, errors.New("the answer has no key"))
	}
	if service, err := url.Parse(s.service); err == nil {
		r.Key.Account = accountOf(service)
	}
	return r, nil
}

// delegationKeyAnswer is the answer before its secret was put away.
type delegationKeyAnswer struct {
	UserDelegationKeyResult
	Value string `xml:"Value"`
}

// DelegationKeyCacheOptions are the options of [ServiceClient.NewDelegationKeyCache].
type DelegationKeyCacheOptions struct {
	UserDelegationKeyOptions // of the requests for keys

	// Lifetime is for how long a new key is asked for, up to seven days. Default
	// a day, or more if that is what it takes. A key that is known to others
	// cannot be taken back alone: the longer it lives, the fewer requests there
	// are, and the longer a leak matters.
	Lifetime time.Duration
}

// DelegationKeyCache keeps a user delegation key for as long as it will do, and
// then asks for a new one. It is safe for concurrent use: those who need a new key
// at the same time share one request. It does nothing by itself.
type DelegationKeyCache struct {
	service *ServiceClient
	o       DelegationKeyCacheOptions

	mu      sync.Mutex
	key     sas.UserDelegationKey
	request *keyRequest // under way; nil for none
}

// keyRequest is a request for a key, which several may wait for.
type keyRequest struct {
	done   chan struct{}
	err    error // set when done is closed
	caller error // the error of the context of who sent it
}

const (
	defaultKeyLifetime = 24 * time.Hour

	// keyLead is how far in the past a key begins, for clocks that differ.
	keyLead = 5 * time.Minute
)

// NewDelegationKeyCache returns a cache that is empty yet. Nothing is sent.
func (s *ServiceClient) NewDelegationKeyCache(o *DelegationKeyCacheOptions) *DelegationKeyCache {
	c := &DelegationKeyCache{service: s}
	if o != nil {
		c.o = *o
	}
	return c
}

// Key returns a key that is valid now and until the given time at least, which is
// when the signature that it is for ends: less than seven days from now.
//
//	until := time.Now().Add(time.Hour)
//	key, err := keys.Key(ctx, until)
//	u, err := blob.SASURL(sas.Blob{Key: key, Expiry: until, Permissions: ...})
//
// Errors: those of [ServiceClient.UserDelegationKey]. The next call asks again.
func (c *DelegationKeyCache) Key(ctx context.Context, until time.Time) (sas.UserDelegationKey, error) {
	if err := c.check(ctx, until); err != nil {
		return sas.UserDelegationKey{}, err
	}
	for {
		c.mu.Lock()
		if !until.After(c.key.Expiry) {
			defer c.mu.Unlock()
			return c.key, nil
		}
		r, mine := c.request, c.request == nil
		if mine {
			r = &keyRequest{done: make(chan struct{})}
			c.request = r
		}
		c.mu.Unlock()
		if mine {
			c.renew(ctx, until, r)
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return sas.UserDelegationKey{}, c.service.failed(rest.GetUserDelegationKey, ctx.Err())
		}
		// That somebody else gave up is no reason to.
		if r.err != nil && (mine || r.caller == nil) {
			return sas.UserDelegationKey{}, r.err
		}
	}
}

// renew asks for a key on behalf of all who wait for it.
func (c *DelegationKeyCache) renew(ctx context.Context, until time.Time, r *keyRequest) {
	var key sas.UserDelegationKey
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.err == nil {
			c.key = key
		}
		c.request = nil
		close(r.done)
	}()
	start := time.Now().Add(-keyLead)
	lifetime := c.o.Lifetime
	if lifetime == 0 {
		lifetime = defaultKeyLifetime
	}
	// What is asked for is cut to whole seconds, which must not cost the last one.
	expiry := until.Add(time.Second - 1)
	if usual := start.Add(lifetime); usual.After(expiry) {
		expiry = usual
	}
	if earliest := expiry.Add(-sas.MaxDelegation); earliest.After(start) {
		start = earliest
	}
	var result UserDelegationKeyResult
	result, r.err = c.service.UserDelegationKey(ctx, start, expiry, &c.o.UserDelegationKeyOptions)
	key, r.caller = result.Key, ctx.Err()
	if r.err == nil && until.After(key.Expiry) {
		r.err = c.service.failed(rest.GetUserDelegationKey, errors.New("the service made a key that ends before it should"))
	}
}

func (c *DelegationKeyCache) check(ctx context.Context, until time.Time) error {
	op := rest.GetUserDelegationKey
	if c.service == nil {
		return invalidf("the DelegationKeyCache is its zero value; make one with NewDelegationKeyCache")
	}
	if err := c.service.check(ctx, op); err != nil {
		return err
	}
	switch left := time.Until(until); {
	case left <= 0:
		return c.service.refuse(op, errors.New("the key is wanted for a time that is over"))
	case left > sas.MaxDelegation:
		return c.service.refuse(op, errors.New("the key is wanted for more than seven days"))
	case c.o.Lifetime < 0 || c.o.Lifetime > sas.MaxDelegation:
		return c.service.refuse(op, fmt.Errorf("DelegationKeyCacheOptions.Lifetime is %v and not up to seven days", c.o.Lifetime))
	}
	return nil
}
