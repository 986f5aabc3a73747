package azureblob_test

import (
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

// TestCallOptionsEverywhere gives every method a request id, an extra header, a
// timeout and hooks of its own, and finds them with every request of its
// operation.
func TestCallOptionsEverywhere(t *testing.T) {
	defer func() { filler = fill }()
	p := loadProtocol(t)
	for _, e := range exercises {
		var requests, responses atomic.Int64
		calls := azureblob.CallOptions{
			ClientRequestID: "of-the-caller", Timeout: 7 * time.Second, Header: http.Header{"X-Extra": {"more"}},
			OnRequest: func(r *http.Request) {
				requests.Add(1)
				r.Header.Set("x-hooked", "yes")
			},
			OnResponse: func(*http.Response) { responses.Add(1) },
		}
		given := false
		filler = func(v reflect.Value) {
			fill(v)
			given = setCallOptions(v, calls) || given
		}
		mock := &protocolTransport{t: t, protocol: p}
		if _, err := e.run(t.Context(), mock.subjects()[0]); err != nil {
			t.Errorf("%s: %v", e.method, err)
			continue
		}
		if !given || e.method == "BlobLeaseClient.KeepAlive" { // it sends nothing for a third of the lease
			continue // the exercise has no options; another one of the same options does
		}
		hooked := int64(0)
		for _, r := range mock.requests {
			if r.header.Get("x-ms-client-request-id") != "of-the-caller" {
				continue // a second call of the exercise, without options
			}
			hooked++
			ofSource := e.method == "BlobClient.CopyFrom" && r.op == rest.GetBlobProperties // may be another service, which gets no extra headers
			if r.header.Get("x-extra") != "more" && !ofSource || r.header.Get("x-hooked") != "yes" || r.query.Get("timeout") != "7" && p.takes(r.op.ID, "timeout") {
				t.Errorf("%s: %s went with header %v and query %v", e.method, r.op.ID, r.header, r.query)
			}
		}
		if hooked == 0 || requests.Load() != hooked || responses.Load() != hooked {
			t.Errorf("%s: %d requests of the caller, hooks saw %d and %d answers", e.method, hooked, requests.Load(), responses.Load())
		}
	}
}

// setCallOptions sets the CallOptions of an options struct, and of those in it,
// but for those of the parts of a batch.
func setCallOptions(v reflect.Value, o azureblob.CallOptions) (found bool) {
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch {
		case f.Type() == reflect.TypeOf(o):
			f.Set(reflect.ValueOf(o))
			found = true
		case f.Kind() == reflect.Pointer && !f.IsNil() && strings.HasSuffix(f.Type().Elem().Name(), "Options") && v.Type().Field(i).IsExported():
			found = setCallOptions(f.Elem(), o) || found
		case f.Kind() == reflect.Struct && strings.HasSuffix(f.Type().Name(), "Options") && name != "CallOptions" && name != "Each" && v.Type().Field(i).IsExported():
			found = setCallOptions(f, o) || found
		}
	}
	return found
}
