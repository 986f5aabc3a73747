package azureblob_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/internal/secretless"
)

// logLines keeps the lines of a JSON log.
type logLines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = secretless.Writer.Write(p)
	return l.all.Write(p)
}

// take returns the lines so far, and forgets them.
func (l *logLines) take(t *testing.T) (lines []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for d := json.NewDecoder(&l.all); ; {
		var line map[string]any
		if err := d.Decode(&line); err == io.EOF {
			l.all.Reset()
			return lines
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
}

func (l *logLines) options(level slog.Level) *azureblob.ClientOptions {
	return &azureblob.ClientOptions{
		Logger: slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level})),
		Retry:  azureblob.RetryOptions{Delay: time.Millisecond},
	}
}

func messages(lines []map[string]any) (all []string) {
	for _, line := range lines {
		all = append(all, line["level"].(string)+" "+strings.TrimPrefix(line["msg"].(string), "azureblob: "))
	}
	return all
}

// TestLog: a line for each try, and one for each repetition, that tell all there
// is to know of them.
func TestLog(t *testing.T) {
	server, l := blobtest.New(t), &logLines{}
	c := server.ServiceClient(l.options(slog.LevelDebug)).Container("photos")
	if _, err := c.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	l.take(t)
	server.Inject(blobtest.Fault{Operation: "Put Blob", Status: 503, Code: "ServerBusy"})
	if _, err := c.Blob("cat").Upload(t.Context(), strings.NewReader("meow"), &azureblob.UploadOptions{CallOptions: azureblob.CallOptions{ClientRequestID: "mine"}}); err != nil {
		t.Fatal(err)
	}
	lines := l.take(t)
	if got := strings.Join(messages(lines), ", "); got != "DEBUG request, WARN retry, DEBUG request" {
		t.Fatalf("lines %s", got)
	}
	url := c.Blob("cat").URL()
	for i, want := range []map[string]any{
		{"method": "PUT", "url": url, "attempt": 1., "status": 503., "request_bytes": 4., "client_request_id": "mine"},
		{"method": "PUT", "url": url, "reason": "status", "repetition": 1., "status": 503., "code": "ServerBusy", "client_request_id": "mine"},
		{"method": "PUT", "url": url, "attempt": 2., "status": 201., "request_bytes": 4., "response_bytes": 0., "client_request_id": "mine"},
	} {
		for key, value := range want {
			if lines[i][key] != value {
				t.Errorf("line %d: %s is %v, want %v", i, key, lines[i][key], value)
			}
		}
		if id, _ := lines[i]["request_id"].(string); id == "" {
			t.Errorf("line %d has no request id", i)
		}
	}
	if d, _ := lines[0]["duration"].(float64); d <= 0 {
		t.Errorf("duration %v", lines[0]["duration"])
	}
	if wait, _ := lines[1]["wait"].(float64); wait < 0 || lines[1]["wait"] == nil {
		t.Errorf("wait %v", lines[1]["wait"])
	}
	_, _ = c.Blob("cat").ReadAll(t.Context(), nil)
	if line := l.take(t)[0]; line["response_bytes"] != 4. || line["request_bytes"] != 0. {
		t.Errorf("a download: %v", line)
	}
	_, _ = c.Blob("cat").Properties(t.Context(), nil)
	if line := l.take(t)[0]; line["response_bytes"] != nil {
		t.Errorf("the answer to HEAD has bytes: %v", line)
	}
}

// TestLogAtHigherLevels writes what is wrong and no more.
func TestLogAtHigherLevels(t *testing.T) {
	server, l := blobtest.New(t), &logLines{}
	o := l.options(slog.LevelWarn)
	o.LogBodies = 100
	c := server.ServiceClient(o).Container("photos")
	server.Inject(blobtest.Fault{Operation: "Create Container", Reset: true, At: blobtest.BeforeRequest})
	server.Inject(blobtest.Fault{Operation: "Get Container Properties", Reset: true})
	_, _ = c.Create(t.Context(), nil)
	_, _ = c.Properties(t.Context(), nil)
	lines := l.take(t)
	if len(lines) == 0 || lines[len(lines)-1]["reason"] != "read" || lines[len(lines)-1]["error"] == "" {
		t.Errorf("%v", lines)
	}
	for _, line := range lines {
		if line["level"] != "WARN" {
			t.Errorf("%v", line)
		}
	}
}

// TestLogOfHedges: each request has its line and its number, also of two that are
// under way at once.
func TestLogOfHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logLines{}
		o := l.options(slog.LevelDebug)
		o.Hedge = &azureblob.HedgeOptions{Delay: time.Second, MaxShare: 1}
		server := blobtest.New(t)
		c := server.ServiceClient(o).Container("photos")
		_, _ = c.Create(t.Context(), nil)
		l.take(t)
		server.Inject(blobtest.Fault{Operation: "Get Container Properties", Delay: -1})
		if _, err := c.Properties(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		lines := l.take(t)
		if got := strings.Join(messages(lines), ", "); got != "DEBUG retry, DEBUG request, DEBUG request" || lines[0]["reason"] != "hedge" {
			t.Fatalf("lines %v", lines)
		}
		if lines[1]["attempt"] != 2. || lines[2]["attempt"] != 1. || lines[2]["error"] == nil {
			t.Errorf("lines %v", lines)
		}
	})
}

// TestLogBodies writes the beginnings of bodies.
func TestLogBodies(t *testing.T) {
	server, l := blobtest.New(t), &logLines{}
	o := l.options(slog.LevelDebug)
	o.LogBodies = 10
	c := server.ServiceClient(o).Container("photos")
	_, _ = c.Create(t.Context(), nil)
	l.take(t)
	body := func(what, message string, want any, bytes float64) {
		t.Helper()
		for _, line := range l.take(t) {
			got := line["body"]
			if line["body_base64"] != nil {
				got, _ = base64.StdEncoding.DecodeString(line["body_base64"].(string))
				got = string(got.([]byte))
			}
			if line["msg"] == "azureblob: "+message {
				if got != want || line["bytes"] != bytes || line["url"] == nil || line["client_request_id"] == nil {
					t.Errorf("%s: %v", what, line)
				}
				return
			}
		}
		t.Errorf("%s: no %s", what, message)
	}
	for content, want := range map[string]any{
		"short": "short", "longer than that": "longer tha", "123456789\u00e4": "123456789", "\x00\xff\xfe binary, and more": "\x00\xff\xfe binary",
	} {
		b := c.Blob("cat")
		if _, err := b.Upload(t.Context(), strings.NewReader(content), nil); err != nil {
			t.Fatal(err)
		}
		body("upload of "+content, "request body", want, float64(len(content)))
		if got, err := b.ReadAll(t.Context(), nil); err != nil || string(got) != content {
			t.Fatalf("%q, %v", got, err)
		}
		body("download of "+content, "response body", want, float64(len(content)))
	}
	var errorBody []byte
	_, err := c.Blob("none").ReadAll(t.Context(), nil)
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok {
		errorBody, _ = io.ReadAll(e.RawResponse.Body)
	}
	if !errors.Is(err, azureblob.BlobNotFound) {
		t.Error(err)
	}
	body("an error", "response body", "<?xml vers", float64(len(errorBody)))
	// Without the option there is nothing of them.
	o = l.options(slog.LevelDebug)
	_, _ = server.ServiceClient(o).Container("photos").Blob("cat").ReadAll(t.Context(), nil)
	for _, line := range l.take(t) {
		if line["body"] != nil || line["body_base64"] != nil {
			t.Errorf("%v", line)
		}
	}
	if _, err := azureblob.NewServiceClient("https://account.blob.core.windows.net", nil, &azureblob.ClientOptions{LogBodies: -1}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a negative number: %v", err)
	}
}

// TestLogBodiesWithoutSecrets: bodies that hold secrets are written without them.
func TestLogBodiesWithoutSecrets(t *testing.T) {
	const secret = "c2VjcmV0a2V5"
	for name, answer := range map[string]string{
		"signature": "<Error><Code>X</Code><Message>m</Message><AuthenticationErrorDetail>The MAC signature found in the HTTP request '" + secret + "' is not the same</AuthenticationErrorDetail></Error>",
		"header":    "<Error><Code>X</Code><HeaderName>x-ms-encryption-key</HeaderName><HeaderValue>" + secret + "</HeaderValue></Error>",
		"parameter": "<Error><Code>X</Code><QueryParameterName>sig</QueryParameterName><QueryParameterValue>" + secret + "</QueryParameterValue></Error>",
		"URL":       "<Error><Code>X</Code><Message>https://host/c?sv=1&amp;sig=" + secret + "</Message></Error>",
		"cut":       "<Error><Code>X</Code><HeaderValue>" + secret,
		"binary":    "\xff\xfe sig=" + secret,
	} {
		l := &logLines{}
		o := l.options(slog.LevelDebug)
		o.LogBodies, o.Retry.Total = 1<<10, -1
		o.Transport = answering(403, answer)
		s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient("https://account.blob.core.windows.net", azureblob.SASCredential("sv=1&sig="+secret), o))
		_, _ = s.Container("photos").Blob("cat").Upload(t.Context(), strings.NewReader("AccountKey="+secret), nil)
		text := l.all.String()
		lines := l.take(t)
		for _, line := range lines {
			if b64, ok := line["body_base64"].(string); ok {
				raw, _ := base64.StdEncoding.DecodeString(b64)
				text += string(raw)
			}
		}
		if len(lines) != 3 || strings.Contains(text, secret) || strings.Contains(text, "sig=c2V") {
			t.Errorf("%s: %d lines: %s", name, len(lines), text)
		}
	}
	// A key to sign with is not shown at all, and neither are the parts of a batch.
	l, server := &logLines{}, blobtest.New(t)
	o := l.options(slog.LevelDebug)
	o.LogBodies, o.Transport = 1<<10, server.Transport()
	s := must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(server.Endpoint(), azureblob.TokenCredential(staticToken{"a secret token"}), o))
	key, err := s.UserDelegationKey(t.Context(), time.Time{}, time.Now().Add(time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Container("photos")
	_, _ = c.Create(t.Context(), nil)
	_, _ = c.Blob("cat").Upload(t.Context(), strings.NewReader("meow"), nil)
	for _, err := range c.DeleteBlobs(t.Context(), func(yield func(*azureblob.BlobClient) bool) { yield(c.Blob("cat")) }, nil) {
		if err != nil {
			t.Error(err)
		}
	}
	if text := l.all.String(); strings.Contains(text, "a secret token") || strings.Contains(text, "<Value>") || !strings.Contains(text, "Bearer REDACTED") {
		t.Errorf("%v: %s", key, text)
	}
}

// answering is a transport that gives one answer to all requests.
func answering(status int, body string) sendingFunc {
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_ = req.Body.Close()
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
	}
}

type sendingFunc func(*http.Request) (*http.Response, error)

func (f sendingFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }
