package blobtest

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/xmlplan"
)

func init() {
	handle(rest.PutBlock, endpoint{run: putBlock, body: contentBody, limit: maxBlock, digest: digestCRC64, needs: writeBlob})
	handle(rest.PutBlockList, endpoint{run: putBlockList, body: xmlBody, digest: digestCRC64, needs: writeBlob})
	handle(rest.GetBlockList, endpoint{run: getBlockList, needs: readBlob})
}

// staged are blocks that were sent and not committed.
type staged struct {
	blocks map[string]stagedBlock // by id, as the client wrote it
	since  time.Time              // when the last of them came
}

type stagedBlock struct {
	content    content
	encryption encryption
}

const (
	maxStaged      = 100_000
	maxCommitted   = 50_000
	maxBlockID     = 64
	stagedLifetime = 7 * 24 * time.Hour
)

// maxBlock is the most that Put Block takes.
func maxBlock(x *exchange) int64 {
	switch {
	case x.since("2019-12-12"):
		return 4000 * mib
	case x.since("2016-05-31"):
		return 100 * mib
	}
	return 4 * mib
}

// expire drops blocks that have waited for a week.
func (s *staged) expire(now time.Time) {
	if !s.since.IsZero() && now.Sub(s.since) >= stagedLifetime {
		*s = staged{}
	}
}

// idLength is the length of a block id before it was encoded, which has to be the
// same for all blocks of a blob.
func idLength(id string) int { return len(id)/4*3 - strings.Count(id, "=") }

// blockID reads the id of a block.
func (x *exchange) blockID() (string, error) {
	id := x.query.Get("blockid")
	if id == "" {
		return "", missingQuery("blockid")
	}
	decoded, err := base64.StdEncoding.DecodeString(id)
	switch {
	case err != nil || len(decoded) == 0:
		return "", invalidQuery("blockid", id)
	case len(decoded) > maxBlockID:
		return "", fail(azureblob.OutOfRangeInput).with("QueryParameterName", "blockid")
	}
	return id, nil
}

// stage adds a block to those of b that wait to be committed.
func (x *exchange) stage(b *blob, id string, c content) error {
	if r := b.live(); r != nil && r.kind != azureblob.BlockBlob {
		return fail(azureblob.InvalidBlobType)
	}
	if err := x.checkLease(&b.lease, onBlob, writing); err != nil {
		return err
	}
	e, err := x.encryption(b.container)
	if err != nil {
		return err
	}
	b.staged.expire(x.now)
	for other := range b.staged.blocks {
		if idLength(other) != idLength(id) {
			return fail(azureblob.InvalidBlobOrBlock)
		}
		break // they are all of one length; those that are committed do not count
	}
	if len(b.staged.blocks) == 0 {
		b.staged.blocks = map[string]stagedBlock{}
	}
	if _, again := b.staged.blocks[id]; !again && len(b.staged.blocks) >= maxStaged {
		return fail(azureblob.BlockCountExceedsLimit)
	}
	b.staged.blocks[id] = stagedBlock{c, e}
	b.staged.since = x.now
	b.keep()
	_ = x.answer(http.StatusCreated, azureblob.WriteInfo{ServerEncrypted: true, CustomerProvidedKeySHA256: e.keySHA256, EncryptionScope: e.scope})
	return nil
}

func putBlock(x *exchange) error {
	id, err := x.blockID()
	if err != nil {
		return err
	}
	if x.content.size() == 0 {
		return invalidHeader("Content-Length", "0")
	}
	b, err := x.findName()
	if err != nil {
		return err
	}
	if err := x.stage(b, id, x.content); err != nil {
		return err
	}
	x.answerSums()
	return nil
}

// answerSums tells the checksums of a part of a content: the MD5 if the client
// sent one, else the CRC64.
func (x *exchange) answerSums() {
	if x.sums.md5 != nil {
		x.setSum("Content-MD5", x.sums.md5)
		return
	}
	x.setSum("x-ms-content-crc64", x.sums.crc64)
}

// blockLookup is the body of Put Block List: entries of three kinds in any order.
type blockLookup struct {
	Entries []blockEntry `xml:"Latest|Committed|Uncommitted"`
}

type blockEntry struct {
	Where string `xml:",name"`
	ID    string `xml:",chardata"`
}

func putBlockList(x *exchange) error {
	var list blockLookup
	if err := xmlplan.Decode(strings.NewReader(string(x.document)), &list); err != nil {
		return fail(azureblob.InvalidXMLDocument)
	}
	if len(list.Entries) > maxCommitted {
		return fail(azureblob.BlockListTooLong)
	}
	b, err := x.findName()
	if err != nil {
		return err
	}
	next, err := x.newRevision(b, azureblob.BlockBlob)
	if err != nil {
		return err
	}
	if r := b.live(); r != nil && r.kind != azureblob.BlockBlob {
		return fail(azureblob.InvalidBlobType)
	}
	if err := x.overwritable(b); err != nil {
		return err
	}
	b.staged.expire(x.now)
	if err := b.assemble(next, list.Entries); err != nil {
		return err
	}
	b.staged = staged{}
	x.commit(b, next)
	x.answerSums()
	return x.answer(http.StatusCreated, x.writeInfo(b))
}

// assemble makes the content of next out of blocks of b.
func (b *blob) assemble(next *revision, entries []blockEntry) error {
	committed := map[string]stagedBlock{}
	if r := b.live(); r != nil {
		off := int64(0)
		for _, k := range r.blocks {
			committed[k.id] = stagedBlock{r.content.slice(off, k.size), r.encryption}
			off += k.size
		}
	}
	parts := make([]content, 0, len(entries))
	for _, e := range entries {
		id := strings.TrimSpace(e.ID)
		part, ok := b.staged.blocks[id]
		if e.Where == "Committed" || e.Where == "Latest" && !ok {
			part, ok = committed[id]
		}
		switch {
		case !ok:
			return fail(azureblob.InvalidBlockList)
		case part.encryption != next.encryption:
			return fail(azureblob.BlobUsesCustomerSpecifiedEncryption)
		}
		next.blocks = append(next.blocks, block{id, part.content.size()})
		parts = append(parts, part.content)
	}
	next.content = join(parts...)
	return nil
}

type blockListing struct {
	Committed   []blockItem `xml:"CommittedBlocks>Block"`
	Uncommitted []blockItem `xml:"UncommittedBlocks>Block"`
}

type blockItem struct {
	Name string `xml:"Name"`
	Size int64  `xml:"Size,always"`
}

func getBlockList(x *exchange) error {
	kind := x.query.Get("blocklisttype")
	if kind == "" {
		kind = "committed"
	}
	if kind != "committed" && kind != "uncommitted" && kind != "all" {
		return invalidQuery("blocklisttype", kind)
	}
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	b := c.find(x.blob)
	var r *revision
	if b != nil {
		b.staged.expire(x.now)
	}
	if b == nil || len(b.staged.blocks) == 0 || b.live() != nil || x.query.Get("snapshot") != "" {
		if b, r, err = x.findBlob(); err != nil {
			return err
		}
	}
	if err := x.checkLease(&b.lease, onBlob, reading); err != nil {
		return err
	}
	l := blockListing{}
	if kind != "uncommitted" {
		l.Committed = []blockItem{}
	}
	if kind != "committed" {
		l.Uncommitted = []blockItem{}
		if r == nil || r == b.current {
			for _, id := range slices.Sorted(maps.Keys(b.staged.blocks)) {
				l.Uncommitted = append(l.Uncommitted, blockItem{id, b.staged.blocks[id].content.size()})
			}
		}
	}
	size := int64(0)
	if r != nil {
		if r.kind != azureblob.BlockBlob {
			return fail(azureblob.InvalidBlobType)
		}
		if err := x.checkTags(r); err != nil {
			return err
		}
		size = r.content.size()
		_ = x.answer(http.StatusOK, written{r.etag, r.modified})
		if kind != "uncommitted" {
			for _, k := range r.blocks {
				l.Committed = append(l.Committed, blockItem{k.id, k.size})
			}
		}
	}
	x.set("x-ms-blob-content-length", base10(size))
	return x.answerXML(http.StatusOK, nil, "BlockList", l)
}
