// Tracing sends the spans of an upload and a download to OpenTelemetry, and the
// trace along to the service.
//
//	cd examples/tracing && go run .
//
// It is a module of its own, so that OpenTelemetry is no dependency of azureblob.
// The service and the exporter are in the process: yours are an account and the
// exporter of your collector.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/tracing/azotel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tracing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	defer provider.Shutdown(ctx)

	server := blobtest.NewServer(nil)
	defer server.Close()
	service := server.ServiceClient(&azureblob.ClientOptions{
		TracingProvider: azotel.NewTracingProvider(provider, nil),

		// The service sees the trace, and so does what stands in between.
		OnRequest: func(r *http.Request) {
			propagation.TraceContext{}.Inject(r.Context(), propagation.HeaderCarrier(r.Header))
		},
		Retry: azureblob.RetryOptions{Delay: -1},
	})

	// Spans of your own are above those of the client.
	ctx, span := provider.Tracer("example").Start(ctx, "save photo")
	err := save(ctx, server, service.Container("photos"))
	span.End()
	if err != nil {
		return err
	}
	show(out, spans.GetSpans(), trace.SpanID{}, "")
	return seen(out, server)
}

// save uploads a blob in two blocks, one of them at the second try, and reads it.
func save(ctx context.Context, server *blobtest.Server, photos *azureblob.ContainerClient) error {
	if _, err := photos.Create(ctx, nil); err != nil {
		return err
	}
	server.Inject(blobtest.Fault{Operation: "Put Block List", Status: 503, Code: "ServerBusy"})
	cat := photos.Blob("cat.jpg")
	content := bytes.Repeat([]byte("meow"), 1000)
	if _, err := cat.Upload(ctx, bytes.NewReader(content), &azureblob.UploadOptions{BlockSize: 2000, Concurrency: 1}); err != nil {
		return err
	}
	_, err := cat.ReadAll(ctx, nil)
	return err
}

// show prints the spans below one, with some of what they say.
func show(out io.Writer, all tracetest.SpanStubs, parent trace.SpanID, indent string) {
	for _, s := range all {
		if s.Parent.SpanID() != parent {
			continue
		}
		fmt.Fprint(out, indent, s.Name)
		for _, key := range []attribute.Key{"http.response.status_code", "http.request.resend_count", "error.type"} {
			for _, a := range s.Attributes {
				if a.Key == key {
					fmt.Fprintf(out, " %s=%s", key, a.Value.Emit())
				}
			}
		}
		fmt.Fprintln(out)
		show(out, all, s.SpanContext.SpanID(), indent+"  ")
	}
}

// seen looks whether the service knows the trace of each request.
func seen(out io.Writer, server *blobtest.Server) error {
	requests := server.Requests()
	for _, r := range requests {
		if r.Header.Get("traceparent") == "" {
			return fmt.Errorf("%s brought no trace", r.Operation)
		}
	}
	fmt.Fprintf(out, "%d requests brought their trace to the service\n", len(requests))
	return nil
}
