package blobtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/internal/xmlplan"
)

// exchange is one request and its answer; see [endpoint].
type exchange struct {
	target
	params
	server   *Server
	request  *http.Request
	endpoint *endpoint
	account  *account
	grant    grant
	now      time.Time
	id       string // request id
	unnamed  string // version of the protocol if the request names none
	protocol string // version of the protocol, once it is known

	document []byte  // an xmlBody
	content  content // a contentBody
	sums     sums    // of the content
	source   *source // of a copy, read by prepare

	reply reply
}

// reply is the answer of an exchange.
type reply struct {
	status  int
	header  http.Header
	body    content
	failure *failure // nil if the operation succeeded
	spare   []string // for values of headers
}

// single is the value of a header that has one. Several of them share a piece
// of memory.
func (r *reply) single(value string) []string {
	if len(r.spare) == 0 {
		r.spare = make([]string, 8)
	}
	values := r.spare[:1:1]
	values[0], r.spare = value, r.spare[1:]
	return values
}

func (s *Server) newExchange(r *http.Request, t target) *exchange {
	return s.exchangeInto(r, t, make(http.Header, 16))
}

// exchangeInto is newExchange with the headers of its answer in a map that is
// there already.
func (s *Server) exchangeInto(r *http.Request, t target, header http.Header) *exchange {
	x := &exchange{target: t, server: s, request: r, now: time.Now(), id: newRequestID()}
	x.params = params{header: r.Header, values: t.query}
	x.reply.header = header
	return x
}

// process carries the request out; the answer is in x.reply afterwards.
func (x *exchange) process() {
	err := x.carryOut()
	if err == nil && x.params.err != nil {
		err = fail(azureblob.InternalError).because("%s does not check its parameters: %v", x.operation(), x.params.err)
	}
	if err == nil && x.reply.status == 0 {
		err = fail(azureblob.InternalError).because("%s has no answer", x.operation())
	}
	if err != nil {
		x.failed(err)
	}
	x.frame()
	x.share()
	x.stamp()
}

func (x *exchange) carryOut() error {
	if err := x.admit(); err != nil {
		return err
	}
	if err := x.receive(); err != nil {
		return err
	}
	if x.endpoint.prepare != nil {
		if err := x.endpoint.prepare(x); err != nil {
			return err
		}
	}
	if x.endpoint.run == nil {
		return nil
	}
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	x.now = time.Now() // a body takes its time, in which leases end
	x.server.advanceCopies(x.now)
	lag := x.server.options.SecondaryLag
	switch {
	case x.secondary && lag > 0:
		x.account = x.account.asOf(x.now.Add(-lag))
	case x.request.Method != http.MethodGet && x.request.Method != http.MethodHead:
		x.account.remember(x.now, lag)
	}
	return x.endpoint.run(x)
}

// admit decides whether the request may be carried out at all.
func (x *exchange) admit() error {
	if x.malformed {
		return fail(azureblob.InvalidURI)
	}
	if x.account = x.server.accounts[x.target.account]; x.account == nil {
		return fail(azureblob.ResourceNotFound)
	}
	x.unnamedVersion()
	if err := x.checkVersion(); err != nil {
		return err
	}
	if x.op != nil {
		x.endpoint = endpoints[x.op]
	}
	if err := x.authorize(); err != nil {
		return err
	}
	if x.op == nil {
		return x.mismatch()
	}
	if err := x.checkNames(); err != nil {
		return err
	}
	if x.endpoint == nil {
		return fail(apiNotImplemented)
	}
	if x.secondary && x.request.Method != http.MethodGet && x.request.Method != http.MethodHead && x.request.Method != http.MethodOptions {
		return fail(azureblob.InsufficientAccountPermissions).because("Write operations are not allowed.")
	}
	if id := x.query.Get("snapshot"); id != "" && x.op.Scope&wire.Snapshot == 0 {
		return invalidQuery("snapshot", id)
	}
	if id := x.query.Get("versionid"); id != "" && x.op.Scope&wire.Version == 0 {
		return invalidQuery("versionid", id)
	}
	x.params.queryNumber("timeout", 0, math.MaxInt32, 0)
	if x.query.Get("snapshot") != "" && x.query.Get("versionid") != "" {
		return invalidQuery("versionid", x.query.Get("versionid"))
	}
	return x.invalid()
}

// mismatch is the error of a request that is no operation.
func (x *exchange) mismatch() error {
	why := rest.Explain(x.request.Method, x.level, x.query)
	switch {
	case why.Header != "" && x.params.text(why.Header) == "":
		return missingHeader(why.Header)
	case why.Header != "":
		return invalidHeader(why.Header, x.params.text(why.Header))
	case why.Method:
		return fail(azureblob.UnsupportedHTTPVerb)
	case x.query.Get("comp") != "":
		return invalidQuery("comp", x.query.Get("comp"))
	case x.query.Get("restype") != "":
		return invalidQuery("restype", x.query.Get("restype"))
	}
	return missingQuery("comp")
}

func (x *exchange) checkNames() error {
	if x.level == wire.Account {
		return nil
	}
	name := x.container
	if name != rootContainer && name != "$web" && name != "$logs" && name != "$blobchangefeed" {
		if len(name) < 3 || len(name) > 63 {
			return fail(azureblob.OutOfRangeInput).because("The specified resource name length is not within the permissible limits.")
		}
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name[0] == '-' || name[len(name)-1] == '-' || strings.Contains(name, "--") {
			return fail(azureblob.InvalidResourceName)
		}
	}
	if x.level == wire.Blob {
		return checkBlobName(x.blob)
	}
	return nil
}

func checkBlobName(name string) error {
	if !utf8.ValidString(name) {
		return fail(azureblob.InvalidURI)
	}
	length := 0
	for _, r := range name {
		if unicode.IsControl(r) || r == '\ue000' {
			return fail(azureblob.InvalidURI)
		}
		length++
		if r > 0xffff {
			length++ // the service counts in UTF-16
		}
	}
	if length > 1024 {
		return fail(azureblob.OutOfRangeInput).because("The specified resource name length is not within the permissible limits.")
	}
	if strings.Count(strings.Trim(name, "/"), "/") >= 254 {
		return fail(azureblob.InvalidURI)
	}
	return nil
}

// answer sets the status and, from a struct with response tags, the headers of
// the answer. The struct may be nil.
func (x *exchange) answer(status int, result any) error {
	x.reply.status = status
	if result != nil {
		wire.EncodeHeader(result, x.reply.header)
	}
	return nil
}

// answerXML is answer with a body, made of a struct with xml tags.
func (x *exchange) answerXML(status int, result any, root string, body any) error {
	b, err := xmlplan.Encode(root, body)
	if err != nil {
		return fmt.Errorf("%s: %w", x.operation(), err)
	}
	x.reply.header.Set("Content-Type", "application/xml")
	x.reply.body = contentOf(b)
	return x.answer(status, result)
}

// set sets a header of the answer, for those that a result cannot hold.
func (x *exchange) set(name, value string) {
	x.reply.header[canonical(name)] = x.reply.single(value)
}

// stamp adds the headers that all answers have.
func (x *exchange) stamp() {
	h := x.reply.header
	h["Server"] = serverName
	h["X-Ms-Request-Id"] = x.reply.single(x.id)
	h["Date"] = x.reply.single(pipeline.HTTPDate(x.now))
	version := x.version()
	if !versions[version] {
		version = azureblob.DefaultServiceVersion
	}
	h["X-Ms-Version"] = x.reply.single(version)
	if id := text(x.request.Header, "x-ms-client-request-id"); id != "" && len(id) <= 1024 && visible(id) {
		h["X-Ms-Client-Request-Id"] = x.reply.single(id)
	}
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

var serverName = []string{"Blobtest/" + strings.TrimPrefix(azureblob.Version, "v")}

// contentSender is a writer that takes content as it is. It reports false if it
// cannot.
type contentSender interface{ send(c content) bool }

// write sends the answer, whose headers are in w already.
func (x *exchange) write(w http.ResponseWriter) {
	h := x.reply.header
	status := x.reply.status
	bodiless := status == http.StatusNotModified || status == http.StatusNoContent
	if _, ok := h["Content-Length"]; !ok && !bodiless {
		h["Content-Length"] = x.reply.single(base10(x.reply.body.size()))
	}
	w.WriteHeader(status)
	if x.request.Method == http.MethodHead || bodiless {
		return
	}
	if s, ok := w.(contentSender); ok && s.send(x.reply.body) {
		return
	}
	// The client may be gone, which is its own affair.
	_, _ = x.reply.body.WriteTo(w)
}

// newRequestID returns a random UUID. It names a request and guards nothing.
func newRequestID() string {
	const hex = "0123456789abcdef"
	var b [36]byte
	high, low := rand.Uint64(), rand.Uint64()
	for i := range b {
		switch i {
		case 8, 13, 18, 23:
			b[i] = '-'
			continue
		}
		b[i] = hex[high&15]
		high = high>>4 | low<<60
		low >>= 4
	}
	return string(b[:])
}

// endpoint of the account as the client addressed it, for listings.
func (x *exchange) serviceEndpoint() string {
	scheme := "http"
	if x.request.TLS != nil {
		scheme = "https"
	}
	u := url.URL{Scheme: scheme, Host: x.request.Host, Path: "/"}
	if x.pathStyle {
		u.Path += x.target.account
		if x.secondary {
			u.Path += secondarySuffix
		}
		u.Path += "/"
	}
	return u.String()
}
