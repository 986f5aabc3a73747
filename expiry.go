package azureblob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/rest"
)

// BlobExpiry says when a blob deletes itself. It is made by [ExpireAt],
// [ExpireIn], [ExpireAfterCreation] or [NeverExpire].
type BlobExpiry struct {
	headers expiryHeaders
	err     error
}

type expiryHeaders struct {
	Option string `header:"x-ms-expiry-option"`
	Time   string `header:"x-ms-expiry-time"`
}

// ExpireAt is the expiry at a time, in whole seconds.
func ExpireAt(t time.Time) BlobExpiry {
	if t.IsZero() {
		return BlobExpiry{err: errors.New("the time of the expiry is zero; use NeverExpire")}
	}
	return BlobExpiry{headers: expiryHeaders{"Absolute", t.UTC().Format(http.TimeFormat)}}
}

// ExpireIn is the expiry when so much time has gone by from now on, by the clock
// of the service. Parts of a millisecond count as one.
func ExpireIn(d time.Duration) BlobExpiry { return expireAfter("RelativeToNow", d) }

// ExpireAfterCreation is the expiry when so much time has gone by since the blob
// was created. Parts of a millisecond count as one.
func ExpireAfterCreation(d time.Duration) BlobExpiry { return expireAfter("RelativeToCreation", d) }

func expireAfter(option string, d time.Duration) BlobExpiry {
	if d <= 0 {
		return BlobExpiry{err: fmt.Errorf("the time until the expiry is not positive: %v", d)}
	}
	ms := (d-1)/time.Millisecond + 1
	return BlobExpiry{headers: expiryHeaders{option, strconv.FormatInt(int64(ms), 10)}}
}

// NeverExpire takes an expiry away.
func NeverExpire() BlobExpiry { return BlobExpiry{headers: expiryHeaders{Option: "NeverExpire"}} }

// SetExpiryOptions are the options of [BlobClient.SetExpiry].
type SetExpiryOptions struct {
	CallOptions
}

// SetExpiryResult is the result of [BlobClient.SetExpiry].
type SetExpiryResult struct {
	ResponseInfo
	ETag         azcore.ETag `response:"ETag"`
	LastModified time.Time   `response:"Last-Modified"`
}

// SetExpiry says when the blob deletes itself. It replaces an earlier expiry; new
// content of the blob takes it away. It is for accounts with a hierarchical
// namespace only.
//
//	_, err := blob.SetExpiry(ctx, azureblob.ExpireIn(24*time.Hour), nil)
//
// Errors: [BlobNotFound], which is fs.ErrNotExist; 409 if the account has no
// hierarchical namespace.
//
// REST: Set Blob Expiry.
func (b *BlobClient) SetExpiry(ctx context.Context, expiry BlobExpiry, o *SetExpiryOptions) (SetExpiryResult, error) {
	err := expiry.err
	if err == nil && expiry.headers.Option == "" {
		err = errors.New("the expiry is its zero value; make one with ExpireAt, ExpireIn, ExpireAfterCreation or NeverExpire")
	}
	if err != nil {
		return SetExpiryResult{}, b.refuse(rest.SetBlobExpiry, err)
	}
	return call[SetExpiryResult](ctx, &b.handle, rest.SetBlobExpiry, nil, expiry.headers, o)
}
