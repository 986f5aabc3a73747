package checksum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A structured message is content in segments, each with its checksum:
//
//	message   version u8 = 1 | total length u64 | flags u16 | segments u16
//	segment   number u16, from 1 | length u64 | data | CRC64 of data
//	end       CRC64 of all data
//
// All integers are little endian.
const (
	// MessageForm is what the header x-ms-structured-body says of a message.
	MessageForm = "XSM/1.0; properties=crc64"

	messageVersion = 1
	messageHead    = 1 + 8 + 2 + 2
	segmentHead    = 2 + 8
	segmentSize    = 4 << 20
	maxSegments    = 1<<16 - 1
	flagCRC64      = 1
)

// Body is the body of a request; see pipeline.Body.
type Body interface {
	Len() int64
	Open() io.ReadCloser
}

// Message is a body as a structured message. The checksums are computed while it
// is read.
func Message(inner Body) Body { return message{inner} }

type message struct{ inner Body }

// segments is how a message of n bytes of content is cut.
func segments(n int64) (count, size int64) {
	size = max(segmentSize, ceil(n, maxSegments))
	return max(1, ceil(n, size)), size
}

func ceil(n, d int64) int64 { return n/d + min(n%d, 1) }

func messageLen(n int64) int64 {
	count, _ := segments(n)
	return messageHead + count*(segmentHead+Size) + n + Size
}

func (m message) Len() int64 { return messageLen(m.inner.Len()) }

func (m message) Open() io.ReadCloser {
	n := m.inner.Len()
	count, size := segments(n)
	w := &messageWriter{ReadCloser: m.inner.Open(), left: n, count: count, size: size}
	w.frame = append(w.room[:0], messageVersion)
	w.frame = binary.LittleEndian.AppendUint64(w.frame, uint64(m.Len()))
	w.frame = binary.LittleEndian.AppendUint16(w.frame, flagCRC64)
	w.frame = binary.LittleEndian.AppendUint16(w.frame, uint16(count))
	w.begin()
	return w
}

// messageWriter is a message on its way out.
type messageWriter struct {
	io.ReadCloser
	left        int64 // content not read yet
	count, size int64 // segments, and bytes in each but the last
	number      int64 // of the segment
	data        int64 // content of the segment not read yet
	crc, total  uint64
	frame       []byte // what comes before more data
	ended       bool
	room        [messageHead + segmentHead + 2*Size]byte
}

// begin puts the head of the next segment into the frame.
func (w *messageWriter) begin() {
	w.number++
	w.data, w.crc = min(w.size, w.left), 0
	w.frame = binary.LittleEndian.AppendUint16(w.frame, uint16(w.number))
	w.frame = binary.LittleEndian.AppendUint64(w.frame, uint64(w.data))
}

func (w *messageWriter) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case len(w.frame) > 0:
			k := copy(p[n:], w.frame)
			w.frame, n = w.frame[k:], n+k
			continue
		case w.ended:
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		case w.data == 0:
			w.end()
			continue
		case n > 0 && len(p)-n < 512:
			return n, nil // not worth a small read
		}
		k, err := w.ReadCloser.Read(p[n : n+int(min(int64(len(p)-n), w.data))])
		w.crc, w.total = Update(w.crc, p[n:n+k]), Update(w.total, p[n:n+k])
		w.data, w.left, n = w.data-int64(k), w.left-int64(k), n+k
		if err == io.EOF && w.left > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && err != io.EOF || k == 0 && err == nil {
			return n, err
		}
	}
	return n, nil
}

// end puts what follows the data of a segment into the frame.
func (w *messageWriter) end() {
	w.frame = AppendCRC64(w.room[:0], w.crc)
	if w.number < w.count {
		w.begin()
		return
	}
	w.frame = AppendCRC64(w.frame, w.total)
	w.ended = true
}

// Errors of a message that came. Both mean that what was read of it cannot be
// trusted.
var (
	ErrMessage  = errors.New("the structured message is malformed")
	ErrMismatch = errors.New("the content does not have the CRC64 that came with it: it was damaged on the way")
)

// NewMessageReader reads the content out of a structured message of size bytes,
// or of any length if size is negative.
func NewMessageReader(r io.ReadCloser, size int64) *MessageReader {
	return &MessageReader{ReadCloser: r, size: size}
}

// MessageReader is a message on its way in. Its Read gives content out before its
// checksum has come, so that is to be trusted only after the end; Segment does not.
type MessageReader struct {
	io.ReadCloser
	size       int64
	count      int // segments; 0 before the head was read
	number     int // of the segment
	data       int64
	summed     bool  // the checksum of the segment has been looked at
	read       int64 // bytes of the message
	crc, total uint64
	err        error
}

// Read reads content, of one segment at a time.
func (r *MessageReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.err == nil && r.data == 0 {
		r.err = r.next()
	}
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.ReadCloser.Read(p[:min(int64(len(p)), r.data)])
	r.crc, r.total = Update(r.crc, p[:n]), Update(r.total, p[:n])
	r.data, r.read = r.data-int64(n), r.read+int64(n)
	if err == io.EOF {
		err = nil // what follows the data is missing, and says so itself
		if r.data > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// Segment reads the next segment into what room returns for its length, which takes
// no more than that; nil refuses it. The segment is whole and has its checksum if the
// error is nil, and so has the message if it was the last. At the end of the message
// the error is io.EOF.
func (r *MessageReader) Segment(room func(n int64) (io.ReaderFrom, error)) error {
	for r.err == nil && r.data == 0 {
		r.err = r.next()
	}
	if r.err != nil {
		return r.err
	}
	to, err := room(r.data)
	if err != nil {
		r.err = err
		return err
	}
	if to == nil {
		r.err = fmt.Errorf("%w: segment %d has %d bytes", ErrMessage, r.number, r.data)
		return r.err
	}
	if _, r.err = to.ReadFrom(io.LimitReader(r, r.data)); r.err == nil {
		r.err = r.sumSegment()
	}
	if r.err == nil && r.number == r.count {
		r.err = r.end()
	}
	if r.err == io.EOF {
		return nil // the next call tells
	}
	return r.err
}

// next reads what stands between two pieces of data. At the end of the message it
// returns io.EOF.
func (r *MessageReader) next() error {
	if r.count == 0 {
		if err := r.head(); err != nil {
			return err
		}
	} else if err := r.sumSegment(); err != nil {
		return err
	}
	if r.number == r.count {
		return r.end()
	}
	var head [segmentHead]byte
	if err := r.full(head[:]); err != nil {
		return err
	}
	r.number++
	n := binary.LittleEndian.Uint64(head[2:])
	if int(binary.LittleEndian.Uint16(head[:])) != r.number || n > uint64(1)<<62 {
		return fmt.Errorf("%w: segment %d", ErrMessage, r.number)
	}
	r.data, r.crc, r.summed = int64(n), 0, false
	return nil
}

// sumSegment looks at the checksum of a segment, once.
func (r *MessageReader) sumSegment() error {
	if r.summed {
		return nil
	}
	r.summed = true
	return r.sum(r.crc)
}

func (r *MessageReader) head() error {
	var head [messageHead]byte
	if err := r.full(head[:]); err != nil {
		return err
	}
	length := binary.LittleEndian.Uint64(head[1:])
	r.count = int(binary.LittleEndian.Uint16(head[11:]))
	switch {
	case head[0] != messageVersion:
		return fmt.Errorf("%w: version %d", ErrMessage, head[0])
	case binary.LittleEndian.Uint16(head[9:]) != flagCRC64 || r.count == 0:
		return fmt.Errorf("%w: it has no checksums, flags of another form, or no segments", ErrMessage)
	case length > 1<<62 || r.size >= 0 && int64(length) != r.size:
		return fmt.Errorf("%w: it has %d bytes and says %d", ErrMessage, r.size, length)
	}
	r.size = int64(length)
	return nil
}

func (r *MessageReader) sum(want uint64) error {
	var sum [Size]byte
	if err := r.full(sum[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint64(sum[:]) != want {
		return ErrMismatch
	}
	return nil
}

func (r *MessageReader) end() error {
	if err := r.sum(r.total); err != nil {
		return err
	}
	if r.read != r.size {
		return fmt.Errorf("%w: it has %d bytes and says %d", ErrMessage, r.read, r.size)
	}
	if n, err := io.ReadFull(r.ReadCloser, make([]byte, 1)); n > 0 || err != io.EOF {
		if n > 0 {
			return fmt.Errorf("%w: something follows it", ErrMessage)
		}
		return err
	}
	return io.EOF
}

func (r *MessageReader) full(p []byte) error {
	n, err := io.ReadFull(r.ReadCloser, p)
	r.read += int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
