package azureblob

import (
	"time"

	"github.com/goblob/azureblob/internal/pipeline"
)

// RetryOptions say how failed requests are repeated. Worth another try are a
// service that is not reached, connections that break or stall, and the statuses
// 408, 429, 500, 502, 503 and 504, and content that does not arrive with the
// checksum that the client has computed for it. The wait is a random part of a bound that grows
// with each repetition, unless the service names one. Bad certificates, servers
// that speak no TLS, and errors that say of themselves that they are permanent are
// not worth it.
//
// Counts are of repetitions, and all bounds hold at once: 10 in all, 3 of each
// kind by default. A count of 0 is the default, a negative one is none. They are
// those of one request, and the requests of a transfer have counts of their own.
// If the service refuses a part of what transfers send with 429 or 503, and takes
// the rest, the client sends less at a time, and those refusals count in Total only.
// Content that breaks off on its way is taken up where it stopped, as often as
// Read and Total say without a single byte having come; pages of lists are asked
// for again.
//
// Retry options of azcore in a context, as of policy.WithRetryOptions, have no effect:
// those of a call are in [CallOptions].
//
// An error of a call whose context ends while it waits for a repetition is both:
// errors.Is finds the end of the context, and the code of the last answer.
//
// Snapshots, appends without a position, breaking a lease and counting up would act
// again if the service had carried out the first try and only its answer was lost.
// They are repeated only if it is sure that it did not act: if it could not be
// reached, or answered 429 or 503.
//
// A write without conditions is repeated as if it had come later: what somebody else
// wrote between its tries is replaced, or deleted, as well. Conditions guard that. The
// creation of append and page blobs is looked for before it is repeated, so that it
// does not wipe what others have appended to the blob by then.
//
// Other writes can be refused because of their own first try: those with conditions,
// deletions, commits of blocks, the creation of containers. They are repeated, and if
// a later try is refused after one without a clear answer, the client looks at what
// is there, which takes the right to read. Blocks of an upload have ids of their own,
// so they tell for sure. Elsewhere, content and metadata that are as they were to be
// written, and were not there before the call, are taken for its own: who writes the
// same as others at the same time, and has to know who was first, puts something of
// its own into the content or the metadata. ETag and time of the result are then
// those of the blob as it was found. What cannot be told is an error that says so:
// see [Error.MaybeApplied].
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
