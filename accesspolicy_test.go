package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/sas"
)

func init() {
	exercise("Container_GetAccessPolicy", "ContainerClient.AccessPolicy", func(ctx context.Context, s subject) (any, error) {
		return s.container().AccessPolicy(ctx, filled[azureblob.AccessPolicyOptions]())
	})
	exercise("Container_SetAccessPolicy", "ContainerClient.SetAccessPolicy", func(ctx context.Context, s subject) (any, error) {
		return s.container().SetAccessPolicy(ctx, *filled[azureblob.AccessPolicy](), filled[azureblob.SetAccessPolicyOptions]())
	})
}

func TestAccessPolicy(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx, c := t.Context(), newContainer(t, s)
		if r := must[azureblob.AccessPolicyResult](t)(c.AccessPolicy(ctx, nil)); r.PublicAccess != "" || len(r.Identifiers) != 0 || r.ETag == "" || r.LastModified.IsZero() {
			t.Errorf("at first: %+v", r)
		}
		start := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
		policy := azureblob.AccessPolicy{
			PublicAccess: azureblob.PublicAccessBlob,
			Identifiers: []azureblob.SignedIdentifier{
				{ID: "both & all", Start: start, Expiry: start.Add(time.Hour), Permissions: sas.ContainerPermissions{Read: true, List: true}.String()},
				{ID: strings.Repeat("i", 64), Expiry: start.Add(time.Hour)},
				{ID: "rights", Permissions: "racwdl"},
			},
		}
		set := must[azureblob.SetAccessPolicyResult](t)(c.SetAccessPolicy(ctx, policy, nil))
		r := must[azureblob.AccessPolicyResult](t)(c.AccessPolicy(ctx, nil))
		if r.ETag != set.ETag || !r.LastModified.Equal(set.LastModified) || fmt.Sprint(r.AccessPolicy) != fmt.Sprint(policy) {
			t.Errorf("%+v\nwant %+v", r, policy)
		}

		// What was read can be changed and set again.
		r.Identifiers = r.Identifiers[:1]
		must[azureblob.SetAccessPolicyResult](t)(c.SetAccessPolicy(ctx, r.AccessPolicy, nil))
		if again := must[azureblob.AccessPolicyResult](t)(c.AccessPolicy(ctx, nil)); again.PublicAccess != azureblob.PublicAccessBlob || len(again.Identifiers) != 1 {
			t.Errorf("%+v", again)
		}
		must[azureblob.SetAccessPolicyResult](t)(c.SetAccessPolicy(ctx, azureblob.AccessPolicy{}, nil))
		if r := must[azureblob.AccessPolicyResult](t)(c.AccessPolicy(ctx, nil)); r.PublicAccess != "" || len(r.Identifiers) != 0 {
			t.Errorf("cleared: %+v", r)
		}

		early := azureblob.ContainerConditions{IfUnmodifiedSince: set.LastModified.Add(-time.Hour)}
		if _, err := c.SetAccessPolicy(ctx, policy, &azureblob.SetAccessPolicyOptions{Conditions: early}); !errors.Is(err, azureblob.ConditionNotMet) {
			t.Errorf("condition: %v", err)
		}
		const lease = "11111111-1111-1111-1111-111111111111"
		if _, err := c.AccessPolicy(ctx, &azureblob.AccessPolicyOptions{LeaseID: lease}); !errors.Is(err, azureblob.LeaseNotPresentWithContainerOperation) {
			t.Errorf("lease: %v", err)
		}
		if _, err := s.Container("t-none").AccessPolicy(ctx, nil); !errors.Is(err, azureblob.ContainerNotFound) {
			t.Errorf("no container: %v", err)
		}
	})
}

func TestAccessPolicyRefusesBadInput(t *testing.T) {
	c, ctx, now := unsent(t).Container("photos"), t.Context(), time.Now()
	one := azureblob.SignedIdentifier{ID: "a"}
	for word, list := range map[string][]azureblob.SignedIdentifier{
		"at most 5":        {{ID: "1"}, {ID: "2"}, {ID: "3"}, {ID: "4"}, {ID: "5"}, {ID: "6"}},
		"1 is empty":       {one, {}},
		"65 characters":    {{ID: strings.Repeat("ü", 65)}},
		"twice":            {one, one},
		"before it begins": {{ID: "a", Start: now, Expiry: now}},
		"not letters":      {{ID: "a", Permissions: "r,w"}},
		"is there twice":   {{ID: "a", Permissions: "rr"}},
		"U+0000":           {{ID: "a\x00"}},
	} {
		_, err := c.SetAccessPolicy(ctx, azureblob.AccessPolicy{Identifiers: list}, nil)
		refused(t, word, err, "Set Container ACL", word)
	}
}
