package blobtest

import (
	"time"

	"github.com/goblob/azureblob"
)

// protection is what keeps a revision from being changed and deleted.
type protection struct {
	until time.Time // end of the immutability policy; zero for none
	mode  azureblob.ImmutabilityPolicyMode
	hold  bool // legal hold
}

// guard refuses changes of content and metadata, and deletion.
func (p protection) guard(now time.Time) error {
	switch {
	case p.hold:
		return fail(azureblob.BlobImmutableDueToLegalHold)
	case now.Before(p.until):
		return fail(azureblob.BlobImmutableDueToPolicy)
	}
	return nil
}

// protection reads the headers that writes of a blob take.
func (x *exchange) protection() protection {
	p := protection{
		until: x.params.time("x-ms-immutability-policy-until-date"),
		hold:  x.params.flag("x-ms-legal-hold"),
		mode:  azureblob.ImmutabilityPolicyMode(x.params.enum("x-ms-immutability-policy-mode", "unlocked", "locked")),
	}
	if !p.until.IsZero() && p.mode == "" {
		p.mode = azureblob.ImmutabilityUnlocked
	}
	return p
}
