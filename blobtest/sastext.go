package blobtest

import (
	"strconv"
	"strings"

	"github.com/goblob/azureblob/internal/wire"
)

// The texts that shared access signatures sign. They depend on sv, the version
// of the signature, whatever version the request is in. Versions compare as
// text; none is older than all.

// accountText is what the signature of an account SAS signs.
func (x *exchange) accountText(sv string) string {
	fields := append([]string{x.account.name}, x.fields("sp", "ss", "srt", "st", "se", "sip", "spr", "sv")...)
	if sv >= "2020-12-06" {
		fields = append(fields, x.query.Get("ses"))
	}
	return strings.Join(fields, "\n") + "\n"
}

// serviceText is what the signature of a service SAS signs.
func (x *exchange) serviceText(name, sr, sv string) string {
	fields := append(x.fields("sp", "st", "se"), name, x.query.Get("si"))
	if sv >= "2015-04-05" {
		fields = append(fields, x.fields("sip", "spr")...)
	}
	if sv >= "2012-02-12" {
		fields = append(fields, sv)
	}
	if sv >= "2018-11-09" {
		fields = append(fields, sr, x.signedID(sr))
	}
	if sv >= "2020-12-06" {
		fields = append(fields, x.query.Get("ses"))
	}
	if sv >= "2013-08-15" {
		fields = append(fields, x.fields("rscc", "rscd", "rsce", "rscl", "rsct")...)
	}
	return strings.Join(fields, "\n")
}

// delegationText is what the signature of a user delegation SAS signs.
func (x *exchange) delegationText(name, sr, sv string) string {
	fields := append(x.fields("sp", "st", "se"), name)
	fields = append(fields, x.fields("skoid", "sktid", "skt", "ske", "sks", "skv")...)
	if sv >= "2020-02-10" {
		fields = append(fields, x.fields("saoid", "suoid", "scid")...)
	}
	switch {
	case sv >= "2026-04-06":
		fields = append(fields, x.fields("skdutid", "sduoid")...)
	case sv >= "2025-07-05":
		fields = append(fields, "", x.query.Get("sduoid"))
	}
	fields = append(fields, x.fields("sip", "spr", "sv")...)
	fields = append(fields, sr, x.signedID(sr))
	if sv >= "2020-12-06" {
		fields = append(fields, x.query.Get("ses"))
	}
	if sv >= "2026-04-06" {
		fields = append(fields, x.boundHeaders(), x.boundParameters())
	}
	return strings.Join(append(fields, x.fields("rscc", "rscd", "rsce", "rscl", "rsct")...), "\n")
}

func (x *exchange) fields(names ...string) []string {
	values := make([]string, len(names), len(names)+24)
	for i, name := range names {
		values[i] = x.query.Get(name)
	}
	return values
}

// signedName is the name of the signed resource as it is in the text to sign.
func (x *exchange) signedName(sr, sv string) (string, error) {
	if x.level == wire.Account {
		return "", authenticationFailed("sr=%s is not for requests to the account.", sr)
	}
	name := "/" + x.account.name + "/" + x.container
	if sv >= "2015-02-21" {
		name = "/blob" + name
	}
	since := ""
	switch sr {
	case "c":
		return name, nil
	case "b":
		name += "/" + x.blob
		if sv >= "2018-11-09" && (x.query.Get("snapshot") != "" || x.query.Get("versionid") != "") {
			return "", authenticationFailed("sr=b is for the blob itself.")
		}
	case "bs":
		since, name = "2018-11-09", name+"/"+x.blob
	case "bv":
		since, name = "2018-11-09", name+"/"+x.blob
	case "d":
		since = "2020-02-10"
		depth, err := strconv.Atoi(x.query.Get("sdd"))
		segments := strings.Split(x.blob, "/")
		if err != nil || depth < 0 || depth > len(segments) {
			return "", authenticationFailed("sdd is not well formed: '%s'", x.query.Get("sdd"))
		}
		name = strings.Join(append([]string{name}, segments[:depth]...), "/")
	default:
		return "", authenticationFailed("sr is not well formed: '%s'", sr)
	}
	if sv < since || x.level != wire.Blob {
		return "", authenticationFailed("sr=%s is not for this request.", sr)
	}
	if sr == "bs" && x.query.Get("snapshot") == "" || sr == "bv" && x.query.Get("versionid") == "" {
		return "", authenticationFailed("sr=%s is not for the blob itself.", sr)
	}
	return name, nil
}

// signedID is the ID of the snapshot or version that the signature is for.
func (x *exchange) signedID(sr string) string {
	switch sr {
	case "bs":
		return x.query.Get("snapshot")
	case "bv":
		return x.query.Get("versionid")
	}
	return ""
}

// boundHeaders is the field for the headers that the signature is bound to.
func (x *exchange) boundHeaders() string {
	var text strings.Builder
	for _, name := range names(x.query.Get("srh")) {
		value := strings.Join(x.header.Values(name), ",")
		if strings.EqualFold(name, "Host") {
			value = x.request.Host // net/http keeps it apart
		}
		text.WriteString(name + ":" + value + "\n")
	}
	return text.String()
}

// boundParameters is the field for the query parameters that the signature is bound to.
func (x *exchange) boundParameters() string {
	var text strings.Builder
	for _, name := range names(x.query.Get("srq")) {
		text.WriteString("\n" + name + ":" + x.query.Get(name))
	}
	return text.String()
}

func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
