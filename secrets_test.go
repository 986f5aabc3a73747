package azureblob_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/blockblob"
	"github.com/goblob/azureblob/pageblob"
	"github.com/goblob/azureblob/sas"
)

const module = "github.com/goblob/azureblob"

// publicPackages are the packages that users import.
var publicPackages = []string{"", "appendblob", "blobtest", "blockblob", "pageblob", "sas"}

// typeRoots are the types from which all others are found: through what methods
// take and return, and through fields.
var typeRoots = []reflect.Type{
	reflect.TypeFor[azureblob.ServiceClient](), reflect.TypeFor[azureblob.ClientOptions](), reflect.TypeFor[azureblob.Error](),
	reflect.TypeFor[azureblob.SharedKeyCredential](), reflect.TypeFor[azureblob.CopyError](), reflect.TypeFor[azureblob.ListProperties](),
	reflect.TypeFor[azureblob.Credential](),
	// What loops yield is in no signature.
	reflect.TypeFor[azureblob.BatchItem](), reflect.TypeFor[azureblob.ContainerPage](), reflect.TypeFor[azureblob.BlobPage](),
	reflect.TypeFor[azureblob.TaggedBlobPage](), reflect.TypeFor[azureblob.Tag](), reflect.TypeFor[pageblob.PageRange](), reflect.TypeFor[pageblob.PageList](),
	reflect.TypeFor[appendblob.Client](), reflect.TypeFor[appendblob.ConflictError](), reflect.TypeFor[blockblob.Client](), reflect.TypeFor[pageblob.Client](),
	reflect.TypeFor[blockblob.QueryCSV](), reflect.TypeFor[blockblob.QueryJSON](), reflect.TypeFor[blockblob.QueryArrow](), reflect.TypeFor[blockblob.QueryParquet](),
	reflect.TypeFor[blockblob.QueryError](),
	reflect.TypeFor[blobtest.Server](), reflect.TypeFor[blobtest.Options](), reflect.TypeFor[blobtest.Proxy](), reflect.TypeFor[blobtest.ProxyOptions](),
	reflect.TypeFor[sas.Account](), reflect.TypeFor[sas.Blob](), reflect.TypeFor[sas.Container](), reflect.TypeFor[sas.Directory](), reflect.TypeFor[sas.Token](),
}

// publicTypes are all exported types that can be found from the roots.
func publicTypes() []reflect.Type {
	seen := map[reflect.Type]bool{}
	var all []reflect.Type
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		ours := t.PkgPath() == module || strings.HasPrefix(t.PkgPath(), module+"/") && !strings.Contains(t.PkgPath(), "/internal/")
		if ours && ast.IsExported(t.Name()) {
			all = append(all, t)
		}
		if t.PkgPath() != "" && !ours {
			return
		}
		for _, of := range []reflect.Type{t, reflect.PointerTo(t)} {
			for i := range of.NumMethod() {
				visit(of.Method(i).Type)
			}
		}
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Chan:
			visit(t.Elem())
		case reflect.Struct:
			for i := range t.NumField() {
				visit(t.Field(i).Type)
			}
		case reflect.Func:
			for i := range t.NumIn() {
				visit(t.In(i))
			}
			for i := range t.NumOut() {
				visit(t.Out(i))
			}
		}
	}
	for _, t := range typeRoots {
		visit(t)
	}
	return all
}

// TestAllTypesAreFound compares the types that are searched for secrets with those
// that the sources declare.
func TestAllTypesAreFound(t *testing.T) {
	found := map[string]bool{}
	for _, of := range publicTypes() {
		found[strings.TrimPrefix(of.PkgPath()+"."+of.Name(), module)] = true
	}
	for _, folder := range publicPackages {
		files, err := filepath.Glob(filepath.Join(".", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%q: %v", folder, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if full := strings.TrimPrefix("/"+folder, "/"); ok && spec.Name.IsExported() {
					if full != "" {
						full = "/" + full
					}
					if !found[full+"."+spec.Name.Name] {
						t.Errorf("%s.%s is found from no root", folder, spec.Name.Name)
					}
				}
				_, isFunc := n.(*ast.FuncDecl)
				return !isFunc
			})
		}
	}
}

// mark is what stands in every place of a secret.
const mark = "MARKED+SECRET/0123456789"

// marks are the forms that it can be printed in.
var marks = func() []string {
	digits := func(format, between string) string {
		var all []string
		for _, b := range []byte(mark[:6]) {
			all = append(all, fmt.Sprintf(format, b))
		}
		return strings.Join(all, between)
	}
	once := base64.StdEncoding.EncodeToString([]byte(mark))
	return []string{
		mark[:10], hex.EncodeToString([]byte(mark[:8])), strings.ToUpper(hex.EncodeToString([]byte(mark[:8]))),
		once[:12], base64.StdEncoding.EncodeToString([]byte(once))[:12], strings.ReplaceAll(mark, "+", "%2B")[:12],
		digits("%d", " "), digits("%d", ","), digits("%#x", ", "), digits("%#02x", " "),
	}
}()

// secretName matches the names of fields that hold a secret.
var secretName = regexp.MustCompile(`(?i)keys?$|tokens?$|secret|sig$|signature|password|authorization$|credential`)

// notSecret are fields with such names that hold none, with the reason.
var notSecret = map[string]string{
	"blobtest.Options.Key": "is the key of a service in the process of the test, which guards nothing",
	"blobtest.Server.key":  "is the key of a service in the process of the test, which guards nothing",
}

// marker fills values with marks where secrets live.
type marker struct{ depth int }

func (m marker) fill(v reflect.Value, name, of string) {
	if m.depth > 8 {
		return
	}
	m.depth++
	switch v.Kind() {
	case reflect.Struct:
		if p := v.Type().PkgPath(); p != "" && !strings.HasPrefix(p, module) {
			return // how others print is up to them
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			at := v.Field(i)
			m.fill(reflect.NewAt(at.Type(), unsafe.Pointer(at.UnsafeAddr())).Elem(), f.Name, v.Type().String())
		}
	case reflect.String:
		if m.secret(name, of) {
			v.SetString(mark)
		}
	case reflect.Slice:
		switch {
		case v.Type().Elem().Kind() == reflect.Uint8:
			if m.secret(name, of) {
				v.SetBytes([]byte(mark))
			}
		default:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			m.fill(v.Index(0), name, of)
		}
	case reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && m.secret(name, of) {
			reflect.Copy(v, reflect.ValueOf([]byte(mark)))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		m.fill(value, name, of)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		m.fill(v.Elem(), name, of)
	case reflect.Func:
		m.fillFunc(v)
	case reflect.Interface:
		for _, candidate := range markedValues() {
			if c := reflect.ValueOf(candidate); v.NumMethod() > 0 && c.Type().Implements(v.Type()) {
				v.Set(c)
				return
			}
		}
	}
}

// fillFunc fills a function without parameters: that is how secrets are hidden.
func (m marker) fillFunc(v reflect.Value) {
	if v.Type().NumIn() != 0 || v.Type().NumOut() != 1 {
		return
	}
	result := reflect.New(v.Type().Out(0)).Elem()
	m.fill(result, "secret", "")
	v.Set(reflect.MakeFunc(v.Type(), func([]reflect.Value) []reflect.Value { return []reflect.Value{result} }))
}

func (m marker) secret(name, of string) bool {
	return secretName.MatchString(name) && notSecret[of+"."+name] == ""
}

// markedToken is a token credential, as those of azidentity are: what is secret is
// behind pointers. How a credential of the caller's prints is up to the caller.
type markedToken struct{ client *struct{ token string } }

func newMarkedToken() *markedToken { return &markedToken{&struct{ token string }{mark}} }

func (m *markedToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: m.client.token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// markedValues are what constructors make of marked secrets, to be put into fields
// that are interfaces.
var markedValues = func() func() []any {
	var all []any
	return func() []any {
		if all != nil {
			return all
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(mark))
		shared, err := azureblob.NewSharedKeyCredential("account", encoded)
		if err != nil {
			panic(err)
		}
		all = []any{shared, azureblob.SASCredential("sv=2026-06-06&sig=" + mark), newMarkedToken(), context.Background()}
		return all
	}
}()

// ways of printing: every verb, in several surroundings, and JSON.
func printed(v any) map[string]string {
	type open struct{ Value any }
	type closed struct{ value any }
	all := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%T"} {
		all[verb] = fmt.Sprintf(verb, v)
		all[verb+" in a struct"] = fmt.Sprintf(verb, open{v})
		all[verb+" in a closed struct"] = fmt.Sprintf(verb, closed{v})
		all[verb+" in a slice"] = fmt.Sprintf(verb, []any{v})
		all[verb+" in a map"] = fmt.Sprintf(verb, map[string]any{"a": v})
	}
	if text, err := json.Marshal(v); err == nil {
		all["JSON"] = string(text)
	} else {
		all["the error of JSON"] = err.Error()
	}
	return all
}

// TestTypesShowNoSecret fills all exported types with secrets, wherever one lives,
// also in what is not exported, and prints them in all ways.
func TestTypesShowNoSecret(t *testing.T) {
	types, hidden := publicTypes(), 0
	for _, of := range types {
		if of.Kind() == reflect.Interface {
			continue
		}
		v := reflect.New(of)
		marker{}.fill(v.Elem(), of.Name(), of.PkgPath())
		hidden += search(t, of.String(), v.Interface()) + search(t, of.String(), v.Elem().Interface())
	}
	t.Logf("printed %d types in %d ways", len(types), hidden)
}

// search looks for marks in a value that is printed, and returns in how many ways
// that was.
func search(t *testing.T, what string, v any) int {
	t.Helper()
	all := printed(v)
	for way, text := range all {
		if i := slices.IndexFunc(marks, func(m string) bool { return strings.Contains(text, m) }); i >= 0 {
			at := strings.Index(text, marks[i])
			t.Errorf("%s of %s shows a secret: ...%.80s", way, what, text[max(0, at-60):])
			return len(all)
		}
	}
	return len(all)
}

// TestClientsShowNoSecret does so with clients, as the constructors make them.
func TestClientsShowNoSecret(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte(mark))
	const endpoint = "https://account.blob.core.windows.net"
	key := must[azureblob.CustomerKey](t)(azureblob.NewCustomerKey([]byte(mark + "01234567")))
	shared := must[*azureblob.SharedKeyCredential](t)(azureblob.NewSharedKeyCredential("account", encoded))
	user := must[sas.UserDelegationKey](t)(sas.UserDelegationKey{Account: "account", SignedObjectID: "me"}.WithValue(encoded))
	for name, service := range map[string]*azureblob.ServiceClient{
		"shared key": must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(endpoint, shared, nil)),
		"SAS":        must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(endpoint, azureblob.SASCredential("sv=2026-06-06&sig="+mark), nil)),
		"signed URL": must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(endpoint+"?sv=2026-06-06&sig="+strings.ReplaceAll(mark, "+", "%2B"), nil, nil)),
		"token":      must[*azureblob.ServiceClient](t)(azureblob.NewServiceClient(endpoint, azureblob.TokenCredential(newMarkedToken()), nil)),
		"connection": must[*azureblob.ServiceClient](t)(azureblob.NewServiceClientFromConnectionString("AccountName=account;AccountKey="+encoded, nil)),
	} {
		blob := service.Container("photos").Blob("cat").WithCustomerKey(key)
		for _, v := range []any{
			service, *service, blob, *blob, blob.Lease("some"), blockblob.New(blob), *blockblob.New(blob), appendblob.New(blob), pageblob.New(blob),
			service.NewDelegationKeyCache(nil),
		} {
			search(t, fmt.Sprintf("%T with %s", v, name), v)
		}
	}
	for _, v := range []any{
		sas.Blob{Key: shared}, sas.Blob{Key: user}, sas.Blob{Key: &user}, user, &user, sas.Account{Key: shared}, key, &key,
		must[sas.Token](t)(sas.Parse("https://host/c?sv=2026-06-06&sr=c&sig=" + strings.ReplaceAll(mark, "+", "%2B"))),
		azureblob.UserDelegationKeyResult{Key: user}, azureblob.SourceAccess{Token: newMarkedToken()},
	} {
		search(t, fmt.Sprintf("%T", v), v)
	}
}
