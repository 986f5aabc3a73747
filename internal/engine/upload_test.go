package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// uploads are the ways to upload, for what all have in common.
var uploads = map[string]func(ctx context.Context, dst Target, data []byte, c Config) error{
	"UploadAt": func(ctx context.Context, dst Target, data []byte, c Config) error {
		at := append([]byte("before"), data...)
		return UploadAt(ctx, dst, bytes.NewReader(append(at, "after"...)), 6, int64(len(data)), c)
	},
	"Upload": func(ctx context.Context, dst Target, data []byte, c Config) error {
		_, err := Upload(ctx, dst, plain{bytes.NewReader(data)}, c)
		return err
	},
	"Writer": func(ctx context.Context, dst Target, data []byte, c Config) error {
		w := NewWriter(ctx, dst, c)
		for n := 1; len(data) > 0; n = n*7%1000 + 1 {
			p := bytes.Clone(data[:min(len(data), n*97)])
			if _, err := w.Write(p); err != nil {
				break
			}
			data = data[len(p):]
			clear(p) // Write keeps nothing of p
		}
		return w.Close()
	},
}

func TestUploadSizes(t *testing.T) {
	const block = 100 * kib
	for name, upload := range uploads {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int64{0, 1, block - 1, block, block + 1, 2 * block, 2*block + 1, 10 * block} {
				data := noise(size)
				s := &sink{}
				b := NewBudget(mib)
				if err := upload(t.Context(), s.target(), data, Config{Concurrency: 3, BlockSize: block, SinglePut: block, Budget: b}); err != nil {
					t.Fatalf("%d bytes: %v", size, err)
				}
				s.check(t, data)
				checkBudget(t, b)
				if single := size <= block; single != (s.puts == 1) || single != (s.stages == 0) {
					t.Errorf("%d bytes: %d puts and %d blocks", size, s.puts, s.stages)
				}
			}
		})
	}
}

// TestUploadFailsFast counts the blocks that are started after one has failed. Each takes a while, on
// virtual time, so that what is started at the same moment is not after it.
func TestUploadFailsFast(t *testing.T) {
	const block, concurrency = 64 * kib, 4
	for name, upload := range uploads {
		synctest.Test(t, func(t *testing.T) {
			for bad := range 8 {
				var failed, after atomic.Int64
				s := &sink{}
				dst := s.target()
				dst.Stage = func(ctx context.Context, i int, body Body) error {
					if failed.Load() > 0 {
						after.Add(1)
					}
					time.Sleep(time.Millisecond)
					if i == bad {
						failed.Add(1)
						return errBoom
					}
					if i > bad {
						<-ctx.Done()
						if i%2 == 0 {
							return ctx.Err()
						}
					}
					return nil
				}
				b := NewBudget(0)
				err := upload(t.Context(), dst, noise(40*block), Config{Concurrency: concurrency, BlockSize: block, SinglePut: block, Budget: b})
				if err != errBoom {
					t.Fatalf("%s: error is %v", name, err)
				}
				s.checkNone(t)
				checkBudget(t, b)
				if n := after.Load(); n > concurrency {
					t.Errorf("%s: %d blocks started after the failure", name, n)
				}
			}
		})
	}
}

// TestSourceIsNotReadOn sees how far the source is read when the first block fails at once, or never ends.
func TestSourceIsNotReadOn(t *testing.T) {
	const block, concurrency = 64 * kib, 3
	var read atomic.Int64
	endless := readFunc(func(p []byte) (int, error) {
		read.Add(int64(len(p)))
		return len(p), nil
	})
	s := &sink{fault: func(ctx context.Context, i int) error {
		if i == concurrency-1 {
			return errBoom
		}
		<-ctx.Done()
		return ctx.Err()
	}}
	c := Config{Concurrency: concurrency, BlockSize: block}
	if _, err := Upload(t.Context(), s.target(), endless, c); err != errBoom {
		t.Fatal(err)
	}
	if n := read.Load(); n > (concurrency+1)*block {
		t.Errorf("source read for %d bytes", n)
	}
	s.checkNone(t)

	read.Store(0)
	w := NewWriter(t.Context(), s.target(), c)
	n, err := io.Copy(struct{ io.Writer }{w}, endless)
	if err != errBoom || n > (concurrency+1)*block {
		t.Fatal(n, err)
	}
	if _, err := w.Write([]byte("x")); err != errBoom {
		t.Error("Write after a failure:", err)
	}
	if err := w.Close(); err != errBoom {
		t.Error("Close after a failure:", err)
	}
	s.checkNone(t)
}

func TestUploadCancelled(t *testing.T) {
	cause := errors.New("user left")
	for name, upload := range uploads {
		t.Run(name, func(t *testing.T) {
			for _, at := range []int{-1, 0, 2, -2} {
				ctx, cancel := context.WithCancelCause(t.Context())
				s := &sink{}
				s.fault = func(ctx context.Context, i int) error {
					if i == at {
						cancel(cause)
						<-ctx.Done()
						return errors.New("connection closed")
					}
					return nil
				}
				size := int64(500 * kib)
				if at == -1 {
					size = 10
				}
				b := NewBudget(0)
				err := upload(ctx, s.target(), noise(size), Config{Concurrency: 2, BlockSize: 64 * kib, SinglePut: 64 * kib, Budget: b})
				if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
					t.Errorf("cancelled at %d: %v", at, err)
				}
				s.checkNone(t)
				checkBudget(t, b)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 0)
			defer cancel()
			s := &sink{}
			if err := upload(ctx, s.target(), noise(10), Config{}); !errors.Is(err, context.DeadlineExceeded) || s.puts > 0 {
				t.Errorf("context over at the start: %v, %d puts", err, s.puts)
			}
		})
	}
}

// TestBlockedSource cancels uploads whose source never gives anything.
func TestBlockedSource(t *testing.T) {
	run := func(t *testing.T, upload func(ctx context.Context, block func()) error) {
		synctest.Test(t, func(t *testing.T) {
			unblock := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Hour, cancel)
			start := time.Now()
			err := upload(ctx, func() { <-unblock })
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if d := time.Since(start) - time.Hour; d > 50*time.Millisecond {
				t.Errorf("took %v to return", d)
			}
			close(unblock)
			synctest.Wait()
		})
	}
	for _, before := range []int{0, 10, 64 << 10, 100 << 10} {
		b, s := NewBudget(0), &sink{}
		run(t, func(ctx context.Context, block func()) error {
			src := io.MultiReader(bytes.NewReader(noise(int64(before))), readFunc(func(p []byte) (int, error) {
				block()
				return len(p), nil
			}))
			_, err := Upload(ctx, s.target(), src, Config{Concurrency: 2, BlockSize: 64 * kib, Budget: b})
			return err
		})
		s.checkNone(t)
		checkBudget(t, b)
	}
	run(t, func(ctx context.Context, block func()) error {
		src := readAtFunc(func(p []byte, _ int64) (int, error) {
			block()
			return len(p), nil
		})
		dst := Target{Put: func(ctx context.Context, body Body) error {
			go body.Open().Read(make([]byte, 10)) // net/http does not wait for the read either
			<-ctx.Done()
			return ctx.Err()
		}}
		return UploadAt(ctx, dst, src, 0, 10, Config{})
	})
}

// TestSourceIsTheCallersAgain goes on reading the bodies of an upload that has returned, while the
// caller writes to the source: the race detector must see nothing.
func TestSourceIsTheCallersAgain(t *testing.T) {
	data := noise(mib)
	var late sync.WaitGroup
	dst := Target{Stage: func(_ context.Context, i int, body Body) error {
		r := body.Open()
		late.Go(func() {
			defer r.Close()
			io.CopyBuffer(io.Discard, plain{r}, make([]byte, 512))
		})
		return errBoom
	}}
	if err := UploadAt(t.Context(), dst, bytes.NewReader(data), 0, mib, Config{Concurrency: 3, BlockSize: 100 * kib, SinglePut: 1}); err != errBoom {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = 0
	}
	late.Wait()
}

// TestReadIsWaitedFor fails an upload while a read of the source is under way that ends soon.
func TestReadIsWaitedFor(t *testing.T) {
	const block = 64 * kib
	var reading atomic.Int64
	slow := func(p []byte) int {
		reading.Add(1)
		defer reading.Add(-1)
		time.Sleep(10 * time.Millisecond)
		return len(p)
	}
	dst := Target{Stage: func(_ context.Context, i int, body Body) error {
		go func() {
			r := body.Open()
			defer r.Close()
			io.Copy(io.Discard, plain{r})
		}()
		time.Sleep(5 * time.Millisecond)
		return errBoom
	}}
	c := Config{Concurrency: 2, BlockSize: block, SinglePut: 1}
	for name, upload := range map[string]func(ctx context.Context) error{
		"Upload": func(ctx context.Context) error {
			_, err := Upload(ctx, dst, readFunc(func(p []byte) (int, error) { return slow(p), nil }), c)
			return err
		},
		"UploadAt": func(ctx context.Context) error {
			return UploadAt(ctx, dst, readAtFunc(func(p []byte, _ int64) (int, error) { return slow(p), nil }), 0, 10*block, c)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			if err := upload(t.Context()); err != errBoom {
				t.Error(name, err)
			}
			if n := reading.Load(); n > 0 {
				t.Errorf("%s returned while its source is being read", name)
			}
		})
	}
}

func TestUploadFromBadReader(t *testing.T) {
	full := noise(100 * kib)
	for name, c := range map[string]struct {
		src  io.Reader
		want error
		text string
	}{
		"bytes with EOF":        {src: readFunc(func(p []byte) (int, error) { return copy(p, "hi"), io.EOF })},
		"error with bytes":      {src: readFunc(func(p []byte) (int, error) { return copy(p, "hi"), errBoom }), want: errBoom},
		"error after a block":   {src: breakAfter(bytes.NewReader(full), 64*kib, errBoom), want: errBoom},
		"error within blocks":   {src: breakAfter(bytes.NewReader(full), 70*kib, errBoom), want: errBoom},
		"unexpected EOF":        {src: breakAfter(bytes.NewReader(full), 10, io.ErrUnexpectedEOF), want: io.ErrUnexpectedEOF},
		"nothing for ever":      {src: readFunc(func([]byte) (int, error) { return 0, nil }), want: io.ErrNoProgress},
		"more than asked":       {src: readFunc(func(p []byte) (int, error) { return len(p) + 1, nil }), text: "impossible count"},
		"negative count":        {src: readFunc(func([]byte) (int, error) { return -1, nil }), text: "impossible count -1"},
		"negative with EOF":     {src: readFunc(func([]byte) (int, error) { return -1, io.EOF }), text: "impossible count -1"},
		"bad count on the edge": {src: io.MultiReader(bytes.NewReader(full[:64*kib]), readFunc(func([]byte) (int, error) { return 7, nil })), text: "impossible count 7"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := &sink{}, NewBudget(0)
			_, err := Upload(t.Context(), s.target(), c.src, Config{Concurrency: 2, BlockSize: 64 * kib, Budget: b})
			checkBudget(t, b)
			if c.want == nil && c.text == "" {
				if err != nil {
					t.Fatal(err)
				}
				s.check(t, []byte("hi"))
				return
			}
			if err == nil || !errors.Is(err, c.want) && c.want != nil || !strings.Contains(err.Error(), c.text) {
				t.Fatal(err)
			}
			s.checkNone(t)
		})
	}
}

func TestUploadFromBadReaderAt(t *testing.T) {
	data := noise(300 * kib)
	good := bytes.NewReader(data)
	for name, c := range map[string]struct {
		src  readAtFunc
		size int64
		want error
		text string
	}{
		"short source":      {src: good.ReadAt, size: 300*kib + 1, want: io.ErrUnexpectedEOF, text: "after 307200 bytes but was said to have 307201"},
		"very short source": {src: good.ReadAt, size: 600 * kib, want: io.ErrUnexpectedEOF, text: "614400"},
		"short, one put":    {src: good.ReadAt, size: 300*kib + 1, want: io.ErrUnexpectedEOF, text: "307201"},
		"error": {src: func(p []byte, off int64) (int, error) {
			if off > 100*kib {
				return 0, errBoom
			}
			return good.ReadAt(p, off)
		}, size: 300 * kib, want: errBoom},
		"nothing for ever": {src: func([]byte, int64) (int, error) { return 0, nil }, size: 10, want: io.ErrNoProgress},
		"more than asked":  {src: func(p []byte, _ int64) (int, error) { return len(p) + 1, nil }, size: 10, text: "impossible count"},
		"negative count":   {src: func([]byte, int64) (int, error) { return -5, io.EOF }, size: 10, text: "impossible count -5"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sink{}
			conf := Config{Concurrency: 2, BlockSize: 64 * kib, SinglePut: 64 * kib}
			if strings.Contains(name, "one put") {
				conf.SinglePut = mib
			}
			// A transport may make anything of the error of a body, even success.
			dst := s.target()
			inner := dst.Stage
			dst.Stage = func(ctx context.Context, i int, body Body) error {
				inner(ctx, i, body)
				return nil
			}
			innerPut := dst.Put
			dst.Put = func(ctx context.Context, body Body) error {
				innerPut(ctx, body)
				return errors.New("transport: body length")
			}
			err := UploadAt(t.Context(), dst, c.src, 0, c.size, conf)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Fatal(err)
			}
			s.checkNone(t)
		})
	}
	// The end may come with the last bytes, and reads may be short.
	s := &sink{}
	src := readAtFunc(func(p []byte, off int64) (int, error) {
		n, _ := good.ReadAt(p[:min(len(p), 1000)], off)
		if off+int64(n) == good.Size() {
			return n, io.EOF
		}
		return n, nil
	})
	if err := UploadAt(t.Context(), s.target(), src, 0, 300*kib, Config{BlockSize: 70 * kib, SinglePut: 1}); err != nil {
		t.Fatal(err)
	}
	s.check(t, data)
}

// TestSourceInMemory makes the requests of a source that cannot block in the goroutine of the caller,
// and tells the transport that it may do the same.
func TestSourceInMemory(t *testing.T) {
	data := noise(3 * smallPiece)
	for _, c := range []struct {
		name  string
		src   io.ReaderAt
		ready bool
	}{
		{"bytes.Reader", bytes.NewReader(data), true},
		{"strings.Reader", strings.NewReader(string(data)), true},
		{"other", io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))), false},
	} {
		for _, single := range []int64{smallPiece, 4 * smallPiece} {
			s := &sink{}
			dst := s.target()
			look := func(body Body) {
				r := body.Open()
				defer r.Close()
				if ready := r.(interface{ InMemory() bool }).InMemory(); ready != c.ready {
					t.Errorf("%s: InMemory is %v", c.name, ready)
				}
				buf := make([]byte, 64<<10)
				if here := bytes.Contains(buf[:runtime.Stack(buf, false)], []byte("engine.UploadAt(")); here != c.ready {
					t.Errorf("%s: a request in the goroutine of the caller: %v", c.name, here)
				}
			}
			put, stage := dst.Put, dst.Stage
			dst.Put = func(ctx context.Context, body Body) error {
				look(body)
				return put(ctx, body)
			}
			dst.Stage = func(ctx context.Context, i int, body Body) error {
				look(body)
				return stage(ctx, i, body)
			}
			if err := UploadAt(t.Context(), dst, c.src, 0, int64(len(data)), Config{Concurrency: 1, BlockSize: smallPiece, SinglePut: single}); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			s.check(t, data)
		}
	}
	s := &sink{}
	dst, put := s.target(), s.target().Put
	dst.Put = func(ctx context.Context, body Body) error {
		r := body.Open()
		defer r.Close()
		if !r.(interface{ InMemory() bool }).InMemory() {
			t.Error("a block is in memory and does not say so")
		}
		return put(ctx, body)
	}
	if _, err := Upload(t.Context(), dst, plain{bytes.NewReader(data)}, Config{}); err != nil {
		t.Error(err)
	}
	s.check(t, data)
}

func TestUploadArguments(t *testing.T) {
	never := readAtFunc(func([]byte, int64) (int, error) {
		t.Error("source was read")
		return 0, io.EOF
	})
	for _, c := range []struct {
		off, size int64
		conf      Config
	}{
		{0, -1, Config{}},
		{-1, 10, Config{}},
		{1, 1<<63 - 1, Config{}},
		{0, 10, Config{BlockSize: -1}},
		{0, 10, Config{SinglePut: -1}},
		{0, MaxBlocks*MaxBlockSize + 1, Config{}},
		{0, 100_000, Config{BlockSize: 1, SinglePut: 1}},
		{0, 100, Config{BlockSize: MaxBlockSize + 1, SinglePut: 1}},
	} {
		if err := UploadAt(t.Context(), Target{}, never, c.off, c.size, c.conf); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
	for _, c := range []Config{{BlockSize: -1}, {SinglePut: -1}, {BlockSize: MaxBlockSize + 1}} {
		if _, err := Upload(t.Context(), Target{}, plain{nil}, c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

func TestUploadAtAllocations(t *testing.T) {
	const blocks = 100
	dst := Target{
		Stage: func(_ context.Context, _ int, body Body) error {
			r := body.Open()
			defer r.Close()
			var p [512]byte
			for {
				if _, err := r.Read(p[:]); err != nil {
					return nil
				}
			}
		},
		Commit: func(context.Context, int) error { return nil },
	}
	src := bytes.NewReader(noise(blocks * kib))
	n := testing.AllocsPerRun(10, func() {
		if err := UploadAt(t.Context(), dst, src, 0, blocks*kib, Config{Concurrency: 4, BlockSize: kib, SinglePut: 1}); err != nil {
			t.Fatal(err)
		}
	})
	// A request that may have to be left behind costs a goroutine; blocks are megabytes.
	if perBlock := n / blocks; perBlock > 8 {
		t.Errorf("%.1f allocations per block", perBlock)
	}
}
