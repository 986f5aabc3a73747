package blockblob_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(m))
}
