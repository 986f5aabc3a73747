package azureblob

import (
	"testing"
	"time"
	"unsafe"
)

// TestLeaseTermByBothClocks has a machine sleep: its monotonic clock stands
// still, and the one on the wall goes on.
func TestLeaseTermByBothClocks(t *testing.T) {
	now := time.Now()
	term := leaseTerm{now, 30 * time.Second}
	if left := term.left(now.Add(10 * time.Second)); left != 20*time.Second {
		t.Errorf("%v left after 10 s", left)
	}
	awake := asleep(now, time.Hour)
	if awake.Sub(now) != 0 || awake.Round(0).Sub(now.Round(0)) != time.Hour {
		t.Fatalf("the clocks of the test differ by %v and %v", awake.Sub(now), awake.Round(0).Sub(now.Round(0)))
	}
	if left := term.left(awake); left > 0 {
		t.Errorf("%v left after an hour of sleep", left)
	}
	// The clock on the wall was set back by an hour.
	if left := term.left(asleep(now, -time.Hour).Add(31 * time.Second)); left > 0 {
		t.Errorf("%v left after 31 s, with the clock set back", left)
	}
	if left := (leaseTerm{now, LeaseForever}).left(now.Add(1000 * time.Hour)); left <= 0 {
		t.Errorf("%v left of a lease for ever", left)
	}
}

// asleep is the time after d on the wall and none by the monotonic clock, which is
// the second word of a time.
func asleep(t time.Time, d time.Duration) time.Time {
	t = t.Add(d)
	(*[2]int64)(unsafe.Pointer(&t))[1] -= int64(d)
	return t
}

// TestLeaseTermIsOnlyExtended gives a lease what renewals say that were answered
// late.
func TestLeaseTermIsOnlyExtended(t *testing.T) {
	l, now := newLease(handle{}, ""), time.Now()
	l.extend(now)
	if term, _ := l.current(); term != (leaseTerm{}) {
		t.Error("a renewal began a term after the lease was released")
	}
	l.begin(leaseTerm{now, time.Minute})
	l.extend(now.Add(-time.Second))
	if term, _ := l.current(); !term.start.Equal(now) {
		t.Error("a renewal from before the lease was acquired shortened its term")
	}
	_, changed := l.current()
	l.extend(now.Add(time.Second))
	if term, _ := l.current(); !term.start.Equal(now.Add(time.Second)) || term.duration != time.Minute {
		t.Errorf("after a renewal: %v", term)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was told of the renewal")
	}
}
