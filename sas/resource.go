package sas

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Container is a signature for all blobs of a container.
type Container struct {
	// Key signs: the key of the account, or a [UserDelegationKey]. Clients use
	// their own if it is nil.
	Key Signer

	// Permissions and Expiry may come from a stored policy. What the policy has
	// must not be given here as well.
	Permissions ContainerPermissions
	Start       time.Time // default at once
	Expiry      time.Time

	// Policy is the ID of a stored access policy of the container, of 64
	// characters at most. Not with a user delegation key.
	Policy string

	Protocol        Protocol        // needs version 2015-04-05
	IP              IPRange         // needs version 2015-04-05
	EncryptionScope string          // of all that is written; needs version 2020-12-06
	Headers         ResponseHeaders // of reads; needs version 2013-08-15
	Delegation      Delegation      // with a user delegation key only
	Version         string          // from 2012-02-12 on; default [DefaultVersion]
}

// Sign returns the query string of the signature, without a question mark. It
// is a secret. To be used with azureblob.SASCredential, or after the URL of the
// container or of a blob in it.
//
// Errors: fs.ErrInvalid for what the service would refuse; what the key returns.
func (c Container) Sign(container string) (string, error) {
	return c.resource(container).sign()
}

func (c Container) resource(container string) *resource {
	return &resource{
		common: common{
			key: c.Key, version: c.Version, permissions: c.Permissions.String(), start: c.Start, expiry: c.Expiry,
			ip: c.IP, protocol: c.Protocol, scope: c.EncryptionScope, policy: c.Policy,
		},
		headers: c.Headers, delegation: c.Delegation, kind: "c", container: container,
	}
}

// Directory is a signature for a directory and all that is in it, in an account
// with a hierarchical namespace.
type Directory struct {
	// Key signs: the key of the account, or a [UserDelegationKey]. Clients use
	// their own if it is nil.
	Key Signer

	// Permissions and Expiry may come from a stored policy. What the policy has
	// must not be given here as well.
	Permissions DirectoryPermissions
	Start       time.Time // default at once
	Expiry      time.Time

	// Policy is the ID of a stored access policy of the container, of 64
	// characters at most. Not with a user delegation key.
	Policy string

	Protocol        Protocol
	IP              IPRange
	EncryptionScope string          // of all that is written; needs version 2020-12-06
	Headers         ResponseHeaders // of reads
	Delegation      Delegation      // with a user delegation key only
	Version         string          // from 2020-02-10 on; default [DefaultVersion]
}

// Sign returns the query string of the signature, without a question mark. It
// is a secret. To be used with azureblob.SASCredential, or after the URL of
// what is in the directory. A directory without a name is the root of the container.
//
// Errors: fs.ErrInvalid for what the service would refuse; what the key returns.
func (d Directory) Sign(container, directory string) (string, error) {
	return d.resource(container, directory).sign()
}

func (d Directory) resource(container, directory string) *resource {
	return &resource{
		common: common{
			key: d.Key, version: d.Version, permissions: d.Permissions.String(), start: d.Start, expiry: d.Expiry,
			ip: d.IP, protocol: d.Protocol, scope: d.EncryptionScope, policy: d.Policy,
		},
		headers: d.Headers, delegation: d.Delegation, kind: "d", container: container,
		path: strings.Trim(strings.ReplaceAll(directory, `\`, "/"), "/"),
	}
}

// Blob is a signature for a blob, or for one snapshot or version of it.
type Blob struct {
	// Key signs: the key of the account, or a [UserDelegationKey]. Clients use
	// their own if it is nil.
	Key Signer

	// Permissions and Expiry may come from a stored policy. What the policy has
	// must not be given here as well.
	Permissions BlobPermissions
	Start       time.Time // default at once
	Expiry      time.Time

	// Snapshot or VersionID is for one snapshot or version alone, as a
	// signature for the blob itself is not for them. They need version
	// 2018-11-09. Handles of snapshots and versions fill them in.
	Snapshot  string
	VersionID string

	// Policy is the ID of a stored access policy of the container, of 64
	// characters at most. Not with a user delegation key.
	Policy string

	Protocol        Protocol        // needs version 2015-04-05
	IP              IPRange         // needs version 2015-04-05
	EncryptionScope string          // of all that is written; needs version 2020-12-06
	Headers         ResponseHeaders // of reads; needs version 2013-08-15
	Delegation      Delegation      // with a user delegation key only
	Version         string          // from 2012-02-12 on; default [DefaultVersion]
}

// Sign returns the query string of the signature, without a question mark. It
// is a secret. To be used with azureblob.SASCredential, or after the URL of the
// blob. That of a snapshot or version begins with its ID, so it goes after the
// URL of the blob itself.
//
// Errors: fs.ErrInvalid for what the service would refuse; what the key returns.
func (b Blob) Sign(container, blob string) (string, error) {
	return b.resource(container, blob).sign()
}

func (b Blob) resource(container, blob string) *resource {
	r := &resource{
		common: common{
			key: b.Key, version: b.Version, permissions: b.Permissions.String(), start: b.Start, expiry: b.Expiry,
			ip: b.IP, protocol: b.Protocol, scope: b.EncryptionScope, policy: b.Policy,
		},
		headers: b.Headers, delegation: b.Delegation, kind: "b", container: container,
		path: strings.ReplaceAll(blob, `\`, "/"), snapshot: b.Snapshot, versionID: b.VersionID,
	}
	switch {
	case b.Snapshot != "":
		r.kind = "bs"
	case b.VersionID != "":
		r.kind = "bv"
	}
	return r
}

// resource is what a service SAS and a user delegation SAS are made of.
type resource struct {
	common
	headers             ResponseHeaders
	delegation          Delegation
	kind                string // c, d, b, bs or bv
	container, path     string
	snapshot, versionID string
}

func (r *resource) sign() (string, error) {
	v, text, err := r.text()
	if err != nil {
		return "", err
	}
	return v.sign(r.key, text)
}

// text is the parameters, and the text that is signed.
func (r *resource) text() (values, string, error) {
	key, isDelegated := r.key.(delegated)
	oldest := map[string]string{"bs": "2018-11-09", "bv": "2018-11-09", "d": "2020-02-10"}[r.kind]
	if oldest == "" {
		oldest = "2012-02-12"
		if isDelegated {
			oldest = "2018-11-09"
		}
	}
	v, err := r.common.values(oldest)
	if err != nil {
		return nil, "", err
	}
	if err := r.check(); err != nil {
		return nil, "", err
	}
	v["sr"] = r.kind
	if r.kind == "d" {
		v["sdd"] = strconv.Itoa(depth(r.path))
	}
	v["snapshot"], v["versionid"] = r.snapshot, r.versionID
	h := r.headers
	v["rscc"], v["rscd"], v["rsce"], v["rscl"], v["rsct"] = h.CacheControl, h.ContentDisposition, h.ContentEncoding, h.ContentLanguage, h.ContentType
	if isDelegated {
		text, err := r.delegatedText(v, key.delegationKey())
		return v, text, err
	}
	if !r.delegation.isZero() {
		return nil, "", invalidf("the Delegation fields are for signatures of a user delegation key")
	}
	return v, v.text(r.serviceFields()...), nil
}

// serviceFields are the fields of a service SAS in the order of its version.
func (r *resource) serviceFields() []string {
	fields := []string{"sp", "st", "se", "=" + r.canonicalName(), "si"}
	if r.version >= "2015-04-05" {
		fields = append(fields, "sip", "spr")
	}
	fields = append(fields, "sv")
	if r.version >= "2018-11-09" {
		fields = append(fields, "sr", "="+r.snapshot+r.versionID)
	}
	if r.version >= "2020-12-06" {
		fields = append(fields, "ses")
	}
	if r.version >= "2013-08-15" {
		fields = append(fields, "rscc", "rscd", "rsce", "rscl", "rsct")
	}
	return fields
}

// canonicalName names the resource as it is signed: decoded, with the account and
// never with the host.
func (r *resource) canonicalName() string {
	name := "/" + r.key.AccountName() + "/" + r.container
	if r.version >= "2015-02-21" {
		name = "/blob" + name
	}
	if r.path != "" {
		name += "/" + r.path
	}
	return name
}

func (r *resource) check() error {
	switch {
	case r.container == "" || strings.ContainsAny(r.container, `/\?#%`):
		return invalidf("%q is no name of a container", r.container)
	case r.path == "" && r.kind[0] == 'b':
		return invalidf("the blob has no name")
	case r.snapshot != "" && r.versionID != "":
		return invalidf("a snapshot and a version exclude each other")
	case utf8.RuneCountInString(r.policy) > 64:
		return invalidf("the ID of the stored access policy has %d characters, and 64 are the most", utf8.RuneCountInString(r.policy))
	case r.version < "2013-08-15" && r.headers != ResponseHeaders{}:
		return tooOld(r.version, "a response header", "2013-08-15")
	}
	if err := checkLetters(r.permissions, r.version); err != nil {
		return err
	}
	h := r.headers
	for _, f := range [...][2]string{
		{"the container name", r.container}, {"the name", r.path}, {"the snapshot", r.snapshot}, {"the version ID", r.versionID},
		{"Cache-Control", h.CacheControl}, {"Content-Disposition", h.ContentDisposition}, {"Content-Encoding", h.ContentEncoding},
		{"Content-Language", h.ContentLanguage}, {"Content-Type", h.ContentType},
	} {
		if err := checkText(f[0], f[1]); err != nil {
			return err
		}
	}
	return nil
}

// depth is how many names a path is made of.
func depth(path string) int {
	if path == "" {
		return 0
	}
	return strings.Count(path, "/") + 1
}
