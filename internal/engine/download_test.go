package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// downloads are the ways to get a whole blob.
var downloads = map[string]func(ctx context.Context, f First, get Get, c Config) ([]byte, error){
	"WriterAt": func(ctx context.Context, f First, get Get, c Config) ([]byte, error) {
		s := make(store, max(f.Size, 0))
		n, err := Download(ctx, f, get, s, c)
		if err == nil && n != f.Size {
			return nil, errors.New("short without an error")
		}
		return s, err
	},
	"Slice": func(ctx context.Context, f First, get Get, c Config) ([]byte, error) {
		m := make(Memory, max(f.Size, 0))
		n, err := Download(ctx, f, get, m, c)
		if err == nil && n != f.Size {
			return nil, errors.New("short without an error")
		}
		return m, err
	},
	"Read": func(ctx context.Context, f First, get Get, c Config) ([]byte, error) {
		r := NewReader(ctx, f, get, c)
		defer r.Close()
		return io.ReadAll(plain{r})
	},
	"WriteTo": func(ctx context.Context, f First, get Get, c Config) ([]byte, error) {
		r := NewReader(ctx, f, get, c)
		defer r.Close()
		var b bytes.Buffer
		_, err := r.WriteTo(struct{ io.Writer }{&b})
		return b.Bytes(), err
	},
	"ReadAt": func(ctx context.Context, f First, get Get, c Config) ([]byte, error) {
		r := NewReader(ctx, f, get, c)
		defer r.Close()
		p := make([]byte, max(f.Size, 0)+1)
		n, err := r.ReadAt(p, 0)
		if err == io.EOF {
			err = nil
		}
		return p[:n], err
	},
}

// eachDownload runs a test for every way to download.
func eachDownload(t *testing.T, test func(t *testing.T, get func(o *origin, f First, c Config) ([]byte, error))) {
	for name, download := range downloads {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // healing pauses
				test(t, func(o *origin, f First, c Config) ([]byte, error) {
					t.Helper()
					b := NewBudget(600 * kib)
					c.Concurrency, c.Budget = max(c.Concurrency, 3), b
					p, err := download(t.Context(), f, o.get, c)
					o.checkClosed(t)
					checkBudget(t, b)
					return p, err
				})
			})
		})
	}
}

func TestDownloadSizes(t *testing.T) {
	eachDownload(t, func(t *testing.T, get func(*origin, First, Config) ([]byte, error)) {
		const block = 100 * kib
		for _, size := range []int64{0, 1, block - 1, block, block + 1, 3 * block, 9*block + 1} {
			o := &origin{data: noise(size)}
			for _, first := range []int64{-1, 0, 1, block / 2, block, size} {
				if first > size {
					continue
				}
				f := First{Size: size}
				if first >= 0 {
					f = o.first(first)
				}
				p, err := get(o, f, Config{BlockSize: block})
				if err != nil || !bytes.Equal(p, o.data) {
					t.Fatalf("%d bytes, %d in the first answer: got %d, %v", size, first, len(p), err)
				}
			}
		}
	})
}

// TestDownloadHeals breaks bodies in every way that can be healed.
func TestDownloadHeals(t *testing.T) {
	eachDownload(t, func(t *testing.T, get func(*origin, First, Config) ([]byte, error)) {
		data := noise(500 * kib)
		var barren sync.Map // by offset: how many more bodies give nothing there
		for name, cut := range map[string]func(o *origin, off, n int64) io.Reader{
			"short answers": func(o *origin, off, n int64) io.Reader {
				return io.LimitReader(bytes.NewReader(data[off:]), min(n, 7777))
			},
			"reset": func(o *origin, off, n int64) io.Reader {
				if n <= 20_000 {
					return bytes.NewReader(data[off : off+n])
				}
				return breakAfter(bytes.NewReader(data[off:]), 20_000, errBoom)
			},
			"most are barren": func(o *origin, off, n int64) io.Reader {
				left, _ := barren.LoadOrStore(off, 3)
				if barren.Store(off, left.(int)-1); left.(int) > 0 {
					return breakAfter(bytes.NewReader(nil), 0, errBoom)
				}
				return io.LimitReader(bytes.NewReader(data[off:]), min(n, 30_000))
			},
			"nothing for ever": func(o *origin, off, n int64) io.Reader {
				body := io.LimitReader(bytes.NewReader(data[off:]), n)
				if n < 20_000 {
					return body
				}
				return breakAfter(body, 20_000, nil)
			},
			"error with bytes": func(o *origin, off, n int64) io.Reader {
				return readFunc(func(p []byte) (int, error) {
					if m := copy(p, data[off:off+n]); int64(m) == n {
						return m, io.EOF
					} else {
						return m, errBoom
					}
				})
			},
		} {
			o := &origin{data: data}
			o.cut = func(off, n int64) io.Reader { return cut(o, off, n) }
			p, err := get(o, o.first(90*kib), Config{BlockSize: 80 * kib, Concurrency: 1 + len(name)%4})
			if err != nil || !bytes.Equal(p, data) {
				t.Errorf("%s: got %d bytes, %v", name, len(p), err)
			}
		}
	})
}

func TestDownloadGivesUp(t *testing.T) {
	eachDownload(t, func(t *testing.T, get func(*origin, First, Config) ([]byte, error)) {
		data := noise(500 * kib)
		for name, c := range map[string]struct {
			body func(p []byte) io.Reader // for the block at 240 KiB
			deny error
			want error
			text string
			gets int64
		}{
			"barren":         {body: func([]byte) io.Reader { return bytes.NewReader(nil) }, want: io.ErrUnexpectedEOF, gets: 5},
			"always reset":   {body: func([]byte) io.Reader { return breakAfter(bytes.NewReader(nil), 0, errBoom) }, want: errBoom, gets: 5},
			"too much":       {body: func(p []byte) io.Reader { return bytes.NewReader(append(bytes.Clone(p), 1)) }, text: "more than asked", gets: 1},
			"bad at the end": {body: func(p []byte) io.Reader { return breakAfter(bytes.NewReader(p), int64(len(p)), errBoom) }, want: errBoom, gets: 1},
			"final":          {body: func(p []byte) io.Reader { return breakAfter(bytes.NewReader(p), 10, Final(errBoom)) }, want: errBoom, gets: 1},
			"bad count":      {body: func(p []byte) io.Reader { return readFunc(func(p []byte) (int, error) { return len(p) + 1, nil }) }, text: "impossible count", gets: 1},
			"negative count": {body: func(p []byte) io.Reader { return readFunc(func(p []byte) (int, error) { return -1, nil }) }, text: "impossible count", gets: 1},
			"denied":         {deny: errBoom, want: errBoom, gets: 1},
		} {
			const bad = 240 * kib
			var gets atomic.Int64
			o := &origin{data: data}
			o.deny = func(_ context.Context, off int64) error {
				if off < bad || off >= bad+80*kib {
					return nil
				}
				gets.Add(1)
				return c.deny
			}
			o.cut = func(off, n int64) io.Reader {
				if off == bad {
					return c.body(data[off : off+n])
				}
				return bytes.NewReader(data[off : off+n])
			}
			_, err := get(o, o.first(80*kib), Config{BlockSize: 80 * kib})
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v", name, err)
			}
			if n := gets.Load(); n != c.gets {
				t.Errorf("%s: asked %d times, want %d", name, n, c.gets)
			}
		}
	})
}

func TestDownloadFirstTooLong(t *testing.T) {
	eachDownload(t, func(t *testing.T, get func(*origin, First, Config) ([]byte, error)) {
		if strings.HasSuffix(t.Name(), "ReadAt") {
			return // does not read the first answer
		}
		for _, n := range []int64{0, 10, 100} {
			o := &origin{data: noise(100)}
			f := o.first(100)
			f.Len = n
			o.data = append(o.data, 1)
			if n == 100 {
				f.Body.(*originBody).Reader = bytes.NewReader(o.data)
			}
			if _, err := get(o, f, Config{BlockSize: 10}); err == nil || !strings.Contains(err.Error(), "more than asked") {
				t.Errorf("first answer of %d bytes: %v", n, err)
			}
		}
	})
}

func TestDownloadArguments(t *testing.T) {
	eachDownload(t, func(t *testing.T, get func(*origin, First, Config) ([]byte, error)) {
		o := &origin{data: noise(10)}
		for _, c := range []struct {
			len, size int64
			conf      Config
		}{
			{11, 10, Config{}}, {-1, 10, Config{}}, {0, -1, Config{}}, {0, 10, Config{BlockSize: -1}},
		} {
			f := o.first(10)
			f.Len, f.Size = c.len, c.size
			if _, err := get(o, f, c.conf); err == nil {
				t.Errorf("%+v: no error", c)
			}
		}
	})
}

func TestDownloadCancelled(t *testing.T) {
	eachDownload(t, func(t *testing.T, _ func(*origin, First, Config) ([]byte, error)) {
		name := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
		for _, stall := range []int64{0, 50 * kib, 200 * kib} {
			o := &origin{data: noise(500 * kib)}
			b := NewBudget(0)
			o.cut = func(off, n int64) io.Reader { // a pipe knows nothing of contexts
				if off < stall {
					return bytes.NewReader(o.data[off : off+n])
				}
				r, _ := io.Pipe()
				return r
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errBoom) })
			_, err := downloads[name](ctx, o.first(30*kib), o.get, Config{Concurrency: 3, BlockSize: 50 * kib, Budget: b})
			if !errors.Is(err, context.Canceled) || !errors.Is(err, errBoom) {
				t.Error(err)
			}
			o.checkClosed(t)
			checkBudget(t, b)
			_, err = downloads[name](ctx, o.first(30*kib), o.get, Config{Budget: b})
			if !errors.Is(err, context.Canceled) {
				t.Error("context over at the start:", err)
			}
			o.checkClosed(t)
		}
	})
}

// TestDownloadCancelledInAPause ends the context between two tries.
func TestDownloadCancelledInAPause(t *testing.T) {
	eachDownload(t, func(t *testing.T, _ func(*origin, First, Config) ([]byte, error)) {
		name := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
		o := &origin{data: noise(1000)}
		o.cut = func(int64, int64) io.Reader { return bytes.NewReader(nil) }
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), firstPause/3)
		defer cancel()
		_, err := downloads[name](ctx, First{Size: 1000}, o.get, Config{})
		if d := time.Since(start); d != firstPause/3 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", d, err)
		}
		o.checkClosed(t)
	})
}

// TestDownloadStartsAtOnce lets the first body wait until the rest is under way.
func TestDownloadStartsAtOnce(t *testing.T) {
	eachDownload(t, func(t *testing.T, get func(*origin, First, Config) ([]byte, error)) {
		o := &origin{data: noise(300 * kib)}
		rest := make(chan struct{})
		o.deny = func(_ context.Context, off int64) error {
			if off == 200*kib {
				close(rest)
			}
			return nil
		}
		o.cut = func(off, n int64) io.Reader {
			body := bytes.NewReader(o.data[off : off+n])
			if off > 0 || strings.HasSuffix(t.Name(), "ReadAt") {
				return body
			}
			return readFunc(func(p []byte) (int, error) {
				<-rest
				return body.Read(p)
			})
		}
		if p, err := get(o, o.first(100*kib), Config{BlockSize: 100 * kib}); err != nil || !bytes.Equal(p, o.data) {
			t.Error(len(p), err)
		}
	})
}

// TestDownloadFailsFast counts what is asked for after a range was refused, by answers that know nothing
// of contexts.
func TestDownloadFailsFast(t *testing.T) {
	eachDownload(t, func(t *testing.T, get func(*origin, First, Config) ([]byte, error)) {
		const block, concurrency = 10 * kib, 4
		for bad := range int64(6) {
			var failed atomic.Bool
			var after atomic.Int64
			o := &origin{data: noise(50 * block)}
			o.deny = func(_ context.Context, off int64) error {
				if failed.Load() {
					after.Add(1)
				}
				time.Sleep(time.Millisecond) // so that what is asked for at the same time is not after it
				if off != bad*block {
					return nil
				}
				failed.Store(true)
				return errBoom
			}
			_, err := get(o, First{Size: 50 * block}, Config{Concurrency: concurrency, BlockSize: block})
			if err != errBoom || after.Load() > concurrency {
				t.Errorf("refused at block %d: %v, %d requests after it", bad, err, after.Load())
			}
		}
	})
}

type badWriterAt struct {
	n   int
	err error
}

func (w badWriterAt) WriteAt(p []byte, off int64) (int, error) {
	if off < 100*kib {
		return len(p), nil
	}
	return w.n, w.err
}

func TestDownloadToBadWriter(t *testing.T) {
	for _, c := range []struct {
		w    io.WriterAt
		want error
	}{
		{badWriterAt{0, errBoom}, errBoom},
		{badWriterAt{5, nil}, io.ErrShortWrite},
		{badWriterAt{-5, nil}, nil},
		{badWriterAt{1 << 30, nil}, nil},
		{make(Memory, 100*kib), nil},
	} {
		o, b := &origin{data: noise(3 * mib)}, NewBudget(0)
		n, err := Download(t.Context(), o.first(50*kib), o.get, c.w, Config{Concurrency: 2, BlockSize: 500 * kib, Budget: b})
		if err == nil || c.want != nil && !errors.Is(err, c.want) || n > 2*mib {
			t.Errorf("%+v: %d, %v", c, n, err)
		}
		o.checkClosed(t)
		checkBudget(t, b)
		if g := o.gets.Load(); g > 5 {
			t.Errorf("%d ranges asked for", g)
		}
	}
}
