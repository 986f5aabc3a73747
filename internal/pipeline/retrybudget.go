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

// Take takes what a repetition costs. It reports false if there is not so much.
func (b *RetryBudget) Take(reason Reason) bool {
	if b == nil || b.most == 0 {
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
	return true
}

// Refund is told of a call that succeeded after so many repetitions.
func (b *RetryBudget) Refund(repetitions int) {
	if b == nil || b.most == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	back := 1
	if repetitions > 0 {
		back = retryCost
	}
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
