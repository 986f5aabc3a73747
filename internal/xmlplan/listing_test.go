package xmlplan

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unsafe"
)

// The types of a listing as the client has them, with a plan that uses every kind.

type metadata map[string]string

type accessTier string

type entityTag string

type pageHead struct {
	ServiceEndpoint string `xml:"ServiceEndpoint,attr"`
	ContainerName   string `xml:"ContainerName,attr"`
}

type blobPage struct {
	XMLName struct{} `xml:"EnumerationResults"`
	pageHead
	Prefix     string        `xml:"Prefix"`
	Marker     string        `xml:"Marker"`
	MaxResults int32         `xml:"MaxResults"`
	Blobs      []*blobItem   `xml:"Blobs>Blob"`
	Prefixes   []prefixItem  `xml:"Blobs>BlobPrefix"`
	NextMarker string        `xml:"NextMarker"`
	Elapsed    time.Duration // no tag, no part
}

type prefixItem struct {
	Name string `xml:"Name,encoded"`
}

type blobItem struct {
	Name             string         `xml:"Name,encoded"`
	Deleted          bool           `xml:"Deleted"`
	Snapshot         string         `xml:"Snapshot"`
	VersionID        string         `xml:"VersionId"`
	IsCurrentVersion bool           `xml:"IsCurrentVersion"`
	Properties       blobProperties `xml:"Properties"`
	Metadata         metadata       `xml:"Metadata,lower"`
	Encrypted        string         `xml:"Metadata>Encrypted,attr"`
	Tags             metadata       `xml:"Tags>TagSet>Tag,pairs"`
	Replication      metadata       `xml:"OrMetadata"`
}

type blobProperties struct {
	CreationTime    time.Time  `xml:"Creation-Time"`
	LastModified    time.Time  `xml:"Last-Modified"`
	ETag            entityTag  `xml:"Etag,etag"`
	ContentLength   int64      `xml:"Content-Length"`
	ContentType     string     `xml:"Content-Type"`
	ContentEncoding string     `xml:"Content-Encoding"`
	ContentLanguage string     `xml:"Content-Language"`
	ContentMD5      []byte     `xml:"Content-MD5"`
	CacheControl    string     `xml:"Cache-Control"`
	SequenceNumber  *int64     `xml:"x-ms-blob-sequence-number"`
	BlobType        string     `xml:"BlobType"`
	Tier            accessTier `xml:"AccessTier"`
	TierInferred    bool       `xml:"AccessTierInferred"`
	Lease           leaseInfo
	CopySnapshot    string `xml:"DestinationSnapshot|CopyDestinationSnapshot"`
	ServerEncrypted bool   `xml:"ServerEncrypted"`
	TagCount        uint16 `xml:"TagCount"`
}

// leaseInfo has no tag in blobProperties: its fields stand beside the others.
type leaseInfo struct {
	Status string `xml:"LeaseStatus"`
	State  string `xml:"LeaseState"`
}

const listingHead = "\uFEFF" + `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://account.blob.core.windows.net/" ContainerName="photos"><Prefix>2026/</Prefix><MaxResults>5000</MaxResults><Blobs>`

const listingTail = `</Blobs><NextMarker>2!108!MDAwMDI1ITIwMjYvY2F0LmpwZw--</NextMarker></EnumerationResults>`

// generated writes a page as the service does, without white space between elements.
func generated(blobs int, withMetadata bool) string {
	var b strings.Builder
	b.WriteString(listingHead)
	for i := range blobs {
		fmt.Fprintf(&b, `<Blob><Name>2026/album-%02d/picture-%06d.jpg</Name><VersionId>2026-03-01T10:%02d:%02d.%07dZ</VersionId><IsCurrentVersion>true</IsCurrentVersion>`+
			`<Properties><Creation-Time>Sun, 01 Mar 2026 10:%02d:%02d GMT</Creation-Time><Last-Modified>Sun, 01 Mar 2026 10:%02d:%02d GMT</Last-Modified>`+
			`<Etag>0x8DE7777%08X</Etag><Content-Length>%d</Content-Length><Content-Type>image/jpeg</Content-Type><Content-Encoding /><Content-Language />`+
			`<Content-CRC64 /><Content-MD5>sQqNsWTgdUEFt6mb5y4/5Q==</Content-MD5><Cache-Control>max-age=3600</Cache-Control><Content-Disposition />`+
			`<BlobType>BlockBlob</BlobType><AccessTier>%s</AccessTier><AccessTierInferred>true</AccessTierInferred><LeaseStatus>unlocked</LeaseStatus>`+
			`<LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties>`,
			i%37, i, i/60%60, i%60, i, i/60%60, i%60, i/60%60, i%60, i*7919, 1000+i*31, []string{"Hot", "Cool", "Cold"}[i%3])
		if withMetadata {
			fmt.Fprintf(&b, `<Metadata><Camera>x100</Camera><owner_id>%d</owner_id></Metadata>`+
				`<Tags><TagSet><Tag><Key>state</Key><Value>new</Value></Tag></TagSet></Tags>`, i)
		}
		b.WriteString(`<OrMetadata /></Blob>`)
	}
	b.WriteString(listingTail)
	return b.String()
}

// realistic has what one page seldom has together: a snapshot, versions, a
// deleted blob, tags, metadata in every form, and names that need care.
const realistic = listingHead + `<Blob><Name>2026/cat &amp; dog.jpg</Name><Snapshot>2026-03-01T10:00:00.1234567Z</Snapshot><Properties><Last-Modified>Sun, 01 Mar 2026 10:00:00 GMT</Last-Modified><Etag>0x8DE777700000001</Etag><Content-Length>4194304</Content-Length><Content-Type>image/jpeg</Content-Type><Content-MD5>sQqNsWTgdUEFt6mb5y4/5Q==</Content-MD5><x-ms-blob-sequence-number>0</x-ms-blob-sequence-number><BlobType>PageBlob</BlobType><LeaseStatus>locked</LeaseStatus><LeaseState>leased</LeaseState><CopyDestinationSnapshot>2026-03-02T10:00:00.0000000Z</CopyDestinationSnapshot></Properties><Metadata><Camera>x100</Camera><odd:Key> spaced </odd:Key></Metadata><OrMetadata><or-p1_r1>complete</or-p1_r1></OrMetadata></Blob>
  <Blob><Name Encoded="true">2026%2Fa+b%EF%BF%BE%20</Name><VersionId>v1</VersionId><IsCurrentVersion>true</IsCurrentVersion><Deleted>true</Deleted><Properties><Etag>"0x1"</Etag><AccessTier>Archive</AccessTier><TagCount>2</TagCount><Unknown><Deep>x</Deep></Unknown></Properties><Metadata Encrypted="true" /><Tags><TagSet><Tag><Key>a b</Key><Value>1</Value></Tag><Tag><Value>2</Value><Key>c</Key></Tag></TagSet></Tags></Blob>
  <BlobPrefix><Name Encoded="true">dir%25/</Name></BlobPrefix><BlobPrefix><Name> 100%25/</Name></BlobPrefix>` + listingTail

func realisticPage() blobPage {
	return blobPage{
		pageHead:   pageHead{ServiceEndpoint: "https://account.blob.core.windows.net/", ContainerName: "photos"},
		Prefix:     "2026/",
		MaxResults: 5000,
		Blobs: []*blobItem{{
			Name:     "2026/cat & dog.jpg",
			Snapshot: "2026-03-01T10:00:00.1234567Z",
			Properties: blobProperties{
				LastModified:   time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
				ETag:           `"0x8DE777700000001"`,
				ContentLength:  4 << 20,
				ContentType:    "image/jpeg",
				ContentMD5:     []byte("\xb1\x0a\x8d\xb1\x64\xe0\x75\x41\x05\xb7\xa9\x9b\xe7\x2e\x3f\xe5"),
				SequenceNumber: new(int64(0)),
				BlobType:       "PageBlob",
				Lease:          leaseInfo{Status: "locked", State: "leased"},
				CopySnapshot:   "2026-03-02T10:00:00.0000000Z",
			},
			Metadata:    metadata{"camera": "x100", "odd:key": " spaced "},
			Replication: metadata{"or-p1_r1": "complete"},
		}, {
			Name:             "2026/a+b\uFFFE ",
			VersionID:        "v1",
			IsCurrentVersion: true,
			Deleted:          true,
			Properties:       blobProperties{ETag: `"0x1"`, Tier: "Archive", TagCount: 2},
			Encrypted:        "true",
			Tags:             metadata{"a b": "1", "c": "2"},
		}},
		Prefixes:   []prefixItem{{Name: "dir%/"}, {Name: " 100%25/"}},
		NextMarker: "2!108!MDAwMDI1ITIwMjYvY2F0LmpwZw--",
	}
}

func TestRealisticListing(t *testing.T) {
	var page blobPage
	if err := Decode(strings.NewReader(realistic), &page); err != nil {
		t.Fatal(err)
	}
	if want := realisticPage(); !reflect.DeepEqual(page, want) {
		t.Errorf("got  %+v\nwant %+v", page, want)
	}
}

// What a server encodes is what a client decodes.
func TestListingThereAndBack(t *testing.T) {
	want := realisticPage()
	text, err := Encode("EnumerationResults", &want)
	if err != nil {
		t.Fatal(err)
	}
	var got blobPage
	if err := Decode(bytes.NewReader(text), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v\n%s", got, want, text)
	}
}

// However the input comes, in one piece or in bytes, the result is the same.
func TestReaders(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"realistic", realistic},
		{"larger than the buffer", generated(200, true)},
		{"long text", listingHead + "<Blob><Name>" + strings.Repeat("ö", bufferSize) + "</Name></Blob>" + listingTail},
	} {
		var want blobPage
		if err := Decode(strings.NewReader(test.text), &want); err != nil {
			t.Fatal(err)
		}
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"one byte": iotest.OneByteReader,
			"half":     iotest.HalfReader,
			"data err": iotest.DataErrReader,
		} {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				var got blobPage
				if err := Decode(reader(strings.NewReader(test.text)), &got); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got, want) {
					t.Error("the result differs")
				}
			})
		}
	}
}

// Strings of a page share their memory, strings of two pages do not.
func TestRepeatedStringsAreOne(t *testing.T) {
	var page, other blobPage
	for _, p := range []*blobPage{&page, &other} {
		if err := Decode(strings.NewReader(generated(2, false)), p); err != nil {
			t.Fatal(err)
		}
	}
	first := func(i int, p *blobPage) *byte { return unsafe.StringData(p.Blobs[i].Properties.ContentType) }
	if first(0, &page) != first(1, &page) {
		t.Error("a content type is there twice")
	}
	if first(0, &page) == first(0, &other) {
		t.Error("a decoder remembers a string of an earlier document")
	}
}
