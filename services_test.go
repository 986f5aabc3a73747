package azureblob_test

import (
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
