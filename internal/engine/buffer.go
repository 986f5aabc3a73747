package engine

import (
	"context"
	"io"
)

// Buffer is pooled memory of a budget that one goroutine fills, and that is then the body of a
// request. It takes memory as it is filled. It is not to be filled any more once it is open.
type Buffer struct{ b *block }

// NewBuffer makes a buffer of up to limit bytes. Like the first block of a transfer it never waits for
// memory. Free gives it back.
func NewBuffer(budget *Budget, limit int64) *Buffer {
	return &Buffer{newFirstBlock(budget.open(), nil, limit)}
}

// Buffers makes the buffers of one transfer out of a budget. Only the first of those that are held at
// the same time is granted in any case; for the others there has to be room.
type Buffers struct{ acct *account }

// NewBuffers makes one that holds nothing.
func NewBuffers(budget *Budget) *Buffers { return &Buffers{budget.open()} }

type apartKey struct{}

// apart is the context of what reads beside a transfer, and must not wait for memory that this one holds.
func apart(ctx context.Context, budget *Budget) context.Context {
	return context.WithValue(ctx, apartKey{}, NewBuffers(budget))
}

// Apart is for Get: the buffers of what reads beside the transfer that it is of, or else usual.
func Apart(ctx context.Context, usual *Buffers) *Buffers {
	if own, ok := ctx.Value(apartKey{}).(*Buffers); ok {
		return own
	}
	return usual
}

// Buffer makes a buffer of limit bytes when there is memory for it.
func (b *Buffers) Buffer(ctx context.Context, limit int64) (*Buffer, error) {
	if err := b.acct.acquire(ctx, cost(limit)); err != nil {
		return nil, err
	}
	return &Buffer{newBlock(b.acct, nil, limit)}, nil
}

// Write takes in what there is room for. It returns io.ErrShortWrite if that is not all of p.
func (b *Buffer) Write(p []byte) (n int, err error) {
	for n < len(p) {
		room := b.b.tail()
		if room == nil {
			return n, io.ErrShortWrite
		}
		c := copy(room, p[n:])
		b.b.advance(c)
		n += c
	}
	return n, nil
}

// ReadFrom takes in what src gives until the buffer is full, or until io.EOF, which is no error. It does
// not read on to find out which of the two comes first.
func (b *Buffer) ReadFrom(src io.Reader) (n int64, err error) {
	for !b.b.full() {
		c, err := readSome(src, b.b.tail())
		b.b.advance(c)
		n += int64(c)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Room is how many bytes can be taken in.
func (b *Buffer) Room() int64 { return b.b.limit - b.b.n }

// Len and Open make the buffer a Body.
func (b *Buffer) Len() int64 { return b.b.Len() }

// Open returns a new reader of all that was taken in.
func (b *Buffer) Open() io.ReadCloser { return b.b.Open() }

// Free gives the memory back when the last reader is closed. The buffer must not be used after it.
func (b *Buffer) Free() { b.b.drop() }
