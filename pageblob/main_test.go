package pageblob_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
	"github.com/goblob/azureblob/pageblob"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(azurite.M{M: m}))
}

// onServices runs a test on blobtest and on the emulator.
func onServices(t *testing.T, test func(t *testing.T, c *azureblob.ContainerClient, isAzurite bool)) {
	t.Helper()
	run := func(t *testing.T, s *azureblob.ServiceClient, isAzurite bool) {
		c := s.Container("t-" + strings.ToLower(rand.Text()))
		if _, err := c.Create(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		test(t, c, isAzurite)
	}
	t.Run("blobtest", func(t *testing.T) { run(t, blobtest.New(t).ServiceClient(), false) })
	t.Run("azurite", func(t *testing.T) {
		s, err := azureblob.NewServiceClientFromConnectionString(azurite.Shared(t).ConnectionString(), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.CloseIdleConnections)
		run(t, s, true)
	})
}

// disk makes a page blob of size bytes.
func disk(t *testing.T, c *azureblob.ContainerClient, size int64) *pageblob.Client {
	t.Helper()
	b := pageblob.New(c.Blob("disk.vhd"))
	if _, err := b.Create(t.Context(), size, nil); err != nil {
		t.Fatal(err)
	}
	return b
}
