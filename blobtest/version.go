package blobtest

import (
	"github.com/goblob/azureblob"
)

// versions are the versions of the protocol that there have been.
var versions = func() map[string]bool {
	known := map[string]bool{}
	for _, v := range []string{
		"2009-04-14", "2009-07-17", "2009-09-19", "2011-08-18", "2012-02-12", "2013-08-15", "2014-02-14",
		"2015-02-21", "2015-04-05", "2015-07-08", "2015-12-11", "2016-05-31", "2017-04-17", "2017-07-29", "2017-11-09",
		"2018-03-28", "2018-06-17", "2018-11-09", "2019-02-02", "2019-07-07", "2019-10-10", "2019-12-12",
		"2020-02-10", "2020-04-08", "2020-06-12", "2020-08-04", "2020-10-02", "2020-12-06",
		"2021-02-12", "2021-04-10", "2021-06-08", "2021-08-06", "2021-10-04", "2021-12-02", "2022-11-02",
		"2023-01-03", "2023-05-03", "2023-08-03", "2023-11-03", "2024-02-04", "2024-05-04", "2024-08-04", "2024-11-04",
		"2025-01-05", "2025-05-05", "2025-07-05", "2025-11-05", "2026-02-06", "2026-04-06", "2026-06-06", "2026-10-06", "2026-12-06",
	} {
		known[v] = true
	}
	return known
}()

// version is the version of the protocol that the request is in. A shared
// access signature brings its own, which a header or parameter overrides; anonymous
// requests without one get that of the account or the newest that is in general use.
func (x *exchange) version() string {
	if x.protocol == "" {
		x.protocol = x.namedVersion()
	}
	return x.protocol
}

// namedVersion is version without its memory.
func (x *exchange) namedVersion() string {
	if v := x.params.text("x-ms-version"); v != "" {
		return v
	}
	if v := x.query.Get("api-version"); v != "" {
		return v
	}
	if v := x.query.Get("sv"); v != "" {
		return v
	}
	if x.unnamed != "" {
		return x.unnamed
	}
	return azureblob.DefaultServiceVersion
}

// unnamedVersion looks up what version the account has for a request that names
// none.
func (x *exchange) unnamedVersion() {
	if x.params.text("x-ms-version") == "" && x.query.Get("api-version") == "" && x.query.Get("sv") == "" {
		x.server.mu.Lock()
		x.unnamed = x.account.properties.DefaultServiceVersion
		x.server.mu.Unlock()
	}
}

// since reports whether the request is in that version or a later one.
func (x *exchange) since(version string) bool { return x.version() >= version }

// checkVersion refuses versions that there are not, and requests that need to
// name one and do not.
func (x *exchange) checkVersion() error {
	if v := x.version(); !versions[v] {
		return invalidHeader("x-ms-version", v)
	}
	if x.params.text("Authorization") != "" && x.params.text("x-ms-version") == "" {
		return missingHeader("x-ms-version")
	}
	return nil
}
