package azureblob

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// RetryOptions say how failed requests are repeated. Worth another try are
// connections that fail or break, and the statuses 408, 429, 500, 502, 503 and
// 504, and copies whose source is busy. The wait grows exponentially, with jitter, unless the service names one.
//
// Some writes would fail, or act again, if the service had carried out the first
// try and only its answer was lost: creating, deleting and snapshots, and all
// writes with conditions. Those are repeated only if it is sure that the service
// did not act: if it could not be reached, or answered 429 or 503.
type RetryOptions struct {
	// Total is how often a request is repeated after its first try. Default 3;
	// negative for never.
	Total int

	// Delay is the wait before the first repetition. Default 800 ms.
	Delay time.Duration

	// MaxDelay bounds the wait. Default 60 s.
	MaxDelay time.Duration
}

func (o *RetryOptions) check() error {
	if o.Delay < 0 || o.MaxDelay < 0 {
		return invalidf("a delay of RetryOptions is negative")
	}
	if o.Total > 1000 {
		return invalidf("RetryOptions.Total is %d, and 1,000 is the most", o.Total)
	}
	return nil
}

func (o *RetryOptions) policy() policy.RetryOptions {
	return policy.RetryOptions{
		MaxRetries: int32(max(o.Total, -1)), RetryDelay: o.Delay, MaxRetryDelay: o.MaxDelay,
		// Errors that another try cannot mend do not come here.
		ShouldRetry: func(resp *http.Response, err error) bool {
			return err != nil || slices.Contains(passing, resp.StatusCode) || sourceBusy(resp)
		},
	}
}

// passing are the statuses of what passes by itself.
var passing = []int{
	http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
	http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// sourceBusy reports whether nothing was copied because the source of a copy had
// a trouble that passes by itself, whatever the status of the answer.
func sourceBusy(resp *http.Response) bool {
	switch ErrorCode(resp.Header.Get("x-ms-copy-source-error-code")) {
	case InternalError, OperationTimedOut, ServerBusy:
		return true
	}
	return false
}

// once are the options for requests that must not be carried out twice: they
// are only repeated if it is sure that the service did not act on them.
func (o *RetryOptions) once() policy.RetryOptions {
	p := o.policy()
	p.ShouldRetry = func(resp *http.Response, err error) bool {
		if err != nil {
			dial, ok := errors.AsType[*net.OpError](err)
			return ok && dial.Op == "dial"
		}
		return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable || sourceBusy(resp)
	}
	return p
}

// rereads is how often a list is asked for again when its body broke off.
func (o *RetryOptions) rereads() int {
	if o.Total == 0 {
		return 3
	}
	return max(o.Total, 0)
}
