package sas

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Delegation is what only a signature of a [UserDelegationKey] can be limited by.
// The IDs are UUIDs.
type Delegation struct {
	// AuthorizedObjectID is the Entra object ID of a user on whose behalf the
	// bearer acts, and whom the owner of the key trusts: POSIX access control
	// lists are not looked at. UnauthorizedObjectID is one whom they are looked
	// at for. At most one of them, for accounts with a hierarchical namespace.
	AuthorizedObjectID   string
	UnauthorizedObjectID string

	// CorrelationID goes into the logs of the service, for audits.
	CorrelationID string

	// DelegatedUserObjectID is the Entra object ID of the only user who can use
	// the signature, together with a token of theirs. It needs version
	// 2025-07-05. If they are of another tenant, the key names that. They make
	// a client of the signed URL with their azureblob.TokenCredential.
	DelegatedUserObjectID string

	// RequestHeaders and RequestParameters are headers and query parameters that
	// a request must have, with these values, to be authorized. They need version
	// 2026-04-06. Their names are in the query string, their values are not.
	RequestHeaders    map[string]string
	RequestParameters map[string]string
}

func (d *Delegation) isZero() bool {
	return d.AuthorizedObjectID == "" && d.UnauthorizedObjectID == "" && d.CorrelationID == "" && d.DelegatedUserObjectID == "" &&
		len(d.RequestHeaders) == 0 && len(d.RequestParameters) == 0
}

var (
	uuidForm   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	headerForm = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
)

// check refuses what the service would, or what is newer than the version.
func (d *Delegation) check(version string) error {
	for _, f := range [...]struct{ name, id, since string }{
		{"AuthorizedObjectID", d.AuthorizedObjectID, "2020-02-10"}, {"UnauthorizedObjectID", d.UnauthorizedObjectID, "2020-02-10"},
		{"CorrelationID", d.CorrelationID, "2020-02-10"}, {"DelegatedUserObjectID", d.DelegatedUserObjectID, "2025-07-05"},
	} {
		switch {
		case f.id == "":
		case !uuidForm.MatchString(f.id):
			return invalidf("%s is no UUID", f.name)
		case version < f.since:
			return tooOld(version, f.name, f.since)
		}
	}
	if d.AuthorizedObjectID != "" && d.UnauthorizedObjectID != "" {
		return invalidf("AuthorizedObjectID and UnauthorizedObjectID exclude each other")
	}
	if version < "2026-04-06" && len(d.RequestHeaders)+len(d.RequestParameters) > 0 {
		return tooOld(version, "a signature for some request headers or parameters only", "2026-04-06")
	}
	seen := map[string]bool{}
	for name, value := range d.RequestHeaders {
		switch lower := strings.ToLower(name); {
		case !headerForm.MatchString(name):
			return invalidf("%q is no name of a header", name)
		case seen[lower]:
			return invalidf("the header %s is in RequestHeaders twice", lower)
		default:
			seen[lower] = true
		}
		if err := checkText("the header "+name, value); err != nil {
			return err
		}
	}
	for name, value := range d.RequestParameters {
		if name == "" || strings.Contains(name, ",") || IsParameter(name) || checkText("", name) != nil {
			return invalidf("%q is no name of a query parameter that a signature can be bound to", name)
		}
		if err := checkText("the query parameter "+name, value); err != nil {
			return err
		}
	}
	return nil
}

// delegatedText completes the parameters of a user delegation SAS, and returns
// the text that is signed.
func (r *resource) delegatedText(v values, key UserDelegationKey) (string, error) {
	d := r.delegation
	if err := r.checkDelegated(key); err != nil {
		return "", err
	}
	v["skoid"], v["sktid"], v["sks"], v["skv"] = key.SignedObjectID, key.SignedTenantID, key.Service, key.Version
	v["skt"], v["ske"] = formatTime(key.Start), formatTime(key.Expiry)
	v["skdutid"], v["sduoid"] = key.DelegatedTenantID, d.DelegatedUserObjectID
	v["saoid"], v["suoid"], v["scid"] = d.AuthorizedObjectID, d.UnauthorizedObjectID, strings.ToLower(d.CorrelationID)
	headers, parameters := slices.Sorted(maps.Keys(d.RequestHeaders)), slices.Sorted(maps.Keys(d.RequestParameters))
	v["srh"], v["srq"] = strings.Join(headers, ","), strings.Join(parameters, ",")

	fields := []string{"sp", "st", "se", "=" + r.canonicalName(), "skoid", "sktid", "skt", "ske", "sks", "skv"}
	if r.version >= "2020-02-10" {
		fields = append(fields, "saoid", "suoid", "scid")
	}
	if r.version >= "2025-07-05" {
		fields = append(fields, "skdutid", "sduoid")
	}
	fields = append(fields, "sip", "spr", "sv", "sr", "="+r.snapshot+r.versionID)
	if r.version >= "2020-12-06" {
		fields = append(fields, "ses")
	}
	if r.version >= "2026-04-06" {
		var h, p strings.Builder
		for _, name := range headers {
			h.WriteString(name + ":" + d.RequestHeaders[name] + "\n")
		}
		for _, name := range parameters {
			p.WriteString("\n" + name + ":" + d.RequestParameters[name])
		}
		fields = append(fields, "="+h.String(), "="+p.String())
	}
	return v.text(append(fields, "rscc", "rscd", "rsce", "rscl", "rsct")...), nil
}

func (r *resource) checkDelegated(key UserDelegationKey) error {
	if err := key.check(); err != nil {
		return err
	}
	start, expiry := r.start.Truncate(time.Second), r.expiry.Truncate(time.Second)
	switch {
	case r.policy != "":
		return invalidf("a signature of a user delegation key cannot name a stored access policy")
	case !r.start.IsZero() && start.Before(key.Start.Truncate(time.Second)):
		return invalidf("the start %s is before that of the user delegation key, %s", formatTime(start), formatTime(key.Start))
	case expiry.After(key.Expiry):
		return invalidf("the expiry %s is after that of the user delegation key, %s", formatTime(expiry), formatTime(key.Expiry))
	case key.DelegatedTenantID != "" && r.version < "2026-04-06":
		return tooOld(r.version, "a key for users of another tenant", "2026-04-06")
	}
	return r.delegation.check(r.version)
}
