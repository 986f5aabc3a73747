package blobtest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob/blobtest"
)

const (
	leaseA = "5b2c3c4d-0000-4000-8000-00000000000a"
	leaseB = "5b2c3c4d-0000-4000-8000-00000000000b"
	leaseC = "5b2c3c4d-0000-4000-8000-00000000000c"
)

// leaseCall does an action on the lease of a blob or container.
func leaseCall(t *testing.T, srv *blobtest.Server, resource, action string, header ...string) answer {
	t.Helper()
	return raw(t, srv, "PUT", resource, "", append([]string{"x-ms-lease-action", action}, header...)...)
}

// leaseStates bring a new lease, of 15 seconds and with the ID A, into a state.
var leaseStates = []struct {
	name, status string
	enter        func(t *testing.T, srv *blobtest.Server, resource string)
}{
	{"available", "unlocked", func(*testing.T, *blobtest.Server, string) {}},
	{"leased", "locked", acquireA},
	{"breaking", "locked", func(t *testing.T, srv *blobtest.Server, resource string) {
		acquireA(t, srv, resource)
		leaseCall(t, srv, resource, "break").expect(t, "break", 202, "")
	}},
	{"broken", "unlocked", func(t *testing.T, srv *blobtest.Server, resource string) {
		acquireA(t, srv, resource)
		leaseCall(t, srv, resource, "break").expect(t, "break", 202, "")
		time.Sleep(15 * time.Second)
	}},
	{"expired", "unlocked", func(t *testing.T, srv *blobtest.Server, resource string) {
		acquireA(t, srv, resource)
		time.Sleep(15 * time.Second)
	}},
}

func acquireA(t *testing.T, srv *blobtest.Server, resource string) {
	t.Helper()
	leaseCall(t, srv, resource, "acquire", "x-ms-lease-duration", "15", "x-ms-proposed-lease-id", leaseA).expect(t, "acquire", 201, "")
}

func TestLeaseStates(t *testing.T) {
	const (
		present, mismatch, none = "LeaseAlreadyPresent", "LeaseIdMismatchWithLeaseOperation", "LeaseNotPresentWithLeaseOperation"
		breaking, changing      = "LeaseIsBreakingAndCannotBeAcquired", "LeaseIsBreakingAndCannotBeChanged"
		broken                  = "LeaseIsBrokenAndCannotBeRenewed"
	)
	id, proposed := "x-ms-lease-id", "x-ms-proposed-lease-id"
	acquire := []string{"x-ms-lease-duration", "15"}
	for _, c := range []struct {
		name, action string
		header       []string
		status       int
		codes, after [5]string // by state; a code of "" is success
	}{
		{"acquire", "acquire", acquire, 201, [5]string{"", present, present, "", ""}, [5]string{"leased", "", "", "leased", "leased"}},
		{"acquire A", "acquire", append(acquire, proposed, leaseA), 201, [5]string{"", "", breaking, "", ""}, [5]string{"leased", "leased", "", "leased", "leased"}},
		{"acquire B", "acquire", append(acquire, proposed, leaseB), 201, [5]string{"", present, present, "", ""}, [5]string{"leased", "", "", "leased", "leased"}},
		{"break now", "break", []string{"x-ms-lease-break-period", "0"}, 202, [5]string{none}, [5]string{"", "broken", "broken", "broken", "broken"}},
		{"break later", "break", []string{"x-ms-lease-break-period", "5"}, 202, [5]string{none}, [5]string{"", "breaking", "breaking", "broken", "broken"}},
		{"change A to B", "change", []string{id, leaseA, proposed, leaseB}, 200, [5]string{none, "", changing, none, none}, [5]string{"", "leased"}},
		{"change B to A", "change", []string{id, leaseB, proposed, leaseA}, 200, [5]string{none, "", changing, none, none}, [5]string{"", "leased"}},
		{"change B to C", "change", []string{id, leaseB, proposed, leaseC}, 200, [5]string{none, mismatch, mismatch, none, none}, [5]string{}},
		{"renew A", "renew", []string{id, leaseA}, 200, [5]string{mismatch, "", broken, broken, ""}, [5]string{"", "leased", "", "", "leased"}},
		{"renew B", "renew", []string{id, leaseB}, 200, [5]string{mismatch, mismatch, mismatch, mismatch, mismatch}, [5]string{}},
		{"release A", "release", []string{id, leaseA}, 200, [5]string{mismatch}, [5]string{"", "available", "available", "available", "available"}},
		{"release B", "release", []string{id, leaseB}, 200, [5]string{mismatch, mismatch, mismatch, mismatch, mismatch}, [5]string{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := photos(t)
			for _, on := range []struct{ lease, resource string }{
				{"photos?restype=container&comp=lease", "photos?restype=container"}, {"photos/a/cat.jpg?comp=lease", "photos/a/cat.jpg"},
			} {
				for i, state := range leaseStates {
					what := c.name + " when " + state.name + " on " + on.resource
					state.enter(t, srv, on.lease)
					if got := raw(t, srv, "HEAD", on.resource, "").header; got.Get("x-ms-lease-state") != state.name || got.Get("x-ms-lease-status") != state.status {
						t.Errorf("%s: before %v", what, got)
					}
					status, after := c.status, c.after[i]
					if c.codes[i] != "" {
						status, after = 409, state.name
					}
					leaseCall(t, srv, on.lease, c.action, c.header...).expect(t, what, status, c.codes[i])
					got := raw(t, srv, "HEAD", on.resource, "").header
					if got.Get("x-ms-lease-state") != after {
						t.Errorf("%s: after %v", what, got)
					}
					leaseCall(t, srv, on.lease, "break", "x-ms-lease-break-period", "0")
					// A broken lease may be taken over whatever its ID is.
					leaseCall(t, srv, on.lease, "acquire", "x-ms-lease-duration", "15", "x-ms-proposed-lease-id", leaseA)
					leaseCall(t, srv, on.lease, "release", "x-ms-lease-id", leaseA).expect(t, "tidy", 200, "")
				}
			}
		})
	}
}

func TestWritesByLeaseState(t *testing.T) {
	const missing, none, mismatch, lost = "LeaseIdMissing", "LeaseNotPresentWithBlobOperation", "LeaseIdMismatchWithBlobOperation", "LeaseLost"
	for i, state := range leaseStates {
		for _, c := range []struct {
			method, id string
			codes      [5]string
		}{
			{"PUT", "", [5]string{"", missing, missing, "", ""}},
			{"PUT", leaseA, [5]string{none, "", "", lost, lost}},
			{"PUT", leaseB, [5]string{none, mismatch, mismatch, none, none}},
			{"GET", "", [5]string{}},
			{"GET", leaseA, [5]string{none, "", "", lost, lost}},
			{"GET", leaseB, [5]string{none, mismatch, mismatch, none, none}},
			{"GET", "nonsense", [5]string{"InvalidHeaderValue", "InvalidHeaderValue", "InvalidHeaderValue", "InvalidHeaderValue", "InvalidHeaderValue"}},
		} {
			synctest.Test(t, func(t *testing.T) {
				srv := photos(t)
				state.enter(t, srv, "photos/a/cat.jpg?comp=lease")
				a := raw(t, srv, c.method, "photos/a/cat.jpg?comp=metadata", "", "x-ms-lease-id", c.id)
				status := 200
				switch code := c.codes[i]; {
				case code == "InvalidHeaderValue":
					status = 400
				case code != "":
					status = 412
				}
				a.expect(t, c.method+" "+c.id+" when "+state.name, status, c.codes[i])
				if ended := state.name == "broken" || state.name == "expired"; ended && c.method == "PUT" && c.id == "" {
					leaseCall(t, srv, "photos/a/cat.jpg?comp=lease", "renew", "x-ms-lease-id", leaseA).expect(t, "renew after a write", 409, "LeaseIdMismatchWithLeaseOperation")
				}
			})
		}
	}
}

// TestAllWritesNeedTheLease does all that changes a blob to one that is leased.
func TestAllWritesNeedTheLease(t *testing.T) {
	const block, log, disk = "photos/block", "photos/log", "photos/disk"
	srv := photos(t)
	for resource, kind := range map[string]string{block: "BlockBlob", log: "AppendBlob", disk: "PageBlob"} {
		raw(t, srv, "PUT", resource, "", "x-ms-blob-type", kind, "x-ms-blob-content-length", "512").expect(t, resource, 201, "")
		leaseCall(t, srv, resource+"?comp=lease", "acquire", "x-ms-lease-duration", "-1", "x-ms-proposed-lease-id", leaseA).expect(t, "acquire", 201, "")
	}
	for _, c := range []struct {
		method, resource, body string
		header                 []string
		status                 int
	}{
		{"PUT", block + "?comp=block&blockid=AAAA", "some", nil, 201},
		{"PUT", block + "?comp=blocklist", "<BlockList><Latest>AAAA</Latest></BlockList>", nil, 201},
		{"PUT", block, "some", []string{"x-ms-blob-type", "BlockBlob"}, 201},
		{"PUT", block, "", []string{"x-ms-copy-source", srv.Endpoint() + "/photos/a/cat.jpg"}, 202},
		{"PUT", block + "?comp=metadata", "", nil, 200},
		{"PUT", block + "?comp=properties", "", nil, 200},
		{"PUT", block + "?comp=tier", "", []string{"x-ms-access-tier", "Cool"}, 200},
		{"PUT", block + "?comp=tags", "<Tags><TagSet></TagSet></Tags>", nil, 204},
		{"PUT", log + "?comp=appendblock", "some", nil, 201},
		{"PUT", log + "?comp=seal", "", nil, 200},
		{"PUT", disk + "?comp=page", strings.Repeat("p", 512), []string{"x-ms-page-write", "update", "x-ms-range", "bytes=0-511"}, 201},
		{"PUT", disk + "?comp=page", "", []string{"x-ms-page-write", "clear", "x-ms-range", "bytes=0-511"}, 201},
		{"PUT", disk + "?comp=properties", "", []string{"x-ms-blob-content-length", "1024"}, 200},
		{"PUT", disk + "?comp=properties", "", []string{"x-ms-sequence-number-action", "increment"}, 200},
		{"DELETE", disk, "", nil, 202},
	} {
		what := c.method + " " + c.resource
		raw(t, srv, c.method, c.resource, c.body, c.header...).expect(t, what+" without", 412, "LeaseIdMissing")
		raw(t, srv, c.method, c.resource, c.body, append(c.header, "x-ms-lease-id", leaseB)...).expect(t, what+" with another", 412, "LeaseIdMismatchWithBlobOperation")
		raw(t, srv, c.method, c.resource, c.body, append(c.header, "x-ms-lease-id", leaseA)...).expect(t, what, c.status, "")
	}
	raw(t, srv, "PUT", block+"?comp=snapshot", "").expect(t, "a snapshot is no change", 201, "")
}

func TestLeaseTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := photos(t)
		const lease = "photos/a/cat.jpg?comp=lease"
		etag := raw(t, srv, "HEAD", "photos/a/cat.jpg", "").header.Get("ETag")
		a := leaseCall(t, srv, lease, "acquire", "x-ms-lease-duration", "60")
		if id := a.header.Get("x-ms-lease-id"); len(id) != 36 || a.header.Get("ETag") != etag || a.header.Get("Last-Modified") == "" {
			t.Errorf("%v", a.header)
		}
		time.Sleep(20*time.Second + time.Millisecond)
		for _, c := range []struct{ period, left string }{{"50", "40"}, {"", "40"}, {"30", "30"}, {"60", "30"}, {"", "30"}, {"0", "0"}, {"9", "0"}} {
			a := leaseCall(t, srv, lease, "break", "x-ms-lease-break-period", c.period)
			if a.expect(t, "break in "+c.period, 202, ""); a.header.Get("x-ms-lease-time") != c.left {
				t.Errorf("break in %q: %q left, and not %q", c.period, a.header.Get("x-ms-lease-time"), c.left)
			}
		}
		leaseCall(t, srv, lease, "acquire", "x-ms-lease-duration", "-1", "x-ms-proposed-lease-id", leaseA).expect(t, "infinite", 201, "")
		time.Sleep(24 * time.Hour)
		if h := raw(t, srv, "HEAD", "photos/a/cat.jpg", "").header; h.Get("x-ms-lease-duration") != "infinite" || h.Get("x-ms-lease-state") != "leased" {
			t.Errorf("%v", h)
		}
		leaseCall(t, srv, lease, "renew", "x-ms-lease-id", "{"+leaseA+"}").expect(t, "renew, other form of the ID", 200, "")
		if a := leaseCall(t, srv, lease, "break"); a.header.Get("x-ms-lease-time") != "0" {
			t.Errorf("an infinite lease breaks in %v", a.header)
		}
		acquireA(t, srv, lease)
		time.Sleep(14 * time.Second)
		leaseCall(t, srv, lease, "renew", "x-ms-lease-id", leaseA).expect(t, "renew", 200, "")
		time.Sleep(14 * time.Second)
		if h := raw(t, srv, "HEAD", "photos/a/cat.jpg", "").header; h.Get("x-ms-lease-duration") != "fixed" || h.Get("x-ms-lease-state") != "leased" {
			t.Errorf("renewal did nothing: %v", h)
		}
	})
}

func TestLeaseMistakes(t *testing.T) {
	srv := photos(t)
	duration, proposed, id := "x-ms-lease-duration", "x-ms-proposed-lease-id", "x-ms-lease-id"
	for _, c := range []struct {
		action string
		header []string
		status int
		code   string
	}{
		{"acquire", nil, 400, "MissingRequiredHeader"},
		{"acquire", []string{duration, "14"}, 400, "InvalidHeaderValue"},
		{"acquire", []string{duration, "61"}, 400, "InvalidHeaderValue"},
		{"acquire", []string{duration, "0"}, 400, "InvalidHeaderValue"},
		{"acquire", []string{duration, "-2"}, 400, "InvalidHeaderValue"},
		{"acquire", []string{duration, "15", proposed, "mine"}, 400, "InvalidHeaderValue"},
		{"acquire", []string{duration, "15", "If-Match", `"x"`}, 412, "ConditionNotMet"},
		{"acquire", []string{duration, "15", "x-ms-if-tags", "a = 'b'"}, 412, "ConditionNotMet"},
		{"break", []string{"x-ms-lease-break-period", "61"}, 400, "InvalidHeaderValue"},
		{"break", []string{"x-ms-lease-break-period", "-1"}, 400, "InvalidHeaderValue"},
		{"renew", nil, 400, "MissingRequiredHeader"},
		{"release", nil, 400, "MissingRequiredHeader"},
		{"change", []string{id, leaseA}, 400, "MissingRequiredHeader"},
		{"change", []string{id, leaseA, proposed, "mine"}, 400, "InvalidHeaderValue"},
		{"keep", nil, 400, "InvalidHeaderValue"},
	} {
		leaseCall(t, srv, "photos/a/cat.jpg?comp=lease", c.action, c.header...).expect(t, c.action, c.status, c.code)
	}
	leaseCall(t, srv, "photos/none?comp=lease", "break").expect(t, "no blob", 404, "BlobNotFound")
	leaseCall(t, srv, "films?restype=container&comp=lease", "break").expect(t, "no container", 404, "ContainerNotFound")
	leaseCall(t, srv, "photos?restype=container&comp=lease", "acquire", duration, "15", "If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT").
		expect(t, "changed since", 412, "ConditionNotMet")
	q := serviceSAS(t, "photos/a/cat.jpg", "sv", "2026-06-06", "sr", "b", "sp", "d", "se", inTime(time.Hour))
	withSAS(t, srv, "PUT", "photos/a/cat.jpg?comp=lease", q, "", "x-ms-lease-action", "acquire", duration, "15").expect(t, "acquire by d", 403, "AuthorizationPermissionMismatch")
	withSAS(t, srv, "PUT", "photos/a/cat.jpg?comp=lease", q, "", "x-ms-lease-action", "break").expect(t, "break by d", 409, "LeaseNotPresentWithLeaseOperation")
}

// TestLeaseUntilModified shows that an expired lease of a container can be
// renewed until the container is changed.
func TestLeaseUntilModified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := photos(t)
		const lease = "photos?restype=container&comp=lease"
		acquireA(t, srv, lease)
		time.Sleep(time.Minute)
		leaseCall(t, srv, lease, "renew", "x-ms-lease-id", leaseA).expect(t, "unchanged", 200, "")
		time.Sleep(time.Minute)
		raw(t, srv, "PUT", "photos?restype=container&comp=metadata", "").expect(t, "change", 200, "")
		leaseCall(t, srv, lease, "renew", "x-ms-lease-id", leaseA).expect(t, "changed", 409, "LeaseIdMismatchWithLeaseOperation")
	})
}

// TestLeaseEndsUnderway has leases end while the bodies of writes arrive.
func TestLeaseEndsUnderway(t *testing.T) {
	for _, fault := range []blobtest.Fault{
		{Method: "PUT", Delay: 20 * time.Second}, {Method: "PUT", Delay: 20 * time.Second, At: blobtest.DuringRequest}, {Method: "PUT", Bandwidth: 5},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := photos(t)
			acquireA(t, srv, "photos/a/cat.jpg?comp=lease")
			srv.Inject(fault)
			begun := time.Now()
			raw(t, srv, "PUT", "photos/a/cat.jpg", strings.Repeat("x", 100), "x-ms-blob-type", "BlockBlob", "x-ms-lease-id", leaseA).
				expect(t, "slow write", 412, "LeaseLost")
			if took := time.Since(begun).Round(time.Second); took < 20*time.Second {
				t.Errorf("took %v", took)
			}
			a := raw(t, srv, "PUT", "photos/a/cat.jpg", "some", "x-ms-blob-type", "BlockBlob")
			if changed, err := http.ParseTime(a.header.Get("Last-Modified")); err != nil || changed.Before(begun.Add(19*time.Second)) {
				t.Errorf("changed at %v, and not after %v", changed, begun)
			}
		})
	}
}
