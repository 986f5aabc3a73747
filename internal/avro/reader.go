// Package avro reads and writes Avro object container files, as far as the Blob
// service uses them for the results of queries: records of primitive fields, or a
// union of such records, without compression.
package avro

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
)

var magic = [4]byte{'O', 'b', 'j', 1}

// maxValue is the most bytes of a string or byte field, and of the metadata of
// a file: more is taken for damage rather than for content.
const maxValue = 64 << 20

// maxPairs is the most entries in the metadata of a file.
const maxPairs = 1 << 10

// Errors of a file that is not what it should be.
var (
	ErrFormat = errors.New("avro: the data is no object container file, or is damaged")
	ErrShort  = errors.New("avro: the data breaks off")
)

// Reader reads the records of a file in order.
type Reader struct {
	in     *bufio.Reader
	sync   [16]byte
	schema []Schema
	union  bool
	left   int64 // records left in the block
	bytes  int64 // bytes left in the block, as its head says
	record Record
	err    error
}

// NewReader reads the head of a file. An error of r comes back as it is; data
// that is too short is [ErrShort].
func NewReader(r io.Reader) (*Reader, error) {
	a := &Reader{in: bufio.NewReaderSize(r, 64<<10), bytes: math.MaxInt64}
	var head [4]byte
	if err := a.full(head[:]); err != nil {
		return nil, err
	}
	if head != magic {
		return nil, ErrFormat
	}
	if err := a.readMetadata(); err != nil {
		return nil, err
	}
	return a, a.full(a.sync[:])
}

// readMetadata reads the map of the head, which comes in blocks.
func (a *Reader) readMetadata() error {
	pairs := map[string][]byte{}
	for {
		n, err := a.long()
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		if n < 0 {
			// A negative count is followed by the size of the block in bytes.
			if _, err := a.long(); err != nil {
				return err
			}
			n = -n
		}
		if n < 0 || n > maxPairs || len(pairs) > maxPairs {
			return ErrFormat
		}
		for range n {
			key, err := a.value(nil)
			if err != nil {
				return err
			}
			value, err := a.value(nil)
			if err != nil {
				return err
			}
			pairs[string(key)] = value
		}
	}
	if codec := string(pairs["avro.codec"]); codec != "" && codec != "null" {
		return fmt.Errorf("avro: the data is compressed with %.20q, which is not supported", codec)
	}
	var err error
	a.schema, a.union, err = parseSchema(pairs["avro.schema"])
	return err
}

// Record is a record of a file. It is valid until the next one is read.
type Record struct {
	Name   string // with its namespace
	schema *Schema
	ints   []int64
	bytes  [][]byte
}

func (r *Record) index(name string, of ...kind) int {
	for i, f := range r.schema.Fields {
		if f.Name == name {
			for _, k := range of {
				if f.kind == k {
					return i
				}
			}
		}
	}
	return -1
}

// Bytes returns a field of bytes or text, or nil if there is none of that name.
func (r *Record) Bytes(name string) []byte {
	if i := r.index(name, kindBytes, kindString); i >= 0 {
		return r.bytes[i]
	}
	return nil
}

// Text is Bytes as a string.
func (r *Record) Text(name string) string { return string(r.Bytes(name)) }

// Long returns an integer field, or 0 if there is none of that name.
func (r *Record) Long(name string) int64 {
	if i := r.index(name, kindInt, kindLong); i >= 0 {
		return r.ints[i]
	}
	return 0
}

// Bool returns a boolean field, or false if there is none of that name.
func (r *Record) Bool(name string) bool {
	if i := r.index(name, kindBoolean); i >= 0 {
		return r.ints[i] != 0
	}
	return false
}

// Next returns the next record, and io.EOF after the last one. Any other error
// stays.
func (a *Reader) Next() (*Record, error) {
	if a.err != nil {
		return nil, a.err
	}
	for a.left == 0 {
		if a.err = a.nextBlock(); a.err != nil {
			return nil, a.err
		}
	}
	if a.err = a.readRecord(); a.err != nil {
		return nil, a.err
	}
	if a.left--; a.left == 0 {
		if a.err = a.endBlock(); a.err != nil {
			return nil, a.err
		}
	}
	return &a.record, nil
}

// nextBlock reads the head of a block: how many records, in how many bytes.
func (a *Reader) nextBlock() error {
	a.bytes = math.MaxInt64
	if _, err := a.in.Peek(1); err != nil {
		return err // the only place where a file may end
	}
	n, err := a.long()
	if err != nil {
		return err
	}
	size, err := a.long()
	if err != nil {
		return err
	}
	if n < 0 || n > size {
		return ErrFormat // also records without bytes, of which there could be any number
	}
	a.left, a.bytes = n, size
	if n == 0 {
		return a.endBlock()
	}
	return nil
}

func (a *Reader) endBlock() error {
	if a.bytes != 0 {
		return ErrFormat
	}
	a.bytes = math.MaxInt64
	var mark [16]byte
	if err := a.full(mark[:]); err != nil {
		return err
	}
	if mark != a.sync {
		return ErrFormat
	}
	return nil
}

func (a *Reader) readRecord() error {
	branch := int64(0)
	if a.union {
		var err error
		if branch, err = a.long(); err != nil {
			return err
		}
	}
	if branch < 0 || branch >= int64(len(a.schema)) {
		return ErrFormat
	}
	r := &a.record
	r.schema = &a.schema[branch]
	r.Name = r.schema.Name
	for len(r.ints) < len(r.schema.Fields) {
		r.ints, r.bytes = append(r.ints, 0), append(r.bytes, nil)
	}
	for i, f := range r.schema.Fields {
		var err error
		switch f.kind {
		case kindBoolean:
			var b byte
			if b, err = a.byte(); err == nil && b > 1 {
				err = ErrFormat
			}
			r.ints[i] = int64(b)
		case kindInt, kindLong:
			r.ints[i], err = a.long()
		case kindFloat:
			err = a.skip(4)
		case kindDouble:
			err = a.skip(8)
		case kindBytes, kindString:
			r.bytes[i], err = a.value(r.bytes[i][:0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// long reads a zigzag varint.
func (a *Reader) long() (int64, error) {
	var u uint64
	for shift := uint(0); shift < 64; shift += 7 {
		b, err := a.byte()
		if err != nil {
			return 0, err
		}
		if shift == 63 && b > 1 {
			return 0, ErrFormat
		}
		u |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int64(u>>1) ^ -int64(u&1), nil
		}
	}
	return 0, ErrFormat
}

func (a *Reader) byte() (byte, error) {
	if a.bytes < 1 {
		return 0, ErrFormat
	}
	b, err := a.in.ReadByte()
	if err != nil {
		return 0, short(err)
	}
	a.bytes--
	return b, nil
}

func (a *Reader) full(p []byte) error {
	if a.bytes < int64(len(p)) {
		return ErrFormat
	}
	if _, err := io.ReadFull(a.in, p); err != nil {
		return short(err)
	}
	a.bytes -= int64(len(p))
	return nil
}

func (a *Reader) skip(n int) error {
	var room [8]byte
	return a.full(room[:n])
}

// value reads bytes with their length in front into room, which it lets grow
// with what is there and not with what the length claims.
func (a *Reader) value(room []byte) ([]byte, error) {
	n, err := a.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxValue || n > a.bytes {
		return nil, ErrFormat
	}
	const step = 1 << 20
	for int64(len(room)) < n {
		from := len(room)
		more := min(int(n)-from, step)
		if cap(room) < from+more {
			grown := make([]byte, from, min(int(n), 2*from+more))
			copy(grown, room)
			room = grown
		}
		room = room[:from+more]
		if err := a.full(room[from:]); err != nil {
			return nil, err
		}
	}
	return room, nil
}

func short(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrShort
	}
	return err
}
