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

// What the learned wait is made from.
const (
	hedgeSample  = 200 // answers that are remembered
	hedgeMinimum = 20  // answers before which nothing is sent twice
)

// hedgePolicy stands below the retry, so each try may be sent twice.
type hedgePolicy struct {
	Hedge
	observe func(*http.Request)

	mu     sync.Mutex
	recent []time.Duration // how long answers took
	at     int
	credit float64 // reads that may be sent twice
}

func (p *hedgePolicy) Do(req *policy.Request) (*http.Response, error) {
	raw := req.Raw()
	if raw.Method != http.MethodGet && raw.Method != http.MethodHead {
		return req.Next()
	}
	delay, ok := p.delay()
	if !ok {
		began := time.Now()
		resp, err := req.Next()
		p.learn(began, err)
		return resp, err
	}
	return p.race(req, delay)
}

// racer is one of two requests.
type racer struct {
	resp   *http.Response
	err    error
	cancel context.CancelFunc
	number int
}

func (p *hedgePolicy) race(req *policy.Request, delay time.Duration) (*http.Response, error) {
	results := make(chan racer, 2)
	var cancels []context.CancelFunc
	run := func() {
		ctx, cancel := context.WithCancel(req.Raw().Context())
		try := req.Clone(ctx)
		began, number := time.Now(), len(cancels)
		cancels = append(cancels, cancel)
		go func() {
			resp, err := try.Next()
			p.learn(began, err)
			results <- racer{resp, err, cancel, number}
		}()
	}
	run()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	under, second := 1, timer.C
	for {
		select {
		case <-second:
			second = nil
			if p.spend() {
				p.observe(req.Raw())
				run()
				under++
			}
		case r := <-results:
			under--
			if under > 0 && (r.err != nil || worthATry(r.resp)) {
				discard(r.resp)
				r.cancel()
				continue // the other one may do better
			}
			if under > 0 {
				cancels[1-r.number]()
				go drop(results)
			}
			return keep(r)
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
func keep(r racer) (*http.Response, error) {
	if r.resp == nil || r.resp.Body == nil {
		r.cancel()
		return r.resp, r.err
	}
	r.resp.Body = &kept{r.resp.Body, r.cancel}
	return r.resp, r.err
}

type kept struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (k *kept) Close() error {
	defer k.cancel()
	return k.ReadCloser.Close()
}

// delay is how long to wait for the first answer, if that is known.
func (p *hedgePolicy) delay() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.credit = min(p.credit+p.Share, 10)
	if p.credit < 1 {
		return 0, false
	}
	if p.Delay > 0 {
		return p.Delay, true
	}
	if len(p.recent) < hedgeMinimum {
		return 0, false
	}
	sorted := slices.Clone(p.recent)
	slices.Sort(sorted)
	return sorted[min(int(float64(len(sorted))*p.Percentile), len(sorted)-1)], true
}

// spend takes the right to send one read twice.
func (p *hedgePolicy) spend() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.credit < 1 {
		return false
	}
	p.credit--
	return true
}

func (p *hedgePolicy) learn(began time.Time, err error) {
	if err != nil || p.Delay > 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.recent) < hedgeSample {
		p.recent = append(p.recent, time.Since(began))
		return
	}
	p.recent[p.at] = time.Since(began)
	p.at = (p.at + 1) % hedgeSample
}
