package azureblob

// ErrorCode is a code that the service gives for an error. It is an error
// itself, to be compared with errors.Is:
//
//	if errors.Is(err, azureblob.LeaseIDMissing) { ... }
//
// The service adds codes without a new version, so any other code can come, and
// ErrorCode("TheCode") compares as well.
type ErrorCode string

// Error returns the code.
func (c ErrorCode) Error() string { return string(c) }

// The codes of the service, each with the HTTP status that comes with it.
const (
	AccessTierNotSupportedForBlobType                 ErrorCode = "AccessTierNotSupportedForBlobType"  // 400
	AccountAlreadyExists                              ErrorCode = "AccountAlreadyExists"               // 409
	AccountBeingCreated                               ErrorCode = "AccountBeingCreated"                // 409
	AccountIsDisabled                                 ErrorCode = "AccountIsDisabled"                  // 403
	AccountProtectedFromDeletion                      ErrorCode = "AccountProtectedFromDeletion"       // 409
	AllBatchSubRequestsShouldBeSameApi                ErrorCode = "AllBatchSubRequestsShouldBeSameApi" // 400
	AppendPositionConditionNotMet                     ErrorCode = "AppendPositionConditionNotMet"      // 412
	AuthenticationFailed                              ErrorCode = "AuthenticationFailed"               // 403
	AuthorizationFailure                              ErrorCode = "AuthorizationFailure"               // 403
	AuthorizationPermissionMismatch                   ErrorCode = "AuthorizationPermissionMismatch"    // 403
	AuthorizationProtocolMismatch                     ErrorCode = "AuthorizationProtocolMismatch"      // 403
	AuthorizationResourceTypeMismatch                 ErrorCode = "AuthorizationResourceTypeMismatch"  // 403
	AuthorizationServiceMismatch                      ErrorCode = "AuthorizationServiceMismatch"       // 403
	AuthorizationSourceIPMismatch                     ErrorCode = "AuthorizationSourceIPMismatch"      // 403
	BlobAccessTierNotSupportedForAccountType          ErrorCode = "BlobAccessTierNotSupportedForAccountType"
	BlobAlreadyExists                                 ErrorCode = "BlobAlreadyExists"           // 409
	BlobArchived                                      ErrorCode = "BlobArchived"                // 409
	BlobBeingRehydrated                               ErrorCode = "BlobBeingRehydrated"         // 409
	BlobImmutableDueToLegalHold                       ErrorCode = "BlobImmutableDueToLegalHold" // 409
	BlobImmutableDueToPolicy                          ErrorCode = "BlobImmutableDueToPolicy"    // 409
	BlobIsSealed                                      ErrorCode = "BlobIsSealed"                // 409
	BlobNotArchived                                   ErrorCode = "BlobNotArchived"
	BlobNotFound                                      ErrorCode = "BlobNotFound"                                  // 404
	BlobOperationNotSupported                         ErrorCode = "BlobOperationNotSupported"                     // 409
	BlobOverwritten                                   ErrorCode = "BlobOverwritten"                               // 409
	BlobTierInadequateForContentLength                ErrorCode = "BlobTierInadequateForContentLength"            // 409
	BlobUsesCustomerSpecifiedEncryption               ErrorCode = "BlobUsesCustomerSpecifiedEncryption"           // 409
	BlockCountExceedsLimit                            ErrorCode = "BlockCountExceedsLimit"                        // 409
	BlockListTooLong                                  ErrorCode = "BlockListTooLong"                              // 400
	BothCRC64AndMD5HeaderPresent                      ErrorCode = "BothCrc64AndMd5HeaderPresent"                  // 400
	BothUserTagsAndSourceTagsCopyPresentException     ErrorCode = "BothUserTagsAndSourceTagsCopyPresentException" // 400
	CannotChangeToLowerTier                           ErrorCode = "CannotChangeToLowerTier"                       // 409
	CannotVerifyCopySource                            ErrorCode = "CannotVerifyCopySource"                        // 500
	ConditionHeadersNotSupported                      ErrorCode = "ConditionHeadersNotSupported"                  // 400
	ConditionNotMet                                   ErrorCode = "ConditionNotMet"                               // 304, 412
	ContainerAlreadyExists                            ErrorCode = "ContainerAlreadyExists"                        // 409
	ContainerBeingDeleted                             ErrorCode = "ContainerBeingDeleted"                         // 409
	ContainerDisabled                                 ErrorCode = "ContainerDisabled"                             // 409
	ContainerHasLegalHold                             ErrorCode = "ContainerHasLegalHold"                         // 409
	ContainerImmutabilityPolicyLocked                 ErrorCode = "ContainerImmutabilityPolicyLocked"             // 409
	ContainerNotFound                                 ErrorCode = "ContainerNotFound"                             // 404
	ContentLengthLargerThanTierLimit                  ErrorCode = "ContentLengthLargerThanTierLimit"              // 409
	CopyAcrossAccountsNotSupported                    ErrorCode = "CopyAcrossAccountsNotSupported"                // 400
	CopyIDMismatch                                    ErrorCode = "CopyIdMismatch"                                // 409
	CorsPreflightFailure                              ErrorCode = "CorsPreflightFailure"                          // 403
	CRC64Mismatch                                     ErrorCode = "Crc64Mismatch"                                 // 400
	DuplicateTagNames                                 ErrorCode = "DuplicateTagNames"                             // 400
	EmptyMetadataKey                                  ErrorCode = "EmptyMetadataKey"                              // 400
	EmptyTagName                                      ErrorCode = "EmptyTagName"                                  // 400
	ExceedsMaxBatchRequestCount                       ErrorCode = "ExceedsMaxBatchRequestCount"                   // 400
	FeatureVersionMismatch                            ErrorCode = "FeatureVersionMismatch"                        // 409
	ImmutabilityPolicyDeleteOnLockedPolicy            ErrorCode = "ImmutabilityPolicyDeleteOnLockedPolicy"
	IncrementalCopyBlobMismatch                       ErrorCode = "IncrementalCopyBlobMismatch"                       // 409
	IncrementalCopyOfEarlierSnapshotNotAllowed        ErrorCode = "IncrementalCopyOfEarlierSnapshotNotAllowed"        // 409
	IncrementalCopyOfEarlierVersionSnapshotNotAllowed ErrorCode = "IncrementalCopyOfEarlierVersionSnapshotNotAllowed" // 409
	IncrementalCopyOfEralierVersionSnapshotNotAllowed ErrorCode = "IncrementalCopyOfEralierVersionSnapshotNotAllowed" // 409
	IncrementalCopySourceMustBeSnapshot               ErrorCode = "IncrementalCopySourceMustBeSnapshot"               // 409
	InfiniteLeaseDurationRequired                     ErrorCode = "InfiniteLeaseDurationRequired"                     // 412
	InsufficientAccountPermissions                    ErrorCode = "InsufficientAccountPermissions"                    // 403
	InternalError                                     ErrorCode = "InternalError"                                     // 500
	InvalidAuthenticationInfo                         ErrorCode = "InvalidAuthenticationInfo"                         // 401, 400
	InvalidBlobOrBlock                                ErrorCode = "InvalidBlobOrBlock"                                // 400
	InvalidBlobTier                                   ErrorCode = "InvalidBlobTier"
	InvalidBlobType                                   ErrorCode = "InvalidBlobType"            // 409
	InvalidBlockID                                    ErrorCode = "InvalidBlockId"             // 400
	InvalidBlockList                                  ErrorCode = "InvalidBlockList"           // 400
	InvalidHeaderValue                                ErrorCode = "InvalidHeaderValue"         // 400
	InvalidHTTPVerb                                   ErrorCode = "InvalidHttpVerb"            // 400
	InvalidInput                                      ErrorCode = "InvalidInput"               // 400
	InvalidMD5                                        ErrorCode = "InvalidMd5"                 // 400
	InvalidMetadata                                   ErrorCode = "InvalidMetadata"            // 400
	InvalidOperation                                  ErrorCode = "InvalidOperation"           // 400
	InvalidPageRange                                  ErrorCode = "InvalidPageRange"           // 416
	InvalidQueryParameterValue                        ErrorCode = "InvalidQueryParameterValue" // 400
	InvalidRange                                      ErrorCode = "InvalidRange"               // 416
	InvalidRequestURL                                 ErrorCode = "InvalidRequestUrl"
	InvalidResourceName                               ErrorCode = "InvalidResourceName"                      // 400
	InvalidSourceBlobType                             ErrorCode = "InvalidSourceBlobType"                    // 409
	InvalidSourceBlobURL                              ErrorCode = "InvalidSourceBlobUrl"                     // 409
	InvalidURI                                        ErrorCode = "InvalidUri"                               // 400
	InvalidVersionForPageBlobOperation                ErrorCode = "InvalidVersionForPageBlobOperation"       // 400
	InvalidXMLDocument                                ErrorCode = "InvalidXmlDocument"                       // 400
	InvalidXMLNodeValue                               ErrorCode = "InvalidXmlNodeValue"                      // 400
	LeaseAlreadyBroken                                ErrorCode = "LeaseAlreadyBroken"                       // 409
	LeaseAlreadyPresent                               ErrorCode = "LeaseAlreadyPresent"                      // 409
	LeaseIDMismatchWithBlobOperation                  ErrorCode = "LeaseIdMismatchWithBlobOperation"         // 412
	LeaseIDMismatchWithContainerOperation             ErrorCode = "LeaseIdMismatchWithContainerOperation"    // 412
	LeaseIDMismatchWithLeaseOperation                 ErrorCode = "LeaseIdMismatchWithLeaseOperation"        // 409
	LeaseIDMissing                                    ErrorCode = "LeaseIdMissing"                           // 412
	LeaseIsBreakingAndCannotBeAcquired                ErrorCode = "LeaseIsBreakingAndCannotBeAcquired"       // 409
	LeaseIsBreakingAndCannotBeChanged                 ErrorCode = "LeaseIsBreakingAndCannotBeChanged"        // 409
	LeaseIsBrokenAndCannotBeRenewed                   ErrorCode = "LeaseIsBrokenAndCannotBeRenewed"          // 409
	LeaseLost                                         ErrorCode = "LeaseLost"                                // 412
	LeaseNotPresentWithBlobOperation                  ErrorCode = "LeaseNotPresentWithBlobOperation"         // 412
	LeaseNotPresentWithContainerOperation             ErrorCode = "LeaseNotPresentWithContainerOperation"    // 412
	LeaseNotPresentWithLeaseOperation                 ErrorCode = "LeaseNotPresentWithLeaseOperation"        // 409
	MaxBlobSizeConditionNotMet                        ErrorCode = "MaxBlobSizeConditionNotMet"               // 412
	MD5Mismatch                                       ErrorCode = "Md5Mismatch"                              // 400
	MetadataTooLarge                                  ErrorCode = "MetadataTooLarge"                         // 400
	MissingContentLengthHeader                        ErrorCode = "MissingContentLengthHeader"               // 411
	MissingRequiredHeader                             ErrorCode = "MissingRequiredHeader"                    // 400
	MissingRequiredQueryParameter                     ErrorCode = "MissingRequiredQueryParameter"            // 400
	MissingRequiredXMLNode                            ErrorCode = "MissingRequiredXmlNode"                   // 400
	MultipleConditionHeadersNotSupported              ErrorCode = "MultipleConditionHeadersNotSupported"     // 400
	NoAuthenticationInformation                       ErrorCode = "NoAuthenticationInformation"              // 401
	NoPendingCopyOperation                            ErrorCode = "NoPendingCopyOperation"                   // 409
	OperationNotAllowedOnIncrementalCopyBlob          ErrorCode = "OperationNotAllowedOnIncrementalCopyBlob" // 409
	OperationNotAllowedOnRootBlob                     ErrorCode = "OperationNotAllowedOnRootBlob"            // 403
	OperationTimedOut                                 ErrorCode = "OperationTimedOut"                        // 500
	OutOfRangeInput                                   ErrorCode = "OutOfRangeInput"                          // 400
	OutOfRangeQueryParameterValue                     ErrorCode = "OutOfRangeQueryParameterValue"            // 400
	PendingCopyOperation                              ErrorCode = "PendingCopyOperation"                     // 409
	PreviousSnapshotCannotBeNewer                     ErrorCode = "PreviousSnapshotCannotBeNewer"            // 400
	PreviousSnapshotNotFound                          ErrorCode = "PreviousSnapshotNotFound"                 // 409
	PreviousSnapshotOperationNotSupported             ErrorCode = "PreviousSnapshotOperationNotSupported"    // 409
	RequestBodyTooLarge                               ErrorCode = "RequestBodyTooLarge"                      // 413
	RequestURLFailedToParse                           ErrorCode = "RequestUrlFailedToParse"                  // 400
	ResourceAlreadyExists                             ErrorCode = "ResourceAlreadyExists"                    // 409
	ResourceNotFound                                  ErrorCode = "ResourceNotFound"                         // 404
	ResourceTypeMismatch                              ErrorCode = "ResourceTypeMismatch"                     // 409
	SequenceNumberConditionNotMet                     ErrorCode = "SequenceNumberConditionNotMet"            // 412
	SequenceNumberIncrementTooLarge                   ErrorCode = "SequenceNumberIncrementTooLarge"          // 409
	ServerBusy                                        ErrorCode = "ServerBusy"                               // 503
	SnaphotOperationRateExceeded                      ErrorCode = "SnaphotOperationRateExceeded"             // 409
	SnapshotCountExceeded                             ErrorCode = "SnapshotCountExceeded"                    // 409
	SnapshotOperationRateExceeded                     ErrorCode = "SnapshotOperationRateExceeded"            // 409
	SnapshotsPresent                                  ErrorCode = "SnapshotsPresent"                         // 409
	SourceConditionNotMet                             ErrorCode = "SourceConditionNotMet"                    // 412
	SystemInUse                                       ErrorCode = "SystemInUse"                              // 409
	TagsTooLarge                                      ErrorCode = "TagsTooLarge"                             // 400
	TargetConditionNotMet                             ErrorCode = "TargetConditionNotMet"                    // 412
	UnauthorizedBlobOverwrite                         ErrorCode = "UnauthorizedBlobOverwrite"                // 403
	UnsatisfiableCondition                            ErrorCode = "UnsatisfiableCondition"                   // 400
	UnsupportedHeader                                 ErrorCode = "UnsupportedHeader"                        // 400
	UnsupportedHTTPVerb                               ErrorCode = "UnsupportedHttpVerb"                      // 405
	UnsupportedQueryParameter                         ErrorCode = "UnsupportedQueryParameter"                // 400
	UnsupportedXMLNode                                ErrorCode = "UnsupportedXmlNode"                       // 400
)
