package azureblob_test

import (
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// TestHooksOfClients: hooks of the client see every try of every request, before
// those of the call.
func TestHooksOfClients(t *testing.T) {
	server := blobtest.New(t)
	var order []string
	o := azureblob.CapturingOptions()
	o.Retry.Delay = -1
	o.OnRequest = func(r *http.Request) {
		order = append(order, "client "+r.Method)
		r.Header.Set("x-ms-meta-hook", "client")
	}
	o.OnResponse = func(r *http.Response) { order = append(order, "client "+r.Status[:3]) }
	c := server.ServiceClient(o).Container("photos")
	server.Inject(blobtest.Fault{Operation: "Create Container", Status: 503, Code: "ServerBusy"})
	if _, err := c.Create(t.Context(), &azureblob.CreateContainerOptions{CallOptions: azureblob.CallOptions{
		OnRequest:  func(r *http.Request) { order = append(order, "call "+r.Header.Get("x-ms-meta-hook")) },
		OnResponse: func(r *http.Response) { order = append(order, "call "+r.Status[:3]) },
	}}); err != nil {
		t.Fatal(err)
	}
	want := []string{"client PUT", "call client", "client 503", "call 503", "client PUT", "call client", "client 201", "call 201"}
	if !slices.Equal(order, want) {
		t.Errorf("got  %q\nwant %q", order, want)
	}
	// What the hook has set was signed and stored.
	if p, err := c.Properties(t.Context(), nil); err != nil || p.Metadata["hook"] != "client" {
		t.Errorf("%v, %v", p.Metadata, err)
	}
}

// TestHooksOfTransfers: those of a transfer see each of its requests.
func TestHooksOfTransfers(t *testing.T) {
	server := blobtest.New(t)
	c := server.ServiceClient(azureblob.CapturingOptions()).Container("photos")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	requests, answers := 0, 0
	o := azureblob.CallOptions{
		ClientRequestID: "one id for all",
		OnRequest:       func(r *http.Request) { mu.Lock(); requests++; mu.Unlock() },
		OnResponse:      func(r *http.Response) { mu.Lock(); answers++; mu.Unlock() },
	}
	server.ResetRequests()
	if _, err := c.Blob("cat").Upload(t.Context(), strings.NewReader("some content"), &azureblob.UploadOptions{CallOptions: o, BlockSize: 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Blob("cat").ReadAll(t.Context(), &azureblob.DownloadOptions{CallOptions: o, BlockSize: 3}); err != nil {
		t.Fatal(err)
	}
	sent := server.Requests()
	if requests != len(sent) || answers != len(sent) || len(sent) != 4+1+4 {
		t.Errorf("%d and %d hooks of %d requests", requests, answers, len(sent))
	}
	for _, r := range sent {
		if r.Header.Get("x-ms-client-request-id") != "one id for all" {
			t.Errorf("%s has the id %q", r.Operation, r.Header.Get("x-ms-client-request-id"))
		}
	}
}

// TestHeadersOfClients: those of the client are sent with what does not bring its
// own, and agents stand one behind the other.
func TestHeadersOfClients(t *testing.T) {
	server := blobtest.New(t)
	o := azureblob.CapturingOptions()
	o.ApplicationID = "app"
	own := []string{"a"}
	o.Header = http.Header{"x-ms-meta-Own": own, "User-Agent": {"ours/1"}, "x-ms-version": {"2025-01-05"}, "x-ms-client-request-id": {"of the client"}}
	service := server.ServiceClient(o)
	own[0] = "changed afterwards"
	for _, call := range []azureblob.CallOptions{
		{},
		{ClientRequestID: "of the call", Header: http.Header{"user-agent": {"mine/2"}, "X-Ms-Meta-Own": {"b"}}},
	} {
		if _, err := service.AccountInfo(t.Context(), &azureblob.AccountInfoOptions{CallOptions: call}); err != nil {
			t.Fatal(err)
		}
	}
	sent := server.Requests()
	for i, want := range []struct{ suffix, meta, id string }{{" ours/1", "a", "of the client"}, {" ours/1 mine/2", "b", "of the call"}} {
		h := sent[i].Header
		agent := h.Get("User-Agent")
		if !strings.HasPrefix(agent, "app azureblob/") || !strings.HasSuffix(agent, ")"+want.suffix) || h.Get("x-ms-meta-own") != want.meta ||
			len(h.Values("x-ms-meta-own")) != 1 || h.Get("x-ms-version") != "2025-01-05" || h.Get("x-ms-client-request-id") != want.id {
			t.Errorf("request %d has %q and %v", i, agent, h)
		}
	}
}

// TestControlCharacters: no header is sent whose value holds one, wherever it
// comes from, and the error does not show it.
func TestControlCharacters(t *testing.T) {
	const bad = "c2VjcmV0a2V5\r\nX-Injected: yes"
	for name, header := range map[string]http.Header{"value": {"X-Own": {bad}}, "name": {"X Own": {"a"}}, "no name": {"": {"a"}}} {
		o := &azureblob.ClientOptions{Header: header}
		if _, err := azureblob.NewServiceClient("https://account.blob.core.windows.net", nil, o); !errors.Is(err, fs.ErrInvalid) || strings.Contains(err.Error(), "c2V") {
			t.Errorf("a client with a bad %s: %v", name, err)
		}
	}
	hook := func(r *http.Request) { r.Header["X-Own"] = []string{bad} }
	call := azureblob.CallOptions{OnRequest: hook}
	blob := unsent(t).Container("photos").Blob("cat")
	for name, err := range map[string]error{
		"hook":     second(blob.Properties(t.Context(), &azureblob.BlobPropertiesOptions{CallOptions: call})),
		"upload":   second(blob.Upload(t.Context(), strings.NewReader("x"), &azureblob.UploadOptions{CallOptions: call})),
		"call":     second(blob.Properties(t.Context(), &azureblob.BlobPropertiesOptions{CallOptions: azureblob.CallOptions{Header: http.Header{"X-Own": {bad}}}})),
		"id":       second(blob.Properties(t.Context(), &azureblob.BlobPropertiesOptions{CallOptions: azureblob.CallOptions{ClientRequestID: bad}})),
		"metadata": second(blob.SetMetadata(t.Context(), azureblob.Metadata{"a": bad}, nil)),
		"source":   second(blob.StartCopy(t.Context(), "https://host/c/b?sv=1&sig=c2VjcmV0a2V5%0d", &azureblob.StartCopyOptions{Metadata: azureblob.Metadata{"a": bad}})),
	} {
		if err == nil || strings.Contains(err.Error(), "c2V") || strings.Contains(err.Error(), "Injected") || strings.Contains(err.Error(), "nothing is sent") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
