package wire

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// Fault is an answer that says that the operation failed.
type Fault struct {
	Response *http.Response    // its body is read and can be read again
	Code     string            // the service's error code; empty if the answer has none
	Message  string            // the first line of the service's message
	Detail   map[string]string // what else the service says, such as HeaderName
}

// Error gives the status, the code and the message.
func (f *Fault) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", f.Response.StatusCode, f.Code, f.Message))
}

// quoted are the elements in which the service repeats what it was sent: a
// header, a query parameter, a signature and the text that it signs. The end of
// one can be missing, where the body was too long to be read to its end.
var quoted = regexp.MustCompile(`(?s)<(HeaderValue|QueryParameterValue|AuthenticationErrorDetail|XmlNodeValue)>.*?(?:</(?:HeaderValue|QueryParameterValue|AuthenticationErrorDetail|XmlNodeValue)>|$)`)

// maxErrorBody bounds how much of an error body is read. Those of the service
// are a few hundred bytes; a proxy may send a whole page.
const maxErrorBody = 64 << 10

type errorBody struct {
	Code                  string `xml:"Code"`
	Message               string `xml:"Message"`
	HeaderName            string `xml:"HeaderName"`
	QueryParameterName    string `xml:"QueryParameterName"`
	Reason                string `xml:"Reason"`
	XMLNodeName           string `xml:"XmlNodeName"`
	LineNumber            string `xml:"LineNumber"`
	LinePosition          string `xml:"LinePosition"`
	MinimumAllowed        string `xml:"MinimumAllowed"`
	MaximumAllowed        string `xml:"MaximumAllowed"`
	ExtendedErrorDetail   string `xml:"ExtendedErrorDetail"`
	CopySourceStatusCode  string `xml:"CopySourceStatusCode"`
	CopySourceErrorCode   string `xml:"CopySourceErrorCode"`
	CopySourceErrorDetail string `xml:"CopySourceErrorMessage"`
}

// newFault reads an error answer. The code is in a header since 2017 and in the
// body before; answers to HEAD and 304 have only the header. What the service
// quotes back is taken out, of the body as well, for it can hold what must not
// be shown.
func newFault(resp *http.Response) *Fault {
	f := &Fault{Response: resp, Code: resp.Header.Get("x-ms-error-code")}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	drain(resp.Body)
	text = quoted.ReplaceAll([]byte(pipeline.Redact(string(text))), []byte("<$1>REDACTED</$1>"))
	resp.Body = io.NopCloser(bytes.NewReader(text))
	var b errorBody
	if err := xmlplan.Decode(bytes.NewReader(text), &b); err != nil {
		return f
	}
	if f.Code == "" {
		f.Code = b.Code
	}
	f.Message = strings.TrimSpace(b.Message)
	if end := strings.IndexAny(f.Message, "\r\n"); end >= 0 {
		f.Message = strings.TrimSpace(f.Message[:end])
	}
	for _, d := range []struct{ name, value string }{
		{"HeaderName", b.HeaderName}, {"QueryParameterName", b.QueryParameterName}, {"Reason", b.Reason},
		{"XmlNodeName", b.XMLNodeName}, {"LineNumber", b.LineNumber}, {"LinePosition", b.LinePosition},
		{"MinimumAllowed", b.MinimumAllowed}, {"MaximumAllowed", b.MaximumAllowed},
		{"ExtendedErrorDetail", b.ExtendedErrorDetail}, {"CopySourceStatusCode", b.CopySourceStatusCode},
		{"CopySourceErrorCode", b.CopySourceErrorCode}, {"CopySourceErrorMessage", b.CopySourceErrorDetail},
	} {
		if d.value != "" {
			if f.Detail == nil {
				f.Detail = map[string]string{}
			}
			f.Detail[d.name] = d.value
		}
	}
	return f
}
