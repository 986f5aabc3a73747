package pipeline

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Throttle bounds how many requests of transfers are under way while the service
// says that it is too much. It is what TCP does for packets: a refusal halves the
// bound, answers raise it again, at first one by one and later one a round, and a
// minute without refusals lifts it as fast as it goes. Where it was refused each
// time, it goes less and less often. Without a refusal there is no bound, and
// nothing waits: that of each transfer is enough.
type Throttle struct {
	most    int
	answers atomic.Int64 // bodies of answers that are being read
	grants  atomic.Int64 // requests that the service took

	mu        sync.Mutex
	limit     int // now
	threshold int // up to which each answer raises the limit
	busy      int
	good      int           // answers since the limit was last raised
	ceiling   int           // how many were under way when the limit was last halved; 0 if more have been since
	rounds    int           // of answers before the ceiling is tried again
	gap       time.Duration // before each request, when one at a time is still too many
	cuts      int           // how often the limit was halved
	last      time.Time     // of the last refusal
	waiting   []chan struct{}
}

// quiet is how long there must be no refusal before the service is thought to be
// as it was. For as long bodies are announced before they are sent.
const quiet = time.Minute

// mostRounds is how many rounds of answers there are at most before the limit is
// raised to where there was a refusal each time.
const mostRounds = 32

// The pause before each request when one at a time is refused: it grows by half with
// each refusal, and shrinks by a part with each answer. So it stays short where one
// request in five is refused, however few there are.
const (
	leastGap  = 5 * time.Millisecond
	mostGap   = 100 * time.Millisecond
	gapShrink = 12
)

// heldFor is how long the body of an answer keeps its place if it is not read to
// its end: who reads it may be waiting for another one.
const heldFor = 10 * time.Second

// NewThrottle makes one for clients with up to most requests under way.
func NewThrottle(most int) *Throttle {
	return &Throttle{most: most, limit: most, threshold: most}
}

// Limit returns how many requests may be under way now.
func (t *Throttle) Limit() int {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limit
}

// recent reports whether there was a refusal not long ago.
func (t *Throttle) recent() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.last.IsZero() && time.Since(t.last) < quiet
}

// bites reports whether the throttle paces the requests of transfers, and could do
// so more than it does.
func (t *Throttle) bites() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limit < t.most && (t.limit > 1 || t.gap < mostGap)
}

// taken is how many requests the service has taken since there was a throttle.
func (t *Throttle) taken() int64 {
	if t == nil {
		return 0
	}
	return t.grants.Load()
}

// turn is the right of a request to be under way. The zero turn has no meaning.
type turn struct {
	throttle *Throttle
	transfer bool
	cuts     int // when it began
}

// enter waits until one more request may be under way. Only those of transfers
// wait, and are counted.
func (t *Throttle) enter(ctx context.Context, transfer bool) (turn, error) {
	if t == nil {
		return turn{}, nil
	}
	t.mu.Lock()
	p := turn{t, transfer, t.cuts}
	switch {
	case !transfer:
		t.mu.Unlock()
		return p, nil
	case t.limit == t.most:
		t.busy++
		t.mu.Unlock()
		return p, nil
	case t.busy < t.limit && len(t.waiting) == 0:
		t.busy++
		t.mu.Unlock()
	default:
		if err := t.queue(ctx); err != nil {
			return turn{}, err
		}
	}
	return t.begin(ctx)
}

// queue waits for a place. The lock is held when it is called, and is not after it.
func (t *Throttle) queue(ctx context.Context) error {
	next := make(chan struct{})
	t.waiting = append(t.waiting, next)
	t.mu.Unlock()
	select {
	case <-next:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, w := range t.waiting {
		if w == next {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return EndOf(ctx)
		}
	}
	t.busy-- // its turn had come
	t.wake()
	return EndOf(ctx)
}

// begin makes the turn of who has a place.
func (t *Throttle) begin(ctx context.Context) (turn, error) {
	t.mu.Lock()
	gap := t.gap
	t.mu.Unlock()
	err := Sleep(ctx, gap)
	t.mu.Lock()
	defer t.mu.Unlock()
	p := turn{t, true, t.cuts}
	if err != nil {
		t.out(p)
		return turn{}, err
	}
	return p, nil
}

// wake lets in as many as may be.
func (t *Throttle) wake() {
	for len(t.waiting) > 0 && (t.busy < t.limit || t.limit == t.most) {
		close(t.waiting[0])
		t.waiting = t.waiting[1:]
		t.busy++
	}
}

// leave is told of the end of a request: its answer, or nil if there is none.
// While there is a bound, the request keeps its place until the body has been read.
func (p turn) leave(resp *http.Response) {
	t := p.throttle
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if throttled(resp) {
		if p.transfer {
			t.busy--
		}
		t.refused(p)
		t.wake() // with the limit as it is now, or each refusal would let the next one in
		return
	}
	if p.transfer && resp != nil && !Passing(resp.StatusCode) {
		t.granted()
	}
	if p.transfer && t.limit < t.most && resp != nil && resp.Body != nil && resp.Body != http.NoBody && resp.ContentLength != 0 {
		resp.Body = p.hold(resp.Body)
		return
	}
	t.out(p)
}

func (t *Throttle) out(p turn) {
	if p.transfer {
		t.busy--
		t.wake()
	}
}

// refused lowers the limit after the refusal of a request.
func (t *Throttle) refused(p turn) {
	under := max(t.busy, int(t.answers.Load()))
	t.good, t.last = 0, time.Now()
	if under == 0 && !p.transfer {
		return // it was not transfers that were too much
	}
	if p.cuts == t.cuts {
		if t.cuts++; under+1 >= t.ceiling-1 && under <= t.ceiling {
			t.rounds = max(1, min(2*t.rounds, mostRounds))
		} else {
			t.rounds = 1
		}
		if t.limit == 1 {
			t.gap = min(max(t.gap+t.gap/2, leastGap), mostGap)
		}
		t.ceiling = under + 1
		t.limit = max(1, min(t.limit, (under+1)/2))
		t.threshold = t.limit
		return
	}
	// It was under way at the last cut. What is still under way of that is what
	// the service took.
	t.limit = max(1, min(t.limit, under))
}

// granted raises the limit.
func (t *Throttle) granted() {
	t.grants.Add(1)
	if t.limit == t.most {
		return
	}
	if time.Since(t.last) >= quiet {
		t.threshold = t.most
	}
	if t.gap > 0 {
		if t.gap -= t.gap / gapShrink; t.gap < leastGap/2 {
			t.gap = 0
		}
		return
	}
	rounds := 1
	switch {
	case t.limit > t.ceiling:
		t.ceiling = 0
	case t.limit == t.ceiling-1:
		rounds = t.rounds
	}
	if t.good++; t.limit < t.threshold || t.good >= rounds*t.limit {
		t.good = 0
		t.limit++
		t.wake()
	}
}

// hold makes a body give the place back when it has been read.
func (p turn) hold(body io.ReadCloser) io.ReadCloser {
	b := &placed{ReadCloser: body}
	b.free = sync.OnceFunc(func() {
		p.throttle.mu.Lock()
		defer p.throttle.mu.Unlock()
		p.throttle.out(p)
	})
	b.timer = time.AfterFunc(heldFor, b.free)
	return b
}

// placed is a body that holds a place.
type placed struct {
	io.ReadCloser
	free  func()
	timer *time.Timer
}

func (b *placed) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.release()
	}
	return n, err
}

// Close gives the place back.
func (b *placed) Close() error {
	b.release()
	return b.ReadCloser.Close()
}

func (b *placed) release() {
	b.timer.Stop()
	b.free()
}
