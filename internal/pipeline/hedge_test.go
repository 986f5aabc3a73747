package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// paced is a service whose answers take as long as a function says, and that knows
// what became of each request.
type paced struct {
	takes func(n int, r *http.Request) (time.Duration, int) // and the status

	mu        sync.Mutex
	requests  int
	cancelled int
	open      int // bodies that were not closed
}

func (s *paced) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	s.mu.Lock()
	s.requests++
	n := s.requests
	s.mu.Unlock()
	d, status := s.takes(n, r)
	if err := Sleep(r.Context(), d); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cancelled++
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	resp := answer(status)
	// A body is read on the context of its request, as with net/http.
	resp.Body = &countedBody{Reader: &contextReader{r.Context(), strings.NewReader(strings.Repeat("x", 100000))}, s: s}
	resp.ContentLength = 100000
	return resp, nil
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

type countedBody struct {
	io.Reader
	s    *paced
	once sync.Once
}

func (b *countedBody) Close() error {
	b.once.Do(func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		b.s.open--
	})
	return nil
}

// TestHedge: of two requests the first good answer counts, and is whole; the other
// request is cancelled, and nothing of it is left behind.
func TestHedge(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		method    string
		takes     [2]time.Duration // of both requests
		status    [2]int
		took      time.Duration
		requests  int
		cancelled int
		want      int
	}{
		"the first is fast":             {"GET", [2]time.Duration{50 * ms, 0}, [2]int{200, 200}, 50 * ms, 1, 0, 200},
		"the second wins":               {"GET", [2]time.Duration{time.Hour, 20 * ms}, [2]int{200, 200}, 120 * ms, 2, 1, 200},
		"the first wins all the same":   {"GET", [2]time.Duration{150 * ms, time.Hour}, [2]int{200, 200}, 150 * ms, 2, 1, 200},
		"both at once":                  {"HEAD", [2]time.Duration{200 * ms, 100 * ms}, [2]int{200, 200}, 200 * ms, 2, 0, 200},
		"the second is bad":             {"GET", [2]time.Duration{300 * ms, 20 * ms}, [2]int{200, 503}, 300 * ms, 2, 0, 200},
		"the first is bad, late":        {"GET", [2]time.Duration{150 * ms, 100 * ms}, [2]int{500, 200}, 200 * ms, 2, 0, 200},
		"the first is bad, early":       {"GET", [2]time.Duration{50 * ms, 0}, [2]int{503, 200}, 50 * ms, 1, 0, 503},
		"both are bad":                  {"GET", [2]time.Duration{150 * ms, 100 * ms}, [2]int{500, 503}, 200 * ms, 2, 0, 503},
		"an answer that is no trouble":  {"GET", [2]time.Duration{300 * ms, 20 * ms}, [2]int{200, 404}, 120 * ms, 2, 1, 404},
		"a write":                       {"PUT", [2]time.Duration{time.Hour, 0}, [2]int{201, 201}, time.Hour, 1, 0, 201},
		"a write that answers at last":  {"DELETE", [2]time.Duration{time.Second, 0}, [2]int{202, 202}, time.Second, 1, 0, 202},
		"a read with a body, as if one": {"POST", [2]time.Duration{time.Second, 0}, [2]int{200, 200}, time.Second, 1, 0, 200},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &paced{takes: func(n int, _ *http.Request) (time.Duration, int) { return c.takes[n-1], c.status[n-1] }}
			var hedges int
			p := New(Config{Transport: s, Hedge: &Hedge{Delay: 100 * ms, Share: 1}, Retry: noWait(0), Observe: func(e Event) {
				if e.Reason == ReasonHedge {
					hedges++
				}
			}})
			began := time.Now()
			resp, err := p.Do(newRequest(t, c.method, target, &Call{Idempotent: true}))
			if err != nil || resp.StatusCode != c.want {
				t.Fatalf("%s: %v, %v", name, resp, err)
			}
			if d := time.Since(began); d != c.took {
				t.Errorf("%s: it took %v, want %v", name, d, c.took)
			}
			synctest.Wait()
			open := 1
			if c.want >= 300 {
				open = 0 // those of errors are read at once
			}
			if s.requests != c.requests || s.cancelled != c.cancelled || hedges != c.requests-1 || s.open != open {
				t.Errorf("%s: %d requests, %d cancelled, %d hedges told, %d bodies open", name, s.requests, s.cancelled, hedges, s.open)
			}
			time.Sleep(2 * time.Hour) // whatever is still to come
			if got, err := io.ReadAll(resp.Body); len(got) != 100000 || err != nil {
				t.Errorf("%s: %d bytes of the winner, %v", name, len(got), err)
			}
			if resp.Request == nil || resp.Request.Context().Err() != nil {
				t.Errorf("%s: the request of the answer is %v", name, resp.Request)
			}
			_ = resp.Body.Close()
			if s.open != 0 {
				t.Errorf("%s: a body was left open", name)
			}
		})
	}
}

// TestHedgeShare: no more than the share of reads is sent twice, however slow they
// are, nor more than a few in a row.
func TestHedgeShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := false
		s := &paced{takes: func(int, *http.Request) (time.Duration, int) {
			if slow {
				return time.Second, 200
			}
			return time.Millisecond, 200
		}}
		p := New(Config{Transport: s, Hedge: &Hedge{Delay: 10 * time.Millisecond, Share: 0.05}, Retry: noWait(0)})
		read := func(n int) int {
			before := s.requests
			for range n {
				if _, err := do(t, p, "GET", target, &Call{Idempotent: true}); err != nil {
					t.Fatal(err)
				}
			}
			return s.requests - before - n
		}
		slow = true
		if n := read(1000); n < 45 || n > 50 {
			t.Errorf("%d of 1,000 slow reads were sent twice", n)
		}
		slow = false
		if n := read(1000); n != 0 {
			t.Errorf("%d fast reads were sent twice", n)
		}
		slow = true
		if n := read(20); n < 8 || n > 11 {
			t.Errorf("%d in a row were sent twice after a long time without", n)
		}
	})
}

// TestHedgeLearns: the wait is what nearly all of the last answers took, and follows
// them both ways.
func TestHedgeLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base, slow := 10*time.Millisecond, true
		s := &paced{takes: func(n int, _ *http.Request) (time.Duration, int) {
			if slow && n%50 == 49 {
				return time.Minute, 200 // one in fifty is very slow
			}
			return base + time.Duration(n*37%101)*base/101, 200
		}}
		throttle := NewThrottle(1000)
		p := New(Config{Transport: s, Hedge: &Hedge{Percentile: 0.95, Share: 0.1}, Retry: noWait(0), Throttle: throttle})
		read := func(n int) (worst time.Duration) {
			for range n {
				began := time.Now()
				if _, err := do(t, p, "GET", target, &Call{Idempotent: true}); err != nil {
					t.Fatal(err)
				}
				worst = max(worst, time.Since(began))
			}
			return worst
		}
		if before := s.requests; read(19) > 20*time.Millisecond || s.requests != before+19 {
			t.Error("something is sent twice before anything is known")
		}
		read(100)
		before := s.requests
		if worst := read(1000); worst > 50*time.Millisecond {
			t.Errorf("the slowest of 1,000 reads took %v", worst)
		}
		if twice := s.requests - before - 1000; twice < 20 || twice > 80 {
			t.Errorf("%d of 1,000 reads were sent twice", twice)
		}
		base = 100 * time.Millisecond
		read(500)
		before = s.requests
		if worst := read(1000); worst > 500*time.Millisecond {
			t.Errorf("the slowest of 1,000 slower reads took %v", worst)
		}
		if twice := s.requests - before - 1000; twice < 20 || twice > 80 {
			t.Errorf("%d of 1,000 slower reads were sent twice", twice)
		}
		// An overloaded service gets no second requests.
		throttle.refused(turn{transfer: true, cuts: throttle.cuts})
		base, slow, before = time.Millisecond*500, false, s.requests
		if read(40); s.requests != before+40 {
			t.Errorf("%d reads were sent twice to an overloaded service", s.requests-before-40)
		}
	})
}

// TestHedgeAndRefusal: what was to be sent a second time is not, if the service says
// meanwhile that it has too much to do.
func TestHedgeAndRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &paced{takes: func(int, *http.Request) (time.Duration, int) { return 3 * time.Second, 200 }}
		throttle := NewThrottle(1000)
		p := New(Config{Transport: s, Hedge: &Hedge{Delay: time.Second, Share: 1}, Retry: noWait(0), Throttle: throttle})
		time.AfterFunc(time.Second/2, func() { turn{throttle: throttle}.leave(answer(503)) })
		if _, err := do(t, p, "GET", target, &Call{Idempotent: true}); err != nil || s.requests != 1 {
			t.Errorf("%d requests, %v", s.requests, err)
		}
	})
}

// TestHedgeAndStall: if both requests hang, the try is over when the first of them
// has hung for too long, and is repeated.
func TestHedgeAndStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &paced{takes: func(n int, _ *http.Request) (time.Duration, int) {
			if n <= 2 {
				return 1000 * time.Hour, 200
			}
			return 0, 200
		}}
		var reasons []Reason
		p := New(Config{Transport: s, Hedge: &Hedge{Delay: time.Second, Share: 1}, Retry: noWait(1), Patience: patient, Observe: func(e Event) { reasons = append(reasons, e.Reason) }})
		began := time.Now()
		resp, err := do(t, p, "GET", target, &Call{Idempotent: true})
		if d := time.Since(began); err != nil || resp.StatusCode != 200 || d != answerPatience+time.Second || s.requests != 3 {
			t.Errorf("%v, %v after %v and %d requests: %v", resp, err, d, s.requests, reasons)
		}
	})
}

// TestHedgeCancelled: the end of the caller's context ends both.
func TestHedgeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &paced{takes: func(int, *http.Request) (time.Duration, int) { return time.Hour, 200 }}
		p := New(Config{Transport: s, Hedge: &Hedge{Delay: time.Second, Share: 1}, Retry: noWait(3), Patience: patient})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := doCtx(ctx, t, p, "GET", target, &Call{Idempotent: true})
		synctest.Wait()
		if !errors.Is(err, context.DeadlineExceeded) || s.requests != 2 || s.cancelled != 2 || s.open != 0 {
			t.Errorf("%v, %d requests, %d cancelled", err, s.requests, s.cancelled)
		}
	})
}

// TestHedgeOverConnections: over real connections of net/http the winner is whole,
// the loser's connection ends, and hooks and signatures see no race.
func TestHedgeOverConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := bytes.Repeat([]byte("w"), 300000)
		var mu sync.Mutex
		open := 0
		count := func(by int) { mu.Lock(); open += by; mu.Unlock() }
		client := piped(t, func(n int, c net.Conn) {
			count(1)
			defer count(-1)
			if n%2 == 1 {
				time.Sleep(time.Minute) // and answers all the same
			}
			wellServed(t, c, content)
		})
		hooks := 0
		set := policyFunc(func(req *policy.Request) (*http.Response, error) {
			req.Raw().Header.Set("x-try", "1")
			return req.Next()
		})
		p := New(Config{Transport: client, Hedge: &Hedge{Delay: time.Second, Share: 1}, Retry: noWait(0), Patience: patient,
			Auth: SharedKey("a", []byte("k")), PerRetry: []policy.Policy{set}})
		for range 10 {
			client.CloseIdleConnections() // so that each read has connections of its own
			req := newRequest(t, "GET", "http://a/c/b", &Call{Idempotent: true,
				OnRequest: func(r *http.Request) { r.Header.Set("x-hook", "1") }, OnResponse: func(*http.Response) { hooks++ }})
			resp, err := p.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			_ = resp.Body.Close()
		}
		if hooks != 10 {
			t.Errorf("%d answers were shown to the hook of 10 calls", hooks)
		}
		client.CloseIdleConnections()
		time.Sleep(2 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if open != 0 {
			t.Errorf("%d connections are open", open)
		}
	})
}
