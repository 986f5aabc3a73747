package blobtest_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
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
// what the service adds to it, service/client the one divided by the other; with
// wall- it is by the time that passed, in the median of the turns.
func BenchmarkPutGet(b *testing.B) {
	content := random(1 << 10)
	srv := blobtest.New(b)
	s := srv.ServiceClient()
	alone := instantClient(b, srv, content)
	putGet := func(s *azureblob.ServiceClient, times int) (cpu, wall float64) {
		blob := s.Container("photos").Blob("cat.bin")
		begun, start := cpuTime(), time.Now()
		for range times {
			if _, err := blob.Upload(b.Context(), bytes.NewReader(content), nil); err != nil {
				b.Fatal(err)
			}
			if _, err := blob.ReadAll(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
		}
		return float64(cpuTime() - begun), float64(time.Since(start))
	}
	for _, c := range []struct {
		name   string
		client *azureblob.ServiceClient
	}{{"with-service", s}, {"client-alone", alone}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			putGet(c.client, b.N)
		})
	}
	b.Run("share", func(b *testing.B) {
		const turn = 64
		var cpu [2]float64 // of both, and of the client alone
		var wall [2][]float64
		take := func(i int, s *azureblob.ServiceClient, times int) {
			c, w := putGet(s, times)
			cpu[i] += c
			wall[i] = append(wall[i], w/float64(times))
		}
		for left, flip := b.N, false; left > 0; left, flip = left-turn, !flip {
			n := min(left, turn)
			if flip {
				take(1, alone, n)
			}
			take(0, s, n)
			if !flip {
				take(1, alone, n)
			}
		}
		b.ReportMetric(0, "ns/op") // of both together: of no interest
		b.ReportMetric(cpu[1]/float64(b.N), "client-ns/op")
		b.ReportMetric((cpu[0]-cpu[1])/float64(b.N), "service-ns/op")
		b.ReportMetric((cpu[0]-cpu[1])/cpu[1], "service/client")
		b.ReportMetric(median(wall[0])/median(wall[1])-1, "wall-service/client")
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
// service and to a bare handler that stores the bytes. Both take turns, and the
// figures are the medians of the turns: service/bare is the speed of the one as a
// part of that of the other.
func BenchmarkUpload(b *testing.B) {
	content := random(256 << 20)
	upload := func(s *azureblob.ServiceClient) time.Duration {
		start := time.Now()
		_, err := s.Container("photos").Blob("x").Upload(b.Context(), bytes.NewReader(content), &azureblob.UploadOptions{BlockSize: 8 << 20})
		if err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	srv := blobtest.New(b)
	service := overSocket(b, srv.ConnectionString())
	if _, err := service.Container("photos").Create(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	bare := newBare()
	defer bare.Close()
	store := overSocket(b, "BlobEndpoint="+bare.URL+"/x")
	upload(service) // whoever is first pays for the memory
	upload(store)
	for _, c := range []struct {
		name   string
		client *azureblob.ServiceClient
	}{{"service", service}, {"bare", store}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				upload(c.client)
			}
		})
	}
	b.Run("ratio", func(b *testing.B) {
		var ours, theirs, ratios []float64
		speed := func(d time.Duration) float64 { return float64(len(content)) / 1e6 / d.Seconds() }
		for i := range max(b.N, 1) {
			var first, second time.Duration
			if i%2 == 0 {
				first, second = upload(service), upload(store)
			} else {
				second, first = upload(store), upload(service)
			}
			ours, theirs = append(ours, speed(first)), append(theirs, speed(second))
			ratios = append(ratios, speed(first)/speed(second))
		}
		b.ReportMetric(0, "ns/op") // of both together: of no interest
		b.ReportMetric(median(ours), "service-MB/s")
		b.ReportMetric(median(theirs), "bare-MB/s")
		b.ReportMetric(median(ratios), "service/bare")
	})
}

func overSocket(b *testing.B, connection string) *azureblob.ServiceClient {
	s, err := azureblob.NewServiceClientFromConnectionString(connection, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.CloseIdleConnections)
	return s
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
