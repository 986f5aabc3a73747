package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
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

// Wait is a random wait before the repetition after n others: a part of a bound
// that grows.
func (r Retry) Wait(n int) time.Duration {
	bound := float64(r.Delay)
	for range n {
		if bound *= r.Factor; bound >= float64(r.MaxDelay) {
			break
		}
	}
	most := r.MaxDelay
	if bound < float64(most) {
		most = time.Duration(bound)
	}
	if most < 1 {
		return 0
	}
	return time.Duration(rand.Int64N(int64(most))) + 1
}

// Tally are the repetitions of a call so far. A call that goes through the
// pipeline several times brings one along, so that all bounds hold for all of it.
type Tally struct {
	total, connect, read, status int
	spent                        int // tokens that the last repetition took
}

// allows counts one more repetition, unless that is too many. Where the service takes
// a part of what it is sent it is not in trouble: that counts among all, and not among
// those of its kind.
func (t *Tally) allows(r Retry, reason Reason, partly bool) bool {
	n, most := &t.status, r.Status
	switch reason {
	case ReasonConnect:
		n, most = &t.connect, r.Connect
	case ReasonRead:
		n, most = &t.read, r.Read
	}
	partly = partly && most > 0
	if t.total >= r.Total || *n >= most && !partly {
		return false
	}
	if !partly {
		*n++
	}
	t.total++
	return true
}

// Repeater decides what is repeated, and waits for it. It is the same for the
// requests that go through the pipeline and for what breaks off above it: bodies,
// and parts of batches.
type Repeater struct {
	settings Retry
	budget   *RetryBudget
	throttle *Throttle
	observe  func(Event)
	url      string // of what is repeated
}

// Repeater returns what repeats the calls of a pipeline with this configuration.
func (c *Config) Repeater() *Repeater {
	return &Repeater{settings: c.Retry, budget: c.Budget, throttle: c.Throttle, observe: c.observer()}
}

// Again waits before something is repeated that failed with err after it had left
// the pipeline. Own replaces the settings. It returns nil when it is time, and
// otherwise the error to end with, which is err unless the context ended.
func (p *Repeater) Again(ctx context.Context, own *Retry, t *Tally, reason Reason, err error) error {
	return p.again(ctx, own, t, reason, err, nil, false)
}

// AgainAfter is Again after an answer, which may name the wait. It may be nil.
func (p *Repeater) AgainAfter(ctx context.Context, own *Retry, t *Tally, reason Reason, err error, resp *http.Response) error {
	return p.again(ctx, own, t, reason, err, resp, false)
}

// For is the same for something that has a URL, which is told with each repetition.
func (p *Repeater) For(url string) *Repeater {
	if p == nil {
		return nil
	}
	own := *p
	own.url = url
	return &own
}

// Resume is Again for a body that is taken up where it broke off, n being how many
// were since the last byte came. What moves is no storm, so the first one is free.
func (p *Repeater) Resume(ctx context.Context, own *Retry, n int, err error) error {
	return p.again(ctx, own, &Tally{total: n, read: n}, ReasonRead, err, nil, n == 0)
}

// Succeeded is told when all that Again may have repeated went well. A call without
// a tally was told of by the pipeline.
func (p *Repeater) Succeeded(t *Tally) {
	if t != nil {
		p.budget.refund(t)
	}
}

func (p *Repeater) again(ctx context.Context, own *Retry, t *Tally, reason Reason, err error, resp *http.Response, free bool) error {
	if p == nil || ctx.Err() != nil || hopeless(err) {
		return err
	}
	settings := p.settings
	if own != nil {
		settings = *own
	}
	e := Event{Context: ctx, Reason: reason, Err: err, Wait: settings.Wait(t.total), URL: p.url}
	if resp != nil {
		if named, ok := retryAfter(resp.Header); ok {
			e.Wait = named
		}
	}
	if e.Again = e.Wait <= settings.MaxDelay && t.allows(settings, reason, false) && p.budget.take(t, reason, free); e.Again {
		e.Repetition = t.total
	}
	p.observe(e)
	if !e.Again {
		return err
	}
	if end := Sleep(ctx, e.Wait); end != nil {
		return &Interrupted{End: end, Last: err}
	}
	return nil
}

// Interrupted is the error of a call whose context ended while it was being
// repeated. It is the end of the context as well as the failure before it.
type Interrupted struct {
	End      error          // the end of the context, and its cause
	Last     error          // the last failure; nil if that was an answer
	Response *http.Response // the answer, with its body in memory
}

// Error tells both.
func (e *Interrupted) Error() string {
	if e.Last != nil {
		return fmt.Sprintf("%v; the last failure before that: %v", e.End, e.Last)
	}
	return fmt.Sprintf("%v; the last answer before that: %d %s", e.End, e.Response.StatusCode, e.Response.Header.Get(headerErrorCode))
}

// Unwrap returns both.
func (e *Interrupted) Unwrap() []error {
	if e.Last != nil {
		return []error{e.End, e.Last}
	}
	return []error{e.End}
}

// retryPolicy repeats calls, and holds them back while the service is overloaded.
// It stands above azcore's, which is set to one try.
type retryPolicy struct {
	*Repeater
	locations *Locations
}

// retrying is one call on its way.
type retrying struct {
	*retryPolicy
	Retry
	*Tally
	call  *Call
	own   Tally
	route route
	last  *Interrupted // the last failure, once there was one
	taken int64        // by the throttle, when the last try failed
}

func (p *retryPolicy) Do(req *policy.Request) (*http.Response, error) {
	r := retrying{retryPolicy: p, Retry: p.settings, taken: p.throttle.taken()}
	if !req.OperationValue(&r.call) {
		r.call = noCall
	}
	if r.call == noCall {
		own, body, err := alone(req)
		if err != nil {
			return nil, err
		}
		if body != nil {
			defer body.Close()
		}
		req = own
	}
	if r.call.Retry != nil {
		r.Retry = *r.call.Retry
	}
	if r.Tally = r.call.Tally; r.Tally == nil {
		r.Tally = &r.own
	}
	r.route = p.locations.start(req.Raw(), r.call.Location)
	if r.call.Elsewhere {
		r.route.next()
	}
	for {
		// What comes below clones the request for each try.
		r.route.turn(req.Raw())
		resp, err := r.try(req)
		r.call.Fate.learn(resp, err)
		var wait time.Duration
		if resp != nil && r.route.noAnswer(req.Raw(), resp.StatusCode) {
			// That is no failure of the service, and costs no repetition.
			discard(resp)
			wait = min(r.route.resting(), r.MaxDelay)
		} else {
			var again bool
			if wait, again = r.judge(req.Raw(), resp, err); !again {
				return resp, r.told(req.Raw().Context(), err)
			}
			r.last = failure(resp, err)
		}
		if end := Sleep(req.Raw().Context(), wait); end != nil {
			return nil, r.told(req.Raw().Context(), end)
		}
	}
}

// Alone returns a context in which azcore's retry policy tries once, whatever the
// context has said before: of its tries nobody here would know.
func Alone(ctx context.Context) context.Context {
	return policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
}

// alone is Alone for a request of the user's own. Its body is not closed by azcore
// after the one try, but to be closed by the caller.
func alone(req *policy.Request) (*policy.Request, io.Closer, error) {
	req = req.WithContext(Alone(req.Raw().Context()))
	body := req.Body()
	if body == nil {
		return req, nil, nil
	}
	return req, body, req.SetBody(streaming.NopCloser(body), req.Raw().Header.Get("Content-Type"))
}

// told is an error with the failure before it, if it is due to the end of the
// context, and with the cause of that, which azcore leaves out.
func (r *retrying) told(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case r.last == nil && err == ctx.Err():
		return EndOf(ctx)
	case r.last == nil:
		return err
	}
	r.last.End = EndOf(ctx)
	return r.last
}

// try sends a request once. A request that waits for its repetition holds no
// place among those that may be under way.
func (r *retrying) try(req *policy.Request) (*http.Response, error) {
	raw := req.Raw()
	p, err := r.throttle.enter(raw.Context(), r.call.Transfer)
	if err != nil {
		return nil, err
	}
	if (raw.ContentLength > 0 || r.call.Body != nil && r.call.Body.Len() > 0) && r.throttle.recent() {
		// The service can refuse it before gigabytes are sent in vain.
		raw.Header["Expect"] = []string{"100-continue"}
	}
	resp, err := req.Next()
	if err != nil && resp != nil {
		discard(resp)
		resp = nil
	}
	p.leave(resp)
	return resp, err
}

// judge decides whether there is another try, and how long to wait for it.
func (r *retrying) judge(req *http.Request, resp *http.Response, err error) (wait time.Duration, again bool) {
	reason, retriable := r.reasonOf(req.Method, resp, err)
	if reason == "" {
		if r.call.Tally == nil { // or whoever has it tells when all went well
			r.budget.refund(r.Tally)
		}
		return 0, false
	}
	e := Event{Context: req.Context(), Reason: reason, Throttled: throttled(resp), Request: req, Response: resp, Err: err}
	if retriable && req.Context().Err() == nil {
		wait, again = r.delay(resp)
		paced := e.Throttled && r.call.Transfer
		partly := paced && r.othersTaken()
		again = again && r.allows(r.Retry, reason, partly) && r.budget.take(r.Tally, reason, paced && r.throttle.bites())
	}
	if e.Again = again; again {
		e.Wait, e.Repetition = wait, r.total
	}
	r.observe(e)
	return wait, again
}

// othersTaken reports whether the service has taken requests of other transfers since
// the call began, or was asked about before.
func (r *retrying) othersTaken() bool {
	before := r.taken
	r.taken = r.throttle.taken()
	return r.taken != before
}

// reasonOf tells what was wrong with a try, "" if nothing, and whether another one
// can help without doing harm.
func (r *retrying) reasonOf(method string, resp *http.Response, err error) (Reason, bool) {
	// Requests that users make themselves do not say whether they may be sent
	// twice, so they are judged by their method.
	harmless := r.call.Idempotent || r.call == noCall && (method == http.MethodGet || method == http.MethodHead)
	switch {
	case err == nil && r.call.damaged(resp):
		return ReasonStatus, true // nothing was stored
	case err == nil && !worthATry(resp):
		return "", false
	case err == nil:
		return ReasonStatus, harmless || refused(resp)
	case hopeless(err):
		return ReasonRead, false
	case unreached(err):
		return ReasonConnect, true
	}
	return ReasonRead, harmless
}

// delay is the wait before the next try, and where that goes: what the service
// says, or a random part of a bound that grows. It is false if the service wants a
// longer one than allowed.
func (r *retrying) delay(resp *http.Response) (time.Duration, bool) {
	if resp != nil {
		if named, ok := retryAfter(resp.Header); ok {
			if !r.route.both {
				return named, named <= r.MaxDelay
			}
			r.route.rest(named)
		}
	}
	r.route.next()
	if r.route.resting() > r.MaxDelay {
		r.route.next() // the other one may not want that
	}
	if left := r.route.resting(); left > 0 {
		return left, left <= r.MaxDelay
	}
	return r.Wait(r.total), true
}

// maxFailure is how much of the body of an answer is kept that is not the last.
const maxFailure = 64 << 10

// failure puts a failed try away. Its connection can be used again if there is
// little left of the answer.
func failure(resp *http.Response, err error) *Interrupted {
	if resp == nil {
		return &Interrupted{Last: err}
	}
	var text []byte
	if resp.Body != nil {
		text, _ = io.ReadAll(io.LimitReader(resp.Body, maxFailure))
		_ = resp.Body.Close()
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return &Interrupted{Response: resp}
}

// discard puts away an answer that nobody wants.
func discard(resp *http.Response) {
	if resp == nil || resp.Body == nil {
		return
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxFailure)
	_ = resp.Body.Close()
}

// Sleep waits, and returns the cause of the context if that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return EndOf(ctx)
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return EndOf(ctx)
	}
}

// ended reports whether an error is the end of a context.
func ended(err error) bool {
	return errors.Is(err, context.Canceled) && !errors.Is(err, ErrStalled)
}

// EndOf is the error of a context that has ended: that and its cause, if it has one
// of its own.
func EndOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause != nil && cause != err {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
