//go:build soak

package soak

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// uploaderEnv holds what a process that is to be killed uploads. Such a process is
// this one, started again.
const uploaderEnv = "SOAK_UPLOADER"

// victim names the process that is to be killed in the requests that it sends.
const victim = "victim"

// errand is what such a process is sent for.
type errand struct {
	Connection, Container, Blob string
	Seed                        uint64
	Size, Block                 int
}

func (e errand) content() []byte {
	content := make([]byte, e.Size)
	_, _ = rand.NewChaCha8([32]byte{byte(e.Seed), byte(e.Seed >> 8), byte(e.Seed >> 16)}).Read(content)
	return content
}

// requests is how many requests the upload takes.
func (e errand) requests() int {
	if e.Size <= e.Block {
		return 1
	}
	return (e.Size+e.Block-1)/e.Block + 1
}

func (e errand) run(ctx context.Context, o *azureblob.ClientOptions) error {
	c, err := azureblob.NewContainerClientFromConnectionString(e.Connection, e.Container, o)
	if err != nil {
		return err
	}
	_, err = c.Blob(e.Blob).Upload(ctx, bytes.NewReader(e.content()), &azureblob.UploadOptions{BlockSize: int64(e.Block), Concurrency: 4})
	return err
}

// uploader is the process that is to be killed.
func uploader(text string) int {
	var e errand
	err := json.Unmarshal([]byte(text), &e)
	if err == nil {
		err = e.run(context.Background(), &azureblob.ClientOptions{ApplicationID: victim})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// hunt starts a process that runs the errand, and kills it at its nth request, or
// after a time if n is 0. It reports whether the process was still at work.
func hunt(t *testing.T, srv *blobtest.Server, e errand, n int, after time.Duration) (killed bool) {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), uploaderEnv+"="+string(text))
	process.Stderr = os.Stderr
	var seen atomic.Int64
	var strike sync.Once
	started, shot := make(chan struct{}), make(chan struct{})
	shoot := func() {
		strike.Do(func() {
			time.AfterFunc(after, func() {
				<-started
				_ = process.Process.Kill()
				close(shot)
			})
		})
	}
	trap := srv.Inject(blobtest.Fault{Times: -1, Match: func(r *http.Request) bool {
		if strings.HasPrefix(r.UserAgent(), victim) && seen.Add(1) == int64(n) {
			shoot()
		}
		return false
	}})
	defer trap.Remove()
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if n == 0 {
		shoot()
	}
	err = process.Wait()
	strike.Do(func() { close(shot) }) // it was never come to
	<-shot
	return err != nil && process.ProcessState.ExitCode() == -1
}

// TestKill kills processes in the middle of an upload: the old object is there
// afterwards, or the new one, and the next upload succeeds.
func TestKill(t *testing.T) {
	srv := blobtest.New(t)
	rng, ctx := rand.New(rand.NewPCG(seed, 7)), t.Context()
	client := srv.ServiceClient().Container("soak")
	if _, err := client.Create(ctx, nil); err != nil {
		t.Fatal(err)
	}
	blob := client.Blob("object")
	store := func(content []byte) {
		if _, err := blob.Upload(ctx, bytes.NewReader(content), &azureblob.UploadOptions{BlockSize: 96 << 10}); err != nil {
			t.Fatalf("the next upload: %v", err)
		}
	}
	look := func() [sha256.Size]byte {
		content, err := blob.ReadAll(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		return sha256.Sum256(content)
	}
	want, began := scale(50, 15), time.Now()
	kills, finished, old, fresh, mixed := 0, 0, 0, 0, 0
	for round := uint64(1); kills < want; round++ {
		before := errand{Seed: 2 * round, Size: 1 + rng.IntN(1<<20)}.content()
		store(before)
		e := errand{Connection: srv.ConnectionString(), Container: "soak", Blob: "object", Seed: 2*round + 1, Block: 128 << 10}
		e.Size = 1 + rng.IntN([]int{e.Block, 32 * e.Block}[rng.IntN(2)])
		n := rng.IntN(e.requests() + 1)
		after := time.Duration(rng.IntN(1500)) * time.Microsecond
		if n == 0 {
			after += time.Duration(rng.IntN(200)) * time.Millisecond
		}
		if !hunt(t, srv, e, n, after) {
			finished++
			continue
		}
		kills++
		is := look()
		time.Sleep(20 * time.Millisecond) // what was under way may still arrive
		switch now := look(); {
		case is != sha256.Sum256(before) && is != sha256.Sum256(e.content()), is != now && now != sha256.Sum256(e.content()):
			mixed++
		case now == sha256.Sum256(before):
			old++
		case now == sha256.Sum256(e.content()):
			fresh++
		}
	}
	store([]byte("the end"))
	t.Logf("%d processes killed in %v, %d more had finished before: the old object was there %d times, the new one %d times, anything else %d times; each next upload succeeded; seed %d",
		kills, time.Since(began).Round(time.Second), finished, old, fresh, mixed, seed)
	if mixed > 0 || old+fresh != kills {
		t.Error("neither the old object nor the new one was there")
	}
}
