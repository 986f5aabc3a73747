package conformance

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync"
)

var everything = flag.Bool("everything", false, "ask Azurite for what it lacks as well, which fails")

// lacks is what Azurite 3.37.0 does not do, or does otherwise than the published
// protocol, with the reason why blobtest does not follow it.
var lacks = map[string]string{
	"416 at the end":               "a range that starts at the size is 206 without bytes; the protocol says 416 InvalidRange",
	"blocks discarded by a put":    "Put Blob leaves staged blocks; the service discards them",
	"ETag of blocks":               "a list of uncommitted blocks has an ETag, although there is no blob yet",
	"MD5 of blocks":                "Put Block List computes an MD5; the service stores none",
	"code of missing sources":      "BlobNotFound; the service says CannotVerifyCopySource with the status of the source",
	"hns flag":                     "account information of containers and blobs lacks x-ms-is-hns-enabled",
	"empty blocks":                 "Put Block of no bytes is 201; the service says 400 InvalidHeaderValue",
	"code of signatures":           "a signature that is not valid is AuthorizationFailure; the service says AuthenticationFailed",
	"code of overwriting":          "AuthorizationPermissionMismatch; the service says UnauthorizedBlobOverwrite",
	"limits of signatures":         "sip, the order of letters in sp and a malformed se are not checked, nor that there is an expiry if a policy is named",
	"lifetime of keys":             "user delegation keys of any lifetime are given out",
	"delegated fields":             "snapshots, saoid, suoid and scid are not part of the text that a user delegation signs, and with any token sduoid is not looked at",
	"directory signatures":         "sr=d and sr=bv are refused",
	"old signatures":               "those of before 2015-04-05 are checked in the form of that version",
	"challenges":                   "anonymous callers get 403 AuthorizationFailure, and no challenge",
	"escapes in parts":             "the query of a part is not unescaped, and parts of a container's batch may be about other containers",
	"snapshots by container":       "a signature for a container does not open the snapshots in it",
	"versions":                     "versionid is ignored everywhere",
	"soft delete":                  "the setting is stored, nothing is kept",
	"undelete":                     "501",
	"immutability":                 "the headers are ignored, the operations are 501",
	"customer keys":                "500 FeatureNotSupported",
	"encryption scopes":            "ignored",
	"from URL":                     "Put Blob, Append Block and Put Page From URL are 501",
	"page diff and paging":         "the plain list comes, without ClearRange, and maxresults is ignored",
	"codes of pages":               "InvalidOperation and a phrase that is no code; the service says InvalidHeaderValue and InvalidPageRange",
	"codes of bad documents":       "an answer without a body and a code",
	"checks of public access":      "any value is taken, and who may read a container may read its policies too",
	"checks of policies":           "six policies, repeated and long IDs and malformed times are taken, and one without fields is a bare 400",
	"checks of service properties": "six CORS rules, their methods, 366 days, none at all and any names of index documents are taken, a malformed document is a bare 400, and $web is not made",
	"source conditions":            "one that does not hold is 304 or ConditionNotMet; the service says 412 SourceConditionNotMet",
	"types of copies":              "a copy over a blob of another type and a synchronous one of an append blob are taken",
	"checks of copies":             "signatures and checksums of the sources of Copy Blob and Copy Blob From URL are not looked at, and told with the source; tags given twice are 400; a source that fails is not told apart",
	"rehydration":                  "a blob leaves the archive at once, and a copy of it is no error",
	"encryption of all answers":    "Put Block From URL and snapshots lack x-ms-request-server-encrypted",
	"checksums of answers":         "an MD5 or CRC64 that was sent is checked, but not always told, and there are no checksums of ranges but MD5",
	"query":                        "501",
	"container rename":             "comp=rename is ignored, so a container is made; blobtest says 501 APINotImplemented, since no public page tells what it does",
	"checks of listings":           "elements of copies come unasked, a bad include or maxresults is a bare 400, and snapshots below a delimiter are listed",
	"checks of requests":           "unknown comp values and timeout are ignored, bad blob types are a bare 400, long names are taken, and a wrong key is AuthorizationFailure",
	"checks of tags":               "a key twice is taken, an empty value is a bare 400, and a bad character is DuplicateTagNames",
	"pages of found blobs":         "maxresults counts blobs without the tag, and later pages are lost",
	"first CORS rule":              "a rule whose headers do not fit lets later rules decide; by the protocol the first that fits origin and method decides",
	"incremental copies":           "501",
	"pending copies":               "every copy is done when it returns",
	"tag conditions":               "conditions on tag calls are ignored",
	"structured messages":          "the framed bytes are stored as content",
	"long delimiters":              "only the first character of a delimiter counts",
	"snapshot paging":              "a page break loses entries",
	"expiry":                       "501",
	"secondary writes":             "the secondary takes writes",
}

// lacked are the entries of the list that tests have asked for, and those for which
// one of these tests has failed on Azurite.
var lacked = struct {
	sync.Mutex
	asked, failed map[string]bool
}{asked: map[string]bool{}, failed: map[string]bool{}}

// lacking skips the rest of a test on Azurite, by an entry of the list.
func (s *service) lacking(what string) {
	s.Helper()
	if s.has(what) {
		return
	}
	s.Skipf("Azurite: %s: %s", what, lacks[what])
}

// has reports whether a service does what an entry of the list names, and says
// in the log what is left out if not.
func (s *service) has(what string) bool {
	s.Helper()
	reason, listed := lacks[what]
	if !listed {
		s.Fatalf("%q is not on the list of what Azurite lacks", what)
	}
	lacked.Lock()
	defer lacked.Unlock()
	lacked.asked[what] = true
	switch {
	case !s.azurite:
		return true
	case *everything:
		s.Cleanup(func() {
			lacked.Lock()
			defer lacked.Unlock()
			lacked.failed[what] = lacked.failed[what] || s.Failed()
		})
		return true
	}
	s.Logf("left out on Azurite: %s: %s", what, reason)
	return false
}

// compareLacks returns what is wrong with the list, when all tests have run.
func compareLacks() []string {
	var wrong []string
	for _, what := range slices.Sorted(maps.Keys(lacks)) {
		switch {
		case !lacked.asked[what]:
			wrong = append(wrong, fmt.Sprintf("no test asks for %q, which Azurite is said to lack", what))
		case *everything && !lacked.failed[what]:
			wrong = append(wrong, fmt.Sprintf("Azurite no longer lacks %q", what))
		}
	}
	return wrong
}
