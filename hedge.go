package azureblob

import (
	"time"

	"github.com/goblob/azureblob/internal/pipeline"
)

// HedgeOptions send a read a second time when the first request is slow to be
// answered. The first good answer counts, and the other request is cancelled. It
// cuts the longest waits, at the price of some reads that are made twice.
type HedgeOptions struct {
	// Delay is how long to wait for an answer before the second request. Default
	// what Percentile says.
	Delay time.Duration

	// Percentile makes the delay the time in which that share of the last answers
	// came, once there were some. Default 0.95.
	Percentile float64

	// MaxShare is the share of reads that may be made twice, at most. Default 0.05.
	MaxShare float64
}

func (o *HedgeOptions) check() error {
	switch {
	case o == nil:
	case o.Delay < 0:
		return invalidf("HedgeOptions.Delay is negative: %v", o.Delay)
	case !(o.Percentile >= 0 && o.Percentile <= 1):
		return invalidf("HedgeOptions.Percentile is %v and not 0 to 1", o.Percentile)
	case !(o.MaxShare >= 0 && o.MaxShare <= 1):
		return invalidf("HedgeOptions.MaxShare is %v and not 0 to 1", o.MaxShare)
	}
	return nil
}

func (o *HedgeOptions) settings() *pipeline.Hedge {
	if o == nil {
		return nil
	}
	h := &pipeline.Hedge{Delay: o.Delay, Percentile: o.Percentile, Share: o.MaxShare}
	if h.Percentile == 0 {
		h.Percentile = 0.95
	}
	if h.Share == 0 {
		h.Share = 0.05
	}
	return h
}
