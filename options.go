package azureblob

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/tracing"

	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/wire"
)

// DefaultServiceVersion is the version of the REST protocol that is spoken
// unless [ClientOptions.ServiceVersion] says otherwise.
const DefaultServiceVersion = "2026-06-06"

// DefaultMemoryBudget is the default of [ClientOptions.MemoryBudget]: 256 MiB.
const DefaultMemoryBudget = 256 << 20

// ClientOptions are the settings of a client and of all handles made from it.
// The zero value is the default, and so is a nil pointer. A client copies what
// it needs, so options can be used again.
type ClientOptions struct {
	// Retry says how often and how fast failed requests are repeated.
	Retry RetryOptions

	// RetryBudget keeps the repetitions of the client from becoming a storm when
	// the service has trouble. It is a number of tokens: a repetition takes 5, or 10
	// if the service cannot be reached; one that succeeds gives them back, any other
	// success gives one. Without tokens there are no repetitions. Those of transfers
	// that an overloaded service refused take none as long as there is something
	// else to do against that, see Concurrency. Default 500; negative for no bound.
	RetryBudget int

	// LocationMode says which region of a geo-redundant account reads go to.
	// Default [PrimaryOnly].
	LocationMode LocationMode

	// SecondaryEndpoint is the endpoint of the secondary region. Default that of the
	// connection string, or the one with -secondary after the name of the account,
	// which is unknown for a custom domain.
	SecondaryEndpoint string

	// ConnectTimeout bounds dialing, and the TLS handshake after it. A Transport of
	// your own has its own bounds. Default 10 s.
	ConnectTimeout time.Duration

	// ResponseTimeout is how long the service may take to begin its answer, from
	// when the transport has all of the request; what that needs for connecting
	// counts too. Then the connection is given up and the request repeated, if that
	// does no harm. There is five times as much for requests that have the service
	// read from a URL, and for all others at least [CallOptions.Timeout]. Default
	// 120 s; negative for none.
	ResponseTimeout time.Duration

	// StallTimeout is how long no byte of a body may move, on its way to the service
	// or from it, before the connection is given up and the request is repeated. It
	// bounds no transfer that moves, however long, and does not count the time in
	// which the source of an upload or the reader of a download is slow. Default
	// 60 s; negative for none.
	StallTimeout time.Duration

	// Hedge sends reads a second time that are slow to be answered. Nil does not.
	Hedge *HedgeOptions

	// MemoryBudget bounds the bytes that all transfers of the client together
	// hold in buffers. Default [DefaultMemoryBudget]. A transfer that holds
	// nothing yet may always take one block, and a segment with Validate, so a
	// very small budget slows transfers down but never stops them. Sources that implement io.ReaderAt,
	// such as files, need no buffers to be uploaded.
	MemoryBudget int64

	// Concurrency is how many requests a transfer has under way at a time
	// unless its own options say otherwise, at most 1,000. Default four a
	// processor (GOMAXPROCS), at least 16 and at most 64.
	//
	// When the service says that it is overloaded (503, 429, or 500 with
	// [OperationTimedOut]), all transfers of the client together have fewer
	// requests under way, half as many with each time, and again more as it answers.
	// For a minute then, bodies wait until the service says that it takes them
	// (Expect: 100-continue).
	Concurrency int

	// Proxy says which proxy a request goes through, nil for none, as that of
	// [http.Transport] does: http.ProxyURL makes it of an address, whose user and
	// password the proxy is shown. It is asked with the URL of the request, but
	// for its query. Default the proxy of the environment: HTTPS_PROXY, HTTP_PROXY
	// and NO_PROXY, or their forms in lower case.
	Proxy func(*http.Request) (*url.URL, error)

	// TLS is what https connections are made with, such as roots or a client
	// certificate of your own. It is copied. Default that of net/http.
	TLS *tls.Config

	// Transport sends the requests; an *http.Client is one. The default is made
	// for this service: HTTP/1.1, a pool of connections large enough for the
	// concurrency. A transport of your own has a proxy and TLS of its own, has to
	// close request bodies and to end requests and their answers with the context,
	// as net/http does, and should not decompress answers. An *http.Client without
	// a CheckRedirect follows no redirects; one that follows them carries keys and
	// signatures elsewhere.
	Transport policy.Transporter

	// Header is sent with every request that does not bring a header of the same
	// name itself, but not in the parts of a batch. User-Agent is put behind the
	// name of this module. Who prints the options sees the values: what is secret
	// belongs in a credential or is set by OnRequest.
	Header http.Header

	// OnRequest and OnResponse see all tries of all requests, before those of
	// [CallOptions], which tell what they may do. They are called from several
	// goroutines.
	OnRequest  func(*http.Request)
	OnResponse func(*http.Response)

	// Logger gets a Debug record for each try of a request: its method, its URL
	// without secrets, the status, the time until the answer began, the lengths of
	// the bodies, the number of the try, and both request ids. Before each
	// repetition it gets a Warn record with the reason. Nil logs nothing and costs
	// nothing. The log events of azcore work as well.
	Logger *slog.Logger

	// LogBodies is how many bytes of each body, of requests and of answers, the
	// Logger gets as well, at Debug. What looks like a secret is taken out, but
	// content is content: it can hold what is not to be in a log. Default none.
	LogBodies int

	// TracingProvider gets a span for each operation, named after it, such as Put
	// Block, and below that one for each try, named after its method. Transfers
	// have a span that holds those of their requests: Upload, Download, Copy,
	// Batch; and until they are closed, Reader and Writer. The attributes are
	// those of OpenTelemetry for HTTP clients and for Azure. The span of the try is
	// in the context of the request that OnRequest sees. The zero value traces
	// nothing and costs nothing; the azotel module makes one of OpenTelemetry.
	TracingProvider tracing.Provider

	// ApplicationID is put in front of the User-Agent header. At most 24
	// characters reach the service.
	ApplicationID string

	// ServiceVersion is the version of the REST protocol, of the form
	// YYYY-MM-DD. Default [DefaultServiceVersion].
	ServiceVersion string

	// Audience is whom tokens of a [TokenCredential] are asked for. Default
	// https://storage.azure.com, right for the public cloud.
	Audience string

	// PerCallPolicies run once for each call, PerRetryPolicies for each try of
	// it, before it is signed.
	PerCallPolicies  []policy.Policy
	PerRetryPolicies []policy.Policy
}

// maxConcurrency keeps a slip of the pen from opening connections without end.
const maxConcurrency = 1000

var versionForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

func (o *ClientOptions) check() error {
	switch {
	case o.MemoryBudget < 0:
		return invalidf("ClientOptions.MemoryBudget is negative: %d", o.MemoryBudget)
	case o.Concurrency < 0 || o.Concurrency > maxConcurrency:
		return invalidf("ClientOptions.Concurrency is %d and not 1 to %d", o.Concurrency, maxConcurrency)
	case o.LogBodies < 0:
		return invalidf("ClientOptions.LogBodies is negative: %d", o.LogBodies)
	case o.Transport != nil && (o.Proxy != nil || o.TLS != nil):
		return invalidf("ClientOptions.Transport excludes Proxy and TLS; set them on the transport itself")
	case o.ServiceVersion != "" && !versionForm.MatchString(o.ServiceVersion):
		return invalidf("ClientOptions.ServiceVersion %q is not of the form YYYY-MM-DD", o.ServiceVersion)
	}
	if err := pipeline.CheckHeaders(o.Header); err != nil {
		return invalidf("ClientOptions.Header: %w", err)
	}
	if o.ConnectTimeout < 0 {
		return invalidf("ClientOptions.ConnectTimeout is negative: %v", o.ConnectTimeout)
	}
	if err := o.Hedge.check(); err != nil {
		return err
	}
	if err := o.LocationMode.check(); err != nil {
		return invalidf("ClientOptions.%w", err)
	}
	return o.Retry.check()
}

// The defaults of [ClientOptions.StallTimeout] and [ClientOptions.ResponseTimeout].
const (
	defaultStall    = 60 * time.Second
	defaultResponse = 120 * time.Second
)

func (o *ClientOptions) patience() pipeline.Patience {
	p := pipeline.Patience{Body: o.StallTimeout, Answer: o.ResponseTimeout}
	if p.Body == 0 {
		p.Body = defaultStall
	}
	if p.Answer == 0 {
		p.Answer = defaultResponse
	}
	return p
}

func (o *ClientOptions) retryBudget() int {
	if o.RetryBudget == 0 {
		return defaultRetryBudget
	}
	return max(o.RetryBudget, 0)
}

func (o *ClientOptions) memory() int64 {
	if o.MemoryBudget == 0 {
		return DefaultMemoryBudget
	}
	return o.MemoryBudget
}

func (o *ClientOptions) concurrency() int {
	if o.Concurrency == 0 {
		return min(max(16, 4*runtime.GOMAXPROCS(0)), 64)
	}
	return o.Concurrency
}

func (o *ClientOptions) serviceVersion() string {
	if o.ServiceVersion == "" {
		return DefaultServiceVersion
	}
	return o.ServiceVersion
}

// CallOptions are what every call can be given. All options structs embed them.
type CallOptions struct {
	// ClientRequestID is a mark of the caller's own in the logs of the service:
	// up to 1,024 visible ASCII characters. Default a random UUID.
	ClientRequestID string `header:"x-ms-client-request-id"`

	// Timeout is how long the service may work on each request, in whole
	// seconds, rounded up; zero leaves it to the service, which also caps it at
	// 30 s for most operations. It does not bound the call: use the context.
	Timeout time.Duration `query:"timeout,seconds"`

	// Retry replaces the retry options of the client for this call: all of them,
	// with the defaults for fields that are zero.
	Retry *RetryOptions

	// LocationMode replaces that of the client for this call, if it is a read:
	// new(azureblob.SecondaryOnly), for one.
	LocationMode *LocationMode

	// Header is sent as well, and wins over headers that the call would send. Its
	// User-Agent is put behind that of the client.
	Header http.Header

	// OnRequest sees each try of a request before it is signed, and may change
	// its headers. OnResponse sees the answer before it is read; it must not
	// read or close the body. A transfer calls them from several goroutines.
	OnRequest  func(*http.Request)
	OnResponse func(*http.Response)

	elsewhere bool // the region that reads would begin in has just failed
}

func (o *CallOptions) callOptions() *CallOptions { return o }

func (o *CallOptions) checkCall() error {
	if o.Timeout < 0 {
		return fmt.Errorf("CallOptions.Timeout is negative: %v", o.Timeout)
	}
	if err := o.Retry.check(); err != nil {
		return err
	}
	if err := o.LocationMode.check(); err != nil {
		return fmt.Errorf("CallOptions.%w", err)
	}
	if len(o.ClientRequestID) > 1024 {
		return fmt.Errorf("CallOptions.ClientRequestID has %d characters, and 1,024 is the most", len(o.ClientRequestID))
	}
	if err := wire.CheckHeader(o.Header); err != nil {
		return fmt.Errorf("CallOptions.Header: %w", err)
	}
	return nil
}

// ResponseInfo is what every answer tells about itself. All results embed it.
type ResponseInfo struct {
	StatusCode      int         // HTTP status
	RequestID       string      `response:"x-ms-request-id"`        // the service's name for the request; give it to support
	ClientRequestID string      `response:"x-ms-client-request-id"` // the caller's name for the request
	Version         string      `response:"x-ms-version"`           // protocol version that the service used
	Date            time.Time   `response:"Date"`                   // when the service answered
	Secondary       bool        // the secondary region answered, which may be behind
	Header          http.Header // all headers as they came
}

func (r *ResponseInfo) setResponse(resp *http.Response, secondary bool) {
	r.StatusCode, r.Header, r.Secondary = resp.StatusCode, resp.Header, secondary
}
