package blobtest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
)

// newBare is a server that stores the bodies of requests and does no more.
func newBare() *httptest.Server {
	var mu sync.Mutex
	stored := map[string][]byte{}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			panic(http.ErrAbortHandler)
		}
		mu.Lock()
		stored[r.URL.String()] = body
		if r.URL.Query().Get("comp") == "blocklist" {
			clear(stored)
		}
		mu.Unlock()
		w.Header().Set("ETag", `"0x1"`)
		w.WriteHeader(http.StatusCreated)
	}))
}
