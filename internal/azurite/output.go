package azurite

import (
	"bytes"
	"strings"
	"sync"
)

// listens is what Azurite prints before the address, once its socket is open.
const listens = "Azurite Blob service successfully listens on "

// keptLines is how many of the last lines are quoted when the server fails.
const keptLines = 20

// output takes what the server prints: it finds the address that the server
// listens on, and keeps the last lines for error messages.
type output struct {
	ready chan string // gets the address once

	mu      sync.Mutex
	partial []byte
	lines   []string
	found   bool
}

func newOutput() *output { return &output{ready: make(chan string, 1)} }

// Write never fails, so that the server's pipe is always drained.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partial = append(o.partial, p...)
	for {
		line, rest, ok := bytes.Cut(o.partial, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		o.line(strings.TrimSuffix(string(line), "\r"))
		o.partial = rest
	}
}

func (o *output) line(line string) {
	if len(o.lines) == keptLines {
		o.lines = append(o.lines[:0], o.lines[1:]...)
	}
	o.lines = append(o.lines, line)
	if address, ok := strings.CutPrefix(line, listens); ok && !o.found {
		o.found = true
		o.ready <- address
	}
}

// tail returns the last lines as the end of an error message, on one line.
func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := strings.Join(append(o.lines[:len(o.lines):len(o.lines)], string(o.partial)), " | ")
	if last = strings.Trim(last, " |"); last == "" {
		return " (it printed nothing)"
	}
	return ": " + last
}
