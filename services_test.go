package azureblob_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// onServices runs a test on blobtest and on the emulator, with the same
// expectations. What the emulator lacks is behind a look at its flag.
func onServices(t *testing.T, test func(t *testing.T, s *azureblob.ServiceClient, azurite bool)) {
	t.Helper()
	t.Run("blobtest", func(t *testing.T) {
		test(t, blobtest.New(t).ServiceClient(azureblob.CapturingOptions()), false)
	})
	t.Run("azurite", func(t *testing.T) {
		test(t, emulated(t), true)
	})
}

// unsent is a client that must send nothing: for bad input, which is refused
// before anything is done with it.
func unsent(t *testing.T) *azureblob.ServiceClient {
	t.Helper()
	o := azureblob.CapturingOptions()
	o.Transport = sending(func(req *http.Request) { t.Errorf("sent: %s %s", req.Method, req.URL.Path) })
	s, err := azureblob.NewServiceClient("https://account.blob.core.windows.net", nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sending tells of what is sent, and fails it.
type sending func(*http.Request)

func (f sending) Do(req *http.Request) (*http.Response, error) {
	f(req)
	return nil, errUnsent
}

var errUnsent = errors.New("nothing is sent in this test")

// refused demands that err is that of bad input, and says what is wrong.
func refused(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("%s: %v, want fs.ErrInvalid", what, err)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v does not say %q", what, err, word)
		}
	}
}
