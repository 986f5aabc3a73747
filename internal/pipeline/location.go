package pipeline

import (
	"net/http"
	"net/url"
	"strings"
)

// LocationMode says which region reads are asked of.
type LocationMode uint8

// The modes. Writes go to the primary region whatever the mode.
const (
	PrimaryOnly          LocationMode = iota
	PrimaryThenSecondary              // repetitions of reads go to the other region by turns
	SecondaryOnly
)

// Locations are the endpoints of the two regions of an account.
type Locations struct {
	Mode               LocationMode
	Primary, Secondary *url.URL // without a slash at the end; nil if there is none
}

// route is where the tries of a call go.
type route struct {
	*Locations
	both      bool // the regions take turns
	secondary bool // the next try goes to the secondary region
}

func (l *Locations) start(method string, own *LocationMode) route {
	if l == nil || l.Secondary == nil || method != http.MethodGet && method != http.MethodHead {
		return route{}
	}
	mode := l.Mode
	if own != nil {
		mode = *own
	}
	return route{Locations: l, both: mode == PrimaryThenSecondary, secondary: mode == SecondaryOnly}
}

// next chooses the region of the next try.
func (r *route) next() {
	if r.both {
		r.secondary = !r.secondary
	}
}

// missing reports whether an answer of the secondary region only says that it
// does not have something yet. The secondary is left out from then on.
func (r *route) missing(status int) bool {
	if !r.both || !r.secondary || status != http.StatusNotFound && status != http.StatusPreconditionFailed {
		return false
	}
	r.both, r.secondary = false, false
	return true
}

// apply turns the URL of a request to the region.
func (r *route) apply(target *url.URL) *url.URL {
	if !r.secondary {
		return target
	}
	path, ok := strings.CutPrefix(target.EscapedPath(), strings.TrimSuffix(r.Primary.EscapedPath(), "/"))
	if !ok || path != "" && path[0] != '/' || target.Host != r.Primary.Host {
		return target // a request to somewhere else, such as an account whose name begins like this one
	}
	u := *target
	u.Scheme, u.Host = r.Secondary.Scheme, r.Secondary.Host
	u.RawPath = r.Secondary.EscapedPath() + path
	if plain, err := url.PathUnescape(u.RawPath); err == nil {
		u.Path = plain
	}
	return &u
}

// IsSecondary reports whether a URL is of the secondary region.
func (l *Locations) IsSecondary(u *url.URL) bool {
	return l != nil && l.Secondary != nil && u != nil && u.Host == l.Secondary.Host && strings.HasPrefix(u.EscapedPath(), l.Secondary.EscapedPath()) &&
		(l.Primary.Host != l.Secondary.Host || l.Secondary.EscapedPath() != l.Primary.EscapedPath())
}
