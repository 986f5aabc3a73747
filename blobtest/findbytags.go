package blobtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.FindBlobsByTags, endpoint{run: findBlobsByTags, needs: access{permissions: "f", resource: 'o'}})
	handle(rest.FindBlobsByTagsInContainer, endpoint{run: findBlobsByTagsInContainer, needs: access{permissions: "f", resource: 'c'}})
}

type foundBlobs struct {
	ServiceEndpoint string      `xml:"ServiceEndpoint,attr"`
	Where           string      `xml:"Where"`
	Blobs           []foundBlob `xml:"Blobs>Blob"`
	NextMarker      string      `xml:"NextMarker,always"`
}

type foundBlob struct {
	Name             string      `xml:"Name,encoded"`
	ContainerName    string      `xml:"ContainerName"`
	Tags             tagDocument `xml:"Tags"`
	VersionID        string      `xml:"VersionId"`
	IsCurrentVersion bool        `xml:"IsCurrentVersion"`
}

func findBlobsByTags(x *exchange) error {
	var all []*container
	for _, name := range slices.Sorted(maps.Keys(x.account.containers)) {
		all = append(all, x.account.containers[name])
	}
	return x.findByTags(all)
}

func findBlobsByTagsInContainer(x *exchange) error {
	c, err := x.findContainer()
	if err != nil {
		return err
	}
	return x.findByTags([]*container{c})
}

// findByTags answers a page of the blobs that an expression is true for. A page
// is full when it has its number of matches, however many blobs that takes.
func (x *exchange) findByTags(containers []*container) error {
	size, from := x.pageSize(), x.marker()
	include := x.params.words("include", "none", "versions")
	if err := x.invalid(); err != nil {
		return err
	}
	where := x.query.Get("where")
	if where == "" {
		return missingQuery("where")
	}
	f, err := parseTagFilter(where, searching)
	if err != nil {
		return invalidQuery("where", where).because("Error parsing query %v", err)
	}
	page := foundBlobs{ServiceEndpoint: x.serviceEndpoint(), Where: where, Blobs: []foundBlob{}}
	names := f.names()
	for _, c := range containers {
		for _, b := range c.blobs {
			if key := c.name + "\x00" + b.name; key < from && !strings.HasPrefix(from, key+"\x00") {
				continue
			}
			for _, e := range x.entries(b, map[string]bool{"versions": include["versions"]}) {
				key := c.name + "\x00" + b.name + "\x00" + e.key
				if key < from || !f.matches(c.name, e.revision.tags) {
					continue
				}
				if len(page.Blobs) == size {
					page.NextMarker = markerOf(key)
					return x.answerXML(http.StatusOK, nil, "EnumerationResults", page)
				}
				page.Blobs = append(page.Blobs, x.found(e, names, include["versions"]))
			}
		}
	}
	return x.answerXML(http.StatusOK, nil, "EnumerationResults", page)
}

// found tells of a blob that was found: the tags that were asked for, and which
// version it is if versions are wanted.
func (x *exchange) found(e listed, names map[string]bool, versions bool) foundBlob {
	tags := azureblob.Tags{}
	for key, value := range e.revision.tags {
		if names[key] {
			tags[key] = value
		}
	}
	f := foundBlob{Name: e.blob.name, ContainerName: e.blob.container.name, Tags: documentOf(tags)}
	if versions {
		f.VersionID, f.IsCurrentVersion = e.revision.id, e.kind == theBlob && e.revision.id != ""
	}
	return f
}
