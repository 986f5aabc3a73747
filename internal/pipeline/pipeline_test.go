package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob/internal/secretless"
)

type policyFunc func(*policy.Request) (*http.Response, error)

func (f policyFunc) Do(req *policy.Request) (*http.Response, error) { return f(req) }

// verify answers 403 to requests whose signature is not that of the reference.
func verify(t *testing.T, key []byte, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path, query, _ := strings.Cut(r.RequestURI, "?")
		text := reference(r.Method, path, query, r.Header, r.ContentLength, emulatorAccount)
		if want := "SharedKey " + emulatorAccount + ":" + sign(text, key); r.Header.Get("Authorization") != want {
			t.Errorf("wrong signature of %q", text)
			w.WriteHeader(403)
			return
		}
		next(w, r)
	}
}

func TestEverythingIsSigned(t *testing.T) {
	key := decodedKey(t)
	srv, client := serve(t, verify(t, key, func(w http.ResponseWriter, r *http.Request) {
		for name, want := range map[string]string{
			"X-Ms-Meta-Context": "c", "X-Ms-Meta-Call": "p", "X-Ms-Meta-Try": "r", "X-Ms-Meta-Hook": "h",
			"X-Ms-Version": "2026-06-06", "X-Ms-Client-Request-Id": "mine", "Content-Type": "text/x",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}))
	set := func(name, value string) policy.Policy {
		return policyFunc(func(req *policy.Request) (*http.Response, error) {
			req.Raw().Header.Set(name, value)
			return req.Next()
		})
	}
	p := New(Config{Transport: client, Auth: SharedKey(emulatorAccount, key), ServiceVersion: "2026-06-06", Retry: noWait(0),
		PerCall: []policy.Policy{set("x-ms-meta-call", "p")}, PerRetry: []policy.Policy{set("x-ms-meta-try", "r")}})
	ctx := policy.WithHTTPHeader(t.Context(), http.Header{
		"x-ms-meta-context": {"c"}, "X-Ms-Client-Request-Id": {"mine"}, "Content-Type": {"text/x"}, "X-Ms-Date": {"stale"}})
	body := &trackedBody{data: []byte("abc")}
	resp, err := doCtx(ctx, t, p, "PUT", srv.URL+"/devstoreaccount1/c/%C3%A4%2F//b%20+'?comp=block&blockid=AAA%3D&x=1&X=0", &Call{
		Body:      body,
		OnRequest: func(r *http.Request) { r.Header.Set("x-ms-meta-hook", "h") },
	})
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v, %v", resp, err)
	}
	body.open.Wait()
}

func TestStamp(t *testing.T) {
	var ids []string
	var last http.Header
	srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		last = r.Header
		ids = append(ids, r.Header.Get("X-Ms-Client-Request-Id"))
		w.WriteHeader(503)
	})
	p := New(Config{Transport: client, Version: "v1.2.3", ApplicationID: "my app\x01 with a very long name", ServiceVersion: "2026-06-06", Retry: noWait(1)})
	for range 2 {
		if _, err := do(t, p, "GET", srv.URL, nil); err != nil {
			t.Fatal(err)
		}
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if len(ids) != 4 || ids[0] != ids[1] || ids[2] != ids[3] || ids[0] == ids[2] || !uuid.MatchString(ids[0]) {
		t.Errorf("ids %q", ids)
	}
	if got := last.Get("User-Agent"); !strings.HasPrefix(got, "my/app/with/a/very/long/ azureblob/v1.2.3 (go") {
		t.Errorf("User-Agent %q", got)
	}
	if last.Get("X-Ms-Version") != "2026-06-06" || last.Get("X-Ms-Date") == "" {
		t.Errorf("headers %v", last)
	}
	early := policyFunc(func(req *policy.Request) (*http.Response, error) {
		return req.Next()
	})
	p = New(Config{Transport: client, ServiceVersion: "2026-06-06", Retry: noWait(0), PerCall: []policy.Policy{early}})
	ctx := policy.WithHTTPHeader(t.Context(), http.Header{"X-Ms-Version": {"2020-10-02"}})
	if _, err := doCtx(ctx, t, p, "GET", srv.URL, nil); err != nil || last.Get("X-Ms-Version") != "2020-10-02" {
		t.Errorf("version %v, %v", last["X-Ms-Version"], err)
	}
}

func TestSAS(t *testing.T) {
	var query atomic.Value
	srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query.Store(r.URL.RawQuery)
		w.WriteHeader(503)
	})
	for _, c := range [][3]string{
		{"", "sv=1&sig=a%2Bb%3D", "sv=1&sig=a%2Bb%3D"},
		{"?comp=list", "?sv=1&sig=a%2Bb%3D", "comp=list&sv=1&sig=a%2Bb%3D"},
		{"?comp=list", "", "comp=list"},
	} {
		p := New(Config{Transport: client, Auth: SAS(c[1]), Retry: noWait(2)})
		resp, err := do(t, p, "GET", srv.URL+"/c"+c[0], nil)
		if err != nil || query.Load() != c[2] {
			t.Errorf("%v: query %s, %v", c, query.Load(), err)
		}
		if err == nil && strings.Contains(resp.Request.URL.String(), "sig=") {
			t.Error("the request of the response holds the signature")
		}
	}
	for _, bad := range []string{"sig=a b", "sig=a\r\nHost: x", "sig=a#", "sig=\u00e4"} {
		_, err := do(t, New(Config{Transport: client, Auth: SAS(bad)}), "GET", srv.URL, nil)
		if err == nil || strings.Contains(err.Error(), "sig=") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", SAS("sig=secret"), SAS("sig=secret"), SAS("sig=secret")); strings.Contains(s, "secret") {
		t.Error(s)
	}
}

// captureAzcoreLog collects what azcore logs until the test ends.
func captureAzcoreLog(t *testing.T) func() string {
	var mu sync.Mutex
	var all strings.Builder
	azlog.SetListener(func(_ azlog.Event, line string) {
		mu.Lock()
		defer mu.Unlock()
		all.WriteString(line)
	})
	t.Cleanup(secretless.Listen)
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

func TestSecretsStayInside(t *testing.T) {
	// A port that nobody listens on.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()
	srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(403) })
	logged := captureAzcoreLog(t)
	for _, endpoint := range []string{closed, srv.URL} {
		for name, auth := range map[string]policy.Policy{
			"credential": SAS("sv=2026&sig=SECRET%2Bx%3D"), "URL": nil, "shared key": SharedKey("a", []byte("k")),
		} {
			query := "?comp=list"
			if name == "URL" {
				query += "&s%69g=SECRET%2By&sig=SECRET%2Bx"
			}
			var lines bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
			p := New(Config{Transport: client, Auth: auth, Logger: logger, Retry: noWait(0)})
			_, err := do(t, p, "GET", strings.Replace(endpoint, "://", "://user:SECRET@", 1)+"/c"+query, nil)
			if (err != nil) != (endpoint == closed) {
				t.Errorf("%s %s: %v", name, endpoint, err)
			}
			var ue *url.Error
			if err != nil && (!errors.As(err, &ue) || strings.Contains(ue.URL, "SECRET")) {
				t.Errorf("%s: cause %#v", name, ue)
			}
			all := fmt.Sprintf("%v %+v %#v", err, err, err) + lines.String()
			if strings.Contains(all, "SECRET") || !strings.Contains(lines.String(), "comp=list") {
				t.Errorf("%s: %s", name, all)
			}
		}
	}
	// azcore itself shows the user of a URL, which storage has no use for.
	if text := strings.ReplaceAll(logged(), "user:SECRET@", ""); strings.Contains(text, "SECRET") || !strings.Contains(text, "comp=list") {
		t.Errorf("azcore logged %s", text)
	}
}

func TestLogLines(t *testing.T) {
	n := 0
	srv, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-ms-request-id", "server-id")
		w.Header().Set("x-ms-error-code", "ServerBusy")
		n++
		w.WriteHeader([]int{503, 200}[n-1])
	})
	var lines bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := New(Config{Transport: client, Logger: logger, Retry: noWait(1)})
	ctx := policy.WithHTTPHeader(t.Context(), http.Header{"x-ms-client-request-id": {"mine"}})
	if _, err := doCtx(ctx, t, p, "PUT", srv.URL+"/c/b?comp=tier", nil); err != nil {
		t.Fatal(err)
	}
	all := strings.Split(lines.String(), "\n")
	var retry map[string]any
	if err := json.Unmarshal([]byte(all[1]), &retry); err != nil || retry["level"] != "WARN" || retry["reason"] != "status" || retry["status"] != 503. || retry["repetition"] != 1. {
		t.Errorf("%s, %v", all[1], err)
	}
	dec := json.NewDecoder(strings.NewReader(all[0] + all[2]))
	for i, status := range []float64{503, 200} {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"level": "DEBUG", "method": "PUT", "url": srv.URL + "/c/b?comp=tier", "status": status,
			"attempt": float64(i + 1), "request_id": "server-id", "client_request_id": "mine"}
		for k, v := range want {
			if line[k] != v {
				t.Errorf("line %d: %s is %v, want %v", i, k, line[k], v)
			}
		}
		if d, ok := line["duration"].(float64); !ok || d <= 0 {
			t.Errorf("line %d: duration %v", i, line["duration"])
		}
	}
	if err := dec.Decode(new(any)); err != io.EOF {
		t.Errorf("more lines than tries: %v", err)
	}
}

type silentHandler struct{ t *testing.T }

func (silentHandler) Enabled(context.Context, slog.Level) bool    { return false }
func (h silentHandler) Handle(context.Context, slog.Record) error { h.t.Error("handled"); return nil }
func (h silentHandler) WithAttrs([]slog.Attr) slog.Handler        { return h }
func (h silentHandler) WithGroup(string) slog.Handler             { return h }

func TestSilentLoggerIsLeftAlone(t *testing.T) {
	srv, client := serve(t, func(http.ResponseWriter, *http.Request) {})
	p := New(Config{Transport: client, Logger: slog.New(silentHandler{t}), Retry: noWait(0)})
	if _, err := do(t, p, "GET", srv.URL, nil); err != nil {
		t.Fatal(err)
	}
}
