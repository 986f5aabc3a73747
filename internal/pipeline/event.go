package pipeline

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Event is a try that was not good.
type Event struct {
	Context    context.Context
	Reason     Reason
	Again      bool           // another try follows
	Wait       time.Duration  // before it
	Repetition int            // that will be, from 1
	Throttled  bool           // the service said that it was asked too much
	Request    *http.Request  // nil if it was not one request that failed
	URL        string         // of what failed then, if it is known
	Response   *http.Response // nil if there was none
	Err        error
}

// observer tells the log and whoever else listens.
func (c *Config) observer() func(Event) {
	return func(e Event) {
		if c.Observe != nil {
			c.Observe(e)
		}
		if c.Logger != nil && e.Again {
			logRetry(c.Logger, e)
		}
	}
}

func logRetry(logger *slog.Logger, e Event) {
	level := slog.LevelWarn
	if e.Reason == ReasonHedge {
		level = slog.LevelDebug // nothing is wrong
	}
	if !logger.Enabled(e.Context, level) {
		return
	}
	attrs := []slog.Attr{slog.String("reason", string(e.Reason)), slog.Int("repetition", e.Repetition), slog.Duration("wait", e.Wait)}
	if e.Request == nil && e.URL != "" {
		attrs = append(attrs, slog.String("url", Redact(e.URL)))
	}
	if e.Request != nil {
		attrs = append(attrs, slog.String("method", e.Request.Method), slog.String("url", RedactURL(e.Request.URL)),
			slog.String("client_request_id", e.Request.Header.Get(headerClientRequestID)))
	}
	if e.Response != nil {
		attrs = append(attrs, slog.Int("status", e.Response.StatusCode), slog.String("code", e.Response.Header.Get(headerErrorCode)),
			slog.String("request_id", e.Response.Header.Get(headerRequestID)))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", Redact(e.Err.Error())))
	}
	logger.LogAttrs(e.Context, level, "azureblob: retry", attrs...)
}
