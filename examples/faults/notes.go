package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
)

// patience is how long who asks for a note has to wait at most.
const patience = 10 * time.Second

// notes are notes in the blobs of a container.
type notes struct{ container *azureblob.ContainerClient }

// newNotes returns a handler of PUT, GET and DELETE /notes/{name}. A note is never
// written over.
func newNotes(container *azureblob.ContainerClient) http.Handler {
	n := notes{container}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /notes/{name}", within(n.put))
	mux.HandleFunc("GET /notes/{name}", within(n.get))
	mux.HandleFunc("DELETE /notes/{name}", within(n.delete))
	return mux
}

func (n notes) put(w http.ResponseWriter, r *http.Request) error {
	_, err := n.blob(r).Upload(r.Context(), http.MaxBytesReader(w, r.Body, 1<<20), &azureblob.UploadOptions{
		HTTPHeaders: azureblob.HTTPHeaders{ContentType: "text/plain; charset=utf-8"},
		Conditions:  azureblob.Conditions{IfNoneMatch: azcore.ETagAny},
	})
	if err == nil {
		w.WriteHeader(http.StatusCreated)
	}
	return err
}

func (n notes) get(w http.ResponseWriter, r *http.Request) error {
	// All of it comes before the answer begins: what breaks off later cannot be told
	// any more. Validate finds out what was damaged on the way.
	content, err := n.blob(r).ReadAll(r.Context(), &azureblob.DownloadOptions{Validate: true})
	if err == nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(content) // who asked may have gone
	}
	return err
}

func (n notes) delete(w http.ResponseWriter, r *http.Request) error {
	_, err := n.blob(r).Delete(r.Context(), nil)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (n notes) blob(r *http.Request) *azureblob.BlobClient {
	return n.container.Blob(r.PathValue("name"))
}

// within gives a handler some time, and answers for its errors.
func within(handle func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		err := handle(w, r.WithContext(ctx))
		if err == nil {
			return
		}
		status := http.StatusBadGateway // the Blob service did what it should not
		code, _ := errors.AsType[*azureblob.Error](err)
		switch {
		case errors.Is(err, azureblob.BlobNotFound):
			status = http.StatusNotFound
		case errors.Is(err, fs.ErrExist):
			status = http.StatusConflict
		case errors.Is(err, fs.ErrInvalid):
			status = http.StatusBadRequest
		case isTooLarge(err):
			status = http.StatusRequestEntityTooLarge
		case errors.Is(err, context.DeadlineExceeded):
			status = http.StatusGatewayTimeout
		case code != nil && (code.StatusCode == 429 || code.StatusCode == 503):
			w.Header().Set("Retry-After", "10")
			status = http.StatusServiceUnavailable
		}
		http.Error(w, strings.ToLower(http.StatusText(status)), status)
	}
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}
