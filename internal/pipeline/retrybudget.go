package pipeline

import "sync"

// RetryBudget keeps the repetitions of a client from becoming a storm: while
// hardly anything succeeds, they run out, and every call has one try. It is a
// bucket of tokens. A repetition takes some; one that succeeds gives them back,
// and every first try that succeeds gives one.
type RetryBudget struct {
	mu     sync.Mutex
	tokens int
	most   int
}

// What repetitions cost. Those of a service that cannot be reached cost more, as
// they are many at once.
const (
	retryCost   = 5
	connectCost = 10
)

// NewRetryBudget makes a full bucket. With 0 or less there is no bound.
func NewRetryBudget(tokens int) *RetryBudget {
	return &RetryBudget{tokens: max(tokens, 0), most: max(tokens, 0)}
}

// take pays for a repetition, unless it is paced by other means.
func (b *RetryBudget) take(t *Tally, reason Reason, paced bool) bool {
	t.spent = 0
	if b == nil || b.most == 0 || paced {
		return true
	}
	cost := retryCost
	if reason == ReasonConnect {
		cost = connectCost
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < cost {
		return false
	}
	b.tokens -= cost
	t.spent = cost
	return true
}

// refund is told of a call that succeeded after the repetitions of t.
func (b *RetryBudget) refund(t *Tally) {
	if b == nil || b.most == 0 {
		return
	}
	back := max(t.spent, 1)
	t.spent = 0
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+back, b.most)
}

// Left returns how many tokens there are.
func (b *RetryBudget) Left() int {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tokens
}
