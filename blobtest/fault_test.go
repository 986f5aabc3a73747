package blobtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// direct sends requests past the client, over sockets or not, so that nothing
// is repeated. Anonymous callers may read the container.
type direct struct {
	srv       *blobtest.Server
	transport interface {
		RoundTrip(*http.Request) (*http.Response, error)
	}
	base    string
	content []byte
}

// onEachTransport runs a test with a blob of 64 KiB, public/cat.bin, over
// sockets and without.
func onEachTransport(t *testing.T, test func(t *testing.T, d *direct)) {
	prepare := func(t *testing.T) *direct {
		d := &direct{srv: blobtest.New(t), content: random(64 << 10)}
		c := d.srv.ServiceClient().Container("public")
		if _, err := c.Create(t.Context(), &azureblob.CreateContainerOptions{PublicAccess: azureblob.PublicAccessContainer}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Blob("cat.bin").Upload(t.Context(), bytes.NewReader(d.content), nil); err != nil {
			t.Fatal(err)
		}
		d.srv.ResetRequests()
		return d
	}
	t.Run("in process", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := prepare(t)
			d.transport, d.base = d.srv.Transport(), d.srv.Endpoint()
			test(t, d)
		})
	})
	t.Run("http", func(t *testing.T) {
		d := prepare(t)
		d.transport, d.base = d.srv.Client().Transport, d.srv.URL()
		test(t, d)
	})
	t.Run("https", func(t *testing.T) {
		d := prepare(t)
		srv := blobtest.New(t, &blobtest.Options{HTTPS: true})
		d.transport, d.base, d.srv = srv.Client().Transport, srv.URL(), srv
		c := srv.ServiceClient().Container("public")
		if _, err := c.Create(t.Context(), &azureblob.CreateContainerOptions{PublicAccess: azureblob.PublicAccessContainer}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Blob("cat.bin").Upload(t.Context(), bytes.NewReader(d.content), nil); err != nil {
			t.Fatal(err)
		}
		test(t, d)
	})
}

// get reads the blob, and returns the answer, its body, and the error of either.
func (d *direct) get(t *testing.T, header ...string) (*http.Response, []byte, error) {
	t.Helper()
	return d.send(t, "GET", nil, header...)
}

func (d *direct) send(t *testing.T, method string, body io.Reader, header ...string) (*http.Response, []byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, d.base+"/public/cat.bin", body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := d.transport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp, got, err
}

// isReset knows the ways in which net/http tells of a reset, which may come
// while it writes or while it reads.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}

func TestFaultsOfAnswers(t *testing.T) {
	onEachTransport(t, func(t *testing.T, d *direct) {
		all := int64(len(d.content))

		d.srv.Inject(blobtest.Fault{Operation: "Get Blob", Status: 503, Code: "ServerBusy", RetryAfter: 1500 * time.Millisecond})
		resp, body, err := d.get(t)
		if err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "2" || resp.Header.Get("x-ms-error-code") != "ServerBusy" || !bytes.Contains(body, []byte("<Code>ServerBusy</Code>")) {
			t.Errorf("status: %v, %s, %v", resp, body, err)
		}
		if resp, body, err = d.get(t); err != nil || resp.StatusCode != 200 || !bytes.Equal(body, d.content) || resp.ContentLength != all {
			t.Fatalf("after the fault: %v, %d bytes, %v", resp, len(body), err)
		}

		// net/http itself repeats a read whose connection was reused and is reset.
		d.srv.Inject(blobtest.Fault{Reset: true, At: blobtest.BeforeRequest, Times: -1})
		if _, _, err := d.get(t); !isReset(err) {
			t.Errorf("reset before: %v", err)
		}
		d.srv.ClearFaults()
		d.srv.Inject(blobtest.Fault{Reset: true, At: blobtest.DuringAnswer})
		if resp, body, err := d.get(t); resp == nil || !isReset(err) || int64(len(body)) > all/2 || !bytes.HasPrefix(d.content, body) {
			t.Errorf("reset during: %v, %d bytes, %v", resp, len(body), err)
		}
		d.srv.Inject(blobtest.Fault{Truncate: true, Offset: 1000})
		if resp, body, err := d.get(t); resp == nil || !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 1000 || resp.ContentLength != all {
			t.Errorf("truncated: %v, %d bytes, %v", resp, len(body), err)
		}
		d.srv.Inject(blobtest.Fault{Shorten: true})
		if resp, body, err := d.get(t, "x-ms-range", "bytes=100-1099"); err != nil || resp.StatusCode != 206 || resp.Header.Get("Content-Range") != "bytes 100-599/65536" || !bytes.Equal(body, d.content[100:600]) {
			t.Errorf("shortened: %v, %d bytes, %v", resp, len(body), err)
		}
		d.srv.Inject(blobtest.Fault{Shorten: true, Times: 2})
		if resp, body, err := d.get(t, "x-ms-structured-body", "XSM/1.0; properties=crc64"); err != nil || resp.StatusCode/100 != 2 || int64(len(body)) != resp.ContentLength || resp.ContentLength <= all {
			t.Errorf("a structured message shortened: %v, %d bytes, %v", resp, len(body), err)
		}
		if resp, _, err := d.send(t, "HEAD", nil); err != nil || resp.StatusCode != 200 || resp.ContentLength != all {
			t.Errorf("HEAD shortened: %v, %v", resp, err)
		}
		d.srv.Inject(blobtest.Fault{FlipBit: true, Offset: 77})
		want := bytes.Clone(d.content)
		want[77] ^= 1
		if _, body, err := d.get(t); err != nil || !bytes.Equal(body, want) {
			t.Errorf("flipped: %d bytes, %v", len(body), err)
		}
		d.srv.Inject(blobtest.Fault{Header: map[string]string{"ETag": `"0x1"`, "Content-Range": "bytes 0-1/2", "Last-Modified": ""}})
		if resp, body, err := d.get(t); err != nil || resp.Header.Get("ETag") != `"0x1"` || resp.Header.Get("Content-Range") != "bytes 0-1/2" || resp.Header.Get("Last-Modified") != "" || !bytes.Equal(body, d.content) {
			t.Errorf("headers: %v, %v", resp, err)
		}
		if resp, _, err := d.send(t, "HEAD", nil); err != nil || resp.ContentLength != all {
			t.Errorf("HEAD: %v, %v", resp, err)
		}
	})
}

func TestFaultsOfRequests(t *testing.T) {
	onEachTransport(t, func(t *testing.T, d *direct) {
		// The service refuses the request for its lack of a signature, so what the
		// fault does to it can be told from that.
		for _, at := range []blobtest.Point{blobtest.BeforeRequest, blobtest.DuringRequest, blobtest.AfterRequest, blobtest.AfterOperation} {
			d.srv.ResetRequests()
			d.srv.Inject(blobtest.Fault{Status: 500, Code: "InternalError", At: at})
			resp, _, err := d.send(t, "PUT", bytes.NewReader(d.content), "x-ms-blob-type", "BlockBlob")
			// Over sockets, a request that is not read can break before its answer comes.
			if early := at == blobtest.BeforeRequest || at == blobtest.DuringRequest; err != nil && !(early && isReset(err)) || err == nil && resp.StatusCode != 500 {
				t.Errorf("%d: %v, %v", at, resp, err)
			}
			read := d.srv.Requests()[0].BodyBytes
			wants := map[blobtest.Point]int64{blobtest.BeforeRequest: 0, blobtest.DuringRequest: 32 << 10, blobtest.AfterRequest: 64 << 10, blobtest.AfterOperation: 0}
			if read != wants[at] {
				t.Errorf("%d: %d bytes were read", at, read)
			}
			d.srv.Inject(blobtest.Fault{Reset: true, At: at})
			if _, _, err := d.send(t, "PUT", bytes.NewReader(d.content), "x-ms-blob-type", "BlockBlob"); !isReset(err) {
				t.Errorf("%d, reset: %v", at, err)
			}
		}
		if resp, body, err := d.get(t); err != nil || resp.StatusCode != 200 || !bytes.Equal(body, d.content) {
			t.Errorf("after it all: %v, %v", resp, err)
		}
	})
}

// TestFaultTimes measures pauses on virtual time.
func TestFaultTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t)
		s := srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})
		b := newContainer(t, s).Blob("cat.bin")
		content := random(100 << 10)
		up := func() error {
			_, err := b.Upload(t.Context(), bytes.NewReader(content), nil)
			return err
		}
		down := func() error {
			got, err := b.ReadAll(t.Context(), nil)
			if err == nil && !bytes.Equal(got, content) {
				err = errors.New("other content")
			}
			return err
		}
		for _, c := range []struct {
			name  string
			fault blobtest.Fault
			call  func() error
			takes time.Duration
		}{
			{"latency", blobtest.Fault{Delay: 3 * time.Second}, up, 3 * time.Second},
			{"latency of a read", blobtest.Fault{Delay: 3 * time.Second}, down, 3 * time.Second},
			{"before", blobtest.Fault{Delay: 3 * time.Second, At: blobtest.BeforeRequest}, up, 3 * time.Second},
			{"stall of the request", blobtest.Fault{Delay: time.Second, At: blobtest.DuringRequest}, up, time.Second},
			{"after the operation", blobtest.Fault{Delay: time.Second, At: blobtest.AfterOperation}, up, time.Second},
			{"stall of the answer", blobtest.Fault{Delay: 2 * time.Second, At: blobtest.DuringAnswer, Offset: 5}, down, 2 * time.Second},
			{"slow request", blobtest.Fault{Bandwidth: 10 << 10}, up, 10 * time.Second},
			{"slow answer", blobtest.Fault{Bandwidth: 10 << 10}, down, 10 * time.Second},
			{"none", blobtest.Fault{Operation: "Put Block", Delay: time.Hour}, up, 0},
		} {
			injected := srv.Inject(c.fault)
			start := time.Now()
			err := c.call()
			if took := time.Since(start).Round(10 * time.Millisecond); err != nil || took != c.takes {
				t.Errorf("%s: took %v and not %v, %v", c.name, took, c.takes, err)
			}
			if fired := injected.Fired(); (fired == 1) != (c.takes > 0) {
				t.Errorf("%s: fired %d times", c.name, fired)
			}
			injected.Remove()
		}

		srv.Inject(blobtest.Fault{Delay: -1, At: blobtest.DuringAnswer})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if _, err := b.ReadAll(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("stall without end: %v after %v", err, time.Since(start))
		}
	})
}

func TestFaultCounting(t *testing.T) {
	srv := blobtest.New(t)
	s := srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})
	c := newContainer(t, s)
	injected := srv.Inject(blobtest.Fault{Operation: "BlockBlob_Upload", Method: "PUT", Container: "photos", Blob: "x", Nth: 3, Times: 2, Status: 409, Code: "SystemInUse",
		Match: func(r *http.Request) bool { return r.Header.Get("x-ms-blob-type") != "" }})
	var failed []int
	for i := range 7 {
		for _, name := range []string{"x", "y"} {
			if _, err := c.Blob(name).Upload(t.Context(), strings.NewReader("some"), nil); err != nil {
				if !errors.Is(err, azureblob.SystemInUse) || name != "x" {
					t.Error(name, err)
				}
				failed = append(failed, i)
			}
		}
	}
	if len(failed) != 2 || failed[0] != 2 || failed[1] != 3 || injected.Fired() != 2 {
		t.Errorf("failed: %v, fired %d times", failed, injected.Fired())
	}
	srv.Inject(blobtest.Fault{Status: 500, Times: -1})
	for range 3 {
		if _, err := c.Properties(t.Context(), nil); err == nil {
			t.Error("no error")
		}
	}
	srv.ClearFaults()
	if _, err := c.Properties(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// TestAppliedButReportedFailed shows the trap that every client has to live with.
func TestAppliedButReportedFailed(t *testing.T) {
	srv := blobtest.New(t)
	s := srv.ServiceClient(&azureblob.ClientOptions{Retry: azureblob.RetryOptions{Total: -1}})
	b := newContainer(t, s).Blob("x")
	for i, fault := range []blobtest.Fault{
		{Status: 500, Code: "InternalError", At: blobtest.AfterOperation}, {Reset: true, At: blobtest.AfterOperation},
	} {
		srv.Inject(fault)
		want := strings.Repeat("x", i+1)
		if _, err := b.Upload(t.Context(), strings.NewReader(want), nil); err == nil {
			t.Error("it is not reported as failed")
		}
		if got, err := b.ReadAll(t.Context(), nil); err != nil || string(got) != want {
			t.Errorf("it was not applied: %q, %v", got, err)
		}
	}
	srv.Inject(blobtest.Fault{FlipBit: true, At: blobtest.DuringRequest})
	if _, err := b.Upload(t.Context(), strings.NewReader("aaa"), nil); err != nil {
		t.Error(err)
	}
	if got, err := b.ReadAll(t.Context(), nil); err != nil || string(got) != "a`a" {
		t.Errorf("stored %q, %v", got, err)
	}
}

// TestFaultMistakes injects what could never happen, which a test must not take
// for a service that is well.
func TestFaultMistakes(t *testing.T) {
	srv := blobtest.New(t)
	for want, f := range map[string]blobtest.Fault{
		`Operation: "Put Blok"`: {Operation: "Put Blok", Status: 503},
		"At: there":             {At: blobtest.DuringAnswer + 1, Reset: true},
		"Status: 70":            {Status: 70},
		`Code: "Busy"`:          {Code: "Busy"},
		"RetryAfter: there":     {RetryAfter: time.Second, Reset: true},
		"answer has begun":      {Status: 500, At: blobtest.DuringAnswer},
		"is negative":           {Truncate: true, Offset: -1},
		"nothing happens":       {Operation: "Put Blob", Times: -1},
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.HasPrefix(got, "blobtest: Fault") || !strings.Contains(got, want) {
					t.Errorf("%+v: %q and not %q", f, got, want)
				}
			}()
			srv.Inject(f)
		}()
	}
	for _, f := range []blobtest.Fault{
		{Operation: "get container metadata", Reset: true}, {Operation: "BlockBlob_StageBlock", Status: 200}, {Status: 599, Code: "Busy"},
		{Match: func(*http.Request) bool { return false }},
	} {
		srv.Inject(f)
	}
}

func TestFaultOfACode(t *testing.T) {
	srv := blobtest.New(t)
	srv.Inject(blobtest.Fault{Code: "ServerBusy", Header: map[string]string{"Server": "", "retry-after-ms": "10"}})
	a := raw(t, srv, "GET", "?comp=list", "")
	a.expect(t, "code alone", 503, "ServerBusy")
	if _, there := a.header["Server"]; there || a.header.Get("retry-after-ms") != "10" {
		t.Errorf("%v", a.header)
	}
}

// TestFaultAfterAnother has a fault ask for another one.
func TestFaultAfterAnother(t *testing.T) {
	srv := blobtest.New(t)
	first := srv.Inject(blobtest.Fault{Operation: "List Containers", Code: "ServerBusy", Nth: 2})
	srv.Inject(blobtest.Fault{Code: "InternalError", Match: func(*http.Request) bool { return first.Fired() > 0 }})
	for i, want := range []string{"", "ServerBusy", "InternalError", ""} {
		if a := raw(t, srv, "GET", "?comp=list", ""); a.code != want {
			t.Errorf("%d: %q and not %q", i, a.code, want)
		}
	}
}

// TestFaultsOfShortAnswers strikes answers that have no body, and at their ends.
func TestFaultsOfShortAnswers(t *testing.T) {
	onEachTransport(t, func(t *testing.T, d *direct) {
		tag, _, _ := d.get(t)
		for _, c := range []struct {
			method string
			header []string
			offset int64
		}{
			{"HEAD", nil, 0},
			{"GET", []string{"If-None-Match", tag.Header.Get("ETag")}, 0},
			{"GET", nil, 64 << 10},
			{"GET", nil, 1 << 20},
		} {
			start := time.Now()
			injected := d.srv.Inject(blobtest.Fault{At: blobtest.DuringAnswer, Offset: c.offset, Delay: 50 * time.Millisecond, Times: -1})
			_, _, err := d.send(t, c.method, nil, c.header...)
			injected.Remove()
			// The answer has arrived before the pause, which the next request on the connection has to wait for.
			if _, _, err := d.get(t); err != nil {
				t.Error(err)
			}
			sockets := d.base != d.srv.Endpoint()
			if took := time.Since(start); err != nil || sockets && took < 50*time.Millisecond {
				t.Errorf("%s %v: %v after %v", c.method, c.header, err, took)
			}
			if injected.Fired() != 1 {
				t.Errorf("%s %v: fired %d times", c.method, c.header, injected.Fired())
			}
		}
	})
}

// TestCloseEndsStalls closes servers in front of which a request hangs.
func TestCloseEndsStalls(t *testing.T) {
	t.Run("in process", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for at := blobtest.AfterRequest; at <= blobtest.DuringAnswer; at++ {
				srv := blobtest.New(t)
				srv.Inject(blobtest.Fault{Delay: -1, At: at})
				failed := make(chan error, 1)
				go func() {
					resp, err := srv.Transport().RoundTrip(newRaw(t, srv.Endpoint()+"/?comp=list", "GET", "x"))
					if err == nil {
						_, err = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
					}
					failed <- err
				}()
				synctest.Wait()
				srv.Close()
				if err := <-failed; !isReset(err) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%d: %v", at, err)
				}
			}
		})
	})
	t.Run("server of its own", func(t *testing.T) {
		// net/http does not see that the client is gone as long as there is a body to read.
		srv := blobtest.New(t)
		server := httptest.NewServer(srv.Handler())
		srv.Inject(blobtest.Fault{Delay: -1, At: blobtest.BeforeRequest})
		ctx, cancel := context.WithCancel(t.Context())
		req := newRaw(t, server.URL+"/"+srv.Account()+"/photos/x", "PUT", strings.Repeat("x", 8<<20)).WithContext(ctx)
		failed := make(chan error, 1)
		go func() {
			resp, err := server.Client().Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			failed <- err
		}()
		for len(srv.Requests()) == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		srv.Close()
		server.Close()
	})
}
