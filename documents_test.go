package azureblob_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/azurite"
)

// documentOf is the body of the one request that a call sends. Nothing is answered.
func documentOf(t *testing.T, call func(s *azureblob.ServiceClient) error) string {
	t.Helper()
	var bodies []string
	o := azureblob.CapturingOptions()
	o.Retry.Total = -1
	o.Transport = sending(func(req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil || req.Header.Get("Content-Type") != "application/xml" || req.ContentLength != int64(len(body)) {
			t.Errorf("%v, %d bytes, %v", err, len(body), req.Header)
		}
		bodies = append(bodies, string(body))
	})
	s, err := azureblob.NewServiceClient("https://account.blob.core.windows.net", azureblob.TokenCredential(new(azurite.Server).Token()), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := call(s); !errors.Is(err, errUnsent) || len(bodies) != 1 {
		t.Fatalf("%d requests, %v", len(bodies), err)
	}
	_, document, _ := strings.Cut(bodies[0], "?>\n")
	return document
}

// TestDocuments holds what is sent to the letter: services differ in what they
// forgive.
func TestDocuments(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 789, time.FixedZone("", 3600))
	for _, c := range []struct {
		want string
		call func(ctx context.Context, s *azureblob.ServiceClient) error
	}{
		{"<Tags><TagSet></TagSet></Tags>", func(ctx context.Context, s *azureblob.ServiceClient) error {
			_, err := s.Container("photos").Blob("cat.jpg").SetTags(ctx, nil, nil)
			return err
		}},
		{"<Tags><TagSet><Tag><Key>a</Key><Value></Value></Tag><Tag><Key>b c</Key><Value>x=y</Value></Tag></TagSet></Tags>", func(ctx context.Context, s *azureblob.ServiceClient) error {
			_, err := s.Container("photos").Blob("cat.jpg").SetTags(ctx, azureblob.Tags{"b c": "x=y", "a": ""}, nil)
			return err
		}},
		{"<StorageServiceProperties>" +
			"<Logging><Version>1.0</Version><Delete>false</Delete><Read>true</Read><Write>false</Write><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></Logging>" +
			"<HourMetrics><Version>1.0</Version><Enabled>true</Enabled><IncludeAPIs>false</IncludeAPIs><RetentionPolicy><Enabled>true</Enabled><Days>7</Days></RetentionPolicy></HourMetrics>" +
			"<MinuteMetrics><Version>1.0</Version><Enabled>false</Enabled><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></MinuteMetrics>" +
			"<Cors><CorsRule><AllowedOrigins>http://a.test,http://b.test</AllowedOrigins><AllowedMethods>GET</AllowedMethods><AllowedHeaders></AllowedHeaders><ExposedHeaders></ExposedHeaders><MaxAgeInSeconds>2</MaxAgeInSeconds></CorsRule></Cors>" +
			"</StorageServiceProperties>", func(ctx context.Context, s *azureblob.ServiceClient) error {
			_, err := s.SetProperties(ctx, azureblob.ServiceProperties{
				Logging:       &azureblob.AnalyticsLogging{Read: true},
				HourMetrics:   &azureblob.AnalyticsMetrics{Enabled: true, Retention: azureblob.RetentionPolicy{Enabled: true, Days: 7}},
				MinuteMetrics: &azureblob.AnalyticsMetrics{},
				CORS:          []azureblob.CORSRule{{AllowedOrigins: []string{"http://a.test", "http://b.test"}, AllowedMethods: []string{"GET"}, MaxAge: 1500 * time.Millisecond}},
			}, nil)
			return err
		}},
		{"<StorageServiceProperties><Cors></Cors></StorageServiceProperties>", func(ctx context.Context, s *azureblob.ServiceClient) error {
			_, err := s.SetProperties(ctx, azureblob.ServiceProperties{CORS: []azureblob.CORSRule{}}, nil)
			return err
		}},
		{"<SignedIdentifiers></SignedIdentifiers>", func(ctx context.Context, s *azureblob.ServiceClient) error {
			_, err := s.Container("photos").SetAccessPolicy(ctx, azureblob.AccessPolicy{PublicAccess: azureblob.PublicAccessBlob}, nil)
			return err
		}},
		{"<SignedIdentifiers><SignedIdentifier><Id>a&amp;b</Id><AccessPolicy><Start>2026-02-03T03:05:06Z</Start><Permission>rl</Permission></AccessPolicy></SignedIdentifier>" +
			"<SignedIdentifier><Id>c</Id></SignedIdentifier></SignedIdentifiers>", func(ctx context.Context, s *azureblob.ServiceClient) error {
			_, err := s.Container("photos").SetAccessPolicy(ctx, azureblob.AccessPolicy{Identifiers: []azureblob.SignedIdentifier{{ID: "a&b", Start: at, Permissions: "rl"}, {ID: "c"}}}, nil)
			return err
		}},
		{"<KeyInfo><Start>2026-02-03T03:05:06Z</Start><Expiry>2026-02-03T04:05:06Z</Expiry><DelegatedUserTid>t</DelegatedUserTid></KeyInfo>", func(ctx context.Context, s *azureblob.ServiceClient) error {
			_, err := s.UserDelegationKey(ctx, at, at.Add(time.Hour), &azureblob.UserDelegationKeyOptions{DelegatedTenantID: "t"})
			return err
		}},
	} {
		got := documentOf(t, func(s *azureblob.ServiceClient) error { return c.call(t.Context(), s) })
		if got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}
