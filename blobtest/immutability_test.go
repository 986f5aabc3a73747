package blobtest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

const (
	untilHeader = "x-ms-immutability-policy-until-date"
	modeHeader  = "x-ms-immutability-policy-mode"
)

func httpTime(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }

func TestImmutabilityPolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := photos(t)
		const cat, policy = "photos/a/cat.jpg", "photos/a/cat.jpg?comp=immutabilityPolicies"
		set := func(what string, d time.Duration, mode string, status int, code string) {
			t.Helper()
			a := raw(t, srv, "PUT", policy, "", untilHeader, httpTime(d), modeHeader, mode)
			if a.expect(t, what, status, code); status != 200 {
				return
			}
			h := raw(t, srv, "HEAD", cat, "").header
			for _, name := range []string{untilHeader, modeHeader} {
				if a.header.Get(name) == "" || h.Get(name) != a.header.Get(name) {
					t.Errorf("%s: %s is %q, told as %q", what, name, h.Get(name), a.header.Get(name))
				}
			}
		}
		set("past", -time.Second, "", 400, "InvalidHeaderValue")
		set("other mode", time.Hour, "mutable", 400, "InvalidHeaderValue")
		raw(t, srv, "PUT", policy, "", modeHeader, "locked").expect(t, "no date", 400, "MissingRequiredHeader")
		raw(t, srv, "PUT", policy, "", untilHeader, httpTime(time.Hour), "If-Unmodified-Since", httpTime(-time.Hour)).expect(t, "changed since", 412, "ConditionNotMet")
		set("unlocked", time.Hour, "", 200, "")
		set("sooner", time.Minute, "Unlocked", 200, "")
		for what, a := range map[string]answer{
			"delete":   raw(t, srv, "DELETE", cat, ""),
			"write":    raw(t, srv, "PUT", cat, "new", "x-ms-blob-type", "BlockBlob"),
			"metadata": raw(t, srv, "PUT", cat+"?comp=metadata", ""), "headers": raw(t, srv, "PUT", cat+"?comp=properties", ""),
			"container": raw(t, srv, "DELETE", "photos?restype=container", ""),
		} {
			a.expect(t, what, 409, "BlobImmutableDueToPolicy")
		}
		raw(t, srv, "DELETE", policy, "").expect(t, "delete an unlocked policy", 200, "")
		raw(t, srv, "PUT", cat+"?comp=metadata", "").expect(t, "without policy", 200, "")

		set("locked", time.Hour, "locked", 200, "")
		set("sooner", time.Minute, "locked", 409, "BlobImmutableDueToPolicy")
		set("unlock", 2*time.Hour, "unlocked", 409, "BlobImmutableDueToPolicy")
		raw(t, srv, "DELETE", policy, "").expect(t, "delete a locked policy", 409, "ImmutabilityPolicyDeleteOnLockedPolicy")
		set("later", 2*time.Hour, "locked", 200, "")
		time.Sleep(2*time.Hour - time.Second)
		raw(t, srv, "DELETE", cat, "").expect(t, "just before", 409, "BlobImmutableDueToPolicy")
		time.Sleep(time.Second)
		raw(t, srv, "DELETE", cat, "").expect(t, "after", 202, "")
		raw(t, srv, "PUT", policy, "", untilHeader, httpTime(time.Hour)).expect(t, "no blob", 404, "BlobNotFound")
	})
}

func TestLegalHold(t *testing.T) {
	srv := blobtest.New(t, &blobtest.Options{Versioning: true})
	const cat, hold = "photos/cat.jpg", "photos/cat.jpg?comp=legalhold"
	raw(t, srv, "PUT", "photos?restype=container", "").expect(t, "create", 201, "")
	first := raw(t, srv, "PUT", cat, "meow", "x-ms-blob-type", "BlockBlob", "x-ms-legal-hold", "true")
	first.expect(t, "put", 201, "")
	raw(t, srv, "PUT", hold, "").expect(t, "no value", 400, "MissingRequiredHeader")
	raw(t, srv, "PUT", hold, "", "x-ms-legal-hold", "maybe").expect(t, "other value", 400, "InvalidHeaderValue")
	raw(t, srv, "DELETE", cat, "").expect(t, "delete", 409, "BlobImmutableDueToLegalHold")
	raw(t, srv, "PUT", cat+"?comp=metadata", "").expect(t, "metadata", 409, "BlobImmutableDueToLegalHold")
	raw(t, srv, "PUT", cat, "purr", "x-ms-blob-type", "BlockBlob").expect(t, "a new version", 201, "")
	version := "versionid=" + first.header.Get("x-ms-version-id")
	raw(t, srv, "DELETE", cat+"?"+version, "").expect(t, "delete the version", 409, "BlobImmutableDueToLegalHold")
	if a := raw(t, srv, "PUT", hold+"&"+version, "", "x-ms-legal-hold", "false"); a.status != 200 || a.header.Get("x-ms-legal-hold") != "false" {
		t.Errorf("%+v", a)
	}
	raw(t, srv, "DELETE", cat+"?"+version, "").expect(t, "delete the version", 202, "")
	raw(t, srv, "PUT", "photos/x", "", "x-ms-blob-type", "BlockBlob", modeHeader, "locked").expect(t, "mode without date", 400, "MissingRequiredHeader")
}

func TestImmutableOverwrite(t *testing.T) {
	srv := photos(t)
	raw(t, srv, "PUT", "photos/x", "", "x-ms-blob-type", "BlockBlob", untilHeader, httpTime(time.Hour), modeHeader, "Locked").expect(t, "put", 201, "")
	raw(t, srv, "PUT", "photos/x", "", "x-ms-blob-type", "BlockBlob").expect(t, "overwrite", 409, "BlobImmutableDueToPolicy")
	raw(t, srv, "PUT", "photos/x?comp=tags", "<Tags><TagSet/></Tags>").expect(t, "tags", 204, "")
}
