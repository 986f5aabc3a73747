package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
)

// sink is an io.Writer for handlers of log/slog. What is written waits in memory,
// and a goroutine appends it to blobs whose names are numbered: who logs never
// waits for the network. A program that dies loses what it logged since the last
// time.
type sink struct {
	ctx       context.Context
	container *azureblob.ContainerClient
	name      string
	most      int           // blocks of a blob, 50,000 at most
	done      chan struct{} // closed by Close
	sender    sync.WaitGroup

	mu      sync.Mutex
	waiting []byte // whole records
	lost    int    // records that there was no room for: slog tells nobody

	// Of the goroutine alone.
	number int // of the blob
	blob   *appendblob.Client
	w      *appendblob.Writer
}

// most that waits, and so the largest block: what is sent at a time is one block,
// which readers of the blob see all of or nothing.
const mostWaiting = 32 << 20

var errFull = errors.New("the log waits for the service, and there is no room for more")

// newSink returns a sink that sends what it has every so often. Its context should
// live until Close has returned, and so be none that Ctrl-C ends.
func newSink(ctx context.Context, container *azureblob.ContainerClient, name string, most int, every time.Duration) *sink {
	s := &sink{ctx: ctx, container: container, name: name, most: most, done: make(chan struct{})}
	s.sender.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-s.done:
				return
			case <-tick.C:
				_ = s.send() // what was not sent is kept for the next time
			}
		}
	})
	return s
}

// Write takes a record up.
func (s *sink) Write(record []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting)+len(record) > mostWaiting {
		s.lost++
		return 0, errFull
	}
	s.waiting = append(s.waiting, record...)
	return len(record), nil
}

// send appends all that waits. After an error it is still there: with the Writer,
// if that has it already, which then knows how to append it just once.
func (s *sink) send() error {
	if s.w != nil {
		if err := s.w.Flush(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	none := len(s.waiting) == 0
	s.mu.Unlock()
	if none {
		return nil
	}
	if err := s.ready(); err != nil {
		return err
	}
	s.mu.Lock()
	records := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	if _, err := s.w.Write(records); err != nil {
		return err
	}
	return s.w.Flush()
}

// ready sees to it that there is a blob with room for another block.
func (s *sink) ready() error {
	if s.w != nil && s.w.Result().BlockCount < s.most {
		return nil
	}
	if err := s.end(); err != nil {
		return err
	}
	blob := appendblob.New(s.container.Blob(fmt.Sprintf("%s-%04d.log", s.name, s.number+1)))
	w, err := blob.NewWriter(s.ctx, &appendblob.WriterOptions{
		Create:    &appendblob.CreateOptions{HTTPHeaders: azureblob.HTTPHeaders{ContentType: "application/x-ndjson"}},
		BlockSize: mostWaiting,
	})
	if err == nil {
		s.number, s.blob, s.w = s.number+1, blob, w
	}
	return err
}

// end seals the blob, so that readers know that no more is to come.
func (s *sink) end() error {
	if s.w == nil {
		return nil
	}
	if _, err := s.blob.Seal(s.ctx, nil); err != nil {
		return err
	}
	err := s.w.Close()
	s.w = nil
	return err
}

// Close sends the rest. Its error tells of records that were lost, as well.
func (s *sink) Close() error {
	close(s.done)
	s.sender.Wait()
	err := s.send()
	if err == nil {
		err = s.end()
	}
	if s.lost > 0 {
		err = errors.Join(err, fmt.Errorf("%d records were lost: %w", s.lost, errFull))
	}
	return err
}
