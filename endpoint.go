package azureblob

import (
	"net"
	"net/url"
	"strings"
)

// parseEndpoint reads the URL of a service, a container or a blob. Its errors
// quote no part of the URL, any of which could be a secret in the wrong place.
func parseEndpoint(raw string) (*url.URL, error) {
	if !strings.HasPrefix(raw, "https://") && !strings.HasPrefix(raw, "http://") {
		return nil, invalidf("malformed URL: it does not begin with https:// or http://")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, invalidf("malformed URL: its host, its port or an escape in its path cannot be read")
	case u.Hostname() == "":
		return nil, invalidf("malformed URL: it has no host")
	case u.User != nil:
		return nil, invalidf("malformed URL: it has a user name or password")
	case u.Fragment != "":
		return nil, invalidf("malformed URL: it has a fragment; write # as %%23 in names")
	case strings.Contains(u.Hostname(), ".dfs."):
		return nil, invalidf("this is an endpoint of Data Lake Storage; use that of the Blob service, with .blob. in its place")
	}
	return u, nil
}

// location is what a URL names, taken apart.
type location struct {
	service         *url.URL // endpoint of the service, without query and trailing slash
	container, blob string
	scope           scope
	sas             string // the signature in the query, if there is one
}

// locate takes the URL of a service (depth 0), a container (1) or a blob (2) apart.
func locate(raw string, depth int) (*location, error) {
	u, err := parseEndpoint(raw)
	if err != nil {
		return nil, err
	}
	loc := &location{}
	if err := loc.readQuery(u.RawQuery, depth); err != nil {
		return nil, err
	}
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	prefix := ""
	switch depth {
	case 0:
		prefix = strings.Trim(path, "/")
	case 1:
		path = strings.TrimRight(path, "/")
		slash := strings.LastIndexByte(path, '/') + 1
		prefix, loc.container = strings.Trim(path[:slash], "/"), path[slash:]
	case 2:
		if pathStyle(u) {
			prefix, path, _ = strings.Cut(path, "/")
		}
		var ok bool
		if loc.container, loc.blob, ok = strings.Cut(path, "/"); !ok {
			// A blob of the root container may be named without it.
			loc.container, loc.blob = "$root", path
		}
	}
	if loc.container, err = url.PathUnescape(loc.container); err == nil {
		loc.blob, err = url.PathUnescape(loc.blob)
	}
	if err != nil {
		return nil, invalidf("malformed URL: an escape in its path cannot be read")
	}
	if err := checkPrefix(u, prefix, depth); err != nil {
		return nil, err
	}
	if depth > 0 && loc.container == "" {
		return nil, invalidf("the URL names no container")
	}
	if depth > 1 && loc.blob == "" {
		return nil, invalidf("the URL names no blob")
	}
	base := u.Scheme + "://" + u.Host
	if prefix != "" {
		base += "/" + prefix
	}
	loc.service, err = url.Parse(base)
	return loc, err
}

// checkPrefix refuses a path before the container that cannot be right: on the
// hosts of the service there is none, and in path style it is the account. Other
// hosts may be proxies with paths of their own.
func checkPrefix(u *url.URL, prefix string, depth int) error {
	kind := []string{"service", "container", "blob"}[depth]
	switch {
	case strings.Contains(u.Hostname(), ".blob.") && prefix != "":
		return invalidf("the URL names more than a %s; there are constructors for containers and blobs", kind)
	case depth > 0 && pathStyle(u) && prefix == "":
		return invalidf("the URL names no %s: on such a host the first part of the path is the account", kind)
	case pathStyle(u) && strings.Contains(prefix, "/"):
		return invalidf("the URL names more than a %s: on such a host the first part of the path is the account", kind)
	}
	return nil
}

func (loc *location) readQuery(raw string, depth int) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return invalidf("malformed URL: its query cannot be read")
	}
	if depth == 2 {
		loc.scope.Snapshot, loc.scope.Version = query.Get("snapshot"), query.Get("versionid")
		query.Del("snapshot")
		query.Del("versionid")
	}
	if len(query) == 0 {
		return nil
	}
	loc.sas = strings.ReplaceAll(query.Encode(), "+", "%20")
	if _, err := SASCredential(loc.sas).authorize(nil, ""); err != nil {
		return invalidf("the URL has a query that is no shared access signature, or more than one")
	}
	return nil
}

// pathStyle reports whether the account is the first segment of the path, as it
// is where a host has no label to spare for it: IP addresses, names of one
// label such as localhost, and the port of the emulator.
func pathStyle(u *url.URL) bool {
	host := u.Hostname()
	if strings.Contains(host, ".blob.") {
		return false
	}
	return net.ParseIP(host) != nil || !strings.Contains(host, ".") || u.Port() == "10000"
}

// secondaryOf derives the endpoint of the secondary region, or "" where the
// rule for it is not known, as for a custom domain.
func secondaryOf(service *url.URL) string {
	u := *service
	if account, rest, ok := strings.Cut(u.Host, "."); ok && strings.Contains(u.Host, ".blob.") {
		u.Host = account + "-secondary." + rest
		return u.String()
	}
	if account := strings.Trim(u.Path, "/"); pathStyle(&u) && account != "" && !strings.Contains(account, "/") {
		u.Path = "/" + account + "-secondary"
		return u.String()
	}
	return ""
}

// accountOf is the name of the account that an endpoint is of, the primary or the
// secondary one, or "" where the URL does not tell, as with a custom domain.
func accountOf(service *url.URL) string {
	account := ""
	if strings.Contains(service.Hostname(), ".blob.") {
		account, _, _ = strings.Cut(service.Hostname(), ".")
	} else if pathStyle(service) {
		account = strings.Trim(service.Path, "/")
	}
	return strings.TrimSuffix(account, "-secondary")
}

// escapeName writes a container or blob name as a URL path. Everything but the
// unreserved characters and the slash is escaped, and segments that are only
// dots as well, so that nothing on the way takes them for directories. The path
// is never cleaned: a//b, /x and x/ are names of their own.
func escapeName(name string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(name)+16)
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		switch segment := name[start:i]; segment {
		case ".":
			b = append(b, "%2E"...)
		case "..":
			b = append(b, "%2E%2E"...)
		default:
			for j := range len(segment) {
				c := segment[j]
				if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' || c == '$' {
					b = append(b, c)
				} else {
					b = append(b, '%', hex[c>>4], hex[c&15])
				}
			}
		}
		if i < len(name) {
			b = append(b, '/')
		}
		start = i + 1
	}
	return string(b)
}
