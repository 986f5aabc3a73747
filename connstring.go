package azureblob

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// The account of the Azurite emulator. Its key is public.
const (
	emulatorAccount = "devstoreaccount1"
	emulatorKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
	emulatorURL     = "http://127.0.0.1:10000"
)

// connection is what a connection string says.
type connection struct {
	service    *url.URL
	secondary  string // "" if the string names none
	credential Credential
}

// The keys of a connection string, in lower case, with the spelling of the
// documentation for error messages.
var connectionKeys = map[string]string{
	"defaultendpointsprotocol":   "DefaultEndpointsProtocol",
	"accountname":                "AccountName",
	"accountkey":                 "AccountKey",
	"endpointsuffix":             "EndpointSuffix",
	"blobendpoint":               "BlobEndpoint",
	"blobsecondaryendpoint":      "BlobSecondaryEndpoint",
	"sharedaccesssignature":      "SharedAccessSignature",
	"usedevelopmentstorage":      "UseDevelopmentStorage",
	"developmentstorageproxyuri": "DevelopmentStorageProxyUri",
}

// parseConnectionString reads an Azure Storage connection string. Its errors
// name the key at fault and never show a value.
func parseConnectionString(s string) (*connection, error) {
	values, err := splitConnectionString(s)
	if err != nil {
		return nil, err
	}
	if flag, ok := values["usedevelopmentstorage"]; ok {
		return developmentConnection(flag, values)
	}
	if _, ok := values["developmentstorageproxyuri"]; ok {
		return nil, invalidf("connection string: DevelopmentStorageProxyUri goes only with UseDevelopmentStorage=true")
	}
	c := &connection{}
	if err := c.setEndpoints(values); err != nil {
		return nil, err
	}
	key, hasKey := values["accountkey"]
	token, hasToken := values["sharedaccesssignature"]
	switch {
	case hasKey:
		account := values["accountname"]
		if account == "" {
			return nil, invalidf("connection string: AccountKey needs AccountName")
		}
		if c.credential, err = NewSharedKeyCredential(account, key); err != nil {
			return nil, atKey("AccountName or AccountKey", err)
		}
	case hasToken:
		c.credential = SASCredential(token)
		if _, err := c.credential.authorize(nil, ""); err != nil {
			return nil, atKey("SharedAccessSignature", err)
		}
	}
	return c, nil
}

// atKey says which key of a connection string an error is about.
func atKey(key string, err error) error {
	return invalidf("connection string: %s: %s", key, strings.TrimPrefix(err.Error(), "azureblob: "))
}

func splitConnectionString(s string) (map[string]string, error) {
	values := map[string]string{}
	for i, part := range strings.Split(s, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, invalidf("connection string: part %d is not of the form Key=Value", i+1)
		}
		name := strings.ToLower(strings.TrimSpace(key))
		spelled, known := connectionKeys[name]
		switch {
		case !known && strings.HasSuffix(name, "endpoint"):
			continue // of the queue, table, file and other services
		case !known:
			// A key can be given as a value by mistake, so only a plain word is shown.
			if len(name) > 40 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" {
				return nil, invalidf("connection string: part %d has an unknown key", i+1)
			}
			return nil, invalidf("connection string: unknown key %q; known are %s", strings.TrimSpace(key), strings.Join(slices.Sorted(maps.Values(connectionKeys)), ", "))
		}
		if _, twice := values[name]; twice {
			return nil, invalidf("connection string: %s is there twice", spelled)
		}
		if value = strings.TrimSpace(value); value == "" {
			return nil, invalidf("connection string: %s is empty", spelled)
		}
		values[name] = value
	}
	if len(values) == 0 {
		return nil, invalidf("connection string: it is empty")
	}
	return values, nil
}

func (c *connection) setEndpoints(values map[string]string) error {
	protocol := strings.ToLower(values["defaultendpointsprotocol"])
	switch protocol {
	case "":
		protocol = "https"
	case "http", "https":
	default:
		return invalidf("connection string: DefaultEndpointsProtocol is neither http nor https")
	}
	endpoint := values["blobendpoint"]
	c.secondary = values["blobsecondaryendpoint"]
	var err error
	if endpoint != "" {
		if c.service, err = serviceURL(endpoint); err != nil {
			return atKey("BlobEndpoint", err)
		}
		if c.secondary != "" {
			if _, err := serviceURL(c.secondary); err != nil {
				return atKey("BlobSecondaryEndpoint", err)
			}
		}
		return nil
	}
	if c.secondary != "" {
		return invalidf("connection string: BlobSecondaryEndpoint goes only with BlobEndpoint")
	}
	account := values["accountname"]
	if strings.Trim(account, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return invalidf("connection string: AccountName has a character that no account name has")
	}
	if account == "" {
		return invalidf("connection string: it needs a BlobEndpoint or an AccountName")
	}
	suffix := strings.Trim(values["endpointsuffix"], "./")
	if suffix == "" {
		suffix = "core.windows.net"
	}
	host := func(account string) string { return protocol + "://" + account + ".blob." + suffix }
	c.secondary = host(account + "-secondary")
	if c.service, err = serviceURL(host(account)); err != nil || strings.Contains(suffix, "/") {
		return invalidf("connection string: EndpointSuffix is no host name")
	}
	return nil
}

// serviceURL reads the plain URL of a service.
func serviceURL(endpoint string) (*url.URL, error) {
	loc, err := locate(endpoint, 0)
	if err != nil {
		return nil, err
	}
	if loc.sas != "" {
		return nil, invalidf("it holds a shared access signature; give that as SharedAccessSignature")
	}
	return loc.service, nil
}

func developmentConnection(flag string, values map[string]string) (*connection, error) {
	if !strings.EqualFold(flag, "true") {
		return nil, invalidf("connection string: UseDevelopmentStorage can only be true")
	}
	base := emulatorURL
	if proxy, ok := values["developmentstorageproxyuri"]; ok {
		u, err := url.Parse(proxy)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return nil, invalidf("connection string: DevelopmentStorageProxyUri is no http or https URL")
		}
		base = u.Scheme + "://" + u.Host
		if u.Port() == "" {
			base += ":10000"
		}
	}
	for name := range values {
		if name != "usedevelopmentstorage" && name != "developmentstorageproxyuri" {
			return nil, invalidf("connection string: %s does not go with UseDevelopmentStorage", connectionKeys[name])
		}
	}
	service, err := serviceURL(base + "/" + emulatorAccount)
	if err != nil {
		return nil, atKey("DevelopmentStorageProxyUri", err)
	}
	credential, err := NewSharedKeyCredential(emulatorAccount, emulatorKey)
	if err != nil {
		return nil, err
	}
	return &connection{service: service, secondary: base + "/" + emulatorAccount + "-secondary", credential: credential}, nil
}
