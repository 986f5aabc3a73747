package blobtest

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.GetPageRanges, endpoint{run: getPageRanges, needs: readBlob})
	handle(rest.GetPageRangesDiff, endpoint{run: getPageRanges, needs: readBlob})
}

const maxPageRanges = 10_000 // in one answer

type pageListing struct {
	Ranges     []pageRange `xml:"PageRange|ClearRange"`
	NextMarker string      `xml:"NextMarker"`
}

// pageRange is a range of pages that have been written, or since a snapshot
// been cleared.
type pageRange struct {
	Element string `xml:",name"`
	Start   int64  `xml:"Start,always"`
	End     int64  `xml:"End,always"` // the last byte
}

const (
	rangeWritten = "PageRange"
	rangeCleared = "ClearRange"
)

func getPageRanges(x *exchange) error {
	most := x.params.queryNumber("maxresults", 1, 1<<31-1, maxPageRanges)
	marker := x.marker()
	from, err := strconv.ParseInt("0"+marker, 10, 64)
	if err != nil {
		x.wrong(invalidQuery("marker", x.query.Get("marker")))
	}
	if err := x.invalid(); err != nil {
		return err
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	if r.kind != azureblob.PageBlob {
		return fail(azureblob.InvalidBlobType)
	}
	if err := x.readable(b, r); err != nil {
		return err
	}
	part, _, err := x.requestedRange(r.content.size())
	if err != nil {
		return err
	}
	ranges := writtenPages(r.content)
	if x.op == rest.GetPageRangesDiff {
		previous, err := x.previous(b, r)
		if err != nil {
			return err
		}
		ranges = changedPages(previous.content, r.content)
	}
	first := part.off / pageSize * pageSize
	end := (part.off + part.n + pageSize - 1) / pageSize * pageSize
	l := pageListing{Ranges: []pageRange{}}
	for _, p := range ranges {
		p.Start, p.End = max(p.Start, first, from), min(p.End, end-1)
		if p.Start > p.End {
			continue
		}
		if int64(len(l.Ranges)) == min(most, maxPageRanges) {
			l.NextMarker = markerOf(base10(p.Start))
			break
		}
		l.Ranges = append(l.Ranges, p)
	}
	x.set("x-ms-blob-content-length", base10(r.content.size()))
	_ = x.answer(http.StatusOK, written{r.etag, r.modified})
	return x.answerXML(http.StatusOK, nil, "PageList", l)
}

// previous is the snapshot of b to compare r with.
func (x *exchange) previous(b *blob, r *revision) (*revision, error) {
	id := x.query.Get("prevsnapshot")
	if text := x.params.text("x-ms-previous-snapshot-url"); text != "" {
		u, err := url.Parse(text)
		if err != nil || u.Query().Get("snapshot") == "" || id != "" {
			return nil, invalidHeader("x-ms-previous-snapshot-url", text)
		}
		id = u.Query().Get("snapshot")
	}
	if _, err := time.Parse(idForm, id); err != nil {
		return nil, invalidQuery("prevsnapshot", id)
	}
	if s := x.query.Get("snapshot"); s != "" && id > s {
		return nil, fail(azureblob.PreviousSnapshotCannotBeNewer)
	}
	for _, s := range b.snapshots {
		switch {
		case s.id != id || !s.deleted.IsZero():
		case s.origin != r.origin || s.kind != r.kind:
			return nil, fail(azureblob.BlobOverwritten)
		default:
			return s, nil
		}
	}
	return nil, fail(azureblob.PreviousSnapshotNotFound)
}

// writtenPages are the ranges that hold bytes and not just the zeros that were
// there from the start.
func writtenPages(c content) []pageRange {
	var list []pageRange
	for i, p := range c.pieces {
		if p.data != nil {
			list = extend(list, rangeWritten, c.start(i), p.end)
		}
	}
	return list
}

// extend adds a range, to the last one if it goes on from there.
func extend(list []pageRange, element string, start, end int64) []pageRange {
	if last := len(list) - 1; last >= 0 && list[last].Element == element && list[last].End == start-1 {
		list[last].End = end - 1
		return list
	}
	return append(list, pageRange{element, start, end - 1})
}

// changedPages are the ranges of now that were written or cleared since before.
// Contents share what has not been written to, so that pages are the same if
// they are in the same place of memory: a page that was written again with the
// same bytes counts as changed, as it does with the service.
func changedPages(before, now content) []pageRange {
	before = before.resized(now.size())
	var list []pageRange
	for i, j, off := 0, 0, int64(0); j < len(now.pieces); {
		old, current := before.pieces[i], now.pieces[j]
		end := min(old.end, current.end)
		switch {
		case current.data == nil && old.data != nil:
			list = extend(list, rangeCleared, off, end)
		case current.data != nil && (old.data == nil ||
			&current.data[off-now.start(j)] != &old.data[off-before.start(i)]):
			list = extend(list, rangeWritten, off, end)
		}
		off = end
		if old.end == end {
			i++
		}
		if current.end == end {
			j++
		}
	}
	return list
}
