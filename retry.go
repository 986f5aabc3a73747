package azureblob

import (
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// RetryOptions say how failed requests are repeated. Worth another try are
// connections that fail or break, and the statuses 408, 429, 500, 502, 503 and
// 504. The wait grows exponentially, with jitter, unless the service names one.
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
	return policy.RetryOptions{MaxRetries: int32(o.Total), RetryDelay: o.Delay, MaxRetryDelay: o.MaxDelay}
}

// once are the options for operations that must not run twice: they are only
// repeated if the service says that it did not act.
func (o *RetryOptions) once() policy.RetryOptions {
	p := o.policy()
	p.ShouldRetry = func(resp *http.Response, err error) bool {
		return err == nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable)
	}
	return p
}
