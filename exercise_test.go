package azureblob_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/internal/checksum"
	"github.com/goblob/azureblob/internal/engine"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
	"github.com/goblob/azureblob/pageblob"
)

// subject is what an exercise acts on: clients with what a handle can bring
// along.
type subject struct {
	service *azureblob.ServiceClient
	key     azureblob.CustomerKey
	scope   string // encryption scope

	snapshot, version string // ids

	containerName, blobName string // default photos and cat.jpg
}

func (s subject) container() *azureblob.ContainerClient {
	return s.service.Container(cmp.Or(s.containerName, "photos"))
}

func (s subject) blob() *azureblob.BlobClient {
	return s.container().Blob(cmp.Or(s.blobName, "cat.jpg")).WithCustomerKey(s.key).WithEncryptionScope(s.scope)
}

// source is the URL of what is copied: of the same service, so that none has to
// be reached.
func (s subject) source() string { return s.container().Blob("source.jpg").URL() }

// exercised calls a method, with every option set, and returns its result. The
// method makes the operation, and may make others as well. A result of nil is
// that of a leg of a transfer, whose answer is not returned.
type exercised struct {
	operation string // ID in the protocol
	method    string // such as BlobClient.SetTier or pageblob.Client.Resize
	run       func(ctx context.Context, s subject) (any, error)
}

// exercises are those of all methods. The files of the tests of a concept have
// an init function that adds to them.
var exercises []exercised

func exercise(operation, method string, run func(ctx context.Context, s subject) (any, error)) {
	exercises = append(exercises, exercised{operation, method, run})
}

// filled is an options struct with every field set, or as filler does it.
func filled[T any]() *T {
	o := new(T)
	filler(reflect.ValueOf(o).Elem())
	return o
}

// filler fills the options of exercises.
var filler = fill

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
		if v.Type() == reflect.TypeFor[azureblob.ImmutabilityPolicyMode]() {
			v.SetString(string(azureblob.ImmutabilityUnlocked))
		}
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
			v.SetBytes(make([]byte, 16)) // as long as an MD5
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

func init() {
	exercise("Service_GetAccountInfo", "ServiceClient.AccountInfo", func(ctx context.Context, s subject) (any, error) {
		return s.service.AccountInfo(ctx, filled[azureblob.AccountInfoOptions]())
	})
	exercise("Container_GetAccountInfo", "ContainerClient.AccountInfo", func(ctx context.Context, s subject) (any, error) {
		return s.container().AccountInfo(ctx, filled[azureblob.AccountInfoOptions]())
	})
	exercise("Blob_GetAccountInfo", "BlobClient.AccountInfo", func(ctx context.Context, s subject) (any, error) {
		return s.blob().AccountInfo(ctx, filled[azureblob.AccountInfoOptions]())
	})
	exercise("Service_ListContainersSegment", "ServiceClient.ContainerPages", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.ListContainersOptions]()
		o.Marker = "some"
		return firstPage(s.service.ContainerPages(ctx, o))
	})
	exercise("Container_Create", "ContainerClient.Create", func(ctx context.Context, s subject) (any, error) {
		return s.container().Create(ctx, filled[azureblob.CreateContainerOptions]())
	})
	exercise("Container_Delete", "ContainerClient.Delete", func(ctx context.Context, s subject) (any, error) {
		return s.container().Delete(ctx, filled[azureblob.DeleteContainerOptions]())
	})
	exercise("Container_GetProperties", "ContainerClient.Properties", func(ctx context.Context, s subject) (any, error) {
		return s.container().Properties(ctx, filled[azureblob.ContainerPropertiesOptions]())
	})
	exercise("Container_SetMetadata", "ContainerClient.SetMetadata", func(ctx context.Context, s subject) (any, error) {
		return s.container().SetMetadata(ctx, azureblob.Metadata{"key": "some"}, filled[azureblob.SetContainerMetadataOptions]())
	})
	exercise("Container_ListBlobFlatSegment", "ContainerClient.BlobPages", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.ListBlobsOptions]()
		o.Marker = "some"
		return firstPage(s.container().BlobPages(ctx, o))
	})
	exercise("Container_ListBlobHierarchySegment", "ContainerClient.BlobPagesByHierarchy", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.ListBlobsOptions]()
		o.Marker = "some"
		return firstPage(s.container().BlobPagesByHierarchy(ctx, "/", o))
	})
	exercise("Blob_GetProperties", "BlobClient.Properties", func(ctx context.Context, s subject) (any, error) {
		if _, err := s.blob().WithSnapshot(s.snapshot).Properties(ctx, nil); err != nil {
			return nil, err
		}
		return s.blob().WithVersion(s.version).Properties(ctx, filled[azureblob.BlobPropertiesOptions]())
	})
	exercise("Blob_SetMetadata", "BlobClient.SetMetadata", func(ctx context.Context, s subject) (any, error) {
		return s.blob().SetMetadata(ctx, azureblob.Metadata{"key": "some"}, filled[azureblob.SetBlobMetadataOptions]())
	})
	exercise("Blob_SetHTTPHeaders", "BlobClient.SetHTTPHeaders", func(ctx context.Context, s subject) (any, error) {
		return s.blob().SetHTTPHeaders(ctx, *filled[azureblob.HTTPHeaders](), filled[azureblob.SetHTTPHeadersOptions]())
	})
	exercise("Blob_Delete", "BlobClient.Delete", func(ctx context.Context, s subject) (any, error) {
		if _, err := s.blob().WithSnapshot(s.snapshot).Delete(ctx, nil); err != nil {
			return nil, err
		}
		return s.blob().WithVersion(s.version).Delete(ctx, filled[azureblob.DeleteBlobOptions]())
	})
	exercise("Blob_Undelete", "BlobClient.Undelete", func(ctx context.Context, s subject) (any, error) {
		return s.blob().Undelete(ctx, filled[azureblob.UndeleteOptions]())
	})
	exercise("Blob_CreateSnapshot", "BlobClient.Snapshot", func(ctx context.Context, s subject) (any, error) {
		return s.blob().Snapshot(ctx, filled[azureblob.SnapshotOptions]())
	})
	exercise("Blob_SetTier", "BlobClient.SetTier", func(ctx context.Context, s subject) (any, error) {
		if _, err := s.blob().WithSnapshot(s.snapshot).SetTier(ctx, azureblob.TierHot, nil); err != nil {
			return nil, err
		}
		return s.blob().WithVersion(s.version).SetTier(ctx, azureblob.TierHot, filled[azureblob.SetTierOptions]())
	})
	exercise("Blob_Download", "BlobClient.Download", func(ctx context.Context, s subject) (any, error) {
		if _, err := s.blob().WithSnapshot(s.snapshot).Download(ctx, make(engine.Memory, 2), &azureblob.DownloadOptions{Range: azureblob.Range{2, 2}}); err != nil {
			return nil, err
		}
		return s.blob().WithVersion(s.version).Download(ctx, make(engine.Memory, 2), filled[azureblob.DownloadOptions]())
	})
	exercise("BlockBlob_Upload", "BlobClient.Upload", func(ctx context.Context, s subject) (any, error) {
		return s.blob().Upload(ctx, strings.NewReader("x"), filled[azureblob.UploadOptions]())
	})
	exercise("BlockBlob_StageBlock", "BlobClient.Upload", func(ctx context.Context, s subject) (any, error) {
		_, err := s.blob().Upload(ctx, onlyReader{strings.NewReader("more than a block")}, filled[azureblob.UploadOptions]())
		return nil, err
	})
	exercise("BlockBlob_CommitBlockList", "BlobClient.Upload", func(ctx context.Context, s subject) (any, error) {
		return s.blob().Upload(ctx, onlyReader{strings.NewReader("more than a block")}, filled[azureblob.UploadOptions]())
	})
	exercise("Service_ListContainersSegment", "ServiceClient.Containers", func(ctx context.Context, s subject) (any, error) {
		return nil, drained(s.service.Containers(ctx, nil))
	})
	exercise("Container_Create", "ContainerClient.CreateIfNotExists", func(ctx context.Context, s subject) (any, error) {
		return s.container().CreateIfNotExists(ctx, filled[azureblob.CreateContainerOptions]())
	})
	exercise("Container_GetProperties", "ContainerClient.Exists", func(ctx context.Context, s subject) (any, error) {
		_, err := s.container().Exists(ctx, filled[azureblob.ContainerPropertiesOptions]())
		return nil, err
	})
	exercise("Container_ListBlobFlatSegment", "ContainerClient.Blobs", func(ctx context.Context, s subject) (any, error) {
		return nil, drained(s.container().Blobs(ctx, nil))
	})
	exercise("Container_ListBlobHierarchySegment", "ContainerClient.BlobsByHierarchy", func(ctx context.Context, s subject) (any, error) {
		return nil, drained(s.container().BlobsByHierarchy(ctx, "/", nil))
	})
	exercise("Container_ListBlobHierarchySegment", "ContainerClient.Walk", func(ctx context.Context, s subject) (any, error) {
		return nil, s.container().Walk(ctx, func(*azureblob.BlobItem) error { return nil }, nil)
	})
	exercise("Blob_GetProperties", "BlobClient.Exists", func(ctx context.Context, s subject) (any, error) {
		_, err := s.blob().Exists(ctx, filled[azureblob.BlobPropertiesOptions]())
		return nil, err
	})
	exercise("Blob_Download", "BlobClient.DownloadFile", func(ctx context.Context, s subject) (any, error) {
		folder, err := os.MkdirTemp("", "azureblob")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(folder)
		r, err := s.blob().DownloadFile(ctx, filepath.Join(folder, "cat.jpg"), filled[azureblob.DownloadOptions]())
		if left, e := os.ReadDir(folder); err != nil && (e != nil || len(left) > 0) {
			return nil, fmt.Errorf("a download failed and left %v, %w", left, e)
		}
		return r, err
	})
	exercise("Blob_Download", "BlobClient.ReadAll", func(ctx context.Context, s subject) (any, error) {
		_, err := s.blob().ReadAll(ctx, filled[azureblob.DownloadOptions]())
		return nil, err
	})
	exercise("Blob_Download", "BlobClient.NewReader", func(ctx context.Context, s subject) (any, error) {
		r, err := s.blob().NewReader(ctx, filled[azureblob.DownloadOptions]())
		if err != nil {
			return nil, err
		}
		if err := r.Close(); err != nil {
			return nil, err
		}
		return r.Result(), nil
	})
	exercise("BlockBlob_Upload", "BlobClient.UploadFile", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.UploadOptions]()
		o.BlockSize = 1 << 20
		return s.blob().UploadFile(ctx, "LICENSE", o)
	})
	exercise("BlockBlob_Upload", "BlobClient.NewWriter", func(ctx context.Context, s subject) (any, error) {
		w, err := s.blob().NewWriter(ctx, filled[azureblob.UploadOptions]())
		if err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		return w.Result(), nil
	})
}

// drained runs a loop to its end.
func drained[T any](loop func(yield func(*T, error) bool)) error {
	for _, err := range loop {
		if err != nil {
			return err
		}
	}
	return nil
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
			if f := v.Type().Field(i); f.Name != "Header" && f.IsExported() {
				collect(v.Field(i), into)
			}
		}
	case reflect.String:
		into[v.String()] = true
	case reflect.Int, reflect.Int64, reflect.Int32:
		into[fmt.Sprint(v.Int())] = true
		if d, ok := v.Interface().(time.Duration); ok {
			into[fmt.Sprint(int64(d/time.Second))] = true
		}
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

// TestCancelledBefore gives every operation a context that is over already.
func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, e := range exercises {
		mock := &protocolTransport{t: t, protocol: loadProtocol(t)}
		if _, err := e.run(ctx, mock.subjects()[0]); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", e.method, err)
		}
		if len(mock.requests) > 0 {
			t.Errorf("%s sent a request", e.method)
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
	method string
	url    *url.URL
	header http.Header
	query  url.Values
	body   []byte
}

// subjects are clients with everything that a handle can bring along; a
// customer key and an encryption scope exclude each other.
func (m *protocolTransport) subjects() []subject {
	key, err := azureblob.NewCustomerKey(make([]byte, 32))
	if err != nil {
		m.t.Fatal(err)
	}
	credential, err := azureblob.NewSharedKeyCredential("account", base64.StdEncoding.EncodeToString([]byte("a key for tests")))
	if err != nil {
		m.t.Fatal(err)
	}
	s, err := azureblob.NewServiceClient("https://account.blob.core.windows.net", credential, &azureblob.ClientOptions{Transport: m, Retry: azureblob.RetryOptions{Total: -1}})
	if err != nil {
		m.t.Fatal(err)
	}
	return []subject{{service: s, key: key, snapshot: "some", version: "some"}, {service: s, scope: "some", snapshot: "some", version: "some"}}
}

func (m *protocolTransport) Do(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	op := route(req)
	if op == nil {
		return nil, fmt.Errorf("no operation is %s %s", req.Method, req.URL)
	}
	m.mu.Lock()
	m.requests = append(m.requests, protocolRequest{op, req.Method, req.URL, req.Header.Clone(), req.URL.Query(), body})
	m.mu.Unlock()
	return m.answer(req, op, body)
}

func (m *protocolTransport) answer(req *http.Request, op *wire.Operation, sent []byte) (*http.Response, error) {
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
		if op == rest.GetBlobProperties {
			h.Set("Content-Length", "2") // so that there is something to copy
		}
		body := ""
		if want.ResponseBody.Kind == "xml" {
			body = "<" + want.ResponseBody.Root + "/>"
			if op == rest.GetUserDelegationKey {
				body = "<UserDelegationKey><Value>c29tZQ==</Value></UserDelegationKey>"
			}
		}
		if want.ResponseBody.Kind == "multipart" {
			body = batchAnswer(sent, h)
			h.Set("Content-Type", "multipart/mixed; boundary=batchresponse_1")
		}
		resp := &http.Response{StatusCode: op.OK[0], Header: h, Request: req, ProtoMajor: 1}
		if op == rest.GetBlob {
			resp.StatusCode, body = http.StatusPartialContent, "ab"
			h.Set("Content-Range", "bytes 2-3/5")
			h.Set("x-ms-structured-content-length", "2")
			if req.Header.Get("x-ms-structured-body") != "" {
				framed, err := io.ReadAll(checksum.Message(wire.Bytes(body)).Open())
				if err != nil {
					return nil, err
				}
				body = string(framed)
			}
		}
		resp.ContentLength = int64(len(body))
		resp.Body = io.NopCloser(strings.NewReader(body))
		return resp, nil
	}
	return nil, fmt.Errorf("%s is not in the protocol", op.ID)
}

// value is what a response header holds: different for each name.
func (m *protocolTransport) value(item protocolItem) string {
	sum := fnv.New32()
	_, _ = sum.Write([]byte(item.Name))
	n := sum.Sum32() % 1_000_000
	if item.Name == "x-ms-blob-append-offset" {
		item.Type = "int64" // a string in the protocol, and always a number
	}
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
	if item.Name == "x-ms-copy-status" {
		return string(azureblob.CopySuccess) // what waits for it ends
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

// clients are all types whose methods make REST calls.
var clients = []any{
	&azureblob.ServiceClient{}, &azureblob.ContainerClient{}, &azureblob.BlobClient{}, &azureblob.BlobLeaseClient{}, &azureblob.Copy{},
	&appendblob.Client{}, &blockblob.Client{}, &pageblob.Client{},
}

// TestEveryMethodIsExercised finds the methods of all clients that take a
// context, by reflection, and demands an exercise of each.
func TestEveryMethodIsExercised(t *testing.T) {
	done := map[string]bool{}
	for _, e := range exercises {
		done[e.method] = true
	}
	for _, client := range clients {
		ct := reflect.TypeOf(client)
		for i := range ct.NumMethod() {
			m := ct.Method(i)
			if m.Type.NumIn() < 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() || embedded(ct, m.Name) {
				continue
			}
			name := strings.TrimPrefix(strings.TrimPrefix(ct.String(), "*"), "azureblob.") + "." + m.Name
			if !done[name] {
				t.Errorf("%s has no exercise", name)
			}
		}
	}
}

// embedded reports whether a method comes from the client of the root package
// that a client of another package embeds.
func embedded(ct reflect.Type, method string) bool {
	if strings.HasPrefix(ct.String(), "*azureblob.") {
		return false
	}
	own, _ := ct.MethodByName(method)
	up, ok := reflect.TypeFor[*azureblob.BlobClient]().MethodByName(method)
	return ok && up.Type.NumIn() == own.Type.NumIn() && up.Type.In(up.Type.NumIn()-1) == own.Type.In(own.Type.NumIn()-1)
}

// TestStyleOfCalls holds all methods of the clients that take a context to one
// form: a pointer to options last, and an error as the last result.
func TestStyleOfCalls(t *testing.T) {
	failure := reflect.TypeFor[error]()
	for _, client := range clients {
		ct := reflect.TypeOf(client)
		for i := range ct.NumMethod() {
			m := ct.Method(i)
			if m.Type.NumIn() < 2 || m.Type.In(1).String() != "context.Context" {
				continue
			}
			last := m.Type.In(m.Type.NumIn() - 1)
			if last.Kind() != reflect.Pointer || !strings.HasSuffix(last.Elem().Name(), "Options") {
				t.Errorf("%s.%s does not take a pointer to options last", ct, m.Name)
				continue
			}
			if _, ok := last.Elem().FieldByName("CallOptions"); !ok {
				t.Errorf("%s.%s: %s does not embed CallOptions", ct, m.Name, last.Elem().Name())
			}
			if out := m.Type.Out(m.Type.NumOut() - 1); out != failure && out.Kind() != reflect.Func {
				t.Errorf("%s.%s does not return an error last", ct, m.Name)
			}
		}
	}
}
