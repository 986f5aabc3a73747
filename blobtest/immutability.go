package blobtest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	immutable := access{permissions: "i", resource: 'o'}
	handle(rest.SetBlobImmutabilityPolicy, endpoint{run: setImmutabilityPolicy, needs: immutable})
	handle(rest.DeleteBlobImmutabilityPolicy, endpoint{run: deleteImmutabilityPolicy, needs: immutable})
	handle(rest.SetBlobLegalHold, endpoint{run: setLegalHold, needs: immutable})
}

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
	p := x.policyHeaders()
	if p.until.IsZero() && x.params.text("x-ms-immutability-policy-mode") != "" {
		x.wrong(missingHeader("x-ms-immutability-policy-until-date"))
	}
	p.hold = x.params.flag("x-ms-legal-hold")
	return p
}

// policyHeaders reads the headers of a policy, which ends in the future.
func (x *exchange) policyHeaders() protection {
	const until = "x-ms-immutability-policy-until-date"
	p := protection{
		until: x.params.time(until),
		mode:  azureblob.ImmutabilityPolicyMode(x.params.enum("x-ms-immutability-policy-mode", "unlocked", "locked")),
	}
	if p.until.IsZero() {
		return p
	}
	if !p.until.After(x.now) {
		x.wrong(invalidHeader(until, x.params.text(until)))
	}
	if p.mode == "" {
		p.mode = azureblob.ImmutabilityUnlocked
	}
	return p
}

// policyInfo is what the answer to Set Blob Immutability Policy tells.
type policyInfo struct {
	Until time.Time                        `response:"x-ms-immutability-policy-until-date"`
	Mode  azureblob.ImmutabilityPolicyMode `response:"x-ms-immutability-policy-mode"`
}

// setImmutabilityPolicy sets a policy, or changes it. A locked one can only be
// made to last longer. Neither this nor a legal hold changes the ETag.
func setImmutabilityPolicy(x *exchange) error {
	x.params.need("x-ms-immutability-policy-until-date")
	next := x.policyHeaders()
	unmodified := x.params.time("If-Unmodified-Since")
	if err := x.invalid(); err != nil {
		return err
	}
	_, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if !unmodified.IsZero() && changedSince(r.modified, unmodified) {
		return fail(azureblob.ConditionNotMet)
	}
	if r.protection.mode == azureblob.ImmutabilityLocked && (next.mode != azureblob.ImmutabilityLocked || next.until.Before(r.protection.until)) {
		return fail(azureblob.BlobImmutableDueToPolicy)
	}
	r.protection.until, r.protection.mode = next.until, next.mode
	return x.answer(http.StatusOK, policyInfo{next.until, next.mode})
}

func deleteImmutabilityPolicy(x *exchange) error {
	_, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if r.protection.mode == azureblob.ImmutabilityLocked {
		return fail(azureblob.ImmutabilityPolicyDeleteOnLockedPolicy)
	}
	r.protection.until, r.protection.mode = time.Time{}, ""
	return x.answer(http.StatusOK, nil)
}

func setLegalHold(x *exchange) error {
	x.params.need("x-ms-legal-hold")
	hold := x.params.flag("x-ms-legal-hold")
	if err := x.invalid(); err != nil {
		return err
	}
	_, r, err := x.findBlob()
	if err != nil {
		return err
	}
	r.protection.hold = hold
	x.set("x-ms-legal-hold", strconv.FormatBool(hold))
	return x.answer(http.StatusOK, nil)
}
