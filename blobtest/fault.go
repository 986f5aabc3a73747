package blobtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// Point is a moment of a request at which a fault strikes.
type Point uint8

// The points, in the order in which a request comes by them, but for the
// default, which stands first.
const (
	AfterRequest   Point = iota // the request was read, and the operation is not carried out
	BeforeRequest               // the headers were read and nothing of the body
	DuringRequest               // the body was read up to Offset; the operation is not carried out
	AfterOperation              // the operation was carried out, and nothing is answered yet
	DuringAnswer                // the answer has begun, and its body was sent up to Offset
)

// Fault is something that goes wrong, and with which requests. One line makes
// one:
//
//	Fault{Operation: "Put Block", Nth: 3, Status: 503, Code: "ServerBusy", RetryAfter: time.Second}
//	Fault{Status: 500, At: BeforeRequest}                                // an early reply, while the body is being sent
//	Fault{Operation: "Append Block", Status: 500, At: AfterOperation}    // it was applied, and is reported as failed
//	Fault{Reset: true, At: DuringRequest}                                // the connection breaks: before, during, after
//	Fault{Operation: "Get Blob", Delay: time.Minute, At: DuringAnswer}   // a stall in the middle of the body
//	Fault{Delay: 50 * time.Millisecond, Times: -1}                       // latency, on every request
//	Fault{Bandwidth: 1 << 20, Times: -1}                                 // slow bodies, 1 MiB/s a connection
//	Fault{Operation: "Get Blob", Truncate: true}                         // the body ends early
//	Fault{Operation: "Get Blob", Shorten: true}                          // less than asked for, in a valid answer
//	Fault{Operation: "Get Blob", FlipBit: true}                          // corrupted on the way
//	Fault{Operation: "Get Blob", Header: map[string]string{"ETag": `"0x1"`}}
//
// The fields that are set say what happens, and several can be set. A fault
// happens once unless Times says otherwise.
type Fault struct {
	// Which requests: those that fit all that is set. Operation is the name in
	// the REST reference, such as Put Block, or the one in the protocol, such as
	// BlockBlob_StageBlock: Lease Blob is five operations, of which Blob_BreakLease
	// is one. Parts of a batch are struck by faults that name their operation and
	// a Status; all others mean the batch as a whole, and a proxy knows no parts.
	// Match is called once a request, with the body unread. It can also have
	// something happen just then, such as a write of somebody else, and be false.
	Operation string
	Method    string
	Container string
	Blob      string
	Match     func(*http.Request) bool

	// Nth is the first of the fitting requests that it happens to, counted from
	// 1, the default. Times is how often it happens from there on: 0 is once, -1
	// always.
	Nth   int
	Times int

	// At is when Delay, Status and Reset strike. Offset is the byte of the body
	// that During-points, Truncate, Shorten and FlipBit mean; 0 is its middle, and
	// one past the end is the end.
	At     Point
	Offset int64

	// Delay is a pause at that point; a negative one lasts until the client
	// gives up, or the server is closed.
	Delay time.Duration

	// Status answers with an error instead, with that code of the service and,
	// unless it is 0, a Retry-After in whole seconds. Without a status it is the
	// usual one of the code. DuringAnswer it is too late for that.
	Status     int
	Code       string
	RetryAfter time.Duration

	// Reset breaks the connection.
	Reset bool

	// Truncate ends the body of the answer at Offset and closes the connection,
	// though more was announced. Shorten does so in a valid way: Content-Length
	// and Content-Range say what comes. It is for the content of blobs; structured
	// messages and all other answers stay whole. FlipBit changes a bit of the answer, or
	// of the request with At: DuringRequest.
	Truncate bool
	Shorten  bool
	FlipBit  bool

	// Header replaces headers of the answer; "" takes one away.
	Header map[string]string

	// Bandwidth is how many bytes a second a connection carries, either way.
	Bandwidth int64
}

// Injected is a fault in its place.
type Injected struct {
	list  *faults
	fault Fault
	seen  int
	fired int
}

// Fired tells how often the fault has happened.
func (i *Injected) Fired() int {
	i.list.mu.Lock()
	defer i.list.mu.Unlock()
	return i.fired
}

// Remove takes the fault back.
func (i *Injected) Remove() {
	i.list.mu.Lock()
	defer i.list.mu.Unlock()
	i.list.all = slices.DeleteFunc(slices.Clone(i.list.all), func(other *Injected) bool { return other == i })
}

// faults are the faults of a server or proxy.
type faults struct {
	mu  sync.Mutex
	all []*Injected
}

func (l *faults) inject(f Fault) *Injected {
	if f.Status == 0 && f.Code != "" {
		f.Status = codes[azureblob.ErrorCode(f.Code)].status
	}
	if mistake := f.mistake(); mistake != "" {
		panic("blobtest: Fault" + mistake)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := &Injected{list: l, fault: f}
	l.all = append(l.all, i)
	return i
}

func (l *faults) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
}

func (l *faults) none() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all) == 0
}

// fire returns the faults that happen to a request, and counts them.
func (l *faults) fire(r *http.Request, t target) []*Fault {
	return l.fireIf(r, t, func(*Fault) bool { return true })
}

// firePart returns the fault that happens to a part of a batch, or nil.
func (l *faults) firePart(r *http.Request, t target) *Fault {
	for _, f := range l.fireIf(r, t, func(f *Fault) bool { return f.Operation != "" && f.Status != 0 }) {
		return f
	}
	return nil
}

func (l *faults) fireIf(r *http.Request, t target, may func(*Fault) bool) []*Fault {
	l.mu.Lock()
	all := slices.Clone(l.all)
	l.mu.Unlock()
	// Match may ask for other faults, so the lock is not held for it.
	all = slices.DeleteFunc(all, func(i *Injected) bool { return !may(&i.fault) || !i.fault.fits(r, t) })
	l.mu.Lock()
	defer l.mu.Unlock()
	var fired []*Fault
	for _, i := range all {
		i.seen++
		times := i.fault.Times
		if times == 0 {
			times = 1
		}
		if i.seen >= i.fault.Nth && (times < 0 || i.fired < times) {
			i.fired++
			fired = append(fired, &i.fault)
		}
	}
	return fired
}

// mistake tells why the fault could never happen, or is "".
func (f *Fault) mistake() string {
	known := func(op *wire.Operation) bool {
		return strings.EqualFold(f.Operation, op.Name) || strings.EqualFold(f.Operation, op.ID)
	}
	others := []*wire.Operation{rest.GetContainerMetadata, rest.GetBlobMetadata, rest.Preflight}
	switch {
	case f.Operation != "" && !slices.ContainsFunc(rest.Operations(), known) && !slices.ContainsFunc(others, known):
		return fmt.Sprintf(".Operation: %q is no operation of the service", f.Operation)
	case f.At > DuringAnswer:
		return fmt.Sprintf(".At: there is no point %d", f.At)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Sprintf(".Status: %d is no status of an answer", f.Status)
	case f.Status == 0 && f.Code != "":
		return fmt.Sprintf(".Code: %q is no code that is known, so it needs a Status", f.Code)
	case f.Status == 0 && f.RetryAfter != 0:
		return ".RetryAfter: there is no Status to go with it"
	case f.Status != 0 && f.At == DuringAnswer:
		return ".Status: the answer has begun at DuringAnswer"
	case f.Offset < 0 || f.Bandwidth < 0 || f.RetryAfter < 0:
		return ": Offset, Bandwidth or RetryAfter is negative"
	case f.Match == nil && f.Delay == 0 && f.Status == 0 && !f.Reset && !f.Truncate && !f.Shorten && !f.FlipBit && len(f.Header) == 0 && f.Bandwidth == 0:
		return ": nothing happens in it"
	}
	return ""
}

func (f *Fault) fits(r *http.Request, t target) bool {
	if f.Operation != "" && (t.op == nil || !strings.EqualFold(f.Operation, t.op.Name) && !strings.EqualFold(f.Operation, t.op.ID)) {
		return false
	}
	return (f.Method == "" || f.Method == r.Method) &&
		(f.Container == "" || f.Container == t.container) &&
		(f.Blob == "" || f.Blob == t.blob) &&
		(f.Match == nil || f.Match(r))
}
