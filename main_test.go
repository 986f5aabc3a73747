package azureblob

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
)

// CapturingOptions are options for the clients of tests: all that they log is
// looked through for secrets.
func CapturingOptions() *ClientOptions { return &ClientOptions{Logger: secretless.Logger()} }

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(azurite.M{M: m}))
}
