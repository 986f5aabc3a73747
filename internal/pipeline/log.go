package pipeline

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// requestLog writes one debug line for each request that goes out. It stands
// before the sender, so a request that is sent again after a challenge has two
// lines, and so has one that is sent twice since it is slow.
type requestLog struct {
	logger *slog.Logger
	next   policy.Transporter
}

func (l *requestLog) Do(raw *http.Request) (*http.Response, error) {
	if !l.logger.Enabled(raw.Context(), slog.LevelDebug) {
		return l.next.Do(raw)
	}
	n := triesOf(raw.Context()).next(func(t *tries) *atomic.Int32 { return &t.logged })

	start := time.Now()
	resp, err := l.next.Do(raw)
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("method", raw.Method),
		slog.String("url", RedactURL(raw.URL)),
		slog.Int("attempt", n),
		slog.Duration("duration", time.Since(start)),
		slog.String("client_request_id", raw.Header.Get(headerClientRequestID)),
		slog.Int64("request_bytes", raw.ContentLength),
	)
	if resp != nil {
		attrs = append(attrs,
			slog.Int("status", resp.StatusCode),
			slog.String("request_id", resp.Header.Get(headerRequestID)),
		)
		if raw.Method != http.MethodHead && resp.ContentLength >= 0 { // the length of a HEAD is that of the blob
			attrs = append(attrs, slog.Int64("response_bytes", resp.ContentLength))
		}
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", Redact(err.Error())))
	}
	l.logger.LogAttrs(raw.Context(), slog.LevelDebug, "azureblob: request", attrs...)
	return resp, err
}
