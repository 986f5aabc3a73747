package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/tracing"
)

// Tracing starts the spans of a client. A nil one starts none, at no cost. The
// names of attributes are those of OpenTelemetry for HTTP clients and for Azure.
type Tracing struct{ tracer tracing.Tracer }

// NewTracing makes one of a provider, or nil if that does nothing.
func NewTracing(p tracing.Provider, version string) *Tracing {
	tracer := p.NewTracer("github.com/goblob/azureblob", version)
	if !tracer.Enabled() {
		return nil
	}
	tracer.SetAttributes(tracing.Attribute{Key: "az.namespace", Value: "Microsoft.Storage"})
	return &Tracing{tracer}
}

func untraced(error, string) {}

// Start starts the span of an operation or a transfer. The end of it is told the
// error, if there is one, and a word for its kind; only the first time counts.
func (t *Tracing) Start(ctx context.Context, name string) (_ context.Context, end func(err error, kind string)) {
	if t == nil || ctx == nil {
		return ctx, untraced
	}
	ctx, span := t.tracer.Start(ctx, name, &tracing.SpanOptions{Kind: tracing.SpanKindInternal})
	var once sync.Once
	return ctx, func(err error, kind string) {
		once.Do(func() {
			if err != nil {
				fail(span, kind, Redact(err.Error()))
			}
			span.End()
		})
	}
}

func fail(span tracing.Span, kind, text string) {
	span.SetAttributes(tracing.Attribute{Key: "error.type", Value: kind})
	span.SetStatus(tracing.SpanStatusError, text)
}

// ErrorKind is a word for what an error is that came without an answer.
func ErrorKind(err error) string {
	var t interface{ Timeout() bool }
	switch {
	case errors.Is(err, ErrStalled):
		return "stalled"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &t) && t.Timeout():
		return "timeout"
	case unreached(err):
		return string(ReasonConnect)
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return fmt.Sprintf("%T", err)
}

// tries counts what was sent for one call. It is in the context of all its tries,
// of which two can be under way at a time.
type tries struct {
	begun, logged atomic.Int32
	outrun        atomic.Bool // of two requests of the last try, the second was faster
}

type triesKey struct{}

// triesOf is nil if nobody wants to know.
func triesOf(ctx context.Context) *tries {
	t, _ := ctx.Value(triesKey{}).(*tries)
	return t
}

// aboveKey is that of the context that a span of a try was started in.
type aboveKey struct{}

// next counts one more of the numbers that which picks.
func (t *tries) next(which func(*tries) *atomic.Int32) int {
	if t == nil {
		return 1
	}
	return int(which(t).Add(1))
}

// tracePolicy starts a span for each try. It stands above the hooks, so that they
// can tell the service about the span in the context of the request.
type tracePolicy struct{ *Tracing }

func (p tracePolicy) Do(req *policy.Request) (*http.Response, error) {
	ctx := req.Raw().Context()
	ctx, span := p.try(context.WithValue(ctx, aboveKey{}, ctx), req.Raw())
	defer span.End()
	resp, err := req.WithContext(ctx).Next()
	if t := triesOf(ctx); t != nil && t.outrun.Swap(false) {
		fail(span, "canceled", "a second request was answered before it")
		return resp, err
	}
	tell(span, resp, err)
	return resp, err
}

// second starts the span of the second request of a try, beside that of the first.
func (t *Tracing) second(req *http.Request) (end func(*http.Response, error)) {
	above, ok := req.Context().Value(aboveKey{}).(context.Context)
	if t == nil || !ok {
		return func(*http.Response, error) {}
	}
	_, span := t.try(above, req)
	return func(resp *http.Response, err error) {
		tell(span, resp, err)
		span.End()
	}
}

// try starts the span of a request.
func (t *Tracing) try(ctx context.Context, raw *http.Request) (context.Context, tracing.Span) {
	attrs := append(make([]tracing.Attribute, 0, 8),
		tracing.Attribute{Key: "http.request.method", Value: raw.Method},
		tracing.Attribute{Key: "url.full", Value: RedactURL(raw.URL)},
		tracing.Attribute{Key: "server.address", Value: raw.URL.Hostname()},
		tracing.Attribute{Key: "server.port", Value: portOf(raw.URL.Scheme, raw.URL.Port())},
		tracing.Attribute{Key: "az.client_request_id", Value: raw.Header.Get(headerClientRequestID)},
	)
	if n := triesOf(ctx).next(func(t *tries) *atomic.Int32 { return &t.begun }); n > 1 {
		attrs = append(attrs, tracing.Attribute{Key: "http.request.resend_count", Value: n - 1})
	}
	return t.tracer.Start(ctx, raw.Method, &tracing.SpanOptions{Kind: tracing.SpanKindClient, Attributes: attrs})
}

// tell says how a request ended.
func tell(span tracing.Span, resp *http.Response, err error) {
	if err != nil {
		fail(span, ErrorKind(err), Redact(err.Error()))
		return
	}
	span.SetAttributes(
		tracing.Attribute{Key: "http.response.status_code", Value: resp.StatusCode},
		tracing.Attribute{Key: "az.service_request_id", Value: resp.Header.Get(headerRequestID)},
	)
	if resp.StatusCode >= 400 {
		fail(span, strconv.Itoa(resp.StatusCode), resp.Header.Get("x-ms-error-code"))
	}
}

func portOf(scheme, port string) int {
	if n, err := strconv.Atoi(port); err == nil {
		return n
	}
	if scheme == "http" {
		return 80
	}
	return 443
}
