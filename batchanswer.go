package azureblob

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"unicode"
)

// batchAnswer is the answer to a batch, taken apart.
type batchAnswer struct {
	parts []*http.Response // by the index of what they answer; nil if there is none
	whole *http.Response   // one that answers no part: the batch was refused
}

// maxBatchAnswer bounds how much of an answer is read. A part of those of the
// service has a few hundred bytes.
const maxBatchAnswer = 16 << 20

// readBatchAnswer takes the answer to a batch of n parts apart. Their order means
// nothing, and neither does a line break more or less at the end of a part. If
// the answer breaks off, or holds what cannot be read, the parts before that are
// there as well as the error; of an answer that contradicts itself nothing is.
func readBatchAnswer(contentType string, body io.Reader, n int) (batchAnswer, error) {
	kind, fields, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") || fields["boundary"] == "" {
		return batchAnswer{}, errors.New("the answer to the batch is no multipart message")
	}
	text, err := io.ReadAll(io.LimitReader(body, maxBatchAnswer))
	sections, complete := splitMultipart(text, fields["boundary"])
	a := batchAnswer{parts: make([]*http.Response, n)}
	for _, section := range sections {
		id, resp, err := readPartAnswer(section)
		if err != nil {
			return a, fmt.Errorf("a part of the answer to the batch cannot be read: %w", err)
		}
		if id == "" {
			a.whole = resp
			continue
		}
		i, err := strconv.Atoi(id)
		if err != nil || i < 0 || i >= n || a.parts[i] != nil {
			return batchAnswer{}, fmt.Errorf("the answer to the batch has a part %.20q, which was not asked for, or has it twice", id)
		}
		a.parts[i] = resp
	}
	if !complete {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return a, fmt.Errorf("the answer to the batch broke off: %w", err)
	}
	return a, nil
}

// splitMultipart returns the sections between the lines with the boundary, and
// whether the last of these lines was there. The multipart reader of the standard
// library does not tell an end from a message that was cut off.
func splitMultipart(text []byte, boundary string) (sections [][]byte, complete bool) {
	start := -1 // of the section; before the first boundary there is none
	offset := 0
	for line := range bytes.Lines(text) {
		end := offset
		offset += len(line)
		mark := strings.TrimRight(string(line), " \t\r\n")
		if last := mark == "--"+boundary+"--"; last || mark == "--"+boundary {
			if start >= 0 {
				sections = append(sections, text[start:end])
			}
			if start = offset; last {
				return sections, true
			}
		}
	}
	return sections, false
}

// readPartAnswer reads a section of an answer: headers of its own, and a response
// in them.
func readPartAnswer(section []byte) (id string, resp *http.Response, err error) {
	// Where the headers are all, the empty line after them may be missing.
	r := bufio.NewReader(io.MultiReader(bytes.NewReader(section), strings.NewReader("\r\n\r\n")))
	head, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil {
		return "", nil, err
	}
	if resp, err = http.ReadResponse(r, nil); err != nil {
		return "", nil, err
	}
	if resp.StatusCode < 100 || strings.ContainsFunc(resp.Status, unicode.IsControl) {
		return "", nil, errors.New("its status line is none")
	}
	content, _ := io.ReadAll(resp.Body) // of an error, whose code is in the headers as well
	resp.Body = io.NopCloser(bytes.NewReader(content))
	return strings.TrimSpace(head.Get("Content-Id")), resp, nil
}
