package blobtest_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// instant answers at once, as the service would: what is left is the cost of
// the client.
type instant struct {
	put, get http.Header
	content  []byte
}

func (i *instant) Do(req *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 201, Header: i.put, Request: req, Body: http.NoBody}
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	if req.Method == http.MethodGet {
		resp.StatusCode, resp.Header, resp.ContentLength = 206, i.get, int64(len(i.content))
		resp.Body = io.NopCloser(bytes.NewReader(i.content))
	}
	return resp, nil
}

// BenchmarkPutGet is the put and the get of 1 KiB, through the service and
// through a transport that answers at once, of which the client is all there is.
// Both take turns, a few at a time, so that whatever else the machine does hits
// both. The figures are processor time: client-ns/op is the client, service-ns/op
// what the service adds to it, service/client the one divided by the other.
func BenchmarkPutGet(b *testing.B) {
	content := random(1 << 10)
	srv := blobtest.New(b)
	s := srv.ServiceClient()
	alone := instantClient(b, srv, content)
	putGet := func(s *azureblob.ServiceClient, times int) time.Duration {
		blob := s.Container("photos").Blob("cat.bin")
		start := cpuTime()
		for range times {
			if _, err := blob.Upload(b.Context(), bytes.NewReader(content), nil); err != nil {
				b.Fatal(err)
			}
			if _, err := blob.ReadAll(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
		}
		return cpuTime() - start
	}
	for name, client := range map[string]*azureblob.ServiceClient{"with-service": s, "client-alone": alone} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			putGet(client, b.N)
		})
	}
	b.Run("share", func(b *testing.B) {
		const turn = 64
		var both, client time.Duration
		for left, flip := b.N, false; left > 0; left, flip = left-turn, !flip {
			n := min(left, turn)
			if flip {
				client += putGet(alone, n)
			}
			both += putGet(s, n)
			if !flip {
				client += putGet(alone, n)
			}
		}
		b.ReportMetric(0, "ns/op") // of both together: of no interest
		b.ReportMetric(float64(client)/float64(b.N), "client-ns/op")
		b.ReportMetric(float64(both-client)/float64(b.N), "service-ns/op")
		b.ReportMetric(float64(both-client)/float64(client), "service/client")
	})
}

// instantClient is a client whose transport answers at once as the service does.
// It makes the container photos and the blob cat.bin.
func instantClient(b *testing.B, srv *blobtest.Server, content []byte) *azureblob.ServiceClient {
	c := srv.ServiceClient().Container("photos")
	if _, err := c.Create(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	up, err := c.Blob("cat.bin").Upload(b.Context(), bytes.NewReader(content), nil)
	if err != nil {
		b.Fatal(err)
	}
	down, err := c.Blob("cat.bin").Download(b.Context(), discardAt{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	credential, err := azureblob.NewSharedKeyCredential(srv.Account(), srv.Key())
	if err != nil {
		b.Fatal(err)
	}
	s, err := azureblob.NewServiceClient(srv.Endpoint(), credential, &azureblob.ClientOptions{Transport: &instant{up.Header, down.Header, content}})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

type discardAt struct{}

func (discardAt) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// BenchmarkUpload is an upload of 256 MiB in blocks of 8 MiB over a socket, to the
// service and to a bare handler that stores the bytes.
func BenchmarkUpload(b *testing.B) {
	content := random(256 << 20)
	run := func(b *testing.B, s *azureblob.ServiceClient) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			_, err := s.Container("photos").Blob("x").Upload(b.Context(), bytes.NewReader(content), &azureblob.UploadOptions{BlockSize: 8 << 20})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	srv := blobtest.New(b)
	s, err := azureblob.NewServiceClientFromConnectionString(srv.ConnectionString(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.CloseIdleConnections()
	if _, err := s.Container("photos").Create(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	b.Run("service", func(b *testing.B) { run(b, s) })

	bare := newBare()
	defer bare.Close()
	alone, err := azureblob.NewServiceClientFromConnectionString("BlobEndpoint="+bare.URL+"/x", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer alone.CloseIdleConnections()
	b.Run("bare", func(b *testing.B) { run(b, alone) })
}
