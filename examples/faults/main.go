// Faults is a small service that keeps notes in blobs, and its tests, in which the
// Blob service is busy, slow, gone or wrong. The tests are what it is for.
//
//	go test ./examples/faults
//	go run ./examples/faults [-addr localhost:8080]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, connect.WithContainer(run)) }

func run(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "localhost:8080", "where the service listens, `host:port`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	socket, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "curl -X PUT -d 'buy milk' http://%s/notes/shopping\n", socket.Addr())
	server := &http.Server{Handler: newNotes(container)}
	stop := context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(end)
	})
	defer stop()
	if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
