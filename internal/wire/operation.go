// Package wire makes one REST call of the Blob service out of an operation and
// a few structs whose tags say which header or query parameter each field is.
//
// An [Operation] is a row of the table in internal/rest. A call puts together
// the row, the URL of the resource, the tagged structs and a body, sends them
// through a pipeline, and decodes the answer into another tagged struct. The
// package knows nothing of clients, transfers or credentials.
package wire

import "net/http"

// Resource says what the path of an operation names.
type Resource uint8

// The three levels of the Blob service.
const (
	Account Resource = iota
	Container
	Blob
)

// Scope says which parts of a handle's scope an operation takes. A handle that
// names a snapshot or a version is another resource than the blob itself, so
// an operation without that bit is refused on it. Keys are merely not sent.
type Scope uint8

// The parts of a scope.
const (
	Snapshot        Scope = 1 << iota // the snapshot query parameter
	Version                           // the versionid query parameter
	CustomerKey                       // the three x-ms-encryption-key headers
	EncryptionScope                   // x-ms-encryption-scope
)

// Answer says what the body of a successful answer is.
type Answer uint8

// The kinds of answers.
const (
	Empty  Answer = iota // nothing of interest; drained and closed
	XML                  // decoded into the result
	Stream               // left open for the caller
)

// Retry is the class of an operation: what happens when it is sent again
// although the service may have carried it out already.
type Retry uint8

// The classes.
const (
	// Idempotent operations leave the same state however often they are sent. A
	// write with conditions can be refused because of its own first try, so it is
	// Guarded whatever its row says.
	Idempotent Retry = iota
	// Read operations change nothing, although they are no GET and no HEAD.
	Read
	// Steady operations are idempotent, and leave alone what conditions look at.
	Steady
	// Guarded operations cannot act a second time, but the second sending is
	// refused because of the first. They are repeated, and their methods find out
	// what a refusal means.
	Guarded
	// Looked operations would wipe out, by the second sending, what others have built
	// on the first. Their methods look before they send them again. With conditions
	// they are Guarded.
	Looked
	// Once marks operations whose second sending has an effect of its own. They
	// are repeated only when it is sure that the service did not act: it says so
	// (429 and 503), or was not reached.
	Once
)

// Operation is a row of the table of REST operations.
type Operation struct {
	ID     string   // the name in the published protocol, such as Blob_SetTier
	Name   string   // the name in the REST reference, such as Set Blob Tier
	Method string   // the HTTP method
	On     Resource // what the path names
	Query  string   // fixed query parameters, in wire order, such as restype=container&comp=list
	Header []string // fixed request headers, name and value by turns
	OK     []int    // status codes that are no error
	Scope  Scope    // the parts of a handle's scope that it takes
	Answer Answer   // the body of a successful answer
	Root   string   // its root element, if it is XML
	Retry  Retry    // whether it may be repeated

	Transfer bool // it moves content, or is a step of what does, and is held back when the service is overloaded
}

// As returns the operation with another class, for calls that are safer than the
// operation is in general.
func (op *Operation) As(class Retry) *Operation {
	c := *op
	c.Retry = class
	return &c
}

// changes reports whether the operation can change something.
func (op *Operation) changes() bool {
	return op.Method != http.MethodGet && op.Method != http.MethodHead && op.Retry != Read
}

// Succeeded reports whether status is a success of the operation.
func (op *Operation) Succeeded(status int) bool {
	for _, ok := range op.OK {
		if status == ok {
			return true
		}
	}
	return false
}
