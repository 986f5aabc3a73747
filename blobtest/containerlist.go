package blobtest

import (
	"encoding/base64"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.ListContainers, endpoint{run: listContainersOp, needs: listContainers})
}

// maxPage is the most entries that a page of a listing has, and the default.
const maxPage = 5000

// pageSize is maxresults: below 1 it is an error, above the most it is that.
func (x *exchange) pageSize() int {
	return int(min(x.params.queryNumber("maxresults", 1, math.MaxInt32, maxPage), maxPage))
}

// marker is where a page begins, as an earlier page said it.
func (x *exchange) marker() string {
	text := x.query.Get("marker")
	key, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		x.wrong(invalidQuery("marker", text))
	}
	return string(key)
}

// markerOf is the marker of a page that begins with a key; "" for no key.
func markerOf(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

type containerListing struct {
	ServiceEndpoint string           `xml:"ServiceEndpoint,attr"`
	Prefix          string           `xml:"Prefix,encoded"`
	Marker          string           `xml:"Marker"`
	MaxResults      int64            `xml:"MaxResults"`
	Containers      []containerEntry `xml:"Containers>Container"`
	NextMarker      string           `xml:"NextMarker,always"`
}

type containerEntry struct {
	Name       string                        `xml:"Name"`
	Deleted    bool                          `xml:"Deleted"`
	Version    string                        `xml:"Version"`
	Properties azureblob.ContainerProperties `xml:"Properties"`
	Metadata   azureblob.Metadata            `xml:"Metadata"`
}

func listContainersOp(x *exchange) error {
	size, from := x.pageSize(), x.marker()
	include := x.params.words("include", "metadata", "deleted", "system")
	if err := x.invalid(); err != nil {
		return err
	}
	l := containerListing{
		ServiceEndpoint: x.serviceEndpoint(), Prefix: x.query.Get("prefix"), Marker: x.query.Get("marker"), Containers: []containerEntry{},
	}
	if x.query.Has("maxresults") {
		l.MaxResults = int64(size)
	}
	for _, e := range x.containerEntries(include) {
		if e.key < from || !strings.HasPrefix(e.name, l.Prefix) {
			continue
		}
		if len(l.Containers) == size {
			l.NextMarker = markerOf(e.key)
			break
		}
		l.Containers = append(l.Containers, x.containerEntry(e, include))
	}
	return x.answerXML(http.StatusOK, nil, "EnumerationResults", l)
}

// listedContainer is an entry of a listing of containers before it is written.
type listedContainer struct {
	*container
	key string // orders the entries
}

// containerEntries are the containers in the order of their names; deleted ones
// of a name come before the one that has it now.
func (x *exchange) containerEntries(include map[string]bool) []listedContainer {
	all := make([]listedContainer, 0, len(x.account.containers))
	for name, c := range x.account.containers {
		if include["system"] || name != "$logs" && name != "$blobchangefeed" {
			all = append(all, listedContainer{c, name + "\x00" + lastKey})
		}
	}
	if include["deleted"] {
		x.account.sweep(x.now)
		for _, c := range x.account.deleted {
			all = append(all, listedContainer{c, c.name + "\x00" + c.deletedVersion})
		}
	}
	slices.SortFunc(all, func(a, b listedContainer) int { return strings.Compare(a.key, b.key) })
	return all
}

func (x *exchange) containerEntry(l listedContainer, include map[string]bool) containerEntry {
	e := containerEntry{Name: l.name, Deleted: !l.deletedAt.IsZero(), Version: l.deletedVersion, Properties: x.describeContainer(l.container)}
	e.Properties.ETag = unquoted(e.Properties.ETag)
	if include["metadata"] {
		e.Metadata = l.metadata
	}
	return e
}
