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
// port on the loopback interface for any other client; with [Options.HTTPS] that
// client needs [Server.Client] as its transport. [Server.Handler] is for a server
// of your own.
//
// # Time
//
// In a bubble of testing/synctest time is virtual: leases and signatures end,
// retries and stalls take their time, and the test takes none of it.
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := blobtest.New(t, &blobtest.Options{SecondaryLag: time.Minute})
//		worker := NewWorker(srv.ServiceClient()) // code that holds a lease
//		time.Sleep(time.Hour)
//		...
//	})
//
// Time stands still while a goroutine waits for a sync.Mutex. So code that holds one
// while it calls the service can hang the test, where a program would only be slow.
//
// Ports are not for bubbles, so use no URL, ConnectionString or Client there. A
// client with a credential of its own takes [Server.Endpoint] and
// [Server.Transport].
//
// # Faults
//
// A [Fault] makes requests fail in the ways that networks and services do, one
// line a fault:
//
//	srv.Inject(blobtest.Fault{Operation: "Put Block", Nth: 3, Status: 503, Code: "ServerBusy", RetryAfter: time.Second})
//	srv.Inject(blobtest.Fault{Operation: "Get Blob", At: blobtest.DuringAnswer, Reset: true})
//
// A fault of an operation that there is not, or in which nothing happens, is a
// panic, so that a misspelled one does not pass for a service that is well.
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
// it does. A batch is one entry of [Server.Requests], whatever is in it. A copy
// from a URL that is not one of this server's reads it over the network.
package blobtest
