package pipeline

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Retry says how often and how fast a call is repeated. The counts are of
// repetitions, so that 0 is one try.
type Retry struct {
	Total   int // of all kinds together
	Connect int // after the service could not be reached
	Read    int // after the connection broke, stalled or ended before the answer
	Status  int // after an answer that asks for another try

	Delay    time.Duration // bound of the first wait
	Factor   float64       // by which the bound grows with each repetition
	MaxDelay time.Duration // bound of all waits, those that the service names included
}

// Reason is why a try is repeated.
type Reason string

// The reasons.
const (
	ReasonConnect Reason = "connect" // the service was not reached
	ReasonRead    Reason = "read"    // there was no whole answer
	ReasonStatus  Reason = "status"  // the answer was 408, 429 or 5xx
)

// retryPolicy repeats calls. It stands above azcore's, which is set to one try.
type retryPolicy struct {
	settings  Retry
	budget    *RetryBudget
	locations *Locations
	observe   func(Event)
}

// retrying is one call on its way.
type retrying struct {
	*retryPolicy
	Retry
	call                         Call
	known                        bool
	method                       string
	total, connect, read, status int
	route                        route
}

func (p *retryPolicy) Do(req *policy.Request) (*http.Response, error) {
	r := retrying{retryPolicy: p, Retry: p.settings, method: req.Raw().Method}
	r.known = req.OperationValue(&r.call) // requests of the user's own are not
	if r.call.Retry != nil {
		r.Retry = *r.call.Retry
	}
	r.route = p.locations.start(req.Raw().Method, r.call.Location)
	ctx, target := req.Raw().Context(), req.Raw().URL
	for {
		// What comes below clones the request for each try.
		req.Raw().URL = r.route.apply(target)
		req.Raw().Host = req.Raw().URL.Host
		resp, err := req.Next()
		r.call.Fate.learn(resp, err)
		if resp != nil && r.route.missing(resp.StatusCode) {
			// The secondary may not have it yet, which is no answer, and costs no repetition.
			discard(resp)
			continue
		}
		wait, again := r.judge(req.Raw(), resp, err)
		if !again {
			return resp, err
		}
		discard(resp)
		if err := Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// judge decides whether there is another try, and how long to wait for it.
func (r *retrying) judge(req *http.Request, resp *http.Response, err error) (wait time.Duration, again bool) {
	reason, retriable := r.reasonOf(resp, err)
	if reason == "" {
		r.budget.Refund(r.total)
		return 0, false
	}
	e := Event{Reason: reason, Throttled: throttled(resp)}
	defer func() {
		e.Wait, e.Again, e.Repetition = wait, again, r.total
		e.Request, e.Response, e.Err = req, resp, err
		r.observe(e)
	}()
	if !retriable || req.Context().Err() != nil || !r.counts(reason) {
		return 0, false
	}
	if wait, again = r.delay(resp); !again || !r.budget.Take(reason) {
		return 0, false
	}
	r.total++
	r.route.next()
	return wait, true
}

// reasonOf tells what was wrong with a try, "" if nothing, and whether another one
// can help without doing harm.
func (r *retrying) reasonOf(resp *http.Response, err error) (Reason, bool) {
	if err == nil {
		if !worthATry(resp) {
			return "", false
		}
		return ReasonStatus, refused(resp) || r.idempotent()
	}
	if hopeless(err) {
		return ReasonRead, false
	}
	if unreached(err) {
		return ReasonConnect, true
	}
	return ReasonRead, r.idempotent()
}

// idempotent reports whether another try does no harm. Requests that users make
// themselves do not say it, so they are judged by their method.
func (r *retrying) idempotent() bool {
	return r.call.Idempotent || !r.known && (r.method == http.MethodGet || r.method == http.MethodHead)
}

// refused reports whether an answer that is worth another try says that the service
// did not act.
func refused(resp *http.Response) bool {
	return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable || sourceBusy(resp)
}

// open reports whether the end of a try that was sent leaves it open whether the
// service has acted.
func open(resp *http.Response, err error) bool {
	if err == nil {
		return worthATry(resp) && !refused(resp)
	}
	return !unreached(err) && !untrusted(err) && !isPermanent(err)
}

// worthATry reports whether an answer asks for another try.
func worthATry(resp *http.Response) bool { return again(resp.StatusCode) || sourceBusy(resp) }

// sourceBusy reports whether nothing was copied because the source of a copy had
// a trouble that passes by itself, whatever the status of the answer.
func sourceBusy(resp *http.Response) bool {
	switch resp.Header.Get("x-ms-copy-source-error-code") {
	case "InternalError", "OperationTimedOut", "ServerBusy":
		return resp.StatusCode >= 400
	}
	return false
}

func again(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func throttled(resp *http.Response) bool {
	return resp != nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable ||
		resp.StatusCode == http.StatusInternalServerError && resp.Header.Get("x-ms-error-code") == "OperationTimedOut")
}

// hopeless reports whether an error will be the same the next time.
func hopeless(err error) bool {
	if errors.Is(err, context.Canceled) && !errors.Is(err, ErrStalled) {
		return true
	}
	return isPermanent(err) || untrusted(err)
}

// isPermanent reports whether an error says itself that nothing was sent, and that
// another try would not help.
func isPermanent(err error) bool {
	_, ok := errors.AsType[interface {
		error
		NonRetriable()
	}](err)
	return ok
}

// unreached reports whether an error says that not a byte of the request was
// sent.
func unreached(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect") {
		return true
	}
	if _, ok := errors.AsType[*proxyRefusal](err); ok {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok || handshake(err)
}

func (r *retrying) counts(reason Reason) bool {
	if r.total >= r.Total {
		return false
	}
	n, most := &r.status, r.Status
	switch reason {
	case ReasonConnect:
		n, most = &r.connect, r.Connect
	case ReasonRead:
		n, most = &r.read, r.Read
	}
	*n++
	return *n <= most
}

// delay is the wait before the next try: what the service says, or a random part
// of a bound that grows. It is false if the service wants a longer one than allowed.
func (r *retrying) delay(resp *http.Response) (time.Duration, bool) {
	if resp != nil {
		if wait, ok := retryAfter(resp.Header); ok {
			return wait, wait <= r.MaxDelay
		}
	}
	return r.Wait(r.total), true
}

// Wait is a random wait before the repetition after n others: a part of a bound
// that grows.
func (r Retry) Wait(n int) time.Duration {
	bound := float64(r.Delay)
	for range n {
		if bound *= r.Factor; bound >= float64(r.MaxDelay) {
			break
		}
	}
	bound = min(bound, float64(r.MaxDelay))
	if bound < 1 {
		return 0
	}
	return time.Duration(rand.Int64N(int64(bound)) + 1)
}

// retryAfter is the wait that an answer names.
func retryAfter(h http.Header) (time.Duration, bool) {
	for _, name := range []string{"retry-after-ms", "x-ms-retry-after-ms"} {
		if ms, err := strconv.ParseInt(h.Get(name), 10, 32); err == nil && ms >= 0 {
			return time.Duration(ms) * time.Millisecond, true
		}
	}
	text := h.Get("Retry-After")
	if s, err := strconv.ParseInt(text, 10, 32); err == nil && s >= 0 {
		return time.Duration(s) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0), true
	}
	return 0, false
}

// Sleep waits, and returns the cause of the context if that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// discard makes the connection of an answer that nobody wants fit for reuse, if
// there is little left of it.
func discard(resp *http.Response) {
	if resp == nil || resp.Body == nil {
		return
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	_ = resp.Body.Close()
}
