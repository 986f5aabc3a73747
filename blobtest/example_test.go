package blobtest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// archive is code of a service that is to be tested: it keeps reports and
// never overwrites one.
type archive struct{ reports *azureblob.ContainerClient }

func (a *archive) save(ctx context.Context, name, text string) error {
	_, err := a.reports.Blob(name).Upload(ctx, strings.NewReader(text), &azureblob.UploadOptions{
		Conditions: azureblob.Conditions{IfNoneMatch: "*"},
	})
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("report %s is there already", name)
	}
	return err
}

// A test of a service's own code, with a fault: the service must come through a
// moment in which the storage is busy. In a test, New(t) makes the server and
// closes it.
func Example() {
	srv := blobtest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()
	a := &archive{srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Delay: time.Millisecond}}).Container("reports")}
	if _, err := a.reports.Create(ctx, nil); err != nil {
		fmt.Println(err)
	}

	fault := srv.Inject(blobtest.Fault{Operation: "Put Blob", Status: 503, Code: "ServerBusy"})
	fmt.Println("first:", a.save(ctx, "2026-01.txt", "all is well"))
	fmt.Println("second:", a.save(ctx, "2026-01.txt", "all is better"))
	fmt.Println("faults:", fault.Fired())

	for _, r := range srv.Requests() {
		fmt.Println(r.Operation, r.Blob, r.BodyBytes, r.Status)
	}
	// Output:
	// first: <nil>
	// second: report 2026-01.txt is there already
	// faults: 1
	// Create Container  0 201
	// Put Blob 2026-01.txt 11 503
	// Put Blob 2026-01.txt 11 201
	// Put Blob 2026-01.txt 13 409
}
