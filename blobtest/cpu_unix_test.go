//go:build unix

package blobtest_test

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that the process has used so far, in all of its
// threads: that of the garbage collector and of handing goroutines over counts.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
