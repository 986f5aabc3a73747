// Package blobtest is an Azure Blob service in the process of a test: in
// memory, without an account, a container or an emulator, and as strict as the
// real one about what it is sent.
//
//	func TestReport(t *testing.T) {
//		srv := blobtest.New(t)
//		reports := srv.ServiceClient().Container("reports")
//		...
//	}
//
// It can be reached in three ways. [Server.ServiceClient] is a client that
// calls it without any sockets, which is the fastest and works on the virtual
// time of testing/synctest. [Server.ConnectionString] and [Server.URL] open a
// port on the loopback interface for any other client. [Server.Handler] is for
// a server of your own.
//
// # Faults
//
// A [Fault] makes requests fail in the ways that networks and services do, one
// line a fault:
//
//	srv.Inject(blobtest.Fault{Operation: "Put Block", Nth: 3, Status: 503, Code: "ServerBusy", RetryAfter: time.Second})
//	srv.Inject(blobtest.Fault{Operation: "Get Blob", At: blobtest.DuringAnswer, Reset: true})
//
// [NewProxy] has the same faults for a service that runs elsewhere, such as an
// emulator. [Server.Requests] tells what was sent.
//
// # Honesty
//
// The service checks signatures, names, required headers, conditions, leases,
// limits and checksums, and answers with the codes that the published protocol
// has. Nothing is encrypted, nothing is replicated, and tokens are not
// verified. The names of metadata come back in lower case, since net/http
// changes the case of headers. Listings are in XML even where Arrow is asked for,
// and renaming a container is 501 APINotImplemented, as no public page tells what
// it does.
package blobtest
