package azureblob

import (
	"sync/atomic"

	"github.com/goblob/azureblob/internal/pipeline"
)

// Usage is what a client has done and holds, together with all handles that come
// from it.
type Usage struct {
	Requests      int64 // tries that were handed to the transport, repetitions included
	BytesSent     int64 // of bodies, repetitions included
	BytesReceived int64 // of bodies

	RetriesConnect int64 // repetitions after the service could not be reached
	RetriesRead    int64 // repetitions after the connection broke, stalled or ended early
	RetriesStatus  int64 // repetitions after an answer that asked for them
	Hedges         int64 // reads that were sent a second time since they were slow
	Throttled      int64 // answers that said that too much was asked

	Connections int64 // that are open now; 0 if the transport was given in the options
	MemoryInUse int64 // bytes of the memory budget that transfers hold now
	Concurrency int   // requests of all transfers that may be under way; 1,000, which bounds nothing, unless the service is overloaded
	RetryBudget int   // tokens that are left; see [ClientOptions.RetryBudget]; 0 without a budget as well
}

// counters are the counts behind Usage.
type counters struct {
	traffic     pipeline.Traffic
	connections atomic.Int64

	connect, read, status, hedges, throttled atomic.Int64
}

// observe is told of each try that was not good.
func (c *counters) observe(e pipeline.Event) {
	if e.Throttled {
		c.throttled.Add(1)
	}
	if !e.Again {
		return
	}
	switch e.Reason {
	case pipeline.ReasonConnect:
		c.connect.Add(1)
	case pipeline.ReasonRead:
		c.read.Add(1)
	case pipeline.ReasonStatus:
		c.status.Add(1)
	case pipeline.ReasonHedge:
		c.hedges.Add(1)
	}
}

// Usage returns what the client and all handles that share its connections have
// done so far, and what they hold now.
func (h *handle) Usage() Usage {
	if h.session == nil {
		return Usage{}
	}
	c := h.counters
	return Usage{
		Requests: c.traffic.Requests.Load(), BytesSent: c.traffic.Sent.Load(), BytesReceived: c.traffic.Received.Load(),
		RetriesConnect: c.connect.Load(), RetriesRead: c.read.Load(), RetriesStatus: c.status.Load(),
		Hedges: c.hedges.Load(), Throttled: c.throttled.Load(),
		Connections: c.connections.Load(), MemoryInUse: h.budget.InUse(), Concurrency: h.throttle.Limit(), RetryBudget: h.retries.Left(),
	}
}
