package azureblob

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// exercise calls the method that makes a REST call, with every option set, and
// returns its result.
type exercise struct {
	run func(ctx context.Context, s *ServiceClient) (any, error)
}

// filled is an options struct with every field set.
func filled[T any]() *T {
	o := new(T)
	fill(reflect.ValueOf(o).Elem())
	return o
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "Marker" {
				fill(v.Field(i))
			}
		}
	case reflect.String:
		v.SetString("some")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		if v.Type() == reflect.TypeFor[time.Duration]() {
			v.SetInt(int64(time.Second))
		} else {
			v.SetInt(2)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte{1, 2, 3})
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		if v.Type() == reflect.TypeFor[http.Header]() {
			v.SetMapIndex(reflect.ValueOf("X-Extra"), reflect.ValueOf([]string{"some"}))
		} else {
			v.SetMapIndex(reflect.ValueOf("key"), reflect.ValueOf("some"))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	}
}

func firstPage[P any](pages func(yield func(*P, error) bool)) (any, error) {
	for page, err := range pages {
		if err != nil {
			return nil, err
		}
		return *page, nil
	}
	return nil, io.EOF
}

// exercises are the methods by the operation that they make.
var exercises = map[string]exercise{
	"Service_GetAccountInfo": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return s.AccountInfo(ctx, filled[AccountInfoOptions]())
	}},
	"Container_GetAccountInfo": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return s.Container("photos").AccountInfo(ctx, filled[AccountInfoOptions]())
	}},
	"Blob_GetAccountInfo": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return scoped(s).AccountInfo(ctx, filled[AccountInfoOptions]())
	}},
	"Service_ListContainersSegment": {func(ctx context.Context, s *ServiceClient) (any, error) {
		o := filled[ListContainersOptions]()
		o.Marker = "some"
		return firstPage(s.ContainerPages(ctx, o))
	}},
	"Container_Create": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return s.Container("photos").Create(ctx, filled[CreateContainerOptions]())
	}},
	"Container_Delete": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return s.Container("photos").Delete(ctx, filled[DeleteContainerOptions]())
	}},
	"Container_GetProperties": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return s.Container("photos").Properties(ctx, filled[ContainerPropertiesOptions]())
	}},
	"Container_SetMetadata": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return s.Container("photos").SetMetadata(ctx, Metadata{"key": "some"}, filled[SetContainerMetadataOptions]())
	}},
	"Container_ListBlobFlatSegment": {func(ctx context.Context, s *ServiceClient) (any, error) {
		o := filled[ListBlobsOptions]()
		o.Marker = "some"
		return firstPage(s.Container("photos").BlobPages(ctx, o))
	}},
	"Container_ListBlobHierarchySegment": {func(ctx context.Context, s *ServiceClient) (any, error) {
		o := filled[ListBlobsOptions]()
		o.Marker = "some"
		return firstPage(s.Container("photos").BlobPagesByHierarchy(ctx, "/", o))
	}},
	"Blob_GetProperties": {func(ctx context.Context, s *ServiceClient) (any, error) {
		if _, err := scoped(s).WithSnapshot("some").Properties(ctx, nil); err != nil {
			return nil, err
		}
		return scoped(s).WithVersion("some").Properties(ctx, filled[BlobPropertiesOptions]())
	}},
	"Blob_SetMetadata": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return scoped(s).SetMetadata(ctx, Metadata{"key": "some"}, filled[SetBlobMetadataOptions]())
	}},
	"Blob_SetHTTPHeaders": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return scoped(s).SetHTTPHeaders(ctx, *filled[HTTPHeaders](), filled[SetHTTPHeadersOptions]())
	}},
	"Blob_Delete": {func(ctx context.Context, s *ServiceClient) (any, error) {
		if _, err := scoped(s).WithSnapshot("some").Delete(ctx, nil); err != nil {
			return nil, err
		}
		return scoped(s).WithVersion("some").Delete(ctx, filled[DeleteBlobOptions]())
	}},
	"Blob_Undelete": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return scoped(s).Undelete(ctx, filled[UndeleteOptions]())
	}},
	"Blob_CreateSnapshot": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return scoped(s).Snapshot(ctx, filled[SnapshotOptions]())
	}},
	"Blob_SetTier": {func(ctx context.Context, s *ServiceClient) (any, error) {
		if _, err := scoped(s).WithSnapshot("some").SetTier(ctx, TierHot, nil); err != nil {
			return nil, err
		}
		return scoped(s).WithVersion("some").SetTier(ctx, TierHot, filled[SetTierOptions]())
	}},
	"Blob_Download": {func(ctx context.Context, s *ServiceClient) (any, error) {
		if _, err := scoped(s).WithSnapshot("some").Download(ctx, make(engine.Memory, 2), &DownloadOptions{Range: Range{2, 2}}); err != nil {
			return nil, err
		}
		return scoped(s).WithVersion("some").Download(ctx, make(engine.Memory, 2), filled[DownloadOptions]())
	}},
	"BlockBlob_Upload": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return scoped(s).Upload(ctx, strings.NewReader("x"), filled[UploadOptions]())
	}},
	"BlockBlob_StageBlock": {func(ctx context.Context, s *ServiceClient) (any, error) {
		_, err := scoped(s).Upload(ctx, onlyReader{strings.NewReader("more than a block")}, filled[UploadOptions]())
		return nil, err
	}},
	"BlockBlob_CommitBlockList": {func(ctx context.Context, s *ServiceClient) (any, error) {
		return scoped(s).Upload(ctx, onlyReader{strings.NewReader("more than a block")}, filled[UploadOptions]())
	}},
}

// scoped is the blob with what the service was made with: a key or a scope.
func scoped(s *ServiceClient) *BlobClient {
	b := s.Container("photos").Blob("cat.jpg")
	b.key, b.encryptionScope = s.key, s.encryptionScope
	return b
}

type onlyReader struct{ io.Reader }

// collect gathers the values of a result as headers would spell them.
func collect(v reflect.Value, into map[string]bool) {
	switch v.Kind() {
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			into[t.Format(http.TimeFormat)] = true
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Header" {
				collect(v.Field(i), into)
			}
		}
	case reflect.String:
		into[v.String()] = true
	case reflect.Int, reflect.Int64, reflect.Int32:
		into[fmt.Sprint(v.Int())] = true
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			into[base64.StdEncoding.EncodeToString(v.Bytes())] = true
			return
		}
		for i := range v.Len() {
			collect(v.Index(i), into)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			collect(it.Value(), into)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			collect(v.Elem(), into)
		}
	}
}

// protocolTransport answers every request with all headers and elements that
// the protocol has for its operation, and remembers what was sent.
type protocolTransport struct {
	t        testing.TB
	protocol *protocol

	mu       sync.Mutex
	requests []protocolRequest
}

type protocolRequest struct {
	op     *wire.Operation
	header http.Header
	query  url.Values
}

// services are clients with everything that a handle can bring along; a
// customer key and an encryption scope exclude each other.
func (m *protocolTransport) services() []*ServiceClient {
	key, err := NewCustomerKey(make([]byte, 32))
	if err != nil {
		m.t.Fatal(err)
	}
	var all []*ServiceClient
	for i := range 2 {
		s, err := NewServiceClient("https://account.blob.core.windows.net", testSharedKey(m.t), &ClientOptions{Transport: m, Retry: RetryOptions{Total: -1}})
		if err != nil {
			m.t.Fatal(err)
		}
		if i == 0 {
			s.key = key
		} else {
			s.encryptionScope = "some"
		}
		all = append(all, s)
	}
	return all
}

func testSharedKey(t testing.TB) *SharedKeyCredential {
	c, err := NewSharedKeyCredential("account", base64.StdEncoding.EncodeToString([]byte("a key for tests")))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (m *protocolTransport) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	op := route(req)
	if op == nil {
		return nil, fmt.Errorf("no operation is %s %s", req.Method, req.URL)
	}
	m.mu.Lock()
	m.requests = append(m.requests, protocolRequest{op, req.Header.Clone(), req.URL.Query()})
	m.mu.Unlock()
	for _, want := range m.protocol.Operations {
		if want.ID != op.ID {
			continue
		}
		h := http.Header{}
		for _, item := range want.ResponseHeaders {
			if item.Name != "Content-Length" {
				h.Set(strings.Replace(item.Name, "*", "key", 1), m.value(item))
			}
		}
		body := ""
		if want.ResponseBody.Kind == "xml" {
			body = "<" + want.ResponseBody.Root + "/>"
		}
		resp := &http.Response{StatusCode: op.OK[0], Header: h, Request: req, ProtoMajor: 1}
		if op == rest.GetBlob {
			resp.StatusCode, body = http.StatusPartialContent, "ab"
			h.Set("Content-Range", "bytes 2-3/5")
		}
		resp.ContentLength = int64(len(body))
		resp.Body = io.NopCloser(bytes.NewReader([]byte(body)))
		return resp, nil
	}
	return nil, fmt.Errorf("%s is not in the protocol", op.ID)
}

// value is what a response header holds: different for each name.
func (m *protocolTransport) value(item protocolItem) string {
	sum := fnv.New32()
	_, _ = sum.Write([]byte(item.Name))
	n := sum.Sum32() % 1_000_000
	switch item.Type {
	case "bool":
		return "true"
	case "int32", "int64":
		return fmt.Sprint(n)
	case "rfc1123":
		return time.Unix(1_700_000_000+int64(n), 0).UTC().Format(http.TimeFormat)
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(item.Name))
	case "etag":
		return string(azcore.ETag(`"0x8D` + fmt.Sprint(n) + `"`))
	}
	return "value of " + item.Name
}

// route finds the operation of a request, by the table.
func route(req *http.Request) *wire.Operation {
	level := wire.Account
	if path := strings.Trim(req.URL.EscapedPath(), "/"); strings.Contains(path, "/") {
		level = wire.Blob
	} else if path != "" {
		level = wire.Container
	}
	return rest.Match(req.Method, level, req.URL.Query(), req.Header)
}

// paths are the elements and attributes of a schema, as xmlplan names them.
func (p *protocol) paths(schema, prefix string) []string {
	var all []string
	for _, s := range p.Schemas {
		if s.Name != schema {
			continue
		}
		for _, a := range s.Attributes {
			all = append(all, prefix+"@"+a.Name)
		}
		for _, e := range s.Elements {
			path := prefix + e.Name
			switch {
			case e.Wrapped && e.Ref != "":
				all = append(all, p.paths(e.Ref, path+">"+e.Item+">")...)
			case e.Ref != "" && e.Type == "object":
				all = append(all, p.paths(e.Ref, path+">")...)
			default:
				all = append(all, path)
			}
		}
	}
	return all
}
