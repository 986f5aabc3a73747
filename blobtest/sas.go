package blobtest

import (
	"encoding/base64"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/wire"
)

// The permissions of shared access signatures, in the order in which they have
// to be given. Those of an account come in any order.
const (
	accountPermissions   = "rwdxylacupfti"
	blobPermissions      = "racwdxyltmeopi"
	containerPermissions = "racwdxltfmeopi"
)

// authorizeSAS checks the shared access signature in the query, which is told
// apart by its parameters into one of the account, of the service and of a user
// delegation.
func (x *exchange) authorizeSAS() error {
	switch sr, sv := x.query.Get("sr"), x.query.Get("sv"); {
	case sv != "" && !versions[sv]:
		return authenticationFailed("sv is not a version: %s", sv)
	case sr == "":
		return x.authorizeAccountSAS(sv)
	default:
		return x.authorizeResourceSAS(sr, sv)
	}
}

func (x *exchange) authorizeAccountSAS(sv string) error {
	if sv < "2015-04-05" {
		return authenticationFailed("A signature of the account needs sv of 2015-04-05 or later.")
	}
	q := x.query.Get
	for _, field := range [...]struct{ name, letters string }{{"ss", "bqtf"}, {"srt", "sco"}, {"sp", accountPermissions}} {
		if v := q(field.name); v == "" || !distinct(v, field.letters) {
			return authenticationFailed("%s is mandatory, and is not well formed: '%s'", field.name, v)
		}
	}
	text := x.accountText(sv)
	if !x.account.signed(text, x.signature()) {
		return signatureMismatch(text)
	}
	if err := x.checkLimits(limits{permissions: q("sp"), start: q("st"), expiry: q("se")}); err != nil {
		return err
	}
	need := x.needed()
	switch {
	case !strings.Contains(q("ss"), "b"):
		return fail(azureblob.AuthorizationServiceMismatch)
	case need.resource != 0 && strings.IndexByte(q("srt"), need.resource) < 0:
		return fail(azureblob.AuthorizationResourceTypeMismatch)
	}
	return x.permit(grant{how: bySAS, permissions: q("sp"), scope: q("ses")})
}

// authorizeResourceSAS checks a signature for a container, a directory or a
// blob, of the service or of a user delegation.
func (x *exchange) authorizeResourceSAS(sr, sv string) error {
	q := x.query.Get
	name, err := x.signedName(sr, sv)
	if err != nil {
		return err
	}
	l := limits{permissions: q("sp"), start: q("st"), expiry: q("se")}
	if !validPermissions(l.permissions, sr, sv) {
		return authenticationFailed("sp is not well formed: '%s'", l.permissions)
	}
	if q("skoid") != "" {
		if err := x.checkDelegation(name, sr, sv); err != nil {
			return err
		}
	} else {
		text := x.serviceText(name, sr, sv)
		if !x.account.signed(text, x.signature()) {
			return signatureMismatch(text)
		}
		if l, err = x.withPolicy(l, q("si")); err != nil {
			return err
		}
	}
	if err := x.checkLimits(l); err != nil {
		return err
	}
	// All that concerns a container is for the account, but to look for blobs in it.
	permissions := x.needed().permissions
	if x.level == wire.Container && !strings.ContainsAny(permissions, "lf") {
		return fail(azureblob.AuthorizationPermissionMismatch)
	}
	return x.permit(grant{how: bySAS, permissions: l.permissions, principal: q("skoid"), scope: q("ses")})
}

// permit grants what a signature allows if the request needs no more than that.
func (x *exchange) permit(g grant) error {
	also := ""
	if x.params.text("x-ms-tags") != "" || slices.Contains(strings.Split(x.query.Get("include"), ","), "tags") {
		also = "t"
	}
	if x.params.text("x-ms-immutability-policy-until-date") != "" || x.params.text("x-ms-legal-hold") != "" {
		also += "i"
	}
	if !strings.ContainsAny(g.permissions, x.needed().permissions) {
		return fail(azureblob.AuthorizationPermissionMismatch)
	}
	for i := range len(also) {
		if !g.may(also[i]) {
			return fail(azureblob.AuthorizationPermissionMismatch)
		}
	}
	if g.scope != "" {
		if x.query.Get("sv") < "2020-12-06" {
			return authenticationFailed("ses needs sv of 2020-12-06 or later.")
		}
		if header := x.params.text("x-ms-encryption-scope"); header != "" && header != g.scope {
			return invalidHeader("x-ms-encryption-scope", header)
		}
	}
	x.grant = g
	return nil
}

// limits are what a signature is limited to by its own fields, or by those of
// the stored policy that it names.
type limits struct{ permissions, start, expiry string }

// checkLimits checks everything that does not depend on the operation: the
// times, the protocol and the address of the caller.
func (x *exchange) checkLimits(l limits) error {
	if l.permissions == "" || l.expiry == "" {
		return authenticationFailed("sp and se are mandatory. They cannot be empty.")
	}
	expiry, ok := parseSASTime(l.expiry)
	start, begun := time.Time{}, true
	if l.start != "" {
		start, begun = parseSASTime(l.start)
	}
	if !ok || !begun {
		return authenticationFailed("st or se is not well formed: '%s', '%s'", l.start, l.expiry)
	}
	if x.now.Before(start) || !x.now.Before(expiry) {
		return authenticationFailed("Signature not valid in the specified time frame: Start [%s] - Expiry [%s] - Current [%s]", l.start, l.expiry, x.now.UTC().Format(time.RFC1123))
	}
	switch x.query.Get("spr") {
	case "", "https,http":
	case "https":
		if x.request.TLS == nil {
			return fail(azureblob.AuthorizationProtocolMismatch)
		}
	default:
		return authenticationFailed("spr is not well formed: '%s'", x.query.Get("spr"))
	}
	return x.checkAddress(x.query.Get("sip"))
}

// checkAddress holds sip, an address or a range of them, against the caller.
func (x *exchange) checkAddress(sip string) error {
	if sip == "" {
		return nil
	}
	from, to, isRange := strings.Cut(sip, "-")
	if !isRange {
		to = from
	}
	first, err1 := netip.ParseAddr(from)
	last, err2 := netip.ParseAddr(to)
	if err1 != nil || err2 != nil {
		return authenticationFailed("sip is not well formed: '%s'", sip)
	}
	host, _, err := net.SplitHostPort(x.request.RemoteAddr)
	if err != nil {
		host = x.request.RemoteAddr
	}
	caller, err := netip.ParseAddr(host)
	caller = caller.Unmap()
	if err != nil || caller.BitLen() != first.BitLen() || caller.Less(first) || last.Less(caller) {
		return fail(azureblob.AuthorizationSourceIPMismatch).with("SourceIP", host)
	}
	return nil
}

// withPolicy joins the fields of a signature with those of the stored policy
// that it names. No field may be in both.
func (x *exchange) withPolicy(l limits, id string) (limits, error) {
	if id == "" {
		return l, nil
	}
	p, ok := x.storedPolicy(id)
	if !ok {
		return l, authenticationFailed("Access policy not found: si is '%s'.", id)
	}
	for _, field := range [...]struct {
		name   string
		own    *string
		policy string
	}{{"sp", &l.permissions, p.permissions}, {"st", &l.start, p.start}, {"se", &l.expiry, p.expiry}} {
		if *field.own != "" && field.policy != "" {
			return l, invalidQuery(field.name, *field.own).because("%s is in the signature and in the access policy that it names.", field.name)
		}
		*field.own += field.policy
	}
	return l, nil
}

// overrideHeaders sets the headers of a read to what the signature says.
func (x *exchange) overrideHeaders() {
	if x.grant.how != bySAS || x.query.Get("sr") == "" || x.query.Get("sv") < "2013-08-15" {
		return
	}
	for _, h := range [...][2]string{
		{"rscc", "Cache-Control"}, {"rscd", "Content-Disposition"}, {"rsce", "Content-Encoding"},
		{"rscl", "Content-Language"}, {"rsct", "Content-Type"},
	} {
		if v := x.query.Get(h[0]); v != "" {
			x.set(h[1], v)
		}
	}
}

// signature is the bytes of sig; none if it is no base64, which fit no text.
func (x *exchange) signature() []byte {
	b, err := base64.StdEncoding.DecodeString(x.query.Get("sig"))
	if err != nil {
		return nil
	}
	return b
}

func signatureMismatch(text string) error {
	return authenticationFailed("Signature did not match. String to sign used was %s", public(text))
}

// sasTimeForms are the forms of times in signatures. The first takes fractions.
var sasTimeForms = [...]string{"2006-01-02T15:04:05Z", "2006-01-02T15:04Z", "2006-01-02"}

func parseSASTime(s string) (time.Time, bool) {
	for _, form := range sasTimeForms {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// distinct reports whether s is made of some letters, none of them twice.
func distinct(s, letters string) bool {
	for i := range len(s) {
		if strings.IndexByte(letters, s[i]) < 0 || strings.IndexByte(s[:i], s[i]) >= 0 {
			return false
		}
	}
	return true
}

// validPermissions reports whether the letters are those of the resource in
// that version, in their order.
func validPermissions(sp, sr, sv string) bool {
	if sv < "2019-12-12" && strings.ContainsAny(sp, "xtf") || sv < "2020-02-10" && strings.ContainsAny(sp, "ymeop") ||
		sv < "2020-06-12" && strings.Contains(sp, "i") {
		return false
	}
	switch sr {
	case "c":
		return ordered(sp, containerPermissions)
	case "d":
		return ordered(sp, containerPermissions) || ordered(sp, blobPermissions)
	}
	return ordered(sp, blobPermissions)
}

// ordered reports whether s is made of some letters in their order.
func ordered(s, letters string) bool {
	for i := range len(s) {
		_, after, found := strings.Cut(letters, s[i:i+1])
		if !found {
			return false
		}
		letters = after
	}
	return true
}
