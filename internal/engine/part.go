package engine

import "io"

// Part is n bytes, from an offset in it, of a body that an upload gave to its Target.
// It has no memory of its own, and what lies before it is not read.
func Part(body Body, off, n int64) Body { return part{body, off, n} }

type part struct {
	body   Body
	off, n int64
}

func (p part) Len() int64    { return p.n }
func (p part) Offset() int64 { return p.body.Offset() + p.off }

func (p part) Open() io.ReadCloser {
	r := p.body.Open()
	r.(skipper).skip(p.off)
	return &partReader{r, p.n}
}

// skipper is a reader that can be told, before the first Read, to begin later.
type skipper interface{ skip(n int64) }

var _, _ skipper = (*sectionReader)(nil), (*blockReader)(nil)

type partReader struct {
	io.ReadCloser
	left int64
}

func (r *partReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.ReadCloser.Read(p[:min(int64(len(p)), r.left)])
	if r.left -= int64(n); err == io.EOF {
		// What is left decides whether that is the end.
		err = nil
		if r.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}
