package azureblob

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// progressLog checks what a progress function may be told, while it is told.
type progressLog struct {
	t       *testing.T
	mu      sync.Mutex
	last    int64
	at      time.Time
	calls   int
	tooSoon int
}

func (p *progressLog) report(done int64) {
	if !p.mu.TryLock() {
		p.t.Error("progress is reported from two goroutines at a time")
		return
	}
	defer p.mu.Unlock()
	if done < p.last {
		p.t.Errorf("progress went back from %d to %d", p.last, done)
	}
	if p.calls > 0 && time.Since(p.at) < 100*time.Millisecond {
		p.tooSoon++
	}
	p.last, p.at = done, time.Now()
	p.calls++
}

// check looks at the whole: only the last report may come soon after another.
func (p *progressLog) check(name string, want int64) {
	if p.last != want {
		p.t.Errorf("%s: the last report was %d and not %d", name, p.last, want)
	}
	if p.tooSoon > 1 {
		p.t.Errorf("%s: %d of %d reports came within 100 ms", name, p.tooSoon, p.calls)
	}
	if p.calls < 3 {
		p.t.Errorf("%s: %d reports of a transfer that took seconds", name, p.calls)
	}
}

// TestProgress runs every form of transfer on virtual time: each request takes
// 70 ms, and every fifth fails at first, so that bytes are sent again.
func TestProgress(t *testing.T) {
	slow := func(s *stub) {
		failed := sync.Map{}
		s.before = func(n int, kind string, req *http.Request) (*http.Response, error) {
			time.Sleep(70 * time.Millisecond)
			id := req.Header.Get("x-ms-client-request-id") + req.URL.RawQuery + req.Header.Get("x-ms-range")
			if _, again := failed.LoadOrStore(id, true); n%5 == 0 && !again {
				if req.Body != nil {
					_, _ = io.Copy(io.Discard, req.Body)
				}
				return failure(req, 503, "ServerBusy"), nil
			}
			return nil, nil
		}
	}
	const size = 20_000
	for name, upload := range uploads {
		synctest.Test(t, func(t *testing.T) {
			s, p := newStub(nil), &progressLog{t: t}
			slow(s)
			if err := upload(t.Context(), s.blob(t), pattern(size), &UploadOptions{BlockSize: 500, Concurrency: 3, Progress: p.report}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			p.check(name, size)
		})
	}
	for name, download := range downloads {
		synctest.Test(t, func(t *testing.T) {
			s, p := newStub(pattern(size)), &progressLog{t: t}
			slow(s)
			if _, err := download(t.Context(), s.blob(t), &DownloadOptions{BlockSize: 500, Concurrency: 3, Progress: p.report}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			p.check(name, size)
		})
	}
}

// TestCancel cancels every form of transfer in the middle of its requests, on
// virtual time. The test fails by itself if a goroutine is left behind.
func TestCancel(t *testing.T) {
	const size = 20_000
	hang := func(s *stub, cancel context.CancelFunc) {
		s.before = func(n int, kind string, req *http.Request) (*http.Response, error) {
			if n < 5 {
				return nil, nil
			}
			if n == 5 {
				time.AfterFunc(time.Second, cancel)
			}
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
	}
	check := func(t *testing.T, name string, began time.Time, err error) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
		if late := time.Since(began) - time.Second; late > 100*time.Millisecond {
			t.Errorf("%s returned %v after the context was cancelled", name, late)
		}
	}
	for name, upload := range uploads {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s, began := newStub(nil), time.Now()
			hang(s, cancel)
			check(t, name, began, upload(ctx, s.blob(t), pattern(size), &UploadOptions{BlockSize: 500, Concurrency: 3}))
		})
	}
	for name, download := range downloads {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s, began := newStub(pattern(size)), time.Now()
			hang(s, cancel)
			_, err := download(ctx, s.blob(t), &DownloadOptions{BlockSize: 500, Concurrency: 3})
			check(t, name, began, err)
		})
	}
}

// TestCancelWhileTheSourceBlocks cancels an upload whose source never answers.
func TestCancelWhileTheSourceBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		source, w := io.Pipe()
		defer w.Close()
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		_, err := newStub(nil).blob(t).Upload(ctx, source, nil)
		if !errors.Is(err, context.Canceled) || time.Since(began) > 1100*time.Millisecond {
			t.Errorf("Upload returned %v after %v", err, time.Since(began))
		}
	})
}
