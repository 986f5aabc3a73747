//go:build soak

// Package soak runs transfers for a long time through all that can go wrong at
// once, and prints what came of it: see the target soak of the Makefile. With
// -short it takes less than a minute.
package soak

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"go.uber.org/goleak"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

func TestMain(m *testing.M) {
	if target := os.Getenv(uploaderEnv); target != "" {
		os.Exit(uploader(target))
	}
	goleak.VerifyTestMain(m)
}

// seed makes all that is random. SOAK_SEED repeats a run, as far as goroutines do.
var seed = func() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("SOAK_SEED"), 10, 64); err == nil {
		return n
	}
	return rand.Uint64()
}()

// scale is n, or a part of it in the short form.
func scale(n, short int) int {
	if testing.Short() {
		return short
	}
	return n
}

// clean marks the requests that no fault strikes.
const clean = "X-Soak-Clean"

// storm are faults that strike at random, each for itself.
type storm struct {
	share  float64
	mu     sync.Mutex
	rng    *rand.Rand
	struck map[string]*atomic.Int64
}

func newStorm(share float64, stream uint64) *storm {
	return &storm{share: share, rng: rand.New(rand.NewPCG(seed, stream)), struck: map[string]*atomic.Int64{}}
}

// roll decides whether a fault strikes a request.
func (s *storm) roll(r *http.Request) bool {
	if r.Header.Get(clean) != "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64() < s.share
}

// inject has a fault strike a share of the requests that it is for.
func (s *storm) inject(srv *blobtest.Server, name string, f blobtest.Fault, fits func(*http.Request) bool) {
	n := &atomic.Int64{}
	s.struck[name] = n
	f.Times = -1
	f.Match = func(r *http.Request) bool {
		if fits != nil && !fits(r) || !s.roll(r) {
			return false
		}
		n.Add(1)
		return true
	}
	srv.Inject(f)
}

func isGet(r *http.Request) bool { return r.Method == http.MethodGet }
func isPut(r *http.Request) bool { return r.Method == http.MethodPut }

// isSummed reports whether the content that a request carries, or asks for, has a
// checksum that the receiver looks at.
func isSummed(r *http.Request) bool {
	return r.Header.Get("x-ms-structured-body") != "" || r.Header.Get("x-ms-content-crc64") != ""
}

// unleash injects all faults.
func (s *storm) unleash(srv *blobtest.Server) {
	const timedOut = "OperationTimedOut"
	s.inject(srv, "503 with Retry-After", blobtest.Fault{Status: 503, Code: "ServerBusy", RetryAfter: time.Second}, nil)
	s.inject(srv, "500", blobtest.Fault{Status: 500, Code: "InternalError"}, nil)
	s.inject(srv, "500 before the body is read", blobtest.Fault{Status: 500, Code: "InternalError", At: blobtest.BeforeRequest}, nil)
	s.inject(srv, "reset before the request", blobtest.Fault{Reset: true, At: blobtest.BeforeRequest}, nil)
	s.inject(srv, "reset during the request", blobtest.Fault{Reset: true, At: blobtest.DuringRequest}, isPut)
	s.inject(srv, "reset after the request", blobtest.Fault{Reset: true, At: blobtest.AfterRequest}, nil)
	s.inject(srv, "applied, and reset", blobtest.Fault{Reset: true, At: blobtest.AfterOperation}, nil)
	s.inject(srv, "applied, and 500", blobtest.Fault{Status: 500, Code: timedOut, At: blobtest.AfterOperation}, nil)
	s.inject(srv, "applied, and not answered", blobtest.Fault{Delay: -1, At: blobtest.AfterOperation}, nil)
	s.inject(srv, "stall in the request", blobtest.Fault{Delay: -1, At: blobtest.DuringRequest}, isPut)
	s.inject(srv, "stall in the answer", blobtest.Fault{Delay: -1, At: blobtest.DuringAnswer}, isGet)
	s.inject(srv, "reset in the answer", blobtest.Fault{Reset: true, At: blobtest.DuringAnswer}, isGet)
	s.inject(srv, "truncated answer", blobtest.Fault{Truncate: true}, isGet)
	s.inject(srv, "short answer", blobtest.Fault{Operation: "Get Blob", Shorten: true}, nil)
	s.inject(srv, "slow", blobtest.Fault{Bandwidth: 4 << 20}, nil)
	s.inject(srv, "bit flipped on the way up", blobtest.Fault{FlipBit: true, At: blobtest.DuringRequest}, func(r *http.Request) bool { return isPut(r) && isSummed(r) })
	s.inject(srv, "bit flipped on the way down", blobtest.Fault{FlipBit: true}, func(r *http.Request) bool { return isGet(r) && isSummed(r) })
}

// failing is how many of the faults make a try fail, at the most, for one request.
const failing = 14

// odds tells how improbable it is that tries run out.
func (s *storm) odds(tries int, requests int64) string {
	p := 1 - math.Pow(1-s.share, failing)
	return fmt.Sprintf("a try fails with p <= 1-(1-%.2f)^%d = %.2f; that %d in a row do, for any of %d requests: %d * %.2f^%d = 1e%.0f",
		s.share, failing, p, tries, requests, requests, p, tries, math.Log10(float64(requests))+float64(tries)*math.Log10(p))
}

func (s *storm) print(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(s.struck)) {
		t.Logf("  %6d x %s", s.struck[name].Load(), name)
	}
}

// cleanly marks requests.
type cleanly struct{}

func (cleanly) Do(req *policy.Request) (*http.Response, error) {
	req.Raw().Header.Set(clean, "1")
	return req.Next()
}

// heap is how much memory is in use, in MiB.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// cause is what an error names as its cause, in a few words.
func cause(err error) string {
	e, ok := errors.AsType[*azureblob.Error](err)
	if !ok {
		return ""
	}
	if e.StatusCode != 0 {
		return fmt.Sprintf("%d %s", e.StatusCode, e.Code)
	}
	for _, words := range []string{"connection reset by peer", "connection stalled", "unexpected EOF", "damaged on the way", "structured message is malformed", "context canceled"} {
		if strings.Contains(err.Error(), words) {
			return words
		}
	}
	return ""
}
