package azureblob

import (
	"time"

	"github.com/goblob/azureblob/internal/pipeline"
)

// RetryOptions say how failed requests are repeated. Worth another try are a
// service that is not reached, connections that break or stall, and the statuses
// 408, 429, 500, 502, 503 and 504. The wait is a random part of a bound that grows
// with each repetition, unless the service names one. Bad certificates, servers
// that speak no TLS, and errors that say of themselves that they are permanent are
// not worth it.
//
// Counts are of repetitions, and all bounds hold at once: 10 in all, 3 of each
// kind by default. A count of 0 is the default, a negative one is none. They are
// those of one request, and the requests of a transfer have counts of their own.
// Content that breaks off on its way is taken up where it stopped, as often as
// Read and Total say without a single byte having come; pages of lists are asked
// for again.
//
// An error of a call whose context ends while it waits for a repetition is both:
// errors.Is finds the end of the context, and the code of the last answer.
//
// Some writes would fail, or act again, if the service had carried out the first
// try and only its answer was lost: creating, deleting and snapshots, and all
// writes with conditions. Those are repeated only if it is sure that the service
// did not act: if it could not be reached, or answered 429 or 503. Where what is
// there tells whether it did act, it is looked at: see the methods.
type RetryOptions struct {
	Total   int // of all kinds together; default 10
	Connect int // after the service could not be reached; default 3
	Read    int // after the connection broke, stalled or ended before there was a whole answer; default 3
	Status  int // after an answer that asks for another try; default 3

	// Delay bounds the first wait. Default 800 ms; negative for none at all.
	Delay time.Duration

	// Factor is by how much the bound grows with each repetition. Default 2.
	Factor float64

	// MaxDelay bounds all waits. If the service names a longer one, its answer is
	// the error of the call. Default 60 s.
	MaxDelay time.Duration
}

// The defaults of [RetryOptions], and the size of [ClientOptions.RetryBudget].
const (
	defaultRetries     = 10
	defaultOfKind      = 3
	defaultDelay       = 800 * time.Millisecond
	defaultMaxDelay    = 60 * time.Second
	defaultFactor      = 2
	defaultRetryBudget = 500
	maxRetries         = 1000
)

func (o *RetryOptions) check() error {
	switch {
	case o == nil:
		return nil
	case o.MaxDelay < 0:
		return invalidf("RetryOptions.MaxDelay is negative: %v", o.MaxDelay)
	case o.Factor != 0 && !(o.Factor >= 1 && o.Factor <= 100):
		return invalidf("RetryOptions.Factor is %v and not 1 to 100", o.Factor)
	case max(o.Total, o.Connect, o.Read, o.Status) > maxRetries:
		return invalidf("a count of RetryOptions is more than %d", maxRetries)
	}
	return nil
}

// settings are the options with their defaults.
func (o *RetryOptions) settings() pipeline.Retry {
	count := func(n, standard int) int {
		if n == 0 {
			n = standard
		}
		return max(n, 0)
	}
	r := pipeline.Retry{
		Total: count(o.Total, defaultRetries), Connect: count(o.Connect, defaultOfKind),
		Read: count(o.Read, defaultOfKind), Status: count(o.Status, defaultOfKind),
		Delay: o.Delay, Factor: o.Factor, MaxDelay: o.MaxDelay,
	}
	if r.Delay == 0 {
		r.Delay = defaultDelay
	}
	r.Delay = max(r.Delay, 0)
	if r.Factor == 0 {
		r.Factor = defaultFactor
	}
	if r.MaxDelay == 0 {
		r.MaxDelay = defaultMaxDelay
	}
	return r
}

// repetitions are the settings of a call, or nil if they are those of the client.
func (o *CallOptions) repetitions() *pipeline.Retry {
	if o.Retry == nil {
		return nil
	}
	r := o.Retry.settings()
	return &r
}
