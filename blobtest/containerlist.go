package blobtest

import (
	"encoding/base64"
	"maps"
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
	Prefix          string           `xml:"Prefix"`
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
	for _, name := range slices.Sorted(maps.Keys(x.account.containers)) {
		if name < from || !strings.HasPrefix(name, l.Prefix) || name[0] == '$' && name != rootContainer && !include["system"] {
			continue
		}
		if len(l.Containers) == size {
			l.NextMarker = markerOf(name)
			break
		}
		c := x.account.containers[name]
		e := containerEntry{Name: name, Properties: x.describeContainer(c)}
		e.Properties.ETag = unquoted(e.Properties.ETag)
		if include["metadata"] {
			e.Metadata = c.metadata
		}
		l.Containers = append(l.Containers, e)
	}
	return x.answerXML(http.StatusOK, nil, "EnumerationResults", l)
}
