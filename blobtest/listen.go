package blobtest

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/goblob/azureblob/internal/selfsigned"
)

// listening is a server on the loopback interface.
type listening struct {
	url    string
	server *http.Server
	client *http.Client
	cancel context.CancelFunc // ends requests that wait
	done   chan struct{}      // closed when the server has ended
}

// base is the URL of the port, without a path. It opens the port if need be.
func (f *front) base() string { return f.listen().url }

// Client returns an HTTP client that trusts the certificate of the server. Its
// idle connections are closed with the server.
func (f *front) Client() *http.Client { return f.listen().client }

// Close ends the server, its connections and what faults hold up. What it has
// stored is gone with the last reference to it. In-process clients fail from
// then on.
func (f *front) Close() {
	f.door.Lock()
	l := f.listener
	f.closed, f.listener = true, nil
	for _, cancel := range f.held {
		cancel()
	}
	f.door.Unlock()
	if l != nil {
		l.cancel()
		l.client.CloseIdleConnections()
		_ = l.server.Close()
		<-l.done
	}
}

// listen opens the port. Like httptest it panics if it cannot: no test can go
// on without it.
func (f *front) listen() *listening {
	f.door.Lock()
	defer f.door.Unlock()
	if f.closed {
		panic("blobtest: the server is closed")
	}
	if f.listener != nil {
		return f.listener
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic("blobtest: " + err.Error())
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy, transport.DisableCompression, transport.MaxIdleConnsPerHost = nil, true, 64
	ctx, cancel := context.WithCancel(context.Background())
	l := &listening{
		cancel: cancel,
		url:    "http://" + socket.Addr().String(),
		client: &http.Client{Transport: transport},
		done:   make(chan struct{}),
		server: &http.Server{
			Handler:     f.Handler(),
			BaseContext: func(net.Listener) context.Context { return ctx },
			// Clients that go away and certificates they do not trust are what tests are about.
			ErrorLog: log.New(io.Discard, "", 0),
		},
	}
	if f.https {
		l.url = "https://" + socket.Addr().String()
		certificate, pool, err := selfsigned.New("blobtest")
		if err != nil {
			panic("blobtest: " + err.Error())
		}
		l.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	go func() {
		defer close(l.done)
		if f.https {
			_ = l.server.ServeTLS(socket, "", "")
		} else {
			_ = l.server.Serve(socket)
		}
	}()
	f.listener = l
	return l
}
