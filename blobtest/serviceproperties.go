package blobtest

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/xmlplan"
)

func init() {
	handle(rest.GetServiceProperties, endpoint{run: getServiceProperties, needs: access{permissions: "r", resource: 's'}})
	handle(rest.SetServiceProperties, endpoint{run: setServiceProperties, body: xmlBody, needs: access{permissions: "w", resource: 's'}})
}

// serviceProperties are the settings of an account, and the document of the
// operations on them, where nil is what is left out. What they point to is never
// changed in place. The retention of deleted blobs is kept as account.retention.
type serviceProperties struct {
	Logging               *loggingSettings   `xml:"Logging"`
	HourMetrics           *metricsSettings   `xml:"HourMetrics"`
	MinuteMetrics         *metricsSettings   `xml:"MinuteMetrics"`
	Cors                  *corsSettings      `xml:"Cors"`
	DefaultServiceVersion string             `xml:"DefaultServiceVersion"`
	DeleteRetentionPolicy *retentionSettings `xml:"DeleteRetentionPolicy"`
	StaticWebsite         *websiteSettings   `xml:"StaticWebsite"`
}

type loggingSettings struct {
	Version         string             `xml:"Version"`
	Delete          *bool              `xml:"Delete"`
	Read            *bool              `xml:"Read"`
	Write           *bool              `xml:"Write"`
	RetentionPolicy *retentionSettings `xml:"RetentionPolicy"`
}

type metricsSettings struct {
	Version         string             `xml:"Version"`
	Enabled         *bool              `xml:"Enabled"`
	IncludeAPIs     *bool              `xml:"IncludeAPIs"`
	RetentionPolicy *retentionSettings `xml:"RetentionPolicy"`
}

type retentionSettings struct {
	Enabled              *bool  `xml:"Enabled"`
	Days                 *int64 `xml:"Days"`
	AllowPermanentDelete *bool  `xml:"AllowPermanentDelete"`
}

type websiteSettings struct {
	Enabled                  *bool  `xml:"Enabled"`
	IndexDocument            string `xml:"IndexDocument"`
	ErrorDocument404Path     string `xml:"ErrorDocument404Path"`
	DefaultIndexDocumentPath string `xml:"DefaultIndexDocumentPath"`
}

// defaultProperties are the settings of a new account: everything is off.
func defaultProperties() serviceProperties {
	off := func() *retentionSettings { return &retentionSettings{Enabled: new(bool)} }
	return serviceProperties{
		Logging:       &loggingSettings{Version: "1.0", Delete: new(bool), Read: new(bool), Write: new(bool), RetentionPolicy: off()},
		HourMetrics:   &metricsSettings{Version: "1.0", Enabled: new(bool), RetentionPolicy: off()},
		MinuteMetrics: &metricsSettings{Version: "1.0", Enabled: new(bool), RetentionPolicy: off()},
		Cors:          &corsSettings{Rules: []corsRule{}},
		StaticWebsite: &websiteSettings{Enabled: new(bool)},
	}
}

// settings is the retention of deleted blobs as a document has it.
func (r retention) settings() *retentionSettings {
	enabled := r.days > 0
	if !enabled {
		return &retentionSettings{Enabled: &enabled}
	}
	days := int64(r.days)
	return &retentionSettings{Enabled: &enabled, Days: &days, AllowPermanentDelete: &r.permanent}
}

func isTrue(b *bool) bool { return b != nil && *b }

func getServiceProperties(x *exchange) error {
	p := x.account.properties
	p.DeleteRetentionPolicy = x.account.retention.settings()
	return x.answerXML(http.StatusOK, nil, "StorageServiceProperties", p)
}

func setServiceProperties(x *exchange) error {
	var given serviceProperties
	if err := xmlplan.DecodeRoot(bytes.NewReader(x.document), "StorageServiceProperties", &given); err != nil {
		return fail(azureblob.InvalidXMLDocument)
	}
	if err := given.check(); err != nil {
		return err
	}
	p := &x.account.properties
	replace(&p.Logging, given.Logging)
	replace(&p.HourMetrics, given.HourMetrics)
	replace(&p.MinuteMetrics, given.MinuteMetrics)
	if r := given.DeleteRetentionPolicy; r != nil {
		x.account.retention = retention{}
		if *r.Enabled {
			x.account.retention = retention{days: int(*r.Days), permanent: isTrue(r.AllowPermanentDelete)}
		}
	}
	replace(&p.StaticWebsite, given.StaticWebsite)
	if given.Cors != nil && given.Cors.Rules == nil {
		given.Cors.Rules = []corsRule{}
	}
	replace(&p.Cors, given.Cors)
	if given.DefaultServiceVersion != "" {
		p.DefaultServiceVersion = given.DefaultServiceVersion
	}
	if isTrue(p.StaticWebsite.Enabled) && x.account.containers[webContainer] == nil {
		// A website has its files in a container that comes with it.
		c := &container{account: x.account, name: webContainer, created: x.now, byName: map[string]*blob{}}
		x.account.containers[webContainer] = c
		x.touched(c)
	}
	return x.answer(http.StatusAccepted, nil)
}

const webContainer = "$web"

// replace keeps what is there if nothing is given.
func replace[T any](have **T, given *T) {
	if given != nil {
		*have = given
	}
}

// check holds settings against the rules for them.
func (p *serviceProperties) check() error {
	if v := p.DefaultServiceVersion; v != "" && !versions[v] {
		return badNode("DefaultServiceVersion", v)
	}
	if err := p.Logging.check(); err != nil {
		return err
	}
	for _, m := range []*metricsSettings{p.HourMetrics, p.MinuteMetrics} {
		if err := m.check(); err != nil {
			return err
		}
	}
	if err := p.DeleteRetentionPolicy.check(); err != nil {
		return err
	}
	if err := p.Cors.check(); err != nil {
		return err
	}
	if w := p.StaticWebsite; w != nil {
		if w.Enabled == nil {
			return missingNode("Enabled")
		}
		if w.IndexDocument != "" && w.DefaultIndexDocumentPath != "" {
			return badNode("DefaultIndexDocumentPath", w.DefaultIndexDocumentPath)
		}
		if strings.Contains(w.IndexDocument, "/") {
			return badNode("IndexDocument", w.IndexDocument)
		}
	}
	return nil
}

func (l *loggingSettings) check() error {
	switch {
	case l == nil:
		return nil
	case l.Version == "":
		return missingNode("Version")
	case l.Version != "1.0" && l.Version != "2.0":
		return badNode("Version", l.Version)
	case l.Delete == nil || l.Read == nil || l.Write == nil:
		return missingNode("Delete, Read or Write")
	case l.RetentionPolicy == nil:
		return missingNode("RetentionPolicy")
	}
	return l.RetentionPolicy.check()
}

func (m *metricsSettings) check() error {
	switch {
	case m == nil:
		return nil
	case m.Enabled == nil:
		return missingNode("Enabled")
	case m.Version != "" && m.Version != "1.0":
		return badNode("Version", m.Version)
	case *m.Enabled && m.IncludeAPIs == nil:
		return missingNode("IncludeAPIs")
	}
	return m.RetentionPolicy.check()
}

func (r *retentionSettings) check() error {
	switch {
	case r == nil:
		return nil
	case r.Enabled == nil:
		return missingNode("Enabled")
	case *r.Enabled && r.Days == nil:
		return missingNode("Days")
	case r.Days != nil && (*r.Days < 1 || *r.Days > 365):
		return badNode("Days", base10(*r.Days))
	}
	return nil
}

func missingNode(name string) error {
	return fail(azureblob.MissingRequiredXMLNode).with("XmlNodeName", name)
}

func badNode(name, value string) error {
	return fail(azureblob.InvalidXMLNodeValue).with("XmlNodeName", name).with("XmlNodeValue", value)
}

// corsSettings are the rules for browsers that call from other origins.
type corsSettings struct {
	Rules []corsRule `xml:"CorsRule"`
}

// corsRule has lists that are joined by commas. An empty list is fine, a missing
// one is not.
type corsRule struct {
	Origins *string `xml:"AllowedOrigins"`
	Methods *string `xml:"AllowedMethods"`
	Headers *string `xml:"AllowedHeaders"`
	Exposed *string `xml:"ExposedHeaders"`
	MaxAge  *int64  `xml:"MaxAgeInSeconds"`
}

const (
	maxCorsRules = 5
	maxCorsText  = 2 << 10
)

func (c *corsSettings) check() error {
	if c == nil {
		return nil
	}
	if len(c.Rules) > maxCorsRules {
		return fail(azureblob.InvalidXMLDocument).because("There are more than five CORS rules.")
	}
	size := 0
	for _, r := range c.Rules {
		if r.Origins == nil || r.Methods == nil || r.Headers == nil || r.Exposed == nil || r.MaxAge == nil {
			return missingNode("CorsRule")
		}
		for _, method := range list(*r.Methods) {
			if !slices.Contains([]string{"DELETE", "GET", "HEAD", "MERGE", "POST", "PATCH", "OPTIONS", "PUT"}, method) {
				return badNode("AllowedMethods", method)
			}
		}
		if len(list(*r.Origins)) == 0 || len(list(*r.Methods)) == 0 {
			return badNode("CorsRule", "")
		}
		if *r.MaxAge < 0 {
			return badNode("MaxAgeInSeconds", base10(*r.MaxAge))
		}
		size += len(*r.Origins) + len(*r.Methods) + len(*r.Headers) + len(*r.Exposed) + len(base10(*r.MaxAge))
	}
	if size > maxCorsText {
		return fail(azureblob.InvalidXMLDocument).because("The CORS rules are longer than 2 KiB.")
	}
	return nil
}

// list takes apart what is joined by commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
