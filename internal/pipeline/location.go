package pipeline

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// LocationMode says which region reads are asked of.
type LocationMode uint8

// The modes. Writes go to the primary region whatever the mode.
const (
	PrimaryOnly          LocationMode = iota
	PrimaryThenSecondary              // repetitions of reads go to the other region by turns
	SecondaryOnly
	SecondaryThenPrimary // the same, beginning with the other one
)

// Locations are the endpoints of the two regions of an account.
type Locations struct {
	Mode               LocationMode
	Primary, Secondary *url.URL // without a slash at the end; nil if there is none
}

// region is one as a call sees it.
type region struct {
	url  *url.URL
	host string
	rest time.Time // it wants to be left alone until then
}

// route is where the tries of a call go. The zero route goes where the request
// goes by itself.
type route struct {
	regions [2]region // the primary one and the secondary one
	at      int       // of the next try
	both    bool      // the regions take turns
	prefers int       // the region that is asked first
}

func (l *Locations) start(req *http.Request, own *LocationMode) (r route) {
	if l == nil || l.Secondary == nil || req.Method != http.MethodGet && req.Method != http.MethodHead {
		return r
	}
	mode := l.Mode
	if own != nil {
		mode = *own
	}
	if mode == PrimaryOnly {
		return r
	}
	path, ok := within(req.URL, l.Primary)
	if !ok {
		return r // a request to somewhere else
	}
	u := *req.URL
	u.Scheme, u.Host = l.Secondary.Scheme, l.Secondary.Host
	u.RawPath = strings.TrimSuffix(l.Secondary.EscapedPath(), "/") + path
	u.Path, _ = url.PathUnescape(u.RawPath) // it was one already
	r.regions = [2]region{{url: req.URL, host: req.Host}, {url: &u, host: u.Host}}
	r.both = mode != SecondaryOnly
	if mode != PrimaryThenSecondary {
		r.at, r.prefers = 1, 1
	}
	return r
}

// within reports whether a URL is that of an endpoint or of something in it, and
// returns the rest of its path.
func within(u, endpoint *url.URL) (path string, ok bool) {
	if u.Host != endpoint.Host {
		return "", false
	}
	path, ok = strings.CutPrefix(u.EscapedPath(), strings.TrimSuffix(endpoint.EscapedPath(), "/"))
	return path, ok && (path == "" || path[0] == '/')
}

// IsSecondary reports whether a URL is of the secondary region.
func (l *Locations) IsSecondary(u *url.URL) bool {
	if l == nil || l.Secondary == nil || u == nil {
		return false
	}
	_, ok := within(u, l.Secondary)
	return ok
}

// turn points a request to the region of the next try.
func (r *route) turn(req *http.Request) {
	if to := &r.regions[r.at]; to.url != nil {
		req.URL, req.Host = to.url, to.host
	}
}

// next chooses the region of the next try.
func (r *route) next() {
	if r.both {
		r.at = 1 - r.at
	}
}

// noAnswer reports whether an answer only says that the region does not have
// something yet, or not any more, so that the other one has to be asked. The
// region is left out from then on.
func (r *route) noAnswer(req *http.Request, status int) bool {
	switch {
	case !r.both || !Refusal(status):
		return false
	case status == http.StatusRequestedRangeNotSatisfiable && strings.HasPrefix(req.Header.Get("X-Ms-Range"), "bytes=0-"):
		return false // the blob is there, and is empty
	case r.at == 1:
		// The secondary lags behind: what it refuses, the primary may grant.
	case r.prefers == 1 && status == http.StatusPreconditionFailed:
		// A read that began in the secondary may be of a state that only that
		// one has left.
	default:
		return false
	}
	r.next()
	r.both = false
	return true
}

// rest says that the region of the last try wants to be left alone for d.
func (r *route) rest(d time.Duration) { r.regions[r.at].rest = time.Now().Add(d) }

// resting is how long the region of the next try wants to be left alone.
func (r *route) resting() time.Duration {
	until := r.regions[r.at].rest
	if until.IsZero() {
		return 0
	}
	return max(time.Until(until), 0)
}
