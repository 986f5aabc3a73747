package azureblob

import (
	"crypto/rand"
	"fmt"
)

// BlobLeaseClient is a lease on a blob or a container: the right to write to it
// or delete it while nobody else can, for a time or until it is given back. For
// now it is only the name of a lease, for conditions: the operations on leases
// come with a later version. It is safe for concurrent use.
type BlobLeaseClient struct {
	handle
	id string
}

func newLease(h handle, id string) *BlobLeaseClient {
	if id == "" {
		id = newUUID()
	}
	return &BlobLeaseClient{handle: h, id: id}
}

// ID returns the lease id, for the LeaseID of conditions. If the handle was made
// without one, it is a random one, which the lease is to get.
func (l *BlobLeaseClient) ID() string { return l.id }

// newUUID returns a random UUID, version 4. Lease ids guard writes, so it is
// made from the system's source of randomness.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return formatUUID(b)
}

func formatUUID(b [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
