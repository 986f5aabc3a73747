// Package sas makes and reads shared access signatures: query strings that give
// whoever has them some rights to an account, a container, a directory or a
// blob, for a time and without a credential of their own.
//
// # Making
//
// Clients of package azureblob make whole URLs, signed with the key of the account:
//
//	u, err := cat.SASURL(sas.Blob{
//		Permissions: sas.BlobPermissions{Read: true},
//		Expiry:      time.Now().Add(time.Hour),
//	})
//
// or with a user delegation key, which needs no account key and is what
// Microsoft advises to use:
//
//	r, err := service.UserDelegationKey(ctx, time.Time{}, expiry, nil)
//	u, err := cat.SASURL(sas.Blob{Key: r.Key, Permissions: ..., Expiry: expiry})
//
// Without a client, [Blob.Sign] and its siblings make the query string alone.
// Nothing here uses the network, or looks at the clock.
//
// # What is signed
//
// [Account] is for all of an account, and signed by its key alone. [Container],
// [Directory] and [Blob] are for what their name says. A signature cannot be taken
// back, but for two ways: one that names a stored access policy of the container
// (Policy) ends with that policy, and one made with a user delegation key ends when
// the keys of the account are revoked. Otherwise it ends with its Expiry, or with
// the key of the account. Keep it short.
//
// Clocks differ: a signature whose Start is now may not be valid for some minutes.
// Leave Start out, or set it a quarter of an hour back.
//
// # Secrets
//
// A signed URL or query string is a secret by nature: it is all that anybody needs.
// It is a plain string, since it is made to be handed on; log a [Token] of [Parse]
// instead, which prints without its signature. Keys never show their value, and
// errors of this package quote no signature.
package sas
