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
	"github.com/goblob/azureblob/internal/secretless"
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
	"x-ms-smart-access-tier": "tier Smart is one of the real service only",
	"x-ms-last-access-time":  "access tracking is of the real service only",
	"x-ms-or-policy-id":      "object replication is of the real service only",
	"x-ms-or-*":              "object replication is of the real service only",

	"AppendBlob_Create: Content-MD5":          "there is no body to have one",
	"PageBlob_Create: Content-MD5":            "there is no body to have one",
	"PageBlob_ClearPages: Content-MD5":        "there is no body to have one",
	"PageBlob_ClearPages: x-ms-content-crc64": "there is no body to have one",

	"BlockBlob_Query: Content-Range":                   "a query is no range",
	"BlockBlob_Query: Content-MD5":                     "there is none of the result",
	"BlockBlob_Query: x-ms-content-crc64":              "there is none of the result",
	"BlockBlob_Query: x-ms-blob-committed-block-count": "queries are of block blobs only",
	"BlockBlob_Query: x-ms-blob-sequence-number":       "queries are of block blobs only",
	"BlockBlob_Query: x-ms-copy-status-description":    "what failed to be copied is empty",
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

// TestMain compares what was answered in all with the protocol, and the lists of
// exceptions with what was met, if all tests ran.
func TestMain(m *testing.M) {
	code := secretless.Main(azurite.M{M: m}).Run()
	given := func(name string) bool { return flag.Lookup(name).Value.String() != "" }
	if !given("test.run") && !given("test.list") && (code == 0 || *everything) {
		wrong, err := compareAnswers()
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		wrong = append(wrong, compareLacks()...)
		for _, w := range wrong {
			fmt.Println(w)
		}
		code = max(code, min(len(wrong), 1))
	}
	os.Exit(code)
}

// compareAnswers returns what was not answered of what the protocol has, and
// entries of the lists of exceptions that except nothing.
func compareAnswers() ([]string, error) {
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
		return nil, err
	}
	used := map[string]bool{}
	excused := func(list map[string]string, keys ...string) bool {
		for _, key := range keys {
			if list[key] != "" {
				used[key] = true
				return true
			}
		}
		return false
	}
	var wrong []string
	asked := 0
	for _, op := range protocol.Operations {
		have := answered.headers[op.ID]
		if have == nil {
			if !excused(notAsked, op.ID) {
				wrong = append(wrong, "never asked: "+op.ID)
			}
			continue
		}
		asked++
		for _, h := range op.ResponseHeaders {
			if !have[strings.ToLower(h.Name)] && !excused(notAnswered, op.ID+": "+h.Name, h.Name) {
				wrong = append(wrong, "never answered: "+op.ID+": "+h.Name)
			}
		}
	}
	fmt.Printf("%d of %d operations were asked of blobtest; %d of their headers never came\n", asked, len(protocol.Operations), len(wrong))
	for _, list := range []map[string]string{notAsked, notAnswered} {
		for key := range list {
			if !used[key] {
				wrong = append(wrong, "an exception that nothing needs: "+key)
			}
		}
	}
	slices.Sort(wrong)
	return wrong, nil
}
