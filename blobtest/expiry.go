package blobtest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.SetBlobExpiry, endpoint{run: setBlobExpiry, needs: writeBlob})
}

// setBlobExpiry says when a blob deletes itself, which is for accounts with a
// hierarchical namespace only. A write of new content forgets it.
func setBlobExpiry(x *exchange) error {
	x.params.need("x-ms-expiry-option")
	option := x.params.enum("x-ms-expiry-option", "NeverExpire", "RelativeToNow", "RelativeToCreation", "Absolute")
	if err := x.invalid(); err != nil {
		return err
	}
	if !x.server.options.HierarchicalNamespace {
		return fail(azureblob.BlobOperationNotSupported).because("The account has no hierarchical namespace.")
	}
	b, r, err := x.findBlob()
	if err != nil {
		return err
	}
	expires, err := x.expiry(option, r.created)
	if err != nil {
		return err
	}
	r.expires = expires
	x.touch(b)
	return x.answer(http.StatusOK, written{r.etag, r.modified})
}

// expiry reads the time that goes with the option: a date, or milliseconds.
func (x *exchange) expiry(option string, created time.Time) (time.Time, error) {
	const name = "x-ms-expiry-time"
	text := x.params.text(name)
	var t time.Time
	switch {
	case option == "NeverExpire" && text != "":
		return t, invalidHeader(name, text)
	case option == "NeverExpire":
		return t, nil
	case text == "":
		return t, missingHeader(name)
	case option == "Absolute":
		t = x.params.time(name)
	default:
		// More milliseconds than a duration can hold are no time at all.
		ms, err := strconv.ParseUint(text, 10, 43)
		if err != nil {
			return t, invalidHeader(name, text)
		}
		if t = x.now; option == "RelativeToCreation" {
			t = created
		}
		t = t.Add(time.Duration(ms) * time.Millisecond)
	}
	if err := x.invalid(); err != nil {
		return t, err
	}
	if !t.After(x.now) {
		return t, invalidHeader(name, text)
	}
	return t, nil
}
