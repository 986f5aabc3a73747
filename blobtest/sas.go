package blobtest

// authorizeSAS checks the shared access signature in the query: it is told
// apart by its parameters into one of the account, of the service and of a user
// delegation. It has to check the signature, the times, spr against
// x.request.TLS, sip, sr and srt against x.level, si against the policies of
// the container, and the permissions against x.needed, and to set x.grant with
// the permissions, for x.grant.may.
func (x *exchange) authorizeSAS() error {
	return authenticationFailed("Shared access signatures are not known here.")
}
