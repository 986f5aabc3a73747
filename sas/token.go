package sas

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Resource is what a signature is for.
type Resource string

// What signatures are for.
const (
	ResourceAccount   Resource = "" // what Services and Resources of the token say
	ResourceContainer Resource = "c"
	ResourceDirectory Resource = "d"
	ResourceBlob      Resource = "b"
	ResourceSnapshot  Resource = "bs"
	ResourceVersion   Resource = "bv"
)

// Token is a shared access signature that was made already, taken apart by
// [Parse]. Its fields are for reading: what [Token.Encode] returns does not
// follow them. It prints without its signature.
type Token struct {
	URL      string // the URL without the signature; "" if there was none
	Version  string // of the signature: sv
	Resource Resource

	Permissions   string    // letters, to be read by one of the Parse functions; may come from Policy
	Start, Expiry time.Time // zero if they are not there; may come from Policy
	Policy        string    // ID of a stored access policy
	Protocol      Protocol
	IP            IPRange

	EncryptionScope string
	Headers         ResponseHeaders

	Services  Services      // of an account
	Resources ResourceTypes // of an account

	Snapshot       string // the only snapshot that it is for
	VersionID      string // the only version that it is for
	DirectoryDepth int    // how many names the path of the directory is made of

	// Key is the user delegation key that signed, without its value and its
	// account. SignedObjectID is "" if that was the key of the account.
	Key UserDelegationKey

	// Delegation has the names of headers and parameters only.
	Delegation Delegation

	all func() values // with the signature; in a closure, which no way of printing looks into
}

// Parse takes a signed URL apart, or a query string with or without a question
// mark that is a signature and nothing else. It does not check the signature, and
// takes permissions and protocols that it does not know. The errors quote
// nothing of what was given.
//
// Errors: fs.ErrInvalid if there is no signature, or one of its fields cannot be read.
func Parse(signed string) (Token, error) {
	isURL := strings.HasPrefix(signed, "https://") || strings.HasPrefix(signed, "http://")
	base, query, _ := strings.Cut(signed, "?")
	if !isURL {
		base, query = "", strings.TrimPrefix(signed, "?")
	}
	if u, err := url.Parse(base); err != nil || u.User != nil || u.Fragment != "" || strings.Contains(query, "#") {
		return Token{}, invalidf("the URL cannot be read, has a user name, or a fragment")
	}
	all, rest, err := split(query)
	if err != nil {
		return Token{}, err
	}
	if isURL {
		if rest != "" {
			base += "?" + rest
		}
	} else if rest != "" {
		return Token{}, invalidf("there is a parameter that is not of a signature")
	}
	t := Token{URL: base, all: func() values { return all }}
	if err := t.read(all); err != nil {
		return Token{}, err
	}
	return t, nil
}

// split parts the parameters of a signature from all others.
func split(query string) (values, string, error) {
	all, rest := values{}, []string{}
	parsed, err := url.ParseQuery(query)
	if err != nil {
		return nil, "", invalidf("the query cannot be read")
	}
	id := map[string]string{"bs": "snapshot", "bv": "versionid"}[parsed.Get("sr")]
	for _, part := range strings.Split(query, "&") {
		raw, _, _ := strings.Cut(part, "=")
		switch name, _ := url.QueryUnescape(raw); {
		case part == "":
		case !IsParameter(name) && (name != id || id == ""):
			rest = append(rest, part)
		case len(parsed[name]) > 1:
			return nil, "", invalidf("the parameter %s is there twice", name)
		default:
			all[name] = parsed.Get(name)
		}
	}
	return all, strings.Join(rest, "&"), nil
}

// read fills in the fields.
func (t *Token) read(v values) error {
	switch {
	case v["sig"] == "":
		return invalidf("there is no signature: the parameter sig is missing")
	case v["sv"] == "":
		return invalidf("the parameter sv is missing")
	case v["sr"] == "" && (v["ss"] == "" || v["srt"] == ""):
		return invalidf("the parameters say neither what resource the signature is for, sr, nor what services and types of resources, ss and srt")
	}
	*t = Token{
		URL: t.URL, all: t.all, Version: v["sv"], Resource: Resource(v["sr"]), Permissions: v["sp"], Policy: v["si"],
		Protocol: Protocol(v["spr"]), EncryptionScope: v["ses"], Snapshot: v["snapshot"], VersionID: v["versionid"],
		Headers: ResponseHeaders{
			CacheControl: v["rscc"], ContentDisposition: v["rscd"], ContentEncoding: v["rsce"], ContentLanguage: v["rscl"], ContentType: v["rsct"],
		},
		Key: UserDelegationKey{
			SignedObjectID: v["skoid"], SignedTenantID: v["sktid"], Service: v["sks"], Version: v["skv"], DelegatedTenantID: v["skdutid"],
		},
		Delegation: Delegation{
			AuthorizedObjectID: v["saoid"], UnauthorizedObjectID: v["suoid"], CorrelationID: v["scid"], DelegatedUserObjectID: v["sduoid"],
			RequestHeaders: namesOf(v["srh"]), RequestParameters: namesOf(v["srq"]),
		},
	}
	for name, to := range map[string]*time.Time{"st": &t.Start, "se": &t.Expiry, "skt": &t.Key.Start, "ske": &t.Key.Expiry} {
		var ok bool
		if *to, ok = parseTime(v[name]); !ok && v[name] != "" {
			return invalidf("the parameter %s is no time", name)
		}
	}
	var err error
	if v["sip"] != "" {
		if t.IP, err = ParseIPRange(v["sip"]); err != nil {
			return invalidf("the parameter sip is no IP address and no range of them")
		}
	}
	if t.Resource == ResourceAccount {
		if t.Services, err = ParseServices(v["ss"]); err != nil {
			return invalidf("the parameter ss is not made of letters of services")
		}
		if t.Resources, err = ParseResourceTypes(v["srt"]); err != nil {
			return invalidf("the parameter srt is not made of letters of types of resources")
		}
	}
	if v["sdd"] != "" {
		if t.DirectoryDepth, err = strconv.Atoi(v["sdd"]); err != nil || t.DirectoryDepth < 0 {
			return invalidf("the parameter sdd is no depth of a directory")
		}
	}
	return nil
}

// namesOf are the names of a list as keys.
func namesOf(list string) map[string]string {
	if list == "" {
		return nil
	}
	names := map[string]string{}
	for name := range strings.SplitSeq(list, ",") {
		names[name] = ""
	}
	return names
}

// Encode returns the query string, without a question mark. It is a secret.
func (t Token) Encode() string {
	if t.all == nil {
		return ""
	}
	return t.all().encode()
}

// SignedURL returns the URL with the signature, "" if there was no URL. It is a secret.
func (t Token) SignedURL() string { return t.join(t.Encode()) }

// String returns the URL, or the query string, with REDACTED for the signature.
func (t Token) String() string {
	if t.all == nil {
		return ""
	}
	shown := values{}
	for name, value := range t.all() {
		shown[name] = value
	}
	shown["sig"] = "REDACTED"
	if t.URL == "" {
		return shown.encode()
	}
	return t.join(shown.encode())
}

// GoString is String, so that %#v shows no more than that.
func (t Token) GoString() string { return t.String() }

func (t Token) join(query string) string {
	switch {
	case t.URL == "":
		return ""
	case strings.Contains(t.URL, "?"):
		return t.URL + "&" + query
	}
	return t.URL + "?" + query
}
