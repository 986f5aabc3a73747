package pipeline

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Throttle lowers how many requests of transfers are under way when the service
// says that it is too much, and raises it again, one by one, while all goes well.
type Throttle struct {
	mu      sync.Mutex
	most    int // without any trouble
	limit   int // now
	busy    int
	good    int       // answers since the limit was last raised
	last    time.Time // when it was last lowered
	waiting []chan struct{}
}

// easing is how long after one cut the next one comes, since the answers to what
// was under way are all alike.
const easing = time.Second

// expectFor is how long after a cut bodies are announced before they are sent.
const expectFor = time.Minute

// NewThrottle makes one for clients with up to most requests under way; it is
// without effect until the service complains.
func NewThrottle(most int) *Throttle { return &Throttle{most: most, limit: most} }

// Limit returns how many requests may be under way now.
func (t *Throttle) Limit() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limit
}

// Trouble is told of an answer that says too much was asked.
func (t *Throttle) Trouble() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.good = 0
	if now := time.Now(); now.Sub(t.last) >= easing {
		t.limit = max(1, min(t.limit, max(t.busy, 1))/2)
		t.last = now
	}
}

// recent reports whether there was trouble not long ago.
func (t *Throttle) recent() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.last.IsZero() && time.Since(t.last) < expectFor
}

// Fine is told of an answer that came as it should.
func (t *Throttle) Fine() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limit == t.most {
		return
	}
	if t.good++; t.good >= t.limit {
		t.good = 0
		t.limit++
		t.wake()
	}
}

// enter waits until one more request may be under way.
func (t *Throttle) enter(ctx context.Context) error {
	t.mu.Lock()
	if t.limit == t.most || t.busy < t.limit && len(t.waiting) == 0 {
		// Without trouble there is no bound: that of each transfer is enough.
		t.busy++
		t.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	t.waiting = append(t.waiting, turn)
	t.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, w := range t.waiting {
		if w == turn {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return context.Cause(ctx)
		}
	}
	t.busy-- // its turn had come
	t.wake()
	return context.Cause(ctx)
}

func (t *Throttle) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
	t.wake()
}

// wake lets in as many as may be.
func (t *Throttle) wake() {
	for len(t.waiting) > 0 && (t.busy < t.limit || t.limit == t.most) {
		close(t.waiting[0])
		t.waiting = t.waiting[1:]
		t.busy++
	}
}

// throttlePolicy holds the tries of transfers back. A try that waits for its
// repetition holds no place.
type throttlePolicy struct{ throttle *Throttle }

func (p throttlePolicy) Do(req *policy.Request) (*http.Response, error) {
	var call Call
	_ = req.OperationValue(&call)
	if call.Transfer {
		if err := p.throttle.enter(req.Raw().Context()); err != nil {
			return nil, err
		}
		defer p.throttle.leave()
	}
	if req.Raw().ContentLength > 0 && p.throttle.recent() {
		// The service can refuse it before gigabytes are sent in vain.
		req.Raw().Header["Expect"] = []string{"100-continue"}
	}
	resp, err := req.Next()
	switch {
	case throttled(resp):
		p.throttle.Trouble()
	case err == nil:
		p.throttle.Fine()
	}
	return resp, err
}
