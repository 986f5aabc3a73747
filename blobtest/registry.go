package blobtest

import (
	"github.com/goblob/azureblob/internal/wire"
)

// An endpoint is how the service carries out an operation of the table in
// internal/rest. This is how to add one:
//
// Make or open the file of its resource, and write the function
// func(x *exchange) error. Register it there, in an init function:
//
//	func init() {
//		handle(rest.SetBlobTags, endpoint{run: setBlobTags, body: xmlBody, needs: writeTags})
//	}
//
// The exchange is the request and its answer. When run is called, the request
// has been matched with the table, its account is there, its names are valid,
// it is authorized for what needs says, and its body has been read and compared
// with its checksums: x.document holds an XML body, x.content any other. run is
// called with the lock of the store held, so it sees and changes one consistent
// state, and must not do I/O. What cannot be done under the lock, such as
// reading the source of a copy from elsewhere, is done by prepare, which is
// called before it without the lock. A request within a request, such as a part
// of a batch or the read of a copy source on this server, is one in prepare:
// sub := x.server.newExchange(r, locate(r)); sub.process(); and sub.reply has the
// answer, whose body shares the memory of the blob.
//
// run has four steps. First it takes its parameters from x.params, whose
// methods remember the first mistake, and returns x.invalid() if there was one.
// Then it finds its resource: x.findContainer, x.findBlob (the blob,
// snapshot or version that the request names), x.findName (where a blob of that
// name may be created). Then it checks: x.readable(blob, revision) for reads,
// x.writable(blob, revision) for changes, x.overwritable(blob) for what creates
// or replaces a blob; they hold conditional headers, lease, customer key and
// immutability against it. An operation with fewer conditions calls the parts:
// x.checkTags, x.checkDates, x.checkLease. Last it changes the state, and calls
// x.answer with the status and a struct with response tags, of the client if it
// fits; x.answerXML if there is a document, x.answerContent for a read of a blob,
// and x.set for a header whose zero value has to be sent as well.
//
// Any of these may return an error, made by fail(code), which is what the
// client gets; run must not have changed anything by then.
//
// What a revision points to is never changed in place, only replaced: a copy
// of the struct is a snapshot, and a reader of its content is not disturbed. A
// write that makes a version (Put Blob, Put Block List, Set Blob Metadata,
// copies) builds a new revision and gives it to x.commit; other writes change
// the current revision and call x.touch. x.remove deletes. These three are the
// places for versions and soft delete.
type endpoint struct {
	prepare func(*exchange) error // without the lock; may be nil
	run     func(*exchange) error // with the lock; may be nil if prepare answers
	body    bodyKind
	limit   func(*exchange) int64 // most bytes of a contentBody
	digest  digest                // checksums of the body to have, unless the client sent its MD5
	needs   access                // who may do it
}

// bodyKind says what becomes of the body of a request.
type bodyKind uint8

const (
	noBody      bodyKind = iota // of no interest; read and dropped
	xmlBody                     // into x.document, at most maxDocument bytes
	contentBody                 // into x.content, checked
	ownBody                     // left to prepare, which reads x.request.Body
)

// maxDocument is large enough for a list of 50,000 blocks.
const maxDocument = 16 << 20

var endpoints = map[*wire.Operation]*endpoint{}

// handle registers an endpoint. It is called by init functions only.
func handle(op *wire.Operation, e endpoint) {
	if endpoints[op] != nil {
		panic("blobtest: " + op.ID + " is registered twice")
	}
	endpoints[op] = &e
}
