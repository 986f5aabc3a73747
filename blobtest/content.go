package blobtest

import (
	"io"
	"sort"
)

// content is an immutable sequence of bytes. It is a list of pieces, which are
// stored once: a block that is committed, copied or cut is never copied. The
// zero value is empty.
type content struct {
	pieces []piece
}

// piece is a part of a content. The slice is not changed once it is in one.
type piece struct {
	data []byte // nil for zero bytes
	end  int64  // offset of the first byte after it in its content
}

// contentOf makes a content of bytes, which belong to it from then on.
func contentOf(data []byte) content {
	if len(data) == 0 {
		return content{}
	}
	return content{[]piece{{data, int64(len(data))}}}
}

// zeros is a content of n zero bytes, which takes no memory.
func zeros(n int64) content {
	if n == 0 {
		return content{}
	}
	return content{[]piece{{nil, n}}}
}

// size is the number of bytes.
func (c content) size() int64 {
	if len(c.pieces) == 0 {
		return 0
	}
	return c.pieces[len(c.pieces)-1].end
}

// start is the offset of the first byte of a piece.
func (c content) start(i int) int64 {
	if i == 0 {
		return 0
	}
	return c.pieces[i-1].end
}

// join is the contents one after the other.
func join(parts ...content) content {
	n := 0
	for _, p := range parts {
		n += len(p.pieces)
	}
	joined := content{make([]piece, 0, n)}
	for _, p := range parts {
		off := joined.size()
		for _, piece := range p.pieces {
			piece.end += off
			joined.pieces = append(joined.pieces, piece)
		}
	}
	return joined
}

// slice is the n bytes from off on. They have to be there.
func (c content) slice(off, n int64) content {
	if n == 0 {
		return content{}
	}
	first := sort.Search(len(c.pieces), func(i int) bool { return c.pieces[i].end > off })
	var cut content
	for i := first; i < len(c.pieces) && c.start(i) < off+n; i++ {
		from, to := max(c.start(i), off), min(c.pieces[i].end, off+n)
		p := piece{end: to - off}
		if data := c.pieces[i].data; data != nil {
			p.data = data[from-c.start(i) : to-c.start(i)]
		}
		cut.pieces = append(cut.pieces, p)
	}
	return cut
}

var zeroPage [32 << 10]byte

// WriteTo writes the content to w without a copy between.
func (c content) WriteTo(w io.Writer) (total int64, err error) {
	for i := range c.pieces {
		data := c.pieces[i].data
		for left := c.pieces[i].end - c.start(i); left > 0; {
			part := data
			if data == nil {
				part = zeroPage[:min(left, int64(len(zeroPage)))]
			}
			n, err := w.Write(part)
			total += int64(n)
			left -= int64(n)
			if err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// bytes is a copy of the content.
func (c content) bytes() []byte {
	w := appender{make([]byte, 0, c.size())}
	_, _ = c.WriteTo(&w)
	return w.data
}

type appender struct{ data []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.data = append(a.data, p...)
	return len(p), nil
}

// contentReader reads a content from its start.
type contentReader struct {
	content content
	piece   int
	off     int64
}

func (r *contentReader) Read(p []byte) (int, error) {
	if r.piece == len(r.content.pieces) {
		return 0, io.EOF
	}
	data, end := r.content.pieces[r.piece].data, r.content.pieces[r.piece].end
	n := int(min(int64(len(p)), end-r.off))
	if data == nil {
		clear(p[:n])
	} else {
		copy(p[:n], data[r.off-r.content.start(r.piece):])
	}
	if r.off += int64(n); r.off == end {
		r.piece++
	}
	return n, nil
}
