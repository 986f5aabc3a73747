package main

import (
	"errors"
	"fmt"
	"slices"
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

func TestAppLog(t *testing.T) {
	exampletest.OnServices(t, nil, func(t *testing.T, account *connect.Account) {
		got := exampletest.Output(t, account, connect.WithContainer(run), "-records", "500")
		if want := "500 lines in 1 blobs\n"; got != want {
			t.Errorf("it printed %q", got)
		}
	})
}

// inBubble runs a test with a container for logs on virtual time.
func inBubble(t *testing.T, test func(t *testing.T, server *blobtest.Server, logs *azureblob.ContainerClient)) {
	synctest.Test(t, func(t *testing.T) {
		server := blobtest.New(t)
		logs := server.ServiceClient().Container("logs")
		if _, err := logs.Create(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		test(t, server, logs)
	})
}

// read returns the names and the content of all blobs, and demands that they are
// sealed.
func read(t *testing.T, logs *azureblob.ContainerClient) (names []string, content string) {
	t.Helper()
	for item, err := range logs.Blobs(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if !item.Properties.Sealed {
			t.Errorf("%s is not sealed", item.Name)
		}
		text, err := logs.Blob(item.Name).ReadAll(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		names, content = append(names, item.Name), content+string(text)
	}
	return names, content
}

// TestRotation logs a record each second, which makes a block of each.
func TestRotation(t *testing.T) {
	inBubble(t, func(t *testing.T, server *blobtest.Server, logs *azureblob.ContainerClient) {
		s := newSink(t.Context(), logs, "app/x", 5, time.Second)
		want := ""
		for i := range 12 {
			line := fmt.Sprintln("record", i)
			if _, err := s.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
			want += line
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		names, content := read(t, logs)
		if !slices.Equal(names, []string{"app/x-0001.log", "app/x-0002.log", "app/x-0003.log"}) || content != want {
			t.Errorf("%v\n%s", names, content)
		}
	})
}

// TestTrouble loses no record while the service is away for a minute, and keeps
// each of them once when answers get lost.
func TestTrouble(t *testing.T) {
	inBubble(t, func(t *testing.T, server *blobtest.Server, logs *azureblob.ContainerClient) {
		s := newSink(t.Context(), logs, "app/x", 50_000, time.Second)
		want := ""
		for i := range 180 {
			switch i {
			case 60:
				server.Inject(blobtest.Fault{Operation: "Append Block", Code: "ServerBusy", Times: -1})
			case 120:
				server.ClearFaults()
				server.Inject(blobtest.Fault{Operation: "Append Block", At: blobtest.AfterOperation, Reset: true, Times: 3})
			}
			line := fmt.Sprintln("record", i)
			if _, err := s.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
			want += line
			time.Sleep(time.Second)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, content := read(t, logs); content != want {
			t.Errorf("%d bytes, want %d", len(content), len(want))
		}
	})
}

// TestLostRecords is with a service that has nothing for logs: Close tells of it.
func TestLostRecords(t *testing.T) {
	inBubble(t, func(t *testing.T, server *blobtest.Server, _ *azureblob.ContainerClient) {
		s := newSink(t.Context(), server.ServiceClient().Container("none"), "app/x", 50_000, time.Second)
		record := make([]byte, mostWaiting/2)
		for i, want := range []error{nil, nil, errFull} {
			if _, err := s.Write(record); err != want {
				t.Errorf("%d: %v", i, err)
			}
			time.Sleep(time.Second)
		}
		if err := s.Close(); !errors.Is(err, azureblob.ContainerNotFound) || !errors.Is(err, errFull) {
			t.Error(err)
		}
	})
}
