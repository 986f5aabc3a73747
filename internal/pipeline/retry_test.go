package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// scripted is a transport that does what a function says, and remembers when.
type scripted struct {
	do func(n int, r *http.Request) (*http.Response, error) // n counts from 1

	mu     sync.Mutex
	at     []time.Time
	seen   []*http.Request
	bodies []*openBody
}

func (s *scripted) Do(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.at, s.seen = append(s.at, time.Now()), append(s.seen, r)
	n := len(s.at)
	s.mu.Unlock()
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	resp, err := s.do(n, r)
	if resp != nil {
		b := &openBody{Reader: resp.Body}
		s.mu.Lock()
		s.bodies = append(s.bodies, b)
		s.mu.Unlock()
		resp.Body = b
	}
	return resp, err
}

func (s *scripted) tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}

// waits are the times between the tries.
func (s *scripted) waits() (d []time.Duration) {
	for i := range s.at[1:] {
		d = append(d, s.at[i+1].Sub(s.at[i]))
	}
	return d
}

// openBody is a body that knows whether it was closed.
type openBody struct {
	io.Reader
	closed bool
}

func (b *openBody) Close() error { b.closed = true; return nil }

// answer is an answer with headers, name and value by turns.
func answer(status int, header ...string) *http.Response {
	h := http.Header{}
	if Overload(status) {
		h.Set("x-ms-error-code", "ServerBusy") // without it the answer is that of a gateway
	}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("<Error><Code>X</Code></Error>")), ContentLength: 29}
}

var (
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
)

// failing fails in a way that is named.
func failing(how string) (*http.Response, error) {
	switch how {
	case "connect":
		return nil, errDial
	case "dns":
		return nil, &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}
	case "read":
		return nil, errReset
	case "eof":
		return nil, io.ErrUnexpectedEOF
	case "busy":
		return answer(503), nil
	case "gateway":
		return answer(503, "x-ms-error-code", ""), nil // which does not know what the service did
	case "ok":
		return answer(200), nil
	}
	var status int
	if _, err := fmt.Sscan(how, &status); err != nil {
		panic(how)
	}
	return answer(status), nil
}

const target = "https://a.blob.core.windows.net/c/b"

// TestRetryCounts: the bounds of each kind and of all together hold at once, and a
// count of none is one try.
func TestRetryCounts(t *testing.T) {
	usual := Retry{Total: 10, Connect: 3, Read: 3, Status: 3}
	for _, c := range []struct {
		fails string // by turns
		retry Retry
		tries int
	}{
		{"connect", usual, 4}, {"dns", usual, 4}, {"read", usual, 4}, {"eof", usual, 4}, {"busy", usual, 4},
		{"408", usual, 4}, {"429", usual, 4}, {"500", usual, 4}, {"502", usual, 4}, {"504", usual, 4},
		{"400", usual, 1}, {"404", usual, 1}, {"409", usual, 1}, {"412", usual, 1}, {"501", usual, 1}, {"505", usual, 1}, {"ok", usual, 1},
		{"connect read busy", usual, 10}, // three of each kind
		{"connect read busy", Retry{Total: 5, Connect: 3, Read: 3, Status: 3}, 6},
		{"connect read busy", Retry{Total: 10, Connect: 3, Read: 0, Status: 3}, 2},
		{"busy busy busy ok", usual, 4},
		{"connect", Retry{}, 1}, {"read", Retry{}, 1}, {"busy", Retry{}, 1},
		{"busy", Retry{Total: 100, Status: 50}, 51}, {"busy", Retry{Total: 7, Status: 50}, 8},
	} {
		synctest.Test(t, func(t *testing.T) {
			turns := strings.Fields(c.fails)
			s := &scripted{do: func(n int, _ *http.Request) (*http.Response, error) { return failing(turns[(n-1)%len(turns)]) }}
			retry := c.retry
			retry.Delay, retry.Factor, retry.MaxDelay = time.Second, 2, time.Minute
			var events []Event
			p := New(Config{Transport: s, Retry: retry, Observe: func(e Event) { events = append(events, e) }})
			resp, err := do(t, p, "PUT", target, &Call{Idempotent: true})
			if (err == nil) != (resp != nil) || s.tries() != c.tries {
				t.Errorf("%s, %+v: %d tries, want %d, and %v", c.fails, c.retry, s.tries(), c.tries, err)
			}
			again := 0
			for _, e := range events {
				if e.Again {
					again++
				}
			}
			if again != c.tries-1 {
				t.Errorf("%s: told of %d repetitions, there were %d", c.fails, again, c.tries-1)
			}
			for i, b := range s.bodies {
				if last := i == len(s.bodies)-1 && err == nil; !b.closed && !last {
					t.Errorf("%s: the body of answer %d was left open", c.fails, i+1)
				}
			}
		})
	}
}

// TestRetryWaits: the waits are random parts, large and small ones, of a bound that
// grows up to its maximum.
func TestRetryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bounds := []time.Duration{time.Second, 3 * time.Second, 9 * time.Second, 10 * time.Second, 10 * time.Second}
		var low, high [5]int
		const runs = 200
		for range runs {
			s := &scripted{do: func(int, *http.Request) (*http.Response, error) { return answer(500), nil }}
			p := New(Config{Transport: s, Retry: Retry{Total: 5, Status: 5, Delay: time.Second, Factor: 3, MaxDelay: 10 * time.Second}})
			if resp, err := do(t, p, "GET", target, nil); err != nil || resp.StatusCode != 500 {
				t.Fatal(resp, err)
			}
			for i, d := range s.waits() {
				if d <= 0 || d > bounds[i] {
					t.Fatalf("wait %d is %v, and the bound %v", i, d, bounds[i])
				}
				if d < bounds[i]/4 {
					low[i]++
				} else if d > bounds[i]*3/4 {
					high[i]++
				}
			}
		}
		for i := range bounds {
			if low[i] < runs/8 || high[i] < runs/8 {
				t.Errorf("wait %d: %d of %d below a quarter of the bound, %d above three quarters", i, low[i], runs, high[i])
			}
		}
	})
	if d := (Retry{Delay: 0, Factor: 2, MaxDelay: time.Minute}).Wait(3); d != 0 {
		t.Errorf("no delay is %v", d)
	}
	if d := (Retry{Delay: time.Hour, Factor: 100, MaxDelay: time.Second}).Wait(1000); d > time.Second {
		t.Errorf("the delay %v is above the maximum", d)
	}
}

// TestRetryAfter: what the service says wins over the random wait.
func TestRetryAfter(t *testing.T) {
	const day = "Mon, 02 Jan 2006 15:04:05 GMT"
	for _, c := range []struct {
		header []string
		want   time.Duration // negative: at most that
		tries  int
	}{
		{[]string{"Retry-After", "7"}, 7 * time.Second, 2},
		{[]string{"Retry-After", "0"}, 0, 2},
		{[]string{"retry-after-ms", "1500"}, 1500 * time.Millisecond, 2},
		{[]string{"x-ms-retry-after-ms", "250"}, 250 * time.Millisecond, 2},
		{[]string{"Retry-After", "7", "x-ms-retry-after-ms", "250"}, 250 * time.Millisecond, 2},
		{[]string{"Retry-After", "7", "x-ms-retry-after-ms", "250", "retry-after-ms", "100"}, 100 * time.Millisecond, 2},
		{[]string{"Retry-After", "Mon, 02 Jan 2006 15:04:25 GMT", "Date", day}, 20 * time.Second, 2}, // the clock of the service counts
		{[]string{"Retry-After", "Mon, 02 Jan 2006 15:04:00 GMT", "Date", day}, 0, 2},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 00:00:09 GMT"}, 9 * time.Second, 2}, // that of a bubble begins in 2000
		{[]string{"Retry-After", "30"}, 30 * time.Second, 2},
		{[]string{"Retry-After", "31"}, 0, 1},
		{[]string{"Retry-After", "99999999999999"}, 0, 1}, // more than a Duration holds
		{[]string{"Retry-After", "soon"}, -time.Second, 2},
		{[]string{"Retry-After", "-5"}, -time.Second, 2},
		{[]string{"retry-after-ms", "-5", "Retry-After", "7"}, 7 * time.Second, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{do: func(n int, _ *http.Request) (*http.Response, error) {
				if n == 1 {
					return answer(503, c.header...), nil
				}
				return answer(200), nil
			}}
			p := New(Config{Transport: s, Retry: Retry{Total: 3, Status: 3, Delay: time.Second, Factor: 2, MaxDelay: 30 * time.Second}})
			resp, err := do(t, p, "GET", target, nil)
			if err != nil || s.tries() != c.tries || (resp.StatusCode == 503) != (c.tries == 1) {
				t.Fatalf("%q: %d tries, want %d: %v", c.header, s.tries(), c.tries, err)
			}
			if c.tries == 1 {
				return
			}
			if d := s.waits()[0]; c.want >= 0 && d != c.want || c.want < 0 && (d <= 0 || d > -c.want) {
				t.Errorf("%q: waited %v, want %v", c.header, d, c.want)
			}
		})
	}
}

// TestRetryClass: what must not be done twice is repeated only if it was not done.
func TestRetryClass(t *testing.T) {
	once, twice := &Call{}, &Call{Idempotent: true}
	for _, c := range []struct {
		method string
		call   *Call
		fails  string
		tries  int
	}{
		{"PUT", once, "connect", 2}, {"PUT", once, "busy", 2}, {"PUT", once, "429", 2},
		{"PUT", once, "gateway", 1}, {"PUT", twice, "gateway", 2}, {"GET", nil, "gateway", 2},
		{"PUT", once, "read", 1}, {"PUT", once, "500", 1}, {"PUT", once, "408", 1}, {"PUT", once, "502", 1}, {"PUT", once, "504", 1},
		{"PUT", twice, "read", 2}, {"PUT", twice, "500", 2},
		{"GET", nil, "read", 2}, {"HEAD", nil, "500", 2}, {"PUT", nil, "read", 1}, {"PUT", nil, "busy", 2}, {"DELETE", nil, "500", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{do: func(n int, _ *http.Request) (*http.Response, error) {
				if n == 1 {
					return failing(c.fails)
				}
				return answer(200), nil
			}}
			_, _ = do(t, New(Config{Transport: s, Retry: noWait(5)}), c.method, target, c.call)
			if s.tries() != c.tries {
				t.Errorf("%s %+v after %s: %d tries, want %d", c.method, c.call, c.fails, s.tries(), c.tries)
			}
		})
	}
	// Copies whose source was busy were not made, whatever the status.
	for code, tries := range map[string]int{"ServerBusy": 2, "InternalError": 2, "OperationTimedOut": 2, "AuthenticationFailed": 1} {
		s := &scripted{do: func(n int, _ *http.Request) (*http.Response, error) {
			return answer([]int{409, 200}[n-1], "x-ms-copy-source-error-code", code), nil
		}}
		_, _ = do(t, New(Config{Transport: s, Retry: noWait(5)}), "PUT", target, once)
		if s.tries() != tries {
			t.Errorf("a source that answered %s: %d tries, want %d", code, s.tries(), tries)
		}
	}
}

// TestRetryOfCall: the settings of a call replace those of the client.
func TestRetryOfCall(t *testing.T) {
	s := &scripted{do: func(int, *http.Request) (*http.Response, error) { return answer(503), nil }}
	p := New(Config{Transport: s, Retry: noWait(2)})
	for tries, own := range map[int]*Retry{3: nil, 6: new(noWait(5)), 1: {}} {
		s.at = nil
		if _, err := do(t, p, "GET", target, &Call{Retry: own}); err != nil || s.tries() != tries {
			t.Errorf("%+v: %d tries, want %d, %v", own, s.tries(), tries, err)
		}
	}
}

// TestEndOfContextInAWait: the error is the end of the context, at its time, and
// tells of the failure that was waited for.
func TestEndOfContextInAWait(t *testing.T) {
	cause := errors.New("the user has left")
	for _, how := range []string{"busy", "read", "connect"} {
		for _, during := range []string{"wait", "try"} {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{do: func(n int, r *http.Request) (*http.Response, error) {
					if n == 2 {
						<-r.Context().Done()
						return nil, r.Context().Err()
					}
					return failing(how)
				}}
				retry := Retry{Total: 5, Connect: 5, Read: 5, Status: 5, MaxDelay: time.Hour}
				if during == "wait" {
					retry.Delay, retry.Factor = 1000*time.Hour, 1
				}
				p := New(Config{Transport: s, Retry: retry})
				ctx, cancel := context.WithCancelCause(t.Context())
				began := time.Now()
				// Nearly all waits are longer than that.
				time.AfterFunc(time.Microsecond, func() { cancel(cause) })
				_, err := doCtx(ctx, t, p, "GET", target, nil)
				if d := time.Since(began); d != time.Microsecond {
					t.Errorf("%s: returned after %v", how, d)
				}
				if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
					t.Errorf("%s in a %s: %v is not the end of the context and its cause", how, during, err)
				}
				cut, ok := errors.AsType[*Interrupted](err)
				switch {
				case !ok:
					t.Errorf("%s in a %s: %v tells of no failure", how, during, err)
				case how == "busy":
					text, _ := io.ReadAll(cut.Response.Body)
					if cut.Response.StatusCode != 503 || !strings.Contains(string(text), "<Error>") || !strings.Contains(err.Error(), "503") {
						t.Errorf("%v, with the answer %q", err, text)
					}
				case how == "read" && !errors.Is(err, errReset) || how == "connect" && !errors.Is(err, errDial):
					t.Errorf("%s: %v", how, err)
				}
			})
		}
	}
	// An end without a failure before is nothing but that.
	s := &scripted{do: func(int, *http.Request) (*http.Response, error) { return nil, context.Canceled }}
	if _, err := do(t, New(Config{Transport: s, Retry: noWait(3)}), "GET", target, nil); !errors.Is(err, context.Canceled) || s.tries() != 1 {
		t.Errorf("%d tries, %v", s.tries(), err)
	}
}

// TestTimeoutOfTransport: a transport may have a time of its own for each request,
// which is not the end of the call.
func TestTimeoutOfTransport(t *testing.T) {
	s := &scripted{do: func(n int, _ *http.Request) (*http.Response, error) {
		if n == 1 {
			return nil, context.DeadlineExceeded
		}
		return answer(200), nil
	}}
	if resp, err := do(t, New(Config{Transport: s, Retry: noWait(3)}), "GET", target, nil); err != nil || resp.StatusCode != 200 {
		t.Error(resp, err)
	}
}

// TestAgain: what breaks off above the pipeline is repeated by the same settings,
// and a call that goes through the pipeline twice has one count.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []Event
		c := Config{Retry: Retry{Total: 4, Read: 3, Status: 3, Delay: time.Second, Factor: 1, MaxDelay: time.Second},
			Budget: NewRetryBudget(100), Observe: func(e Event) { events = append(events, e) }}
		s := &scripted{do: func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 || n == 3 {
				return answer(503), nil
			}
			return answer(200), nil
		}}
		c.Transport = s
		p, r, tally := New(c), c.Repeater(), &Tally{}
		passes := 0
		for {
			if _, err := do(t, p, "GET", target, &Call{Tally: tally}); err != nil {
				t.Fatal(err)
			}
			passes++
			before := time.Now()
			if err := r.Again(t.Context(), nil, tally, ReasonRead, errReset); err != nil {
				if err != errReset {
					t.Error(err)
				}
				break
			}
			if d := time.Since(before); d <= 0 || d > time.Second {
				t.Errorf("waited %v", d)
			}
		}
		if passes != 3 || s.tries() != 5 || c.Budget.Left() != 80 || len(events) != 5 || events[4].Again {
			t.Errorf("%d passes and %d tries, %d tokens left, %d events", passes, s.tries(), c.Budget.Left(), len(events))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1)
		defer cancel()
		if err := r.Again(ctx, &Retry{Total: 1, Read: 1, Delay: 1000 * time.Hour, Factor: 1, MaxDelay: 1000 * time.Hour}, &Tally{}, ReasonRead, errReset); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errReset) {
			t.Error(err)
		}
	})
}

// TestResume: what moves may break as often as it likes, and costs nothing.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{Retry: Retry{Total: 10, Read: 3, Delay: time.Second, Factor: 2, MaxDelay: time.Minute}, Budget: NewRetryBudget(12)}
		r := c.Repeater()
		for range 100 {
			if err := r.Resume(t.Context(), nil, 0, errReset); err != nil || c.Budget.Left() != 12 {
				t.Fatal(err, c.Budget.Left())
			}
		}
		for n, want := range []error{nil, nil, nil, errReset} {
			if err := r.Resume(t.Context(), nil, n, errReset); err != want {
				t.Errorf("after %d without a byte: %v", n, err)
			}
		}
		if c.Budget.Left() != 2 {
			t.Errorf("%d tokens are left", c.Budget.Left())
		}
		if err := r.Resume(t.Context(), &Retry{}, 0, errReset); err != errReset {
			t.Errorf("without repetitions: %v", err)
		}
		if err := r.Resume(t.Context(), nil, 1, errReset); err != errReset {
			t.Errorf("without tokens: %v", err)
		}
	})
}

// TestRetryBudget: an outage is not answered by a storm, and what succeeds fills
// the bucket again.
func TestRetryBudget(t *testing.T) {
	for how, most := range map[string]int{"busy": 100, "read": 100, "connect": 50} {
		synctest.Test(t, func(t *testing.T) {
			down := true
			s := &scripted{do: func(int, *http.Request) (*http.Response, error) {
				if down {
					return failing(how)
				}
				return answer(200), nil
			}}
			budget := NewRetryBudget(500)
			p := New(Config{Transport: s, Budget: budget, Retry: Retry{Total: 10, Connect: 3, Read: 3, Status: 3, Delay: time.Second, Factor: 2, MaxDelay: time.Minute}})
			call := func(n int) int {
				before := s.tries()
				var all sync.WaitGroup
				for range n {
					all.Go(func() { _, _ = do(t, p, "GET", target, nil) })
				}
				all.Wait()
				return s.tries() - before
			}
			if n := call(1000); n != 1000+most || budget.Left() != 0 {
				t.Errorf("%s: %d tries of 1,000 calls, and %d tokens left", how, n, budget.Left())
			}
			if n := call(100); n != 100 {
				t.Errorf("%s: %d tries of 100 calls without tokens", how, n)
			}
			down = false
			if n := call(450); n != 450 || budget.Left() != 450 {
				t.Errorf("%s: %d tokens after %d calls that went well", how, budget.Left(), n)
			}
			if call(100); budget.Left() != 500 {
				t.Errorf("%s: %d tokens in a bucket for 500", how, budget.Left())
			}
		})
	}
	// A repetition that succeeds gives back what it took.
	for _, how := range []string{"connect", "busy"} {
		budget := NewRetryBudget(500)
		s := &scripted{do: func(n int, _ *http.Request) (*http.Response, error) {
			if n%2 == 1 {
				return failing(how)
			}
			return answer(200), nil
		}}
		p := New(Config{Transport: s, Budget: budget, Retry: noWait(3)})
		for range 1000 {
			if resp, err := do(t, p, "GET", target, nil); err != nil || resp.StatusCode != 200 {
				t.Fatal(how, resp, err)
			}
		}
		if budget.Left() != 500 {
			t.Errorf("%s: %d tokens", how, budget.Left())
		}
	}
	// Without a bound there is none.
	s := &scripted{do: func(int, *http.Request) (*http.Response, error) { return answer(503), nil }}
	p := New(Config{Transport: s, Budget: NewRetryBudget(0), Retry: noWait(3)})
	for range 300 {
		_, _ = do(t, p, "GET", target, nil)
	}
	if s.tries() != 1200 {
		t.Errorf("%d tries without a bound", s.tries())
	}
}

// TestCauseIsTold: why a context ended is in the error, although azcore leaves it out.
func TestCauseIsTold(t *testing.T) {
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &scripted{do: func(int, *http.Request) (*http.Response, error) {
		cancel(why)
		return nil, context.Canceled
	}}
	_, err := doCtx(ctx, t, New(Config{Transport: s, Retry: noWait(5)}), "GET", target, &Call{Idempotent: true})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || s.tries() != 1 {
		t.Errorf("%v after %d tries", err, s.tries())
	}
}
