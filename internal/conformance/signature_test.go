package conformance

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

// sas are the fields of a shared access signature by their names in the URL.
type sas map[string]string

// soon is the time of a signature, that long from now.
func soon(d time.Duration) string { return time.Now().UTC().Add(d).Format("2006-01-02T15:04:05Z") }

// newest is the version of signatures that do not say which they are in.
const newest = "2026-06-06"

// with is the signature with other fields; an empty value takes one away.
func (f sas) with(pairs ...string) sas {
	other := sas{}
	for name, value := range f {
		other[name] = value
	}
	for i := 0; i < len(pairs); i += 2 {
		if other[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
			delete(other, pairs[i])
		}
	}
	return other
}

// hash is the HMAC of a text, by a key in base64.
func hash(key, text string) string {
	decoded, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, decoded)
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signed is the query of the signature, whose text is the lines.
func (f sas) signed(key string, lines ...string) string {
	query := url.Values{"sig": {hash(key, strings.Join(lines, "\n"))}}
	for name, value := range f {
		query.Set(name, value)
	}
	return query.Encode()
}

// values are fields by their names, in that order.
func (f sas) values(names ...string) []string {
	var v []string
	for _, name := range names {
		v = append(v, f[name])
	}
	return v
}

// accountSAS signs for the account. What is not given is allowed, for an hour.
func (s *service) accountSAS(pairs ...string) string {
	f := sas{"sv": newest, "ss": "b", "srt": "sco", "sp": "rwdlactfx", "se": soon(time.Hour)}.with(pairs...)
	lines := append([]string{s.account}, f.values("sp", "ss", "srt", "st", "se", "sip", "spr", "sv")...)
	if f["sv"] >= "2020-12-06" {
		lines = append(lines, f["ses"])
	}
	return f.signed(s.key, append(lines, "")...)
}

// overrides are the fields that set headers of an answer.
var overrides = []string{"rscc", "rscd", "rsce", "rscl", "rsct"}

// serviceSAS signs for a resource of the test's container, which is "" for the
// container itself, in the form that the version has. sr and sp follow from that
// if they are not given, and se is in an hour.
func (s *service) serviceSAS(resource string, pairs ...string) string {
	f := s.about(resource, pairs)
	lines := append(f.values("sp", "st", "se"), s.canonical(resource, f), f["si"])
	sv := f["sv"]
	if sv >= "2015-04-05" {
		lines = append(lines, f.values("sip", "spr")...)
	}
	if sv >= "2012-02-12" {
		lines = append(lines, sv)
	}
	if sv >= "2018-11-09" {
		lines = append(lines, f["sr"], f["snapshot"]+f["versionid"])
	}
	if sv >= "2020-12-06" {
		lines = append(lines, f["ses"])
	}
	if sv >= "2013-08-15" {
		lines = append(lines, f.values(overrides...)...)
	}
	return f.signed(s.key, lines...)
}

func (s *service) about(resource string, pairs []string) sas {
	f := sas{"sv": newest, "sr": "b", "sp": "r", "se": soon(time.Hour)}
	if resource == "" {
		f["sr"] = "c"
	}
	return f.with(pairs...)
}

// canonical is the name of a resource in the text of a signature.
func (s *service) canonical(resource string, f sas) string {
	name := "/" + s.account + "/" + s.container
	if f["sv"] >= "2015-02-21" {
		name = "/blob" + name
	}
	if resource != "" {
		name += "/" + resource
	}
	return name
}

// delegationKey is a user delegation key, as its document has it.
type delegationKey struct {
	SignedOid, SignedTid, SignedStart, SignedExpiry, SignedService, SignedVersion, Value string
}

// delegationSAS is serviceSAS with a user delegation key.
func (s *service) delegationSAS(key delegationKey, resource string, pairs ...string) string {
	f := s.about(resource, append([]string{
		"skoid", key.SignedOid, "sktid", key.SignedTid, "skt", key.SignedStart, "ske", key.SignedExpiry, "sks", key.SignedService, "skv", key.SignedVersion,
	}, pairs...))
	lines := append(f.values("sp", "st", "se"), s.canonical(resource, f))
	lines = append(lines, f.values("skoid", "sktid", "skt", "ske", "sks", "skv")...)
	sv := f["sv"]
	if sv >= "2020-02-10" {
		lines = append(lines, f.values("saoid", "suoid", "scid")...)
	}
	if sv >= "2025-07-05" {
		lines = append(lines, f.values("skdutid", "sduoid")...)
	}
	lines = append(lines, f.values("sip", "spr", "sv", "sr")...)
	lines = append(lines, f["snapshot"]+f["versionid"])
	if sv >= "2020-12-06" {
		lines = append(lines, f["ses"])
	}
	if sv >= "2026-04-06" {
		lines = append(lines, "", "")
	}
	return f.signed(key.Value, append(lines, f.values(overrides...)...)...)
}
