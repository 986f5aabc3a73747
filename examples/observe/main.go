// Observe shows what a client can tell of its work, to a logger, to hooks and by its
// usage, and what can be set: repetitions, hedges, regions, time limits, a proxy.
//
//	go run ./examples/observe [-debug] [-proxy http://host:port]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/examples/internal/connect"
)

func main() { connect.Main(nil, run) }

func run(ctx context.Context, account *connect.Account, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("observe", flag.ContinueOnError)
	flags.SetOutput(out)
	debug := flags.Bool("debug", false, "log each request, and not only those that are repeated")
	proxy := flags.String("proxy", "", "the `URL` of a proxy, if it is not that of HTTPS_PROXY or HTTP_PROXY")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var answers tally
	options := &azureblob.ClientOptions{
		// At most 5 repetitions of a call, the first after 200 ms at most.
		Retry: azureblob.RetryOptions{Total: 5, Delay: 200 * time.Millisecond, MaxDelay: 10 * time.Second},
		// Reads go to the other region if this one has trouble, and are sent a second
		// time if they are slower than 99 in 100.
		LocationMode: azureblob.PrimaryThenSecondary,
		Hedge:        &azureblob.HedgeOptions{Percentile: 0.99},
		// A connection on which no byte moves is given up.
		StallTimeout: 30 * time.Second,

		ApplicationID: "observe", // in the User-Agent, and so in the logs of the service
		Logger:        logger(out, *debug),
		OnResponse:    answers.count,
		// For spans of OpenTelemetry there is TracingProvider, and the module azotel.
	}
	if *proxy != "" {
		u, err := url.Parse(*proxy)
		if err != nil {
			return err
		}
		options.Proxy = http.ProxyURL(u)
	}
	service, err := azureblob.NewServiceClientFromConnectionString(account.ConnectionString, options)
	if err != nil {
		return err
	}
	defer service.CloseIdleConnections()
	container, remove, err := connect.Container(ctx, service, "observe")
	if err != nil {
		return err
	}
	err = errors.Join(work(ctx, container, out), remove())
	if err != nil {
		return err
	}
	answers.print(out)
	u := service.Usage()
	fmt.Fprintf(out, "%d requests, of which %d were repetitions; %d bytes sent\n",
		u.Requests, u.RetriesConnect+u.RetriesRead+u.RetriesStatus, u.BytesSent)
	return nil
}

// work sends some requests, with options of their own.
func work(ctx context.Context, container *azureblob.ContainerClient, out io.Writer) error {
	cat := container.Blob("cat.txt")
	if _, err := cat.Upload(ctx, strings.NewReader("meow"), &azureblob.UploadOptions{CallOptions: azureblob.CallOptions{
		ClientRequestID: "nightly-17",     // a mark in the logs of the service
		Timeout:         10 * time.Second, // for the service, and for each try
		OnRequest:       func(req *http.Request) { fmt.Fprintln(out, "the hook of the call sees", req.Method) },
	}}); err != nil {
		return err
	}
	// What was just written may not be in the other region yet.
	here := azureblob.CallOptions{LocationMode: new(azureblob.PrimaryOnly)}
	if _, err := cat.ReadAll(ctx, &azureblob.DownloadOptions{CallOptions: here}); err != nil {
		return err
	}
	// Errors know the request, for who asks the support of Azure.
	_, err := container.Blob("dog.txt").Properties(ctx, nil)
	if e, ok := errors.AsType[*azureblob.Error](err); ok {
		fmt.Fprintf(out, "%s of %s: %d %s, request id %t\n", e.Operation, e.Blob, e.StatusCode, e.Code, e.RequestID != "")
		return nil
	}
	return err
}

// logger writes lines without times.
func logger(out io.Writer, debug bool) *slog.Logger {
	level := slog.LevelWarn
	if debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// tally counts answers by method and status, as a metric would.
type tally struct {
	mu      sync.Mutex
	answers map[string]int
}

func (t *tally) count(resp *http.Response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.answers == nil {
		t.answers = map[string]int{}
	}
	t.answers[fmt.Sprint(resp.Request.Method, " ", resp.StatusCode)]++
}

func (t *tally) print(out io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, answer := range slices.Sorted(maps.Keys(t.answers)) {
		fmt.Fprintf(out, "%-10s %d times\n", answer, t.answers[answer])
	}
}
