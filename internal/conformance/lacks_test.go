package conformance

// lacks is what Azurite 3.37.0 does not do, or does otherwise than the published
// protocol, with the reason why blobtest does not follow it.
var lacks = map[string]string{
	"416 at the end":            "a range that starts at the size is 206 without bytes; the protocol says 416 InvalidRange",
	"blocks discarded by a put": "Put Blob leaves staged blocks; the service discards them",
	"ETag of blocks":            "a list of uncommitted blocks has an ETag, although there is no blob yet",
	"MD5 of blocks":             "Put Block List computes an MD5; the service stores none",
	"code of missing sources":   "BlobNotFound; the service says CannotVerifyCopySource with the status of the source",
	"hns flag":                  "account information of containers and blobs lacks x-ms-is-hns-enabled",
	"empty blocks":              "Put Block of no bytes is 201; the service says 400 InvalidHeaderValue",
	"name checks":               "control characters and names of more than 1,024 characters are taken",
	"wrong key":                 "a wrong signature is AuthorizationFailure; the service says AuthenticationFailed",
	"versions":                  "versionid is ignored everywhere",
	"soft delete":               "the setting is stored, nothing is kept",
	"undelete":                  "501",
	"immutability":              "the headers are ignored, the operations are 501",
	"customer keys":             "500 FeatureNotSupported",
	"encryption scopes":         "ignored",
	"from URL":                  "Put Blob, Append Block and Put Page From URL are 501",
	"page diff":                 "the plain list comes, without ClearRange",
	"page paging":               "maxresults is ignored",
	"pending copies":            "every copy is done when it returns",
	"tag conditions":            "conditions on tag calls are ignored",
	"structured messages":       "the framed bytes are stored as content",
	"long delimiters":           "only the first character of a delimiter counts",
	"snapshot paging":           "a page break loses entries",
	"expiry":                    "501",
	"secondary writes":          "the secondary takes writes",
	"unknown comp":              "unknown comp values are ignored",
	"bad timeouts":              "timeout is ignored",
}
