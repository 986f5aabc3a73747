package azureblob

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/wire"
)

// session is what a client and all the handles made from it share.
type session struct {
	pipeline    runtime.Pipeline
	credential  secret[Credential]
	service     string // endpoint without a trailing slash
	secondary   string // "" if there is none
	version     string // of the service, as it is asked for
	budget      *engine.Budget
	concurrency int
	repeater    *pipeline.Repeater
	tracing     *pipeline.Tracing // nil for none
	locations   *pipeline.Locations
	counters    *counters
	throttle    *pipeline.Throttle
	retries     *pipeline.RetryBudget
	idle        func() // closes idle connections; nil if the transport is the caller's
}

// scope is what a handle adds to the name of a blob.
type scope struct {
	Snapshot string `query:"snapshot"`
	Version  string `query:"versionid"`
}

// handle names a resource. It is the root of the three clients.
type handle struct {
	*session
	container, blob string
	url             string // escaped, without a query
	scope           scope
	key             CustomerKey
	encryptionScope string
	only            BlobType // of the blob, if the handle is that of a client of one type
	invalid         error    // what is wrong with the name; returned by every call
}

func newSession(service *url.URL, secondary string, cred Credential, o *ClientOptions) (*session, error) {
	if o == nil {
		o = &ClientOptions{}
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &session{
		credential:  hide(cred),
		service:     strings.TrimSuffix(service.String(), "/"),
		version:     o.serviceVersion(),
		budget:      engine.NewBudget(o.memory()),
		concurrency: o.concurrency(),
		tracing:     pipeline.NewTracing(o.TracingProvider, Version),
		counters:    &counters{},
		throttle:    pipeline.NewThrottle(maxConcurrency),
		retries:     pipeline.NewRetryBudget(o.retryBudget()),
	}
	if o.SecondaryEndpoint != "" {
		secondary = o.SecondaryEndpoint
	}
	if err := s.locate(service, secondary, o.LocationMode); err != nil {
		return nil, err
	}
	var auth policy.Policy
	if cred != nil {
		if isNil(cred) {
			return nil, invalidf("the credential is a nil pointer; an anonymous caller gives nil itself")
		}
		var err error
		if auth, err = cred.authorize(service, o.Audience); err != nil {
			return nil, err
		}
	}
	c := s.configuration(auth, o)
	s.repeater, s.pipeline = c.Repeater(), pipeline.New(c)
	return s, nil
}

// errNoSecondary is the error of a LocationMode where there is only one region.
var errNoSecondary = errors.New("a LocationMode needs the endpoint of the secondary region, which does not follow from this one: give it as ClientOptions.SecondaryEndpoint")

// locate finds the endpoints of the two regions.
func (s *session) locate(service *url.URL, secondary string, mode LocationMode) error {
	if secondary == "" {
		secondary = secondaryOf(service)
	}
	s.locations = &pipeline.Locations{Mode: pipeline.LocationMode(mode), Primary: service}
	if secondary == "" {
		if mode != PrimaryOnly {
			return invalidf("%w", errNoSecondary)
		}
		return nil
	}
	u, err := serviceURL(secondary)
	switch {
	case err != nil:
		return invalidf("the secondary endpoint: %s", strings.TrimPrefix(err.Error(), "azureblob: "))
	case service.Scheme == "https" && u.Scheme != "https":
		return invalidf("the secondary endpoint is not https, which the primary one is")
	case u.Host == service.Host && u.Path == service.Path:
		return invalidf("the secondary endpoint is the primary one")
	}
	s.secondary, s.locations.Secondary = u.String(), u
	return nil
}

func (s *session) configuration(auth policy.Policy, o *ClientOptions) pipeline.Config {
	transport := o.Transport
	if transport == nil {
		// Transfers of a client can run beside each other, so there is room for
		// the connections of several.
		client := pipeline.NewTransport(max(64, 4*s.concurrency), o.ConnectTimeout, &s.counters.connections)
		pipeline.Through(client, o.Proxy, o.TLS)
		transport, s.idle = client, client.CloseIdleConnections
	}
	return pipeline.Config{
		Version:        Version,
		ApplicationID:  o.ApplicationID,
		Header:         o.Header,
		ServiceVersion: s.version,
		Auth:           auth,
		Retry:          o.Retry.settings(),
		Budget:         s.retries,
		Locations:      s.locations,
		Throttle:       s.throttle,
		Hedge:          o.Hedge.settings(),
		Patience:       o.patience(),
		Observe:        s.counters.observe,
		Transport:      transport,
		Traffic:        &s.counters.traffic,
		Logger:         o.Logger,
		LogBodies:      o.LogBodies,
		Tracing:        s.tracing,
		PerCall:        o.PerCallPolicies,
		PerRetry:       o.PerRetryPolicies,
		OnRequest:      o.OnRequest,
		OnResponse:     o.OnResponse,
	}
}

// handleOf makes the handle of the account (both names empty), a container or a
// blob. A bad name is no error yet, so that handles can be chained.
func (s *session) handleOf(depth int, container, blob string, sc scope) handle {
	if s == nil {
		return handle{container: container, blob: blob}
	}
	h := handle{session: s, container: container, blob: blob, url: s.service + "/", scope: sc}
	if depth > 0 {
		h.url += escapeName(container)
		h.invalid = checkContainerName(container)
	}
	if depth > 1 {
		h.url += "/" + escapeName(blob)
		if h.invalid == nil {
			h.invalid = checkBlobName(blob)
		}
	}
	return h
}

// Pipeline returns the policies and the transport that the client sends its
// requests through: the way to a REST call that this module does not wrap.
// Requests get their id, version, date, authorization, retries and log lines.
func (h *handle) Pipeline() runtime.Pipeline { return h.pipeline }

// URL returns the URL of the resource. It never holds a signature, so it is
// safe to print; for the same reason it alone does not give access.
func (h *handle) URL() string {
	if h.session == nil {
		return ""
	}
	u := h.url
	if h.container == "" {
		u = h.service
	}
	switch {
	case h.scope.Snapshot != "":
		u += "?snapshot=" + url.QueryEscape(h.scope.Snapshot)
	case h.scope.Version != "":
		u += "?versionid=" + url.QueryEscape(h.scope.Version)
	}
	return u
}

// String is URL.
func (h *handle) String() string { return h.URL() }

// send makes a REST call on the resource of the handle. The parts are structs
// with wire tags; those that embed CallOptions bring the caller's extras along.
func (h *handle) send(ctx context.Context, op *wire.Operation, result any, body pipeline.Body, parts ...any) (*http.Response, error) {
	c, err := h.compose(ctx, op, result, parts...)
	if err != nil {
		return nil, err
	}
	c.Body = body
	return h.do(ctx, &c)
}

// do sends a call.
func (h *handle) do(ctx context.Context, c *wire.Call) (*http.Response, error) {
	ctx, end := h.begin(ctx, c.Op.Name)
	resp, err := c.Do(ctx, h.pipeline)
	if err != nil {
		e := h.failed(c.Op, err)
		e.MaybeApplied = c.Open()
		end(e)
		return resp, e
	}
	end(nil)
	setResponse(c.Result, resp, resp.Request != nil && h.locations.IsSecondary(resp.Request.URL))
	return resp, nil
}

// setResponse tells a result what its answer says of itself, and which region that
// came from.
func setResponse(result any, resp *http.Response, secondary bool) {
	if r, ok := result.(interface{ setResponse(*http.Response, bool) }); ok {
		r.setResponse(resp, secondary)
	}
}

// compose makes a REST call on the resource of the handle, ready to be sent.
func (h *handle) compose(ctx context.Context, op *wire.Operation, result any, parts ...any) (wire.Call, error) {
	if err := h.check(ctx, op, parts...); err != nil {
		return wire.Call{}, err
	}
	c := wire.Call{Op: op, URL: h.url, Result: result, Repeater: h.repeater}
	c.Parts = append(h.scopeParts(op, len(parts)), parts...)
	for _, part := range parts {
		if _, ok := part.(link.OwnSum); ok {
			c.Summed = true
		}
		if e, ok := part.(interface{ callOptions() *CallOptions }); ok && !isNil(part) {
			o := e.callOptions()
			c.Header, c.OnRequest, c.OnResponse = o.Header, o.OnRequest, o.OnResponse
			c.Retry, c.Elsewhere = o.repetitions(), o.elsewhere
			if o.LocationMode != nil {
				if *o.LocationMode != PrimaryOnly && h.secondary == "" {
					return wire.Call{}, h.refuse(op, errNoSecondary)
				}
				c.Location = new(pipeline.LocationMode(*o.LocationMode))
			}
		}
	}
	return c, nil
}

// scopeParts are the parts that the handle itself adds to a call.
func (h *handle) scopeParts(op *wire.Operation, more int) []any {
	parts := append(make([]any, 0, more+3), h.scope)
	if h.key.key != nil && op.Scope&wire.CustomerKey != 0 {
		parts = append(parts, customerKeyHeaders{Key: h.key.key(), Hash: h.key.hash, Algorithm: "AES256"})
	}
	if h.encryptionScope != "" && op.Scope&wire.EncryptionScope != 0 {
		parts = append(parts, encryptionScopeHeader{h.encryptionScope})
	}
	return parts
}

// call is send for operations whose result is a value.
func call[R any](ctx context.Context, h *handle, op *wire.Operation, body pipeline.Body, parts ...any) (R, error) {
	var r R
	if _, err := h.send(ctx, op, &r, body, parts...); err != nil {
		var zero R
		return zero, err
	}
	return r, nil
}

// isNil reports whether v is nil or a nil pointer in an interface.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
