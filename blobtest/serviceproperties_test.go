package blobtest_test

import (
	"strings"
	"testing"

	"github.com/goblob/azureblob/blobtest"
)

const propertiesOf = "?restype=service&comp=properties"

func setProperties(t *testing.T, srv *blobtest.Server, children string) answer {
	t.Helper()
	return raw(t, srv, "PUT", propertiesOf, "<StorageServiceProperties>"+children+"</StorageServiceProperties>", "Content-Type", "application/xml")
}

func corsRule(origins, methods, headers, exposed, age string) string {
	return "<CorsRule><AllowedOrigins>" + origins + "</AllowedOrigins><AllowedMethods>" + methods + "</AllowedMethods><AllowedHeaders>" + headers +
		"</AllowedHeaders><ExposedHeaders>" + exposed + "</ExposedHeaders><MaxAgeInSeconds>" + age + "</MaxAgeInSeconds></CorsRule>"
}

func TestServiceProperties(t *testing.T) {
	srv := blobtest.New(t)
	get := func() string {
		t.Helper()
		a := raw(t, srv, "GET", propertiesOf, "")
		a.expect(t, "get", 200, "")
		if a.header.Get("Content-Type") != "application/xml" {
			t.Errorf("headers %v", a.header)
		}
		return a.body
	}
	const off = "<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>"
	for _, part := range []string{
		"<Logging><Version>1.0</Version><Delete>false</Delete><Read>false</Read><Write>false</Write>" + off + "</Logging>",
		"<HourMetrics><Version>1.0</Version><Enabled>false</Enabled>" + off + "</HourMetrics>",
		"<DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>", "<StaticWebsite><Enabled>false</Enabled></StaticWebsite>",
	} {
		if body := get(); !strings.Contains(body, part) {
			t.Errorf("a new account lacks %s: %s", part, body)
		}
	}
	parts := []string{
		"<Logging><Version>2.0</Version><Delete>true</Delete><Read>false</Read><Write>true</Write><RetentionPolicy><Enabled>true</Enabled><Days>7</Days></RetentionPolicy></Logging>",
		"<HourMetrics><Version>1.0</Version><Enabled>true</Enabled><IncludeAPIs>true</IncludeAPIs>" + off + "</HourMetrics>",
		"<MinuteMetrics><Version>1.0</Version><Enabled>true</Enabled><IncludeAPIs>false</IncludeAPIs>" + off + "</MinuteMetrics>",
		"<Cors>" + corsRule("http://a.test,*", "GET,PUT", "x-ms-meta-*", "", "200") + "</Cors>",
		"<DefaultServiceVersion>2019-12-12</DefaultServiceVersion>",
		"<DeleteRetentionPolicy><Enabled>true</Enabled><Days>3</Days><AllowPermanentDelete>true</AllowPermanentDelete></DeleteRetentionPolicy>",
		"<StaticWebsite><Enabled>true</Enabled><IndexDocument>index.html</IndexDocument><ErrorDocument404Path>errors/404.html</ErrorDocument404Path></StaticWebsite>",
	}
	for i, part := range parts {
		setProperties(t, srv, part).expect(t, part, 202, "")
		body := get() // what is left out stays
		for _, earlier := range parts[:i+1] {
			if !strings.Contains(body, earlier) {
				t.Errorf("after %s there is no %s: %s", part, earlier, body)
			}
		}
	}
	raw(t, srv, "GET", "$web?restype=container", "").expect(t, "container of the website", 200, "")
	if a := do(t, srv, newRaw(t, srv.Endpoint()+"/photos/x", "GET", "", "x-ms-version", "")); a.header.Get("x-ms-version") != "2019-12-12" {
		t.Errorf("default version: %v", a.header)
	}
	putMany(t, srv, "kept")
	if a := raw(t, srv, "DELETE", "photos/kept", ""); a.header.Get("x-ms-delete-type-permanent") != "false" {
		t.Errorf("deleted for good: %v", a.header)
	}
	setProperties(t, srv, "<Cors/>").expect(t, "no rules", 202, "")
	if strings.Contains(get(), "CorsRule") {
		t.Error("rules are still there")
	}
	setProperties(t, srv, "").expect(t, "nothing", 202, "")
}

func TestServicePropertiesRefused(t *testing.T) {
	srv := blobtest.New(t)
	rule := corsRule("*", "GET", "*", "*", "0")
	for children, code := range map[string]string{
		"<Cors>": "InvalidXmlDocument",
		"<Cors>" + strings.Repeat(rule, 6) + "</Cors>":                                                                    "InvalidXmlDocument",
		"<Cors>" + corsRule("http://"+strings.Repeat("a", 2048), "GET", "", "", "0") + "</Cors>":                          "InvalidXmlDocument",
		"<Cors>" + corsRule("*", "FETCH", "*", "*", "0") + "</Cors>":                                                      "InvalidXmlNodeValue",
		"<Cors>" + corsRule("*", "GET", "*", "*", "-1") + "</Cors>":                                                       "InvalidXmlNodeValue",
		"<Cors>" + corsRule("", "GET", "*", "*", "1") + "</Cors>":                                                         "InvalidXmlNodeValue",
		"<Cors><CorsRule><AllowedOrigins>*</AllowedOrigins></CorsRule></Cors>":                                            "MissingRequiredXmlNode",
		"<DefaultServiceVersion>2000-01-01</DefaultServiceVersion>":                                                       "InvalidXmlNodeValue",
		"<DeleteRetentionPolicy><Enabled>true</Enabled></DeleteRetentionPolicy>":                                          "MissingRequiredXmlNode",
		"<DeleteRetentionPolicy><Days>3</Days></DeleteRetentionPolicy>":                                                   "MissingRequiredXmlNode",
		"<DeleteRetentionPolicy><Enabled>true</Enabled><Days>366</Days></DeleteRetentionPolicy>":                          "InvalidXmlNodeValue",
		"<DeleteRetentionPolicy><Enabled>true</Enabled><Days>0</Days></DeleteRetentionPolicy>":                            "InvalidXmlNodeValue",
		"<HourMetrics><Version>1.0</Version><Enabled>true</Enabled></HourMetrics>":                                        "MissingRequiredXmlNode",
		"<MinuteMetrics><Version>3.0</Version><Enabled>false</Enabled></MinuteMetrics>":                                   "InvalidXmlNodeValue",
		"<Logging><Version>1.0</Version><Delete>true</Delete><Read>true</Read></Logging>":                                 "MissingRequiredXmlNode",
		"<StaticWebsite><IndexDocument>i</IndexDocument></StaticWebsite>":                                                 "MissingRequiredXmlNode",
		"<StaticWebsite><Enabled>true</Enabled><IndexDocument>a/b</IndexDocument></StaticWebsite>":                        "InvalidXmlNodeValue",
		"<StaticWebsite><Enabled>false</Enabled></StaticWebsite><DefaultServiceVersion>none</DefaultServiceVersion>":      "InvalidXmlNodeValue",
		"<DeleteRetentionPolicy><Enabled>true</Enabled><Days>1</Days></DeleteRetentionPolicy><HourMetrics></HourMetrics>": "MissingRequiredXmlNode",
	} {
		setProperties(t, srv, children).expect(t, children, 400, code)
	}
	if a := raw(t, srv, "GET", propertiesOf, ""); !strings.Contains(a.body, "<DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>") {
		t.Errorf("something was set: %s", a.body)
	}
	setProperties(t, srv, "<Cors>"+strings.Repeat(rule, 5)+"</Cors>").expect(t, "five rules", 202, "")
}

func TestCORS(t *testing.T) {
	srv := blobtest.New(t)
	putMany(t, srv, "x")
	ask := func(origin, method, headers string) answer {
		t.Helper()
		return do(t, srv, newRaw(t, srv.Endpoint()+"/photos/x", "OPTIONS", "", "x-ms-version", "", "Origin", origin,
			"Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers))
	}
	ask("http://a.test", "GET", "").expect(t, "no rules", 403, "CorsPreflightFailure")
	setProperties(t, srv, "<Cors>"+corsRule("http://a.test,https://*.b.test", "GET,PUT", "x-ms-meta-*,x-ms-version", "x-ms-request-id,ETag", "200")+
		corsRule("*", "DELETE,GET", "*", "", "7")+"</Cors>").expect(t, "set", 202, "")

	a := ask("http://a.test", "PUT", "X-Ms-Version, x-ms-meta-a")
	a.expect(t, "allowed", 200, "")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "http://a.test", "Access-Control-Allow-Methods": "PUT", "Access-Control-Allow-Headers": "X-Ms-Version, x-ms-meta-a",
		"Access-Control-Max-Age": "200", "Access-Control-Allow-Credentials": "true",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q and not %q", name, got, want)
		}
	}
	ask("https://c.b.test", "GET", "").expect(t, "host of the domain", 200, "")
	ask("https://c.b.test.z", "PUT", "").expect(t, "host of another domain", 403, "CorsPreflightFailure")
	ask("http://A.test", "PUT", "").expect(t, "other case", 403, "CorsPreflightFailure")
	ask("http://a.test", "POST", "").expect(t, "other method", 403, "CorsPreflightFailure")
	ask("http://a.test", "GET", "x-ms-date").expect(t, "other header, which a later rule would allow", 403, "CorsPreflightFailure")
	ask("", "GET", "").expect(t, "no origin", 400, "MissingRequiredHeader")
	ask("http://a.test", "", "").expect(t, "no method", 400, "MissingRequiredHeader")
	a = ask("http://z.test", "DELETE", "anything")
	if a.expect(t, "anyone", 200, ""); a.header.Get("Access-Control-Allow-Origin") != "http://z.test" || a.header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("anyone: %v", a.header)
	}

	a = raw(t, srv, "GET", "photos/x", "", "Origin", "http://a.test")
	if a.header.Get("Access-Control-Allow-Origin") != "http://a.test" || a.header.Get("Access-Control-Expose-Headers") != "x-ms-request-id,ETag" || a.header.Get("Vary") != "Origin" {
		t.Errorf("read: %v", a.header)
	}
	if a = raw(t, srv, "GET", "photos/none", "", "Origin", "http://a.test"); a.header.Get("Access-Control-Allow-Origin") != "http://a.test" {
		t.Errorf("error: %v", a.header)
	}
	if a = raw(t, srv, "GET", "photos/x", "", "Origin", "http://z.test"); a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" || a.header.Get("Vary") != "" {
		t.Errorf("anyone: %v", a.header)
	}
	a = raw(t, srv, "HEAD", "photos/x", "", "Origin", "http://z.test")
	if a.expect(t, "other method", 200, ""); a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Vary") != "Origin" {
		t.Errorf("other method: %v", a.header)
	}
	a = raw(t, srv, "PUT", "photos/x?comp=metadata", "", "Origin", "http://a.test")
	if a.expect(t, "write", 200, ""); a.header.Get("Access-Control-Allow-Origin") != "http://a.test" || a.header.Get("Vary") != "" {
		t.Errorf("write: %v", a.header)
	}
	if a = raw(t, srv, "GET", "photos/x", ""); a.header.Get("Vary") != "" {
		t.Errorf("no origin: %v", a.header)
	}
}
