package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// meter shows how far a transfer has come, on one line of a terminal. Elsewhere
// it prints only the end.
type meter struct {
	out      io.Writer
	label    string
	total    int64
	began    time.Time
	terminal bool
}

func newMeter(out io.Writer, label string, total int64) *meter {
	m := &meter{out: out, label: label, total: total, began: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		m.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return m
}

func (m *meter) show(done int64) {
	if !m.terminal || m.total == 0 {
		return
	}
	const width = 30
	full := int(width * done / m.total)
	fmt.Fprintf(m.out, "\r%-11s [%s%s] %3d %%  %s", m.label, strings.Repeat("=", full), strings.Repeat(" ", width-full), 100*done/m.total, size(done))
}

func (m *meter) end() {
	took := time.Since(m.began)
	if m.terminal {
		fmt.Fprint(m.out, "\r\x1b[K")
	}
	if m.total == 0 {
		fmt.Fprintf(m.out, "%-11s nothing, for the file is empty\n", m.label)
		return
	}
	rate := float64(m.total) / took.Seconds()
	fmt.Fprintf(m.out, "%-11s %s in %v, %s/s\n", m.label, size(m.total), took.Round(time.Millisecond), size(int64(rate)))
}

// size writes a number of bytes as people do.
func size(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
