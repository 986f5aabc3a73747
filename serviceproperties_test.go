package azureblob_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

func init() {
	exercise("Service_GetProperties", "ServiceClient.Properties", func(ctx context.Context, s subject) (any, error) {
		return s.service.Properties(ctx, filled[azureblob.ServicePropertiesOptions]())
	})
	exercise("Service_SetProperties", "ServiceClient.SetProperties", func(ctx context.Context, s subject) (any, error) {
		return s.service.SetProperties(ctx, azureblob.ServiceProperties{CORS: []azureblob.CORSRule{}}, filled[azureblob.SetServicePropertiesOptions]())
	})
	exercise("Service_GetStatistics", "ServiceClient.Stats", func(ctx context.Context, s subject) (any, error) {
		return s.service.Stats(ctx, filled[azureblob.StatsOptions]())
	})
}

func TestServiceProperties(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		ctx := t.Context()
		before := must[azureblob.ServicePropertiesResult](t)(s.Properties(ctx, nil)).ServiceProperties
		rules := []azureblob.CORSRule{
			{AllowedOrigins: []string{"https://a.test", "https://b.test"}, AllowedMethods: []string{"GET", "PUT"}, AllowedHeaders: []string{"x-ms-meta-*"}, MaxAge: 200 * time.Second},
			{AllowedOrigins: []string{"*"}, AllowedMethods: []string{"DELETE"}, ExposedHeaders: []string{"ETag", "x-ms-request-id"}},
		}
		week := azureblob.RetentionPolicy{Enabled: true, Days: 7}
		for _, step := range []azureblob.ServiceProperties{
			{Logging: &azureblob.AnalyticsLogging{Version: "2.0", Delete: true, Write: true, Retention: week}},
			{HourMetrics: &azureblob.AnalyticsMetrics{Version: "1.0", Enabled: true, IncludeAPIs: true, Retention: week}},
			{MinuteMetrics: &azureblob.AnalyticsMetrics{Version: "1.0", Enabled: true, Retention: week}},
			{CORS: rules},
			{DefaultServiceVersion: "2021-12-02"},
			{DeleteRetention: &azureblob.RetentionPolicy{Enabled: true, Days: 3, AllowPermanentDelete: !azurite}},
			{StaticWebsite: &azureblob.StaticWebsite{Enabled: true, IndexDocument: "index.html", ErrorDocument404Path: "errors/404.html"}},
			{Logging: &azureblob.AnalyticsLogging{}, HourMetrics: &azureblob.AnalyticsMetrics{}},
			{CORS: []azureblob.CORSRule{}, StaticWebsite: &azureblob.StaticWebsite{}, DeleteRetention: &azureblob.RetentionPolicy{}},
		} {
			given, _ := json.Marshal(step)
			if r := must[azureblob.SetServicePropertiesResult](t)(s.SetProperties(ctx, step, nil)); r.StatusCode != 202 || r.RequestID == "" {
				t.Errorf("%+v", r)
			}
			if now, _ := json.Marshal(step); string(now) != string(given) {
				t.Errorf("the settings of the caller were changed from %s to %s", given, now)
			}
			after := must[azureblob.ServicePropertiesResult](t)(s.Properties(ctx, nil)).ServiceProperties
			expectProperties(t, before, step, after)
			before = after
		}
	})
}

// expectProperties wants what was set to be there, and all else to be as before.
func expectProperties(t *testing.T, before, set, after azureblob.ServiceProperties) {
	t.Helper()
	for i := range reflect.TypeFor[azureblob.ServiceProperties]().NumField() {
		want, have := reflect.ValueOf(set).Field(i), reflect.ValueOf(after).Field(i)
		if want.IsZero() {
			want = reflect.ValueOf(before).Field(i)
		}
		// An empty list is like none here, and an empty version is the default.
		text := strings.Replace(fmt.Sprintf("%+v", want), "&{Version: ", "&{Version:1.0 ", 1)
		if got := fmt.Sprintf("%+v", have); got != text {
			t.Errorf("%s is %s and not %s", reflect.TypeOf(set).Field(i).Name, got, text)
		}
	}
}

// TestServicePropertiesTravel sets what was read, after it was changed.
func TestServicePropertiesTravel(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		r := must[azureblob.ServicePropertiesResult](t)(s.Properties(t.Context(), nil))
		must[azureblob.SetServicePropertiesResult](t)(s.SetProperties(t.Context(), azureblob.ServiceProperties{
			CORS:            []azureblob.CORSRule{{AllowedOrigins: []string{"*"}, AllowedMethods: []string{"GET"}}},
			DeleteRetention: &azureblob.RetentionPolicy{Enabled: true, Days: 3},
			StaticWebsite:   &azureblob.StaticWebsite{Enabled: true},
		}, nil))
		must[azureblob.SetServicePropertiesResult](t)(s.SetProperties(t.Context(), r.ServiceProperties, nil))
		again := must[azureblob.ServicePropertiesResult](t)(s.Properties(t.Context(), nil))
		expectProperties(t, r.ServiceProperties, azureblob.ServiceProperties{}, again.ServiceProperties)
	})
}

func TestServicePropertiesRefuseBadInput(t *testing.T) {
	s, ctx := unsent(t), t.Context()
	rule := azureblob.CORSRule{AllowedOrigins: []string{"*"}, AllowedMethods: []string{"GET"}}
	with := func(change func(*azureblob.CORSRule)) azureblob.ServiceProperties {
		r := rule
		change(&r)
		return azureblob.ServiceProperties{CORS: []azureblob.CORSRule{rule, r}}
	}
	for word, p := range map[string]azureblob.ServiceProperties{
		"no setting":            {},
		"YYYY-MM-DD":            {DefaultServiceVersion: "latest"},
		"Logging.Retention":     {Logging: &azureblob.AnalyticsLogging{Retention: azureblob.RetentionPolicy{Enabled: true}}},
		"DeleteRetention.Days":  {DeleteRetention: &azureblob.RetentionPolicy{Enabled: true, Days: 366}},
		"not enabled":           {DeleteRetention: &azureblob.RetentionPolicy{Days: 7}},
		"AllowPermanentDelete":  {HourMetrics: &azureblob.AnalyticsMetrics{Retention: azureblob.RetentionPolicy{Enabled: true, Days: 1, AllowPermanentDelete: true}}},
		"MinuteMetrics.Include": {MinuteMetrics: &azureblob.AnalyticsMetrics{IncludeAPIs: true}},
		"exclude each other":    {StaticWebsite: &azureblob.StaticWebsite{Enabled: true, IndexDocument: "a", DefaultIndexDocumentPath: "b"}},
		"slash":                 {StaticWebsite: &azureblob.StaticWebsite{Enabled: true, IndexDocument: "a/b"}},
		"at most 5":             {CORS: []azureblob.CORSRule{rule, rule, rule, rule, rule, rule}},
		"rule 1 allows no orig": with(func(r *azureblob.CORSRule) { r.AllowedOrigins = nil }),
		"rule 1 allows no meth": with(func(r *azureblob.CORSRule) { r.AllowedMethods = nil }),
		"FETCH":                 with(func(r *azureblob.CORSRule) { r.AllowedMethods = []string{"FETCH"} }),
		"negative":              with(func(r *azureblob.CORSRule) { r.MaxAge = -1 }),
		`"a,b" is not one`:      with(func(r *azureblob.CORSRule) { r.AllowedHeaders = []string{"a,b"} }),
		"bytes":                 with(func(r *azureblob.CORSRule) { r.ExposedHeaders = []string{strings.Repeat("a", 2048)} }),
	} {
		_, err := s.SetProperties(ctx, p, nil)
		refused(t, word, err, "Set Blob Service Properties", word)
	}
}

func TestStats(t *testing.T) {
	onServices(t, func(t *testing.T, s *azureblob.ServiceClient, azurite bool) {
		r := must[azureblob.StatsResult](t)(s.Stats(t.Context(), nil))
		if r.Status != azureblob.GeoReplicationLive || time.Since(r.LastSyncTime) > time.Hour || r.RequestID == "" {
			t.Errorf("%+v", r)
		}
	})
}

func TestStatsTellTheLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := blobtest.New(t, &blobtest.Options{SecondaryLag: 5 * time.Minute})
		r := must[azureblob.StatsResult](t)(srv.ServiceClient(azureblob.CapturingOptions()).Stats(t.Context(), nil))
		if lag := time.Since(r.LastSyncTime); lag != 5*time.Minute {
			t.Errorf("%v behind", lag)
		}
		if requests := srv.Requests(); len(requests) != 1 || !requests[0].Secondary {
			t.Errorf("%+v", requests)
		}
	})
}

func TestStatsWithoutASecondary(t *testing.T) {
	o := azureblob.CapturingOptions()
	o.Transport = sending(func(*http.Request) { t.Error("sent") })
	s, err := azureblob.NewServiceClient("https://blobs.example.com", nil, o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Stats(t.Context(), nil)
	refused(t, "no secondary", err, "Get Blob Service Stats", "BlobSecondaryEndpoint")
	if _, err := (&azureblob.ServiceClient{}).Stats(t.Context(), nil); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("zero client: %v", err)
	}
}
