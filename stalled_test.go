package azureblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/pageblob"
)

const (
	bodyTime   = time.Minute     // default of StallTimeout
	answerTime = 2 * time.Minute // default of ResponseTimeout
	copyTime   = 5 * answerTime  // where the service reads from a URL

	noRequest = "no byte of the request moved"
	noAnswer  = "the answer did not begin"
	noBody    = "no byte of the answer came"
)

// quiet is a container with something in it, and what may fall silent.
type quiet struct {
	server    *blobtest.Server
	service   *azureblob.ServiceClient
	container *azureblob.ContainerClient
	content   []byte
	dir       string
}

// newQuiet fills a container through a client without faults, and gives out one
// with these options.
func newQuiet(t *testing.T, dir string, o *azureblob.ClientOptions) *quiet {
	t.Helper()
	s := &quiet{server: blobtest.New(t), content: randomBytes(4000), dir: dir}
	calm := newContainer(t, s.server.ServiceClient(azureblob.CapturingOptions()))
	for i := range 5 {
		b := calm.Blob(fmt.Sprint("blob", i))
		must[azureblob.UploadResult](t)(b.Upload(t.Context(), bytes.NewReader(s.content), &azureblob.UploadOptions{Tags: azureblob.Tags{"k": "v"}}))
	}
	must[azureblob.UploadResult](t)(calm.Blob("prices.csv").Upload(t.Context(), strings.NewReader(strings.Repeat("1,2,3\n", 2000)), nil))
	if o == nil {
		o = azureblob.CapturingOptions()
	}
	s.service = s.server.ServiceClient(o)
	s.container = s.service.Container(calm.Name())
	s.server.ResetRequests()
	return s
}

func (s *quiet) blob() *azureblob.BlobClient { return s.container.Blob("blob0") }

func (s *quiet) upload(ctx context.Context, source io.Reader, block int64) error {
	_, err := s.container.Blob("new").Upload(ctx, source, &azureblob.UploadOptions{BlockSize: block, Concurrency: 3})
	return err
}

// same is an error if what was read is not what there is.
func (s *quiet) same(got []byte, err error) error {
	if err == nil && !bytes.Equal(got, s.content) {
		err = fmt.Errorf("other content: %d bytes", len(got))
	}
	return err
}

// inBlocks are options that make four requests of a download.
var inBlocks = &azureblob.DownloadOptions{BlockSize: 1000, Concurrency: 3}

func copyAll(w io.WriteCloser, err error, content []byte) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(w, onlyReader{bytes.NewReader(content)})
	return errors.Join(err, w.Close())
}

// silent is a call, and one of its requests at which the service falls silent.
type silent struct {
	operation string
	nth       int // of the requests of that operation
	points    map[blobtest.Point]silence
	run       func(ctx context.Context, s *quiet) error
}

type silence struct {
	after time.Duration
	what  string
}

// settled reports whether the call finds out by itself that its request was
// carried out.
func (c *silent) settled(at blobtest.Point) bool {
	return c.operation == "Append Block" && at == blobtest.AfterOperation
}

var (
	// The service reads the body from here to there.
	withBody = map[blobtest.Point]silence{
		blobtest.BeforeRequest: {answerTime, noAnswer}, blobtest.DuringRequest: {bodyTime, noRequest},
		blobtest.AfterRequest: {answerTime, noAnswer}, blobtest.AfterOperation: {answerTime, noAnswer},
	}
	withAnswer = map[blobtest.Point]silence{
		blobtest.BeforeRequest: {answerTime, noAnswer}, blobtest.AfterOperation: {answerTime, noAnswer}, blobtest.DuringAnswer: {bodyTime, noBody},
	}
	withBoth = map[blobtest.Point]silence{
		blobtest.BeforeRequest: {answerTime, noAnswer}, blobtest.DuringRequest: {bodyTime, noRequest},
		blobtest.AfterOperation: {answerTime, noAnswer}, blobtest.DuringAnswer: {bodyTime, noBody},
	}
	withNone  = map[blobtest.Point]silence{blobtest.BeforeRequest: {answerTime, noAnswer}, blobtest.AfterOperation: {answerTime, noAnswer}}
	fromAfar  = map[blobtest.Point]silence{blobtest.BeforeRequest: {copyTime, noAnswer}, blobtest.AfterOperation: {copyTime, noAnswer}}
	pageSize3 = &azureblob.ListBlobsOptions{PageSize: 3}
)

var silents = map[string]silent{
	"upload at once": {"Put Blob", 1, withBody, func(ctx context.Context, s *quiet) error { return s.upload(ctx, bytes.NewReader(s.content), 8000) }},
	"upload at once from a stream": {"Put Blob", 1, withBody, func(ctx context.Context, s *quiet) error {
		return s.upload(ctx, onlyReader{bytes.NewReader(s.content)}, 8000)
	}},
	"upload in blocks": {"Put Block", 2, withBody, func(ctx context.Context, s *quiet) error { return s.upload(ctx, bytes.NewReader(s.content), 1000) }},
	"upload in blocks from a stream": {"Put Block", 3, withBody, func(ctx context.Context, s *quiet) error {
		return s.upload(ctx, onlyReader{bytes.NewReader(s.content)}, 1000)
	}},
	"commit": {"Put Block List", 1, withBody, func(ctx context.Context, s *quiet) error { return s.upload(ctx, bytes.NewReader(s.content), 1000) }},
	"UploadFile": {"Put Block", 4, withBody, func(ctx context.Context, s *quiet) error {
		path := filepath.Join(s.dir, "source")
		if err := os.WriteFile(path, s.content, 0o600); err != nil {
			return err
		}
		_, err := s.container.Blob("new").UploadFile(ctx, path, &azureblob.UploadOptions{BlockSize: 1000})
		return err
	}},
	"Writer": {"Put Block", 2, withBody, func(ctx context.Context, s *quiet) error {
		w, err := s.container.Blob("new").NewWriter(ctx, &azureblob.UploadOptions{BlockSize: 1000})
		return copyAll(w, err, s.content)
	}},
	"append Writer": {"Append Block", 2, withBody, func(ctx context.Context, s *quiet) error {
		w, err := appendblob.New(s.container.Blob("log")).NewWriter(ctx, &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}, BlockSize: 1000})
		return copyAll(w, err, s.content)
	}},
	"page Upload": {"Put Page", 1, withBody, func(ctx context.Context, s *quiet) error {
		_, err := pageblob.New(s.container.Blob("disk")).Upload(ctx, bytes.NewReader(bytes.Repeat([]byte("page"), 512)), nil)
		return err
	}},
	"Download": {"Get Blob", 1, withAnswer, func(ctx context.Context, s *quiet) error {
		content := make([]byte, 4000)
		_, err := s.blob().Download(ctx, engine.Memory(content), inBlocks)
		return s.same(content, err)
	}},
	"ReadAll": {"Get Blob", 3, withAnswer, func(ctx context.Context, s *quiet) error { return s.same(s.blob().ReadAll(ctx, inBlocks)) }},
	"DownloadFile": {"Get Blob", 2, withAnswer, func(ctx context.Context, s *quiet) error {
		path := filepath.Join(s.dir, "file")
		if _, err := s.blob().DownloadFile(ctx, path, inBlocks); err != nil {
			return err
		}
		return s.same(os.ReadFile(path))
	}},
	"Reader": {"Get Blob", 2, withAnswer, func(ctx context.Context, s *quiet) error {
		r, err := s.blob().NewReader(ctx, inBlocks)
		if err != nil {
			return err
		}
		defer r.Close()
		return s.same(io.ReadAll(r))
	}},
	"ReadAt": {"Get Blob", 2, withAnswer, func(ctx context.Context, s *quiet) error {
		r, err := s.blob().NewReader(ctx, &azureblob.DownloadOptions{BlockSize: 1000, Concurrency: 1})
		if err != nil {
			return err
		}
		defer r.Close()
		p := make([]byte, 4000)
		n, err := r.ReadAt(p, 0)
		return s.same(p[:n], err)
	}},
	"Blobs": {"List Blobs", 2, withAnswer, func(ctx context.Context, s *quiet) error { return drained(s.container.Blobs(ctx, pageSize3)) }},
	"Containers": {"List Containers", 1, withAnswer, func(ctx context.Context, s *quiet) error {
		return drained(s.service.Containers(ctx, nil))
	}},
	"Walk": {"List Blobs", 1, withAnswer, func(ctx context.Context, s *quiet) error {
		return s.container.Walk(ctx, func(*azureblob.BlobItem) error { return nil }, nil)
	}},
	"FindBlobsByTags": {"Find Blobs by Tags in Container", 1, withAnswer, func(ctx context.Context, s *quiet) error {
		return drained(s.container.FindBlobsByTags(ctx, `"k" = 'v'`, nil))
	}},
	"CopyFrom": {"Put Block From URL", 2, fromAfar, func(ctx context.Context, s *quiet) error {
		_, err := s.container.Blob("copy").CopyFrom(ctx, s.blob(), &azureblob.CopyFromOptions{BlockSize: 1000})
		return err
	}},
	"CopyFrom at once": {"Put Blob From URL", 1, fromAfar, func(ctx context.Context, s *quiet) error {
		_, err := s.container.Blob("copy").CopyFrom(ctx, s.blob(), nil)
		return err
	}},
	"properties": {"Get Blob Properties", 1, withNone, func(ctx context.Context, s *quiet) error {
		_, err := s.blob().Properties(ctx, nil)
		return err
	}},
	"batch": {"Blob Batch", 1, withBoth, func(ctx context.Context, s *quiet) error {
		blobs := slices.Values([]*azureblob.BlobClient{s.container.Blob("blob3"), s.container.Blob("blob4")})
		for item, err := range s.container.SetBlobTiers(ctx, blobs, azureblob.TierCool, nil) {
			if err != nil || item == nil {
				return err
			}
		}
		return nil
	}},
	"Query": {"Query Blob Contents", 1, withBoth, func(ctx context.Context, s *quiet) error {
		r, err := blockblob.New(s.container.Blob("prices.csv")).Query(ctx, "SELECT * FROM BlobStorage", nil)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.ReadAll(r)
		return err
	}},
	"Tags": {"Get Blob Tags", 1, withAnswer, func(ctx context.Context, s *quiet) error {
		_, err := s.blob().Tags(ctx, nil)
		return err
	}},
}

// eachSilence runs a test in a bubble for each call and point.
func eachSilence(t *testing.T, test func(t *testing.T, c silent, at blobtest.Point, want silence, dir string)) {
	for name, c := range silents {
		for at, want := range c.points {
			t.Run(fmt.Sprintf("%s at %d", name, at), func(t *testing.T) {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) { test(t, c, at, want, dir) })
			})
		}
	}
}

// stalledFor demands that a call was given up for a stall, after that time.
func stalledFor(t *testing.T, err error, took time.Duration, want silence) {
	t.Helper()
	if e, ok := errors.AsType[*azureblob.Error](err); !ok || e.StatusCode != 0 {
		t.Errorf("the error is no *Error: %v", err)
		return
	}
	if !errors.Is(err, azureblob.ErrStalled) || !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if text := fmt.Sprintf("%s for %v", want.what, want.after); !strings.Contains(err.Error(), text) {
		t.Errorf("%v does not say %q", err, text)
	}
	if took != want.after {
		t.Errorf("it took %v, want %v", took, want.after)
	}
}

// TestSilentService: a service that falls silent for good, at each point of each
// kind of call. None has a deadline, and each ends after the time that there is
// for what does not move.
func TestSilentService(t *testing.T) {
	eachSilence(t, func(t *testing.T, c silent, at blobtest.Point, want silence, dir string) {
		o := azureblob.CapturingOptions()
		o.Retry.Total = -1
		s := newQuiet(t, dir, o)
		fault := s.server.Inject(blobtest.Fault{Operation: c.operation, Nth: c.nth, Delay: -1, At: at})
		began := time.Now()
		err := c.run(context.Background(), s)
		if took := time.Since(began); !c.settled(at) {
			stalledFor(t, err, took, want)
		} else if err != nil || took != want.after {
			t.Errorf("%v, after %v", err, took)
		}
		synctest.Wait() // a transport may close a body when its request is over
		if u := s.service.Usage(); fault.Fired() != 1 || u.MemoryInUse != 0 {
			t.Errorf("%d times silent, %d bytes are held", fault.Fired(), u.MemoryInUse)
		}
	})
}

// TestSilenceThatPasses: a stall costs one repetition, and the call succeeds.
func TestSilenceThatPasses(t *testing.T) {
	eachSilence(t, func(t *testing.T, c silent, at blobtest.Point, want silence, dir string) {
		s := newQuiet(t, dir, nil)
		s.server.Inject(blobtest.Fault{Operation: c.operation, Nth: c.nth, Delay: -1, At: at})
		began := time.Now()
		err := c.run(context.Background(), s)
		if c.operation == "Query Blob Contents" && at == blobtest.DuringAnswer {
			// There is no way to go on with a result.
			stalledFor(t, err, time.Since(began), want)
			return
		}
		if took := time.Since(began) - want.after; err != nil || took < 0 || took > 800*time.Millisecond {
			t.Errorf("%v, and %v beyond the stall", err, took)
		}
		if c.settled(at) {
			return
		}
		if u := s.service.Usage(); u.RetriesRead != 1 || u.RetriesConnect+u.RetriesStatus != 0 {
			t.Errorf("%+v", u)
		}
	})
}

// TestSilenceForGood: with the options that clients have by default a service that
// always falls silent ends a call as well.
func TestSilenceForGood(t *testing.T) {
	eachSilence(t, func(t *testing.T, c silent, at blobtest.Point, want silence, dir string) {
		s := newQuiet(t, dir, nil)
		s.server.Inject(blobtest.Fault{Operation: c.operation, Nth: c.nth, Delay: -1, At: at, Times: -1})
		began := time.Now()
		err := c.run(context.Background(), s)
		if c.settled(at) {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if !errors.Is(err, azureblob.ErrStalled) || !strings.Contains(err.Error(), want.what) {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took > 20*want.after+time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}
