package pipeline

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// defaultIdlePerHost is the pool size if none is asked for. It is well above
// the parallel requests of one transfer: with fewer idle connections than
// workers, requests keep dialing.
const defaultIdlePerHost = 64

// defaultConnect is the time for dialing and for the TLS handshake.
const defaultConnect = 10 * time.Second

// NewTransport returns an HTTP client for the Blob service.
//
// It keeps up to maxIdlePerHost connections open to each host for 90 seconds;
// values below 1 mean 64. Make it at least the number of parallel requests.
// CloseIdleConnections of the result closes the pool.
//
// It speaks HTTP/1.1 only, since the service has no HTTP/2, and takes its
// proxy from the environment, unless [Through] changes that. It never follows a redirect, which would carry
// credentials to another host: the caller gets the 3xx response. It does not
// ask for compressed bodies, so lengths and checksums are those of the blob.
//
// Dialing and the TLS handshake have the time connect each; 0 is 10 seconds. All
// that comes later is watched by the pipeline. Open, if it is not nil, counts the
// connections that are open.
func NewTransport(maxIdlePerHost int, connect time.Duration, open *atomic.Int64) *http.Client {
	if maxIdlePerHost < 1 {
		maxIdlePerHost = defaultIdlePerHost
	}
	if connect == 0 {
		connect = defaultConnect
	}
	dialer := &net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 safeProxy(http.ProxyFromEnvironment),
			DialContext:           counted(dialer.DialContext, open),
			Protocols:             protocols,
			MaxIdleConns:          0, // no limit but the one per host
			MaxIdleConnsPerHost:   maxIdlePerHost,
			IdleConnTimeout:       90 * time.Second,
			DisableCompression:    true,
			WriteBufferSize:       64 << 10,
			ReadBufferSize:        64 << 10,
			TLSHandshakeTimeout:   connect,
			ExpectContinueTimeout: time.Second,

			OnProxyConnectResponse: connectedByProxy,
		},
		CheckRedirect: useLastResponse,
	}
}

// useLastResponse follows no redirect.
func useLastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// withoutRedirects is a transport of the caller's that follows no redirects, as
// long as the caller has not decided about them: net/http would send all headers
// but Authorization along, and a signature as the Referer.
func withoutRedirects(t policy.Transporter) policy.Transporter {
	client, ok := t.(*http.Client)
	if !ok || client == nil || client.CheckRedirect != nil {
		return t
	}
	own := *client
	own.CheckRedirect = useLastResponse
	return &own
}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// counted is dial with a count of the connections that are open.
func counted(next dial, open *atomic.Int64) dial {
	if open == nil {
		return next
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := next(ctx, network, address)
		if err != nil {
			return nil, err
		}
		// A TCP connection has to stay one, for the kernel copies files to it.
		tcp, ok := c.(*net.TCPConn)
		if !ok {
			return c, nil
		}
		open.Add(1)
		return &countedTCP{TCPConn: tcp, open: open}, nil
	}
}

type countedTCP struct {
	*net.TCPConn
	open *atomic.Int64
	once sync.Once
}

func (c *countedTCP) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.TCPConn.Close()
}
