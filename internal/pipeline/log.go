package pipeline

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// logPolicy writes one debug line for each request that goes out. It stands
// below a token credential, so a request that is sent again after a challenge
// has two lines.
type logPolicy struct {
	logger *slog.Logger
}

// sendings counts the requests of one call, in the values that azcore keeps
// across its tries.
type sendings int

func (p *logPolicy) Do(req *policy.Request) (*http.Response, error) {
	raw := req.Raw()
	if !p.logger.Enabled(raw.Context(), slog.LevelDebug) {
		return req.Next()
	}
	var n sendings
	req.OperationValue(&n)
	n++
	req.SetOperationValue(n)

	start := time.Now()
	resp, err := req.Next()
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.String("method", raw.Method),
		slog.String("url", RedactURL(raw.URL)),
		slog.Int("attempt", int(n)),
		slog.Duration("duration", time.Since(start)),
		slog.String("client_request_id", raw.Header.Get(headerClientRequestID)),
	)
	if resp != nil {
		attrs = append(attrs,
			slog.Int("status", resp.StatusCode),
			slog.String("request_id", resp.Header.Get(headerRequestID)),
		)
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", Redact(err.Error())))
	}
	p.logger.LogAttrs(raw.Context(), slog.LevelDebug, "azureblob: request", attrs...)
	return resp, err
}
