package conformance

import (
	"strings"
	"testing"
	"time"
)

const propertiesQuery = "restype=service&comp=properties"

// propertiesOf is the body of Set Blob Service Properties.
func propertiesOf(items ...string) string {
	return `<?xml version="1.0" encoding="utf-8"?><StorageServiceProperties>` + strings.Join(items, "") + "</StorageServiceProperties>"
}

func corsRule(origins, methods, headers, exposed string) string {
	return "<CorsRule><AllowedOrigins>" + origins + "</AllowedOrigins><AllowedMethods>" + methods + "</AllowedMethods><AllowedHeaders>" + headers +
		"</AllowedHeaders><ExposedHeaders>" + exposed + "</ExposedHeaders><MaxAgeInSeconds>60</MaxAgeInSeconds></CorsRule>"
}

func TestServiceProperties(t *testing.T) {
	each(t, func(s *service) {
		set := func(items ...string) *answer { return s.do("PUT", "", propertiesQuery, nil, propertiesOf(items...)) }
		get := func() *answer {
			return s.do("GET", "", propertiesQuery, nil, "").want(200, "").has(header{"Content-Type": "application/xml"})
		}
		set("<Cors>"+corsRule("https://example.com", "GET,PUT", "*", "x-ms-meta-*")+"</Cors>").want(202, "")
		get().holds("<StorageServiceProperties", "<AllowedOrigins>https://example.com</AllowedOrigins>", "<MaxAgeInSeconds>60</MaxAgeInSeconds>", "<HourMetrics>", "<MinuteMetrics>", "<Logging>")
		set(`<Logging><Version>1.0</Version><Delete>true</Delete><Read>false</Read><Write>true</Write><RetentionPolicy><Enabled>true</Enabled><Days>3</Days></RetentionPolicy></Logging>`,
			`<HourMetrics><Version>1.0</Version><Enabled>true</Enabled><IncludeAPIs>false</IncludeAPIs><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></HourMetrics>`,
			`<DefaultServiceVersion>2021-12-02</DefaultServiceVersion>`).want(202, "")
		logging := between(get().body, "<Logging>", "</Logging>")
		for _, text := range []string{"<Delete>true</Delete>", "<Read>false</Read>", "<Write>true</Write>", "<Days>3</Days>"} {
			if !strings.Contains(logging, text) {
				s.Errorf("no %s in %s", text, logging)
			}
		}
		get().holds("<IncludeAPIs>false</IncludeAPIs>", "<DefaultServiceVersion>2021-12-02</DefaultServiceVersion>", "<AllowedOrigins>https://example.com</AllowedOrigins>") // what is left out stays
		set("<DeleteRetentionPolicy><Enabled>true</Enabled><Days>5</Days></DeleteRetentionPolicy>").want(202, "")
		if policy := between(get().body, "<DeleteRetentionPolicy>", "</DeleteRetentionPolicy>"); !strings.Contains(policy, "<Enabled>true</Enabled>") || !strings.Contains(policy, "<Days>5</Days>") {
			s.Errorf("retention: %s", policy)
		}
		set("<DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>", "<Cors></Cors>").want(202, "")
		get().holdsNot("<CorsRule>", "<Days>5</Days>")
		s.lacking("checks of service properties")
		rule := corsRule("*", "GET", "*", "*")
		set("<Cors>"+strings.Repeat(rule, 6)+"</Cors>").want(400, "InvalidXmlDocument")
		set("<Cors>"+strings.Repeat(rule, 5)+"</Cors>").want(202, "")
		set("<DeleteRetentionPolicy><Enabled>true</Enabled><Days>366</Days></DeleteRetentionPolicy>").want(400, "InvalidXmlNodeValue")
		set("<DeleteRetentionPolicy><Enabled>true</Enabled></DeleteRetentionPolicy>").want(400, "MissingRequiredXmlNode")
		set("<Cors>"+corsRule("*", "GRAB", "*", "*")+"</Cors>").want(400, "InvalidXmlNodeValue")
		s.do("PUT", "", propertiesQuery, nil, "<StorageServiceProperties><Cors>").want(400, "InvalidXmlDocument")
	})
}

func TestStaticWebsite(t *testing.T) {
	each(t, func(s *service) {
		set := func(settings string) {
			t.Helper()
			s.do("PUT", "", propertiesQuery, nil, propertiesOf("<StaticWebsite>"+settings+"</StaticWebsite>")).want(202, "")
		}
		get := func() string {
			return between(s.do("GET", "", propertiesQuery, nil, "").want(200, "").body, "<StaticWebsite>", "</StaticWebsite>")
		}
		plain := func(text string) string { return strings.Join(strings.Fields(text), "") }
		for _, settings := range []string{
			"<Enabled>true</Enabled><IndexDocument>index.html</IndexDocument><ErrorDocument404Path>errors/404.html</ErrorDocument404Path>",
			"<Enabled>true</Enabled><ErrorDocument404Path>404.html</ErrorDocument404Path><DefaultIndexDocumentPath>home/index.html</DefaultIndexDocumentPath>",
			"<Enabled>true</Enabled>", "<Enabled>true</Enabled><IndexDocument>a.html</IndexDocument>", "<Enabled>false</Enabled>",
		} {
			set(settings)
			if got := plain(get()); got != settings {
				s.Errorf("set %s\ngot %s", settings, got)
			}
		}
		// Settings of other kinds leave it alone.
		set("<Enabled>true</Enabled><IndexDocument>index.html</IndexDocument>")
		s.do("PUT", "", propertiesQuery, nil, propertiesOf("<DefaultServiceVersion>2021-12-02</DefaultServiceVersion>")).want(202, "")
		if got := plain(get()); got != "<Enabled>true</Enabled><IndexDocument>index.html</IndexDocument>" {
			s.Errorf("after another setting: %s", got)
		}
		set("<Enabled>false</Enabled>")
		s.lacking("checks of service properties")
		s.do("HEAD", "$web", "restype=container", nil, "").want(200, "")
		for _, settings := range []string{"<IndexDocument>a.html</IndexDocument>", "<Enabled>true</Enabled><IndexDocument>a/b.html</IndexDocument>",
			"<Enabled>true</Enabled><IndexDocument>a.html</IndexDocument><DefaultIndexDocumentPath>b.html</DefaultIndexDocumentPath>"} {
			if a := s.do("PUT", "", propertiesQuery, nil, propertiesOf("<StaticWebsite>"+settings+"</StaticWebsite>")); a.status != 400 {
				s.Errorf("%s: %d %s", settings, a.status, a.code)
			}
		}
	})
}

func TestPreflight(t *testing.T) {
	each(t, func(s *service) {
		rules := corsRule("https://a.example", "GET,PUT", "x-ms-*,content-type", "x-ms-request-id") + corsRule("https://a.example,https://c.example", "DELETE,GET", "*", "")
		s.do("PUT", "", propertiesQuery, nil, propertiesOf("<Cors>"+rules+"</Cors>")).want(202, "")
		s.put("b", "hello", nil)
		anybody := s.anonymous()
		ask := func(origin, method, headers string) *answer {
			h := header{"Origin": origin, "Access-Control-Request-Method": method}
			if headers != "" {
				h["Access-Control-Request-Headers"] = headers
			}
			return anybody.blob("OPTIONS", "b", "", h, "")
		}
		ask("https://a.example", "PUT", "x-ms-blob-type,content-type").want(200, "").has(header{
			"Access-Control-Allow-Origin": "https://a.example", "Access-Control-Allow-Methods": "PUT", "Access-Control-Allow-Headers": "x-ms-blob-type,content-type",
			"Access-Control-Max-Age": "60", "Access-Control-Allow-Credentials": "true",
		})
		ask("https://c.example", "DELETE", "").want(200, "").has(header{"Access-Control-Allow-Origin": "https://c.example", "Access-Control-Allow-Methods": "DELETE"})
		ask("https://a.example", "DELETE", "").want(200, "").has(header{"Access-Control-Allow-Methods": "DELETE"})
		ask("https://c.example", "PUT", "").want(403, "CorsPreflightFailure")
		ask("https://a.example", "PUT", "range").want(403, "CorsPreflightFailure")
		if s.has("first CORS rule") {
			ask("https://a.example", "GET", "range").want(403, "CorsPreflightFailure")
		}
		ask("https://d.example", "GET", "").want(403, "CorsPreflightFailure")
		ask("http://a.example", "GET", "").want(403, "CorsPreflightFailure")

		s.blob("GET", "b", "", header{"Origin": "https://a.example"}, "").want(200, "").is("hello").
			has(header{"Access-Control-Allow-Origin": "https://a.example", "Access-Control-Expose-Headers": "x-ms-request-id"})
		s.blob("GET", "b", "", header{"Origin": "https://d.example"}, "").want(200, "").is("hello").without("Access-Control-Allow-Origin")
		s.do("PUT", "", propertiesQuery, nil, propertiesOf("<Cors>"+corsRule("*", "GET", "*", "*")+"</Cors>")).want(202, "")
		ask("https://d.example", "GET", "anything").want(200, "").has(header{"Access-Control-Allow-Origin": "https://d.example"})
		s.blob("GET", "b", "", header{"Origin": "https://d.example"}, "").want(200, "").has(header{"Access-Control-Allow-Origin": "*"}).without("Vary")
		s.do("PUT", "", propertiesQuery, nil, propertiesOf("<Cors></Cors>")).want(202, "")
		ask("https://a.example", "PUT", "").want(403, "CorsPreflightFailure")
	})
}

func TestSecondary(t *testing.T) {
	each(t, func(s *service) {
		s.put("b", "hello", header{"x-ms-meta-k": "v"})
		other := s.secondary()
		other.blob("GET", "b", "", nil, "").want(200, "").is("hello")
		other.blob("GET", "b", "", header{"x-ms-range": "bytes=1-2"}, "").want(206, "").is("el")
		other.blob("HEAD", "b", "", nil, "").want(200, "").has(header{"x-ms-meta-k": "v"})
		other.do("GET", s.container, "restype=container&comp=list", nil, "").want(200, "").holds("<Name>b</Name>")
		other.do("GET", "", "comp=list&prefix="+s.container, nil, "").want(200, "").holds(s.container)
		other.do("HEAD", s.container, "restype=container", nil, "").want(200, "")
		stats := other.do("GET", "", "restype=service&comp=stats", nil, "").want(200, "").holds("<StorageServiceStats", "<Status>live</Status>", "<LastSyncTime>")
		if _, err := time.Parse(time.RFC1123, between(stats.body, "<LastSyncTime>", "</LastSyncTime>")); err != nil {
			s.Error(err)
		}
		s.do("GET", "", "restype=service&comp=stats", nil, "").want(400, "InvalidQueryParameterValue")
		other.at(other.endpoint, nil).with(s.serviceSAS("b")).blob("GET", "b", "", nil, "").want(200, "").is("hello")
		s.lacking("secondary writes")
		other.blob("PUT", "c", "", header{"x-ms-blob-type": "BlockBlob"}, "x").want(403, "InsufficientAccountPermissions")
		other.blob("PUT", "b", "comp=metadata", nil, "").want(403, "InsufficientAccountPermissions")
		other.blob("DELETE", "b", "", nil, "").want(403, "InsufficientAccountPermissions")
		other.do("PUT", s.container+"x", "restype=container", nil, "").want(403, "InsufficientAccountPermissions")
	})
}
