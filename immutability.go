package azureblob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goblob/azureblob/internal/rest"
)

// SetImmutabilityPolicyOptions are the options of [BlobClient.SetImmutabilityPolicy].
type SetImmutabilityPolicyOptions struct {
	CallOptions

	// Mode is [ImmutabilityUnlocked], the default, or [ImmutabilityLocked]: a
	// locked policy cannot be taken away by anybody, and be changed only to end
	// later, a few times at most.
	Mode ImmutabilityPolicyMode `header:"x-ms-immutability-policy-mode"`

	IfUnmodifiedSince time.Time `header:"If-Unmodified-Since"` // the only condition that the operation takes
}

func (o *SetImmutabilityPolicyOptions) check() error { return checkImmutabilityMode(o.Mode) }

// SetImmutabilityPolicyResult is the result of [BlobClient.SetImmutabilityPolicy].
type SetImmutabilityPolicyResult struct {
	ResponseInfo
	Until time.Time              `response:"x-ms-immutability-policy-until-date"`
	Mode  ImmutabilityPolicyMode `response:"x-ms-immutability-policy-mode"`
}

// SetImmutabilityPolicy protects the blob, snapshot or version from being changed
// or deleted until a time, in whole seconds, or changes such a policy. It needs a
// container with version-level immutability, and leaves the ETag as it is.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist; [ConditionNotMet];
// [BlobImmutableDueToPolicy] for a locked policy that would end earlier.
//
// REST: Set Blob Immutability Policy.
func (b *BlobClient) SetImmutabilityPolicy(ctx context.Context, until time.Time, o *SetImmutabilityPolicyOptions) (SetImmutabilityPolicyResult, error) {
	op := rest.SetBlobImmutabilityPolicy
	if until.IsZero() {
		return SetImmutabilityPolicyResult{}, b.refuseAs(op, MissingRequiredHeader, errors.New("the policy has no end; to take it away, delete it"))
	}
	required := struct {
		Until time.Time `header:"x-ms-immutability-policy-until-date"`
	}{until}
	return call[SetImmutabilityPolicyResult](ctx, &b.handle, op, nil, required, o)
}

// DeleteImmutabilityPolicyOptions are the options of [BlobClient.DeleteImmutabilityPolicy].
type DeleteImmutabilityPolicyOptions struct {
	CallOptions
}

// DeleteImmutabilityPolicyResult is the result of [BlobClient.DeleteImmutabilityPolicy].
type DeleteImmutabilityPolicyResult struct {
	ResponseInfo
}

// DeleteImmutabilityPolicy takes the immutability policy away from the blob,
// snapshot or version, if it is not locked.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist;
// [ImmutabilityPolicyDeleteOnLockedPolicy].
//
// REST: Delete Blob Immutability Policy.
func (b *BlobClient) DeleteImmutabilityPolicy(ctx context.Context, o *DeleteImmutabilityPolicyOptions) (DeleteImmutabilityPolicyResult, error) {
	return call[DeleteImmutabilityPolicyResult](ctx, &b.handle, rest.DeleteBlobImmutabilityPolicy, nil, o)
}

// SetLegalHoldOptions are the options of [BlobClient.SetLegalHold].
type SetLegalHoldOptions struct {
	CallOptions
}

// SetLegalHoldResult is the result of [BlobClient.SetLegalHold].
type SetLegalHoldResult struct {
	ResponseInfo
	LegalHold bool `response:"x-ms-legal-hold"`
}

// SetLegalHold protects the blob, snapshot or version from being changed or
// deleted until the hold is taken off again, whatever its immutability policy
// says. It needs a container with version-level immutability.
//
// Errors: [BlobNotFound], which is fs.ErrNotExist.
//
// REST: Set Blob Legal Hold.
func (b *BlobClient) SetLegalHold(ctx context.Context, hold bool, o *SetLegalHoldOptions) (SetLegalHoldResult, error) {
	required := struct {
		Hold *bool `header:"x-ms-legal-hold"`
	}{&hold}
	return call[SetLegalHoldResult](ctx, &b.handle, rest.SetBlobLegalHold, nil, required, o)
}

func (i Immutability) check() error {
	if i.Mode != "" && i.Until.IsZero() {
		return coded(MissingRequiredHeader, errors.New("Immutability has a mode and no end"))
	}
	return checkImmutabilityMode(i.Mode)
}

func checkImmutabilityMode(mode ImmutabilityPolicyMode) error {
	switch mode {
	case "", ImmutabilityUnlocked, ImmutabilityLocked:
		return nil
	}
	return coded(InvalidHeaderValue, fmt.Errorf("the mode %q is none that can be set; use unlocked or locked", mode))
}
