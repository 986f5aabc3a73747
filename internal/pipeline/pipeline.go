// Package pipeline builds the azcore pipeline that every request of the module
// goes through, and the HTTP transport below it.
//
// A call passes, in this order: the stamp (request id, version, user agent),
// the user's per-call policies, the retry with the throttle, and then for each try
// the span, the user's per-try policies, the body and the hooks of the call, a
// token credential, azcore's own context headers and log, the hedge, the log line,
// and last the sender. The sender is a wrapped Transporter: it dates and signs a
// copy of the request, opens its body, sends it, watches that something moves, and
// takes secrets out of the error. The hedge is one as well, as the policies of
// azcore bear no two requests of one try.
//
// Signing sits below azcore's policies, not among them, because azcore adds
// the headers of [policy.WithHTTPHeader] after all policies of a client, and
// the key they have in the context is not exported. A signature made any
// earlier would not cover them. It also means that nothing above the sender,
// such as azcore's log or the request of a response, ever holds a shared
// access signature that was given as a credential.
package pipeline

import (
	"context"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// Config is what a client builds its pipeline from.
type Config struct {
	Version        string          // module version for the user agent, such as v0.1.0
	ApplicationID  string          // the user's prefix of User-Agent, cut after 24 characters
	Header         http.Header     // sent with requests that do not bring their own; User-Agent is put behind ours
	ServiceVersion string          // x-ms-version of requests that do not bring their own
	Auth           policy.Policy   // from SharedKey, SAS, Bearer or Both; nil is anonymous
	Retry          Retry           // how calls are repeated
	Budget         *RetryBudget    // bounds all repetitions; nil does not
	Locations      *Locations      // where reads may go beside the primary region; nil for nowhere
	Throttle       *Throttle       // holds transfers back; nil does not
	Hedge          *Hedge          // sends slow reads a second time; nil does not
	Patience       Patience        // how long nothing may move; zero is for ever
	Logger         *slog.Logger    // one debug line a try, one warning a repetition; nil writes none and costs nothing
	LogBodies      int             // how many bytes of each body the logger gets as well
	Tracing        *Tracing        // starts spans; nil does not
	Traffic        *Traffic        // counts requests and bytes; nil does not
	Observe        func(Event)     // told of each try that was not good; nil for nobody
	PerCall        []policy.Policy // the user's, run once a call
	PerRetry       []policy.Policy // the user's, run once a try, before the body is there

	OnRequest  func(*http.Request)  // the user's, before that of the call
	OnResponse func(*http.Response) // the user's, before that of the call

	// Transport sends the requests; nil is [NewTransport] with its default. It
	// has to keep the contract of [http.RoundTripper] about request bodies: it
	// closes each one, also on errors. An *http.Client that says nothing about
	// redirects follows none.
	Transport policy.Transporter
}

// harmlessQuery are the query parameters that azcore's log may show. All
// others, above all sig, appear there as REDACTED.
var harmlessQuery = []string{
	"comp", "restype", "snapshot", "versionid", "timeout", "api-version",
	"prefix", "delimiter", "marker", "maxresults", "include", "startfrom", "endbefore", "showonly", "where",
	"blockid", "blocklisttype", "prevsnapshot", "copyid", "deletetype",
	"sv", "ss", "srt", "sp", "se", "st", "sr", "si", "sip", "spr", "sdd", "ses",
	"skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid", "skdutid", "sduoid", "srh", "srq",
	"rscc", "rscd", "rsce", "rscl", "rsct",
}

// harmlessHeaders are the headers that azcore's log may show beside its own
// list. Metadata, customer keys and authorizations are not among them.
var harmlessHeaders = []string{
	"Content-Range", "Range", "X-Ms-Range", "X-Ms-Blob-Type", "X-Ms-Date", "X-Ms-Error-Code", "X-Ms-Version",
}

// New builds a pipeline. It does no I/O, and the pipeline is safe for
// concurrent use.
func New(c Config) azruntime.Pipeline {
	transport := c.Transport
	if transport == nil {
		transport = NewTransport(0, 0, nil)
	}
	last := &sender{next: withoutRedirects(transport), patience: c.Patience, traffic: c.Traffic, throttle: c.Throttle}
	if c.Logger != nil && c.LogBodies > 0 {
		last.bodies = &bodyLog{c.Logger, c.LogBodies}
	}
	var perTry []policy.Policy
	if c.Tracing != nil {
		perTry = append(perTry, tracePolicy{c.Tracing})
	}
	perTry = append(append(perTry, c.PerRetry...), tryPolicy{c.OnRequest, c.OnResponse})
	switch auth := c.Auth.(type) {
	case nil:
	case authorizer:
		last.auth = auth
	case bothPolicy:
		last.auth = auth.late
		perTry = append(perTry, auth.Policy)
	default:
		perTry = append(perTry, auth)
	}
	stamp := newStamp(&c)
	perCall := append([]policy.Policy{stamp}, c.PerCall...)
	perCall = append(perCall, &retryPolicy{Repeater: c.Repeater(), locations: c.Locations})
	var outlet policy.Transporter = last
	if c.Logger != nil {
		outlet = &requestLog{c.Logger, outlet}
	}
	if c.Hedge != nil {
		outlet = &hedger{Hedge: *c.Hedge, next: outlet, throttle: c.Throttle, tracing: c.Tracing, observe: c.observer()}
	}
	return azruntime.NewPipeline("azureblob", c.Version, azruntime.PipelineOptions{
		AllowedHeaders:         harmlessHeaders,
		AllowedQueryParameters: harmlessQuery,
		PerCall:                perCall,
		PerRetry:               perTry,
	}, &policy.ClientOptions{
		Retry:     policy.RetryOptions{MaxRetries: -1}, // ours knows the operations
		Transport: outlet,
		// azcore's policy would announce the request as one of the official
		// SDK; the stamp writes our own name.
		Telemetry: policy.TelemetryOptions{Disabled: true},
	})
}

// userAgent returns the User-Agent of a client. Spaces of the application id
// become slashes and characters that a header cannot carry are left out.
func userAgent(application, version string) string {
	application = strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '/'
		case r < ' ' || r > '~':
			return -1
		}
		return r
	}, application)
	if len(application) > 24 {
		application = application[:24]
	}
	agent := "azureblob/" + version + " (" + runtime.Version() + "; " + runtime.GOOS + ")"
	if application == "" {
		return agent
	}
	return application + " " + agent
}

// Header names in the case that net/http keeps them in, so that a lookup need
// not convert them.
const (
	headerAuthorization   = "Authorization"
	headerClientRequestID = "X-Ms-Client-Request-Id"
	headerCopySource      = "X-Ms-Copy-Source"
	headerDate            = "X-Ms-Date"
	headerErrorCode       = "X-Ms-Error-Code"
	headerIdempotencyKey  = "X-Idempotency-Key"
	headerRequestID       = "X-Ms-Request-Id"
	headerUserAgent       = "User-Agent"
	headerVersion         = "X-Ms-Version"
)

// stampPolicy adds what every request carries. It runs above the retry, so all
// tries of a call have the same client request id.
type stampPolicy struct {
	userAgent string
	version   string
	header    http.Header
	counts    bool // somebody wants to know which try it is
}

func newStamp(c *Config) *stampPolicy {
	p := &stampPolicy{userAgent: userAgent(c.ApplicationID, c.Version), version: c.ServiceVersion, header: make(http.Header, len(c.Header)),
		counts: c.Logger != nil || c.Tracing != nil}
	for name, values := range c.Header {
		p.header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	if suffix := p.header.Get(headerUserAgent); suffix != "" {
		p.userAgent += " " + suffix
	}
	p.header.Del(headerUserAgent)
	return p
}

func (p *stampPolicy) Do(req *policy.Request) (*http.Response, error) {
	h := req.Raw().Header
	for name, values := range p.header {
		if _, own := h[name]; !own {
			h[name] = slices.Clone(values)
		}
	}
	values := make([]string, 3) // one piece of memory for all
	if !present(h, headerClientRequestID, "x-ms-client-request-id") {
		values[0] = newUUID()
		h[headerClientRequestID] = values[0:1:1]
	}
	if p.version != "" && !present(h, headerVersion, "x-ms-version") {
		values[1] = p.version
		h[headerVersion] = values[1:2:2]
	}
	values[2] = p.userAgent
	if own := h.Get(headerUserAgent); own != "" {
		values[2] += " " + own
	}
	h[headerUserAgent] = values[2:3:3]
	if p.counts {
		return req.WithContext(context.WithValue(req.Raw().Context(), triesKey{}, new(tries))).Next()
	}
	return req.Next()
}

// present reports whether h has a header, also when a policy put it into the
// map in lower case, where Get does not find it.
func present(h http.Header, canonical, lower string) bool {
	if len(h[canonical]) > 0 {
		return true
	}
	return len(h[lower]) > 0
}

// newUUID returns a random UUID (version 4). It names a request and guards
// nothing, so a fast generator is enough.
func newUUID() string {
	var id [16]byte
	for i := 0; i < len(id); i += 8 {
		bits := rand.Uint64()
		for j := range 8 {
			id[i+j] = byte(bits >> (8 * j))
		}
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:], id[0:4])
	hex.Encode(text[9:], id[4:6])
	hex.Encode(text[14:], id[6:8])
	hex.Encode(text[19:], id[8:10])
	hex.Encode(text[24:], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
