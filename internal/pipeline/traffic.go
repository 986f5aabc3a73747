package pipeline

import "sync/atomic"

// Traffic counts what goes over the wire. A nil one counts nothing.
type Traffic struct {
	Requests atomic.Int64 // tries that were sent
	Sent     atomic.Int64 // bytes of bodies
	Received atomic.Int64 // bytes of bodies
}

func (t *Traffic) request() {
	if t != nil {
		t.Requests.Add(1)
	}
}

func (t *Traffic) sent(n int) {
	if t != nil {
		t.Sent.Add(int64(n))
	}
}

func (t *Traffic) received(n int) {
	if t != nil {
		t.Received.Add(int64(n))
	}
}
