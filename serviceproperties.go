package azureblob

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// ServiceProperties are the settings of the Blob service of an account. What is
// nil or empty is left as it is when they are set, so change one alone:
//
//	_, err := service.SetProperties(ctx, azureblob.ServiceProperties{
//		DeleteRetention: &azureblob.RetentionPolicy{Enabled: true, Days: 7},
//	}, nil)
//
// A setting that is there replaces all of the old one.
type ServiceProperties struct {
	Logging       *AnalyticsLogging `xml:"Logging"`       // requests that are logged in $logs
	HourMetrics   *AnalyticsMetrics `xml:"HourMetrics"`   // sums of requests, by the hour
	MinuteMetrics *AnalyticsMetrics `xml:"MinuteMetrics"` // and by the minute

	// CORS are the rules for browsers that call from other origins, at most 5 and
	// 2 KiB in all. The first that fits counts. A list that is empty but not nil
	// takes all rules away.
	CORS []CORSRule `xml:"Cors>CorsRule"`

	// DefaultServiceVersion is the protocol version for requests that name none,
	// of the form YYYY-MM-DD. Those of this module always name one.
	DefaultServiceVersion string `xml:"DefaultServiceVersion"`

	DeleteRetention *RetentionPolicy `xml:"DeleteRetentionPolicy"` // soft delete of blobs and snapshots
	StaticWebsite   *StaticWebsite   `xml:"StaticWebsite"`         // the container $web as a website
}

// RetentionPolicy says for how long something is kept.
type RetentionPolicy struct {
	Enabled              bool `xml:"Enabled,always"`       // off keeps analytics data for ever, and deleted blobs not at all
	Days                 int  `xml:"Days"`                 // 1 to 365; if enabled
	AllowPermanentDelete bool `xml:"AllowPermanentDelete"` // deleted blobs only: snapshots and versions can be deleted for good before their time
}

// AnalyticsLogging says which requests are logged in the container $logs.
type AnalyticsLogging struct {
	Version   string          `xml:"Version"`                // format of the log; default 1.0
	Delete    bool            `xml:"Delete,always"`          // requests that delete
	Read      bool            `xml:"Read,always"`            // requests that read
	Write     bool            `xml:"Write,always"`           // requests that write
	Retention RetentionPolicy `xml:"RetentionPolicy,always"` // for how long logs are kept
}

// AnalyticsMetrics says what sums of requests are kept.
type AnalyticsMetrics struct {
	Version     string          `xml:"Version"`                // format of the sums; default 1.0
	Enabled     bool            `xml:"Enabled,always"`         // sums are kept
	IncludeAPIs bool            `xml:"IncludeAPIs"`            // by operation as well
	Retention   RetentionPolicy `xml:"RetentionPolicy,always"` // for how long they are kept
}

// CORSRule lets scripts in browsers call from other origins.
type CORSRule struct {
	AllowedOrigins []string      `xml:"AllowedOrigins,always"`          // such as https://example.com, or * for all
	AllowedMethods []string      `xml:"AllowedMethods,always"`          // such as GET and PUT
	AllowedHeaders []string      `xml:"AllowedHeaders,always"`          // request headers; one that ends in * is a prefix
	ExposedHeaders []string      `xml:"ExposedHeaders,always"`          // response headers that scripts may see
	MaxAge         time.Duration `xml:"MaxAgeInSeconds,seconds,always"` // for how long browsers may remember the answer, in whole seconds, rounded up
}

// StaticWebsite makes a website of the container $web.
type StaticWebsite struct {
	Enabled                  bool   `xml:"Enabled,always"`           // the website is served
	IndexDocument            string `xml:"IndexDocument"`            // name of the page of each folder, such as index.html
	ErrorDocument404Path     string `xml:"ErrorDocument404Path"`     // path of the page for what is not found
	DefaultIndexDocumentPath string `xml:"DefaultIndexDocumentPath"` // path of the one index page of all folders, in place of IndexDocument
}

// ServicePropertiesOptions are the options of [ServiceClient.Properties].
type ServicePropertiesOptions struct {
	CallOptions
}

// ServicePropertiesResult is the result of [ServiceClient.Properties].
type ServicePropertiesResult struct {
	ResponseInfo
	ServiceProperties
}

// Properties returns the settings of the Blob service of the account. They can be
// set again as they are: where there are no rules, CORS is empty and not nil.
//
// Errors: status 403 for who may not see them, as with most signatures.
//
// REST: Get Blob Service Properties.
func (s *ServiceClient) Properties(ctx context.Context, o *ServicePropertiesOptions) (ServicePropertiesResult, error) {
	r, err := call[ServicePropertiesResult](ctx, &s.handle, rest.GetServiceProperties, nil, o)
	for i := range r.CORS {
		for _, list := range r.CORS[i].lists() {
			*list = splitList(*list)
		}
	}
	if err == nil && r.CORS == nil {
		r.CORS = []CORSRule{}
	}
	return r, err
}

// SetServicePropertiesOptions are the options of [ServiceClient.SetProperties].
type SetServicePropertiesOptions struct {
	CallOptions
}

// SetServicePropertiesResult is the result of [ServiceClient.SetProperties].
type SetServicePropertiesResult struct {
	ResponseInfo
}

// SetProperties changes those settings of the Blob service of the account that
// are there in p. It takes up to 30 seconds until all of the service knows them.
//
// Errors: fs.ErrInvalid for settings that break the rules; [InvalidXMLNodeValue]
// for what only the service can tell.
//
// REST: Set Blob Service Properties.
func (s *ServiceClient) SetProperties(ctx context.Context, p ServiceProperties, o *SetServicePropertiesOptions) (SetServicePropertiesResult, error) {
	if err := p.check(); err != nil {
		return SetServicePropertiesResult{}, s.refuse(rest.SetServiceProperties, err)
	}
	document, err := xmlplan.Encode("StorageServiceProperties", p.document())
	if err != nil {
		return SetServicePropertiesResult{}, s.refuse(rest.SetServiceProperties, err)
	}
	return call[SetServicePropertiesResult](ctx, &s.handle, rest.SetServiceProperties, wire.Bytes(document), o)
}

// propertiesDocument is what the service is sent, where it wants some elements
// in some cases only.
type propertiesDocument struct {
	Logging               *AnalyticsLogging `xml:"Logging"`
	HourMetrics           *metricsDocument  `xml:"HourMetrics"`
	MinuteMetrics         *metricsDocument  `xml:"MinuteMetrics"`
	CORS                  []CORSRule        `xml:"Cors>CorsRule"`
	DefaultServiceVersion string            `xml:"DefaultServiceVersion"`
	DeleteRetention       *RetentionPolicy  `xml:"DeleteRetentionPolicy"`
	StaticWebsite         *StaticWebsite    `xml:"StaticWebsite"`
}

type metricsDocument struct {
	Version     string          `xml:"Version"`
	Enabled     bool            `xml:"Enabled,always"`
	IncludeAPIs *bool           `xml:"IncludeAPIs"` // has to be there if enabled, and must not be if not
	Retention   RetentionPolicy `xml:"RetentionPolicy,always"`
}

const analyticsVersion = "1.0"

func (p *ServiceProperties) document() propertiesDocument {
	d := propertiesDocument{
		HourMetrics: p.HourMetrics.document(), MinuteMetrics: p.MinuteMetrics.document(),
		DefaultServiceVersion: p.DefaultServiceVersion, DeleteRetention: p.DeleteRetention, StaticWebsite: p.StaticWebsite,
		CORS: slices.Clone(p.CORS),
	}
	if p.Logging != nil {
		logging := *p.Logging
		if logging.Version == "" {
			logging.Version = analyticsVersion
		}
		d.Logging = &logging
	}
	for i := range d.CORS {
		for _, list := range d.CORS[i].lists() {
			*list = []string{strings.Join(*list, ",")}
		}
	}
	return d
}

func (m *AnalyticsMetrics) document() *metricsDocument {
	if m == nil {
		return nil
	}
	d := metricsDocument{Version: m.Version, Enabled: m.Enabled, Retention: m.Retention}
	if d.Version == "" {
		d.Version = analyticsVersion
	}
	if m.Enabled {
		d.IncludeAPIs = &m.IncludeAPIs
	}
	return &d
}

// lists are the fields of a rule that are joined by commas on the wire.
func (r *CORSRule) lists() []*[]string {
	return []*[]string{&r.AllowedOrigins, &r.AllowedMethods, &r.AllowedHeaders, &r.ExposedHeaders}
}

// splitList takes apart what is joined by commas.
func splitList(joined []string) []string {
	return strings.FieldsFunc(strings.Join(joined, ","), func(r rune) bool { return r == ',' || r == ' ' })
}

// check refuses what the service would refuse.
func (p *ServiceProperties) check() error {
	if p.Logging == nil && p.HourMetrics == nil && p.MinuteMetrics == nil && p.CORS == nil &&
		p.DefaultServiceVersion == "" && p.DeleteRetention == nil && p.StaticWebsite == nil {
		return errors.New("there is no setting to change")
	}
	if v := p.DefaultServiceVersion; v != "" && !versionForm.MatchString(v) {
		return fmt.Errorf("DefaultServiceVersion %q is not of the form YYYY-MM-DD", v)
	}
	if p.Logging != nil {
		if err := p.Logging.Retention.check("Logging.Retention", false); err != nil {
			return err
		}
	}
	if err := p.HourMetrics.check("HourMetrics"); err != nil {
		return err
	}
	if err := p.MinuteMetrics.check("MinuteMetrics"); err != nil {
		return err
	}
	if p.DeleteRetention != nil {
		if err := p.DeleteRetention.check("DeleteRetention", true); err != nil {
			return err
		}
	}
	if err := p.StaticWebsite.check(); err != nil {
		return err
	}
	return checkCORS(p.CORS)
}

func (m *AnalyticsMetrics) check(name string) error {
	if m == nil {
		return nil
	}
	if m.IncludeAPIs && !m.Enabled {
		return fmt.Errorf("%s.IncludeAPIs is set, and the metrics are not enabled", name)
	}
	return m.Retention.check(name+".Retention", false)
}

func (w *StaticWebsite) check() error {
	switch {
	case w == nil:
	case w.IndexDocument != "" && w.DefaultIndexDocumentPath != "":
		return errors.New("StaticWebsite.IndexDocument and StaticWebsite.DefaultIndexDocumentPath exclude each other")
	case strings.Contains(w.IndexDocument, "/"):
		return errors.New("StaticWebsite.IndexDocument has a slash; it is the name of a page in each folder, and DefaultIndexDocumentPath a path")
	}
	return nil
}

func (r *RetentionPolicy) check(name string, deleted bool) error {
	switch {
	case r.Enabled && (r.Days < 1 || r.Days > 365):
		return fmt.Errorf("%s.Days is %d and not 1 to 365", name, r.Days)
	case !r.Enabled && r.Days != 0:
		return fmt.Errorf("%s.Days is %d, and the policy is not enabled", name, r.Days)
	case r.AllowPermanentDelete && !(deleted && r.Enabled):
		return fmt.Errorf("%s.AllowPermanentDelete is for DeleteRetention that is enabled", name)
	}
	return nil
}

const (
	maxCORSRules = 5
	maxCORSText  = 2 << 10
)

var corsMethods = strings.Fields("DELETE GET HEAD MERGE OPTIONS PATCH POST PUT")

func checkCORS(rules []CORSRule) error {
	if len(rules) > maxCORSRules {
		return fmt.Errorf("an account has at most %d CORS rules, and these are %d", maxCORSRules, len(rules))
	}
	size := 0
	for i, r := range rules {
		switch {
		case len(r.AllowedOrigins) == 0:
			return fmt.Errorf("CORS rule %d allows no origin; * allows all", i)
		case len(r.AllowedMethods) == 0:
			return fmt.Errorf("CORS rule %d allows no method", i)
		case r.MaxAge < 0:
			return fmt.Errorf("CORS rule %d: MaxAge is negative: %v", i, r.MaxAge)
		}
		for _, method := range r.AllowedMethods {
			if !slices.Contains(corsMethods, method) {
				return fmt.Errorf("CORS rule %d: %q is no method that can be allowed", i, method)
			}
		}
		for _, list := range r.lists() {
			for _, item := range *list {
				if item == "" || strings.ContainsAny(item, ", \t\r\n") {
					return fmt.Errorf("CORS rule %d: %q is not one origin, method or header", i, item)
				}
			}
			size += len(strings.Join(*list, ","))
		}
		size += len(strconv.Itoa(int(r.MaxAge / time.Second)))
	}
	if size > maxCORSText {
		return fmt.Errorf("the CORS rules have %d bytes, and %d is the most", size, maxCORSText)
	}
	return nil
}
