package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/examples/internal/exampletest"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(m))
}

// TestNotes has one thing go wrong in each case, and says what the callers of the
// service see of it: mostly nothing.
func TestNotes(t *testing.T) {
	for _, c := range []struct {
		name    string
		faults  []blobtest.Fault
		method  string
		note    string
		body    string
		want    int
		content string        // of the answer
		within  time.Duration // of virtual time; 0 for any
	}{
		{name: "a new note", method: "PUT", note: "new", body: "buy milk", want: 201, within: time.Millisecond},
		{name: "a note", method: "GET", note: "old", want: 200, content: "buy bread", within: time.Millisecond},
		{name: "a note that there is", method: "PUT", note: "old", body: "buy milk", want: 409},
		{name: "a note that there is not", method: "GET", note: "none", want: 404},
		{name: "a large note", method: "PUT", note: "new", body: strings.Repeat("buy milk ", 1<<17), want: 413},
		{name: "a note gone", method: "DELETE", note: "old", want: 204},

		{name: "a busy service",
			faults: []blobtest.Fault{{Operation: "Put Blob", Code: "ServerBusy", Times: 2, RetryAfter: time.Second}},
			method: "PUT", note: "new", body: "buy milk", want: 201},
		{name: "a service that stays busy",
			faults: []blobtest.Fault{{Operation: "Put Blob", Code: "ServerBusy", Times: -1}},
			method: "PUT", note: "new", body: "buy milk", want: 503},
		{name: "a service that knows when it is busy no more",
			faults: []blobtest.Fault{{Operation: "Get Blob", Code: "ServerBusy", Times: -1, RetryAfter: time.Hour}},
			method: "GET", note: "old", want: 503, within: time.Second},

		{name: "a connection that breaks while the note is sent",
			faults: []blobtest.Fault{{Operation: "Put Blob", At: blobtest.DuringRequest, Reset: true}},
			method: "PUT", note: "new", body: "buy milk", want: 201},
		{name: "an answer that gets lost, to a write that must not be done twice",
			faults: []blobtest.Fault{{Operation: "Put Blob", At: blobtest.AfterOperation, Reset: true}},
			method: "PUT", note: "new", body: "buy milk", want: 201},
		{name: "an answer that gets lost, to a deletion",
			faults: []blobtest.Fault{{Operation: "Delete Blob", At: blobtest.AfterOperation, Reset: true}},
			method: "DELETE", note: "old", want: 204},
		{name: "an answer that breaks off",
			faults: []blobtest.Fault{{Operation: "Get Blob", At: blobtest.DuringAnswer, Offset: 4, Truncate: true}},
			method: "GET", note: "old", want: 200, content: "buy bread"},

		{name: "a service that does not answer",
			faults: []blobtest.Fault{{Operation: "Get Blob", Delay: -1, Times: -1}},
			method: "GET", note: "old", want: 504, within: patience + time.Millisecond},
		{name: "a slow answer",
			faults: []blobtest.Fault{{Operation: "Get Blob", Delay: 3 * time.Second}},
			method: "GET", note: "old", want: 200, content: "buy bread", within: 4 * time.Second},
		{name: "a bit that flips on the way",
			faults: []blobtest.Fault{{Operation: "Get Blob", FlipBit: true, Times: -1}},
			method: "GET", note: "old", want: 502},
		{name: "a key that was changed",
			faults: []blobtest.Fault{{Code: "AuthenticationFailed", Times: -1}},
			method: "GET", note: "old", want: 502},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := blobtest.New(t)
				container := server.ServiceClient().Container("notes")
				if _, err := container.Create(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				if _, err := container.Blob("old").Upload(t.Context(), strings.NewReader("buy bread"), nil); err != nil {
					t.Fatal(err)
				}
				var injected []*blobtest.Injected
				for _, fault := range c.faults {
					injected = append(injected, server.Inject(fault))
				}

				began, answer := time.Now(), httptest.NewRecorder()
				newNotes(container).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), c.method, "/notes/"+c.note, strings.NewReader(c.body)))

				if answer.Code != c.want || c.content != "" && answer.Body.String() != c.content {
					t.Errorf("%d %q, want %d", answer.Code, answer.Body, c.want)
				}
				if took := time.Since(began); c.within != 0 && took > c.within {
					t.Errorf("it took %v", took)
				}
				for _, fault := range injected {
					if fault.Fired() == 0 {
						t.Error("nothing went wrong: the test shows nothing")
					}
				}
				server.ClearFaults()
				if content, err := container.Blob("old").ReadAll(t.Context(), nil); c.method != "DELETE" && (err != nil || string(content) != "buy bread") {
					t.Errorf("the old note is %q, %v", content, err)
				}
				if content, err := container.Blob("new").ReadAll(t.Context(), nil); c.want == 201 && (err != nil || string(content) != c.body) {
					t.Errorf("the new note is %q, %v", content, err)
				}
			})
		})
	}
}

// TestProgram runs it as main does, until Ctrl-C.
func TestProgram(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	printed, out := io.Pipe()
	ended := make(chan error, 1)
	account := exampletest.OnBlobtest(t, nil)
	go func() {
		ended <- connect.WithContainer(run)(ctx, account, []string{"-addr", "127.0.0.1:0"}, out)
		out.Close()
	}()
	line, err := bufio.NewReader(printed).ReadString('\n')
	if err != nil {
		t.Fatal(err, <-ended)
	}
	url := strings.TrimSpace(line[strings.Index(line, "http://"):])
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, want := range []int{201, 409} {
		req, err := http.NewRequestWithContext(ctx, "PUT", url, strings.NewReader("buy milk"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
