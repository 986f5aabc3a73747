package conformance

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// answered are the headers that blobtest sent with successful answers, by the
// operation. Together they have to be those of the published protocol.
var answered = struct {
	sync.Mutex
	headers map[string]map[string]bool
}{headers: map[string]map[string]bool{}}

// notAnswered are headers that the suite does not make blobtest send, with the
// reason: of every operation, or of one.
var notAnswered = map[string]string{
	"BlockBlob_Query: Content-Range":                   "a query is no range",
	"BlockBlob_Query: x-ms-blob-committed-block-count": "queries are of block blobs only",
	"BlockBlob_Query: x-ms-blob-sequence-number":       "queries are of block blobs only",
	"BlockBlob_Query: x-ms-copy-status-description":    "what failed to be copied is empty",
	"x-ms-client-request-id":                         "only echoed, and not with every call",
	"x-ms-smart-access-tier":                         "tier Smart is one of the real service only",
	"x-ms-last-access-time":                          "access tracking is of the real service only",
	"x-ms-or-policy-id":                              "object replication is of the real service only",
	"x-ms-or-*":                                      "object replication is of the real service only",
	"x-ms-content-crc64":                             "depends on the checksum that was sent; see the tests of blobtest",
	"Content-MD5":                                    "depends on the checksum that was sent; see the tests of blobtest",
	"x-ms-structured-body":                           "Azurite lacks structured messages; see the tests of blobtest",
	"x-ms-structured-content-length":                 "Azurite lacks structured messages; see the tests of blobtest",
	"x-ms-version-id":                                "Azurite lacks versions; see the tests of blobtest",
	"x-ms-is-current-version":                        "Azurite lacks versions; see the tests of blobtest",
	"x-ms-encryption-key-sha256":                     "Azurite lacks customer keys; see the tests of blobtest",
	"x-ms-encryption-scope":                          "Azurite lacks encryption scopes; see the tests of blobtest",
	"x-ms-default-encryption-scope":                  "Azurite lacks encryption scopes; see the tests of blobtest",
	"x-ms-deny-encryption-scope-override":            "Azurite lacks encryption scopes; see the tests of blobtest",
	"x-ms-immutability-policy-until-date":            "Azurite lacks immutability; see the tests of blobtest",
	"x-ms-immutability-policy-mode":                  "Azurite lacks immutability; see the tests of blobtest",
	"x-ms-immutable-storage-with-versioning-enabled": "Azurite lacks immutability; see the tests of blobtest",
	"x-ms-legal-hold":                                "Azurite lacks legal holds; see the tests of blobtest",
	"x-ms-delete-type-permanent":                     "Azurite lacks soft delete; see the tests of blobtest",
	"x-ms-expiry-time":                               "Azurite lacks expiry; see the tests of blobtest",
	"x-ms-archive-status":                            "Azurite rehydrates at once; see the tests of blobtest",
	"x-ms-rehydrate-priority":                        "Azurite rehydrates at once; see the tests of blobtest",
	"x-ms-copy-status-description":                   "only of copies that fail, which Azurite never leaves behind",
	"x-ms-copy-destination-snapshot":                 "Azurite lacks incremental copies; see the tests of blobtest",
	"x-ms-incremental-copy":                          "Azurite lacks incremental copies; see the tests of blobtest",
}

// notAsked are operations that the suite does not ask of blobtest, with the reason.
var notAsked = map[string]string{
	"Container_Rename": "no public page tells what it does; both services are asked in TestRename, and none renames",
}

// record takes note of an answer of blobtest.
func (a *answer) record(method, path, query string, h header) {
	if a.s.azurite || a.status >= 300 {
		return
	}
	level := wire.Account
	if strings.Contains(path, "/") {
		level = wire.Blob
	} else if path != "" {
		level = wire.Container
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return
	}
	sent := http.Header{}
	for name, value := range h {
		sent.Set(name, value)
	}
	op := rest.Match(method, level, values, sent)
	if op == nil {
		return
	}
	answered.Lock()
	defer answered.Unlock()
	if answered.headers[op.ID] == nil {
		answered.headers[op.ID] = map[string]bool{}
	}
	for name := range a.header {
		answered.headers[op.ID][strings.ToLower(name)] = true
		if strings.HasPrefix(strings.ToLower(name), "x-ms-meta-") {
			answered.headers[op.ID]["x-ms-meta-*"] = true
		}
	}
}

// TestMain compares what was answered in all with the protocol, if all tests ran.
func TestMain(m *testing.M) {
	code := azurite.Main(m)
	if flag.Lookup("test.run").Value.String() == "" && code == 0 {
		code = compareAnswers()
	}
	os.Exit(code)
}

func compareAnswers() int {
	var protocol struct {
		Operations []struct {
			ID              string
			ResponseHeaders []struct{ Name string }
		}
	}
	data, err := os.ReadFile("../../testdata/protocol.json")
	if err == nil {
		err = json.Unmarshal(data, &protocol)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	missing, asked := []string{}, 0
	for _, op := range protocol.Operations {
		have := answered.headers[op.ID]
		if have == nil {
			if notAsked[op.ID] == "" {
				missing = append(missing, op.ID+": the whole operation")
			}
			continue
		}
		asked++
		for _, h := range op.ResponseHeaders {
			if !have[strings.ToLower(h.Name)] && notAnswered[h.Name] == "" && notAnswered[op.ID+": "+h.Name] == "" {
				missing = append(missing, op.ID+": "+h.Name)
			}
		}
	}
	slices.Sort(missing)
	fmt.Printf("%d of %d operations were asked of blobtest; %d of their headers never came\n", asked, len(protocol.Operations), len(missing))
	for _, m := range missing {
		fmt.Println("never answered:", m)
	}
	return min(len(missing), 1)
}
