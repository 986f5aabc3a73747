package pipeline

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Hedge sends a read a second time if the first one is slow to be answered. The
// first good answer counts.
type Hedge struct {
	Delay      time.Duration // wait before the second request; 0 learns it
	Percentile float64       // of the last answers, that the learned wait is
	Share      float64       // of all reads that may be sent twice, at most
}

// What the learned wait is made from, and how many reads in a row may be sent
// twice after a time without any.
const (
	hedgeSample  = 200 // answers that are remembered
	hedgeMinimum = 20  // answers before which nothing is sent twice, and between looks at them
	hedgeBurst   = 10
)

// hedger stands before the sender, so each try may be sent twice.
type hedger struct {
	Hedge
	next     policy.Transporter
	throttle *Throttle
	tracing  *Tracing
	observe  func(Event)

	mu      sync.Mutex
	recent  []time.Duration // how long answers took
	learned int             // how many there were in all
	delay   time.Duration   // that was learned
	credit  float64         // reads that may be sent twice
}

func (h *hedger) Do(req *http.Request) (*http.Response, error) {
	read := req.Method == http.MethodGet || req.Method == http.MethodHead
	if !read || req.Body != nil && req.Body != http.NoBody {
		return h.next.Do(req)
	}
	if delay, ok := h.wait(); ok {
		return h.race(req, delay)
	}
	began := time.Now()
	resp, err := h.next.Do(req)
	if err == nil {
		h.learn(time.Since(began))
	}
	return resp, err
}

// racer is one of two requests.
type racer struct {
	resp   *http.Response
	err    error
	cancel context.CancelFunc
	number int
}

// bad reports whether the other request may do better.
func (r racer) bad() bool { return r.err != nil || worthATry(r.resp) }

func (h *hedger) race(req *http.Request, delay time.Duration) (*http.Response, error) {
	results := make(chan racer, 2)
	var cancels []context.CancelFunc
	run := func() {
		ctx, cancel := context.WithCancel(req.Context())
		try := req.WithContext(ctx)
		try.Header = req.Header.Clone()
		number := len(cancels)
		cancels = append(cancels, cancel)
		ended := func(*http.Response, error) {}
		if number > 0 {
			ended = h.tracing.second(req)
		}
		go func() {
			resp, err := h.next.Do(try)
			ended(resp, err)
			results <- racer{resp, err, cancel, number}
		}()
	}
	began := time.Now()
	turn, _ := h.throttle.enter(req.Context(), false) // which does not wait
	run()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for under := 1; ; {
		select {
		case <-timer.C:
			if h.spend() {
				h.observe(Event{Context: req.Context(), Reason: ReasonHedge, Again: true, Request: req})
				run()
				under++
			}
		case r := <-results:
			under--
			if under > 0 && r.bad() {
				r.cancel()
				if throttled(r.resp) {
					turn.leave(r.resp)
					h.observe(Event{Context: req.Context(), Reason: ReasonStatus, Throttled: true, Request: req, Response: r.resp})
				}
				discard(r.resp)
				continue
			}
			if under > 0 {
				cancels[1-r.number]()
				go drop(results)
			}
			if t := triesOf(req.Context()); t != nil {
				t.outrun.Store(r.number > 0)
			}
			if r.err == nil {
				// The first request has taken that long at least, whoever won.
				h.learn(time.Since(began))
			}
			return keep(r, req)
		}
	}
}

// drop waits for the request that came second, which is cancelled already.
func drop(results chan racer) {
	loser := <-results
	discard(loser.resp)
	loser.cancel()
}

// keep gives the winner to the caller. Its context ends with its body.
func keep(r racer, req *http.Request) (*http.Response, error) {
	if r.err != nil {
		r.cancel()
		return nil, r.err
	}
	r.resp.Request = req
	if r.resp.Body == nil || r.resp.Body == http.NoBody {
		r.cancel()
	} else {
		r.resp.Body = &kept{r.resp.Body, r.cancel}
	}
	return r.resp, nil
}

type kept struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close closes the body and ends the request.
func (k *kept) Close() error {
	defer k.cancel()
	return k.ReadCloser.Close()
}

// wait is how long to wait for the first answer, if that is known, and if there
// may be a second request: an overloaded service gets none.
func (h *hedger) wait() (time.Duration, bool) {
	if h.throttle.recent() {
		return 0, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.credit = min(h.credit+h.Share, hedgeBurst)
	if h.credit < 1 {
		return 0, false
	}
	if h.Delay > 0 {
		return h.Delay, true
	}
	return h.delay, h.delay > 0
}

// spend takes the right to send one read twice.
func (h *hedger) spend() bool {
	if h.throttle.recent() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.credit < 1 {
		return false
	}
	h.credit--
	return true
}

// learn remembers how long an answer took.
func (h *hedger) learn(took time.Duration) {
	if h.Delay > 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.recent) < hedgeSample {
		h.recent = append(h.recent, took)
	} else {
		h.recent[h.learned%hedgeSample] = took
	}
	if h.learned++; h.learned%hedgeMinimum == 0 {
		sorted := slices.Sorted(slices.Values(h.recent))
		h.delay = max(sorted[min(int(float64(len(sorted))*h.Percentile), len(sorted)-1)], 1)
	}
}
