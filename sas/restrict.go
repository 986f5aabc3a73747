package sas

import (
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"
)

// Protocol says over what a signature may be used.
type Protocol string

// The protocols. There is no way to ask for http alone.
const (
	HTTPS        Protocol = "https"      // nothing but https
	HTTPSAndHTTP Protocol = "https,http" // either; the default of the service
)

// IPRange is the addresses that a signature may be used from. The service looks
// at the public address of the caller. The zero value is all of them.
type IPRange struct {
	First netip.Addr
	Last  netip.Addr // included; the zero value for First alone
}

// String returns an address, or two with a hyphen between them.
func (r IPRange) String() string {
	// Addresses out of package net are often IPv4 in the form of IPv6.
	first, last := r.First.Unmap(), r.Last.Unmap()
	switch {
	case !first.IsValid():
		return ""
	case !last.IsValid():
		return first.String()
	}
	return first.String() + "-" + last.String()
}

// ParseIPRange reads an address, or two with a hyphen between them.
func ParseIPRange(s string) (IPRange, error) {
	var r IPRange
	first, last, both := strings.Cut(s, "-")
	var err error
	if r.First, err = netip.ParseAddr(first); err == nil && both {
		r.Last, err = netip.ParseAddr(last)
	}
	if err != nil {
		return IPRange{}, invalidf("%q is no IP address and no range of them", s)
	}
	if err := r.check(); err != nil {
		return IPRange{}, err
	}
	return r, nil
}

func (r IPRange) check() error {
	first, last := r.First.Unmap(), r.Last.Unmap()
	switch {
	case r == IPRange{}:
	case !first.IsValid():
		return invalidf("the range of IP addresses has no first one")
	case first.Zone() != "" || last.Zone() != "":
		return invalidf("an IP address has a zone, which means nothing to the service")
	case last.IsValid() && (first.BitLen() != last.BitLen() || last.Less(first)):
		return invalidf("the range of IP addresses %s ends before it begins", r)
	}
	return nil
}

// ResponseHeaders are headers that reads answer with in place of those that the
// blob has. Empty ones leave it as it is. They need version 2013-08-15.
type ResponseHeaders struct {
	CacheControl       string
	ContentDisposition string // such as: attachment; filename="report.pdf"
	ContentEncoding    string
	ContentLanguage    string
	ContentType        string
}

// timeForm is how times are written and signed.
const timeForm = "2006-01-02T15:04:05Z"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

// parseTime reads the forms that the service takes; the first one with
// fractions as well.
func parseTime(s string) (time.Time, bool) {
	for _, form := range [...]string{timeForm, "2006-01-02T15:04Z", "2006-01-02"} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// checkTimes compares times as they are written, in whole seconds.
func checkTimes(start, expiry time.Time) error {
	s, e := start.Truncate(time.Second), expiry.Truncate(time.Second)
	switch {
	case !start.IsZero() && !expiry.IsZero() && !s.Before(e):
		return invalidf("the expiry %s is not after the start %s", formatTime(e), formatTime(s))
	case expiry.UTC().Year() > 9999 || start.UTC().Year() > 9999 || !start.IsZero() && start.UTC().Year() < 1 || expiry.UTC().Year() < 1:
		return invalidf("a time has a year that cannot be written with four digits")
	}
	return nil
}

// checkText refuses what would be taken for another field, or for the end of one,
// in the text that is signed.
func checkText(name, value string) error {
	if !utf8.ValidString(value) {
		return invalidf("%s is not valid UTF-8", name)
	}
	for _, r := range value {
		if r < ' ' || r == 0x7f {
			return invalidf("%s has a control character", name)
		}
	}
	return nil
}
