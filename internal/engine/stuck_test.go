package engine

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// TestStuckReadAt cancels an upload whose source does not answer, by a transport
// that waits for the body it is sending, as that of net/http does.
func TestStuckReadAt(t *testing.T) {
	for name, size := range map[string]int64{"put": 10, "stage": 1000} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			release := make(chan struct{})
			src := readAtFunc(func(p []byte, _ int64) (int, error) {
				<-release
				return len(p), nil
			})
			send := func(body Body) error {
				r := body.Open()
				defer r.Close()
				_, err := io.Copy(io.Discard, plain{r})
				return err
			}
			dst := Target{
				Put:    func(_ context.Context, body Body) error { return send(body) },
				Stage:  func(_ context.Context, _ int, body Body) error { return send(body) },
				Commit: func(context.Context, int) error { return nil },
			}
			time.AfterFunc(time.Second, cancel)
			began := time.Now()
			err := UploadAt(ctx, dst, src, 0, size, Config{Concurrency: 3, BlockSize: 100, SinglePut: 100})
			if took := time.Since(began); !errors.Is(err, context.Canceled) || took > 1100*time.Millisecond {
				t.Errorf("%s: %v after %v", name, err, took)
			}
			close(release)
		})
	}
}

// TestPanicOfTheSource: the caller of a source that panics can recover it.
func TestPanicOfTheSource(t *testing.T) {
	s := &sink{}
	func() {
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("recovered %v", r)
			}
		}()
		_, _ = Upload(t.Context(), s.target(), readFunc(func([]byte) (int, error) { panic("boom") }), Config{Concurrency: 2})
	}()
}
