//go:build !unix

package blobtest_test

import "time"

var processStart = time.Now()

// cpuTime is the time that has passed, where nothing better is known.
func cpuTime() time.Duration { return time.Since(processStart) }
