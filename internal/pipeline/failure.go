package pipeline

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Reason is why a try is repeated.
type Reason string

// The reasons.
const (
	ReasonConnect Reason = "connect" // the service was not reached
	ReasonRead    Reason = "read"    // there was no whole answer
	ReasonStatus  Reason = "status"  // the answer was 408, 429 or 5xx
	ReasonHedge   Reason = "hedge"   // a read was slow to be answered, and is sent a second time
)

// worthATry reports whether an answer asks for another try.
func worthATry(resp *http.Response) bool { return Passing(resp.StatusCode) || sourceBusy(resp) }

// damaged reports whether the service refused the body of a call since it did not have
// its CRC64 when it came. A checksum of the caller's may be wrong itself.
func (c *Call) damaged(resp *http.Response) bool {
	return c.Summed && resp.StatusCode == http.StatusBadRequest && resp.Header.Get(headerErrorCode) == "Crc64Mismatch"
}

// Passing reports whether a status is that of a trouble that passes by itself.
func Passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Overload reports whether a status says that too much was asked, and so that the
// service did not act.
func Overload(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// Refusal reports whether a status says that the service did not act, and will not
// the next time either.
func Refusal(status int) bool { return status >= 400 && status <= 499 && !Passing(status) }

// refused reports whether an answer that is worth another try says that the service
// did not act. A gateway answers 503 as well, with no code of the service, and when
// the service may have acted; 429 is of who counts requests before they are let in.
func refused(resp *http.Response) bool {
	busy := resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get(headerErrorCode) != ""
	return busy || resp.StatusCode == http.StatusTooManyRequests || sourceBusy(resp)
}

// sourceBusy reports whether nothing was copied because the source of a copy had
// a trouble that passes by itself, whatever the status of the answer.
func sourceBusy(resp *http.Response) bool {
	switch resp.Header.Get("X-Ms-Copy-Source-Error-Code") {
	case "InternalError", "OperationTimedOut", "ServerBusy":
		return resp.StatusCode >= 400
	}
	return false
}

// throttled reports whether an answer says that too much was asked.
func throttled(resp *http.Response) bool {
	return resp != nil && (Overload(resp.StatusCode) ||
		resp.StatusCode == http.StatusInternalServerError && resp.Header.Get(headerErrorCode) == "OperationTimedOut")
}

// hopeless reports whether an error will be the same the next time.
func hopeless(err error) bool {
	if ended(err) {
		return true
	}
	return isPermanent(err) || untrusted(err) || misunderstood(err)
}

// isPermanent reports whether an error says itself that nothing was sent, and that
// another try would not help.
func isPermanent(err error) bool {
	_, ok := errors.AsType[interface {
		error
		NonRetriable()
	}](err)
	return ok
}

// open reports whether the end of a try that was sent leaves it open whether the
// service has acted.
func open(resp *http.Response, err error) bool {
	if err == nil {
		return worthATry(resp) && !refused(resp)
	}
	return !unreached(err) && !untrusted(err) && !misunderstood(err) && !isPermanent(err)
}

// untrusted reports whether an error says that the server is not who it should be.
func untrusted(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.HostnameError](err)
	return ok
}

// misunderstood reports whether an error says that the two sides do not speak the
// same protocol. Most of these errors have no type.
func misunderstood(err error) bool {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	text := err.Error()
	if strings.Contains(text, "unsupported protocol scheme") {
		return true
	}
	if !strings.Contains(text, "tls: ") {
		return false
	}
	for _, alert := range []string{"unsupported protocol version", "protocol version not supported", "no supported versions",
		"handshake failure", "insufficient security level", "bad certificate", "unknown certificate authority", "certificate required", "access denied"} {
		if strings.Contains(text, alert) {
			return true
		}
	}
	return false
}

// unreached reports whether an error says that not a byte of the request was
// sent.
func unreached(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect") {
		return true
	}
	if _, ok := errors.AsType[*proxyRefusal](err); ok {
		return true
	}
	if _, ok := errors.AsType[*noProxy](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	late, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && late.Timeout() && strings.HasSuffix(late.Error(), "net/http: TLS handshake timeout")
}

// retryAfter is the wait that an answer names.
func retryAfter(h http.Header) (time.Duration, bool) {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if n, err := strconv.ParseUint(h.Get(name), 10, 64); err == nil {
			return times(n, time.Millisecond), true
		}
	}
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return times(n, time.Second), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	// The clocks of both sides may differ, so that of the service counts.
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(at.Sub(now), 0), true
}

// times is n units, or as long as can be.
func times(n uint64, unit time.Duration) time.Duration {
	if n > uint64(math.MaxInt64/unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}
