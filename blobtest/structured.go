package blobtest

import (
	"encoding/binary"
	"errors"
	"io"
	"net/http"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/rest"
)

// A structured message is content in segments, each with its CRC64:
//
//	message   version u8 = 1 | total length u64 | flags u16 | segments u16
//	segment   number u16, from 1 | length u64 | data | CRC64 of data
//	end       CRC64 of all data
//
// All integers are little endian.
const (
	structuredHeader = "x-ms-structured-body"
	structuredForm   = "XSM/1.0; properties=crc64"
	structuredLength = "x-ms-structured-content-length"

	messageHead  = 1 + 8 + 2 + 2
	segmentHead  = 2 + 8
	segmentSize  = 4 << 20
	maxSegments  = 65535
	flagCRC64    = 1
	messageMajor = 1
)

var (
	errMessageForm = errors.New("the structured message is malformed")
	errMessageSum  = errors.New("a checksum of the structured message is wrong")
)

// structured reports whether the body of the request is a structured message,
// and how much content the client says is in it.
func (p *params) structured() (inner int64, ok bool) {
	form := p.text(structuredHeader)
	if form == "" {
		return 0, false
	}
	if form != structuredForm {
		p.wrong(invalidHeader(structuredHeader, form))
	}
	if p.need(structuredLength) == "" {
		return 0, true
	}
	return p.number(structuredLength, 0, 0), true
}

// readMessage reads a structured message of size bytes that holds inner bytes
// of content. The content is written to s.
func readMessage(r io.Reader, size, inner int64, s *summer) (content, error) {
	var head [messageHead]byte
	if size < messageHead+checksum.Size {
		return content{}, errMessageForm
	}
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return content{}, err
	}
	segments := int64(binary.LittleEndian.Uint16(head[11:]))
	if head[0] != messageMajor || binary.LittleEndian.Uint64(head[1:]) != uint64(size) || binary.LittleEndian.Uint16(head[9:]) != flagCRC64 || segments == 0 ||
		size != messageHead+segments*(segmentHead+checksum.Size)+inner+checksum.Size {
		return content{}, errMessageForm
	}
	var parts []content
	total, left := summer{which: digestCRC64}, inner
	for number := int64(1); number <= segments; number++ {
		if _, err := io.ReadFull(r, head[:segmentHead]); err != nil {
			return content{}, err
		}
		n := binary.LittleEndian.Uint64(head[2:])
		if int64(binary.LittleEndian.Uint16(head[:])) != number || n > uint64(left) {
			return content{}, errMessageForm
		}
		segment := summer{which: digestCRC64}
		part, err := readContent(r, int64(n), io.MultiWriter(s, &segment, &total))
		if err != nil {
			return content{}, err
		}
		if err := readSum(r, segment.crc); err != nil {
			return content{}, err
		}
		parts = append(parts, part)
		left -= int64(n)
	}
	if left != 0 {
		return content{}, errMessageForm
	}
	return join(parts...), readSum(r, total.crc)
}

// readSum reads a CRC64, which has to be want.
func readSum(r io.Reader, want uint64) error {
	var sum [checksum.Size]byte
	if _, err := io.ReadFull(r, sum[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint64(sum[:]) != want {
		return errMessageSum
	}
	return nil
}

// messageOf frames content as a structured message. The content is not copied.
func messageOf(c content) content {
	size := c.size()
	step := max(segmentSize, (size+maxSegments-1)/maxSegments)
	segments := max(1, (size+step-1)/step)
	head := make([]byte, 0, messageHead+segmentHead)
	head = append(head, messageMajor)
	head = binary.LittleEndian.AppendUint64(head, uint64(messageHead+segments*(segmentHead+checksum.Size)+size+checksum.Size))
	head = binary.LittleEndian.AppendUint16(head, flagCRC64)
	head = binary.LittleEndian.AppendUint16(head, uint16(segments))
	total := summer{which: digestCRC64}
	parts := make([]content, 0, 2*segments+1)
	for i := range segments {
		part := c.slice(i*step, min(step, size-i*step))
		head = binary.LittleEndian.AppendUint16(head, uint16(i+1))
		head = binary.LittleEndian.AppendUint64(head, uint64(part.size()))
		segment := summer{which: digestCRC64}
		_, _ = part.WriteTo(io.MultiWriter(&segment, &total))
		parts = append(parts, contentOf(head), part)
		head = checksum.AppendCRC64(make([]byte, 0, checksum.Size+segmentHead), segment.crc)
	}
	return join(append(parts, contentOf(checksum.AppendCRC64(head, total.crc)))...)
}

// checkStructured holds the header of a download that asks for a structured
// message against the one form there is.
func (p *params) checkStructured() {
	if form := p.text(structuredHeader); form != "" && form != structuredForm {
		p.wrong(invalidHeader(structuredHeader, form))
	}
}

// frame makes a structured message of the answer of a download, if the client
// asked for one. It reads all of the content, so it runs without the lock.
func (x *exchange) frame() {
	if x.op != rest.GetBlob || x.params.text(structuredHeader) == "" || x.reply.status != http.StatusOK && x.reply.status != http.StatusPartialContent {
		return
	}
	x.set(structuredHeader, structuredForm)
	x.set(structuredLength, base10(x.reply.body.size()))
	x.reply.body = messageOf(x.reply.body)
}

// messageFailure is the error of a structured message that could not be read.
func messageFailure(err error) error {
	switch {
	case errors.Is(err, errMessageSum):
		return fail(azureblob.CRC64Mismatch)
	case errors.Is(err, errMessageForm):
		return fail(azureblob.InvalidInput).because("The structured message in the body of the request is malformed.")
	}
	return fail(azureblob.InvalidInput).because("The body of the request is incomplete.")
}
