package pipeline

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// crowded is a service that takes so many requests at a time, and refuses the rest.
// A request is under way until its body has been read.
type crowded struct {
	takes    int
	work     time.Duration // until the answer
	bodyTime time.Duration // of the body of the answer

	mu              sync.Mutex
	busy, most      int
	served, refused int
	expected        int // requests that asked whether they may send their body
}

func (c *crowded) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	c.mu.Lock()
	if r.Header.Get("Expect") != "" {
		c.expected++
	}
	if c.busy >= c.takes {
		c.refused++
		c.mu.Unlock()
		time.Sleep(time.Millisecond)
		return answer(503), nil
	}
	c.busy++
	c.most = max(c.most, c.busy)
	c.served++
	c.mu.Unlock()
	time.Sleep(c.work)
	if c.bodyTime == 0 {
		c.leave()
		return answer(201), nil
	}
	resp := answer(200)
	resp.Body = &slowBody{left: c.bodyTime, leave: sync.OnceFunc(c.leave)}
	return resp, nil
}

func (c *crowded) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
}

// slowBody takes a while.
type slowBody struct {
	left  time.Duration
	leave func()
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.leave()
		return 0, io.EOF
	}
	time.Sleep(10 * time.Millisecond)
	b.left -= 10 * time.Millisecond
	return 1, nil
}

func (b *slowBody) Close() error { b.leave(); return nil }

// run has workers make calls of a transfer, and returns how long that took and how
// many failed.
func run(t *testing.T, service policy.Transporter, throttle *Throttle, workers, calls int) (took time.Duration, failed int) {
	p := New(Config{Transport: service, Throttle: throttle, Budget: NewRetryBudget(500), Patience: patient,
		Retry: Retry{Total: 10, Connect: 3, Read: 3, Status: 3, Delay: 800 * time.Millisecond, Factor: 2, MaxDelay: time.Minute}})
	var next, bad atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range workers {
		all.Go(func() {
			for next.Add(1) <= int64(calls) {
				req := newRequest(t, "PUT", target, &Call{Idempotent: true, Transfer: true, Body: &trackedBody{data: []byte("abc")}})
				resp, err := p.Do(req)
				if err != nil || resp.StatusCode >= 300 {
					bad.Add(1)
				}
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			}
		})
	}
	all.Wait()
	return time.Since(began), int(bad.Load())
}

// TestThrottle: many transfers at a service that takes few requests at a time. All
// work is done, hardly any of it is refused after the first wave, and the service
// is kept busy.
func TestThrottle(t *testing.T) {
	for _, c := range []struct {
		workers, takes, calls int
		work, body            time.Duration
	}{
		{64, 10, 2000, 100 * time.Millisecond, 0},
		{64, 1, 300, 100 * time.Millisecond, 0},
		{64, 40, 4000, 20 * time.Millisecond, 0},
		{1000, 10, 2000, 100 * time.Millisecond, 0}, // more at once than the budget of repetitions is for
		{64, 10, 2000, 10 * time.Millisecond, 90 * time.Millisecond},
		{64, 64, 1000, 100 * time.Millisecond, 0}, // no trouble
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &crowded{takes: c.takes, work: c.work, bodyTime: c.body}
			throttle := NewThrottle(1000)
			took, failed := run(t, s, throttle, c.workers, c.calls)
			ideal := time.Duration(c.calls) * (c.work + c.body) / time.Duration(min(c.takes, c.workers))
			t.Logf("%d workers, %d calls of %v, %d at a time: %d refused, %d failed, %v (%.2f of the ideal), limit %d",
				c.workers, c.calls, c.work+c.body, c.takes, s.refused, failed, took, float64(took)/float64(ideal), throttle.Limit())
			wave := c.workers - c.takes
			if failed > 0 || s.served != c.calls {
				t.Errorf("%d calls failed, %d were served", failed, s.served)
			}
			if most := wave + c.calls/10; s.refused > most {
				t.Errorf("%d requests were refused, and %d in the first wave", s.refused, wave)
			}
			if took > 2*ideal+3*time.Second {
				t.Errorf("it took %v, and could take %v", took, ideal)
			}
			if wave > 0 && (s.expected == 0 || throttle.Limit() > 2*c.takes+2) || wave <= 0 && (throttle.Limit() != 1000 || s.expected > 0) {
				t.Errorf("the limit is %d, and %d bodies were announced", throttle.Limit(), s.expected)
			}
			if throttle.busy != 0 || len(throttle.waiting) != 0 || throttle.answers.Load() != 0 {
				t.Errorf("%d are under way, %d wait, %d answers are read", throttle.busy, len(throttle.waiting), throttle.answers.Load())
			}
		})
	}
}

// metered is a service that takes so many requests a second, however many come at
// a time.
type metered struct {
	perSecond       float64
	mu              sync.Mutex
	tokens          float64
	at              time.Time
	served, refused int
}

func (m *metered) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	m.mu.Lock()
	now := time.Now()
	m.tokens = min(m.tokens+now.Sub(m.at).Seconds()*m.perSecond, m.perSecond)
	m.at = now
	ok := m.tokens >= 1
	if ok {
		m.tokens--
		m.served++
	} else {
		m.refused++
	}
	m.mu.Unlock()
	time.Sleep(5 * time.Millisecond)
	if !ok {
		return answer(503), nil
	}
	return answer(201), nil
}

// TestThrottleOfRate: a service that counts requests a second is too much for with
// one at a time, so there are pauses.
func TestThrottleOfRate(t *testing.T) {
	for _, rate := range []int{20, 100, 1000} {
		synctest.Test(t, func(t *testing.T) {
			s := &metered{perSecond: float64(rate), tokens: float64(rate), at: time.Now()}
			took, failed := run(t, s, NewThrottle(1000), 64, 20*rate)
			t.Logf("%d calls, %d a second: %d refused, %d failed, %v", 20*rate, rate, s.refused, failed, took)
			if failed > 0 || s.served != 20*rate || took > 25*time.Second || s.refused > s.served/2 {
				t.Errorf("%d failed, %d refused, %v", failed, s.refused, took)
			}
		})
	}
}

// TestThrottleRecovers: when the service takes all again, the limit climbs, and is
// gone a while after the last refusal.
func TestThrottleRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &crowded{takes: 4, work: 100 * time.Millisecond}
		throttle := NewThrottle(1000)
		run(t, s, throttle, 64, 500)
		low := throttle.Limit()
		s.takes = 1000
		before := s.refused
		run(t, s, throttle, 64, 1000)
		if high := throttle.Limit(); low > 8 || high < 20 || s.refused != before {
			t.Errorf("the limit was %d, and is %d; %d were refused", low, high, s.refused-before)
		}
		time.Sleep(quiet)
		took, _ := run(t, s, throttle, 64, 3000)
		if throttle.Limit() != 1000 || took > 7*time.Second {
			t.Errorf("the limit is %d after a quiet minute, and 3,000 calls took %v", throttle.Limit(), took)
		}
		if throttle.recent() {
			t.Error("bodies are still announced")
		}
	})
}

// TestPacedRefusalsCountInTotal: what is refused while the throttle lowers its limit
// counts in Total alone, but not where there are to be no repetitions of its kind.
func TestPacedRefusalsCountInTotal(t *testing.T) {
	r := Retry{Total: 4, Status: 1}
	var tally Tally
	for i, c := range []struct{ paced, want bool }{{true, true}, {true, true}, {false, true}, {false, false}, {true, true}, {true, false}} {
		if got := tally.allows(r, ReasonStatus, c.paced); got != c.want {
			t.Errorf("repetition %d, paced %v: %v", i+1, c.paced, got)
		}
	}
	if tally = (Tally{}); tally.allows(Retry{Total: 4}, ReasonStatus, true) {
		t.Error("a repetition where there are none of its kind")
	}
}

// TestBusyServiceAlone: a transfer that nothing else succeeds beside of has as many
// tries as the status counts say, however much less could be sent.
func TestBusyServiceAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &crowded{takes: 0}
		if _, failed := run(t, s, NewThrottle(1000), 1, 1); failed != 1 || s.refused != 4 {
			t.Errorf("%d failed after %d tries", failed, s.refused)
		}
	})
}

// TestThrottleInAnOutage: a service that refuses everything gets one request at a
// time, and no storm of repetitions.
func TestThrottleInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &crowded{takes: 0}
		throttle := NewThrottle(1000)
		took, failed := run(t, s, throttle, 64, 1000)
		t.Logf("an outage: 1,000 calls, %d requests in %v, limit %d", s.refused, took, throttle.Limit())
		if failed != 1000 || s.refused > 1000+80+100 || throttle.Limit() != 1 || took > 10*time.Minute {
			t.Errorf("%d failed, %d requests, limit %d, %v", failed, s.refused, throttle.Limit(), took)
		}
	})
}

// TestThrottleWaitsHoldNoPlace: while a request waits for its repetition another
// one is under way.
func TestThrottleWaitsHoldNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{do: func(n int, r *http.Request) (*http.Response, error) {
			if r.Header.Get("x-kind") == "busy" && n == 1 {
				return answer(503, "Retry-After", "10"), nil
			}
			return answer(200), nil
		}}
		throttle := NewThrottle(1000)
		throttle.limit, throttle.threshold = 1, 1
		p := New(Config{Transport: s, Throttle: throttle, Retry: Retry{Total: 3, Status: 3, MaxDelay: time.Minute}})
		call := func(kind string) time.Duration {
			began := time.Now()
			_, _ = do(t, p, "GET", target, &Call{Idempotent: true, Transfer: true, OnRequest: func(r *http.Request) { r.Header.Set("x-kind", kind) }})
			return time.Since(began)
		}
		var all sync.WaitGroup
		all.Go(func() {
			if d := call("busy"); d < 10*time.Second || d > 11*time.Second {
				t.Errorf("it took %v", d)
			}
		})
		synctest.Wait()
		if d := call("fine"); d != leastGap {
			t.Errorf("a request waited %v for one that was waiting itself", d)
		}
		all.Wait()
	})
}

// TestThrottleOfBodies: an answer holds its place until it has been read or closed,
// but not for ever, since who reads it may be waiting for another one.
func TestThrottleOfBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{do: func(int, *http.Request) (*http.Response, error) { return answer(200), nil }}
		throttle := NewThrottle(1000)
		throttle.limit, throttle.threshold = 1, 1
		throttle.last = time.Now()
		p := New(Config{Transport: s, Throttle: throttle, Retry: noWait(0)})
		get := func() (io.ReadCloser, time.Duration) {
			began := time.Now()
			throttle.mu.Lock()
			throttle.limit, throttle.good = 1, -100 // or it would climb
			throttle.mu.Unlock()
			resp, err := p.Do(newRequest(t, "GET", target, &Call{Transfer: true}))
			if err != nil {
				t.Fatal(err)
			}
			return resp.Body, time.Since(began)
		}
		first, _ := get()
		second, d := get()
		if d != heldFor {
			t.Errorf("the second waited %v for a body that nobody reads, want %v", d, heldFor)
		}
		_, _ = io.Copy(io.Discard, second)
		third, d := get()
		if d != 0 {
			t.Errorf("the third waited %v for a body that was read", d)
		}
		_ = third.Close()
		fourth, d := get()
		if d != 0 {
			t.Errorf("the fourth waited %v for a body that was closed", d)
		}
		for _, b := range []io.Closer{first, second, fourth, fourth} {
			_ = b.Close()
		}
		if throttle.busy != 0 {
			t.Errorf("%d are under way", throttle.busy)
		}
		time.Sleep(time.Minute) // no timer is left that gives a place back twice
		if throttle.busy != 0 {
			t.Errorf("%d are under way after a minute", throttle.busy)
		}
	})
}

// TestThrottleAndContext: the end of a context ends the waiting for a place, and
// loses none, also if the turn comes at the same moment.
func TestThrottleAndContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := NewThrottle(1000)
		throttle.limit = 2
		cause := errors.New("enough")
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(i%7+1)*10*time.Millisecond, cause)
				defer cancel()
				p, err := throttle.enter(ctx, true)
				if err != nil {
					if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cause) {
						t.Error(err)
					}
					return
				}
				time.Sleep(10 * time.Millisecond)
				p.leave(nil)
			})
		}
		all.Wait()
		if throttle.busy != 0 || len(throttle.waiting) != 0 {
			t.Errorf("%d are under way, %d wait", throttle.busy, len(throttle.waiting))
		}
		if _, err := throttle.enter(t.Context(), true); err != nil {
			t.Error(err)
		}
	})
}

// TestThrottleGivesTurnsBack: who gave up waiting at the moment when the turn came
// gives it to the next one.
func TestThrottleGivesTurnsBack(t *testing.T) {
	throttle := NewThrottle(1000)
	throttle.limit, throttle.busy = 1, 1
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error)
	for _, ctx := range []context.Context{ctx, t.Context()} {
		go func() {
			_, err := throttle.enter(ctx, true)
			waits <- err
		}()
		for queued := false; !queued; runtime.Gosched() {
			throttle.mu.Lock()
			queued = len(throttle.waiting) == 1 && ctx != t.Context() || len(throttle.waiting) == 2
			throttle.mu.Unlock()
		}
	}
	throttle.mu.Lock()
	cancel()
	time.Sleep(20 * time.Millisecond) // until it has seen that, and waits for the lock
	throttle.busy--
	throttle.wake()
	throttle.mu.Unlock()
	if err := errors.Join(<-waits, <-waits); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if throttle.busy != 1 || len(throttle.waiting) != 0 {
		t.Errorf("%d are under way, %d wait", throttle.busy, len(throttle.waiting))
	}
}

// TestThrottleIsForTransfers: other calls wait for nothing, and neither raise nor
// hold anything; but their refusals count.
func TestThrottleIsForTransfers(t *testing.T) {
	status := 200
	s := &scripted{do: func(int, *http.Request) (*http.Response, error) {
		if status == 500 {
			return answer(500, "x-ms-error-code", "OperationTimedOut"), nil
		}
		return answer(status), nil
	}}
	throttle := NewThrottle(1000)
	throttle.limit, throttle.threshold, throttle.busy = 8, 8, 8
	p := New(Config{Transport: s, Throttle: throttle, Retry: noWait(0)})
	for range 100 {
		if _, err := do(t, p, "GET", target, &Call{}); err != nil {
			t.Fatal(err)
		}
	}
	if throttle.limit != 8 || throttle.busy != 8 {
		t.Errorf("limit %d, busy %d", throttle.limit, throttle.busy)
	}
	for _, c := range []struct{ status, want int }{{404, 8}, {504, 8}, {503, 4}, {429, 4}, {500, 4}} {
		throttle.limit, status = 8, c.status
		if _, _ = do(t, p, "GET", target, &Call{}); throttle.limit != c.want {
			t.Errorf("after %d the limit is %d, want %d", c.status, throttle.limit, c.want)
		}
	}
	var none *Throttle
	if p, err := none.enter(t.Context(), true); err != nil || none.recent() || none.Limit() != 0 || none.bites() {
		t.Error(err)
	} else {
		p.leave(answer(503))
	}
	if strings.Contains(s.seen[0].Header.Get("Expect"), "100") {
		t.Error("a request without a body asks whether it may send it")
	}
}

// TestRefusalsOfOthers: the refusal of what is no transfer does not hold transfers
// back, unless some are under way.
func TestRefusalsOfOthers(t *testing.T) {
	throttle := NewThrottle(1000)
	p, err := throttle.enter(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	p.leave(answer(503))
	if throttle.Limit() != 1000 || !throttle.recent() {
		t.Errorf("limit %d, recent %v", throttle.Limit(), throttle.recent())
	}
}

// TestFirstRefusalAlone: the limit is raised less and less often also if nothing else
// was under way at the first refusal.
func TestFirstRefusalAlone(t *testing.T) {
	throttle := NewThrottle(1000)
	turn{throttle: throttle, transfer: true}.refusedAlone()
	for range 10 {
		throttle.busy = 1
		throttle.refused(turn{throttle: throttle, transfer: true, cuts: throttle.cuts})
	}
	if throttle.rounds != mostRounds {
		t.Errorf("%d rounds before the next attempt", throttle.rounds)
	}
}

// refusedAlone has the request refused while no other is under way.
func (p turn) refusedAlone() {
	p.throttle.busy = 1
	p.leave(answer(503))
}

// TestRefusalLetsNobodyIn: the place of a request that was refused goes to nobody
// before the limit is lowered, or the next one would be refused as well, and so on.
func TestRefusalLetsNobodyIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := NewThrottle(1000)
		throttle.limit, throttle.threshold = 2, 2
		enter := func() turn {
			p, err := throttle.enter(t.Context(), true)
			if err != nil {
				t.Error(err)
			}
			return p
		}
		first, second := enter(), enter()
		in := make(chan turn, 1)
		go func() { in <- enter() }()
		synctest.Wait()
		second.leave(answer(503))
		synctest.Wait()
		if throttle.busy != 1 || len(throttle.waiting) != 1 || throttle.limit != 1 {
			t.Errorf("%d are under way, %d wait, and the limit is %d", throttle.busy, len(throttle.waiting), throttle.limit)
		}
		first.leave(nil)
		third := <-in
		third.leave(nil)
	})
}

// lottery is a service that refuses requests whatever there is to do.
type lottery struct {
	share float64
	mu    sync.Mutex
	rng   *rand.Rand
}

func (l *lottery) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	time.Sleep(20 * time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rng.Float64() < l.share {
		return answer(503), nil
	}
	return answer(201), nil
}

// TestThrottleOfChance: refusals that have nothing to do with how much is sent cannot
// be avoided by sending less; transfers still end in a time that can be borne.
func TestThrottleOfChance(t *testing.T) {
	for share, most := range map[float64]time.Duration{0.01: 5 * time.Second, 0.05: 15 * time.Second, 0.1: 25 * time.Second, 0.2: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := &lottery{share: share, rng: rand.New(rand.NewPCG(1, 2))}
			took, failed := run(t, s, NewThrottle(1000), 16, 512)
			t.Logf("512 calls of 20ms, %.0f %% refused by chance: %v, %d failed", 100*share, took, failed)
			if failed > 0 || took > most {
				t.Errorf("%.0f %% refused by chance: %v, %d failed", 100*share, took, failed)
			}
		})
	}
}
