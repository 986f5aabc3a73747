package blobtest

import (
	"maps"
	"slices"
	"time"
)

// history is what an account was, for a secondary that lags behind.
type history struct {
	states  []pastState // oldest first
	changed time.Time   // since when the account is as it is
}

// pastState is an account as it was from a moment on.
type pastState struct {
	since   time.Time
	account *account
}

// statesInLag bounds how many states are kept: a secondary is late by up to one
// part in so many of its lag more than it should.
const statesInLag = 64

// remember keeps the account as it is before a write at now, if a secondary
// that lags behind will need it.
func (a *account) remember(now time.Time, lag time.Duration) {
	h := &a.history
	if lag <= 0 || !now.After(h.changed) {
		return
	}
	if n := len(h.states); n == 0 || h.changed.Sub(h.states[n-1].since) >= lag/statesInLag {
		h.states = append(h.states, pastState{h.changed, a.clone()})
	}
	for len(h.states) > 1 && !h.states[1].since.After(now.Add(-lag)) {
		h.states = slices.Delete(h.states, 0, 1) // and not a slice of it, which would keep it in memory
	}
	h.changed = now
}

// asOf is the account as it was at a moment, which must not be longer ago than
// the lag.
func (a *account) asOf(moment time.Time) *account {
	if !a.history.changed.After(moment) {
		return a
	}
	then := a.history.states[0].account
	for _, s := range a.history.states {
		if !s.since.After(moment) {
			then = s.account
		}
	}
	return then
}

// clone is a copy of the account, of which only what is never changed in place
// is shared.
func (a *account) clone() *account {
	c := *a
	c.history = history{}
	c.blocked = maps.Clone(a.blocked)
	c.containers = make(map[string]*container, len(a.containers))
	for name, old := range a.containers {
		c.containers[name] = old.clone(&c)
	}
	c.deleted = make([]*container, len(a.deleted))
	for i, old := range a.deleted {
		c.deleted[i] = old.clone(&c)
	}
	return &c
}

func (c *container) clone(a *account) *container {
	copied := *c
	copied.account = a
	copied.blobs = make([]*blob, len(c.blobs))
	copied.byName = make(map[string]*blob, len(c.blobs))
	for i, old := range c.blobs {
		b := *old
		b.container = &copied
		b.staged.blocks = maps.Clone(old.staged.blocks)
		b.current = old.current.clone()
		b.snapshots, b.versions = slices.Clone(old.snapshots), slices.Clone(old.versions)
		for _, list := range [][]*revision{b.snapshots, b.versions} {
			for j := range list {
				list[j] = list[j].clone()
			}
		}
		copied.blobs[i], copied.byName[b.name] = &b, &b
	}
	return &copied
}

func (r *revision) clone() *revision {
	if r == nil {
		return nil
	}
	copied := *r
	return &copied
}
