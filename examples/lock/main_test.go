package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/examples/internal/exampletest"
	"github.com/goblob/azureblob/internal/azurite"
	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/secretless"
)

func TestMain(m *testing.M) {
	link.ErrorMade = secretless.Error
	goleak.VerifyTestMain(secretless.Main(azurite.M{M: m}))
}

// check demands a line of each worker, in any order.
func check(t *testing.T, got string) {
	t.Helper()
	lines := slices.Sorted(strings.Lines(got))
	want := []string{"worker 1 was here\n", "worker 2 was here\n", "worker 3 was here\n"}
	if !slices.Equal(lines, want) {
		t.Errorf("it printed\n%s", got)
	}
}

func TestLock(t *testing.T) {
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		check(t, exampletest.Output(t, account, connect.WithContainer(run), "-takes", "10ms"))
	})
}

// inBubble runs a test with a report on virtual time.
func inBubble(t *testing.T, test func(t *testing.T, server *blobtest.Server, container *azureblob.ContainerClient)) {
	synctest.Test(t, func(t *testing.T) {
		server := blobtest.New(t)
		container := server.ServiceClient().Container("reports")
		if _, err := container.Create(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		test(t, server, container)
	})
}

// TestLockIsKept is with work that takes far longer than the lease.
func TestLockIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, server *blobtest.Server, container *azureblob.ContainerClient) {
		began := time.Now()
		var out strings.Builder
		if err := run(t.Context(), container, []string{"-takes", "10m"}, &out); err != nil {
			t.Fatal(err)
		}
		check(t, out.String())
		if took := time.Since(began); took < 30*time.Minute || took > 31*time.Minute {
			t.Errorf("it took %v, so they did not work one after the other", took)
		}
	})
}

// TestLockIsLost has somebody break the lease while the work is being done.
func TestLockIsLost(t *testing.T) {
	inBubble(t, func(t *testing.T, server *blobtest.Server, container *azureblob.ContainerClient) {
		report := container.Blob("report.txt")
		time.AfterFunc(time.Minute, func() {
			if _, err := report.Lease("").Break(context.WithoutCancel(t.Context()), &azureblob.BreakLeaseOptions{Period: new(time.Duration)}); err != nil {
				t.Error(err)
			}
		})
		err := withLock(t.Context(), report, func(ctx context.Context, leaseID string) error {
			return write(ctx, report, leaseID, "too late\n", time.Hour)
		})
		if !errors.Is(err, azureblob.ErrLeaseLost) {
			t.Error(err)
		}
		if content, err := report.ReadAll(t.Context(), nil); err != nil || len(content) != 0 {
			t.Errorf("the report is %q, %v", content, err)
		}
	})
}

// TestLockTakesNoNotice is with work that goes on without the lock.
func TestLockTakesNoNotice(t *testing.T) {
	inBubble(t, func(t *testing.T, server *blobtest.Server, container *azureblob.ContainerClient) {
		report := container.Blob("report.txt")
		err := withLock(t.Context(), report, func(_ context.Context, leaseID string) error {
			if _, err := report.Lease("").Break(t.Context(), &azureblob.BreakLeaseOptions{Period: new(time.Duration)}); err != nil {
				return err
			}
			return write(t.Context(), report, leaseID, "too late\n", 0)
		})
		if !errors.Is(err, azureblob.LeaseLost) {
			t.Error(err)
		}
	})
}
