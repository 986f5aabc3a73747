package azureblob

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		status int
		code   string
		is     []error
		not    []error
	}{
		{404, "BlobNotFound", []error{BlobNotFound, fs.ErrNotExist}, []error{ContainerNotFound, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid}},
		{404, "ContainerNotFound", []error{ContainerNotFound, fs.ErrNotExist}, []error{BlobNotFound}},
		{409, "BlobAlreadyExists", []error{BlobAlreadyExists, fs.ErrExist}, []error{fs.ErrNotExist}},
		{409, "LeaseAlreadyPresent", []error{LeaseAlreadyPresent}, []error{fs.ErrExist}},
		{403, "AuthorizationFailure", []error{AuthorizationFailure, fs.ErrPermission}, []error{fs.ErrNotExist}},
		{401, "NoAuthenticationInformation", []error{NoAuthenticationInformation, fs.ErrPermission}, nil},
		{400, "ACodeOfTomorrow", []error{ErrorCode("ACodeOfTomorrow")}, []error{fs.ErrInvalid, ErrorCode("")}},
	} {
		s := newStub(nil)
		s.before = func(_ int, _ string, req *http.Request) (*http.Response, error) {
			resp := failure(req, tc.status, tc.code)
			resp.Header.Set("x-ms-request-id", "the-request")
			return resp, nil
		}
		_, err := s.blob(t).ReadAll(t.Context(), nil)
		for _, target := range tc.is {
			if !errors.Is(err, target) {
				t.Errorf("%v is not %v", err, target)
			}
		}
		for _, target := range tc.not {
			if errors.Is(err, target) {
				t.Errorf("%v is %v", err, target)
			}
		}
		want := fmt.Sprintf("azureblob: Get Blob photos/cat.jpg: %d %s: It did not work. (request the-request)", tc.status, tc.code)
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.StatusCode != tc.status || e.Operation != "Get Blob" || e.Container != "photos" || e.Blob != "cat.jpg" || e.RequestID != "the-request" || e.ClientRequestID == "" {
			t.Errorf("%+v", e)
		}
		a, ok := errors.AsType[*azcore.ResponseError](err)
		if !ok || a.StatusCode != tc.status || a.ErrorCode != tc.code || a.RawResponse == nil {
			t.Errorf("%+v", a)
		}
	}
}

func TestErrorsWithoutXML(t *testing.T) {
	for name, tc := range map[string]struct {
		header http.Header
		body   string
		want   string
	}{
		"HEAD":       {http.Header{"X-Ms-Error-Code": {"BlobNotFound"}}, "", "404 BlobNotFound: Not Found"},
		"no code":    {nil, "", "404: Not Found"},
		"a proxy":    {nil, "<html><body>sorry<p></body></html>", "404: Not Found"},
		"only XML":   {nil, "\ufeff<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code><Message>gone</Message></Error>", "404 BlobNotFound: gone"},
		"lines":      {nil, "<Error><Code>X</Code><Message>one\ntwo</Message></Error>", "404 X: one"},
		"details":    {nil, "<Error><Code>X</Code><Message>m</Message><HeaderName>x-ms-foo</HeaderName><HeaderValue>secret</HeaderValue></Error>", "404 X: m"},
		"a huge one": {nil, strings.Repeat("x", 1<<20), "404: Not Found"},
	} {
		s := newStub(nil)
		s.before = func(_ int, _ string, req *http.Request) (*http.Response, error) {
			return answerOf(req, 404, tc.header.Clone(), []byte(tc.body)), nil
		}
		_, err := s.blob(t).ReadAll(t.Context(), nil)
		if want := "azureblob: Get Blob photos/cat.jpg: " + tc.want + " (request request-of-the-stub)"; err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", name, err, want)
		}
		if e, _ := errors.AsType[*Error](err); name == "details" && (e.Detail["HeaderName"] != "x-ms-foo" || len(e.Detail) != 1) {
			t.Errorf("%s: %v", name, e.Detail)
		}
	}
}

func TestErrorIsOneLine(t *testing.T) {
	s := newStub(nil)
	s.before = func(_ int, _ string, _ *http.Request) (*http.Response, error) { return nil, errors.New("a\nb") }
	service := s.service(t, &ClientOptions{Retry: RetryOptions{Total: -1}})
	_, err := service.Container("photos").Blob("odd\nname").ReadAll(t.Context(), nil)
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("%q", err)
	}
}
